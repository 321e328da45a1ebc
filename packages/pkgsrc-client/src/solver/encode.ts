/**
 * Clauses of a problem: what must hold in every solution. Package p is variable p of the `Sat`.
 *
 * Key types `Encoder`, `Rules` (which clause came from what, for explanations).
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
/** An install or remove request, by its index. */
export const RULE_REQUEST: i32 = 4;
/** By package: a version of its base stays; it stays exactly; it may not come. */
export const RULE_PRESERVED: i32 = 5;
export const RULE_LOCKED: i32 = 6;
export const RULE_BANNED: i32 = 7;
/** By package, in explanations only: the installed package (or a successor) stays because nothing asked for its removal. */
export const RULE_KEPT: i32 = 8;
/** By request, in explanations only: an upgrade that was preferred, or that is asked about. */
export const RULE_UPGRADE: i32 = 9;

/** What the clauses stand for, by clause id. */
export class Rules {
  readonly kind: IntVec = new IntVec(256);
  readonly index: IntVec = new IntVec(256);

  add(kind: i32, index: i32): i32 {
    this.kind.push(kind);
    this.index.push(index);
    return (this.kind.length - 1) | 0;
  }
}

export class Encoder {
  readonly rules: Rules = new Rules();
  /** Wishes not to leave a broken dependency broken; only when the problem asks for repair. */
  readonly repairs: IntVec = new IntVec();
  /** Packages by base: members of base b are `members[memberStart[b] .. memberStart[b + 1])`, best first. */
  readonly memberStart: Int32Array;
  readonly members: Int32Array;
  /** The installed package of a base, or -1. */
  readonly installedOf: Int32Array;
  private readonly stamp: Int32Array;
  private stamps: i32 = 0;
  private readonly clause: IntVec = new IntVec(64);

  constructor(
    readonly problem: Problem,
    readonly sat: Sat,
  ) {
    this.memberStart = new Int32Array((problem.bases + 1) | 0);
    this.members = new Int32Array(problem.packages);
    this.installedOf = new Int32Array(problem.bases);
    this.stamp = new Int32Array(problem.packages);
    this.sortMembers();
  }

  /** Adds all variables and rules to the `Sat`, which must be empty. */
  encode(): void {
    const p = this.problem;
    for (let i = 0; i < p.packages; i++) this.sat.addVariable(p.is(i, PKG_INSTALLED) ? 1 : 0);
    this.order();
    this.groups();
    this.units();
    for (let d = 0; d < p.depends; d++) this.depend(d);
    for (let c = 0; c < p.conflicts; c++) {
      this.exclude(p.conflictOne.get(c), p.conflictTwo.get(c), RULE_CONFLICT, c);
    }
    for (let s = 0; s < p.superseded.length; s++) {
      this.exclude(p.supersederOf.get(s), p.superseded.get(s), RULE_SUPERSEDE, s);
    }
    for (let r = 0; r < p.requests; r++) this.request(r);
  }

  /** Counting sort by base, then by rank within each base. */
  private sortMembers(): void {
    const p = this.problem;
    const start = this.memberStart;
    const n = p.packages;
    this.installedOf.fill(-1);
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

  /** First decisions: what is installed stays; then the worst versions stay away, so that propagation leaves the best. */
  private order(): void {
    const p = this.problem;
    for (let i = 0; i < this.members.length; i++) {
      if (!p.is(this.members[i], PKG_INSTALLED)) this.sat.prefer(this.members[i]);
    }
    for (let b = 0; b < p.bases; b++) if (this.installedOf[b] >= 0) this.sat.prefer(this.installedOf[b]);
  }

  private groups(): void {
    const group = new IntVec();
    for (let b = 0; b < this.problem.bases; b++) {
      const from = this.memberStart[b];
      const to = this.memberStart[b + 1];
      if (((to - from) | 0) < 2) continue;
      group.clear();
      for (let i = from; i < to; i++) group.push(this.members[i]);
      this.sat.addGroup(group);
    }
  }

  private units(): void {
    const p = this.problem;
    for (let i = 0; i < p.packages; i++) {
      if (p.is(i, PKG_BANNED)) this.sat.addUnit((2 * i + 1) | 0, this.rules.add(RULE_BANNED, i));
      if (!p.is(i, PKG_INSTALLED)) continue;
      if (p.is(i, PKG_LOCKED)) this.sat.addUnit((2 * i) | 0, this.rules.add(RULE_LOCKED, i));
      if (!p.is(i, PKG_PRESERVED)) continue;
      this.begin();
      this.addMembers(p.base.get(i));
      this.sat.addClause(this.clause, this.rules.add(RULE_PRESERVED, i));
    }
  }

  private depend(d: i32): void {
    const p = this.problem;
    const owner = p.dependOf.get(d);
    this.begin();
    let now = false;
    const to = p.dependEnd.get(d);
    for (let i = p.dependStart.get(d); i < to; i++) {
      const c = p.candidates.get(i);
      if (c === owner) return;
      if (p.is(c, PKG_INSTALLED)) now = true;
      this.add(c);
    }
    this.clause.push((2 * owner + 1) | 0);
    if (!now && p.is(owner, PKG_INSTALLED)) {
      if (!p.repair) return;
      const stays = this.sat.addVariable(0);
      this.clause.push((2 * stays) | 0);
      this.repairs.push((2 * stays + 1) | 0);
    }
    this.sat.addClause(this.clause, this.rules.add(RULE_DEPEND, d));
  }

  private exclude(a: i32, b: i32, kind: i32, index: i32): void {
    const p = this.problem;
    if (p.base.get(a) === p.base.get(b)) return;
    if (p.is(a, PKG_INSTALLED) && p.is(b, PKG_INSTALLED)) return;
    this.sat.addPair((2 * a + 1) | 0, (2 * b + 1) | 0, this.rules.add(kind, index));
  }

  private request(r: i32): void {
    const p = this.problem;
    const kind = p.requestKind.get(r);
    const to = p.requestEnd.get(r);
    if (kind === REQ_INSTALL) {
      this.begin();
      for (let i = p.requestStart.get(r); i < to; i++) this.add(p.candidates.get(i));
      this.sat.addClause(this.clause, this.rules.add(RULE_REQUEST, r));
    } else if (kind === REQ_REMOVE) {
      const id = this.rules.add(RULE_REQUEST, r);
      for (let i = p.requestStart.get(r); i < to; i++) {
        this.sat.addUnit((2 * p.candidates.get(i) + 1) | 0, id);
      }
    }
  }

  /** Literals of which one holds when the installed package was not removed: versions of its base, and what supersedes it. */
  survivors(pkg: i32, superseders: IntVec): IntVec {
    this.begin();
    this.addMembers(this.problem.base.get(pkg));
    for (let i = 0; i < superseders.length; i++) this.add(superseders.get(i));
    return this.clause;
  }

  private begin(): void {
    this.clause.clear();
    this.stamps = (this.stamps + 1) | 0;
  }

  /** Adds a package once. */
  private add(pkg: i32): void {
    if (this.stamp[pkg] === this.stamps) return;
    this.stamp[pkg] = this.stamps;
    this.clause.push((2 * pkg) | 0);
  }

  private addMembers(base: i32): void {
    for (let i = this.memberStart[base]; i < this.memberStart[base + 1]; i++) this.add(this.members[i]);
  }
}
