/**
 * The simulator: runs a compiled workload on a topology under a policy, event by event.
 *
 * Key type `Simulator`. Neighbours: `event-queue.ts` (the future), `task.ts` (programs), `statistics.ts` and
 * `../trace/trace.ts` (what comes out), `../../policy.ts` (who decides).
 *
 * A CPU is idle, switches (it has chosen a task and pays for the switch and the cold cache), or runs. The policy is asked in the sequence
 * that `policy.ts` gives; its scheduler clock ticks on every CPU, one after the other within a period. A wish to reschedule reaches another
 * CPU as an interrupt, after `costs.wakeup`, and an idle one after `costs.idleExit` more.
 * Invariant: time never goes back; a task runs on one CPU at most and only where its mask allows (checked at each choice: a policy
 * that breaks it is an error); CPU time, overhead and idle time of all CPUs add up to the simulated time.
 */
import { CLASS_IDLE, CLASS_NORMAL, CLASS_REALTIME, CLASS_THREAD } from "../../entity";
import { CpuMask } from "../../cpu-mask";
import { TICK_NS, type SchedPolicy } from "../../policy";
import { InputError } from "../errors";
import { distanceOf } from "../topology";
import { BY_ARRIVAL, BY_SOURCE, BY_TIMER, Kind, Stop, type Trace } from "../trace/trace";
import { RandomStream } from "../workload/distribution";
import { Op, type ClassName, type CompiledWorkload, type Template } from "../workload/program";
import { Channel } from "./channel";
import type { Costs } from "./costs";
import { EventQueue } from "./event-queue";
import { Collector, type TaskNumbers } from "./statistics";
import { Join, SimTask, State } from "./task";

const CLASSES: Readonly<Record<ClassName, number>> = {
  realtime: CLASS_REALTIME,
  normal: CLASS_NORMAL,
  idle: CLASS_IDLE,
  thread: CLASS_THREAD,
};

/** Events; the subject is a CPU, a task, a source or a root of the workload. */
const Event = {
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

/** So many periods of the clock a policy may leave every CPU idle with tasks queued. */
const QUIET_TICKS = 1_000;
/** A slice timer that is set anew is no shorter than this, ns. */
const MIN_SLICE = 10_000;
/** Sets the random numbers of arrivals apart from those of the tasks. */
const START_STREAMS = 0x40000000;
/** Operations that a task may do without time going on. */
const MAX_STEPS = 100_000;
/** Tasks that may exist in one run. */
const MAX_TASKS = 5_000_000;
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
  readonly tasks: SimTask[] = [];
  readonly collector: Collector;
  now = 0;
  private readonly queue = new EventQueue();
  private readonly policy: SchedPolicy;
  private readonly costs: Costs;
  private readonly channels: Channel[];
  private readonly sourceRandom: RandomStream[];
  private readonly sourceSent: number[];
  private readonly cpus: number;

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

  constructor(private readonly options: SimulatorOptions) {
    const { policy, workload, seed } = options;
    this.policy = policy;
    this.costs = options.costs;
    this.cpus = policy.cpus;
    this.collector = new Collector(workload.groups);
    this.channels = workload.channels.map((c) => new Channel(c.capacity));
    this.sourceRandom = workload.sources.map((_, i) => new RandomStream(seed, -1 - i));
    this.sourceSent = workload.sources.map(() => 0);
    const n = this.cpus;
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

  /** Runs to the end of the duration, or until nothing can happen any more. */
  run(): void {
    const { workload, duration, seed, onProgress } = this.options;
    for (let i = 0; i < workload.roots.length; i++) {
      const { start } = workload.templates[workload.roots[i]!.template]!;
      this.queue.push(start.draw(new RandomStream(seed, i ^ START_STREAMS), i), Event.arrival, i, 0);
    }
    for (let i = 0; i < workload.sources.length; i++) this.plan(i);
    const { queue } = this;
    let countdown = PROGRESS_EVENTS;
    let last = 0;
    for (;;) {
      if (--countdown === 0) {
        countdown = PROGRESS_EVENTS;
        onProgress?.(this.now, duration);
      }
      if (queue.size === 0 && this.isQuiet()) break;
      const tick = this.nextTick();
      if (tick <= queue.nextTime) {
        if (tick >= duration) break;
        this.now = tick;
        this.tick(this.ticks++ % this.cpus);
        continue;
      }
      if (queue.nextTime >= duration) break;
      queue.pop();
      if (this.isStale(queue.kind, queue.subject, queue.stamp)) continue;
      this.now = queue.time;
      last = queue.time;
      this.quietTicks = 0;
      this.dispatchEvent(queue.kind, queue.subject);
    }
    this.finish(queue.size === 0 ? last : duration);
    onProgress?.(duration, duration);
  }

  /** Nothing but the clock goes on: no CPU runs. A policy that still has queued tasks may let one go at a tick. */
  private isQuiet(): boolean {
    if (this.policy.runnable === 0) return true;
    if (++this.quietTicks <= QUIET_TICKS * this.cpus) return false;
    throw new Error(`policy ${this.policy.name} lets ${this.policy.runnable} tasks wait while every CPU is idle`);
  }
  private quietTicks = 0;

  /** Planned for a slice that has ended. */
  private isStale(kind: number, subject: number, stamp: number): boolean {
    if (kind === Event.begin || kind === Event.done) return stamp !== this.stamp[subject];
    return kind === Event.slice && stamp !== this.sliceStamp[subject];
  }

  private dispatchEvent(kind: number, subject: number): void {
    switch (kind) {
      case Event.begin:
        this.begin(subject);
        break;
      case Event.done:
        this.goOn(subject);
        break;
      case Event.slice:
        this.sliceOver(subject);
        break;
      case Event.reschedule:
        this.pending[subject] = 0;
        this.reschedule(subject, Stop.preempted);
        break;
      case Event.timer:
        this.timer(this.tasks[subject]!);
        break;
      case Event.arrival:
        this.arrive(subject);
        break;
      default:
        this.message(subject);
    }
  }

  // -- arrivals ----------------------------------------------------------------------------------------------------------------------

  private arrive(root: number): void {
    const { templates, roots } = this.options.workload;
    const { template, name } = roots[root]!;
    const task = this.create(templates[template]!, name, null, root);
    this.startJob(task, this.now, false);
    this.wake(task, BY_ARRIVAL, -1);
  }

  private create(template: Template, name: string, parent: SimTask | null, stream: number): SimTask {
    const { seed, recording } = this.options;
    const { policy } = this;
    if (this.tasks.length >= MAX_TASKS) throw new InputError(`more than ${MAX_TASKS} tasks`, { field: "workload" });
    const task = new SimTask(this.tasks.length, template, parent, stream, seed, this.now);
    this.tasks.push(task);
    policy.add(task, parent, this.now);
    if (template.klass !== null) {
      policy.setClass(task, CLASSES[template.klass], template.priority, template.roundRobin, this.now);
    }
    if (template.nice !== null) policy.setNice(task, template.nice, this.now);
    if (template.cpus !== null) {
      const mask = new CpuMask(this.cpus);
      for (const cpu of template.cpus) mask.add(cpu);
      policy.setMask(task, mask, this.now);
    }
    recording?.tasks.push({
      name,
      group: template.group,
      nice: task.nice,
      class: classOf(task),
      priority: task.klass === CLASS_REALTIME ? task.rtPriority : 0,
      cpus: template.cpus,
    });
    return task;
  }

  private plan(source: number): void {
    const { every, count } = this.options.workload.sources[source]!;
    const turn = this.sourceSent[source]!++;
    if (turn >= count) return;
    const gap = every.draw(this.sourceRandom[source]!, turn);
    this.queue.push(this.now + gap, Event.message, source, 0);
  }

  private message(source: number): void {
    const channel = this.channels[this.options.workload.sources[source]!.channel]!;
    const receiver = channel.receivers.shift();
    if (receiver === undefined) channel.messages.push(this.now);
    else this.hand(receiver, BY_SOURCE, -1);
    this.plan(source);
  }

  private timer(task: SimTask): void {
    if (task.jobStart < 0) this.startJob(task, this.now, false);
    this.wake(task, BY_TIMER, -1);
  }

  // -- waking ------------------------------------------------------------------------------------------------------------------------

  private wake(task: SimTask, by: number, from: number): void {
    task.state = State.runnable;
    task.runnableAt = this.now;
    task.fresh = true;
    this.collector.wakeups++;
    this.options.recording?.add(Kind.wake, this.now, task.id, from, by);
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

  // -- a CPU -------------------------------------------------------------------------------------------------------------------------

  private current(cpu: number): SimTask | null {
    return this.policy.current[cpu] as SimTask | null;
  }

  /** Accounts the CPU time of the running task up to now. */
  private settle(cpu: number): void {
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
    this.options.recording?.add(Kind.stop, this.now, task.id, cpu, why);
  }

  /** Puts back what the CPU has and chooses again, if the policy still wants it. */
  private reschedule(cpu: number, why: number): void {
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

  private begin(cpu: number): void {
    const task = this.current(cpu)!;
    this.collector.overhead += this.now - this.switchStart[cpu]!;
    this.cpuState[cpu] = Cpu.running;
    this.accounted[cpu] = this.now;
    this.options.recording?.add(Kind.run, this.now, task.id, cpu, 0);
    task.waited += this.now - task.runnableAt;
    if (task.fresh) {
      task.fresh = false;
      this.collector.latency(task.group, this.now - task.runnableAt);
    }
    this.goOn(cpu);
  }

  /** Plans the end of the running task's `run` and of its slice. */
  private arm(cpu: number, task: SimTask): void {
    this.queue.push(this.now + task.remaining, Event.done, cpu, this.stamp[cpu]!);
    if (this.sliceArmed[cpu] === 0) this.armSlice(cpu);
  }

  private armSlice(cpu: number): void {
    const left = this.policy.slice(cpu, this.current(cpu)!);
    if (left < 0) return;
    this.sliceArmed[cpu] = 1;
    this.queue.push(this.now + left, Event.slice, cpu, this.sliceStamp[cpu]!);
  }

  private sliceOver(cpu: number): void {
    this.sliceArmed[cpu] = 0;
    this.settle(cpu);
    // One whose slice is over and who may go on all the same (only worse ones wait) is looked at by the clock.
    if (this.pending[cpu] === 0 && this.policy.slice(cpu, this.current(cpu)!) >= MIN_SLICE) this.armSlice(cpu);
  }

  private tick(cpu: number): void {
    this.settle(cpu);
    this.policy.tick(cpu, this.now);
    this.deliver(cpu);
  }

  private nextTick(): number {
    const round = Math.floor(this.ticks / this.cpus);
    const cpu = this.ticks % this.cpus;
    return round * TICK_NS + Math.floor(((cpu + 1) * TICK_NS) / this.cpus);
  }

  // -- programs ----------------------------------------------------------------------------------------------------------------------

  /** Runs the program of the CPU's task up to where it needs time. */
  private goOn(cpu: number): void {
    const task = this.current(cpu)!;
    this.settle(cpu);
    const { ops, args, depths, loops } = task.program;
    if (task.stepsAt !== this.now) {
      task.stepsAt = this.now;
      task.steps = 0;
    }
    while (task.remaining <= 0) {
      if (++task.steps > MAX_STEPS) {
        const group = this.options.workload.groups[task.group]!;
        throw new InputError(`task ${group} did ${MAX_STEPS} steps without using time`, { field: "workload.tasks" });
      }
      const at = task.pc++;
      const arg = args[at]!;
      switch (ops[at]) {
        case Op.run:
          task.remaining = task.draw(arg);
          break;
        case Op.sleep: {
          const ns = task.draw(arg);
          if (ns === 0) break;
          // A wait within the work on a message or on a periodic job is part of it.
          if (!task.jobByMessage && task.release < 0) this.endJob(task);
          this.queue.push(this.now + ns, Event.timer, task.id, 0);
          this.block(cpu, task);
          return;
        }
        case Op.period:
          if (this.period(cpu, task, task.program.periods[arg]!, task.program.periods[arg + 1]!)) return;
          break;
        case Op.send:
          if (this.send(cpu, task, this.channels[arg]!)) return;
          break;
        case Op.receive:
          if (this.receive(cpu, task, this.channels[arg]!)) return;
          break;
        case Op.yield:
          this.policy.yieldNow(task, this.now);
          if (!this.policy.needResched(cpu)) break;
          this.collector.yields++;
          this.reschedule(cpu, Stop.yielded);
          if (this.current(cpu) !== task || this.cpuState[cpu] !== Cpu.running) return;
          // It was chosen again; its next step is planned already.
          if (task.remaining > 0) return;
          break;
        case Op.fork:
          this.fork(cpu, task, this.options.workload.templates[arg]!);
          break;
        case Op.joinOne:
          if (task.unjoined > 0) task.unjoined--;
          else if (task.children > 0) {
            task.join = Join.one;
            this.block(cpu, task);
            return;
          }
          break;
        case Op.joinAll:
          if (task.children > 0) {
            task.join = Join.all;
            this.block(cpu, task);
            return;
          }
          task.unjoined = 0;
          break;
        case Op.loop:
          task.loopsLeft[depths[at]!] = loops[arg]!;
          break;
        case Op.next: {
          const depth = depths[at]!;
          const left = task.loopsLeft[depth]!;
          if (left < 0) task.pc = arg;
          else if (left > 1) {
            task.loopsLeft[depth] = left - 1;
            task.pc = arg;
          }
          break;
        }
        default:
          this.exit(cpu, task);
          return;
      }
    }
    this.arm(cpu, task);
  }

  private block(cpu: number, task: SimTask): void {
    this.endSlice(cpu, task, Stop.block);
    task.state = State.blocked;
    task.on = -1;
    this.leave(cpu);
    this.pending[cpu] = 1;
    this.policy.sleep(task, this.now);
    this.deliver(cpu);
    this.enter(cpu, this.take(cpu));
  }

  private startJob(task: SimTask, since: number, byMessage: boolean): void {
    task.jobStart = since;
    task.jobCpu = task.cpuTime;
    task.jobByMessage = byMessage;
  }

  private endJob(task: SimTask): void {
    if (task.jobStart < 0) return;
    // A task that only waits again has not answered anything.
    if (task.cpuTime > task.jobCpu) this.collector.response(task.group, this.now - task.jobStart);
    if (task.release >= 0) this.collector.deadline(task.group, this.now > task.release + task.deadline);
    task.jobStart = -1;
    task.jobByMessage = false;
  }

  /** True when the task blocks. */
  private period(cpu: number, task: SimTask, every: number, deadline: number): boolean {
    if (task.release < 0) {
      // The time up to the first release is not a job.
      task.jobStart = -1;
      task.release = task.startedAt;
    } else {
      this.endJob(task);
      task.release += every;
    }
    task.every = every;
    task.deadline = deadline;
    this.startJob(task, task.release, false);
    if (task.release <= this.now) return false;
    this.queue.push(task.release, Event.timer, task.id, 0);
    this.block(cpu, task);
    return true;
  }

  private send(cpu: number, task: SimTask, channel: Channel): boolean {
    const receiver = channel.receivers.shift();
    if (receiver !== undefined) this.hand(receiver, task.id, cpu);
    else if (channel.messages.length < channel.capacity) channel.messages.push(this.now);
    else {
      channel.senders.push(task);
      this.block(cpu, task);
      return true;
    }
    return false;
  }

  private receive(cpu: number, task: SimTask, channel: Channel): boolean {
    if (task.release < 0) this.endJob(task);
    const sent = channel.messages.shift();
    if (sent === undefined) {
      channel.receivers.push(task);
      this.block(cpu, task);
      return true;
    }
    if (task.release < 0) this.startJob(task, sent, true);
    const sender = channel.senders.shift();
    if (sender !== undefined) {
      channel.messages.push(this.now);
      this.wake(sender, task.id, cpu);
    }
    return false;
  }

  /** Gives a message of now to a task that waits for one. */
  private hand(receiver: SimTask, by: number, from: number): void {
    if (receiver.release < 0) this.startJob(receiver, this.now, true);
    this.wake(receiver, by, from);
  }

  private fork(cpu: number, parent: SimTask, template: Template): void {
    const { workload } = this.options;
    const stream = (Math.imul(parent.stream, 0x01000193) ^ (0x5bd1e995 + parent.forks)) | 0;
    const name = template.name ?? `${workload.groups[template.group]!}.${parent.id}.${parent.forks}`;
    parent.forks++;
    const task = this.create(template, name, parent, stream);
    this.options.recording?.add(Kind.fork, this.now, task.id, cpu, parent.id);
    parent.children++;
    this.startJob(task, this.now, false);
    this.wake(task, parent.id, cpu);
  }

  private exit(cpu: number, task: SimTask): void {
    const { parent } = task;
    this.endJob(task);
    this.pending[cpu] = 1;
    if (parent !== null) {
      parent.children--;
      if (parent.join === Join.one || (parent.join === Join.all && parent.children === 0)) {
        if (parent.join === Join.all) parent.unjoined = 0;
        parent.join = Join.none;
        this.wake(parent, task.id, cpu);
      } else parent.unjoined++;
    }
    this.endSlice(cpu, task, Stop.exited);
    task.state = State.ended;
    task.on = -1;
    task.endedAt = this.now;
    this.leave(cpu);
    this.policy.remove(task, parent !== null && parent.state !== State.ended ? parent : null, this.now);
    this.deliver(cpu);
    this.enter(cpu, this.take(cpu));
  }

  // -- the end -----------------------------------------------------------------------------------------------------------------------

  private finish(end: number): void {
    this.now = end;
    const { recording } = this.options;
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      const task = this.current(cpu);
      if (task === null) continue;
      if (this.cpuState[cpu] === Cpu.switching) this.collector.overhead += end - this.switchStart[cpu]!;
      this.settle(cpu);
      if (this.cpuState[cpu] === Cpu.running) this.endSlice(cpu, task, Stop.cut);
    }
    for (const task of this.tasks) {
      if (task.state === State.runnable && (task.on < 0 || this.cpuState[task.on] !== Cpu.running)) {
        task.waited += end - task.runnableAt;
      }
      if (task.release < 0 || task.jobStart < 0) continue;
      for (let due = task.release + task.deadline; due < end; due += task.every) {
        this.collector.deadline(task.group, true);
      }
    }
    if (recording !== null) recording.end = end;
  }

  /** What is known of each task, for the statistics. */
  numbers(): TaskNumbers[] {
    return this.tasks.map((t) => ({
      group: t.group,
      nice: t.nice,
      klass: classOf(t),
      cpu: t.cpuTime,
      waited: t.waited,
      lifetime: (t.endedAt < 0 ? this.now : t.endedAt) - t.startedAt,
    }));
  }

  counts(): { started: number; finished: number; blocked: number } {
    const started = this.tasks.length;
    let finished = 0;
    let blocked = 0;
    for (const t of this.tasks) {
      if (t.state === State.ended) finished++;
      else if (t.state === State.blocked) blocked++;
    }
    return { started, finished, blocked };
  }
}

function classOf(task: SimTask): ClassName {
  if (task.klass === CLASS_REALTIME) return "realtime";
  if (task.klass === CLASS_IDLE) return "idle";
  return task.klass === CLASS_THREAD ? "thread" : "normal";
}
