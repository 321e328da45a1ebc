/**
 * Repositories that do not exist: packages like pkgsrc's, of any number, the same ones for the same seed.
 *
 * Shape: the first packages are libraries and interpreters that many others need; each package depends on some before it, so there is no cycle; a part
 * belongs to families (Python modules in three versions, ...). Dependencies are mostly lower bounds, some `-[0-9]*`, some ranges, few alternatives.
 * Libraries provide shared objects that their dependents require. Some packages conflict with a sibling, some supersede an older name.
 *
 * Key types: `World`, `GeneratedPackage`, `WorldOptions`. Neighbours: `summary.ts` writes it, `evolve.ts` makes the next one of it, `files.ts` its packages.
 * Invariant: every dependency is satisfied by a package of the world, and depends on packages before it alone.
 */
import { CATEGORIES, FAMILIES, LICENSES, NameMaker, sentence, word } from "./names";
import { Random } from "./random";
import { lowerBound, lowered, randomVersion, upperBound, type Version, versionText } from "./version";

/** How a dependency is written. */
export type DependencyShape = "atLeast" | "any" | "range" | "exact" | "either";

export interface Dependency {
  /** Index of the package that it was built against. */
  readonly on: number;
  readonly shape: DependencyShape;
  readonly pattern: string;
}

export interface GeneratedPackage {
  readonly base: string;
  readonly version: Version;
  /** PKGNAME. */
  readonly name: string;
  readonly category: string;
  /** PKGPATH. */
  readonly path: string;
  readonly comment: string;
  readonly description: readonly string[];
  readonly homepage: string;
  readonly license: string;
  readonly options: string;
  /** Patterns of DEPENDS are those of `dependencies`. */
  readonly dependencies: readonly Dependency[];
  readonly conflicts: readonly string[];
  readonly supersedes: readonly string[];
  readonly requires: readonly string[];
  readonly provides: readonly string[];
  /** Bytes installed. */
  readonly size: number;
  /** Bytes of the archive. */
  readonly fileSize: number;
  /** BUILD_DATE. */
  readonly date: string;
}

export interface World {
  readonly options: Required<WorldOptions>;
  readonly packages: readonly GeneratedPackage[];
}

export interface WorldOptions {
  /** Packages; default 1000. */
  packages?: number;
  /** Default 1. */
  seed?: number;
  /** Dependencies of a package, on average; default 5. */
  dependencies?: number;
  /** Packages of 1000 of which an older version is offered too; default 3. */
  olderVersions?: number;
  /** Packages of 1000 with a conflict; default 50. */
  conflicts?: number;
  /** Packages of 1000 that supersede another name; default 20. */
  supersedes?: number;
  /** Packages of 1000 that belong to families (languages); default 670. */
  families?: number;
  /** Lines of DESCRIPTION, on average; default 9. */
  descriptionLines?: number;
  /** Where packages go; default `/usr/pkg`. */
  prefix?: string;
  /** OPSYS, OS_VERSION and MACHINE_ARCH. */
  opsys?: string;
  osVersion?: string;
  arch?: string;
  /** Day of the first build, days after 2026-01-01; default 0. */
  day?: number;
}

export function worldOptions(o: WorldOptions): Required<WorldOptions> {
  return {
    packages: 1000,
    seed: 1,
    dependencies: 5,
    olderVersions: 3,
    conflicts: 50,
    supersedes: 20,
    families: 670,
    descriptionLines: 9,
    prefix: "/usr/pkg",
    opsys: "NetBSD",
    osVersion: "10.1",
    arch: "x86_64",
    day: 0,
    ...o,
  };
}

/** A build date, `minutes` after the start of day `day`. */
export function buildDate(day: number, minutes: number): string {
  const at = new Date(Date.UTC(2026, 0, 1 + day, 0, minutes, minutes % 60));
  return `${at.toISOString().slice(0, 10)} ${at.toISOString().slice(11, 19)} +0000`;
}

/**
 * How a dependency on `p` of the given shape is written. Most dependents of a package write it in the same way (in pkgsrc a file of the package says how),
 * some ask for a version of their own.
 */
export function dependencyPattern(p: GeneratedPackage, shape: DependencyShape, random: Random): string {
  const own = random.chance(80) ? random : new Random(p.size, p.name);
  switch (shape) {
    case "any":
      return `${p.base}-[0-9]*`;
    case "range":
      return `${p.base}>=${lowerBound(p.version, own)}<${upperBound(p.version)}`;
    case "exact":
      return `${p.name}{,nb[0-9]*}`;
    case "either":
      return `{${p.base}>=${lowerBound(p.version, own)},${word(own, 3)}-[0-9]*}`;
    case "atLeast":
      return `${p.base}>=${lowerBound(p.version, own)}`;
  }
}

/** What the base of a generated package is before it has a place in a world. */
interface Plan {
  base: string;
  category: string;
  /** Index of the interpreter, and of the members of the same family and prefix before it; -1 for none. */
  interpreter: number;
  family: number;
}

/** Makes a world. The same options give the same world. */
export function generateWorld(options: WorldOptions = {}): World {
  const o = worldOptions(options);
  const random = new Random(o.seed, "world");
  const older = Math.floor((o.packages * o.olderVersions) / 1000);
  const plans = planBases(o, o.packages - older, random.fork("names"));
  const packages: GeneratedPackage[] = [];
  const members = new Map<number, number[]>();
  plans.forEach((plan, i) => {
    const own = members.get(plan.family) ?? [];
    packages.push(makePackage(o, random.fork(`package ${plan.base}`), plan, i, packages, own));
    if (plan.family >= 0) members.set(plan.family, [...(own.length > 400 ? own.slice(1) : own), i]);
  });
  addOlderVersions(o, random.fork("older"), packages);
  return { options: o, packages };
}

function planBases(o: Required<WorldOptions>, count: number, random: Random): Plan[] {
  const names = new NameMaker(random);
  const plans: Plan[] = [];
  // A tenth are libraries and tools that come first; the interpreters are among them.
  const core = Math.max(1, Math.floor(count / 10));
  while (plans.length < core) {
    plans.push({ base: names.fresh(), category: random.pick(CATEGORIES), interpreter: -1, family: -1 });
  }
  const interpreters = new Map<string, number>();
  FAMILIES.forEach((family) => {
    for (const name of family.interpreters) {
      const at = interpreters.size + Math.floor(core / 8);
      if (o.families === 0 || at >= core || !names.take(name)) continue;
      plans[at] = { base: name, category: "lang", interpreter: -1, family: -1 };
      interpreters.set(name, at);
    }
  });
  const total = FAMILIES.reduce((sum, f) => sum + f.share, 0);
  while (plans.length < count) {
    if (!random.chance(o.families)) {
      plans.push({ base: names.fresh(), category: random.pick(CATEGORIES), interpreter: -1, family: -1 });
      continue;
    }
    let ticket = random.below(total);
    const kind = FAMILIES.findIndex((f) => (ticket -= f.share) < 0);
    const family = FAMILIES[kind]!;
    const name = names.fresh(family.prefixes);
    family.prefixes.forEach((prefix, k) => {
      const interpreter = interpreters.get(family.interpreters[k]!) ?? -1;
      if (plans.length < count)
        plans.push({ base: prefix + name, category: family.category, interpreter, family: kind * 8 + k });
    });
  }
  return plans;
}

function makePackage(
  o: Required<WorldOptions>,
  random: Random,
  plan: Plan,
  index: number,
  before: readonly GeneratedPackage[],
  siblings: readonly number[],
): GeneratedPackage {
  const version = randomVersion(random);
  const on = new Set<number>();
  if (plan.interpreter >= 0) on.add(plan.interpreter);
  // From none to twice the average, so that small packages and large ones exist.
  const wanted = index === 0 ? 0 : random.between(0, o.dependencies * 2);
  for (let i = 0; i < wanted; i++) {
    const inFamily = siblings.length > 0 && random.chance(600);
    const d = inFamily
      ? random.pick(siblings)
      : random.skewed(Math.min(index, Math.max(1, Math.floor(o.packages / 4))));
    // Nobody needs a package that is in conflict with another one of this world.
    if (before[d]!.conflicts.length < 2) on.add(d);
  }
  const dependencies: Dependency[] = [...on].map((d) => {
    const shape = dependencyShape(before[d]!, random);
    return { on: d, shape, pattern: dependencyPattern(before[d]!, shape, random) };
  });
  const isLibrary = plan.base.startsWith("lib") || (index < o.packages / 10 && random.chance(500));
  const so = `${o.prefix}/lib/lib${plan.base.replace(/^lib/, "")}.so.${version.parts[0]}`;
  const requires = ["/usr/lib/libc.so.12", ...dependencies.flatMap((d) => before[d.on]!.provides.slice(0, 1))];
  const size = (random.skewed(40_000) + 10) * 1024 + random.below(1024);
  const category = plan.category;
  return {
    base: plan.base,
    version,
    name: `${plan.base}-${versionText(version)}`,
    category,
    path: `${category}/${plan.base}`,
    comment: sentence(random, 6),
    description: Array.from({ length: random.between(2, o.descriptionLines * 2 - 2) }, (_, i) =>
      i % 5 === 4 ? "" : sentence(random, 10),
    ),
    homepage: `https://www.${plan.base.toLowerCase()}.example/`,
    license: random.pick(LICENSES),
    options: random.chance(250) ? random.pick(["inet6", "inet6 ssl", "x11 -debug", "nls"]) : "",
    dependencies,
    conflicts:
      index > 0 && random.chance(o.conflicts)
        ? [`${word(random, 3)}-[0-9]*`, ...siblingConflict(random, before, on, index)]
        : [],
    supersedes: random.chance(o.supersedes) ? [`${word(random, 3)}<${version.parts[0]! + 1}`] : [],
    requires: random.chance(600) ? [...new Set(requires)] : [],
    provides: isLibrary ? [so, ...(random.chance(300) ? [so.replace(".so.", "-extra.so.")] : [])] : [],
    size,
    fileSize: Math.floor(size / 3) + random.below(2048),
    date: buildDate(o.day, Math.floor(index / 20)),
  };
}

function dependencyShape(p: GeneratedPackage, random: Random): DependencyShape {
  const own = random.chance(40) ? random : new Random(p.size, p.base);
  const n = own.below(1000);
  if (n < 700) return "atLeast";
  if (n < 940) return "any";
  if (n < 994) return "range";
  return n < 997 ? "exact" : "either";
}

/** A package before this one that it cannot live beside: one that nothing of it needs. */
function siblingConflict(
  random: Random,
  before: readonly GeneratedPackage[],
  on: ReadonlySet<number>,
  index: number,
): string[] {
  const other = index - 1 - random.below(Math.min(index, 3));
  const needed = (i: number, depth: number): boolean =>
    i === other || (depth > 0 && before[i]!.dependencies.some((d) => d.on >= other && needed(d.on, depth - 1)));
  // A package in the first tenth is needed by too many to be in anybody's way.
  if (other < index / 2 || [...on].some((i) => needed(i, 12))) return [];
  return before[other]!.provides.length > 0 ? [] : [`${before[other]!.base}-[0-9]*`];
}

/** Adds an older version of some packages until the world is full. */
function addOlderVersions(o: Required<WorldOptions>, random: Random, packages: GeneratedPackage[]): void {
  const newest = packages.length;
  while (packages.length < o.packages) {
    const p = packages[random.below(newest)]!;
    const version = lowered(p.version);
    packages.push({
      ...p,
      version,
      name: `${p.base}-${versionText(version)}`,
      conflicts: [],
      supersedes: [],
      date: buildDate(o.day - 90, packages.length - newest),
    });
  }
}
