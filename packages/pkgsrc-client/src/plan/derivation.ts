/**
 * A contradiction as a chain of facts: from what was asked for, step by step, to what cannot be.
 *
 * Key types `Derivation`, `Fact`. Neighbours: `../solver/explain.ts` (gives the rules), `why-not.ts` (puts facts into words).
 * There are two ways to tell it. Forwards (a positive hyper tableau) only presence is derived: a rule whose packages on the left are all there adds
 * the one on its right, or makes a case of each when there are several; a rule with nothing left on its right closes the case. That reads best while
 * there are few cases. Otherwise what cannot be there is derived as well (unit propagation), so that alternatives fall away one by one without cases; and
 * before a case is opened, a package is looked for that cannot be there by itself.
 * Facts that no closing fact rests on are left out.
 * Invariant: `facts` are in reading order; the depth grows inside each case.
 */
import type { i32 } from "@anax/portable";
import { RULE_DEPEND, RULE_INSTALL, RULE_UPGRADE, type Rules } from "../solver/encode";
import type { Explainer } from "../solver/explain";
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
/** A package cannot be there because of the rule. */
export const FACT_EXCLUDED: i32 = 7;
/** A package cannot be there because another version is. */
export const FACT_ONE_VERSION: i32 = 8;
/** A package cannot be there because supposing it (the fact before the deeper ones) led to an end. */
export const FACT_REFUTED: i32 = 9;

const MAX_FACTS: i32 = 20000;
/** Facts after which no further case is opened. */
const MANY_FACTS: i32 = 200;
const MAX_CASES: i32 = 6;
const MAX_DEPTH: i32 = 12;
/** Packages up to which each is supposed in turn. */
const MAX_SUPPOSED: i32 = 150;
/** Used facts up to which a forward derivation is told. */
const FEW_FACTS: i32 = 24;

export class Fact {
  used: boolean = false;
  /** Whether it is inside a refutation. */
  supposed: boolean = false;

  constructor(
    readonly kind: i32,
    readonly depth: i32,
    /** Index in the core; -1 for none. */
    readonly rule: i32,
    /** The package that is there or cannot be; for more cases their number; -1 for none. */
    readonly pkg: i32,
    /** The other version of the base. */
    readonly other: i32,
    /** The facts that this one rests on: `from` to `to` in the pool of the derivation. */
    readonly from: i32,
    readonly to: i32,
  ) {}
}

/** The way that is easier to read. */
export function derive(explainer: Explainer): Derivation {
  const forwards = new Derivation(explainer, false);
  if (!forwards.cut && forwards.usedFacts <= FEW_FACTS) return forwards;
  const both = new Derivation(explainer, true);
  if (both.cut !== forwards.cut) return both.cut ? forwards : both;
  return both.usedFacts < forwards.usedFacts ? both : forwards;
}

export class Derivation {
  readonly facts: Fact[] = [];
  /** Whether a case was left open for its length. */
  cut: boolean = false;
  usedFacts: i32 = 0;
  private readonly rules: Rules;
  /** By package: the fact that it is there, or that it cannot be; -1 for neither. */
  private readonly there: Int32Array;
  private readonly gone: Int32Array;
  /** Packages with such a fact: twice the package, and 1 for what cannot be there. */
  private readonly trail: IntVec = new IntVec();
  /** Packages that the rules speak of. */
  private readonly mentioned: IntVec = new IntVec();
  private readonly references: IntVec = new IntVec(64);
  /** The clauses of the rules: `literals[start[r] .. start[r + 1])`. */
  private readonly literals: IntVec = new IntVec(64);
  private readonly start: IntVec = new IntVec(64);
  private lastSplit: i32 = -1;

  /** @param absence whether what cannot be there is derived too */
  constructor(
    private readonly explainer: Explainer,
    private readonly absence: boolean,
  ) {
    const n = explainer.problem.packages;
    const there = new Int32Array(n);
    const gone = new Int32Array(n);
    there.fill(-1);
    gone.fill(-1);
    this.there = there;
    this.gone = gone;
    this.rules = explainer.core;
    this.copyClauses();
    this.expand(0);
    this.trim();
  }

  private copyClauses(): void {
    const known = new Int32Array(this.there.length);
    for (let r = 0; r < this.rules.length; r++) {
      this.start.push(this.literals.length);
      const clause = this.explainer.clauses.clauseOf(this.rules.kind.get(r), this.rules.index.get(r));
      this.literals.append(clause);
      for (let i = 0; i < clause.length; i++) {
        const p = clause.get(i) >> 1;
        if (known[p] === 0) this.mentioned.push(p);
        known[p] = 1;
      }
    }
    this.start.push(this.literals.length);
  }

  /** Follows the rules until the case is closed or must be split. */
  private expand(depth: i32): void {
    while (this.facts.length < MAX_FACTS) {
      if (this.propagate(depth)) return;
      if (this.absence && this.refuteOne(depth)) continue;
      const split = this.smallestSplit();
      if (split >= 0 && depth < MAX_DEPTH) this.split(split, depth);
      else this.cut = true;
      return;
    }
    this.cut = true;
  }

  /** Follows rules that leave one thing; true when that closes the case. */
  private propagate(depth: i32): boolean {
    while (this.facts.length < MAX_FACTS) {
      const closed = this.closedRule();
      if (closed >= 0) {
        this.tell(FACT_CLOSED, depth, closed, -1, -1);
        return true;
      }
      const rule = this.nextRule();
      if (rule < 0) return false;
      const lit = this.open(rule);
      if ((lit & 1) === 1) this.exclude(depth, rule, lit >> 1);
      else if (!this.add(FACT_FOLLOWS, depth, rule, lit >> 1)) return true;
    }
    return false;
  }

  /** Finds the package whose presence comes to an end the soonest, tells that, and notes that it cannot be there. False when there is none. */
  private refuteOne(depth: i32): boolean {
    if (this.mentioned.length > MAX_SUPPOSED) return false;
    let best: i32 = -1;
    let least: i32 = 0x7fffffff;
    for (let i = 0; i < this.mentioned.length; i++) {
      const p = this.mentioned.get(i);
      if (this.there[p] >= 0 || this.gone[p] >= 0) continue;
      const before: i32 = this.facts.length;
      const trail = this.trail.length;
      const ended = this.suppose(depth, p);
      const length: i32 = (this.facts.length - before) | 0;
      this.undo(trail);
      this.forget(before);
      if (!ended || length >= least) continue;
      best = p;
      least = length;
    }
    if (best < 0) return false;
    const trail = this.trail.length;
    this.suppose(depth, best);
    const end: i32 = (this.facts.length - 1) | 0;
    this.undo(trail);
    this.facts[end].supposed = true;
    const from = this.references.length;
    this.references.push(end);
    this.facts.push(new Fact(FACT_REFUTED, depth, -1, best, -1, from, this.references.length));
    this.gone[best] = (this.facts.length - 1) | 0;
    this.trail.push((2 * best + 1) | 0);
    return true;
  }

  /** Supposes that `p` is there; true when that comes to an end. */
  private suppose(depth: i32, p: i32): boolean {
    this.lastSplit = -1;
    return !this.add(FACT_CASE, depth, -1, p) || this.propagate((depth + 1) | 0);
  }

  private undo(length: i32): void {
    while (this.trail.length > length) {
      const x = this.trail.last();
      if ((x & 1) === 1) this.gone[x >> 1] = -1;
      else this.there[x >> 1] = -1;
      this.trail.truncate((this.trail.length - 1) | 0);
    }
  }

  private forget(length: i32): void {
    while (this.facts.length > length) {
      this.references.truncate(this.facts[this.facts.length - 1].from);
      this.facts.pop();
    }
  }

  /** The package is there; false when that closes the case. */
  private add(kind: i32, depth: i32, rule: i32, pkg: i32): boolean {
    this.tell(kind, depth, rule, pkg, -1);
    this.there[pkg] = (this.facts.length - 1) | 0;
    this.trail.push((2 * pkg) | 0);
    const inside: i32 = kind === FACT_CASE ? (depth + 1) | 0 : depth;
    const base = this.explainer.problem.base;
    for (let i = 0; i < this.mentioned.length; i++) {
      const other = this.mentioned.get(i);
      if (other === pkg || base.get(other) !== base.get(pkg)) continue;
      if (this.there[other] >= 0) {
        this.tell(FACT_TWO_VERSIONS, inside, -1, other, pkg);
        return false;
      }
      if (!this.absence || this.gone[other] >= 0) continue;
      this.tell(FACT_ONE_VERSION, inside, -1, other, pkg);
      this.gone[other] = (this.facts.length - 1) | 0;
      this.trail.push((2 * other + 1) | 0);
    }
    return true;
  }

  private exclude(depth: i32, rule: i32, pkg: i32): void {
    this.tell(FACT_EXCLUDED, depth, rule, pkg, -1);
    this.gone[pkg] = (this.facts.length - 1) | 0;
    this.trail.push((2 * pkg + 1) | 0);
  }

  /** Adds a fact that rests on the other literals of its rule. */
  private tell(kind: i32, depth: i32, rule: i32, pkg: i32, other: i32): void {
    const from = this.references.length;
    if (kind === FACT_CASE || kind === FACT_MORE_CASES) {
      if (this.lastSplit >= 0) this.references.push(this.lastSplit);
    } else if (rule < 0) {
      if (this.there[pkg] >= 0) this.references.push(this.there[pkg]);
      this.references.push(this.there[other]);
    } else {
      const end = this.start.get((rule + 1) | 0);
      for (let i = this.start.get(rule); i < end; i++) {
        const p = this.literals.get(i) >> 1;
        const fact = (this.literals.get(i) & 1) === 1 ? this.there[p] : this.gone[p];
        if (fact >= 0) this.references.push(fact);
      }
    }
    this.facts.push(new Fact(kind, depth, rule, pkg, other, from, this.references.length));
  }

  /** How many literals of the rule are open: -1 when it is kept, or says nothing yet. */
  private leaves(rule: i32): i32 {
    let n: i32 = 0;
    const end = this.start.get((rule + 1) | 0);
    for (let i = this.start.get(rule); i < end; i++) {
      const lit = this.literals.get(i);
      const p = lit >> 1;
      if ((lit & 1) === 1) {
        if (this.gone[p] >= 0) return -1;
        if (this.there[p] >= 0) continue;
        if (!this.absence) return -1;
        n++;
      } else {
        if (this.there[p] >= 0) return -1;
        if (this.gone[p] < 0) n++;
      }
    }
    return n;
  }

  /** The first open literal of the rule. */
  private open(rule: i32): i32 {
    const end = this.start.get((rule + 1) | 0);
    for (let i = this.start.get(rule); i < end; i++) {
      const p = this.literals.get(i) >> 1;
      if (this.there[p] < 0 && this.gone[p] < 0) return this.literals.get(i);
    }
    return -1;
  }

  private closedRule(): i32 {
    for (let r = 0; r < this.rules.length; r++) if (this.leaves(r) === 0) return r;
    return -1;
  }

  /** A rule with one open literal: what was asked for first, then what that needs, then what cannot be, then what stays. */
  private nextRule(): i32 {
    let best: i32 = -1;
    let order: i32 = 5;
    for (let r = 0; r < this.rules.length; r++) {
      const kind = this.rules.kind.get(r);
      const asked = kind === RULE_INSTALL || (kind === RULE_UPGRADE && r === 0);
      if (this.leaves(r) !== 1) continue;
      const depend = kind === RULE_DEPEND;
      const excludes = (this.open(r) & 1) === 1;
      const mine: i32 = asked ? 0 : excludes ? (depend ? 3 : 2) : depend ? 1 : 4;
      if (mine >= order) continue;
      best = r;
      order = mine;
    }
    return best;
  }

  /** The rule with the fewest packages left, of those that leave nothing but packages. */
  private smallestSplit(): i32 {
    let best: i32 = -1;
    let least: i32 = 0x7fffffff;
    for (let r = 0; r < this.rules.length; r++) {
      const n = this.leaves(r);
      if (n < 2 || n >= least || (this.open(r) & 1) === 1 || this.hasOpenOwner(r)) continue;
      best = r;
      least = n;
    }
    return best;
  }

  /** Whether the rule speaks of a package on its left that need not be there. */
  private hasOpenOwner(rule: i32): boolean {
    const end = this.start.get((rule + 1) | 0);
    for (let i = this.start.get(rule); i < end; i++) {
      const lit = this.literals.get(i);
      if ((lit & 1) === 1 && this.there[lit >> 1] < 0) return true;
    }
    return false;
  }

  private split(rule: i32, depth: i32): void {
    const cases = new IntVec();
    const end = this.start.get((rule + 1) | 0);
    for (let i = this.start.get(rule); i < end; i++) {
      const lit = this.literals.get(i);
      if ((lit & 1) === 0 && this.gone[lit >> 1] < 0) cases.push(lit >> 1);
    }
    const at: i32 = this.facts.length;
    this.tell(FACT_SPLIT, depth, rule, -1, -1);
    const before = this.trail.length;
    const inner: i32 = (depth + 1) | 0;
    for (let i = 0; i < cases.length; i++) {
      this.lastSplit = at;
      if (i === MAX_CASES || this.facts.length >= MANY_FACTS) {
        if (i < MAX_CASES) this.cut = true;
        this.tell(FACT_MORE_CASES, inner, rule, (cases.length - i) | 0, -1);
        return;
      }
      if (this.add(FACT_CASE, inner, rule, cases.get(i))) this.expand((inner + 1) | 0);
      this.undo(before);
    }
  }

  /** Keeps what the ends of cases rest on. */
  private trim(): void {
    for (let i: i32 = (this.facts.length - 1) | 0; i >= 0; i--) {
      const f = this.facts[i];
      // The outermost facts that are no derivations, and what those rest on; a refutation has its own end.
      if (f.kind === FACT_SPLIT || f.kind === FACT_MORE_CASES || (f.kind === FACT_CASE && f.from < f.to)) f.used = true;
      if ((f.kind === FACT_CLOSED || f.kind === FACT_TWO_VERSIONS) && !f.supposed) f.used = true;
      if (!f.used) continue;
      this.usedFacts++;
      for (let k = f.from; k < f.to; k++) this.facts[this.references.get(k)].used = true;
    }
  }
}
