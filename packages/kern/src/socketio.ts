/**
 * Sending and receiving over sockets, with what goes along: addresses, descriptors, credentials.
 *
 * msghdr and cmsghdr of the user are read and written here; their layouts are those of Linux x86-64. Neighbours: `unix-socket.ts`,
 * `socketcalls.ts`. Invariant: a received descriptor is installed only after the bytes of its message have arrived.
 * Source: send(2), recv(2), cmsg(3), unix(7).
 */
import { Errno, getI32, getLong, i32, putI32, putLong, u32, type long } from "@anax/portable";
import type { Uio } from "@anax/vm";
import { IO_MAX } from "./fcntl";
import type { File } from "./file";
import { fdLimit, heapOk, transferred } from "./file-util";
import type { Lwp } from "./lwp";
import {
  E_ISCONN,
  E_PROTOTYPE,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SCM_CREDENTIALS,
  SCM_MAX_FD,
  SCM_RIGHTS,
  SOL_SOCKET,
} from "./socket-defs";
import { addressIn, addressOut, encodeAddress, findBound, notSocket, socketOf } from "./socketcalls";
import { isConnectionType, type UnixSocket } from "./unix-socket";

/** struct msghdr: bytes, and where its fields are. */
const MSGHDR_SIZE: i32 = 56;
const MSG_NAME: i32 = 0;
const MSG_NAMELEN: i32 = 8;
const MSG_IOV: i32 = 16;
const MSG_IOVLEN: i32 = 24;
const MSG_CONTROL: i32 = 32;
const MSG_CONTROLLEN: i32 = 40;
const MSG_FLAGS: i32 = 48;
/** Bytes of struct cmsghdr; its data follow, and the next one is aligned to 8. */
const CMSG_HEADER: i32 = 16;
/** Most bytes of control data that are looked at. */
const CONTROL_MAX: i32 = 2048;

/**
 * The socket that a send with an address goes to, in `fc.found`; null there for none. 0 or a negative errno.
 */
function sendTarget(lwp: Lwp, s: UnixSocket, uaddr: long, length: i32): i32 {
  const fc = lwp.kernel.fc;
  fc.found = null;
  if (uaddr === 0 || length === 0) return 0;
  if (isConnectionType(s.type)) return s.peer !== null || s.closedByPeer ? -E_ISCONN : -Errno.OPNOTSUPP;
  const n = addressIn(lwp, uaddr, length);
  if (n < 0) return n;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const r = findBound(lwp, n);
  if (r < 0) return r;
  return fc.found!.type !== s.type ? -E_PROTOTYPE : 0;
}

/** sendto(2): bytes sent. */
export function kernSendto(lwp: Lwp, fd: i32, ubuf: long, size: long, flags: i32, uaddr: long, length: i32): i32 {
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  if ((flags & MSG_OOB) !== 0) return -Errno.OPNOTSUPP;
  if (size < 0) return -Errno.INVAL;
  const r = sendTarget(lwp, s, uaddr, length);
  if (r < 0) return r;
  const n: long = size > IO_MAX ? IO_MAX : size;
  const uio = lwp.kernel.fc.uio;
  uio.initUser(lwp.proc.space!, ubuf, n, false, 0);
  if (lwp.opDone > 0) uio.skip(lwp.opDone);
  return transferred(lwp, s, uio, n, s.send(uio, lwp.kernel.fc.found, null, flags, lwp));
}

/** recvfrom(2): bytes received. The sender's address goes to `uaddr` unless it is 0. */
export function kernRecvfrom(lwp: Lwp, fd: i32, ubuf: long, size: long, flags: i32, uaddr: long, ulength: long): i32 {
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  if ((flags & MSG_OOB) !== 0) return -Errno.OPNOTSUPP;
  if (size < 0) return -Errno.INVAL;
  const n: long = size > IO_MAX ? IO_MAX : size;
  const uio = lwp.kernel.fc.uio;
  uio.initUser(lwp.proc.space!, ubuf, n, true, 0);
  if (lwp.opDone > 0) uio.skip(lwp.opDone);
  const r = s.receive(uio, flags, lwp);
  s.dropGot();
  const got = transferred(lwp, s, uio, n, r);
  if (got < 0) return got;
  if (uaddr !== 0 && ulength !== 0) {
    const e = addressOut(lwp, s.gotFrom, uaddr, ulength);
    if (e < 0) return e;
  }
  return !s.isStream && (flags & MSG_TRUNC) !== 0 ? s.gotLength : got;
}

/** The iovecs of a msghdr in `fc.scratch`: bytes in all, or a negative errno or EASYNC. */
function messageVectors(lwp: Lwp, uio: Uio, isRead: boolean): long {
  const buf = lwp.kernel.fc.scratch;
  const count = getLong(buf, MSG_IOVLEN);
  if (count < 0 || count > 1024) return -Errno.MSGSIZE;
  const r = uio.initIovecs(lwp.proc.space!, getLong(buf, MSG_IOV), i32(count), isRead, 0);
  if (r < 0) return r;
  const total = uio.resid;
  if (lwp.opDone > 0) uio.skip(lwp.opDone);
  return total;
}

/** What control data ask for: the files to pass in `fc.passing`. 0, -INVAL, -BADF, -PERM, -TOOMANYREFS, -FAULT. */
function controlIn(lwp: Lwp, ucontrol: long, size: long): i32 {
  const fc = lwp.kernel.fc;
  fc.passing = null;
  if (ucontrol === 0 || size < CMSG_HEADER) return 0;
  if (size > CONTROL_MAX) return -Errno.INVAL;
  const buf = fc.scratch;
  const n = i32(size);
  const r = lwp.proc.space!.copyin(ucontrol, buf, 0, n);
  if (r < 0) return r;
  let at: i32 = 0;
  while (((n - at) | 0) >= CMSG_HEADER) {
    const length = getLong(buf, at);
    const left: i32 = (n - at) | 0;
    if (length < CMSG_HEADER || length > left) return -Errno.INVAL;
    if (getI32(buf, (at + 8) | 0) === SOL_SOCKET) {
      const e = controlMessage(
        lwp,
        getI32(buf, (at + 12) | 0),
        (at + CMSG_HEADER) | 0,
        (i32(length) - CMSG_HEADER) | 0,
      );
      if (e < 0) return e;
    }
    at = (at + ((i32(length) + 7) & ~7)) | 0;
  }
  return 0;
}

/** One control message with its data at `at` in `fc.scratch`. */
function controlMessage(lwp: Lwp, type: i32, at: i32, length: i32): i32 {
  const fc = lwp.kernel.fc;
  const buf = fc.scratch;
  if (type === SCM_RIGHTS) {
    const count = length >> 2;
    if (count > SCM_MAX_FD) return -Errno.INVAL;
    const passing: File[] = [];
    for (let i: i32 = 0; i < count; i++) {
      const file = lwp.proc.files!.get(getI32(buf, (at + (i << 2)) | 0));
      if (file === null) return -Errno.BADF;
      passing.push(file);
    }
    if (count > 0) fc.passing = passing;
    return 0;
  }
  if (type !== SCM_CREDENTIALS || length < 12) return -Errno.INVAL;
  const cred = lwp.proc.cred;
  if (cred.euid === 0) return 0;
  const uid = u32(getI32(buf, (at + 4) | 0));
  const gid = u32(getI32(buf, (at + 8) | 0));
  if (getI32(buf, at) !== lwp.proc.pid) return -Errno.PERM;
  if (uid !== cred.uid && uid !== cred.euid && uid !== cred.suid) return -Errno.PERM;
  return gid !== cred.gid && gid !== cred.egid && gid !== cred.sgid ? -Errno.PERM : 0;
}

/** sendmsg(2). `umsg` is the address of a struct msghdr. */
export function kernSendmsg(lwp: Lwp, fd: i32, umsg: long, flags: i32): i32 {
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  if ((flags & MSG_OOB) !== 0) return -Errno.OPNOTSUPP;
  const fc = lwp.kernel.fc;
  const buf = fc.scratch;
  let r = lwp.proc.space!.copyin(umsg, buf, 0, MSGHDR_SIZE);
  if (r < 0) return r;
  const uio = fc.uio;
  const total = messageVectors(lwp, uio, false);
  if (total < 0) return i32(total);
  const uname = getLong(buf, MSG_NAME);
  const nameLength = getI32(buf, MSG_NAMELEN);
  const control = getLong(buf, MSG_CONTROL);
  const controlLength = getLong(buf, MSG_CONTROLLEN);
  r = controlIn(lwp, control, controlLength);
  if (r < 0) return r;
  r = sendTarget(lwp, s, uname, nameLength);
  if (r < 0) return r;
  r = s.send(uio, fc.found, fc.passing, flags, lwp);
  fc.passing = null;
  return transferred(lwp, s, uio, total, r);
}

/**
 * Writes control data for what came with a message: installs descriptors as far as there is room. What was written is in
 * `fc.controlWritten`. MSG_CTRUNC when something did not fit, else 0; or -FAULT.
 */
function controlOut(lwp: Lwp, s: UnixSocket, ucontrol: long, size: long, cloexec: boolean): i32 {
  const fc = lwp.kernel.fc;
  const buf = fc.scratch;
  const room: i32 = ucontrol === 0 ? 0 : size > CONTROL_MAX ? CONTROL_MAX : i32(size);
  let at: i32 = 0;
  let flags: i32 = 0;
  fc.controlWritten = 0;
  if (s.passCred) {
    if (((room - at) | 0) < CMSG_HEADER + 12) flags = MSG_CTRUNC;
    else {
      controlHeader(buf, at, 12, SCM_CREDENTIALS);
      putI32(buf, (at + CMSG_HEADER) | 0, s.gotPid);
      putI32(buf, (at + CMSG_HEADER + 4) | 0, s.gotUid);
      putI32(buf, (at + CMSG_HEADER + 8) | 0, s.gotGid);
      at = (at + CMSG_HEADER + 16) | 0;
    }
  }
  const passed = s.gotFiles;
  if (passed !== null) {
    const files = lwp.proc.files!;
    const limit = fdLimit(lwp);
    const fit: i32 = (((room - at) | 0) - CMSG_HEADER) >> 2;
    let count: i32 = 0;
    while (count < passed.length && count < fit) {
      const file = passed[count];
      file.ref();
      const got = files.install(file, cloexec, limit);
      if (got < 0) {
        file.unref();
        break;
      }
      putI32(buf, (at + CMSG_HEADER + (count << 2)) | 0, got);
      count++;
    }
    if (count < passed.length) flags = MSG_CTRUNC;
    if (count > 0) {
      controlHeader(buf, at, count << 2, SCM_RIGHTS);
      const end: i32 = (at + CMSG_HEADER + (count << 2)) | 0;
      at = (end + 7) & ~7;
      if (at > room) at = end;
    }
    s.dropGot();
  }
  fc.controlWritten = at > room ? room : at;
  if (at === 0) return flags;
  const r = lwp.proc.space!.copyout(buf, 0, ucontrol, fc.controlWritten);
  return r < 0 ? r : flags;
}

function controlHeader(buf: Uint8Array, at: i32, length: i32, type: i32): void {
  putLong(buf, at, (length + CMSG_HEADER) | 0);
  putI32(buf, (at + 8) | 0, SOL_SOCKET);
  putI32(buf, (at + 12) | 0, type);
}

/** recvmsg(2). `umsg` is the address of a struct msghdr. */
export function kernRecvmsg(lwp: Lwp, fd: i32, umsg: long, flags: i32): i32 {
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  if ((flags & MSG_OOB) !== 0) return -Errno.OPNOTSUPP;
  const fc = lwp.kernel.fc;
  const buf = fc.scratch;
  const space = lwp.proc.space!;
  let r = space.copyin(umsg, buf, 0, MSGHDR_SIZE);
  if (r < 0) return r;
  const uio = fc.uio;
  const total = messageVectors(lwp, uio, true);
  if (total < 0) return i32(total);
  const uname = getLong(buf, MSG_NAME);
  const nameRoom = getI32(buf, MSG_NAMELEN);
  const control = getLong(buf, MSG_CONTROL);
  const controlRoom = getLong(buf, MSG_CONTROLLEN);
  if (nameRoom < 0 || controlRoom < 0) return -Errno.INVAL;
  r = s.receive(uio, flags, lwp);
  const got = transferred(lwp, s, uio, total, r);
  if (got < 0) {
    s.dropGot();
    return got;
  }
  let answered: i32 = 0;
  if (s.gotLength > 0 || !s.isStream) {
    answered = controlOut(lwp, s, control, controlRoom, (flags & MSG_CMSG_CLOEXEC) !== 0);
    if (answered < 0) return answered;
  } else fc.controlWritten = 0;
  if (!s.isStream && got < s.gotLength) answered |= MSG_TRUNC;
  if (uname !== 0) {
    const whole = s.gotFrom === null && s.isStream ? 0 : encodeAddress(lwp, s.gotFrom);
    r = space.copyout(buf, 0, uname, nameRoom < whole ? nameRoom : whole);
    if (r < 0) return r;
    r = space.put32(umsg + MSG_NAMELEN, u32(whole));
    if (r < 0) return r;
  }
  r = space.putLong(umsg + MSG_CONTROLLEN, fc.controlWritten);
  if (r < 0) return r;
  r = space.put32(umsg + MSG_FLAGS, u32(answered | (flags & MSG_CMSG_CLOEXEC)));
  if (r < 0) return r;
  return !s.isStream && (flags & MSG_TRUNC) !== 0 && (flags & MSG_PEEK) === 0 ? s.gotLength : got;
}
