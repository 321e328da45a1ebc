/**
 * Physical pages: every page of memory, in typed arrays indexed by page number (physical address / 4096).
 *
 * Key type `VmPages`, one for each kernel instance. A page number is the handle of a page; 0 is never a page and means "none".
 * Neighbours: `object.ts` (pages by object and index), `pmap.ts` and `space.ts` (anonymous pages), `pageout.ts` (reclaiming).
 * Invariants: a page is free, or has `refs` >= 1; a page in an object holds one reference for it; no operation allocates
 * kernel memory; building the free list costs nothing at boot, because fresh pages are taken from their region in order.
 * Source: DragonFly sys/vm/vm_page.h, vm_page.c (queues, hash of object and index).
 */
import { i32, imul, kassert, longDiv, toLong, u32, type long } from "@anax/portable";
import { BOOT_MODULE, BOOT_MODULE_SIZE, PAGE_SIZE, type Machine } from "@anax/machine";
import { HEAP_TARGET, KernelHeap } from "./heap";
import type { VmObject } from "./object";
import { ObjectTable } from "./object-table";

/** On a free list. */
export const PG_FREE: i32 = 0x01;
/** Belongs to an object, `object` and `index` are valid. */
export const PG_OBJECT: i32 = 0x02;
/** Used lately; of the page queues ACTIVE and INACTIVE an object page is on exactly one. */
export const PG_ACTIVE: i32 = 0x04;
/** A candidate for reclaiming. */
export const PG_INACTIVE: i32 = 0x08;
/** Its pager is reading or writing it: it must not be mapped, freed or looked at. */
export const PG_BUSY: i32 = 0x10;
/** Differs from what its pager has stored. */
export const PG_DIRTY: i32 = 0x20;
/** Belongs to the kernel for good (heap). */
export const PG_WIRED: i32 = 0x40;
/** Anonymous: its references are page-table entries. */
export const PG_ANON: i32 = 0x80;

/** act_count of DragonFly: what a page starts with, gains when it was used, loses with each scan. */
export const ACT_INIT: i32 = 5;
export const ACT_ADVANCE: i32 = 3;
export const ACT_DECLINE: i32 = 1;
export const ACT_MAX: i32 = 64;

/** Bytes of the arrays below for each page. */
const BYTES_PER_PAGE: i32 = 24;
/** References of one page; who would pass it copies the page. */
export const REFS_MAX: i32 = 0xfff0;
/** Free pages zeroed ahead, at most. */
const ZEROED_MAX: u32 = 1024;

/** Frees memory when it runs short: what `VmPages#alloc` asks before it gives up. */
export interface Reclaimer {
  /** Tries to free `n` pages; returns how many were freed. Must not allocate. */
  reclaim(n: u32): u32;
}

/**
 * The page array, the free lists and the hash of object pages. Owned by the kernel instance; handlers call it freely since
 * nothing runs beside them.
 *
 * | array   | free page          | anonymous or kernel page     | page of an object              |
 * |---------|--------------------|------------------------------|--------------------------------|
 * | refs    | 0                  | references                   | 1 + pins                       |
 * | flags   | PG_FREE            | 0, PG_ANON or PG_WIRED       | PG_OBJECT and a queue          |
 * | act     | 0                  | 0                            | act_count                      |
 * | object  | 0                  | 0                            | object id                      |
 * | index   | 0                  | page table: live entries     | index in the object            |
 * | link    | next free          | page table: used slots       | next in the hash chain         |
 * | next, prev | 0               | page table: the space's list | the object's page list         |
 */
export class VmPages {
  readonly machine: Machine;
  /** Pages the kernel may use in all, and how many of them are free now. */
  totalCount: u32 = 0;
  freeCount: u32 = 0;
  /** The last free pages, which only the kernel gets (`allocKernel`). */
  reserve: u32 = 0;
  /** Pages in objects by queue, dirty ones, and pages that are wired. */
  activeCount: u32 = 0;
  inactiveCount: u32 = 0;
  dirtyCount: u32 = 0;
  wiredCount: u32 = 0;
  /** Pages used as page tables. */
  tableCount: u32 = 0;
  /** Anonymous pages, and pages of objects that have a pager. */
  anonCount: u32 = 0;
  pagedCount: u32 = 0;
  reclaimer: Reclaimer | null = null;
  /** For tests: what every page is filled with when it becomes free (a page of bytes), so that a use after it shows. */
  poison: Uint8Array | null = null;

  /** First page number behind the last page. */
  readonly limit: u32;
  readonly refs: Uint16Array;
  readonly flags: Uint8Array;
  readonly act: Uint8Array;
  readonly object: Uint32Array;
  readonly index: Uint32Array;
  readonly link: Uint32Array;
  readonly next: Uint32Array;
  readonly prev: Uint32Array;

  private readonly buckets: Uint32Array;
  private readonly bucketMask: u32;
  private freeHead: u32 = 0;
  private zeroHead: u32 = 0;
  private zeroed: u32 = 0;
  /** Regions: pages from `fresh` up to `end` were never used. */
  private readonly fresh: Uint32Array;
  private readonly end: Uint32Array;
  private region: i32 = 0;

  /** The kernel heap's supply. */
  readonly heap: KernelHeap = new KernelHeap();
  /** Objects by id. */
  readonly objects: ObjectTable = new ObjectTable();

  /** Takes over all memory regions of the machine, of which the arrays and the first kernel heap are cut. */
  constructor(machine: Machine) {
    this.machine = machine;
    const regions = machine.memRegionCount();
    const fresh = new Uint32Array(regions);
    const end = new Uint32Array(regions);
    let top: u32 = 0;
    let biggest: i32 = 0;
    let total: u32 = 0;
    for (let i = 0; i < regions; i++) {
      const base = machine.memRegionBase(i);
      let from: u32 = u32(longDiv(base + (PAGE_SIZE - 1), PAGE_SIZE));
      const to: u32 = u32(longDiv(base + machine.memRegionSize(i), PAGE_SIZE));
      if (from === 0) from = 1;
      if (from >= to) continue;
      fresh[i] = from;
      end[i] = to;
      total = u32(total + (to - from));
      if (to > top) top = to;
      if ((end[biggest] - fresh[biggest]) >>> 0 < (to - from) >>> 0) biggest = i;
    }
    kassert(top > 0, "no memory");
    const moduleEnd: u32 = u32(
      longDiv(machine.bootParam(BOOT_MODULE) + machine.bootParam(BOOT_MODULE_SIZE), PAGE_SIZE),
    );
    if (moduleEnd > top) top = moduleEnd;

    let buckets: u32 = 64;
    while (buckets < total >>> 2) buckets = u32(buckets << 1);
    const heap: u32 = u32((((top * BYTES_PER_PAGE + buckets * 4) >>> 0) / PAGE_SIZE) | 0);
    let missing: i32 = (u32(heap) + HEAP_TARGET * 2 - machine.heapReserve()) | 0;
    kassert(
      missing < 0 || (u32(missing) + 256) >>> 0 < u32(end[biggest] - fresh[biggest]),
      "not enough memory for the page array",
    );
    for (; missing > 0; missing--) {
      end[biggest] = u32(end[biggest] - 1);
      total = u32(total - 1);
      machine.heapDonate(toLong(end[biggest]) * PAGE_SIZE);
    }

    this.limit = top;
    this.totalCount = total;
    this.freeCount = total;
    this.fresh = fresh;
    this.end = end;
    this.refs = new Uint16Array(i32(top));
    this.flags = new Uint8Array(i32(top));
    this.act = new Uint8Array(i32(top));
    this.object = new Uint32Array(i32(top));
    this.index = new Uint32Array(i32(top));
    this.link = new Uint32Array(i32(top));
    this.next = new Uint32Array(i32(top));
    this.prev = new Uint32Array(i32(top));
    this.buckets = new Uint32Array(i32(buckets));
    this.bucketMask = u32(buckets - 1);
    let reserve: u32 = total >>> 6;
    if (reserve < 32) reserve = 32;
    if (reserve > 1024) reserve = 1024;
    this.reserve = reserve;
    this.heap.attach(this);
  }

  /**
   * Takes over memory that was in use at boot and is not any more (the boot module): the whole pages of it become free.
   * It must be part of what `bootParam` names, which the page array covers.
   */
  adopt(base: long, size: long): void {
    const to: u32 = u32(longDiv(base + size, PAGE_SIZE));
    for (let pg: u32 = u32(longDiv(base + (PAGE_SIZE - 1), PAGE_SIZE)); pg < to; pg = u32(pg + 1)) {
      kassert(pg < this.limit && this.refs[pg] === 0 && this.flags[pg] === 0, "page: adopted twice");
      this.totalCount = u32(this.totalCount + 1);
      this.free(pg);
    }
  }

  // ---- allocation

  /** A page with one reference and undefined content; 0 when memory is out (what is left is the kernel's reserve). */
  alloc(): u32 {
    if (this.freeCount <= this.reserve && !this.makeRoom()) return 0;
    return this.take();
  }

  /** A page with one reference, all zero; 0 when memory is out. */
  allocZeroed(): u32 {
    if (this.freeCount <= this.reserve && !this.makeRoom()) return 0;
    return this.takeZeroed();
  }

  /** An anonymous page for a page-table entry, zeroed or undefined; 0 when memory is out. */
  allocAnon(zeroed: boolean): u32 {
    if (this.freeCount <= this.reserve && !this.makeRoom()) return 0;
    const pg = zeroed ? this.takeZeroed() : this.take();
    this.flags[pg] = PG_ANON;
    this.anonCount = u32(this.anonCount + 1);
    return pg;
  }

  /** As `alloc`, from the reserve too: for what lets the kernel go on. 0 only when not one page is left. */
  allocKernel(): u32 {
    if (this.freeCount === 0 && !this.makeRoom()) return 0;
    return this.take();
  }

  /**
   * `n` adjacent pages with one reference each (DMA rings); the first one's number, or 0. Searches all of memory when the
   * fresh regions are used up: for attaching devices, not for hot paths.
   */
  allocContiguous(n: i32): u32 {
    if (n <= 0 || this.freeCount < (this.reserve + u32(n)) >>> 0) return 0;
    for (let i = 0; i < this.fresh.length; i++) {
      if ((this.end[i] - this.fresh[i]) >>> 0 >= u32(n) && this.end[i] > this.fresh[i]) {
        // From the end of the region, so that single pages go on from its start.
        this.end[i] = u32(this.end[i] - u32(n));
        return this.claimRun(this.end[i], n);
      }
    }
    let run: i32 = 0;
    for (let pg: u32 = 1; pg < this.limit; pg = u32(pg + 1)) {
      run = (this.flags[pg] & PG_FREE) !== 0 ? (run + 1) | 0 : 0;
      if (run === n) {
        const first: u32 = u32(pg - u32(n) + 1);
        this.freeHead = this.filterList(this.freeHead, first, pg);
        this.zeroHead = this.filterList(this.zeroHead, first, pg);
        return this.claimRun(first, n);
      }
    }
    return 0;
  }

  private claimRun(first: u32, n: i32): u32 {
    for (let i = 0; i < n; i++) {
      this.flags[first + i] = 0;
      this.refs[first + i] = 1;
    }
    this.freeCount = u32(this.freeCount - u32(n));
    return first;
  }

  /** The free list `head` without the pages `first` to `last`. */
  private filterList(head: u32, first: u32, last: u32): u32 {
    let kept: u32 = 0;
    let tail: u32 = 0;
    let pg = head;
    while (pg !== 0) {
      const after: u32 = this.link[pg];
      if (pg < first || pg > last) {
        if (tail === 0) kept = pg;
        else this.link[tail] = pg;
        tail = pg;
      } else {
        this.link[pg] = 0;
        if (head === this.zeroHead) this.zeroed = u32(this.zeroed - 1);
      }
      pg = after;
    }
    if (tail !== 0) this.link[tail] = 0;
    return kept;
  }

  private makeRoom(): boolean {
    const r = this.reclaimer;
    if (r === null) return false;
    return r.reclaim(32) > 0 && this.freeCount > this.reserve;
  }

  private take(): u32 {
    let pg = this.freeHead;
    if (pg !== 0) this.freeHead = this.link[pg];
    else {
      pg = this.takeFresh();
      if (pg === 0) {
        pg = this.zeroHead;
        this.zeroHead = this.link[pg];
        this.zeroed = u32(this.zeroed - 1);
      }
    }
    this.link[pg] = 0;
    this.flags[pg] = 0;
    this.refs[pg] = 1;
    this.freeCount = u32(this.freeCount - 1);
    return pg;
  }

  private takeZeroed(): u32 {
    const pg = this.zeroHead;
    if (pg === 0) {
      const dirty = this.take();
      this.machine.zeroPhys(toLong(dirty) * PAGE_SIZE, PAGE_SIZE);
      return dirty;
    }
    this.zeroHead = this.link[pg];
    this.zeroed = u32(this.zeroed - 1);
    this.link[pg] = 0;
    this.flags[pg] = 0;
    this.refs[pg] = 1;
    this.freeCount = u32(this.freeCount - 1);
    return pg;
  }

  private takeFresh(): u32 {
    while (this.region < this.fresh.length) {
      const pg: u32 = this.fresh[this.region];
      if (pg < this.end[this.region]) {
        this.fresh[this.region] = u32(pg + 1);
        return pg;
      }
      this.region++;
    }
    return 0;
  }

  /** Zeroes up to `n` free pages ahead of need, for idle time. Returns how many. */
  zeroIdle(n: i32): i32 {
    let done: i32 = 0;
    while (done < n && this.freeHead !== 0 && this.zeroed < ZEROED_MAX) {
      const pg = this.freeHead;
      this.freeHead = this.link[pg];
      this.machine.zeroPhys(toLong(pg) * PAGE_SIZE, PAGE_SIZE);
      this.link[pg] = this.zeroHead;
      this.zeroHead = pg;
      this.zeroed = u32(this.zeroed + 1);
      done++;
    }
    return done;
  }

  /** One more reference. */
  ref(pg: u32): void {
    const n: i32 = this.refs[pg];
    kassert(n > 0 && n < 0xffff, "page: reference to a free page");
    this.refs[pg] = (n + 1) | 0;
  }

  /** One reference less; the last one frees the page. */
  unref(pg: u32): void {
    const n: i32 = this.refs[pg];
    kassert(n > 0, "page: freed twice");
    this.refs[pg] = (n - 1) | 0;
    if (n === 1) this.free(pg);
  }

  private free(pg: u32): void {
    const flags: i32 = this.flags[pg];
    kassert((flags & (PG_OBJECT | PG_BUSY | PG_WIRED)) === 0, "page: freed while in use");
    if ((flags & PG_ANON) !== 0) this.anonCount = u32(this.anonCount - 1);
    const poison = this.poison;
    if (poison !== null) this.machine.writePhys(poison, 0, toLong(pg) * PAGE_SIZE, PAGE_SIZE);
    this.flags[pg] = PG_FREE;
    this.link[pg] = this.freeHead;
    this.freeHead = pg;
    this.freeCount = u32(this.freeCount + 1);
  }

  /** Physical address of a page. */
  pa(pg: u32): long {
    return toLong(pg) * PAGE_SIZE;
  }

  /** Takes a page with one reference out of the pool for good (kernel heap). */
  wire(pg: u32): void {
    this.flags[pg] = this.flags[pg] | PG_WIRED;
    this.wiredCount = u32(this.wiredCount + 1);
  }

  // ---- objects and their pages

  /** The object a page belongs to, or null. */
  objectOf(pg: u32): VmObject | null {
    if ((this.flags[pg] & PG_OBJECT) === 0) return null;
    return this.objects.get(i32(this.object[pg]));
  }

  /** The page at `pindex` of the object, or 0. Busy pages are found too. */
  lookup(id: i32, pindex: u32): u32 {
    let pg: u32 = this.buckets[this.bucket(id, pindex)];
    while (pg !== 0 && (this.index[pg] !== pindex || this.object[pg] !== u32(id))) pg = this.link[pg];
    return pg;
  }

  /** Puts a page with one reference, which the object takes over, at `pindex` of `object`; there must be none. */
  enter(object: VmObject, pindex: u32, pg: u32): void {
    const b = this.bucket(object.id, pindex);
    kassert((this.flags[pg] & PG_OBJECT) === 0, "page: in two objects");
    this.object[pg] = u32(object.id);
    this.index[pg] = pindex;
    this.link[pg] = this.buckets[b];
    this.buckets[b] = pg;
    const head = object.head;
    this.prev[pg] = 0;
    this.next[pg] = head;
    if (head !== 0) this.prev[head] = pg;
    object.head = pg;
    object.resident = u32(object.resident + 1);
    if (pindex >= object.top) object.top = u32(pindex + 1);
    if (object.pager !== null) this.pagedCount = u32(this.pagedCount + 1);
    this.flags[pg] = PG_OBJECT | PG_ACTIVE;
    this.act[pg] = ACT_INIT;
    this.activeCount = u32(this.activeCount + 1);
  }

  /** Takes a page out of its object and drops the object's reference. It must not be mapped any more. */
  remove(object: VmObject, pg: u32): void {
    const flags: i32 = this.flags[pg];
    kassert(
      (flags & (PG_OBJECT | PG_BUSY)) === PG_OBJECT && this.object[pg] === u32(object.id),
      "page: not in the object",
    );
    const b = this.bucket(object.id, this.index[pg]);
    let at: u32 = this.buckets[b];
    if (at === pg) this.buckets[b] = this.link[pg];
    else {
      while (this.link[at] !== pg) at = this.link[at];
      this.link[at] = this.link[pg];
    }
    const next: u32 = this.next[pg];
    const prev: u32 = this.prev[pg];
    if (prev === 0) object.head = next;
    else this.next[prev] = next;
    if (next !== 0) this.prev[next] = prev;
    object.resident = u32(object.resident - 1);
    if (object.pager !== null) this.pagedCount = u32(this.pagedCount - 1);
    if ((flags & PG_ACTIVE) !== 0) this.activeCount = u32(this.activeCount - 1);
    else this.inactiveCount = u32(this.inactiveCount - 1);
    if ((flags & PG_DIRTY) !== 0) this.dirtyCount = u32(this.dirtyCount - 1);
    this.link[pg] = 0;
    this.next[pg] = 0;
    this.prev[pg] = 0;
    this.object[pg] = 0;
    this.index[pg] = 0;
    this.act[pg] = 0;
    this.flags[pg] = 0;
    this.unref(pg);
  }

  /** Marks an object page as written. */
  setDirty(pg: u32): void {
    if ((this.flags[pg] & PG_DIRTY) !== 0) return;
    this.flags[pg] = this.flags[pg] | PG_DIRTY;
    this.dirtyCount = u32(this.dirtyCount + 1);
  }

  /** The page's content is stored. */
  setClean(pg: u32): void {
    if ((this.flags[pg] & PG_DIRTY) === 0) return;
    this.flags[pg] = this.flags[pg] & ~PG_DIRTY;
    this.dirtyCount = u32(this.dirtyCount - 1);
  }

  /** Moves an object page to the ACTIVE or INACTIVE queue. */
  setActive(pg: u32, active: boolean): void {
    const flags: i32 = this.flags[pg];
    if (((flags & PG_ACTIVE) !== 0) === active) return;
    if (active) {
      this.flags[pg] = (flags & ~PG_INACTIVE) | PG_ACTIVE;
      this.activeCount = u32(this.activeCount + 1);
      this.inactiveCount = u32(this.inactiveCount - 1);
    } else {
      this.flags[pg] = (flags & ~PG_ACTIVE) | PG_INACTIVE;
      this.inactiveCount = u32(this.inactiveCount + 1);
      this.activeCount = u32(this.activeCount - 1);
    }
  }

  isBusy(pg: u32): boolean {
    return (this.flags[pg] & PG_BUSY) !== 0;
  }

  /** A pager has filled a busy page (`error` 0), or failed with a negative errno, which takes the page out of its object. */
  readDone(pg: u32, error: i32): void {
    kassert((this.flags[pg] & (PG_BUSY | PG_OBJECT)) === (PG_BUSY | PG_OBJECT), "page: not being read");
    this.flags[pg] = this.flags[pg] & ~PG_BUSY;
    const object = this.objects.get(i32(this.object[pg]));
    // While it was read, the object may have lost its last owner or become shorter.
    if (error < 0 || object!.dead || this.index[pg] >= object!.size) this.remove(object!, pg);
    if (object!.dead) object!.reap();
  }

  private bucket(id: i32, pindex: u32): i32 {
    return i32((u32(u32(imul(id, -1640531535)) + pindex) & this.bucketMask) >>> 0);
  }
}
