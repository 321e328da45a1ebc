import { UpgradeScope } from "@anax/pkgsrc-client";
import { Errno } from "@anax/portable";
import { describe, expect, it } from "vitest";
import { steps, World } from "./world.js";

describe("install", () => {
  it("brings what it needs first, as automatic packages", () => {
    const w = new World(
      [],
      [
        { name: "app-1.0", depends: ["lib>=2", "tool-[0-9]*"] },
        { name: "lib-2.1", depends: ["base>=1"] },
        "tool-3.0",
        "base-1.5",
        "other-1.0",
      ],
    );
    w.request.install(w.pattern("app"));
    const plan = w.plan();
    expect(plan.status).toBe(0);
    expect(steps(w, plan)).toEqual(["+ tool-3.0*", "+ base-1.5*", "+ lib-2.1*", "+ app-1.0"]);
    expect(plan.growth).toBe(4000);
    expect(plan.unknownSizes).toBe(4);
  });

  it("takes the best version that does not cost a kept package", () => {
    const w = new World(["old-1.0"], [{ name: "app-2.0", conflicts: ["old-[0-9]*"] }, { name: "app-1.0" }]);
    w.request.install(w.pattern("app"));
    expect(steps(w, w.plan())).toEqual(["+ app-1.0"]);
  });

  it("upgrades what must follow", () => {
    const w = new World(
      [
        { name: "lib-1.0", automatic: true },
        { name: "user-1.0", depends: ["lib>=1<2"] },
      ],
      [{ name: "app-1.0", depends: ["lib>=2"] }, "lib-2.0", { name: "user-1.1", depends: ["lib>=2"] }],
    );
    w.request.install(w.pattern("app"));
    expect(steps(w, w.plan())).toEqual(["upgrade lib-1.0 lib-2.0*", "upgrade user-1.0 user-1.1", "+ app-1.0"]);
  });

  it("marks an installed package as kept", () => {
    const w = new World([{ name: "lib-1.0", automatic: true }], ["lib-1.0"]);
    w.request.install(w.pattern("lib"));
    expect(steps(w, w.plan())).toEqual(["keep lib-1.0"]);
  });

  it("says what matches nothing", () => {
    const w = new World([], ["a-1.0"]);
    w.request.install(w.pattern("b"));
    const plan = w.plan();
    expect(plan.status).toBe(-Errno.SRCH);
    expect([plan.unmatched.get(0), plan.unmatched.length]).toEqual([w.pattern("b"), 1]);
  });

  it("tells the chain of requirements that leads nowhere", () => {
    const w = new World([], [{ name: "A-2.0", depends: ["B>=3"] }, { name: "B-2.1" }]);
    w.request.install(w.pattern("A"));
    const plan = w.plan();
    expect(plan.status).toBe(-Errno.DEADLK);
    expect(plan.reason!.toString()).toBe(
      "A-2.0 (repository a) is to be installed\nA-2.0 (repository a) requires B>=3, which nothing meets: the only one is B-2.1 (repository a)\n",
    );
  });

  it("tells all alternatives", () => {
    const w = new World(
      [{ name: "C-1.0", conflicts: ["B>=3.1"] }],
      [
        { name: "A-2.0", depends: ["B>=3"] },
        { name: "B-3.1" },
        { name: "B-3.0", depends: ["D>=2"] },
        { name: "D-1.0" },
      ],
    );
    w.request.install(w.pattern("A"));
    w.request.locks.push(w.pattern("C"));
    const plan = w.plan();
    expect(plan.status).toBe(-Errno.DEADLK);
    expect(plan.reason!.toString()).toMatchInlineSnapshot(`
      "A-2.0 (repository a) is to be installed
      C-1.0 (installed) is locked
      A-2.0 (repository a) requires B>=3, which several packages meet:
        B-3.1 (repository a):
          C-1.0 (installed) conflicts with B-3.1 (repository a)
        B-3.0 (repository a):
          B-3.0 (repository a) requires D>=2, which nothing meets: the only one is D-1.0 (repository a)
      "
    `);
  });
});

describe("upgrade", () => {
  it("holds back one package and upgrades the others", () => {
    const w = new World(["a-1.0", "b-1.0", "c-1.0"], ["a-1.1", { name: "b-1.1", depends: ["missing>=1"] }, "c-1.1"]);
    w.request.scope = UpgradeScope.ALL;
    const plan = w.plan();
    expect(steps(w, plan)).toEqual(["upgrade a-1.0 a-1.1", "upgrade c-1.0 c-1.1"]);
    expect(plan.held.length).toBe(1);
    expect(w.name(plan.held[0]!.wanted)).toBe("b-1.1");
    expect(plan.held[0]!.reason.toString()).toMatchInlineSnapshot(`
      "b-1.0 is to be upgraded to b-1.1 (repository a)
      b-1.1 (repository a) requires missing>=1, which nothing meets: there is no such package
      "
    `);
  });

  it("does not remove a kept package for another one's sake", () => {
    const w = new World(["a-1.0", "b-1.0"], [{ name: "a-2.0", conflicts: ["b-[0-9]*"] }]);
    w.request.scope = UpgradeScope.ALL;
    const plan = w.plan();
    expect(steps(w, plan)).toEqual([]);
    expect(plan.held[0]!.reason.toString()).toMatchInlineSnapshot(`
      "a-1.0 is to be upgraded to a-2.0 (repository a)
      b-1.0 (installed) is kept and must not be removed
      a-2.0 (repository a) conflicts with b-1.0 (installed)
      "
    `);
  });

  it("moves to the package that supersedes", () => {
    const w = new World(
      [{ name: "old-1.0" }, { name: "user-1.0", depends: ["old>=1"] }],
      [
        { name: "new-2.0", supersedes: ["old-[0-9]*"] },
        { name: "user-1.1", depends: ["new>=2"] },
      ],
    );
    w.request.scope = UpgradeScope.ALL;
    expect(steps(w, w.plan())).toEqual(["replace old-1.0 new-2.0", "upgrade user-1.0 user-1.1"]);
  });

  it("refreshes another build, and leaves an older version alone unless downgrades are allowed", () => {
    const world = () => new World(["a-1.0", "b-2.0"], [{ name: "a-1.0", date: "2026-02-02" }, "b-1.0"]);
    const w = world();
    w.request.scope = UpgradeScope.ALL;
    expect(steps(w, w.plan())).toEqual(["refresh a-1.0 a-1.0"]);
    const x = world();
    x.request.scope = UpgradeScope.ALL;
    x.request.refresh = false;
    x.request.downgrade = true;
    expect(steps(x, x.plan())).toEqual(["downgrade b-2.0 b-1.0"]);
  });

  it("of kept packages leaves automatic ones that need not follow", () => {
    const w = new World(
      [
        { name: "a-1.0", depends: ["lib>=1"] },
        { name: "lib-1.0", automatic: true },
      ],
      [{ name: "a-1.1", depends: ["lib>=1"] }, "lib-1.1"],
    );
    w.request.scope = UpgradeScope.KEPT;
    expect(steps(w, w.plan())).toEqual(["upgrade a-1.0 a-1.1"]);
  });
});

describe("remove", () => {
  const installed = [
    { name: "app-1.0", depends: ["lib-[0-9]*"] },
    { name: "lib-1.0", depends: ["base-[0-9]*"], automatic: true },
    { name: "base-1.0", automatic: true },
    { name: "other-1.0" },
  ];
  it("takes what depends along, dependents first", () => {
    const w = new World(installed, []);
    w.request.remove(w.pattern("lib"));
    const plan = w.plan();
    expect(steps(w, plan)).toEqual(["- app-1.0", "- lib-1.0"]);
    expect(Array.from({ length: plan.orphans.length }, (_, i) => w.name(plan.orphans.get(i)))).toEqual(["base-1.0"]);
  });
  it("and orphans with autoremove, but no preserved ones", () => {
    const w = new World(installed, []);
    w.request.remove(w.pattern("app"));
    w.request.autoremove = true;
    expect(steps(w, w.plan())).toEqual(["- app-1.0", "- lib-1.0", "- base-1.0"]);
    const x = new World(installed, []);
    x.request.remove(x.pattern("app"));
    x.request.autoremove = true;
    x.request.preserved.push(x.installed("base-1.0"));
    expect(steps(x, x.plan())).toEqual(["- app-1.0", "- lib-1.0"]);
  });
  it("not of a preserved package", () => {
    const w = new World([{ name: "pkg_install-1.0", preserved: true }], []);
    w.request.remove(w.pattern("pkg_install"));
    const plan = w.plan();
    expect(plan.status).toBe(-Errno.DEADLK);
    expect(plan.reason!.toString()).toMatchInlineSnapshot(`
      "pkg_install-1.0 (installed) must be preserved
      pkg_install-1.0 (installed) is to be removed
      "
    `);
  });
});

describe("the rest of a request", () => {
  it("changes marks, also of what is upgraded at the same time", () => {
    const w = new World(["a-1", { name: "b-1", automatic: true }, "c-1"], ["a-2"]);
    w.request.upgrade(w.pattern("a"));
    w.request.automatics.push(w.pattern("a"));
    w.request.automatics.push(w.pattern("c"));
    w.request.keeps.push(w.pattern("b"));
    const plan = w.plan();
    expect(steps(w, plan)).toEqual(["upgrade a-1 a-2*", "keep b-1", "auto c-1"]);
    expect(plan.changesPackages).toBe(true);
  });

  it("upgrades only what is named, and what must follow", () => {
    const w = new World(
      ["a-1", "b-1", { name: "c-1", depends: ["b<2"] }],
      ["a-2", "b-2", { name: "c-2", depends: ["b>=2"] }],
    );
    w.request.upgrade(w.pattern("b"));
    expect(steps(w, w.plan())).toEqual(["upgrade b-1 b-2", "upgrade c-1 c-2"]);
  });

  it("leaves locked packages alone, and does without excluded ones", () => {
    const w = new World(["a-1", "b-1"], ["a-2", "b-3", "b-2"]);
    w.request.scope = UpgradeScope.ALL;
    w.request.locks.push(w.pattern("a"));
    w.request.excludes.push(w.pattern("b>=3"));
    const plan = w.plan();
    expect(steps(w, plan)).toEqual(["upgrade b-1 b-2"]);
    expect(plan.held[0]!.reason.lines).toContain("a-1 (installed) is locked");
  });

  it("changes the package tools first, with what they need, and says how many steps that takes", () => {
    const w = new World(
      ["a-1", "pkgin-1", "lib-1"],
      ["a-2", { name: "pkgin-2", depends: ["lib>=2", "helper-[0-9]*"] }, "lib-2", "helper-1"],
    );
    w.request.scope = UpgradeScope.ALL;
    w.request.tools.push(w.universe.baseOf(w.installed("pkgin-1")));
    const plan = w.plan();
    expect(steps(w, plan)).toEqual([
      "upgrade lib-1 lib-2",
      "+ helper-1*",
      "upgrade pkgin-1 pkgin-2",
      "upgrade a-1 a-2",
    ]);
    expect(plan.toolSteps).toBe(3);
  });

  it("takes the earlier of alternatives that are as good as each other", () => {
    const w = new World([], [{ name: "app-1", depends: ["{mail,post}-[0-9]*"] }, "mail-1", "post-4"]);
    w.request.install(w.pattern("app"));
    expect(steps(w, w.plan())).toEqual(["+ post-4*", "+ app-1"]);
  });
});
