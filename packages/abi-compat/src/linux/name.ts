/**
 * System calls on names: directories, links, owners and modes, working directory, mounts.
 *
 * The old calls are the *at calls with AT_FDCWD. Neighbours: kern's `nameops.ts`; `stat.ts`, `file.ts`.
 * Invariant: unknown flags are refused here or in kern, never ignored.
 * Source: the section 2 manual page of each call.
 */
import { Errno, getLong, i32, toLong, u32, type long } from "@anax/portable";
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  UTIME_NOW,
  UTIME_OMIT,
  kernAccessAt,
  kernChdir,
  kernChmodAt,
  kernChownAt,
  kernChroot,
  kernFchdir,
  kernFchmod,
  kernFchown,
  kernGetcwd,
  kernLinkAt,
  kernMkdirAt,
  kernMknodAt,
  kernMount,
  kernReadlinkAt,
  kernRenameAt,
  kernSymlinkAt,
  kernUmask,
  kernUmount,
  kernUnlinkAt,
  kernUtimensAt,
  type Lwp,
} from "@anax/kern";
import { arg0, arg1, arg2, arg3, arg4, int0, int1, int2, int3, int4, uint2 } from "./args";
import type { LinuxContext } from "./context";
import { TimespecL, UtimbufL } from "./layout";

export function sysAccess(_c: LinuxContext, lwp: Lwp): long {
  return accessAt(lwp, AT_FDCWD, arg0(lwp), int1(lwp), 0);
}

export function sysFaccessat(_c: LinuxContext, lwp: Lwp): long {
  return accessAt(lwp, int0(lwp), arg1(lwp), int2(lwp), 0);
}

export function sysFaccessat2(_c: LinuxContext, lwp: Lwp): long {
  return accessAt(lwp, int0(lwp), arg1(lwp), int2(lwp), int3(lwp));
}

function accessAt(lwp: Lwp, dirfd: i32, upath: long, mode: i32, flags: i32): i32 {
  if ((mode & ~7) !== 0 || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -Errno.INVAL;
  return kernAccessAt(lwp, dirfd, upath, mode, flags);
}

export function sysMkdir(_c: LinuxContext, lwp: Lwp): long {
  return kernMkdirAt(lwp, AT_FDCWD, arg0(lwp), int1(lwp));
}

export function sysMkdirat(_c: LinuxContext, lwp: Lwp): long {
  return kernMkdirAt(lwp, int0(lwp), arg1(lwp), int2(lwp));
}

export function sysRmdir(_c: LinuxContext, lwp: Lwp): long {
  return kernUnlinkAt(lwp, AT_FDCWD, arg0(lwp), AT_REMOVEDIR);
}

export function sysUnlink(_c: LinuxContext, lwp: Lwp): long {
  return kernUnlinkAt(lwp, AT_FDCWD, arg0(lwp), 0);
}

export function sysUnlinkat(_c: LinuxContext, lwp: Lwp): long {
  if ((int2(lwp) & ~AT_REMOVEDIR) !== 0) return -Errno.INVAL;
  return kernUnlinkAt(lwp, int0(lwp), arg1(lwp), int2(lwp));
}

export function sysRename(_c: LinuxContext, lwp: Lwp): long {
  return kernRenameAt(lwp, AT_FDCWD, arg0(lwp), AT_FDCWD, arg1(lwp), 0);
}

export function sysRenameat(_c: LinuxContext, lwp: Lwp): long {
  return kernRenameAt(lwp, int0(lwp), arg1(lwp), int2(lwp), arg3(lwp), 0);
}

export function sysRenameat2(_c: LinuxContext, lwp: Lwp): long {
  return kernRenameAt(lwp, int0(lwp), arg1(lwp), int2(lwp), arg3(lwp), int4(lwp));
}

export function sysLink(_c: LinuxContext, lwp: Lwp): long {
  return kernLinkAt(lwp, AT_FDCWD, arg0(lwp), AT_FDCWD, arg1(lwp), 0);
}

export function sysLinkat(_c: LinuxContext, lwp: Lwp): long {
  const flags = int4(lwp);
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) return -Errno.INVAL;
  return kernLinkAt(lwp, int0(lwp), arg1(lwp), int2(lwp), arg3(lwp), flags);
}

export function sysSymlink(_c: LinuxContext, lwp: Lwp): long {
  return kernSymlinkAt(lwp, arg0(lwp), AT_FDCWD, arg1(lwp));
}

export function sysSymlinkat(_c: LinuxContext, lwp: Lwp): long {
  return kernSymlinkAt(lwp, arg0(lwp), int1(lwp), arg2(lwp));
}

/** The size is an int: what is not positive is refused. */
export function sysReadlink(_c: LinuxContext, lwp: Lwp): long {
  if (int2(lwp) <= 0) return -Errno.INVAL;
  return kernReadlinkAt(lwp, AT_FDCWD, arg0(lwp), arg1(lwp), int2(lwp));
}

export function sysReadlinkat(_c: LinuxContext, lwp: Lwp): long {
  if (int3(lwp) <= 0) return -Errno.INVAL;
  return kernReadlinkAt(lwp, int0(lwp), arg1(lwp), arg2(lwp), int3(lwp));
}

export function sysMknod(_c: LinuxContext, lwp: Lwp): long {
  return kernMknodAt(lwp, AT_FDCWD, arg0(lwp), int1(lwp), uint2(lwp));
}

export function sysMknodat(_c: LinuxContext, lwp: Lwp): long {
  return kernMknodAt(lwp, int0(lwp), arg1(lwp), int2(lwp), u32(arg3(lwp)));
}

export function sysChmod(_c: LinuxContext, lwp: Lwp): long {
  return kernChmodAt(lwp, AT_FDCWD, arg0(lwp), int1(lwp), 0);
}

export function sysFchmod(_c: LinuxContext, lwp: Lwp): long {
  return kernFchmod(lwp, int0(lwp), int1(lwp));
}

export function sysFchmodat(_c: LinuxContext, lwp: Lwp): long {
  return kernChmodAt(lwp, int0(lwp), arg1(lwp), int2(lwp), 0);
}

export function sysFchmodat2(_c: LinuxContext, lwp: Lwp): long {
  const flags = int3(lwp);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -Errno.INVAL;
  return kernChmodAt(lwp, int0(lwp), arg1(lwp), int2(lwp), flags);
}

export function sysChown(_c: LinuxContext, lwp: Lwp): long {
  return kernChownAt(lwp, AT_FDCWD, arg0(lwp), int1(lwp), int2(lwp), 0);
}

export function sysLchown(_c: LinuxContext, lwp: Lwp): long {
  return kernChownAt(lwp, AT_FDCWD, arg0(lwp), int1(lwp), int2(lwp), AT_SYMLINK_NOFOLLOW);
}

export function sysFchown(_c: LinuxContext, lwp: Lwp): long {
  return kernFchown(lwp, int0(lwp), int1(lwp), int2(lwp));
}

export function sysFchownat(_c: LinuxContext, lwp: Lwp): long {
  const flags = int4(lwp);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -Errno.INVAL;
  return kernChownAt(lwp, int0(lwp), arg1(lwp), int2(lwp), int3(lwp), flags);
}

/** utime(2): seconds. */
export function sysUtime(c: LinuxContext, lwp: Lwp): long {
  const utimes: long = arg1(lwp);
  if (utimes === toLong(0)) return kernUtimensAt(lwp, AT_FDCWD, arg0(lwp), 0, UTIME_NOW, 0, UTIME_NOW, 0);
  const b = c.buf;
  const error = lwp.proc.vm.copyin(utimes, b, 0, i32(UtimbufL.SIZE));
  if (error !== 0) return error;
  return kernUtimensAt(lwp, AT_FDCWD, arg0(lwp), getLong(b, UtimbufL.actime), 0, getLong(b, UtimbufL.modtime), 0, 0);
}

/** utimes(2): microseconds. */
export function sysUtimes(c: LinuxContext, lwp: Lwp): long {
  return utimesAt(c, lwp, AT_FDCWD, arg0(lwp), arg1(lwp));
}

/** futimesat(2): microseconds; a path of 0 is the descriptor itself. */
export function sysFutimesat(c: LinuxContext, lwp: Lwp): long {
  return utimesAt(c, lwp, int0(lwp), arg1(lwp), arg2(lwp));
}

function utimesAt(c: LinuxContext, lwp: Lwp, dirfd: i32, upath: long, utimes: long): i32 {
  if (utimes === toLong(0)) return kernUtimensAt(lwp, dirfd, upath, 0, UTIME_NOW, 0, UTIME_NOW, 0);
  const b = c.buf;
  const error = lwp.proc.vm.copyin(utimes, b, 0, 32);
  if (error !== 0) return error;
  const ausec: long = getLong(b, 8);
  const musec: long = getLong(b, 24);
  if (ausec < 0 || ausec > 999999 || musec < 0 || musec > 999999) return -Errno.INVAL;
  return kernUtimensAt(
    lwp,
    dirfd,
    upath,
    getLong(b, 0),
    (i32(ausec) * 1000) | 0,
    getLong(b, 16),
    (i32(musec) * 1000) | 0,
    0,
  );
}

export function sysUtimensat(c: LinuxContext, lwp: Lwp): long {
  const flags = int3(lwp);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -Errno.INVAL;
  const utimes: long = arg2(lwp);
  if (utimes === toLong(0)) return kernUtimensAt(lwp, int0(lwp), arg1(lwp), 0, UTIME_NOW, 0, UTIME_NOW, flags);
  const b = c.buf;
  const error = lwp.proc.vm.copyin(utimes, b, 0, 32);
  if (error !== 0) return error;
  const ansec: long = getLong(b, TimespecL.nsec);
  const mnsec: long = getLong(b, 16 + TimespecL.nsec);
  if (!isStampNsec(ansec) || !isStampNsec(mnsec)) return -Errno.INVAL;
  if (ansec === toLong(UTIME_OMIT) && mnsec === toLong(UTIME_OMIT)) return 0;
  return kernUtimensAt(lwp, int0(lwp), arg1(lwp), getLong(b, 0), i32(ansec), getLong(b, 16), i32(mnsec), flags);
}

function isStampNsec(nsec: long): boolean {
  return (nsec >= 0 && nsec <= 999999999) || nsec === toLong(UTIME_NOW) || nsec === toLong(UTIME_OMIT);
}

export function sysChdir(_c: LinuxContext, lwp: Lwp): long {
  return kernChdir(lwp, arg0(lwp));
}

export function sysFchdir(_c: LinuxContext, lwp: Lwp): long {
  return kernFchdir(lwp, int0(lwp));
}

export function sysChroot(_c: LinuxContext, lwp: Lwp): long {
  return kernChroot(lwp, arg0(lwp));
}

export function sysGetcwd(_c: LinuxContext, lwp: Lwp): long {
  return kernGetcwd(lwp, arg0(lwp), arg1(lwp));
}

export function sysUmask(_c: LinuxContext, lwp: Lwp): long {
  return kernUmask(lwp, int0(lwp));
}

export function sysMount(_c: LinuxContext, lwp: Lwp): long {
  return kernMount(lwp, arg0(lwp), arg1(lwp), arg2(lwp), int3(lwp), arg4(lwp));
}

export function sysUmount2(_c: LinuxContext, lwp: Lwp): long {
  return kernUmount(lwp, arg0(lwp), int1(lwp));
}
