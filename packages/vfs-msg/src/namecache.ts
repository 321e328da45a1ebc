/**
 * The name cache: a tree of names, each resolved to a vnode, known to be absent (negative), or not asked yet.
 *
 * Key types `Ncp` (one name below its parent), `NcHandle` (a name seen through a mount), `NameCache` (hash table and
 * the bound on unused names). Neighbours: `nlookup.ts` (walks), `vfs.ts` (changes after an operation), file systems
 * (never touch it).
 * Invariants: a name's parents are in the cache as long as it is; a name with children or handles is never thrown out;
 * a directory has one name, so a path is read off the tree. A resolved name holds one reference to its vnode. Hits
 * allocate nothing.
 * Source: DragonFly sys/sys/namecache.h, sys/kern/vfs_cache.c.
 */
import { copyBytes, equalBytes, hashBytes, i32, kassert, u32 } from "@anax/portable";
import type { KernelHeap } from "@anax/vm";
import type { Mount } from "./mount";
import { endMount } from "./mounting";
import type { Vnode } from "./vnode";

/** Not asked yet: the file system has to be. */
export const NCF_UNRESOLVED: i32 = 0x1;
/** A mount may lie on this name (`mountedHere`). */
export const NCF_MOUNTPT: i32 = 0x2;
/** Removed from the tree: no look-up finds it, handles on it still work. */
export const NCF_DESTROYED: i32 = 0x4;
/** Used since the clock hand passed. */
export const NCF_USED: i32 = 0x8;
/** In the hash table. */
export const NCF_HASHED: i32 = 0x10;
/** On the list of unused names. */
export const NCF_UNUSED: i32 = 0x20;

const NO_NAME: Uint8Array = new Uint8Array(0);

/**
 * A name. Owned by the `NameCache`.
 *
 * | field | meaning |
 * |---|---|
 * | name, hash | its bytes, never written after creation; `hashName` of them |
 * | parent | null for the root of a file system |
 * | vnode | null with UNRESOLVED clear: the name is known to be absent |
 * | refs | handles (working directories, open files, mounts) |
 * | children | names below it in the cache, destroyed ones included while something holds them |
 */
export class Ncp {
  flags: i32 = NCF_UNRESOLVED;
  name: Uint8Array = NO_NAME;
  hash: u32 = 0;
  /** Distinguishes parents in the hash; never 0, unique for the life of the cache up to wrap-around. */
  id: u32 = 0;
  parent: Ncp | null = null;
  vnode: Vnode | null = null;
  refs: i32 = 0;
  children: i32 = 0;
  /** The mounts that cover this name, linked by `Mount#nextHere`. */
  mountedHere: Mount | null = null;
  /** Hash chain; list of children of the parent; list of unused names. Owned by the cache. */
  hashNext: Ncp | null = null;
  firstChild: Ncp | null = null;
  sibling: Ncp | null = null;
  siblingPrev: Ncp | null = null;
  unusedNext: Ncp | null = null;
  unusedPrev: Ncp | null = null;

  /** Resolved and there. */
  get isPositive(): boolean {
    return this.vnode !== null;
  }

  /** Resolved and absent. */
  get isNegative(): boolean {
    return this.vnode === null && (this.flags & NCF_UNRESOLVED) === 0;
  }

  get isDestroyed(): boolean {
    return (this.flags & NCF_DESTROYED) !== 0;
  }
}

const FIRST_BUCKETS: i32 = 512;
/** Beyond this, or when the heap has no room for the table, chains get longer. */
const MAX_BUCKETS: i32 = 65536;

/** Hash of a name; the cache and file systems use the same, so a component is hashed once. */
export function hashName(buf: Uint8Array, off: i32, len: i32): u32 {
  return hashBytes(buf, off, len, 0);
}

/**
 * A name seen through a mount: what a process's root and working directory, an open file and a mount point hold.
 * Embedded in its owner. It owns one reference to the name; `set` and `copyFrom` take it, `clear` gives it back.
 */
export class NcHandle {
  mount: Mount | null = null;
  ncp: Ncp | null = null;

  set(mount: Mount, ncp: Ncp): void {
    const cache = mount.cache;
    cache.ref(ncp);
    this.clear();
    mount.handles++;
    this.mount = mount;
    this.ncp = ncp;
  }

  copyFrom(from: NcHandle): void {
    const mount = from.mount;
    const ncp = from.ncp;
    if (mount === null || ncp === null) this.clear();
    else this.set(mount, ncp);
  }

  clear(): void {
    const mount = this.mount;
    const ncp = this.ncp;
    this.mount = null;
    this.ncp = null;
    if (mount === null || ncp === null) return;
    mount.handles--;
    mount.cache.unref(ncp);
    if (mount.detached && mount.handles === 0) endMount(mount);
  }

  /** The vnode, or null for an empty handle or a name that is gone. */
  get vnode(): Vnode | null {
    const ncp = this.ncp;
    return ncp === null ? null : ncp.vnode;
  }

  /** Whether both mean the same name through the same mount. */
  same(other: NcHandle): boolean {
    return this.mount === other.mount && this.ncp === other.ncp;
  }
}

/** All names of a kernel. Owned by the `Vfs`. */
export class NameCache {
  private buckets: Array<Ncp | null> = [];
  private mask: u32 = 0;
  private nextId: u32 = 1;
  /** Names in the hash table. */
  hashed: i32 = 0;
  /** Names that nothing uses, which may be thrown out: oldest first. */
  unused: i32 = 0;
  private oldest: Ncp | null = null;
  private newest: Ncp | null = null;
  hits: i32 = 0;
  misses: i32 = 0;

  /** Unused names kept. */
  limit: i32;

  /** `limit` is the number of unused names to keep; `heap` tells whether the table may grow. */
  constructor(
    private readonly heap: KernelHeap,
    limit: i32,
  ) {
    this.limit = limit;
    this.resize(FIRST_BUCKETS);
  }

  /** A name without a parent: the root of a file system. */
  newRoot(vnode: Vnode): Ncp {
    const ncp = new Ncp();
    ncp.id = this.takeId();
    this.setVnode(ncp, vnode);
    return ncp;
  }

  /** The name below `parent`, or null when the cache does not have it. */
  find(parent: Ncp, hash: u32, buf: Uint8Array, off: i32, len: i32): Ncp | null {
    let ncp = this.buckets[this.slot(parent.id, hash)];
    while (ncp !== null) {
      if (ncp.hash === hash && ncp.parent === parent && ncp.name.length === len) {
        if (equalBytes(ncp.name, 0, buf, off, len)) {
          this.hits = (this.hits + 1) | 0;
          ncp.flags |= NCF_USED;
          return ncp;
        }
      }
      ncp = ncp.hashNext;
    }
    this.misses = (this.misses + 1) | 0;
    return null;
  }

  /** A new unresolved name below `parent`, which must not be there yet. Copies the bytes. */
  create(parent: Ncp, hash: u32, buf: Uint8Array, off: i32, len: i32): Ncp {
    const ncp = new Ncp();
    const name = new Uint8Array(len);
    copyBytes(name, 0, buf, off, len);
    ncp.name = name;
    ncp.hash = hash;
    ncp.id = this.takeId();
    this.attach(ncp, parent);
    this.insert(ncp);
    this.addUnused(ncp);
    return ncp;
  }

  /** The name resolves to `vnode` (null: it is absent). */
  setVnode(ncp: Ncp, vnode: Vnode | null): void {
    const old = ncp.vnode;
    if (vnode !== null) vnode.ref();
    ncp.vnode = vnode;
    ncp.flags &= ~NCF_UNRESOLVED;
    if (old !== null) old.unref();
  }

  /** The file system has to be asked again. */
  setUnresolved(ncp: Ncp): void {
    const old = ncp.vnode;
    ncp.vnode = null;
    ncp.flags |= NCF_UNRESOLVED;
    if (old !== null) old.unref();
  }

  ref(ncp: Ncp): void {
    if (ncp.refs === 0) this.dropUnused(ncp);
    ncp.refs++;
  }

  unref(ncp: Ncp): void {
    kassert(ncp.refs > 0, "name: reference count below zero");
    ncp.refs--;
    this.settle(ncp);
  }

  /**
   * The file behind the name was removed or replaced. A name that nothing uses becomes a negative entry; otherwise it
   * is destroyed: handles on it keep its vnode, and a look-up of the name makes a new entry.
   */
  removed(ncp: Ncp): void {
    if (ncp.children > 0) this.purge(ncp);
    if (ncp.refs === 0 && ncp.children === 0 && (ncp.flags & NCF_HASHED) !== 0) this.setVnode(ncp, null);
    else this.destroy(ncp);
  }

  /**
   * Takes a name out of the tree. Handles on it keep its vnode; names below it go the same way; a look-up of the name
   * makes a new entry.
   */
  destroy(ncp: Ncp): void {
    if (ncp.isDestroyed) return;
    this.ref(ncp);
    let at: Ncp = ncp;
    this.unhash(at);
    let more = true;
    while (more) {
      // Down to the next child that is still in the tree; without one, back up.
      let child = at.firstChild;
      while (child !== null && child.isDestroyed) child = child.sibling;
      if (child !== null) {
        this.ref(child);
        this.unhash(child);
        at = child;
      } else if (at === ncp) more = false;
      else {
        const up = at.parent!;
        this.unref(at);
        at = up;
      }
    }
    this.unref(ncp);
  }

  /** Takes a name out of the hash for good. */
  private unhash(ncp: Ncp): void {
    ncp.flags |= NCF_DESTROYED;
    this.removeHash(ncp);
  }

  /** Moves a name, with all below it, to another parent and another name; what is there is destroyed first by the caller. */
  move(ncp: Ncp, parent: Ncp, hash: u32, buf: Uint8Array, off: i32, len: i32): void {
    this.removeHash(ncp);
    this.dropUnused(ncp);
    const old = ncp.parent;
    if (old !== parent) {
      if (old !== null) this.unlinkChild(ncp, old);
      this.attach(ncp, parent);
      if (old !== null) this.detach(old);
    }
    const name = new Uint8Array(len);
    copyBytes(name, 0, buf, off, len);
    ncp.name = name;
    ncp.hash = hash;
    this.insert(ncp);
    this.settle(ncp);
  }

  /** Two names change places, each with all below it. */
  exchange(a: Ncp, b: Ncp): void {
    this.removeHash(a);
    this.removeHash(b);
    const pa = a.parent!;
    const pb = b.parent!;
    if (pa !== pb) {
      this.unlinkChild(a, pa);
      this.unlinkChild(b, pb);
      this.attach(a, pb);
      this.attach(b, pa);
      this.detach(pa);
      this.detach(pb);
    }
    const name = a.name;
    const hash = a.hash;
    a.name = b.name;
    a.hash = b.hash;
    b.name = name;
    b.hash = hash;
    this.insert(a);
    this.insert(b);
  }

  /** Forgets all names below `ncp` that nothing uses. Returns how many children are left. */
  purge(ncp: Ncp): i32 {
    let at = firstLeaf(ncp);
    while (at !== ncp) {
      const next = at.sibling;
      const parent = at.parent!;
      if (at.refs === 0 && at.children === 0) {
        // The parent's turn comes when its children are done: it must not go along with the last of them.
        parent.refs++;
        this.discard(at);
        parent.refs--;
      }
      at = next !== null ? firstLeaf(next) : parent;
    }
    this.settle(ncp);
    return ncp.children;
  }

  /** Throws out unused names above the limit, those not used for longest first. Only between look-ups. */
  trim(): void {
    let turns: i32 = (this.unused * 2) | 0;
    while (this.unused > this.limit && turns > 0) {
      turns--;
      const ncp = this.oldest;
      if (ncp === null) return;
      if ((ncp.flags & NCF_USED) !== 0) {
        ncp.flags &= ~NCF_USED;
        this.dropUnused(ncp);
        this.addUnused(ncp);
      } else {
        this.discard(ncp);
      }
    }
  }

  private takeId(): u32 {
    const id = this.nextId;
    this.nextId = u32(id + 1);
    if (this.nextId === 0) this.nextId = 1;
    return id;
  }

  /** Mixes the parent in, so that equal names below different parents spread. */
  private slot(parentId: u32, hash: u32): i32 {
    const h: u32 = u32(hash ^ (parentId << 7) ^ (parentId >>> 3));
    return i32(u32(h ^ (h >>> 15)) & this.mask);
  }

  private insert(ncp: Ncp): void {
    const parent = ncp.parent;
    kassert(parent !== null, "name cache: a root in the hash");
    const at = this.slot(parent!.id, ncp.hash);
    ncp.hashNext = this.buckets[at];
    this.buckets[at] = ncp;
    ncp.flags |= NCF_HASHED;
    this.hashed++;
    const size: i32 = this.buckets.length;
    if (this.hashed > size && size < MAX_BUCKETS && this.heap.room((size * 8) | 0)) this.resize((size * 2) | 0);
  }

  private removeHash(ncp: Ncp): void {
    if ((ncp.flags & NCF_HASHED) === 0) return;
    const at = this.slot(ncp.parent!.id, ncp.hash);
    let prev: Ncp | null = null;
    let cur = this.buckets[at];
    while (cur !== null && cur !== ncp) {
      prev = cur;
      cur = cur.hashNext;
    }
    kassert(cur !== null, "name cache: entry not in its chain");
    if (prev === null) this.buckets[at] = ncp.hashNext;
    else prev.hashNext = ncp.hashNext;
    ncp.hashNext = null;
    ncp.flags &= ~NCF_HASHED;
    this.hashed--;
  }

  private resize(size: i32): void {
    const old = this.buckets;
    const fresh = new Array<Ncp | null>(size).fill(null);
    this.buckets = fresh;
    this.mask = u32(size - 1);
    for (let i = 0; i < old.length; i++) {
      let ncp = old[i];
      while (ncp !== null) {
        const next: Ncp | null = ncp.hashNext;
        const at = this.slot(ncp.parent!.id, ncp.hash);
        ncp.hashNext = fresh[at];
        fresh[at] = ncp;
        ncp = next;
      }
    }
  }

  private attach(ncp: Ncp, parent: Ncp): void {
    if (parent.children === 0) this.dropUnused(parent);
    parent.children++;
    ncp.parent = parent;
    const first = parent.firstChild;
    ncp.sibling = first;
    ncp.siblingPrev = null;
    if (first !== null) first.siblingPrev = ncp;
    parent.firstChild = ncp;
  }

  /** One child of `parent` is gone from its list. */
  private detach(parent: Ncp): void {
    parent.children--;
    this.settle(parent);
  }

  /** Nothing may use the name any more: onto the list of unused names, or away when it is destroyed. */
  private settle(ncp: Ncp): void {
    if (ncp.refs !== 0 || ncp.children !== 0) return;
    if (ncp.isDestroyed) this.discard(ncp);
    else if (ncp.parent !== null) this.addUnused(ncp);
  }

  /** Takes a name without children out for good, and the destroyed parents that it was the last user of. */
  private discard(ncp: Ncp): void {
    let at: Ncp | null = ncp;
    while (at !== null) {
      this.dropUnused(at);
      this.removeHash(at);
      at.flags |= NCF_DESTROYED;
      const vnode = at.vnode;
      at.vnode = null;
      const parent: Ncp | null = at.parent;
      if (parent !== null) {
        this.unlinkChild(at, parent);
        at.parent = null;
        parent.children--;
      }
      if (vnode !== null) vnode.unref();
      at = null;
      if (parent !== null && parent.refs === 0 && parent.children === 0) {
        if (parent.isDestroyed) at = parent;
        else if (parent.parent !== null) this.addUnused(parent);
      }
    }
  }

  private unlinkChild(ncp: Ncp, parent: Ncp): void {
    const next = ncp.sibling;
    const prev = ncp.siblingPrev;
    if (prev === null) parent.firstChild = next;
    else prev.sibling = next;
    if (next !== null) next.siblingPrev = prev;
    ncp.sibling = null;
    ncp.siblingPrev = null;
  }

  private addUnused(ncp: Ncp): void {
    if ((ncp.flags & NCF_UNUSED) !== 0) return;
    ncp.flags |= NCF_UNUSED;
    const last = this.newest;
    ncp.unusedPrev = last;
    ncp.unusedNext = null;
    if (last === null) this.oldest = ncp;
    else last.unusedNext = ncp;
    this.newest = ncp;
    this.unused++;
  }

  private dropUnused(ncp: Ncp): void {
    if ((ncp.flags & NCF_UNUSED) === 0) return;
    ncp.flags &= ~NCF_UNUSED;
    const next = ncp.unusedNext;
    const prev = ncp.unusedPrev;
    if (prev === null) this.oldest = next;
    else prev.unusedNext = next;
    if (next === null) this.newest = prev;
    else next.unusedPrev = prev;
    ncp.unusedNext = null;
    ncp.unusedPrev = null;
    this.unused--;
  }
}

/** Down the first children. */
function firstLeaf(from: Ncp): Ncp {
  let at = from;
  let child = at.firstChild;
  while (child !== null) {
    at = child;
    child = at.firstChild;
  }
  return at;
}
