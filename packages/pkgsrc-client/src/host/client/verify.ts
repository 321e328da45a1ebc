/**
 * Installed files against their packing lists (pkg_admin check): contents, links, missing files; and the database itself.
 *
 * Neighbours: `../transaction/packing-list.ts`. Invariant: reads only; a package that cannot be understood is a finding, not a failure.
 */
import fs from "node:fs";
import path from "node:path";
import { bestMatch } from "../rules";
import { isChanged } from "../transaction/apply";
import { InstalledPackage, installedNames } from "../transaction/installed";
import { lstatOrNull } from "../transaction/ops";
import { filesOf } from "../transaction/packing-list";
import { NameIndex } from "../transaction/required-by";

export interface Finding {
  readonly package: string;
  readonly kind:
    /** The file is not there. */
    | "missing"
    /** Another content, or a link that leads elsewhere. */
    | "changed"
    /** A dependency that no installed package meets. */
    | "dependency"
    /** +REQUIRED_BY names a package that is not installed, or lacks one that is. */
    | "required-by"
    /** The entry of the database cannot be understood. */
    | "entry";
  /** The file, the pattern, the package, or the reason. */
  readonly what: string;
}

export interface Verification {
  readonly packages: number;
  readonly files: number;
  readonly findings: readonly Finding[];
}

/**
 * Checks installed packages.
 * @param names which ones; all when empty
 * @param progress called after each package
 */
export function verifyInstalled(
  dbdir: string,
  destdir: string,
  names: readonly string[],
  progress: (done: number, count: number) => void = () => undefined,
): Verification {
  const all = installedNames(dbdir);
  const index = new NameIndex(all);
  const chosen = names.length === 0 ? all : names;
  const findings: Finding[] = [];
  let files = 0;
  const requiredBy = new Map<string, Set<string>>();
  for (const name of names.length === 0 ? all : []) requiredBy.set(name, new Set());
  for (const [i, name] of chosen.entries()) {
    const one = new InstalledPackage(dbdir, name, destdir);
    try {
      for (const item of filesOf(one.list)) {
        files++;
        const stat = lstatOrNull(item.target);
        if (stat === null) findings.push({ package: name, kind: "missing", what: item.target });
        else if (isChanged(item, stat)) findings.push({ package: name, kind: "changed", what: item.target });
      }
      for (const pattern of one.list.depends) {
        const found = index.best(pattern);
        if (found === null) findings.push({ package: name, kind: "dependency", what: pattern });
        else requiredBy.get(found)?.add(name);
      }
      if (one.list.name !== name)
        findings.push({ package: name, kind: "entry", what: `is called ${one.list.name} in its packing list` });
    } catch (error) {
      findings.push({ package: name, kind: "entry", what: error instanceof Error ? error.message : String(error) });
    }
    progress(i + 1, chosen.length);
  }
  for (const [name, needed] of requiredBy) {
    const lines = new InstalledPackage(dbdir, name, destdir).requiredBy;
    for (const line of lines) {
      // Alternatives may have been entered with several packages; only what cannot be right is told.
      const known = needed.has(line) || (all.includes(line) && dependsOn(dbdir, line, name, destdir));
      if (!known) findings.push({ package: name, kind: "required-by", what: `names ${line}, which does not need it` });
    }
    for (const other of needed) {
      if (!lines.includes(other)) findings.push({ package: name, kind: "required-by", what: `does not name ${other}` });
    }
  }
  return { packages: chosen.length, files, findings };
}

function dependsOn(dbdir: string, name: string, other: string, destdir: string): boolean {
  try {
    return new InstalledPackage(dbdir, name, destdir).list.depends.some(
      (pattern) => bestMatch(pattern, [other]) !== null,
    );
  } catch {
    return false;
  }
}

/** Directories of the database that are no packages: half of an installation by another tool. */
export function strayEntries(dbdir: string): string[] {
  if (!fs.existsSync(dbdir)) return [];
  return fs
    .readdirSync(dbdir, { withFileTypes: true })
    .filter(
      (entry) =>
        entry.isDirectory() && !entry.name.startsWith(".") && !fs.existsSync(path.join(dbdir, entry.name, "+CONTENTS")),
    )
    .map((entry) => path.join(dbdir, entry.name));
}
