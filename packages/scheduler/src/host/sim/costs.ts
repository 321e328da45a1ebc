/**
 * What switching, migrating and waking cost in the simulated machine.
 *
 * Neighbour: `machine.ts`. The defaults are of the order of a present x86-64 server; a comparison of policies should vary them.
 */
import { InputError } from "../errors";
import { parseDuration, type Duration } from "../units";

/** All default to the values of {@link DEFAULT_COSTS}. */
export interface CostsInput {
  /** The CPU begins another task than it ran last. */
  contextSwitch?: Duration;
  /** A wake-up reaches another CPU: the inter-processor interrupt. */
  wakeup?: Duration;
  /** An idle CPU reacts: it leaves its sleep state. */
  idleExit?: Duration;
  /** A task begins on another CPU than it ran on last: caches are cold. By distance; one value is for all. */
  migration?:
    | Duration
    | {
        /** To another thread of the core. */
        thread?: Duration;
        /** To another core of the package. */
        core?: Duration;
        /** To another package of the NUMA node. */
        package?: Duration;
        /** To another NUMA node. */
        node?: Duration;
      };
}

/** ns. */
export interface Costs {
  contextSwitch: number;
  wakeup: number;
  idleExit: number;
  /** By distance: thread, core, package, node. */
  migration: [number, number, number, number];
}

/** What is charged when nothing else is said, ns. */
export const DEFAULT_COSTS: Readonly<Costs> = {
  contextSwitch: 1_500,
  wakeup: 1_000,
  idleExit: 2_000,
  migration: [500, 3_000, 10_000, 30_000],
};

const DISTANCES = ["thread", "core", "package", "node"] as const;

/** @throws InputError naming the field: no such cost, not a duration, negative. */
export function readCosts(input: CostsInput | undefined, field = "costs"): Costs {
  const costs: Costs = { ...DEFAULT_COSTS, migration: [...DEFAULT_COSTS.migration] };
  for (const [key, value] of Object.entries(input ?? {}) as [string, unknown][]) {
    if (value === undefined) continue;
    if (key === "contextSwitch" || key === "wakeup" || key === "idleExit") {
      costs[key] = parseDuration(value, `${field}.${key}`);
    } else if (key !== "migration") throw new InputError("no such field", { field: `${field}.${key}` });
    else if (typeof value === "object" && value !== null) {
      for (const [distance, cost] of Object.entries(value) as [string, unknown][]) {
        const i = DISTANCES.indexOf(distance as (typeof DISTANCES)[number]);
        if (i < 0) throw new InputError("no such field", { field: `${field}.migration.${distance}` });
        costs.migration[i] = parseDuration(cost, `${field}.migration.${distance}`);
      }
    } else costs.migration.fill(parseDuration(value, `${field}.migration`));
  }
  return costs;
}
