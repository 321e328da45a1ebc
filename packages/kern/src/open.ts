/**
 * Opening and closing: open, close, pipe.
 *
 * Neighbours: vfs-msg's `Vfs#open` (look-up, creation, permissions), `vnode-file.ts`, `fifo.ts`, `pipe.ts`, `fileops.ts`.
 * Invariant: a descriptor is published only when nothing can fail any more.
 * Source: open(2), pipe(2), close_range(2).
 */
import { Errno, i32, putI32, u32, type long } from "@anax/portable";
import { NLC_FOLLOW, type Cred, type NLookup } from "@anax/vfs-msg";
import {
  CLOSE_RANGE_CLOEXEC,
  CLOSE_RANGE_UNSHARE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_LARGEFILE,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_NOT_KEPT,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
} from "./fcntl";
import type { File } from "./file";
import { fdLimit, heapOk } from "./file-util";
import { FifoOpen, openFifo } from "./fifo";
import type { Lwp } from "./lwp";
import { MemFile, MemSeals } from "./memfd";
import { namei } from "./nameops";
import { Pipe, PipeFile } from "./pipe";
import { DeviceFile, KernDevice, VnodeFile } from "./vnode-file";

/** open(2), openat(2): a descriptor. `flags` are O_*, `mode` is taken before the umask. */
export function kernOpen(lwp: Lwp, dirfd: i32, upath: long, flags: i32, mode: i32): i32 {
  const proc = lwp.proc;
  const files = proc.files!;
  const fd = files.lowestFree(0, fdLimit(lwp));
  if (fd < 0) return fd;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const fc = lwp.kernel.fc;
  fc.opened = null;
  const waiting = lwp.opObj;
  let r: i32 = 0;
  if (waiting !== null && waiting instanceof FifoOpen) r = (waiting as FifoOpen).resume(lwp);
  else {
    let f = flags;
    if ((f & O_PATH) !== 0) f &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if ((f & (O_CREAT | O_DIRECTORY)) === (O_CREAT | O_DIRECTORY)) return -Errno.INVAL;
    const nd = fc.nd;
    r = namei(lwp, nd, dirfd, upath, (f & O_NOFOLLOW) !== 0 ? 0 : NLC_FOLLOW);
    if (r < 0) return r;
    r = openName(lwp, nd, f, mode & 0o7777 & ~proc.fs!.umask);
  }
  if (r !== 0) return r;
  const file = fc.opened!;
  fc.opened = null;
  files.put(fd, file, (flags & O_CLOEXEC) !== 0);
  return fd;
}

/** Opens what `nd` names: 0 with the file in `fc.opened`, a negative errno, or EASYNC (a FIFO waits for its other side). */
export function openName(lwp: Lwp, nd: NLookup, flags: i32, mode: i32): i32 {
  const fc = lwp.kernel.fc;
  const vfs = fc.vfs;
  const cred: Cred = lwp.proc.cred;
  const r = vfs.open(nd, flags, mode);
  if (r < 0) return r;
  const kept = (flags & ~O_NOT_KEPT) | O_LARGEFILE;
  const jump = nd.jump;
  if (jump !== null && jump.vnode === null) return (jump as File).reopen(kept, lwp);
  const vp = nd.vnode!;
  // O_TMPFILE walks to the folder, which is not the file's name.
  const named = jump === null && !(nd.created && nd.ncp!.vnode !== vp);
  if (named) nd.into(fc.handle);
  let e: i32 = 0;
  const device = nd.device;
  if ((flags & O_PATH) !== 0) fc.opened = new VnodeFile(vfs, vp, kept, cred);
  else if (vp.isFifo) e = openFifo(lwp, vp, kept);
  else if (device !== null) {
    if (device instanceof KernDevice) {
      e = (device as KernDevice).openFile(lwp, vp, flags);
      if (e < 0) vfs.close(vp, flags);
    } else fc.opened = new DeviceFile(vfs, vp, device, kept, cred);
  } else {
    const special = vp.special;
    if (special !== null && special instanceof MemSeals) {
      fc.opened = new MemFile(vfs, vp, kept, cred, special as MemSeals);
    } else fc.opened = new VnodeFile(vfs, vp, kept, cred);
  }
  const file = fc.opened;
  if (e === 0 && named && file !== null && file.handle === null && file instanceof VnodeFile)
    (file as VnodeFile).setName(fc.handle);
  fc.handle.clear();
  return e;
}

/** close(2). */
export function kernClose(lwp: Lwp, fd: i32): i32 {
  return lwp.proc.files!.close(fd);
}

/** close_range(2). */
export function kernCloseRange(lwp: Lwp, first: u32, last: u32, flags: i32): i32 {
  if (first > last || (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) !== 0) return -Errno.INVAL;
  const proc = lwp.proc;
  let files = proc.files!;
  if ((flags & CLOSE_RANGE_UNSHARE) !== 0 && files.refs > 1) {
    if (!heapOk(lwp)) return -Errno.NOMEM;
    const mine = files.copy();
    files.release();
    proc.files = mine;
    files = mine;
  }
  const end: i32 = last < u32(files.length) ? i32(last) : (files.length - 1) | 0;
  if (end < 0 || first > u32(end)) return 0;
  for (let fd: i32 = i32(first); fd <= end; fd++) {
    if (files.get(fd) === null) continue;
    if ((flags & CLOSE_RANGE_CLOEXEC) !== 0) files.setCloexec(fd, true);
    else files.close(fd);
  }
  return 0;
}

/** pipe2(2): two descriptors to the int[2] at `ufds`. */
export function kernPipe2(lwp: Lwp, ufds: long, flags: i32): i32 {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) !== 0) return -Errno.INVAL;
  const proc = lwp.proc;
  const files = proc.files!;
  const fc = lwp.kernel.fc;
  const limit = fdLimit(lwp);
  const readFd = files.lowestFree(0, limit);
  if (readFd < 0) return readFd;
  const writeFd = files.lowestFree((readFd + 1) | 0, limit);
  if (writeFd < 0) return writeFd;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  putI32(fc.scratch, 0, readFd);
  putI32(fc.scratch, 4, writeFd);
  const r = proc.space!.copyout(fc.scratch, 0, ufds, 8);
  if (r < 0) return r;
  const cloexec = (flags & O_CLOEXEC) !== 0;
  const nonblock = flags & O_NONBLOCK;
  const pipe = new Pipe(fc.machine, fc.pages);
  const ino = fc.newIno();
  files.put(readFd, new PipeFile(pipe, O_RDONLY | nonblock, proc.cred, ino), cloexec);
  files.put(writeFd, new PipeFile(pipe, O_WRONLY | nonblock, proc.cred, ino), cloexec);
  return 0;
}
