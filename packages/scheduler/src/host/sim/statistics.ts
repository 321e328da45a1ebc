/**
 * Numbers about a run: latencies, fairness, migrations, utilisation.
 *
 * Key types `Statistics` (the result), `Collector` (what the simulator tells). Neighbour: `simulator.ts`.
 * Invariant: percentiles are exact (nearest rank over all samples); times are ns.
 */
import { Column } from "../column";

/** Samples of one kind; the values are ns, and 0 when there was no sample. */
export interface Summary {
  count: number;
  mean: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

/** Changes of CPU by how far apart the two are. */
export interface Migrations {
  total: number;
  /** To a hardware thread of the same core. */
  thread: number;
  /** To a core of the same package. */
  core: number;
  /** To a package of the same NUMA node. */
  package: number;
  /** To another NUMA node. */
  node: number;
}

/** Of the tasks of one name. */
export interface GroupStatistics {
  name: string;
  tasks: number;
  nice: number;
  class: string;
  /** CPU time, ns, and its share of all CPU time that tasks used. */
  cpu: number;
  share: number;
  /** From becoming runnable to running. */
  latency: Summary;
  /** From the wake-up, the release or the arrival of the message to the end of the work on it. */
  response: Summary;
  deadlinesMissed: number;
  migrations: number;
  contextSwitches: number;
}

/** Of the tasks of one nice value. */
export interface NiceStatistics {
  nice: number;
  /** Tasks that always wanted a CPU and existed for most of the run; the rest cannot show a share. */
  tasks: number;
  /** CPU time of one of them for each second that it existed, ns, mean over them. */
  cpuPerSecond: number;
  /** Part of the CPU time of all such tasks. */
  share: number;
}

/** How evenly those who always wanted a CPU got it. */
export interface Fairness {
  /** Jain's index over tasks that always wanted a CPU (runnable for 90 % of their life, alive for half of the run), each against the mean of its own nice value: 1 is fair among equals; null without two. */
  jain: number | null;
  /** The same, each against the weight 1.25 ** -nice that Linux gives; null without two. */
  weightedJain: number | null;
  byNice: NiceStatistics[];
}

/** What a run comes to. Times are ns. */
export interface Statistics {
  policy: string;
  workload: string;
  topology: string;
  cpus: number;
  seed: number;
  /** Simulated time, ns. */
  duration: number;
  tasks: { started: number; finished: number; blocked: number };
  /** ns, over all CPUs. `overhead` is switching and migrating. */
  cpu: { busy: number; overhead: number; idle: number; utilisation: number };
  contextSwitches: number;
  preemptions: number;
  yields: number;
  wakeups: number;
  /** Choices of a CPU and choices of a task. */
  decisions: number;
  migrations: Migrations;
  latency: Summary;
  response: Summary;
  deadlines: { met: number; missed: number };
  fairness: Fairness;
  groups: GroupStatistics[];
}

/** What is known of one task. */
export interface TaskNumbers {
  group: number;
  nice: number;
  klass: string;
  /** CPU time, time runnable but not running, ns. */
  cpu: number;
  waited: number;
  /** From arrival to exit or the end of the run, ns. */
  lifetime: number;
}

/** Share of its life that a task must have been runnable to count as one that always wants a CPU. */
const ALWAYS = 0.9;
/** Share of the run that it must have existed: shorter ones show their arrival and not their share. */
const MOST = 0.5;

/** Percentiles by nearest rank: the smallest value with at least that part of the samples at or below it. */
export function summarize(samples: Float64Array): Summary {
  const count = samples.length;
  if (count === 0) return { count, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
  let sum = 0;
  for (let i = 0; i < count; i++) sum += samples[i]!;
  const rank = (p: number): number => samples[Math.max(0, Math.ceil((p / 100) * count) - 1)]!;
  return { count, mean: sum / count, p50: rank(50), p90: rank(90), p99: rank(99), max: samples[count - 1]! };
}

/** Jain's index (sum x)^2 / (n sum x^2): 1 when all are equal, 1/n when one has everything; null for none or all 0. */
export function jain(values: readonly number[]): number | null {
  let sum = 0;
  let squares = 0;
  for (const x of values) {
    sum += x;
    squares += x * x;
  }
  return squares === 0 ? null : (sum * sum) / (values.length * squares);
}

/** Fairness among the tasks of class normal that always wanted a CPU, and existed for most of `duration` (ns). */
export function fairness(tasks: readonly TaskNumbers[], duration: number): Fairness {
  const hungry = tasks.filter(
    (t) =>
      t.klass === "normal" &&
      t.lifetime > 0 &&
      t.lifetime >= MOST * duration &&
      (t.cpu + t.waited) / t.lifetime >= ALWAYS,
  );
  const rate = (t: TaskNumbers): number => t.cpu / t.lifetime;
  const byNice = new Map<number, TaskNumbers[]>();
  for (const t of hungry) {
    const list = byNice.get(t.nice);
    if (list === undefined) byNice.set(t.nice, [t]);
    else list.push(t);
  }
  const total = hungry.reduce((sum, t) => sum + t.cpu, 0);
  const relative: number[] = [];
  const rows: NiceStatistics[] = [];
  for (const [nice, list] of [...byNice].sort((a, b) => a[0] - b[0])) {
    const mean = list.reduce((sum, t) => sum + rate(t), 0) / list.length;
    const cpu = list.reduce((sum, t) => sum + t.cpu, 0);
    rows.push({ nice, tasks: list.length, cpuPerSecond: mean * 1e9, share: total === 0 ? 0 : cpu / total });
    if (list.length > 1 && mean > 0) for (const t of list) relative.push(rate(t) / mean);
  }
  return {
    jain: relative.length < 2 ? null : jain(relative),
    weightedJain: hungry.length < 2 ? null : jain(hungry.map((t) => rate(t) * 1.25 ** t.nice)),
    byNice: rows,
  };
}

/** Gathers what the simulator tells while it runs. */
export class Collector {
  contextSwitches = 0;
  preemptions = 0;
  yields = 0;
  wakeups = 0;
  decisions = 0;
  overhead = 0;
  deadlinesMet = 0;
  deadlinesMissed = 0;
  /** By distance: same core, same package, same node, elsewhere. */
  readonly migrations = [0, 0, 0, 0];
  readonly groupMigrations: number[] = [];
  readonly groupSwitches: number[] = [];
  readonly groupMissed: number[] = [];
  private readonly latencies: Column[] = [];
  private readonly responses: Column[] = [];

  constructor(readonly groups: readonly string[]) {
    for (let i = 0; i < groups.length; i++) {
      this.latencies.push(new Column());
      this.responses.push(new Column());
      this.groupMigrations.push(0);
      this.groupSwitches.push(0);
      this.groupMissed.push(0);
    }
  }

  /** A task of the group waited so long for a CPU. */
  latency(group: number, ns: number): void {
    this.latencies[group]!.push(ns);
  }

  /** Work of the group took so long. */
  response(group: number, ns: number): void {
    this.responses[group]!.push(ns);
  }

  /** A deadline of the group was met or missed. */
  deadline(group: number, missed: boolean): void {
    if (!missed) this.deadlinesMet++;
    else {
      this.deadlinesMissed++;
      this.groupMissed[group] = this.groupMissed[group]! + 1;
    }
  }

  /** A task of the group began on another CPU, at a distance of 0 (thread) to 3 (node). */
  migration(group: number, distance: number): void {
    this.migrations[distance] = this.migrations[distance]! + 1;
    this.groupMigrations[group] = this.groupMigrations[group]! + 1;
  }

  /** A task of the group began to run where another had run. */
  contextSwitch(group: number): void {
    this.contextSwitches++;
    this.groupSwitches[group] = this.groupSwitches[group]! + 1;
  }

  /** The run is over. */
  finish(
    about: Pick<Statistics, "policy" | "workload" | "topology" | "cpus" | "seed" | "duration" | "tasks">,
    tasks: readonly TaskNumbers[],
  ): Statistics {
    const busy = tasks.reduce((sum, t) => sum + t.cpu, 0);
    const available = about.duration * about.cpus;
    const members = this.groups.map(() => [] as TaskNumbers[]);
    for (const t of tasks) members[t.group]!.push(t);
    const [thread, core, inNode, node] = this.migrations as [number, number, number, number];
    return {
      ...about,
      cpu: {
        busy,
        overhead: this.overhead,
        idle: available - busy - this.overhead,
        utilisation: available === 0 ? 0 : busy / available,
      },
      contextSwitches: this.contextSwitches,
      preemptions: this.preemptions,
      yields: this.yields,
      wakeups: this.wakeups,
      decisions: this.decisions,
      migrations: { total: thread + core + inNode + node, thread, core, package: inNode, node },
      latency: summarize(merge(this.latencies)),
      response: summarize(merge(this.responses)),
      deadlines: { met: this.deadlinesMet, missed: this.deadlinesMissed },
      fairness: fairness(tasks, about.duration),
      groups: this.groups.map((name, i) => {
        const list = members[i]!;
        const cpu = list.reduce((sum, t) => sum + t.cpu, 0);
        return {
          name,
          tasks: list.length,
          nice: list[0]?.nice ?? 0,
          class: list[0]?.klass ?? "normal",
          cpu,
          share: busy === 0 ? 0 : cpu / busy,
          latency: summarize(this.latencies[i]!.sorted()),
          response: summarize(this.responses[i]!.sorted()),
          deadlinesMissed: this.groupMissed[i]!,
          migrations: this.groupMigrations[i]!,
          contextSwitches: this.groupSwitches[i]!,
        };
      }),
    };
  }
}

function merge(columns: readonly Column[]): Float64Array {
  const all = new Float64Array(columns.reduce((sum, c) => sum + c.length, 0));
  let at = 0;
  for (const column of columns) {
    column.copyTo(all, at);
    at += column.length;
  }
  return all.sort();
}
