/**
 * Dependencies for people: what a package needs, what needs it, and why it is there at all.
 *
 * Key type `Relations`. Neighbours: `needs.ts` (the same question for orphans), `../host/graph.ts` draws it.
 * A dependency means the best member of the set that matches; for what no member matches, the best package that is known.
 * Invariant: the set is fixed when `Relations` is made; lists are in the order of DEPENDS, or of loading.
 */
import type { i32 } from "@anax/portable";
import { IntVec } from "../solver/int-vec";
import type { Universe } from "../universe";
import { Needs } from "./needs";

export class Relations {
  /** By handle: 1 for packages of the set. */
  readonly members: Int32Array;
  private userStart: Int32Array = new Int32Array(0);
  private users: Int32Array = new Int32Array(0);

  /** Over the installed packages, or over `set` (handles), as `Plan.final`. */
  constructor(
    readonly universe: Universe,
    set: IntVec | null = null,
  ) {
    const members = new Int32Array(universe.count);
    if (set !== null) for (let i = 0; i < set.length; i++) members[set.get(i)] = 1;
    else for (let p = 0; p < universe.count; p++) members[p] = universe.isInstalled(p) ? 1 : 0;
    this.members = members;
  }

  has(p: i32): boolean {
    return this.members[p] === 1;
  }

  /** What meets the i-th dependency of `p` (`Universe.dependAt`): a member, or else the best package there is, or -1. */
  dependency(p: i32, i: i32): i32 {
    const u = this.universe;
    const id = u.dependAt(p, i);
    const n = u.candidates(id);
    for (let k = 0; k < n; k++) if (this.has(u.candidate(id, k))) return u.candidate(id, k);
    return n > 0 ? u.candidate(id, 0) : -1;
  }

  /** What meets the dependencies of `p`, each package once, without what nothing meets. */
  dependencies(p: i32): IntVec {
    const out = new IntVec();
    const n = this.universe.dependCount(p);
    for (let i = 0; i < n; i++) {
      const d = this.dependency(p, i);
      if (d >= 0 && d !== p && !out.has(d)) out.push(d);
    }
    return out;
  }

  /** Members with a dependency that `p` meets. */
  dependents(p: i32): IntVec {
    this.index();
    const out = new IntVec();
    for (let i = this.userStart[p]; i < this.userStart[p + 1]; i++) {
      // The pairs of one user follow each other.
      if (out.length === 0 || out.last() !== this.users[i]) out.push(this.users[i]);
    }
    return out;
  }

  /** `p` and all that it needs, or all that needs it, nearest first. */
  closure(p: i32, reverse: boolean): IntVec {
    const out = new IntVec();
    const seen = new Int32Array(this.universe.count);
    out.push(p);
    seen[p] = 1;
    for (let i = 0; i < out.length; i++) {
      const next = reverse ? this.dependents(out.get(i)) : this.dependencies(out.get(i));
      for (let k = 0; k < next.length; k++) {
        if (seen[next.get(k)] === 1) continue;
        seen[next.get(k)] = 1;
        out.push(next.get(k));
      }
    }
    return out;
  }

  /**
   * Why member `p` is there: the shortest chain from a kept package to it, which each needs the next of. Only `p` when it is kept itself; empty when nothing
   * kept needs it.
   */
  why(p: i32): IntVec {
    const u = this.universe;
    const from = new Int32Array(u.count);
    from.fill(-1);
    const queue = new IntVec();
    queue.push(p);
    from[p] = p;
    const path = new IntVec();
    for (let i = 0; i < queue.length; i++) {
      const q = queue.get(i);
      if (!u.isAutomatic(q)) {
        for (let x = q; ; x = from[x]) {
          path.push(x);
          if (x === p) return path;
        }
      }
      const users = this.dependents(q);
      for (let k = 0; k < users.length; k++) {
        const user = users.get(k);
        if (from[user] >= 0) continue;
        from[user] = q;
        queue.push(user);
      }
    }
    return path;
  }

  /** Automatic members that no kept or preserved one needs. */
  orphans(preserved: IntVec): IntVec {
    const u = this.universe;
    const roots = preserved.copy();
    for (let p = 0; p < u.count; p++) if (this.has(p) && !u.isAutomatic(p)) roots.push(p);
    const reached = new Needs(u, true, this.members).reachable(roots);
    const out = new IntVec();
    for (let p = 0; p < u.count; p++) if (this.has(p) && reached[p] === 0) out.push(p);
    return out;
  }

  /** Counting sort of (dependency, user) pairs of members. */
  private index(): void {
    if (this.userStart.length > 0) return;
    const u = this.universe;
    const start = new Int32Array((u.count + 1) | 0);
    const pairs = new IntVec(256);
    for (let p = 0; p < u.count; p++) {
      if (!this.has(p)) continue;
      const n = u.dependCount(p);
      for (let i = 0; i < n; i++) {
        const d = this.dependency(p, i);
        if (d < 0 || d === p || !this.has(d)) continue;
        pairs.push(d);
        pairs.push(p);
        start[d + 1] = (start[d + 1] + 1) | 0;
      }
    }
    for (let p = 0; p < u.count; p++) start[p + 1] = (start[p + 1] + start[p]) | 0;
    const filled = new Int32Array(u.count);
    const users = new Int32Array(pairs.length >> 1);
    for (let i: i32 = 0; i < pairs.length; i = (i + 2) | 0) {
      const d = pairs.get(i);
      users[start[d] + filled[d]] = pairs.get((i + 1) | 0);
      filled[d] = (filled[d] + 1) | 0;
    }
    this.userStart = start;
    this.users = users;
  }
}
