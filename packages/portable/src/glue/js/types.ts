/**
 * Integer types of Kernel TypeScript, JavaScript side: every type is a `number` kept in range by the source.
 *
 * `long` is an integer within +-2^53 here and an i64 on the native side; only `+ - *` and comparisons apply to it
 * directly, everything else goes through the functions of `long.ts`.
 * Neighbours: `glue/native/types.ts` (the AssemblyScript side, where the 8 to 32 bit types are built in).
 * Invariant: the conversion functions give the same value on both sides for every input within range.
 */
export type i8 = number;
export type u8 = number;
export type i16 = number;
export type u16 = number;
export type i32 = number;
export type u32 = number;
export type bool = boolean;
export type long = number;

/** The low 8 bits of `x`, sign extended. */
export function i8(x: number): i8 {
  return (x << 24) >> 24;
}

/** The low 8 bits of `x`. */
export function u8(x: number): u8 {
  return x & 0xff;
}

/** The low 16 bits of `x`, sign extended. */
export function i16(x: number): i16 {
  return (x << 16) >> 16;
}

/** The low 16 bits of `x`. */
export function u16(x: number): u16 {
  return x & 0xffff;
}

/** The low 32 bits of `x` (any integer type, `long` included) as a signed number. */
export function i32(x: number): i32 {
  return x | 0;
}

/** The low 32 bits of `x` (any integer type, `long` included) as an unsigned number. */
export function u32(x: number): u32 {
  return x >>> 0;
}

/** Array access without a bounds check on the native side; the identity here. Only where the index is proven. */
export function unchecked<T>(x: T): T {
  return x;
}
