/**
 * Who needs whom among a set of packages, by DEPENDS and, if asked for, by shared libraries.
 *
 * Key type `Needs`. Neighbours: `../universe.ts`, `relations.ts`; a plan finds orphans in its problem (`translate.ts`), by the same rules.
 * Invariant: reads `members` (1 for each handle in the set) whenever it is asked, so the set may change between questions.
 */
import type { i32 } from "@anax/portable";
import { IntVec } from "../solver/int-vec";
import type { Universe } from "../universe";

export class Needs {
  constructor(
    private readonly universe: Universe,
    private readonly libraries: boolean,
    private readonly members: Int32Array,
  ) {}

  /** Adds to `out` every member that one of the dependencies of `p` can mean, once for each dependency. */
  of(p: i32, out: IntVec): void {
    const u = this.universe;
    const depends = u.dependCount(p);
    for (let i = 0; i < depends; i++) this.matching(u.dependAt(p, i), out);
    if (!this.libraries) return;
    const requires = u.requireCount(p);
    for (let i = 0; i < requires; i++) this.providers(u.requireAt(p, i), out);
  }

  private matching(pattern: i32, out: IntVec): void {
    const u = this.universe;
    const n = u.candidates(pattern);
    for (let k = 0; k < n; k++) {
      const c = u.candidate(pattern, k);
      if (this.members[c] === 1) out.push(c);
    }
  }

  private providers(library: i32, out: IntVec): void {
    const u = this.universe;
    const n = u.providers(library);
    for (let k = 0; k < n; k++) {
      const c = u.provider(library, k);
      if (this.members[c] === 1) out.push(c);
    }
  }

  /** By handle: 1 for the roots and all that they need, directly or not. */
  reachable(roots: IntVec): Int32Array {
    const reached = new Int32Array(this.universe.count);
    const queue = new IntVec(64);
    const found = new IntVec(64);
    for (let i = 0; i < roots.length; i++) {
      const p = roots.get(i);
      if (reached[p] === 0) queue.push(p);
      reached[p] = 1;
    }
    for (let i = 0; i < queue.length; i++) {
      found.clear();
      this.of(queue.get(i), found);
      for (let k = 0; k < found.length; k++) {
        const c = found.get(k);
        if (reached[c] === 0) queue.push(c);
        reached[c] = 1;
      }
    }
    return reached;
  }

  /** Adds to `out` what the packages lack: the handle, and the pattern, or -1 - library for one that other packages do provide. */
  broken(packages: IntVec, out: IntVec): void {
    const u = this.universe;
    const found = new IntVec();
    for (let i = 0; i < packages.length; i++) {
      const p = packages.get(i);
      const depends = u.dependCount(p);
      for (let k = 0; k < depends; k++) {
        found.clear();
        this.matching(u.dependAt(p, k), found);
        if (found.length > 0) continue;
        out.push(p);
        out.push(u.dependAt(p, k));
      }
      const requires: i32 = this.libraries ? u.requireCount(p) : 0;
      for (let k = 0; k < requires; k++) {
        const library = u.requireAt(p, k);
        found.clear();
        this.providers(library, found);
        if (found.length > 0 || u.providers(library) === 0) continue;
        out.push(p);
        out.push((-1 - library) | 0);
      }
    }
  }
}
