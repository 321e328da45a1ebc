/**
 * Packages as strings and objects: the universe of the core, for programs that ask.
 *
 * Key types: {@link Catalog}, {@link PackageInfo}. Neighbours: `../../universe.ts` holds the facts, `../universe/` reads and searches them.
 * Invariant: handles of the universe do not leave this folder and `plan.ts`.
 */
import { INSTALLED, type Universe } from "../../universe";
import { PatternError } from "../rules";
import { searchPackages, type SearchOptions } from "../universe/search";
import { libraryText, packageBase, packageFields, packageName, patternId, patternText, textAt } from "../universe/view";
import type { RepositoryConfig } from "./config";

/** What is known of a package without opening it. */
export interface PackageSummary {
  /** Full name, `NAME-VERSION`. */
  readonly name: string;
  readonly base: string;
  readonly version: string;
  readonly comment: string;
  /** URL of the repository, null for an installed package. */
  readonly repository: string | null;
  /** For an installed package: was it installed for another's sake? */
  readonly automatic: boolean;
  /** Bytes of its files, 0 when unknown. */
  readonly size: number;
  /** Bytes of the archive, -1 when unknown. */
  readonly fileSize: number;
}

/** All of it. */
export interface PackageInfo extends PackageSummary {
  readonly pkgpath: string;
  readonly buildDate: string;
  readonly categories: readonly string[];
  readonly homepage: string;
  readonly license: string;
  readonly opsys: string;
  readonly osVersion: string;
  readonly machineArch: string;
  readonly fileName: string;
  readonly description: string;
  readonly options: string;
  readonly depends: readonly string[];
  readonly conflicts: readonly string[];
  readonly supersedes: readonly string[];
  readonly provides: readonly string[];
  readonly requires: readonly string[];
  /** Variables that this client does not know, every value. */
  readonly other: Readonly<Record<string, readonly string[]>>;
}

/** A package of a search, with what is installed of it. */
export interface SearchResult extends PackageSummary {
  /** Version that is installed, null for none. */
  readonly installed: string | null;
  /** How the installed version compares: "=" the same, "<" the found one is newer, ">" it is older, "" not installed (as pkgin's flags). */
  readonly state: "" | "=" | "<" | ">";
}

const KNOWN = new Set(
  (
    "PKGNAME COMMENT SIZE_PKG FILE_SIZE PKGPATH BUILD_DATE CATEGORIES HOMEPAGE LICENSE OPSYS OS_VERSION MACHINE_ARCH FILE_NAME DESCRIPTION PKG_OPTIONS " +
    "DEPENDS CONFLICTS SUPERSEDES PROVIDES REQUIRES"
  ).split(" "),
);

export class Catalog {
  readonly universe: Universe;
  private readonly list: RepositoryConfig[];

  constructor(universe: Universe, repositories: readonly RepositoryConfig[]) {
    this.universe = universe;
    this.list = [...repositories];
  }

  /** By number of the universe. */
  get repositories(): readonly RepositoryConfig[] {
    return this.list;
  }

  /** Adds a repository from the text of its summary. */
  addRepository(repository: RepositoryConfig, summary: Uint8Array): void {
    const u = this.universe;
    u.beginSummary(u.addRepository(repository.priority));
    u.addSummary(summary, 0, summary.length);
    u.endSummary();
    this.list.push(repository);
  }

  text(at: number, length: number): string {
    return textAt(this.universe.arena.bytes, at, length);
  }

  nameOf(p: number): string {
    return packageName(this.universe, p);
  }

  baseOf(p: number): string {
    return packageBase(this.universe, p);
  }

  patternText(id: number): string {
    return patternText(this.universe, id);
  }

  libraryText(id: number): string {
    return libraryText(this.universe, id);
  }

  /** The handle of a package by its full name and its repository (null: installed), -1 for none. */
  find(name: string, repository: string | null): number {
    for (const p of this.matching(name)) {
      if (this.nameOf(p) === name && (this.repositoryOf(p)?.url ?? null) === repository) return p;
    }
    return -1;
  }

  summary(p: number): PackageSummary {
    const u = this.universe;
    return {
      name: this.nameOf(p),
      base: this.baseOf(p),
      version: this.text(u.versionAt(p), u.versionLength(p)),
      comment: this.text(u.commentAt(p), u.commentLength(p)),
      repository: this.repositoryOf(p)?.url ?? null,
      automatic: u.isAutomatic(p),
      size: u.sizeOf(p),
      fileSize: u.fileSizeOf(p),
    };
  }

  repositoryOf(p: number): RepositoryConfig | null {
    const repo = this.universe.repoOf(p);
    return repo === INSTALLED ? null : this.repositories[repo]!;
  }

  /** Every variable of the record, in order, with all its values. @throws PackageError EBADDATA when the index file lost it */
  record(p: number): Map<string, string[]> {
    const out = new Map<string, string[]>();
    for (const [name, value] of packageFields(this.universe, p)) {
      const known = out.get(name);
      if (known === undefined) out.set(name, [value]);
      else known.push(value);
    }
    return out;
  }

  info(p: number): PackageInfo {
    const record = this.record(p);
    const all = (name: string): readonly string[] => record.get(name) ?? [];
    const one = (name: string): string => all(name)[0] ?? "";
    const other: Record<string, readonly string[]> = {};
    for (const [name, values] of record) if (!KNOWN.has(name)) other[name] = values;
    return {
      ...this.summary(p),
      pkgpath: one("PKGPATH"),
      buildDate: one("BUILD_DATE"),
      categories: one("CATEGORIES")
        .split(/\s+/)
        .filter((c) => c !== ""),
      homepage: one("HOMEPAGE"),
      license: one("LICENSE"),
      opsys: one("OPSYS"),
      osVersion: one("OS_VERSION"),
      machineArch: one("MACHINE_ARCH"),
      fileName: one("FILE_NAME"),
      description: all("DESCRIPTION").join("\n"),
      options: one("PKG_OPTIONS"),
      depends: all("DEPENDS"),
      conflicts: all("CONFLICTS"),
      supersedes: all("SUPERSEDES"),
      provides: all("PROVIDES"),
      requires: all("REQUIRES"),
      other,
    };
  }

  /**
   * The id of a pattern. A name without version stands for all its versions, as for pkg_info and pkgin.
   * @throws PatternError
   */
  pattern(text: string): number {
    const id = patternId(this.universe, text);
    if (this.universe.patternOf(id).error !== 0) throw new PatternError(text, "EINVAL");
    return id;
  }

  /** Handles of the packages that the pattern matches, best first. */
  matching(text: string): number[] {
    const id = this.pattern(text);
    const out: number[] = [];
    const n = this.universe.candidates(id);
    for (let i = 0; i < n; i++) out.push(this.universe.candidate(id, i));
    return out;
  }

  installed(): number[] {
    const out: number[] = [];
    for (let p = 0; p < this.universe.count; p++) if (this.universe.isInstalled(p)) out.push(p);
    return out;
  }

  available(): number[] {
    const out: number[] = [];
    for (let p = 0; p < this.universe.count; p++) if (!this.universe.isInstalled(p)) out.push(p);
    return out;
  }

  /** The best package of each base that repositories have, in byte order of the bases. */
  bestAvailable(): number[] {
    const u = this.universe;
    const out: number[] = [];
    for (let base = 0; base < u.bases.count; base++) {
      const n = u.packagesOf(base);
      for (let i = 0; i < n; i++) {
        const p = u.packageOf(base, i);
        if (u.isInstalled(p)) continue;
        out.push(p);
        break;
      }
    }
    return out;
  }

  searchResult(p: number): SearchResult {
    const u = this.universe;
    const installed = u.installedOf(u.baseOf(p));
    const order = installed < 0 ? 0 : u.compareVersions(p, installed);
    return {
      ...this.summary(p),
      installed: installed < 0 ? null : this.text(u.versionAt(installed), u.versionLength(installed)),
      state: installed < 0 ? "" : order === 0 ? "=" : order > 0 ? "<" : ">",
    };
  }

  /** The best package of each name that answers, by name. @throws PackageError EINVAL */
  search(question: string, options: SearchOptions = {}): SearchResult[] {
    const out: SearchResult[] = [];
    let last = -1;
    for (const p of searchPackages(this.universe, question, options)) {
      const base = this.universe.baseOf(p);
      if (base !== last) out.push(this.searchResult(p));
      last = base;
    }
    return out;
  }
}
