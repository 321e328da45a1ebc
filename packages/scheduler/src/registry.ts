/**
 * The policies by number and name.
 *
 * Neighbours: every policy; callers that let a user choose one. Invariant: numbers are dense from 0 and do not change.
 */
import { Errno, type i32 } from "@anax/portable";
import { Bsd4, Bsd4Tuning } from "./bsd4";
import { Dfly } from "./dfly";
import { classicTuning, currentTuning } from "./dfly-tuning";
import { Eevdf } from "./eevdf";
import type { SchedPolicy } from "./policy";
import { RoundRobin } from "./round-robin";
import type { Topology } from "./topology";

/** dfly with the later weights. */
export const POLICY_DFLY: i32 = 0;
/** dfly with the earlier weights. */
export const POLICY_DFLY_CLASSIC: i32 = 1;
/** bsd4. */
export const POLICY_BSD4: i32 = 2;
/** EEVDF. */
export const POLICY_EEVDF: i32 = 3;
/** Round robin. */
export const POLICY_ROUND_ROBIN: i32 = 4;
/** How many there are. */
export const POLICIES: i32 = 5;

/** The name of policy 0 to POLICIES - 1; empty for no policy. */
export function policyName(policy: i32): string {
  if (policy === POLICY_DFLY) return "dfly";
  if (policy === POLICY_DFLY_CLASSIC) return "dfly-classic";
  if (policy === POLICY_BSD4) return "bsd4";
  if (policy === POLICY_EEVDF) return "eevdf";
  if (policy === POLICY_ROUND_ROBIN) return "round-robin";
  return "";
}

/** The number of a policy by its name, or -INVAL. */
export function policyByName(name: string): i32 {
  for (let p: i32 = 0; p < POLICIES; p++) if (policyName(p) === name) return p;
  return -Errno.INVAL;
}

/** A policy for the CPUs of a topology, or null when there is no such policy. */
export function newPolicy(policy: i32, topology: Topology): SchedPolicy | null {
  if (policy === POLICY_DFLY) return new Dfly(topology, currentTuning(), "dfly");
  if (policy === POLICY_DFLY_CLASSIC) return new Dfly(topology, classicTuning(), "dfly-classic");
  if (policy === POLICY_BSD4) return new Bsd4(topology, new Bsd4Tuning());
  if (policy === POLICY_EEVDF) return new Eevdf(topology);
  if (policy === POLICY_ROUND_ROBIN) return new RoundRobin(topology);
  return null;
}
