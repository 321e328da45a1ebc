/** Little-endian access to byte buffers, JavaScript side. Every function panics on an access out of bounds. */
import type { i32, long, u32 } from "./types";

function check(buf: Uint8Array, off: i32, n: i32): void {
  if (off < 0 || n < 0 || off + n > buf.length) throw new RangeError("byte access out of bounds");
}

export function getU16(buf: Uint8Array, off: i32): u32 {
  check(buf, off, 2);
  return buf[off]! | (buf[off + 1]! << 8);
}

export function getU32(buf: Uint8Array, off: i32): u32 {
  check(buf, off, 4);
  return (buf[off]! | (buf[off + 1]! << 8) | (buf[off + 2]! << 16) | (buf[off + 3]! << 24)) >>> 0;
}

export function getI32(buf: Uint8Array, off: i32): i32 {
  return getU32(buf, off) | 0;
}

/** 64 bits as a signed long. */
export function getLong(buf: Uint8Array, off: i32): long {
  return getI32(buf, off + 4) * 4294967296 + getU32(buf, off);
}

export function putU16(buf: Uint8Array, off: i32, v: u32): void {
  check(buf, off, 2);
  buf[off] = v;
  buf[off + 1] = v >>> 8;
}

export function putU32(buf: Uint8Array, off: i32, v: u32): void {
  check(buf, off, 4);
  buf[off] = v;
  buf[off + 1] = v >>> 8;
  buf[off + 2] = v >>> 16;
  buf[off + 3] = v >>> 24;
}

export function putI32(buf: Uint8Array, off: i32, v: i32): void {
  putU32(buf, off, v >>> 0);
}

export function putLong(buf: Uint8Array, off: i32, v: long): void {
  putU32(buf, off, v >>> 0);
  putU32(buf, off + 4, Math.floor(v / 4294967296) >>> 0);
}

/** Copies `n` bytes; the ranges may overlap. */
export function copyBytes(dst: Uint8Array, dstOff: i32, src: Uint8Array, srcOff: i32, n: i32): void {
  check(dst, dstOff, n);
  check(src, srcOff, n);
  // A view of a part costs as much as the copy of a small one.
  dst.set(n === src.length ? src : src.subarray(srcOff, srcOff + n), dstOff);
}

export function fillBytes(buf: Uint8Array, off: i32, n: i32, v: u32): void {
  check(buf, off, n);
  buf.fill(v, off, off + n);
}

export function equalBytes(a: Uint8Array, aOff: i32, b: Uint8Array, bOff: i32, n: i32): boolean {
  check(a, aOff, n);
  check(b, bOff, n);
  for (let i = 0; i < n; i++) if (a[aOff + i] !== b[bOff + i]) return false;
  return true;
}

/** FNV-1a over `n` bytes, seeded. */
export function hashBytes(buf: Uint8Array, off: i32, n: i32, seed: u32): u32 {
  check(buf, off, n);
  let h = (seed ^ 0x811c9dc5) | 0;
  for (let i = 0; i < n; i++) h = Math.imul(h ^ buf[off + i]!, 0x01000193);
  return h >>> 0;
}
