/**
 * What the solver is asked, as integers: which packages exist, what they need and exclude, what is installed, what is wanted.
 *
 * Key type `Problem`. A package is an index from 0; a base is what at most one version of can be installed (PKGBASE). Lists lie one after
 * the other in flat vectors, addressed by where they start. Names, versions and patterns stay with the caller.
 * Neighbours: `encode.ts` (makes clauses of it), `solver.ts`, `explain.ts`; `../plan/translate.ts` fills it from a universe.
 * Typical sequence: addPackage for all; addDepend + addCandidate; addConflict; supersede; addRequest + addCandidate; `check`.
 * Invariant: after `check` returned 0 every index is in range and every list ends where the next starts.
 */
import { Errno, type i32 } from "@anax/portable";
import { IntVec } from "./int-vec";

/** The package is in the database now. */
export const PKG_INSTALLED: i32 = 1;
/** Installed for its own sake: not automatic. */
export const PKG_KEPT: i32 = 2;
/** Installed, and a version of its base must stay (+PRESERVE). */
export const PKG_PRESERVED: i32 = 4;
/** Installed, and must stay exactly as it is. */
export const PKG_LOCKED: i32 = 8;
/** Must not be installed, whatever asks for it. */
export const PKG_BANNED: i32 = 16;
/** An older version than what is installed of its base: choosing it is a downgrade. */
export const PKG_OLDER: i32 = 32;

/** One of the candidates must be there; the first that can be is wanted. */
export const REQ_INSTALL: i32 = 1;
/** None of the candidates may be there. */
export const REQ_REMOVE: i32 = 2;
/** The first of the candidates that can be is wanted; none is fine. */
export const REQ_UPGRADE: i32 = 3;

export class Problem {
  /** Number of packages, and of bases. */
  packages: i32 = 0;
  bases: i32 = 0;
  /** By package: its base, how many better versions its base has, PKG_* flags. */
  readonly base: IntVec = new IntVec(256);
  readonly rank: IntVec = new IntVec(256);
  readonly flags: IntVec = new IntVec(256);
  /** By dependency: the package that has it, where its candidates start in `candidates`, and the caller's tag. */
  readonly dependOf: IntVec = new IntVec(256);
  readonly dependStart: IntVec = new IntVec(256);
  readonly dependEnd: IntVec = new IntVec(256);
  readonly dependTag: IntVec = new IntVec(256);
  /** By conflict: the two packages, and the caller's tag. */
  readonly conflictOne: IntVec = new IntVec();
  readonly conflictTwo: IntVec = new IntVec();
  readonly conflictTag: IntVec = new IntVec();
  /** By replacement: the newer package and the installed one that it stands in for. */
  readonly supersederOf: IntVec = new IntVec();
  readonly superseded: IntVec = new IntVec();
  /** By request: REQ_* kind and candidates, best first. */
  readonly requestKind: IntVec = new IntVec();
  readonly requestStart: IntVec = new IntVec();
  readonly requestEnd: IntVec = new IntVec();
  readonly candidates: IntVec = new IntVec(1024);
  /** Whether dependencies that are broken now, of packages that stay, are mended where that costs no installed package. */
  repair: boolean = false;

  private listOfDepend: boolean = false;

  /**
   * @param base dense numbers from 0
   * @param rank 0 for the best version of the base
   * @returns the package's index
   */
  addPackage(base: i32, rank: i32, flags: i32): i32 {
    const p = this.packages;
    this.packages = (p + 1) | 0;
    this.base.push(base);
    this.rank.push(rank);
    this.flags.push(flags);
    if (base >= this.bases) this.bases = (base + 1) | 0;
    return p;
  }

  /** A dependency of `pkg`, without candidates yet; `addCandidate` adds to it until another list begins. Returns its index. */
  addDepend(pkg: i32, tag: i32 = 0): i32 {
    const d = this.dependOf.length;
    this.dependOf.push(pkg);
    this.dependStart.push(this.candidates.length);
    this.dependEnd.push(this.candidates.length);
    this.dependTag.push(tag);
    this.listOfDepend = true;
    return d;
  }

  addRequest(kind: i32): i32 {
    const r = this.requestKind.length;
    this.requestKind.push(kind);
    this.requestStart.push(this.candidates.length);
    this.requestEnd.push(this.candidates.length);
    this.listOfDepend = false;
    return r;
  }

  /** Adds to the list begun last, best first. */
  addCandidate(pkg: i32): void {
    this.candidates.push(pkg);
    const ends = this.listOfDepend ? this.dependEnd : this.requestEnd;
    ends.set((ends.length - 1) | 0, this.candidates.length);
  }

  /** The two cannot be installed together. A package never conflicts with itself or with versions of its own base. */
  addConflict(a: i32, b: i32, tag: i32 = 0): void {
    this.conflictOne.push(a);
    this.conflictTwo.push(b);
    this.conflictTag.push(tag);
  }

  /** `newer` takes the place of the installed `old`: both cannot be there, and `old` then does not count as removed. */
  supersede(newer: i32, old: i32): void {
    this.supersederOf.push(newer);
    this.superseded.push(old);
  }

  get depends(): i32 {
    return this.dependOf.length;
  }

  get conflicts(): i32 {
    return this.conflictOne.length;
  }

  get requests(): i32 {
    return this.requestKind.length;
  }

  is(pkg: i32, flag: i32): boolean {
    return (this.flags.get(pkg) & flag) !== 0;
  }

  /**
   * Whether the problem is well formed.
   * @returns 0; -Errno.INVAL: an index out of range, a negative rank, an unknown kind of request; -Errno.EXIST: two packages of one base are
   * installed; -Errno.SRCH: an install request without candidates
   */
  check(): i32 {
    const n = this.packages;
    const taken = new Int32Array(this.bases);
    for (let p = 0; p < n; p++) {
      const b = this.base.get(p);
      if (b < 0 || this.rank.get(p) < 0) return -Errno.INVAL;
      if (!this.is(p, PKG_INSTALLED)) continue;
      if (taken[b] !== 0) return -Errno.EXIST;
      taken[b] = 1;
    }
    if (!within(this.dependOf, n) || !within(this.candidates, n)) return -Errno.INVAL;
    if (!within(this.conflictOne, n) || !within(this.conflictTwo, n)) return -Errno.INVAL;
    if (!within(this.supersederOf, n) || !within(this.superseded, n)) return -Errno.INVAL;
    for (let r = 0; r < this.requests; r++) {
      const kind = this.requestKind.get(r);
      if (kind < REQ_INSTALL || kind > REQ_UPGRADE) return -Errno.INVAL;
      if (kind === REQ_INSTALL && this.requestStart.get(r) === this.requestEnd.get(r)) return -Errno.SRCH;
    }
    return 0;
  }
}

function within(list: IntVec, n: i32): boolean {
  for (let i = 0; i < list.length; i++) {
    const x = list.get(i);
    if (x < 0 || x >= n) return false;
  }
  return true;
}
