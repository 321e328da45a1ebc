/** 32-bit bit operations, AssemblyScript side: single wasm instructions. */

// @ts-ignore: decorator
@inline
export function imul(a: i32, b: i32): i32 {
  return a * b;
}

// @ts-ignore: decorator
@inline
export function clz(x: u32): i32 {
  return i32.clz(x);
}

// @ts-ignore: decorator
@inline
export function ctz(x: u32): i32 {
  return i32.ctz(x);
}

// @ts-ignore: decorator
@inline
export function popcnt(x: u32): i32 {
  return i32.popcnt(x);
}

// @ts-ignore: decorator
@inline
export function rotl(x: u32, n: i32): u32 {
  return i32.rotl(x, n);
}
