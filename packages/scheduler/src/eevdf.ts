/**
 * EEVDF, Linux's scheduling class since 6.6, as a policy to compare others with: fair shares by weight, latency by virtual deadline.
 *
 * Key type `Eevdf`. Neighbours: `fair-queue.ts` (virtual time on one CPU), `load-tree.ts`, `run-queue.ts` (real-time entities).
 * Features as Linux 6.6 has them on: PLACE_LAG, PLACE_DEADLINE_INITIAL, RUN_TO_PARITY. Real-time entities go first, by priority;
 * class IDLE and THREAD have weight 3. Balancing is simpler than Linux's: a wake-up goes to an idle CPU of the package of its last or
 * its waker's CPU, a child to the least loaded CPU, a CPU with nothing to run and every eighth tick of a loaded one pulls from the
 * nearest part of the machine where somebody waits.
 * Invariant: `load` of a CPU in the tree is the weight of its members in units of LOAD_UNIT, real-time entities as nice 0.
 * Source: Linux 6.6 kernel/sched/fair.c, kernel/sched/core.c (sched_prio_to_weight), kernel/sched/rt.c.
 */
import { clz, i32, imul, kassert, longDiv, longMod, toLong, u32, type long } from "@anax/portable";
import { CLASS_NORMAL, CLASS_REALTIME, NICE_MIN, SLICE_NS, type SchedEntity } from "./entity";
import { FairNode, FairQueue, WEIGHT_0, WEIGHT_IDLE, virtualTime, type NodeFilter } from "./fair-queue";
import { LoadTree } from "./load-tree";
import { SchedPolicy, TICK_NS } from "./policy";
import { QUEUES, RunQueues } from "./run-queue";
import { LEVEL_PACKAGE, type Topology } from "./topology";

/** A slice on one CPU, ns; with more CPUs times 1 + log2 of at most 8 (sysctl_sched_base_slice and its scaling). */
const BASE_SLICE_NS: long = 750000;
/** Weight of one unit of load: the sum over all CPUs stays within 32 bits. */
const LOAD_UNIT: i32 = 8;
/** Ticks between two looks of a CPU at the load of others. */
const BALANCE_TICKS: i32 = 8;
/** Queued entities that are looked at for one that may move. */
const PULL_CHECKS: i32 = 32;

/** By nice, from -20 (sched_prio_to_weight): a step is a quarter more or less. */
const NICE_WEIGHTS: readonly i32[] = [
  88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991,
  1586, 1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
];

export class Eevdf extends SchedPolicy implements NodeFilter {
  /** Length of a slice, ns. */
  readonly sliceNs: long;
  private readonly fair: FairQueue[] = [];
  private readonly realtime: RunQueues;
  private readonly tree: LoadTree;
  /** The package of each CPU. */
  private readonly domain: Int32Array;
  /** 1 where the last look at the load of others found none light enough to take. */
  private readonly failed: Uint8Array;
  /** Where an entity is to be moved to, for `mayMove`. */
  private puller: i32 = 0;

  constructor(topology: Topology) {
    super(topology);
    const cpus: u32 = topology.cpus < 8 ? u32(topology.cpus) : 8;
    this.sliceNs = BASE_SLICE_NS * toLong((32 - clz(cpus)) | 0);
    this.tree = new LoadTree(topology);
    this.domain = new Int32Array(topology.cpus);
    this.failed = new Uint8Array(topology.cpus);
    this.realtime = new RunQueues(topology.cpus);
    for (let c = 0; c < topology.cpus; c++) {
      this.fair.push(new FairQueue());
      this.domain[c] = topology.around(c, LEVEL_PACKAGE);
    }
  }

  get name(): string {
    return "eevdf";
  }

  /** The weight that the entity has, or would have if it were not real-time. */
  weightOf(e: SchedEntity): i32 {
    if (e.klass === CLASS_NORMAL) return NICE_WEIGHTS[e.nice - NICE_MIN];
    return e.klass === CLASS_REALTIME ? WEIGHT_0 : WEIGHT_IDLE;
  }

  private nodeOf(e: SchedEntity): FairNode {
    let n = e.fair;
    if (n === null) {
      n = new FairNode(e);
      e.fair = n;
    }
    return n;
  }

  /** The virtual clock of a CPU, and whether a node is eligible there: for whoever wants to check the rules. */
  queueOf(cpu: i32): FairQueue {
    return this.fair[cpu];
  }

  private refresh(cpu: i32): void {
    const q = this.fair[cpu];
    const rt = this.realtime.count(cpu);
    const running = this.current[cpu];
    let load = i32(longDiv(q.weight + (LOAD_UNIT - 1), toLong(LOAD_UNIT)));
    const runningRt = running !== null && running.klass === CLASS_REALTIME;
    load = (load + imul(runningRt ? rt + 1 : rt, (WEIGHT_0 / LOAD_UNIT) | 0)) | 0;
    const waiting: i32 = (q.count + rt) | 0;
    this.tree.set(cpu, load, this.movable(cpu, waiting), waiting === 0 && running === null);
  }

  private isIdle(cpu: i32): boolean {
    return this.current[cpu] === null && this.waiting(cpu) === 0;
  }

  override waiting(cpu: i32): i32 {
    return (this.fair[cpu].count + this.realtime.count(cpu)) | 0;
  }

  // Life.

  override add(e: SchedEntity, parent: SchedEntity | null, _now: long): void {
    if (parent !== null) {
      e.klass = parent.klass;
      e.nice = parent.nice;
      e.rtPriority = parent.rtPriority;
      e.roundRobin = parent.roundRobin;
    }
    e.resetPriority();
    const n = this.nodeOf(e);
    n.weight = this.weightOf(e);
    n.lag = 0;
    n.turn = -1;
    n.remainder = 0;
    this.inheritPlace(e, parent);
  }

  override remove(e: SchedEntity, _parent: SchedEntity | null, now: long): void {
    this.unsetRunnable(e, now);
    if (e.running) this.stop(e);
    e.fair = null;
    this.dropMask(e);
  }

  /** The current entity leaves its CPU and is not runnable. */
  private stop(e: SchedEntity): void {
    const cpu = e.cpu;
    this.detach(e);
    this.release(e);
    this.want(cpu);
    this.refresh(cpu);
  }

  override sleep(e: SchedEntity, now: long): void {
    kassert(e.running, "scheduler: sleeper does not run");
    e.sleepStart = now;
    e.newTurn();
    this.stop(e);
  }

  override unsetRunnable(e: SchedEntity, now: long): void {
    if (!e.queued) return;
    this.takeOff(e);
    e.sleepStart = now;
    this.refresh(e.cpu);
  }

  // Queues.

  /** No member of its CPU's fair queue any more. It is not in the tree. */
  private detach(e: SchedEntity): void {
    const n = this.nodeOf(e);
    if (!n.member) return;
    // A tick may pass before an overrun is noticed.
    let limit = this.sliceNs * 2;
    if (limit < TICK_NS) limit = TICK_NS;
    this.fair[e.cpu].leave(n, virtualTime(limit, n.weight));
    n.turn = -1;
  }

  /** Off its queue, whichever it is on; the caller refreshes. */
  private takeOff(e: SchedEntity): void {
    this.runnable--;
    this.unqueue(e);
    if (e.klass !== CLASS_REALTIME) this.detach(e);
  }

  /** Gives a node its virtual time and deadline on a queue: as much behind or ahead as it was, corrected for its own weight in the average. */
  private place(q: FairQueue, n: FairNode, initial: boolean): void {
    let lag = n.lag;
    if (q.weight === toLong(0)) lag = 0;
    else lag = lag + longDiv(lag * n.weight, q.weight);
    n.vruntime = q.clock - lag;
    let due = virtualTime(this.sliceNs, n.weight);
    // Who is new starts within a slice that is half over.
    if (initial) due = longDiv(due, toLong(2));
    n.deadline = n.vruntime + due;
    q.join(n);
  }

  /** On the queue of its CPU, as one that was not runnable. */
  private putOn(e: SchedEntity): void {
    this.runnable++;
    const cpu = e.cpu;
    if (e.klass === CLASS_REALTIME) this.realtime.add(cpu, e, false);
    else {
      const n = this.nodeOf(e);
      const q = this.fair[cpu];
      this.place(q, n, e.forked);
      q.insert(n);
    }
    e.forked = false;
    this.interrupt(e);
    this.refresh(cpu);
  }

  /** A reschedule of its CPU when the queued entity should run instead of what does. */
  private interrupt(e: SchedEntity): void {
    const cpu = e.cpu;
    const running = this.current[cpu];
    if (running === null) {
      this.want(cpu);
      return;
    }
    if (e.klass === CLASS_REALTIME || running.klass === CLASS_REALTIME) {
      if (e.priority >> 2 < running.priority >> 2) this.want(cpu);
      return;
    }
    if (running.klass !== CLASS_NORMAL && e.klass === CLASS_NORMAL) {
      this.want(cpu);
      return;
    }
    if (running.klass === CLASS_NORMAL && e.klass !== CLASS_NORMAL) return;
    const q = this.fair[cpu];
    const n = this.nodeOf(running);
    const mine = this.nodeOf(e);
    if (q.eligible(n) && (n.turn === n.deadline || n.deadline <= mine.deadline)) return;
    if (q.pick() === mine) this.want(cpu);
  }

  override setRunnable(e: SchedEntity, now: long, wakerCpu: i32): i32 {
    if (e.queued) return e.cpu;
    const from = e.cpu;
    if (e.running) {
      this.release(e);
      this.want(from);
      if (!this.mayRun(e, from)) {
        this.detach(e);
        this.refresh(from);
        e.cpu = this.tree.lightest(e.allowed, from);
        this.putOn(e);
        return e.cpu;
      }
      this.runnable++;
      if (e.klass === CLASS_REALTIME) {
        const spent = e.turnOver;
        if (spent) e.newTurn();
        this.realtime.add(from, e, !spent);
      } else {
        const n = this.nodeOf(e);
        n.turn = -1;
        this.fair[from].insert(n);
      }
      this.refresh(from);
      return from;
    }
    e.sleepStart = -1;
    e.wakeCpu = wakerCpu;
    e.cpu = e.forked ? this.tree.lightest(e.allowed, from) : this.placeWoken(e, wakerCpu);
    this.putOn(e);
    return e.cpu;
  }

  /** Its last CPU or its waker's, whichever has less to do, or an idle one that shares the package with that. */
  private placeWoken(e: SchedEntity, waker: i32): i32 {
    const own = e.cpu;
    if (this.isIdle(own)) return own;
    let target = own;
    if (waker >= 0 && waker < this.cpus && waker !== own && this.mayRun(e, waker)) {
      const leaf = this.topology.leaf;
      if (this.tree.load[leaf[waker]] < this.tree.load[leaf[own]]) target = waker;
    }
    const idle = this.tree.idleNear(e.allowed, target, this.domain[target]);
    if (idle >= 0) return idle;
    // Real-time entities do not wait behind their betters.
    const running = this.current[target];
    if (e.klass === CLASS_REALTIME && running !== null && running.priority <= e.priority) {
      return this.tree.lightest(e.allowed, target);
    }
    return target;
  }

  override choose(cpu: i32, _now: long): SchedEntity | null {
    kassert(this.current[cpu] === null, "scheduler: the CPU is busy");
    this.resched[cpu] = 0;
    if (this.waiting(cpu) === 0 && (this.tree.queued[0] === 0 || !this.pull(cpu))) return null;
    this.resched[cpu] = 0;
    const rt = this.realtime.peek(cpu);
    if (rt !== null) {
      this.realtime.remove(cpu, rt);
      this.occupy(cpu, rt);
    } else {
      const q = this.fair[cpu];
      const n = q.pick();
      if (n === null) {
        kassert(false, "eevdf: nobody is eligible");
        return null;
      }
      q.remove(n);
      n.turn = n.deadline;
      this.occupy(cpu, n.entity);
    }
    this.runnable--;
    this.refresh(cpu);
    return this.current[cpu];
  }

  // Time.

  override account(e: SchedEntity, ns: long, _now: long): void {
    this.checkAccount(e, ns);
    e.sliceUsed = e.sliceUsed + ns;
    const cpu = e.cpu;
    if (e.klass === CLASS_REALTIME) {
      if (e.sliceUsed < SLICE_NS || !e.roundRobin) return;
      if (this.realtime.best(cpu) <= e.priority >> 2) this.want(cpu);
      else e.sliceUsed = 0;
      return;
    }
    const n = this.nodeOf(e);
    const q = this.fair[cpu];
    const total = ns * WEIGHT_0 + n.remainder;
    const by = longDiv(total, toLong(n.weight));
    n.remainder = total - by * n.weight;
    q.advance(n, by);
    if (n.vruntime < n.deadline) return;
    n.deadline = n.vruntime + virtualTime(this.sliceNs, n.weight);
    if (q.count > 0) this.want(cpu);
  }

  override tick(cpu: i32, now: long): void {
    if (this.cpus === 1 || this.tree.queued[0] === 0) return;
    if (this.isIdle(cpu)) {
      this.want(cpu);
      return;
    }
    const t = longDiv(now, TICK_NS) + cpu;
    if (longMod(t, toLong(BALANCE_TICKS)) === toLong(0)) this.balance(cpu);
  }

  /**
   * Pulls one entity when that leaves the other CPU no less loaded than this one; or, when the last look found none so light, one that turns the
   * difference round at most: so that three hogs take turns in sharing one of two CPUs (nr_balance_failed).
   */
  private balance(cpu: i32): void {
    const from = this.tree.busiestNear(cpu);
    if (from < 0) return;
    const leaf = this.topology.leaf;
    const more: i32 = (this.tree.load[leaf[from]] - this.tree.load[leaf[cpu]]) | 0;
    const failed = this.failed[cpu] !== 0;
    this.failed[cpu] = 0;
    if (more <= 0) return;
    const e = this.candidate(from, cpu);
    if (e === null) return;
    const weight: i32 = (this.weightOf(e) / LOAD_UNIT) | 0;
    if (weight <= (failed ? more : more >> 1)) this.move(e, cpu);
    else this.failed[cpu] = 1;
  }

  /** For a CPU with nothing to run. False when there is nothing to take. */
  private pull(cpu: i32): boolean {
    for (let from = this.tree.busiestNear(cpu); from >= 0; from = this.tree.nextWaiting()) {
      const e = this.candidate(from, cpu);
      if (e === null) continue;
      this.move(e, cpu);
      return true;
    }
    return false;
  }

  /** Whether the node may run on the CPU that pulls. */
  mayMove(n: FairNode): boolean {
    return this.mayRun(n.entity, this.puller);
  }

  /** Who waits on a CPU and may run on another: the best real-time entity, else the one with the latest deadline. */
  private candidate(from: i32, to: i32): SchedEntity | null {
    const rt = this.realtime;
    let left = PULL_CHECKS;
    for (let q = rt.best(from); left > 0 && q < QUEUES; q = rt.after(from, q)) {
      let e = rt.head(from, q);
      while (e !== null && left > 0) {
        left--;
        if (this.mayRun(e, to)) return e;
        e = e.next;
      }
    }
    this.puller = to;
    const n = this.fair[from].last(this, PULL_CHECKS);
    return n === null ? null : n.entity;
  }

  private move(e: SchedEntity, to: i32): void {
    const from = e.cpu;
    this.takeOff(e);
    this.refresh(from);
    e.cpu = to;
    this.putOn(e);
  }

  override yieldNow(e: SchedEntity, _now: long): void {
    if (e.klass === CLASS_REALTIME) e.yielded = true;
    else {
      const n = this.nodeOf(e);
      n.deadline = n.deadline + virtualTime(this.sliceNs, n.weight);
      n.turn = -1;
    }
    this.want(e.cpu);
  }

  override slice(cpu: i32, e: SchedEntity): long {
    if (e.klass === CLASS_REALTIME) return this.realtime.count(cpu) === 0 ? -1 : e.sliceLeft;
    if (this.fair[cpu].count === 0) return -1;
    const n = this.nodeOf(e);
    const left = longDiv((n.deadline - n.vruntime) * n.weight - n.remainder + (WEIGHT_0 - 1), toLong(WEIGHT_0));
    return left > 0 ? left : 1;
  }

  // Changes.

  protected override unqueue(e: SchedEntity): void {
    if (e.klass === CLASS_REALTIME) this.realtime.remove(e.cpu, e);
    else this.fair[e.cpu].remove(this.nodeOf(e));
  }

  protected override reranked(e: SchedEntity, queued: boolean): void {
    const cpu = e.cpu;
    const n = this.nodeOf(e);
    const running = e.running;
    const left = longDiv((n.deadline - n.vruntime) * n.weight, toLong(WEIGHT_0));
    const wasMember = n.member;
    this.detach(e);
    const old = n.weight;
    e.resetPriority();
    n.weight = this.weightOf(e);
    n.lag = longDiv(n.lag * old, toLong(n.weight));
    const realtime = e.klass === CLASS_REALTIME;
    if ((running || queued) && !realtime) {
      this.place(this.fair[cpu], n, false);
      // What is left of the slice is left of it still.
      if (wasMember) n.deadline = n.vruntime + virtualTime(left, n.weight);
    }
    if (queued) {
      if (realtime) this.realtime.add(cpu, e, false);
      else this.fair[cpu].insert(n);
      this.interrupt(e);
    } else if (running && this.waiting(cpu) > 0) this.want(cpu);
    this.refresh(cpu);
  }

  protected override requeue(e: SchedEntity, _now: long): void {
    const from = e.cpu;
    this.takeOff(e);
    this.refresh(from);
    e.cpu = this.tree.lightest(e.allowed, from);
    this.putOn(e);
  }
}
