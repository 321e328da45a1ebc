import { DEFAULT_CONFLICT_LIMIT, Solver } from "@anax/pkgsrc-client";
import { Errno } from "@anax/portable";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allowed, best, costsOf, problemOf, worlds, type World } from "./brute.js";

function agree(w: World, limit = DEFAULT_CONFLICT_LIMIT): void {
  const problem = problemOf(w);
  expect(problem.check()).toBe(0);
  const solver = new Solver(problem, limit);
  const result = solver.solve();
  const least = best(w);
  if (least === null) {
    expect(result).toBe(-Errno.DEADLK);
    return;
  }
  expect(result).toBe(0);
  let set = 0;
  for (let p = 0; p < w.packages.length; p++) set |= solver.chosen[p]! << p;
  expect(allowed(w, set)).toBe(true);
  expect([...solver.costs]).toEqual(costsOf(w, set));
  if (solver.proven) expect([...solver.costs]).toEqual(least);
}

describe("the solver against brute force", () => {
  it("small worlds", () => {
    fc.assert(
      fc.property(worlds({ packages: 6, bases: 4, depends: 8, conflicts: 2, requests: 3 }), (w) => agree(w)),
      { numRuns: 3000, seed: 1 },
    );
  });

  it("more packages than bases", () => {
    fc.assert(
      fc.property(worlds({ packages: 9, bases: 4, depends: 14, conflicts: 3, requests: 3 }), (w) => agree(w)),
      { numRuns: 500, seed: 2 },
    );
  });

  it("many alternatives and requests", () => {
    fc.assert(
      fc.property(worlds({ packages: 9, bases: 8, depends: 16, conflicts: 8, requests: 6 }), (w) => agree(w)),
      { numRuns: 500, seed: 3 },
    );
  });

  it("without time for proofs the result still obeys every rule", () => {
    fc.assert(
      fc.property(worlds({ packages: 9, bases: 8, depends: 16, conflicts: 8, requests: 6 }), (w) => {
        const solver = new Solver(problemOf(w), 1);
        const result = solver.solve();
        if (result === -Errno.TIMEDOUT) return;
        if (result === 0) agree(w, 1);
        else expect(best(w)).toBeNull();
      }),
      { numRuns: 500, seed: 4 },
    );
  });
});
