/**
 * The physical map of an address space: what its page tables hold, and which translations must be flushed.
 *
 * Key type `Pmap`. Ranges are walked table by table; a table's bounds and its count of live entries keep a scan short, and absent
 * upper levels are skipped in one step. Neighbours: `page-tables.ts`, `pte.ts`, `pages.ts`; `fault.ts`, `mapping.ts` and `fork.ts`
 * call it.
 * Invariants: an ANON entry holds a reference of its page; `anon` and `file` count ANON and FILE entries. A translation that lost a
 * right or its page is flushed before user code runs again; one that only gained is not, nor is any of a space that is not loaded.
 * Source: DragonFly sys/platform/pc64/x86_64/pmap.c; Intel SDM volume 3, section 4.10.4 (which flushes are needed).
 */
import { Errno, i32, kassert, LongArray, toLong, u32, type long } from "@anax/portable";
import { PAGE_SIZE } from "@anax/machine";
import { PageTables, regionOf, slotOf } from "./page-tables";
import { PG_DIRTY, type VmPages } from "./pages";
import { PTE_A, PTE_ANON, PTE_D, PTE_FILE, PTE_NX, PTE_P, PTE_W, ptePage } from "./pte";

/** Pages flushed one by one; more are flushed all at once. */
const FLUSH_MAX: i32 = 8;
const ENTRIES: i32 = 512;
const PROT_WRITE: i32 = 2;
const PROT_EXEC: i32 = 4;
const PROT_ALL: i32 = 7;

/** What one address space has in its page tables. Owned by its VmSpace. */
export class Pmap extends PageTables {
  /** The machine has these tables loaded. */
  active: boolean = false;
  /** Entries in use, by kind. */
  anon: i32 = 0;
  file: i32 = 0;
  /** What `find` found: the entry's physical address and its low half. */
  at: long = 0;
  lo: u32 = 0;

  private pending: i32 = 0;
  private readonly pendingVas: LongArray = new LongArray(FLUSH_MAX);

  constructor(pages: VmPages, root: u32) {
    super(pages, root);
  }

  // ---- single entries

  /** Looks the page at `va` up: `lo` is 0 or its low half, `at` then its place. */
  find(va: long): u32 {
    const table = this.tableOf(regionOf(va));
    if (table === 0) {
      this.lo = 0;
      return 0;
    }
    this.at = toLong(table) * PAGE_SIZE + ((slotOf(va) * 8) | 0);
    this.lo = this.machine.load32(this.at);
    return this.lo;
  }

  /** Page number of the entry that `find` found. */
  foundPage(): u32 {
    return ptePage(this.lo, this.machine.load32(this.at + 4));
  }

  /** The page at `va`, or 0. */
  extract(va: long): u32 {
    return this.find(va) === 0 ? 0 : this.foundPage();
  }

  /**
   * Fills the empty entry of `va`; an ANON entry takes over one reference of its page. No flush: what is not present is
   * never cached. 0, or -ENOMEM when there is no memory for a table.
   */
  enter(va: long, lo: u32, hi: u32): i32 {
    const table = this.makeTable(regionOf(va));
    if (table === 0) return -Errno.NOMEM;
    this.enterAt(table, slotOf(va), lo, hi);
    return 0;
  }

  /** As `enter`, in slot `i` of a page table of this pmap. */
  enterAt(table: u32, i: i32, lo: u32, hi: u32): void {
    const at: long = toLong(table) * PAGE_SIZE + ((i * 8) | 0);
    this.machine.store32(at + 4, hi);
    this.machine.store32(at, lo);
    this.added(table, 1, i, i);
    if ((lo & PTE_ANON) !== 0) this.anon++;
    else if ((lo & PTE_FILE) !== 0) this.file++;
  }

  /** Replaces the entry that `find` found at `va` by one of another page (copy-on-write), which holds ANON. The old page is the caller's. */
  replace(va: long, lo: u32, hi: u32): void {
    const old = this.lo;
    this.machine.store32(this.at, 0);
    this.machine.store32(this.at + 4, hi);
    this.machine.store32(this.at, lo);
    if ((old & PTE_ANON) === 0) {
      this.anon++;
      if ((old & PTE_FILE) !== 0) this.file--;
    }
    if ((old & PTE_A) !== 0) this.gather(va);
    this.flush();
  }

  /** Gives the entry that `find` found more rights or flags. */
  upgrade(bits: u32): void {
    this.lo = u32(this.lo | bits);
    this.machine.store32(this.at, this.lo);
  }

  // ---- ranges

  /** Empties all entries of [start, end): references are dropped, dirty object pages noted, empty tables freed. */
  remove(start: long, end: long): void {
    const m = this.machine;
    const last = regionOf(end - 1);
    let r = this.seek(regionOf(start), last);
    while (r >= 0) {
      const table = this.found;
      const base: long = toLong(r) * 0x200000;
      let i: i32 = this.firstSlot(table, base < start ? slotOf(start) : 0);
      const stop: i32 = this.endSlot(table, base + 0x200000 > end ? (slotOf(end - 1) + 1) | 0 : ENTRIES);
      const live: i32 = i32(this.pages.index[table]);
      let left: i32 = live;
      let at: long = toLong(table) * PAGE_SIZE + ((i * 8) | 0);
      while (i < stop && left > 0) {
        const lo = m.load32(at);
        if (lo !== 0) {
          m.store32(at, 0);
          this.drop(lo, at);
          if ((lo & (PTE_A | PTE_P)) === (PTE_A | PTE_P)) this.gather(base + toLong(i) * PAGE_SIZE);
          left--;
        }
        i++;
        at = at + 8;
      }
      this.pages.index[table] = u32(left);
      if (left === 0 && live > 0) this.dropTable(r, table);
      r = this.seek((r + 1) | 0, last);
    }
    if (this.tableFreed && this.pending === 0) this.gather(start);
    this.tableFreed = false;
    this.flush();
  }

  /** Lets go of what an entry with low half `lo` at `at` held. */
  private drop(lo: u32, at: long): void {
    if ((lo & PTE_ANON) !== 0) {
      this.anon--;
      this.pages.unref(ptePage(lo, this.machine.load32(at + 4)));
    } else if ((lo & PTE_FILE) !== 0) {
      this.file--;
      if ((lo & (PTE_D | PTE_W)) === (PTE_D | PTE_W)) this.noteDirty(ptePage(lo, this.machine.load32(at + 4)));
    }
  }

  private noteDirty(pg: u32): void {
    if ((this.pages.flags[pg] & PG_DIRTY) !== 0) return;
    const object = this.pages.objectOf(pg);
    if (object !== null && object.pager !== null) this.pages.setDirty(pg);
  }

  /**
   * Gives the entries of [start, end) the rights of `prot`. Writable at once is what needs no copy: object pages of a shared
   * mapping, and anonymous pages with one reference.
   */
  protect(start: long, end: long, prot: i32, shared: boolean): void {
    const m = this.machine;
    const last = regionOf(end - 1);
    const present: u32 = (prot & PROT_ALL) !== 0 ? PTE_P : 0;
    const nx: u32 = (prot & PROT_EXEC) !== 0 ? 0 : PTE_NX;
    const write = (prot & PROT_WRITE) !== 0;
    let r = this.seek(regionOf(start), last);
    while (r >= 0) {
      const table = this.found;
      const base: long = toLong(r) * 0x200000;
      let i: i32 = this.firstSlot(table, base < start ? slotOf(start) : 0);
      const stop: i32 = this.endSlot(table, base + 0x200000 > end ? (slotOf(end - 1) + 1) | 0 : ENTRIES);
      let left: i32 = i32(this.pages.index[table]);
      let at: long = toLong(table) * PAGE_SIZE + ((i * 8) | 0);
      while (i < stop && left > 0) {
        const lo = m.load32(at);
        if (lo !== 0) {
          left--;
          const hi = m.load32(at + 4);
          let to: u32 = u32((lo & ~(PTE_P | PTE_W)) | present);
          if (write) {
            if ((lo & PTE_ANON) !== 0) {
              if (this.pages.refs[ptePage(lo, hi)] === 1) to = u32(to | PTE_W);
            } else if ((lo & PTE_FILE) !== 0 && shared) to = u32(to | PTE_W);
          }
          const toHi: u32 = u32((hi & ~PTE_NX) | nx);
          if ((lo & (PTE_D | PTE_W | PTE_FILE)) === (PTE_D | PTE_W | PTE_FILE) && (to & PTE_W) === 0) {
            this.noteDirty(ptePage(lo, hi));
            to = u32(to & ~PTE_D);
          }
          if (toHi !== hi) m.store32(at + 4, toHi);
          if (to !== lo) m.store32(at, to);
          const lost = (lo & ~to & (PTE_P | PTE_W)) !== 0 || (nx !== 0 && (hi & PTE_NX) === 0);
          if (lost && (lo & (PTE_A | PTE_P)) === (PTE_A | PTE_P)) this.gather(base + toLong(i) * PAGE_SIZE);
        }
        i++;
        at = at + 8;
      }
      r = this.seek((r + 1) | 0, last);
    }
    this.flush();
  }

  /** Moves the entries of [start, end) to `to`, where there are none. 0 or -ENOMEM, and then all are where they were. */
  move(start: long, end: long, to: long): i32 {
    // All tables first: nothing is moved unless everything can be.
    let r = this.seek(regionOf(start), regionOf(end - 1));
    while (r >= 0) {
      let from: long = toLong(r) * 0x200000;
      if (from < start) from = start;
      let until: long = toLong(r) * 0x200000 + 0x200000;
      if (until > end) until = end;
      if (this.makeTable(regionOf(to + (from - start))) === 0) return -Errno.NOMEM;
      if (this.makeTable(regionOf(to + (until - 1 - start))) === 0) return -Errno.NOMEM;
      r = this.seek((r + 1) | 0, regionOf(end - 1));
    }
    const m = this.machine;
    let va = this.nextUsed(start, end);
    while (va >= 0) {
      const lo = this.lo;
      const at = this.at;
      const hi = m.load32(at + 4);
      const table = this.tableOf(regionOf(va));
      m.store32(at, 0);
      const live: u32 = u32(this.pages.index[table] - 1);
      this.pages.index[table] = live;
      if (live === 0) this.dropTable(regionOf(va), table);
      if ((lo & PTE_ANON) !== 0) this.anon--;
      else if ((lo & PTE_FILE) !== 0) this.file--;
      if ((lo & PTE_A) !== 0) this.gather(va);
      const target: long = to + (va - start);
      this.enterAt(this.makeTable(regionOf(target)), slotOf(target), lo, hi);
      va = this.nextUsed(va + PAGE_SIZE, end);
    }
    if (this.tableFreed && this.pending === 0) this.gather(start);
    this.tableFreed = false;
    this.flush();
    return 0;
  }

  /** The first page of [from, end) whose entry is in use, found as by `find`; -1 when there is none. */
  nextUsed(from: long, end: long): long {
    if (from >= end) return -1;
    const last = regionOf(end - 1);
    let r = this.seek(regionOf(from), last);
    while (r >= 0) {
      const table = this.found;
      const base: long = toLong(r) * 0x200000;
      if (this.pages.index[table] !== 0) {
        let i: i32 = this.firstSlot(table, base < from ? slotOf(from) : 0);
        const stop: i32 = this.endSlot(table, base + 0x200000 > end ? (slotOf(end - 1) + 1) | 0 : ENTRIES);
        let at: long = toLong(table) * PAGE_SIZE + ((i * 8) | 0);
        while (i < stop) {
          const lo = this.machine.load32(at);
          if (lo !== 0) {
            this.at = at;
            this.lo = lo;
            return base + toLong(i) * PAGE_SIZE;
          }
          i++;
          at = at + 8;
        }
      }
      r = this.seek((r + 1) | 0, last);
    }
    return -1;
  }

  /** Entries in use that show a page of their own (not the page of zeros) in [start, end). */
  count(start: long, end: long): i32 {
    let n: i32 = 0;
    let va = this.nextUsed(start, end);
    while (va >= 0) {
      if ((this.lo & (PTE_ANON | PTE_FILE)) !== 0) n++;
      va = this.nextUsed(va + PAGE_SIZE, end);
    }
    return n;
  }

  /** Notes the object pages of [start, end) that were written through this map as dirty, so that later writes are seen again. */
  collectDirty(start: long, end: long): void {
    let va = this.nextUsed(start, end);
    while (va >= 0) {
      if ((this.lo & (PTE_FILE | PTE_W | PTE_D)) === (PTE_FILE | PTE_W | PTE_D)) {
        this.noteDirty(this.foundPage());
        this.machine.store32(this.at, u32(this.lo & ~PTE_D));
        this.gather(va);
      }
      va = this.nextUsed(va + PAGE_SIZE, end);
    }
    this.flush();
  }

  /** Whether the page at `va` was used since the last call (its accessed bit, which is cleared). */
  testAccessed(va: long): boolean {
    const lo = this.find(va);
    if ((lo & PTE_A) === 0) return false;
    this.machine.store32(this.at, u32(lo & ~PTE_A));
    // The bit also says that the translation may be cached, so it may be lost only with it.
    this.gather(va);
    this.flush();
    return true;
  }

  /** Frees everything. The tables must not be loaded. */
  destroy(): void {
    kassert(!this.active, "pmap: destroyed while loaded");
    const pages = this.pages;
    this.cachedRegion = -1;
    let table = this.leaves;
    while (table !== 0) {
      const after: u32 = pages.next[table];
      let left: i32 = i32(pages.index[table]);
      let at: long = toLong(table) * PAGE_SIZE + ((this.firstSlot(table, 0) * 8) | 0);
      while (left > 0) {
        const lo = this.machine.load32(at);
        if (lo !== 0) {
          this.drop(lo, at);
          left--;
        }
        at = at + 8;
      }
      this.freeTable(table);
      table = after;
    }
    table = this.uppers;
    while (table !== 0) {
      const after: u32 = pages.next[table];
      this.freeTable(table);
      table = after;
    }
    this.freeTable(this.root);
    this.root = 0;
    kassert(this.anon === 0 && this.file === 0 && this.tables === 0, "pmap: entries or tables left behind");
  }

  // ---- translation cache

  /** The translation of `va` must go; `flush` does it. */
  gather(va: long): void {
    if (!this.active) return;
    if (this.pending < FLUSH_MAX) this.pendingVas.set(this.pending, va);
    this.pending++;
  }

  /** Flushes what was gathered. */
  flush(): void {
    if (this.pending === 0) return;
    if (this.pending > FLUSH_MAX) this.machine.flushAll();
    else for (let i = 0; i < this.pending; i++) this.machine.flushPage(this.pendingVas.get(i));
    this.pending = 0;
  }
}
