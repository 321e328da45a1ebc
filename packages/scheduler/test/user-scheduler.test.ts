import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CLASS_IDLE,
  CLASS_NORMAL,
  CLASS_REALTIME,
  CLASS_THREAD,
  ESTCPUMAX,
  SLICE_NS,
  SchedEntity,
  UserScheduler,
} from "@anax/scheduler";

const MS = 1_000_000;

/** Runs busy entities for `total` ns in steps of 1 ms and returns the CPU time each got. */
function compete(s: UserScheduler, all: SchedEntity[], total: number, warmUp = 0): Map<SchedEntity, number> {
  const got = new Map(all.map((e) => [e, 0]));
  let now = 0;
  for (const e of all) s.setRunnable(e, now);
  let running = s.choose();
  while (now < total && running) {
    now += MS;
    if (now > warmUp) got.set(running, got.get(running)! + MS);
    s.account(running, MS, now);
    if (s.needResched) {
      s.setRunnable(running, now);
      running = s.choose();
    }
  }
  return got;
}

describe("UserScheduler", () => {
  it("shares the CPU evenly between equals", () => {
    const s = new UserScheduler();
    const all = [0, 1, 2, 3].map(() => new SchedEntity());
    for (const e of all) s.add(e, null, 0);
    const got = compete(s, all, 30_000 * MS, 10_000 * MS);
    for (const t of got.values()) expect(Math.abs(t - 5000 * MS)).toBeLessThan(250 * MS);
  });

  it("gives the nicer one less, but not nothing", () => {
    const s = new UserScheduler();
    const a = new SchedEntity();
    const b = new SchedEntity();
    s.add(a, null, 0);
    s.add(b, null, 0);
    s.setNice(b, 15);
    const got = compete(s, [a, b], 60_000 * MS);
    expect(got.get(b)!).toBeLessThan(got.get(a)! / 4);
    expect(got.get(b)!).toBeGreaterThan(1000 * MS);
  });

  it("runs real-time before normal before idle", () => {
    const s = new UserScheduler();
    const [i, n, r1, r2] = [0, 1, 2, 3].map(() => new SchedEntity()) as [
      SchedEntity,
      SchedEntity,
      SchedEntity,
      SchedEntity,
    ];
    for (const e of [i, n, r1, r2]) s.add(e, null, 0);
    expect(s.setClass(i, CLASS_IDLE, 0, false)).toBe(0);
    expect(s.setClass(r1, CLASS_REALTIME, 10, false)).toBe(0);
    expect(s.setClass(r2, CLASS_REALTIME, 50, false)).toBe(0);
    for (const e of [i, n, r1, r2]) s.setRunnable(e, 0);
    expect([s.choose(), s.choose(), s.choose(), s.choose(), s.choose()]).toEqual([r2, r1, n, i, null]);
  });

  it("lets a woken sleeper preempt a hog", () => {
    const s = new UserScheduler();
    const hog = new SchedEntity();
    const sleeper = new SchedEntity();
    s.add(hog, null, 0);
    s.add(sleeper, null, 0);
    s.setRunnable(hog, 0);
    s.choose();
    let now = 0;
    for (let k = 0; k < 2000; k++) s.account(hog, MS, (now += MS));
    expect(hog.estcpu).toBeGreaterThan(ESTCPUMAX * 0.8);
    expect(s.needResched).toBe(false);
    s.setRunnable(sleeper, now);
    expect(s.needResched).toBe(true);
  });

  it("never ends the turn of a FIFO thread for its equal, but that of a round-robin one", () => {
    for (const rr of [false, true]) {
      const s = new UserScheduler();
      const a = new SchedEntity();
      const b = new SchedEntity();
      for (const e of [a, b]) {
        s.add(e, null, 0);
        s.setClass(e, CLASS_REALTIME, 5, rr);
        s.setRunnable(e, 0);
      }
      const first = s.choose()!;
      s.account(first, SLICE_NS, SLICE_NS);
      expect(s.needResched).toBe(rr);
    }
  });

  it("refuses bad classes and priorities", () => {
    const s = new UserScheduler();
    const e = new SchedEntity();
    expect(s.setClass(e, CLASS_REALTIME, 0, false)).toBe(-22);
    expect(s.setClass(e, CLASS_REALTIME, 100, false)).toBe(-22);
    expect(s.setClass(e, CLASS_NORMAL, 1, false)).toBe(-22);
    expect(s.setClass(e, CLASS_THREAD, 0, false)).toBe(-22);
    s.setNice(e, 100);
    expect(e.nice).toBe(19);
    s.setNice(e, -100);
    expect(e.nice).toBe(-20);
  });

  it("keeps its counts under any sequence of operations", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(7), fc.nat(6), fc.integer({ min: -25, max: 25 })), { maxLength: 200 }),
        (ops) => {
          const s = new UserScheduler();
          const all = Array.from({ length: 8 }, () => new SchedEntity());
          for (const e of all) s.add(e, null, 0);
          let now = 0;
          for (const [i, op, arg] of ops) {
            const e = all[i]!;
            now += MS;
            if (op === 0) {
              s.setRunnable(e, now);
            } else if (op === 1) s.unsetRunnable(e);
            else if (op === 2) s.setNice(e, arg);
            else if (op === 3) s.setClass(e, arg > 0 ? CLASS_REALTIME : CLASS_NORMAL, Math.max(arg, 0), arg > 12);
            else if (op === 4 && s.current === null) s.choose();
            else if (op === 5 && s.current) s.account(s.current, 7 * MS, now);
            else if (op === 6 && s.current) s.sleep(s.current, now);
            expect(s.runnable).toBe(all.filter((x) => x.queued).length);
            expect(s.current?.queued ?? false).toBe(false);
          }
          const rest: SchedEntity[] = [];
          for (let e = s.choose(); e; e = s.choose()) rest.push(e);
          const classes = rest.map((e) => [e.klass, e.queueIndex]);
          expect(classes).toEqual([...classes].sort((x, y) => x[0]! - y[0]! || x[1]! - y[1]!));
        },
      ),
    );
  });
});
