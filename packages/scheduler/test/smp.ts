/** Set-up of tests on several CPUs. */
import {
  TopologyBuilder,
  TopologySpec,
  newPolicy,
  policyByName,
  type SchedPolicy,
  type Topology,
} from "@anax/scheduler";

export function topology(numa: number, packages: number, cores: number, threads: number): Topology {
  return new TopologyBuilder().fromSpec(new TopologySpec(numa, packages, cores, threads))!;
}

export function policy(name: string, t: Topology): SchedPolicy {
  return newPolicy(policyByName(name), t)!;
}
