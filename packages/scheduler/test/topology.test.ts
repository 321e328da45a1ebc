import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AllowedCpus,
  CPUS_MAX,
  CpuMask,
  FANOUT,
  LEVEL_CORE,
  LEVEL_GROUP,
  LEVEL_MACHINE,
  LEVEL_NUMA,
  LEVEL_PACKAGE,
  LEVEL_THREAD,
  LoadTree,
  PriorityTree,
  TopologyBuilder,
  TopologyNode,
  TopologySpec,
  levelName,
  type Topology,
} from "@anax/scheduler";
import { topology } from "./smp";

const shape = fc
  .tuple(...[8, 4, 70, 4].map((max) => fc.integer({ min: 1, max })))
  .filter((s) => s.reduce((a, b) => a * b) <= CPUS_MAX);

/** Every rule that a topology promises. */
function check(t: Topology): void {
  expect(t.parent[0]).toBe(-1);
  expect([t.firstCpu[0], t.cpuCount[0]]).toEqual([0, t.cpus]);
  const seen: number[] = [];
  for (let n = 0; n < t.nodes; n++) {
    const count = t.childCount[n]!;
    expect(count).not.toBe(1);
    expect(count).toBeLessThanOrEqual(FANOUT);
    if (count === 0) {
      expect([t.level[n], t.cpuCount[n], t.leaf[t.firstCpu[n]!]]).toEqual([LEVEL_THREAD, 1, n]);
      seen.push(t.firstCpu[n]!);
      continue;
    }
    let cpu = t.firstCpu[n]!;
    for (let c = t.firstChild[n]!; c < t.firstChild[n]! + count; c++) {
      expect([t.parent[c], t.firstCpu[c]]).toEqual([n, cpu]);
      cpu += t.cpuCount[c]!;
    }
    expect(cpu).toBe(t.firstCpu[n]! + t.cpuCount[n]!);
  }
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: t.cpus }, (_, i) => i));
}

describe("Topology", () => {
  it("is a tree of ranges, whatever the numbers", () => {
    fc.assert(
      fc.property(shape, ([a, b, c, d]) => {
        const t = topology(a!, b!, c!, d!);
        expect(t.cpus).toBe(a! * b! * c! * d!);
        check(t);
        // Groups stand only where a level is too wide.
        if (Math.max(a!, b!, c!, d!) <= FANOUT) expect(t.level).not.toContain(LEVEL_GROUP);
        expect(t.depth).toBeLessThanOrEqual(6);
      }),
      { numRuns: 25 },
    );
  });

  it("says what two CPUs share", () => {
    const level = (t: Topology, a: number, b: number): string => levelName(t.shared(a, b));
    const t = topology(2, 2, 4, 2);
    expect([0, 1, 2, 7, 8, 15, 16].map((b) => level(t, 0, b))).toEqual([
      "thread",
      "core",
      "package",
      "package",
      "numa",
      "numa",
      "machine",
    ]);
    const flat = topology(1, 1, 4, 1);
    expect([level(flat, 0, 0), level(flat, 0, 3)]).toEqual(["thread", "package"]);
    const wide = topology(1, 1, 300, 1);
    expect([level(wide, 0, 1), level(wide, 0, 299)]).toEqual(["package", "package"]);
    expect([wide.cpuCount[wide.around(5, LEVEL_PACKAGE)], wide.cpuCount[wide.around(5, LEVEL_CORE)]]).toEqual([300, 1]);
    const many = topology(40, 1, 2, 2);
    expect([level(many, 0, 3), level(many, 0, 159)]).toEqual(["package", "machine"]);
    expect(many.cpuCount[many.around(9, LEVEL_PACKAGE)]).toBe(4);
    expect(many.cpuCount[many.around(9, LEVEL_CORE)]).toBe(2);
    expect(many.cpuCount[many.around(9, LEVEL_MACHINE)]).toBe(160);
  });

  it("takes an explicit tree of unequal parts", () => {
    const root = new TopologyNode(LEVEL_MACHINE);
    const big = root.add(new TopologyNode(LEVEL_NUMA));
    big.memory = 4096;
    for (let i = 0; i < 2; i++) {
      const core = big.add(new TopologyNode(LEVEL_CORE));
      core.add(new TopologyNode(LEVEL_THREAD));
      core.add(new TopologyNode(LEVEL_THREAD));
    }
    const small = root.add(new TopologyNode(LEVEL_NUMA));
    small.memory = 1024;
    for (let i = 0; i < 3; i++) small.add(new TopologyNode(LEVEL_CORE));
    const t = new TopologyBuilder().fromTree(root)!;
    check(t);
    expect([t.cpus, t.largestMemory]).toEqual([7, 4096]);
    expect(levelName(t.shared(0, 1))).toBe("core");
    expect(levelName(t.shared(4, 6))).toBe("numa");
  });

  it("names what is wrong", () => {
    const b = new TopologyBuilder();
    const failed = (t: Topology | null): [boolean, number, string] => [t === null, b.error, b.field];
    expect(failed(b.fromSpec(new TopologySpec(0, 1, 1, 1)))).toEqual([true, -22, "numa"]);
    expect(failed(b.fromSpec(new TopologySpec(1, -1, 1, 1)))).toEqual([true, -22, "packages"]);
    expect(failed(b.fromSpec(new TopologySpec(1, 1, 5000, 1)))).toEqual([true, -7, "cores"]);
    expect(failed(b.fromSpec(new TopologySpec(16, 16, 16, 2)))).toEqual([true, -7, "threads"]);
    expect(failed(b.fromSpec(new TopologySpec(1, 1, 65536, 65536)))).toEqual([true, -7, "cores"]);
    expect(b.fromSpec(new TopologySpec(16, 16, 16, 1))!.cpus).toBe(4096);
    expect([b.error, b.field]).toEqual([0, ""]);

    const root = new TopologyNode(LEVEL_NUMA);
    root.add(new TopologyNode(LEVEL_PACKAGE)).add(new TopologyNode(LEVEL_PACKAGE));
    expect(failed(b.fromTree(root))).toEqual([true, -22, "children[0].children[0].level"]);
    const odd = new TopologyNode(LEVEL_MACHINE);
    odd.add(new TopologyNode(9));
    expect(failed(b.fromTree(odd))).toEqual([true, -22, "children[0].level"]);
    expect(failed(b.fromTree(new TopologyNode(LEVEL_GROUP)))).toEqual([true, -22, "level"]);
    const poor = new TopologyNode(LEVEL_MACHINE);
    poor.add(new TopologyNode(LEVEL_NUMA)).memory = -1;
    expect(failed(b.fromTree(poor))).toEqual([true, -22, "children[0].memory"]);
    const huge = new TopologyNode(LEVEL_PACKAGE);
    for (let i = 0; i <= CPUS_MAX; i++) huge.add(new TopologyNode(LEVEL_CORE));
    expect(failed(b.fromTree(huge))).toEqual([true, -7, "cpus"]);
  });
});

describe("CpuMask", () => {
  it("is a set", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.array(fc.nat(199)), fc.array(fc.nat(199)), (size, ins, outs) => {
        const mask = new CpuMask(size);
        const model = new Set<number>();
        for (const c of ins.filter((x) => x < size)) {
          mask.add(c);
          model.add(c);
        }
        for (const c of outs.filter((x) => x < size)) {
          mask.delete(c);
          model.delete(c);
        }
        expect(mask.count).toBe(model.size);
        const members: number[] = [];
        for (let c = mask.next(0); c >= 0; c = mask.next(c + 1)) members.push(c);
        expect(members).toEqual([...model].sort((a, b) => a - b));
        for (let c = -1; c <= size; c++) expect(mask.has(c)).toBe(model.has(c));
        const copy = mask.copy();
        expect([copy.equals(mask), copy.hash()]).toEqual([true, mask.hash()]);
        if (model.size > 0) expect(copy.delete(members[0]!).equals(mask)).toBe(false);
        expect(new CpuMask(size + 1).equals(mask)).toBe(false);
      }),
    );
    expect(() => new CpuMask(4).add(4)).toThrow("no such CPU");
    expect(new CpuMask(64).addRange(30, 5).next(31)).toBe(31);
  });

  it("is counted in every node", () => {
    fc.assert(
      fc.property(shape, fc.integer(), ([a, b, c, d], seed) => {
        const t = topology(a!, b!, c!, d!);
        const mask = new CpuMask(t.cpus).add(((seed % t.cpus) + t.cpus) % t.cpus);
        for (let cpu = 0; cpu < t.cpus; cpu++) if ((Math.imul(cpu + 1, seed) >>> 7) % 3 === 0) mask.add(cpu);
        const view = new AllowedCpus(mask, 0, t);
        for (let n = 0; n < t.nodes; n++) {
          let members = 0;
          for (let cpu = t.firstCpu[n]!; cpu < t.firstCpu[n]! + t.cpuCount[n]!; cpu++) if (mask.has(cpu)) members++;
          expect(view.counts[n]).toBe(members);
        }
        expect(view.only).toBe(mask.count === 1 ? mask.next(0) : -1);
      }),
      { numRuns: 20 },
    );
  });
});

const setting = fc.tuple(fc.nat(10_000), fc.nat(50), fc.nat(5), fc.boolean());

describe("LoadTree", () => {
  it("keeps sums, and finds the idle, the lightest and the busiest", () => {
    fc.assert(
      fc.property(shape, fc.array(setting, { maxLength: 60 }), fc.nat(4095), ([a, b, c, d], sets, near) => {
        const t = topology(a!, b!, c!, d!);
        const tree = new LoadTree(t);
        const load = new Int32Array(t.cpus);
        const queued = new Int32Array(t.cpus);
        const idle = new Uint8Array(t.cpus).fill(1);
        for (const [cpu, l, q, i] of sets) {
          const at = cpu % t.cpus;
          [load[at], queued[at], idle[at]] = [l, q, i ? 1 : 0];
          tree.set(at, l, q, i);
        }
        const sum = (xs: ArrayLike<number>): number => Array.from(xs).reduce((x, y) => x + y, 0);
        expect([tree.load[0], tree.queued[0], tree.idle[0]]).toEqual([sum(load), sum(queued), sum(idle)]);
        const cpu = near % t.cpus;
        const lightest = tree.lightest(null, cpu);
        if (sum(idle) > 0) expect(idle[lightest]).toBe(1);
        const first = [...idle.keys()].find((k) => idle[k] === 1 && k >= cpu) ?? idle.indexOf(1);
        expect(tree.idleFrom(null, cpu)).toBe(first);
        const found = tree.idleNear(null, cpu, 0);
        expect(found >= 0).toBe(sum(idle) > 0);
        if (found >= 0) {
          expect(idle[found]).toBe(1);
          const size = t.cpuCount[t.common(cpu, found)]!;
          for (const k of idle.keys())
            if (idle[k] === 1) expect(t.cpuCount[t.common(cpu, k)]).toBeGreaterThanOrEqual(size);
        }
        const busiest = tree.busiestNear(cpu);
        expect(busiest >= 0).toBe(sum(queued) > queued[cpu]!);
        if (busiest >= 0) expect([busiest === cpu, queued[busiest]! > 0]).toEqual([false, true]);
        // A mask of few CPUs is searched exactly.
        const mask = new CpuMask(t.cpus).add(cpu).add((cpu * 7 + 3) % t.cpus);
        const view = new AllowedCpus(mask, 0, t);
        expect(mask.has(tree.lightest(view, 0))).toBe(true);
        for (const k of [tree.idleFrom(view, 5), tree.idleNear(view, 0, 0)]) {
          expect(k >= 0).toBe([...idle.keys()].some((i) => idle[i] === 1 && mask.has(i)));
          if (k >= 0) expect([mask.has(k), idle[k]]).toEqual([true, 1]);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("PriorityTree", () => {
  it("finds a CPU that runs the worst", () => {
    fc.assert(
      fc.property(shape, fc.array(fc.tuple(fc.nat(4095), fc.nat(512)), { maxLength: 100 }), ([a, b, c, d], sets) => {
        const t = topology(a!, b!, c!, d!);
        const tree = new PriorityTree(t);
        const model = new Int32Array(t.cpus).fill(512);
        for (const [cpu, p] of sets) {
          model[cpu % t.cpus] = p;
          tree.set(cpu % t.cpus, p);
        }
        expect(model[tree.worst(null)]).toBe(Math.max(...model));
        const running = Array.from(model).filter((p) => p < 512);
        expect(tree.worstRunning()).toBe(running.length === 0 ? -1 : Math.max(...running) >> 2);
        const mask = new CpuMask(t.cpus).add(0).add(t.cpus >> 1);
        const view = new AllowedCpus(mask, 0, t);
        expect(model[tree.worst(view)]).toBe(Math.max(model[0]!, model[t.cpus >> 1]!));
      }),
      { numRuns: 60 },
    );
  });
});
