/**
 * Mounts: a file system (or a part of one) seen at a name.
 *
 * Key types `Mount`, `MountTable` (all of them, in the order of mounting). Neighbours: `namecache.ts` (the name covered, the
 * root's name), `filesystem.ts` (where messages go), `vfs.ts` (mount, umount).
 * Invariants: a mount covers one (mount, name) pair, held by `on`; `root` is the name its tree starts at. A bind mount
 * shares the names and vnodes of the file system it shows, whose operations go to the vnode's own mount.
 * Source: DragonFly sys/sys/mount.h, sys/kern/vfs_mount.c (mnt_ncmountpt, mnt_ncmounton).
 */
import { kassert, type i32, type u32 } from "@anax/portable";
import { vop, type FileSystem, type FsType } from "./filesystem";
import { MNT_RDONLY } from "./flags";
import { NCF_MOUNTPT, NcHandle, type NameCache, type Ncp } from "./namecache";
import type { Vfs } from "./vfs";
import type { Vnode } from "./vnode";
import { Vop } from "./vop";

/** Names are not believed: every hit is checked with VOP_REVALIDATE, absent names are not kept. */
export const MNTK_REVALIDATE: i32 = 0x1;
/** Absent names are not kept: the file system makes names by itself. */
export const MNTK_NONEGATIVE: i32 = 0x2;

/**
 * | field | meaning |
 * |---|---|
 * | flags | MNT_* that mount(2) set |
 * | kflags | MNTK_*, set by the file system |
 * | root | name of the root; one reference |
 * | on | what it covers; empty for the first root |
 * | handles | `NcHandle`s that go through this mount, its own not counted |
 */
export class Mount {
  flags: i32 = 0;
  kflags: i32 = 0;
  fs: FileSystem | null = null;
  root: Ncp | null = null;
  readonly on: NcHandle = new NcHandle();
  handles: i32 = 0;
  /** Taken out of the tree by umount; ends with its last handle. */
  detached: boolean = false;
  /** Files open for writing whose home is this mount. */
  writers: i32 = 0;
  /** What mount(8) shows as the source. */
  source: string = "none";
  /** Options of the file system's own, for /proc/mounts (with a leading comma). */
  options: string = "";
  /** The next mount on the same name. */
  nextHere: Mount | null = null;
  readonly cache: NameCache;

  constructor(
    readonly vfs: Vfs,
    readonly type: FsType,
    /** Number in /proc/PID/mountinfo. */
    readonly id: i32,
    /** st_dev of its files. */
    readonly dev: u32,
  ) {
    this.cache = vfs.cache;
  }

  get isReadOnly(): boolean {
    return (this.flags & MNT_RDONLY) !== 0;
  }

  /** The last reference to a vnode of this file system is gone. For Vnode alone. */
  inactive(vp: Vnode): void {
    const m = this.vfs.takeMsg(Vop.INACTIVE);
    m.vp = vp;
    vop(this.fs!, m);
    this.vfs.giveMsg(m);
  }
}

/** All mounts. Owned by the `Vfs`. */
export class MountTable {
  readonly list: Mount[] = [];

  /** Enters a mount that covers (mount, ncp); `on` null for the first root. */
  add(m: Mount, on: NcHandle | null): void {
    this.list.push(m);
    if (on !== null) this.cover(m, on);
  }

  /** The mount covers a name. */
  cover(m: Mount, on: NcHandle): void {
    m.on.copyFrom(on);
    const ncp = m.on.ncp!;
    ncp.flags |= NCF_MOUNTPT;
    m.nextHere = ncp.mountedHere;
    ncp.mountedHere = m;
  }

  /** Takes a mount off what it covers. */
  remove(m: Mount): void {
    const at = this.list.indexOf(m);
    kassert(at >= 0, "mount: not in the table");
    this.list.splice(at, 1);
    this.uncover(m);
  }

  /** The mount no longer covers its name. */
  uncover(m: Mount): void {
    const ncp = m.on.ncp;
    if (ncp === null) return;
    let prev: Mount | null = null;
    let cur = ncp.mountedHere;
    while (cur !== null && cur !== m) {
      prev = cur;
      cur = cur.nextHere;
    }
    if (prev === null) ncp.mountedHere = m.nextHere;
    else prev.nextHere = m.nextHere;
    m.nextHere = null;
    if (ncp.mountedHere === null) ncp.flags &= ~NCF_MOUNTPT;
    m.on.clear();
  }

  /** The mount that covers `ncp` as seen through `mount`, or null. */
  find(mount: Mount, ncp: Ncp): Mount | null {
    let m = ncp.mountedHere;
    while (m !== null) {
      if (m.on.mount === mount) return m;
      m = m.nextHere;
    }
    return null;
  }
}
