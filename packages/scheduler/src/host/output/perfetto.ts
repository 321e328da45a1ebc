/**
 * A trace in the Trace Event Format, which ui.perfetto.dev and chrome://tracing open.
 *
 * Process "CPUs" has a track for each CPU with the slices of tasks, process "Tasks" one for each task with what it does (running, runnable),
 * arrows go from a waker to the first slice of whom it woke, counters show how many tasks run and how many wait.
 * Neighbour: `../trace/trace.ts`. Invariant: events are in the order of time, every B has its E on the same track, every arrow's end its start.
 * Source: Trace Event Format (Google), "Duration Events", "Flow Events", "Counter Events".
 */
import { BY_TIMER, Kind, STOP_NAMES, type Trace } from "../trace/trace";
import { rangeOf } from "./range";

/** One event of the format; `ts` is in microseconds. */
export interface TraceEvent {
  ph: "B" | "E" | "s" | "f" | "C" | "M";
  /** Of all but `E`, which ends the last `B` of its track. */
  name?: string;
  pid: number;
  tid: number;
  ts: number;
  cat?: string;
  id?: number;
  bp?: "e";
  args?: Record<string, unknown>;
}

/** How much of a trace goes into the file. */
export interface PerfettoOptions {
  /** Tracks of tasks beside those of CPUs (default: up to 1,000 tasks). */
  tasks?: boolean;
  /** Part of the trace, ns (default all). What is under way at its edges is cut there. */
  from?: number;
  to?: number;
  /** Arrows of wake-ups (default true). */
  flows?: boolean;
  /** Most values of each counter (default 5,000); the last value of each stretch of time stands. */
  counters?: number;
}

/**
 * Processes. Importers take the thread whose number is its process's for the main thread and show it first, and some keep the names of threads by
 * number alone: so numbers of tracks are no processes', and those of tasks begin behind the last CPU.
 */
const CPUS = 5_000;
const TASKS = 6_000;
const FIRST_TASK = 10_000;
const MAX_TASK_TRACKS = 1_000;

/**
 * The events, one after the other.
 *
 * @throws InputError naming the option: a part of the trace that is none.
 */
export function* traceEvents(trace: Trace, options: PerfettoOptions = {}): Generator<TraceEvent> {
  const { from, to } = rangeOf(trace, options);
  const withTasks = options.tasks ?? trace.tasks.length <= MAX_TASK_TRACKS;
  yield* names(trace, withTasks);
  const tracks = new Tracks(trace, withTasks, options.flows ?? true, (to - from) / (options.counters ?? 5_000));
  let i = 0;
  while (i < trace.length && trace.time.at(i) < from) tracks.skip(i++);
  yield* tracks.open(from);
  while (i < trace.length && trace.time.at(i) <= to) yield* tracks.event(i++);
  yield* tracks.close(to);
}

/** What is under way on each track. */
class Tracks {
  /** The CPU that a task runs on, or -1. */
  private readonly running: Int32Array;
  /** Waits for a CPU. */
  private readonly ready: Uint8Array;
  /** Number of the arrow that ends where the task runs next; 0 for none. */
  private readonly arrow: Float64Array;
  private arrows = 0;
  private readonly counters: Counters;

  constructor(
    private readonly trace: Trace,
    private readonly withTasks: boolean,
    private flows: boolean,
    resolution: number,
  ) {
    const tasks = trace.tasks.length;
    this.running = new Int32Array(tasks).fill(-1);
    this.ready = new Uint8Array(tasks);
    this.arrow = new Float64Array(tasks);
    this.counters = new Counters(resolution);
  }

  /** An event before the part that is wanted. */
  skip(i: number): void {
    const { flows } = this;
    this.flows = false;
    for (const event of this.change(i)) void event;
    this.flows = flows;
  }

  /** The part begins. */
  *open(from: number): Generator<TraceEvent> {
    for (let task = 0; task < this.running.length; task++) {
      const cpu = this.running[task]!;
      if (cpu >= 0) yield* this.begin(task, cpu, from / 1000);
      else if (this.ready[task] === 1) yield* this.wait(task, "woken", from / 1000);
    }
  }

  *event(i: number): Generator<TraceEvent> {
    yield* this.change(i);
    yield* this.counters.at(this.trace.time.at(i));
  }

  /** The part ends. */
  *close(to: number): Generator<TraceEvent> {
    const ts = to / 1000;
    yield* this.counters.last(to);
    for (let task = 0; task < this.running.length; task++) {
      const cpu = this.running[task]!;
      if (cpu >= 0) yield { ph: "E", pid: CPUS, tid: cpu, ts };
      if (this.withTasks && (cpu >= 0 || this.ready[task] === 1))
        yield { ph: "E", pid: TASKS, tid: FIRST_TASK + task, ts };
    }
  }

  private *begin(task: number, cpu: number, ts: number): Generator<TraceEvent> {
    const info = this.trace.tasks[task]!;
    yield { ph: "B", name: info.name, cat: this.trace.groups[info.group]!, pid: CPUS, tid: cpu, ts };
    if (this.withTasks) yield { ph: "B", name: `CPU ${cpu}`, cat: "running", pid: TASKS, tid: FIRST_TASK + task, ts };
  }

  private *wait(task: number, why: string, ts: number): Generator<TraceEvent> {
    if (this.withTasks) yield { ph: "B", name: "runnable", cat: why, pid: TASKS, tid: FIRST_TASK + task, ts };
  }

  private *change(i: number): Generator<TraceEvent> {
    const { trace, running, ready, arrow, counters, withTasks } = this;
    const ts = trace.time.at(i) / 1000;
    const task = trace.task.at(i);
    const detail = trace.detail.at(i);
    const cpu = trace.cpu.at(i);
    switch (trace.kind.at(i)) {
      case Kind.run: {
        running[task] = cpu;
        counters.running++;
        if (ready[task] === 1) {
          if (withTasks) yield { ph: "E", pid: TASKS, tid: FIRST_TASK + task, ts };
          counters.waiting--;
          ready[task] = 0;
        }
        yield* this.begin(task, cpu, ts);
        if (arrow[task]! > 0) {
          yield { ph: "f", bp: "e", name: "wake-up", cat: "wake", id: arrow[task]!, pid: CPUS, tid: cpu, ts };
          arrow[task] = 0;
        }
        break;
      }
      case Kind.stop: {
        running[task] = -1;
        counters.running--;
        const why = STOP_NAMES[detail]!;
        yield { ph: "E", pid: CPUS, tid: cpu, ts, args: { end: why } };
        if (withTasks) yield { ph: "E", pid: TASKS, tid: FIRST_TASK + task, ts };
        if (why === "preempted" || why === "yielded") {
          ready[task] = 1;
          counters.waiting++;
          yield* this.wait(task, why, ts);
        }
        break;
      }
      case Kind.wake:
        if (ready[task] === 1 || running[task]! >= 0) break;
        ready[task] = 1;
        counters.waiting++;
        yield* this.wait(task, "woken", ts);
        if (this.flows && detail > BY_TIMER && running[detail]! >= 0) {
          arrow[task] = ++this.arrows;
          yield { ph: "s", name: "wake-up", cat: "wake", id: this.arrows, pid: CPUS, tid: running[detail]!, ts };
        }
        break;
    }
  }
}

function* names(trace: Trace, withTasks: boolean): Generator<TraceEvent> {
  const meta = (name: string, pid: number, tid: number, args: Record<string, unknown>): TraceEvent => ({
    ph: "M",
    name,
    pid,
    tid,
    ts: 0,
    args,
  });
  yield meta("process_name", CPUS, 0, { name: "CPUs" });
  yield meta("process_sort_index", CPUS, 0, { sort_index: 0 });
  for (let cpu = 0; cpu < trace.cpus; cpu++) {
    yield meta("thread_name", CPUS, cpu, { name: `CPU ${cpu}` });
    yield meta("thread_sort_index", CPUS, cpu, { sort_index: cpu });
  }
  if (!withTasks) return;
  yield meta("process_name", TASKS, FIRST_TASK, { name: "Tasks" });
  yield meta("process_sort_index", TASKS, FIRST_TASK, { sort_index: 1 });
  for (let task = 0; task < trace.tasks.length; task++) {
    yield meta("thread_name", TASKS, FIRST_TASK + task, { name: trace.tasks[task]!.name });
    yield meta("thread_sort_index", TASKS, FIRST_TASK + task, { sort_index: task });
  }
}

/** Values of the counters, no closer together than the resolution. */
class Counters {
  running = 0;
  waiting = 0;
  private due = 0;

  constructor(private readonly resolution: number) {}

  *at(time: number): Generator<TraceEvent> {
    if (time < this.due) return;
    yield this.event(time);
    this.due = time + this.resolution;
  }

  *last(time: number): Generator<TraceEvent> {
    yield this.event(time);
  }

  private event(time: number): TraceEvent {
    const args = { running: this.running, waiting: this.waiting };
    return { ph: "C", name: "load", pid: CPUS, tid: 0, ts: time / 1000, args };
  }
}

/** The file, in pieces: `{"traceEvents":[...]}`. */
export function* writePerfetto(trace: Trace, options: PerfettoOptions = {}): Generator<string> {
  const about = { trace: trace.name, cpus: trace.cpus, tasks: trace.tasks.length };
  yield `{"displayTimeUnit":"ns","otherData":${JSON.stringify(about)},"traceEvents":[`;
  let first = true;
  for (const event of traceEvents(trace, options)) {
    yield `${first ? "\n" : ",\n"}${JSON.stringify(event)}`;
    first = false;
  }
  yield "\n]}\n";
}
