/**
 * A growing vector of 32-bit integers: trails, clause arenas, candidate lists.
 *
 * Key type `IntVec`. Neighbours: everything in this folder.
 * Invariant: entries below `length` are valid; `data` may be replaced by a push, so nobody keeps it across one.
 */
import type { i32 } from "@anax/portable";

/** `a` itself when it has `size` entries, else a copy of at least twice its length, filled up with `fill`. */
export function grown(a: Int32Array, size: i32, fill: i32): Int32Array {
  if (size <= a.length) return a;
  let n: i32 = a.length < 16 ? 16 : (a.length * 2) | 0;
  if (n < size) n = size;
  const b = new Int32Array(n);
  if (fill !== 0) b.fill(fill);
  b.set(a);
  return b;
}

export class IntVec {
  data: Int32Array;
  length: i32 = 0;

  constructor(capacity: i32 = 16) {
    this.data = new Int32Array(capacity);
  }

  push(v: i32): void {
    const n = this.length;
    if (n === this.data.length) this.data = grown(this.data, (n + 1) | 0, 0);
    this.data[n] = v;
    this.length = (n + 1) | 0;
  }

  /** The entry at `i`, which must be below `length`. */
  get(i: i32): i32 {
    return this.data[i];
  }

  set(i: i32, v: i32): void {
    this.data[i] = v;
  }

  last(): i32 {
    return this.data[this.length - 1];
  }

  clear(): void {
    this.length = 0;
  }

  /** Forgets everything from `n` on. */
  truncate(n: i32): void {
    this.length = n;
  }

  has(v: i32): boolean {
    const d = this.data;
    for (let i = 0; i < this.length; i++) if (d[i] === v) return true;
    return false;
  }

  append(from: IntVec): void {
    for (let i = 0; i < from.length; i++) this.push(from.data[i]);
  }

  copy(): IntVec {
    const c = new IntVec(this.length < 4 ? 4 : this.length);
    c.append(this);
    return c;
  }
}
