/** Random process trees: whatever processes do to each other, nothing is lost and nothing is left. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM, SIGUSR1, WNOHANG } from "@anax/kern";
import { DATA, NR, World, type Prog, type Value } from "./support/world";
import { checkInvariants } from "./support/invariants";

/** Words of the data area. */
const SEED = 0;
const LEFT = 1;
const DEPTH = 2;
const LAST = 3;
const AREA = 4;
const word = (slot: number) => DATA + slot * 8;

/** The next random number below `n`, in the program's own memory: a forked child goes on with another seed. */
function random(n: number): Value {
  return (c) => {
    const x = (Math.imul(c.load32(word(SEED)), 1103515245) + 12345) >>> 0;
    c.store32(word(SEED), x);
    return (x >>> 8) % n;
  };
}

const SIGNALS = [SIGTERM, SIGKILL, SIGSTOP, SIGCONT, SIGUSR1, SIGINT];

function worker(p: Prog): Prog {
  p.call(NR.sigaction, SIGUSR1, p.address("handler"), 0, 0);
  p.label("loop")
    .step((c) => c.store64(word(LEFT), c.load64(word(LEFT)) - 1))
    .jumpIf((c) => c.load64(word(LEFT)) <= 0, "end");
  const ops = [
    "fork",
    "fork",
    "vfork",
    "wait",
    "nohang",
    "kill",
    "killLast",
    "sleep",
    "pipe",
    "touch",
    "group",
    "session",
    "exit",
    "mask",
  ];
  p.step((c) => {
    const r = random(ops.length);
    c.goto(p.labels.get(ops[(r as (x: typeof c) => number)(c)]!)!);
  });
  p.label("fork")
    .jumpIf((c) => c.load64(word(DEPTH)) >= 5, "loop")
    .call(NR.fork)
    .ifChild("born")
    .save(LAST)
    .jump("loop");
  p.label("born")
    .step((c) => c.store32(word(SEED), c.load32(word(SEED)) ^ 0x5bd1e995))
    .step((c) => c.store64(word(DEPTH), c.load64(word(DEPTH)) + 1))
    .jump("loop");
  p.label("vfork")
    .jumpIf((c) => c.load64(word(DEPTH)) >= 5, "loop")
    .call(NR.vfork)
    .ifChild("quick")
    .save(LAST)
    .jump("loop");
  p.label("quick").call(NR.nanosleep, 0, random(5000), 0).call(NR.exit, 1);
  p.label("wait")
    .call(NR.wait, -1, WNOHANG | 2 | 8, 0)
    .jumpIf((c) => c.result < 0, "loop")
    .call(NR.wait, -1, 2, 0)
    .jump("loop");
  p.label("nohang").call(NR.wait, -1, WNOHANG, 0).jump("loop");
  p.label("kill")
    .call(
      NR.kill,
      (c) => 2 + (random(20) as (x: typeof c) => number)(c),
      (c) => SIGNALS[(random(SIGNALS.length) as (x: typeof c) => number)(c)]!,
    )
    .jump("loop");
  p.label("killLast")
    .jumpIf((c) => c.load64(word(LAST)) <= 1, "loop")
    .call(
      NR.kill,
      (c) => c.load64(word(LAST)),
      (c) => SIGNALS[(random(SIGNALS.length) as (x: typeof c) => number)(c)]!,
    )
    .jump("loop");
  p.label("sleep").call(NR.nanosleep, 0, random(20000), 0).jump("loop");
  p.label("pipe")
    .call(NR.pipe, DATA + 128)
    .jumpIf((c) => c.result < 0, "loop")
    .call(NR.close, (c) => c.load32(DATA + 128))
    .jump("loop");
  p.label("touch")
    .call(NR.mmap, 16384)
    .save(AREA)
    .jumpIf((c) => c.load64(word(AREA)) < 0, "loop")
    .step((c) => c.store64(c.load64(word(AREA)) + 8192, 1))
    .jump("loop");
  p.label("group").call(NR.setpgid, 0, 0).jump("loop");
  p.label("session").call(NR.setsid).jump("loop");
  p.label("mask").call(NR.sigprocmask, random(3), random(65536)).jump("loop");
  p.label("exit")
    .jumpIf((c) => (random(3) as (x: typeof c) => number)(c) !== 0, "loop")
    .label("end")
    .call(NR.exit, random(256));
  p.label("handler").sigreturn();
  return p;
}

/** Process 1: starts workers, and at the end kills and waits for all that is left. */
function tree(w: World, seed: number, workers: number, length: number): void {
  const p = w.prog();
  p.step((c) => c.store64(DATA + 512, 0))
    .label("start")
    .jumpIf((c) => c.load64(DATA + 512) >= workers, "rest");
  p.step((c) => {
    const n = c.load64(DATA + 512);
    c.store64(DATA + 512, n + 1);
    c.store32(word(SEED), (seed + n * 7919) >>> 0);
    c.store64(word(LEFT), length);
    c.store64(word(DEPTH), 0);
    c.store64(word(LAST), 0);
  });
  p.call(NR.fork).ifChild("worker").jump("start");
  p.label("rest")
    .call(NR.nanosleep, 0, 300000, 0)
    .label("kill")
    .call(NR.kill, -1, SIGKILL)
    .label("reap")
    .call(NR.wait, -1, 0, 0)
    .jumpIf((c) => c.result > 0, "reap")
    .call(NR.exit, 0);
  p.label("worker");
  worker(p);
  w.run(p, 400_000);
}

describe("process trees", () => {
  it("keep every invariant and leave nothing behind", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 0x7fffffff }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 5, max: 40 }),
        (seed, workers, length) => {
          const w = new World({ memory: 8 * 1024 * 1024 });
          const k = w.kernel;
          let n = 0;
          const port = w.abi.putPort.bind(w.abi);
          w.abi.putPort = (msg) => {
            if (n++ % 16 === 0) checkInvariants(k);
            return port(msg);
          };
          const before = k.pages.freeCount;
          tree(w, seed, workers, length);
          checkInvariants(k);
          expect(k.pids.procCount).toBe(1);
          expect(k.pids.lwpCount).toBe(0);
          expect(k.pids.usedCount).toBe(1);
          expect(k.users.count(0)).toBe(0);
          // The load average alone.
          expect(k.wheel.armedCount).toBe(1);
          // What is gone is the page of the program's file, and what tmpfs keeps of it.
          expect(before - k.pages.freeCount).toBeLessThanOrEqual(4);
          expect(w.machine.sim.consoleText).toBe("init has exited, status 0\n");
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);
});
