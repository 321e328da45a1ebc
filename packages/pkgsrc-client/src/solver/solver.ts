/**
 * The solver: which packages are installed afterwards, the best possible by a fixed order of aims.
 *
 * Key types `Solver`, `Aim`. Neighbours: `problem.ts` (input), `encode.ts` (what must hold), `descent.ts` (each aim proven least, then fixed),
 * `explain.ts` (why not).
 * Invariant: `chosen` satisfies every rule; while `proven`, no other set of packages has a smaller list of `costs`, compared from the first.
 */
import { Errno, type i32 } from "@anax/portable";
import { Descent } from "./descent";
import { Encoder, RULE_KEPT } from "./encode";
import { IntVec } from "./int-vec";
import { PKG_BANNED, PKG_INSTALLED, PKG_KEPT, PKG_OLDER, REQ_REMOVE, type Problem } from "./problem";
import { Sat, UNSATISFIABLE } from "./sat";

/** What is minimised, the most important first. */
export enum Aim {
  /** Kept packages that go: no version of their base and no successor is there afterwards. */
  KeptRemoved = 0,
  /** Install and upgrade requests whose first candidate is not chosen. */
  RequestedNotBest = 1,
  /** Candidates passed over by the requests: one counts for each candidate before the chosen one. */
  RequestedPassedOver = 2,
  /** Dependencies broken before that stay broken (with `Problem.repair`). */
  LeftBroken = 3,
  /** Automatic packages that go. */
  AutomaticRemoved = 4,
  /** Packages older than what was installed. */
  Downgraded = 5,
  /** Installed packages that do not stay exactly as they are. */
  Changed = 6,
  /** Versions passed over: for each package chosen, the ranks of its base that are better and not banned. */
  VersionsPassedOver = 7,
  /** Packages of bases that were not installed. */
  Added = 8,
  /** Candidates passed over by dependencies that packages of several bases can meet: one for each candidate before the first one chosen. */
  AlternativesPassedOver = 9,
}

/** Number of aims. */
export const AIMS: i32 = 10;
/** Conflicts after which minima are no longer proven. */
export const DEFAULT_CONFLICT_LIMIT: i32 = 50000;

export class Solver {
  /** By package: 1 when it is there afterwards. */
  readonly chosen: Int32Array;
  /** By `Aim`. */
  readonly costs: Int32Array = new Int32Array(AIMS);
  /** Whether `costs` is known to be the least. */
  proven: boolean = true;
  private readonly sat: Sat;
  private readonly encoder: Encoder;
  private readonly descent: Descent;
  private readonly wishes: IntVec = new IntVec(256);
  private readonly wished: Set<i32> = new Set<i32>();
  private neverLit: i32 = -1;

  /** @param problem one that passed `Problem.check` */
  constructor(
    readonly problem: Problem,
    conflictLimit: i32 = DEFAULT_CONFLICT_LIMIT,
  ) {
    const sat = new Sat();
    this.sat = sat;
    this.chosen = new Int32Array(problem.packages);
    this.encoder = new Encoder(problem, sat);
    this.descent = new Descent(sat, conflictLimit);
  }

  /** Conflicts met so far: what the search has cost. */
  get conflicts(): i32 {
    return this.sat.conflicts;
  }

  /**
   * Finds the best solution. Call once.
   * @returns 0 with `chosen`; -Errno.DEADLK: what is asked for contradicts itself, `explain` says how; -Errno.TIMEDOUT: the limit was reached before
   * any solution was found. When the limit is reached later, 0 with `proven` false and a solution that may not be the best.
   */
  solve(): i32 {
    this.encoder.encode();
    const answer = this.descent.feasible();
    if (answer === UNSATISFIABLE) return -Errno.DEADLK;
    if (answer < 0) return answer;
    this.wishSurvivors(true);
    this.reach(Aim.KeptRemoved);
    this.wishFirst();
    this.reach(Aim.RequestedNotBest);
    this.wishEarly();
    this.reach(Aim.RequestedPassedOver);
    this.wishes.append(this.encoder.repairs);
    this.reach(Aim.LeftBroken);
    this.wishSurvivors(false);
    this.reach(Aim.AutomaticRemoved);
    this.wishPackages(PKG_OLDER, 1);
    this.reach(Aim.Downgraded);
    this.wishPackages(PKG_INSTALLED, 0);
    this.reach(Aim.Changed);
    this.wishNewest();
    this.reach(Aim.VersionsPassedOver);
    this.wishNoneAdded();
    this.reach(Aim.Added);
    this.wishAlternatives();
    this.reach(Aim.AlternativesPassedOver);
    for (let p = 0; p < this.problem.packages; p++) this.chosen[p] = this.sat.holds((2 * p) | 0) ? 1 : 0;
    this.proven = this.descent.proven;
    return 0;
  }

  private reach(aim: Aim): void {
    this.costs[aim] = this.descent.minimize(this.wishes);
    this.wishes.clear();
  }

  /** A new literal that can hold only when one of `lits` does. */
  private oneOf(lits: IntVec): i32 {
    const v = this.sat.addVariable(1);
    const clause = lits.copy();
    clause.push((2 * v + 1) | 0);
    this.sat.addClause(clause);
    return (2 * v) | 0;
  }

  private wishSurvivors(kept: boolean): void {
    const p = this.problem;
    const installedOf = this.encoder.clauses.installedOf;
    for (let b = 0; b < p.bases; b++) {
      const pkg = installedOf[b];
      if (pkg < 0 || p.is(pkg, PKG_KEPT) !== kept) continue;
      if (this.sat.fixed((2 * pkg) | 0) === 1) continue;
      const alive = this.encoder.clauses.clauseOf(RULE_KEPT, pkg);
      this.wishes.push(alive.length === 1 ? alive.get(0) : this.oneOf(alive));
    }
  }

  private wishFirst(): void {
    const p = this.problem;
    for (let r = 0; r < p.requests; r++) {
      const from = p.requestStart.get(r);
      if (p.requestKind.get(r) === REQ_REMOVE || from === p.requestEnd.get(r)) continue;
      this.wishOnceMore((2 * p.candidates.get(from)) | 0);
    }
    this.wished.clear();
  }

  /** Wishes that are counted one by one although several may be for the same literal. */
  private wishOnceMore(lit: i32): void {
    if (!this.wished.has(lit)) {
      this.wished.add(lit);
      this.wishes.push(lit);
      return;
    }
    const alias: i32 = (2 * this.sat.addVariable(1)) | 0;
    this.sat.addPair(alias ^ 1, lit);
    this.wishes.push(alias);
  }

  /** For each request and n > 1: one of its first n candidates. The weakest first: when one fails, the stronger ones fail with it. */
  private wishEarly(): void {
    const p = this.problem;
    const ladder = new IntVec();
    for (let r = 0; r < p.requests; r++) {
      const from = p.requestStart.get(r);
      const to = p.requestEnd.get(r);
      if (p.requestKind.get(r) === REQ_REMOVE || from === to) continue;
      if (this.sat.fixed((2 * p.candidates.get(from)) | 0) === 1) continue;
      this.climb(from, to, ladder);
      for (let i: i32 = (ladder.length - 1) | 0; i > 0; i--) this.wishOnceMore(ladder.get(i));
    }
    this.wished.clear();
  }

  /** Literals for the candidates `from` to `to`: the n-th holds when one of the first n + 1 is there. */
  private climb(from: i32, to: i32, ladder: IntVec): void {
    const p = this.problem;
    const either = new IntVec(2);
    ladder.clear();
    for (let i = from; i < to; i++) {
      const here: i32 = (2 * p.candidates.get(i)) | 0;
      if (i === from || here === ladder.last()) {
        ladder.push(here);
        continue;
      }
      const before = ladder.last();
      either.clear();
      either.push(before);
      either.push(here);
      const one = this.oneOf(either);
      this.sat.addPair(before ^ 1, one);
      ladder.push(one);
    }
  }

  /** For all packages with the flag: to be there (sign 0) or not (sign 1). */
  private wishPackages(flag: i32, sign: i32): void {
    for (let i = 0; i < this.problem.packages; i++) if (this.problem.is(i, flag)) this.wishes.push((2 * i + sign) | 0);
  }

  /** For each base, each rank but the best: nothing of that rank or a worse one. */
  private wishNewest(): void {
    const p = this.problem;
    const e = this.encoder.clauses;
    for (let b = 0; b < p.bases; b++) {
      let worse: i32 = -1;
      let rank: i32 = -1;
      for (let i: i32 = (e.memberStart[b + 1] - 1) | 0; i >= e.memberStart[b]; i--) {
        const m = e.members[i];
        if (p.is(m, PKG_BANNED)) continue;
        // From the worst to the best: `worse` stands for all members behind; a new rank closes a step.
        if (worse >= 0 && p.rank.get(m) !== rank) this.wishes.push(worse ^ 1);
        rank = p.rank.get(m);
        if (i === e.memberStart[b]) break;
        if (this.sat.fixed((2 * m) | 0) === -1) {
          if (worse < 0) worse = this.never();
        } else if (worse < 0 || this.sat.fixed(worse) === -1) worse = (2 * m) | 0;
        else {
          const v = this.sat.addVariable(0);
          const step: i32 = (2 * v) | 0;
          this.sat.addPair(step, worse ^ 1);
          this.sat.addPair(step, (2 * m + 1) | 0);
          worse = step;
        }
      }
    }
  }

  /** A literal that is false. */
  private never(): i32 {
    if (this.neverLit < 0) {
      this.neverLit = (2 * this.sat.addVariable(0)) | 0;
      this.sat.addUnit(this.neverLit ^ 1);
    }
    return this.neverLit;
  }

  private wishNoneAdded(): void {
    const p = this.problem;
    for (let i = 0; i < p.packages; i++) {
      if (this.encoder.clauses.installedOf[p.base.get(i)] < 0) this.wishes.push((2 * i + 1) | 0);
    }
  }

  /** For each dependency with a choice of bases and n > 0: its package is not there, or one of the first n candidates is. */
  private wishAlternatives(): void {
    const p = this.problem;
    const ladder = new IntVec();
    const clause = new IntVec(2);
    for (let d = 0; d < p.depends; d++) {
      const owner: i32 = (2 * p.dependOf.get(d)) | 0;
      const from = p.dependStart.get(d);
      const to = p.dependEnd.get(d);
      if (to <= ((from + 1) | 0) || this.sat.fixed(owner) === -1 || !this.hasBases(from, to)) continue;
      this.climb(from, (to - 1) | 0, ladder);
      for (let i: i32 = (ladder.length - 1) | 0; i >= 0; i--) {
        if (ladder.get(i) === owner) continue;
        clause.clear();
        clause.push(ladder.get(i));
        clause.push(owner ^ 1);
        this.wishes.push(this.oneOf(clause));
      }
    }
  }

  /** Whether the candidates are of several bases. */
  private hasBases(from: i32, to: i32): boolean {
    const p = this.problem;
    const base = p.base.get(p.candidates.get(from));
    for (let i: i32 = (from + 1) | 0; i < to; i++) if (p.base.get(p.candidates.get(i)) !== base) return true;
    return false;
  }
}
