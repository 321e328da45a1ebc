/**
 * The userland scheduler of one CPU by the rules of DragonFly's usched_dfly: priority from nice and recent CPU use,
 * 32 queues in each class, ten round robins a second.
 *
 * Key type `UserScheduler`. Neighbours: `entity.ts` (priority and estcpu), `run-queue.ts`; kern's loop calls it.
 * Typical sequence: setRunnable(e) … e = choose() … run … account(e, ns, now) … setRunnable(e) or e sleeps.
 * Invariant: the running entity is on no queue; a queued entity's priority is what it was queued by.
 */
import { Errno, type i32, type long } from "@anax/portable";
import {
  CLASS_IDLE,
  CLASS_NORMAL,
  CLASS_REALTIME,
  NICE_MAX,
  NICE_MIN,
  RT_PRIO_MAX,
  SAMPLE_NS,
  SLICE_NS,
  type SchedEntity,
} from "./entity";
import { RunQueues, type Sampler } from "./run-queue";

export class UserScheduler implements Sampler {
  private readonly queue: RunQueues = new RunQueues(1);
  /** Entities on run queues. */
  runnable: i32 = 0;
  /** Set when something better than `current` became runnable; the loop clears it by choosing again. */
  needResched: boolean = false;
  /** When those who wait are next looked at, ns. */
  private nextDecay: long = 0;
  /** What runs, or null. */
  current: SchedEntity | null = null;

  /** A new entity; it inherits from `parent` (null: class NORMAL, nice 0). It is not runnable yet. */
  add(e: SchedEntity, parent: SchedEntity | null, now: long): void {
    if (parent !== null) e.inherit(parent, now);
    else {
      e.sampleStart = now;
      e.resetPriority();
    }
  }

  /** The entity is gone. */
  remove(e: SchedEntity): void {
    if (e.queued) this.unsetRunnable(e);
    if (this.current === e) this.current = null;
  }

  /** The entity may run: it goes to the tail of its queue, or to the head if it was preempted within its slice. */
  setRunnable(e: SchedEntity, now: long): void {
    if (e.queued) return;
    if (e.sleepStart >= 0) e.woken(now);
    const preempted = this.current === e && !e.turnOver;
    if (e.turnOver) e.newTurn();
    if (this.current === e) this.current = null;
    this.queue.add(0, e, preempted);
    this.runnable++;
    const running = this.current;
    if (running !== null && this.isBetter(e, running)) this.needResched = true;
  }

  /** Takes it off its run queue (stopped by a signal, exiting). */
  unsetRunnable(e: SchedEntity): void {
    if (!e.queued) return;
    this.queue.remove(0, e);
    this.runnable--;
  }

  /** The running entity goes to sleep. */
  sleep(e: SchedEntity, now: long): void {
    e.sleepStart = now;
    e.newTurn();
    if (this.current === e) this.current = null;
  }

  /** The best runnable entity, taken off its queue and made current; null when nothing is runnable. */
  choose(): SchedEntity | null {
    this.needResched = false;
    const e = this.queue.peek(0);
    if (e === null) return null;
    this.queue.remove(0, e);
    this.runnable--;
    this.current = e;
    return e;
  }

  /** Of one who waits; the run queue calls it. */
  sample(e: SchedEntity, now: long): void {
    e.closeSample(now, 0, 1);
  }

  /** Whether `a` should run before `b`: by class, then by queue. */
  private isBetter(a: SchedEntity, b: SchedEntity): boolean {
    return a.priority >> 2 < b.priority >> 2;
  }

  /** `ns` of CPU time went to the running entity. Sets `needResched` when its slice is over and a peer waits. */
  account(e: SchedEntity, ns: long, now: long): void {
    e.account(ns, now);
    if (now >= this.nextDecay) {
      this.nextDecay = now + SAMPLE_NS;
      if (this.queue.hasNormal(0)) this.queue.decay(0, now, this);
    }
    if (this.runnable === 0) {
      if (e.sliceUsed >= SLICE_NS) e.sliceUsed = 0;
      return;
    }
    const waiting = this.queue.peek(0);
    if (waiting === null) return;
    if (this.isBetter(waiting, e)) {
      this.needResched = true;
      return;
    }
    if (!e.turnOver) return;
    if (this.isBetter(e, waiting)) e.sliceUsed = 0;
    else this.needResched = true;
  }

  /** Time until the running entity's slice ends, ns; -1 when it needs no timer because nobody waits or it is FIFO. */
  slice(e: SchedEntity): long {
    return this.runnable === 0 ? -1 : e.sliceLeft;
  }

  /** sched_yield: behind its peers. */
  yieldNow(e: SchedEntity): void {
    e.yielded = true;
    this.needResched = true;
  }

  /** Sets nice, clamped to -20 to 19. */
  setNice(e: SchedEntity, nice: i32): void {
    e.nice = nice < NICE_MIN ? NICE_MIN : nice > NICE_MAX ? NICE_MAX : nice;
    this.requeue(e, e.klass);
  }

  /** Sets the class and, for REALTIME, the priority 1 to 99. 0 or -EINVAL. */
  setClass(e: SchedEntity, klass: i32, rtPriority: i32, roundRobin: boolean): i32 {
    if (klass === CLASS_REALTIME) {
      if (rtPriority < 1 || rtPriority > RT_PRIO_MAX) return -Errno.INVAL;
    } else if (klass !== CLASS_NORMAL && klass !== CLASS_IDLE) return -Errno.INVAL;
    else if (rtPriority !== 0) return -Errno.INVAL;
    e.rtPriority = rtPriority;
    e.roundRobin = roundRobin;
    this.requeue(e, klass);
    return 0;
  }

  /** Changes the priority of an entity wherever it is. */
  private requeue(e: SchedEntity, klass: i32): void {
    const queued = e.queued;
    if (queued) this.queue.remove(0, e);
    e.klass = klass;
    e.resetPriority();
    if (queued) this.queue.add(0, e, false);
    if (this.current !== null) this.needResched = true;
  }
}
