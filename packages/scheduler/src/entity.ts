/**
 * What the userland scheduler knows about one LWP.
 *
 * Key type `SchedEntity`, embedded in kern's LWP by subclassing. Neighbours: `run-queue.ts`, `user-scheduler.ts` (one CPU),
 * `policy.ts` and its policies (several). The rules of priority and decay are here, for all of them.
 * Invariant: `priority` and `uload` follow from class, nice, real-time priority and estcpu as they were at the last sample or change
 * (but `RunQueue#decay` lends a starving one the best priority of its class for a turn); an entity is on at most one queue.
 * Source: DragonFly sys/kern/usched_dfly.c.
 */
import { i32, imul, longDiv, toLong, type long } from "@anax/portable";
import type { AllowedCpus } from "./cpu-mask";
import type { FairNode } from "./fair-queue";

/** Priorities within a class, and the run queues they fall into. */
export const MAXPRI: i32 = 128;
/** Run queues of a class. */
export const NQS: i32 = 32;
/** Priorities of a queue. */
export const PPQ: i32 = 4;
/** One queue for every two steps of nice. */
export const NICEPPQ: i32 = 2;
/** estcpu that moves a thread one queue down. */
export const ESTCPUPPQ: i32 = 512;
/** estcpu of who uses all of a CPU. */
export const ESTCPUMAX: i32 = 16384;

/** What nice and estcpu can add up to; scaled to MAXPRI, so that neither end saturates. */
const PRIORITY_RANGE: i32 = ((40 * PPQ) / NICEPPQ + (16384 * PPQ) / ESTCPUPPQ) | 0;

/** Scheduling classes: the base of `priority`, lower runs first. */
export const CLASS_REALTIME: i32 = 0;
/** Time sharing, by nice and use of the CPU. */
export const CLASS_NORMAL: i32 = 128;
/** Runs when no other can. */
export const CLASS_IDLE: i32 = 256;
/** Kernel threads that enter user mode: behind everyone else. */
export const CLASS_THREAD: i32 = 384;
/** The priority of an idle CPU: behind every class. */
export const PRIBASE_NULL: i32 = 512;

/** The most urgent nice value. */
export const NICE_MIN: i32 = -20;
/** The least urgent nice value. */
export const NICE_MAX: i32 = 19;

/** Real-time priorities: 1 (lowest) to 99, as in POSIX. */
export const RT_PRIO_MAX: i32 = 99;

/** The scheduler's decay: weight of the past against one new sample, once there have been that many. */
const DECAY: i32 = 8;
/** What a sample can come to with many that wait: at nice -20 too it drives estcpu to its limit at once. */
const USE_MAX: i32 = 64 * 16384;
/** A child starts so many queues behind its parent, and the fork costs the parent 1/16 of a queue. */
const FORK_BIAS: i32 = 4;
const FORK_COST: i32 = (ESTCPUPPQ / 16) | 0;
/** So many steps of nice double what CPU time counts. */
const NICE_STEP: i32 = 5;
/** Length of a time slice, ns: ten round robins a second. */
export const SLICE_NS: long = 100000000;
/** Length of a sample of who used the CPU, ns. */
export const SAMPLE_NS: long = 100000000;
/** A sleep longer than this decays estcpu without waiting for samples, ns. */
const LONG_SLEEP_NS: long = 1000000000;

/**
 * Owned by the scheduler while runnable or running, by kern otherwise. The caller reads; `klass`, `nice`, `rtPriority` and
 * `roundRobin` may be set before it is added, and by the scheduler's methods afterwards.
 *
 * | field | meaning |
 * |---|---|
 * | klass | CLASS_* |
 * | nice | -20 to 19, class NORMAL |
 * | rtPriority | 1 to 99, class REALTIME; within IDLE 0 |
 * | roundRobin | REALTIME only: time slices within one priority (SCHED_RR); otherwise FIFO |
 * | estcpu | recent use of the CPU, 0 to ESTCPUMAX |
 * | priority | 0 to 511, class base included; the queue is (priority - base) / PPQ |
 * | uload | the load it is to its CPU: 512 for all of a CPU at nice 0, 0 to double by nice |
 */
export class SchedEntity {
  // What every decision looks at comes first: with thousands of CPUs the entities are what no cache holds, so cache lines count.
  priority: i32 = CLASS_NORMAL;
  /** The CPU whose queue it is on, or where it runs or ran last. Of policies for several CPUs. */
  cpu: i32 = 0;
  /** It is the current one of its CPU: what to ask on a hot path, for a comparison with the current one would read that. */
  running: boolean = false;
  /** On a run queue; links owned by the queue. */
  queued: boolean = false;
  next: SchedEntity | null = null;
  prev: SchedEntity | null = null;
  /** CPU time used of the current time slice, ns. */
  sliceUsed: long = 0;
  /** It gave up its turn. */
  yielded: boolean = false;
  /** Where it may run; null for everywhere. Owned by the policy, like what follows up to `dozeAt`. */
  allowed: AllowedCpus | null = null;
  /** When it went to sleep, ns, or -1. */
  sleepStart: long = -1;
  /** Its `uload` counts for its CPU; true for a while after it went to sleep. */
  loaded: boolean = false;
  uload: i32 = 0;
  /** New: not yet placed for the first time. */
  forked: boolean = false;
  /** The CPU that woke it last, -1 for none. */
  wakeCpu: i32 = -1;
  /** Its place among the sleepers whose load still counts; -1 for none. */
  dozeAt: i32 = -1;
  /** CPU time and start of the current sample, ns. */
  sampleCpu: long = 0;
  sampleStart: long = 0;
  /** Samples through which it has waited since it last ran. */
  passedOver: i32 = 0;
  /** What EEVDF knows about it; null under other policies. */
  fair: FairNode | null = null;

  klass: i32 = CLASS_NORMAL;
  estcpu: i32 = 0;
  nice: i32 = 0;
  rtPriority: i32 = 0;
  roundRobin: boolean = false;
  /** Samples taken so far, to 8: the first ones weigh more. */
  samples: i32 = 0;
  /** estcpu after the fork. */
  forkEstcpu: i32 = 0;
  /** Of bsd4: ticks it was more busy than not, less the others, 0 to BATCH_MAX; the tick at which it was queued. */
  batch: i32 = 0;
  queuedTick: long = 0;

  /** Which run queue of its class it belongs to, 0 to NQS-1. */
  get queueIndex(): i32 {
    return ((this.priority & 127) / PPQ) | 0;
  }

  /** Whether others of its priority go first now: its slice is used up, or it gave way. */
  get turnOver(): boolean {
    return this.yielded || (this.sliceUsed >= SLICE_NS && this.hasSlice);
  }

  /** Whether it has slices, and others of its priority a turn after each; a FIFO real-time entity has none. */
  get hasSlice(): boolean {
    return this.klass !== CLASS_REALTIME || this.roundRobin;
  }

  /** Time left of its slice, ns, at least 1; -1 when it has none. */
  get sliceLeft(): long {
    if (!this.hasSlice) return -1;
    const left = SLICE_NS - this.sliceUsed;
    return left > 0 ? left : 1;
  }

  /** A new slice. */
  newTurn(): void {
    this.sliceUsed = 0;
    this.yielded = false;
  }

  /** Sets `priority` and `uload` from class, nice, real-time priority and estcpu. */
  resetPriority(): void {
    this.resetPriorityBy(this.estcpu);
  }

  /** The same with an estcpu that a policy has corrected; `uload` is by the true one. */
  resetPriorityBy(estcpu: i32): void {
    const load: i32 = (this.estcpu / NQS) | 0;
    this.uload = (load - ((imul(load, this.nice) / (NICE_MAX + 1)) | 0)) | 0;
    let pri: i32 = 0;
    if (this.klass === CLASS_REALTIME) {
      pri = ((((RT_PRIO_MAX - this.rtPriority) * (MAXPRI - 1)) | 0) / RT_PRIO_MAX) | 0;
    } else if (this.klass === CLASS_NORMAL) {
      const byNice: i32 = ((((this.nice - NICE_MIN) * PPQ) | 0) / NICEPPQ) | 0;
      const byUse: i32 = (((estcpu * PPQ) | 0) / ESTCPUPPQ) | 0;
      pri = ((((byNice + byUse) * MAXPRI) | 0) / PRIORITY_RANGE) | 0;
    }
    if (pri < 0) pri = 0;
    if (pri > MAXPRI - 1) pri = (MAXPRI - 1) | 0;
    this.priority = (this.klass + pri) | 0;
  }

  /** Adds CPU time and closes the sample when it is full. */
  account(ns: long, now: long): void {
    this.charge(ns);
    if (now - this.sampleStart >= SAMPLE_NS) this.closeSample(now, 0, 1);
  }

  /** Adds CPU time to the sample and to the time slice. */
  charge(ns: long): void {
    this.sampleCpu = this.sampleCpu + ns;
    this.sliceUsed = this.sliceUsed + ns;
    this.passedOver = 0;
  }

  /**
   * Folds the current sample into estcpu. The first samples after a fork or a long sleep weigh more, so a new hog is soon known.
   * `excess` runnable entities more than the `cpus` of the machine raise the use, which nobody can then drive to 100 %; 0 to leave it. The original limits
   * estcpu only, not the sample: who had the CPU for one sample of many counts as a hog. Here half of that is the limit, for what nice weighs
   * would be lost if all were at the end of the range. Returns the use of the sample, 0 to USE_MAX.
   */
  closeSample(now: long, excess: i32, cpus: i32): i32 {
    const wall = now - this.sampleStart;
    if (wall <= 0) return 0;
    let cpu = this.sampleCpu;
    if (cpu > wall) cpu = wall;
    let measured = cpu * ESTCPUMAX;
    if (excess > 0) measured = measured + longDiv(measured * toLong(excess), toLong(cpus));
    measured = longDiv(measured, wall);
    let most: long = ESTCPUMAX;
    if (excess > cpus) most = longDiv((toLong(excess) + cpus) * ESTCPUMAX, toLong(cpus) * 2);
    if (most > USE_MAX) most = USE_MAX;
    if (measured > most) measured = most;
    if (this.samples < DECAY) this.samples++;
    const use = this.weigh(i32(measured));
    this.estcpu = (((imul(this.estcpu, this.samples) + use) | 0) / ((this.samples + 1) | 0)) | 0;
    if (this.estcpu > ESTCPUMAX) this.estcpu = ESTCPUMAX;
    this.sampleCpu = 0;
    this.sampleStart = now;
    this.resetPriority();
    return i32(measured);
  }

  /**
   * Use of the CPU as it counts for estcpu: more for who is nice, less for who is not. The original counts it the same for
   * all, so that busy threads at nice 0 and 15 would share the CPU about 60:40 by their distance in priority alone; with this, 80:20.
   */
  private weigh(use: i32): i32 {
    const nice = this.nice;
    if (this.klass !== CLASS_NORMAL || nice === 0) return use;
    if (nice < 0) return (((use * NICE_STEP) | 0) / ((NICE_STEP - nice) | 0)) | 0;
    return (imul(use, NICE_STEP + nice) / NICE_STEP) | 0;
  }

  /** Back from sleep at `now`: a long one counts as that many idle samples, and what it does next is soon known. */
  woken(now: long): void {
    const start = this.sleepStart;
    this.sleepStart = -1;
    if (start < 0 || now - start < LONG_SLEEP_NS) return;
    let idle = i32(longDiv(now - start, SAMPLE_NS));
    if (idle > 64) idle = 64;
    for (; idle > 0; idle--) this.estcpu = (((this.estcpu * DECAY) | 0) / (DECAY + 1)) | 0;
    this.samples = 0;
    this.sampleCpu = 0;
    this.sampleStart = now;
    this.resetPriority();
  }

  /** Fork: the child starts four queues behind its parent, who pays a little too, so that forking wins no CPU time. */
  inherit(parent: SchedEntity, now: long): void {
    this.klass = parent.klass;
    this.nice = parent.nice;
    this.rtPriority = parent.rtPriority;
    this.roundRobin = parent.roundRobin;
    this.estcpu = limit((parent.estcpu + ESTCPUPPQ * FORK_BIAS) | 0);
    this.forkEstcpu = this.estcpu;
    this.samples = 0;
    this.sampleStart = now;
    this.sampleCpu = toLong(0);
    this.resetPriority();
    // The parent's priority follows with its next sample: it may be queued by the present one.
    parent.estcpu = limit((parent.estcpu + FORK_COST) | 0);
  }

  /** Exit: who waits for a child takes over what its estcpu grew by since the fork. Its priority follows with the next sample. */
  bequeath(parent: SchedEntity): void {
    if (this.estcpu > this.forkEstcpu) parent.estcpu = limit((parent.estcpu + this.estcpu - this.forkEstcpu) | 0);
  }
}

function limit(estcpu: i32): i32 {
  return estcpu > ESTCPUMAX ? ESTCPUMAX : estcpu;
}
