import { describe, expect, it } from "vitest";
import {
  CLASS_REALTIME,
  CpuMask,
  DFLY_FORK_BEST,
  DFLY_FORK_SAME,
  DFLY_FORK_SPREAD,
  DFLY_FLIP,
  DFLY_PULL,
  DFLY_PUSH,
  DFLY_PUSH_MORE,
  DFLY_ROVER,
  DOZE_NS,
  Dfly,
  DflyTuning,
  ESTCPUMAX,
  LEVEL_CORE,
  LEVEL_MACHINE,
  LEVEL_NUMA,
  SAMPLE_NS,
  SLICE_NS,
  SchedEntity,
  TICK_NS,
  TopologyBuilder,
  TopologyNode,
  classicTuning,
  currentTuning,
  type Topology,
} from "@anax/scheduler";
import { batch, interactive, simulate } from "../src/host";
import { MS, Smp } from "../scenarios/support/smp";
import { topology } from "./smp";

function tuned(change: Partial<DflyTuning>, base = classicTuning()): DflyTuning {
  return Object.assign(base, change);
}

function machine(t: Topology, tuning: DflyTuning): { p: Dfly; s: Smp } {
  const p = new Dfly(t, tuning, "test");
  return { p, s: new Smp(p) };
}

describe("DflyTuning", () => {
  it("has both published settings", () => {
    const c = classicTuning();
    expect([c.weight1, c.weight2, c.weight3, c.weight4, c.features]).toEqual([200, 180, 40, 160, 0x8f]);
    const n = currentTuning();
    expect([n.weight1, n.weight2, n.weight3, n.weight4, n.weight5, n.weight6, n.weight7, n.features]).toEqual([
      30, 180, 10, 120, 50, 0, -100, 0x8f,
    ]);
    expect([c.wrong(), n.wrong()]).toEqual(["", ""]);
  });

  it("names a field that is out of range", () => {
    for (const k of ["weight1", "weight2", "weight3", "weight4", "weight5", "weight6", "weight7"] as const) {
      expect(tuned({ [k]: 1_000_001 }).wrong()).toBe(k);
    }
    expect(tuned({ fastResched: -1 }).wrong()).toBe("fastResched");
    expect(tuned({ features: 0x100 }).wrong()).toBe("features");
    expect(() => new Dfly(topology(1, 1, 1, 1), tuned({ features: 256 }), "x")).toThrow("out of range");
  });
});

describe("Dfly places", () => {
  it("hogs one to a core before it uses second threads", () => {
    const cores = (tuning: DflyTuning): number => {
      const { s, p } = machine(topology(1, 2, 4, 2), tuning);
      for (let i = 0; i < 8; i++) s.start(1, 0, null);
      s.run(12_000);
      return new Set(s.jobs.map((j) => p.topology.around(j.cpu, LEVEL_CORE))).size;
    };
    expect(cores(currentTuning())).toBe(8);
    // The earlier weight1 holds five in a package of four cores rather than move one.
    expect(cores(classicTuning())).toBeGreaterThanOrEqual(7);
  });

  it("where it was, as far as weight1 goes", () => {
    for (const [weight1, stays] of [
      [2000, true],
      [0, false],
    ] as const) {
      const { s, p } = machine(topology(1, 1, 2, 1), tuned({ weight1, weight4: 0, features: DFLY_PUSH }));
      const hog = s.create(1, 0, null);
      p.setMask(hog, new CpuMask(2).add(0), 0);
      s.wake(hog, -1);
      const sleeper = s.create(1, 50, null);
      s.wake(sleeper, -1);
      s.run(3000);
      sleeper.cpu = 0;
      if (sleeper.loaded) s.run(0);
      const fresh = s.create(1, 50, null);
      fresh.forked = false;
      fresh.cpu = 0;
      s.wake(fresh, -1);
      expect(fresh.cpu === 0).toBe(stays);
    }
  });

  it("partners near each other, and with DFLY_FLIP not on the very CPU", () => {
    const place = (features: number, weight2: number): number => {
      const { s, p } = machine(topology(2, 1, 4, 1), tuned({ weight1: 0, weight2, weight4: 0, features }));
      const e = s.create(1, 0, null);
      e.forked = false;
      e.cpu = 0;
      return p.setRunnable(e, 0, 6);
    };
    expect(place(DFLY_PUSH, 180)).toBe(6);
    const near = place(DFLY_PUSH | DFLY_FLIP, 180);
    expect([near >= 4, near !== 6]).toEqual([true, true]);
    expect(place(DFLY_PUSH, 0)).toBe(0);
  });

  it("on nodes with more memory first, by weight5", () => {
    const root = new TopologyNode(LEVEL_MACHINE);
    for (const memory of [1000, 4000]) {
      const node = root.add(new TopologyNode(LEVEL_NUMA));
      node.memory = memory;
      for (let i = 0; i < 2; i++) node.add(new TopologyNode(LEVEL_CORE));
    }
    const t = new TopologyBuilder().fromTree(root)!;
    for (const [weight5, cpu] of [
      [50, 2],
      [0, 0],
    ] as const) {
      const { s, p } = machine(t, tuned({ weight1: 0, weight5, features: DFLY_PUSH }));
      const e = s.create(1, 0, null);
      e.forked = false;
      expect(p.setRunnable(e, 0, -1)).toBe(cpu);
    }
  });

  it("children by the features: best, same, anywhere", () => {
    const children = (features: number): number[] => {
      const { s } = machine(topology(1, 1, 4, 1), tuned({ features }));
      const parent = s.start(1, 0, null);
      s.settle();
      return [1, 2, 3].map(() => {
        const child = s.start(1, 0, parent);
        s.settle();
        return child.cpu - parent.cpu;
      });
    };
    expect(children(DFLY_FORK_SAME)).toEqual([0, 0, 0]);
    expect(new Set(children(DFLY_FORK_BEST | DFLY_PUSH)).size).toBe(3);
    expect(new Set(children(DFLY_FORK_SPREAD)).size).toBe(3);
    expect(children(0)[0]).toBe(0);
  });

  it("by average: one wide node is not the better for being wide", () => {
    const root = new TopologyNode(LEVEL_MACHINE);
    for (const cores of [12, 2]) {
      const node = root.add(new TopologyNode(LEVEL_NUMA));
      for (let i = 0; i < cores; i++) node.add(new TopologyNode(LEVEL_CORE));
    }
    const { s, p } = machine(new TopologyBuilder().fromTree(root)!, classicTuning());
    for (let i = 0; i < 14; i++) s.start(1, 0, null);
    s.run(3000);
    expect(new Set(s.jobs.map((j) => j.cpu)).size).toBe(14);
    expect(p.runnable).toBe(0);
  });
});

describe("Dfly balances", () => {
  it("an idle CPU pulls, with DFLY_PULL only", () => {
    for (const pull of [true, false]) {
      const { s, p } = machine(topology(1, 1, 2, 1), tuned({ features: pull ? DFLY_PULL : 0 }));
      for (let i = 0; i < 2; i++) {
        const e = s.create(1, 0, null);
        e.forked = false;
        s.wake(e, -1);
      }
      s.settle();
      expect(p.waiting(0)).toBe(1);
      expect(p.choose(1, 0) !== null).toBe(pull);
      expect(p.waiting(0)).toBe(pull ? 0 : 1);
    }
  });

  it("an idle CPU that has more load does not, by weight7", () => {
    for (const [weight7, pulls] of [
      [-100_000, true],
      [100_000, false],
    ] as const) {
      const { s, p } = machine(topology(1, 1, 2, 1), tuned({ features: DFLY_PULL, weight7 }));
      for (let i = 0; i < 2; i++) {
        const e = s.create(1, 0, null);
        e.forked = false;
        s.wake(e, -1);
      }
      s.settle();
      expect(p.choose(1, 0) !== null).toBe(pulls);
    }
  });

  it("the rover takes from the worst queue every eighth tick, one CPU after the other", () => {
    const { s, p } = machine(topology(1, 1, 4, 1), tuned({ features: DFLY_ROVER }));
    for (let i = 0; i < 5; i++) {
      const e = s.create(1, 0, null);
      e.forked = false;
      s.wake(e, -1);
    }
    s.settle();
    expect([0, 1, 2, 3].map((c) => p.waiting(c))).toEqual([4, 0, 0, 0]);
    const moves: number[] = [];
    for (let tick = 1; tick <= 40; tick++) {
      const here = s.jobs.map((j) => j.cpu);
      for (let cpu = 0; cpu < 4; cpu++) p.tick(cpu, tick * TICK_NS);
      s.settle();
      for (const [i, j] of s.jobs.entries()) if (j.cpu !== here[i]) moves.push(tick * 10 + j.cpu);
    }
    expect(moves).toEqual([81, 162, 243, 401]);
  });

  it("hogs that were crowded spread over all CPUs", () => {
    for (const tuning of [classicTuning(), currentTuning()]) {
      const { s, p } = machine(topology(2, 1, 4, 1), tuning);
      const jobs = Array.from({ length: 8 }, () => s.create(1, 0, null));
      for (const j of jobs) {
        p.setMask(j, new CpuMask(8).add(0), 0);
        s.wake(j, -1);
      }
      s.run(2000);
      for (const j of jobs) p.setMask(j, null, s.now);
      s.run(6000);
      expect(new Set(jobs.map((j) => j.cpu)).size).toBe(8);
    }
  });
});

describe("Dfly counts", () => {
  it("an entity until it has slept for a second", () => {
    const { s, p } = machine(topology(1, 1, 2, 1), classicTuning());
    const job = s.create(1000, 5000, null);
    s.wake(job, -1);
    s.run(1000);
    const cpu = job.cpu;
    expect([job.asleep, p.ucount[cpu], p.uload[cpu]]).toEqual([true, 1, job.uload]);
    expect(job.uload).toBeGreaterThan(300);
    s.run(DOZE_NS / MS - 40);
    expect(p.ucount[cpu]).toBe(1);
    s.run(80);
    expect([p.ucount[cpu], p.uload[cpu]]).toEqual([0, 0]);
  });

  it("less for who is nice", () => {
    const load = (nice: number): number => {
      const e = new SchedEntity();
      e.nice = nice;
      e.estcpu = ESTCPUMAX;
      e.resetPriority();
      return e.uload;
    };
    expect([load(0), load(10), load(19), load(-20)]).toEqual([512, 256, 26, 1024]);
  });
});

describe("estcpu", () => {
  it("follows a new hog fast, within eight samples, then slowly", () => {
    const e = new SchedEntity();
    const seen: number[] = [];
    for (let k = 1; k <= 10; k++) {
      e.charge(SAMPLE_NS);
      e.closeSample(k * SAMPLE_NS, 0, 1);
      seen.push(e.estcpu);
    }
    expect(seen.slice(0, 3)).toEqual([8192, 10922, 12287]);
    expect(seen[7]).toBeGreaterThan(0.88 * ESTCPUMAX);
    const old = new SchedEntity();
    old.samples = 8;
    old.charge(SAMPLE_NS);
    old.closeSample(SAMPLE_NS, 0, 1);
    expect(old.estcpu).toBe(Math.floor(ESTCPUMAX / 9));
  });

  it("is raised by what waits beyond the CPUs", () => {
    const e = new SchedEntity();
    e.charge(SAMPLE_NS / 2);
    e.closeSample(SAMPLE_NS, 4, 4);
    const f = new SchedEntity();
    f.charge(SAMPLE_NS);
    f.closeSample(SAMPLE_NS, 0, 4);
    expect(e.estcpu).toBe(f.estcpu);
  });

  it("and so is the limit of a sample: whoever has a tenth of a crowded CPU is known as a hog", () => {
    const e = new SchedEntity();
    for (let k = 1; k <= 100; k++) {
      if (k % 10 === 0) e.charge(SAMPLE_NS);
      e.closeSample(k * SAMPLE_NS, 9, 1);
    }
    expect(e.estcpu).toBeGreaterThan(0.75 * ESTCPUMAX);
    // Not beyond 32 bits with a million that wait.
    for (const nice of [-20, 0, 19]) {
      e.nice = nice;
      e.charge(SAMPLE_NS);
      e.closeSample(e.sampleStart + SAMPLE_NS, 1_000_000, 1);
      expect(e.estcpu).toBe(ESTCPUMAX);
    }
  });

  it.each(["dfly-classic", "bsd4"])("%s lets short work pass sixteen hogs on one CPU", (policy) => {
    const tasks = [
      batch("hog", { count: 16 }),
      interactive("editor", { count: 4, think: { exponential: "50ms" }, run: "1ms" }),
    ];
    const { statistics } = simulate({ topology: "1", policy, workload: { tasks }, duration: "20s", record: false });
    expect(statistics.groups[1]!.latency.p50).toBeLessThan(50 * MS);
    expect(statistics.fairness.jain).toBeGreaterThan(0.98);
  });

  it("passes to a child four queues worse, costs the parent, and comes back at exit", () => {
    const parent = new SchedEntity();
    parent.estcpu = 1000;
    parent.nice = 3;
    const child = new SchedEntity();
    child.inherit(parent, 0);
    expect([child.estcpu, child.nice, parent.estcpu]).toEqual([1000 + 4 * 512, 3, 1032]);
    child.estcpu += 500;
    child.bequeath(parent);
    expect(parent.estcpu).toBe(1532);
    child.estcpu = 0;
    child.bequeath(parent);
    expect(parent.estcpu).toBe(1532);
    parent.estcpu = ESTCPUMAX;
    child.inherit(parent, 0);
    expect([child.estcpu, parent.estcpu]).toEqual([ESTCPUMAX, ESTCPUMAX]);
  });

  it("halves and more over a long sleep, and starts fast again", () => {
    const e = new SchedEntity();
    e.estcpu = ESTCPUMAX;
    e.samples = 8;
    e.sleepStart = 0;
    e.woken(DOZE_NS / 2);
    expect([e.estcpu, e.samples]).toEqual([ESTCPUMAX, 8]);
    e.sleepStart = 0;
    e.woken(DOZE_NS);
    expect(e.estcpu).toBeLessThan(ESTCPUMAX / 2);
    expect(e.samples).toBe(0);
  });
});

describe("features", () => {
  it("DFLY_PUSH_MORE moves a preempted hog to an idle CPU, paced in the later setting", () => {
    for (const pace of [false, true]) {
      const { s, p } = machine(topology(1, 1, 4, 1), tuned({ features: DFLY_PUSH_MORE, pace }));
      for (let i = 0; i < 2; i++) {
        const e = s.create(1, 0, null);
        e.forked = false;
        s.wake(e, -1);
      }
      s.run(600);
      const moved = s.jobs.filter((j) => j.cpu !== 0).length;
      s.run(4000);
      expect(s.jobs.filter((j) => j.cpu !== 0).length).toBe(1);
      if (!pace) expect(moved).toBe(1);
      expect(p.runnable).toBe(0);
    }
  });
});

describe("slices", () => {
  it("one that is over does not end while only worse ones wait", () => {
    const p = new Dfly(topology(1, 1, 1, 1), currentTuning(), "dfly");
    const [runs, worse, equal] = [50, 10, 50].map((rank) => {
      const e = new SchedEntity();
      p.add(e, null, 0);
      expect(p.setClass(e, CLASS_REALTIME, rank, true, 0)).toBe(0);
      return e;
    }) as [SchedEntity, SchedEntity, SchedEntity];
    p.setRunnable(runs, 0, -1);
    expect(p.choose(0, 0)).toBe(runs);
    expect(p.slice(0, runs)).toBe(-1);
    p.setRunnable(worse, 0, -1);
    expect(p.slice(0, runs)).toBe(SLICE_NS);
    p.account(runs, SLICE_NS, 0);
    expect([p.slice(0, runs), p.needResched(0)]).toEqual([-1, false]);
    p.setRunnable(equal, 0, -1);
    expect(p.slice(0, runs)).toBe(1);
    p.account(runs, 1, 0);
    expect(p.needResched(0)).toBe(true);
  });
});
