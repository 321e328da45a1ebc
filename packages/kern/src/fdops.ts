/**
 * System calls that handle descriptors themselves: dup, fcntl, ioctl, flock.
 *
 * Neighbours: `descriptors.ts`, `file.ts`. Invariant: the file of a replaced descriptor is let go after the new one is in place.
 */
import { Errno, type i32, type long, type u32 } from "@anax/portable";
import type { Lwp } from "./lwp";


/** dup(2). */
export function kernDup(_lwp: Lwp, _fd: i32): i32 {
  return -Errno.NOSYS;
}

/** dup2(2). */
export function kernDup2(_lwp: Lwp, _oldFd: i32, _newFd: i32): i32 {
  return -Errno.NOSYS;
}

/** dup3(2): -INVAL when both are the same. */
export function kernDup3(_lwp: Lwp, _oldFd: i32, _newFd: i32, _flags: i32): i32 {
  return -Errno.NOSYS;
}

/** fcntl(2). `arg` is a number or the address of a struct flock. */
export function kernFcntl(_lwp: Lwp, _fd: i32, _cmd: i32, _arg: long): i32 {
  return -Errno.NOSYS;
}

/** ioctl(2). */
export function kernIoctl(_lwp: Lwp, _fd: i32, _cmd: u32, _arg: long): i32 {
  return -Errno.NOSYS;
}

/** flock(2). */
export function kernFlock(_lwp: Lwp, _fd: i32, _operation: i32): i32 {
  return -Errno.NOSYS;
}
