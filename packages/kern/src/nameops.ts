/**
 * System calls on names: directories, links, attributes, working and root directory, mounts.
 *
 * `upath` is the user address of a NUL-terminated path; `dirfd` is a directory descriptor or AT_FDCWD; `flags` are AT_*.
 * Neighbours: vfs-msg's look-up does the work; `fileops.ts`. Invariant: nothing is changed before the look-up is done.
 */
import { Errno, type i32, type long, type u32 } from "@anax/portable";
import type { Stat, StatFs } from "@anax/vfs-msg";
import type { Lwp } from "./lwp";


/** fstatat(2) (AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH). */
export function kernStatAt(_lwp: Lwp, _dirfd: i32, _upath: long, _flags: i32, _st: Stat): i32 {
  return -Errno.NOSYS;
}

/** faccessat2(2). */
export function kernAccessAt(_lwp: Lwp, _dirfd: i32, _upath: long, _mode: i32, _flags: i32): i32 {
  return -Errno.NOSYS;
}

/** truncate(2). */
export function kernTruncate(_lwp: Lwp, _upath: long, _length: long): i32 {
  return -Errno.NOSYS;
}

/** mkdirat(2). */
export function kernMkdirAt(_lwp: Lwp, _dirfd: i32, _upath: long, _mode: i32): i32 {
  return -Errno.NOSYS;
}

/** unlinkat(2); AT_REMOVEDIR makes it rmdir. */
export function kernUnlinkAt(_lwp: Lwp, _dirfd: i32, _upath: long, _flags: i32): i32 {
  return -Errno.NOSYS;
}

/** renameat2(2). */
export function kernRenameAt(_lwp: Lwp, _oldDirfd: i32, _uold: long, _newDirfd: i32, _unew: long, _flags: i32): i32 {
  return -Errno.NOSYS;
}

/** linkat(2). */
export function kernLinkAt(_lwp: Lwp, _oldDirfd: i32, _uold: long, _newDirfd: i32, _unew: long, _flags: i32): i32 {
  return -Errno.NOSYS;
}

/** symlinkat(2). */
export function kernSymlinkAt(_lwp: Lwp, _utarget: long, _dirfd: i32, _upath: long): i32 {
  return -Errno.NOSYS;
}

/** readlinkat(2): bytes of the target that fit. */
export function kernReadlinkAt(_lwp: Lwp, _dirfd: i32, _upath: long, _ubuf: long, _size: long): i32 {
  return -Errno.NOSYS;
}

/** mknodat(2). `mode` has the type; `dev` is the 32-bit device number. */
export function kernMknodAt(_lwp: Lwp, _dirfd: i32, _upath: long, _mode: i32, _dev: u32): i32 {
  return -Errno.NOSYS;
}

/** fchmodat(2). */
export function kernChmodAt(_lwp: Lwp, _dirfd: i32, _upath: long, _mode: i32, _flags: i32): i32 {
  return -Errno.NOSYS;
}

/** fchmod(2). */
export function kernFchmod(_lwp: Lwp, _fd: i32, _mode: i32): i32 {
  return -Errno.NOSYS;
}

/** fchownat(2); an id of -1 stays. */
export function kernChownAt(_lwp: Lwp, _dirfd: i32, _upath: long, _uid: i32, _gid: i32, _flags: i32): i32 {
  return -Errno.NOSYS;
}

/** fchown(2). */
export function kernFchown(_lwp: Lwp, _fd: i32, _uid: i32, _gid: i32): i32 {
  return -Errno.NOSYS;
}

/** utimensat(2); `upath` 0 means the descriptor itself; nsec may be UTIME_NOW or UTIME_OMIT. */
export function kernUtimensAt(_lwp: Lwp, _dirfd: i32, _upath: long, _asec: long, _ansec: i32, _msec: long, _mnsec: i32, _flags: i32): i32 {
  return -Errno.NOSYS;
}

/** chdir(2). */
export function kernChdir(_lwp: Lwp, _upath: long): i32 {
  return -Errno.NOSYS;
}

/** fchdir(2). */
export function kernFchdir(_lwp: Lwp, _fd: i32): i32 {
  return -Errno.NOSYS;
}

/** chroot(2). */
export function kernChroot(_lwp: Lwp, _upath: long): i32 {
  return -Errno.NOSYS;
}

/** getcwd(2): bytes written, the NUL included. */
export function kernGetcwd(_lwp: Lwp, _ubuf: long, _size: long): i32 {
  return -Errno.NOSYS;
}

/** umask(2): the old mask. */
export function kernUmask(_lwp: Lwp, _mask: i32): i32 {
  return -Errno.NOSYS;
}

/** mount(2). `utype` and `usource` are strings. */
export function kernMount(_lwp: Lwp, _usource: long, _utarget: long, _utype: long, _flags: i32, _udata: long): i32 {
  return -Errno.NOSYS;
}

/** umount2(2). */
export function kernUmount(_lwp: Lwp, _utarget: long, _flags: i32): i32 {
  return -Errno.NOSYS;
}

/** statfs(2). */
export function kernStatfs(_lwp: Lwp, _upath: long, _out: StatFs): i32 {
  return -Errno.NOSYS;
}

/** fstatfs(2). */
export function kernFstatfs(_lwp: Lwp, _fd: i32, _out: StatFs): i32 {
  return -Errno.NOSYS;
}

/** sync(2). */
export function kernSync(_lwp: Lwp): i32 {
  return -Errno.NOSYS;
}
