/**
 * Text as bytes: conversion from and to strings, number parsing and formatting, and `TextBuilder`.
 *
 * Strings are for names in the source and for diagnostics; everything a program sees is bytes.
 * Neighbours: `glue/js/bytes.ts`. Invariant: no floating point; output is the same on both targets.
 */
import { copyBytes } from "./glue/js/bytes";
import { longDiv, longMod } from "./glue/js/long";
import { i32, u32, type long } from "./glue/js/types";

const DIGITS = "0123456789abcdef";

/** The string as bytes, one per code unit below 256 (names and messages of the kernel are ASCII). */
export function bytesOf(s: string): Uint8Array {
  const b = new Uint8Array(s.length);
  for (let i = 0; i < s.length; i++) b[i] = s.charCodeAt(i);
  return b;
}

/** Bytes as a string, one code unit per byte. Not for hot paths. */
export function stringOf(b: Uint8Array, off: i32, n: i32): string {
  let s = "";
  for (let i = 0; i < n; i++) s += String.fromCharCode(b[off + i]);
  return s;
}

/** Decimal digits at `off`; stops at the first other byte. -1 if there is none or the value passes 2^31-1. */
export function parseDecimal(b: Uint8Array, off: i32, n: i32): i32 {
  let v: i32 = 0;
  let i = 0;
  for (; i < n; i++) {
    const d: i32 = (i32(b[off + i]) - 48) | 0;
    if (d < 0 || d > 9) break;
    if (v > 214748363) return -1;
    v = (v * 10 + d) | 0;
  }
  return i === 0 ? -1 : v;
}

/** A growing byte buffer with formatted append. Owned by whoever builds the text; not shared. */
export class TextBuilder {
  bytes: Uint8Array;
  length: i32 = 0;

  constructor(capacity: i32 = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  clear(): void {
    this.length = 0;
  }

  private reserve(n: i32): void {
    const need: i32 = (this.length + n) | 0;
    if (need <= this.bytes.length) return;
    let size: i32 = this.bytes.length;
    while (size < need) size = (size * 2) | 0;
    const grown = new Uint8Array(size);
    copyBytes(grown, 0, this.bytes, 0, this.length);
    this.bytes = grown;
  }

  byte(v: i32): TextBuilder {
    this.reserve(1);
    this.bytes[this.length] = v & 0xff;
    this.length++;
    return this;
  }

  str(s: string): TextBuilder {
    const n = s.length;
    this.reserve(n);
    for (let i = 0; i < n; i++) this.bytes[this.length + i] = s.charCodeAt(i);
    this.length = (this.length + n) | 0;
    return this;
  }

  raw(b: Uint8Array, off: i32, n: i32): TextBuilder {
    this.reserve(n);
    copyBytes(this.bytes, this.length, b, off, n);
    this.length = (this.length + n) | 0;
    return this;
  }

  /** Signed decimal. */
  num(v: long): TextBuilder {
    this.reserve(20);
    let left: long = v;
    if (left < 0) {
      this.byte(45);
      left = -left;
    }
    let digits: i32 = 1;
    let scale: long = 1;
    while (longDiv(left, scale) > 9) {
      scale = scale * 10;
      digits++;
    }
    for (let i = 0; i < digits; i++) {
      this.byte((48 + i32OfDigit(left, scale)) | 0);
      left = longMod(left, scale);
      if (scale > 1) scale = longDiv(scale, 10);
    }
    return this;
  }

  /** Decimal, right-aligned in `width` with blanks. */
  pad(v: long, width: i32): TextBuilder {
    const at = this.length;
    this.num(v);
    const gap: i32 = (width - (this.length - at)) | 0;
    if (gap <= 0) return this;
    this.reserve(gap);
    copyBytes(this.bytes, (at + gap) | 0, this.bytes, at, (this.length - at) | 0);
    for (let i = 0; i < gap; i++) this.bytes[at + i] = 32;
    this.length = (this.length + gap) | 0;
    return this;
  }

  /** Hexadecimal of 32 bits, at least `width` digits. */
  hex32(v: u32, width: i32 = 1): TextBuilder {
    let digits: i32 = 8;
    while (digits > 1 && digits > width && u32(v >>> ((digits - 1) * 4)) === 0) digits--;
    for (let i = (digits - 1) | 0; i >= 0; i--) this.byte(DIGITS.charCodeAt((v >>> (i * 4)) & 15));
    return this;
  }

  toString(): string {
    return stringOf(this.bytes, 0, this.length);
  }
}

function i32OfDigit(left: long, scale: long): i32 {
  return u32(longDiv(left, scale)) | 0;
}
