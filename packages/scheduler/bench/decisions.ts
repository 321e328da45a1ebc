/**
 * Decisions per second of each policy by the number of CPUs.
 *
 * A decision is a choice of a CPU for a task that became runnable, or of a task for a CPU. Tasks run for about a millisecond and sleep, twice as many
 * as CPUs want to run, the clock ticks on every CPU, and CPUs on which the policy wants a reschedule get one: all of that is in the time.
 *
 * Two patterns: "local", where 64 CPUs are busy at a time (then the next 64), and "spread", where each event is on a CPU drawn from all. The
 * second also measures what it costs one core to have the data of 4,096 CPUs and 12,000 tasks in its caches, or rather not to.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { median, type Row } from "@anax/kts/bench";
import { CpuMask } from "../src/cpu-mask";
import { SchedEntity } from "../src/entity";
import { TICK_NS, type SchedPolicy } from "../src/policy";
import { newPolicy, policyByName } from "../src/registry";
import { policyNames, readTopology } from "../src/host";

/** CPUs, and how they are arranged: threads share cores, cores packages, packages nodes. */
export const MACHINES: readonly { cpus: number; topology: string }[] = [
  { cpus: 1, topology: "1" },
  { cpus: 8, topology: "4x2" },
  { cpus: 64, topology: "2x16x2" },
  { cpus: 512, topology: "2x2x64x2" },
  { cpus: 4096, topology: "8x4x64x2" },
];

/** Time of one run of a task, ns. */
const BURST = 1_000_000;
const TARGET_NS = 1e9 / 2_000_000;
/** First argument of a process that measures one policy. */
const CHILD = "--measure-decisions";

export type Pattern = "local" | "spread";
export const PATTERNS: readonly Pattern[] = ["local", "spread"];
/** CPUs that are busy at a time, and for how many events, under "local". */
const WINDOW = 64;
const WINDOW_TURNS = 4096;

export interface Point {
  policy: string;
  pattern: Pattern;
  cpus: number;
  /** Time of one decision, ns. */
  ns: number;
}

/** Drives one policy; the clock is simulated, the time that is measured is not. */
class Load {
  decisions = 0;
  private now = 0;
  private ticked = 0;
  private random = 0x2545f491;
  private readonly sleepers: SchedEntity[] = [];
  private readonly step: number;
  private turns = 0;
  private base = 0;

  constructor(
    private readonly policy: SchedPolicy,
    private readonly pattern: Pattern,
  ) {
    this.step = BURST / policy.cpus;
    const total = policy.cpus * 3 + 3;
    for (let i = 0; i < total; i++) {
      const e = new SchedEntity();
      e.nice = (i % 5) * 4 - 8;
      policy.add(e, null, 0);
      if (i % 16 === 7 && policy.cpus > 1) {
        const mask = new CpuMask(policy.cpus).addRange(0, policy.cpus >> 1);
        policy.setMask(e, mask, 0);
      }
      this.sleepers.push(e);
    }
    for (let i = 0; i < policy.cpus * 2 + 2; i++) this.wake(-1);
  }

  private next(below: number): number {
    this.random = (Math.imul(this.random, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.random / 4294967296) * below);
  }

  private wake(by: number): void {
    const { length } = this.sleepers;
    const i = length - 1 - this.next(this.pattern === "local" ? Math.min(WINDOW, length) : length);
    const e = this.sleepers[i]!;
    const last = this.sleepers.pop()!;
    if (last !== e) this.sleepers[i] = last;
    this.policy.setRunnable(e, this.now, by);
    this.decisions++;
    this.reschedule();
  }

  private reschedule(): void {
    const { policy, now } = this;
    for (let cpu = policy.nextWanted(); cpu >= 0; cpu = policy.nextWanted()) {
      const running = policy.current[cpu];
      if (running !== null && running !== undefined) {
        policy.setRunnable(running, now, -1);
        this.decisions++;
      }
      policy.choose(cpu, now);
      this.decisions++;
    }
  }

  /** A task somewhere ends its burst and sleeps; another one wakes up. */
  private turn(): void {
    const { policy } = this;
    this.now += this.step;
    while (this.ticked * (TICK_NS / policy.cpus) <= this.now) {
      policy.tick(this.ticked++ % policy.cpus, this.now);
      this.reschedule();
    }
    const cpu = this.pick();
    const running = policy.current[cpu];
    if (running !== null && running !== undefined) {
      policy.account(running, BURST, this.now);
      policy.sleep(running, this.now);
      this.sleepers.push(running);
      this.reschedule();
    }
    this.wake(cpu);
  }

  private pick(): number {
    const { cpus } = this.policy;
    if (this.pattern === "spread" || cpus <= WINDOW) return this.next(cpus);
    if (this.turns++ % WINDOW_TURNS === 0) this.base = this.next(cpus / WINDOW) * WINDOW;
    return this.base + this.next(WINDOW);
  }

  /** Goes on for some milliseconds of CPU time, which a busy host does not stretch; ns for one decision. */
  measure(ms: number): number {
    const before = this.decisions;
    const start = process.cpuUsage();
    let used = 0;
    do {
      for (let i = 0; i < 512; i++) this.turn();
      const { user, system } = process.cpuUsage(start);
      used = user + system;
    } while (used < ms * 1000);
    return (used * 1000) / (this.decisions - before);
  }
}

/** Each policy has a process of its own, as in a program that uses one policy: no call is polymorphic for the others' sake. */
if (process.send !== undefined && process.argv[2] === CHILD) {
  const [policy, ms] = [process.argv[3]!, Number(process.argv[4])];
  // The compiler has seen everything before the first number.
  new Load(newPolicy(policyByName(policy), readTopology("8x2"))!, "spread").measure(ms * 3);
  for (const { cpus, topology } of MACHINES) {
    for (const pattern of PATTERNS) {
      const load = new Load(newPolicy(policyByName(policy), readTopology(topology))!, pattern);
      load.measure(ms);
      process.send({ policy, pattern, cpus, ns: load.measure(ms) } satisfies Point);
    }
  }
  process.disconnect();
}

/** Measures every policy on every machine; `runs` rounds in turn, so that a busy host disturbs all alike. */
export async function measureDecisions(
  runs: number,
  ms: number,
  onProgress: (done: number, of: number) => void,
): Promise<Point[]> {
  const found = new Map<string, Point & { all: number[] }>();
  const steps = runs * policyNames().length * MACHINES.length * PATTERNS.length;
  let done = 0;
  for (let run = 0; run < runs; run++) {
    for (const policy of policyNames()) {
      const child = fork(fileURLToPath(import.meta.url), [CHILD, policy, String(ms)], {
        execArgv: ["--conditions=source", "--import", import.meta.resolve("tsx")],
      });
      child.on("message", (point: Point) => {
        const key = `${policy} ${point.pattern} ${point.cpus}`;
        const entry = found.get(key) ?? { ...point, all: [] };
        entry.all.push(point.ns);
        found.set(key, entry);
        onProgress(++done, steps);
      });
      const [status] = (await once(child, "exit")) as [number | null];
      if (status !== 0) throw new Error(`the measurement of ${policy} ended with status ${status}`);
    }
  }
  return [...found.values()].map(({ all, ...point }) => ({ ...point, ns: median(all) }));
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
    ...policyNames().map((policy) => `| \`${policy}\` | ${cpus.map((n) => ns(policy, n)).join(" | ")} |`),
  ].join("\n");
}
