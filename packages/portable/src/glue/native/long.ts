/** Operations on `long` (i64), AssemblyScript side. See `glue/js/long.ts` for the contracts. */
export { LongArray } from "./long-array";

// @ts-ignore: decorator
@inline
export function toLong<T>(x: T): i64 {
  return i64(x);
}

// @ts-ignore: decorator
@inline
export function longDiv(a: i64, b: i64): i64 {
  return a / b;
}

// @ts-ignore: decorator
@inline
export function longMod(a: i64, b: i64): i64 {
  return a % b;
}

// @ts-ignore: decorator
@inline
export function longShl(a: i64, n: i32): i64 {
  return a << (n as i64);
}

// @ts-ignore: decorator
@inline
export function longShr(a: i64, n: i32): i64 {
  return a >> (n as i64);
}

// @ts-ignore: decorator
@inline
export function longAnd(a: i64, b: i64): i64 {
  return a & b;
}

// @ts-ignore: decorator
@inline
export function longOr(a: i64, b: i64): i64 {
  return a | b;
}

// @ts-ignore: decorator
@inline
export function longLo(a: i64): u32 {
  return a as u32;
}

// @ts-ignore: decorator
@inline
export function longHi(a: i64): i32 {
  return (a >> 32) as i32;
}

// @ts-ignore: decorator
@inline
export function longOf(hi: i32, lo: u32): i64 {
  return ((hi as i64) << 32) | (lo as i64);
}

// @ts-ignore: decorator
@inline
export function longMin(a: i64, b: i64): i64 {
  return a < b ? a : b;
}

// @ts-ignore: decorator
@inline
export function longMax(a: i64, b: i64): i64 {
  return a > b ? a : b;
}

export function longMulShr32(a: i64, mul: u32): i64 {
  return (a >> 32) * (mul as i64) + ((((a & 0xffffffff) as u64) * (mul as u64)) >> 32) as i64;
}
