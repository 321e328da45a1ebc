/**
 * Vnodes: one object for each file that is in use, whatever file system it lives on.
 *
 * Key types `Vnode` (file systems subclass it for their own fields), `VnodeSpecial` (what kern hangs on a FIFO or a
 * socket). Neighbours: `vop.ts` (operations as messages), `namecache.ts` (names hold references), `lock.ts`.
 * Invariants: `refs` counts names in the cache, open files and other holders; at 0 the file system is told by
 * VOP_INACTIVE and may forget it. Attributes here are current at any time: a file system that cannot promise that
 * answers VOP_GETATTR itself and sets `mode`, `uid`, `gid` before a look-up may use them.
 * Source: DragonFly sys/sys/vnode.h.
 */
import { kassert, longShr, type i32, type long, type u32 } from "@anax/portable";
import type { VmObject } from "@anax/vm";
import { DT_UNKNOWN, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from "./flags";
import type { LockList } from "./lock";
import type { Mount } from "./mount";
import type { Stat } from "./stat";

/** The file is gone for good (its device or process went away): a name that leads here is looked up again. */
export const VN_DEAD: i32 = 0x1;
/** Root of its file system. */
export const VN_ROOT: i32 = 0x2;
/** A symbolic link that is followed by VOP_JUMP and not by its text (/proc/PID/exe). */
export const VN_MAGIC: i32 = 0x4;
/** Contents are made when read: size 0, no pages, no mapping. */
export const VN_SYNTHETIC: i32 = 0x8;

/** What kern keeps with a FIFO or a bound socket while it is open. */
export abstract class VnodeSpecial {}

/**
 * | field | owner | meaning |
 * |---|---|---|
 * | mode, uid, gid, nlink, size, times | file system | attributes; `size` of a device is 0 |
 * | refs, openCount, writeCount, textCount | vfs | references; opens; of these for writing; programs running from it |
 * | object | file system | pages of a regular file; null for other types and synthetic files |
 * | special | kern | state of a FIFO or socket |
 * | locks | vfs (`lock.ts`) | record locks; null when there are none |
 */
export class Vnode {
  flags: i32 = 0;
  ino: long = 0;
  /** Type and permission bits. The type never changes. */
  mode: i32 = 0;
  nlink: i32 = 0;
  uid: u32 = 0;
  gid: u32 = 0;
  rdev: u32 = 0;
  size: long = 0;
  atimeSec: long = 0;
  atimeNsec: i32 = 0;
  mtimeSec: long = 0;
  mtimeNsec: i32 = 0;
  ctimeSec: long = 0;
  ctimeNsec: i32 = 0;
  refs: i32 = 0;
  openCount: i32 = 0;
  writeCount: i32 = 0;
  textCount: i32 = 0;
  object: VmObject | null = null;
  special: VnodeSpecial | null = null;
  locks: LockList | null = null;
  /** Target of a symbolic link where the file system has it at hand; saves a VOP_READLINK. */
  target: Uint8Array | null = null;

  constructor(readonly mount: Mount) {}

  /** S_IF* of the mode. */
  get type(): i32 {
    return this.mode & S_IFMT;
  }

  get isDir(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }

  get isReg(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }

  get isLink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }

  get isChr(): boolean {
    return (this.mode & S_IFMT) === S_IFCHR;
  }

  get isBlk(): boolean {
    return (this.mode & S_IFMT) === S_IFBLK;
  }

  get isFifo(): boolean {
    return (this.mode & S_IFMT) === S_IFIFO;
  }

  get isSock(): boolean {
    return (this.mode & S_IFMT) === S_IFSOCK;
  }

  ref(): void {
    this.refs++;
  }

  /** Gives a reference back; the last one tells the file system. */
  unref(): void {
    kassert(this.refs > 0, "vnode: reference count below zero");
    this.refs--;
    if (this.refs === 0) this.mount.inactive(this);
  }

  /** Fills `st` from the attributes; `blocks` from the size unless the file system knows better. */
  fillStat(st: Stat): void {
    st.dev = this.mount.dev;
    st.ino = this.ino;
    st.mode = this.mode;
    st.nlink = this.nlink;
    st.uid = this.uid;
    st.gid = this.gid;
    st.rdev = this.rdev;
    st.size = this.size;
    st.blksize = 4096;
    st.blocks = longShr(this.size + 511, 9);
    st.atimeSec = this.atimeSec;
    st.atimeNsec = this.atimeNsec;
    st.mtimeSec = this.mtimeSec;
    st.mtimeNsec = this.mtimeNsec;
    st.ctimeSec = this.ctimeSec;
    st.ctimeNsec = this.ctimeNsec;
  }
}

/** d_type of a mode. */
export function dtypeOf(mode: i32): i32 {
  const t = (mode & S_IFMT) >> 12;
  return t > 14 ? DT_UNKNOWN : t;
}
