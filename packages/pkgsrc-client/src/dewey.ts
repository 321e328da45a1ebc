/**
 * Dewey versions: how pkgsrc orders `1.2.3alpha4nb5`.
 *
 * A version is read from left to right as a list of components: a run of digits is its value, `alpha` is -3, `beta` -2, `pre` and `rc` -1, `pl`,
 * `_` and `.` are 0, any other letter is 0 followed by its place in the alphabet (a = 1), and every other byte is skipped. `nb` and its digits are the
 * package revision, compared only when all components are equal. Missing components are 0. Letters count without case.
 * Source: pkg_install, lib/dewey.c (mkcomponent, vtest).
 *
 * C reads numbers into an int, which overflows. Here a number is exact up to 18 digits, and every greater one is 10^18 - 1.
 *
 * Key types: `VersionCursor`, `VersionComparer`. Neighbours: `pattern.ts`, `universe.ts`.
 * Invariant: comparing allocates nothing; the order is total on versions up to equality of their components.
 */
import { i32, imul } from "@anax/portable";

/** Numbers are kept in base 10^9. */
const BASE: i32 = 1000000000;
const BASE_TENTH: i32 = 100000000;

/** Operators of version tests; the numbers are those that pattern strings are decoded to. */
export enum DeweyOp {
  NONE = 0,
  LT = 1,
  LE = 2,
  GE = 3,
  GT = 4,
}

/** Does `cmp` (negative, 0, positive: version against bound) satisfy `op`? */
export function satisfies(cmp: i32, op: DeweyOp): boolean {
  if (op === DeweyOp.LT) return cmp < 0;
  if (op === DeweyOp.LE) return cmp <= 0;
  if (op === DeweyOp.GE) return cmp >= 0;
  if (op === DeweyOp.GT) return cmp > 0;
  return false;
}

function lower(c: i32): i32 {
  return c >= 65 && c <= 90 ? c | 32 : c;
}

export function isDigit(c: i32): boolean {
  return c >= 48 && c <= 57;
}

/** Reads the components of one version. Owned by its comparer; reused. */
export class VersionCursor {
  private buf: Uint8Array = new Uint8Array(0);
  private at: i32 = 0;
  private end: i32 = 0;
  /** The second component of a letter, or 0. */
  private letter: i32 = 0;
  /** The component that `next` found, in base 10^9; modifiers are negative in `lo` with `hi` 0. */
  hi: i32 = 0;
  lo: i32 = 0;
  /** The package revision, complete when `next` has returned false. */
  revisionHi: i32 = 0;
  revisionLo: i32 = 0;

  init(buf: Uint8Array, off: i32, n: i32): void {
    this.buf = buf;
    this.at = off;
    this.end = (off + n) | 0;
    this.letter = 0;
    this.hi = 0;
    this.lo = 0;
    this.revisionHi = 0;
    this.revisionLo = 0;
  }

  /** The byte `i` places ahead in lower case, or -1 behind the end. */
  private peek(i: i32): i32 {
    const at: i32 = (this.at + i) | 0;
    return at < this.end ? lower(i32(this.buf[at])) : -1;
  }

  /** Reads digits into `hi` and `lo`, possibly none. */
  private number(): void {
    let hi: i32 = 0;
    let lo: i32 = 0;
    while (this.at < this.end && isDigit(i32(this.buf[this.at]))) {
      const digit: i32 = (i32(this.buf[this.at]) - 48) | 0;
      this.at = (this.at + 1) | 0;
      if (hi >= BASE_TENTH) {
        hi = (BASE - 1) | 0;
        lo = (BASE - 1) | 0;
        continue;
      }
      const carry: i32 = (lo / BASE_TENTH) | 0;
      hi = (hi * 10 + carry) | 0;
      lo = (imul((lo - imul(carry, BASE_TENTH)) | 0, 10) + digit) | 0;
    }
    this.hi = hi;
    this.lo = lo;
  }

  private found(value: i32, length: i32): boolean {
    this.hi = 0;
    this.lo = value;
    this.at = (this.at + length) | 0;
    return true;
  }

  /** Is there a modifier of more than one letter here? Then it is the component. */
  private modifier(c: i32): boolean {
    if (c === 97) {
      if (this.peek(1) === 108 && this.peek(2) === 112 && this.peek(3) === 104 && this.peek(4) === 97)
        return this.found(-3, 5);
    } else if (c === 98) {
      if (this.peek(1) === 101 && this.peek(2) === 116 && this.peek(3) === 97) return this.found(-2, 4);
    } else if (c === 112) {
      if (this.peek(1) === 114 && this.peek(2) === 101) return this.found(-1, 3);
      if (this.peek(1) === 108) return this.found(0, 2);
    } else if (c === 114) {
      if (this.peek(1) === 99) return this.found(-1, 2);
    }
    return false;
  }

  /** Reads the next component into `hi` and `lo`; false at the end, where both are 0. */
  next(): boolean {
    if (this.letter !== 0) {
      const letter = this.letter;
      this.letter = 0;
      return this.found(letter, 0);
    }
    while (this.at < this.end) {
      const c = this.peek(0);
      if (isDigit(c)) {
        this.number();
        return true;
      }
      if (c === 46 || c === 95) return this.found(0, 1);
      if (this.modifier(c)) return true;
      if (c === 110 && this.peek(1) === 98) {
        this.at = (this.at + 2) | 0;
        this.number();
        this.revisionHi = this.hi;
        this.revisionLo = this.lo;
        continue;
      }
      if (c >= 97 && c <= 122) {
        this.letter = (c - 96) | 0;
        return this.found(0, 1);
      }
      this.at = (this.at + 1) | 0;
    }
    this.hi = 0;
    this.lo = 0;
    return false;
  }
}

/** Compares versions in place. Holds two cursors; share one comparer, never across threads. */
export class VersionComparer {
  private readonly left: VersionCursor = new VersionCursor();
  private readonly right: VersionCursor = new VersionCursor();

  /** -1, 0 or 1 for the versions `a[aOff, aOff + aLen)` and `b[bOff, bOff + bLen)` (dewey_cmp). */
  compare(a: Uint8Array, aOff: i32, aLen: i32, b: Uint8Array, bOff: i32, bLen: i32): i32 {
    const l = this.left;
    const r = this.right;
    l.init(a, aOff, aLen);
    r.init(b, bOff, bLen);
    let more = true;
    while (more) {
      const moreLeft = l.next();
      const moreRight = r.next();
      if (l.hi !== r.hi) return l.hi < r.hi ? -1 : 1;
      if (l.lo !== r.lo) return l.lo < r.lo ? -1 : 1;
      more = moreLeft || moreRight;
    }
    if (l.revisionHi !== r.revisionHi) return l.revisionHi < r.revisionHi ? -1 : 1;
    if (l.revisionLo !== r.revisionLo) return l.revisionLo < r.revisionLo ? -1 : 1;
    return 0;
  }
}

/** Where the version of a package name begins, behind its last `-`; -1 when it has none. Relative to `off`. */
export function versionStart(buf: Uint8Array, off: i32, n: i32): i32 {
  for (let i: i32 = (n - 1) | 0; i >= 0; i--) if (buf[off + i] === 45) return (i + 1) | 0;
  return -1;
}

/** -1, 0 or 1 by `strcmp` of the two byte ranges. */
export function compareBytes(a: Uint8Array, aOff: i32, aLen: i32, b: Uint8Array, bOff: i32, bLen: i32): i32 {
  const n: i32 = aLen < bLen ? aLen : bLen;
  for (let i = 0; i < n; i++) {
    const x = i32(a[aOff + i]);
    const y = i32(b[bOff + i]);
    if (x !== y) return x < y ? -1 : 1;
  }
  return aLen === bLen ? 0 : aLen < bLen ? -1 : 1;
}

/**
 * Which of two package names is the better match, by pkg_install's rule: the greater version, and of equal versions the name that is smaller by
 * `strcmp` (pkg_order in lib/opattern.c). -1 when `a` is better, 1 when `b` is, 0 for the same name. A name without a version counts as version 0.
 */
export function betterName(
  comparer: VersionComparer,
  a: Uint8Array,
  aOff: i32,
  aLen: i32,
  b: Uint8Array,
  bOff: i32,
  bLen: i32,
): i32 {
  let va = versionStart(a, aOff, aLen);
  let vb = versionStart(b, bOff, bLen);
  if (va < 0) va = aLen;
  if (vb < 0) vb = bLen;
  const byVersion = comparer.compare(a, (aOff + va) | 0, (aLen - va) | 0, b, (bOff + vb) | 0, (bLen - vb) | 0);
  if (byVersion !== 0) return byVersion > 0 ? -1 : 1;
  return compareBytes(a, aOff, aLen, b, bOff, bLen);
}
