/**
 * Minimises one count after the other over a `Sat`: how many of a list of wishes (literals) cannot be met, proven least, then fixed for
 * whatever is minimised next.
 *
 * Key type `Descent`. Neighbours: `sat.ts`, `solver.ts`.
 * Core-guided: all open wishes are assumed. Each contradiction names some that cannot hold together, so one of them fails in every solution:
 * the count grows by one, and the wishes of the core are replaced by weaker ones, of which one fails for each further failure among them
 * (PMRES). When all that is left can hold, the count is the minimum, and exactly the solutions that meet what is left reach it; so adding
 * what is left as clauses fixes the level.
 * Source: N. Narodytska, F. Bacchus, Maximum Satisfiability Using Core-Guided MaxSAT Resolution (AAAI 2014).
 * Invariant: `Sat.model` satisfies every clause and everything fixed so far, from the first `feasible` on.
 */
import { Errno, kassert, type i32 } from "@anax/portable";
import { IntVec } from "./int-vec";
import { SATISFIABLE, UNSATISFIABLE, type Sat } from "./sat";

/** Conflicts spent on one wish when time is short. */
const SHORT_TRY: i32 = 200;

export class Descent {
  /** False once a minimum was not proven because the conflict limit was reached. */
  proven: boolean = true;
  private readonly none: IntVec = new IntVec();
  private readonly open: IntVec = new IntVec();

  /**
   * @param limit conflicts after which minima are no longer proven
   */
  constructor(
    private readonly sat: Sat,
    private readonly limit: i32,
  ) {}

  /** SATISFIABLE, UNSATISFIABLE or `-Errno.TIMEDOUT`. */
  feasible(): i32 {
    this.sat.conflictLimit = this.limit;
    return this.sat.solve(this.none);
  }

  /** Meets as many wishes as can be, fixes that, and returns how many are not met. */
  minimize(wishes: IntVec): i32 {
    const sat = this.sat;
    let cost = this.sift(wishes);
    if (!this.proven) return (cost + this.settle()) | 0;
    if (!this.met()) {
      for (;;) {
        const answer = sat.solve(this.open);
        if (answer === SATISFIABLE) break;
        if (answer === -Errno.TIMEDOUT) {
          this.proven = false;
          cost = this.sift(wishes);
          return (cost + this.settle()) | 0;
        }
        kassert(sat.core.length > 0, "Descent: no solution although there was one");
        cost = (cost + 1) | 0;
        const core = this.shrink();
        this.relax(core);
        // A wish that fails by itself can take others along, as in a chain of ever weaker ones.
        if (core.length === 1) cost = (cost + this.dropFailed()) | 0;
      }
    }
    for (let i = 0; i < this.open.length; i++) sat.addUnit(this.open.get(i));
    return cost;
  }

  /** Keeps the wishes that are still open; returns how many have failed for good. */
  private sift(wishes: IntVec): i32 {
    let failed: i32 = 0;
    this.open.clear();
    for (let i = 0; i < wishes.length; i++) {
      const w = wishes.get(i);
      const now = this.sat.fixed(w);
      if (now === -1) failed++;
      else if (now === 0) this.open.push(w);
    }
    return failed;
  }

  /** Takes out open wishes that have failed for good; returns how many. */
  private dropFailed(): i32 {
    let kept: i32 = 0;
    const n = this.open.length;
    for (let i = 0; i < n; i++) {
      const w = this.open.get(i);
      if (this.sat.fixed(w) === -1) continue;
      this.open.set(kept, w);
      kept++;
    }
    this.open.truncate(kept);
    return (n - kept) | 0;
  }

  /** Whether the last solution meets all that is open. */
  private met(): boolean {
    for (let i = 0; i < this.open.length; i++) if (!this.sat.holds(this.open.get(i))) return false;
    return true;
  }

  /** A smaller core where one is found without effort: solving under the core alone often leaves some out. */
  private shrink(): IntVec {
    let core = this.sat.core.copy();
    for (let round = 0; round < 3 && core.length > 2; round++) {
      if (this.sat.solve(core) !== UNSATISFIABLE || this.sat.core.length >= core.length) break;
      core = this.sat.core.copy();
    }
    return core;
  }

  /** Replaces the wishes of the core by: for each but the last, it or all after it. */
  private relax(core: IntVec): void {
    const sat = this.sat;
    const n = core.length;
    let kept: i32 = 0;
    for (let i = 0; i < this.open.length; i++) {
      const w = this.open.get(i);
      if (core.has(w)) continue;
      this.open.set(kept, w);
      kept++;
    }
    this.open.truncate(kept);
    // `rest`: all wishes after the one at hand hold.
    let rest = core.get((n - 1) | 0);
    for (let i: i32 = (n - 2) | 0; i >= 0; i--) {
      const here = core.get(i);
      const weaker: i32 = (2 * sat.addVariable(1)) | 0;
      const clause = new IntVec(3);
      clause.push(weaker ^ 1);
      clause.push(here);
      clause.push(rest);
      sat.addClause(clause);
      this.open.push(weaker);
      if (i > 0) {
        const both: i32 = (2 * sat.addVariable(1)) | 0;
        sat.addPair(both ^ 1, here);
        sat.addPair(both ^ 1, rest);
        rest = both;
      }
    }
    const clause = new IntVec(n);
    for (let i = 0; i < n; i++) clause.push(core.get(i) ^ 1);
    sat.addClause(clause);
  }

  /**
   * Without time for proofs: keeps the wishes that the last solution meets, tries each of the others for a moment, and fixes the result.
   * Returns how many failed.
   */
  private settle(): i32 {
    const sat = this.sat;
    const fixed = new IntVec(this.open.length < 4 ? 4 : this.open.length);
    const tried = new IntVec();
    for (let i = 0; i < this.open.length; i++) {
      const w = this.open.get(i);
      if (sat.holds(w)) fixed.push(w);
      else tried.push(w);
    }
    let failed: i32 = 0;
    for (let i = 0; i < tried.length; i++) {
      const w = tried.get(i);
      fixed.push(w);
      if (sat.holds(w)) continue;
      sat.conflictLimit = (sat.conflicts + SHORT_TRY) | 0;
      if (i > 64 || sat.solve(fixed) !== SATISFIABLE) {
        fixed.truncate((fixed.length - 1) | 0);
        failed++;
      }
    }
    for (let i = 0; i < fixed.length; i++) sat.addUnit(fixed.get(i));
    return failed;
  }
}
