import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EASYNC } from "@anax/portable";
import {
  Cpu,
  CpuGroup,
  HeapTransport,
  Msg,
  ReplyOnlyPort,
  TDPRI_INT_LOW,
  TDPRI_KERN_DAEMON,
  TDPRI_KERN_USER,
  TDPRI_USER_NORM,
  Thread,
  Token,
  TokenPool,
  WaitQueue,
  replyMsg,
  sendMsg,
} from "@anax/lwkt";

class Replies extends ReplyOnlyPort {
  count = 0;
  override replied(): void {
    this.count++;
  }
}

/** A thread whose handler is a function of its thread and message. */
function thread(cpu: Cpu, name: string, pri: number, fn: (td: Thread, msg: Msg) => void): Thread {
  const td: Thread = new Thread(cpu, name, pri, { handle: (msg: Msg) => fn(td, msg) });
  return td;
}

function post(td: Thread, replies: ReplyOnlyPort, cmd = 0): Msg {
  const msg = new Msg();
  msg.init(replies, cmd);
  sendMsg(td.port, msg);
  return msg;
}

describe("tokens of one thread", () => {
  /** Runs `fn` inside a handler. */
  function inThread(fn: (td: Thread) => void): Thread {
    const cpu = new Cpu(0);
    const td = thread(cpu, "t", TDPRI_KERN_USER, (self, msg) => {
      fn(self);
      replyMsg(msg, 0);
    });
    post(td, new Replies());
    cpu.runThreads(10);
    return td;
  }

  it("are recursive and given back in reverse order", () => {
    const a = new Token("a", 1);
    const b = new Token("b", 2);
    inThread((td) => {
      expect([td.getToken(a), td.getToken(b), td.getToken(a), td.getTokenShared(a)]).toEqual([0, 0, 0, 0]);
      expect(td.countToken(a)).toBe(3);
      expect(() => td.relToken(b)).toThrow(/last/);
      td.relToken(a);
      td.relToken(a);
      expect(a.isExclusive).toBe(true);
      td.relToken(b);
      td.relToken(a);
      expect(a.isHeld || b.isHeld).toBe(false);
      expect(() => td.relToken(a)).toThrow(/last/);
    });
  });

  it("can be swapped, so that the deeper one goes first", () => {
    const a = new Token("a", 1);
    const b = new Token("b", 2);
    inThread((td) => {
      td.getToken(a);
      td.getTokenShared(b);
      td.tokens!.swap();
      td.relToken(a);
      expect([a.isHeld, b.isHeld]).toEqual([false, true]);
      td.getToken(a);
      td.getToken(a);
      td.tokens!.swap();
      td.relToken(a);
      expect(a.isExclusive).toBe(true);
      td.relToken(a);
      td.relToken(b);
    });
  });

  it("panic when taken exclusively on top of shared, for the 33rd, and outside of the thread", () => {
    const a = new Token("a", 1);
    inThread((td) => {
      td.getTokenShared(a);
      expect(() => td.getToken(a)).toThrow(/holds it shared/);
      td.relToken(a);
    });
    const td = inThread((self) => {
      for (let i = 0; i < 32; i++) self.getToken(a);
      expect(() => self.getToken(a)).toThrow(/32/);
      for (let i = 0; i < 32; i++) self.relToken(a);
    });
    expect(a.isHeld).toBe(false);
    expect(() => td.getToken(a)).toThrow(/not the one that runs/);
  });

  it("that are kept over the end of a handler are dropped, and back for the next message", () => {
    const cpu = new Cpu(0);
    const a = new Token("a", 1);
    const seen: boolean[] = [];
    const td = thread(cpu, "t", TDPRI_KERN_USER, (self, msg) => {
      if (msg.cmd === 0) self.getToken(a);
      seen.push(a.isExclusive);
      if (msg.cmd === 2) self.relToken(a);
      replyMsg(msg, 0);
    });
    for (const cmd of [0, 1, 2]) {
      post(td, new Replies(), cmd);
      cpu.runThreads(10);
      expect(a.isHeld).toBe(false);
    }
    expect(seen).toEqual([true, true, true]);
    expect(td.countToken(a)).toBe(0);
  });
});

describe("tokens between CPUs", () => {
  function group(cpus: number): CpuGroup {
    const transport = new HeapTransport();
    const g = new CpuGroup(cpus, transport);
    transport.attach(g);
    return g;
  }

  /** Takes tokens, works for some steps without giving up the CPU, gives them back. */
  function holder(
    g: CpuGroup,
    cpu: number,
    take: (td: Thread) => number,
    steps: number,
    log: string[],
    name: string,
  ): Thread {
    let left = -1;
    return thread(g.cpus[cpu]!, name, TDPRI_KERN_USER, (td, msg) => {
      if (left < 0) {
        if (take(td) === EASYNC) {
          log.push(`${name} waits`);
          return;
        }
        left = steps;
        log.push(`${name} has`);
      }
      if (left-- > 0) return td.again();
      left = -1;
      log.push(`${name} done`);
      replyMsg(msg, 0);
    });
  }

  it("are waited for, and had when the handler runs again", () => {
    const g = group(2);
    const t = new Token("t", 1);
    const log: string[] = [];
    const a = holder(g, 0, (td) => td.getToken(t), 2, log, "a");
    const b = holder(g, 1, (td) => td.getToken(t), 0, log, "b");
    const replies = new Replies();
    post(a, replies);
    post(b, replies);
    const [c0, c1] = [g.cpus[0]!, g.cpus[1]!];
    expect([c0.runThreads(1), c1.runThreads(1), c1.runThreads(1)]).toEqual([1, 1, 0]);
    expect(t.collisions).toBeGreaterThan(0);
    c0.runThreads(2);
    expect(log).toEqual(["a has", "b waits", "a done"]);
    // The token stays with `a` until it gives up the CPU, which it has done with its last turn.
    expect(c1.runThreads(1)).toBe(1);
    expect(log).toEqual(["a has", "b waits", "a done", "b has", "b done"]);
    expect(b.countToken(t)).toBe(1);
    expect(t.isHeld).toBe(false);
  });

  it("are shared by readers, whom a writer that waits keeps from starving it", () => {
    const g = group(3);
    const t = new Token("t", 1);
    const log: string[] = [];
    const r1 = holder(g, 0, (td) => td.getTokenShared(t), 1, log, "r1");
    const w = holder(g, 1, (td) => td.getToken(t), 0, log, "w");
    const r2 = holder(g, 2, (td) => td.getTokenShared(t), 0, log, "r2");
    const replies = new Replies();
    for (const td of [r1, w, r2]) post(td, replies);
    for (const i of [0, 1, 2, 0, 2, 1, 2]) g.cpus[i]!.runThreads(1);
    expect(log).toEqual(["r1 has", "w waits", "r2 waits", "r1 done", "w has", "w done", "r2 has", "r2 done"]);
  });

  it("let the CPU run others meanwhile, but none below KERN_LPSCHED", () => {
    const g = group(2);
    const t = new Token("t", 1);
    const log: string[] = [];
    const a = holder(g, 0, (td) => td.getToken(t), 3, log, "a");
    const b = holder(g, 1, (td) => td.getToken(t), 0, log, "b");
    const other = thread(g.cpus[1]!, "o", TDPRI_KERN_DAEMON - 2, (_, msg) => {
      log.push("other");
      replyMsg(msg, 0);
    });
    const user = thread(g.cpus[1]!, "u", TDPRI_USER_NORM, (_, msg) => {
      log.push("user");
      replyMsg(msg, 0);
    });
    const replies = new Replies();
    for (const td of [a, user, other, b]) post(td, replies);
    g.cpus[0]!.runThreads(1);
    g.cpus[1]!.runThreads(10);
    expect(log).toEqual(["a has", "other", "b waits"]);
    g.cpus[0]!.runThreads(10);
    g.cpus[1]!.runThreads(10);
    expect(log.slice(3)).toEqual(["a done", "b has", "b done", "user"]);
  });

  it("are taken in one order by all once that has failed often, the first of a recursive one first", () => {
    const g = group(2);
    const [a, b] = [new Token("a", 2), new Token("b", 1)];
    const log: string[] = [];
    const first = holder(g, 0, (td) => td.getToken(a), 30, log, "x");
    const replies = new Replies();
    const td: Thread = thread(g.cpus[1]!, "y", TDPRI_KERN_USER, (self, msg) => {
      for (const t of [b, b, a, b]) if (self.getToken(t) === EASYNC) return;
      log.push("y has");
      expect([a.ref!.owner, b.ref!.owner]).toEqual([self, self]);
      for (const t of [b, a, b, b]) self.relToken(t);
      replyMsg(msg, 0);
    });
    post(first, replies);
    g.cpus[0]!.runThreads(1);
    post(td, replies);
    for (let i = 0; i < 15; i++) {
      expect(g.cpus[1]!.runThreads(1)).toBe(i === 0 ? 1 : 0);
      expect(b.isHeld).toBe(false);
    }
    g.cpus[0]!.runThreads(100);
    expect(g.cpus[1]!.runThreads(10)).toBe(1);
    expect(log).toEqual(["x has", "x done", "y has"]);
    expect([a.isHeld, b.isHeld, replies.count]).toEqual([false, false, 2]);
  });

  it("in a second run need not be asked for again: what is not, is given back", () => {
    const g = group(2);
    const [a, b] = [new Token("a", 2), new Token("b", 1)];
    const log: string[] = [];
    const first = holder(g, 0, (td) => td.getToken(b), 1, log, "x");
    const replies = new Replies();
    let runs = 0;
    const td: Thread = thread(g.cpus[1]!, "y", TDPRI_KERN_USER, (self, msg) => {
      if (runs++ === 0) {
        expect(self.getToken(a)).toBe(0);
        expect(self.getToken(b)).toBe(EASYNC);
        expect(() => self.getToken(a)).toThrow(/has to return/);
        return;
      }
      // It has both, but wants only one now, the other way round.
      expect([a.isExclusive, b.isExclusive]).toEqual([true, true]);
      expect(self.tryToken(b)).toBe(true);
      expect(a.isHeld).toBe(false);
      expect(self.tokens!.size).toBe(1);
      self.relToken(b);
      replyMsg(msg, 0);
    });
    post(first, replies);
    post(td, replies);
    for (const i of [0, 1, 0, 1]) g.cpus[i]!.runThreads(1);
    expect([runs, replies.count, a.isHeld, b.isHeld]).toEqual([2, 2, false, false]);
  });

  it("stay with a thread that an interrupt thread preempts, and the interrupt thread has to wait for them", () => {
    const cpu = new Cpu(0);
    const t = new Token("t", 1);
    const log: string[] = [];
    const replies = new Replies();
    const intr = thread(cpu, "i", TDPRI_INT_LOW, (td, msg) => {
      if (msg.cmd === 1 && td.getToken(t) === EASYNC) {
        log.push("interrupt waits");
        return;
      }
      log.push(`interrupt ${t.isExclusive}`);
      replyMsg(msg, 0);
    });
    intr.preempts = true;
    const low = thread(cpu, "l", TDPRI_KERN_USER, (td, msg) => {
      td.getToken(t);
      log.push("low");
      post(intr, replies, 0);
      post(intr, replies, 1);
      expect(t.ref!.owner).toBe(td);
      log.push("low ends");
      replyMsg(msg, 0);
    });
    post(low, replies);
    cpu.runThreads(10);
    expect(log).toEqual(["low", "interrupt true", "interrupt waits", "low ends", "interrupt true"]);
    expect([cpu.preemptions, replies.count]).toEqual([2, 3]);
  });
});

type Op = { kind: "get" | "shared" | "try"; tok: number } | { kind: "rel" | "step" | "yield" | "sleep" | "end" };

const TOKENS = 3;

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom("get" as const, "shared" as const, "try" as const),
      tok: fc.nat(TOKENS - 1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("rel" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("step" as const, "yield" as const, "sleep" as const, "end" as const),
    }),
  },
);

describe("tokens against a model", () => {
  it("exclude each other, come back after every way to give up the CPU, and all programs end", () => {
    let collisions = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 4 }),
        fc.array(
          fc.record({
            cpu: fc.nat(3),
            pri: fc.integer({ min: 9, max: 14 }),
            ops: fc.array(op, { minLength: 4, maxLength: 16 }),
          }),
          {
            minLength: 3,
            maxLength: 7,
          },
        ),
        fc.infiniteStream(fc.nat(1000)),
        (cpus, programs, choice) => {
          const transport = new HeapTransport();
          const g = new CpuGroup(cpus, transport);
          transport.attach(g);
          const tokens = Array.from({ length: TOKENS }, (_, i) => new Token(`t${i}`, i * 7));
          const sleepers = new WaitQueue();
          const replies = new Replies();
          let ended = 0;

          /** What each thread believes to hold, in order; it is real only while it runs. */
          const stacks = programs.map((): { tok: number; excl: boolean }[] => []);
          const threads: Thread[] = [];

          /** No two running threads may hold a token against each other; those that do not run hold none. */
          const check = (): void => {
            tokens.forEach((t, n) => {
              let excl = 0;
              let shared = 0;
              threads.forEach((td, i) => {
                if (td.cpu.current !== td) return;
                const refs = stacks[i]!.filter((r) => r.tok === n);
                if (refs.some((r) => r.excl)) excl++;
                else if (refs.length > 0) shared++;
              });
              expect(excl <= 1 && (excl === 0 || shared === 0)).toBe(true);
              expect(t.isExclusive).toBe(excl === 1);
              expect(t.isHeld).toBe(excl + shared > 0);
            });
          };

          programs.forEach((p, i) => {
            let pc = 0;
            let slept = false;
            // Tokens taken since the handler last began a new part: those are asked for again in a second run.
            let part = 0;
            const stack = stacks[i]!;
            const td: Thread = new Thread(g.cpus[p.cpu % cpus]!, `p${i}`, p.pri, {
              handle: (msg: Msg) => {
                // A handler that starts over asks again for what it took in this part.
                for (let k = part; k < stack.length; k++) {
                  const r = stack[k]!;
                  expect(r.excl ? td.getToken(tokens[r.tok]!) : td.getTokenShared(tokens[r.tok]!)).toBe(0);
                }
                for (;;) {
                  const o = p.ops[pc];
                  if (o === undefined) {
                    while (stack.length > 0) td.relToken(tokens[stack.pop()!.tok]!);
                    ended++;
                    replyMsg(msg, 0);
                    return;
                  }
                  if (o.kind === "get" || o.kind === "shared" || o.kind === "try") {
                    const mine = stack.filter((r) => r.tok === o.tok);
                    const excl = o.kind !== "shared";
                    if (excl && mine.length > 0 && !mine.some((r) => r.excl)) {
                      pc++;
                      continue;
                    }
                    const t = tokens[o.tok]!;
                    if (o.kind === "try") {
                      if (td.tryToken(t)) stack.push({ tok: o.tok, excl });
                    } else {
                      const got = excl ? td.getToken(t) : td.getTokenShared(t);
                      if (got === EASYNC) return;
                      stack.push({ tok: o.tok, excl });
                    }
                    pc++;
                  } else if (o.kind === "rel") {
                    pc++;
                    if (stack.length === 0) continue;
                    td.relToken(tokens[stack.pop()!.tok]!);
                    if (part > stack.length) part = stack.length;
                  } else if (o.kind === "sleep") {
                    if (!slept) {
                      slept = true;
                      td.sleep(sleepers);
                      return;
                    }
                    slept = false;
                    pc++;
                  } else {
                    pc++;
                    part = stack.length;
                    if (o.kind === "step") td.again();
                    else if (o.kind === "yield") td.yieldNow();
                    else {
                      // Goes on with a message to itself, as long work does.
                      replyMsg(msg, 0);
                      post(td, replies);
                    }
                    return;
                  }
                }
              },
            });
            threads.push(td);
            post(td, replies);
          });

          let rounds = 0;
          for (const c of choice) {
            if (ended === programs.length) break;
            expect(rounds++).toBeLessThan(4000);
            if (c % 5 === 0) {
              g.enter(g.cpus[c % cpus]!);
              sleepers.wakeup();
              g.leave(null);
            }
            g.cpus[c % cpus]!.runThreads(1 + (c % 3));
            check();
          }
          expect(tokens.every((t) => !t.isHeld)).toBe(true);
          for (const t of tokens) collisions += t.collisions;
        },
      ),
      { numRuns: 400 },
    );
    // They did get into each other's way.
    expect(collisions).toBeGreaterThan(100);
  });
});

describe("a token pool", () => {
  it("gives one token for a key, and different ones for most", () => {
    const pool = new TokenPool(64, 1000);
    expect(pool.lookup(12345)).toBe(pool.lookup(12345));
    const different = new Set(Array.from({ length: 64 }, (_, i) => pool.lookup(0x10000 + i * 64)));
    expect(different.size).toBeGreaterThan(24);
    expect(() => new TokenPool(48, 0)).toThrow(/power of two/);
  });
});
