/**
 * Decisions per second of each policy by the number of CPUs.
 *
 * A decision is a choice of a CPU for a task that became runnable, or of a task for a CPU. Tasks run for about a millisecond and sleep, twice as many
 * as CPUs want to run, the clock ticks on every CPU, and CPUs on which the policy wants a reschedule get one: all of that is in the time, and so
 * is the benchmark's own work (`load.ts`).
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Row } from "@anax/kts/bench";
import { newPolicy, policyByName } from "../src/registry";
import { policyNames, readTopology } from "../src/host";
import { FLOOR, Load, PATTERNS, PlainQueue, type Pattern } from "./load";

/** CPUs, and how they are arranged: threads share cores, cores packages, packages nodes. */
export const MACHINES: readonly { cpus: number; topology: string }[] = [
  { cpus: 1, topology: "1" },
  { cpus: 8, topology: "4x2" },
  { cpus: 64, topology: "2x16x2" },
  { cpus: 512, topology: "2x2x64x2" },
  { cpus: 4096, topology: "8x4x64x2" },
];

/** Of so many in a process the least counts, as of the rounds. */
const MEASUREMENTS = 3;
const TARGET_NS = 1e9 / 2_000_000;
/** First argument of a process that measures one policy on one machine. */
const CHILD = "--measure-decisions";
export interface Point {
  policy: string;
  pattern: Pattern;
  cpus: number;
  /** Time of one decision, ns. */
  ns: number;
}

/** The policies, and what the benchmark costs without one. */
const contestants = (): string[] => [...policyNames(), FLOOR];

/**
 * Each policy and machine has a process of its own, as in a program that uses one: no call is polymorphic for the others' sake, no other machine's
 * tasks are in the heap. What the preparation left to the garbage collector is not charged to the decisions; what they leave is.
 */
if (process.send !== undefined && process.argv[2] === CHILD) {
  const [policy, topology, ms] = [process.argv[3]!, readTopology(process.argv[4]!), Number(process.argv[5])];
  for (const pattern of PATTERNS) {
    const made = policy === FLOOR ? new PlainQueue(topology) : newPolicy(policyByName(policy), topology)!;
    const load = new Load(made, pattern);
    load.warmUp();
    globalThis.gc!();
    let ns = Infinity;
    for (let i = 0; i < MEASUREMENTS; i++) ns = Math.min(ns, load.measure(ms));
    process.send({ policy, pattern, cpus: topology.cpus, ns } satisfies Point);
  }
  process.disconnect();
}

/** Measures every policy on every machine; `runs` rounds in turn, of which the least counts: what else the host does only adds to it. */
export async function measureDecisions(
  runs: number,
  ms: number,
  onProgress: (done: number, of: number) => void,
): Promise<Point[]> {
  const found = new Map<string, Point>();
  const steps = runs * contestants().length * MACHINES.length * PATTERNS.length;
  let done = 0;
  for (let run = 0; run < runs; run++) {
    for (const policy of contestants()) {
      for (const { topology } of MACHINES) {
        const child = fork(fileURLToPath(import.meta.url), [CHILD, policy, topology, String(ms)], {
          execArgv: ["--expose-gc", "--conditions=source", "--import", import.meta.resolve("tsx")],
        });
        child.on("message", (point: Point) => {
          const key = `${policy} ${point.pattern} ${point.cpus}`;
          const least = found.get(key);
          if (least === undefined || point.ns < least.ns) found.set(key, point);
          onProgress(++done, steps);
        });
        const [status] = (await once(child, "exit")) as [number | null];
        if (status !== 0) throw new Error(`the measurement of ${policy} on ${topology} ended with status ${status}`);
      }
    }
  }
  return [...found.values()];
}

/** Rows against the target of 2,000,000 a second, and the growth from 8 to 4,096 CPUs against that of the logarithm. */
export function decisionRows(points: readonly Point[]): Row[] {
  const rows: Row[] = points.map(({ policy, pattern, cpus, ns }) => ({
    name: `decision, ${policy}, ${cpus} CPUs, ${pattern}`,
    unit: "ns",
    ours: ns,
    peer: TARGET_NS,
    peerName: "2,000,000/s",
    ratio: ns / TARGET_NS,
  }));
  for (const pattern of PATTERNS) {
    for (const policy of policyNames()) {
      const at = (cpus: number): number =>
        points.find((p) => p.policy === policy && p.pattern === pattern && p.cpus === cpus)!.ns;
      const growth = at(4096) / at(8);
      const logarithm = Math.log2(4096) / Math.log2(8);
      rows.push({
        name: `growth from 8 to 4096 CPUs, ${policy}, ${pattern}`,
        unit: "x",
        ours: growth,
        peer: logarithm,
        peerName: "log2(CPUs)",
        ratio: growth / logarithm,
      });
    }
  }
  return rows;
}

/** The curve as a Markdown table: ns of a decision, "local" and "spread". */
export function decisionTable(points: readonly Point[]): string {
  const ns = (policy: string, cpus: number): string =>
    PATTERNS.map((pattern) =>
      points.find((p) => p.policy === policy && p.cpus === cpus && p.pattern === pattern)!.ns.toFixed(0),
    ).join(" / ");
  const cpus = MACHINES.map((m) => m.cpus);
  return [
    `| ns, local / spread | ${cpus.map((n) => (n === 1 ? "1 CPU" : n)).join(" | ")} |`,
    `| --- |${" --- |".repeat(cpus.length)}`,
    ...contestants().map((policy) => `| \`${policy}\` | ${cpus.map((n) => ns(policy, n)).join(" | ")} |`),
  ].join("\n");
}
