import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EASYNC, Errno } from "@anax/portable";
import {
  Callout,
  CalloutWheel,
  Cpu,
  CpuGroup,
  HeapTransport,
  MSGF_DONE,
  Msg,
  QueuePort,
  ReplyOnlyPort,
  Serializer,
  SerializePort,
  SpinPort,
  TDPRI_INT_LOW,
  TDPRI_KERN_DAEMON,
  TDPRI_KERN_USER,
  TDPRI_SOFT_NORM,
  TDS_ASLEEP,
  TDS_EXITED,
  TDS_MOVING,
  Thread,
  Token,
  WaitQueue,
  Waiter,
  armOn,
  replyMsg,
  sendMsg,
} from "@anax/lwkt";

class Replies extends ReplyOnlyPort {
  done: number[] = [];
  override replied(msg: Msg): void {
    this.done.push(msg.cmd);
  }
}

function thread(cpu: Cpu, name: string, pri: number, fn: (td: Thread, msg: Msg) => void): Thread {
  const td: Thread = new Thread(cpu, name, pri, { handle: (msg: Msg) => fn(td, msg) });
  return td;
}

function post(td: Thread | SpinPort, replies: ReplyOnlyPort | QueuePort, cmd = 0): Msg {
  const msg = new Msg();
  msg.init(replies, cmd);
  sendMsg(td instanceof Thread ? td.port : td, msg);
  return msg;
}

function group(cpus: number): CpuGroup {
  const transport = new HeapTransport();
  const g = new CpuGroup(cpus, transport);
  transport.attach(g);
  return g;
}

describe("the run queue", () => {
  it("goes by fixed priority, then by upri, then by turn: against a model", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            pri: fc.integer({ min: 10, max: 13 }),
            upri: fc.integer({ min: -2, max: 2 }),
            n: fc.integer({ min: 1, max: 3 }),
          }),
          {
            maxLength: 10,
          },
        ),
        (specs) => {
          const cpu = new Cpu(0);
          const ran: number[] = [];
          const replies = new Replies();
          const model: { id: number; pri: number; upri: number; left: number; at: number }[] = [];
          let clock = 0;
          specs.forEach((s, id) => {
            const td = thread(cpu, `t${id}`, s.pri, (_, msg) => {
              ran.push(id);
              replyMsg(msg, 0);
            });
            td.setUpri(s.upri);
            for (let i = 0; i < s.n; i++) post(td, replies);
            model.push({ id, pri: s.pri, upri: s.upri, left: s.n, at: clock++ });
          });
          const expected: number[] = [];
          for (;;) {
            const next = model
              .filter((m) => m.left > 0)
              .sort((a, b) => b.pri - a.pri || b.upri - a.upri || a.at - b.at)[0];
            if (next === undefined) break;
            expected.push(next.id);
            next.left--;
            next.at = clock++;
          }
          cpu.runThreads(1000);
          expect(ran).toEqual(expected);
          expect(cpu.runnable).toBe(0);
        },
      ),
    );
  });

  it("takes changes of priority and upri of queued threads", () => {
    const cpu = new Cpu(0);
    const ran: string[] = [];
    const replies = new Replies();
    const mk = (name: string): Thread =>
      thread(cpu, name, TDPRI_KERN_USER, (_, msg) => {
        ran.push(name);
        replyMsg(msg, 0);
      });
    const [a, b, c, d] = ["a", "b", "c", "d"].map(mk) as [Thread, Thread, Thread, Thread];
    for (const td of [a, b, c, d]) post(td, replies);
    c.setPriority(TDPRI_SOFT_NORM);
    d.setUpri(5);
    b.setUpri(-1);
    cpu.runThreads(10);
    expect(ran).toEqual(["c", "d", "a", "b"]);
    expect(() => a.setPriority(32)).toThrow(/out of range/);
  });

  it("cannot be run from a handler, nor hold a thread of another CPU", () => {
    const cpu = new Cpu(0);
    const td = thread(cpu, "t", TDPRI_KERN_USER, () => cpu.runThreads(1));
    post(td, new Replies());
    expect(() => cpu.runThreads(1)).toThrow(/from a handler/);
    expect(() => new Cpu(1).enqueue(td)).toThrow(/foreign CPU/);
  });
});

describe("a thread that sleeps", () => {
  it("runs its handler again from the start when it is woken, and takes no other message meanwhile", () => {
    const cpu = new Cpu(0);
    const queue = new WaitQueue();
    const replies = new Replies();
    let ready = false;
    let runs = 0;
    const td = thread(cpu, "t", TDPRI_KERN_USER, (self, msg) => {
      runs++;
      if (!ready) {
        expect(self.sleep(queue)).toBe(EASYNC);
        return;
      }
      replyMsg(msg, 0);
    });
    post(td, replies, 1);
    cpu.runThreads(10);
    post(td, replies, 2);
    expect([cpu.runThreads(10), runs, td.state]).toEqual([0, 1, TDS_ASLEEP]);
    queue.wakeup();
    cpu.runThreads(10);
    expect([runs, replies.done]).toEqual([2, []]);
    ready = true;
    queue.wakeup();
    cpu.runThreads(10);
    expect([runs, replies.done]).toEqual([4, [1, 2]]);
  });

  it("does not miss a wake-up that comes before it has slept, nor mind one too many", () => {
    const cpu = new Cpu(0);
    const queue = new WaitQueue();
    const replies = new Replies();
    let runs = 0;
    const td = thread(cpu, "t", TDPRI_KERN_USER, (self, msg) => {
      if (runs++ === 0) {
        self.sleep(queue);
        queue.wakeup();
        return;
      }
      replyMsg(msg, 0);
      self.wakeup();
    });
    post(td, replies);
    expect(cpu.runThreads(10)).toBe(2);
    td.wakeup();
    post(td, replies);
    cpu.runThreads(10);
    expect(replies.done).toHaveLength(2);
    expect(cpu.runnable).toBe(0);
  });

  it("waits for messages that it sends: the target decides whether it has to", () => {
    const cpu = new Cpu(0);
    const replies = new Replies();
    const kept: Msg[] = [];
    const server = thread(cpu, "server", TDPRI_KERN_DAEMON, (_, msg) => {
      if (msg.cmd === 1) kept.push(msg);
      else replyMsg(msg, msg.cmd);
    });
    const sub = new Msg();
    const results: number[] = [];
    const client = thread(cpu, "client", TDPRI_KERN_USER, (self, msg) => {
      if (sub.sleeper === null) sub.init(self.port, msg.cmd);
      const error = self.call(server.port, sub);
      if (error === EASYNC) return;
      results.push(error);
      replyMsg(msg, error);
    });
    post(client, replies, 0);
    post(client, replies, Errno.IO);
    post(client, replies, 1);
    cpu.runThreads(100);
    expect(results).toEqual([0, Errno.IO]);
    expect(kept).toHaveLength(1);
    // A reply of a SYNC message is not queued: the client's port holds what others sent, and nothing else.
    post(client, replies, 0);
    replyMsg(kept[0]!, Errno.INTR);
    cpu.runThreads(100);
    expect(results).toEqual([0, Errno.IO, Errno.INTR, 0]);
    expect(replies.done).toEqual([0, Errno.IO, 1, 0]);
  });

  it("waits for one of the messages that it sent before, out of order", () => {
    const cpu = new Cpu(0);
    const replies = new Replies();
    const kept: Msg[] = [];
    const server = thread(cpu, "server", TDPRI_KERN_DAEMON, (_, msg) => void kept.push(msg));
    const subs = [new Msg(), new Msg()];
    let sent = false;
    const taken: number[] = [];
    const client = thread(cpu, "client", TDPRI_KERN_USER, (self, msg) => {
      if (msg.replyPort === self.port) {
        taken.push(msg.cmd);
        return;
      }
      if (!sent) {
        sent = true;
        subs.forEach((m, i) => {
          m.init(self.port, i);
          sendMsg(server.port, m);
        });
      }
      const error = self.wait(subs[1]!);
      if (error === EASYNC) return;
      taken.push(100 + error);
      replyMsg(msg, 0);
    });
    post(client, replies, 9);
    cpu.runThreads(100);
    replyMsg(kept[0]!, 0);
    cpu.runThreads(100);
    expect(taken).toEqual([]);
    replyMsg(kept[1]!, 3);
    cpu.runThreads(100);
    expect(taken).toEqual([103, 0]);
  });

  it("cannot do so in a critical section, nor leave one open, nor give its message away first", () => {
    const cpu = new Cpu(0);
    const queue = new WaitQueue();
    const bad = (fn: (td: Thread, msg: Msg) => void): (() => void) => {
      const c = new Cpu(0);
      post(thread(c, "t", TDPRI_KERN_USER, fn), new Replies());
      return () => c.runThreads(1);
    };
    expect(
      bad((td) => {
        td.cpu.critEnter();
        td.sleep(queue);
      }),
    ).toThrow(/in a critical section/);
    expect(bad((td) => td.cpu.critEnter())).toThrow(/another critical section count/);
    expect(
      bad((td, msg) => {
        td.sleep(queue);
        replyMsg(msg, 0);
      }),
    ).toThrow(/gave its message away/);
    const td = thread(cpu, "t", TDPRI_KERN_USER, () => undefined);
    expect(() => td.sleep(queue)).toThrow(/not the one that runs/);
    expect(bad((self) => self.call(td.port, new Msg()))).toThrow(/another's/);
  });
});

describe("steps", () => {
  it("keep the CPU with again, and let others of the priority go first with yieldNow", () => {
    const cpu = new Cpu(0);
    const log: string[] = [];
    const replies = new Replies();
    let steps = 0;
    const long = thread(cpu, "long", TDPRI_KERN_USER, (td, msg) => {
      log.push(`long ${steps}`);
      steps++;
      if (steps === 1) td.again();
      else if (steps === 2) td.yieldNow();
      else replyMsg(msg, 0);
    });
    const other = thread(cpu, "other", TDPRI_KERN_USER, (_, msg) => {
      log.push("other");
      replyMsg(msg, 0);
    });
    const high = thread(cpu, "high", TDPRI_SOFT_NORM, (_, msg) => {
      log.push("high");
      replyMsg(msg, 0);
    });
    post(long, replies);
    post(other, replies);
    expect(cpu.runThreads(1)).toBe(1);
    post(high, replies);
    expect([cpu.runnable, cpu.current]).toEqual([3, long]);
    cpu.runThreads(10);
    expect(log).toEqual(["long 0", "long 1", "high", "other", "long 2"]);
    expect(cpu.runnable).toBe(0);
  });
});

describe("a thread that exits", () => {
  it("is gone after its turn, and so is its port", () => {
    const cpu = new Cpu(0);
    const replies = new Replies();
    const td = thread(cpu, "t", TDPRI_KERN_USER, (self, msg) => {
      replyMsg(msg, 0);
      if (msg.cmd === 1) self.exit();
    });
    post(td, replies, 0);
    post(td, replies, 1);
    cpu.runThreads(10);
    expect([td.state, replies.done, cpu.runnable]).toEqual([TDS_EXITED, [0, 1], 0]);
    expect(() => post(td, replies)).toThrow(/dead port/);
    td.schedule();
    td.wakeup();
    expect(cpu.runThreads(10)).toBe(0);
    const idle = thread(cpu, "i", TDPRI_KERN_USER, () => undefined);
    idle.exit();
    expect(idle.state).toBe(TDS_EXITED);
  });

  it("panics with messages or tokens left, in the middle of a message, and from afar", () => {
    const cpu = new Cpu(0);
    const replies = new Replies();
    const token = new Token("t", 1);
    const bad = (fn: (td: Thread, msg: Msg) => void): (() => void) => {
      const c = new Cpu(0);
      post(thread(c, "t", TDPRI_KERN_USER, fn), replies);
      return () => c.runThreads(1);
    };
    const queued = thread(cpu, "t", TDPRI_KERN_USER, () => undefined);
    post(queued, replies);
    expect(() => queued.exit()).toThrow(/something to do/);
    expect(
      bad((td) => {
        td.getToken(token);
        td.exit();
      }),
    ).toThrow(/has tokens/);
    expect(
      bad((td) => {
        td.yieldNow();
        td.exit();
      }),
    ).toThrow(/something to do/);
    expect(
      bad((td) => {
        post(td, replies);
        td.exit();
      }),
    ).toThrow(/on its queue/);
    const g = group(2);
    const far = thread(g.cpus[1]!, "t", TDPRI_KERN_USER, () => undefined);
    g.enter(g.cpus[0]!);
    expect(() => far.exit()).toThrow(/from another CPU/);
    const server = thread(cpu, "s", TDPRI_KERN_USER, () => undefined);
    new SpinPort().serve(server);
    expect(() => server.exit()).toThrow(/shared port/);
  });
});

describe("preemption", () => {
  function world(): { cpu: Cpu; log: string[]; intr: Thread; replies: Replies } {
    const cpu = new Cpu(0);
    const log: string[] = [];
    const intr = thread(cpu, "intr", TDPRI_INT_LOW, (_, msg) => {
      log.push(`intr ${msg.cmd}`);
      replyMsg(msg, 0);
    });
    intr.preempts = true;
    return { cpu, log, intr, replies: new Replies() };
  }

  it("runs an interrupt thread at once, unless there is a critical section", () => {
    const { cpu, log, intr, replies } = world();
    const low = thread(cpu, "low", TDPRI_KERN_USER, (td, msg) => {
      log.push("low");
      post(intr, replies, 1);
      log.push("low goes on");
      cpu.critEnter();
      post(intr, replies, 2);
      log.push("low leaves");
      cpu.critExit();
      log.push("low ends");
      expect(cpu.current).toBe(td);
      replyMsg(msg, 0);
    });
    post(low, replies);
    cpu.runThreads(10);
    expect(log).toEqual(["low", "intr 1", "low goes on", "low leaves", "intr 2", "low ends"]);
    expect(cpu.preemptions).toBe(2);
  });

  it("comes by request of another CPU, when that is served", () => {
    const g = group(2);
    const [c0, c1] = [g.cpus[0]!, g.cpus[1]!];
    const log: string[] = [];
    const replies = new Replies();
    const intr = thread(c0, "intr", TDPRI_INT_LOW, (_, msg) => {
      log.push("intr");
      replyMsg(msg, 0);
    });
    intr.preempts = true;
    const low = thread(c0, "low", TDPRI_KERN_USER, (_, msg) => {
      log.push("low");
      c0.critEnter();
      // The other CPU sends a message to the interrupt thread.
      const back = g.enter(c1);
      post(intr, replies);
      g.leave(back);
      log.push("low leaves");
      c0.critExit();
      log.push("low ends");
      replyMsg(msg, 0);
    });
    post(low, replies);
    c0.runThreads(10);
    expect(log).toEqual(["low", "low leaves", "intr", "low ends"]);
  });

  it("comes between steps too, and does not interrupt what is as high", () => {
    const { cpu, log, intr, replies } = world();
    let steps = 0;
    const low = thread(cpu, "low", TDPRI_KERN_USER, (td, msg) => {
      log.push(`low ${steps}`);
      if (steps++ < 2) td.again();
      else replyMsg(msg, 0);
    });
    const peer = thread(cpu, "peer", TDPRI_INT_LOW, (_, msg) => {
      log.push("peer");
      post(intr, replies, 3);
      log.push("peer ends");
      replyMsg(msg, 0);
    });
    post(low, replies);
    cpu.runThreads(1);
    post(intr, replies, 1);
    expect(cpu.current).toBe(low);
    cpu.runThreads(10);
    post(peer, replies);
    cpu.runThreads(10);
    expect(log).toEqual(["low 0", "intr 1", "low 1", "low 2", "peer", "peer ends", "intr 3"]);
  });
});

describe("several CPUs", () => {
  it("schedule each other's threads by request; messages and replies travel, and nobody may touch them on the way", () => {
    const g = group(2);
    const [c0, c1] = [g.cpus[0]!, g.cpus[1]!];
    const log: string[] = [];
    const server = thread(c1, "server", TDPRI_KERN_USER, (_, msg) => {
      expect(g.current).toBe(c1);
      log.push(`serve ${msg.cmd}`);
      replyMsg(msg, 0);
    });
    const client = thread(c0, "client", TDPRI_KERN_USER, (self, msg) => {
      if (msg.replyPort === self.port) {
        expect(g.current).toBe(c0);
        log.push(`replied ${msg.cmd}`);
        return;
      }
      const sub = post(server, self.port, 5);
      expect(() => replyMsg(sub, 0)).toThrow(/not the owner/);
      expect(() => sub.init(null, 0)).toThrow(/in flight/);
      replyMsg(msg, 0);
    });
    post(client, new Replies());
    expect(c0.runThreads(10)).toBe(1);
    expect(server.queued).toBe(false);
    expect(c1.runThreads(10)).toBe(1);
    expect(c0.runThreads(10)).toBe(1);
    expect(log).toEqual(["serve 5", "replied 5"]);
  });

  it("wake each other's threads", () => {
    const g = group(2);
    const queue = new WaitQueue();
    const replies = new Replies();
    let ready = false;
    const td = thread(g.cpus[1]!, "t", TDPRI_KERN_USER, (self, msg) => {
      if (!ready) self.sleep(queue);
      else replyMsg(msg, 0);
    });
    post(td, replies);
    g.cpus[1]!.runThreads(10);
    g.enter(g.cpus[0]!);
    ready = true;
    queue.wakeup();
    expect(td.state).toBe(TDS_ASLEEP);
    g.cpus[1]!.runThreads(10);
    expect(replies.done).toHaveLength(1);
  });

  it("let threads migrate when these say so; messages chase them: against a model", () => {
    const step = fc.record({ cpu: fc.nat(2), send: fc.nat(2), to: fc.nat(3), cross: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const g = group(3);
        const replies = new Replies();
        const seen: number[] = [];
        let sent = 0;
        const td = thread(g.cpus[0]!, "nomad", TDPRI_KERN_USER, (self, msg) => {
          expect(g.current).toBe(self.cpu);
          seen.push(msg.cmd);
          const to = Math.floor(msg.cmd / 1000);
          if (to < 3) self.migrate(g.cpus[to]!);
          replyMsg(msg, 0);
        });
        for (const s of steps) {
          const before = g.enter(g.cpus[s.send]!);
          post(td, replies, s.to * 1000 + (sent++ % 1000));
          g.leave(before);
          if (s.cross && td.cpu === g.cpus[s.cpu] && td.state !== TDS_MOVING) {
            const back = g.enter(td.cpu);
            td.migrate(g.cpus[(s.cpu + 1) % 3]!);
            g.leave(back);
          }
          g.cpus[s.cpu]!.runThreads(2);
        }
        for (let i = 0; i < 200; i++) g.cpus[i % 3]!.runThreads(2);
        expect([...seen].map((c) => c % 1000).sort((a, b) => a - b)).toEqual(Array.from({ length: sent }, (_, i) => i));
        expect(replies.done).toHaveLength(sent);
        expect(g.cpus.every((c) => c.runnable === 0)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("refuse to migrate a thread from afar, or to a CPU of another system", () => {
    const g = group(2);
    const td = thread(g.cpus[1]!, "t", TDPRI_KERN_USER, () => undefined);
    g.enter(g.cpus[0]!);
    expect(() => td.migrate(g.cpus[0]!)).toThrow(/from another CPU/);
    expect(() => td.migrate(new Cpu(0))).toThrow(/same group/);
  });

  it("arm and stop callouts on each other's wheels, and wait for those that fire", () => {
    const g = group(2);
    const [c0, c1] = [g.cpus[0]!, g.cpus[1]!];
    for (const c of g.cpus) c.wheel = new CalloutWheel(0, c);
    const log: string[] = [];
    class Timer extends Callout {
      action: (() => void) | null = null;
      override fire(): void {
        log.push("fired");
        this.action?.();
      }
    }
    class Sleeper extends Waiter {
      override wake(): void {
        log.push("woken");
      }
    }
    const t = new Timer();
    g.enter(c0);
    armOn(c1, t, 1000);
    expect([t.armed, c1.wheel!.nextDeadline()]).toEqual([false, -1]);
    // Stopped before the request got there.
    expect(c0.wheel!.cancel(t)).toBe(true);
    g.poll(c1);
    expect(t.armed).toBe(false);
    armOn(c1, t, 1000);
    armOn(c1, t, 2000);
    g.poll(c1);
    expect(c1.wheel!.nextDeadline()).toBe(2000);
    // Stopped from another CPU.
    expect(c0.wheel!.cancel(t)).toBe(true);
    expect([t.armed, c1.wheel!.armedCount]).toEqual([false, 0]);
    armOn(c1, t, 3000);
    g.poll(c1);
    const sleeper = new Sleeper();
    t.action = () => {
      // It waits for the other CPU, which wants it gone.
      const back = g.enter(c0);
      expect(c0.wheel!.drain(t, sleeper)).toBe(EASYNC);
      g.leave(back);
      expect(c1.wheel!.drain(t, sleeper)).toBe(0);
      c1.wheel!.arm(t, 9000);
    };
    g.enter(c1);
    expect(c1.wheel!.run(5000)).toBe(1);
    expect(log).toEqual(["fired", "woken"]);
    expect([t.armed, c1.wheel!.armedCount]).toEqual([false, 0]);
    expect(c0.wheel!.drain(t, sleeper)).toBe(0);
  });
});

describe("a spin port", () => {
  it("shares its messages among its servers, on all CPUs", () => {
    const g = group(3);
    const port = new SpinPort();
    const replies = new Replies();
    const by = [0, 0, 0];
    const servers = g.cpus.map((cpu, i) =>
      thread(cpu, `s${i}`, TDPRI_KERN_USER, (_, msg) => {
        by[i]!++;
        expect(g.current).toBe(cpu);
        replyMsg(msg, 0);
      }),
    );
    for (const td of servers) port.serve(td);
    expect(() => port.serve(servers[0]!)).toThrow(/busy/);
    g.enter(g.cpus[0]!);
    for (let i = 0; i < 9; i++) post(port, replies, i);
    for (let i = 0; i < 30; i++) g.cpus[i % 3]!.runThreads(1);
    expect(replies.done).toHaveLength(9);
    expect(by).toEqual([3, 3, 3]);
  });

  it("keeps a server that was called for a message which another thread took", () => {
    const g = group(2);
    const port = new SpinPort();
    const replies = new Replies();
    const td = thread(g.cpus[1]!, "s", TDPRI_KERN_USER, (_, msg) => replyMsg(msg, 0));
    port.serve(td);
    g.enter(g.cpus[0]!);
    const first = post(port, replies, 1);
    expect(port.getPort()).toBe(first);
    replyMsg(first, 0);
    expect(g.cpus[1]!.runThreads(5)).toBe(0);
    post(port, replies, 2);
    expect(g.cpus[1]!.runThreads(5)).toBe(1);
    expect(replies.done).toEqual([1, 2]);
  });

  it("can be waited at by any thread", () => {
    const cpu = new Cpu(0);
    const port = new SpinPort();
    const replies = new Replies();
    const got: number[] = [];
    const td = thread(cpu, "t", TDPRI_KERN_USER, (self, msg) => {
      const m = self.waitPort(port);
      if (m === null) return;
      got.push(m.cmd);
      replyMsg(m, 0);
      replyMsg(msg, 0);
    });
    post(td, replies, 1);
    cpu.runThreads(5);
    expect(got).toEqual([]);
    post(port, replies, 7);
    cpu.runThreads(5);
    expect([got, replies.done]).toEqual([[7], [7, 1]]);
  });
});

describe("a serialize port", () => {
  class Who extends Waiter {
    woken = 0;
    override wake(): void {
      this.woken++;
    }
  }

  it("works for those who hold the serializer, and panics for others", () => {
    const s = new Serializer();
    const port = new SerializePort(s);
    const [a, b] = [new Who(), new Who()];
    const msg = new Msg();
    msg.init(port, 1);
    expect(() => sendMsg(port, msg)).toThrow(/not held/);
    const m = new Msg();
    m.init(port, 2);
    expect(s.enter(a)).toBe(0);
    expect(() => s.enter(a)).toThrow(/twice/);
    expect(s.enter(b)).toBe(EASYNC);
    expect(() => s.exit(b)).toThrow(/not the holder/);
    sendMsg(port, m);
    expect(() => port.dropMsg(m)).toThrow(/serialize port/);
    expect(port.getPort()).toBe(m);
    // Waiting gives the serializer to the next.
    expect(port.waitPort(a)).toBe(null);
    expect([s.isHeld, b.woken]).toEqual([false, 1]);
    expect(s.enter(b)).toBe(0);
    replyMsg(m, 0);
    expect(a.woken).toBe(1);
    expect(() => port.waitPort(a)).toThrow(/not held/);
    s.exit(b);
    expect(() => port.getPort()).toThrow(/not held/);
    expect(s.tryEnter(a)).toBe(true);
    expect(port.waitPort(a)).toBe(m);
    expect(m.flags & MSGF_DONE).toBe(MSGF_DONE);
    expect(s.contended).toBe(1);
  });
});
