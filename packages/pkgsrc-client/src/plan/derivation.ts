/**
 * A contradiction as a chain of facts: from what was asked for, step by step, to what cannot be.
 *
 * Key types `Derivation`, `Fact`. Neighbours: `../solver/explain.ts` (gives the rules), `why-not.ts` (puts facts into words).
 * Only presence is derived (a positive hyper tableau): a rule whose packages on the left are all there adds the one on its right, or makes a case of each
 * when there are several; a rule with nothing on its right closes the case. Facts that no closing fact rests on are left out.
 * Invariant: `facts` are in reading order; the depth grows by one inside each case.
 */
import type { i32 } from "@anax/portable";
import type { Explainer } from "../solver/explain";
import { RULE_DEPEND, RULE_INSTALL, RULE_UPGRADE, type Rules } from "../solver/encode";
import { IntVec } from "../solver/int-vec";

/** A package is there because the rule leaves nothing else. */
export const FACT_FOLLOWS: i32 = 1;
/** The rule leaves several packages; the cases follow. */
export const FACT_SPLIT: i32 = 2;
/** One of the cases: the package is supposed to be there. */
export const FACT_CASE: i32 = 3;
/** The rule cannot be kept: the end of a case. */
export const FACT_CLOSED: i32 = 4;
/** Two versions of one base are there: the end of a case. */
export const FACT_TWO_VERSIONS: i32 = 5;
/** More cases, which end in the same way. */
export const FACT_MORE_CASES: i32 = 6;

const MAX_FACTS: i32 = 20000;
/** Facts after which no further case is opened. */
const MANY_FACTS: i32 = 200;
const MAX_CASES: i32 = 6;
const MAX_DEPTH: i32 = 12;

export class Fact {
  used: boolean = false;

  constructor(
    readonly kind: i32,
    readonly depth: i32,
    /** Index in the core; -1 for none. */
    readonly rule: i32,
    /** The package that is there, or of the case; for more cases their number; -1 for none. */
    readonly pkg: i32,
    /** The other version of the base. */
    readonly other: i32,
    /** Earlier facts that this one rests on; -1 for none. */
    readonly first: i32,
    readonly second: i32,
  ) {}
}

export class Derivation {
  readonly facts: Fact[] = [];
  private readonly rules: Rules;
  /** By package: the fact that it is there, or -1. */
  private readonly there: Int32Array;
  private readonly present: IntVec = new IntVec();
  private lastSplit: i32 = -1;
  /** The clauses of the rules: `literals[start[r] .. start[r + 1])`. */
  private readonly literals: IntVec = new IntVec(64);
  private readonly start: IntVec = new IntVec(64);

  constructor(private readonly explainer: Explainer) {
    this.rules = explainer.core;
    const there = new Int32Array(explainer.problem.packages);
    there.fill(-1);
    this.there = there;
    for (let r = 0; r < this.rules.length; r++) {
      this.start.push(this.literals.length);
      this.literals.append(explainer.clauses.clauseOf(this.rules.kind.get(r), this.rules.index.get(r)));
    }
    this.start.push(this.literals.length);
    this.expand(0);
    this.trim();
  }

  /** Follows the rules until the case is closed or must be split. */
  private expand(depth: i32): void {
    while (this.facts.length < MAX_FACTS) {
      const closed = this.closedRule();
      if (closed >= 0) {
        this.tell(FACT_CLOSED, depth, closed, -1, -1);
        return;
      }
      const rule = this.ruleWith(1);
      if (rule >= 0) {
        if (!this.add(FACT_FOLLOWS, depth, rule, this.candidate(rule))) return;
        continue;
      }
      const split = this.smallestSplit();
      if (split >= 0 && depth < MAX_DEPTH) this.split(split, depth);
      return;
    }
  }

  /** The package is there; false when that closes the case. */
  private add(kind: i32, depth: i32, rule: i32, pkg: i32): boolean {
    this.there[pkg] = this.facts.length;
    this.present.push(pkg);
    this.tell(kind, depth, rule, pkg, -1);
    const base = this.explainer.problem.base;
    for (let i: i32 = (this.present.length - 2) | 0; i >= 0; i--) {
      const other = this.present.get(i);
      if (base.get(other) !== base.get(pkg)) continue;
      const inside: i32 = kind === FACT_CASE ? (depth + 1) | 0 : depth;
      this.facts.push(new Fact(FACT_TWO_VERSIONS, inside, -1, other, pkg, this.there[other], this.there[pkg]));
      return false;
    }
    return true;
  }

  private tell(kind: i32, depth: i32, rule: i32, pkg: i32, other: i32): void {
    let first: i32 = -1;
    let second: i32 = -1;
    if (kind === FACT_CASE) first = this.lastSplit;
    else {
      const end = this.start.get((rule + 1) | 0);
      for (let i = this.start.get(rule); i < end; i++) {
        if ((this.literals.get(i) & 1) === 0) continue;
        second = first;
        first = this.there[this.literals.get(i) >> 1];
      }
    }
    this.facts.push(new Fact(kind, depth, rule, pkg, other, first, second));
  }

  /** How many packages the rule leaves: -1 when it says nothing (yet) or is kept. */
  private leaves(rule: i32): i32 {
    let positive: i32 = 0;
    const end = this.start.get((rule + 1) | 0);
    for (let i = this.start.get(rule); i < end; i++) {
      const lit = this.literals.get(i);
      const there = this.there[lit >> 1] >= 0;
      if ((lit & 1) === 1) {
        if (!there) return -1;
      } else {
        if (there) return -1;
        positive++;
      }
    }
    return positive;
  }

  private closedRule(): i32 {
    for (let r = 0; r < this.rules.length; r++) if (this.leaves(r) === 0) return r;
    return -1;
  }

  /** A rule that leaves `count`: what was asked for first, then what that needs, then what stays. */
  private ruleWith(count: i32): i32 {
    let best: i32 = -1;
    let order: i32 = 3;
    for (let r = 0; r < this.rules.length; r++) {
      const kind = this.rules.kind.get(r);
      const asked = kind === RULE_INSTALL || (kind === RULE_UPGRADE && r === 0);
      const mine: i32 = asked ? 0 : kind === RULE_DEPEND ? 1 : 2;
      if (mine >= order || this.leaves(r) !== count) continue;
      best = r;
      order = mine;
    }
    return best;
  }

  private candidate(rule: i32): i32 {
    const end = this.start.get((rule + 1) | 0);
    for (let i = this.start.get(rule); i < end; i++) {
      if ((this.literals.get(i) & 1) === 0) return this.literals.get(i) >> 1;
    }
    return -1;
  }

  private smallestSplit(): i32 {
    let best: i32 = -1;
    let least: i32 = 0x7fffffff;
    for (let r = 0; r < this.rules.length; r++) {
      const n = this.leaves(r);
      if (n < 2 || n >= least) continue;
      best = r;
      least = n;
    }
    return best;
  }

  private split(rule: i32, depth: i32): void {
    const cases = new IntVec();
    const end = this.start.get((rule + 1) | 0);
    for (let i = this.start.get(rule); i < end; i++) {
      if ((this.literals.get(i) & 1) === 0) cases.push(this.literals.get(i) >> 1);
    }
    const at: i32 = this.facts.length;
    this.tell(FACT_SPLIT, depth, rule, -1, -1);
    const before = this.present.length;
    const inner: i32 = (depth + 1) | 0;
    for (let i = 0; i < cases.length; i++) {
      this.lastSplit = at;
      if (i === MAX_CASES || this.facts.length >= MANY_FACTS) {
        const left: i32 = (cases.length - i) | 0;
        this.facts.push(new Fact(FACT_MORE_CASES, inner, rule, left, -1, at, -1));
        return;
      }
      if (this.add(FACT_CASE, inner, rule, cases.get(i))) this.expand((inner + 1) | 0);
      while (this.present.length > before) {
        this.there[this.present.last()] = -1;
        this.present.truncate((this.present.length - 1) | 0);
      }
    }
  }

  /** Keeps what the ends of cases rest on. */
  private trim(): void {
    for (let i: i32 = (this.facts.length - 1) | 0; i >= 0; i--) {
      const f = this.facts[i];
      if (f.kind !== FACT_FOLLOWS) f.used = true;
      if (!f.used) continue;
      if (f.first >= 0) this.facts[f.first].used = true;
      if (f.second >= 0) this.facts[f.second].used = true;
    }
  }
}
