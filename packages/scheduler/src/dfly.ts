/**
 * The userland scheduler of DragonFly for several CPUs: run queues for each CPU by priority, loads by recent use of the CPU, and a
 * descent of the topology that weighs load, nearness and who woke whom.
 *
 * Key type `Dfly`. Neighbours: `dfly-choice.ts` (the descents), `dfly-tuning.ts` (weights and features), `entity.ts` (priority, estcpu, uload), `run-queue.ts`,
 * `load-tree.ts` (the sums that make a descent cost log(CPUs); the original adds up every CPU of every node).
 *
 * An entity's `uload` counts for its CPU while it is runnable and until it has slept for a second: load is what is usually there, not
 * what is there now. Where the original charges whole ticks, the caller accounts what was used, to the ns.
 * Invariant: `uload[c]` and `ucount[c]` are the sum and the number of the entities that are `loaded` on c; the tree holds `effective(c)`;
 * `upri[c]` is the priority of the current entity of c.
 * Source: DragonFly sys/kern/usched_dfly.c.
 */
import { i32, imul, kassert, longDiv, longMod, LongArray, toLong, type long } from "@anax/portable";
import { DflyChoice } from "./dfly-choice";
import { CLASS_REALTIME, PPQ, PRIBASE_NULL, SAMPLE_NS, SLICE_NS, type SchedEntity } from "./entity";
import {
  DFLY_FORK_BEST,
  DFLY_FORK_SAME,
  DFLY_FORK_SPREAD,
  DFLY_PULL,
  DFLY_PUSH,
  DFLY_PUSH_MORE,
  DFLY_ROVER,
  type DflyTuning,
} from "./dfly-tuning";
import { LoadTree } from "./load-tree";
import { SchedPolicy, TICK_NS } from "./policy";
import { RunQueues, type Sampler } from "./run-queue";
import type { Topology } from "./topology";

/** Who has slept so long is no load any more, ns. */
export const DOZE_NS: long = 1000000000;
/** Ticks of that time. */
const TICKS_PER_DOZE: i32 = 50;
/** Ticks between two turns of the rover. */
const ROVER_TICKS: i32 = 8;
/** Queued entities that are looked at for one that may move to another CPU. */
const PULL_CHECKS: i32 = 32;
/** CPUs that are looked at for one that runs something worse, when a child is to start anywhere. */
const SPREAD_CHECKS: i32 = 32;
/** Priority to queue. */
const QUEUE_MASK: i32 = -PPQ;

export class Dfly extends SchedPolicy implements Sampler {
  /** By CPU: sum of `uload` and number of the entities that count. */
  readonly uload: Int32Array;
  readonly ucount: Int32Array;
  readonly tree: LoadTree;
  private readonly choice: DflyChoice;
  private readonly queues: RunQueues;
  /** When the waiting ones of a CPU are next looked at, ns. */
  private readonly nextDecay: LongArray;
  /** Where the last child of this CPU's entities was put. */
  private readonly scan: Int32Array;
  /** All who count. */
  private total: i32 = 0;
  /** The priority of what each CPU runs; PRIBASE_NULL when it is idle. */
  private readonly upri: Int32Array;
  /** Sleepers who still count, in no order: who wakes up leaves without a look at others. Ticks go round and round through them. */
  private readonly dozers: Array<SchedEntity | null> = [];
  private dozing: i32 = 0;
  private sweepAt: i32 = 0;
  private readonly label: string;

  constructor(
    topology: Topology,
    readonly tuning: DflyTuning,
    label: string,
  ) {
    super(topology);
    kassert(tuning.wrong().length === 0, "dfly: tuning out of range");
    this.label = label;
    this.uload = new Int32Array(topology.cpus);
    this.queues = new RunQueues(topology.cpus);
    this.ucount = new Int32Array(topology.cpus);
    this.scan = new Int32Array(topology.cpus);
    this.upri = new Int32Array(topology.cpus);
    this.nextDecay = new LongArray(topology.cpus);
    const tree = new LoadTree(topology);
    this.tree = tree;
    this.choice = new DflyChoice(topology, tuning, tree);
    this.upri.fill(PRIBASE_NULL);
    for (let c = 0; c < topology.cpus; c++) {
      this.scan[c] = c;
      this.refresh(c);
    }
  }

  get name(): string {
    return this.label;
  }

  // Load.

  /** What a CPU weighs in choices: its load, and an advantage when it is idle. */
  effective(cpu: i32): i32 {
    const t = this.tuning;
    const load: i32 = (this.uload[cpu] + imul(this.ucount[cpu], t.weight3)) | 0;
    if (this.current[cpu] !== null || this.queues.count(cpu) !== 0) return load;
    return ((t.halveIdle ? (load / 2) | 0 : load) - t.weight4) | 0;
  }

  private refresh(cpu: i32): void {
    const waiting = this.queues.count(cpu);
    this.tree.set(cpu, this.effective(cpu), this.movable(cpu, waiting), waiting === 0 && this.current[cpu] === null);
  }

  private count(e: SchedEntity): void {
    if (e.loaded) return;
    e.loaded = true;
    this.uload[e.cpu] = (this.uload[e.cpu] + e.uload) | 0;
    this.ucount[e.cpu] = (this.ucount[e.cpu] + 1) | 0;
    this.total++;
  }

  private discount(e: SchedEntity): void {
    if (!e.loaded) return;
    e.loaded = false;
    this.uload[e.cpu] = (this.uload[e.cpu] - e.uload) | 0;
    this.ucount[e.cpu] = (this.ucount[e.cpu] - 1) | 0;
    this.total--;
  }

  /** Its `uload` was `before`. */
  private reweigh(e: SchedEntity, before: i32): void {
    if (e.loaded) this.uload[e.cpu] = (this.uload[e.cpu] + e.uload - before) | 0;
  }

  private get excess(): i32 {
    const over: i32 = (this.total - this.cpus) | 0;
    return this.tuning.compensate && over > 0 ? over : 0;
  }

  // Life.

  override add(e: SchedEntity, parent: SchedEntity | null, now: long): void {
    if (parent !== null) e.inherit(parent, now);
    else {
      e.sampleStart = now;
      e.resetPriority();
    }
    this.inheritPlace(e, parent);
  }

  override remove(e: SchedEntity, parent: SchedEntity | null, now: long): void {
    if (parent !== null) e.bequeath(parent);
    this.unsetRunnable(e, now);
    if (e.running) this.vacate(e);
    this.undoze(e);
    this.discount(e);
    this.refresh(e.cpu);
    this.dropMask(e);
  }

  private doze(e: SchedEntity): void {
    if (!e.loaded) return;
    const at = this.dozing;
    if (at === this.dozers.length) this.dozers.push(e);
    else this.dozers[at] = e;
    e.dozeAt = at;
    this.dozing++;
  }

  private undoze(e: SchedEntity): void {
    const at = e.dozeAt;
    if (at < 0) return;
    this.dozing--;
    const last = this.dozers[this.dozing] as SchedEntity;
    this.dozers[at] = last;
    last.dozeAt = at;
    this.dozers[this.dozing] = null;
    e.dozeAt = -1;
  }

  /** Looks at so many dozers that all have been looked at after a second of ticks. Those who have slept for that long do not count any more. */
  private sweep(now: long): void {
    let left: i32 = (((this.dozing / imul(TICKS_PER_DOZE, this.cpus)) | 0) + 1) | 0;
    while (left > 0 && this.dozing > 0) {
      left--;
      if (this.sweepAt >= this.dozing) this.sweepAt = 0;
      const e = this.dozers[this.sweepAt] as SchedEntity;
      if (now - e.sleepStart < DOZE_NS) {
        this.sweepAt++;
        continue;
      }
      this.undoze(e);
      this.discount(e);
      this.refresh(e.cpu);
    }
  }

  /** Nothing runs on its CPU now. */
  private vacate(e: SchedEntity): void {
    const cpu = e.cpu;
    this.release(e);
    this.upri[cpu] = PRIBASE_NULL;
    this.want(cpu);
  }

  override sleep(e: SchedEntity, now: long): void {
    kassert(e.running, "scheduler: sleeper does not run");
    e.sleepStart = now;
    if (!this.tuning.atHead) e.sliceUsed = 0;
    e.yielded = false;
    this.vacate(e);
    this.doze(e);
    this.refresh(e.cpu);
  }

  // Run queues.

  private enqueue(e: SchedEntity, atHead: boolean): void {
    const cpu = e.cpu;
    this.count(e);
    this.queues.add(cpu, e, atHead);
    this.runnable++;
    this.interrupt(e);
    this.refresh(cpu);
  }

  /** A reschedule of its CPU when the queued entity is better than what runs. */
  private interrupt(e: SchedEntity): void {
    const cpu = e.cpu;
    const now = this.upri[cpu] & QUEUE_MASK;
    const rival = e.priority & QUEUE_MASK;
    if (now === PRIBASE_NULL || now > ((rival + this.tuning.fastResched) | 0)) this.want(cpu);
    else if (now > rival) {
      const running = this.current[cpu];
      if (running !== null && running.sliceUsed < SLICE_NS) running.sliceUsed = SLICE_NS - TICK_NS;
    }
  }

  override unsetRunnable(e: SchedEntity, now: long): void {
    if (!e.queued) return;
    this.queues.remove(e.cpu, e);
    this.runnable--;
    e.sleepStart = now;
    this.doze(e);
    this.refresh(e.cpu);
  }

  override setRunnable(e: SchedEntity, now: long, wakerCpu: i32): i32 {
    if (e.queued) return e.cpu;
    const from = e.cpu;
    let atHead = false;
    let target = from;
    if (e.running) {
      const stays = e.yielded;
      atHead = !e.turnOver;
      if (!atHead) {
        e.newTurn();
        e.wakeCpu = -1;
      }
      this.vacate(e);
      if (!this.mayRun(e, from)) target = this.choice.best(e);
      else if (!stays && this.mayPush(from, now)) {
        this.refresh(from);
        target = this.choice.best(e);
      }
    } else {
      this.undoze(e);
      const before = e.uload;
      if (e.sleepStart >= 0) e.woken(now);
      this.reweigh(e, before);
      // Who forked it did not wake it to talk to it.
      e.wakeCpu = e.forked ? -1 : wakerCpu;
      target = this.placeWoken(e);
      atHead = this.tuning.atHead && e.klass !== CLASS_REALTIME && !e.turnOver;
      if (!atHead) e.newTurn();
    }
    if (target !== from) {
      this.discount(e);
      this.refresh(from);
      e.cpu = target;
    }
    this.enqueue(e, atHead);
    return target;
  }

  private mayPush(cpu: i32, now: long): boolean {
    const t = this.tuning;
    return (t.features & DFLY_PUSH_MORE) !== 0 && (!t.pace || this.turn(now) === cpu);
  }

  /** The CPU whose turn it is to be rebalanced. */
  private turn(now: long): i32 {
    return i32(longMod(longDiv(now, TICK_NS * toLong(ROVER_TICKS)), toLong(this.cpus)));
  }

  private placeWoken(e: SchedEntity): i32 {
    const forked = e.forked;
    e.forked = false;
    const only = e.allowed;
    if (only !== null && only.only >= 0) return only.only;
    const features = this.tuning.features;
    if (forked) {
      if ((features & DFLY_FORK_BEST) !== 0) return this.choice.best(e);
      if ((features & DFLY_FORK_SAME) !== 0) return e.cpu;
      if ((features & DFLY_FORK_SPREAD) !== 0) return this.spread(e);
      return this.queues.count(e.cpu) !== 0 ? this.choice.best(e) : e.cpu;
    }
    return (features & DFLY_PUSH) !== 0 ? this.choice.best(e) : e.cpu;
  }

  override choose(cpu: i32, _now: long): SchedEntity | null {
    kassert(this.current[cpu] === null, "scheduler: the CPU is busy");
    this.resched[cpu] = 0;
    const queue = this.queues;
    let e = queue.peek(cpu);
    if (e === null) {
      if ((this.tuning.features & DFLY_PULL) === 0 || this.tree.queued[0] === 0) return null;
      e = this.pull(cpu, false, this.tuning.weight7);
      if (e === null) return null;
    }
    queue.remove(cpu, e);
    this.runnable--;
    this.occupy(cpu, e);
    this.upri[cpu] = e.priority;
    this.refresh(cpu);
    return e;
  }

  protected override settleAsleep(e: SchedEntity): void {
    this.undoze(e);
    this.discount(e);
    this.refresh(e.cpu);
    e.cpu = this.firstAllowed(e);
  }

  override waiting(cpu: i32): i32 {
    return this.queues.count(cpu);
  }

  // Time.

  override account(e: SchedEntity, ns: long, now: long): void {
    this.checkAccount(e, ns);
    e.charge(ns);
    if (now - e.sampleStart >= SAMPLE_NS) {
      this.sample(e, now);
      this.upri[e.cpu] = e.priority;
      this.refresh(e.cpu);
    }
    this.checkSlice(e);
  }

  /** Closes the sample of one who waits or runs; the run queue calls it. */
  sample(e: SchedEntity, now: long): void {
    const before = e.uload;
    e.closeSample(now, this.excess, this.cpus);
    this.reweigh(e, before);
  }

  /** A reschedule when somebody better waits, or the slice is over. */
  private checkSlice(e: SchedEntity): void {
    const cpu = e.cpu;
    const first = this.queues.best(cpu);
    const own: i32 = e.priority >> 2;
    if (first < own) {
      this.want(cpu);
      return;
    }
    if (!e.turnOver) return;
    if (first === own) this.want(cpu);
  }

  override tick(cpu: i32, now: long): void {
    this.sweep(now);
    if (now >= this.nextDecay.get(cpu)) {
      this.nextDecay.set(cpu, now + SAMPLE_NS);
      if (this.queues.hasNormal(cpu)) {
        this.queues.decay(cpu, now, this);
        this.refresh(cpu);
      }
    }
    if ((this.tuning.features & DFLY_ROVER) !== 0 && this.cpus > 1) {
      const t = longDiv(now, TICK_NS);
      if (longMod(t, toLong(ROVER_TICKS)) === toLong(0) && this.turn(now) === cpu) this.rebalance(cpu);
    }
    const running = this.current[cpu];
    if (running === null) return;
    this.checkSlice(running);
    if (!running.turnOver) return;
    // The end of a slice is also when a hog may be pushed to a better CPU, whoever waits.
    if (this.cpus > 1 && this.mayPush(cpu, now)) this.want(cpu);
    else if (this.resched[cpu] === 0) running.sliceUsed = 0;
  }

  /** The rover: a CPU takes the worst entity of the worst queue, if that leaves it less loaded than the other. */
  rebalance(cpu: i32): void {
    const e = this.pull(cpu, true, (this.tuning.weight6 / 2) | 0);
    if (e !== null) this.interrupt(e);
  }

  override slice(cpu: i32, e: SchedEntity): long {
    // Once it is over and only worse ones wait, the clock looks at it.
    if (this.queues.count(cpu) === 0 || (e.sliceUsed >= SLICE_NS && this.queues.best(cpu) > e.priority >> 2)) return -1;
    return e.sliceLeft;
  }

  override yieldNow(e: SchedEntity, _now: long): void {
    e.yielded = true;
    this.want(e.cpu);
  }

  protected override unqueue(e: SchedEntity): void {
    this.queues.remove(e.cpu, e);
  }

  protected override reranked(e: SchedEntity, queued: boolean): void {
    const before = e.uload;
    e.resetPriority();
    this.reweigh(e, before);
    if (queued) {
      this.queues.add(e.cpu, e, false);
      this.interrupt(e);
    } else if (e.running) {
      this.upri[e.cpu] = e.priority;
      if (this.queues.count(e.cpu) > 0) this.want(e.cpu);
    }
    this.refresh(e.cpu);
  }

  protected override requeue(e: SchedEntity, _now: long): void {
    const from = e.cpu;
    this.queues.remove(from, e);
    this.runnable--;
    const target = this.choice.best(e);
    this.discount(e);
    this.refresh(from);
    e.cpu = target;
    this.enqueue(e, false);
  }

  // Where.

  /** Moves the worst that may run here from the worst CPU, when that has more load by `hysteresis`. It is queued here; null for none. */
  private pull(cpu: i32, force: boolean, hysteresis: i32): SchedEntity | null {
    const from = this.choice.worst(cpu, force);
    if (from < 0 || ((this.uload[cpu] + hysteresis) | 0) >= this.uload[from]) return null;
    const queue = this.queues;
    let left = PULL_CHECKS;
    for (let q = queue.worst(from); left > 0 && q >= 0; q = queue.before(from, q)) {
      let e = queue.tail(from, q);
      while (e !== null && left > 0) {
        left--;
        if (this.mayRun(e, cpu)) {
          queue.remove(from, e);
          this.discount(e);
          this.refresh(from);
          e.cpu = cpu;
          this.count(e);
          this.queues.add(cpu, e, true);
          this.refresh(cpu);
          return e;
        }
        e = queue.previous(from, e);
      }
    }
    return null;
  }

  /** A CPU for a child anywhere: the next idle one, else one that runs something worse, else the next. */
  private spread(e: SchedEntity): i32 {
    const dock = e.cpu;
    let base: i32 = (this.scan[dock] + 1) | 0;
    if (base >= this.cpus) base = 0;
    this.scan[dock] = base;
    let cpu = this.tree.idleFrom(e.allowed, base);
    if (cpu >= 0) return cpu;
    const allowed = e.allowed;
    cpu = base;
    for (let i = 0; i < SPREAD_CHECKS; i++) {
      if (allowed !== null) {
        cpu = allowed.mask.next(cpu);
        if (cpu < 0) cpu = allowed.mask.next(0);
      }
      if ((this.upri[cpu] & QUEUE_MASK) > (e.priority & QUEUE_MASK)) return cpu;
      cpu = (cpu + 1) | 0;
      if (cpu >= this.cpus) cpu = 0;
    }
    return this.mayRun(e, base) ? base : this.firstAllowed(e);
  }
}
