/**
 * What happened on a machine, simulated or real: who ran where and when, who woke and who forked whom.
 *
 * Key type `Trace`. Neighbours: `../sim/machine.ts` writes one, `ndjson.ts` and `linux.ts` read others from files, `replay.ts` turns one into a
 * workload, `../output/*` draw it.
 * Invariant: times (ns from the start) never go back; a CPU runs one task at a time and a task is on one CPU at a time; events of one time are
 * in the order of cause and effect.
 */
import { Column } from "../column";
import type { ClassName } from "../workload/program";

/** What an event is. */
export const Kind = {
  /** `task` begins to run on `cpu`. */
  run: 0,
  /** `task` leaves `cpu`; `detail` says why ({@link Stop}). */
  stop: 1,
  /** `task` becomes runnable; `detail` is the task that woke it, or BY_*; `cpu` is the waker's, or -1. */
  wake: 2,
  /** `task` is new, a child of `detail`, forked on `cpu`. */
  fork: 3,
} as const;

/** Why a task left its CPU. */
export const Stop = {
  /** Waits for a time, a message or a child. */
  block: 0,
  /** Something else took the CPU. */
  preempted: 1,
  yielded: 2,
  exited: 3,
  /** It still ran when the trace ended. */
  cut: 4,
} as const;

/** Names of the values of {@link Stop}, as they stand in files. */
export const STOP_NAMES = ["block", "preempted", "yielded", "exited", "cut"] as const;

/** Woken by a timer, an interrupt, or by what the trace does not know. */
export const BY_TIMER = -1;
/** Woken by a message from outside the machine. */
export const BY_SOURCE = -2;
/** New, and forked by nobody in the trace. */
export const BY_ARRIVAL = -3;

/** A task; its number is its place in `Trace.tasks`. */
export interface TaskInfo {
  name: string;
  /** Index into `Trace.groups`. */
  group: number;
  nice: number;
  class: ClassName;
  /** Class realtime: 1 to 99, else 0. */
  priority: number;
  /** CPUs it may run on, null for all. */
  cpus: number[] | null;
}

/** A stretch of time in which one task ran on one CPU. */
export interface Slice {
  cpu: number;
  task: number;
  start: number;
  end: number;
  /** {@link Stop}. */
  why: number;
}

/** Events in the order of time, in columns; tasks and groups by number. */
export class Trace {
  readonly tasks: TaskInfo[] = [];
  readonly kind = new Column(1024);
  readonly time = new Column(1024);
  readonly task = new Column(1024);
  readonly cpu = new Column(1024);
  readonly detail = new Column(1024);
  /** End of the trace, ns; not before the last event. */
  end = 0;

  constructor(
    readonly name: string,
    public cpus: number,
    readonly groups: string[] = [],
  ) {}

  /** How many events there are. */
  get length(): number {
    return this.kind.length;
  }

  /** Appends an event: {@link Kind}, ns, number of the task, CPU or -1, and what `Kind` says of `detail`. Times must not go back. */
  add(kind: number, time: number, task: number, cpu: number, detail: number): void {
    this.kind.push(kind);
    this.time.push(time);
    this.task.push(task);
    this.cpu.push(cpu);
    this.detail.push(detail);
    if (time > this.end) this.end = time;
  }

  /** Calls `visit` with each slice of more than no time, in the order of their ends; the object is reused. */
  slices(visit: (slice: Slice) => void): void {
    const started = new Float64Array(this.tasks.length);
    const slice: Slice = { cpu: 0, task: 0, start: 0, end: 0, why: 0 };
    for (let i = 0; i < this.length; i++) {
      const kind = this.kind.at(i);
      if (kind === Kind.run) started[this.task.at(i)] = this.time.at(i);
      if (kind !== Kind.stop) continue;
      slice.task = this.task.at(i);
      slice.start = started[slice.task]!;
      slice.end = this.time.at(i);
      slice.cpu = this.cpu.at(i);
      slice.why = this.detail.at(i);
      if (slice.end > slice.start) visit(slice);
    }
  }
}
