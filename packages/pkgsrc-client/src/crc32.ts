/**
 * CRC-32 (polynomial 0xedb88320, as gzip and zlib), four bytes at a step.
 *
 * Key types: `Checksum`, `Crc32`. Neighbours: `index-file.ts`; a host gives a `Checksum` of its own where its system has a faster one.
 * Invariant: every `Checksum` gives the same number for the same bytes.
 */
import { i32, type u32 } from "@anax/portable";

export interface Checksum {
  /** CRC-32 of `buf[off, off + n)`. */
  crc32(buf: Uint8Array, off: i32, n: i32): u32;
}

export class Crc32 implements Checksum {
  /** The table of one byte, then those of a byte with one, two and three zero bytes behind it. */
  private readonly table: Int32Array;

  constructor() {
    const t = new Int32Array(1024);
    for (let i = 0; i < 256; i++) {
      let c: i32 = i;
      for (let k = 0; k < 8; k++) c = (c & 1) !== 0 ? (c >>> 1) ^ -306674912 : c >>> 1;
      t[i] = c;
    }
    for (let i = 256; i < 1024; i++) t[i] = (t[i - 256] >>> 8) ^ t[t[i - 256] & 255];
    this.table = t;
  }

  crc32(buf: Uint8Array, off: i32, n: i32): u32 {
    const t = this.table;
    const end: i32 = (off + n) | 0;
    let c: i32 = -1;
    let i = off;
    while (((i + 4) | 0) <= end) {
      const a = (c ^ i32(buf[i])) & 255;
      const b = ((c >>> 8) ^ i32(buf[i + 1])) & 255;
      const d = ((c >>> 16) ^ i32(buf[i + 2])) & 255;
      const e = ((c >>> 24) ^ i32(buf[i + 3])) & 255;
      c = t[768 + a] ^ t[512 + b] ^ t[256 + d] ^ t[e];
      i = (i + 4) | 0;
    }
    while (i < end) {
      c = (c >>> 8) ^ t[(c ^ i32(buf[i])) & 255];
      i = (i + 1) | 0;
    }
    const crc: u32 = ~c >>> 0;
    return crc;
  }
}
