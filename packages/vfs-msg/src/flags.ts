/**
 * Numbers of the file interface: mode bits, open flags, mount flags, look-up flags, I/O flags, as on Linux x86-64 where
 * a program sees them.
 *
 * Neighbours: every file of this package. Invariant: what a program sees is never renumbered.
 * Source: Linux uapi asm-generic/fcntl.h, linux/stat.h, linux/mount.h, linux/openat2.h; DragonFly sys/nlookup.h (NLC_*).
 */
import type { i32 } from "@anax/portable";

export const S_IFMT: i32 = 0o170000;
export const S_IFSOCK: i32 = 0o140000;
export const S_IFLNK: i32 = 0o120000;
export const S_IFREG: i32 = 0o100000;
export const S_IFBLK: i32 = 0o060000;
export const S_IFDIR: i32 = 0o040000;
export const S_IFCHR: i32 = 0o020000;
export const S_IFIFO: i32 = 0o010000;
export const S_ISUID: i32 = 0o4000;
export const S_ISGID: i32 = 0o2000;
export const S_ISVTX: i32 = 0o1000;

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
export const O_DIRECTORY: i32 = 0o200000;
export const O_NOFOLLOW: i32 = 0o400000;
export const O_NOATIME: i32 = 0o1000000;
export const O_PATH: i32 = 0o10000000;
/** The bit of O_TMPFILE beside O_DIRECTORY. */
export const O_TMPFILE_BIT: i32 = 0o20000000;

/** access(2) and permission checks. */
export const R_OK: i32 = 4;
export const W_OK: i32 = 2;
export const X_OK: i32 = 1;

/** Most bytes of a path (with its NUL) and of one name. */
export const PATH_MAX: i32 = 4096;
export const NAME_MAX: i32 = 255;
/** Symbolic links followed in one look-up. */
export const MAXSYMLINKS: i32 = 40;

/** mount(2) flags that stay with a mount. */
export const MNT_RDONLY: i32 = 1;
export const MNT_NOSUID: i32 = 2;
export const MNT_NODEV: i32 = 4;
export const MNT_NOEXEC: i32 = 8;
export const MNT_SYNCHRONOUS: i32 = 16;
export const MNT_NOATIME: i32 = 1024;
export const MNT_NODIRATIME: i32 = 2048;
export const MNT_RELATIME: i32 = 0x200000;
export const MNT_STRICTATIME: i32 = 0x1000000;
export const MNT_KEPT: i32 = 1 | 2 | 4 | 8 | 16 | 1024 | 2048 | 0x200000;
/** mount(2) flags that say what to do. */
export const MNT_REMOUNT: i32 = 32;
export const MNT_BIND: i32 = 4096;
export const MNT_MOVE: i32 = 8192;
export const MNT_REC: i32 = 16384;
export const MNT_SILENT: i32 = 32768;
/** MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED: mount propagation. */
export const MNT_PROPAGATION: i32 = (1 << 17) | (1 << 18) | (1 << 19) | (1 << 20);

/** umount2(2) flags. */
export const UMOUNT_FORCE: i32 = 1;
export const UMOUNT_DETACH: i32 = 2;
export const UMOUNT_NOFOLLOW: i32 = 8;

/** Look-up flags (`NLookup#flags`). */
/** Follow a symbolic link that is the last component. */
export const NLC_FOLLOW: i32 = 0x1;
/** The last name may be absent; the result is then a negative entry of an existing directory. */
export const NLC_CREATE: i32 = 0x2;
/** The last component is a name to work on (create, remove, rename): found as it is, not followed, no mount crossed. */
export const NLC_PARENT: i32 = 0x4;
/** What is found must be a directory: -NOTDIR. */
export const NLC_DIRECTORY: i32 = 0x8;
/** An empty path means the start (AT_EMPTY_PATH). */
export const NLC_EMPTY: i32 = 0x10;
/** RESOLVE_* of openat2(2). */
export const NLC_NO_XDEV: i32 = 0x100;
export const NLC_NO_MAGICLINKS: i32 = 0x200;
export const NLC_NO_SYMLINKS: i32 = 0x400;
export const NLC_BENEATH: i32 = 0x800;
export const NLC_IN_ROOT: i32 = 0x1000;

/** I/O flags of read and write. */
export const IO_APPEND: i32 = 1;
export const IO_NONBLOCK: i32 = 2;
export const IO_SYNC: i32 = 4;
export const IO_NOATIME: i32 = 8;

export const RENAME_NOREPLACE: i32 = 1;
export const RENAME_EXCHANGE: i32 = 2;

export const FALLOC_KEEP_SIZE: i32 = 1;
export const FALLOC_PUNCH_HOLE: i32 = 2;
export const FALLOC_ZERO_RANGE: i32 = 16;

/** `nsec` values of utimensat(2). */
export const UTIME_NOW: i32 = 0x3fffffff;
export const UTIME_OMIT: i32 = 0x3ffffffe;

/** File types of a directory entry (d_type): the type bits of the mode, shifted. */
export const DT_UNKNOWN: i32 = 0;
export const DT_FIFO: i32 = 1;
export const DT_CHR: i32 = 2;
export const DT_DIR: i32 = 4;
export const DT_BLK: i32 = 6;
export const DT_REG: i32 = 8;
export const DT_LNK: i32 = 10;
export const DT_SOCK: i32 = 12;

/** poll(2) events. */
export const POLLIN: i32 = 0x1;
export const POLLPRI: i32 = 0x2;
export const POLLOUT: i32 = 0x4;
export const POLLERR: i32 = 0x8;
export const POLLHUP: i32 = 0x10;
export const POLLRDNORM: i32 = 0x40;
export const POLLWRNORM: i32 = 0x100;

/** Lock types (F_RDLCK ...), as in struct flock. */
export const F_RDLCK: i32 = 0;
export const F_WRLCK: i32 = 1;
export const F_UNLCK: i32 = 2;

/** Errors of the file interface that portable's `Errno` has no name for. */
export const E_NODATA: i32 = 61;
export const E_STALE: i32 = 116;
