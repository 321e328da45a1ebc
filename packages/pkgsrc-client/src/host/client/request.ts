/**
 * What a caller wants, in strings, made into a request of the core.
 *
 * Key type: {@link ChangeRequest}. Neighbours: `../../plan/request.ts`, `catalog.ts`. Invariant: patterns are checked before anything is planned.
 */
import fs from "node:fs";
import { Request, UpgradeScope, type HostLibraries } from "../../plan/request";
import { PackageError } from "../errors";
import type { Catalog } from "./catalog";

export interface ChangeRequest {
  /** Patterns, names without version, paths in pkgsrc (`www/curl`), or package files (`./foo-1.0.tgz`). One package for each. */
  readonly install?: readonly string[];
  /** Mark what is installed by name as automatic. */
  readonly asAutomatic?: boolean;
  readonly remove?: readonly string[];
  /** Patterns of installed packages, or all kept ones (pkgin upgrade), or all (pkgin full-upgrade). */
  readonly upgrade?: readonly string[] | "kept" | "all";
  /** Remove automatic packages that no kept one needs. */
  readonly autoremove?: boolean;
  /** Take older versions where repositories have them. */
  readonly downgrade?: boolean;
  /** Replace packages that were built again under the same version; default true. */
  readonly refresh?: boolean;
  /** Mend broken dependencies. */
  readonly repair?: boolean;
  /** Heed shared libraries; default true. */
  readonly libraries?: boolean;
  /** Patterns of installed packages that stay as they are. */
  readonly lock?: readonly string[];
  /** Patterns of packages that must not come. */
  readonly exclude?: readonly string[];
}

/** Bases of the package tools: they are upgraded first. */
export const TOOL_BASES: readonly string[] = ["pkg_install", "pkgin", "pkgc"];

/** Patterns that a word of the user can mean. @throws PackageError ENOTFOUND */
export function patternsOf(catalog: Catalog, word: string): string[] {
  if (/^[a-z0-9-]+\/[^/]+$/i.test(word) && !/[<>=*?{[]/.test(word)) {
    const bases = new Set<string>();
    const u = catalog.universe;
    for (let p = 0; p < u.count; p++) {
      if (catalog.text(u.pathAt(p), u.pathLength(p)) === word) bases.add(catalog.baseOf(p));
    }
    if (bases.size === 0) throw new PackageError("ENOTFOUND", `no package was built from ${word}`);
    return [...bases].map((base) => `${base}-[0-9]*`);
  }
  return [word];
}

/** Libraries of the host that no package provides: those that are on disk. */
class DiskLibraries implements HostLibraries {
  private readonly known = new Map<number, boolean>();

  constructor(private readonly catalog: Catalog) {}

  present(library: number): boolean {
    const known = this.known.get(library);
    if (known !== undefined) return known;
    const there = fs.existsSync(this.catalog.libraryText(library));
    this.known.set(library, there);
    return there;
  }
}

/** The request of the core. @throws PackageError ENOTFOUND, PatternError */
export function coreRequest(catalog: Catalog, wanted: ChangeRequest, preserved: readonly number[]): Request {
  const request = new Request();
  const ids = (words: readonly string[] | undefined): number[] =>
    (words ?? []).flatMap((word) => patternsOf(catalog, word)).map((pattern) => catalog.pattern(pattern));
  for (const id of ids(wanted.install)) request.install(id, wanted.asAutomatic !== true);
  for (const id of ids(wanted.remove)) request.remove(id);
  if (wanted.upgrade === "kept") request.scope = UpgradeScope.KEPT;
  else if (wanted.upgrade === "all") request.scope = UpgradeScope.ALL;
  else for (const id of ids(wanted.upgrade)) request.upgrade(id);
  for (const id of ids(wanted.lock)) request.locks.push(id);
  for (const id of ids(wanted.exclude)) request.excludes.push(id);
  for (const p of preserved) request.preserved.push(p);
  for (const base of TOOL_BASES) {
    const bytes = Buffer.from(base, "utf8");
    const id = catalog.universe.findBase(bytes, 0, bytes.length);
    if (id >= 0) request.tools.push(id);
  }
  // People know repositories by their URLs, and where there is one they need no word of it.
  for (const { url } of catalog.repositories) request.repositoryNames.push(catalog.repositories.length > 1 ? url : "");
  request.autoremove = wanted.autoremove ?? false;
  request.downgrade = wanted.downgrade ?? false;
  request.refresh = wanted.refresh ?? true;
  request.repair = wanted.repair ?? false;
  request.libraries = wanted.libraries ?? true;
  request.host = new DiskLibraries(catalog);
  return request;
}
