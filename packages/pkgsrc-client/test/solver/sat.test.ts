import { IntVec, luby, Sat, SATISFIABLE, UNSATISFIABLE } from "@anax/pkgsrc-client";
import { Errno } from "@anax/portable";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const vec = (list: readonly number[]) => {
  const v = new IntVec();
  for (const x of list) v.push(x);
  return v;
};
const list = (v: IntVec) => Array.from({ length: v.length }, (_, i) => v.get(i));

interface Formula {
  clauses: number[][];
  group: number[];
  assumptions: number[][];
}

const VARS = 8;
const formulas: fc.Arbitrary<Formula> = fc.record({
  clauses: fc.array(fc.uniqueArray(fc.nat(2 * VARS - 1), { maxLength: 3, minLength: 1 }), { maxLength: 40 }),
  group: fc.uniqueArray(fc.nat(VARS - 1), { maxLength: 4 }),
  assumptions: fc.array(fc.array(fc.nat(2 * VARS - 1), { maxLength: 4 }), { maxLength: 4 }),
});

const sets = Array.from({ length: 1 << VARS }, (_, s) => s);
const holds = (s: number, lit: number) => ((s >> (lit >> 1)) & 1) !== (lit & 1);
const grouped = (s: number, group: number[]) => group.filter((v) => (s >> v) & 1).length < 2;

/** Assignments that satisfy the clauses and literals. */
function solutions(f: Formula, clauses: number[][], literals: number[]): number[] {
  return sets.filter(
    (s) =>
      grouped(s, f.group) && literals.every((l) => holds(s, l)) && clauses.every((c) => c.some((l) => holds(s, l))),
  );
}

function load(f: Formula, traced: boolean): Sat {
  const sat = new Sat(traced);
  for (let v = 0; v < VARS; v++) sat.addVariable(v & 1);
  sat.addGroup(vec(f.group));
  f.clauses.forEach((c, id) => sat.addClause(vec(c), id));
  return sat;
}

describe("Sat", () => {
  it("agrees with all assignments, under one assumption list after the other", () => {
    fc.assert(
      fc.property(formulas, fc.boolean(), (f, traced) => {
        const sat = load(f, traced);
        for (const assumed of [[], ...f.assumptions, []]) {
          const answer = sat.solve(vec(assumed));
          const all = solutions(f, f.clauses, assumed);
          expect(answer).toBe(all.length > 0 ? SATISFIABLE : UNSATISFIABLE);
          if (answer === SATISFIABLE) {
            const model = list(sat.model).reduce((s, bit, v) => s | (bit << v), 0);
            expect(all).toContain(model);
            continue;
          }
          const core = list(sat.core);
          expect(core.every((l) => assumed.includes(l))).toBe(true);
          expect(solutions(f, f.clauses, core)).toEqual([]);
          if (!traced) continue;
          // The clauses that the trace names are a contradiction by themselves.
          const used = list(sat.origins).map((id) => f.clauses[id]!);
          expect(solutions(f, used, core)).toEqual([]);
        }
      }),
      { numRuns: 1500, seed: 11 },
    );
  });

  it("takes clauses between the calls, at any level", () => {
    fc.assert(
      fc.property(formulas, (f) => {
        const sat = new Sat();
        for (let v = 0; v < VARS; v++) sat.addVariable(0);
        sat.addGroup(vec(f.group));
        const added: number[][] = [];
        f.clauses.forEach((c, i) => {
          sat.addClause(vec(c));
          added.push(c);
          const assumed = f.assumptions[i % 5] ?? [];
          const all = solutions(f, added, assumed);
          expect(sat.solve(vec(assumed))).toBe(all.length > 0 ? SATISFIABLE : UNSATISFIABLE);
        });
      }),
      { numRuns: 200, seed: 12 },
    );
  });

  const pigeons = (holes: number) => {
    const sat = new Sat();
    for (let i = 0; i < (holes + 1) * holes; i++) sat.addVariable(0);
    for (let p = 0; p <= holes; p++) {
      sat.addClause(vec(Array.from({ length: holes }, (_, h) => 2 * (p * holes + h))));
      for (let q = 0; q < p; q++) {
        for (let h = 0; h < holes; h++) sat.addPair(2 * (p * holes + h) + 1, 2 * (q * holes + h) + 1);
      }
    }
    return sat;
  };

  it("forgets what it learned, and still proves what is hard", () => {
    const sat = pigeons(6);
    sat.learnedLimit = 100;
    expect(sat.solve(new IntVec())).toBe(UNSATISFIABLE);
    expect(sat.learnedLimit).toBeGreaterThan(100);
  });

  it("gives up at its limit, and can go on", () => {
    const sat = pigeons(6);
    sat.conflictLimit = 100;
    expect(sat.solve(new IntVec())).toBe(-Errno.TIMEDOUT);
    expect(sat.conflicts).toBe(100);
    sat.conflictLimit = 0x7fffffff;
    expect(sat.solve(new IntVec())).toBe(UNSATISFIABLE);
  });

  it("restarts by Luby's sequence", () => {
    expect(Array.from({ length: 15 }, (_, i) => luby(i))).toEqual([1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8]);
  });
});
