/**
 * Bytes that live as long as a universe, and the small numbers that stand for them.
 *
 * `Arena` is one growing buffer; what points into it are offsets, so growing moves nothing for anybody. `Interner` gives equal byte strings of
 * an arena the same id, 0 and up in the order of their first appearance.
 *
 * Key types: `Arena`, `Interner`. Neighbours: `summary.ts`, `universe.ts`, `index-file.ts`.
 * Invariant: a key of an interner lies in its arena; `table` is a power of two, at most half full, with id + 1 in a used slot and 0 in a free one.
 */
import { copyBytes, equalBytes, Errno, hashBytes, i32, kassert, type u32 } from "@anax/portable";
import { IntVec } from "./solver/int-vec";

/** No arena grows beyond this: offsets are 31 bits. */
const MAX_BYTES: i32 = 0x70000000;

export class Arena {
  bytes: Uint8Array;
  length: i32 = 0;

  constructor(capacity: i32 = 65536) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Room for `n` more bytes. 0 or -EFBIG. */
  reserve(n: i32): i32 {
    const length = this.length;
    if (n > MAX_BYTES || length > ((MAX_BYTES - n) | 0)) return -Errno.FBIG;
    const need: i32 = (length + n) | 0;
    let size: i32 = this.bytes.length;
    if (need <= size) return 0;
    while (size < need) size = size > MAX_BYTES >> 1 ? MAX_BYTES : ((size + 64) * 2) | 0;
    const grown = new Uint8Array(size);
    copyBytes(grown, 0, this.bytes, 0, length);
    this.bytes = grown;
    return 0;
  }

  /** Makes `buf` the bytes of this arena, which must be empty. Nobody else changes it any more. */
  adopt(buf: Uint8Array): void {
    kassert(this.length === 0, "an arena that has bytes adopts none");
    this.bytes = buf;
    this.length = buf.length;
  }

  /** Copies `n` bytes to the end and returns their offset, or -EFBIG. */
  append(buf: Uint8Array, off: i32, n: i32): i32 {
    const at = this.length;
    if (((at + n) | 0) > this.bytes.length) {
      const r = this.reserve(n);
      if (r < 0) return r;
    }
    const to = this.bytes;
    // Names are short: a loop is faster than a call then.
    if (n < 100) for (let i = 0; i < n; i++) to[at + i] = buf[off + i];
    else copyBytes(to, at, buf, off, n);
    this.length = (at + n) | 0;
    return at;
  }
}

/** Offset, length and hash of each key. */
const KEY_WORDS: i32 = 3;
const SEED: u32 = 0x9e3779b9;

export class Interner {
  /** Offset, length, hash by id. */
  readonly keys: IntVec = new IntVec(48);
  table: Int32Array = new Int32Array(64);
  count: i32 = 0;

  constructor(readonly arena: Arena) {}

  keyAt(id: i32): i32 {
    return this.keys.get((id * KEY_WORDS) | 0);
  }

  keyLength(id: i32): i32 {
    return this.keys.get((id * KEY_WORDS + 1) | 0);
  }

  /** The id of `buf[off, off + n)`, or -1. */
  find(buf: Uint8Array, off: i32, n: i32): i32 {
    return this.lookup(buf, off, n, i32(hashBytes(buf, off, n, SEED)));
  }

  private lookup(buf: Uint8Array, off: i32, n: i32, hash: i32): i32 {
    const table = this.table;
    const keys = this.keys.data;
    const bytes = this.arena.bytes;
    const mask: i32 = (table.length - 1) | 0;
    let slot: i32 = (hash ^ (hash >> 15)) & mask;
    for (;;) {
      const id: i32 = (table[slot] - 1) | 0;
      if (id < 0) return -1;
      const key: i32 = (id * KEY_WORDS) | 0;
      if (keys[key + 2] === hash && keys[key + 1] === n && equalBytes(bytes, keys[key], buf, off, n)) return id;
      slot = (slot + 1) & mask;
    }
  }

  /** The id of bytes of the arena itself; new keys stay where they are. */
  internAt(off: i32, n: i32): i32 {
    const hash = i32(hashBytes(this.arena.bytes, off, n, SEED));
    const known = this.lookup(this.arena.bytes, off, n, hash);
    return known >= 0 ? known : this.add(off, n, hash);
  }

  /** The id of any bytes; new keys are copied into the arena. -EFBIG when it is full. */
  intern(buf: Uint8Array, off: i32, n: i32): i32 {
    const hash = i32(hashBytes(buf, off, n, SEED));
    const known = this.lookup(buf, off, n, hash);
    if (known >= 0) return known;
    const at = this.arena.append(buf, off, n);
    return at < 0 ? at : this.add(at, n, hash);
  }

  private add(off: i32, n: i32, hash: i32): i32 {
    const id = this.count;
    this.keys.push(off);
    this.keys.push(n);
    this.keys.push(hash);
    this.count = (id + 1) | 0;
    if (((this.count * 2) | 0) > this.table.length) this.rehash();
    else this.place(id, hash);
    return id;
  }

  private place(id: i32, hash: i32): void {
    const table = this.table;
    const mask: i32 = (table.length - 1) | 0;
    let slot: i32 = (hash ^ (hash >> 15)) & mask;
    while (table[slot] !== 0) slot = (slot + 1) & mask;
    table[slot] = (id + 1) | 0;
  }

  /** After `keys` and `table` were put in place: counts the keys. False when both cannot belong together. */
  restore(): boolean {
    const size: i32 = this.table.length;
    this.count = (this.keys.length / KEY_WORDS) | 0;
    const isPower = size >= 64 && (size & (size - 1)) === 0;
    return isPower && ((this.count * KEY_WORDS) | 0) === this.keys.length && ((this.count * 2) | 0) <= size;
  }

  private rehash(): void {
    this.table = new Int32Array((this.table.length * 4) | 0);
    for (let id = 0; id < this.count; id++) this.place(id, this.keys.get((id * KEY_WORDS + 2) | 0));
  }
}
