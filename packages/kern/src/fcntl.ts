/**
 * Numbers of open(2), fcntl(2), lseek(2), poll(2) and the *at calls, as on Linux x86-64.
 *
 * Neighbours: everything that handles files. Invariant: never renumbered, programs are built with them.
 * Source: Linux uapi asm-generic/fcntl.h, linux/fcntl.h, asm-generic/poll.h, linux/stat.h.
 */
import type { i32 } from "@anax/portable";

export const O_RDONLY: i32 = 0;
export const O_WRONLY: i32 = 1;
export const O_RDWR: i32 = 2;
export const O_ACCMODE: i32 = 3;
export const O_CREAT: i32 = 0o100;
export const O_EXCL: i32 = 0o200;
export const O_NOCTTY: i32 = 0o400;
export const O_TRUNC: i32 = 0o1000;
export const O_APPEND: i32 = 0o2000;
export const O_NONBLOCK: i32 = 0o4000;
export const O_DSYNC: i32 = 0o10000;
export const O_ASYNC: i32 = 0o20000;
export const O_DIRECT: i32 = 0o40000;
export const O_LARGEFILE: i32 = 0o100000;
export const O_DIRECTORY: i32 = 0o200000;
export const O_NOFOLLOW: i32 = 0o400000;
export const O_NOATIME: i32 = 0o1000000;
export const O_CLOEXEC: i32 = 0o2000000;
export const O_SYNC: i32 = 0o4010000;
export const O_PATH: i32 = 0o10000000;
/** O_TMPFILE with its O_DIRECTORY bit. */
export const O_TMPFILE: i32 = 0o20200000;

/** What F_SETFL may change. */
export const O_SETFL: i32 = 0o2000 | 0o4000 | 0o20000 | 0o40000 | 0o1000000;
/** What F_GETFL shows. */
export const O_GETFL: i32 =
  3 | 0o2000 | 0o4000 | 0o10000 | 0o20000 | 0o40000 | 0o100000 | 0o200000 | 0o1000000 | 0o4010000 | 0o10000000;

/** Flags of the call to open that the open file does not keep: O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC, O_CLOEXEC. */
export const O_NOT_KEPT: i32 = 0o100 | 0o200 | 0o400 | 0o1000 | 0o2000000;

export const F_DUPFD: i32 = 0;
export const F_GETFD: i32 = 1;
export const F_SETFD: i32 = 2;
export const F_GETFL: i32 = 3;
export const F_SETFL: i32 = 4;
export const F_GETLK: i32 = 5;
export const F_SETLK: i32 = 6;
export const F_SETLKW: i32 = 7;
export const F_SETOWN: i32 = 8;
export const F_GETOWN: i32 = 9;
export const F_OFD_GETLK: i32 = 36;
export const F_OFD_SETLK: i32 = 37;
export const F_OFD_SETLKW: i32 = 38;
export const F_DUPFD_CLOEXEC: i32 = 1030;
export const F_SETPIPE_SZ: i32 = 1031;
export const F_GETPIPE_SZ: i32 = 1032;
export const F_ADD_SEALS: i32 = 1033;
export const F_GET_SEALS: i32 = 1034;
export const FD_CLOEXEC: i32 = 1;

export const F_RDLCK: i32 = 0;
export const F_WRLCK: i32 = 1;
export const F_UNLCK: i32 = 2;

export const LOCK_SH: i32 = 1;
export const LOCK_EX: i32 = 2;
export const LOCK_NB: i32 = 4;
export const LOCK_UN: i32 = 8;

export const SEEK_SET: i32 = 0;
export const SEEK_CUR: i32 = 1;
export const SEEK_END: i32 = 2;
export const SEEK_DATA: i32 = 3;
export const SEEK_HOLE: i32 = 4;

export const AT_FDCWD: i32 = -100;
export const AT_SYMLINK_NOFOLLOW: i32 = 0x100;
export const AT_REMOVEDIR: i32 = 0x200;
export const AT_EACCESS: i32 = 0x200;
export const AT_SYMLINK_FOLLOW: i32 = 0x400;
export const AT_NO_AUTOMOUNT: i32 = 0x800;
export const AT_EMPTY_PATH: i32 = 0x1000;

export const RENAME_NOREPLACE: i32 = 1;
export const RENAME_EXCHANGE: i32 = 2;

export const CLOSE_RANGE_UNSHARE: i32 = 2;
export const CLOSE_RANGE_CLOEXEC: i32 = 4;

export const POLLIN: i32 = 0x1;
export const POLLPRI: i32 = 0x2;
export const POLLOUT: i32 = 0x4;
export const POLLERR: i32 = 0x8;
export const POLLHUP: i32 = 0x10;
export const POLLNVAL: i32 = 0x20;
export const POLLRDNORM: i32 = 0x40;
export const POLLRDBAND: i32 = 0x80;
export const POLLWRNORM: i32 = 0x100;
export const POLLWRBAND: i32 = 0x200;
export const POLLRDHUP: i32 = 0x2000;

export const S_IFMT: i32 = 0o170000;
export const S_IFIFO: i32 = 0o010000;
export const S_IFCHR: i32 = 0o020000;
export const S_IFDIR: i32 = 0o040000;
export const S_IFBLK: i32 = 0o060000;
export const S_IFREG: i32 = 0o100000;
export const S_IFLNK: i32 = 0o120000;
export const S_IFSOCK: i32 = 0o140000;

export const UTIME_NOW: i32 = 0x3fffffff;
export const UTIME_OMIT: i32 = 0x3ffffffe;

/** Bytes of a write that a pipe takes in one piece. */
export const PIPE_BUF: i32 = 4096;
/** Most bytes one read or write moves (MAX_RW_COUNT). */
export const IO_MAX: i32 = 0x7ffff000;
/** Most entries of an iovec array. */
export const IOV_MAX: i32 = 1024;
