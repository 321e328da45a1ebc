/**
 * What a workload looks like: an object, or the same as JSON.
 *
 * Key types `Workload`, `TaskSpec`, `Step`. Neighbours: `program.ts` compiles it, `patterns.ts` turns patterns into programs.
 * Invariant: `checkWorkload` looks at the shape only; times, CPU lists and what depends on the topology are checked by the compiler.
 */
import { z } from "zod";
import { InputError } from "../errors";
import type { Duration } from "../units";
import type { DurationSource } from "./distribution";

/** One step of a task's program. Times are CPU time for `run` and wall time for the rest. */
export type Step =
  /** Computes. */
  | { do: "run"; for: DurationSource }
  /** Sleeps; the wake-up is a timer. */
  | { do: "sleep"; for: DurationSource }
  /** Waits for the next multiple of `every` since the task's start; late releases are served at once. `deadline` (default `every`) is counted from the release. */
  | { do: "period"; every: Duration; deadline?: Duration }
  /** Puts a message into a channel; waits while a bounded channel is full. */
  | { do: "send"; to: string }
  /** Takes a message out of a channel; waits while it is empty. */
  | { do: "receive"; from: string }
  /** Gives up the CPU and stays runnable. */
  | { do: "yield" }
  /** Starts a child, which inherits what the policy lets it inherit. */
  | { do: "fork"; task: TaskSpec }
  /** Waits until one child more, or every child, has ended. */
  | { do: "join"; children: "one" | "all" }
  /** Repeats `steps`, for ever without `times`. */
  | { do: "repeat"; times?: number; steps: Step[] }
  /** Ends the task; so does the end of the program. */
  | { do: "exit" };

/** What tasks of every pattern have. */
export interface TaskCommon {
  /** Shown in every output. Tasks of `count` above 1 are one group in the statistics. */
  name: string;
  /** How many alike, 1 to 100,000 (default 1). Patterns of several tasks have that many sets of them. */
  count?: number;
  /** -20 to 19 (default 0). */
  nice?: number;
  /** Scheduling class (default `normal`). */
  class?: "realtime" | "normal" | "idle" | "thread";
  /** Class `realtime`: 1 (low) to 99. */
  priority?: number;
  /** Class `realtime`: time slices among equals (SCHED_RR) in place of FIFO. */
  roundRobin?: boolean;
  /** CPUs it may run on, `"0-3,8"` or numbers (default all). */
  cpus?: string | number[];
  /** When it arrives (default 0; with `count`, drawn for each). */
  start?: DurationSource;
}

/** A task, or several alike: a program of steps, or a pattern that stands for programs. */
export type TaskSpec = TaskCommon &
  (
    | { program: Step[] }
    /** Computes without a pause: `run` in all, or for ever. */
    | { pattern: "batch"; run?: DurationSource }
    /** Waits for a person (`think`), then computes shortly. */
    | { pattern: "interactive"; think: DurationSource; run: DurationSource }
    /** A job at every `every`, with a deadline (default the next release). */
    | { pattern: "periodic"; every: Duration; run: DurationSource; deadline?: Duration }
    /** Requests arrive by themselves (`every`); `workers` tasks serve them: `run`, and with `io` a wait and another `run`. */
    | { pattern: "server"; workers?: number; every: DurationSource; run: DurationSource; io?: DurationSource }
    /** A producer and a consumer with a bounded channel between them; `run` is the work of either on one item. */
    | { pattern: "pipe"; run: DurationSource; capacity?: number }
    /** Two tasks that hand one message to and fro. */
    | { pattern: "ping-pong"; run: DurationSource }
    /** A parent that keeps `jobs` children going, `total` in all (for ever without): each reads (`io`), then computes (`run`). */
    | { pattern: "make"; jobs: number; total?: number; run: DurationSource; io?: DurationSource }
  );

/** Messages that come from outside: a network, a device. */
export interface Source {
  to: string;
  every: DurationSource;
  /** How many in all (default: no end). */
  count?: number;
}

/** Tasks, and what comes to them from outside. */
export interface Workload {
  name?: string;
  /** Most messages that a channel holds; channels that are not named here hold any number. */
  channels?: Record<string, number>;
  sources?: Source[];
  tasks: TaskSpec[];
}

const any = z.any().refine((v) => v !== undefined, { error: "required" });
const count = (high: number): z.ZodNumber => z.number().int().min(1).max(high);
const name = z.string().min(1).max(200);

const step: z.ZodType = z.lazy(() =>
  z.discriminatedUnion("do", [
    z.strictObject({ do: z.literal("run"), for: any }),
    z.strictObject({ do: z.literal("sleep"), for: any }),
    z.strictObject({ do: z.literal("period"), every: any, deadline: z.any().optional() }),
    z.strictObject({ do: z.literal("send"), to: name }),
    z.strictObject({ do: z.literal("receive"), from: name }),
    z.strictObject({ do: z.literal("yield") }),
    z.strictObject({ do: z.literal("fork"), task }),
    z.strictObject({ do: z.literal("join"), children: z.enum(["one", "all"]) }),
    z.strictObject({ do: z.literal("repeat"), times: count(1e9).optional(), steps: z.array(step).min(1) }),
    z.strictObject({ do: z.literal("exit") }),
  ]),
);

const common = {
  name,
  count: count(100_000).optional(),
  nice: z.number().int().min(-20).max(19).optional(),
  class: z.enum(["realtime", "normal", "idle", "thread"]).optional(),
  priority: z.number().int().min(1).max(99).optional(),
  roundRobin: z.boolean().optional(),
  cpus: z.any().optional(),
  start: z.any().optional(),
};

const patterns = z.discriminatedUnion("pattern", [
  z.strictObject({ ...common, pattern: z.literal("batch"), run: z.any().optional() }),
  z.strictObject({ ...common, pattern: z.literal("interactive"), think: any, run: any }),
  z.strictObject({ ...common, pattern: z.literal("periodic"), every: any, run: any, deadline: z.any().optional() }),
  z.strictObject({
    ...common,
    pattern: z.literal("server"),
    workers: count(100_000).optional(),
    every: any,
    run: any,
    io: z.any().optional(),
  }),
  z.strictObject({ ...common, pattern: z.literal("pipe"), run: any, capacity: count(1e9).optional() }),
  z.strictObject({ ...common, pattern: z.literal("ping-pong"), run: any }),
  z.strictObject({
    ...common,
    pattern: z.literal("make"),
    jobs: count(100_000),
    total: count(1e9).optional(),
    run: any,
    io: z.any().optional(),
  }),
]);
const programmed = z.strictObject({ ...common, program: z.array(step) });

const task: z.ZodType = z.lazy(() =>
  // By hand, so that an error is about the form that was meant.
  z.any().superRefine((value, context) => {
    const form = typeof value === "object" && value !== null && "pattern" in value ? patterns : programmed;
    const result = form.safeParse(value);
    if (result.success) return;
    for (const issue of result.error.issues) context.addIssue({ ...issue } as never);
  }),
);

const workload = z.strictObject({
  name: name.optional(),
  channels: z.record(name, count(1e9)).optional(),
  sources: z.array(z.strictObject({ to: name, every: any, count: count(1e12).optional() })).optional(),
  tasks: z.array(task),
});

/** `tasks[2].nice` of a path. */
export function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

/**
 * Checks the shape of a workload.
 *
 * @throws InputError that names the first wrong field.
 */
export function checkWorkload(value: unknown): Workload {
  const result = parse(value);
  if (result.success) return value as Workload;
  const issue = result.error.issues[0]!;
  let path = issue.path;
  if (issue.code === "unrecognized_keys") path = [...path, issue.keys[0]!];
  throw new InputError(issue.code === "unrecognized_keys" ? "no such field" : lowerFirst(issue.message), {
    field: fieldOf(["workload", ...path]),
  });
}

function parse(value: unknown): ReturnType<typeof workload.safeParse> {
  try {
    return workload.safeParse(value);
  } catch (error) {
    // The stack is as deep as the steps.
    if (error instanceof RangeError) throw new InputError("steps within steps without end", { field: "workload" });
    throw error;
  }
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
