/**
 * The simulator: runs a compiled workload on a topology under a policy, event by event.
 *
 * Key type `Simulator`. Neighbours: `machine.ts` (clock and CPUs), `programs.ts` (what tasks do), `event-queue.ts` (the future), `statistics.ts`
 * and `../trace/trace.ts` (what comes out). Here are the loop, what arrives from outside, and the end.
 * Invariant: time never goes back; the same inputs give the same events.
 */
import type { SchedPolicy } from "../../policy";
import { BY_ARRIVAL, BY_SOURCE, BY_TIMER, type Trace } from "../trace/trace";
import { RandomStream } from "../workload/distribution";
import type { CompiledWorkload } from "../workload/program";
import type { Costs } from "./costs";
import { Event, Machine } from "./machine";
import { Programs, classOf } from "./programs";
import { Collector, type TaskNumbers } from "./statistics";
import { State, type SimTask } from "./task";

/** So many periods of the clock a policy may leave every CPU idle with tasks queued. */
const QUIET_TICKS = 1_000;
/** Sets the random numbers of arrivals apart from those of the tasks. */
const START_STREAMS = 0x40000000;
/** Events between two reports of progress. */
const PROGRESS_EVENTS = 1 << 16;

export interface SimulatorOptions {
  policy: SchedPolicy;
  workload: CompiledWorkload;
  costs: Costs;
  seed: number;
  /** ns. */
  duration: number;
  recording: Trace | null;
  onProgress: ((now: number, duration: number) => void) | undefined;
}

export class Simulator {
  readonly collector: Collector;
  private readonly machine: Machine;
  private readonly programs: Programs;
  private readonly sourceRandom: RandomStream[];
  private readonly sourceSent: number[];
  /** Ticks since anything else has happened. */
  private quietTicks = 0;

  constructor(private readonly options: SimulatorOptions) {
    const { policy, workload, costs, seed, recording } = options;
    this.collector = new Collector(workload.groups);
    this.machine = new Machine(policy, costs, this.collector, recording);
    this.programs = new Programs(this.machine, workload, seed);
    this.sourceRandom = workload.sources.map((_, i) => new RandomStream(seed, -1 - i));
    this.sourceSent = workload.sources.map(() => 0);
  }

  /** The simulated time, ns. */
  get now(): number {
    return this.machine.now;
  }

  /** Runs to the end of the duration, or until nothing can happen any more. */
  run(): void {
    const { workload, duration, seed, onProgress } = this.options;
    for (let i = 0; i < workload.roots.length; i++) {
      const { start } = workload.templates[workload.roots[i]!.template]!;
      this.machine.queue.push(start.draw(new RandomStream(seed, i ^ START_STREAMS), i), Event.arrival, i, 0);
    }
    for (let i = 0; i < workload.sources.length; i++) this.plan(i);
    const { machine } = this;
    const { queue } = machine;
    let countdown = PROGRESS_EVENTS;
    let last = 0;
    for (;;) {
      if (--countdown === 0) {
        countdown = PROGRESS_EVENTS;
        onProgress?.(machine.now, duration);
      }
      if (queue.size === 0 && this.isQuiet()) break;
      const tick = machine.nextTick;
      if (tick <= queue.nextTime) {
        if (tick >= duration) break;
        machine.now = tick;
        machine.tick();
        continue;
      }
      if (queue.nextTime >= duration) break;
      queue.pop();
      if (machine.isStale(queue.kind, queue.subject, queue.stamp)) continue;
      machine.now = queue.time;
      last = queue.time;
      this.quietTicks = 0;
      this.dispatchEvent(queue.kind, queue.subject);
    }
    this.finish(queue.size === 0 ? last : duration);
    onProgress?.(duration, duration);
  }

  /** Nothing but the clock goes on: no CPU runs. A policy that still has queued tasks may let one go at a tick. */
  private isQuiet(): boolean {
    if (this.machine.policy.runnable === 0) return true;
    if (++this.quietTicks <= QUIET_TICKS * this.machine.cpus) return false;
    throw new Error(
      `policy ${this.machine.policy.name} lets ${this.machine.policy.runnable} tasks wait while every CPU is idle`,
    );
  }

  private dispatchEvent(kind: number, subject: number): void {
    switch (kind) {
      case Event.begin:
        this.machine.begin(subject);
        this.programs.goOn(subject);
        break;
      case Event.done:
        this.programs.goOn(subject);
        break;
      case Event.slice:
        this.machine.sliceOver(subject);
        break;
      case Event.reschedule:
        this.machine.interrupt(subject);
        break;
      case Event.timer:
        this.timer(this.programs.tasks[subject]!);
        break;
      case Event.arrival:
        this.arrive(subject);
        break;
      default:
        this.message(subject);
    }
  }

  private arrive(root: number): void {
    const { templates, roots } = this.options.workload;
    const { template, name } = roots[root]!;
    const task = this.programs.create(templates[template]!, name, null, root);
    this.programs.startJob(task, this.machine.now, false);
    this.machine.wake(task, BY_ARRIVAL, -1);
  }

  private plan(source: number): void {
    const { every, count } = this.options.workload.sources[source]!;
    const turn = this.sourceSent[source]!++;
    if (turn >= count) return;
    const gap = every.draw(this.sourceRandom[source]!, turn);
    this.machine.queue.push(this.machine.now + gap, Event.message, source, 0);
  }

  private message(source: number): void {
    const channel = this.programs.channels[this.options.workload.sources[source]!.channel]!;
    const receiver = channel.receivers.shift();
    if (receiver === undefined) channel.messages.push(this.machine.now);
    else this.programs.hand(receiver, BY_SOURCE, -1);
    this.plan(source);
  }

  private timer(task: SimTask): void {
    if (task.jobStart < 0) this.programs.startJob(task, this.machine.now, false);
    this.machine.wake(task, BY_TIMER, -1);
  }

  private finish(end: number): void {
    const { machine, programs } = this;
    machine.stop(end);
    for (const task of programs.tasks) {
      if (task.state === State.runnable && (task.on < 0 || !machine.isRunning(task.on))) {
        task.waited += end - task.runnableAt;
      }
      if (task.release < 0 || task.jobStart < 0) continue;
      for (let due = task.release + task.deadline; due < end; due += task.every) {
        this.collector.deadline(task.group, true);
      }
    }
    if (machine.recording !== null) machine.recording.end = end;
  }

  /** What is known of each task, for the statistics. */
  numbers(): TaskNumbers[] {
    return this.programs.tasks.map((t) => ({
      group: t.group,
      nice: t.nice,
      klass: classOf(t),
      cpu: t.cpuTime,
      waited: t.waited,
      lifetime: (t.endedAt < 0 ? this.now : t.endedAt) - t.startedAt,
    }));
  }

  counts(): { started: number; finished: number; blocked: number } {
    const started = this.programs.tasks.length;
    let finished = 0;
    let blocked = 0;
    for (const t of this.programs.tasks) {
      if (t.state === State.ended) finished++;
      else if (t.state === State.blocked) blocked++;
    }
    return { started, finished, blocked };
  }
}
