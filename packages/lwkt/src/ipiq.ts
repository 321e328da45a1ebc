/**
 * Requests between CPUs of one heap: a FIFO for each pair, flow control, and the order in which a CPU serves them.
 *
 * Key types `IpiQueue` (one source, one target), `IpiQueues` (all of one CPU). Neighbours: `ipi.ts` (the rules of flow), `group.ts` (the CPUs),
 * `cpusync.ts`. Owned by the source CPU's `IpiQueues`; the target moves `rindex` and `xindex`, the source `windex`.
 * Invariant: `xindex <= rindex <= windex`, at most 253 apart; requests of one pair run in the order in which they were sent.
 * Source: DragonFly sys/kern/lwkt_ipiq.c.
 */
import { BitSet, kassert, panic, type i32, type long } from "@anax/portable";
import { RQF_IPIQ, type Cpu } from "./cpu";
import type { CpuSync } from "./cpusync";
import {
  IPIQ_FIFO,
  passiveMustSignal,
  secondsSince,
  tryRoom,
  waitForRoom,
  type IpiChannel,
  type IpiHandler,
  type IpiTransport,
} from "./ipi";

const FIFO_MASK: i32 = IPIQ_FIFO - 1;
/** Sends within sends within requests. */
const NESTING_MAX: i32 = 20;
/** Seconds after which `wait` gives up. */
const WAIT_SECONDS: i32 = 10;

/** How a CPU waits, and so what it serves meanwhile. */
export const IPIW_NONE: i32 = 0;
/** For room: only senders that wait for this CPU, and only until they can go on. */
export const IPIW_ROOM: i32 = 1;
/** For others to do something: everything. */
export const IPIW_ALL: i32 = 2;

/** Requests of one CPU for one other. */
export class IpiQueue implements IpiChannel {
  private readonly handlers: Array<IpiHandler | null> = [];
  private readonly args: Int32Array = new Int32Array(IPIQ_FIFO);
  /** Sent, begun, and finished requests; they count up for ever and wrap at 2^32. */
  windex: i32 = 0;
  rindex: i32 = 0;
  xindex: i32 = 0;
  /** The level to which a waiting target should take requests; 0: the source does not wait. */
  drain: i32 = 0;
  /** Requests that are under way: more than one when one waits and others are served meanwhile. */
  private running: i32 = 0;

  constructor(
    private readonly from: Cpu,
    private readonly to: Cpu,
    private readonly transport: IpiTransport,
  ) {
    for (let i = 0; i < IPIQ_FIFO; i++) this.handlers.push(null);
  }

  capacity(): i32 {
    return IPIQ_FIFO;
  }

  pending(): i32 {
    return (this.windex - this.rindex) | 0;
  }

  setDrain(level: i32): i32 {
    const before = this.drain;
    this.drain = level;
    return before;
  }

  pause(): void {
    const own = this.from.ipiqs!;
    const before = own.waiting;
    own.waiting = IPIW_ROOM;
    own.processNested();
    this.transport.pause(this.from);
    own.waiting = before;
  }

  stalled(seconds: i32): void {
    this.transport.warn(this.from, this.to, seconds, this.pending());
  }

  resignal(): void {
    this.to.reqflags |= RQF_IPIQ;
    this.transport.signal(this.from, this.to);
  }

  /** ns, of the transport. */
  nanotime(): long {
    return this.transport.nanotime();
  }

  /** For the source, which has seen to it that there is room. */
  append(handler: IpiHandler, arg: i32): void {
    const at = this.windex & FIFO_MASK;
    this.handlers[at] = handler;
    this.args[at] = arg;
    this.windex = (this.windex + 1) | 0;
  }

  /** For the target: runs requests until `limit` of those that are there now are left. Returns whether any are. */
  run(limit: i32): boolean {
    const end = this.windex;
    while (((end - this.rindex) | 0) > limit) {
      const at = this.rindex & FIFO_MASK;
      const handler = this.handlers[at]!;
      const arg = this.args[at];
      this.handlers[at] = null;
      this.rindex = (this.rindex + 1) | 0;
      this.running++;
      handler.ipi(this.to, arg);
      this.running--;
      if (this.running === 0) this.xindex = this.rindex;
    }
    return this.rindex !== this.windex;
  }
}

/** The requests from and to one CPU. */
export class IpiQueues {
  /** By target; made with the first request. */
  private readonly outgoing: Array<IpiQueue | null> = [];
  /** By source, the same queues seen from here. */
  private readonly incoming: Array<IpiQueue | null> = [];
  /** Sources that have sent. */
  private readonly sources: BitSet;
  /** CPU synchronizations that hold this CPU. */
  readonly syncs: CpuSync[] = [];
  /** Calls of `process` that are under way. */
  private processing: i32 = 0;
  private nesting: i32 = 0;
  /** IPIW_*. */
  waiting: i32 = IPIW_NONE;

  /** Statistics: requests sent, times that a FIFO was too full, signals avoided, passive requests. */
  sent: i32 = 0;
  fifoFull: i32 = 0;
  avoided: i32 = 0;
  passive: i32 = 0;

  constructor(
    private readonly cpu: Cpu,
    private readonly transport: IpiTransport,
    cpus: i32,
  ) {
    this.sources = new BitSet(cpus);
    for (let i = 0; i < cpus; i++) {
      this.outgoing.push(null);
      this.incoming.push(null);
    }
  }

  get isProcessing(): boolean {
    return this.processing !== 0;
  }

  /** The queue to a CPU. */
  private to(target: Cpu): IpiQueue {
    let q = this.outgoing[target.id];
    if (q === null) {
      q = new IpiQueue(this.cpu, target, this.transport);
      this.outgoing[target.id] = q;
      target.ipiqs!.incoming[this.cpu.id] = q;
    }
    return q;
  }

  /**
   * Sends a request. On the same CPU it runs at once. Otherwise waits when the target has too many (`waitForRoom`), and signals it unless it is flagged
   * already. Returns the number of the request, for `wait`. Source: lwkt_send_ipiq3.
   */
  send(target: Cpu, handler: IpiHandler, arg: i32): i32 {
    if (target === this.cpu) {
      handler.ipi(target, arg);
      return 0;
    }
    const q = this.to(target);
    this.cpu.critEnter();
    this.nesting++;
    kassert(this.nesting <= NESTING_MAX, "ipi: too heavily nested");
    this.sent = (this.sent + 1) | 0;
    if (q.pending() > IPIQ_FIFO >> 1 && waitForRoom(q, this.processing !== 0)) {
      this.fifoFull = (this.fifoFull + 1) | 0;
    }
    const seq = this.post(q, target, handler, arg);
    if ((target.reqflags & RQF_IPIQ) === 0) {
      target.reqflags |= RQF_IPIQ;
      this.transport.signal(this.cpu, target);
    } else this.avoided = (this.avoided + 1) | 0;
    this.nesting--;
    this.cpu.critExit();
    return seq;
  }

  /** As `send`, but does not wait: -ENOENT when the FIFO is more than 2/3 full, else 0. Source: lwkt_send_ipiq3_nowait. */
  sendNowait(target: Cpu, handler: IpiHandler, arg: i32): i32 {
    if (target === this.cpu) {
      handler.ipi(target, arg);
      return 0;
    }
    const error = tryRoom(this.to(target));
    if (error !== 0) return error;
    const q = this.to(target);
    this.cpu.critEnter();
    this.sent = (this.sent + 1) | 0;
    this.post(q, target, handler, arg);
    if ((target.reqflags & RQF_IPIQ) === 0) {
      target.reqflags |= RQF_IPIQ;
      this.transport.signal(this.cpu, target);
    } else this.avoided = (this.avoided + 1) | 0;
    this.cpu.critExit();
    return 0;
  }

  /** Sends a request that has time: the target finds it when it polls (at its clock tick, or idle). An active send when the FIFO is 1/4 full. */
  sendPassive(target: Cpu, handler: IpiHandler, arg: i32): i32 {
    kassert(target !== this.cpu, "ipi: a passive request to oneself");
    const q = this.to(target);
    if (passiveMustSignal(q)) return this.send(target, handler, arg);
    this.sent = (this.sent + 1) | 0;
    this.passive = (this.passive + 1) | 0;
    return this.post(q, target, handler, arg);
  }

  private post(q: IpiQueue, target: Cpu, handler: IpiHandler, arg: i32): i32 {
    q.append(handler, arg);
    target.ipiqs!.sources.add(this.cpu.id);
    return q.windex;
  }

  /**
   * Waits until the target has finished request number `seq`, serving others meanwhile. Warns after each second and panics after 10. Source: lwkt_wait_ipiq.
   */
  wait(target: Cpu, seq: i32): void {
    if (target === this.cpu) return;
    const q = this.to(target);
    const since = this.transport.nanotime();
    let told: i32 = 0;
    while (((q.xindex - seq) | 0) < 0) {
      this.pause();
      const seconds = secondsSince(since, this.transport.nanotime());
      if (seconds > told) {
        told = seconds;
        this.transport.warn(this.cpu, target, seconds, (seq - q.xindex) | 0);
        if (seconds >= WAIT_SECONDS) panic("wait_ipiq: a CPU does not answer");
      }
    }
  }

  /** Waits a moment for others, serving everything. */
  pause(): void {
    const before = this.waiting;
    this.waiting = IPIW_ALL;
    this.process();
    this.transport.pause(this.cpu);
    this.waiting = before;
  }

  /** Serves all requests for this CPU, in a critical section. Called when it was signalled, and to poll for passive ones. Source: lwkt_process_ipiq. */
  process(): void {
    this.cpu.reqflags &= ~RQF_IPIQ;
    this.cpu.critEnter();
    this.processing++;
    let from = this.sources.first();
    while (from >= 0) {
      this.sources.delete(from);
      const q = this.incoming[from]!;
      while (q.run(0));
      from = this.sources.first();
    }
    this.pollSyncs();
    this.processing--;
    this.cpu.critExit();
  }

  /** Serves only senders that wait, and only until they can go on: what a sender does while it waits itself. */
  processNested(): void {
    this.cpu.critEnter();
    this.processing++;
    for (let i = 0; i < this.incoming.length; i++) {
      const q = this.incoming[i];
      if (q !== null && q.drain !== 0) q.run(q.drain);
    }
    this.pollSyncs();
    this.processing--;
    this.cpu.critExit();
  }

  /** Lets go of those synchronizations that are over. */
  private pollSyncs(): void {
    for (let i: i32 = (this.syncs.length - 1) | 0; i >= 0; i--) {
      const sync = this.syncs[i];
      if (!sync.isReleased(this.cpu)) continue;
      this.syncs[i] = this.syncs[this.syncs.length - 1];
      this.syncs.pop();
      sync.finish(this.cpu);
    }
  }
}
