/**
 * The simulated machine: its clock, its future, and CPUs that are idle, switch or run under a policy.
 *
 * Key type `Machine`. Neighbours: `simulator.ts` (pops the events), `programs.ts` (what tasks do while they run), `event-queue.ts`, `statistics.ts` and
 * `../trace/trace.ts` (what comes out), `../../policy.ts` (who decides).
 *
 * A CPU is idle, switches (it has chosen a task and pays for the switch and the cold cache), or runs. The policy is asked in the sequence
 * that `policy.ts` gives; its scheduler clock ticks on every CPU, one after the other within a period. A wish to reschedule reaches another
 * CPU as an interrupt, after `costs.wakeup`, and an idle one after `costs.idleExit` more.
 * Invariant: a task runs on one CPU at most and only where its mask allows (checked at each choice: a policy that breaks it is an error);
 * CPU time, overhead and idle time of all CPUs add up to the simulated time.
 */
import { TICK_NS, type SchedPolicy } from "../../policy";
import { distanceOf } from "../topology";
import { Kind, Stop, type Trace } from "../trace/trace";
import type { Costs } from "./costs";
import { EventQueue } from "./event-queue";
import type { Collector } from "./statistics";
import { State, type SimTask } from "./task";

/** Events; the subject is a CPU, a task, a source or a root of the workload. */
export const Event = {
  /** CPU: the task that it chose begins. */
  begin: 0,
  /** CPU: the running task has done its `run`. */
  done: 1,
  /** CPU: the running task's slice is over. */
  slice: 2,
  /** CPU: it looks at whether something else should run. */
  reschedule: 3,
  /** Task: its sleep is over. */
  timer: 4,
  /** Source: a message arrives. */
  message: 5,
  /** Root: a task arrives. */
  arrival: 6,
} as const;

const Cpu = { idle: 0, switching: 1, running: 2 } as const;

/** A slice timer that is set anew is no shorter than this, ns. */
const MIN_SLICE = 10_000;

export class Machine {
  now = 0;
  readonly queue = new EventQueue();
  readonly cpus: number;

  private readonly cpuState: Uint8Array;
  /** Planned events of a CPU with another stamp are stale. */
  private readonly stamp: Int32Array;
  private readonly sliceStamp: Int32Array;
  /** A slice timer is planned. */
  private readonly sliceArmed: Uint8Array;
  /** A reschedule event is on its way, or the CPU is about to choose anyway. */
  private readonly pending: Uint8Array;
  private readonly lastTask: Int32Array;
  /** Until when the CPU time of the running task is accounted; begin and end of the switch. */
  private readonly accounted: Float64Array;
  private readonly switchStart: Float64Array;
  private readonly switchEnd: Float64Array;
  private ticks = 0;

  constructor(
    readonly policy: SchedPolicy,
    private readonly costs: Costs,
    readonly collector: Collector,
    readonly recording: Trace | null,
  ) {
    const n = policy.cpus;
    this.cpus = n;
    this.cpuState = new Uint8Array(n);
    this.stamp = new Int32Array(n);
    this.sliceStamp = new Int32Array(n);
    this.sliceArmed = new Uint8Array(n);
    this.pending = new Uint8Array(n);
    this.lastTask = new Int32Array(n).fill(-1);
    this.accounted = new Float64Array(n);
    this.switchStart = new Float64Array(n);
    this.switchEnd = new Float64Array(n);
  }

  /** Planned for a slice that has ended. */
  isStale(kind: number, subject: number, stamp: number): boolean {
    if (kind === Event.begin || kind === Event.done) return stamp !== this.stamp[subject];
    return kind === Event.slice && stamp !== this.sliceStamp[subject];
  }

  /** A task that waited wants to run; `by` is who woke it, `from` the CPU that does so, -1 for an interrupt. */
  wake(task: SimTask, by: number, from: number): void {
    task.state = State.runnable;
    task.runnableAt = this.now;
    task.fresh = true;
    this.collector.wakeups++;
    this.recording?.add(Kind.wake, this.now, task.id, from, by);
    this.enqueue(task, from, from);
  }

  /** Makes it runnable; the policy is told of `waker`, `from` is the CPU that does so, -1 for an interrupt. */
  private enqueue(task: SimTask, waker: number, from: number): void {
    this.collector.decisions++;
    const cpu = this.policy.setRunnable(task, this.now, waker);
    this.deliver(from);
    // Somebody waits there now, so what runs may have got a slice that ends.
    if (this.cpuState[cpu] === Cpu.running && this.sliceArmed[cpu] === 0 && this.pending[cpu] === 0) {
      this.settle(cpu);
      this.armSlice(cpu);
    }
  }

  /** Tells the CPUs on which the policy wants a reschedule; `from` is the CPU that does so, -1 for an interrupt there. */
  private deliver(from: number): void {
    for (let cpu = this.policy.nextWanted(); cpu >= 0; cpu = this.policy.nextWanted()) {
      if (this.pending[cpu] !== 0) continue;
      this.pending[cpu] = 1;
      let delay = from >= 0 && from !== cpu ? this.costs.wakeup : 0;
      if (this.cpuState[cpu] === Cpu.idle) delay += this.costs.idleExit;
      this.queue.push(this.now + delay, Event.reschedule, cpu, 0);
    }
  }

  /** What the CPU has chosen, null when it is idle. */
  current(cpu: number): SimTask | null {
    return this.policy.current[cpu] as SimTask | null;
  }

  /** Accounts the CPU time of the running task up to now. */
  settle(cpu: number): void {
    if (this.cpuState[cpu] !== Cpu.running) return;
    const ns = this.now - this.accounted[cpu]!;
    if (ns <= 0) return;
    const task = this.current(cpu)!;
    this.accounted[cpu] = this.now;
    task.cpuTime += ns;
    task.remaining -= ns;
    this.policy.account(task, ns, this.now);
    this.deliver(cpu);
  }

  private endSlice(cpu: number, task: SimTask, why: number): void {
    this.recording?.add(Kind.stop, this.now, task.id, cpu, why);
  }

  /** Puts back what the CPU has and chooses again, if the policy still wants it. */
  reschedule(cpu: number, why: number): void {
    const { policy, collector, now } = this;
    if (!policy.needResched(cpu)) return;
    const state = this.cpuState[cpu];
    if (state === Cpu.idle) {
      this.enter(cpu, this.take(cpu));
      return;
    }
    const task = this.current(cpu)!;
    this.settle(cpu);
    this.leave(cpu);
    if (state === Cpu.running) task.runnableAt = now;
    else collector.overhead += now - this.switchStart[cpu]!;
    task.on = -1;
    this.pending[cpu] = 1;
    this.enqueue(task, -1, cpu);
    const next = this.take(cpu);
    if (next !== task) {
      if (state === Cpu.running) {
        this.endSlice(cpu, task, why);
        if (why === Stop.preempted) collector.preemptions++;
      }
      this.enter(cpu, next);
      return;
    }
    // It goes on as if nothing had been.
    task.on = cpu;
    this.cpuState[cpu] = state!;
    if (state === Cpu.running) {
      this.accounted[cpu] = now;
      this.arm(cpu, task);
    } else {
      this.switchStart[cpu] = now;
      this.queue.push(this.switchEnd[cpu]!, Event.begin, cpu, this.stamp[cpu]!);
    }
  }

  /** The CPU has no current task any more. */
  private leave(cpu: number): void {
    this.cpuState[cpu] = Cpu.idle;
    this.stamp[cpu]!++;
    this.sliceStamp[cpu]!++;
    this.sliceArmed[cpu] = 0;
  }

  /** Lets the policy choose for a CPU that has no task. */
  private take(cpu: number): SimTask | null {
    const { policy } = this;
    this.collector.decisions++;
    // It chooses, so it need not be told to.
    this.pending[cpu] = 1;
    const task = policy.choose(cpu, this.now) as SimTask | null;
    this.deliver(cpu);
    this.pending[cpu] = 0;
    if (task === null) return null;
    const problem =
      task.on >= 0
        ? `runs on CPU ${task.on}`
        : !policy.mayRun(task, cpu)
          ? "may not run there"
          : task.state !== State.runnable
            ? "is not runnable"
            : null;
    if (problem !== null)
      throw new Error(`policy ${policy.name} chose task ${task.id} for CPU ${cpu}, which ${problem}`);
    return task;
  }

  private enter(cpu: number, task: SimTask | null): void {
    if (task === null) return;
    task.on = cpu;
    let cost = 0;
    if (this.lastTask[cpu] !== task.id) {
      cost += this.costs.contextSwitch;
      this.collector.contextSwitch(task.group);
      this.lastTask[cpu] = task.id;
    }
    if (task.lastCpu >= 0 && task.lastCpu !== cpu) {
      const distance = distanceOf(this.policy.topology, task.lastCpu, cpu);
      cost += this.costs.migration[distance]!;
      this.collector.migration(task.group, distance);
    }
    task.lastCpu = cpu;
    this.cpuState[cpu] = Cpu.switching;
    this.switchStart[cpu] = this.now;
    this.switchEnd[cpu] = this.now + cost;
    this.queue.push(this.now + cost, Event.begin, cpu, this.stamp[cpu]!);
  }

  /** The task that the CPU chose begins, or goes on; what it does then is up to its program. */
  begin(cpu: number): void {
    const task = this.current(cpu)!;
    this.collector.overhead += this.now - this.switchStart[cpu]!;
    this.cpuState[cpu] = Cpu.running;
    this.accounted[cpu] = this.now;
    this.recording?.add(Kind.run, this.now, task.id, cpu, 0);
    task.waited += this.now - task.runnableAt;
    if (task.fresh) {
      task.fresh = false;
      this.collector.latency(task.group, this.now - task.runnableAt);
    }
  }

  /** Plans the end of the running task's `run` and of its slice. */
  arm(cpu: number, task: SimTask): void {
    this.queue.push(this.now + task.remaining, Event.done, cpu, this.stamp[cpu]!);
    if (this.sliceArmed[cpu] === 0) this.armSlice(cpu);
  }

  private armSlice(cpu: number): void {
    const left = this.policy.slice(cpu, this.current(cpu)!);
    if (left < 0) return;
    this.sliceArmed[cpu] = 1;
    this.queue.push(this.now + left, Event.slice, cpu, this.sliceStamp[cpu]!);
  }

  /** The running task's slice ends. */
  sliceOver(cpu: number): void {
    this.sliceArmed[cpu] = 0;
    this.settle(cpu);
    // One whose slice is over and who may go on all the same (only worse ones wait) is looked at by the clock.
    if (this.pending[cpu] === 0 && this.policy.slice(cpu, this.current(cpu)!) >= MIN_SLICE) this.armSlice(cpu);
  }

  /** The clock of the CPU whose turn it is. */
  tick(): void {
    const cpu = this.ticks++ % this.cpus;
    this.settle(cpu);
    this.policy.tick(cpu, this.now);
    this.deliver(cpu);
  }

  /** When the clock ticks next, on whichever CPU, ns. */
  get nextTick(): number {
    const round = Math.floor(this.ticks / this.cpus);
    const cpu = this.ticks % this.cpus;
    return round * TICK_NS + Math.floor(((cpu + 1) * TICK_NS) / this.cpus);
  }

  /** The running task leaves the CPU, which is going to choose anyway. */
  private vacate(cpu: number, task: SimTask, why: number): void {
    this.endSlice(cpu, task, why);
    task.on = -1;
    this.leave(cpu);
    this.pending[cpu] = 1;
  }

  /** The running task of the CPU waits for something. */
  block(cpu: number, task: SimTask): void {
    this.vacate(cpu, task, Stop.block);
    task.state = State.blocked;
    this.policy.sleep(task, this.now);
    this.deliver(cpu);
    this.enter(cpu, this.take(cpu));
  }

  /** A reschedule event has reached the CPU. */
  interrupt(cpu: number): void {
    this.pending[cpu] = 0;
    this.reschedule(cpu, Stop.preempted);
  }

  /** The running task is about to end: it wakes nobody who would be told to come here. */
  ending(cpu: number): void {
    this.pending[cpu] = 1;
  }

  /** The running task of the CPU has ended; `parent` takes over what it used, if it waits for it. */
  end(cpu: number, task: SimTask, parent: SimTask | null): void {
    this.vacate(cpu, task, Stop.exited);
    task.state = State.ended;
    task.endedAt = this.now;
    this.policy.remove(task, parent, this.now);
    this.deliver(cpu);
    this.enter(cpu, this.take(cpu));
  }

  /** Whether the CPU is past the switch to its task. */
  isRunning(cpu: number): boolean {
    return this.cpuState[cpu] === Cpu.running;
  }

  /** The time is over: what runs is accounted and cut. */
  stop(end: number): void {
    this.now = end;
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      const task = this.current(cpu);
      if (task === null) continue;
      if (this.cpuState[cpu] === Cpu.switching) this.collector.overhead += end - this.switchStart[cpu]!;
      this.settle(cpu);
      if (this.cpuState[cpu] === Cpu.running) this.endSlice(cpu, task, Stop.cut);
    }
  }
}
