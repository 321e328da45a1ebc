/**
 * Compiles a workload: each task's steps become a flat program of operations that the simulator runs.
 *
 * Key types `Program`, `Template`, `CompiledWorkload`. Neighbours: `schema.ts` (shape), `patterns.ts` (patterns), `../sim/programs.ts`
 * (runs it), `../trace/replay.ts` (writes programs by itself).
 * Invariant: compiled data is never changed by a run, so one compiled workload serves many runs.
 */
import { InputError } from "../errors";
import { MAX_NS, parseCpuList, parseDuration } from "../units";
import { distribution, type Distribution } from "./distribution";
import { expand } from "./patterns";
import type { Source, Step, TaskSpec, Workload } from "./schema";

/** Operations; the operand's meaning is in the comment. */
export const Op = {
  /** Index of a distribution. */
  run: 0,
  /** Index of a distribution. */
  sleep: 1,
  /** Index of a pair (every, deadline) in `periods`. */
  period: 2,
  /** Channel. */
  send: 3,
  /** Channel. */
  receive: 4,
  yield: 5,
  /** Template. */
  fork: 6,
  joinOne: 7,
  joinAll: 8,
  /** Start of a loop: index of its times in `loops`; the loop's depth is in `targets`. */
  loop: 9,
  /** End of a loop: the operation behind its start; the loop's depth is in `targets`. */
  next: 10,
  exit: 11,
} as const;

/** A scheduling class, as workloads and traces name it. */
export type ClassName = "realtime" | "normal" | "idle" | "thread";

/** A flat program: operation i is `ops[i]` with operand `args[i]`. */
export interface Program {
  ops: number[];
  args: number[];
  /** For `loop` and `next`: which loop counter of the task. */
  depths: number[];
  distributions: Distribution[];
  /** (every, deadline) pairs, ns. */
  periods: number[];
  /** How often, -1 for ever. */
  loops: number[];
  /** Loop counters that a task needs. */
  depth: number;
}

/** What a task is made from: a root task, or a child that `fork` starts. */
export interface Template {
  /** Group in the statistics: index into `CompiledWorkload.groups`. */
  group: number;
  /** Null where the specification says nothing: a child has its parent's then, a root task the default. */
  klass: ClassName | null;
  nice: number | null;
  /** Class realtime: 1 to 99. */
  priority: number;
  roundRobin: boolean;
  /** CPUs it may run on. */
  cpus: number[] | null;
  start: Distribution;
  program: Program;
  /** Name of a task made from it by `fork`; without, it is made of the group's. */
  name?: string;
}

export interface Root {
  template: number;
  name: string;
}

export interface CompiledWorkload {
  name: string;
  groups: string[];
  templates: Template[];
  roots: Root[];
  channels: { name: string; capacity: number }[];
  sources: { channel: number; every: Distribution; count: number }[];
}

/** More tasks than this at the start are refused. */
const MAX_ROOTS = 1_000_000;

/** Writes a `Program`, operation by operation. */
export class ProgramBuilder {
  readonly program: Program = {
    ops: [],
    args: [],
    depths: [],
    distributions: [],
    periods: [],
    loops: [],
    depth: 0,
  };
  private open: number[] = [];

  add(op: number, arg = 0, depth = 0): void {
    this.program.ops.push(op);
    this.program.args.push(arg);
    this.program.depths.push(depth);
  }

  timed(op: number, time: Distribution): void {
    this.add(op, this.program.distributions.push(time) - 1);
  }

  period(every: number, deadline: number): void {
    this.add(Op.period, this.program.periods.push(every, deadline) - 2);
  }

  loop(times: number): void {
    const depth = this.open.length;
    this.add(Op.loop, this.program.loops.push(times) - 1, depth);
    this.open.push(this.program.ops.length);
    if (this.open.length > this.program.depth) this.program.depth = this.open.length;
  }

  endLoop(): void {
    const start = this.open.pop()!;
    this.add(Op.next, start, this.open.length);
  }
}

/**
 * Compiles a workload whose shape is right.
 *
 * @param cpus CPUs of the topology, which CPU lists are checked against.
 * @throws InputError naming the field.
 */
export function compileWorkload(workload: Workload, cpus: number): CompiledWorkload {
  const compiler = new Compiler(workload, cpus);
  try {
    return compiler.compile();
  } catch (error) {
    // The stack is as deep as what is nested: steps, choices of distributions.
    if (error instanceof RangeError) throw new InputError("nested without end", { field: "workload" });
    throw error;
  }
}

class Compiler {
  private readonly out: CompiledWorkload;
  private readonly groupIndex = new Map<string, number>();
  /** Roots of each group so far. */
  private readonly members = new Map<number, number>();
  private readonly channelIndex = new Map<string, number>();

  constructor(
    private readonly workload: Workload,
    private readonly cpus: number,
  ) {
    this.out = {
      name: workload.name ?? "workload",
      groups: [],
      templates: [],
      roots: [],
      channels: [],
      sources: [],
    };
    for (const [name, capacity] of Object.entries(workload.channels ?? {})) this.channel(name, capacity);
  }

  compile(): CompiledWorkload {
    const { workload, out } = this;
    if (workload.tasks.length === 0) throw new InputError("no task", { field: "workload.tasks" });
    workload.tasks.forEach((spec, i) => this.task(spec, `workload.tasks[${i}]`));
    (workload.sources ?? []).forEach((source, i) => this.source(source, `workload.sources[${i}]`));
    return out;
  }

  private task(spec: TaskSpec, field: string): void {
    const sets = spec.count ?? 1;
    let alone: number | null = null;
    for (let set = 0; set < sets; set++) {
      if (alone !== null) {
        this.root(alone, sets > 1, field);
        continue;
      }
      const own = (suffix: string): string => `${spec.name}#${set}.${suffix}`;
      const { tasks, sources, channels } = expand(spec, own);
      for (const [name, capacity] of Object.entries(channels)) this.channel(name, capacity);
      for (const part of tasks) {
        const group = part.role === "" ? spec.name : `${spec.name} ${part.role}`;
        const template = this.template(spec, group, part.program, field);
        for (let i = 0; i < part.count; i++) this.root(template, sets * part.count > 1, field);
        // Sets without channels of their own are copies of one another.
        if (tasks.length === 1 && sources.length === 0) alone = template;
      }
      for (const source of sources) this.source(source, field);
    }
  }

  private root(template: number, numbered: boolean, field: string): void {
    const { roots, templates, groups } = this.out;
    if (roots.length >= MAX_ROOTS) {
      throw new InputError(`more than ${MAX_ROOTS} tasks at the start`, { field: `${field}.count` });
    }
    const group = templates[template]!.group;
    const index = this.members.get(group) ?? 0;
    this.members.set(group, index + 1);
    roots.push({ template, name: numbered ? `${groups[group]!}.${index}` : groups[group]! });
  }

  private template(spec: TaskSpec, group: string, steps: Step[], field: string): number {
    const klass = spec.class ?? (spec.priority === undefined ? null : "realtime");
    const only = (key: "priority" | "nice" | "roundRobin", of: ClassName): void => {
      if (spec[key] === undefined || (klass ?? "normal") === of) return;
      throw new InputError(`only for class ${of}, this is ${klass ?? "normal"}`, { field: `${field}.${key}` });
    };
    only("priority", "realtime");
    only("roundRobin", "realtime");
    only("nice", "normal");
    const builder = new ProgramBuilder();
    const template: Template = {
      group: this.group(group),
      klass,
      nice: spec.nice ?? null,
      priority: spec.priority ?? (klass === "realtime" ? 1 : 0),
      roundRobin: spec.roundRobin ?? false,
      cpus: spec.cpus === undefined ? null : parseCpuList(spec.cpus, this.cpus, `${field}.cpus`),
      start: distribution(spec.start ?? 0, `${field}.start`),
      program: builder.program,
    };
    const index = this.out.templates.push(template) - 1;
    if ("pattern" in spec) this.checkPattern(spec, field);
    this.steps(builder, steps, `${field}.program`);
    builder.add(Op.exit);
    return index;
  }

  /** Times of a pattern by the names that the user wrote; the expansion's own names would say nothing. */
  private checkPattern(spec: TaskSpec, field: string): void {
    for (const key of ["run", "think", "io"] as const) {
      const value = (spec as unknown as Record<string, unknown>)[key];
      if (value !== undefined) distribution(value, `${field}.${key}`);
    }
    if (!("every" in spec)) return;
    if (spec.pattern === "server") distribution(spec.every, `${field}.every`);
    else this.period(spec.every, spec.deadline, field);
  }

  private period(every: unknown, deadline: unknown, field: string): [number, number] {
    const period = parseDuration(every, `${field}.every`);
    if (period === 0) throw new InputError("a period of 0 never ends", { field: `${field}.every` });
    return [period, deadline === undefined ? period : parseDuration(deadline, `${field}.deadline`)];
  }

  private steps(builder: ProgramBuilder, steps: Step[], field: string): void {
    steps.forEach((step, i) => this.step(builder, step, `${field}[${i}]`));
  }

  private step(builder: ProgramBuilder, step: Step, field: string): void {
    switch (step.do) {
      case "run":
        return builder.timed(Op.run, distribution(step.for, `${field}.for`));
      case "sleep":
        return builder.timed(Op.sleep, distribution(step.for, `${field}.for`));
      case "period": {
        const [every, deadline] = this.period(step.every, step.deadline, field);
        return builder.period(every, deadline);
      }
      case "send":
        return builder.add(Op.send, this.channel(step.to));
      case "receive":
        return builder.add(Op.receive, this.channel(step.from));
      case "yield":
        return builder.add(Op.yield);
      case "fork":
        return builder.add(Op.fork, this.child(step.task, `${field}.task`));
      case "join":
        return builder.add(step.children === "one" ? Op.joinOne : Op.joinAll);
      case "repeat":
        builder.loop(step.times ?? -1);
        this.steps(builder, step.steps, `${field}.steps`);
        return builder.endLoop();
      case "exit":
        return builder.add(Op.exit);
    }
  }

  private child(spec: TaskSpec, field: string): number {
    const unnamed = (): string => {
      throw new InputError("a fork starts one task; this pattern is several with a channel", {
        field: `${field}.pattern`,
      });
    };
    if (spec.start !== undefined) {
      throw new InputError("a child starts at once; let it sleep first", { field: `${field}.start` });
    }
    if (spec.count !== undefined && spec.count !== 1) {
      throw new InputError("a fork starts one task; repeat the step for more", { field: `${field}.count` });
    }
    const { tasks } = expand(spec, unnamed);
    return this.template(spec, spec.name, tasks[0]!.program, field);
  }

  private source(source: Source, field: string): void {
    const every = distribution(source.every, `${field}.every`);
    if (every.mean === 0) throw new InputError("messages without end at one moment", { field: `${field}.every` });
    this.out.sources.push({ channel: this.channel(source.to), every, count: source.count ?? Infinity });
  }

  private group(name: string): number {
    const known = this.groupIndex.get(name);
    if (known !== undefined) return known;
    const index = this.out.groups.push(name) - 1;
    this.groupIndex.set(name, index);
    return index;
  }

  private channel(name: string, capacity = MAX_NS): number {
    const known = this.channelIndex.get(name);
    if (known !== undefined) return known;
    const index = this.out.channels.push({ name, capacity }) - 1;
    this.channelIndex.set(name, index);
    return index;
  }
}
