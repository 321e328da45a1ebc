import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Errno } from "@anax/portable";
import {
  Cpu,
  CpuGroup,
  CpuMask,
  CpuSync,
  HeapTransport,
  IPIQ_FIFO,
  Msg,
  QueuePort,
  RQF_IPIQ,
  TDPRI_KERN_USER,
  Thread,
  replyMsg,
  sendMsg,
  waitForRoom,
  type IpiChannel,
  type IpiHandler,
  type IpiQueue,
} from "@anax/lwkt";

/** Lets a test say which CPUs answer, and how long a pause is. */
class Transport extends HeapTransport {
  dead = new Set<number>();
  step = 1000;
  told: string[] = [];
  signalled: number[] = [];
  override signal(from: Cpu, target: Cpu): void {
    super.signal(from, target);
    this.signalled.push(target.id);
  }
  override pause(cpu: Cpu): void {
    if (this.dead.size === 0) return super.pause(cpu);
    this.now += this.step;
    for (const other of this.members) if (other !== cpu && !this.dead.has(other.id)) this.serve(this.owner, other);
  }
  override warn(cpu: Cpu, target: Cpu, seconds: number, behind: number): void {
    this.told.push(`${cpu.id}->${target.id} ${seconds}s ${behind}`);
  }
  owner!: CpuGroup;
  members: Cpu[] = [];
}

function group(cpus: number): { g: CpuGroup; t: Transport } {
  const t = new Transport();
  const g = new CpuGroup(cpus, t);
  t.attach(g);
  t.owner = g;
  t.members = g.cpus;
  return { g, t };
}

class Record implements IpiHandler {
  seen: number[] = [];
  constructor(private readonly g: CpuGroup | null = null) {}
  ipi(cpu: Cpu, arg: number): void {
    if (this.g !== null) expect(this.g.current).toBe(cpu);
    expect(cpu.critCount).toBeGreaterThan(0);
    this.seen.push(arg);
  }
}

describe("requests between CPUs", () => {
  it("run in their order, on their target, in a critical section; on the same CPU at once", () => {
    const { g, t } = group(3);
    const record = new Record(g);
    g.enter(g.cpus[0]!);
    for (let i = 0; i < 5; i++) g.sendIpi(g.cpus[1]!, record, i);
    expect(record.seen).toEqual([]);
    // One signal for five.
    expect([t.signals, g.cpus[0]!.ipiqs!.avoided]).toEqual([1, 4]);
    g.enter(g.cpus[1]!);
    g.cpus[1]!.runThreads(1);
    expect(record.seen).toEqual([0, 1, 2, 3, 4]);
    const here: number[] = [];
    g.sendIpi(g.cpus[1]!, { ipi: (_, arg) => void here.push(arg) }, 7);
    expect(here).toEqual([7]);
  });

  it("wait for the end of the target's critical section", () => {
    const { g } = group(2);
    const [a, b] = [g.cpus[0]!, g.cpus[1]!];
    const record = new Record(g);
    g.enter(b);
    b.critEnter();
    b.critEnter();
    g.enter(a);
    g.sendIpi(b, record, 1);
    g.interrupt(b);
    g.enter(b);
    b.critExit();
    expect(record.seen).toEqual([]);
    b.critExit();
    expect(record.seen).toEqual([1]);
    expect(() => b.critExit()).toThrow(/not in a critical section/);
  });

  it("that are passive signal nobody until the FIFO is 1/4 full", () => {
    const { g, t } = group(2);
    const record = new Record(g);
    const q = g.cpus[0]!.ipiqs!;
    g.enter(g.cpus[0]!);
    for (let i = 0; i < IPIQ_FIFO / 4; i++) q.sendPassive(g.cpus[1]!, record, i);
    expect([t.signals, q.passive]).toEqual([0, 64]);
    q.sendPassive(g.cpus[1]!, record, 64);
    expect([t.signals, q.passive]).toEqual([1, 64]);
    g.poll(g.cpus[1]!);
    expect(record.seen).toEqual(Array.from({ length: 65 }, (_, i) => i));
    // One below: it is found by the next poll.
    q.sendPassive(g.cpus[1]!, record, 65);
    g.interrupt(g.cpus[1]!);
    expect(record.seen).toHaveLength(65);
    g.poll(g.cpus[1]!);
    expect(record.seen).toHaveLength(66);
  });

  it("that must not wait are refused above 2/3", () => {
    const { g } = group(2);
    const record = new Record(g);
    const q = g.cpus[0]!.ipiqs!;
    g.enter(g.cpus[0]!);
    let sent = 0;
    while (q.sendNowait(g.cpus[1]!, record, sent) === 0) sent++;
    expect(sent).toBe(Math.floor((IPIQ_FIFO * 2) / 3) + 1);
    expect(q.sendNowait(g.cpus[1]!, record, 0)).toBe(-Errno.NOENT);
    g.poll(g.cpus[1]!);
    expect(record.seen).toHaveLength(sent);
  });

  it("stall their sender above 1/2, until 1/4 are left", () => {
    const { g, t } = group(2);
    const [a, b] = [g.cpus[0]!, g.cpus[1]!];
    const record = new Record(g);
    let pauses = 0;
    // The target takes ten at a time while it is waited for.
    t.pause = () => {
      pauses++;
      t.step = 0;
      const q = (b.ipiqs as unknown as { incoming: { run(limit: number): boolean; pending(): number }[] }).incoming[0]!;
      g.enter(b);
      b.critCount++;
      q.run(Math.max(0, q.pending() - 10));
      b.critCount--;
      g.enter(a);
    };
    g.enter(a);
    for (let i = 0; i <= 128; i++) g.sendIpi(b, record, i);
    expect([pauses, record.seen.length]).toEqual([0, 0]);
    g.sendIpi(b, record, 129);
    // 129 were there; 65 or fewer had to go before the next went in.
    expect([pauses, record.seen.length, a.ipiqs!.fifoFull]).toEqual([7, 70, 1]);
    for (let i = 130; i <= 130 + 68; i++) g.sendIpi(b, record, i);
    expect(pauses).toBe(7);
    t.pause = () => undefined;
    g.poll(b);
    expect(record.seen).toEqual(Array.from({ length: 199 }, (_, i) => i));
  });

  it("of two CPUs that flood each other all arrive", () => {
    const { g } = group(2);
    const seen = [0, 0];
    /** Each request sends one to where it came from. */
    const flood = (cpu: Cpu, arg: number): void => {
      seen[cpu.id]!++;
      if (arg <= 0) return;
      const other = g.cpus[1 - cpu.id]!;
      g.sendIpi(other, { ipi: flood }, arg - 1);
    };
    for (let i = 0; i < 2000; i++) {
      const side = Math.floor(i / 400) % 2;
      g.enter(g.cpus[side]!);
      g.sendIpi(g.cpus[1 - side]!, { ipi: flood }, 3);
    }
    for (let i = 0; i < 10; i++) g.poll(g.cpus[i % 2]!);
    expect(seen).toEqual([4000, 4000]);
    expect(g.cpus[0]!.ipiqs!.fifoFull).toBeGreaterThan(0);
  });

  it("warn a sender's machine each second, and signal again after ten, when the target does not drain", () => {
    const { g, t } = group(2);
    const record = new Record();
    t.dead.add(1);
    t.step = 500_000_000;
    g.enter(g.cpus[0]!);
    for (let i = 0; i <= 128; i++) g.sendIpi(g.cpus[1]!, record, i);
    const signals = t.signals;
    const warn = t.warn.bind(t);
    t.warn = (cpu, target, seconds, behind) => {
      warn(cpu, target, seconds, behind);
      if (seconds === 12) t.dead.clear();
    };
    g.sendIpi(g.cpus[1]!, record, 129);
    expect(t.told.slice(0, 2)).toEqual(["0->1 1s 129", "0->1 2s 129"]);
    expect(t.told).toHaveLength(12);
    expect(t.signals - signals).toBeGreaterThanOrEqual(2);
  });

  it("can be waited for; a CPU that does not answer is warned about each second and is a panic after ten", () => {
    const { g, t } = group(2);
    const record = new Record();
    const q = g.cpus[0]!.ipiqs!;
    g.enter(g.cpus[0]!);
    q.wait(g.cpus[1]!, q.send(g.cpus[1]!, record, 1));
    expect(record.seen).toEqual([1]);
    t.dead.add(1);
    t.step = 250_000_000;
    const seq = q.send(g.cpus[1]!, record, 2);
    expect(() => q.wait(g.cpus[1]!, seq)).toThrow(/does not answer/);
    expect(t.told).toEqual(Array.from({ length: 10 }, (_, i) => `0->1 ${i + 1}s 1`));
  });

  it("are finished only when they are, also when they wait and others are served meanwhile", () => {
    const { g } = group(2);
    const [a, b] = [g.cpus[0]!, g.cpus[1]!];
    const log: string[] = [];
    g.enter(a);
    const queue = (a.ipiqs as unknown as { to(target: Cpu): IpiQueue }).to(b);
    const ask = (fn: () => void): void => b.ipiqs!.wait(a, b.ipiqs!.send(a, { ipi: fn }, 0));
    const outer = a.ipiqs!.send(
      b,
      {
        ipi: () => {
          ask(() => g.sendIpi(b, { ipi: () => void log.push("later") }, 0));
          // While this request waits again, the later one of the same queue is served.
          ask(() => log.push("inner"));
          expect([queue.rindex, queue.xindex]).toEqual([2, 0]);
          log.push("outer");
        },
      },
      0,
    );
    a.ipiqs!.wait(b, outer);
    expect(log).toEqual(["later", "inner", "outer"]);
    expect(queue.xindex).toBe(2);
  });

  it("go to every CPU of a mask, beginning with the sender", () => {
    const { g } = group(4);
    const order: number[] = [];
    const mask = new CpuMask(4);
    for (const i of [0, 1, 2, 3, 3]) mask.add(i);
    mask.delete(1);
    expect(mask.count).toBe(3);
    g.enter(g.cpus[2]!);
    expect(g.sendIpiMask(mask, { ipi: (cpu) => void order.push(cpu.id) }, 0)).toBe(3);
    expect(order).toEqual([2]);
    for (const cpu of g.cpus) g.poll(cpu);
    expect(order).toEqual([2, 0, 3]);
  });

  it("can only come from a CPU", () => {
    const { g } = group(2);
    expect(() => g.sendIpi(g.cpus[1]!, new Record(), 0)).toThrow(/outside of all CPUs/);
    g.enter(g.cpus[1]!);
    expect(() => g.cpus[1]!.ipiqs!.sendPassive(g.cpus[1]!, new Record(), 0)).toThrow(/oneself/);
  });

  it("keep the order of each pair, are never lost, and never overrun the FIFO: against a model", () => {
    const op = fc.record({
      from: fc.nat(2),
      to: fc.nat(2),
      count: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 60, max: 300 })),
      kind: fc.constantFrom("send", "passive", "nowait", "poll", "interrupt"),
      echo: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 25 }), (ops) => {
        const { g } = group(3);
        const sent = new Map<string, number>();
        const got = new Map<string, number>();
        const bump = (m: Map<string, number>, k: string): number => {
          const n = m.get(k) ?? 0;
          m.set(k, n + 1);
          return n;
        };
        const deliver = (from: number, echo: boolean) => ({
          ipi: (cpu: Cpu, arg: number): void => {
            expect(g.current).toBe(cpu);
            // In the order of sending.
            expect(bump(got, `${from}>${cpu.id}`)).toBe(arg);
            if (echo) send("send", cpu, g.cpus[from]!, false);
          },
        });
        const send = (kind: string, from: Cpu, to: Cpu, echo: boolean): void => {
          const key = `${from.id}>${to.id}`;
          const seq = sent.get(key) ?? 0;
          sent.set(key, seq + 1);
          const handler = deliver(from.id, echo);
          if (kind === "passive" && from !== to) from.ipiqs!.sendPassive(to, handler, seq);
          else if (kind === "nowait") {
            if (from.ipiqs!.sendNowait(to, handler, seq) !== 0) sent.set(key, seq);
          } else g.sendIpi(to, handler, seq);
        };
        for (const o of ops) {
          const [from, to] = [g.cpus[o.from]!, g.cpus[o.to]!];
          g.enter(from);
          if (o.kind === "poll") g.poll(to);
          else if (o.kind === "interrupt") g.interrupt(to);
          else for (let i = 0; i < o.count; i++) send(o.kind, from, to, o.echo && from !== to);
          expect(g.current).toBe(from);
          expect(g.cpus.every((c) => c.critCount === 0)).toBe(true);
        }
        for (let round = 0; round < 4; round++) for (const cpu of g.cpus) g.poll(cpu);
        for (const [key, n] of sent) expect([key, got.get(key) ?? 0]).toEqual([key, n]);
        expect(g.cpus.every((c) => (c.reqflags & RQF_IPIQ) === 0)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe("a mask of CPUs", () => {
  it("is a set, and refuses a CPU that cannot be", () => {
    const mask = new CpuMask(40);
    for (const id of [0, 33, 39, 33]) mask.add(id);
    expect([mask.count, mask.has(33), mask.has(34), mask.has(40), mask.has(64)]).toEqual([
      3,
      true,
      false,
      false,
      false,
    ]);
    mask.delete(33);
    mask.delete(33);
    mask.delete(64);
    expect(mask.count).toBe(2);
    for (const id of [-1, 40, 64]) expect(() => mask.add(id)).toThrow("no such CPU");
    mask.clear();
    expect([mask.count, mask.has(0)]).toEqual([0, false]);
  });
});

describe("flow control over any channel", () => {
  /** A ring whose far side takes `rate` entries each time that it is waited for. */
  class Ring implements IpiChannel {
    level = 0;
    drains: number[] = [];
    pauses = 0;
    constructor(
      private readonly size: number,
      private readonly rate: number,
    ) {}
    capacity = (): number => this.size;
    pending = (): number => this.level;
    setDrain = (level: number): number => this.drains.push(level) && 0;
    pause = (): void => {
      this.pauses++;
      this.level = Math.max(0, this.level - this.rate);
    };
    stalled = (): void => undefined;
    resignal = (): void => undefined;
    nanotime = (): number => this.pauses;
  }

  it("waits only above 1/2 (nested: when all but three are taken), and until 1/4 (nested: until five are free)", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(16, 64, 256, 4096),
        fc.nat(100),
        fc.integer({ min: 1, max: 50 }),
        fc.boolean(),
        (size, percent, rate, nested) => {
          const ring = new Ring(size, rate);
          ring.level = Math.floor(((size - 2) * percent) / 100);
          const [most, until] = nested ? [size - 3, size - 5] : [size / 2, size / 4];
          const before = ring.level;
          waitForRoom(ring, nested);
          if (before <= most) {
            expect([ring.level, ring.pauses, ring.drains]).toEqual([before, 0, []]);
          } else {
            expect(ring.pauses).toBe(Math.ceil((before - until) / rate));
            expect(ring.level).toBeLessThanOrEqual(until);
            expect(ring.drains).toEqual([until, 0]);
          }
        },
      ),
    );
  });
});

describe("CPU synchronization", () => {
  function worker(cpu: Cpu, log: string[]): Thread {
    const td: Thread = new Thread(cpu, `w${cpu.id}`, TDPRI_KERN_USER, {
      handle: (msg: Msg) => {
        log.push(`run ${cpu.id}`);
        replyMsg(msg, 0);
      },
    });
    return td;
  }

  class Inbox extends QueuePort {
    notify(): void {
      /* polled */
    }
  }

  it("holds the CPUs still, and lets them go when all have run the function", () => {
    const { g } = group(4);
    const log: string[] = [];
    const threads = g.cpus.map((cpu) => worker(cpu, log));
    const inbox = new Inbox();
    const mask = new CpuMask(4);
    for (const i of [0, 1, 2]) mask.add(i);
    const sync = new CpuSync(g, mask, { run: (cpu) => void log.push(`func ${cpu.id}`) });
    for (const td of threads) {
      const msg = new Msg();
      msg.init(inbox, 0);
      sendMsg(td.port, msg);
    }
    g.enter(g.cpus[0]!);
    sync.interlock();
    expect(() => sync.interlock()).toThrow(/already/);
    const enter = (i: number): number => g.cpus[i]!.runThreads(10);
    expect([enter(1), enter(2), enter(3)]).toEqual([0, 0, 1]);
    expect(log).toEqual(["run 3"]);
    sync.deinterlock();
    expect(log.slice(1).sort()).toEqual(["func 0", "func 1", "func 2"]);
    expect([enter(0), enter(1), enter(2)]).toEqual([1, 1, 1]);
    expect(() => sync.deinterlock()).toThrow(/not interlocked/);
    log.length = 0;
    sync.runQuick();
    sync.runSimple();
    expect(log.sort()).toEqual(["func 0", "func 0", "func 1", "func 1", "func 2", "func 2"]);
    expect(g.cpus[0]!.critCount).toBe(0);
  });

  it("nests: a CPU held by two goes on after the second", () => {
    const { g } = group(3);
    const log: string[] = [];
    const only2 = new CpuMask(3);
    only2.add(2);
    const mk = (name: string): CpuSync => new CpuSync(g, only2, { run: () => void log.push(name) });
    const [x, y] = [mk("x"), mk("y")];
    const td = worker(g.cpus[2]!, log);
    const msg = new Msg();
    msg.init(new Inbox(), 0);
    sendMsg(td.port, msg);
    g.enter(g.cpus[0]!);
    x.interlock();
    g.enter(g.cpus[1]!);
    y.interlock();
    y.deinterlock();
    expect(g.cpus[2]!.runThreads(5)).toBe(0);
    g.enter(g.cpus[0]!);
    x.deinterlock();
    expect(g.cpus[2]!.runThreads(5)).toBe(1);
    expect(log).toEqual(["y", "x", "run 2"]);
  });
});
