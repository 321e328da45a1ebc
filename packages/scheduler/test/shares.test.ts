import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CLASS_IDLE,
  CLASS_NORMAL,
  Eevdf,
  FairNode,
  FairQueue,
  SchedEntity,
  UserScheduler,
  virtualTime,
} from "@anax/scheduler";
import { MS, Smp } from "../scenarios/support/smp";
import { policy, topology } from "./smp";

/** CPU time of hogs of these nice values on one CPU, in ms, after they have settled. */
function shares(name: string, nices: number[], ms: number): number[] {
  const s = new Smp(policy(name, topology(1, 1, 1, 1)));
  for (const nice of nices) s.policy.setNice(s.start(1, 0, null), nice, 0);
  s.run(10_000);
  const before = s.jobs.map((j) => j.got);
  s.run(ms);
  return s.jobs.map((j, i) => (j.got - before[i]!) / MS);
}

describe("nice", () => {
  it.each(["dfly", "dfly-classic", "bsd4"])("%s gives the nicer one less, but not nothing", (name) => {
    for (const [a, b] of [
      [0, 5],
      [0, 15],
      [-5, 5],
      [-20, 19],
    ] as const) {
      const [less, more] = [shares(name, [a, b], 30_000)[1]!, shares(name, [a, b], 30_000)[0]!];
      expect(less).toBeLessThan(more);
      expect(less).toBeGreaterThan(0.01 * 30_000);
    }
    const [zero, ten, nineteen] = [5, 10, 19].map((n) => shares(name, [0, n], 30_000)[1]!);
    expect(zero! + 300).toBeGreaterThan(ten!);
    expect(ten! + 300).toBeGreaterThan(nineteen!);
    const [base, nice15] = shares(name, [0, 15], 30_000);
    expect(base! / nice15!).toBeGreaterThan(2);
    expect(base! / nice15!).toBeLessThan(20);
  });

  it("eevdf shares by weight, within a slice or so", () => {
    const weight = (nice: number): number => {
      const e = new SchedEntity();
      e.nice = nice;
      return new Eevdf(topology(1, 1, 1, 1)).weightOf(e);
    };
    expect([weight(0), weight(-20), weight(19), weight(5)]).toEqual([1024, 88761, 15, 335]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -10, max: 10 }), { minLength: 2, maxLength: 6 }), (nices) => {
        const ms = 20_000;
        const got = shares("eevdf", nices, ms);
        const all = nices.reduce((sum, n) => sum + weight(n), 0);
        for (const [i, n] of nices.entries())
          expect(Math.abs(got[i]! - (ms * weight(n)) / all)).toBeLessThan(0.01 * ms);
      }),
      { numRuns: 15 },
    );
  });

  it("eevdf gives class IDLE the weight 3", () => {
    const p = new Eevdf(topology(1, 1, 1, 1));
    const e = new SchedEntity();
    p.add(e, null, 0);
    p.setClass(e, CLASS_IDLE, 0, false, 0);
    expect(p.weightOf(e)).toBe(3);
    p.setClass(e, CLASS_NORMAL, 0, false, 0);
    expect(p.weightOf(e)).toBe(1024);
  });

  it("round-robin does not know it", () => {
    const got = shares("round-robin", [-20, 0, 19], 9000);
    for (const t of got) expect(Math.abs(t - 3000)).toBeLessThan(150);
  });
});

describe("EEVDF", () => {
  it("keeps every lag within a slice and what a step overruns", () => {
    const jobs = fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.nat(40), fc.integer({ min: -15, max: 15 })), {
      minLength: 2,
      maxLength: 10,
    });
    fc.assert(
      fc.property(jobs, (list) => {
        const p = new Eevdf(topology(1, 1, 1, 1));
        const s = new Smp(p);
        for (const [burst, pause, nice] of list) p.setNice(s.start(burst, pause, null), nice, 0);
        const q = p.queueOf(0);
        // Nobody is ahead or behind by more than a slice; steps of 1 ms end up to 1 ms late, and those who come and go
        // with their lag shift the average for the others.
        const bound = 2 * (Number(p.sliceNs) + MS);
        for (let ms = 0; ms < 3000; ms++) {
          s.step();
          for (const j of s.jobs) {
            const n = j.fair!;
            if (!n.member) continue;
            const lag = ((q.clock - n.vruntime) * n.weight) / 1024;
            expect(Math.abs(lag)).toBeLessThan(bound);
          }
        }
      }),
      { numRuns: 12 },
    );
  });

  it.each([
    [3, 2],
    [5, 4],
    [12, 8],
  ])("shares %i hogs evenly over %i CPUs in the long run, as Linux' balancing does", (hogs, cpus) => {
    const s = new Smp(policy("eevdf", topology(1, 1, cpus, 1)));
    for (let i = 0; i < hogs; i++) s.start(1, 0, null);
    s.run(20_000);
    const got = s.jobs.map((j) => j.got / MS);
    const sum = got.reduce((a, b) => a + b);
    // Where everybody stays where it is, that is 0.89 to 0.92.
    expect((sum * sum) / (hogs * got.reduce((a, b) => a + b * b, 0))).toBeGreaterThan(0.93);
    // And not at any price.
    expect(s.jobs.reduce((sum, j) => sum + j.moves, 0)).toBeLessThan(20 * 8 * cpus);
  });

  it("finds the earliest deadline among the eligible, as a search of all does", () => {
    const node = fc.tuple(fc.nat(1000), fc.nat(1000), fc.integer({ min: 1, max: 5000 }));
    fc.assert(
      fc.property(fc.array(node, { minLength: 1, maxLength: 60 }), fc.array(fc.nat(1000)), (nodes, outs) => {
        const q = new FairQueue();
        let all: FairNode[] = nodes.map(([v, d, w]) => {
          const n = new FairNode(new SchedEntity());
          [n.vruntime, n.deadline, n.weight] = [v, d, w];
          q.join(n);
          q.insert(n);
          return n;
        });
        for (const out of [...outs, -1]) {
          const eligible = all.filter((n) => q.eligible(n));
          const best = Math.min(...eligible.map((n) => n.deadline));
          const found = q.pick();
          expect(found?.deadline ?? Infinity).toBe(best);
          const average = all.reduce((s, n) => s + n.vruntime * n.weight, 0) / all.reduce((s, n) => s + n.weight, 0);
          if (all.length > 0) expect(Math.abs(q.clock - average)).toBeLessThanOrEqual(1);
          if (out < 0 || all.length === 0) break;
          const gone = all[out % all.length]!;
          q.remove(gone);
          q.leave(gone, 1e9);
          all = all.filter((n) => n !== gone);
        }
      }),
    );
  });

  it("counts virtual time by weight", () => {
    expect([virtualTime(1000, 1024), virtualTime(1000, 2048), virtualTime(1000, 512)]).toEqual([1000, 500, 2000]);
  });

  it("brings a sleeper back with the lag it left with, and no more credit than a slice", () => {
    const s = new Smp(policy("eevdf", topology(1, 1, 1, 1)));
    s.start(1, 0, null);
    const sleeper = s.start(2, 500, null);
    s.run(10_000);
    // 2 ms of work each 502 ms: it never waits long behind one hog, and gets all it asks for.
    expect(sleeper.got / MS).toBeGreaterThan(0.97 * 2 * (10_000 / 504));
  });
});

describe("UserScheduler", () => {
  it("gives a starving one a turn, however many better ones there are", () => {
    const s = new UserScheduler();
    const all = Array.from({ length: 6 }, () => new SchedEntity());
    for (const e of all) s.add(e, null, 0);
    s.setNice(all[5]!, 19);
    for (const e of all) s.setRunnable(e, 0);
    let running = s.choose()!;
    let got = 0;
    for (let now = MS; now < 30_000 * MS; now += MS) {
      s.account(running, MS, now);
      if (running === all[5]) got += MS;
      if (!s.needResched) continue;
      s.setRunnable(running, now);
      running = s.choose()!;
    }
    expect(got / MS).toBeGreaterThan(500);
    expect(got / MS).toBeLessThan(3000);
  });
});
