/**
 * pkg_summary(5): what a repository offers, as records of `VARIABLE=value` lines with a blank line between them.
 *
 * The reader takes the text in chunks of any size, keeps it in an arena and tells a sink about each record: where the values of the known variables
 * are. Nothing is copied but the text itself, and unknown variables stay where they are in it. A record that breaks the rules is skipped and
 * noted with its number, its line and the reason.
 * Source: pkgtools/pkg_install, lib/pkg_summary.5.
 *
 *     reader.feed(buf, 0, n);     // any number of times
 *     reader.finish();            // the last record needs no blank line behind it
 *
 * Key types: `SummaryReader`, `SummarySink`, `Field`, `Issue`. Neighbours: `arena.ts`, `universe.ts`.
 * Invariant: the text of the record that is being read is one range of the arena, so nobody else appends to it until the record ends.
 */
import { equalBytes, i32, toLong, type long } from "@anax/portable";
import type { Arena } from "./arena";
import { versionStart } from "./dewey";
import { IntVec } from "./solver/int-vec";

/** Variables by number; those of more than one line come first. */
export enum Field {
  DEPENDS = 0,
  CONFLICTS = 1,
  SUPERSEDES = 2,
  REQUIRES = 3,
  PROVIDES = 4,
  DESCRIPTION = 5,
  PKGNAME = 6,
  COMMENT = 7,
  SIZE_PKG = 8,
  BUILD_DATE = 9,
  CATEGORIES = 10,
  MACHINE_ARCH = 11,
  OPSYS = 12,
  OS_VERSION = 13,
  PKGPATH = 14,
  PKGTOOLS_VERSION = 15,
  FILE_SIZE = 16,
  FILE_NAME = 17,
  HOMEPAGE = 18,
  LICENSE = 19,
  PKG_OPTIONS = 20,
  PREV_PKGPATH = 21,
  FILE_CKSUM = 22,
  UNKNOWN = 23,
}

/** Variables whose lines are lists of the universe: DEPENDS to PROVIDES. */
export const LIST_FIELDS: i32 = 5;
const FIELDS: i32 = 23;
/** DESCRIPTION to PKGTOOLS_VERSION must be there. */
const FIRST_REQUIRED: i32 = 5;
const LAST_REQUIRED: i32 = 15;

/** The name of a variable. */
export function fieldName(f: Field): string {
  switch (f) {
    case Field.DEPENDS:
      return "DEPENDS";
    case Field.CONFLICTS:
      return "CONFLICTS";
    case Field.SUPERSEDES:
      return "SUPERSEDES";
    case Field.REQUIRES:
      return "REQUIRES";
    case Field.PROVIDES:
      return "PROVIDES";
    case Field.DESCRIPTION:
      return "DESCRIPTION";
    case Field.PKGNAME:
      return "PKGNAME";
    case Field.COMMENT:
      return "COMMENT";
    case Field.SIZE_PKG:
      return "SIZE_PKG";
    case Field.BUILD_DATE:
      return "BUILD_DATE";
    case Field.CATEGORIES:
      return "CATEGORIES";
    case Field.MACHINE_ARCH:
      return "MACHINE_ARCH";
    case Field.OPSYS:
      return "OPSYS";
    case Field.OS_VERSION:
      return "OS_VERSION";
    case Field.PKGPATH:
      return "PKGPATH";
    case Field.PKGTOOLS_VERSION:
      return "PKGTOOLS_VERSION";
    case Field.FILE_SIZE:
      return "FILE_SIZE";
    case Field.FILE_NAME:
      return "FILE_NAME";
    case Field.HOMEPAGE:
      return "HOMEPAGE";
    case Field.LICENSE:
      return "LICENSE";
    case Field.PKG_OPTIONS:
      return "PKG_OPTIONS";
    case Field.PREV_PKGPATH:
      return "PREV_PKGPATH";
    case Field.FILE_CKSUM:
      return "FILE_CKSUM";
    default:
      return "";
  }
}

/** Why a record was skipped. */
export enum Issue {
  NONE = 0,
  /** A line without `=`, or with nothing before it. */
  NO_VARIABLE = 1,
  /** A required variable is not there (`field` says which). */
  MISSING = 2,
  /** PKGNAME has no version, or bytes that no package name can have. */
  BAD_NAME = 3,
  /** SIZE_PKG or FILE_SIZE is no decimal number below 2^53. */
  BAD_NUMBER = 4,
  /** A variable of one value has several. */
  REPEATED = 5,
  /** The text ends within a line. */
  TRUNCATED = 6,
}

/** The decimal number `buf[off, off + n)`, or -1 when it is none or reaches 2^53. */
export function parseSize(buf: Uint8Array, off: i32, n: i32): long {
  if (n === 0 || n > 16) return toLong(-1);
  let v: long = toLong(0);
  for (let i = 0; i < n; i++) {
    const d: i32 = (i32(buf[off + i]) - 48) | 0;
    if (d < 0 || d > 9) return toLong(-1);
    v = v * toLong(10) + toLong(d);
  }
  // 9007199254740991, in two parts that are exact everywhere.
  const limit: long = toLong(9007199) * toLong(1000000000) + toLong(254740991);
  return v > limit ? toLong(-1) : v;
}

/**
 * May `buf[off, off + n)` be a PKGNAME? It has a base, a `-` and a version, at most 255 bytes, no byte up to the blank, no `/`, and no `.` in front:
 * it becomes the name of a directory.
 */
export function isPackageName(buf: Uint8Array, off: i32, n: i32): boolean {
  if (n < 3 || n > 255 || buf[off] === 46) return false;
  for (let i = 0; i < n; i++) {
    const c = i32(buf[off + i]);
    if (c <= 32 || c === 47 || c === 127) return false;
  }
  const version = versionStart(buf, off, n);
  return version > 1 && version < n;
}

/** Is told of each record that holds to the rules. Must not append to the reader's arena. */
export interface SummarySink {
  /** The reader says where the record and its values are. */
  summaryRecord(reader: SummaryReader): void;
}

export class SummaryReader {
  /** The text of the record: [start, end) of the arena, without the blank line. */
  start: i32 = 0;
  end: i32 = 0;
  /** Offset and length of the first value of each variable; offset -1 when it is not there. */
  readonly valueAt: Int32Array = new Int32Array(FIELDS);
  readonly valueLength: Int32Array = new Int32Array(FIELDS);
  /** Offset and length of each value of DEPENDS to PROVIDES. */
  readonly lists: IntVec[] = [];
  /** SIZE_PKG, and FILE_SIZE or -1. */
  size: long = toLong(0);
  fileSize: long = toLong(0);
  /** Records so far, broken ones too. */
  records: i32 = 0;
  /** Four words for each broken record: its number and line, both from 1, the `Issue`, the `Field` or UNKNOWN. */
  readonly issues: IntVec = new IntVec();

  private at: i32 = 0;
  private lineStart: i32 = 0;
  private line: i32 = 0;
  private open: boolean = false;
  private issue: Issue = Issue.NONE;
  private issueLine: i32 = 0;
  private issueField: Field = Field.UNKNOWN;
  private readonly names: FieldNames = new FieldNames();

  /** `strict` asks for the required variables; installed packages need PKGNAME alone. */
  constructor(
    private readonly arena: Arena,
    private readonly sink: SummarySink,
    private readonly strict: boolean,
  ) {
    for (let i = 0; i < LIST_FIELDS; i++) this.lists.push(new IntVec());
    this.reset();
  }

  /** Begins a new text at the end of the arena. */
  reset(): void {
    const at = this.arena.length;
    this.at = at;
    this.lineStart = at;
    this.line = 0;
    this.records = 0;
    this.issues.clear();
    this.begin(at);
  }

  /** Reads `buf[off, off + n)` on from where the last chunk ended. 0, or -EFBIG when the arena is full. */
  feed(buf: Uint8Array, off: i32, n: i32): i32 {
    const r = this.arena.append(buf, off, n);
    if (r < 0) return r;
    this.scan();
    return 0;
  }

  /** The same for a text that is all there: `buf` becomes the arena's bytes, which must have none, and nobody else changes it any more. */
  adopt(buf: Uint8Array): void {
    this.arena.adopt(buf);
    this.reset();
    this.at = 0;
    this.lineStart = 0;
    this.start = 0;
    this.scan();
  }

  /** Ends the text. */
  finish(): void {
    if (this.lineStart < this.arena.length) {
      this.open = true;
      this.line = (this.line + 1) | 0;
      this.fault(Issue.TRUNCATED, Field.UNKNOWN);
      this.lineStart = this.arena.length;
    }
    this.endRecord(this.arena.length);
  }

  private begin(at: i32): void {
    this.start = at;
    this.open = false;
    this.issue = Issue.NONE;
    this.valueAt.fill(-1);
    for (let i = 0; i < LIST_FIELDS; i++) this.lists[i].clear();
  }

  private fault(issue: Issue, field: Field): void {
    if (this.issue !== Issue.NONE) return;
    this.issue = issue;
    this.issueLine = this.line;
    this.issueField = field;
  }

  private scan(): void {
    // Built-in searching is fast from the first byte on, before any of this is compiled.
    const text = this.arena.bytes.subarray(0, this.arena.length);
    let from = this.lineStart;
    let to: i32 = text.indexOf(10, this.at);
    while (to >= 0) {
      this.line = (this.line + 1) | 0;
      if (to === from) this.endRecord(to);
      else this.readLine(text, from, to);
      from = (to + 1) | 0;
      if (!this.open) this.start = from;
      to = text.indexOf(10, from);
    }
    this.lineStart = from;
    this.at = text.length;
  }

  /** A line [from, to) that is not blank. */
  private readLine(bytes: Uint8Array, from: i32, to: i32): void {
    this.open = true;
    const field = this.names.read(bytes, from, to);
    const eq = this.names.equals;
    if (eq === to || eq === from) {
      this.fault(Issue.NO_VARIABLE, Field.UNKNOWN);
      return;
    }
    if (field === Field.UNKNOWN) return;
    const value: i32 = (eq + 1) | 0;
    const length: i32 = (to - value) | 0;
    if (field < LIST_FIELDS) {
      if (length === 0) return;
      const list = this.lists[field];
      list.push(value);
      list.push(length);
      return;
    }
    if (this.valueAt[field] < 0) {
      this.valueAt[field] = value;
      this.valueLength[field] = length;
    } else if (isSingle(field)) {
      this.fault(Issue.REPEATED, field);
    }
  }

  private endRecord(at: i32): void {
    if (!this.open) return;
    this.records = (this.records + 1) | 0;
    this.end = at;
    this.check();
    if (this.issue === Issue.NONE) {
      this.sink.summaryRecord(this);
    } else {
      this.issues.push(this.records);
      this.issues.push(this.issueLine);
      this.issues.push(this.issue);
      this.issues.push(this.issueField);
    }
    this.begin((at + 1) | 0);
  }

  private check(): void {
    const bytes = this.arena.bytes;
    const name = this.valueAt[Field.PKGNAME];
    if (name < 0) this.fault(Issue.MISSING, Field.PKGNAME);
    else if (!isPackageName(bytes, name, this.valueLength[Field.PKGNAME])) this.fault(Issue.BAD_NAME, Field.PKGNAME);
    if (this.strict) {
      for (let f: i32 = FIRST_REQUIRED; f <= LAST_REQUIRED; f++) if (this.valueAt[f] < 0) this.fault(Issue.MISSING, f);
    }
    this.size = this.number(Field.SIZE_PKG, toLong(0));
    this.fileSize = this.number(Field.FILE_SIZE, toLong(-1));
  }

  private number(field: Field, absent: long): long {
    const at = this.valueAt[field];
    if (at < 0) return absent;
    const v = parseSize(this.arena.bytes, at, this.valueLength[field]);
    if (v < toLong(0)) this.fault(Issue.BAD_NUMBER, field);
    return v;
  }
}

/** Must the variable be there once at most? */
function isSingle(f: Field): boolean {
  return (
    f === Field.PKGNAME ||
    f === Field.SIZE_PKG ||
    f === Field.FILE_SIZE ||
    f === Field.FILE_NAME ||
    f === Field.BUILD_DATE ||
    f === Field.PKGPATH
  );
}

const SLOTS: i32 = 128;

/** Variables by name: a table with open addressing, behind guesses from the lines before. */
class FieldNames {
  /** Where the `=` of the last line is; its end when there is none. */
  equals: i32 = 0;
  private readonly slots: Int32Array = new Int32Array(SLOTS);
  private readonly names: Uint8Array[] = [];
  private last: i32 = 0;
  /** What came behind each variable the last time: records have the same order. */
  private readonly behind: Int32Array = new Int32Array(FIELDS);

  constructor() {
    for (let f: i32 = 0; f < FIELDS; f++) {
      const s = fieldName(f);
      const name = new Uint8Array(s.length);
      for (let i = 0; i < s.length; i++) name[i] = s.charCodeAt(i);
      this.names.push(name);
      let slot = this.slotOf(name, 0, name.length);
      while (this.slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
      this.slots[slot] = (f + 1) | 0;
    }
  }

  private slotOf(b: Uint8Array, off: i32, n: i32): i32 {
    return (i32(b[off]) * 5 + i32(b[off + n - 1]) * 3 + n) & (SLOTS - 1);
  }

  /** The variable of the line [from, to), UNKNOWN for others and for lines that have none; sets `equals`. */
  read(b: Uint8Array, from: i32, to: i32): Field {
    const last = this.last;
    if (this.isAt(last, b, from, to)) return last;
    const guess = this.behind[last];
    if (this.isAt(guess, b, from, to)) {
      this.last = guess;
      return guess;
    }
    let eq = from;
    while (eq < to && b[eq] !== 61) eq = (eq + 1) | 0;
    this.equals = eq;
    if (eq === to || eq === from) return Field.UNKNOWN;
    const f = this.find(b, from, (eq - from) | 0);
    if (f !== Field.UNKNOWN) {
      this.behind[last] = f;
      this.last = f;
    }
    return f;
  }

  /** Does the line begin with the variable `f` and `=`? */
  private isAt(f: i32, b: Uint8Array, from: i32, to: i32): boolean {
    const name = this.names[f];
    const eq: i32 = (from + name.length) | 0;
    if (eq >= to || b[eq] !== 61 || !equalBytes(name, 0, b, from, name.length)) return false;
    this.equals = eq;
    return true;
  }

  private find(b: Uint8Array, off: i32, n: i32): Field {
    let slot = this.slotOf(b, off, n);
    for (;;) {
      const f: i32 = (this.slots[slot] - 1) | 0;
      if (f < 0) return Field.UNKNOWN;
      const name = this.names[f];
      if (name.length === n && equalBytes(name, 0, b, off, n)) return f;
      slot = (slot + 1) & (SLOTS - 1);
    }
  }
}
