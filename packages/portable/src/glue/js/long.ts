/**
 * Operations on `long` beyond `+ - *` and comparisons, JavaScript side (a number within +-2^53).
 *
 * Neighbours: `glue/native/long.ts`. Invariant: both sides agree for every result within +-2^53.
 */
import type { i32, long, u32 } from "./types";

const TWO32 = 4294967296;

/** `x` (i32 or u32) as a long. */
export function toLong(x: number): long {
  return x;
}

/** Quotient rounded towards zero; `b` must not be 0. */
export function longDiv(a: long, b: long): long {
  return (a - (a % b)) / b + 0;
}

/** Remainder with the sign of `a`; `b` must not be 0. */
export function longMod(a: long, b: long): long {
  return (a % b) + 0;
}

/** `a * 2^n`, 0 <= n <= 63; the caller keeps the result in range. */
export function longShl(a: long, n: i32): long {
  return a * 2 ** n + 0;
}

/** `a / 2^n` rounded towards minus infinity (arithmetic shift). */
export function longShr(a: long, n: i32): long {
  return Math.floor(a / 2 ** n);
}

export function longAnd(a: long, b: long): long {
  return (Math.floor(a / TWO32) & Math.floor(b / TWO32)) * TWO32 + ((a & b) >>> 0);
}

export function longOr(a: long, b: long): long {
  return (Math.floor(a / TWO32) | Math.floor(b / TWO32)) * TWO32 + ((a | b) >>> 0);
}

/** Bits 0 to 31. */
export function longLo(a: long): u32 {
  return a >>> 0;
}

/** Bits 32 to 63. */
export function longHi(a: long): i32 {
  return Math.floor(a / TWO32) | 0;
}

/** `hi * 2^32 + lo`. */
export function longOf(hi: i32, lo: u32): long {
  return (hi | 0) * TWO32 + (lo >>> 0);
}

export function longMin(a: long, b: long): long {
  return a < b ? a : b;
}

export function longMax(a: long, b: long): long {
  return a > b ? a : b;
}

/** `a * mul / 2^32` without losing the high bits of the product; a >= 0. For clock scaling. */
export function longMulShr32(a: long, mul: u32): long {
  const hi = Math.floor(a / TWO32);
  return hi * mul + Math.floor(((a >>> 0) * mul) / TWO32);
}

/** An array of longs of fixed length. Reading or writing out of bounds is a panic on both sides. */
export class LongArray {
  private readonly items: Float64Array;

  constructor(readonly length: i32) {
    this.items = new Float64Array(length);
  }

  get(i: i32): long {
    if (i >>> 0 >= this.length) throw new RangeError("LongArray index out of bounds");
    return this.items[i]!;
  }

  set(i: i32, v: long): void {
    if (i >>> 0 >= this.length) throw new RangeError("LongArray index out of bounds");
    this.items[i] = v;
  }

  fill(v: long): void {
    this.items.fill(v);
  }
}
