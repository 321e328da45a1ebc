/**
 * System calls on descriptors: open, close, read and write in all forms, seek, stat, truncate, directories, mappings.
 *
 * Each takes the calling LWP and decoded arguments; addresses of user memory are `long`. Results are `>= 0`, a negative
 * errno, or EASYNC (the LWP is on wait queues, the call is to be run again from its start).
 * Neighbours: `descriptors.ts`, `file.ts`, `vnode-file.ts`; `nameops.ts` (calls on names), `fdops.ts` (dup, fcntl, ioctl, locks).
 * Invariant: a descriptor is published only when nothing can fail any more.
 */
import { Errno, type i32, type long, type u32 } from "@anax/portable";
import type { DirSink, Stat } from "@anax/vfs-msg";
import type { Lwp } from "./lwp";


/** open(2), openat(2): a descriptor. `flags` are O_*, `mode` is taken before the umask. */
export function kernOpen(_lwp: Lwp, _dirfd: i32, _upath: long, _flags: i32, _mode: i32): i32 {
  return -Errno.NOSYS;
}

/** close(2). */
export function kernClose(_lwp: Lwp, _fd: i32): i32 {
  return -Errno.NOSYS;
}

/** close_range(2). */
export function kernCloseRange(_lwp: Lwp, _first: u32, _last: u32, _flags: i32): i32 {
  return -Errno.NOSYS;
}

/** read(2): bytes read, 0 at the end. */
export function kernRead(_lwp: Lwp, _fd: i32, _ubuf: long, _size: long): i32 {
  return -Errno.NOSYS;
}

/** write(2): bytes written. */
export function kernWrite(_lwp: Lwp, _fd: i32, _ubuf: long, _size: long): i32 {
  return -Errno.NOSYS;
}

/** readv(2). `uiov` is the user's array of struct iovec. */
export function kernReadv(_lwp: Lwp, _fd: i32, _uiov: long, _count: i32): i32 {
  return -Errno.NOSYS;
}

/** writev(2). */
export function kernWritev(_lwp: Lwp, _fd: i32, _uiov: long, _count: i32): i32 {
  return -Errno.NOSYS;
}

/** pread64(2). */
export function kernPread(_lwp: Lwp, _fd: i32, _ubuf: long, _size: long, _offset: long): i32 {
  return -Errno.NOSYS;
}

/** pwrite64(2). */
export function kernPwrite(_lwp: Lwp, _fd: i32, _ubuf: long, _size: long, _offset: long): i32 {
  return -Errno.NOSYS;
}

/** preadv(2); offset -1 is the file's own (preadv2). */
export function kernPreadv(_lwp: Lwp, _fd: i32, _uiov: long, _count: i32, _offset: long): i32 {
  return -Errno.NOSYS;
}

/** pwritev(2). */
export function kernPwritev(_lwp: Lwp, _fd: i32, _uiov: long, _count: i32, _offset: long): i32 {
  return -Errno.NOSYS;
}

/** lseek(2): the new offset. */
export function kernLseek(_lwp: Lwp, _fd: i32, _offset: long, _whence: i32): long {
  return -Errno.NOSYS;
}

/** fstat(2). */
export function kernFstat(_lwp: Lwp, _fd: i32, _st: Stat): i32 {
  return -Errno.NOSYS;
}

/** ftruncate(2). */
export function kernFtruncate(_lwp: Lwp, _fd: i32, _length: long): i32 {
  return -Errno.NOSYS;
}

/** fallocate(2). */
export function kernFallocate(_lwp: Lwp, _fd: i32, _mode: i32, _offset: long, _length: long): i32 {
  return -Errno.NOSYS;
}

/** fsync(2), fdatasync(2). */
export function kernFsync(_lwp: Lwp, _fd: i32): i32 {
  return -Errno.NOSYS;
}

/** getdents64(2): entries from the file offset on go to the sink, which encodes them. 0 or -errno. */
export function kernGetdents(_lwp: Lwp, _fd: i32, _sink: DirSink): i32 {
  return -Errno.NOSYS;
}

/** sendfile(2). `uoffset` is the address of an off_t or 0. */
export function kernSendfile(_lwp: Lwp, _outFd: i32, _inFd: i32, _uoffset: long, _size: long): i32 {
  return -Errno.NOSYS;
}

/** copy_file_range(2). The offsets are addresses or 0. */
export function kernCopyFileRange(_lwp: Lwp, _inFd: i32, _uInOffset: long, _outFd: i32, _uOutOffset: long, _size: long): i32 {
  return -Errno.NOSYS;
}

/** pipe2(2): two descriptors to the int[2] at `ufds`. */
export function kernPipe2(_lwp: Lwp, _ufds: long, _flags: i32): i32 {
  return -Errno.NOSYS;
}
