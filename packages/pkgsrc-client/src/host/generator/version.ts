/**
 * Versions of generated packages, and the bounds that dependencies put on them.
 *
 * Key type: `Version`. Neighbours: `world.ts`, `evolve.ts`. Invariant: each bump gives a version that Dewey's rules put behind the old one.
 */
import type { Random } from "./random";

export interface Version {
  readonly parts: readonly number[];
  /** `rc1`, `a`, `beta2`, `pl3` or nothing. */
  readonly suffix: string;
  /** Package revision; 0 is not written. */
  readonly revision: number;
}

export function versionText(v: Version): string {
  return v.parts.join(".") + v.suffix + (v.revision > 0 ? `nb${v.revision}` : "");
}

export function randomVersion(random: Random): Version {
  const revision = random.chance(390) ? random.between(1, 12) : 0;
  if (random.chance(60)) {
    const parts = [random.between(2005, 2026) * 10000 + random.between(1, 12) * 100 + random.between(1, 28)];
    return { parts, suffix: "", revision };
  }
  const parts = [random.skewed(12)];
  const length = random.between(1, 3);
  for (let i = 1; i <= length; i++) parts.push(random.skewed(40));
  if (!parts.some((p) => p > 0)) parts[parts.length - 1] = 1;
  const suffix = random.chance(30) ? random.pick(["rc1", "beta2", "alpha1", "a", "c", "pl3"]) : "";
  return { parts, suffix, revision };
}

/** What changed between two versions of a package. */
export type Bump = "major" | "minor" | "patch" | "revision";

export function bumped(v: Version, bump: Bump): Version {
  if (bump === "revision") return { ...v, revision: v.revision + 1 };
  const parts = [...v.parts];
  const at = bump === "major" ? 0 : bump === "minor" ? Math.min(1, parts.length - 1) : parts.length - 1;
  parts[at]!++;
  for (let i = at + 1; i < parts.length; i++) parts[i] = 0;
  return { parts, suffix: "", revision: 0 };
}

/** The same version one step back: what a package that was downgraded has. */
export function lowered(v: Version): Version {
  const at = v.parts.findIndex((p) => p > 0);
  if (at < 0) return v;
  return { parts: v.parts.map((p, i) => (i === at ? p - 1 : p)), suffix: "", revision: 0 };
}

/** A lower bound that `v` holds: its first parts, or all of it. */
export function lowerBound(v: Version, random: Random): string {
  // A version with alpha, beta or rc is below its own numbers.
  if (v.suffix !== "" || random.chance(300)) return versionText(v);
  return v.parts.slice(0, random.between(1, v.parts.length)).join(".");
}

/** An upper bound above `v`. */
export function upperBound(v: Version): string {
  return String(v.parts[0]! + 1);
}
