/**
 * Topologies as people write them: `"2x8x2"`, an object, or a tree.
 *
 * Neighbour: `../topology.ts` (the core's tree). Invariant: a topology that comes out has at least one and at most 4,096 CPUs.
 */
import {
  CPUS_MAX,
  LEVEL_CORE,
  LEVEL_MACHINE,
  LEVEL_NUMA,
  LEVEL_PACKAGE,
  LEVEL_THREAD,
  Topology,
  TopologyBuilder,
  TopologyNode,
  TopologySpec,
} from "../topology";
import { InputError } from "./errors";
import { describe } from "./units";

/** A node of an irregular machine; a leaf is a CPU. Levels of which there is one may be left out. */
export interface TopologyTree {
  level: "machine" | "numa" | "package" | "core" | "thread";
  /** Memory attached to a NUMA node, MiB. */
  memory?: number;
  children?: TopologyTree[];
}

/** A regular machine; each number is how many there are in one of the level above (default 1). */
export interface TopologyShape {
  numa?: number;
  packages?: number;
  cores?: number;
  threads?: number;
}

/**
 * `"8"` is 8 cores, `"8x2"` 8 cores of 2 threads, `"2x8x2"` 2 packages of them, `"4x2x8x2"` 4 NUMA nodes of those.
 */
export type TopologyInput = string | TopologyShape | TopologyTree | Topology;

const LEVELS: Readonly<Record<string, number>> = {
  machine: LEVEL_MACHINE,
  numa: LEVEL_NUMA,
  package: LEVEL_PACKAGE,
  core: LEVEL_CORE,
  thread: LEVEL_THREAD,
};
/** The level right above another one, by the number of the latter. */
const ABOVE: Readonly<Record<number, number>> = {
  [LEVEL_NUMA]: LEVEL_MACHINE,
  [LEVEL_PACKAGE]: LEVEL_NUMA,
  [LEVEL_CORE]: LEVEL_PACKAGE,
  [LEVEL_THREAD]: LEVEL_CORE,
};
const SHAPE = ["numa", "packages", "cores", "threads"] as const;

/**
 * Reads a topology.
 *
 * @throws InputError naming the field below `field`: not a form of the above, a number below 1, more than 4,096 CPUs.
 */
export function readTopology(input: unknown, field = "topology"): Topology {
  if (input instanceof Topology) return input;
  const builder = new TopologyBuilder();
  if (typeof input === "string") {
    if (!/^\s*\d+(?:x\d+){0,3}\s*$/i.test(input)) {
      throw new InputError(`expected a topology such as 8, 8x2, 2x8x2 or 4x2x8x2, got ${describe(input)}`, { field });
    }
    const given = input.trim().split(/x/i).map(Number);
    const shape = given.length === 1 ? [1, 1, given[0]!, 1] : [...[1, 1].slice(given.length - 2), ...given];
    return regular(builder, shape, (level) => ({ field, level: ` (${level})` }));
  }
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new InputError(`expected a topology such as "2x8x2", got ${describe(input)}`, { field });
  }
  if ("level" in input || "children" in input) {
    const made = builder.fromTree(tree(input, field, 0));
    if (made === null) throw wrong(builder, `${field}${builder.field === "" ? "" : `.${builder.field}`}`);
    return made;
  }
  for (const key of Object.keys(input)) {
    if (!(SHAPE as readonly string[]).includes(key))
      throw new InputError("no such field", { field: `${field}.${key}` });
  }
  const shape = SHAPE.map((key) => {
    const n: unknown = (input as Record<string, unknown>)[key] ?? 1;
    if (typeof n !== "number" || !Number.isInteger(n)) {
      throw new InputError(`expected a whole number, got ${describe(n)}`, { field: `${field}.${key}` });
    }
    return n;
  });
  return regular(builder, shape, (level) => ({ field: `${field}.${level}`, level: "" }));
}

/** `at` says where in the input a level is, and what to call it where its place does not. */
function regular(
  builder: TopologyBuilder,
  shape: readonly number[],
  at: (level: string) => { field: string; level: string },
): Topology {
  const [numa, packages, cores, threads] = shape.map((n) => Math.max(-1, Math.min(n, 1 << 20)));
  const made = builder.fromSpec(new TopologySpec(numa, packages, cores, threads));
  if (made !== null) return made;
  const { field, level } = at(builder.field);
  throw wrong(builder, field, level);
}

function wrong(builder: TopologyBuilder, field: string, level = ""): InputError {
  if (/(^|\.)(cpus|numa|packages|cores|threads)$/.test(builder.field) && builder.error !== -22) {
    return new InputError(`more than ${CPUS_MAX} CPUs${level}`, { field });
  }
  return new InputError(
    builder.field.endsWith("level")
      ? "a level must be below its parent's: machine, numa, package, core, thread"
      : `impossible: must be at least 1${level}`,
    { field },
  );
}

function tree(input: unknown, field: string, depth: number): TopologyNode {
  if (depth >= Object.keys(LEVELS).length) throw new InputError("deeper than there are levels", { field });
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new InputError(`expected { level, children }, got ${describe(input)}`, { field });
  }
  const { level, memory, children, ...rest } = input as Record<string, unknown>;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw new InputError("no such field", { field: `${field}.${unknown}` });
  if (typeof level !== "string" || !Object.hasOwn(LEVELS, level)) {
    throw new InputError(`expected machine, numa, package, core or thread, got ${describe(level)}`, {
      field: `${field}.level`,
    });
  }
  const node = new TopologyNode(effectiveLevel(LEVELS[level]!, children));
  if (memory !== undefined) {
    if (typeof memory !== "number" || !Number.isInteger(memory) || memory < 0 || memory > 2 ** 31 - 1) {
      throw new InputError(`expected MiB, got ${describe(memory)}`, { field: `${field}.memory` });
    }
    node.memory = memory;
  }
  if (children === undefined) return node;
  if (!Array.isArray(children)) {
    throw new InputError(`expected a list, got ${describe(children)}`, { field: `${field}.children` });
  }
  children.forEach((child: unknown, i) => node.add(tree(child, `${field}.children[${i}]`, depth + 1)));
  return node;
}

/**
 * The level that a node of a tree stands for: a machine whose parts are packages is one NUMA node, a package of threads one core. So a tree may leave out
 * levels of which there is one, and distances are those between the parts that it names.
 */
function effectiveLevel(given: number, children: unknown): number {
  if (!Array.isArray(children) || children.length === 0) return given;
  const below = children.map((child: unknown) => LEVELS[(child as TopologyTree | null)?.level ?? ""] ?? LEVEL_MACHINE);
  const next = Math.min(...below);
  return next > given ? ABOVE[next]! : given;
}

/** Distance of two CPUs: 0 same core, 1 same package, 2 same NUMA node, 3 farther; -1 for one and the same CPU. */
export function distanceOf(topology: Topology, a: number, b: number): number {
  if (a === b) return -1;
  const shared = topology.shared(a, b);
  if (shared === LEVEL_CORE) return 0;
  if (shared === LEVEL_PACKAGE) return 1;
  return shared === LEVEL_NUMA ? 2 : 3;
}

/** A topology in a few words: `16 CPUs: 2 packages, 8 cores each, 2 threads each`. */
export function describeTopology(topology: Topology): string {
  const has = [LEVEL_NUMA, LEVEL_PACKAGE, LEVEL_CORE].map((level) => groupsAt(topology, level));
  const [numa, packages, cores] = has as [number, number, number];
  const parts: string[] = [];
  if (numa > 1) parts.push(`${numa} NUMA nodes`);
  if (packages > 1) parts.push(`${packages} packages`);
  if (cores > 1) parts.push(`${cores} cores`);
  if (topology.cpus > cores) parts.push(`${topology.cpus} threads`);
  const name = topology.cpus === 1 ? "1 CPU" : `${topology.cpus} CPUs`;
  return parts.length === 0 ? name : `${name}: ${parts.join(", ")}`;
}

/** How many different surroundings of a level the CPUs have. */
function groupsAt(topology: Topology, level: number): number {
  let n = 0;
  for (let cpu = 0; cpu < topology.cpus;) {
    const node = topology.around(cpu, level);
    n++;
    cpu = topology.firstCpu[node]! + topology.cpuCount[node]!;
  }
  return n;
}
