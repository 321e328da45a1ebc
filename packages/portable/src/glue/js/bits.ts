/** 32-bit bit operations, JavaScript side. */
import type { i32, u32 } from "./types";

/** Low 32 bits of the product. */
export function imul(a: i32, b: i32): i32 {
  return Math.imul(a, b);
}

/** Leading zero bits; 32 for 0. */
export function clz(x: u32): i32 {
  return Math.clz32(x);
}

/** Trailing zero bits; 32 for 0. */
export function ctz(x: u32): i32 {
  return x === 0 ? 32 : 31 - Math.clz32(x & -x);
}

/** Number of one bits. */
export function popcnt(x: u32): i32 {
  let n = 0;
  for (let v = x | 0; v !== 0; v &= v - 1) n++;
  return n;
}

/** Rotate left by 0 to 31. */
export function rotl(x: u32, n: i32): u32 {
  return ((x << n) | (x >>> (32 - n))) >>> 0;
}
