/**
 * VM objects: a range of pages that several maps, or a vnode and maps, share.
 *
 * Key type `VmObject`. The pages are found through the hash of `VmPages`; the entries that map the object are on its mapping
 * list, so that pages can be taken out of every map. Neighbours: `pages.ts`, `pager.ts`, `entry.ts`, `pmap.ts`.
 * Invariants: `refs` counts owners (a vnode, each map entry); the last one gone, the pages are freed; page-table entries to an
 * object's page hold no reference of it, so a page leaves the object only after it was taken out of every map.
 * Source: DragonFly sys/vm/vm_object.c.
 */
import { EASYNC, Errno, kassert, toLong, u32, type i32, type long } from "@anax/portable";
import { PAGE_SIZE } from "@anax/machine";
import type { Waiter } from "@anax/lwkt";
import type { VmEntry } from "./entry";
import { PG_BUSY, PG_DIRTY, type VmPages } from "./pages";
import type { Pager } from "./pager";

/** What a mapped object is called; of no meaning here. `unmapped` is told that no map has the object any more. */
export abstract class MappedName {
  abstract unmapped(): void;
}

/**
 * A range of shared pages. Whoever makes it owns the first reference.
 *
 * | head, resident, top | owned by VmPages: page list, its length, one past the highest index entered |
 * | size | pages that a map may touch; behind it a fault is SIGBUS |
 */
export class VmObject {
  readonly pages: VmPages;
  readonly id: i32;
  readonly pager: Pager | null;
  refs: i32 = 1;
  size: u32;
  head: u32 = 0;
  resident: u32 = 0;
  top: u32 = 0;
  /** No owner is left; waits for busy pages. */
  dead: boolean = false;
  firstMapping: VmEntry | null = null;
  mappings: i32 = 0;
  /** Set by who maps it, while it is mapped. */
  name: MappedName | null = null;

  /** `pager` null: absent pages are zero. `size` in pages. */
  constructor(pages: VmPages, pager: Pager | null, size: u32) {
    this.pages = pages;
    this.pager = pager;
    this.size = size;
    this.id = pages.objects.add(this);
  }

  ref(): void {
    kassert(this.refs > 0, "object: reference to a dead object");
    this.refs++;
  }

  /** One owner less; the last one frees all pages. */
  unref(): void {
    kassert(this.refs > 0, "object: released twice");
    this.refs--;
    if (this.refs > 0) return;
    kassert(this.firstMapping === null, "object: released while mapped");
    this.dead = true;
    this.reap();
  }

  /** The resident page at `pindex`, or 0. A page that is being read is not resident yet. */
  lookup(pindex: u32): u32 {
    const pg = this.pages.lookup(this.id, pindex);
    if (pg !== 0 && this.pages.isBusy(pg)) return 0;
    return pg;
  }

  /**
   * The resident page at `pindex`, or a fresh zeroed one that the pager is not asked about (the caller overwrites it, or
   * the object has no pager). 0 when memory is out.
   */
  grab(pindex: u32): u32 {
    const found = this.pages.lookup(this.id, pindex);
    if (found !== 0) return found;
    const pg = this.pages.allocZeroed();
    if (pg !== 0) this.pages.enter(this, pindex, pg);
    return pg;
  }

  /**
   * The page at `pindex` as a positive number, from the pager when it is absent. EASYNC: being read, `waiter` will be woken;
   * -ENOMEM; or what the pager answered. Does not look at `size`.
   */
  get(pindex: u32, waiter: Waiter | null): i32 {
    const found = this.pages.lookup(this.id, pindex);
    const pager = this.pager;
    if (found !== 0) {
      if (!this.pages.isBusy(found)) return found | 0;
      // Registers the waiter with the read that is under way.
      return pager!.getPage(this, pindex, found, waiter);
    }
    if (pager === null) {
      const fresh = this.grab(pindex);
      return fresh === 0 ? -Errno.NOMEM : fresh | 0;
    }
    const pg = this.pages.alloc();
    if (pg === 0) return -Errno.NOMEM;
    this.pages.enter(this, pindex, pg);
    this.pages.flags[pg] = this.pages.flags[pg] | PG_BUSY;
    const error = pager.getPage(this, pindex, pg, waiter);
    if (error === EASYNC) return EASYNC;
    this.pages.readDone(pg, error);
    return error < 0 ? error : pg | 0;
  }

  /** The object now has `pages` pages; growing only, `truncate` shrinks. */
  setSize(pages: u32): void {
    if (pages > this.size) this.size = pages;
  }

  /** The object now has `pages` pages: those behind are taken out of every map (private copies too) and freed. */
  truncate(pages: u32): void {
    this.size = pages;
    if (this.top <= pages && this.firstMapping === null) return;
    this.unmapFrom(pages);
    if (this.top <= pages) return;
    this.freeRange(pages, this.top);
    this.top = pages;
  }

  /** Takes the pages at `from` and behind out of every map, private copies too. */
  private unmapFrom(from: u32): void {
    let e = this.firstMapping;
    while (e !== null) {
      let va: long = e.start;
      if (from > e.pindex) va = va + toLong(u32(from - e.pindex)) * PAGE_SIZE;
      if (va < e.end) e.space!.pmap.remove(va, e.end);
      e = e.nextMapping;
    }
  }

  /** Frees `pindex` to `end` (a hole): the pages leave every map that shows them, and read as zero again. */
  punch(pindex: u32, end: u32): void {
    let e = this.firstMapping;
    while (e !== null) {
      const to: u32 = u32(e.pindex + u32(e.pages));
      const first: u32 = pindex > e.pindex ? pindex : e.pindex;
      const last: u32 = end < to ? end : to;
      if (first < last) {
        const va: long = e.start + toLong(u32(first - e.pindex)) * PAGE_SIZE;
        e.space!.pmap.remove(va, va + toLong(u32(last - first)) * PAGE_SIZE);
      }
      e = e.nextMapping;
    }
    this.freeRange(pindex, end < this.top ? end : this.top);
  }

  /** Frees the pages of [from, to), which no map shows, by index or along the list, whichever is shorter. */
  private freeRange(from: u32, to: u32): void {
    if (from >= to) return;
    if (u32(to - from) < this.resident) {
      for (let i: u32 = from; i < to; i = u32(i + 1)) {
        const pg = this.pages.lookup(this.id, i);
        if (pg !== 0 && !this.pages.isBusy(pg)) this.pages.remove(this, pg);
      }
      return;
    }
    let pg = this.head;
    while (pg !== 0) {
      const after: u32 = this.pages.next[pg];
      const i: u32 = this.pages.index[pg];
      if (i >= from && i < to && !this.pages.isBusy(pg)) this.pages.remove(this, pg);
      pg = after;
    }
  }

  /** Notes what was written through maps as dirty, before `sync`. */
  collectDirty(): void {
    if (this.pager === null) return;
    let e = this.firstMapping;
    while (e !== null) {
      if (e.isShared) e.space!.pmap.collectDirty(e.start, e.end);
      e = e.nextMapping;
    }
  }

  /**
   * Writes dirty pages of `pindex` up to (not with) `end` to the pager. 0, EASYNC (run again when woken), or the pager's errno.
   */
  sync(pindex: u32, end: u32, waiter: Waiter | null): i32 {
    const pager = this.pager;
    if (pager === null) return 0;
    let result: i32 = 0;
    let pg = this.head;
    while (pg !== 0) {
      const after: u32 = this.pages.next[pg];
      const i: u32 = this.pages.index[pg];
      const flags: i32 = this.pages.flags[pg];
      if (i >= pindex && i < end && (flags & (PG_DIRTY | PG_BUSY)) === PG_DIRTY) {
        const error = pager.putPage(this, i, pg, waiter);
        if (error === 0) this.pages.setClean(pg);
        else if (error === EASYNC) result = EASYNC;
        else return error;
      }
      pg = after;
    }
    return result;
  }

  /** For VmSpace alone: `entry` maps the object (with a reference that it holds). */
  addMapping(entry: VmEntry): void {
    const first = this.firstMapping;
    entry.nextMapping = first;
    entry.prevMapping = null;
    if (first !== null) first.prevMapping = entry;
    this.firstMapping = entry;
    this.mappings++;
  }

  /** For VmSpace alone. */
  removeMapping(entry: VmEntry): void {
    const next = entry.nextMapping;
    const prev = entry.prevMapping;
    if (prev === null) this.firstMapping = next;
    else prev.nextMapping = next;
    if (next !== null) next.prevMapping = prev;
    entry.nextMapping = null;
    entry.prevMapping = null;
    this.mappings--;
    const name = this.name;
    if (name !== null && this.firstMapping === null) {
      this.name = null;
      name.unmapped();
    }
  }

  /** For VmPages and `unref`: frees a dead object's pages; busy ones follow when their reads end. */
  reap(): void {
    let pg = this.head;
    while (pg !== 0) {
      const after: u32 = this.pages.next[pg];
      if (!this.pages.isBusy(pg)) this.pages.remove(this, pg);
      pg = after;
    }
    if (this.head === 0) this.pages.objects.remove(this.id);
  }
}
