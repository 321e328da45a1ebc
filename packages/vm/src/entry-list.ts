/**
 * The map entries of one address space in address order, and the search for free room between them.
 *
 * A sorted array with a gap where it last changed: look-up is a binary search with a hint for the last hit, iteration is by index,
 * insertion next to the last change moves nothing (mappings come in address order, at most 65,530 of them). Neighbours:
 * `entry.ts`, `mapping.ts`.
 * Invariant: entries 0 to count - 1 are in address order and do not overlap; the `gapSize` places at `gap` are null.
 */
import { type i32, type long } from "@anax/portable";
import { VME_GROWSDOWN, type VmEntry } from "./entry";

/** Linux vm.max_map_count. */
export const ENTRIES_MAX: i32 = 65530;
/** Room kept free below a stack (Linux stack_guard_gap). */
export const STACK_GAP: long = 0x100000;

export class EntryList {
  private readonly items: Array<VmEntry | null> = [];
  /** Index of the first entry behind the gap, and the places in the gap. */
  private gap: i32 = 0;
  private gapSize: i32 = 0;
  count: i32 = 0;
  private hint: i32 = 0;
  /** See `findTopDown`; 0: not known. */
  private searchTop: long = 0;
  private largestSkipped: long = 0;

  /** Entries that can be inserted before the array grows, by half and to at most twice its length. */
  get room(): i32 {
    return this.gapSize;
  }

  at(i: i32): VmEntry {
    return this.items[i < this.gap ? i : i + this.gapSize]!;
  }

  /** Index of the first entry that ends behind `va`; `count` when there is none. */
  lowerBound(va: long): i32 {
    const h = this.hint;
    if (h < this.count && va < this.at(h).end && (h === 0 || va >= this.at((h - 1) | 0).end)) return h;
    let low: i32 = 0;
    let high: i32 = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.at(middle).end > va) high = middle;
      else low = (middle + 1) | 0;
    }
    this.hint = low;
    return low;
  }

  /** The entry that contains `va`, or null. */
  find(va: long): VmEntry | null {
    const i = this.lowerBound(va);
    if (i >= this.count) return null;
    const e = this.at(i);
    return e.start <= va ? e : null;
  }

  insert(i: i32, e: VmEntry): void {
    if (this.gapSize === 0) this.widen();
    this.moveGap(i);
    this.items[i] = e;
    this.gap++;
    this.gapSize--;
    this.count++;
  }

  /** Takes `n` entries from index `i` on out of the list. */
  removeRange(i: i32, n: i32): void {
    if (n === 0) return;
    this.moveGap(i);
    for (let k = 0; k < n; k++) this.items[i + this.gapSize + k] = null;
    this.gapSize = (this.gapSize + n) | 0;
    this.count = (this.count - n) | 0;
  }

  /** Makes room for half as many entries again. */
  private widen(): void {
    const more = ((this.count >> 1) + 8) | 0;
    for (let k = 0; k < more; k++) this.items.push(null);
    for (let k = (this.count - 1) | 0; k >= this.gap; k--) {
      this.items[k + more] = this.items[k];
      this.items[k] = null;
    }
    this.gapSize = more;
  }

  /** Moves the gap to index `i`. */
  private moveGap(i: i32): void {
    const n = this.gapSize;
    if (n === 0) this.gap = i;
    while (this.gap > i) {
      this.gap--;
      this.items[this.gap + n] = this.items[this.gap];
      this.items[this.gap] = null;
    }
    while (this.gap < i) {
      this.items[this.gap] = this.items[this.gap + n];
      this.items[this.gap + n] = null;
      this.gap++;
    }
  }

  // ---- free room

  /** Where a mapping may not reach: the entry's start, or the end of the gap below a stack. */
  private floor(i: i32): long {
    const e = this.at(i);
    return (e.flags & VME_GROWSDOWN) !== 0 ? e.start - STACK_GAP : e.start;
  }

  /** Whether [addr, addr + len) is free and clear of the gap below a stack. */
  isFree(addr: long, len: long): boolean {
    const i = this.lowerBound(addr);
    return i === this.count || this.floor(i) >= addr + len;
  }

  /**
   * The highest free address for `len` bytes that ends at or below `base` and is not below `min`; -1 when there is none.
   * Room too small for an earlier search is not looked at again: above `searchTop` there are only holes of `largestSkipped` bytes at most.
   */
  findTopDown(len: long, base: long, min: long): long {
    let top = base;
    if (len > this.largestSkipped && this.searchTop > 0 && this.searchTop < base) top = this.searchTop;
    else this.largestSkipped = 0;
    let i = this.lowerBound(top - 1);
    // The entry at or above `top` limits it, if only by the gap below a stack.
    if (i < this.count && this.floor(i) < top) top = this.floor(i);
    i = (i - 1) | 0;
    for (;;) {
      let below: long = i >= 0 ? this.at(i).end : min;
      if (below < min) below = min;
      const hole: long = top - below;
      if (hole >= len) {
        this.searchTop = top - len;
        return top - len;
      }
      if (hole > this.largestSkipped) this.largestSkipped = hole;
      if (i < 0 || below === min) break;
      if (this.floor(i) < top) top = this.floor(i);
      i--;
    }
    this.searchTop = 0;
    return -1;
  }

  /** The lowest free address for `len` bytes from `from` on that ends at or below `limit`; -1 when there is none. */
  findBottomUp(len: long, from: long, limit: long): long {
    let addr = from;
    let i = this.lowerBound(addr);
    for (;;) {
      const room: long = i < this.count ? this.floor(i) : limit;
      if (addr + len > limit) return -1;
      if (addr + len <= room) return addr;
      if (i >= this.count) return -1;
      const end = this.at(i).end;
      if (end > addr) addr = end;
      i++;
    }
  }

  /** A range that ends at `end` became free. */
  freed(end: long): void {
    if (this.searchTop > 0 && end > this.searchTop) this.searchTop = end;
  }
}
