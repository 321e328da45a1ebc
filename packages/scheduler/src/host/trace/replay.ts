/**
 * A trace as a workload: each task does again what it did, on whatever CPUs a policy gives it.
 *
 * Key function `compileReplay`. Neighbours: `trace.ts`, `../workload/program.ts` (what it writes).
 * A task's CPU time between two waits is a `run`. A wake-up by a task that ran is a message from it at that point of its own program, so
 * whoever waits for a slower task waits longer; every other wake-up is a sleep of the recorded length. Forks stay forks.
 * Invariant: each task's program has exactly the CPU time that the trace gave it; the messages keep the order of the trace, so a replay
 * cannot deadlock.
 */
import { InputError } from "../errors";
import { distribution } from "../workload/distribution";
import { Op, ProgramBuilder, type CompiledWorkload, type Template } from "../workload/program";
import { Kind, Stop, type Trace } from "./trace";

const Phase = { unseen: 0, runnable: 1, running: 2, blocked: 3, ended: 4 } as const;

class Replayed {
  readonly builder = new ProgramBuilder();
  phase: number = Phase.unseen;
  /** CPU time that no operation has yet, ns. */
  owed = 0;
  since = 0;
  blockedAt = 0;
  start = 0;
  forked = false;
  channel = -1;

  /** Writes the CPU time up to `now`. */
  flush(now: number): void {
    if (this.phase === Phase.running) {
      this.owed += now - this.since;
      this.since = now;
    }
    if (this.owed > 0) this.builder.timed(Op.run, distribution(this.owed, "trace"));
    this.owed = 0;
  }
}

/**
 * Compiles a trace for a topology of `cpus` CPUs.
 *
 * @throws InputError: an empty trace, or a task whose CPUs do not exist there.
 */
export function compileReplay(trace: Trace, cpus: number): CompiledWorkload {
  if (trace.length === 0) throw new InputError("an empty trace", { field: "workload" });
  const out: CompiledWorkload = {
    name: trace.name,
    groups: [...trace.groups],
    templates: [],
    roots: [],
    channels: [],
    sources: [],
  };
  const tasks = trace.tasks.map(() => new Replayed());
  for (let i = 0; i < trace.length; i++) event(trace, i, tasks, out);
  tasks.forEach((task, i) => {
    if (task.phase !== Phase.ended) task.flush(trace.end);
    task.builder.add(Op.exit);
    const info = trace.tasks[i]!;
    const missing = info.cpus === null ? undefined : info.cpus.find((cpu) => cpu >= cpus);
    if (missing !== undefined) {
      throw new InputError(`task ${info.name} is bound to CPU ${missing}; the topology has ${cpus}`, {
        field: "topology",
      });
    }
    const template: Template = {
      group: info.group,
      klass: info.class,
      nice: info.class === "normal" ? info.nice : null,
      priority: info.priority,
      roundRobin: false,
      cpus: info.cpus,
      start: distribution(task.start, "trace"),
      program: task.builder.program,
      name: info.name,
    };
    out.templates.push(template);
    if (task.phase !== Phase.unseen && !task.forked) out.roots.push({ template: i, name: info.name });
  });
  return out;
}

function event(trace: Trace, i: number, tasks: Replayed[], out: CompiledWorkload): void {
  const now = trace.time.at(i);
  const number = trace.task.at(i);
  const detail = trace.detail.at(i);
  const task = tasks[number]!;
  const by = detail >= 0 ? tasks[detail]! : null;
  switch (trace.kind.at(i)) {
    case Kind.run:
      if (task.phase === Phase.unseen) task.start = now;
      // A wake-up that the trace lost.
      if (task.phase === Phase.blocked) sleep(task, now);
      task.phase = Phase.running;
      task.since = now;
      return;
    case Kind.stop:
      if (task.phase !== Phase.running) return;
      task.owed += now - task.since;
      task.phase = Phase.runnable;
      if (detail === Stop.preempted) return;
      task.flush(now);
      if (detail === Stop.yielded) task.builder.add(Op.yield);
      else if (detail === Stop.block) {
        task.phase = Phase.blocked;
        task.blockedAt = now;
      } else task.phase = Phase.ended;
      return;
    case Kind.wake:
      if (task.phase === Phase.unseen) {
        task.start = now;
        task.phase = Phase.runnable;
      } else if (task.phase === Phase.blocked) {
        if (by !== null && by !== task && by.phase === Phase.running) {
          by.flush(now);
          if (task.channel < 0) {
            const name = `wake ${trace.tasks[number]!.name}`;
            task.channel = out.channels.push({ name, capacity: Number.MAX_SAFE_INTEGER }) - 1;
          }
          by.builder.add(Op.send, task.channel);
          task.builder.add(Op.receive, task.channel);
        } else sleep(task, now);
        task.phase = Phase.runnable;
      }
      return;
    default:
      if (task.phase !== Phase.unseen) return;
      task.phase = Phase.runnable;
      task.start = now;
      if (by === null || by.phase !== Phase.running) return;
      by.flush(now);
      by.builder.add(Op.fork, number);
      task.forked = true;
  }
}

function sleep(task: Replayed, now: number): void {
  task.builder.timed(Op.sleep, distribution(now - task.blockedAt, "trace"));
}
