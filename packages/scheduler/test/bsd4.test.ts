import { describe, expect, it } from "vitest";
import {
  Bsd4,
  Bsd4Tuning,
  ESTCPUMAX,
  LEVEL_CORE,
  SAMPLE_NS,
  SchedEntity,
  TICK_NS,
  type Topology,
} from "@anax/scheduler";
import { topology } from "./smp";

const MS = 1_000_000;

function tuned(change: Partial<Bsd4Tuning>): Bsd4Tuning {
  return Object.assign(new Bsd4Tuning(), change);
}

/** Entities that have run, one on each of the given CPUs, and sleep since. */
function ran(p: Bsd4, cpus: readonly number[]): SchedEntity[] {
  return cpus.map((cpu) => {
    const e = new SchedEntity();
    p.add(e, null, 0);
    p.setRunnable(e, 0, -1);
    expect(p.choose(cpu, 10 * TICK_NS)).toBe(e);
    p.sleep(e, 0);
    return e;
  });
}

function machine(t: Topology, tuning = new Bsd4Tuning()): Bsd4 {
  return new Bsd4(t, tuning);
}

/** A hog of worse priority that runs on a CPU. */
function hog(p: Bsd4, cpu: number, nice: number): SchedEntity {
  const e = new SchedEntity();
  e.nice = nice;
  p.add(e, null, 0);
  p.setRunnable(e, 0, -1);
  expect(p.choose(cpu, 10 * TICK_NS)).toBe(e);
  return e;
}

/** What a CPU chooses whose entity goes to sleep at a tick. */
function chooses(p: Bsd4, cpu: number, tick: number): SchedEntity | null {
  const urgent = p.current[cpu] ?? hog(p, cpu, -20);
  p.sleep(urgent, tick * TICK_NS);
  return p.choose(cpu, tick * TICK_NS);
}

describe("Bsd4Tuning", () => {
  it("has the original's values and names what is out of range", () => {
    const { upriAffinity, queueChecks, batchTime, stickToLevel } = new Bsd4Tuning();
    expect({ upriAffinity, queueChecks, batchTime, stickToLevel }).toEqual({
      upriAffinity: 16,
      queueChecks: 5,
      batchTime: 10,
      stickToLevel: 0,
    });
    expect(new Bsd4Tuning().wrong()).toBe("");
    const bad = { upriAffinity: -1, queueChecks: 0, keepTicks: -1, stickToLevel: 9, batchTime: 1501 };
    for (const [field, value] of Object.entries(bad)) expect(tuned({ [field]: value }).wrong()).toBe(field);
    expect(() => new Bsd4(topology(1, 1, 1, 1), tuned({ queueChecks: 0 }))).toThrow("out of range");
  });
});

describe("Bsd4 keeps an entity for the CPU that it ran on", () => {
  it("for this tick and the next, and no longer", () => {
    const p = machine(topology(1, 1, 2, 1));
    const [e] = ran(p, [1]) as [SchedEntity];
    p.setRunnable(e, 20 * TICK_NS, -1);
    expect(chooses(p, 0, 20)).toBeNull();
    expect(chooses(p, 0, 21)).toBeNull();
    expect(chooses(p, 0, 22)).toBe(e);
    expect(e.cpu).toBe(0);
  });

  it("which may take it at once, as may one below the same node with stickToLevel", () => {
    for (const [level, cpu, takes] of [
      [0, 1, true],
      [0, 0, false],
      [1, 0, true],
      [1, 2, false],
      [2, 2, true],
    ] as const) {
      const p = machine(topology(1, 1, 2, 2), tuned({ stickToLevel: level }));
      const [e] = ran(p, [1]) as [SchedEntity];
      p.setRunnable(e, 20 * TICK_NS, -1);
      expect(chooses(p, cpu, 20)).toBe(takes ? e : null);
    }
  });

  it("and tells that CPU when it runs something worse", () => {
    const p = machine(topology(1, 1, 2, 1));
    const [e] = ran(p, [1]) as [SchedEntity];
    hog(p, 1, 19);
    hog(p, 0, -20);
    p.setRunnable(e, 20 * TICK_NS, -1);
    while (p.nextWanted() >= 0);
    expect(chooses(p, 0, 20)).toBeNull();
    expect([p.nextWanted(), p.nextWanted()]).toEqual([1, -1]);
  });

  it("unless some CPU runs what is worse by more than upriAffinity queues", () => {
    for (const [upriAffinity, takes] of [
      [16, false],
      [2, true],
    ] as const) {
      const p = machine(topology(1, 1, 3, 1), tuned({ upriAffinity }));
      const [e] = ran(p, [1]) as [SchedEntity];
      hog(p, 2, 19);
      p.setRunnable(e, 20 * TICK_NS, -1);
      expect(chooses(p, 0, 20)).toBe(takes ? e : null);
    }
  });

  it("passing over no more than queueChecks, then the nearest of them", () => {
    // CPU 0 of node 0 looks; the entities ran in node 1, but for one that ran on the other thread of its core.
    const p = machine(topology(2, 1, 4, 2), tuned({ queueChecks: 3 }));
    const es = ran(p, [9, 1, 10, 11]);
    for (const e of es) p.setRunnable(e, 20 * TICK_NS, -1);
    expect(chooses(p, 0, 20)).toBe(es[1]);
    // With more checks than entities all are left to their own CPUs.
    const patient = machine(topology(2, 1, 4, 2), tuned({ queueChecks: 5 }));
    for (const e of ran(patient, [9, 1, 10, 11])) patient.setRunnable(e, 20 * TICK_NS, -1);
    expect(chooses(patient, 0, 20)).toBeNull();
  });

  it("not at all with keepTicks 0", () => {
    const p = machine(topology(1, 1, 2, 1), tuned({ keepTicks: 0 }));
    const [e] = ran(p, [1]) as [SchedEntity];
    p.setRunnable(e, 20 * TICK_NS, -1);
    expect(chooses(p, 0, 20)).toBe(e);
  });

  it("but not when it is idle and told to look: it takes the first, or the next if that ran there", () => {
    const p = machine(topology(1, 1, 4, 1));
    const [first, mine, last] = ran(p, [1, 0, 0]) as [SchedEntity, SchedEntity, SchedEntity];
    for (const e of [first, mine, last]) p.setRunnable(e, 20 * TICK_NS, -1);
    expect(p.choose(2, 20 * TICK_NS)).toBe(first);
    p.sleep(first, 20 * TICK_NS);
    expect(p.choose(2, 20 * TICK_NS)).toBeNull();
    expect(p.choose(2, 20 * TICK_NS)).toBe(mine);
    expect(p.choose(3, 20 * TICK_NS)).toBe(last);
    const q = machine(topology(1, 1, 4, 1));
    const [other, own] = ran(q, [1, 0]) as [SchedEntity, SchedEntity];
    expect(q.choose(0, 20 * TICK_NS)).toBeNull();
    for (const e of [other, own]) q.setRunnable(e, 20 * TICK_NS, -1);
    expect(q.choose(0, 20 * TICK_NS)).toBe(own);
  });
});

describe("Bsd4 tells a CPU", () => {
  it("an idle core before an idle thread, and beside the best when there is none", () => {
    const t = topology(1, 1, 4, 2);
    const p = machine(t);
    const busy = new Set<number>();
    for (let i = 0; i < 4; i++) {
      const e = new SchedEntity();
      p.add(e, null, 0);
      p.setRunnable(e, 0, -1);
      const cpu = p.nextWanted();
      busy.add(t.around(cpu, LEVEL_CORE));
      expect(p.choose(cpu, 10 * TICK_NS)).toBe(e);
    }
    expect(busy.size).toBe(4);
    // Now every core has one thread busy. The one of core 2 is made the best.
    const best = [...Array(8).keys()]
      .map((cpu) => p.current[cpu])
      .find((e) => e !== null && e !== undefined && e.cpu >> 1 === 2)!;
    p.setNice(best, -20, 0);
    while (p.nextWanted() >= 0);
    const e = new SchedEntity();
    p.add(e, null, 0);
    p.setRunnable(e, 0, -1);
    expect(p.nextWanted() >> 1).toBe(2);
  });

  it("that runs the worst, when none is idle and the new one is better", () => {
    const p = machine(topology(1, 1, 3, 1));
    hog(p, 0, 0);
    hog(p, 1, 19);
    hog(p, 2, 5);
    while (p.nextWanted() >= 0);
    const e = new SchedEntity();
    p.add(e, null, 0);
    p.setRunnable(e, 0, -1);
    expect([p.nextWanted(), p.nextWanted()]).toEqual([1, -1]);
  });
});

describe("Bsd4 counts use of the CPU", () => {
  it("half for who is not batch-like, fully after 30 s of it; a child begins in the middle", () => {
    const p = machine(topology(1, 1, 1, 1));
    const parent = hog(p, 0, 0);
    const run = (seconds: number, from: number): number => {
      let now = from;
      for (; now < from + seconds * 1000 * MS; now += 20 * MS) p.account(parent, 20 * MS, now + 20 * MS);
      return now;
    };
    const behind = (e: SchedEntity): number => {
      const twin = new SchedEntity();
      twin.resetPriorityBy(e.estcpu);
      const none = new SchedEntity();
      none.resetPriorityBy(0);
      return (e.priority - none.priority) / (twin.priority - none.priority);
    };
    let now = run(3, 0);
    expect(parent.estcpu).toBeGreaterThan(0.9 * ESTCPUMAX);
    expect(behind(parent)).toBeGreaterThan(0.45);
    expect(behind(parent)).toBeLessThan(0.6);
    now = run(30, now);
    expect(behind(parent)).toBeGreaterThan(0.97);
    expect(parent.batch).toBe(1500);
    const child = new SchedEntity();
    p.add(child, parent, now);
    expect(child.batch).toBe(750);
  });

  it("and decays what waits, by samples", () => {
    const p = machine(topology(1, 1, 1, 1));
    const e = hog(p, 0, 0);
    for (let now = 0; now < 3000 * MS; now += 20 * MS) p.account(e, 20 * MS, now + 20 * MS);
    const used = e.estcpu;
    const other = new SchedEntity();
    p.add(other, null, 3000 * MS);
    p.setRunnable(e, 3000 * MS, -1);
    p.setRunnable(other, 3000 * MS, -1);
    expect(p.choose(0, 3000 * MS)).toBe(other);
    for (let now = 3000 * MS; now < 3000 * MS + 10 * SAMPLE_NS; now += TICK_NS) p.tick(0, now);
    expect(e.estcpu).toBeLessThan(used / 2);
  });
});
