/**
 * Versions and patterns for strings.
 *
 * Key functions: `compareVersions`, `matchesPattern`, `bestMatch`. Neighbours: the core's `dewey.ts` and `pattern.ts`.
 * Invariant: strings are read as UTF-8; the rules themselves are in the core.
 */
import { betterName, Pattern, VersionComparer } from "../index.js";

const encoder = new TextEncoder();
const comparer = new VersionComparer();

/** A pattern that cannot be read. `code` is EINVAL (braces, order of bounds) or E2BIG (too many alternatives). */
export class PatternError extends Error {
  override readonly name = "PatternError";

  constructor(
    readonly pattern: string,
    readonly code: "EINVAL" | "E2BIG",
  ) {
    super(
      code === "EINVAL"
        ? `pattern "${pattern}": unbalanced braces, or bounds other than one, or a lower and then an upper one`
        : `pattern "${pattern}": its braces stand for too many patterns (4096, of 1 MiB, in 64 groups)`,
    );
  }
}

/** Compiles a pattern. Throws `PatternError`. */
export function compilePattern(pattern: string): Pattern {
  const bytes = encoder.encode(pattern);
  const p = new Pattern(bytes, 0, bytes.length, comparer);
  if (p.error !== 0) throw new PatternError(pattern, p.error === -22 ? "EINVAL" : "E2BIG");
  return p;
}

/** -1, 0 or 1: the order of two versions, as `1.0nb1` and `1.0.1` (dewey_cmp of pkg_install). */
export function compareVersions(a: string, b: string): -1 | 0 | 1 {
  const x = encoder.encode(a);
  const y = encoder.encode(b);
  return comparer.compare(x, 0, x.length, y, 0, y.length) as -1 | 0 | 1;
}

/** Does the pattern match the package name, as `pkg_admin pmatch` says? Throws `PatternError`. */
export function matchesPattern(pattern: string, name: string): boolean {
  const bytes = encoder.encode(name);
  return compilePattern(pattern).matches(bytes, 0, bytes.length);
}

/**
 * The best of the names that match: the greatest version, and of equal versions the smallest name (pkg_order of pkg_install). Null when none matches.
 * Throws `PatternError`.
 */
export function bestMatch(pattern: string, names: Iterable<string>): string | null {
  const p = compilePattern(pattern);
  let best: string | null = null;
  let bestBytes = new Uint8Array(0);
  for (const name of names) {
    const bytes = encoder.encode(name);
    if (!p.matches(bytes, 0, bytes.length)) continue;
    if (best !== null && betterName(comparer, bytes, 0, bytes.length, bestBytes, 0, bestBytes.length) >= 0) continue;
    best = name;
    bestBytes = bytes;
  }
  return best;
}
