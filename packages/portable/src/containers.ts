/**
 * Small containers of the kernel: a dense table of handles and a bit set.
 *
 * Invariant: iteration is by index, so it is the same on both targets; no container allocates on lookup.
 */
import { clz, ctz } from "./glue/js/bits";
import type { i32, u32 } from "./glue/js/types";

/** Objects by small integer (descriptor, process slot). Grows by doubling; empty slots are null. */
export class SlotTable<T> {
  private slots: Array<T | null> = [];
  /** Number of slots in use. */
  used: i32 = 0;

  /** Slots that exist (used or not). */
  get capacity(): i32 {
    return this.slots.length;
  }

  get(i: i32): T | null {
    if (i < 0 || i >= this.slots.length) return null;
    return this.slots[i];
  }

  set(i: i32, v: T | null): void {
    while (this.slots.length <= i) this.slots.push(null);
    const old = this.slots[i];
    if (old === null && v !== null) this.used++;
    if (old !== null && v === null) this.used--;
    this.slots[i] = v;
  }

  /** The lowest free index at or above `from`. */
  lowestFree(from: i32): i32 {
    let i = from;
    while (i < this.slots.length && this.slots[i] !== null) i++;
    return i;
  }
}

/** A bit set of fixed size with first-set search. */
export class BitSet {
  private readonly words: Uint32Array;

  constructor(readonly size: i32) {
    this.words = new Uint32Array((size + 31) >> 5);
  }

  has(i: i32): boolean {
    return ((this.words[i >> 5] >>> (i & 31)) & 1) !== 0;
  }

  add(i: i32): void {
    this.words[i >> 5] |= 1 << (i & 31);
  }

  delete(i: i32): void {
    this.words[i >> 5] &= ~(1 << (i & 31));
  }

  /** The lowest member, or -1. */
  first(): i32 {
    for (let w = 0; w < this.words.length; w++) {
      const bits: u32 = this.words[w];
      if (bits !== 0) return (w * 32 + ctz(bits)) | 0;
    }
    return -1;
  }

  /** The highest member, or -1. */
  last(): i32 {
    for (let w: i32 = (this.words.length - 1) | 0; w >= 0; w--) {
      const bits: u32 = this.words[w];
      if (bits !== 0) return (w * 32 + 31 - clz(bits)) | 0;
    }
    return -1;
  }
}
