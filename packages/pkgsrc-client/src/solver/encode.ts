/**
 * Clauses of a problem: what must hold in every solution. Package p is variable p of the `Sat`.
 *
 * Key types `Clausifier` (the clause of each rule), `Encoder` (all of them into a `Sat`), `Rules` (which clause came from what).
 * Neighbours: `problem.ts`, `sat.ts`; `solver.ts` adds wishes, `explain.ts` asks which rules contradict each other.
 * What is broken already (a dependency or conflict of packages that are installed now) is no rule: it stays as it is unless the problem asks
 * for repair, and then as a wish. So a damaged system can still be changed.
 * Invariant: the empty set satisfies all but requests, locks and preserved packages.
 */
import type { i32 } from "@anax/portable";
import { IntVec } from "./int-vec";
import { PKG_BANNED, PKG_INSTALLED, PKG_LOCKED, PKG_PRESERVED, REQ_INSTALL, REQ_REMOVE, type Problem } from "./problem";
import type { Sat } from "./sat";

/** A dependency, by its index in the problem. */
export const RULE_DEPEND: i32 = 1;
/** A conflict, by its index. */
export const RULE_CONFLICT: i32 = 2;
/** A replacement, by its index: the newer and the older exclude each other. */
export const RULE_SUPERSEDE: i32 = 3;
/** An install request, by its index. */
export const RULE_INSTALL: i32 = 4;
/** By package: to be removed; a version of its base stays; it stays exactly; it may not come. */
export const RULE_REMOVE: i32 = 5;
export const RULE_PRESERVED: i32 = 6;
export const RULE_LOCKED: i32 = 7;
export const RULE_BANNED: i32 = 8;
/** By package, in explanations only: the installed package (or a successor) stays because nothing asked for its removal. */
export const RULE_KEPT: i32 = 9;
/** By request, in explanations only: an upgrade to its first candidate. */
export const RULE_UPGRADE: i32 = 10;

/** What the clauses stand for, by clause id. */
export class Rules {
  readonly kind: IntVec = new IntVec(256);
  readonly index: IntVec = new IntVec(256);

  get length(): i32 {
    return this.kind.length;
  }

  add(kind: i32, index: i32): i32 {
    this.kind.push(kind);
    this.index.push(index);
    return (this.kind.length - 1) | 0;
  }
}

/** Packages by base, superseders by package, and the clause of any rule. */
export class Clausifier {
  /** Members of base b are `members[memberStart[b] .. memberStart[b + 1])`, best first. */
  readonly memberStart: Int32Array;
  readonly members: Int32Array;
  /** The installed package of a base, or -1. */
  readonly installedOf: Int32Array;
  /** What supersedes package p: `superseders[supersederStart[p] .. supersederStart[p + 1])`. */
  private readonly supersederStart: Int32Array;
  private readonly superseders: Int32Array;
  private readonly stamp: Int32Array;
  private stamps: i32 = 0;
  /** What `clauseOf` returned last; reused by the next call. */
  private readonly clause: IntVec = new IntVec(64);

  constructor(readonly problem: Problem) {
    const memberStart = new Int32Array((problem.bases + 1) | 0);
    const installedOf = new Int32Array(problem.bases);
    const supersederStart = new Int32Array((problem.packages + 1) | 0);
    installedOf.fill(-1);
    this.memberStart = memberStart;
    this.members = new Int32Array(problem.packages);
    this.installedOf = installedOf;
    this.supersederStart = supersederStart;
    this.superseders = new Int32Array(problem.superseded.length);
    this.stamp = new Int32Array(problem.packages);
    this.sortMembers();
    this.sortSuperseders();
  }

  /** Counting sort by base, then by rank within each base. */
  private sortMembers(): void {
    const p = this.problem;
    const start = this.memberStart;
    const n = p.packages;
    for (let i = 0; i < n; i++) {
      const b = p.base.get(i);
      start[b + 1] = (start[b + 1] + 1) | 0;
      if (p.is(i, PKG_INSTALLED)) this.installedOf[b] = i;
    }
    for (let b = 0; b < p.bases; b++) start[b + 1] = (start[b + 1] + start[b]) | 0;
    const next = new Int32Array(p.bases);
    for (let i = 0; i < n; i++) {
      const b = p.base.get(i);
      const first = start[b];
      // Insertion by rank: callers add versions best first, so this moves nothing as a rule.
      let at: i32 = (first + next[b]) | 0;
      next[b] = (next[b] + 1) | 0;
      while (at > first && p.rank.get(this.members[at - 1]) > p.rank.get(i)) {
        this.members[at] = this.members[at - 1];
        at--;
      }
      this.members[at] = i;
    }
  }

  private sortSuperseders(): void {
    const p = this.problem;
    const start = this.supersederStart;
    const n = p.superseded.length;
    for (let i = 0; i < n; i++) {
      const old = p.superseded.get(i);
      start[old + 1] = (start[old + 1] + 1) | 0;
    }
    for (let i = 0; i < p.packages; i++) start[i + 1] = (start[i + 1] + start[i]) | 0;
    const filled = new Int32Array(p.packages);
    for (let i = 0; i < n; i++) {
      const old = p.superseded.get(i);
      this.superseders[start[old] + filled[old]] = p.supersederOf.get(i);
      filled[old] = (filled[old] + 1) | 0;
    }
  }

  /** The literals of a rule, each once; empty for a rule that always holds. Valid until the next call. */
  clauseOf(kind: i32, index: i32): IntVec {
    const p = this.problem;
    this.clause.clear();
    this.stamps = (this.stamps + 1) | 0;
    switch (kind) {
      case RULE_DEPEND:
        this.depend(index);
        break;
      case RULE_CONFLICT:
        this.exclude(p.conflictOne.get(index), p.conflictTwo.get(index));
        break;
      case RULE_SUPERSEDE:
        this.exclude(p.supersederOf.get(index), p.superseded.get(index));
        break;
      case RULE_INSTALL:
        this.addList(p.requestStart.get(index), p.requestEnd.get(index));
        break;
      case RULE_REMOVE:
      case RULE_BANNED:
        this.clause.push((2 * index + 1) | 0);
        break;
      case RULE_PRESERVED:
        this.addMembers(p.base.get(index));
        break;
      case RULE_LOCKED:
        this.add(index);
        break;
      case RULE_KEPT:
        this.addMembers(p.base.get(index));
        for (let i = this.supersederStart[index]; i < this.supersederStart[index + 1]; i++) {
          this.add(this.superseders[i]);
        }
        break;
      case RULE_UPGRADE:
        this.add(p.candidates.get(p.requestStart.get(index)));
        break;
    }
    return this.clause;
  }

  /** Whether dependency `d` is not met now although its package is installed. */
  isBroken(d: i32): boolean {
    const p = this.problem;
    if (!p.is(p.dependOf.get(d), PKG_INSTALLED)) return false;
    const to = p.dependEnd.get(d);
    for (let i = p.dependStart.get(d); i < to; i++) if (p.is(p.candidates.get(i), PKG_INSTALLED)) return false;
    return true;
  }

  private depend(d: i32): void {
    const p = this.problem;
    const owner = p.dependOf.get(d);
    this.addList(p.dependStart.get(d), p.dependEnd.get(d));
    if (this.stamp[owner] === this.stamps) this.clause.clear();
    else this.clause.push((2 * owner + 1) | 0);
  }

  private exclude(a: i32, b: i32): void {
    const p = this.problem;
    if (p.base.get(a) === p.base.get(b)) return;
    if (p.is(a, PKG_INSTALLED) && p.is(b, PKG_INSTALLED)) return;
    this.clause.push((2 * a + 1) | 0);
    this.clause.push((2 * b + 1) | 0);
  }

  private add(pkg: i32): void {
    if (this.stamp[pkg] === this.stamps) return;
    this.stamp[pkg] = this.stamps;
    this.clause.push((2 * pkg) | 0);
  }

  private addList(from: i32, to: i32): void {
    for (let i = from; i < to; i++) this.add(this.problem.candidates.get(i));
  }

  private addMembers(base: i32): void {
    for (let i = this.memberStart[base]; i < this.memberStart[base + 1]; i++) this.add(this.members[i]);
  }
}

export class Encoder {
  readonly rules: Rules = new Rules();
  readonly clauses: Clausifier;
  /** Wishes not to leave a broken dependency broken; only when the problem asks for repair. */
  readonly repairs: IntVec = new IntVec();

  constructor(
    readonly problem: Problem,
    readonly sat: Sat,
  ) {
    this.clauses = new Clausifier(problem);
  }

  /** Adds all variables and rules to the `Sat`, which must be empty. */
  encode(): void {
    const p = this.problem;
    for (let i = 0; i < p.packages; i++) this.sat.addVariable(p.is(i, PKG_INSTALLED) ? 1 : 0);
    this.order();
    this.groups();
    for (let i = 0; i < p.packages; i++) {
      if (p.is(i, PKG_BANNED)) this.rule(RULE_BANNED, i);
      if (!p.is(i, PKG_INSTALLED)) continue;
      if (p.is(i, PKG_LOCKED)) this.rule(RULE_LOCKED, i);
      if (p.is(i, PKG_PRESERVED)) this.rule(RULE_PRESERVED, i);
    }
    for (let d = 0; d < p.depends; d++) {
      if (!this.clauses.isBroken(d)) this.rule(RULE_DEPEND, d);
      else if (p.repair) this.wishRepair(d);
    }
    for (let c = 0; c < p.conflicts; c++) this.rule(RULE_CONFLICT, c);
    for (let s = 0; s < p.superseded.length; s++) this.rule(RULE_SUPERSEDE, s);
    for (let r = 0; r < p.requests; r++) {
      if (p.requestKind.get(r) === REQ_INSTALL) this.rule(RULE_INSTALL, r);
      if (p.requestKind.get(r) !== REQ_REMOVE) continue;
      const to = p.requestEnd.get(r);
      for (let i = p.requestStart.get(r); i < to; i++) this.rule(RULE_REMOVE, p.candidates.get(i));
    }
  }

  private rule(kind: i32, index: i32): void {
    const clause = this.clauses.clauseOf(kind, index);
    if (clause.length > 0) this.sat.addClause(clause, this.rules.add(kind, index));
  }

  private wishRepair(d: i32): void {
    const clause = this.clauses.clauseOf(RULE_DEPEND, d);
    if (clause.length === 0) return;
    const stays = this.sat.addVariable(0);
    clause.push((2 * stays) | 0);
    this.repairs.push((2 * stays + 1) | 0);
    this.sat.addClause(clause, this.rules.add(RULE_DEPEND, d));
  }

  /** First decisions: what is installed stays; then the worst versions stay away, so that propagation leaves the best. */
  private order(): void {
    const members = this.clauses.members;
    for (let i = 0; i < members.length; i++) {
      if (!this.problem.is(members[i], PKG_INSTALLED)) this.sat.prefer(members[i]);
    }
    const installed = this.clauses.installedOf;
    for (let b = 0; b < installed.length; b++) if (installed[b] >= 0) this.sat.prefer(installed[b]);
  }

  private groups(): void {
    const group = new IntVec();
    const start = this.clauses.memberStart;
    for (let b = 0; b < this.problem.bases; b++) {
      if (((start[b + 1] - start[b]) | 0) < 2) continue;
      group.clear();
      for (let i = start[b]; i < start[b + 1]; i++) group.push(this.clauses.members[i]);
      this.sat.addGroup(group);
    }
  }
}
