/**
 * The page tables of an address space: finding, making and freeing them.
 *
 * Key type `PageTables`, which `Pmap` extends. A leaf table maps a region of 2 MiB. The page array says of a leaf how many entries are
 * live (`index`) and in which slots they lie (`link`), of an upper table how many tables it holds (`index`), and lists both kinds
 * (`next`, `prev`), so that freeing a space searches nothing.
 * Neighbours: `pmap.ts` (the entries), `pages.ts`. Invariant: every table but the root is on one of the lists; a leaf without live
 * entries is freed, but for EMPTY_KEPT of them; a freed one sets `tableFreed`, since the processor may have cached the way to it.
 * Source: Intel SDM volume 3, sections 4.5 and 4.10.3.
 */
import { i32, longAnd, longShr, toLong, u32, type long } from "@anax/portable";
import { PAGE_SIZE, type Machine } from "@anax/machine";
import type { VmPages } from "./pages";
import { PTE_TABLE, ptePage } from "./pte";

/** Empty leaf tables a space keeps for its next mapping. */
const EMPTY_KEPT: i32 = 4;
/** The bounds of an empty table: lowest slot in bits 0 to 15, highest in bits 16 to 31. */
const NO_SLOTS: u32 = 511;

/** 2 MiB region number of a user address: what one page table maps. */
/* @inline */
export function regionOf(va: long): i32 {
  return i32(u32(longShr(va, 21)));
}

/** Index in its page table of the page at `va`. */
/* @inline */
export function slotOf(va: long): i32 {
  return i32(u32(longAnd(longShr(va, 12), 511)));
}

/** Page tables of one address space. */
export class PageTables {
  readonly pages: VmPages;
  readonly machine: Machine;
  /** Page of the root table; 0 after `destroy`. */
  root: u32;
  /** Pages of tables (the root too). */
  tables: i32 = 1;

  protected cachedRegion: i32 = -1;
  protected cachedTable: u32 = 0;
  /** The table that `seek` found. */
  protected found: u32 = 0;
  protected leaves: u32 = 0;
  protected uppers: u32 = 0;
  protected empty: i32 = 0;
  protected tableFreed: boolean = false;

  /** `root`: a zeroed page with one reference, prepared by `Machine#initRoot`. */
  constructor(pages: VmPages, root: u32) {
    this.pages = pages;
    this.machine = pages.machine;
    this.root = root;
    pages.tableCount = u32(pages.tableCount + 1);
  }

  /** The page table of a region, or 0. */
  tableOf(region: i32): u32 {
    if (region === this.cachedRegion) return this.cachedTable;
    const pdpt = this.child(this.root, region >> 18);
    if (pdpt === 0) return 0;
    const pd = this.child(pdpt, (region >> 9) & 511);
    if (pd === 0) return 0;
    const table = this.child(pd, region & 511);
    if (table !== 0) {
      this.cachedRegion = region;
      this.cachedTable = table;
    }
    return table;
  }

  /** The page table of a region, made when it is missing; 0 when memory is out. */
  makeTable(region: i32): u32 {
    const known = this.tableOf(region);
    if (known !== 0) return known;
    const pdpt = this.makeChild(this.root, region >> 18, -1);
    if (pdpt === 0) return 0;
    const pd = this.makeChild(pdpt, (region >> 9) & 511, -1);
    if (pd === 0) {
      this.dropUpper(region);
      return 0;
    }
    const table = this.makeChild(pd, region & 511, region);
    if (table === 0) {
      this.dropUpper(region);
      return 0;
    }
    this.empty++;
    this.cachedRegion = region;
    this.cachedTable = table;
    return table;
  }

  protected child(table: u32, i: i32): u32 {
    const at: long = toLong(table) * PAGE_SIZE + ((i * 8) | 0);
    const lo = this.machine.load32(at);
    if (lo === 0) return 0;
    return ptePage(lo, this.machine.load32(at + 4));
  }

  /** The table behind entry `i` of `table`, made when it is missing; `region` is -1 for an upper table. */
  protected makeChild(table: u32, i: i32, region: i32): u32 {
    const known = this.child(table, i);
    if (known !== 0) return known;
    const pg = this.pages.allocZeroed();
    if (pg === 0) return 0;
    const at: long = toLong(table) * PAGE_SIZE + ((i * 8) | 0);
    this.machine.store32(at + 4, u32(pg >>> 20));
    this.machine.store32(at, u32((pg << 12) | PTE_TABLE));
    const pages = this.pages;
    pages.index[table] = u32(pages.index[table] + 1);
    this.tables++;
    pages.tableCount = u32(pages.tableCount + 1);
    const head = region < 0 ? this.uppers : this.leaves;
    pages.next[pg] = head;
    if (head !== 0) pages.prev[head] = pg;
    if (region < 0) this.uppers = pg;
    else {
      this.leaves = pg;
      pages.link[pg] = NO_SLOTS;
    }
    return pg;
  }

  protected freeTable(pg: u32): void {
    const pages = this.pages;
    const next: u32 = pages.next[pg];
    const prev: u32 = pages.prev[pg];
    if (next !== 0) pages.prev[next] = prev;
    if (prev !== 0) pages.next[prev] = next;
    else if (this.leaves === pg) this.leaves = next;
    else if (this.uppers === pg) this.uppers = next;
    pages.next[pg] = 0;
    pages.prev[pg] = 0;
    pages.link[pg] = 0;
    pages.index[pg] = 0;
    this.tables--;
    this.pages.tableCount = u32(this.pages.tableCount - 1);
    this.pages.unref(pg);
  }

  protected clearChild(table: u32, i: i32): void {
    this.machine.store32(toLong(table) * PAGE_SIZE + ((i * 8) | 0), 0);
    this.pages.index[table] = u32(this.pages.index[table] - 1);
  }

  /** The page table of `region` has no entries: frees it, unless few such are kept. */
  protected dropTable(region: i32, table: u32): void {
    this.pages.link[table] = NO_SLOTS;
    this.empty++;
    if (this.empty <= EMPTY_KEPT) return;
    this.empty--;
    if (region === this.cachedRegion) this.cachedRegion = -1;
    const pd = this.child(this.child(this.root, region >> 18), (region >> 9) & 511);
    this.clearChild(pd, region & 511);
    this.freeTable(table);
    this.tableFreed = true;
    this.dropUpper(region);
  }

  /** Frees the upper tables above `region` that have no entries. */
  protected dropUpper(region: i32): void {
    const pdpt = this.child(this.root, region >> 18);
    if (pdpt === 0) return;
    const pd = this.child(pdpt, (region >> 9) & 511);
    if (pd !== 0) {
      if (this.pages.index[pd] !== 0) return;
      this.clearChild(pdpt, (region >> 9) & 511);
      this.freeTable(pd);
    }
    if (this.pages.index[pdpt] !== 0) return;
    this.clearChild(this.root, region >> 18);
    this.freeTable(pdpt);
  }

  /** The first region of `r` to `last` that has a page table, which goes to `found`; -1 when there is none. */
  protected seek(from: i32, last: i32): i32 {
    let r = from;
    if (r === this.cachedRegion && r <= last) {
      this.found = this.cachedTable;
      return r;
    }
    while (r <= last) {
      const pdpt = this.child(this.root, r >> 18);
      if (pdpt === 0) {
        r = (((r >> 18) + 1) << 18) | 0;
        continue;
      }
      const pd = this.child(pdpt, (r >> 9) & 511);
      if (pd === 0) {
        r = (((r >> 9) + 1) << 9) | 0;
        continue;
      }
      const stop: i32 = r | 511;
      while (r <= stop && r <= last) {
        const table = this.child(pd, r & 511);
        if (table !== 0) {
          this.found = table;
          this.cachedRegion = r;
          this.cachedTable = table;
          return r;
        }
        r = (r + 1) | 0;
      }
    }
    return -1;
  }

  /** `n` entries were written to `table` in slots `first` to `last`; who writes them itself counts `anon` and `file` too. */
  added(table: u32, n: i32, first: i32, last: i32): void {
    const pages = this.pages;
    const live: u32 = pages.index[table];
    if (live === 0 && n > 0) this.empty--;
    pages.index[table] = u32(live + u32(n));
    const bounds: i32 = i32(pages.link[table]);
    const low: i32 = bounds & 0xffff;
    const high: i32 = bounds >> 16;
    if (first < low || last > high)
      pages.link[table] = u32((first < low ? first : low) | ((last > high ? last : high) << 16));
  }

  /** The first slot of `table` at or behind `i` that may be in use, and the one behind the last before `stop`. */
  firstSlot(table: u32, i: i32): i32 {
    const low: i32 = i32(this.pages.link[table]) & 0xffff;
    return low > i ? low : i;
  }

  endSlot(table: u32, stop: i32): i32 {
    const end: i32 = ((i32(this.pages.link[table]) >> 16) + 1) | 0;
    return end < stop ? end : stop;
  }
}
