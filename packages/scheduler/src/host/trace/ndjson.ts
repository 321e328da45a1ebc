/**
 * Traces as NDJSON: one JSON object on each line.
 *
 *     {"format":"anax-sched-trace","version":1,"cpus":2,"name":"build"}
 *     {"task":0,"name":"make","nice":0}
 *     {"t":0,"wake":0}
 *     {"t":1500,"run":0,"cpu":1}
 *     {"t":90000,"fork":1,"by":0}
 *     {"t":120000,"stop":0,"why":"block"}
 *
 * | line | fields |
 * |---|---|
 * | header, the first | `format`, `version`, `cpus` (1 to 4,096); optional `name`, `end` (ns) |
 * | a task, before its events | `task` (a number of your choice from 0), `name`; optional `group`, `nice`, `class`, `priority`, `cpus` |
 * | becomes runnable | `t` (ns), `wake`; optional `by` (a task, "timer", "source", "arrival"), `cpu` (the waker's) |
 * | begins to run | `t`, `run`, `cpu` |
 * | leaves its CPU | `t`, `stop`, `why`: "block", "preempted", "yielded", "exited", "cut" |
 * | a child | `t`, `fork`, `by` (the parent) |
 *
 * Neighbours: `trace.ts`. Invariant: what `writeNdjson` writes, `readNdjson` reads back to the same events.
 */
import { z } from "zod";
import { InputError } from "../errors";
import { MAX_NS, parseCpuList } from "../units";
import { fieldOf } from "../workload/schema";
import { BY_ARRIVAL, BY_SOURCE, BY_TIMER, Kind, STOP_NAMES, Stop, Trace } from "./trace";

const FORMAT = "anax-sched-trace";
const VERSION = 1;
const BY_NAMES: Readonly<Record<string, number>> = { timer: BY_TIMER, source: BY_SOURCE, arrival: BY_ARRIVAL };

const time = z.number().int().min(0).max(MAX_NS);
const id = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const header = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  cpus: z.number().int().min(1).max(4096),
  name: z.string().optional(),
  end: time.optional(),
});
const task = z.strictObject({
  task: id,
  name: z.string().min(1),
  group: z.string().min(1).optional(),
  nice: z.number().int().min(-20).max(19).optional(),
  class: z.enum(["realtime", "normal", "idle", "thread"]).optional(),
  priority: z.number().int().min(1).max(99).optional(),
  cpus: z.any().optional(),
});
const EVENTS = {
  wake: z.strictObject({
    t: time,
    wake: id,
    by: z
      .union([id, z.enum(["timer", "source", "arrival"])], { error: "expected a task, timer, source or arrival" })
      .optional(),
    cpu: z.number().int().min(0).optional(),
  }),
  run: z.strictObject({ t: time, run: id, cpu: z.number().int().min(0) }),
  stop: z.strictObject({ t: time, stop: id, why: z.enum(STOP_NAMES) }),
  fork: z.strictObject({ t: time, fork: id, by: id }),
};

/**
 * Reads a trace, the text of a file.
 *
 * @throws InputError naming the line and the field: no JSON, an unknown or missing field, a time that goes back, a task that runs twice, an
 * undeclared task, a CPU that does not exist.
 */
export function readNdjson(text: string, file?: string): Trace {
  const reader = new Reader();
  let line = 0;
  try {
    for (const part of text.split("\n")) {
      line++;
      if (part.trim() !== "") reader.line(part);
    }
    return reader.finish();
  } catch (error) {
    if (error instanceof InputError) throw error.at("", { line, ...(file === undefined ? {} : { file }) });
    throw error;
  }
}

class Reader {
  private trace: Trace | null = null;
  private declaredEnd = 0;
  private readonly numbers = new Map<number, number>();
  private readonly groups = new Map<string, number>();
  /** CPU of each task that runs, task of each busy CPU. */
  private readonly runningOn: number[] = [];
  private busy: number[] = [];

  line(text: string): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new InputError(`not JSON: ${(error as Error).message}`, { field: "" });
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new InputError("expected an object", { field: "" });
    }
    if (this.trace === null) this.header(value);
    else if ("task" in value) this.declare(this.trace, value);
    else this.event(this.trace, value);
  }

  private header(value: object): void {
    const { cpus, name, end } = check(header, value);
    this.trace = new Trace(name ?? "trace", cpus);
    this.declaredEnd = end ?? 0;
    this.busy = Array.from({ length: cpus }, () => -1);
  }

  private declare(trace: Trace, value: object): void {
    const given = check(task, value);
    if (this.numbers.has(given.task)) throw new InputError(`task ${given.task} is declared twice`, { field: "task" });
    const group = given.group ?? given.name;
    let index = this.groups.get(group);
    if (index === undefined) {
      index = trace.groups.push(group) - 1;
      this.groups.set(group, index);
    }
    const name = given.class ?? "normal";
    if (given.priority !== undefined && name !== "realtime") {
      throw new InputError(`only for class realtime, this is ${name}`, { field: "priority" });
    }
    this.numbers.set(given.task, trace.tasks.length);
    trace.tasks.push({
      name: given.name,
      group: index,
      nice: given.nice ?? 0,
      class: name,
      priority: given.priority ?? (name === "realtime" ? 1 : 0),
      cpus: given.cpus === undefined ? null : parseCpuList(given.cpus, trace.cpus, "cpus"),
    });
    this.runningOn.push(-1);
  }

  private event(trace: Trace, value: object): void {
    const kind = (["wake", "run", "stop", "fork"] as const).find((key) => key in value);
    if (kind === undefined) throw new InputError("expected one of task, wake, run, stop, fork", { field: "" });
    const given = check(EVENTS[kind] as z.ZodType, value) as Record<string, unknown>;
    const t = given.t as number;
    if (t < trace.end) throw new InputError(`${t} is before ${trace.end} of an earlier line`, { field: "t" });
    const number = this.number(given[kind] as number, kind);
    if (kind === "run") {
      const cpu = this.cpu(trace, given.cpu as number);
      if (this.runningOn[number]! >= 0) {
        throw new InputError(`task ${given.run as number} runs already, on CPU ${this.runningOn[number]}`, {
          field: "run",
        });
      }
      if (this.busy[cpu]! >= 0) throw new InputError(`CPU ${cpu} runs another task`, { field: "cpu" });
      this.runningOn[number] = cpu;
      this.busy[cpu] = number;
      trace.add(Kind.run, t, number, cpu, 0);
    } else if (kind === "stop") {
      const cpu = this.runningOn[number]!;
      if (cpu < 0) throw new InputError(`task ${given.stop as number} does not run`, { field: "stop" });
      this.runningOn[number] = -1;
      this.busy[cpu] = -1;
      trace.add(Kind.stop, t, number, cpu, STOP_NAMES.indexOf(given.why as (typeof STOP_NAMES)[number]));
    } else if (kind === "wake") {
      const by = given.by ?? "timer";
      const waker = typeof by === "string" ? BY_NAMES[by]! : this.number(by as number, "by");
      const cpu =
        given.cpu === undefined ? (waker < 0 ? -1 : this.runningOn[waker]!) : this.cpu(trace, given.cpu as number);
      trace.add(Kind.wake, t, number, cpu, waker);
    } else {
      const parent = this.number(given.by as number, "by");
      if (parent === number) throw new InputError(`task ${given.by as number} is its own parent`, { field: "by" });
      trace.add(Kind.fork, t, number, this.runningOn[parent]!, parent);
    }
  }

  private number(given: number, field: string): number {
    const number = this.numbers.get(given);
    if (number === undefined) throw new InputError(`task ${given} was not declared`, { field });
    return number;
  }

  private cpu(trace: Trace, given: number): number {
    if (given >= trace.cpus)
      throw new InputError(`CPU ${given} does not exist: the trace has ${trace.cpus}`, { field: "cpu" });
    return given;
  }

  finish(): Trace {
    if (this.trace === null) throw new InputError("an empty file is not a trace", { field: "" });
    return finishTrace(this.trace, this.runningOn, this.declaredEnd);
  }
}

/** Ends the slices that the trace left open. */
export function finishTrace(trace: Trace, runningOn: readonly number[], end: number): Trace {
  if (end > trace.end) trace.end = end;
  runningOn.forEach((cpu, task) => {
    if (cpu >= 0) trace.add(Kind.stop, trace.end, task, cpu, Stop.cut);
  });
  return trace;
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  if (issue.code === "unrecognized_keys") throw new InputError("no such field", { field: issue.keys[0]! });
  throw new InputError(issue.message.charAt(0).toLowerCase() + issue.message.slice(1), { field: fieldOf(issue.path) });
}

/** The lines of a trace file, each with its newline. */
export function* writeNdjson(trace: Trace): Generator<string> {
  yield line({ format: FORMAT, version: VERSION, cpus: trace.cpus, name: trace.name, end: trace.end });
  for (let i = 0; i < trace.tasks.length; i++) {
    const { name, group, nice, class: of, priority, cpus } = trace.tasks[i]!;
    yield line({
      task: i,
      name,
      group: trace.groups[group],
      ...(nice === 0 ? {} : { nice }),
      ...(of === "normal" ? {} : { class: of }),
      ...(priority === 0 ? {} : { priority }),
      ...(cpus === null ? {} : { cpus }),
    });
  }
  for (let i = 0; i < trace.length; i++) {
    const [t, task, cpu, detail] = [trace.time.at(i), trace.task.at(i), trace.cpu.at(i), trace.detail.at(i)];
    switch (trace.kind.at(i)) {
      case Kind.run:
        yield line({ t, run: task, cpu });
        break;
      case Kind.stop:
        yield line({ t, stop: task, why: STOP_NAMES[detail] });
        break;
      case Kind.wake: {
        const by = detail >= 0 ? detail : Object.keys(BY_NAMES).find((name) => BY_NAMES[name] === detail);
        yield line({ t, wake: task, by, ...(cpu < 0 ? {} : { cpu }) });
        break;
      }
      default:
        yield line({ t, fork: task, by: detail });
    }
  }
}

const line = (value: object): string => `${JSON.stringify(value)}\n`;
