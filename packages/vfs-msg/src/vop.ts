/**
 * Vnode operations as messages.
 *
 * Key types `VopMsg` (the arguments and the result of any operation), `Vop` (which one). Neighbours: `vfs.ts` sends,
 * `filesystem.ts` dispatches, `tmpfs/`, `devfs/`, `procfs/` serve.
 * Invariant: references in a message are borrowed from the sender for the time of the operation.
 * Source: DragonFly sys/sys/vfsops.h, sys/kern/vfs_vopops.c.
 */
import type { i32, long, u32 } from "@anax/portable";
import { Msg, type Waiter } from "@anax/lwkt";
import type { Uio, VmSpace } from "@anax/vm";
import type { Cred } from "./cred";
import type { FileLock, LockOwner } from "./lock";
import type { NcHandle } from "./namecache";
import type { NLookup } from "./nlookup";
import type { Stat, StatFs } from "./stat";
import type { Vnode } from "./vnode";

/**
 * Operations. Arguments are fields of `VopMsg`; "name" is (buf, off, len, hash). Results go to the fields named after the arrow.
 * Names are checked (length, existence in the cache, permissions, read-only mounts) by `Vfs` before the message is sent.
 */
export enum Vop {
  /** dvp, name -> vp; -NOENT makes a negative entry. */
  NRESOLVE = 1,
  /** dvp, name, mode (type REG and permissions), cred -> vp. -NOSPC, -NOENT (the directory is gone). */
  NCREATE = 2,
  /** dvp, name, mode, cred -> vp. -MLINK, -NOSPC. */
  NMKDIR = 3,
  /** dvp, name, mode with type, rdev, cred -> vp. */
  NMKNOD = 4,
  /** dvp, name, text (data, dataOff, dataLen), cred -> vp. */
  NSYMLINK = 5,
  /** dvp, name, vp (what gets the name). -MLINK. */
  NLINK = 6,
  /** dvp, name, vp (what the name is). */
  NREMOVE = 7,
  /** dvp, name, vp. -NOTEMPTY. */
  NRMDIR = 8,
  /** dvp, name, vp (source), dvp2, name2, vp2 (target or null), opflags (RENAME_EXCHANGE). -NOTEMPTY, -MLINK. */
  NRENAME = 9,
  /** vp, opflags (O_*), cred. */
  OPEN = 10,
  /** vp, opflags. */
  CLOSE = 11,
  /** vp, stat. */
  GETATTR = 12,
  /** vp, attrs (ATTR_*), mode, uid, gid, size, atime*, mtime*. Checked by `Vfs`; -FBIG, -NOSPC. */
  SETATTR = 13,
  /** vp, uio, opflags (IO_*), cred, waiter. */
  READ = 14,
  /** vp, uio, opflags (IO_*), cred, waiter. -FBIG, -NOSPC. */
  WRITE = 15,
  /** vp, sink, offset (cookie of the last entry taken, 0 = from the start). */
  READDIR = 16,
  /** vp, data, dataOff, dataLen (room) -> result (bytes). */
  READLINK = 17,
  /** vp, command, offset (argument), space, waiter -> result. */
  IOCTL = 18,
  /** vp, opflags (events), waiter -> result (events). */
  POLL = 19,
  /** vp, waiter. */
  FSYNC = 20,
  /** vp, owner, lock, opflags (F_GETLK 5, F_SETLK 6, F_SETLKW 7), command (LOCK_POSIX, LOCK_FLOCK), waiter. */
  ADVLOCK = 21,
  /** vp: nobody uses it any more. */
  INACTIVE = 22,
  /** vp, opflags (FALLOC_*), offset, size. */
  ALLOCATE = 23,
  /** vp (VN_MAGIC), cred, nd: sets `nd.jump` or points `handle` to where the link leads. */
  JUMP = 24,
  /** dvp, name, vp: whether the name still means this vnode. 0, or -STALE: ask again. */
  REVALIDATE = 25,
  /** statfs. */
  STATFS = 26,
  /** Everything to disk. */
  SYNC = 27,
  /** The mount goes away; nothing of it is in use. */
  UNMOUNT = 28,
  /** vp, opflags (SEEK_DATA 3, SEEK_HOLE 4), offset -> result. -NXIO. */
  SEEK = 29,
  /** dvp, mode, cred -> vp: a file without a name (O_TMPFILE). */
  TMPFILE = 30,
}

/** Which attributes a VOP_SETATTR changes. */
export const ATTR_MODE: i32 = 0x1;
export const ATTR_UID: i32 = 0x2;
export const ATTR_GID: i32 = 0x4;
export const ATTR_SIZE: i32 = 0x8;
export const ATTR_ATIME: i32 = 0x10;
export const ATTR_MTIME: i32 = 0x20;

/** Takes directory entries. */
export interface DirSink {
  /**
   * One entry; `nextCookie` is where a later readdir goes on after it. False when there is no room: the entry was not taken.
   * The name is only valid during the call.
   */
  add(name: Uint8Array, off: i32, len: i32, ino: long, dtype: i32, nextCookie: long): boolean;
}

/** The message of every vnode operation. Owned by the pool while free; see `Vop` for which fields an operation uses. */
export class VopMsg extends Msg {
  vp: Vnode | null = null;
  dvp: Vnode | null = null;
  buf: Uint8Array | null = null;
  off: i32 = 0;
  len: i32 = 0;
  hash: u32 = 0;
  vp2: Vnode | null = null;
  dvp2: Vnode | null = null;
  buf2: Uint8Array | null = null;
  off2: i32 = 0;
  len2: i32 = 0;
  hash2: u32 = 0;
  cred: Cred | null = null;
  opflags: i32 = 0;
  command: u32 = 0;
  mode: i32 = 0;
  rdev: u32 = 0;
  uid: u32 = 0;
  gid: u32 = 0;
  attrs: i32 = 0;
  size: long = 0;
  offset: long = 0;
  atimeSec: long = 0;
  atimeNsec: i32 = 0;
  mtimeSec: long = 0;
  mtimeNsec: i32 = 0;
  uio: Uio | null = null;
  waiter: Waiter | null = null;
  stat: Stat | null = null;
  statfs: StatFs | null = null;
  sink: DirSink | null = null;
  data: Uint8Array | null = null;
  dataOff: i32 = 0;
  dataLen: i32 = 0;
  space: VmSpace | null = null;
  owner: LockOwner | null = null;
  lock: FileLock | null = null;
  handle: NcHandle | null = null;
  nd: NLookup | null = null;
}
