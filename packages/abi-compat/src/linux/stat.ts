/**
 * stat, statx, statfs: attributes of files and file systems in Linux's structures.
 *
 * Neighbours: kern's `kernStatAt`, `kernFstat`, `kernStatfs` fill a `Stat`; this file writes it out. Invariant: every byte of a
 * structure is written, so nothing of the kernel leaks.
 * Source: stat(2), statx(2), statfs(2).
 */
import { Errno, fillBytes, i32, putI32, putLong, putU16, putU32, toLong, u32, type long } from "@anax/portable";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_SYMLINK_NOFOLLOW,
  kernFstat,
  kernFstatfs,
  kernStatAt,
  kernStatfs,
  type Lwp,
} from "@anax/kern";
import { devMajor, devMinor, type Stat, type StatFs } from "@anax/vfs-msg";
import { arg0, arg1, arg2, arg4, int0, int2, int3, uint3 } from "./args";
import type { LinuxContext } from "./context";
import { StatL, StatfsL, StatxL } from "./layout";

export function sysStat(c: LinuxContext, lwp: Lwp): long {
  const error = kernStatAt(lwp, AT_FDCWD, arg0(lwp), 0, c.st);
  return error !== 0 ? error : copyoutStat(c, lwp, arg1(lwp));
}

export function sysLstat(c: LinuxContext, lwp: Lwp): long {
  const error = kernStatAt(lwp, AT_FDCWD, arg0(lwp), AT_SYMLINK_NOFOLLOW, c.st);
  return error !== 0 ? error : copyoutStat(c, lwp, arg1(lwp));
}

export function sysFstat(c: LinuxContext, lwp: Lwp): long {
  const error = kernFstat(lwp, int0(lwp), c.st);
  return error !== 0 ? error : copyoutStat(c, lwp, arg1(lwp));
}

export function sysNewfstatat(c: LinuxContext, lwp: Lwp): long {
  const flags = int3(lwp);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT)) !== 0) return -Errno.INVAL;
  const error = kernStatAt(lwp, int0(lwp), arg1(lwp), flags & ~AT_NO_AUTOMOUNT, c.st);
  return error !== 0 ? error : copyoutStat(c, lwp, arg2(lwp));
}

function copyoutStat(c: LinuxContext, lwp: Lwp, ustat: long): i32 {
  const b = c.buf;
  encodeStat(c.st, b, 0);
  return lwp.proc.vm.copyout(b, 0, ustat, i32(StatL.SIZE));
}

/** Writes struct stat at `off` of `b`. */
export function encodeStat(st: Stat, b: Uint8Array, off: i32): void {
  putLong(b, (off + StatL.dev) | 0, toLong(st.dev));
  putLong(b, (off + StatL.ino) | 0, st.ino);
  putLong(b, (off + StatL.nlink) | 0, toLong(st.nlink));
  putI32(b, (off + StatL.mode) | 0, st.mode);
  putU32(b, (off + StatL.uid) | 0, st.uid);
  putU32(b, (off + StatL.gid) | 0, st.gid);
  putU32(b, (off + StatL.gid + 4) | 0, 0);
  putLong(b, (off + StatL.rdev) | 0, toLong(st.rdev));
  putLong(b, (off + StatL.size) | 0, st.size);
  putLong(b, (off + StatL.blksize) | 0, toLong(st.blksize));
  putLong(b, (off + StatL.blocks) | 0, st.blocks);
  putLong(b, (off + StatL.atim) | 0, st.atimeSec);
  putLong(b, (off + StatL.atim + 8) | 0, toLong(st.atimeNsec));
  putLong(b, (off + StatL.mtim) | 0, st.mtimeSec);
  putLong(b, (off + StatL.mtim + 8) | 0, toLong(st.mtimeNsec));
  putLong(b, (off + StatL.ctim) | 0, st.ctimeSec);
  putLong(b, (off + StatL.ctim + 8) | 0, toLong(st.ctimeNsec));
  putLong(b, (off + 120) | 0, 0);
  putLong(b, (off + 128) | 0, 0);
  putLong(b, (off + 136) | 0, 0);
}

const STATX_BASIC_STATS: u32 = 0x7ff;
const STATX_RESERVED: u32 = 0x80000000;
const AT_STATX_SYNC_TYPE: i32 = 0x6000;

/** statx(2): the basic set is always filled; there is no birth time and there are no attributes. */
export function sysStatx(c: LinuxContext, lwp: Lwp): long {
  const flags = int2(lwp);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)) !== 0)
    return -Errno.INVAL;
  if ((flags & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE || (uint3(lwp) & STATX_RESERVED) !== 0) return -Errno.INVAL;
  const error = kernStatAt(lwp, int0(lwp), arg1(lwp), flags & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH), c.st);
  if (error !== 0) return error;
  const b = c.buf;
  encodeStatx(c.st, b, 0);
  return lwp.proc.vm.copyout(b, 0, arg4(lwp), i32(StatxL.SIZE));
}

/** Writes struct statx at `off` of `b`. */
export function encodeStatx(st: Stat, b: Uint8Array, off: i32): void {
  fillBytes(b, off, i32(StatxL.SIZE), 0);
  putU32(b, (off + StatxL.mask) | 0, STATX_BASIC_STATS);
  putI32(b, (off + StatxL.blksize) | 0, st.blksize);
  putI32(b, (off + StatxL.nlink) | 0, st.nlink);
  putU32(b, (off + StatxL.uid) | 0, st.uid);
  putU32(b, (off + StatxL.gid) | 0, st.gid);
  putU16(b, (off + StatxL.mode) | 0, u32(st.mode & 0xffff));
  putLong(b, (off + StatxL.ino) | 0, st.ino);
  putLong(b, (off + StatxL.size) | 0, st.size);
  putLong(b, (off + StatxL.blocks) | 0, st.blocks);
  putStamp(b, (off + StatxL.atime) | 0, st.atimeSec, st.atimeNsec);
  putStamp(b, (off + StatxL.ctime) | 0, st.ctimeSec, st.ctimeNsec);
  putStamp(b, (off + StatxL.mtime) | 0, st.mtimeSec, st.mtimeNsec);
  putI32(b, (off + StatxL.rdev_major) | 0, devMajor(st.rdev));
  putI32(b, (off + StatxL.rdev_minor) | 0, devMinor(st.rdev));
  putI32(b, (off + StatxL.dev_major) | 0, devMajor(st.dev));
  putI32(b, (off + StatxL.dev_minor) | 0, devMinor(st.dev));
}

function putStamp(b: Uint8Array, off: i32, sec: long, nsec: i32): void {
  putLong(b, off, sec);
  putI32(b, (off + 8) | 0, nsec);
}

/** ST_VALID: the flags of statfs are meaningful. */
const ST_VALID: i32 = 0x20;

export function sysStatfs(c: LinuxContext, lwp: Lwp): long {
  const error = kernStatfs(lwp, arg0(lwp), c.stfs);
  return error !== 0 ? error : copyoutStatfs(c, lwp, arg1(lwp));
}

export function sysFstatfs(c: LinuxContext, lwp: Lwp): long {
  const error = kernFstatfs(lwp, int0(lwp), c.stfs);
  return error !== 0 ? error : copyoutStatfs(c, lwp, arg1(lwp));
}

function copyoutStatfs(c: LinuxContext, lwp: Lwp, ubuf: long): i32 {
  const b = c.buf;
  encodeStatfs(c.stfs, b, 0);
  return lwp.proc.vm.copyout(b, 0, ubuf, i32(StatfsL.SIZE));
}

/** Writes struct statfs at `off` of `b`. */
export function encodeStatfs(s: StatFs, b: Uint8Array, off: i32): void {
  fillBytes(b, off, i32(StatfsL.SIZE), 0);
  putLong(b, (off + StatfsL.type) | 0, toLong(s.type));
  putLong(b, (off + StatfsL.bsize) | 0, toLong(s.bsize));
  putLong(b, (off + StatfsL.blocks) | 0, s.blocks);
  putLong(b, (off + StatfsL.bfree) | 0, s.bfree);
  putLong(b, (off + StatfsL.bavail) | 0, s.bavail);
  putLong(b, (off + StatfsL.files) | 0, s.files);
  putLong(b, (off + StatfsL.ffree) | 0, s.ffree);
  putU32(b, (off + StatfsL.fsid) | 0, s.dev);
  putLong(b, (off + StatfsL.namelen) | 0, toLong(s.namelen));
  putLong(b, (off + StatfsL.frsize) | 0, toLong(s.bsize));
  putLong(b, (off + StatfsL.flags) | 0, toLong(s.flags | ST_VALID));
}
