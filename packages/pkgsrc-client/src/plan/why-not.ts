/**
 * Why something cannot be done, in words, with the chain of requirements that leads there.
 *
 * Key types `Reason`, `WhyNot`. Neighbours: `derivation.ts` (the chain), `../solver/explain.ts` (its rules), `planner.ts`.
 * Invariant: every line is a fact of the universe or of the request; together they are a contradiction from which none can be left out.
 */
import { stringOf, type i32 } from "@anax/portable";
import {
  RULE_BANNED,
  RULE_CONFLICT,
  RULE_DEPEND,
  RULE_INSTALL,
  RULE_KEPT,
  RULE_LOCKED,
  RULE_PRESERVED,
  RULE_REMOVE,
  RULE_SUPERSEDE,
  RULE_UPGRADE,
} from "../solver/encode";
import { Explainer } from "../solver/explain";
import { PKG_OLDER, REQ_INSTALL } from "../solver/problem";
import { PatternKind } from "../pattern";
import { IntVec } from "../solver/int-vec";
import type { Universe } from "../universe";
import {
  derive,
  FACT_CASE,
  FACT_CLOSED,
  FACT_EXCLUDED,
  FACT_FOLLOWS,
  FACT_MORE_CASES,
  FACT_ONE_VERSION,
  FACT_REFUTED,
  FACT_SPLIT,
  FACT_TWO_VERSIONS,
  type Fact,
} from "./derivation";
import type { Translation } from "./translate";

/** How many packages of a base are named when none of them will do. */
const NAMED: i32 = 3;
/** Requirements in a row of which only the first and the last ones are told. */
const LONG_CHAIN: i32 = 16;
const CHAIN_ENDS: i32 = 5;
/** Lines after which an explanation ends. */
const MAX_LINES: i32 = 60;

/** Lines of an explanation. */
export class Reason {
  readonly lines: string[] = [];
  /** By line: how deep it is nested in cases, from 0. */
  readonly depths: i32[] = [];
  /** By line: the package it is about, by handle, or -1. */
  readonly packages: i32[] = [];

  add(depth: i32, pkg: i32, line: string): void {
    this.depths.push(depth);
    this.packages.push(pkg);
    this.lines.push(line);
  }

  /** All lines, two blanks for each level. */
  toString(): string {
    let s = "";
    for (let i = 0; i < this.lines.length; i++) {
      for (let d = 0; d < this.depths[i]; d++) s = s + "  ";
      s = s + this.lines[i] + "\n";
    }
    return s;
  }
}

export class WhyNot {
  private readonly explainer: Explainer;
  private readonly universe: Universe;

  /** @param t a translation that succeeded */
  constructor(private readonly t: Translation) {
    this.universe = t.universe;
    this.explainer = new Explainer(t.problem);
  }

  /** Why the request cannot be met at all. */
  contradiction(): Reason {
    const reason = new Reason();
    if (this.explainer.contradiction()) this.write(reason);
    else reason.add(0, -1, "no reason was found within the limit of the search");
    return reason;
  }

  /** Why request `r` of the problem does not get its first candidate, given the packages that were chosen. */
  held(r: i32, chosen: Int32Array): Reason {
    const reason = new Reason();
    if (this.explainer.held(r, chosen)) this.write(reason);
    else reason.add(0, -1, "the search was cut short before this upgrade was decided");
    return reason;
  }

  private write(reason: Reason): void {
    const facts = derive(this.explainer).facts;
    let i = 0;
    while (i < facts.length) {
      if (reason.lines.length >= MAX_LINES) {
        reason.add(0, -1, "and so on");
        return;
      }
      const run = this.chainFrom(facts, i);
      if (run > LONG_CHAIN) {
        const last: i32 = (run - CHAIN_ENDS) | 0;
        let at: i32 = 0;
        for (; at < run; i++) {
          if (!facts[i].used) continue;
          if (at < CHAIN_ENDS || at >= last) reason.add(facts[i].depth, this.handle(facts[i]), this.words(facts[i]));
          else if (at === CHAIN_ENDS) {
            reason.add(facts[i].depth, -1, `and so on, ${((last - CHAIN_ENDS) | 0).toString()} requirements further:`);
          }
          at++;
        }
        continue;
      }
      if (facts[i].used) reason.add(facts[i].depth, this.handle(facts[i]), this.words(facts[i]));
      i++;
    }
  }

  /** How many facts from `from` on are requirements of one depth, each of which leaves one package. */
  private chainFrom(facts: Fact[], from: i32): i32 {
    let n: i32 = 0;
    for (let i = from; i < facts.length; i++) {
      const f = facts[i];
      if (!f.used) continue;
      if (f.kind !== FACT_FOLLOWS || f.depth !== facts[from].depth || this.kind(f) !== RULE_DEPEND) break;
      n++;
    }
    return n;
  }

  private handle(f: Fact): i32 {
    return f.pkg < 0 || f.kind === FACT_MORE_CASES ? -1 : this.t.packages.get(f.pkg);
  }

  private words(f: Fact): string {
    switch (f.kind) {
      case FACT_CASE:
        return f.rule < 0 ? `suppose ${this.name(f.pkg)} were there:` : `${this.name(f.pkg)}:`;
      case FACT_MORE_CASES:
        return `and ${f.pkg.toString()} more, none of which will do`;
      case FACT_TWO_VERSIONS:
        return `${this.name(f.pkg)} and ${this.name(f.other)} cannot be installed together: one version of ${this.base(f.pkg)} at a time`;
      case FACT_FOLLOWS:
        return this.follows(f);
      case FACT_SPLIT:
        return this.split(f);
      case FACT_REFUTED:
        return `so ${this.name(f.pkg)} cannot be there`;
      case FACT_ONE_VERSION:
        return `so ${this.name(f.pkg)} cannot be there: one version of ${this.base(f.pkg)} at a time`;
      case FACT_CLOSED:
      case FACT_EXCLUDED:
        return this.closed(f);
    }
    return "";
  }

  private kind(f: Fact): i32 {
    return this.explainer.core.kind.get(f.rule);
  }

  private index(f: Fact): i32 {
    return this.explainer.core.index.get(f.rule);
  }

  private follows(f: Fact): string {
    const pkg = this.name(f.pkg);
    const i = this.index(f);
    switch (this.kind(f)) {
      case RULE_DEPEND:
        return this.leftOver(i).length === 1
          ? `${this.requires(i)}, which only ${pkg} meets`
          : `${this.requires(i)}, for which only ${pkg} is left`;
      case RULE_INSTALL:
        return `${pkg} is to be installed`;
      case RULE_UPGRADE:
        return this.asked(i, f.pkg);
      case RULE_LOCKED:
        return `${pkg} is locked`;
      case RULE_PRESERVED:
        return f.pkg === i
          ? `${pkg} must be preserved`
          : `${this.name(i)} must be preserved, for which only ${pkg} is left`;
      case RULE_KEPT:
        return f.pkg === i
          ? `${pkg} is kept and must not be removed`
          : `${this.name(i)} is kept and must not be removed, for which only ${pkg} is left`;
    }
    return pkg;
  }

  private asked(r: i32, pkg: i32): string {
    if (this.t.problem.requestKind.get(r) === REQ_INSTALL) return `${this.name(pkg)} is to be installed`;
    if (this.t.packages.get(pkg) === this.t.origin.get(r)) return `${this.name(pkg)} is to stay as it is`;
    return `${this.plain(this.t.origin.get(r))} is to be upgraded to ${this.name(pkg)}`;
  }

  private split(f: Fact): string {
    const i = this.index(f);
    switch (this.kind(f)) {
      case RULE_DEPEND:
        return `${this.requires(i)}, which several packages meet:`;
      case RULE_INSTALL:
        return `several packages match ${this.pattern(this.t.request.installs.get(this.t.origin.get(i)))}:`;
      case RULE_PRESERVED:
        return `${this.name(i)} must be preserved, in one of its versions:`;
    }
    return `${this.name(i)} is kept and must not be removed, but can be replaced:`;
  }

  private closed(f: Fact): string {
    const i = this.index(f);
    const p = this.t.problem;
    switch (this.kind(f)) {
      case RULE_DEPEND:
        return `${this.requires(i)}, ${this.unmet(i)}`;
      case RULE_INSTALL:
        return `nothing is left that matches ${this.pattern(this.t.request.installs.get(this.t.origin.get(i)))}`;
      case RULE_UPGRADE:
        return this.asked(i, p.candidates.get(p.requestStart.get(i)));
      case RULE_LOCKED:
        return `${this.name(i)} is locked`;
      case RULE_PRESERVED:
        return `${this.name(i)} must be preserved`;
      case RULE_KEPT:
        return `${this.name(i)} is kept and must not be removed`;
      case RULE_CONFLICT:
        return `${this.name(p.conflictOne.get(i))} conflicts with ${this.name(p.conflictTwo.get(i))}`;
      case RULE_SUPERSEDE:
        return `${this.name(p.supersederOf.get(i))} supersedes ${this.name(p.superseded.get(i))}, so they cannot be installed together`;
      case RULE_REMOVE:
        return `${this.name(i)} is to be removed`;
      case RULE_BANNED:
        return p.is(i, PKG_OLDER)
          ? `${this.name(i)} is older than what is installed, and downgrades are not allowed`
          : `${this.name(i)} is excluded`;
    }
    return this.name(i);
  }

  private requires(d: i32): string {
    const tag = this.t.problem.dependTag.get(d);
    return `${this.name(this.t.problem.dependOf.get(d))} requires ${tag < 0 ? this.library(tag) : this.pattern(tag)}`;
  }

  /** The candidates of dependency `d`, each once. */
  private leftOver(d: i32): IntVec {
    const p = this.t.problem;
    const out = new IntVec();
    const to = p.dependEnd.get(d);
    for (let i = p.dependStart.get(d); i < to; i++) if (!out.has(p.candidates.get(i))) out.push(p.candidates.get(i));
    return out;
  }

  /** Why dependency `d` cannot be met: there are no candidates, or none of them can be there. */
  private unmet(d: i32): string {
    const candidates = this.leftOver(d);
    const n = candidates.length;
    if (n === 0) return `which ${this.nothing(this.t.problem.dependTag.get(d))}`;
    let s = n === 1 ? "but" : "but none of";
    for (let i = 0; i < n && i < NAMED; i++) s = `${s}${i === 0 ? " " : ", "}${this.name(candidates.get(i))}`;
    if (n > NAMED) s = `${s} and ${((n - NAMED) | 0).toString()} more`;
    return n === 1 ? `${s} cannot be there` : `${s} can be there`;
  }

  /** That nothing meets a dependency, and what comes near. */
  private nothing(tag: i32): string {
    if (tag < 0) return "no package provides";
    const u = this.universe;
    const pattern = u.patternOf(tag);
    const one =
      pattern.kind === PatternKind.ALTERNATE && pattern.alternatives.length > 0 ? pattern.alternatives[0] : pattern;
    let length = one.baseLength();
    if (length < 0) length = one.prefix;
    while (length > 0 && one.text[length - 1] === 45) length--;
    const base = u.findBase(one.text, 0, length);
    const n: i32 = base < 0 ? 0 : u.packagesOf(base);
    if (n === 0) return "nothing meets: there is no such package";
    let s = n === 1 ? "nothing meets: the only one is " : "nothing meets: there are ";
    for (let i = 0; i < n && i < NAMED; i++) {
      if (i > 0) s = s + ", ";
      s = s + this.named(u.packageOf(base, i));
    }
    return n > NAMED ? `${s} and ${((n - NAMED) | 0).toString()} more` : s;
  }

  private base(node: i32): string {
    const u = this.universe;
    const b = u.baseOf(this.t.packages.get(node));
    return stringOf(u.arena.bytes, u.bases.keyAt(b), u.bases.keyLength(b));
  }

  private pattern(id: i32): string {
    const u = this.universe;
    return stringOf(u.arena.bytes, u.patterns.keyAt(id), u.patterns.keyLength(id));
  }

  private library(tag: i32): string {
    const u = this.universe;
    const id: i32 = (-1 - tag) | 0;
    return `the shared library ${stringOf(u.arena.bytes, u.libraries.keyAt(id), u.libraries.keyLength(id))}`;
  }

  private name(node: i32): string {
    return this.named(this.t.packages.get(node));
  }

  private plain(p: i32): string {
    const u = this.universe;
    return stringOf(u.arena.bytes, u.nameAt(p), u.nameLength(p));
  }

  /** The name of a package and where it is. */
  private named(p: i32): string {
    const u = this.universe;
    if (u.isInstalled(p)) return `${this.plain(p)} (installed)`;
    const place = this.t.request.repositoryName(u.repoOf(p));
    return place === "" ? this.plain(p) : `${this.plain(p)} (${place})`;
  }
}
