/**
 * Patterns of tasks, written out as programs.
 *
 * Neighbours: `schema.ts` (what a pattern takes), `program.ts` (compiles what this gives).
 * Invariant: one set of a pattern shares no channel with another set.
 */
import type { Duration } from "../units";
import type { DurationSource } from "./distribution";
import type { Source, Step, TaskCommon, TaskSpec } from "./schema";

/** What one `TaskSpec` stands for. */
export interface Expansion {
  tasks: { role: string; count: number; program: Step[] }[];
  sources: Source[];
  channels: Record<string, number>;
}

const forever = (steps: Step[]): Step[] => [{ do: "repeat", steps }];
const run = (time: DurationSource): Step => ({ do: "run", for: time });

/** The longest piece in which endless work is given to the simulator; long enough to cost nothing. */
const ENDLESS: Duration = "1h";

/**
 * Tasks, channels and sources of one set; `channel` makes names of channels that no other set has.
 * `count` of a task is how many of them one set has.
 */
export function expand(spec: TaskSpec, channel: (suffix: string) => string): Expansion {
  const none: Expansion = { tasks: [], sources: [], channels: {} };
  const one = (program: Step[]): Expansion => ({ ...none, tasks: [{ role: "", count: 1, program }] });
  if ("program" in spec) return one(spec.program);
  switch (spec.pattern) {
    case "batch":
      return one(spec.run === undefined ? forever([run(ENDLESS)]) : [run(spec.run)]);
    case "interactive":
      return one(forever([{ do: "sleep", for: spec.think }, run(spec.run)]));
    case "periodic": {
      const wait: Step = { do: "period", every: spec.every };
      if (spec.deadline !== undefined) wait.deadline = spec.deadline;
      return one(forever([wait, run(spec.run)]));
    }
    case "server": {
      const requests = channel("requests");
      const work: Step[] = [{ do: "receive", from: requests }, run(spec.run)];
      if (spec.io !== undefined) work.push({ do: "sleep", for: spec.io }, run(spec.run));
      return {
        tasks: [{ role: "", count: spec.workers ?? 1, program: forever(work) }],
        sources: [{ to: requests, every: spec.every }],
        channels: {},
      };
    }
    case "pipe": {
      const pipe = channel("pipe");
      return {
        tasks: [
          { role: "producer", count: 1, program: forever([run(spec.run), { do: "send", to: pipe }]) },
          { role: "consumer", count: 1, program: forever([{ do: "receive", from: pipe }, run(spec.run)]) },
        ],
        sources: [],
        channels: { [pipe]: spec.capacity ?? 16 },
      };
    }
    case "ping-pong": {
      const [there, back] = [channel("ping"), channel("pong")];
      return {
        ...none,
        tasks: [
          {
            role: "ping",
            count: 1,
            program: forever([run(spec.run), { do: "send", to: there }, { do: "receive", from: back }]),
          },
          {
            role: "pong",
            count: 1,
            program: forever([{ do: "receive", from: there }, run(spec.run), { do: "send", to: back }]),
          },
        ],
      };
    }
    case "make": {
      const work: Step[] = spec.io === undefined ? [] : [{ do: "sleep", for: spec.io }];
      const job: TaskSpec = { name: `${spec.name}/job`, program: [...work, run(spec.run)] };
      const fork: Step = { do: "fork", task: job };
      const total = spec.total ?? Infinity;
      const atOnce = Math.min(spec.jobs, total);
      const steps: Step[] = [{ do: "repeat", times: atOnce, steps: [fork] }];
      const next: Step[] = [{ do: "join", children: "one" }, fork];
      if (total === Infinity) steps.push({ do: "repeat", steps: next });
      else {
        if (total > atOnce) steps.push({ do: "repeat", times: total - atOnce, steps: next });
        steps.push({ do: "join", children: "all" });
      }
      return one(steps);
    }
  }
}

/** What a pattern takes beside its name. */
export type PatternOptions<P extends string> = Omit<Extract<TaskSpec, { pattern: P }>, "name" | "pattern">;
const of =
  <P extends Extract<TaskSpec, { pattern: string }>["pattern"]>(pattern: P) =>
  (name: string, rest: PatternOptions<P>): TaskSpec =>
    ({ name, pattern, ...rest }) as unknown as TaskSpec;

/** Makes a {@link TaskSpec}: computes without a pause. */
export const batch = (name: string, rest: PatternOptions<"batch"> = {}): TaskSpec => of("batch")(name, rest);
/** Makes a {@link TaskSpec}: waits for a person, then computes shortly. */
export const interactive = of("interactive");
/** Makes a {@link TaskSpec}: a job at every period, with a deadline. */
export const periodic = of("periodic");
/** Makes a {@link TaskSpec}: requests that arrive by themselves, and workers. */
export const server = of("server");
/** Makes a {@link TaskSpec}: a producer and a consumer. */
export const pipe = of("pipe");
/** Makes a {@link TaskSpec}: one message to and fro. */
export const pingPong = of("ping-pong");
/** Makes a {@link TaskSpec}: a parent that forks jobs. */
export const make = of("make");
/** Makes a {@link TaskSpec} of steps. */
export const program = (name: string, steps: Step[], rest: Omit<TaskCommon, "name"> = {}): TaskSpec => ({
  name,
  program: steps,
  ...rest,
});
