/**
 * Why a problem has no solution, or a wish is not met: a smallest set of rules that contradict each other.
 *
 * Key type `Explainer`. Neighbours: `encode.ts` (rules), `sat.ts` (with a trace), `../plan/why-not.ts` (tells it in words).
 * The trace of one refutation gives the rules that it used; of those, every one is left out in turn and stays out when the others still contradict each
 * other. What people can do least about is tried last, so that requests and what is kept go out first.
 * Invariant: `core` is unsatisfiable (with at most one version of each base), and none of its first 400 rules can be left out.
 */
import type { i32 } from "@anax/portable";
import { Clausifier, Encoder, RULE_INSTALL, RULE_KEPT, RULE_REMOVE, RULE_UPGRADE, Rules } from "./encode";
import { IntVec } from "./int-vec";
import { PKG_INSTALLED, PKG_KEPT, REQ_REMOVE, type Problem } from "./problem";
import { Sat, UNSATISFIABLE } from "./sat";

/** Conflicts that one explanation may cost. */
const EXPLAIN_LIMIT: i32 = 20000;
/** Rules that are tried one by one; what a refutation used beyond that stays in, needed or not. */
const MAX_TRIES: i32 = 400;

export class Explainer {
  /** The rules that contradict each other, after a call that returned true. */
  core: Rules = new Rules();
  readonly clauses: Clausifier;
  private readonly sat: Sat;
  private readonly encoder: Encoder;
  /** What each assumed variable stands for, from the first such variable on. */
  private readonly assumed: Rules = new Rules();
  private firstAssumed: i32 = -1;
  /** Variables of the small problem of `reduce`, by package. */
  private local: Int32Array = new Int32Array(0);

  /** @param problem one that passed `Problem.check` */
  constructor(readonly problem: Problem) {
    const sat = new Sat(true);
    const encoder = new Encoder(problem, sat);
    this.sat = sat;
    this.encoder = encoder;
    this.clauses = encoder.clauses;
    encoder.encode();
  }

  /** Why there is no solution; false when there is one, or none of either was found in time. */
  contradiction(): boolean {
    this.sat.conflictLimit = (this.sat.conflicts + EXPLAIN_LIMIT) | 0;
    if (this.sat.solve(new IntVec()) !== UNSATISFIABLE) return false;
    const rules = new Rules();
    this.collect(rules);
    this.core = this.reduce(rules);
    return true;
  }

  /**
   * Why request `r` does not get its first candidate in the best solution: what would have to go, or which other upgrades it excludes. The rule of `r` is
   * the first of the core.
   * @param chosen the solution, by package
   */
  held(r: i32, chosen: Int32Array): boolean {
    const p = this.problem;
    if (this.firstAssumed < 0) this.assume();
    const assumptions = new IntVec(64);
    const wanted: i32 = (2 * p.candidates.get(p.requestStart.get(r))) | 0;
    assumptions.push(wanted);
    // Everything as important that the solution achieves; with it, the wish must fail.
    for (let i = 0; i < this.assumed.length; i++) {
      const clause = this.clauses.clauseOf(this.assumed.kind.get(i), this.assumed.index.get(i));
      let achieved = false;
      for (let k = 0; k < clause.length && !achieved; k++) achieved = chosen[clause.get(k) >> 1] === 1;
      if (achieved) assumptions.push((2 * (this.firstAssumed + i)) | 0);
    }
    this.sat.conflictLimit = (this.sat.conflicts + EXPLAIN_LIMIT) | 0;
    if (this.sat.solve(assumptions) !== UNSATISFIABLE) return false;
    const rules = new Rules();
    rules.add(RULE_UPGRADE, r);
    for (let i = 0; i < this.sat.core.length; i++) {
      const a: i32 = ((this.sat.core.get(i) >> 1) - this.firstAssumed) | 0;
      if (a >= 0) rules.add(this.assumed.kind.get(a), this.assumed.index.get(a));
    }
    this.collect(rules);
    this.core = this.reduce(rules);
    return true;
  }

  /** A variable for each kept package and each upgrade, true only when it is there. */
  private assume(): void {
    const p = this.problem;
    this.firstAssumed = this.sat.variables;
    for (let i = 0; i < p.packages; i++) {
      if (p.is(i, PKG_INSTALLED) && p.is(i, PKG_KEPT)) this.assumeRule(RULE_KEPT, i);
    }
    for (let r = 0; r < p.requests; r++) {
      if (p.requestKind.get(r) === REQ_REMOVE || p.requestStart.get(r) === p.requestEnd.get(r)) continue;
      this.assumeRule(RULE_UPGRADE, r);
    }
  }

  private assumeRule(kind: i32, index: i32): void {
    const v = this.sat.addVariable(1);
    const clause = this.clauses.clauseOf(kind, index).copy();
    clause.push((2 * v + 1) | 0);
    // The rule itself comes into the core with its variable; this clause only says what the variable means.
    this.sat.addClause(clause, this.encoder.rules.add(0, v));
    this.assumed.add(kind, index);
  }

  /** Adds the rules behind the last refutation. */
  private collect(rules: Rules): void {
    const all = this.encoder.rules;
    for (let i = 0; i < this.sat.origins.length; i++) {
      const id = this.sat.origins.get(i);
      if (all.kind.get(id) !== 0) rules.add(all.kind.get(id), all.index.get(id));
    }
  }

  /** A smallest part of the rules that is still a contradiction. */
  private reduce(rules: Rules): Rules {
    const n = rules.length;
    const sat = new Sat();
    this.groupsOf(rules, sat);
    const clause = new IntVec();
    const kept = new IntVec(n < 4 ? 4 : n);
    const selector = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      const v = sat.addVariable(1);
      const lits = this.clauses.clauseOf(rules.kind.get(i), rules.index.get(i));
      clause.clear();
      for (let k = 0; k < lits.length; k++) clause.push((2 * this.local[lits.get(k) >> 1] + (lits.get(k) & 1)) | 0);
      clause.push((2 * v + 1) | 0);
      sat.addClause(clause);
      selector[i] = (2 * v) | 0;
    }
    for (let rank = 0; rank < 3; rank++) {
      for (let i = 0; i < n; i++) if (reluctance(rules.kind.get(i)) === rank) kept.push(i);
    }
    // First what the solver leaves out by itself, then one by one.
    const inCore = new Int32Array(n);
    inCore.fill(1);
    this.solveKept(sat, selector, inCore, -1);
    for (let i = 0; i < kept.length && i < MAX_TRIES; i++) {
      const x = kept.get(i);
      if (inCore[x] === 1) this.solveKept(sat, selector, inCore, x);
    }
    const core = new Rules();
    for (let i = 0; i < n; i++) if (inCore[i] === 1) core.add(rules.kind.get(i), rules.index.get(i));
    return core;
  }

  /** Leaves `without` and all that is not needed out of the core when the rest is a contradiction. */
  private solveKept(sat: Sat, selector: Int32Array, inCore: Int32Array, without: i32): void {
    const assumptions = new IntVec(32);
    for (let i = 0; i < inCore.length; i++) if (inCore[i] === 1 && i !== without) assumptions.push(selector[i]);
    sat.conflictLimit = (sat.conflicts + EXPLAIN_LIMIT) | 0;
    if (sat.solve(assumptions) !== UNSATISFIABLE) return;
    for (let i = 0; i < inCore.length; i++) if (inCore[i] === 1 && !sat.core.has(selector[i])) inCore[i] = 0;
  }

  /** Makes variables of the packages that the rules speak of, and groups of their bases. */
  private groupsOf(rules: Rules, sat: Sat): void {
    const p = this.problem;
    if (this.local.length === 0) this.local = new Int32Array(p.packages);
    this.local.fill(-1);
    const packages = new IntVec();
    for (let i = 0; i < rules.length; i++) {
      const clause = this.clauses.clauseOf(rules.kind.get(i), rules.index.get(i));
      for (let k = 0; k < clause.length; k++) {
        const pkg = clause.get(k) >> 1;
        if (this.local[pkg] >= 0) continue;
        this.local[pkg] = sat.addVariable(0);
        packages.push(pkg);
      }
    }
    const group = new IntVec();
    for (let i = 0; i < packages.length; i++) {
      const base = p.base.get(packages.get(i));
      group.clear();
      let first: i32 = -1;
      for (let m = this.clauses.memberStart[base]; m < this.clauses.memberStart[base + 1]; m++) {
        const pkg = this.clauses.members[m];
        if (this.local[pkg] < 0) continue;
        if (first < 0) first = pkg;
        group.push(this.local[pkg]);
      }
      // Each group once: when its first member comes along.
      if (first === packages.get(i) && group.length > 1) sat.addGroup(group);
    }
  }
}

/** What is left out first: other wishes, then facts of packages, then what was asked for. */
function reluctance(kind: i32): i32 {
  if (kind === RULE_KEPT || kind === RULE_UPGRADE) return 0;
  if (kind === RULE_INSTALL || kind === RULE_REMOVE) return 2;
  return 1;
}
