import { Explainer, PKG_KEPT, REQ_REMOVE, Solver, type Problem } from "@anax/pkgsrc-client";
import { Errno } from "@anax/portable";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  derive,
  Derivation,
  FACT_CASE,
  FACT_CLOSED,
  FACT_MORE_CASES,
  FACT_SPLIT,
  FACT_TWO_VERSIONS,
} from "../../src/plan/derivation.js";
import { problemOf, worlds, type World } from "./brute.js";

const shape = { packages: 9, bases: 6, depends: 16, conflicts: 6, requests: 5 };

/** The clauses of the core; literals are 2p and 2p + 1. */
function coreOf(e: Explainer): number[][] {
  return Array.from({ length: e.core.length }, (_, i) => {
    const c = e.clauses.clauseOf(e.core.kind.get(i), e.core.index.get(i));
    return Array.from({ length: c.length }, (_, k) => c.get(k));
  });
}

/** Whether some set with one version of each base at most satisfies all clauses. */
function possible(w: World, clauses: number[][]): boolean {
  for (let set = 0; set < 1 << w.packages.length; set++) {
    const bases = w.packages.filter((_, p) => (set >> p) & 1).map((p) => p.base);
    if (new Set(bases).size < bases.length) continue;
    if (clauses.every((c) => c.some((l) => ((set >> (l >> 1)) & 1) !== (l & 1)))) return true;
  }
  return false;
}

function expectMinimal(w: World, e: Explainer): void {
  const core = coreOf(e);
  expect(core.length).toBeGreaterThan(0);
  expect(possible(w, core)).toBe(false);
  core.forEach((_, i) =>
    expect(
      possible(
        w,
        core.filter((_, k) => k !== i),
      ),
    ).toBe(true),
  );
}

/** The chain of facts comes to an end in each way of telling it, and the chosen one is the shorter. */
function expectTold(e: Explainer): void {
  const told = derive(e);
  expect(told.cut).toBe(false);
  expect(told.usedFacts).toBeGreaterThan(0);
  expect([FACT_CLOSED, FACT_TWO_VERSIONS, FACT_MORE_CASES]).toContain(told.facts.at(-1)!.kind);
  for (const absence of [false, true]) {
    const one = new Derivation(e, absence);
    const closed = one.facts.filter((f) => f.kind === FACT_CLOSED || f.kind === FACT_TWO_VERSIONS).length;
    const cases = one.facts.filter((f) => f.kind === FACT_CASE).length;
    const splits = one.facts.filter((f) => f.kind === FACT_SPLIT).length;
    // Every case is closed, by itself or by those inside; a split stands for the end of what it splits.
    expect(closed).toBe(cases - splits + 1);
  }
}

function isHeld(p: Problem, r: number, solver: Solver): boolean {
  const from = p.requestStart.get(r);
  if (p.requestKind.get(r) === REQ_REMOVE || from === p.requestEnd.get(r)) return false;
  return solver.chosen[p.candidates.get(from)] !== 1;
}

describe("explanations", () => {
  it("of contradictions cannot be made smaller, of held upgrades neither", () => {
    let contradictions = 0;
    let held = 0;
    fc.assert(
      fc.property(worlds(shape), (w) => {
        const p = problemOf(w);
        const solver = new Solver(p);
        const e = new Explainer(p);
        if (solver.solve() === -Errno.DEADLK) {
          contradictions++;
          expect(e.contradiction()).toBe(true);
          expectMinimal(w, e);
          expectTold(e);
          return;
        }
        expect(e.contradiction()).toBe(false);
        for (let r = 0; r < p.requests; r++) {
          if (!isHeld(p, r, solver)) continue;
          held++;
          expect(e.held(r, solver.chosen)).toBe(true);
          expectMinimal(w, e);
          expectTold(e);
        }
      }),
      { numRuns: 800, seed: 21 },
    );
    expect(contradictions).toBeGreaterThan(50);
    expect(held).toBeGreaterThan(50);
  });

  it("blame what is kept only when it is in the way", () => {
    fc.assert(
      fc.property(worlds(shape), (w) => {
        const p = problemOf({ ...w, packages: w.packages.map((x) => ({ ...x, flags: x.flags & ~PKG_KEPT })) });
        const solver = new Solver(p);
        if (solver.solve() !== 0) return;
        const e = new Explainer(p);
        for (let r = 0; r < p.requests; r++) {
          if (!isHeld(p, r, solver)) continue;
          e.held(r, solver.chosen);
          for (let i = 0; i < e.core.length; i++) expect(e.core.kind.get(i)).not.toBe(9);
        }
      }),
      { numRuns: 200, seed: 22 },
    );
  });
});
