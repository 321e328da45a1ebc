/**
 * System calls that handle descriptors themselves: dup, fcntl, ioctl, flock.
 *
 * Neighbours: `descriptors.ts`, `file.ts`, vfs-msg's `lock.ts`. Invariant: the file of a replaced descriptor is let go after the
 * new one is in place.
 * Source: dup(2), fcntl(2), ioctl(2), flock(2).
 */
import { EASYNC, Errno, getI32, getLong, getU16, i32, putI32, putLong, putU16, u32, type long } from "@anax/portable";
import { LOCK_FLOCK, LOCK_POSIX, LockOwner, type FileLock } from "@anax/vfs-msg";
import {
  FD_CLOEXEC,
  F_ADD_SEALS,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_GETLK,
  F_GETOWN,
  F_GETOWN_EX,
  F_GETSIG,
  F_GETPIPE_SZ,
  F_GET_SEALS,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_RDLCK,
  F_SETFD,
  F_SETFL,
  F_SETLK,
  F_SETLKW,
  F_SETOWN,
  F_SETOWN_EX,
  F_SETSIG,
  F_SETPIPE_SZ,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  O_APPEND,
  O_ASYNC,
  O_CLOEXEC,
  O_GETFL,
  O_NONBLOCK,
  O_PATH,
  O_SETFL,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from "./fcntl";
import type { File } from "./file";
import { AsyncIo, F_OWNER_PGRP, F_OWNER_PID, F_OWNER_TID } from "./async-io";
import { fdLimit, fileOf, heapOk } from "./file-util";
import { pipeOf } from "./fifo";
import type { Lwp } from "./lwp";

const FLOCK_SIZE: i32 = 32;

const FIONREAD: u32 = 0x541b;
const FIONBIO: u32 = 0x5421;
const FIONCLEX: u32 = 0x5450;
const FIOCLEX: u32 = 0x5451;
const FIOASYNC: u32 = 0x5452;

/** Whether the table can grow to have a slot `fd`. */
function roomFor(lwp: Lwp, fd: i32): boolean {
  return fd < lwp.proc.files!.length ? heapOk(lwp) : lwp.kernel.vm.heapRoom((fd * 16 + 8192) | 0);
}

/** Duplicates into the lowest free descriptor at or above `from`. */
function duplicate(lwp: Lwp, file: File, from: i32, cloexec: boolean): i32 {
  const files = lwp.proc.files!;
  const fd = files.lowestFree(from, fdLimit(lwp));
  if (fd < 0) return fd;
  if (!roomFor(lwp, fd)) return -Errno.NOMEM;
  file.ref();
  files.put(fd, file, cloexec);
  return fd;
}

/** dup(2). */
export function kernDup(lwp: Lwp, fd: i32): i32 {
  const file = lwp.proc.files!.get(fd);
  return file === null ? -Errno.BADF : duplicate(lwp, file, 0, false);
}

/** Makes `newFd` refer to the file of `oldFd`; the two differ. */
function replace(lwp: Lwp, oldFd: i32, newFd: i32, cloexec: boolean): i32 {
  const files = lwp.proc.files!;
  const file = files.get(oldFd);
  if (file === null || newFd < 0 || newFd >= fdLimit(lwp)) return -Errno.BADF;
  if (!roomFor(lwp, newFd)) return -Errno.NOMEM;
  const old = files.take(newFd);
  file.ref();
  files.put(newFd, file, cloexec);
  if (old !== null) {
    old.descriptorClosed(files);
    old.unref();
  }
  return newFd;
}

/** dup2(2). */
export function kernDup2(lwp: Lwp, oldFd: i32, newFd: i32): i32 {
  if (oldFd === newFd) return lwp.proc.files!.get(oldFd) === null ? -Errno.BADF : newFd;
  return replace(lwp, oldFd, newFd, false);
}

/** dup3(2): -INVAL when both are the same. */
export function kernDup3(lwp: Lwp, oldFd: i32, newFd: i32, flags: i32): i32 {
  if ((flags & ~O_CLOEXEC) !== 0 || oldFd === newFd) return -Errno.INVAL;
  return replace(lwp, oldFd, newFd, (flags & O_CLOEXEC) !== 0);
}

/** fcntl(2). `arg` is a number or the address of a struct flock. */
export function kernFcntl(lwp: Lwp, fd: i32, cmd: i32, arg: long): i32 {
  const files = lwp.proc.files!;
  const file = fileOf(lwp, fd);
  if (file === null) return -Errno.BADF;
  switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      if (arg < 0 || arg >= fdLimit(lwp)) return -Errno.INVAL;
      return duplicate(lwp, file, i32(arg), cmd === F_DUPFD_CLOEXEC);
    case F_GETFD:
      return files.isCloexec(fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
      files.setCloexec(fd, (i32(arg) & FD_CLOEXEC) !== 0);
      return 0;
    case F_GETFL:
      return file.flags & O_GETFL;
    default:
  }
  if ((file.flags & O_PATH) !== 0) return -Errno.BADF;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  switch (cmd) {
    case F_SETFL:
      return setFlags(lwp, file, fd, i32(arg));
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
      return recordLock(lwp, file, cmd, arg, files, false);
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
      return recordLock(lwp, file, (cmd - F_OFD_GETLK + F_GETLK) | 0, arg, ownerOf(file), true);
    case F_SETOWN: {
      const id = i32(arg);
      if (id === -0x80000000) return -Errno.INVAL;
      return asyncOf(lwp, file).setOwner(lwp, id < 0 ? F_OWNER_PGRP : F_OWNER_PID, id < 0 ? -id | 0 : id);
    }
    case F_GETOWN: {
      const io = file.asyncIo;
      if (io === null) return 0;
      // One process group, seen as a negative number, reads as "will complete later".
      if (io.ownerKind === F_OWNER_PGRP) return io.ownerId === -EASYNC ? -Errno.INVAL : -io.ownerId | 0;
      return io.ownerId;
    }
    case F_SETOWN_EX: {
      const r = lwp.proc.space!.copyin(arg, lwp.kernel.fc.scratch, 0, 8);
      if (r < 0) return r;
      return asyncOf(lwp, file).setOwner(lwp, getI32(lwp.kernel.fc.scratch, 0), getI32(lwp.kernel.fc.scratch, 4));
    }
    case F_GETOWN_EX: {
      const io = file.asyncIo;
      putI32(lwp.kernel.fc.scratch, 0, io === null ? F_OWNER_TID : io.ownerKind);
      putI32(lwp.kernel.fc.scratch, 4, io === null ? 0 : io.ownerId);
      return lwp.proc.space!.copyout(lwp.kernel.fc.scratch, 0, arg, 8);
    }
    case F_SETSIG:
      return asyncOf(lwp, file).setSignal(arg < 0 || arg > 0x7fffffff ? -1 : i32(arg));
    case F_GETSIG: {
      const io = file.asyncIo;
      return io === null ? 0 : io.signal;
    }
    case F_SETPIPE_SZ: {
      const pipe = pipeOf(file);
      if (pipe === null) return -Errno.BADF;
      return arg < 0 || arg > 0x7fffffff ? -Errno.INVAL : pipe.resize(i32(arg));
    }
    case F_GETPIPE_SZ: {
      const pipe = pipeOf(file);
      return pipe === null ? -Errno.BADF : pipe.capacity;
    }
    case F_ADD_SEALS:
      return file.addSeals(i32(arg));
    case F_GET_SEALS:
      return file.getSeals();
    default:
      return -Errno.INVAL;
  }
}

/** The signals of a file, made at their first use. */
function asyncOf(lwp: Lwp, file: File): AsyncIo {
  let io = file.asyncIo;
  if (io === null) {
    io = new AsyncIo(lwp.kernel, file);
    file.asyncIo = io;
  }
  return io;
}

function setFlags(lwp: Lwp, file: File, fd: i32, flags: i32): i32 {
  const vp = file.vnode;
  // An append-only mark cannot be taken off by this system (there is none), so every flag may change.
  if (vp !== null && vp.isDir && (flags & O_APPEND) !== 0) return -Errno.INVAL;
  setAsync(lwp, file, fd, (flags & O_ASYNC) !== 0);
  const may = O_SETFL & ~O_ASYNC;
  file.flags = (file.flags & ~may) | (flags & may);
  file.flagsChanged();
  return 0;
}

/** Switches O_ASYNC; files that are always ready do not have it. */
function setAsync(lwp: Lwp, file: File, fd: i32, on: boolean): void {
  if (on === ((file.flags & O_ASYNC) !== 0) || !file.isWatchable) return;
  if (on) {
    file.flags |= O_ASYNC;
    asyncOf(lwp, file).enable(fd);
  } else {
    file.flags &= ~O_ASYNC;
    asyncOf(lwp, file).disable();
  }
}

/** The lock holder of an open file description, made at its first lock. */
function ownerOf(file: File): LockOwner {
  let owner = file.lockOwner;
  if (owner === null) {
    owner = new LockOwner();
    owner.pid = -1;
    file.lockOwner = owner;
  }
  return owner;
}

/** Sets `lock.start` and `lock.end` from l_whence, l_start, l_len. 0, -INVAL, -OVERFLOW. */
function lockRange(file: File, lock: FileLock, whence: i32, start: long, length: long): i32 {
  let base: long = 0;
  if (whence === SEEK_CUR) base = file.offset;
  else if (whence === SEEK_END) base = file.vnode!.size;
  else if (whence !== SEEK_SET) return -Errno.INVAL;
  let first: long = base + start;
  let last: long = -1;
  if (length > 0) last = first + length - 1;
  else if (length < 0) {
    last = first - 1;
    first = first + length;
  }
  if (first < 0 || (length !== 0 && last < 0)) return -Errno.INVAL;
  lock.start = first;
  lock.end = last;
  return 0;
}

/** F_GETLK, F_SETLK, F_SETLKW on the struct flock at `uflock`. */
function recordLock(lwp: Lwp, file: File, cmd: i32, uflock: long, owner: LockOwner, ofd: boolean): i32 {
  const fc = lwp.kernel.fc;
  const space = lwp.proc.space!;
  const buf = fc.scratch;
  let r = space.copyin(uflock, buf, 0, FLOCK_SIZE);
  if (r < 0) return r;
  const vp = file.vnode;
  if (vp === null) return -Errno.INVAL;
  const lock = fc.lock;
  const type: i32 = i32(getU16(buf, 0));
  if (type > F_UNLCK || (cmd === F_GETLK && type === F_UNLCK)) return -Errno.INVAL;
  if (ofd && getLong(buf, 24) !== 0) return -Errno.INVAL;
  r = lockRange(file, lock, i32(getU16(buf, 2)), getLong(buf, 8), getLong(buf, 16));
  if (r < 0) return r;
  lock.type = type;
  lock.pid = 0;
  if (cmd !== F_GETLK) {
    if (type === F_RDLCK && !file.isReadable) return -Errno.BADF;
    if (type === F_WRLCK && !file.isWritable) return -Errno.BADF;
  }
  if (!ofd) owner.pid = lwp.proc.pid;
  // A call that a signal interrupts makes a last attempt that does not wait.
  const last = cmd === F_SETLKW && lwp.interrupted;
  r = fc.vfs.advlock(vp, owner, last ? F_SETLK : cmd, LOCK_POSIX, lock, lwp);
  if (r === EASYNC) file.holdFor(lwp);
  if (last && r === -Errno.AGAIN) return -Errno.INTR;
  if (r < 0 || cmd !== F_GETLK) return r;
  putU16(buf, 0, u32(lock.type));
  if (lock.type !== F_UNLCK) {
    putU16(buf, 2, 0);
    putLong(buf, 8, lock.start);
    putLong(buf, 16, lock.end < 0 ? 0 : lock.end - lock.start + 1);
    putI32(buf, 24, lock.pid);
  }
  return space.copyout(buf, 0, uflock, FLOCK_SIZE);
}

/** flock(2). */
export function kernFlock(lwp: Lwp, fd: i32, operation: i32): i32 {
  const file = fileOf(lwp, fd);
  if (file === null || (file.flags & O_PATH) !== 0) return -Errno.BADF;
  const lock = lwp.kernel.fc.lock;
  const what = operation & ~LOCK_NB;
  if (what === LOCK_SH) lock.type = F_RDLCK;
  else if (what === LOCK_EX) lock.type = F_WRLCK;
  else if (what === LOCK_UN) lock.type = F_UNLCK;
  else return -Errno.INVAL;
  const vp = file.vnode;
  if (vp === null) return -Errno.INVAL;
  lock.start = 0;
  lock.end = -1;
  lock.pid = 0;
  const wait = (operation & LOCK_NB) === 0;
  const cmd = wait && !lwp.interrupted ? F_SETLKW : F_SETLK;
  const r = lwp.kernel.fc.vfs.advlock(vp, ownerOf(file), cmd, LOCK_FLOCK, lock, lwp);
  if (r === EASYNC) file.holdFor(lwp);
  if (wait && lwp.interrupted && r === -Errno.AGAIN) return -Errno.INTR;
  return r;
}

/** ioctl(2). */
export function kernIoctl(lwp: Lwp, fd: i32, cmd: u32, arg: long): i32 {
  const file = fileOf(lwp, fd);
  if (file === null || (file.flags & O_PATH) !== 0) return -Errno.BADF;
  const space = lwp.proc.space!;
  switch (cmd) {
    case FIOCLEX:
      lwp.proc.files!.setCloexec(fd, true);
      return 0;
    case FIONCLEX:
      lwp.proc.files!.setCloexec(fd, false);
      return 0;
    case FIONBIO:
    case FIOASYNC: {
      const on = space.get32(arg);
      if (on < 0) return i32(on);
      if (cmd === FIOASYNC) {
        if (on !== 0 && !file.isWatchable) return -Errno.NOTTY;
        if (!heapOk(lwp)) return -Errno.NOMEM;
        setAsync(lwp, file, fd, on !== 0);
        return 0;
      }
      if (on !== 0) file.flags |= O_NONBLOCK;
      else file.flags &= ~O_NONBLOCK;
      file.flagsChanged();
      return 0;
    }
    case FIONREAD: {
      const n = file.available();
      if (n >= 0) return space.put32(arg, i32(n) >>> 0);
      break;
    }
    default:
  }
  const r = file.ioctl(cmd, arg, lwp);
  if (r === EASYNC) file.holdFor(lwp);
  return r;
}
