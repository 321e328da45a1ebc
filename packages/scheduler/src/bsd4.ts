/**
 * DragonFly's older userland scheduler for several CPUs: one set of run queues for the whole machine.
 *
 * Key types `Bsd4`, `Bsd4Tuning`. Neighbours: `entity.ts` (priority and estcpu), `run-queue.ts`, `priority-tree.ts` (what the CPUs run).
 * Who becomes runnable goes on the common queue, and one CPU is told to look: an idle one (with SMT on an idle core), else the one that
 * runs the worst. A CPU whose entity leaves it passes over a few that last ran elsewhere, if their own CPU may take them within a tick (cache
 * coherence), and then takes the nearest; it stays idle when there are but a few. An idle CPU that is told to look takes the first. Use of the CPU counts between half and fully, by how long an entity has been batch-like.
 * An entity's `cpu` is where it ran last: it is not bound to it.
 * Invariant: all that waits is on `queue`; `upri` is the priority of the current entity of each CPU, or PRIBASE_NULL.
 * Source: DragonFly sys/kern/usched_bsd4.c.
 */
import { i32, imul, kassert, longDiv, type long } from "@anax/portable";
import { ESTCPUMAX, PRIBASE_NULL, SAMPLE_NS, type SchedEntity } from "./entity";
import { LoadTree } from "./load-tree";
import { SchedPolicy, TICK_NS } from "./policy";
import { PriorityTree } from "./priority-tree";
import { QUEUES, RunQueues, type Sampler } from "./run-queue";
import { LEVEL_CORE, type Topology } from "./topology";

/** Ticks of more than half a CPU until an entity counts as batch: 30 s. */
const BATCH_MAX: i32 = 1500;
/** Ticks of a sample. */
const SAMPLE_TICKS: i32 = 5;
/** Idle CPUs that are looked at for one on an idle core. */
const CORE_CHECKS: i32 = 16;

/** What can be tuned (kern.usched_bsd4.*). */
export class Bsd4Tuning {
  /** An entity is not kept for its own CPU when some CPU runs what is worse by more queues than this. 0 to 128. */
  upriAffinity: i32 = 16;
  /** Entities that a CPU passes over at most. 1 to 1,000. */
  queueChecks: i32 = 5;
  /** Ticks that an entity is kept for its own CPU, the one it was queued in included. 0 to 1,000; 0 turns cache coherence off. */
  keepTicks: i32 = 2;
  /** Levels above a CPU whose entities count as its own. 0 to 8. */
  stickToLevel: i32 = 0;
  /** Least batch count, in ticks, at which use of the CPU begins to count in full. 0 to BATCH_MAX. */
  batchTime: i32 = 10;

  /** The first field whose value is out of range; empty when all are right. */
  wrong(): string {
    if (this.upriAffinity < 0 || this.upriAffinity > QUEUES) return "upriAffinity";
    if (this.queueChecks < 1 || this.queueChecks > 1000) return "queueChecks";
    if (this.keepTicks < 0 || this.keepTicks > 1000) return "keepTicks";
    if (this.stickToLevel < 0 || this.stickToLevel > 8) return "stickToLevel";
    return this.batchTime < 0 || this.batchTime > BATCH_MAX ? "batchTime" : "";
  }
}

export class Bsd4 extends SchedPolicy implements Sampler {
  private readonly queue: RunQueues = new RunQueues(1);
  private readonly upri: PriorityTree;
  /** Only its counts of idle CPUs are used. */
  private readonly tree: LoadTree;
  private readonly smt: boolean;
  /** The node whose entities count as a CPU's own. */
  private readonly siblings: Int32Array;
  /** 1 where a CPU has let go of its current entity and has not chosen since. */
  private readonly released: Uint8Array;
  /** Where the next search for an idle CPU starts. */
  private scan: i32 = 0;
  private nextDecay: long = 0;

  constructor(
    topology: Topology,
    readonly tuning: Bsd4Tuning,
  ) {
    super(topology);
    kassert(tuning.wrong().length === 0, "bsd4: tuning out of range");
    this.upri = new PriorityTree(topology);
    this.tree = new LoadTree(topology);
    this.siblings = new Int32Array(topology.cpus);
    this.released = new Uint8Array(topology.cpus);
    let smt = false;
    for (let cpu = 0; cpu < topology.cpus; cpu++) {
      if (topology.cpuCount[topology.around(cpu, LEVEL_CORE)] > 1) smt = true;
      let n = topology.leaf[cpu];
      for (let l = 0; l < tuning.stickToLevel && topology.parent[n] >= 0; l++) n = topology.parent[n];
      this.siblings[cpu] = n;
    }
    this.smt = smt;
  }

  get name(): string {
    return "bsd4";
  }

  override add(e: SchedEntity, parent: SchedEntity | null, now: long): void {
    e.batch = 0;
    if (parent !== null) {
      e.inherit(parent, now);
      e.batch = (BATCH_MAX / 2) | 0;
    } else e.sampleStart = now;
    this.detune(e);
    this.inheritPlace(e, parent);
  }

  override remove(e: SchedEntity, parent: SchedEntity | null, now: long): void {
    if (parent !== null) e.bequeath(parent);
    this.unsetRunnable(e, now);
    this.leave(e);
    this.dropMask(e);
  }

  /** Priority by an estcpu that counts between half and fully: who has not been batch-like for long is better off. */
  private detune(e: SchedEntity): void {
    const batch = e.batch < this.tuning.batchTime ? 0 : e.batch;
    e.resetPriorityBy((imul(e.estcpu, batch + BATCH_MAX) / (2 * BATCH_MAX)) | 0);
  }

  /** Closes the sample of one who waits or runs; the run queue calls it. */
  sample(e: SchedEntity, now: long): void {
    const use = e.closeSample(now, this.runnable, this.cpus);
    if (use > ((ESTCPUMAX / 2) | 0)) {
      e.batch = (e.batch + SAMPLE_TICKS) | 0;
      if (e.batch > BATCH_MAX) e.batch = BATCH_MAX;
    } else {
      e.batch = (e.batch - SAMPLE_TICKS) | 0;
      if (e.batch < 0) e.batch = 0;
    }
    this.detune(e);
  }

  private leave(e: SchedEntity): void {
    if (!e.running) return;
    const cpu = e.cpu;
    this.release(e);
    this.upri.set(cpu, PRIBASE_NULL);
    this.tree.set(cpu, 0, 0, true);
    this.released[cpu] = 1;
    this.want(cpu);
  }

  override sleep(e: SchedEntity, now: long): void {
    kassert(e.running, "scheduler: sleeper does not run");
    e.sleepStart = now;
    this.leave(e);
  }

  override unsetRunnable(e: SchedEntity, now: long): void {
    if (!e.queued) return;
    this.queue.remove(0, e);
    this.runnable--;
    e.sleepStart = now;
  }

  override setRunnable(e: SchedEntity, now: long, wakerCpu: i32): i32 {
    if (e.queued) return e.cpu;
    if (e.running) this.leave(e);
    else {
      if (e.sleepStart >= 0) {
        e.woken(now);
        this.detune(e);
      }
      e.wakeCpu = wakerCpu;
      e.forked = false;
    }
    if (!this.mayRun(e, e.cpu)) e.cpu = this.firstAllowed(e);
    this.queue.add(0, e, false);
    this.runnable++;
    e.queuedTick = longDiv(now, TICK_NS);
    return this.kick(e);
  }

  /** Chooses the CPU that should look at a queued entity, and tells it when the entity is better than what it runs. */
  private kick(e: SchedEntity): i32 {
    this.scan = (this.scan + 1) | 0;
    if (this.scan >= this.cpus) this.scan = 0;
    let cpu = this.idleCpu(e);
    if (cpu < 0) cpu = this.upri.worst(e.allowed);
    if (this.upri.get(cpu) >> 2 > e.priority >> 2) this.want(cpu);
    else cpu = this.mayRun(e, this.scan) ? this.scan : this.firstAllowed(e);
    return cpu;
  }

  /** An idle CPU from `scan` on, with SMT on an idle core if there is one among the first, else beside the best that runs; -1 for none. */
  private idleCpu(e: SchedEntity): i32 {
    const t = this.topology;
    const first = this.tree.idleFrom(e.allowed, this.scan);
    if (first < 0 || !this.smt) return first;
    let cpu = first;
    let beside: i32 = -1;
    let least: i32 = PRIBASE_NULL;
    for (let i = 0; i < CORE_CHECKS; i++) {
      const core = t.around(cpu, LEVEL_CORE);
      const size = t.cpuCount[core];
      if (size === 1 || this.tree.idle[core] === size) return cpu;
      const from = t.firstCpu[core];
      const end: i32 = (from + size) | 0;
      for (let s = from; s < end; s++) {
        const p = this.upri.get(s);
        if (p < least) {
          least = p;
          beside = cpu;
        }
      }
      cpu = this.tree.idleFrom(e.allowed, end < this.cpus ? end : 0);
      if (cpu === first) break;
    }
    return beside >= 0 ? beside : first;
  }

  override choose(cpu: i32, now: long): SchedEntity | null {
    kassert(this.current[cpu] === null, "scheduler: the CPU is busy");
    this.resched[cpu] = 0;
    // One that was idle has been told to look: in the original its helper thread, which takes what is first.
    const e = this.released[cpu] !== 0 ? this.pick(cpu, longDiv(now, TICK_NS)) : this.first(cpu);
    this.released[cpu] = 0;
    if (e === null) return null;
    this.queue.remove(0, e);
    this.runnable--;
    e.cpu = cpu;
    e.sliceUsed = 0;
    this.occupy(cpu, e);
    this.upri.set(cpu, e.priority);
    this.tree.set(cpu, 0, 0, false);
    return e;
  }

  /** The first that may run here, or the one behind it in its queue if that has run here and the first has not. */
  private first(cpu: i32): SchedEntity | null {
    for (let q = this.queue.best(0); q < QUEUES; q = this.queue.after(0, q)) {
      let e = this.queue.head(0, q);
      while (e !== null) {
        if (this.mayRun(e, cpu)) {
          const next = e.next;
          if (e.cpu !== cpu && next !== null && next.cpu === cpu && this.mayRun(next, cpu)) return next;
          return e;
        }
        e = e.next;
      }
    }
    return null;
  }

  /** The first that may run here, unless it is better kept for the CPU it ran on; at most `queueChecks` are passed over for that. */
  private pick(cpu: i32, tick: long): SchedEntity | null {
    const t = this.topology;
    const home = this.siblings[cpu];
    const worst = this.upri.worstRunning();
    let nearest: SchedEntity | null = null;
    let distance: i32 = 0;
    let checks = this.tuning.queueChecks;
    for (let q = this.queue.best(0); q < QUEUES; q = this.queue.after(0, q)) {
      const rank: i32 = (worst - q) | 0;
      let e = this.queue.head(0, q);
      while (e !== null) {
        if (this.mayRun(e, cpu)) {
          const fresh = tick - e.queuedTick < this.tuning.keepTicks;
          if (!fresh || t.contains(home, e.cpu) || rank > this.tuning.upriAffinity) return e;
          const d = t.cpuCount[t.common(cpu, e.cpu)];
          const other = nearest;
          if (other === null || d < distance) {
            if (other !== null) this.tell(other);
            nearest = e;
            distance = d;
          } else this.tell(e);
          checks--;
          if (checks === 0) return nearest;
        }
        e = e.next;
      }
    }
    if (nearest !== null) this.tell(nearest);
    return null;
  }

  /** The entity's own CPU should look, if the entity is better than what it runs. */
  private tell(e: SchedEntity): void {
    if (this.upri.get(e.cpu) >> 2 > e.priority >> 2) this.want(e.cpu);
  }

  override account(e: SchedEntity, ns: long, now: long): void {
    this.checkAccount(e, ns);
    e.charge(ns);
    if (now - e.sampleStart >= SAMPLE_NS) {
      this.sample(e, now);
      this.upri.set(e.cpu, e.priority);
    }
    this.checkSlice(e);
  }

  private checkSlice(e: SchedEntity): void {
    if (!e.turnOver) return;
    if (this.queue.best(0) <= e.priority >> 2) this.want(e.cpu);
    else e.sliceUsed = 0;
  }

  override tick(cpu: i32, now: long): void {
    if (now >= this.nextDecay) {
      this.nextDecay = now + SAMPLE_NS;
      if (this.queue.hasNormal(0)) this.queue.decay(0, now, this);
    }
    if (this.queue.count(0) === 0) return;
    const running = this.current[cpu];
    if (running === null || this.queue.best(0) < running.priority >> 2) this.want(cpu);
    else this.checkSlice(running);
  }

  override yieldNow(e: SchedEntity, _now: long): void {
    this.want(e.cpu);
  }

  override slice(_cpu: i32, e: SchedEntity): long {
    return this.queue.count(0) === 0 ? -1 : e.sliceLeft;
  }

  protected override unqueue(e: SchedEntity): void {
    this.queue.remove(0, e);
  }

  protected override reranked(e: SchedEntity, queued: boolean): void {
    this.detune(e);
    if (queued) {
      this.queue.add(0, e, false);
      this.kick(e);
    } else if (e.running) {
      this.upri.set(e.cpu, e.priority);
      if (this.queue.count(0) > 0) this.want(e.cpu);
    }
  }

  protected override requeue(e: SchedEntity, _now: long): void {
    e.cpu = this.firstAllowed(e);
    this.kick(e);
  }

  override waiting(_cpu: i32): i32 {
    return this.queue.count(0);
  }
}
