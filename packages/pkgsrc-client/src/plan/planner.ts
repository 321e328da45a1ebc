/**
 * From what is known and what is wanted to a plan.
 *
 *     const planner = new Planner(universe);
 *     const request = new Request();
 *     request.install(universe.pattern(text, 0, n));
 *     const plan = planner.plan(request);
 *
 * Key type `Planner`. Neighbours: `translate.ts` and `../solver/solver.ts` (which packages), `steps.ts` (which steps, in which order),
 * `why-not.ts` (reasons).
 * Invariant: planning changes nothing but caches of the universe; the same universe and request give the same plan.
 */
import { Errno, type i32 } from "@anax/portable";
import { IntVec } from "../solver/int-vec";
import { PKG_LOCKED, REQ_UPGRADE } from "../solver/problem";
import { DEFAULT_CONFLICT_LIMIT, Solver } from "../solver/solver";
import type { Universe } from "../universe";
import { Held, Plan } from "./plan";
import type { Request } from "./request";
import { StepMaker } from "./steps";
import { Translation } from "./translate";
import { WhyNot } from "./why-not";

export class Planner {
  /** Conflicts of the search after which a plan is taken that may not be the best. */
  conflictLimit: i32 = DEFAULT_CONFLICT_LIMIT;

  constructor(readonly universe: Universe) {}

  plan(request: Request): Plan {
    const plan = new Plan(this.universe);
    const t = new Translation(this.universe, request);
    plan.status = t.translate();
    if (plan.status < 0) {
      plan.unmatched.append(t.unmatched);
      return plan;
    }
    const chosen = this.choose(t, plan);
    if (plan.status < 0) return plan;
    const work = new PlanWork(t, plan, chosen);
    work.finish();
    return plan;
  }

  /** By node: 1 when it is there afterwards. */
  private choose(t: Translation, plan: Plan): Int32Array {
    if (t.problem.requests === 0 && !t.problem.repair) {
      const same = new Int32Array(t.problem.packages);
      for (let i = 0; i < t.installed.length; i++) same[t.nodeOf[t.installed.get(i)]] = 1;
      return same;
    }
    const solver = new Solver(t.problem, this.conflictLimit);
    plan.status = solver.solve();
    plan.proven = solver.proven;
    if (plan.status === -Errno.DEADLK) plan.reason = new WhyNot(t).contradiction();
    else if (plan.status === 0) this.explainHeld(t, plan, solver);
    return solver.chosen;
  }

  private explainHeld(t: Translation, plan: Plan, solver: Solver): void {
    const problem = t.problem;
    let whyNot: WhyNot | null = null;
    for (let r = 0; r < problem.requests; r++) {
      if (problem.requestKind.get(r) !== REQ_UPGRADE) continue;
      const from = problem.requestStart.get(r);
      const to = problem.requestEnd.get(r);
      const wanted = problem.candidates.get(from);
      if (solver.chosen[wanted] === 1) continue;
      let result: i32 = -1;
      for (let i = from; i < to && result < 0; i++) {
        const c = problem.candidates.get(i);
        if (solver.chosen[c] === 1) result = t.packages.get(c);
      }
      const explainer: WhyNot = whyNot === null ? new WhyNot(t) : whyNot;
      whyNot = explainer;
      plan.held.push(new Held(t.origin.get(r), t.packages.get(wanted), result, explainer.held(r, solver.chosen)));
    }
  }
}

/** The second half of planning: from the packages that were chosen to everything else in the plan. */
class PlanWork {
  /** By handle: 1 when it is there afterwards; 1 when it is automatic then. */
  private readonly final: Int32Array;
  private readonly automatic: Int32Array;

  constructor(
    private readonly t: Translation,
    private readonly plan: Plan,
    private readonly chosen: Int32Array,
  ) {
    this.final = new Int32Array(t.universe.count);
    this.automatic = new Int32Array(t.universe.count);
  }

  finish(): void {
    const t = this.t;
    for (let node = 0; node < t.packages.length; node++) {
      if (this.chosen[node] !== 1) continue;
      this.final[t.packages.get(node)] = 1;
      this.automatic[t.packages.get(node)] = 1;
    }
    const steps = new StepMaker(t.universe, t.request, this.plan, this.final, this.automatic);
    steps.pair(t.installed, t.packages);
    this.setAutomatic(steps);
    this.findOrphans(steps);
    steps.make();
    this.plan.measure();
    for (let node = 0; node < t.packages.length; node++) {
      const p = t.packages.get(node);
      if (this.final[p] === 1) this.plan.final.push(p);
    }
    t.lacking(this.chosen, this.plan.broken);
  }

  /** New packages are automatic unless asked for; others keep the flag of what they replace, unless the request changes it. */
  private setAutomatic(steps: StepMaker): void {
    const u = this.t.universe;
    const r = this.t.request;
    for (let i = 0; i < this.t.installed.length; i++) {
      const p = this.t.installed.get(i);
      const heir = this.final[p] === 1 ? p : steps.heirOf(p);
      if (heir >= 0 && !u.isAutomatic(p)) this.automatic[heir] = 0;
    }
    for (let i = 0; i < r.installs.length; i++) {
      if (r.installKeeps.get(i) === 1) this.markFirst(r.installs.get(i));
    }
    this.markAll(r.keeps, 0, steps);
    this.markAll(r.automatics, 1, steps);
  }

  private markFirst(pattern: i32): void {
    const u = this.t.universe;
    const n = u.candidates(pattern);
    for (let i = 0; i < n; i++) {
      const c = u.candidate(pattern, i);
      if (this.final[c] !== 1) continue;
      this.automatic[c] = 0;
      return;
    }
  }

  private markAll(patterns: IntVec, automatic: i32, steps: StepMaker): void {
    const u = this.t.universe;
    for (let i = 0; i < patterns.length; i++) {
      const n = u.candidates(patterns.get(i));
      for (let k = 0; k < n; k++) {
        const c = u.candidate(patterns.get(i), k);
        if (!u.isInstalled(c)) continue;
        const heir = this.final[c] === 1 ? c : steps.heirOf(c);
        if (heir >= 0) this.automatic[heir] = automatic;
      }
    }
  }

  /** Automatic packages that nothing kept, preserved or locked needs: removed when the request says so, else listed. */
  private findOrphans(steps: StepMaker): void {
    const t = this.t;
    const roots = new IntVec(64);
    for (let node = 0; node < t.packages.length; node++) {
      if (this.chosen[node] !== 1) continue;
      if (this.automatic[t.packages.get(node)] === 0 || t.problem.is(node, PKG_LOCKED)) roots.push(node);
    }
    for (let i = 0; i < t.request.preserved.length; i++) {
      const p = t.request.preserved.get(i);
      const heir = this.final[p] === 1 ? p : steps.heirOf(p);
      if (heir >= 0) roots.push(t.nodeOf[heir]);
    }
    const reached = t.reachable(roots, this.chosen);
    for (let node = 0; node < t.packages.length; node++) {
      if (this.chosen[node] !== 1 || reached[node] === 1) continue;
      const p = t.packages.get(node);
      if (t.request.autoremove) {
        this.chosen[node] = 0;
        steps.drop(p);
      } else this.plan.orphans.push(p);
    }
  }
}
