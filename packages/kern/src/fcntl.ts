/**
 * Numbers of open(2), fcntl(2), lseek(2), poll(2) and the *at calls, as on Linux x86-64.
 *
 * Neighbours: everything that handles files; vfs-msg has those that it needs itself. Invariant: never renumbered, programs are built with them.
 * Source: Linux uapi asm-generic/fcntl.h, linux/fcntl.h, asm-generic/poll.h, linux/stat.h.
 */
import type { i32 } from "@anax/portable";

export {
  O_RDONLY,
  O_WRONLY,
  O_RDWR,
  O_ACCMODE,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_TRUNC,
  O_APPEND,
  O_NONBLOCK,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NOATIME,
  O_PATH,
  F_RDLCK,
  F_WRLCK,
  F_UNLCK,
  RENAME_NOREPLACE,
  RENAME_EXCHANGE,
  POLLIN,
  POLLPRI,
  POLLOUT,
  POLLERR,
  POLLHUP,
  POLLRDNORM,
  POLLWRNORM,
  S_IFMT,
  S_IFIFO,
  S_IFCHR,
  S_IFDIR,
  S_IFBLK,
  S_IFREG,
  S_IFLNK,
  S_IFSOCK,
  UTIME_NOW,
  UTIME_OMIT,
} from "@anax/vfs-msg";

export const O_DSYNC: i32 = 0o10000;
export const O_ASYNC: i32 = 0o20000;
export const O_DIRECT: i32 = 0o40000;
export const O_LARGEFILE: i32 = 0o100000;
export const O_CLOEXEC: i32 = 0o2000000;
export const O_SYNC: i32 = 0o4010000;
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
export const F_SETSIG: i32 = 10;
export const F_GETSIG: i32 = 11;
export const F_SETOWN_EX: i32 = 15;
export const F_GETOWN_EX: i32 = 16;
export const F_OFD_GETLK: i32 = 36;
export const F_OFD_SETLK: i32 = 37;
export const F_OFD_SETLKW: i32 = 38;
export const F_DUPFD_CLOEXEC: i32 = 1030;
export const F_SETPIPE_SZ: i32 = 1031;
export const F_GETPIPE_SZ: i32 = 1032;
export const F_ADD_SEALS: i32 = 1033;
export const F_GET_SEALS: i32 = 1034;
export const FD_CLOEXEC: i32 = 1;

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

export const CLOSE_RANGE_UNSHARE: i32 = 2;
export const CLOSE_RANGE_CLOEXEC: i32 = 4;

export const POLLNVAL: i32 = 0x20;
export const POLLRDBAND: i32 = 0x80;
export const POLLWRBAND: i32 = 0x200;
export const POLLRDHUP: i32 = 0x2000;

/** Bytes of a write that a pipe takes in one piece. */
export const PIPE_BUF: i32 = 4096;
/** Most bytes one read or write moves (MAX_RW_COUNT). */
export const IO_MAX: i32 = 0x7ffff000;
/** Most entries of an iovec array. */
export const IOV_MAX: i32 = 1024;
