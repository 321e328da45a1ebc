/**
 * What somebody wants of the package system, before anything is decided.
 *
 * Key types `Request`, `UpgradeScope`, `HostLibraries`. Patterns are ids of `Universe.pattern`.
 * Neighbours: `translate.ts` makes a problem of it, `planner.ts` a plan.
 * Invariant: a request is owned by whoever fills it and is only read by the planner, so the same one can be planned again.
 */
import type { i32 } from "@anax/portable";
import { IntVec } from "../solver/int-vec";

/** Which installed packages are to reach their best version. */
export enum UpgradeScope {
  /** Only those that `upgrade` names. */
  NAMED = 0,
  /** All that are kept; what they need follows as far as it must (pkgin upgrade). */
  KEPT = 1,
  /** All (pkgin full-upgrade). */
  ALL = 2,
}

/** Tells which shared libraries the host has that no package provides, by ids of `Universe.libraries`. */
export interface HostLibraries {
  present(library: i32): boolean;
}

export class Request {
  /** Patterns of which one package each must be there, and whether it is kept then (1) or automatic (0). */
  readonly installs: IntVec = new IntVec();
  readonly installKeeps: IntVec = new IntVec();
  readonly removes: IntVec = new IntVec();
  readonly upgrades: IntVec = new IntVec();
  /** Patterns of installed packages whose automatic flag changes. */
  readonly keeps: IntVec = new IntVec();
  readonly automatics: IntVec = new IntVec();
  /** Patterns of installed packages that stay exactly as they are. */
  readonly locks: IntVec = new IntVec();
  /** Patterns of packages that must not come. */
  readonly excludes: IntVec = new IntVec();
  /** Installed packages with +PRESERVE, by handle: a version of each stays. */
  readonly preserved: IntVec = new IntVec();
  /** Bases of the package tools, by id: what changes in them comes first. */
  readonly tools: IntVec = new IntVec();
  scope: UpgradeScope = UpgradeScope.NAMED;
  /** Whether packages may be replaced by older versions; an upgrade then takes what the repositories have, older or not (as pkgin does). */
  downgrade: boolean = false;
  /** Whether an upgrade also replaces packages of the same name that were built at another time or with other dependencies. */
  refresh: boolean = true;
  /** Removes automatic packages that no kept one needs any more. */
  autoremove: boolean = false;
  /** Mends broken dependencies of installed packages where that removes none. Upgrades of a scope do it anyway. */
  repair: boolean = false;
  /** Whether shared libraries (REQUIRES, PROVIDES) are heeded. */
  libraries: boolean = true;
  /** What explanations call the repositories, by number: "repository 3" when not given, nothing when empty. */
  readonly repositoryNames: string[] = [];
  /** The host's own libraries; without it, what no package provides is taken for present. */
  host: HostLibraries | null = null;

  install(pattern: i32, keep: boolean = true): void {
    this.installs.push(pattern);
    this.installKeeps.push(keep ? 1 : 0);
  }

  remove(pattern: i32): void {
    this.removes.push(pattern);
  }

  upgrade(pattern: i32): void {
    this.upgrades.push(pattern);
  }

  repositoryName(repo: i32): string {
    return repo < this.repositoryNames.length ? this.repositoryNames[repo] : `repository ${repo}`;
  }

  /** Whether only installed packages can be part of the answer. */
  get removesOnly(): boolean {
    return this.installs.length === 0 && !this.upgrading && !this.repair;
  }

  get upgrading(): boolean {
    return this.upgrades.length > 0 || this.scope !== UpgradeScope.NAMED;
  }
}
