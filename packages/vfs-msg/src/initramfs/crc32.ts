/**
 * CRC-32 as gzip uses it (reflected, polynomial 0xedb88320), four bytes a step.
 *
 * Key type `Crc32`. Neighbours: `gzip.ts`. Source: RFC 1952 section 8.
 */
import { getU32, u32, type i32 } from "@anax/portable";

/** A running checksum with its tables. Owned by who computes it. */
export class Crc32 {
  value: u32 = 0;
  /** Four tables of 256: table k advances a byte by k more bytes. */
  private readonly table: Uint32Array = new Uint32Array(1024);

  constructor() {
    const t = this.table;
    for (let i = 0; i < 256; i++) {
      let c: u32 = u32(i);
      for (let k = 0; k < 8; k++) c = u32((c & 1) !== 0 ? (0xedb88320 ^ (c >>> 1)) >>> 0 : c >>> 1);
      t[i] = c;
    }
    for (let i = 0; i < 768; i++) {
      const c: u32 = t[i];
      t[i + 256] = u32(t[c & 0xff] ^ (c >>> 8));
    }
  }

  reset(): void {
    this.value = 0;
  }

  update(buf: Uint8Array, off: i32, n: i32): void {
    const t = this.table;
    let c: u32 = u32(~this.value);
    let at = off;
    let left = n;
    for (; left >= 4; left = (left - 4) | 0) {
      c = u32(c ^ getU32(buf, at));
      c = u32(t[768 + (c & 0xff)] ^ t[512 + ((c >>> 8) & 0xff)] ^ t[256 + ((c >>> 16) & 0xff)] ^ t[c >>> 24]);
      at = (at + 4) | 0;
    }
    for (; left > 0; left--) {
      c = u32(t[(c ^ buf[at]) & 0xff] ^ (c >>> 8));
      at++;
    }
    this.value = u32(~c);
  }
}
