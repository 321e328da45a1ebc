/**
 * Round robin: turns of equal length in the order of arrival, blind to nice, priority and CPU use. The policy to compare others with.
 *
 * Key type `RoundRobin`. Neighbours: `policy.ts`, `load-tree.ts`.
 * Only the class counts: real-time before normal before idle before thread. A wake-up goes to the CPU with least to do, an idle CPU takes
 * the longest waiting of the nearest CPU where somebody waits.
 * Invariant: the load of a CPU is the number of its entities that wait or run; an entity's priority is its class.
 */
import { i32, kassert, type long } from "@anax/portable";
import { PRIBASE_NULL, type SchedEntity } from "./entity";
import { LoadTree } from "./load-tree";
import { SchedPolicy } from "./policy";
import { QUEUES, RunQueues } from "./run-queue";
import type { Topology } from "./topology";

/** So many queued entities are looked at for one that may move to another CPU. */
const PULL_CHECKS: i32 = 32;

/** One queue for each CPU, turns of equal length. */
export class RoundRobin extends SchedPolicy {
  private readonly tree: LoadTree;
  private readonly queues: RunQueues;
  /** The class of what each CPU runs; PRIBASE_NULL when it is idle. */
  private readonly running: Int32Array;

  constructor(topology: Topology) {
    super(topology);
    this.tree = new LoadTree(topology);
    this.running = new Int32Array(topology.cpus);
    this.queues = new RunQueues(topology.cpus);
    this.running.fill(PRIBASE_NULL);
  }

  get name(): string {
    return "round-robin";
  }

  override add(e: SchedEntity, parent: SchedEntity | null, now: long): void {
    if (parent !== null) e.inherit(parent, now);
    e.priority = e.klass;
    this.inheritPlace(e, parent);
  }

  override remove(e: SchedEntity, _parent: SchedEntity | null, now: long): void {
    this.unsetRunnable(e, now);
    this.leave(e);
    this.dropMask(e);
  }

  private refresh(cpu: i32): void {
    const q = this.queues.count(cpu);
    const running = this.running[cpu] !== PRIBASE_NULL;
    this.tree.set(cpu, running ? (q + 1) | 0 : q, this.movable(cpu, q), !running && q === 0);
  }

  /** Off its CPU, if it is the current one. */
  private leave(e: SchedEntity): void {
    if (!e.running) return;
    this.release(e);
    this.running[e.cpu] = PRIBASE_NULL;
    this.want(e.cpu);
    this.refresh(e.cpu);
  }

  private enqueue(e: SchedEntity, atHead: boolean): void {
    this.queues.add(e.cpu, e, atHead);
    this.runnable++;
    if (e.priority < this.running[e.cpu]) this.want(e.cpu);
    this.refresh(e.cpu);
  }

  override setRunnable(e: SchedEntity, _now: long, wakerCpu: i32): i32 {
    if (e.queued) return e.cpu;
    if (e.running) {
      const spent = e.turnOver;
      if (spent) e.newTurn();
      this.leave(e);
      if (!this.mayRun(e, e.cpu)) e.cpu = this.tree.lightest(e.allowed, e.cpu);
      this.enqueue(e, !spent);
    } else {
      e.sleepStart = -1;
      e.wakeCpu = wakerCpu;
      e.cpu = this.tree.lightest(e.allowed, e.cpu);
      this.enqueue(e, false);
    }
    return e.cpu;
  }

  override unsetRunnable(e: SchedEntity, now: long): void {
    if (!e.queued) return;
    this.queues.remove(e.cpu, e);
    this.runnable--;
    e.sleepStart = now;
    this.refresh(e.cpu);
  }

  override choose(cpu: i32, _now: long): SchedEntity | null {
    kassert(this.current[cpu] === null, "scheduler: the CPU is busy");
    this.resched[cpu] = 0;
    let e = this.queues.peek(cpu);
    if (e === null) e = this.pull(cpu);
    if (e === null) return null;
    this.queues.remove(cpu, e);
    this.runnable--;
    this.occupy(cpu, e);
    this.running[cpu] = e.priority;
    this.refresh(cpu);
    return e;
  }

  /** Moves the first that may run here from the nearest CPU where anybody waits, or where masks forbid that from another. Null for none. */
  private pull(cpu: i32): SchedEntity | null {
    for (let from = this.tree.busiestNear(cpu); from >= 0; from = this.tree.nextWaiting()) {
      const e = this.candidate(from, cpu);
      if (e === null) continue;
      this.queues.remove(from, e);
      this.refresh(from);
      e.cpu = cpu;
      this.queues.add(cpu, e, false);
      return e;
    }
    return null;
  }

  /** The first who waits on a CPU and may run on another. */
  private candidate(from: i32, to: i32): SchedEntity | null {
    const queue = this.queues;
    let left = PULL_CHECKS;
    for (let q = queue.best(from); left > 0 && q < QUEUES; q = queue.after(from, q)) {
      let e = queue.head(from, q);
      while (e !== null && left > 0) {
        left--;
        if (this.mayRun(e, to)) return e;
        e = e.next;
      }
    }
    return null;
  }

  override account(e: SchedEntity, ns: long, _now: long): void {
    this.checkAccount(e, ns);
    e.sliceUsed = e.sliceUsed + ns;
    this.checkSlice(e);
  }

  private checkSlice(e: SchedEntity): void {
    if (!e.turnOver) return;
    if (this.queues.count(e.cpu) > 0) this.want(e.cpu);
    else e.sliceUsed = 0;
  }

  override sleep(e: SchedEntity, now: long): void {
    kassert(e.running, "scheduler: sleeper does not run");
    e.sleepStart = now;
    e.newTurn();
    this.leave(e);
  }

  override tick(cpu: i32, _now: long): void {
    if (this.current[cpu] === null && this.tree.queued[0] > 0) this.want(cpu);
  }

  override yieldNow(e: SchedEntity, _now: long): void {
    e.yielded = true;
    this.want(e.cpu);
  }

  override slice(cpu: i32, e: SchedEntity): long {
    return this.queues.count(cpu) === 0 ? -1 : e.sliceLeft;
  }

  protected override unqueue(e: SchedEntity): void {
    this.queues.remove(e.cpu, e);
  }

  protected override reranked(e: SchedEntity, queued: boolean): void {
    e.priority = e.klass;
    if (queued) this.queues.add(e.cpu, e, false);
    if (e.running) this.running[e.cpu] = e.klass;
    if (queued || e.running) this.want(e.cpu);
  }

  protected override requeue(e: SchedEntity, _now: long): void {
    this.queues.remove(e.cpu, e);
    this.runnable--;
    this.refresh(e.cpu);
    e.cpu = this.tree.lightest(e.allowed, e.cpu);
    this.enqueue(e, false);
  }

  override waiting(cpu: i32): i32 {
    return this.queues.count(cpu);
  }
}
