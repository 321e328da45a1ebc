/**
 * Inflate: a decoder of DEFLATE streams that gives its output piece by piece, with 32 KiB of history and bounded tables.
 *
 * Key types `Inflater`, `Huffman` (one code as a table). Neighbours: `gzip.ts`, `source.ts`.
 * Invariants: it can stop at any output byte and go on there; input is read through a small buffer and never beyond the
 * source; a broken stream gives an error, whatever its bits are.
 * Source: RFC 1951.
 */
import { copyBytes, i32, u32, type long } from "@anax/portable";
import type { ByteSource } from "./source";

const WINDOW: i32 = 32768;
const INPUT: i32 = 16384;
const MAX_BITS: i32 = 15;
/** Codes up to this length are decoded by one table access. */
const FAST_BITS: i32 = 10;

/** `Inflater#read`'s errors. */
export const INFLATE_TRUNCATED: i32 = -1;
export const INFLATE_BAD_BLOCK: i32 = -2;
export const INFLATE_BAD_CODE: i32 = -3;
export const INFLATE_BAD_DISTANCE: i32 = -4;

const M_HEADER: i32 = 0;
const M_STORED: i32 = 1;
const M_CODES: i32 = 2;
const M_DONE: i32 = 3;

/** A canonical Huffman code. Owned by the inflater and rebuilt for each block. */
class Huffman {
  /** For each FAST_BITS of input: symbol * 16 + length, 0 for longer codes. */
  readonly fast: Uint16Array = new Uint16Array(1 << FAST_BITS);
  /** Number of codes of each length, and the symbols in the order of their codes. */
  readonly counts: Uint16Array = new Uint16Array(MAX_BITS + 1);
  readonly symbols: Uint16Array;
  private readonly next: Uint16Array = new Uint16Array(MAX_BITS + 2);
  private readonly offsets: Uint16Array = new Uint16Array(MAX_BITS + 2);

  constructor(size: i32) {
    this.symbols = new Uint16Array(size);
  }

  /** From code lengths. False when they are over-subscribed, or incomplete with more than one code. */
  build(lengths: Uint8Array, from: i32, n: i32): boolean {
    const counts = this.counts;
    counts.fill(0);
    for (let i = 0; i < n; i++) counts[lengths[from + i]]++;
    let left: i32 = 1;
    for (let len = 1; len <= MAX_BITS; len++) {
      left = ((left << 1) - counts[len]) | 0;
      if (left < 0) return false;
    }
    const coded: i32 = (n - counts[0]) | 0;
    if (left > 0 && coded > 1) return false;
    counts[0] = 0;
    let code: i32 = 0;
    this.offsets[1] = 0;
    for (let len = 1; len <= MAX_BITS; len++) {
      code = ((code + counts[len - 1]) << 1) | 0;
      this.next[len] = code;
      this.offsets[len + 1] = this.offsets[len] + counts[len];
    }
    const fast = this.fast;
    fast.fill(0);
    for (let s = 0; s < n; s++) {
      const len: i32 = lengths[from + s];
      if (len === 0) continue;
      this.symbols[this.offsets[len]] = s;
      this.offsets[len]++;
      const value: i32 = this.next[len];
      this.next[len]++;
      if (len <= FAST_BITS) {
        let reversed: i32 = 0;
        for (let b = 0; b < len; b++) reversed |= ((value >> b) & 1) << (len - 1 - b);
        for (let k = reversed; k < 1 << FAST_BITS; k = (k + (1 << len)) | 0) fast[k] = (s << 4) | len;
      }
    }
    return true;
  }
}

const LENGTH_BASE: string =
  "\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0d\x0f\x11\x13\x17\x1b\x1f\x23\x2b\x33\x3b\x43\x53\x63\x73\x83\xa3\xc3\xe3\u0102";
const LENGTH_EXTRA: string = "00000000111122223333444455550";
const DIST_EXTRA: string =
  "\x00\x00\x00\x00\x01\x01\x02\x02\x03\x03\x04\x04\x05\x05\x06\x06\x07\x07\x08\x08\x09\x09\x0a\x0a\x0b\x0b\x0c\x0c\x0d\x0d";
const CODE_ORDER: string = "\x10\x11\x12\x00\x08\x07\x09\x06\x0a\x05\x0b\x04\x0c\x03\x0d\x02\x0e\x01\x0f";

/** A DEFLATE decoder. Reused for stream after stream. */
export class Inflater {
  private readonly window: Uint8Array = new Uint8Array(WINDOW);
  private windowPos: i32 = 0;
  /** Bytes of history, at most WINDOW. */
  private history: i32 = 0;
  private readonly input: Uint8Array = new Uint8Array(INPUT);
  private inPos: i32 = 0;
  private inLen: i32 = 0;
  /** Offset in the source of what follows the input buffer. */
  private nextIn: long = 0;
  private hold: u32 = 0;
  private bits: i32 = 0;
  private mode: i32 = M_HEADER;
  private lastBlock: boolean = false;
  private storedLeft: i32 = 0;
  /** The rest of a match that did not fit the caller's buffer. */
  private matchLeft: i32 = 0;
  private matchDistance: i32 = 0;
  private readonly lengthCode: Huffman = new Huffman(288);
  private readonly distanceCode: Huffman = new Huffman(32);
  private readonly lengths: Uint8Array = new Uint8Array(320);
  private readonly lengthBase: Uint16Array = new Uint16Array(29);
  private readonly lengthExtra: Uint8Array = new Uint8Array(29);
  private readonly distBase: Uint16Array = new Uint16Array(30);
  private readonly distExtra: Uint8Array = new Uint8Array(30);

  constructor(private readonly source: ByteSource) {
    let dist: i32 = 1;
    for (let i = 0; i < 29; i++) {
      this.lengthBase[i] = LENGTH_BASE.charCodeAt(i);
      this.lengthExtra[i] = LENGTH_EXTRA.charCodeAt(i) - 48;
    }
    for (let i = 0; i < 30; i++) {
      this.distExtra[i] = DIST_EXTRA.charCodeAt(i);
      this.distBase[i] = dist;
      dist = (dist + (1 << DIST_EXTRA.charCodeAt(i))) | 0;
    }
  }

  /** Begins a stream at `offset` of the source. */
  start(offset: long): void {
    this.windowPos = 0;
    this.history = 0;
    this.inPos = 0;
    this.inLen = 0;
    this.nextIn = offset;
    this.hold = 0;
    this.bits = 0;
    this.mode = M_HEADER;
    this.lastBlock = false;
    this.matchLeft = 0;
  }

  get isDone(): boolean {
    return this.mode === M_DONE && this.matchLeft === 0;
  }

  /** Offset in the source of the first byte not used: behind the stream once it is done. */
  get position(): long {
    return this.nextIn - ((this.inLen - this.inPos) | 0) - (this.bits >> 3);
  }

  /** Up to `n` bytes of output; fewer only at the end of the stream. INFLATE_* on an error. */
  read(buf: Uint8Array, off: i32, n: i32): i32 {
    let done: i32 = 0;
    while (done < n) {
      let got: i32 = 0;
      if (this.mode === M_HEADER) {
        const error = this.header();
        if (error < 0) return error;
      } else if (this.mode === M_STORED) {
        got = this.stored(buf, (off + done) | 0, (n - done) | 0);
      } else if (this.mode === M_CODES) {
        got = this.codes(buf, (off + done) | 0, (n - done) | 0);
      } else return done;
      if (got < 0) return got;
      done = (done + got) | 0;
    }
    return done;
  }

  /** Fills the input buffer. False at the end of the source. */
  private refill(): boolean {
    const left: long = this.source.size - this.nextIn;
    if (left <= 0) return false;
    const n: i32 = left < INPUT ? i32(left) : INPUT;
    this.source.read(this.nextIn, this.input, 0, n);
    this.nextIn = this.nextIn + n;
    this.inPos = 0;
    this.inLen = n;
    return true;
  }

  /** Takes `n` (0 to 16) bits, or -1 at the end of the source. */
  private take(n: i32): i32 {
    while (this.bits < n) {
      if (this.inPos >= this.inLen && !this.refill()) return -1;
      this.hold = u32(this.hold | (u32(this.input[this.inPos]) << this.bits));
      this.inPos++;
      this.bits = (this.bits + 8) | 0;
    }
    const v: i32 = this.hold & ((1 << n) - 1);
    this.hold = this.hold >>> n;
    this.bits = (this.bits - n) | 0;
    return v;
  }

  /** One symbol, INFLATE_TRUNCATED or INFLATE_BAD_CODE. */
  private symbol(h: Huffman): i32 {
    while (this.bits < MAX_BITS) {
      if (this.inPos >= this.inLen && !this.refill()) break;
      this.hold = u32(this.hold | (u32(this.input[this.inPos]) << this.bits));
      this.inPos++;
      this.bits = (this.bits + 8) | 0;
    }
    const entry: i32 = h.fast[this.hold & ((1 << FAST_BITS) - 1)];
    const len = entry & 15;
    if (entry !== 0 && len <= this.bits) {
      this.hold = this.hold >>> len;
      this.bits = (this.bits - len) | 0;
      return entry >> 4;
    }
    // Longer codes, bit by bit: `first` is the first code of this length, `index` the number of shorter ones.
    let code: i32 = 0;
    let first: i32 = 0;
    let index: i32 = 0;
    for (let l = 1; l <= MAX_BITS; l++) {
      if (l > this.bits) return INFLATE_TRUNCATED;
      code |= (this.hold >>> (l - 1)) & 1;
      const count: i32 = h.counts[l];
      if (((code - count) | 0) < first) {
        this.hold = this.hold >>> l;
        this.bits = (this.bits - l) | 0;
        return h.symbols[index + (code - first)];
      }
      index = (index + count) | 0;
      first = ((first + count) << 1) | 0;
      code = code << 1;
    }
    return INFLATE_BAD_CODE;
  }

  /** The header of a block. 0 or an error. */
  private header(): i32 {
    if (this.lastBlock) {
      // What is left of the last byte is padding; whole bytes go back.
      this.hold = this.hold >>> (this.bits & 7);
      this.bits = this.bits & ~7;
      this.mode = M_DONE;
      return 0;
    }
    const last = this.take(1);
    const type = this.take(2);
    if (last < 0 || type < 0) return INFLATE_TRUNCATED;
    this.lastBlock = last === 1;
    if (type === 0) return this.storedHeader();
    if (type === 1) return this.fixedCodes();
    if (type === 2) return this.dynamicCodes();
    return INFLATE_BAD_BLOCK;
  }

  private storedHeader(): i32 {
    this.take(this.bits & 7);
    const len = this.take(16);
    const check = this.take(16);
    if (len < 0 || check < 0) return INFLATE_TRUNCATED;
    if ((len ^ 0xffff) !== check) return INFLATE_BAD_BLOCK;
    this.storedLeft = len;
    this.mode = M_STORED;
    return 0;
  }

  private fixedCodes(): i32 {
    const l = this.lengths;
    for (let i = 0; i < 288; i++) l[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    this.lengthCode.build(l, 0, 288);
    for (let i = 0; i < 32; i++) l[i] = 5;
    this.distanceCode.build(l, 0, 32);
    this.mode = M_CODES;
    return 0;
  }

  private dynamicCodes(): i32 {
    const nlen = this.take(5);
    const ndist = this.take(5);
    const ncode = this.take(4);
    if (nlen < 0 || ndist < 0 || ncode < 0) return INFLATE_TRUNCATED;
    const lens: i32 = (nlen + 257) | 0;
    const dists: i32 = (ndist + 1) | 0;
    if (lens > 286 || dists > 30) return INFLATE_BAD_BLOCK;
    const l = this.lengths;
    for (let i = 0; i < 19; i++) l[i] = 0;
    for (let i = 0; i < ((ncode + 4) | 0); i++) {
      const v = this.take(3);
      if (v < 0) return INFLATE_TRUNCATED;
      l[CODE_ORDER.charCodeAt(i)] = v;
    }
    if (!this.lengthCode.build(l, 0, 19)) return INFLATE_BAD_BLOCK;
    const total: i32 = (lens + dists) | 0;
    let i: i32 = 0;
    while (i < total) {
      const s = this.symbol(this.lengthCode);
      if (s < 0) return s;
      if (s < 16) {
        l[i] = s;
        i++;
        continue;
      }
      let value: i32 = 0;
      let repeat: i32 = 0;
      if (s === 16) {
        if (i === 0) return INFLATE_BAD_BLOCK;
        value = l[i - 1];
        repeat = this.take(2);
        if (repeat < 0) return INFLATE_TRUNCATED;
        repeat = (repeat + 3) | 0;
      } else {
        repeat = this.take(s === 17 ? 3 : 7);
        if (repeat < 0) return INFLATE_TRUNCATED;
        repeat = (repeat + (s === 17 ? 3 : 11)) | 0;
      }
      if (((i + repeat) | 0) > total) return INFLATE_BAD_BLOCK;
      for (; repeat > 0; repeat--) {
        l[i] = value;
        i++;
      }
    }
    if (l[256] === 0) return INFLATE_BAD_BLOCK;
    if (!this.lengthCode.build(l, 0, lens) || !this.distanceCode.build(l, lens, dists)) return INFLATE_BAD_BLOCK;
    this.mode = M_CODES;
    return 0;
  }

  private stored(buf: Uint8Array, off: i32, n: i32): i32 {
    if (this.storedLeft === 0) {
      this.mode = M_HEADER;
      return 0;
    }
    let most: i32 = n < this.storedLeft ? n : this.storedLeft;
    // The bit buffer holds whole bytes here: they come first.
    if (this.bits >= 8) {
      buf[off] = this.take(8);
      most = 1;
    } else {
      if (this.inPos >= this.inLen && !this.refill()) return INFLATE_TRUNCATED;
      const there: i32 = (this.inLen - this.inPos) | 0;
      if (most > there) most = there;
      copyBytes(buf, off, this.input, this.inPos, most);
      this.inPos = (this.inPos + most) | 0;
    }
    this.storedLeft = (this.storedLeft - most) | 0;
    this.remember(buf, off, most);
    return most;
  }

  /** Puts output into the history. */
  private remember(buf: Uint8Array, off: i32, n: i32): void {
    for (let i = 0; i < n; i++) {
      this.window[this.windowPos] = buf[off + i];
      this.windowPos = (this.windowPos + 1) & (WINDOW - 1);
    }
    this.history = ((this.history + n) | 0) > WINDOW ? WINDOW : (this.history + n) | 0;
  }

  private codes(buf: Uint8Array, off: i32, n: i32): i32 {
    const window = this.window;
    let done: i32 = 0;
    let pos = this.windowPos;
    let error: i32 = 0;
    while (done < n) {
      if (this.matchLeft > 0) {
        let from: i32 = (pos - this.matchDistance) & (WINDOW - 1);
        let left: i32 = this.matchLeft;
        while (left > 0 && done < n) {
          const c: i32 = window[from];
          buf[off + done] = c;
          window[pos] = c;
          pos = (pos + 1) & (WINDOW - 1);
          from = (from + 1) & (WINDOW - 1);
          done++;
          left--;
        }
        this.matchLeft = left;
        continue;
      }
      const s = this.symbol(this.lengthCode);
      if (s < 256) {
        if (s < 0) {
          error = s;
          break;
        }
        buf[off + done] = s;
        window[pos] = s;
        pos = (pos + 1) & (WINDOW - 1);
        done++;
        continue;
      }
      if (s === 256) {
        this.mode = M_HEADER;
        break;
      }
      const behind: i32 = ((this.history + done) | 0) > WINDOW ? WINDOW : (this.history + done) | 0;
      error = this.match((s - 257) | 0, behind);
      if (error < 0) break;
    }
    this.windowPos = pos;
    this.history = ((this.history + done) | 0) > WINDOW ? WINDOW : (this.history + done) | 0;
    return error < 0 ? error : done;
  }

  /** Length and distance of a match. 0 or an error. */
  private match(l: i32, behind: i32): i32 {
    if (l >= 29) return INFLATE_BAD_CODE;
    const extra = this.take(this.lengthExtra[l]);
    if (extra < 0) return INFLATE_TRUNCATED;
    const d = this.symbol(this.distanceCode);
    if (d < 0) return d;
    if (d >= 30) return INFLATE_BAD_CODE;
    const far = this.take(this.distExtra[d]);
    if (far < 0) return INFLATE_TRUNCATED;
    const distance: i32 = (this.distBase[d] + far) | 0;
    if (distance > behind) return INFLATE_BAD_DISTANCE;
    this.matchLeft = (this.lengthBase[l] + extra) | 0;
    this.matchDistance = distance;
    return 0;
  }
}
