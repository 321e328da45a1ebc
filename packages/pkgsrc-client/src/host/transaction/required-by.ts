/**
 * +REQUIRED_BY: which package needs which, kept right through a transaction.
 *
 * pkg_add enters a package with the best installed match of each of its `@pkgdep` patterns (pkg_register_depends); pkg_delete takes it out again.
 * Here the lists after the transaction follow from the packing lists: of what comes, and of those that stay and needed something that goes.
 * Neighbours: `apply.ts`. Invariant: entries between packages that the transaction does not touch are not looked at.
 */
import { bestMatch, matchesPattern } from "../rules";
import { TransactionError } from "./errors";
import { InstalledPackage } from "./installed";
import type { PackingList } from "./packing-list";

/** Names in order, so that a pattern is compared only with those that can match. */
export class NameIndex {
  private readonly names: readonly string[];

  constructor(names: Iterable<string>) {
    this.names = [...names].sort();
  }

  /** Those that begin as the pattern does, up to its first special character. */
  private near(pattern: string): readonly string[] {
    const prefix = /^[^<>=[\]*?{}\\]*/.exec(pattern)![0];
    let low = 0;
    for (let high = this.names.length; low < high;) {
      const middle = (low + high) >>> 1;
      if (this.names[middle]! < prefix) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while (end < this.names.length && this.names[end]!.startsWith(prefix)) end++;
    return this.names.slice(low, end);
  }

  /** The best name that the pattern matches, null for none. @throws PatternError */
  best(pattern: string): string | null {
    return bestMatch(pattern, this.near(pattern));
  }

  /** All names that the pattern matches. @throws PatternError */
  all(pattern: string): string[] {
    return this.near(pattern).filter((name) => matchesPattern(pattern, name));
  }
}

export interface Requirements {
  /** New lines of +REQUIRED_BY for packages whose lines change, by full name; no lines when nobody is left. */
  readonly lines: ReadonlyMap<string, readonly string[]>;
}

/**
 * @param before names of the installed packages
 * @param going names that leave
 * @param coming packing lists of what comes
 * @throws TransactionError EDEPENDENCY when a dependency of what comes, or one that was fulfilled before, would be missing
 */
export function requirementsAfter(
  dbdir: string,
  before: readonly string[],
  going: ReadonlySet<string>,
  coming: readonly PackingList[],
  destdir = "",
): Requirements {
  const after = [...before.filter((name) => !going.has(name)), ...coming.map((list) => list.name)];
  const index = new NameIndex(after);
  const stays = new Set(before.filter((name) => !going.has(name)));
  const added = new Map<string, Set<string>>();
  const missing: string[] = [];
  const enter = (name: string, depends: readonly string[], mustHave: (pattern: string) => boolean): void => {
    for (const pattern of depends) {
      const found = index.best(pattern);
      if (found === null) {
        if (mustHave(pattern)) missing.push(`${name} needs ${pattern}`);
        continue;
      }
      const list = added.get(found);
      if (list === undefined) added.set(found, new Set([name]));
      else list.add(name);
    }
  };
  for (const list of coming) enter(list.name, list.depends, () => true);
  // Those that stay and have to look for another package now.
  const orphans = new Set<string>();
  for (const name of going) {
    for (const line of new InstalledPackage(dbdir, name, destdir).requiredBy) if (stays.has(line)) orphans.add(line);
  }
  const leaving = new NameIndex(going);
  for (const name of orphans) {
    const depends = new InstalledPackage(dbdir, name, destdir).list.depends;
    // A dependency that was missing before is not this transaction's doing.
    enter(name, depends, (pattern) => leaving.best(pattern) !== null);
  }
  if (missing.length > 0) {
    throw new TransactionError("EDEPENDENCY", "packages would be without what they depend on", missing);
  }
  const lines = new Map<string, readonly string[]>();
  const comingNames = new Set(coming.map((list) => list.name));
  for (const name of after) {
    const more = added.get(name);
    if (comingNames.has(name)) {
      lines.set(name, [...(more ?? [])].sort());
      continue;
    }
    // Untouched packages are read only when they can be concerned.
    const old = new InstalledPackage(dbdir, name, destdir).requiredBy;
    const kept = old.filter((line) => !going.has(line));
    const next = [...new Set([...kept, ...(more ?? [])])];
    if (next.length !== old.length || next.some((line, i) => line !== old[i])) lines.set(name, next);
  }
  return { lines };
}
