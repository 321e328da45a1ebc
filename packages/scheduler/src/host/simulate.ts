/**
 * `simulate` and `compare`: a workload on a topology under a policy, or under several.
 *
 * Neighbours: `sim/simulator.ts` (does it), `topology.ts`, `workload/*`, `trace/replay.ts` (readers of the inputs), `output/*` (pictures of
 * what comes out).
 * Invariant: the same inputs and seed give the same result, byte for byte.
 */
import { SchedPolicy } from "../policy";
import { POLICIES, newPolicy, policyByName, policyName } from "../registry";
import type { Topology } from "../topology";
import { InputError } from "./errors";
import { readCosts, type CostsInput } from "./sim/costs";
import { Simulator } from "./sim/simulator";
import type { Statistics } from "./sim/statistics";
import { describeTopology, readTopology, type TopologyInput } from "./topology";
import { compileReplay } from "./trace/replay";
import { Trace } from "./trace/trace";
import { describe, parseDuration, type Duration } from "./units";
import { compileWorkload, type CompiledWorkload } from "./workload/program";
import { checkWorkload, type Workload } from "./workload/schema";

/** A policy by name, or what makes one. */
export type PolicyInput = string | ((topology: Topology) => SchedPolicy);

/** What is simulated, on what, and for how long. Times without a unit are ns. */
export interface SimulateOptions {
  topology: TopologyInput;
  /** See {@link policyNames}; or a function, for a policy of your own. */
  policy: PolicyInput;
  workload: Workload | Trace;
  /** A whole number from 0 to 2^53 - 1 (default 1). */
  seed?: number;
  /** Simulated time, above 0 (default 10 s for workloads, without end for traces). A run ends earlier when nothing can happen any more. */
  duration?: Duration;
  costs?: CostsInput;
  /** Keep who ran where and when, for pictures and traces (default true). */
  record?: boolean;
  /** Called now and then with simulated ns. */
  onProgress?: (now: number, duration: number) => void;
}

/** What came out of a run. */
export interface SimulationResult {
  /** Numbers about the run; plain data, which JSON holds as it is. */
  statistics: Statistics;
  /** Null with `record: false`. */
  recording: Trace | null;
}

/** Names of the policies that `simulate` knows. */
export function policyNames(): string[] {
  return Array.from({ length: POLICIES }, (_, i) => policyName(i));
}

const DEFAULT_DURATION = 10e9;

const OPTIONS = ["topology", "workload", "seed", "duration", "costs", "record", "onProgress"];

/** From plain JavaScript a misspelt option would be ignored. */
function checkNames(options: unknown, own: string): void {
  if (typeof options !== "object" || options === null) {
    throw new InputError(`expected an object, got ${describe(options)}`, { field: "options" });
  }
  const { record, onProgress } = options as Record<string, unknown>;
  if (record !== undefined && typeof record !== "boolean") {
    throw new InputError(`expected true or false, got ${describe(record)}`, { field: "record" });
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new InputError(`expected a function, got ${describe(onProgress)}`, { field: "onProgress" });
  }
  const names = [own, ...OPTIONS];
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new InputError(`no such option; there are ${names.join(", ")}`, { field: name });
  }
}

/**
 * Simulates.
 *
 * @throws InputError naming the field: unknown option, impossible topology, unknown policy, wrong workload or trace, negative time.
 */
export function simulate(options: SimulateOptions): SimulationResult {
  checkNames(options, "policy");
  const topology = readTopology(options.topology);
  const workload = compile(options.workload, topology.cpus);
  return run(options, topology, workload, options.policy);
}

/**
 * The same workload, bursts and all, under several policies.
 *
 * @throws InputError as {@link simulate}, before anything was simulated.
 */
export function compare(
  options: Omit<SimulateOptions, "policy"> & { policies: readonly PolicyInput[] },
): SimulationResult[] {
  checkNames(options, "policies");
  const topology = readTopology(options.topology);
  if (!Array.isArray(options.policies)) {
    throw new InputError(`expected a list of policies, got ${describe(options.policies)}`, { field: "policies" });
  }
  if (options.policies.length === 0) throw new InputError("no policy", { field: "policies" });
  options.policies.forEach((policy, i) => makePolicy(policy, topology, `policies[${i}]`));
  const workload = compile(options.workload, topology.cpus);
  return options.policies.map((policy) => run(options, topology, workload, policy));
}

function compile(workload: Workload | Trace, cpus: number): CompiledWorkload {
  if (workload instanceof Trace) return compileReplay(workload, cpus);
  return compileWorkload(checkWorkload(workload), cpus);
}

function makePolicy(input: PolicyInput, topology: Topology, field = "policy"): SchedPolicy {
  if (typeof input === "function") {
    const made = input(topology);
    if (made instanceof SchedPolicy && made.topology === topology) return made;
    throw new InputError("the function gave no policy for this topology", { field });
  }
  const number = typeof input === "string" ? policyByName(input) : -1;
  const made = number < 0 ? null : newPolicy(number, topology);
  if (made === null) {
    throw new InputError(`no policy ${describe(input)}; there are ${policyNames().join(", ")}`, { field });
  }
  return made;
}

function run(
  options: Omit<SimulateOptions, "policy">,
  topology: Topology,
  workload: CompiledWorkload,
  input: PolicyInput,
): SimulationResult {
  const policy = makePolicy(input, topology);
  const seed = options.seed ?? 1;
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new InputError(`expected a whole number from 0 on, got ${describe(seed)}`, { field: "seed" });
  }
  const endless = options.workload instanceof Trace ? Infinity : DEFAULT_DURATION;
  const duration = options.duration === undefined ? endless : parseDuration(options.duration, "duration");
  if (duration === 0) throw new InputError("expected a time above 0", { field: "duration" });
  const { costs } = options;
  if (costs !== undefined && (typeof costs !== "object" || costs === null || Array.isArray(costs))) {
    throw new InputError(`expected an object, got ${describe(costs)}`, { field: "costs" });
  }
  const name = policyNameOf(policy, input);
  const recording =
    options.record === false ? null : new Trace(`${workload.name}, ${name}`, topology.cpus, [...workload.groups]);
  const simulator = new Simulator({
    policy,
    workload,
    costs: readCosts(costs),
    seed,
    duration,
    recording,
    onProgress: options.onProgress,
  });
  simulator.run();
  const statistics = simulator.collector.finish(
    {
      policy: name,
      workload: workload.name,
      topology: describeTopology(topology),
      cpus: topology.cpus,
      seed,
      duration: simulator.now,
      tasks: simulator.counts(),
    },
    simulator.numbers(),
  );
  return { statistics, recording };
}

/** The name it was chosen by: two presets of one policy differ in it. */
function policyNameOf(policy: SchedPolicy, input: PolicyInput): string {
  return typeof input === "string" ? input : policy.name;
}
