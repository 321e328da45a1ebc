import { describe, expect, it } from "vitest";
import { SIGKILL, WNOHANG } from "@anax/kern";
import { DATA, NR, World, at, result } from "./support/world";

describe("time on the CPU", () => {
  it("goes by nice", () => {
    const w = new World({ stepNs: 100_000 });
    const p = w.prog();
    p.call(NR.fork).ifChild("a").save(0).call(NR.fork).ifChild("b").save(1).call(NR.nanosleep, 10, 0, 0);
    p.call(NR.kill, -1, SIGKILL).call(NR.wait, at(0), 0, 0).call(NR.wait, at(1), 0, 0).call(NR.exit, 0);
    p.label("b").call(NR.nice, 0, 19).label("a").label("spin").jump("spin");
    const used = new Map<number, number>();
    const kill = w.abi.calls.get(NR.kill)!;
    w.abi.calls.set(NR.kill, (l, a) => {
      for (const pid of [2, 3]) {
        const q = w.kernel.pids.proc(pid)!;
        used.set(pid, (q.utime + q.stime) / 1e9);
      }
      return kill(l, a);
    });
    w.run(p);
    const [a, b] = [used.get(2)!, used.get(3)!];
    expect(a + b).toBeGreaterThan(9.5);
    expect(a / b).toBeGreaterThan(1.5);
  });
  it("is charged to who runs, and to nobody who sleeps", () => {
    const w = new World({ stepNs: 100_000 });
    const p = w.prog();
    p.call(NR.fork)
      .ifChild("child")
      .save(0)
      .call(NR.nanosleep, 0, 50_000_000, 0)
      .call(NR.kill, at(0), SIGKILL)
      .call(NR.wait, at(0), WNOHANG, 0)
      .call(NR.nanosleep, 1, 0, 0);
    p.call(NR.cpuTime).log("parent", result).call(NR.exit, 0);
    p.label("child").label("spin").jump("spin");
    w.run(p);
    const parent = w.entries[0]!.value;
    expect(parent).toBeLessThan(3_000_000);
    const k = w.kernel;
    const total = k.userTime + k.niceTime + k.systemTime + k.idleTime;
    expect(k.idleTime).toBeGreaterThan(900_000_000);
    expect(Math.abs(total - k.machine.nanotime())).toBeLessThan(1_000_000);
  });

  it("is charged up to the moment of exit", () => {
    const w = new World({ stepNs: 100_000 });
    const p = w.prog();
    p.call(NR.fork).ifChild("child").call(NR.wait, -1, 0, 0).call(NR.exit, 0);
    p.label("child")
      .label("spin")
      .step((c) => c.store64(DATA, c.load64(DATA) + 1))
      .jumpIf((c) => c.load64(DATA) < 500, "spin")
      .call(NR.exit, 0);
    let childTime = 0;
    const exit = w.abi.calls.get(NR.exit)!;
    w.abi.calls.set(NR.exit, (l, a) => {
      if (l.proc.pid === 1) childTime = l.proc.childUsage.utime;
      return exit(l, a);
    });
    w.run(p);
    expect(childTime).toBeGreaterThan(50_000_000);
  });
});
