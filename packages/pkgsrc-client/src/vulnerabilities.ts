/**
 * pkg-vulnerabilities: which packages have known vulnerabilities, one `pattern class url` a line, in a file with a checksum in it.
 *
 *     #FORMAT 1.1.0
 *     #CHECKSUM SHA512 0f3a...
 *     openssl<3.0.8 multiple-vulnerabilities https://...
 *
 * The file may be signed in clear (RFC 4880, section 7): the wrapper is skipped, checking it is another's. The checksum is over all lines but blank ones, those of the
 * wrapper, `# $NetBSD...` and `#CHECKSUM`. A byte 0, a last line without newline or a line that is no entry makes the whole file bad.
 * Source: pkg_install, lib/vulnerabilities-file.c (parse_pkg_vulnerabilities, verify_hash), admin/audit.c (check_exact_pkg).
 *
 * Key types: `Vulnerabilities` (the file), `Auditor` (which entries match a name). Neighbours: `pattern.ts`, `host/universe/audit.ts` (hashes).
 * Invariant: entries are in the order of the file; nothing is copied out of its text but patterns.
 */
import { i32 } from "@anax/portable";
import { Arena, Interner } from "./arena";
import { versionStart, VersionComparer } from "./dewey";
import { Pattern, PatternKind } from "./pattern";
import { IntVec } from "./solver/int-vec";

/** Why a file is bad. */
export enum VulnerabilitiesFault {
  NONE = 0,
  /** A byte 0. */
  NUL = 1,
  /** The last line does not end. */
  NO_NEWLINE = 2,
  /** A line before #FORMAT that is no part of a header, or no #FORMAT. */
  HEADER = 3,
  /** Another format than 1.1.0. */
  FORMAT = 4,
  /** A #CHECKSUM without algorithm or value. */
  CHECKSUM = 5,
  /** An entry without class. */
  NO_CLASS = 6,
  /** An entry without URL. */
  NO_URL = 7,
}

/** Words of an entry: offset and length of pattern, class, URL. */
const ENTRY_WORDS: i32 = 6;

function isSpace(c: i32): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}

/** A file, read. `fault` says whether it is good. */
export class Vulnerabilities {
  fault: VulnerabilitiesFault = VulnerabilitiesFault.NONE;
  /** The line of the fault, from 1. */
  faultLine: i32 = 0;
  /** Entries. */
  count: i32 = 0;
  /** Offset and length of each range of the text that the checksums are of. */
  readonly hashed: IntVec = new IntVec();
  /** Offset and length of the algorithm and of the value of each #CHECKSUM line. */
  readonly checksums: IntVec = new IntVec();
  private readonly entries: IntVec = new IntVec();
  /** Where the range begins that is not yet in `hashed`, or -1 behind the end of what is hashed. */
  private hashFrom: i32 = 0;

  /** Reads a file, which is kept. */
  constructor(readonly text: Uint8Array) {
    if (this.isWhole()) this.read(text.length);
  }

  /** Is there no byte 0, and does the last line end? */
  private isWhole(): boolean {
    const text = this.text;
    const n: i32 = text.length;
    for (let i = 0; i < n; i++) {
      if (text[i] !== 0) continue;
      this.fail(VulnerabilitiesFault.NUL, this.lineOf(i));
      return false;
    }
    if (n === 0 || text[n - 1] === 10) return true;
    this.fail(VulnerabilitiesFault.NO_NEWLINE, this.lineOf((n - 1) | 0));
    return false;
  }

  private fail(fault: VulnerabilitiesFault, line: i32): void {
    this.fault = fault;
    this.faultLine = line;
    this.count = 0;
  }

  private lineOf(at: i32): i32 {
    let line: i32 = 1;
    for (let i = 0; i < at; i++) if (this.text[i] === 10) line = (line + 1) | 0;
    return line;
  }

  private read(n: i32): void {
    let line: i32 = 0;
    let hasFormat = false;
    let isEnded = false;
    let at: i32 = 0;
    while (at < n) {
      let end = at;
      while (this.text[end] !== 10) end = (end + 1) | 0;
      line = (line + 1) | 0;
      if (this.hashFrom >= 0) this.hashLine(at, end);
      // The signature behind the text; older ones begin it with a line `Version:`.
      if (this.starts(at, end, "-----BEGIN PGP SIGNATURE") || (hasFormat && this.starts(at, end, "Version:")))
        isEnded = true;
      if (!isEnded) {
        const fault = hasFormat ? this.readLine(at, end) : this.readHeader(at, end);
        if (fault !== VulnerabilitiesFault.NONE) {
          this.fail(fault, line);
          return;
        }
        if (!hasFormat && this.starts(at, end, "#FORMAT")) hasFormat = true;
      }
      at = (end + 1) | 0;
    }
    if (this.hashFrom >= 0) this.hashUpTo(n);
    if (!hasFormat) this.fail(VulnerabilitiesFault.HEADER, (line + 1) | 0);
  }

  private starts(at: i32, end: i32, word: string): boolean {
    if (((end - at) | 0) < word.length) return false;
    for (let i = 0; i < word.length; i++) if (i32(this.text[at + i]) !== word.charCodeAt(i)) return false;
    return true;
  }

  private hashUpTo(at: i32): void {
    if (at > this.hashFrom) {
      this.hashed.push(this.hashFrom);
      this.hashed.push((at - this.hashFrom) | 0);
    }
  }

  /** Takes a line out of what is hashed if it is one of those. */
  private hashLine(at: i32, end: i32): void {
    if (this.starts(at, end, "-----BEGIN PGP SIGNATURE") || this.starts(at, end, "Version:")) {
      this.hashUpTo(at);
      this.hashFrom = -1;
      return;
    }
    const isOut =
      at === end ||
      this.starts(at, end, "-----BEGIN") ||
      this.starts(at, end, "Hash:") ||
      this.starts(at, end, "# $NetBSD") ||
      this.starts(at, end, "#CHECKSUM");
    if (!isOut) return;
    this.hashUpTo(at);
    this.hashFrom = (end + 1) | 0;
  }

  private readHeader(at: i32, end: i32): VulnerabilitiesFault {
    if (
      at === end ||
      this.starts(at, end, "-----BEGIN") ||
      this.starts(at, end, "Hash:") ||
      this.starts(at, end, "# $NetBSD")
    ) {
      return VulnerabilitiesFault.NONE;
    }
    if (!this.starts(at, end, "#FORMAT")) {
      // A lone #.
      let i: i32 = (at + 1) | 0;
      while (this.text[at] === 35 && i < end && isSpace(i32(this.text[i]))) i = (i + 1) | 0;
      return this.text[at] === 35 && i === end ? VulnerabilitiesFault.NONE : VulnerabilitiesFault.HEADER;
    }
    let i: i32 = (at + 7) | 0;
    if (i >= end || !isSpace(i32(this.text[i]))) return VulnerabilitiesFault.FORMAT;
    while (i < end && isSpace(i32(this.text[i]))) i = (i + 1) | 0;
    if (!this.starts(i, end, "1.1.0")) return VulnerabilitiesFault.FORMAT;
    i = (i + 5) | 0;
    while (i < end && isSpace(i32(this.text[i]))) i = (i + 1) | 0;
    return i === end ? VulnerabilitiesFault.NONE : VulnerabilitiesFault.FORMAT;
  }

  private readLine(at: i32, end: i32): VulnerabilitiesFault {
    if (at === end) return VulnerabilitiesFault.NONE;
    if (this.starts(at, end, "#CHECKSUM")) return this.readChecksum((at + 9) | 0, end);
    // Lines that begin with # were entries once.
    if (this.text[at] === 35) return VulnerabilitiesFault.NONE;
    const patternEnd = this.wordEnd(at, end);
    const classAt = this.wordStart(patternEnd, end);
    if (classAt === end) return VulnerabilitiesFault.NO_CLASS;
    const classEnd = this.wordEnd(classAt, end);
    const urlAt = this.wordStart(classEnd, end);
    if (urlAt === end) return VulnerabilitiesFault.NO_URL;
    const e = this.entries;
    e.push(at);
    e.push((patternEnd - at) | 0);
    e.push(classAt);
    e.push((classEnd - classAt) | 0);
    e.push(urlAt);
    e.push((this.wordEnd(urlAt, end) - urlAt) | 0);
    this.count = (this.count + 1) | 0;
    return VulnerabilitiesFault.NONE;
  }

  private readChecksum(at: i32, end: i32): VulnerabilitiesFault {
    const algorithm = this.wordStart(at, end);
    const algorithmEnd = this.wordEnd(algorithm, end);
    const value = this.wordStart(algorithmEnd, end);
    const valueEnd = this.wordEnd(value, end);
    if (algorithm === at || value === end || this.wordStart(valueEnd, end) !== end)
      return VulnerabilitiesFault.CHECKSUM;
    this.checksums.push(algorithm);
    this.checksums.push((algorithmEnd - algorithm) | 0);
    this.checksums.push(value);
    this.checksums.push((valueEnd - value) | 0);
    return VulnerabilitiesFault.NONE;
  }

  private wordStart(at: i32, end: i32): i32 {
    let i = at;
    while (i < end && isSpace(i32(this.text[i]))) i = (i + 1) | 0;
    return i;
  }

  private wordEnd(at: i32, end: i32): i32 {
    let i = at;
    while (i < end && !isSpace(i32(this.text[i]))) i = (i + 1) | 0;
    return i;
  }

  /** Offset in the text of the pattern of an entry. */
  patternAt(entry: i32): i32 {
    return this.entries.get((entry * ENTRY_WORDS) | 0);
  }

  patternLength(entry: i32): i32 {
    return this.entries.get((entry * ENTRY_WORDS + 1) | 0);
  }

  /** Offset of the class: `buffer-overflow`, `eol`, ... */
  classAt(entry: i32): i32 {
    return this.entries.get((entry * ENTRY_WORDS + 2) | 0);
  }

  classLength(entry: i32): i32 {
    return this.entries.get((entry * ENTRY_WORDS + 3) | 0);
  }

  /** Offset of the URL. */
  urlAt(entry: i32): i32 {
    return this.entries.get((entry * ENTRY_WORDS + 4) | 0);
  }

  urlLength(entry: i32): i32 {
    return this.entries.get((entry * ENTRY_WORDS + 5) | 0);
  }

  /** Is the package no longer maintained? Such entries are told of only when asked for. */
  isEndOfLife(entry: i32): boolean {
    const at = this.classAt(entry);
    return this.classLength(entry) === 3 && this.starts(at, (at + 3) | 0, "eol");
  }
}

/**
 * Finds the entries that match a package. Patterns are sorted by the base that they can match, so that a name is held against a few of them; those that can
 * match any base are tried each time.
 */
export class Auditor {
  private readonly bases: Interner;
  private readonly patterns: Pattern[] = [];
  /** The entry of each pattern. */
  private readonly entryOf: IntVec = new IntVec();
  /** The first pattern of each base, and the next of the same base; -1 at the end. */
  private readonly head: IntVec = new IntVec();
  private readonly next: IntVec = new IntVec();
  /** Patterns that no base belongs to. */
  private readonly others: IntVec = new IntVec();
  /** Entries with a pattern that is none; they match nothing. */
  readonly malformed: IntVec = new IntVec();

  constructor(list: Vulnerabilities) {
    const bases = new Interner(new Arena());
    this.bases = bases;
    const comparer = new VersionComparer();
    for (let e = 0; e < list.count; e++) {
      const p = new Pattern(list.text, list.patternAt(e), list.patternLength(e), comparer);
      if (p.error !== 0) this.malformed.push(e);
      else if (p.kind !== PatternKind.ALTERNATE) this.add(p, e);
      else for (let i = 0; i < p.alternatives.length; i++) this.add(p.alternatives[i], e);
    }
  }

  private add(p: Pattern, entry: i32): void {
    const at: i32 = this.patterns.length;
    this.patterns.push(p);
    this.entryOf.push(entry);
    this.next.push(-1);
    const n = p.baseLength();
    if (n < 0) {
      this.others.push(at);
      return;
    }
    const base = this.bases.intern(p.text, 0, n);
    while (this.head.length <= base) this.head.push(-1);
    this.next.set(at, this.head.get(base));
    this.head.set(base, at);
  }

  /** Puts the entries that match the package name into `out`, which is emptied, in the order of the file. */
  find(name: Uint8Array, off: i32, n: i32, out: IntVec): void {
    out.clear();
    const version = versionStart(name, off, n);
    if (version > 0) {
      this.tryBase(name, off, n, (version - 1) | 0, out);
      // A pattern foo-[0-9]* matches foo-2bar-1.0 too.
      for (let i: i32 = 1; ((i + 2) | 0) < version; i++) {
        const c = i32(name[off + i + 1]);
        if (name[off + i] === 45 && c >= 48 && c <= 57) this.tryBase(name, off, n, i, out);
      }
    }
    for (let i = 0; i < this.others.length; i++) this.tryPattern(name, off, n, this.others.get(i), out);
    sortUnique(out);
  }

  private tryBase(name: Uint8Array, off: i32, n: i32, baseLength: i32, out: IntVec): void {
    const base = this.bases.find(name, off, baseLength);
    if (base < 0) return;
    for (let p = this.head.get(base); p >= 0; p = this.next.get(p)) this.tryPattern(name, off, n, p, out);
  }

  private tryPattern(name: Uint8Array, off: i32, n: i32, p: i32, out: IntVec): void {
    if (this.patterns[p].matches(name, off, n)) out.push(this.entryOf.get(p));
  }
}

/** Sorts a short list and drops what is twice in it. */
function sortUnique(v: IntVec): void {
  for (let i: i32 = 1; i < v.length; i++) {
    const x = v.get(i);
    let j = i;
    while (j > 0 && v.get((j - 1) | 0) > x) {
      v.set(j, v.get((j - 1) | 0));
      j = (j - 1) | 0;
    }
    v.set(j, x);
  }
  let to: i32 = 0;
  for (let i: i32 = 0; i < v.length; i++) {
    if (i > 0 && v.get(i) === v.get((i - 1) | 0)) continue;
    v.set(to, v.get(i));
    to = (to + 1) | 0;
  }
  v.truncate(to);
}
