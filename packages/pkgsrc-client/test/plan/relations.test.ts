import { IntVec, Relations } from "@anax/pkgsrc-client";
import { dependencyGraph, graphToSvg } from "@anax/pkgsrc-client/host";
import { describe, expect, it } from "vitest";
import { World } from "./world.js";

const world = () =>
  new World(
    [
      { name: "app-1.0", depends: ["lib>=1", "gone>=1"] },
      { name: "lib-1.2", depends: ["base-[0-9]*"], automatic: true },
      { name: "base-1.0", automatic: true },
      { name: "loop-1.0", depends: ["pool>=1"], automatic: true },
      { name: "pool-1.0", depends: ["loop>=1"], automatic: true },
    ],
    ["lib-1.3", { name: "fresh-1.0", depends: ["lib>=1.3", "app-[0-9]*"] }],
  );

const names = (w: World, list: IntVec) => Array.from({ length: list.length }, (_, i) => w.name(list.get(i)));

describe("relations", () => {
  it("go down, up and back to what was asked for", () => {
    const w = world();
    const r = new Relations(w.universe);
    const p = (n: string) => w.installed(n);
    expect(names(w, r.dependencies(p("app-1.0")))).toEqual(["lib-1.2"]);
    expect(r.dependency(p("app-1.0"), 1)).toBe(-1);
    expect(names(w, r.dependents(p("base-1.0")))).toEqual(["lib-1.2"]);
    expect(names(w, r.closure(p("base-1.0"), true))).toEqual(["base-1.0", "lib-1.2", "app-1.0"]);
    expect(names(w, r.closure(p("app-1.0"), false))).toEqual(["app-1.0", "lib-1.2", "base-1.0"]);
    expect(names(w, r.why(p("base-1.0")))).toEqual(["app-1.0", "lib-1.2", "base-1.0"]);
    expect(names(w, r.why(p("app-1.0")))).toEqual(["app-1.0"]);
    expect(names(w, r.why(p("loop-1.0")))).toEqual([]);
    expect(names(w, r.orphans(new IntVec()))).toEqual(["loop-1.0", "pool-1.0"]);
    const preserved = new IntVec();
    preserved.push(p("pool-1.0"));
    expect(names(w, r.orphans(preserved))).toEqual([]);
  });
});

describe("graph", () => {
  it("has what is installed, what could be, and what is missing", () => {
    const w = world();
    const fresh = w.universe.candidate(w.pattern("fresh"), 0);
    const g = dependencyGraph(w.universe, [fresh]);
    expect(g.nodes.map((n) => `${n.id} ${n.kind}`)).toEqual([
      "fresh-1.0 root",
      "lib-1.3 available",
      "app-1.0 kept",
      "lib-1.2 automatic",
      "base-1.0 automatic",
      "gone>=1 missing",
    ]);
    expect(g.edges.map((e) => `${e.from} ${e.to}`)).toContain("app-1.0 gone>=1");
  });

  it("stops at a depth and says how much is left", () => {
    const w = world();
    const g = dependencyGraph(w.universe, [w.installed("app-1.0")], { depth: 1 });
    expect(g.nodes.map((n) => [n.id, n.more])).toEqual([
      ["app-1.0", 0],
      ["lib-1.2", 1],
      ["gone>=1", 0],
    ]);
  });

  it("leaves out edges that a longer way implies, but none of a cycle", () => {
    const w = new World(
      [
        { name: "a-1", depends: ["b>=1", "c>=1"] },
        { name: "b-1", depends: ["c>=1"] },
        { name: "c-1", depends: ["d>=1"] },
        { name: "d-1", depends: ["c>=1"] },
      ],
      [],
    );
    const edges = (reduce: boolean) =>
      dependencyGraph(w.universe, [w.installed("a-1")], { reduce }).edges.map((e) => e.from[0]! + e.to[0]!);
    expect(edges(false)).toEqual(["ab", "ac", "bc", "cd", "dc"]);
    expect(edges(true)).toEqual(["ab", "bc", "cd", "dc"]);
  });

  it("draws every node and edge, the same each time, with names made safe", () => {
    const w = world();
    const g = dependencyGraph(w.universe, [w.installed("base-1.0")], { reverse: true });
    expect(g.title).toBe("what needs base-1.0");
    const svg = graphToSvg(g);
    expect(svg).toBe(graphToSvg(g));
    expect(svg.match(/text-anchor="middle">(app|lib|base)/g)?.length).toBe(3);
    expect(svg.match(/marker-end/g)?.length).toBe(2);
    const bad = graphToSvg({ title: "<b>&", nodes: [{ id: '<x>&"', kind: "missing", size: 0, more: 0 }], edges: [] });
    expect(bad).not.toContain("<x>");
    expect(bad).toContain("&#60;b&#62;&#38;");
  });
});
