/**
 * The index file: a universe of repositories as it is in memory, so that the next start need not read their summaries.
 *
 *     0   8   "PKGCIDX" and a zero byte
 *     8   4   format version (INDEX_VERSION)
 *     12  4   length of the head, this header included
 *     16  4   length of the records behind the head
 *     20  4   CRC-32 of the head from byte 24 on
 *     24  4   number of sections
 *     28  4   packages
 *     32  ..  offset and length in bytes of each section
 *     ..      the sections, each at a multiple of 8
 *     head    the records: the summaries as they were read
 *
 * All numbers are little endian. The head (names, comments, patterns, lists, hash tables) is read and checked at the start; the records only when
 * somebody asks for a variable that the head does not have, each with a checksum of its own in the package's row. The first section is the stamp: bytes
 * by which who wrote the file knows the summaries it came from. Another stamp, another version, a wrong checksum or length: the file is of no
 * use and is to be made anew.
 *
 * Key: `encodeIndex`, `IndexReader`. Neighbours: `universe.ts`, `crc32.ts`, `host/index-cache.ts` (files).
 * Invariant: only repositories are in an index; installed packages are added to the universe that comes out of it.
 */
import { copyBytes, equalBytes, getU32, i32, longLo, putU32, toLong, type u32 } from "@anax/portable";
import type { Interner } from "./arena";
import type { Checksum } from "./crc32";
import { putWords, wordsOf } from "./glue/js/words";
import type { IntVec } from "./solver/int-vec";
import { FLAG_FILED, Row, Universe } from "./universe";

export const INDEX_VERSION: i32 = 1;
/** Bytes of the header that tell how long the rest is. */
export const INDEX_HEADER: i32 = 32;

const MAGIC = "PKGCIDX";
const CHECKED_FROM: i32 = 24;
const SECTIONS: i32 = 12;

/** Sections by number. */
enum Section {
  STAMP = 0,
  PRIORITIES = 1,
  ROWS = 2,
  IDS = 3,
  BASE_HEAD = 4,
  BASE_KEYS = 5,
  BASE_TABLE = 6,
  PATTERN_KEYS = 7,
  PATTERN_TABLE = 8,
  LIBRARY_KEYS = 9,
  LIBRARY_TABLE = 10,
  ARENA = 11,
}

/** Why an index is of no use. */
export enum IndexFault {
  NONE = 0,
  /** Not an index file. */
  MAGIC = 1,
  /** Of another version. */
  VERSION = 2,
  /** Shorter or longer than it says. */
  LENGTH = 3,
  CHECKSUM = 4,
  /** Made from other summaries. */
  STALE = 5,
  /** The sections do not fit together. */
  FORMAT = 6,
}

function aligned(n: i32): i32 {
  return (n + 7) & ~7;
}

class Writer {
  at: i32 = 0;
  section: i32 = 0;

  constructor(
    readonly buf: Uint8Array,
    at: i32,
  ) {
    this.at = at;
  }

  private enter(n: i32): i32 {
    const at = this.at;
    const entry: i32 = (INDEX_HEADER + this.section * 8) | 0;
    putU32(this.buf, entry, longLo(toLong(at)));
    putU32(this.buf, (entry + 4) | 0, longLo(toLong(n)));
    this.section = (this.section + 1) | 0;
    this.at = aligned((at + n) | 0);
    return at;
  }

  bytes(b: Uint8Array, n: i32): void {
    copyBytes(this.buf, this.enter(n), b, 0, n);
  }

  words(w: Int32Array, n: i32): void {
    putWords(this.buf, this.enter((n * 4) | 0), w, n);
  }
}

function tableSize(t: Interner): i32 {
  return (aligned((t.keys.length * 4) | 0) + aligned((t.table.length * 4) | 0)) | 0;
}

function vecSize(v: IntVec): i32 {
  return aligned((v.length * 4) | 0);
}

/**
 * The head of the index of a universe. The file is this head and behind it `u.records`, `u.records.length` bytes. Null for a universe that came from an index, has
 * installed packages or is read at the moment, or whose head would pass 2^31 bytes.
 */
export function encodeIndex(u: Universe, stamp: Uint8Array, checksum: Checksum): Uint8Array | null {
  if (u.source !== null || u.isReading()) return null;
  for (let p = 0; p < u.count; p++) if (u.isInstalled(p)) return null;
  const first = aligned((INDEX_HEADER + SECTIONS * 8) | 0);
  let size = toLong(first) + toLong(aligned(stamp.length)) + toLong(vecSize(u.priorities)) + toLong(vecSize(u.rows));
  size = size + toLong(vecSize(u.ids)) + toLong(vecSize(u.baseHead)) + toLong(tableSize(u.bases));
  size = size + toLong(tableSize(u.patterns)) + toLong(tableSize(u.libraries)) + toLong(aligned(u.arena.length));
  if (size > toLong(0x7fff0000)) return null;
  const n = i32(longLo(size));
  const buf = new Uint8Array(n);
  for (let i = 0; i < MAGIC.length; i++) buf[i] = MAGIC.charCodeAt(i);
  putU32(buf, 8, longLo(toLong(INDEX_VERSION)));
  putU32(buf, 12, longLo(size));
  putU32(buf, 16, longLo(toLong(u.records.length)));
  putU32(buf, 24, longLo(toLong(SECTIONS)));
  putU32(buf, 28, longLo(toLong(u.count)));
  const w = new Writer(buf, first);
  w.bytes(stamp, stamp.length);
  w.words(u.priorities.data, u.priorities.length);
  const rows = filedRows(u, n, checksum);
  w.words(rows, rows.length);
  w.words(u.ids.data, u.ids.length);
  w.words(u.baseHead.data, u.baseHead.length);
  putTable(w, u.bases);
  putTable(w, u.patterns);
  putTable(w, u.libraries);
  w.bytes(u.arena.bytes, u.arena.length);
  putU32(buf, 20, checksum.crc32(buf, CHECKED_FROM, (n - CHECKED_FROM) | 0));
  return buf;
}

function putTable(w: Writer, t: Interner): void {
  w.words(t.keys.data, t.keys.length);
  w.words(t.table, t.table.length);
}

/** The rows with records that are in a file behind a head of `head` bytes. */
function filedRows(u: Universe, head: i32, checksum: Checksum): Int32Array {
  const n = u.rows.length;
  const rows = new Int32Array(n);
  for (let i = 0; i < n; i++) rows[i] = u.rows.data[i];
  for (let at: i32 = 0; at < n; at = (at + Row.WORDS) | 0) {
    const record = rows[at + Row.RECORD_AT];
    rows[at + Row.RECORD_CRC] = i32(checksum.crc32(u.records.bytes, record, rows[at + Row.RECORD_LENGTH]));
    rows[at + Row.RECORD_AT] = (record + head) | 0;
    rows[at + Row.FLAGS] |= FLAG_FILED;
  }
  return rows;
}

/** Reads an index. `universe` is null and `fault` says why when it is of no use. */
export class IndexReader {
  universe: Universe | null = null;
  fault: IndexFault = IndexFault.NONE;
  /** From the header, once `readHeader` said NONE. */
  headLength: i32 = 0;
  recordsLength: i32 = 0;

  constructor(private readonly checksum: Checksum) {}

  /** Looks at the first INDEX_HEADER bytes of a file of `fileLength` bytes. */
  readHeader(buf: Uint8Array, fileLength: i32): IndexFault {
    this.fault = IndexFault.NONE;
    if (buf.length < INDEX_HEADER) return this.fail(IndexFault.MAGIC);
    for (let i = 0; i < MAGIC.length; i++) if (i32(buf[i]) !== MAGIC.charCodeAt(i)) return this.fail(IndexFault.MAGIC);
    if (buf[MAGIC.length] !== 0) return this.fail(IndexFault.MAGIC);
    if (i32(getU32(buf, 8)) !== INDEX_VERSION) return this.fail(IndexFault.VERSION);
    this.headLength = i32(getU32(buf, 12));
    this.recordsLength = i32(getU32(buf, 16));
    const least: i32 = (INDEX_HEADER + SECTIONS * 8) | 0;
    if (this.headLength < least || this.recordsLength < 0) return this.fail(IndexFault.LENGTH);
    if (toLong(this.headLength) + toLong(this.recordsLength) !== toLong(fileLength))
      return this.fail(IndexFault.LENGTH);
    return IndexFault.NONE;
  }

  private fail(f: IndexFault): IndexFault {
    this.fault = f;
    return f;
  }

  /**
   * Makes a universe of a head, whose header `readHeader` found good. The universe may keep `buf`: nobody changes it any more. Who calls gives the universe a
   * `source` that reads records.
   */
  readHead(buf: Uint8Array, stamp: Uint8Array): IndexFault {
    const n: i32 = buf.length;
    if (n !== this.headLength) return this.fail(IndexFault.LENGTH);
    const sum: u32 = this.checksum.crc32(buf, CHECKED_FROM, (n - CHECKED_FROM) | 0);
    if (sum !== getU32(buf, 20)) return this.fail(IndexFault.CHECKSUM);
    if (i32(getU32(buf, 24)) !== SECTIONS) return this.fail(IndexFault.FORMAT);
    for (let s: i32 = 0; s < SECTIONS; s++) {
      const at = sectionAt(buf, s);
      const length = sectionLength(buf, s);
      if (at < 0 || length < 0 || (at & 7) !== 0 || toLong(at) + toLong(length) > toLong(n))
        return this.fail(IndexFault.FORMAT);
      if (s !== Section.STAMP && s !== Section.ARENA && (length & 3) !== 0) return this.fail(IndexFault.FORMAT);
    }
    if (sectionLength(buf, Section.STAMP) !== stamp.length) return this.fail(IndexFault.STALE);
    if (!equalBytes(buf, sectionAt(buf, Section.STAMP), stamp, 0, stamp.length)) return this.fail(IndexFault.STALE);
    const u = new Universe();
    const arenaAt = sectionAt(buf, Section.ARENA);
    u.arena.adopt(buf.subarray(arenaAt, (arenaAt + sectionLength(buf, Section.ARENA)) | 0));
    takeVec(u.priorities, buf, Section.PRIORITIES);
    takeVec(u.rows, buf, Section.ROWS);
    takeVec(u.ids, buf, Section.IDS);
    takeVec(u.baseHead, buf, Section.BASE_HEAD);
    const tables = takeTable(u.bases, buf, Section.BASE_KEYS) && takeTable(u.patterns, buf, Section.PATTERN_KEYS);
    if (!tables || !takeTable(u.libraries, buf, Section.LIBRARY_KEYS)) return this.fail(IndexFault.FORMAT);
    u.count = i32(getU32(buf, 28));
    const whole = u.rows.length === ((u.count * Row.WORDS) | 0) && u.baseHead.length <= u.bases.count;
    if (!whole) return this.fail(IndexFault.FORMAT);
    this.universe = u;
    return IndexFault.NONE;
  }
}

function sectionAt(buf: Uint8Array, s: i32): i32 {
  return i32(getU32(buf, (INDEX_HEADER + s * 8) | 0));
}

function sectionLength(buf: Uint8Array, s: i32): i32 {
  return i32(getU32(buf, (INDEX_HEADER + s * 8 + 4) | 0));
}

function words(buf: Uint8Array, s: i32): Int32Array {
  return wordsOf(buf, sectionAt(buf, s), sectionLength(buf, s) >> 2);
}

function takeVec(v: IntVec, buf: Uint8Array, s: i32): void {
  v.data = words(buf, s);
  v.length = v.data.length;
}

/** Keys and table of an interner; false when they do not fit together. */
function takeTable(t: Interner, buf: Uint8Array, keys: i32): boolean {
  takeVec(t.keys, buf, keys);
  t.table = words(buf, (keys + 1) | 0);
  return t.restore();
}
