/**
 * Steps from the installed packages to the chosen ones.
 *
 * Key type `StepMaker`. Neighbours: `planner.ts` (its only user), `order.ts` (sorts), `plan.ts` (receives).
 * Typical sequence: pair, drop, make.
 * Invariant: an installed package that goes has one heir at most (the package that takes its place), an heir has one predecessor at most.
 */
import type { i32 } from "@anax/portable";
import { IntVec } from "../solver/int-vec";
import type { Universe } from "../universe";
import { Before, StepOrder } from "./order";
import { StepKind, type Plan } from "./plan";
import type { Request } from "./request";

export class StepMaker {
  /** By handle: the package that takes the place of one that goes, the one whose place it takes, and the step of either; -1 for none. */
  private readonly heir: Int32Array;
  private readonly predecessor: Int32Array;
  private readonly stepOf: Int32Array;
  private readonly going: IntVec = new IntVec();
  private readonly coming: IntVec = new IntVec();
  private readonly staying: IntVec = new IntVec();
  /** Handles by step, before sorting. */
  private readonly olds: IntVec = new IntVec();
  private readonly news: IntVec = new IntVec();

  /**
   * @param final by handle, 1 for what is there afterwards
   * @param automatic by handle, 1 for what is automatic afterwards; read by `make`
   */
  constructor(
    private readonly universe: Universe,
    private readonly request: Request,
    private readonly plan: Plan,
    private readonly final: Int32Array,
    private readonly automatic: Int32Array,
  ) {
    const heir = new Int32Array(universe.count);
    const predecessor = new Int32Array(universe.count);
    const stepOf = new Int32Array(universe.count);
    heir.fill(-1);
    predecessor.fill(-1);
    stepOf.fill(-1);
    this.heir = heir;
    this.predecessor = predecessor;
    this.stepOf = stepOf;
  }

  /** Finds the heirs: another package of the base, or else the first that supersedes the package that goes. */
  pair(installed: IntVec, packages: IntVec): void {
    const u = this.universe;
    for (let i = 0; i < installed.length; i++) {
      const p = installed.get(i);
      if (this.final[p] === 1) this.staying.push(p);
      else this.going.push(p);
    }
    for (let i = 0; i < packages.length; i++) {
      const p = packages.get(i);
      if (this.final[p] === 1 && !u.isInstalled(p)) this.coming.push(p);
    }
    for (let i = 0; i < this.coming.length; i++) {
      const p = this.coming.get(i);
      const base = u.baseOf(p);
      const n = u.packagesOf(base);
      for (let k = 0; k < n; k++) this.inherit(p, u.packageOf(base, k));
    }
    for (let i = 0; i < this.coming.length; i++) {
      const p = this.coming.get(i);
      const supersedes = u.supersedeCount(p);
      for (let s = 0; s < supersedes; s++) {
        const id = u.supersedeAt(p, s);
        const n = u.candidates(id);
        for (let k = 0; k < n; k++) this.inherit(p, u.candidate(id, k));
      }
    }
  }

  private inherit(now: i32, old: i32): void {
    if (!this.universe.isInstalled(old) || this.final[old] === 1) return;
    if (this.heir[old] >= 0 || this.predecessor[now] >= 0) return;
    this.heir[old] = now;
    this.predecessor[now] = old;
  }

  /** The package that takes the place of `p`, or -1. */
  heirOf(p: i32): i32 {
    return this.heir[p];
  }

  /** `p`, which would be there afterwards, goes after all, or does not come. */
  drop(p: i32): void {
    this.final[p] = 0;
    const before = this.predecessor[p];
    if (before < 0) return;
    this.heir[before] = -1;
    this.predecessor[p] = -1;
  }

  /** Writes the sorted steps into the plan. */
  make(): void {
    for (let i = 0; i < this.coming.length; i++) {
      const p = this.coming.get(i);
      if (this.final[p] === 1) this.begin(this.predecessor[p], p);
    }
    for (let i = 0; i < this.going.length; i++) {
      if (this.heir[this.going.get(i)] < 0) this.begin(this.going.get(i), -1);
    }
    for (let i = 0; i < this.staying.length; i++) {
      if (this.final[this.staying.get(i)] === 0) this.begin(this.staying.get(i), -1);
    }
    const order = new StepOrder(this.olds.length);
    for (let s = 0; s < this.news.length; s++) {
      if (this.news.get(s) >= 0) this.orderNew(order, s, this.news.get(s));
      if (this.olds.get(s) >= 0) this.orderConflicts(order, this.olds.get(s), s);
      if (this.isTool(this.news.get(s)) || this.isTool(this.olds.get(s))) order.hurry(s);
    }
    this.orderOld(order, this.going);
    this.orderOld(order, this.staying);
    order.sort();
    const plan = this.plan;
    plan.violations = order.violations;
    for (let i = 0; i < order.sequence.length; i++) {
      const s = order.sequence.get(i);
      const now = this.news.get(s);
      plan.addStep(this.kindOf(s), this.olds.get(s), now, now >= 0 && this.automatic[now] === 1);
      plan.cycles.set(i, order.cycleOf[s]);
      if (order.isUrgent(s)) plan.toolSteps = (i + 1) | 0;
    }
    for (let i = 0; i < this.staying.length; i++) {
      const p = this.staying.get(i);
      const automatic = this.automatic[p] === 1;
      if (this.final[p] === 0 || automatic === this.universe.isAutomatic(p)) continue;
      plan.addStep(automatic ? StepKind.MARK_AUTOMATIC : StepKind.MARK_KEPT, p, p, automatic);
    }
  }

  private begin(old: i32, now: i32): void {
    if (old >= 0) this.stepOf[old] = this.olds.length;
    if (now >= 0) this.stepOf[now] = this.olds.length;
    this.olds.push(old);
    this.news.push(now);
  }

  private kindOf(s: i32): StepKind {
    const u = this.universe;
    const old = this.olds.get(s);
    const now = this.news.get(s);
    if (now < 0) return StepKind.REMOVE;
    if (old < 0) return StepKind.INSTALL;
    if (u.baseOf(old) !== u.baseOf(now)) return StepKind.REPLACE;
    const c = u.compareVersions(now, old);
    return c === 0 ? StepKind.REFRESH : c > 0 ? StepKind.UPGRADE : StepKind.DOWNGRADE;
  }

  private isTool(p: i32): boolean {
    return p >= 0 && this.request.tools.has(this.universe.baseOf(p));
  }

  private stays(p: i32): boolean {
    return this.universe.isInstalled(p) && this.final[p] === 1;
  }

  private goes(p: i32): boolean {
    return this.universe.isInstalled(p) && this.final[p] === 0;
  }

  /** Rules 1 and 2 for a package that comes. */
  private orderNew(order: StepOrder, s: i32, p: i32): void {
    const u = this.universe;
    const depends = u.dependCount(p);
    for (let i = 0; i < depends; i++) this.orderNeed(order, s, u.dependAt(p, i));
    const requires: i32 = this.request.libraries ? u.requireCount(p) : 0;
    for (let i = 0; i < requires; i++) {
      const library = u.requireAt(p, i);
      const n = u.providers(library);
      let provider: i32 = -1;
      for (let k = 0; k < n; k++) {
        const c = u.provider(library, k);
        if (this.stays(c)) provider = p;
        else if (provider < 0 && this.final[c] === 1) provider = c;
      }
      if (provider >= 0) order.add(this.stepOf[provider], s, Before.NEED);
    }
    const conflicts = u.conflictCount(p);
    for (let i = 0; i < conflicts; i++) this.orderAfter(order, s, u.conflictAt(p, i));
    const supersedes = u.supersedeCount(p);
    for (let i = 0; i < supersedes; i++) this.orderAfter(order, s, u.supersedeAt(p, i));
  }

  private orderNeed(order: StepOrder, s: i32, pattern: i32): void {
    const u = this.universe;
    const n = u.candidates(pattern);
    let needed: i32 = -1;
    for (let k = 0; k < n; k++) {
      const c = u.candidate(pattern, k);
      if (this.stays(c)) return;
      if (needed < 0 && this.final[c] === 1) needed = c;
    }
    if (needed >= 0) order.add(this.stepOf[needed], s, Before.NEED);
  }

  /** What the pattern excludes goes before step `s`. */
  private orderAfter(order: StepOrder, s: i32, pattern: i32): void {
    const u = this.universe;
    const n = u.candidates(pattern);
    for (let k = 0; k < n; k++) {
      const c = u.candidate(pattern, k);
      if (this.goes(c)) order.add(this.stepOf[c], s, Before.CONFLICT);
    }
  }

  /** What the package that goes with step `s` excludes comes after it. */
  private orderConflicts(order: StepOrder, old: i32, s: i32): void {
    const u = this.universe;
    const conflicts = u.conflictCount(old);
    for (let i = 0; i < conflicts; i++) {
      const id = u.conflictAt(old, i);
      const n = u.candidates(id);
      for (let k = 0; k < n; k++) {
        const c = u.candidate(id, k);
        if (this.final[c] === 1 && !u.isInstalled(c)) order.add(s, this.stepOf[c], Before.CONFLICT);
      }
    }
  }

  /** Rule 3: what installed packages need stays until they are gone, or until something else that they accept has come. */
  private orderOld(order: StepOrder, users: IntVec): void {
    const u = this.universe;
    for (let i = 0; i < users.length; i++) {
      const user = users.get(i);
      const depends = u.dependCount(user);
      for (let d = 0; d < depends; d++) {
        const id = u.dependAt(user, d);
        const n = u.candidates(id);
        let stays = false;
        let other: i32 = -1;
        for (let k = 0; k < n && !stays; k++) {
          const c = u.candidate(id, k);
          stays = this.stays(c);
          if (other < 0 && this.final[c] === 1) other = c;
        }
        if (stays) continue;
        for (let k = 0; k < n; k++) {
          const c = u.candidate(id, k);
          if (!this.goes(c) || this.replaced(id, c)) continue;
          const before = this.goes(user) ? this.stepOf[user] : other >= 0 ? this.stepOf[other] : -1;
          if (before >= 0) order.add(before, this.stepOf[c], Before.OLD_NEED);
        }
      }
    }
  }

  /** Whether what takes the place of `old` matches the pattern as well. */
  private replaced(pattern: i32, old: i32): boolean {
    const heir = this.heir[old];
    return heir >= 0 && this.final[heir] === 1 && this.universe.matches(pattern, heir);
  }
}
