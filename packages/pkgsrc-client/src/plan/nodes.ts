/**
 * The packages that can matter for a request, as nodes of a problem.
 *
 * Key type `Nodes`. Neighbours: `translate.ts` (the rest of the problem), `request.ts`, `../universe.ts`.
 * - All versions of every installed base take part, all that could satisfy a dependency of what takes part, and all that supersedes an installed
 *   package: nothing that is left out could be in a solution that is better.
 * - An available package that is the very build that is installed, or that an earlier repository has, is the same node.
 * - Older versions than the installed one are banned unless the request allows downgrades.
 * Invariant: nodes of one base follow each other, best first.
 */
import type { i32 } from "@anax/portable";
import { IntVec } from "../solver/int-vec";
import { PKG_BANNED, PKG_INSTALLED, PKG_KEPT, PKG_LOCKED, PKG_OLDER, PKG_PRESERVED, Problem } from "../solver/problem";
import type { Universe } from "../universe";
import type { Request } from "./request";

export class Nodes {
  readonly problem: Problem = new Problem();
  /** The node of a handle, or -1. */
  readonly nodeOf: Int32Array;
  /** Handles by node. */
  readonly packages: IntVec = new IntVec(256);
  /** Installed packages, by handle, in the order of loading. */
  readonly installed: IntVec = new IntVec(256);
  private readonly entered: Uint8Array;
  /** By pattern and by library: 1 when everything that matches or provides it was entered. */
  private readonly patternsDone: Uint8Array;
  private readonly librariesDone: Uint8Array;
  /** By handle: 1 for an installed package that a repository has just so. */
  readonly offered: Uint8Array;
  /** Whether the base that is entered has packages that are the installed one, which has no node yet. */
  private unmapped: boolean = false;
  /** Superseders of installed packages, pairwise: the newer handle, the older one, the pattern. */
  readonly replacements: IntVec = new IntVec();

  constructor(
    readonly universe: Universe,
    readonly request: Request,
  ) {
    const nodes = new Int32Array(universe.count);
    nodes.fill(-1);
    this.nodeOf = nodes;
    this.entered = new Uint8Array(universe.bases.count);
    this.patternsDone = new Uint8Array(universe.patterns.count);
    this.librariesDone = new Uint8Array(universe.libraries.count);
    this.offered = new Uint8Array(universe.count);
    for (let p = 0; p < universe.count; p++) if (universe.isInstalled(p)) this.installed.push(p);
  }

  /** Finds the packages and makes the nodes, with their flags. */
  enterPackages(): void {
    this.findReplacements();
    this.enterAll();
    this.setFlags();
  }

  /** Whether two packages of one name count as the same: no refresh would tell them apart. */
  private same(p: i32, q: i32): boolean {
    const u = this.universe;
    if (!u.sameName(p, q)) return false;
    if (!this.request.refresh && (u.isInstalled(p) || u.isInstalled(q))) return true;
    if (!u.sameBuild(p, q) || u.dependCount(p) !== u.dependCount(q)) return false;
    // The order of DEPENDS differs between a summary and an installed package.
    for (let i = 0; i < u.dependCount(p); i++) {
      let found = false;
      for (let k = 0; k < u.dependCount(q) && !found; k++) found = u.dependAt(q, k) === u.dependAt(p, i);
      if (!found) return false;
    }
    return true;
  }

  private findReplacements(): void {
    const u = this.universe;
    if (this.request.removesOnly) return;
    for (let p = 0; p < u.count; p++) {
      if (u.isInstalled(p)) continue;
      const n = u.supersedeCount(p);
      for (let i = 0; i < n; i++) {
        const id = u.supersedeAt(p, i);
        const matching = u.candidates(id);
        for (let k = 0; k < matching; k++) {
          const old = u.candidate(id, k);
          if (u.baseOf(old) === u.baseOf(p)) continue;
          this.replacements.push(p);
          this.replacements.push(old);
          this.replacements.push(id);
        }
      }
    }
  }

  private enterAll(): void {
    const u = this.universe;
    const r = this.request;
    for (let i = 0; i < this.installed.length; i++) this.enterBase(u.baseOf(this.installed.get(i)));
    for (let i = 0; i < r.installs.length; i++) this.enterMatching(r.installs.get(i));
    for (let i: i32 = 0; i < this.replacements.length; i = (i + 3) | 0) {
      if (u.isInstalled(this.replacements.get((i + 1) | 0))) this.enterBase(u.baseOf(this.replacements.get(i)));
    }
    // `packages` grows while it is walked.
    for (let node = 0; node < this.packages.length; node++) {
      if (this.problem.is(node, PKG_BANNED)) continue;
      const p = this.packages.get(node);
      const depends = u.dependCount(p);
      for (let i = 0; i < depends; i++) this.enterMatching(u.dependAt(p, i));
      if (!r.libraries) continue;
      const requires = u.requireCount(p);
      for (let i = 0; i < requires; i++) this.enterProviders(u.requireAt(p, i));
    }
  }

  private enterProviders(library: i32): void {
    if (this.librariesDone[library] !== 0) return;
    this.librariesDone[library] = 1;
    const u = this.universe;
    const n = u.providers(library);
    for (let i = 0; i < n; i++) this.enterBase(u.baseOf(u.provider(library, i)));
  }

  private enterMatching(pattern: i32): void {
    if (this.patternsDone[pattern] !== 0) return;
    this.patternsDone[pattern] = 1;
    const u = this.universe;
    const n = u.candidates(pattern);
    for (let i = 0; i < n; i++) this.enterBase(u.baseOf(u.candidate(pattern, i)));
  }

  /** Makes nodes of all versions of a base. */
  private enterBase(base: i32): void {
    if (this.entered[base] !== 0) return;
    this.entered[base] = 1;
    const u = this.universe;
    const n = u.packagesOf(base);
    let now: i32 = -1;
    for (let i = 0; i < n && now < 0; i++) if (u.isInstalled(u.packageOf(base, i))) now = u.packageOf(base, i);
    const dense = this.problem.bases;
    let rank: i32 = 0;
    for (let i = 0; i < n; i++) {
      const p = u.packageOf(base, i);
      if (this.nodeOf[p] >= 0) continue;
      if (p === now) {
        // A rebuild of what is installed comes before it: the first repository's, as it is the preferred one.
        rank = this.enterRebuild(base, i, now, dense, rank);
        this.enterInstalled(p, dense, rank);
        rank++;
      } else if (!u.isInstalled(p) && !this.request.removesOnly && !this.merged(p, base, i, now)) {
        const older = now >= 0 && u.compareVersions(p, now) < 0;
        this.enter(p, dense, rank, older ? (this.request.downgrade ? PKG_OLDER : PKG_OLDER | PKG_BANNED) : 0);
        rank++;
      }
    }
    // What came before the installed package and is the same has its node only now.
    for (let i = 0; i < n && this.unmapped; i++) {
      const p = u.packageOf(base, i);
      if (this.nodeOf[p] < 0 && !u.isInstalled(p) && this.same(p, now)) this.nodeOf[p] = this.nodeOf[now];
    }
    this.unmapped = false;
    // A damaged database can have several packages of one base; each then has a base of its own.
    for (let i = 0; i < n; i++) {
      const p = u.packageOf(base, i);
      if (u.isInstalled(p) && p !== now) this.enterInstalled(p, this.problem.bases, 0);
    }
  }

  private enterInstalled(p: i32, base: i32, rank: i32): void {
    this.enter(p, base, rank, this.universe.isAutomatic(p) ? PKG_INSTALLED : PKG_INSTALLED | PKG_KEPT);
  }

  /** Whether `p`, the i-th of its base, is no node of its own: it is the installed package, or an earlier one, again. */
  private merged(p: i32, base: i32, i: i32, now: i32): boolean {
    const u = this.universe;
    if (now >= 0 && this.same(p, now)) {
      this.offered[now] = 1;
      if (this.nodeOf[now] >= 0) this.nodeOf[p] = this.nodeOf[now];
      else this.unmapped = true;
      return true;
    }
    for (let k: i32 = (i - 1) | 0; k >= 0; k--) {
      const q = u.packageOf(base, k);
      if (!u.sameName(p, q)) return false;
      if (!u.isInstalled(q) && this.same(p, q)) {
        this.nodeOf[p] = this.nodeOf[q];
        return true;
      }
    }
    return false;
  }

  private enterRebuild(base: i32, at: i32, now: i32, dense: i32, rank: i32): i32 {
    const u = this.universe;
    if (!this.request.refresh || this.request.removesOnly) return rank;
    const n = u.packagesOf(base);
    for (let i: i32 = (at + 1) | 0; i < n; i++) {
      const p = u.packageOf(base, i);
      if (!u.sameName(p, now)) break;
      if (u.isInstalled(p)) continue;
      if (this.same(p, now)) break;
      this.enter(p, dense, rank, 0);
      return (rank + 1) | 0;
    }
    return rank;
  }

  private enter(p: i32, base: i32, rank: i32, flags: i32): void {
    this.nodeOf[p] = this.problem.addPackage(base, rank, flags);
    this.packages.push(p);
  }

  private addFlag(p: i32, flag: i32): void {
    const node = this.nodeOf[p];
    if (node >= 0) this.problem.flags.set(node, this.problem.flags.get(node) | flag);
  }

  private setFlags(): void {
    const u = this.universe;
    const r = this.request;
    for (let i = 0; i < r.preserved.length; i++) this.addFlag(r.preserved.get(i), PKG_PRESERVED);
    for (let i = 0; i < r.locks.length; i++) {
      const id = r.locks.get(i);
      const n = u.candidates(id);
      for (let k = 0; k < n; k++) if (u.isInstalled(u.candidate(id, k))) this.addFlag(u.candidate(id, k), PKG_LOCKED);
    }
    for (let i = 0; i < r.excludes.length; i++) {
      const id = r.excludes.get(i);
      const n = u.candidates(id);
      for (let k = 0; k < n; k++) {
        const node = this.nodeOf[u.candidate(id, k)];
        if (node >= 0 && !this.problem.is(node, PKG_INSTALLED)) this.addFlag(u.candidate(id, k), PKG_BANNED);
      }
    }
  }
}
