/**
 * What the tasks of the simulator do: their programs, step by step, up to where time is needed; jobs, messages, children.
 *
 * Key type `Programs`. Neighbours: `machine.ts` (the CPUs they run on), `task.ts` (where a program stands), `channel.ts`, `../workload/program.ts`
 * (the operations). Invariant: a task's steps run only while it is the current one of a CPU that runs.
 */
import { CLASS_IDLE, CLASS_NORMAL, CLASS_REALTIME, CLASS_THREAD } from "../../entity";
import { CpuMask } from "../../cpu-mask";
import { InputError } from "../errors";
import { Kind, Stop } from "../trace/trace";
import { Op, type ClassName, type CompiledWorkload, type Template } from "../workload/program";
import { Channel } from "./channel";
import { Event, type Machine } from "./machine";
import { Join, SimTask, State } from "./task";

const CLASSES: Readonly<Record<ClassName, number>> = {
  realtime: CLASS_REALTIME,
  normal: CLASS_NORMAL,
  idle: CLASS_IDLE,
  thread: CLASS_THREAD,
};

/** Operations that a task may do without time going on. */
const MAX_STEPS = 100_000;
/** Tasks that may exist in one run. */
const MAX_TASKS = 5_000_000;

export class Programs {
  readonly tasks: SimTask[] = [];
  readonly channels: Channel[];

  constructor(
    private readonly machine: Machine,
    private readonly workload: CompiledWorkload,
    private readonly seed: number,
  ) {
    this.channels = workload.channels.map((c) => new Channel(c.capacity));
  }

  /** A new task, asleep. */
  create(template: Template, name: string, parent: SimTask | null, stream: number): SimTask {
    const { seed } = this;
    const { policy, recording, now } = this.machine;
    if (this.tasks.length >= MAX_TASKS) throw new InputError(`more than ${MAX_TASKS} tasks`, { field: "workload" });
    const task = new SimTask(this.tasks.length, template, parent, stream, seed, now);
    this.tasks.push(task);
    policy.add(task, parent, now);
    if (template.klass !== null) {
      policy.setClass(task, CLASSES[template.klass], template.priority, template.roundRobin, now);
    }
    if (template.nice !== null) policy.setNice(task, template.nice, now);
    if (template.cpus !== null) {
      const mask = new CpuMask(policy.cpus);
      for (const cpu of template.cpus) mask.add(cpu);
      policy.setMask(task, mask, now);
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

  /** Runs the program of the CPU's task up to where it needs time. */
  goOn(cpu: number): void {
    const task = this.machine.current(cpu)!;
    this.machine.settle(cpu);
    const { ops, args, depths, loops } = task.program;
    if (task.stepsAt !== this.machine.now) {
      task.stepsAt = this.machine.now;
      task.steps = 0;
    }
    while (task.remaining <= 0) {
      if (++task.steps > MAX_STEPS) {
        const group = this.workload.groups[task.group]!;
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
          this.machine.queue.push(this.machine.now + ns, Event.timer, task.id, 0);
          this.machine.block(cpu, task);
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
          this.machine.policy.yieldNow(task, this.machine.now);
          if (!this.machine.policy.needResched(cpu)) break;
          this.machine.collector.yields++;
          this.machine.reschedule(cpu, Stop.yielded);
          if (this.machine.current(cpu) !== task || !this.machine.isRunning(cpu)) return;
          // It was chosen again; its next step is planned already.
          if (task.remaining > 0) return;
          break;
        case Op.fork:
          this.fork(cpu, task, this.workload.templates[arg]!);
          break;
        case Op.joinOne:
          if (task.unjoined > 0) task.unjoined--;
          else if (task.children > 0) {
            task.join = Join.one;
            this.machine.block(cpu, task);
            return;
          }
          break;
        case Op.joinAll:
          if (task.children > 0) {
            task.join = Join.all;
            this.machine.block(cpu, task);
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
    this.machine.arm(cpu, task);
  }

  startJob(task: SimTask, since: number, byMessage: boolean): void {
    task.jobStart = since;
    task.jobCpu = task.cpuTime;
    task.jobByMessage = byMessage;
  }

  private endJob(task: SimTask): void {
    if (task.jobStart < 0) return;
    // A task that only waits again has not answered anything.
    if (task.cpuTime > task.jobCpu) this.machine.collector.response(task.group, this.machine.now - task.jobStart);
    if (task.release >= 0) this.machine.collector.deadline(task.group, this.machine.now > task.release + task.deadline);
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
    if (task.release <= this.machine.now) return false;
    this.machine.queue.push(task.release, Event.timer, task.id, 0);
    this.machine.block(cpu, task);
    return true;
  }

  private send(cpu: number, task: SimTask, channel: Channel): boolean {
    const receiver = channel.receivers.shift();
    if (receiver !== undefined) this.hand(receiver, task.id, cpu);
    else if (channel.messages.length < channel.capacity) channel.messages.push(this.machine.now);
    else {
      channel.senders.push(task);
      this.machine.block(cpu, task);
      return true;
    }
    return false;
  }

  private receive(cpu: number, task: SimTask, channel: Channel): boolean {
    if (task.release < 0) this.endJob(task);
    const sent = channel.messages.shift();
    if (sent === undefined) {
      channel.receivers.push(task);
      this.machine.block(cpu, task);
      return true;
    }
    if (task.release < 0) this.startJob(task, sent, true);
    const sender = channel.senders.shift();
    if (sender !== undefined) {
      channel.messages.push(this.machine.now);
      this.machine.wake(sender, task.id, cpu);
    }
    return false;
  }

  /** Gives a message of now to a task that waits for one. */
  hand(receiver: SimTask, by: number, from: number): void {
    if (receiver.release < 0) this.startJob(receiver, this.machine.now, true);
    this.machine.wake(receiver, by, from);
  }

  private fork(cpu: number, parent: SimTask, template: Template): void {
    const { workload } = this;
    const stream = (Math.imul(parent.stream, 0x01000193) ^ (0x5bd1e995 + parent.forks)) | 0;
    const name = template.name ?? `${workload.groups[template.group]!}.${parent.id}.${parent.forks}`;
    parent.forks++;
    const task = this.create(template, name, parent, stream);
    this.machine.recording?.add(Kind.fork, this.machine.now, task.id, cpu, parent.id);
    parent.children++;
    this.startJob(task, this.machine.now, false);
    this.machine.wake(task, parent.id, cpu);
  }

  private exit(cpu: number, task: SimTask): void {
    const { parent } = task;
    this.endJob(task);
    this.machine.ending(cpu);
    if (parent !== null) {
      parent.children--;
      if (parent.join === Join.one || (parent.join === Join.all && parent.children === 0)) {
        if (parent.join === Join.all) parent.unjoined = 0;
        parent.join = Join.none;
        this.machine.wake(parent, task.id, cpu);
      } else parent.unjoined++;
    }
    this.machine.end(cpu, task, parent !== null && parent.state !== State.ended ? parent : null);
  }
}

/** The class of a task by its name. */
export function classOf(task: SimTask): ClassName {
  if (task.klass === CLASS_REALTIME) return "realtime";
  if (task.klass === CLASS_IDLE) return "idle";
  return task.klass === CLASS_THREAD ? "thread" : "normal";
}
