/**
 * The order of decisions: variables in a list, those met in recent conflicts at its front.
 *
 * Key type `DecisionQueue`. Neighbours: `sat.ts` alone. In place of activities, which need floating point.
 * Invariant: every variable nearer to the front than `search` is assigned.
 * Source: A. Biere, A. Froehlich, Evaluating CDCL Variable Scoring Schemes (SAT 2015): VMTF.
 */
import type { i32 } from "@anax/portable";
import { grown } from "./int-vec";

const NONE: i32 = -1;

export class DecisionQueue {
  private before: Int32Array = new Int32Array(0);
  private after: Int32Array = new Int32Array(0);
  /** When the variable came to the front; grows towards the front. */
  private stamp: Int32Array = new Int32Array(0);
  private time: i32 = 0;
  private front: i32 = NONE;
  private search: i32 = NONE;

  /** Puts the new variable `v`, which is open, at the front. */
  add(v: i32): void {
    const n: i32 = (v + 1) | 0;
    this.before = grown(this.before, n, NONE);
    this.after = grown(this.after, n, NONE);
    this.stamp = grown(this.stamp, n, 0);
    this.link(v);
    this.search = v;
  }

  moveToFront(v: i32, open: boolean): void {
    if (this.front !== v) {
      const b = this.before[v];
      const f = this.after[v];
      if (b !== NONE) this.after[b] = f;
      if (f !== NONE) this.before[f] = b;
      if (this.search === v) this.search = b === NONE ? f : b;
      this.link(v);
    }
    if (open) this.search = v;
  }

  /** `v` lost its value. */
  reopened(v: i32): void {
    if (this.stamp[v] > this.stamp[this.search]) this.search = v;
  }

  /** The open variable nearest to the front, or -1. `value` is by literal, 0 when open. */
  next(value: Int32Array): i32 {
    let v = this.search;
    while (v !== NONE && value[2 * v] !== 0) v = this.before[v];
    if (v !== NONE) this.search = v;
    return v;
  }

  private link(v: i32): void {
    const front = this.front;
    this.before[v] = front;
    this.after[v] = NONE;
    if (front !== NONE) this.after[front] = v;
    this.front = v;
    this.time = (this.time + 1) | 0;
    this.stamp[v] = this.time;
  }
}
