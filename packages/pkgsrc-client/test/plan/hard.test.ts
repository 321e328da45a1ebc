import { Before, Planner, StepOrder, UpgradeScope } from "@anax/pkgsrc-client";
import { Errno } from "@anax/portable";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { steps, World, type Entry } from "./world.js";

describe("bad and extreme input", () => {
  it("cycles of dependencies are installed one after the other and told as such", () => {
    const ring: Entry[] = [
      { name: "a-1", depends: ["b>=1"] },
      { name: "b-1", depends: ["c>=1", "base-[0-9]*"] },
      { name: "c-1", depends: ["a>=1"] },
      { name: "top-1", depends: ["c>=1"] },
      "base-1",
    ];
    const w = new World([], ring);
    w.request.install(w.pattern("top"));
    const plan = w.plan();
    expect(steps(w, plan)).toEqual(["+ base-1*", "+ c-1*", "+ b-1*", "+ a-1*", "+ top-1"]);
    expect(Array.from({ length: 5 }, (_, i) => plan.cycles.get(i))).toEqual([0, 1, 1, 1, 0]);
    const x = new World(ring, []);
    x.request.remove(x.pattern("base"));
    expect(steps(x, x.plan()).at(-1)).toBe("- base-1");
  });

  it("a package that conflicts with itself can be installed", () => {
    const w = new World([], [{ name: "a-1", conflicts: ["a-[0-9]*", "a-1"] }]);
    w.request.install(w.pattern("a"));
    expect(steps(w, w.plan())).toEqual(["+ a-1"]);
  });

  it("requests that contradict each other are told", () => {
    const w = new World(["a-1"], [{ name: "b-1", depends: ["a-[0-9]*"] }, "a-2"]);
    w.request.install(w.pattern("b"));
    w.request.remove(w.pattern("a"));
    const plan = w.plan();
    expect(plan.status).toBe(-Errno.DEADLK);
    expect(plan.reason!.toString()).toMatchInlineSnapshot(`
      "b-1 (repository a) is to be installed
      b-1 (repository a) requires a-[0-9]*, which several packages meet:
        a-2 (repository a):
          a-2 (repository a) is to be removed
        a-1 (installed):
          a-1 (installed) is to be removed
      "
    `);
  });

  it("thousands of versions of one base", () => {
    const versions = Array.from({ length: 1000 }, (_, i) => `lib-1.${i}`);
    const w = new World([], [...versions, { name: "app-1", depends: ["lib<1.7"] }]);
    w.request.install(w.pattern("app"));
    expect(steps(w, w.plan())).toEqual(["+ lib-1.6*", "+ app-1"]);
  });

  it("thousands of alternatives, all of which fail", () => {
    const bad = Array.from({ length: 600 }, (_, i) => ({ name: `x${i}-1`, depends: [`gone${i}>=1`] }));
    const w = new World([], [...bad, { name: "app-1", depends: ["x*-[0-9]*"] }]);
    w.request.install(w.pattern("app"));
    const plan = w.plan();
    expect(plan.status).toBe(-Errno.DEADLK);
    const lines = plan.reason!.lines;
    expect(lines.length).toBeLessThan(40);
    expect(lines.at(-1)).toMatch(/^and \d+ more, none of which will do$/);
  });

  it("chains of thousands", () => {
    const n = 1000;
    const chain = Array.from({ length: n }, (_, i) => ({
      name: `p${i}-1`,
      depends: i + 1 < n ? [`p${i + 1}>=1`] : [],
    }));
    const w = new World([], chain);
    w.request.install(w.pattern("p0"));
    const plan = w.plan();
    expect(plan.steps).toBe(n);
    expect(w.name(plan.news.get(0))).toBe(`p${n - 1}-1`);
    const broken = new World([], [...chain.slice(0, -1), { name: `p${n - 1}-1`, depends: ["gone>=1"] }]);
    broken.request.install(broken.pattern("p0"));
    const none = broken.plan();
    expect(none.status).toBe(-Errno.DEADLK);
    expect(none.reason!.lines.length).toBe(13);
    expect(none.reason!.lines[6]).toBe("and so on, 989 requirements further:");
    expect(none.reason!.lines.at(-1)).toContain("requires gone>=1");
  });

  it("a riddle without a quick answer ends at the limit", () => {
    // Nine services of which no two share one of eight slots.
    const slots = 8;
    const available: Entry[] = [
      { name: "all-1", depends: Array.from({ length: slots + 1 }, (_, i) => `s${i}x*-[0-9]*`) },
    ];
    for (let s = 0; s <= slots; s++) {
      for (let k = 0; k < slots; k++) {
        const others = Array.from({ length: s }, (_, o) => `s${o}x${k}-[0-9]*`);
        available.push({ name: `s${s}x${k}-1`, conflicts: others });
      }
    }
    const w = new World([], available);
    w.request.install(w.pattern("all"));
    const planner = new Planner(w.universe);
    planner.conflictLimit = 500;
    expect(planner.plan(w.request).status).toBe(-Errno.TIMEDOUT);
  });

  it("a damaged database can be changed, and is mended by an upgrade where that is possible", () => {
    const damaged: Entry[] = ["twice-1", "twice-2", { name: "user-1", depends: ["lib>=2", "gone-[0-9]*"] }, "x-1"];
    const w = new World(damaged, ["lib-2", "new-1", "x-1"]);
    w.request.install(w.pattern("new"));
    const plan = w.plan();
    expect(steps(w, plan)).toEqual(["+ new-1"]);
    expect(plan.broken.length).toBe(4);
    const x = new World(damaged, ["lib-2", "new-1", "x-1"]);
    x.request.scope = UpgradeScope.ALL;
    const mended = x.plan();
    expect(steps(x, mended)).toEqual(["+ lib-2*"]);
    expect(mended.broken.length).toBe(2);
  });

  it("libraries are checked before anything is touched", () => {
    const so = (n: number) => `/usr/pkg/lib/libz.so.${n}`;
    const installed: Entry[] = [
      { name: "z-1", provides: [so(1)] },
      { name: "user-1", depends: ["z-[0-9]*"], requires: [so(1)] },
    ];
    const w = new World(installed, [{ name: "z-2", provides: [so(2)] }]);
    w.request.scope = UpgradeScope.ALL;
    const plan = w.plan();
    expect(steps(w, plan)).toEqual([]);
    expect(plan.held[0]!.reason.toString()).toMatchInlineSnapshot(`
      "z-1 is to be upgraded to z-2 (repository a)
      user-1 (installed) is kept and must not be removed
      user-1 (installed) requires the shared library /usr/pkg/lib/libz.so.1, which only z-1 (installed) meets
      z-2 (repository a) and z-1 (installed) cannot be installed together: one version of z at a time
      "
    `);
    const x = new World(installed, [
      { name: "z-2", provides: [so(2)] },
      { name: "user-1", date: "2027-01-01", depends: ["z-[0-9]*"], requires: [so(2)] },
    ]);
    x.request.scope = UpgradeScope.ALL;
    expect(steps(x, x.plan())).toEqual(["upgrade z-1 z-2", "refresh user-1 user-1"]);
    const y = new World([], [{ name: "app-1", requires: ["/lib/libhost.so.1"] }]);
    y.request.install(y.pattern("app"));
    y.request.host = { present: () => false };
    expect(y.plan().reason!.toString()).toMatchInlineSnapshot(`
      "app-1 (repository a) is to be installed
      app-1 (repository a) requires the shared library /lib/libhost.so.1, which no package provides
      "
    `);
  });

  it("the installed package is the same as that of a preferred repository", () => {
    const w = new World(["a-1", { name: "user-1", depends: ["a-[0-9]*"] }], {
      priority: 5,
      packages: ["a-1", { name: "user-1", depends: ["a-[0-9]*"] }],
    });
    w.request.scope = UpgradeScope.ALL;
    w.request.downgrade = true;
    expect(steps(w, w.plan())).toEqual([]);
  });

  it("what is the best already stays, and is told when it cannot", () => {
    const w = new World([{ name: "a-1", automatic: true }, "b-1"], ["a-1", { name: "b-2", conflicts: ["a-[0-9]*"] }]);
    w.request.scope = UpgradeScope.ALL;
    const plan = w.plan();
    expect(steps(w, plan)).toEqual([]);
    expect(plan.held[0]!.reason.toString()).toMatchInlineSnapshot(`
      "b-1 is to be upgraded to b-2 (repository a)
      a-1 (installed) is to stay as it is
      b-2 (repository a) conflicts with a-1 (installed)
      "
    `);
  });

  it("many levels of alternatives are told as one chain", () => {
    const levels = 6;
    const level = (i: number, v: number) => ({
      name: `l${i}-${v}`,
      depends: [i === levels ? "z-[0-9]*" : `l${i + 1}-[0-9]*`],
    });
    const numbers = Array.from({ length: levels }, (_, i) => i + 1);
    const w = new World(
      ["z-1", ...numbers.map((i) => ({ ...level(i, 1), automatic: true })), { name: "top-1", depends: ["l1-[0-9]*"] }],
      [{ name: "y-1", supersedes: ["z-[0-9]*"] }, ...numbers.map((i) => ({ ...level(i, 2), automatic: true }))],
    );
    w.request.scope = UpgradeScope.KEPT;
    const lines = w.plan().held[0]!.reason.lines;
    expect(lines.length).toBeLessThanOrEqual(2 * levels + 4);
    expect(lines[0]).toBe("z-1 is to be upgraded to y-1 (repository a)");
    expect(lines).toContain(
      "l5-2 (repository a) requires l6-[0-9]*, but none of l6-2 (repository a), l6-1 (installed) can be there",
    );
    expect(lines.at(-1)).toBe("top-1 (installed) is kept and must not be removed");
  });

  it("repositories with priorities: the preferred one wins, and then the newer version", () => {
    const w = new World([], { priority: 0, packages: ["a-3", "b-1"] }, { priority: 10, packages: ["a-1", "a-2"] });
    w.request.install(w.pattern("a"));
    w.request.install(w.pattern("b"));
    expect(steps(w, w.plan()).sort()).toEqual(["+ a-2", "+ b-1"]);
  });
});

describe("the order of steps", () => {
  it("keeps every rule when there is no circle, and the first two in any case", () => {
    const edge = fc.record({ a: fc.nat(11), b: fc.nat(11), rule: fc.constantFrom(1, 2, 3) });
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 30 }), fc.nat(11), fc.boolean(), (edges, tool, acyclic) => {
        const order = new StepOrder(12);
        const used = edges.filter((e) => !acyclic || e.a < e.b);
        for (const e of used) order.add(e.a, e.b, e.rule as Before);
        order.hurry(tool);
        order.sort();
        const at = new Map(Array.from({ length: 12 }, (_, i) => [order.sequence.get(i), i] as const));
        expect(at.size).toBe(12);
        const kept = (e: { a: number; b: number }) => at.get(e.a)! < at.get(e.b)!;
        if (acyclic) {
          for (const e of used) {
            // An urgent step comes before those that only rule 3 would put before it.
            if (e.rule < 3 || order.isUrgent(e.a) === order.isUrgent(e.b)) expect(kept(e)).toBe(true);
          }
        }
        for (const e of used) {
          const circle = order.cycleOf[e.a] !== 0 && order.cycleOf[e.a] === order.cycleOf[e.b];
          if (e.rule === 2 && e.a !== e.b && !circle) expect(kept(e)).toBe(true);
        }
        const urgent = Array.from({ length: 12 }, (_, i) => order.isUrgent(order.sequence.get(i)));
        expect(urgent.lastIndexOf(true)).toBe(urgent.filter((u) => u).length - 1);
      }),
      { numRuns: 1000, seed: 41 },
    );
  });
});
