/**
 * The next quarter of a world: packages are updated, rebuilt, renamed, removed and added, as between two branches of pkgsrc.
 *
 * A package that depends on one that was renamed, or on one whose new version its pattern no longer matches, is rebuilt with a new pattern and a greater revision.
 * Key function: `evolve`. Neighbours: `world.ts`. Invariant: that of `world.ts` holds for the result.
 */
import { matchesPattern } from "../rules";
import { word } from "./names";
import { Random } from "./random";
import { type Bump, bumped, lowered, type Version, versionText } from "./version";
import {
  buildDate,
  type Dependency,
  dependencyPattern,
  type GeneratedPackage,
  generateWorld,
  type World,
} from "./world";

/** Shares are of 1000 packages. */
export interface EvolveOptions {
  /** Default 2. */
  seed?: number;
  /** New versions; default 350. */
  updated?: number;
  /** Built again with the same name; default 100. */
  rebuilt?: number;
  /** Went back to an older version; default 3. */
  lowered?: number;
  /** Under a new name that supersedes the old one; default 5. */
  renamed?: number;
  /** Gone, of those that nobody needs; default 10. */
  removed?: number;
  /** New ones that depend on old ones; default 20. */
  added?: number;
  /** Days until the next build; default 90. */
  days?: number;
}

export function evolve(world: World, options: EvolveOptions = {}): World {
  const o = {
    seed: 2,
    updated: 350,
    rebuilt: 100,
    lowered: 3,
    renamed: 5,
    removed: 10,
    added: 20,
    days: 90,
    ...options,
  };
  const day = world.options.day + o.days;
  const random = new Random(o.seed, "evolve");
  const needed = new Set(world.packages.flatMap((p) => p.dependencies.map((d) => d.on)));
  /** New index by old one; -1 for what is gone. */
  const moved: number[] = [];
  const packages: GeneratedPackage[] = [];
  world.packages.forEach((p, i) => {
    const r = new Random(o.seed, `evolve ${p.name}`);
    if (!needed.has(i) && r.chance(o.removed)) {
      moved.push(-1);
      return;
    }
    const date = buildDate(day, Math.floor(i / 20));
    let next = changed(p, r, o, date);
    const { dependencies, isNew } = rewritten(next, world, packages, moved, r);
    if (isNew && next.name === p.name) next = renamedTo(next, p.base, bumped(p.version, "revision"), date);
    moved.push(packages.length);
    packages.push({ ...next, dependencies });
  });
  const count = Math.floor((world.packages.length * o.added) / 1000);
  const names = new Set(packages.map((p) => p.base));
  for (const p of generateWorld({ ...world.options, packages: count, seed: o.seed + 1_000_003, day, olderVersions: 0 })
    .packages) {
    if (names.has(p.base)) continue;
    const on = random.below(packages.length);
    const dependency: Dependency = { on, shape: "any", pattern: dependencyPattern(packages[on]!, "any", random) };
    packages.push({ ...p, dependencies: [dependency], conflicts: [], requires: [], provides: [] });
  }
  return { options: { ...world.options, packages: packages.length, day }, packages };
}

function renamedTo(p: GeneratedPackage, base: string, version: Version, date: string): GeneratedPackage {
  return { ...p, base, version, name: `${base}-${versionText(version)}`, date };
}

function changed(p: GeneratedPackage, r: Random, o: Required<EvolveOptions>, date: string): GeneratedPackage {
  if (r.chance(o.renamed)) {
    const base = p.base.replace(/[^-]*$/, "") + word(r, 4);
    const next = renamedTo(p, base, bumped(p.version, "minor"), date);
    return { ...next, path: `${p.category}/${base}`, supersedes: [`${p.base}-[0-9]*`] };
  }
  if (r.chance(o.lowered)) return renamedTo(p, p.base, lowered(p.version), date);
  if (r.chance(o.updated)) {
    const n = r.below(1000);
    const bump: Bump = n < 40 ? "major" : n < 350 ? "minor" : n < 700 ? "patch" : "revision";
    return renamedTo(p, p.base, bumped(p.version, bump), date);
  }
  return r.chance(o.rebuilt) ? { ...p, date } : p;
}

/** The dependencies of `p` on the new packages, and whether one of them had to be written anew. */
function rewritten(
  p: GeneratedPackage,
  world: World,
  packages: readonly GeneratedPackage[],
  moved: readonly number[],
  r: Random,
): { dependencies: Dependency[]; isNew: boolean } {
  let isNew = false;
  const dependencies = p.dependencies.map((d) => {
    const on = moved[d.on]!;
    const target = packages[on]!;
    if (target.name === world.packages[d.on]!.name || matchesPattern(d.pattern, target.name)) return { ...d, on };
    isNew = true;
    return { on, shape: d.shape, pattern: dependencyPattern(target, d.shape, r) };
  });
  return { dependencies, isNew };
}
