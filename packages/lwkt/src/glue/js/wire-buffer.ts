/**
 * Memory that encoded messages lie in, JavaScript side: words by an Int32Array, so a record goes in and out without
 * being taken apart into bytes. The memory may be shared with other workers.
 *
 * Neighbours: `glue/native/wire-buffer.ts`, `wire.ts`. Invariant: little endian; offsets of 32 and 64 bit items are multiples
 * of 4, and who calls has checked that they lie inside.
 */
import type { i32, long, u32 } from "@anax/portable";

/** A window of bytes for records. Owned by who made it: a ring's producer or consumer, or a link's buffer. */
export class WireBuffer {
  /** The same memory as words; on this side only, for code that is made for one class of messages. */
  readonly words: Int32Array;
  /** Usable bytes, a multiple of 8. */
  readonly length: i32;

  /** `bytes` must begin at a multiple of 4 in its ArrayBuffer; what its length has beyond a multiple of 8 is not used. */
  constructor(readonly bytes: Uint8Array) {
    if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1) throw new Error("wire buffer: big-endian host");
    this.length = bytes.length & ~7;
    this.words = new Int32Array(bytes.buffer, bytes.byteOffset, this.length >> 2);
  }

  /** A byte, unsigned. */
  get8(off: i32): u32 {
    return this.bytes[off]!;
  }

  /** 16 bits, unsigned. */
  get16(off: i32): u32 {
    return this.bytes[off]! | (this.bytes[off + 1]! << 8);
  }

  /** 32 bits, signed; `off` is a multiple of 4. */
  get32(off: i32): i32 {
    return this.words[off >> 2]!;
  }

  /** 64 bits, signed; exact within +-2^53. */
  getLong(off: i32): long {
    const low = this.words[off >> 2]!;
    const high = this.words[(off >> 2) + 1]!;
    return high === low >> 31 ? low : high * 4294967296 + (low >>> 0);
  }

  /** The lower 8 bits of `v`. */
  put8(off: i32, v: i32): void {
    this.bytes[off] = v;
  }

  /** The lower 16 bits of `v`. */
  put16(off: i32, v: i32): void {
    this.bytes[off] = v;
    this.bytes[off + 1] = v >> 8;
  }

  /** 32 bits; `off` is a multiple of 4. */
  put32(off: i32, v: i32): void {
    this.words[off >> 2] = v;
  }

  /** 64 bits, signed; `off` is a multiple of 4. */
  putLong(off: i32, v: long): void {
    const low = v | 0;
    this.words[off >> 2] = low;
    this.words[(off >> 2) + 1] = low === v ? low >> 31 : Math.floor(v / 4294967296);
  }

  /** Copies `n` bytes of `src` to `off`. Makes a view unless all of `src` goes. */
  copyIn(off: i32, src: Uint8Array, srcOff: i32, n: i32): void {
    if (off < 0 || n < 0 || off + n > this.length || srcOff < 0 || srcOff + n > src.length)
      throw new RangeError("wire buffer: out of bounds");
    this.bytes.set(n === src.length ? src : src.subarray(srcOff, srcOff + n), off);
  }
}
