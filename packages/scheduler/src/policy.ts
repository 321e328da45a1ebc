/**
 * What every scheduling policy for several CPUs is to its caller: a kernel, a simulator, a pool of workers.
 *
 * Key type `SchedPolicy`. Neighbours: `entity.ts` (what is scheduled), `topology.ts` (where), `registry.ts` (policies by name);
 * `dfly.ts`, `bsd4.ts`, `eevdf.ts` and `round-robin.ts` implement it.
 *
 * Typical sequence, at times that never go back:
 *
 *     add(e, parent, now)                       fork
 *     setRunnable(e, now, waker)                wake-up, or e was preempted
 *     account(e, ns, now)                       what a current entity used, at least before the next call that names it
 *     tick(cpu, now)                            each TICK_NS on each CPU, idle ones too
 *     sleep(e, now), yieldNow(e, now), remove(e, parent, now)
 *
 * and after each of them, for each CPU that `nextWanted` names (an idle one has work, or something better than what runs):
 *
 *     setRunnable(current[cpu], now, -1)        unless it is idle; the entity may go to another CPU
 *     e = choose(cpu, now)                      null: idle
 *
 * A caller that visits every CPU anyway asks `needResched(cpu)` instead.
 * Invariant: an entity is asleep, queued once, or the current one of one CPU; it is queued or runs only where its mask allows.
 */
import { Errno, kassert, type i32, type long } from "@anax/portable";
import { AllowedCpus, type CpuMask } from "./cpu-mask";
import {
  CLASS_IDLE,
  CLASS_NORMAL,
  CLASS_REALTIME,
  CLASS_THREAD,
  NICE_MAX,
  NICE_MIN,
  RT_PRIO_MAX,
  type SchedEntity,
} from "./entity";
import type { Topology } from "./topology";

/** Period of the scheduler clock: 50 Hz, five ticks to a time slice. */
export const TICK_NS: long = 20000000;

/** What a scheduler has to be able to do. Policies of one's own extend it. */
export abstract class SchedPolicy {
  readonly cpus: i32;
  /** What runs on each CPU, null where it is idle. Read it; `choose`, `setRunnable`, `sleep` and `remove` change it. */
  readonly current: Array<SchedEntity | null> = [];
  /** Entities on run queues. */
  runnable: i32 = 0;
  /** 1 where a reschedule is wanted. */
  protected readonly resched: Uint8Array;
  /** A ring of those, each once, in the order they were wanted. */
  private readonly wanted: Int32Array;
  private readonly listed: Uint8Array;
  private wantedFirst: i32 = 0;
  private wantedCount: i32 = 0;
  private readonly masks: Map<i32, AllowedCpus> = new Map<i32, AllowedCpus>();

  constructor(readonly topology: Topology) {
    this.cpus = topology.cpus;
    this.resched = new Uint8Array(topology.cpus);
    this.wanted = new Int32Array(topology.cpus);
    this.listed = new Uint8Array(topology.cpus);
    for (let i = 0; i < topology.cpus; i++) this.current.push(null);
  }

  /** Its name in the registry. */
  abstract get name(): string;

  /**
   * A new entity, asleep. With a parent (fork) it inherits class, nice, mask and CPU use, and the policy may charge the parent;
   * without, what its fields say counts.
   */
  abstract add(e: SchedEntity, parent: SchedEntity | null, now: long): void;

  /** The entity is gone, whatever it was doing. With a parent (who waits for it), that one takes over the CPU use it gathered since fork, where the policy has such a rule. */
  abstract remove(e: SchedEntity, parent: SchedEntity | null, now: long): void;

  /**
   * The entity may run: it woke up, or it was preempted or used up its slice (then it is `current` and leaves its CPU).
   * `wakerCpu` is the CPU that woke it, -1 for none (a timer, a preemption). Returns the CPU that should look at it.
   * Nothing happens to one that is queued already.
   */
  abstract setRunnable(e: SchedEntity, now: long, wakerCpu: i32): i32;

  /** Takes it off its run queue; it counts as asleep from `now`. Nothing happens to one that is not queued. */
  abstract unsetRunnable(e: SchedEntity, now: long): void;

  /** What runs next on an idle CPU, taken off its queue and made current; null when there is nothing. */
  abstract choose(cpu: i32, now: long): SchedEntity | null;

  /** `ns` of CPU time until `now` went to a current entity. Panics for another one, and for less than 0 ns. */
  abstract account(e: SchedEntity, ns: long, now: long): void;

  /** The current entity of a CPU goes to sleep. */
  abstract sleep(e: SchedEntity, now: long): void;

  /** The scheduler clock of one CPU: ends slices, decays, rebalances. */
  abstract tick(cpu: i32, now: long): void;

  /** sched_yield of the current entity: others of its rank go first. */
  abstract yieldNow(e: SchedEntity, now: long): void;

  /** Time until the current entity's slice ends, ns, at least 1; -1 when it may go on until something happens: a wake-up, a tick. */
  abstract slice(cpu: i32, e: SchedEntity): long;

  /** Takes a queued entity off its queue for a change of rank: it is still runnable and counts as before. */
  protected abstract unqueue(e: SchedEntity): void;

  /** The entity has a new rank. One that was `queued` has been taken off its queue for that, and goes back to where the rank puts it. */
  protected abstract reranked(e: SchedEntity, queued: boolean): void;

  /** The entity is queued where its mask does not allow it any more. */
  protected abstract requeue(e: SchedEntity, now: long): void;

  /** The entity sleeps, and its CPU is one that its mask does not allow any more. */
  protected settleAsleep(e: SchedEntity): void {
    e.cpu = this.firstAllowed(e);
  }

  /** The entity is the current one of the CPU now, which has none. */
  protected occupy(cpu: i32, e: SchedEntity): void {
    this.current[cpu] = e;
    e.running = true;
  }

  /** The current entity of a CPU leaves it. */
  protected release(e: SchedEntity): void {
    this.current[e.cpu] = null;
    e.running = false;
  }

  /** How many of those waiting at a CPU others may take: an idle CPU is about to run one itself. */
  protected movable(cpu: i32, waiting: i32): i32 {
    return waiting > 0 && this.current[cpu] === null ? (waiting - 1) | 0 : waiting;
  }

  /** Entities on the queue that a CPU takes from. */
  abstract waiting(cpu: i32): i32;

  /** A reschedule is wanted on the CPU. */
  protected want(cpu: i32): void {
    this.resched[cpu] = 1;
    if (this.listed[cpu] !== 0) return;
    this.listed[cpu] = 1;
    let at: i32 = (this.wantedFirst + this.wantedCount) | 0;
    if (at >= this.cpus) at = (at - this.cpus) | 0;
    this.wanted[at] = cpu;
    this.wantedCount++;
  }

  /** The next CPU on which a reschedule has been wanted since it was last named here, and still is; -1 for none. In a kernel: who gets an IPI. */
  nextWanted(): i32 {
    while (this.wantedCount > 0) {
      const cpu = this.wanted[this.wantedFirst];
      this.wantedFirst = (this.wantedFirst + 1) | 0;
      if (this.wantedFirst === this.cpus) this.wantedFirst = 0;
      this.wantedCount--;
      this.listed[cpu] = 0;
      if (this.resched[cpu] !== 0) return cpu;
    }
    return -1;
  }

  /** Whether the CPU should put its current entity back and choose again. `choose` clears it. */
  needResched(cpu: i32): boolean {
    return this.resched[cpu] !== 0;
  }

  /** Sets nice, clamped to -20 to 19. */
  setNice(e: SchedEntity, nice: i32, _now: long): void {
    const n = nice < NICE_MIN ? NICE_MIN : nice > NICE_MAX ? NICE_MAX : nice;
    this.rank(e, e.klass, n, e.rtPriority, e.roundRobin);
  }

  /** Sets the class and, for REALTIME, the priority 1 to 99; `roundRobin` is its slice rule. 0, or -INVAL for another class or priority. */
  setClass(e: SchedEntity, klass: i32, rtPriority: i32, roundRobin: boolean, _now: long): i32 {
    if (klass === CLASS_REALTIME) {
      if (rtPriority < 1 || rtPriority > RT_PRIO_MAX) return -Errno.INVAL;
    } else if (klass !== CLASS_NORMAL && klass !== CLASS_IDLE && klass !== CLASS_THREAD) return -Errno.INVAL;
    else if (rtPriority !== 0) return -Errno.INVAL;
    this.rank(e, klass, e.nice, rtPriority, roundRobin);
    return 0;
  }

  private rank(e: SchedEntity, klass: i32, nice: i32, rtPriority: i32, roundRobin: boolean): void {
    const queued = e.queued;
    if (queued) this.unqueue(e);
    e.klass = klass;
    e.nice = nice;
    e.rtPriority = rtPriority;
    e.roundRobin = roundRobin;
    this.reranked(e, queued);
  }

  /**
   * Where the entity may run; null for everywhere. A queued one moves when it must; for a current one a reschedule is wanted.
   * 0, or -INVAL for a mask that is not of this topology's size or has no CPU.
   */
  setMask(e: SchedEntity, mask: CpuMask | null, now: long): i32 {
    let view: AllowedCpus | null = null;
    if (mask !== null) {
      if (mask.size !== this.cpus) return -Errno.INVAL;
      const members = mask.count;
      if (members === 0) return -Errno.INVAL;
      if (members < this.cpus) view = this.share(mask);
    }
    if (view !== null) view.refs++;
    this.unshare(e.allowed);
    e.allowed = view;
    if (this.mayRun(e, e.cpu)) return 0;
    if (e.running) this.want(e.cpu);
    else if (e.queued) this.requeue(e, now);
    else this.settleAsleep(e);
    return 0;
  }

  /** Whether the mask of `e` allows the CPU. */
  mayRun(e: SchedEntity, cpu: i32): boolean {
    const a = e.allowed;
    return a === null || a.mask.has(cpu);
  }

  /** Panics unless `ns` can have gone to the entity. */
  protected checkAccount(e: SchedEntity, ns: long): void {
    kassert(e.running, "scheduler: CPU time for one who does not run");
    kassert(ns >= 0, "scheduler: negative CPU time");
  }

  /** The lowest CPU that the entity may run on. */
  protected firstAllowed(e: SchedEntity): i32 {
    const a = e.allowed;
    return a === null ? 0 : a.mask.next(0);
  }

  /** A child has its parent's mask and starts on its CPU. */
  protected inheritPlace(e: SchedEntity, parent: SchedEntity | null): void {
    kassert(!e.queued, "scheduler: added while queued");
    if (parent !== null) {
      const a = parent.allowed;
      if (a !== e.allowed) {
        this.unshare(e.allowed);
        e.allowed = a;
        if (a !== null) a.refs++;
      }
      e.cpu = parent.cpu;
    }
    if (e.cpu < 0 || e.cpu >= this.cpus || !this.mayRun(e, e.cpu)) e.cpu = this.firstAllowed(e);
    e.wakeCpu = -1;
    e.forked = true;
  }

  /** The entity's mask is not used any more. */
  protected dropMask(e: SchedEntity): void {
    this.unshare(e.allowed);
    e.allowed = null;
  }

  /** The one view of all masks equal to this. */
  private share(mask: CpuMask): AllowedCpus {
    const hash = mask.hash();
    let head: AllowedCpus | null = null;
    if (this.masks.has(hash)) {
      head = this.masks.get(hash) as AllowedCpus;
      let a: AllowedCpus | null = head;
      while (a !== null) {
        if (a.mask.equals(mask)) return a;
        a = a.next;
      }
    }
    const made = new AllowedCpus(mask.copy(), hash, this.topology);
    made.next = head;
    this.masks.set(hash, made);
    return made;
  }

  private unshare(a: AllowedCpus | null): void {
    if (a === null) return;
    a.refs--;
    if (a.refs > 0) return;
    let at: AllowedCpus | null = this.masks.get(a.hash) as AllowedCpus;
    if (at === a) {
      const rest = a.next;
      if (rest === null) this.masks.delete(a.hash);
      else this.masks.set(a.hash, rest);
      return;
    }
    while (at !== null && at.next !== a) at = at.next;
    if (at !== null) at.next = a.next;
  }
}
