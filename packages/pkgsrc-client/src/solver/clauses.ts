/**
 * The clauses of a `Sat`, one after the other in one vector, and the lists that watch them.
 *
 * Key type `Clauses`. Neighbours: `sat.ts`, `trace.ts`. A clause is the index of its first word:
 *
 *     +SIZE  number of literals
 *     +ID    what the caller calls it (>= 0), where its trace is (<= -2), or -1
 *     +GLUE  0 for an added clause, else the decision levels it joined when it was learned
 *     +LINK  the next clause watched by the first literal, and by the second
 *     +LITS  the literals
 *
 * Invariant: a clause of two literals or more is in the lists of its first two, and in no others.
 */
import type { i32 } from "@anax/portable";
import { grown, IntVec } from "./int-vec";

export const SIZE: i32 = 0;
export const ID: i32 = 1;
export const GLUE: i32 = 2;
export const LINK: i32 = 3;
export const LITS: i32 = 5;
/** End of a list. */
export const NO_CLAUSE: i32 = -1;
/** `ID` of a clause that was learned without a trace. */
export const UNTRACED: i32 = -1;

export class Clauses {
  readonly arena: IntVec = new IntVec(1024);
  /** By literal: the first clause that watches it. */
  head: Int32Array = new Int32Array(0);
  /** Learned clauses of two literals or more. */
  learned: i32 = 0;

  addLiterals(literals: i32): void {
    this.head = grown(this.head, literals, NO_CLAUSE);
  }

  /** A new clause, not watched yet. */
  store(lits: IntVec, id: i32, glue: i32): i32 {
    const a = this.arena;
    const c = a.length;
    a.push(lits.length);
    a.push(id);
    a.push(glue);
    a.push(NO_CLAUSE);
    a.push(NO_CLAUSE);
    a.append(lits);
    if (glue > 0 && lits.length > 1) this.learned++;
    return c;
  }

  size(c: i32): i32 {
    return this.arena.get(c);
  }

  literal(c: i32, i: i32): i32 {
    return this.arena.get((c + LITS + i) | 0);
  }

  /** Brings two literals that are not false (`value` is -1 for those) to the front; returns how many there are of them, 2 at most. */
  arrange(c: i32, value: Int32Array): i32 {
    const a = this.arena.data;
    const n = a[c];
    let found: i32 = 0;
    for (let i = 0; i < n && found < 2; i++) {
      const l = a[c + LITS + i];
      if (value[l] === -1) continue;
      a[c + LITS + i] = a[c + LITS + found];
      a[c + LITS + found] = l;
      found++;
    }
    return found;
  }

  watch(c: i32): void {
    const a = this.arena.data;
    const l0 = a[c + LITS];
    const l1 = a[c + LITS + 1];
    a[c + LINK] = this.head[l0];
    this.head[l0] = c;
    a[c + LINK + 1] = this.head[l1];
    this.head[l1] = c;
  }

  /**
   * Forgets the learned clauses above the median glue, and all that hold by the root assignment `value`, which must be complete.
   * Clauses move: nothing may refer to them.
   */
  forget(value: Int32Array): void {
    const bound = this.medianGlue();
    this.head.fill(NO_CLAUSE);
    this.learned = 0;
    const a = this.arena.data;
    const end = this.arena.length;
    let to: i32 = 0;
    let c: i32 = 0;
    let turn = false;
    while (c < end) {
      const n = a[c];
      const glue = a[c + GLUE];
      let drop = n < 2 || glue > bound;
      // When many share the bound itself, every other one goes.
      if (glue === bound && bound > 3) {
        turn = !turn;
        drop = drop || turn;
      }
      for (let i = 0; i < n && !drop; i++) drop = value[a[c + LITS + i]] === 1;
      const words: i32 = (n + LITS) | 0;
      if (!drop) {
        for (let i = 0; i < words; i++) a[to + i] = a[c + i];
        this.watch(to);
        if (glue > 0) this.learned++;
        to = (to + words) | 0;
      }
      c = (c + words) | 0;
    }
    this.arena.truncate(to);
  }

  private medianGlue(): i32 {
    const counts = new Int32Array(64);
    const a = this.arena.data;
    const end = this.arena.length;
    for (let c: i32 = 0; c < end; c = (c + a[c] + LITS) | 0) {
      const glue: i32 = a[c + GLUE] > 63 ? 63 : a[c + GLUE];
      counts[glue] = (counts[glue] + 1) | 0;
    }
    const half = this.learned >> 1;
    let bound: i32 = 1;
    let below: i32 = counts[1];
    while (bound < 63 && below < half) {
      bound++;
      below = (below + counts[bound]) | 0;
    }
    return bound < 3 ? 3 : bound;
  }
}
