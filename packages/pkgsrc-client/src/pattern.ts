/**
 * Package patterns: what DEPENDS, CONFLICTS and commands say about package names.
 *
 * Kinds, in the order in which they are tried: `{a,b}` alternatives (recursive, each is a pattern of its own), `base>=1.0<2` version ranges, shell
 * patterns, plain names. Shell patterns and plain names also match as `pattern-[0-9]*`, that is without their version.
 * Source: pkg_install, lib/opattern.c (pkg_match) and lib/dewey.c (dewey_match).
 *
 * A range has one bound, or a lower bound and then an upper one; pkg_install reads garbage from others, here they are errors, and so are unbalanced
 * braces. A pattern with an error matches nothing.
 *
 * Key type: `Pattern`. Neighbours: `dewey.ts`, `glob.ts`, `universe.ts`.
 * Invariant: what a pattern matches never changes; matching allocates nothing but, once, the text with `-[0-9]*`.
 */
import { copyBytes, equalBytes, Errno, i32 } from "@anax/portable";
import { DeweyOp, isDigit, satisfies, VersionComparer, versionStart } from "./dewey";
import { globMatch } from "./glob";

export enum PatternKind {
  PLAIN = 0,
  GLOB = 1,
  DEWEY = 2,
  ALTERNATE = 3,
}

/** Most patterns that the braces of one pattern may stand for. */
const MAX_ALTERNATIVES: i32 = 4096;

const OPEN_BRACE: i32 = 123;
const CLOSE_BRACE: i32 = 125;
const COMMA: i32 = 44;
const LESS: i32 = 60;
const EQUALS: i32 = 61;
const GREATER: i32 = 62;
const DASH: i32 = 45;

function isGlobByte(c: i32): boolean {
  return c === 42 || c === 63 || c === 91 || c === 93;
}

/** Most brace groups one in another or one behind another. */
const MAX_GROUPS: i32 = 64;

/** Most bytes of all of them. */
const MAX_BYTES: i32 = 1048576;

/** What may still be made for a pattern. */
export class Budget {
  alternatives: i32 = MAX_ALTERNATIVES;
  groups: i32 = MAX_GROUPS;
  bytes: i32 = MAX_BYTES;
}

/** A compiled pattern. Owned by whoever made it; shares the comparer it was given. */
export class Pattern {
  readonly text: Uint8Array;
  kind: PatternKind = PatternKind.PLAIN;
  /** 0; -EINVAL for unbalanced braces or bounds in a wrong order; -E2BIG for braces that stand for more than 4096 patterns are more than 64 groups, or make more than 1 MiB. */
  error: i32 = 0;
  /** What the braces stand for, without the patterns that are alternatives again. */
  readonly alternatives: Pattern[] = [];
  /** Length of what every matching name begins with: PKGBASE of a range, the bytes before the first special one of a shell pattern. */
  prefix: i32 = 0;

  private readonly comparer: VersionComparer;
  private lowOp: DeweyOp = DeweyOp.NONE;
  private lowAt: i32 = 0;
  private lowLength: i32 = 0;
  private highOp: DeweyOp = DeweyOp.NONE;
  private highAt: i32 = 0;
  private highLength: i32 = 0;
  /** The text with `-[0-9]*` behind it, for shell patterns and plain names; the text itself until it is needed. */
  private versioned: Uint8Array;

  /** Copies `buf[off, off + n)`. */
  constructor(buf: Uint8Array, off: i32, n: i32, comparer: VersionComparer, budget: Budget | null = null) {
    const text = new Uint8Array(n);
    copyBytes(text, 0, buf, off, n);
    this.text = text;
    this.versioned = text;
    this.comparer = comparer;
    this.compile(budget);
  }

  /** Does the pattern match the package name `buf[off, off + n)`? */
  matches(buf: Uint8Array, off: i32, n: i32): boolean {
    if (this.error !== 0) return false;
    if (this.kind === PatternKind.DEWEY) return this.matchesRange(buf, off, n);
    if (this.kind === PatternKind.ALTERNATE) {
      for (let i = 0; i < this.alternatives.length; i++) if (this.alternatives[i].matches(buf, off, n)) return true;
      return false;
    }
    if (n < this.prefix || !equalBytes(this.text, 0, buf, off, this.prefix)) return false;
    const length: i32 = this.text.length;
    if (this.kind === PatternKind.GLOB && globMatch(this.text, 0, length, buf, off, n)) return true;
    if (n === length && equalBytes(this.text, 0, buf, off, n)) return true;
    if (this.versioned.length === length) this.addVersionGlob(length);
    return globMatch(this.versioned, 0, this.versioned.length, buf, off, n);
  }

  private matchesRange(buf: Uint8Array, off: i32, n: i32): boolean {
    const version = versionStart(buf, off, n);
    if (version !== ((this.prefix + 1) | 0) || !equalBytes(this.text, 0, buf, off, this.prefix)) return false;
    return this.holds(buf, (off + version) | 0, (n - version) | 0);
  }

  /** Is the version `buf[off, off + n)` within the bounds of a range? */
  private holds(buf: Uint8Array, off: i32, n: i32): boolean {
    const c = this.comparer;
    if (this.lowOp !== DeweyOp.NONE) {
      if (!satisfies(c.compare(buf, off, n, this.text, this.lowAt, this.lowLength), this.lowOp)) return false;
    }
    if (this.highOp === DeweyOp.NONE) return true;
    return satisfies(c.compare(buf, off, n, this.text, this.highAt, this.highLength), this.highOp);
  }

  private compile(budget: Budget | null): void {
    const text = this.text;
    const n: i32 = text.length;
    let brace: i32 = -1;
    let operator: i32 = -1;
    let special: i32 = -1;
    let escape: i32 = -1;
    for (let i: i32 = (n - 1) | 0; i >= 0; i--) {
      const c = i32(text[i]);
      if (c === OPEN_BRACE) brace = i;
      else if (c === LESS || c === GREATER) operator = i;
      else if (isGlobByte(c)) special = i;
      else if (c === 92) escape = i;
    }
    if (brace >= 0) {
      this.kind = PatternKind.ALTERNATE;
      this.prefix = brace;
      this.error = this.expand(brace, budget === null ? new Budget() : budget);
    } else if (operator >= 0) {
      this.kind = PatternKind.DEWEY;
      this.prefix = operator;
      this.error = this.bounds(operator);
    } else {
      this.kind = special >= 0 ? PatternKind.GLOB : PatternKind.PLAIN;
      this.prefix = special >= 0 ? special : n;
      if (escape >= 0 && escape < this.prefix) this.prefix = escape;
    }
  }

  private addVersionGlob(n: i32): void {
    const tail = "-[0-9]*";
    const versioned = new Uint8Array((n + tail.length) | 0);
    copyBytes(versioned, 0, this.text, 0, n);
    for (let i = 0; i < tail.length; i++) versioned[n + i] = tail.charCodeAt(i);
    this.versioned = versioned;
  }

  /** Replaces the first brace group by each of its alternatives. 0, -EINVAL, -E2BIG. */
  private expand(open: i32, budget: Budget): i32 {
    const text = this.text;
    const n: i32 = text.length;
    let depth: i32 = 0;
    let close: i32 = -1;
    for (let i = open; i < n && close < 0; i++) {
      if (i32(text[i]) === OPEN_BRACE) depth = (depth + 1) | 0;
      else if (i32(text[i]) === CLOSE_BRACE) {
        depth = (depth - 1) | 0;
        if (depth === 0) close = i;
      }
    }
    if (close < 0) return -Errno.INVAL;
    let start: i32 = (open + 1) | 0;
    depth = 0;
    for (let i = start; i <= close; i++) {
      const c = i32(text[i]);
      if (depth === 0 && (c === COMMA || i === close)) {
        budget.alternatives = (budget.alternatives - 1) | 0;
        budget.bytes = (budget.bytes - n) | 0;
        if (budget.alternatives < 0 || budget.groups === 0 || budget.bytes < 0) return -Errno.TOOBIG;
        budget.groups = (budget.groups - 1) | 0;
        const alternative = this.substitute(open, start, i, (close + 1) | 0, budget);
        budget.groups = (budget.groups + 1) | 0;
        if (alternative.error !== 0) return alternative.error;
        this.adopt(alternative);
        start = (i + 1) | 0;
      } else if (c === OPEN_BRACE) {
        depth = (depth + 1) | 0;
      } else if (c === CLOSE_BRACE) {
        depth = (depth - 1) | 0;
      }
    }
    return 0;
  }

  /** The text with [open, rest) replaced by [from, to). */
  private substitute(open: i32, from: i32, to: i32, rest: i32, budget: Budget): Pattern {
    const inner: i32 = (to - from) | 0;
    const tail: i32 = (this.text.length - rest) | 0;
    const s = new Uint8Array((open + inner + tail) | 0);
    copyBytes(s, 0, this.text, 0, open);
    copyBytes(s, open, this.text, from, inner);
    copyBytes(s, (open + inner) | 0, this.text, rest, tail);
    return new Pattern(s, 0, s.length, this.comparer, budget);
  }

  private adopt(p: Pattern): void {
    if (p.kind !== PatternKind.ALTERNATE) {
      this.alternatives.push(p);
      return;
    }
    for (let i = 0; i < p.alternatives.length; i++) this.alternatives.push(p.alternatives[i]);
  }

  /** Reads the bounds that begin at `at`. 0 or -EINVAL. */
  private bounds(at: i32): i32 {
    const text = this.text;
    const n: i32 = text.length;
    let i = at;
    let count: i32 = 0;
    while (i < n) {
      const c = i32(text[i]);
      let op: DeweyOp = c === LESS ? DeweyOp.LT : DeweyOp.GT;
      i = (i + 1) | 0;
      if (i < n && i32(text[i]) === EQUALS) {
        op = c === LESS ? DeweyOp.LE : DeweyOp.GE;
        i = (i + 1) | 0;
      }
      const start = i;
      while (i < n && i32(text[i]) !== LESS && i32(text[i]) !== GREATER) i = (i + 1) | 0;
      count = (count + 1) | 0;
      if (op === DeweyOp.LT || op === DeweyOp.LE) {
        if (i < n) return -Errno.INVAL;
        this.highOp = op;
        this.highAt = start;
        this.highLength = (i - start) | 0;
      } else {
        if (count > 1) return -Errno.INVAL;
        this.lowOp = op;
        this.lowAt = start;
        this.lowLength = (i - start) | 0;
      }
    }
    return 0;
  }

  /**
   * Length of the PKGBASE at the start of the text when every matching name has that base, or one that goes on with `-` and a digit behind it; -1 when
   * matching names can have other bases. For an index by base; of ranges and shell patterns only.
   */
  baseLength(): i32 {
    if (this.kind === PatternKind.DEWEY) return this.prefix;
    if (this.kind !== PatternKind.GLOB) return -1;
    const text = this.text;
    let dash: i32 = (this.prefix - 1) | 0;
    while (dash >= 0 && i32(text[dash]) !== DASH) dash = (dash - 1) | 0;
    const behind: i32 = (dash + 1) | 0;
    if (dash < 0) return -1;
    if (behind < this.prefix) return isDigit(i32(text[behind])) ? dash : -1;
    // `base-[0-9]...`: a class of digits only.
    if (
      ((behind + 4) | 0) >= text.length ||
      text[behind] !== 91 ||
      i32(text[behind + 2]) !== DASH ||
      text[behind + 4] !== 93
    )
      return -1;
    return isDigit(i32(text[behind + 1])) && isDigit(i32(text[behind + 3])) ? dash : -1;
  }
}
