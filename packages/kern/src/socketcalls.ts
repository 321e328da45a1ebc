/**
 * The socket calls that make, name and connect: socket, bind, listen, connect, accept, shutdown.
 *
 * Local sockets are the only family. sockaddr_un is read and written here; its layout is that of Linux x86-64.
 * Neighbours: `unix-socket.ts` (what they do), `socketio.ts` (send and receive), `sockopt.ts`.
 * Invariant: a name is made only for a socket that then has it.
 * Source: socket(2), bind(2), listen(2), connect(2), accept(2), shutdown(2), unix(7).
 */
import { EASYNC, Errno, copyBytes, getU16, i32, putI32, putU16, u32, type long } from "@anax/portable";
import { NLC_CREATE, NLC_FOLLOW, NLC_PARENT, S_IFSOCK, W_OK } from "@anax/vfs-msg";
import { O_NONBLOCK, O_PATH, O_RDWR } from "./fcntl";
import { FK_SOCKET } from "./file";
import { fdLimit, fileOf, heapOk } from "./file-util";
import type { Lwp } from "./lwp";
import {
  AF_UNIX,
  E_ADDRINUSE,
  E_CONNREFUSED,
  E_ISCONN,
  E_NOTCONN,
  E_PROTOTYPE,
  E_SOCKTNOSUPPORT,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SOCKADDR_UN_SIZE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOCK_TYPE_MASK,
  SOMAXCONN,
} from "./socket-defs";
import { UnixBinding } from "./unix-names";
import { UnixSocket, isConnectionType } from "./unix-socket";

/** The socket of a descriptor; null when it is none (`notSocket` says why). */
export function socketOf(lwp: Lwp, fd: i32): UnixSocket | null {
  const file = fileOf(lwp, fd);
  return file === null || file.kind !== FK_SOCKET ? null : (file as UnixSocket);
}

/** Why `socketOf` found none. */
export function notSocket(lwp: Lwp, fd: i32): i32 {
  const file = fileOf(lwp, fd);
  return file === null || (file.flags & O_PATH) !== 0 ? -Errno.BADF : -Errno.NOTSOCK;
}

function newSocket(lwp: Lwp, type: i32, nonblock: boolean): UnixSocket {
  const fc = lwp.kernel.fc;
  const flags = nonblock ? O_RDWR | O_NONBLOCK : O_RDWR;
  return new UnixSocket(fc.machine, fc.pages, fc.unixFlight, type, flags, lwp.proc.cred, fc.newIno());
}

/** Checks family, type and protocol: the type without its flags, or a negative errno. */
function checkType(domain: i32, type: i32, protocol: i32): i32 {
  if ((type & ~(SOCK_TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC)) !== 0) return -Errno.INVAL;
  if (domain !== AF_UNIX) return -Errno.AFNOSUPPORT;
  if (protocol !== 0 && protocol !== AF_UNIX) return -Errno.PROTONOSUPPORT;
  const t = type & SOCK_TYPE_MASK;
  // Linux serves raw local sockets as datagrams.
  if (t === SOCK_RAW) return SOCK_DGRAM;
  return t === SOCK_STREAM || t === SOCK_DGRAM || t === SOCK_SEQPACKET ? t : -E_SOCKTNOSUPPORT;
}

/** socket(2): -AFNOSUPPORT, -PROTONOSUPPORT, -INVAL, -MFILE, -NOMEM. */
export function kernSocket(lwp: Lwp, domain: i32, type: i32, protocol: i32): i32 {
  const t = checkType(domain, type, protocol);
  if (t < 0) return t;
  const files = lwp.proc.files!;
  const fd = files.lowestFree(0, fdLimit(lwp));
  if (fd < 0) return fd;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  files.put(fd, newSocket(lwp, t, (type & SOCK_NONBLOCK) !== 0), (type & SOCK_CLOEXEC) !== 0);
  return fd;
}

/** Notes who is on the other side of `s`. */
function setPeerCred(s: UnixSocket, lwp: Lwp): void {
  s.peerPid = lwp.proc.pid;
  s.peerUid = i32(lwp.proc.cred.euid);
  s.peerGid = i32(lwp.proc.cred.egid);
}

/** socketpair(2): two descriptors to the int[2] at `ufds`. */
export function kernSocketpair(lwp: Lwp, domain: i32, type: i32, protocol: i32, ufds: long): i32 {
  const t = checkType(domain, type, protocol);
  if (t < 0) return t;
  const files = lwp.proc.files!;
  const limit = fdLimit(lwp);
  const first = files.lowestFree(0, limit);
  if (first < 0) return first;
  const second = files.lowestFree((first + 1) | 0, limit);
  if (second < 0) return second;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const buf = lwp.kernel.fc.scratch;
  putI32(buf, 0, first);
  putI32(buf, 4, second);
  const r = lwp.proc.space!.copyout(buf, 0, ufds, 8);
  if (r < 0) return r;
  const nonblock = (type & SOCK_NONBLOCK) !== 0;
  const a = newSocket(lwp, t, nonblock);
  const b = newSocket(lwp, t, nonblock);
  UnixSocket.pair(a, b);
  setPeerCred(a, lwp);
  setPeerCred(b, lwp);
  files.put(first, a, (type & SOCK_CLOEXEC) !== 0);
  files.put(second, b, (type & SOCK_CLOEXEC) !== 0);
  return 0;
}

/**
 * Brings in a sockaddr_un: the length of its path in `fc.scratch` from 2 on (a name without a file keeps its leading 0; 0
 * for no name), or -INVAL, -FAULT, EASYNC.
 */
export function addressIn(lwp: Lwp, uaddr: long, length: i32): i32 {
  if (length < 2 || length > SOCKADDR_UN_SIZE) return -Errno.INVAL;
  const buf = lwp.kernel.fc.scratch;
  const r = lwp.proc.space!.copyin(uaddr, buf, 0, length);
  if (r < 0) return r;
  if (i32(getU16(buf, 0)) !== AF_UNIX) return -Errno.INVAL;
  const n: i32 = (length - 2) | 0;
  if (n > 0 && buf[2] !== 0) {
    let end: i32 = 0;
    while (end < n && buf[2 + end] !== 0) end++;
    return end;
  }
  return n;
}

/** The name in `fc.scratch` as bytes of its own. */
function nameBytes(lwp: Lwp, n: i32): Uint8Array {
  const name = new Uint8Array(n);
  copyBytes(name, 0, lwp.kernel.fc.scratch, 2, n);
  return name;
}

/** bind(2). -INVAL (bound already), -ADDRINUSE, and what making a name gives. */
export function kernBind(lwp: Lwp, fd: i32, uaddr: long, length: i32): i32 {
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  const n = addressIn(lwp, uaddr, length);
  if (n < 0) return n;
  if (s.address !== null) return -Errno.INVAL;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const fc = lwp.kernel.fc;
  if (n === 0) {
    s.address = fc.unixNames.unused();
    fc.unixNames.add(s);
    return 0;
  }
  const name = nameBytes(lwp, n);
  if (name[0] === 0) {
    if (fc.unixNames.find(name) !== null) return -E_ADDRINUSE;
    s.address = name;
    fc.unixNames.add(s);
    return 0;
  }
  const fs = lwp.proc.fs!;
  fc.nd.init(fs.cwd, fs.root, lwp.proc.cred, NLC_PARENT | NLC_CREATE);
  fc.nd.setPath(name, 0, n);
  const r = fc.vfs.mknod(fc.nd, S_IFSOCK | (0o777 & ~fs.umask), 0);
  if (r < 0) return r === -Errno.EXIST ? -E_ADDRINUSE : r;
  const vp = fc.nd.vnode!;
  vp.ref();
  vp.special = new UnixBinding(s);
  s.boundTo = vp;
  s.address = name;
  return 0;
}

/** The socket that a name leads to, in `fc.found`: 0, -CONNREFUSED, or what the look-up gives. */
export function findBound(lwp: Lwp, n: i32): i32 {
  const fc = lwp.kernel.fc;
  const name = nameBytes(lwp, n);
  if (n === 0) return -Errno.INVAL;
  if (name[0] === 0) {
    fc.found = fc.unixNames.find(name);
    return fc.found === null ? -E_CONNREFUSED : 0;
  }
  const fs = lwp.proc.fs!;
  fc.nd.init(fs.cwd, fs.root, lwp.proc.cred, NLC_FOLLOW);
  fc.nd.setPath(name, 0, n);
  let r = fc.vfs.lookup(fc.nd);
  if (r < 0) return r;
  const vp = fc.nd.vnode;
  if (vp === null || !vp.isSock) return -E_CONNREFUSED;
  r = fc.vfs.access(fc.nd.mount!, vp, W_OK, lwp.proc.cred);
  if (r < 0) return r;
  const special = vp.special;
  if (special === null) return -E_CONNREFUSED;
  fc.found = (special as UnixBinding).socket;
  return 0;
}

/** listen(2): -INVAL (not bound), -OPNOTSUPP (no connections). */
export function kernListen(lwp: Lwp, fd: i32, backlog: i32): i32 {
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  if (!isConnectionType(s.type)) return -Errno.OPNOTSUPP;
  if (s.address === null || s.peer !== null) return -Errno.INVAL;
  s.listening = true;
  s.backlog = backlog < 0 || backlog > SOMAXCONN ? SOMAXCONN : backlog;
  setPeerCred(s, lwp);
  s.roomWait.wakeup();
  return 0;
}

/** connect(2). Streams: -CONNREFUSED, -ISCONN, -PROTOTYPE, -AGAIN, -INTR, EASYNC. Datagrams: sets the target. */
export function kernConnect(lwp: Lwp, fd: i32, uaddr: long, length: i32): i32 {
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  const buf = lwp.kernel.fc.scratch;
  if (s.type === SOCK_DGRAM && length >= 2) {
    const r = lwp.proc.space!.copyin(uaddr, buf, 0, 2);
    if (r < 0) return r;
    // AF_UNSPEC dissolves the connection.
    if (getU16(buf, 0) === 0) {
      s.peer = null;
      return 0;
    }
  }
  const n = addressIn(lwp, uaddr, length);
  if (n < 0) return n;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const fc = lwp.kernel.fc;
  fc.found = null;
  const r = findBound(lwp, n);
  if (r < 0) return r;
  const server = fc.found!;
  fc.found = null;
  if (server.type !== s.type) return -E_PROTOTYPE;
  if (s.type === SOCK_DGRAM) {
    s.peer = server;
    return 0;
  }
  if (s.peer !== null || s.closedByPeer) return -E_ISCONN;
  if (s.listening) return -Errno.INVAL;
  if (!server.listening) return -E_CONNREFUSED;
  if (server.pending.length > server.backlog) {
    if (s.isNonblocking || lwp.isLate) return -Errno.AGAIN;
    if (lwp.interrupted) return -Errno.INTR;
    if (s.sendTimeout > 0) lwp.limit(lwp.opDeadline < 0 ? lwp.kernel.now() + s.sendTimeout : lwp.opDeadline);
    server.roomWait.add(lwp);
    s.holdFor(lwp);
    return EASYNC;
  }
  const end = newSocket(lwp, s.type, false);
  end.address = server.address;
  UnixSocket.pair(s, end);
  setPeerCred(end, lwp);
  s.peerPid = server.peerPid;
  s.peerUid = server.peerUid;
  s.peerGid = server.peerGid;
  server.pending.push(end);
  server.readWait.wakeup();
  return 0;
}

/** accept4(2): a descriptor of the connection. The address of the other side goes to `uaddr` unless it is 0. */
export function kernAccept(lwp: Lwp, fd: i32, uaddr: long, ulength: long, flags: i32): i32 {
  if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) !== 0) return -Errno.INVAL;
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  if (!isConnectionType(s.type)) return -Errno.OPNOTSUPP;
  if (!s.listening) return -Errno.INVAL;
  const files = lwp.proc.files!;
  const made = files.lowestFree(0, fdLimit(lwp));
  if (made < 0) return made;
  if (s.pending.length === 0) {
    if (s.isNonblocking || lwp.isLate) return -Errno.AGAIN;
    if (lwp.interrupted) return -Errno.INTR;
    if (s.recvTimeout > 0) lwp.limit(lwp.opDeadline < 0 ? lwp.kernel.now() + s.recvTimeout : lwp.opDeadline);
    s.readWait.add(lwp);
    s.holdFor(lwp);
    return EASYNC;
  }
  const end = s.pending[0];
  if (uaddr !== 0) {
    const client = end.peer;
    const r = addressOut(lwp, client === null ? null : client.address, uaddr, ulength);
    if (r < 0) return r;
  }
  s.pending.splice(0, 1);
  s.roomWait.wakeup();
  if ((flags & SOCK_NONBLOCK) !== 0) end.flags |= O_NONBLOCK;
  files.put(made, end, (flags & SOCK_CLOEXEC) !== 0);
  return made;
}

/** Writes a sockaddr_un to `uaddr`, cut at the length at `ulength`, which becomes the whole length. 0 or -errno. */
export function addressOut(lwp: Lwp, name: Uint8Array | null, uaddr: long, ulength: long): i32 {
  const space = lwp.proc.space!;
  const v = space.get32(ulength);
  if (v < 0) return i32(v);
  const room = i32(v);
  if (room < 0) return -Errno.INVAL;
  const whole = encodeAddress(lwp, name);
  const r = space.copyout(lwp.kernel.fc.scratch, 0, uaddr, room < whole ? room : whole);
  return r < 0 ? r : space.put32(ulength, u32(whole));
}

/** A sockaddr_un of `name` at the start of `fc.scratch`: its length. */
export function encodeAddress(lwp: Lwp, name: Uint8Array | null): i32 {
  const buf = lwp.kernel.fc.scratch;
  putU16(buf, 0, u32(AF_UNIX));
  if (name === null) return 2;
  copyBytes(buf, 2, name, 0, name.length);
  const end: i32 = (name.length + 2) | 0;
  if (name.length === 0 || name[0] === 0) return end;
  buf[end] = 0;
  return (end + 1) | 0;
}

/** getsockname(2). */
export function kernGetsockname(lwp: Lwp, fd: i32, uaddr: long, ulength: long): i32 {
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  return addressOut(lwp, s.address, uaddr, ulength);
}

/** getpeername(2): -NOTCONN. */
export function kernGetpeername(lwp: Lwp, fd: i32, uaddr: long, ulength: long): i32 {
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  const peer = s.peer;
  if (peer === null) return -E_NOTCONN;
  return addressOut(lwp, peer.address, uaddr, ulength);
}

/** shutdown(2). */
export function kernShutdown(lwp: Lwp, fd: i32, how: i32): i32 {
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  if (how < SHUT_RD || how > SHUT_RDWR) return -Errno.INVAL;
  return s.shutdown(how !== SHUT_WR, how !== SHUT_RD);
}
