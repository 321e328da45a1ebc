import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CpuMask, type SchedPolicy } from "@anax/scheduler";
import { Smp } from "../scenarios/support/smp";
import { policy, topology } from "./smp";

/** What is idle in vain: CPUs without work while somebody waits who may run there, in CPU ms. */
interface Vain {
  total: number;
  /** Without an end in between. */
  longest: number;
}

function vain(p: SchedPolicy, s: Smp, ms: number): Vain {
  const since = new Int32Array(p.cpus);
  const found = { total: 0, longest: 0 };
  for (let i = 0; i < ms; i++) {
    s.step();
    s.settle();
    const waiting = s.jobs.filter((j) => j.queued);
    for (let cpu = 0; cpu < p.cpus; cpu++) {
      if (p.current[cpu] !== null || !waiting.some((j) => p.mayRun(j, cpu))) since[cpu] = 0;
      else {
        found.total++;
        found.longest = Math.max(found.longest, ++since[cpu]!);
      }
    }
  }
  return found;
}

const shape = fc.tuple(
  fc.integer({ min: 1, max: 2 }),
  fc.integer({ min: 1, max: 2 }),
  fc.integer({ min: 1, max: 6 }),
  fc.integer({ min: 1, max: 2 }),
);
const jobs = fc.array(
  fc.record({
    burst: fc.integer({ min: 1, max: 40 }),
    pause: fc.nat(20),
    nice: fc.integer({ min: -10, max: 10 }),
    /** CPUs by number from the first or from anywhere; none for no mask. */
    cpus: fc.oneof(fc.constant([]), fc.array(fc.nat(3), { maxLength: 2 }), fc.array(fc.nat(47), { maxLength: 30 })),
  }),
  { minLength: 1, maxLength: 90, size: "max" },
);
type Jobs = typeof jobs extends fc.Arbitrary<infer T> ? T : never;

function load(name: string, of: [number, number, number, number], list: Jobs, masks: boolean): [SchedPolicy, Smp] {
  const p = policy(name, topology(...of));
  const s = new Smp(p);
  for (const { burst, pause, nice, cpus } of list) {
    const job = s.create(burst, pause, null);
    p.setNice(job, nice, 0);
    const mask = new CpuMask(p.cpus);
    for (const cpu of cpus) mask.add(cpu % p.cpus);
    if (masks && cpus.length > 0) p.setMask(job, mask, 0);
    s.wake(job, -1);
  }
  return [p, s];
}

it.each(["bsd4", "eevdf", "round-robin"])("%s: who is bound to the busiest CPU hides nobody elsewhere", (name) => {
  const [p, s] = [policy(name, topology(1, 1, 3, 1))].map((made) => [made, new Smp(made)] as const)[0]!;
  const only = (...cpus: number[]): CpuMask => cpus.reduce((mask, cpu) => mask.add(cpu), new CpuMask(3));
  for (let i = 0; i < 8; i++) {
    const job = s.create(1, 0, null);
    p.setMask(job, only(i < 6 ? 0 : 1), 0);
    s.wake(job, -1);
  }
  s.run(100);
  expect(p.current[2]).toBe(null);
  for (const job of s.jobs.slice(6)) p.setMask(job, only(1, 2), s.now);
  s.run(60);
  expect(p.current[2]).not.toBe(null);
});

describe("no CPU is idle for long while somebody waits who may run there", { timeout: 120_000 }, () => {
  // An idle CPU looks at each tick (20 ms); bsd4 at all that wait, the others at 16 CPUs more than the nearest.
  it.each([
    ["bsd4", 41],
    ["eevdf", 81],
    ["round-robin", 81],
  ])("%s, whatever the masks", (name, most) => {
    fc.assert(
      fc.property(shape, jobs, (of, list) => {
        expect(vain(...load(name, of, list, true), 800).longest).toBeLessThanOrEqual(most);
      }),
      { numRuns: 40 },
    );
  });

  // It leaves an entity where it is when the idle CPU has the higher load of sleepers, and pulls from one CPU only.
  it.each(["dfly", "dfly-classic"])("%s, where there are no masks, for an eighth of the time at most", (name) => {
    fc.assert(
      fc.property(shape, jobs, (of, list) => {
        const [p, s] = load(name, of, list, false);
        expect(vain(p, s, 800).total).toBeLessThan((p.cpus * 800) / 8);
      }),
      { numRuns: 20 },
    );
  });
});
