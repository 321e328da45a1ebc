/**
 * A bzip2 decoder for streams, as fast as bzip2(1). Decoders from npm are half as fast and keep each byte as a number of an array,
 * or take only whole files; a summary of tens of megabytes is read at every update.
 *
 * Source: bzip2 1.0.8, decompress.c, huffman.c (BZ2_hbCreateDecodeTables), crctable.c.
 * Key class: `Bunzip2`. Neighbour: `codecs.ts` feeds it.
 * Invariant: every block's checksum and every stream's combined one is right, or an error is thrown; bytes of a block are given out after
 * its checksum was found right.
 *
 *     stream:  "BZh" level, blocks, 0x177245385090, combined CRC; padded to a byte. Streams may follow one another.
 *     block:   0x314159265359, CRC, randomised (1 bit, 0), origPtr (24), used bytes (16 + 16 x 16), tables (3), selectors (15),
 *              selectors by move-to-front, code lengths by differences, codes
 */

const GROUP = 50;
const MAX_LENGTH = 20;
/** Codes of up to this many bits are looked up in one step. */
const FAST_BITS = 10;
const MAX_SYMBOLS = 258;

const BLOCK_HIGH = 0x314159;
const BLOCK_LOW = 0x265359;
const END_HIGH = 0x177245;
const END_LOW = 0x385090;

const CRC_TABLE = /* @__PURE__ */ makeCrcTable();

function makeCrcTable(): Int32Array {
  const table = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    let c = i << 24;
    for (let k = 0; k < 8; k++) c = c & 0x80000000 ? (c << 1) ^ 0x04c11db7 : c << 1;
    table[i] = c;
  }
  return table;
}

/** One Huffman code: a table for short codes, limits for long ones. */
class Code {
  /** `symbol << 5 | length` by the next FAST_BITS bits; 0 for longer codes. */
  readonly fast = new Uint16Array(1 << FAST_BITS);
  /** Greatest code of each length, aligned to MAX_LENGTH bits, plus one. */
  readonly limit = new Int32Array(MAX_LENGTH + 2);
  readonly base = new Int32Array(MAX_LENGTH + 2);
  readonly symbols = new Uint16Array(MAX_SYMBOLS);
  longest = 0;

  build(lengths: Uint8Array, count: number): void {
    this.fast.fill(0);
    let code = 0;
    let index = 0;
    this.longest = 0;
    for (let length = 1; length <= MAX_LENGTH; length++) {
      this.base[length] = index - code;
      for (let s = 0; s < count; s++) {
        if (lengths[s] !== length) continue;
        if (length <= FAST_BITS && code < 1 << length) {
          const from = code << (FAST_BITS - length);
          this.fast.fill((s << 5) | length, from, from + (1 << (FAST_BITS - length)));
        }
        this.symbols[index++] = s;
        code += 1;
        this.longest = length;
      }
      this.limit[length] = code << (MAX_LENGTH - length);
      code <<= 1;
    }
  }
}

export class Bunzip2 {
  private buffer: Uint8Array = new Uint8Array(0);
  /** Bytes of `buffer` that are data. */
  private length = 0;
  /** Bits of `buffer` that were used. */
  private bit = 0;
  private ended = false;
  /** Size of a block in the current stream, 0 between streams. */
  private blockSize = 0;
  private streams = 0;
  private combined = 0;
  /** Bytes to wait for before the next block is tried. */
  private wanted = 0;
  private tt = new Uint32Array(0);
  private readonly codes = Array.from({ length: 6 }, () => new Code());
  private readonly selectors = new Uint8Array(32768);
  private out: Uint8Array[] = [];

  /** Takes compressed bytes; returns what could be decoded. Throws Error for damaged data. */
  push(chunk: Uint8Array): Uint8Array[] {
    const used = this.bit >> 3;
    const left = this.length - used;
    if (left + chunk.length > this.buffer.length || used > this.buffer.length >> 1) {
      const grown = new Uint8Array(Math.max(this.buffer.length, 2 * (left + chunk.length), 65536));
      grown.set(this.buffer.subarray(used, this.length));
      this.buffer = grown;
      this.length = left;
      this.bit &= 7;
    } else if (this.length + chunk.length > this.buffer.length) {
      this.buffer.copyWithin(0, used, this.length);
      this.length = left;
      this.bit &= 7;
    }
    this.buffer.set(chunk, this.length);
    this.length += chunk.length;
    return this.run();
  }

  /** The data is over. Throws Error when that is too early. */
  end(): Uint8Array[] {
    this.ended = true;
    const out = this.run();
    if (this.blockSize !== 0 || this.streams === 0) throw new Error("unexpected end");
    return out;
  }

  private run(): Uint8Array[] {
    this.out = [];
    while (this.ended || this.length - (this.bit >> 3) >= this.wanted) {
      const from = this.bit;
      const given = this.out.length;
      let more: boolean;
      try {
        more = this.blockSize === 0 ? this.header() : this.block();
      } catch (error) {
        if (this.bit <= this.length * 8) throw error;
        more = false;
      }
      if (this.bit > this.length * 8) {
        // It read behind the data: what came of it is worth nothing.
        if (this.ended) throw new Error("unexpected end");
        this.bit = from;
        this.out.length = given;
        this.wanted = 2 * Math.max(this.length - (from >> 3), 1000);
        break;
      }
      if (!more) break;
    }
    return this.out;
  }

  /** At most 24 bits; zeros behind the data. */
  private read(bits: number): number {
    const at = this.bit >> 3;
    const { buffer, length } = this;
    const word =
      (((at < length ? buffer[at]! : 0) << 24) |
        ((at + 1 < length ? buffer[at + 1]! : 0) << 16) |
        ((at + 2 < length ? buffer[at + 2]! : 0) << 8) |
        (at + 3 < length ? buffer[at + 3]! : 0)) <<
      (this.bit & 7);
    this.bit += bits;
    return word >>> (32 - bits);
  }

  /** Begins a stream. False at the end of the data. */
  private header(): boolean {
    if (this.length * 8 === this.bit) return false;
    if (this.streams > 0) {
      // Zeros may fill up what is behind the last stream.
      while (this.bit < this.length * 8 && this.buffer[this.bit >> 3] === 0) this.bit += 8;
      if (this.length * 8 === this.bit) return false;
    }
    const magic = this.read(24);
    const level = this.read(8) - 48;
    if (this.bit > this.length * 8) return false;
    if (magic !== 0x425a68 || level < 1 || level > 9) throw new Error("no bzip2 header");
    this.blockSize = level * 100_000;
    this.combined = 0;
    this.streams += 1;
    if (this.tt.length < this.blockSize) this.tt = new Uint32Array(this.blockSize);
    this.wanted = 0;
    return true;
  }

  private crc(): number {
    return (this.read(16) << 16) | this.read(16) | 0;
  }

  /** A block, or the end of the stream. */
  private block(): boolean {
    const high = this.read(24);
    const low = this.read(24);
    const crc = this.crc();
    if (high === END_HIGH && low === END_LOW) {
      if (this.bit > this.length * 8) return false;
      if (crc !== this.combined) throw new Error("the stream's checksum is wrong");
      this.bit = (this.bit + 7) & ~7;
      this.blockSize = 0;
      this.wanted = 0;
      return true;
    }
    if (high !== BLOCK_HIGH || low !== BLOCK_LOW) throw new Error("a block does not begin as it must");
    if (this.read(1) !== 0) throw new Error("randomised blocks of bzip2 0.9.0 are not supported");
    const origin = this.read(24);
    const symbols = this.symbolMap();
    const count = this.decode(symbols);
    if (origin >= count) throw new Error("a block begins outside itself");
    // Nothing of a block is given out that was read behind the data.
    if (this.bit > this.length * 8) return false;
    this.unsort(origin, count, crc);
    this.combined = ((this.combined << 1) | (this.combined >>> 31)) ^ crc;
    this.wanted = this.ended ? 0 : Math.min(this.blockSize + 25_000, this.wanted);
    return true;
  }

  /** The bytes that occur, in order. */
  private symbolMap(): Uint8Array {
    const used = this.read(16);
    const symbols: number[] = [];
    for (let i = 0; i < 16; i++) {
      if ((used & (0x8000 >> i)) === 0) continue;
      const part = this.read(16);
      for (let j = 0; j < 16; j++) if ((part & (0x8000 >> j)) !== 0) symbols.push(i * 16 + j);
    }
    if (symbols.length === 0) throw new Error("a block uses no bytes");
    return Uint8Array.from(symbols);
  }

  /** Reads the codes and the tables for them, undoes move-to-front and run lengths; fills `tt`. Returns the bytes of the block. */
  private decode(map: Uint8Array): number {
    const alphabet = map.length + 2;
    const tables = this.read(3);
    const selectorCount = this.read(15);
    if (tables < 2 || tables > 6 || selectorCount < 1) throw new Error("a block has no codes");
    const order = [0, 1, 2, 3, 4, 5];
    for (let i = 0; i < selectorCount; i++) {
      let j = 0;
      while (this.read(1) === 1) if (++j >= tables) throw new Error("a selector is wrong");
      const [table] = order.splice(j, 1);
      order.unshift(table!);
      this.selectors[i] = table!;
    }
    const lengths = new Uint8Array(MAX_SYMBOLS);
    for (let t = 0; t < tables; t++) {
      let length = this.read(5);
      for (let s = 0; s < alphabet; s++) {
        for (;;) {
          if (length < 1 || length > MAX_LENGTH) throw new Error("the length of a code is wrong");
          if (this.read(1) === 0) break;
          length += this.read(1) === 0 ? 1 : -1;
        }
        lengths[s] = length;
      }
      this.codes[t]!.build(lengths, alphabet);
    }
    return this.symbols(map, alphabet - 1, selectorCount);
  }

  /** An error at a bit: behind the data it only means that more is needed (`run`). */
  private failed(bit: number, reason: string): Error {
    this.bit = bit;
    return new Error(reason);
  }

  private symbols(map: Uint8Array, endSymbol: number, selectorCount: number): number {
    const { tt, blockSize, buffer, length } = this;
    const front = Uint8Array.from(map);
    let count = 0;
    let run = 0;
    let weight = 1;
    let group = 0;
    let left = 0;
    let code = this.codes[0]!;
    let bit = this.bit;
    for (;;) {
      if (left === 0) {
        if (group >= selectorCount) throw this.failed(bit, "a block has more codes than it says");
        code = this.codes[this.selectors[group++]!]!;
        left = GROUP;
      }
      left -= 1;
      const at = bit >> 3;
      // The next 20 bits at least, aligned to the left of 32.
      const word =
        at + 3 < length
          ? ((buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!) << (bit & 7)
          : (((at < length ? buffer[at]! : 0) << 24) |
              ((at + 1 < length ? buffer[at + 1]! : 0) << 16) |
              ((at + 2 < length ? buffer[at + 2]! : 0) << 8)) <<
            (bit & 7);
      let symbol: number;
      const quick = code.fast[word >>> (32 - FAST_BITS)]!;
      if (quick !== 0) {
        symbol = quick >> 5;
        bit += quick & 31;
      } else {
        const value = word >>> (32 - MAX_LENGTH);
        let size = FAST_BITS + 1;
        while (size <= code.longest && value >= code.limit[size]!) size += 1;
        if (size > code.longest) throw this.failed(bit + MAX_LENGTH, "a code is not in its table");
        symbol = code.symbols[code.base[size]! + (value >>> (MAX_LENGTH - size))]!;
        bit += size;
      }
      if (symbol <= 1) {
        // Run lengths in bijective base 2: 0 counts for one, 1 for two.
        run += weight << symbol;
        weight <<= 1;
        if (run > blockSize) throw this.failed(bit, "a block is too long");
        continue;
      }
      if (run > 0) {
        if (count + run > blockSize) throw this.failed(bit, "a block is too long");
        tt.fill(front[0]!, count, count + run);
        count += run;
        run = 0;
        weight = 1;
      }
      if (symbol === endSymbol) break;
      if (count >= blockSize) throw this.failed(bit, "a block is too long");
      const place = symbol - 1;
      const byte = front[place]!;
      if (place < 16) for (let i = place; i > 0; i--) front[i] = front[i - 1]!;
      else front.copyWithin(1, 0, place);
      front[0] = byte;
      tt[count++] = byte;
    }
    this.bit = bit;
    return count;
  }

  /** Undoes the sorting and the run lengths of the first step; checks the checksum. */
  private unsort(origin: number, count: number, crc: number): void {
    const { tt } = this;
    const starts = new Uint32Array(257);
    for (let i = 0; i < count; i++) starts[(tt[i]! & 0xff) + 1]! += 1;
    for (let i = 1; i <= 256; i++) starts[i]! += starts[i - 1]!;
    for (let i = 0; i < count; i++) {
      const place = starts[tt[i]! & 0xff]!++;
      tt[place]! |= i << 8;
    }
    let sum = -1;
    let position = tt[origin]! >>> 8;
    let buffer = new Uint8Array(Math.max(count + 1024, 65536));
    let filled = 0;
    let same = 0;
    let last = -1;
    const pieces: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      const entry = tt[position]!;
      const byte = entry & 0xff;
      position = entry >>> 8;
      if (filled + 256 > buffer.length) {
        pieces.push(buffer.subarray(0, filled));
        buffer = new Uint8Array(1 << 20);
        filled = 0;
      }
      if (same === 4) {
        // Behind four equal bytes stands how many more there are.
        for (let k = 0; k < byte; k++) {
          buffer[filled++] = last;
          sum = (sum << 8) ^ CRC_TABLE[(sum >>> 24) ^ last]!;
        }
        same = 0;
        last = -1;
        continue;
      }
      same = byte === last ? same + 1 : 1;
      last = byte;
      buffer[filled++] = byte;
      sum = (sum << 8) ^ CRC_TABLE[(sum >>> 24) ^ byte]!;
    }
    if (~sum !== crc) throw new Error("a block's checksum is wrong");
    pieces.push(buffer.subarray(0, filled));
    this.out.push(...pieces);
  }
}
