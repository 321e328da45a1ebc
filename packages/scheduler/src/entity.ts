/**
 * What the userland scheduler knows about one LWP.
 *
 * Key type `SchedEntity`, embedded in kern's LWP by subclassing. Neighbours: `user-scheduler.ts`, `run-queue.ts`.
 * Invariant: `priority` is a pure function of class, nice, real-time priority and estcpu; an entity is on at most one run queue.
 * Source: DragonFly sys/kern/usched_dfly.c.
 */
import { i32, imul, longDiv, toLong, type long } from "@anax/portable";

/** Priorities within a class, and the run queues they fall into. */
export const MAXPRI: i32 = 128;
export const NQS: i32 = 32;
export const PPQ: i32 = 4;
/** One queue for every two steps of nice. */
export const NICEPPQ: i32 = 2;
/** estcpu that moves a thread one queue down. */
export const ESTCPUPPQ: i32 = 512;
export const ESTCPUMAX: i32 = 16384;

/** What nice and estcpu can add up to; scaled to MAXPRI, so that neither end saturates. */
const PRIORITY_RANGE: i32 = ((40 * PPQ) / NICEPPQ + (16384 * PPQ) / ESTCPUPPQ) | 0;

/** Scheduling classes: the base of `priority`, lower runs first. */
export const CLASS_REALTIME: i32 = 0;
export const CLASS_NORMAL: i32 = 128;
export const CLASS_IDLE: i32 = 256;
/** Kernel threads that never return to user mode. */
export const CLASS_THREAD: i32 = 384;

export const NICE_MIN: i32 = -20;
export const NICE_MAX: i32 = 19;

/** Real-time priorities: 1 (lowest) to 99, as in POSIX. */
export const RT_PRIO_MAX: i32 = 99;

/** The scheduler's decay: weight of the past against one new sample. */
const DECAY: i32 = 8;
/** So many steps of nice double what CPU time counts. */
const NICE_STEP: i32 = 5;
/** Length of a sample of who used the CPU, ns. */
export const SAMPLE_NS: long = 100000000;
/** A sleep longer than this decays estcpu without waiting for samples, ns. */
const LONG_SLEEP_NS: long = 1000000000;

/**
 * Owned by the scheduler while runnable or running, by kern otherwise.
 *
 * | field | meaning |
 * |---|---|
 * | klass | CLASS_* |
 * | nice | -20 to 19, class NORMAL |
 * | rtPriority | 1 to 99, class REALTIME; within IDLE 0 |
 * | roundRobin | REALTIME only: time slices within one priority (SCHED_RR); otherwise FIFO |
 * | estcpu | recent use of the CPU, 0 to ESTCPUMAX |
 * | priority | 0 to 511, class base included; the queue is (priority - base) / PPQ |
 */
export class SchedEntity {
  klass: i32 = CLASS_NORMAL;
  nice: i32 = 0;
  rtPriority: i32 = 0;
  roundRobin: boolean = false;
  estcpu: i32 = 0;
  priority: i32 = CLASS_NORMAL;
  /** Samples taken so far, to 8: the first ones weigh more. */
  samples: i32 = 0;
  /** CPU time and start of the current sample, ns. */
  sampleCpu: long = 0;
  sampleStart: long = 0;
  /** CPU time used of the current time slice, ns. */
  sliceUsed: long = 0;
  /** When it went to sleep, ns, or -1. */
  sleepStart: long = -1;
  /** On a run queue; links owned by the queue. */
  queued: boolean = false;
  next: SchedEntity | null = null;
  prev: SchedEntity | null = null;

  /** Which run queue of its class it belongs to, 0 to NQS-1. */
  get queueIndex(): i32 {
    return ((this.priority & 127) / PPQ) | 0;
  }

  /** Sets `priority` from class, nice, real-time priority and estcpu. */
  resetPriority(): void {
    let pri: i32 = 0;
    if (this.klass === CLASS_REALTIME) {
      pri = ((((RT_PRIO_MAX - this.rtPriority) * (MAXPRI - 1)) | 0) / RT_PRIO_MAX) | 0;
    } else if (this.klass === CLASS_NORMAL) {
      const byNice: i32 = ((((this.nice - NICE_MIN) * PPQ) | 0) / NICEPPQ) | 0;
      const byUse: i32 = (((this.estcpu * PPQ) | 0) / ESTCPUPPQ) | 0;
      pri = ((((byNice + byUse) * MAXPRI) | 0) / PRIORITY_RANGE) | 0;
    }
    if (pri < 0) pri = 0;
    if (pri > MAXPRI - 1) pri = (MAXPRI - 1) | 0;
    this.priority = (this.klass + pri) | 0;
  }

  /** Adds CPU time and closes the sample when it is full. */
  account(ns: long, now: long): void {
    this.sampleCpu = this.sampleCpu + ns;
    this.sliceUsed = this.sliceUsed + ns;
    if (now - this.sampleStart >= SAMPLE_NS) this.closeSample(now);
  }

  /** Folds the current sample into estcpu. */
  closeSample(now: long): void {
    const wall = now - this.sampleStart;
    if (wall <= 0) return;
    let cpu = this.sampleCpu;
    if (cpu > wall) cpu = wall;
    const use = this.weigh(i32(longDiv(cpu * ESTCPUMAX, wall)));
    const weight: i32 = this.samples < DECAY ? this.samples : DECAY;
    this.estcpu = (((imul(this.estcpu, weight) + use) | 0) / ((weight + 1) | 0)) | 0;
    if (this.estcpu > ESTCPUMAX) this.estcpu = ESTCPUMAX;
    if (this.samples < DECAY) this.samples++;
    this.sampleCpu = 0;
    this.sampleStart = now;
    this.resetPriority();
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

  /** Back from sleep at `now`: a long one counts as that many idle samples. */
  woken(now: long): void {
    const start = this.sleepStart;
    this.sleepStart = -1;
    if (start < 0 || now - start < LONG_SLEEP_NS) return;
    let idle = i32(longDiv(now - start, SAMPLE_NS));
    if (idle > 64) idle = 64;
    for (; idle > 0; idle--) this.estcpu = (((this.estcpu * DECAY) | 0) / (DECAY + 1)) | 0;
    this.sampleCpu = 0;
    this.sampleStart = now;
    this.resetPriority();
  }

  /** A new LWP starts a little worse than its parent, so that forking wins no CPU time. */
  inherit(parent: SchedEntity, now: long): void {
    this.klass = parent.klass;
    this.nice = parent.nice;
    this.rtPriority = parent.rtPriority;
    this.roundRobin = parent.roundRobin;
    this.estcpu = (parent.estcpu + ((ESTCPUPPQ / 16) | 0)) | 0;
    if (this.estcpu > ESTCPUMAX) this.estcpu = ESTCPUMAX;
    this.samples = 0;
    this.sampleStart = now;
    this.sampleCpu = toLong(0);
    this.resetPriority();
  }
}
