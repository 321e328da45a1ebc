/**
 * Every package that is known: those of all repositories and those that are installed, by handle.
 *
 * A package is a small number, 0 and up in the order of loading. Its facts are words of one table; its text stays in the arena (or, when the universe came
 * from an index file, in that file). Names without version (PKGBASE), patterns and shared libraries are numbers of interners, so a solver works on integers.
 *
 *     const u = new Universe();
 *     const r = u.addRepository(0);
 *     u.beginSummary(r); u.addSummary(buf, 0, n); u.endSummary();
 *     u.addInstalled(record, 0, n, automatic);
 *     for (let i = 0; i < u.dependCount(p); i++) { const d = u.dependAt(p, i); u.candidates(d); u.candidate(d, 0); }
 *
 * Order of preference among packages that match: the greater priority of the repository, then pkgsrc's rule (the greater version, then the smaller name),
 * then an installed package, then the repository that was added first. With equal priorities that is pkgsrc's rule over all repositories.
 *
 * Key type: `Universe`. Neighbours: `summary.ts`, `pattern.ts`, `candidates.ts`, `index-file.ts`, `plan/`.
 * Invariant: handles and ids never change; the lists of `candidates.ts` are dropped when a package is added.
 */
import { Errno, i32, longHi, longLo, longOf, type long, type u32 } from "@anax/portable";
import { Arena, Interner } from "./arena";
import { CandidateIndex } from "./candidates";
import { compareBytes, VersionComparer } from "./dewey";
import { Pattern } from "./pattern";
import { IntVec } from "./solver/int-vec";
import { Field, LIST_FIELDS, SummaryReader, type SummarySink } from "./summary";

/** Words of a package's row. */
export enum Row {
  NAME_AT = 0,
  NAME_LENGTH = 1,
  BASE_LENGTH = 2,
  BASE = 3,
  REPO = 4,
  FLAGS = 5,
  RECORD_AT = 6,
  RECORD_LENGTH = 7,
  RECORD_CRC = 8,
  /** COMMENT, BUILD_DATE and PKGPATH stand behind PKGNAME in the arena. */
  COMMENT_LENGTH = 9,
  DATE_LENGTH = 10,
  PATH_LENGTH = 11,
  SIZE_LO = 12,
  SIZE_HI = 13,
  FILE_SIZE_LO = 14,
  FILE_SIZE_HI = 15,
  /** Where the list of DEPENDS begins in `ids`; each list ends where the next one begins. */
  LISTS = 16,
  LISTS_END = 21,
  NEXT_IN_BASE = 22,
  WORDS = 23,
}

/** `repoOf` an installed package. */
export const INSTALLED: i32 = -1;

/** Was installed as a dependency, not by name. */
export const FLAG_AUTOMATIC: i32 = 1;
/** Its record is in the index file that the universe came from, not in the arena. */
export const FLAG_FILED: i32 = 2;

/** Where the records of a universe are that came from an index file. */
export interface RecordSource {
  /** Reads `n` bytes at `at` of the file into `buf`. False when they cannot be had or their checksum is not `crc`. */
  readRecord(at: i32, n: i32, crc: u32, buf: Uint8Array): boolean;
}

export class Universe implements SummarySink {
  /** Names, comments, patterns, libraries: what searching and solving look at. */
  readonly arena: Arena;
  /** The summaries as they were read. */
  readonly records: Arena = new Arena();
  /** PKGBASEs. */
  readonly bases: Interner;
  /** Patterns of DEPENDS, CONFLICTS and SUPERSEDES, and of questions. */
  readonly patterns: Interner;
  /** Shared libraries of REQUIRES and PROVIDES, by path. */
  readonly libraries: Interner;
  /** `Row.WORDS` words for each package. */
  readonly rows: IntVec = new IntVec();
  /** The lists of all packages. */
  readonly ids: IntVec = new IntVec();
  /** Packages. */
  count: i32 = 0;
  /** Priority by repository. */
  readonly priorities: IntVec = new IntVec();
  /** Of installed packages. */
  installedPriority: i32 = 0;
  /** The bytes that `findField` found: `value[valueAt, valueAt + valueLength)`. */
  value: Uint8Array;
  valueAt: i32 = 0;
  valueLength: i32 = 0;
  source: RecordSource | null = null;
  /** The first package of each base; the rest by Row.NEXT_IN_BASE. -1 for none. */
  readonly baseHead: IntVec = new IntVec();
  readonly comparer: VersionComparer = new VersionComparer();

  private readonly index: CandidateIndex;
  private reader: SummaryReader | null = null;
  /** Reads the records of installed packages. */
  private installed: SummaryReader | null = null;
  private readingRepo: i32 = 0;
  private readingFlags: i32 = 0;
  private scratch: Uint8Array = new Uint8Array(4096);

  constructor() {
    const arena = new Arena();
    this.arena = arena;
    this.bases = new Interner(arena);
    this.patterns = new Interner(arena);
    this.libraries = new Interner(arena);
    this.value = arena.bytes;
    this.index = new CandidateIndex();
  }

  // Loading

  /** Adds a repository and returns its number, 0 and up. Of repositories of equal priority the first one wins a tie. */
  addRepository(priority: i32): i32 {
    this.priorities.push(priority);
    return (this.priorities.length - 1) | 0;
  }

  /** Begins the summary of a repository. 0, -EBUSY while another one is read, -EINVAL for a repository that is not there. */
  beginSummary(repo: i32): i32 {
    if (this.reader !== null) return -Errno.BUSY;
    if (repo < 0 || repo >= this.priorities.length) return -Errno.INVAL;
    this.readingRepo = repo;
    this.readingFlags = 0;
    this.reader = new SummaryReader(this.records, this, true);
    return 0;
  }

  /** The next bytes of the summary, cut anywhere. 0, -EINVAL without `beginSummary`, -EFBIG when the universe is full. */
  addSummary(buf: Uint8Array, off: i32, n: i32): i32 {
    const reader = this.reader;
    return reader === null ? -Errno.INVAL : reader.feed(buf, off, n);
  }

  /**
   * The whole summary at once. The first one of a universe is not copied: `buf` belongs to the universe from then on and nobody changes it. 0 or an error as
   * of `beginSummary` and `addSummary`; `endSummary` must follow.
   */
  takeSummary(repo: i32, buf: Uint8Array): i32 {
    const r = this.beginSummary(repo);
    if (r < 0) return r;
    if (this.records.length > 0) return this.addSummary(buf, 0, buf.length);
    const reader = this.reader;
    if (reader !== null) reader.adopt(buf);
    return 0;
  }

  /** Is a summary being read? */
  isReading(): boolean {
    return this.reader !== null;
  }

  /** Ends the summary. The reader says how many records there were and which ones were broken; null without `beginSummary`. */
  endSummary(): SummaryReader | null {
    const reader = this.reader;
    if (reader !== null) reader.finish();
    this.reader = null;
    return reader;
  }

  /**
   * Adds an installed package: one record in the form of a summary, of which only PKGNAME must be there. Its handle, -EINVAL for a record that is broken or
   * not one, -EBUSY while a summary is read, -EFBIG.
   */
  addInstalled(buf: Uint8Array, off: i32, n: i32, automatic: boolean): i32 {
    if (this.reader !== null) return -Errno.BUSY;
    const before = this.count;
    const reader = this.installedReader();
    this.readingRepo = INSTALLED;
    this.readingFlags = automatic ? FLAG_AUTOMATIC : 0;
    const r = reader.feed(buf, off, n);
    if (r < 0) return r;
    reader.finish();
    if (reader.records !== 1 || this.count !== ((before + 1) | 0)) return -Errno.INVAL;
    return before;
  }

  private installedReader(): SummaryReader {
    const known = this.installed;
    if (known !== null) {
      known.reset();
      return known;
    }
    const reader = new SummaryReader(this.records, this, false);
    this.installed = reader;
    return reader;
  }

  /** A record of the summary that is being read becomes a package. */
  summaryRecord(reader: SummaryReader): void {
    const p = this.count;
    const text = this.records.bytes;
    const nameLength = reader.valueLength[Field.PKGNAME];
    const nameAt = this.arena.append(text, reader.valueAt[Field.PKGNAME], nameLength);
    const bytes = this.arena.bytes;
    let baseLength: i32 = (nameLength - 1) | 0;
    while (bytes[nameAt + baseLength] !== 45) baseLength = (baseLength - 1) | 0;
    const base = this.bases.internAt(nameAt, baseLength);
    while (this.baseHead.length < this.bases.count) this.baseHead.push(-1);
    const rows = this.rows;
    rows.push(nameAt);
    rows.push(nameLength);
    rows.push(baseLength);
    rows.push(base);
    rows.push(this.readingRepo);
    rows.push(this.readingFlags);
    rows.push(reader.start);
    rows.push((reader.end - reader.start) | 0);
    rows.push(0);
    rows.push(this.keep(reader, Field.COMMENT));
    rows.push(this.keep(reader, Field.BUILD_DATE));
    rows.push(this.keep(reader, Field.PKGPATH));
    rows.push(i32(longLo(reader.size)));
    rows.push(longHi(reader.size));
    rows.push(i32(longLo(reader.fileSize)));
    rows.push(longHi(reader.fileSize));
    for (let f = 0; f < LIST_FIELDS; f++) {
      rows.push(this.ids.length);
      const list = reader.lists[f];
      const interner = f < Field.REQUIRES ? this.patterns : this.libraries;
      for (let i: i32 = 0; i < list.length; i = (i + 2) | 0) {
        this.ids.push(interner.intern(text, list.get(i), list.get((i + 1) | 0)));
      }
    }
    rows.push(this.ids.length);
    rows.push(this.baseHead.get(base));
    this.baseHead.set(base, p);
    this.count = (p + 1) | 0;
    this.index.clear();
  }

  /** Copies the value of a variable behind what the arena has, and returns its length. */
  private keep(reader: SummaryReader, f: Field): i32 {
    const at = reader.valueAt[f];
    if (at < 0) return 0;
    this.arena.append(this.records.bytes, at, reader.valueLength[f]);
    return reader.valueLength[f];
  }

  // Facts of a package

  /** A word of the row of package `p`. */
  word(p: i32, column: Row): i32 {
    return this.rows.get((p * Row.WORDS + column) | 0);
  }

  setFlags(p: i32, flags: i32): void {
    this.rows.set((p * Row.WORDS + Row.FLAGS) | 0, flags);
  }

  /** The id of its PKGBASE. */
  baseOf(p: i32): i32 {
    return this.word(p, Row.BASE);
  }

  /** The number of its repository, or INSTALLED. */
  repoOf(p: i32): i32 {
    return this.word(p, Row.REPO);
  }

  isInstalled(p: i32): boolean {
    return this.word(p, Row.REPO) === INSTALLED;
  }

  isAutomatic(p: i32): boolean {
    return (this.word(p, Row.FLAGS) & FLAG_AUTOMATIC) !== 0;
  }

  /** PKGNAME, in `arena.bytes`. */
  nameAt(p: i32): i32 {
    return this.word(p, Row.NAME_AT);
  }

  nameLength(p: i32): i32 {
    return this.word(p, Row.NAME_LENGTH);
  }

  /** The version, in `arena.bytes`. */
  versionAt(p: i32): i32 {
    return (this.word(p, Row.NAME_AT) + this.word(p, Row.BASE_LENGTH) + 1) | 0;
  }

  versionLength(p: i32): i32 {
    return (this.word(p, Row.NAME_LENGTH) - this.word(p, Row.BASE_LENGTH) - 1) | 0;
  }

  /** COMMENT, in `arena.bytes`. */
  commentAt(p: i32): i32 {
    return (this.word(p, Row.NAME_AT) + this.word(p, Row.NAME_LENGTH)) | 0;
  }

  commentLength(p: i32): i32 {
    return this.word(p, Row.COMMENT_LENGTH);
  }

  /** BUILD_DATE, in `arena.bytes`. */
  dateAt(p: i32): i32 {
    return (this.commentAt(p) + this.word(p, Row.COMMENT_LENGTH)) | 0;
  }

  dateLength(p: i32): i32 {
    return this.word(p, Row.DATE_LENGTH);
  }

  /** PKGPATH, in `arena.bytes`. */
  pathAt(p: i32): i32 {
    return (this.dateAt(p) + this.word(p, Row.DATE_LENGTH)) | 0;
  }

  pathLength(p: i32): i32 {
    return this.word(p, Row.PATH_LENGTH);
  }

  /** Bytes of its files when installed (SIZE_PKG); 0 when nothing says so. */
  sizeOf(p: i32): long {
    return longOf(this.word(p, Row.SIZE_HI), u32Of(this.word(p, Row.SIZE_LO)));
  }

  /** Bytes of its archive (FILE_SIZE); -1 when nothing says so. */
  fileSizeOf(p: i32): long {
    return longOf(this.word(p, Row.FILE_SIZE_HI), u32Of(this.word(p, Row.FILE_SIZE_LO)));
  }

  /** Length of a list of `p`; Field.DEPENDS to Field.PROVIDES. */
  listCount(p: i32, list: Field): i32 {
    const at: i32 = (p * Row.WORDS + Row.LISTS + list) | 0;
    return (this.rows.get((at + 1) | 0) - this.rows.get(at)) | 0;
  }

  /** The i-th id of a list of `p`. */
  listAt(p: i32, list: Field, i: i32): i32 {
    return this.ids.get((this.rows.get((p * Row.WORDS + Row.LISTS + list) | 0) + i) | 0);
  }

  /** Patterns of DEPENDS. */
  dependCount(p: i32): i32 {
    return this.listCount(p, Field.DEPENDS);
  }

  dependAt(p: i32, i: i32): i32 {
    return this.listAt(p, Field.DEPENDS, i);
  }

  /** Patterns of CONFLICTS. */
  conflictCount(p: i32): i32 {
    return this.listCount(p, Field.CONFLICTS);
  }

  conflictAt(p: i32, i: i32): i32 {
    return this.listAt(p, Field.CONFLICTS, i);
  }

  /** Patterns of SUPERSEDES. */
  supersedeCount(p: i32): i32 {
    return this.listCount(p, Field.SUPERSEDES);
  }

  supersedeAt(p: i32, i: i32): i32 {
    return this.listAt(p, Field.SUPERSEDES, i);
  }

  /** Libraries of REQUIRES. */
  requireCount(p: i32): i32 {
    return this.listCount(p, Field.REQUIRES);
  }

  requireAt(p: i32, i: i32): i32 {
    return this.listAt(p, Field.REQUIRES, i);
  }

  /** Libraries of PROVIDES. */
  provideCount(p: i32): i32 {
    return this.listCount(p, Field.PROVIDES);
  }

  provideAt(p: i32, i: i32): i32 {
    return this.listAt(p, Field.PROVIDES, i);
  }

  /** Were both built at the same time, by their BUILD_DATE? */
  sameBuild(p: i32, q: i32): boolean {
    const b = this.arena.bytes;
    return compareBytes(b, this.dateAt(p), this.dateLength(p), b, this.dateAt(q), this.dateLength(q)) === 0;
  }

  /** Do both have the same PKGNAME? */
  sameName(p: i32, q: i32): boolean {
    const b = this.arena.bytes;
    return (
      this.baseOf(p) === this.baseOf(q) &&
      compareBytes(b, this.nameAt(p), this.nameLength(p), b, this.nameAt(q), this.nameLength(q)) === 0
    );
  }

  /**
   * The whole record of `p`, as it was read: lines of VARIABLE=value in `value`. False when its index file cannot give it. Valid until the next call of
   * this or of `findField`.
   */
  record(p: i32): boolean {
    const at = this.word(p, Row.RECORD_AT);
    const n = this.word(p, Row.RECORD_LENGTH);
    this.valueAt = at;
    this.valueLength = n;
    this.value = this.records.bytes;
    if ((this.word(p, Row.FLAGS) & FLAG_FILED) === 0) return true;
    const source = this.source;
    if (this.scratch.length < n) this.scratch = new Uint8Array((n * 2) | 0);
    this.value = this.scratch;
    this.valueAt = 0;
    if (source !== null && source.readRecord(at, n, u32Of(this.word(p, Row.RECORD_CRC)), this.scratch)) return true;
    this.valueLength = 0;
    return false;
  }

  /** The value of the `nth` line (from 0) of a variable of `p`, known or not, into `value`. False when there is none. */
  findField(p: i32, variable: Uint8Array, nth: i32): boolean {
    if (!this.record(p)) return false;
    const bytes = this.value;
    const end: i32 = (this.valueAt + this.valueLength) | 0;
    const n: i32 = variable.length;
    let left = nth;
    let i = this.valueAt;
    while (i < end) {
      let to = i;
      while (to < end && bytes[to] !== 10) to++;
      const length: i32 = (to - i) | 0;
      if (length > n && bytes[i + n] === 61 && compareBytes(bytes, i, n, variable, 0, n) === 0) {
        if (left === 0) {
          this.valueAt = (i + n + 1) | 0;
          this.valueLength = (length - n - 1) | 0;
          return true;
        }
        left = (left - 1) | 0;
      }
      i = (to + 1) | 0;
    }
    this.valueLength = 0;
    return false;
  }

  // Names, patterns, libraries

  /** The id of a PKGBASE, or -1. */
  findBase(buf: Uint8Array, off: i32, n: i32): i32 {
    return this.bases.find(buf, off, n);
  }

  /** The id of a pattern, known or new. -EFBIG when the universe is full. */
  pattern(buf: Uint8Array, off: i32, n: i32): i32 {
    return this.patterns.intern(buf, off, n);
  }

  /** The compiled pattern. */
  patternOf(id: i32): Pattern {
    return this.index.compiled(this, id);
  }

  /** The id of a shared library, or -1. */
  findLibrary(buf: Uint8Array, off: i32, n: i32): i32 {
    return this.libraries.find(buf, off, n);
  }

  // Choice

  /** -1, 0 or 1: the versions of two packages. */
  compareVersions(p: i32, q: i32): i32 {
    const b = this.arena.bytes;
    return this.comparer.compare(
      b,
      this.versionAt(p),
      this.versionLength(p),
      b,
      this.versionAt(q),
      this.versionLength(q),
    );
  }

  priorityOf(p: i32): i32 {
    const repo = this.repoOf(p);
    return repo === INSTALLED ? this.installedPriority : this.priorities.get(repo);
  }

  /** Negative when `p` is to be preferred to `q`, positive when `q` is; 0 only for `p` itself. */
  preference(p: i32, q: i32): i32 {
    const byPriority: i32 = (this.priorityOf(q) - this.priorityOf(p)) | 0;
    if (byPriority !== 0) return byPriority;
    const b = this.arena.bytes;
    const byName = compareBytes(b, this.nameAt(p), this.nameLength(p), b, this.nameAt(q), this.nameLength(q));
    if (byName !== 0) {
      const byVersion = this.compareVersions(p, q);
      return byVersion !== 0 ? -byVersion : byName;
    }
    const byRepo: i32 = (this.repoOf(p) - this.repoOf(q)) | 0;
    return byRepo !== 0 ? byRepo : (p - q) | 0;
  }

  /** How many packages match a pattern, installed ones included. Found once for each pattern. */
  candidates(pattern: i32): i32 {
    return this.index.candidates(this, pattern);
  }

  /** The i-th of them, best first. */
  candidate(pattern: i32, i: i32): i32 {
    return this.index.candidate(this, pattern, i);
  }

  /** How many packages have a base. */
  packagesOf(base: i32): i32 {
    return this.index.packagesOf(this, base);
  }

  /** The i-th of them, best first. */
  packageOf(base: i32, i: i32): i32 {
    return this.index.packageOf(this, base, i);
  }

  /** The installed package of a base, or -1. */
  installedOf(base: i32): i32 {
    // Bases can be known from patterns or longer bases alone.
    if (base >= this.baseHead.length) return -1;
    for (let p = this.baseHead.get(base); p >= 0; p = this.word(p, Row.NEXT_IN_BASE)) if (this.isInstalled(p)) return p;
    return -1;
  }

  /** How many packages have a library among their PROVIDES. */
  providers(library: i32): i32 {
    return this.index.providers(this, library);
  }

  /** The i-th of them, in the order of loading. */
  provider(library: i32, i: i32): i32 {
    return this.index.provider(this, library, i);
  }

  /** Does pattern `id` match package `p`? */
  matches(id: i32, p: i32): boolean {
    return this.patternOf(id).matches(this.arena.bytes, this.nameAt(p), this.nameLength(p));
  }
}

function u32Of(v: i32): u32 {
  const u: u32 = v >>> 0;
  return u;
}
