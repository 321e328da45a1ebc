import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CLASS_IDLE,
  CLASS_NORMAL,
  CLASS_REALTIME,
  CLASS_THREAD,
  CpuMask,
  Dfly,
  Eevdf,
  POLICIES,
  newPolicy,
  policyByName,
  policyName,
  type SchedPolicy,
} from "@anax/scheduler";
import { MS, Smp, type Job } from "../scenarios/support/smp";
import { policy, topology } from "./smp";

const NAMES = Array.from({ length: POLICIES }, (_, p) => policyName(p));

/** What the policies promise of their own sums. */
function recount(s: Smp): void {
  const p = s.policy;
  if (p instanceof Dfly) {
    const uload = new Int32Array(p.cpus);
    const ucount = new Int32Array(p.cpus);
    for (const j of s.jobs.filter((x) => x.loaded)) {
      uload[j.cpu]! += j.uload;
      ucount[j.cpu]!++;
    }
    expect(p.uload).toEqual(uload);
    expect(p.ucount).toEqual(ucount);
    const t = p.topology;
    const load = new Int32Array(t.nodes);
    const queued = new Int32Array(t.nodes);
    const idle = new Int32Array(t.nodes);
    for (let cpu = 0; cpu < p.cpus; cpu++) {
      for (let n = t.leaf[cpu]!; n >= 0; n = t.parent[n]!) {
        load[n]! += p.effective(cpu);
        queued[n]! += Math.max(0, p.waiting(cpu) - (p.current[cpu] === null ? 1 : 0));
        if (p.current[cpu] === null && p.waiting(cpu) === 0) idle[n]!++;
      }
    }
    expect(p.tree.load).toEqual(load);
    expect(p.tree.queued).toEqual(queued);
    expect(p.tree.idle).toEqual(idle);
  } else if (p instanceof Eevdf) {
    for (let cpu = 0; cpu < p.cpus; cpu++) {
      const q = p.queueOf(cpu);
      const members = s.jobs.filter((j) => j.fair?.member && j.cpu === cpu && !j.gone).map((j) => j.fair!);
      expect(q.weight).toBe(members.reduce((sum, n) => sum + n.weight, 0));
      expect(q.rest).toBe(members.reduce((sum, n) => sum + n.weight * (n.vruntime - q.clock), 0));
      expect(q.count).toBe(members.filter((n) => n.entity.queued).length);
      if (members.length > 0) expect(members.some((n) => q.eligible(n))).toBe(true);
    }
  }
}

type Op = readonly [op: number, job: number, a: number, b: number];

const CLASSES = [CLASS_REALTIME, CLASS_NORMAL, CLASS_IDLE, CLASS_THREAD, CLASS_NORMAL, 7];

function apply(s: Smp, [op, index, a, b]: Op): void {
  const p = s.policy;
  const living = s.jobs.filter((j) => !j.gone);
  const job: Job | undefined = living[index % Math.max(living.length, 1)];
  if (op === 0 || job === undefined) {
    s.start(1 + (a % 9), b % 3 === 0 ? 0 : 1 + (b % 30), job !== undefined && a % 2 === 0 ? job : null);
  } else if (op === 1) s.run(1 + (a % 40));
  else if (op === 2) p.setNice(job, (a % 50) - 25, s.now);
  else if (op === 3) {
    const klass = CLASSES[a % CLASSES.length]!;
    const priority = klass === CLASS_REALTIME ? b % 110 : b % 20 === 0 ? 1 : 0;
    const bad = klass === 7 || (klass === CLASS_REALTIME ? priority < 1 || priority > 99 : priority !== 0);
    expect(p.setClass(job, klass, priority, b % 2 === 0, s.now)).toBe(bad ? -22 : 0);
  } else if (op === 4) {
    const mask = new CpuMask(p.cpus);
    if (a % 4 === 0) mask.add(b % p.cpus);
    else for (let c = 0; c < p.cpus; c++) if (((a + c * 7) * (b + 3)) % 3 === 0) mask.add(c);
    const clear = a % 7 === 0;
    expect(p.setMask(job, clear ? null : mask, s.now)).toBe(!clear && mask.count === 0 ? -22 : 0);
    expect(p.setMask(job, new CpuMask(p.cpus + 1).add(0), s.now)).toBe(-22);
  } else if (op === 5) {
    if (p.current[job.cpu] === job) p.yieldNow(job, s.now);
  } else if (op === 6) {
    if (!job.queued) return;
    p.unsetRunnable(job, s.now);
    job.asleep = true;
    job.wakeAt = s.now + (a % 2000) * MS;
  } else if (op === 7) {
    s.end(job, a % 2 === 0 ? (living.find((j) => j !== job) ?? null) : null);
  } else if (op === 8) {
    if (job.asleep) s.wake(job, b % p.cpus);
  } else {
    for (let k = 0; k < 3; k++) {
      if (p.current[job.cpu] !== job) return;
      s.now += (a % 300) * MS;
      p.account(job, (a % 300) * MS, s.now);
      p.tick(b % p.cpus, s.now);
    }
  }
}

/** Every CPU that wants to be looked at has been named. */
function drain(p: SchedPolicy): void {
  const named = new Set<number>();
  for (let cpu = p.nextWanted(); cpu >= 0; cpu = p.nextWanted()) {
    expect(named.has(cpu)).toBe(false);
    named.add(cpu);
  }
  for (let cpu = 0; cpu < p.cpus; cpu++) expect(named.has(cpu)).toBe(p.needResched(cpu));
}

const level = fc.integer({ min: 1, max: 3 });

describe.each(NAMES)("%s", (name) => {
  it(
    "loses nobody, runs nobody twice, respects masks and keeps its sums under any operations",
    { timeout: 60_000 },
    () => {
      fc.assert(
        fc.property(
          fc.tuple(level, level, fc.constantFrom(1, 2, 3, 20), level),
          fc.array(fc.tuple(fc.nat(9), fc.nat(40), fc.nat(1000), fc.nat(1000)), { maxLength: 80 }),
          (shape, ops) => {
            const s = new Smp(policy(name, topology(...shape)));
            for (const op of ops) {
              apply(s, op);
              s.check();
              drain(s.policy);
              recount(s);
              s.settle();
              s.check();
              recount(s);
              drain(s.policy);
            }
            for (const job of s.jobs.filter((j) => !j.gone)) s.end(job, null);
            s.check();
            recount(s);
            expect(s.policy.runnable).toBe(0);
            for (let cpu = 0; cpu < s.policy.cpus; cpu++) {
              expect(s.policy.waiting(cpu)).toBe(0);
              expect(s.policy.current[cpu]).toBe(null);
            }
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  it("starves nobody of class NORMAL", { timeout: 60_000 }, () => {
    const load = fc.record({
      cores: fc.integer({ min: 1, max: 3 }),
      jobs: fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.nat(20), fc.integer({ min: -20, max: 19 })), {
        minLength: 2,
        maxLength: 12,
      }),
    });
    fc.assert(
      fc.property(load, ({ cores, jobs }) => {
        const s = new Smp(policy(name, topology(1, 1, cores, 1)));
        for (const [burst, pause, nice] of jobs) s.policy.setNice(s.start(burst, pause, null), nice, s.now);
        // 3 s until one is starving, then each of them in its turn.
        const patience = (3500 + 1000 * jobs.length) * MS;
        for (let ms = 0; ms < 12_000; ms += 10) {
          s.run(10);
          for (const j of s.jobs) {
            if (j.asleep) j.ranAt = s.now;
            expect(s.now - j.ranAt).toBeLessThan(patience);
          }
        }
      }),
      { numRuns: 8 },
    );
  });

  it("keeps all CPUs busy and shares them evenly between equals", () => {
    const s = new Smp(policy(name, topology(1, 2, 2, 1)));
    for (let i = 0; i < 12; i++) s.start(1, 0, null);
    s.run(20_000);
    const got = s.jobs.map((j) => j.got / MS);
    expect(got.reduce((a, b) => a + b)).toBeGreaterThan(0.99 * 4 * 20_000);
    for (const t of got) expect(Math.abs(t - 6667)).toBeLessThan(0.25 * 6667);
  });

  it("runs real-time before normal before idle before thread, wherever that is", () => {
    for (const cores of [1, 2]) {
      const p = policy(name, topology(1, 1, cores, 1));
      const s = new Smp(p);
      const classes = [CLASS_THREAD, CLASS_IDLE, CLASS_NORMAL, CLASS_REALTIME];
      const jobs = classes.flatMap((c) => Array.from({ length: cores }, () => [c, s.create(1, 0, null)] as const));
      for (const [c, j] of jobs) expect(p.setClass(j, c, c === CLASS_REALTIME ? 5 : 0, false, 0)).toBe(0);
      for (const [, j] of jobs) s.wake(j, -1);
      s.run(1000);
      const got = (c: number): number => jobs.filter(([k]) => k === c).reduce((sum, [, j]) => sum + j.got / MS, 0);
      expect(got(CLASS_REALTIME)).toBeGreaterThan(990 * cores);
      for (const [c, j] of jobs) if (c === CLASS_REALTIME) s.end(j, null);
      const before = got(CLASS_NORMAL);
      s.run(1000);
      expect(got(CLASS_NORMAL) - before).toBeGreaterThan(960 * cores);
    }
  });

  it("takes a mask of one CPU, and moves who is queued or runs where it must not", () => {
    const p = policy(name, topology(1, 1, 4, 1));
    const s = new Smp(p);
    const jobs = Array.from({ length: 8 }, () => s.start(1, 0, null));
    s.run(50);
    for (const j of jobs) p.setMask(j, new CpuMask(4).add(2), s.now);
    s.settle();
    s.check();
    for (const cpu of [0, 1, 3]) expect(p.current[cpu]).toBe(null);
    const before = jobs.map((j) => j.got);
    s.run(8000);
    for (const [i, j] of jobs.entries()) expect(Math.abs((j.got - before[i]!) / MS - 1000)).toBeLessThan(300);
    for (const j of jobs) p.setMask(j, null, s.now);
    s.run(4000);
    for (let cpu = 0; cpu < 4; cpu++) expect(p.current[cpu]).not.toBe(null);
  });

  it("inherits nice, class and mask at a fork", () => {
    const p = policy(name, topology(1, 1, 4, 1));
    const s = new Smp(p);
    const parent = s.create(1, 0, null);
    p.setClass(parent, CLASS_REALTIME, 7, true, 0);
    p.setNice(parent, 5, 0);
    p.setMask(parent, new CpuMask(4).add(1).add(3), 0);
    const child = s.start(1, 0, parent);
    expect([child.klass, child.rtPriority, child.roundRobin, child.nice]).toEqual([CLASS_REALTIME, 7, true, 5]);
    expect([1, 3]).toContain(child.cpu);
    s.end(parent, null);
    s.run(10);
    expect(child.got).toBe(10 * MS);
    expect([1, 3]).toContain(child.lastCpu);
  });

  it("puts a preempted FIFO thread back to the head, one that yields to the tail", () => {
    // bsd4 knows tails only, as the original.
    if (name === "bsd4") return;
    const p = policy(name, topology(1, 1, 1, 1));
    const s = new Smp(p);
    const [a, b, urgent] = [s.create(1, 0, null), s.create(1, 0, null), s.create(1, 20, null)];
    for (const j of [a, b]) p.setClass(j, CLASS_REALTIME, 5, false, 0);
    p.setClass(urgent, CLASS_REALTIME, 50, false, 0);
    s.wake(a, -1);
    s.wake(b, -1);
    s.run(300);
    expect([a.got, b.got]).toEqual([300 * MS, 0]);
    s.wake(urgent, -1);
    s.run(300);
    // Round robin knows no priorities.
    if (name !== "round-robin") expect(urgent.got).toBeGreaterThan(5 * MS);
    expect(b.got).toBe(0);
    p.yieldNow(a, s.now);
    s.run(100);
    expect(b.got).toBeGreaterThan(0);
  });

  it("does not take what cannot be", () => {
    const p = policy(name, topology(1, 1, 2, 1));
    const s = new Smp(p);
    const [runs, sleeps] = [s.start(1, 0, null), s.create(1, 0, null)];
    s.settle();
    expect(() => p.account(sleeps, MS, MS)).toThrow("does not run");
    expect(() => p.account(runs, -1, MS)).toThrow("negative");
    expect(() => p.sleep(sleeps, MS)).toThrow("does not run");
    expect(() => p.choose(runs.cpu, MS)).toThrow("busy");
    expect(() => p.choose(2, MS)).toThrow();
    expect(p.setRunnable(sleeps, MS, 77)).toBeLessThan(2);
    expect(() => p.add(sleeps, null, MS)).toThrow("queued");
  });

  it("works with 4,096 CPUs", { timeout: 60_000 }, () => {
    const p = policy(name, topology(8, 4, 64, 2));
    const s = new Smp(p);
    for (let i = 0; i < 5000; i++) s.start(5, i % 2 === 0 ? 0 : 7, null);
    const one = s.create(1, 0, null);
    p.setMask(one, new CpuMask(4096).add(4095), 0);
    s.wake(one, 0);
    s.run(150);
    expect(one.got).toBeGreaterThan(0);
    expect(one.lastCpu).toBe(4095);
    expect(new Set(s.jobs.map((j) => j.lastCpu)).size).toBeGreaterThan(2000);
    let queued = 0;
    for (const j of s.jobs) if (j.queued) queued++;
    expect(p.runnable).toBe(queued);
    recount(s);
  });
});

describe("registry", () => {
  it("knows the policies by number and name", () => {
    expect(NAMES).toEqual(["dfly", "dfly-classic", "bsd4", "eevdf", "round-robin"]);
    const t = topology(1, 1, 2, 1);
    for (const [p, name] of NAMES.entries()) {
      expect(policyByName(name)).toBe(p);
      expect(newPolicy(p, t)!.name).toBe(name);
    }
    expect(policyByName("cfs")).toBe(-22);
    expect(policyName(POLICIES)).toBe("");
    expect(newPolicy(-1, t)).toBe(null);
  });
});
