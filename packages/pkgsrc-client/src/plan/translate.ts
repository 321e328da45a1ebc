/**
 * A universe and a request as a problem of integers: what the solver must know about the packages that matter.
 *
 * Key type `Translation`. A node is a package of the problem; `nodeOf` and `packages` lead from handles to nodes and back.
 * Neighbours: `nodes.ts` (which packages matter), `request.ts`, `../universe.ts` (input), `../solver/problem.ts` (output), `planner.ts`.
 * A shared library counts as a dependency on its providers, unless some dependency implies it already.
 * Invariant: after `translate` returned 0 the problem passes its own check.
 */
import { Errno, type i32 } from "@anax/portable";
import { IntVec } from "../solver/int-vec";
import { PKG_BANNED, PKG_INSTALLED, REQ_INSTALL, REQ_REMOVE, REQ_UPGRADE } from "../solver/problem";
import { Nodes } from "./nodes";
import { UpgradeScope } from "./request";

export class Translation extends Nodes {
  /** By request of the problem: the position among `Request.installs` or `Request.removes`, or the handle to be upgraded. */
  readonly origin: IntVec = new IntVec();
  /** Patterns of the request that match nothing. */
  readonly unmatched: IntVec = new IntVec();

  /** 0; -Errno.SRCH: patterns in `unmatched` match nothing; -Errno.INVAL: a pattern is malformed (also in `unmatched`). */
  translate(): i32 {
    const r = this.checkPatterns();
    if (r < 0) return r;
    this.problem.repair = this.request.repair || this.request.scope !== UpgradeScope.NAMED;
    this.enterPackages();
    this.addDepends();
    this.addConflicts();
    this.addRequests();
    return this.problem.check();
  }

  private checkPatterns(): i32 {
    const r = this.request;
    const malformed =
      this.refuse(r.installs) || this.refuse(r.removes) || this.refuse(r.upgrades) || this.refuse(r.keeps);
    if (malformed || this.refuse(r.automatics) || this.refuse(r.locks) || this.refuse(r.excludes)) return -Errno.INVAL;
    this.want(r.installs, false);
    this.want(r.removes, true);
    this.want(r.upgrades, true);
    this.want(r.keeps, true);
    this.want(r.automatics, true);
    return this.unmatched.length > 0 ? -Errno.SRCH : 0;
  }

  private refuse(patterns: IntVec): boolean {
    for (let i = 0; i < patterns.length; i++) {
      if (this.universe.patternOf(patterns.get(i)).error !== 0) this.unmatched.push(patterns.get(i));
    }
    return this.unmatched.length > 0;
  }

  /** Notes the patterns that match no package at all, or no installed one. */
  private want(patterns: IntVec, installed: boolean): void {
    const u = this.universe;
    for (let i = 0; i < patterns.length; i++) {
      const id = patterns.get(i);
      const n = u.candidates(id);
      let found = false;
      for (let k = 0; k < n && !found; k++) found = !installed || u.isInstalled(u.candidate(id, k));
      if (!found) this.unmatched.push(id);
    }
  }

  // What packages need and exclude.

  private addDepends(): void {
    const u = this.universe;
    const problem = this.problem;
    for (let node = 0; node < this.packages.length; node++) {
      if (problem.is(node, PKG_BANNED)) continue;
      const p = this.packages.get(node);
      const depends = u.dependCount(p);
      for (let i = 0; i < depends; i++) {
        const id = u.dependAt(p, i);
        problem.addDepend(node, id);
        const n = u.candidates(id);
        for (let k = 0; k < n; k++) {
          const c = this.nodeOf[u.candidate(id, k)];
          if (c >= 0) problem.addCandidate(c);
        }
      }
      if (!this.request.libraries) continue;
      const requires = u.requireCount(p);
      for (let i = 0; i < requires; i++) this.addLibrary(node, p, u.requireAt(p, i));
    }
  }

  private addLibrary(node: i32, p: i32, library: i32): void {
    const u = this.universe;
    const n = u.providers(library);
    const host = this.request.host;
    if (n === 0 && (host === null || host.present(library))) return;
    if (this.provides(p, library) || this.implied(p, library)) return;
    this.problem.addDepend(node, (-1 - library) | 0);
    for (let k = 0; k < n; k++) {
      const c = this.nodeOf[u.provider(library, k)];
      if (c >= 0) this.problem.addCandidate(c);
    }
  }

  private provides(p: i32, library: i32): boolean {
    const u = this.universe;
    const n = u.provideCount(p);
    for (let i = 0; i < n; i++) if (u.provideAt(p, i) === library) return true;
    return false;
  }

  /** Whether some dependency of `p` is met only by providers of the library. */
  private implied(p: i32, library: i32): boolean {
    const u = this.universe;
    const depends = u.dependCount(p);
    for (let i = 0; i < depends; i++) {
      const id = u.dependAt(p, i);
      const n = u.candidates(id);
      let all = n > 0;
      for (let k = 0; k < n && all; k++) all = this.provides(u.candidate(id, k), library);
      if (all) return true;
    }
    return false;
  }

  private addConflicts(): void {
    const u = this.universe;
    for (let node = 0; node < this.packages.length; node++) {
      const p = this.packages.get(node);
      const conflicts = u.conflictCount(p);
      for (let i = 0; i < conflicts; i++) {
        const id = u.conflictAt(p, i);
        const n = u.candidates(id);
        for (let k = 0; k < n; k++) {
          const other = this.nodeOf[u.candidate(id, k)];
          if (other >= 0 && other !== node) this.problem.addConflict(node, other, id);
        }
      }
    }
    for (let i: i32 = 0; i < this.replacements.length; i = (i + 3) | 0) {
      const newer = this.nodeOf[this.replacements.get(i)];
      const older = this.nodeOf[this.replacements.get((i + 1) | 0)];
      // Where both are installed already nobody replaces anybody.
      if (newer >= 0 && older >= 0 && !this.problem.is(newer, PKG_INSTALLED)) this.problem.supersede(newer, older);
    }
  }

  // Answers.

  /** By node: 1 for the roots (nodes) and all chosen nodes that they need, directly or not. */
  reachable(roots: IntVec, chosen: Int32Array): Int32Array {
    const p = this.problem;
    const n = p.packages;
    // The dependencies of a node follow each other.
    const first = new Int32Array((n + 1) | 0);
    for (let d = 0; d < p.depends; d++) first[p.dependOf.get(d) + 1] = (first[p.dependOf.get(d) + 1] + 1) | 0;
    for (let i = 0; i < n; i++) first[i + 1] = (first[i + 1] + first[i]) | 0;
    const reached = new Int32Array(n);
    const queue = roots.copy();
    for (let i = 0; i < roots.length; i++) reached[roots.get(i)] = 1;
    for (let i = 0; i < queue.length; i++) {
      const node = queue.get(i);
      for (let d = first[node]; d < first[node + 1]; d++) {
        const to = p.dependEnd.get(d);
        for (let k = p.dependStart.get(d); k < to; k++) {
          const c = p.candidates.get(k);
          if (chosen[c] === 0 || reached[c] === 1) continue;
          reached[c] = 1;
          queue.push(c);
        }
      }
    }
    return reached;
  }

  /** Adds to `out` what chosen nodes lack: the handle, and the pattern or -1 - library. */
  lacking(chosen: Int32Array, out: IntVec): void {
    const p = this.problem;
    for (let d = 0; d < p.depends; d++) {
      const owner = p.dependOf.get(d);
      if (chosen[owner] === 0) continue;
      const to = p.dependEnd.get(d);
      let met = false;
      for (let k = p.dependStart.get(d); k < to && !met; k++) met = chosen[p.candidates.get(k)] === 1;
      if (met) continue;
      out.push(this.packages.get(owner));
      out.push(p.dependTag.get(d));
    }
  }

  // Requests.

  private addRequests(): void {
    const u = this.universe;
    const r = this.request;
    for (let i = 0; i < r.installs.length; i++) {
      this.problem.addRequest(REQ_INSTALL);
      this.origin.push(i);
      this.addMatching(r.installs.get(i));
    }
    for (let i = 0; i < r.removes.length; i++) {
      const id = r.removes.get(i);
      this.problem.addRequest(REQ_REMOVE);
      this.origin.push(i);
      const n = u.candidates(id);
      for (let k = 0; k < n; k++) {
        const c = this.nodeOf[u.candidate(id, k)];
        if (c >= 0) this.problem.addCandidate(c);
      }
    }
    for (let i = 0; i < this.installed.length; i++) {
      const p = this.installed.get(i);
      const all = r.scope === UpgradeScope.ALL || (r.scope === UpgradeScope.KEPT && !u.isAutomatic(p));
      if (all || this.named(p)) this.addUpgrade(p);
    }
  }

  /** Candidates of a pattern, without banned ones unless there are no others. */
  private addMatching(id: i32): void {
    const u = this.universe;
    const n = u.candidates(id);
    let allowed = false;
    for (let pass = 0; pass < 2 && !allowed; pass++) {
      for (let k = 0; k < n; k++) {
        const node = this.nodeOf[u.candidate(id, k)];
        if (node < 0 || (pass === 0 && this.problem.is(node, PKG_BANNED))) continue;
        allowed = true;
        this.addOnce(node);
      }
    }
  }

  /** Adds a candidate, but a rebuild of the installed package before it. */
  private addOnce(node: i32): void {
    const problem = this.problem;
    if (problem.is(node, PKG_INSTALLED) && node > 0) {
      const before: i32 = (node - 1) | 0;
      const p = this.packages.get(before);
      if (
        problem.base.get(before) === problem.base.get(node) &&
        this.universe.sameName(p, this.packages.get(node)) &&
        !problem.is(before, PKG_BANNED)
      ) {
        problem.addCandidate(before);
      }
    }
    problem.addCandidate(node);
  }

  private named(p: i32): boolean {
    for (let i = 0; i < this.request.upgrades.length; i++) {
      if (this.universe.matches(this.request.upgrades.get(i), p)) return true;
    }
    return false;
  }

  /** The wish that `p` becomes the best that it can: what supersedes it, a better version, or what it is when nothing is better. */
  private addUpgrade(p: i32): void {
    const u = this.universe;
    const problem = this.problem;
    const node = this.nodeOf[p];
    const base = problem.base.get(node);
    let first = node;
    while (first > 0 && problem.base.get((first - 1) | 0) === base) first = (first - 1) | 0;
    let best: i32 = -1;
    for (let m = first; m < node && best < 0; m++) if (!problem.is(m, PKG_BANNED)) best = m;
    // With downgrades allowed an upgrade takes the repositories' best, which may come behind the installed package.
    if (best < 0 && this.request.downgrade && this.offered[p] === 0) {
      const next: i32 = (node + 1) | 0;
      if (next < problem.packages && problem.base.get(next) === base && !problem.is(next, PKG_BANNED)) best = next;
    }
    let begun = false;
    for (let i: i32 = 0; i < this.replacements.length; i = (i + 3) | 0) {
      if (this.replacements.get((i + 1) | 0) !== p) continue;
      const newer = this.nodeOf[this.replacements.get(i)];
      if (newer < 0 || problem.is(newer, PKG_BANNED | PKG_INSTALLED) || this.supersedes(p, this.replacements.get(i)))
        continue;
      // A later version that is not superseded itself is the better successor.
      if (best >= 0 && !u.matches(this.replacements.get((i + 2) | 0), this.packages.get(best))) continue;
      begun = this.beginUpgrade(begun, p);
      problem.addCandidate(newer);
    }
    this.beginUpgrade(begun, p);
    for (let m = first; m < node; m++) if (!problem.is(m, PKG_BANNED)) problem.addCandidate(m);
    if (best > node) {
      for (let m = best; m < problem.packages && problem.base.get(m) === base; m++) {
        if (!problem.is(m, PKG_BANNED)) problem.addCandidate(m);
      }
    }
    problem.addCandidate(node);
  }

  /** Whether packages of the base of `p` supersede `q` as well: then neither is the successor of the other. */
  private supersedes(p: i32, q: i32): boolean {
    const u = this.universe;
    const n = u.packagesOf(u.baseOf(p));
    for (let i = 0; i < n; i++) {
      const other = u.packageOf(u.baseOf(p), i);
      const count = u.supersedeCount(other);
      for (let k = 0; k < count; k++) if (u.matches(u.supersedeAt(other, k), q)) return true;
    }
    return false;
  }

  private beginUpgrade(begun: boolean, p: i32): boolean {
    if (!begun) {
      this.problem.addRequest(REQ_UPGRADE);
      this.origin.push(p);
    }
    return true;
  }
}
