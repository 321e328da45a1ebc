/**
 * The order of steps: at every moment what is installed has what it needs, wherever an order can give that.
 *
 * Key type `StepOrder`. Neighbours: `planner.ts`. Rules between two steps, the strongest first:
 * 1. what a new package conflicts with (or supersedes) goes before it comes;
 * 2. what a new package needs comes before it;
 * 3. what needs an old package, and not what takes its place, goes before the old one does.
 * Rule 2 can go round in a circle: the steps of such a cycle follow each other, in the order in which they were given, and carry its number. A circle
 * through rule 3 is the rule when a library and its users are upgraded together: then rule 3 gives way, as late as possible.
 * Invariant: `sequence` has every step once; it is the same for the same input.
 */
import { kassert, type i32 } from "@anax/portable";
import { IntVec } from "../solver/int-vec";

/** Which rule an edge stands for. */
export enum Before {
  CONFLICT = 1,
  NEED = 2,
  OLD_NEED = 3,
}

export class StepOrder {
  readonly sequence: IntVec = new IntVec();
  /** By step: the number of its cycle, or 0. */
  readonly cycleOf: Int32Array;
  /** Edges that the sequence does not keep. */
  violations: i32 = 0;
  private readonly from: IntVec = new IntVec();
  private readonly to: IntVec = new IntVec();
  private readonly rule: IntVec = new IntVec();
  /** Edges by their first step: `edges[start[s] .. start[s + 1])`. */
  private readonly start: Int32Array;
  private edges: Int32Array = new Int32Array(0);
  private readonly component: Int32Array;
  private readonly urgent: Int32Array;

  constructor(readonly steps: i32) {
    this.start = new Int32Array((steps + 2) | 0);
    this.cycleOf = new Int32Array(steps);
    this.component = new Int32Array(steps);
    this.urgent = new Int32Array(steps);
  }

  /** Step `a` comes before step `b`. */
  add(a: i32, b: i32, rule: Before): void {
    if (a === b) return;
    this.from.push(a);
    this.to.push(b);
    this.rule.push(rule);
  }

  /** Step `s` comes first, with all that it needs. Before `sort`. */
  hurry(s: i32): void {
    this.urgent[s] = 1;
  }

  isUrgent(s: i32): boolean {
    return this.urgent[s] !== 0;
  }

  sort(): void {
    this.indexEdges();
    this.findCycles(Before.NEED);
    this.numberCycles();
    // A circle of conflicts alone has no order; then the given one stands.
    this.findCycles(Before.CONFLICT);
    for (let e = 0; e < this.from.length; e++) {
      if (this.rule.get(e) === Before.CONFLICT && this.together(e)) this.rule.set(e, Before.OLD_NEED);
    }
    this.spreadUrgency();
    this.schedule();
    this.countViolations();
  }

  private together(e: i32): boolean {
    return this.component[this.from.get(e)] === this.component[this.to.get(e)];
  }

  private indexEdges(): void {
    const n = this.from.length;
    const start = this.start;
    for (let e = 0; e < n; e++) start[this.from.get(e) + 1] = (start[this.from.get(e) + 1] + 1) | 0;
    for (let s = 0; s <= this.steps; s++) start[s + 1] = (start[s + 1] + start[s]) | 0;
    this.edges = new Int32Array(n);
    const filled = new Int32Array(this.steps);
    for (let e = 0; e < n; e++) {
      const s = this.from.get(e);
      this.edges[start[s] + filled[s]] = e;
      filled[s] = (filled[s] + 1) | 0;
    }
  }

  /** Strongly connected components over edges of the rules up to `rules` (Tarjan, without recursion). */
  private findCycles(rules: i32): void {
    const n = this.steps;
    const index = new Int32Array(n);
    const low = new Int32Array(n);
    const next = new Int32Array(n);
    const waiting = new Int32Array(n);
    const stack = new IntVec();
    const path = new IntVec();
    let time: i32 = 0;
    let components: i32 = 0;
    for (let root = 0; root < n; root++) {
      if (index[root] !== 0) continue;
      path.push(root);
      while (path.length > 0) {
        const s = path.last();
        if (index[s] === 0) {
          time++;
          index[s] = time;
          low[s] = time;
          next[s] = this.start[s];
          stack.push(s);
          waiting[s] = 1;
        }
        let down: i32 = -1;
        while (next[s] < this.start[s + 1] && down < 0) {
          const e = this.edges[next[s]];
          next[s] = (next[s] + 1) | 0;
          if (this.rule.get(e) > rules) continue;
          const t = this.to.get(e);
          if (index[t] === 0) down = t;
          else if (waiting[t] !== 0 && index[t] < low[s]) low[s] = index[t];
        }
        if (down >= 0) {
          path.push(down);
          continue;
        }
        path.truncate((path.length - 1) | 0);
        if (path.length > 0 && low[s] < low[path.last()]) low[path.last()] = low[s];
        if (low[s] !== index[s]) continue;
        let t: i32 = -1;
        while (t !== s) {
          t = stack.last();
          stack.truncate((stack.length - 1) | 0);
          waiting[t] = 0;
          this.component[t] = components;
        }
        components++;
      }
    }
  }

  /** Numbers the components of more than one step, and drops the needs inside. */
  private numberCycles(): void {
    const size = new Int32Array(this.steps);
    for (let s = 0; s < this.steps; s++) size[this.component[s]] = (size[this.component[s]] + 1) | 0;
    const number = new Int32Array(this.steps);
    let numbers: i32 = 0;
    for (let s = 0; s < this.steps; s++) {
      const c = this.component[s];
      if (size[c] < 2) continue;
      if (number[c] === 0) {
        numbers++;
        number[c] = numbers;
      }
      this.cycleOf[s] = number[c];
    }
    for (let e = 0; e < this.from.length; e++) {
      if (this.rule.get(e) === Before.NEED && this.together(e)) this.rule.set(e, Before.OLD_NEED);
    }
  }

  /** What comes before an urgent step by rules 1 and 2 is urgent. */
  private spreadUrgency(): void {
    let changed = true;
    while (changed) {
      changed = false;
      for (let e: i32 = (this.from.length - 1) | 0; e >= 0; e--) {
        const a = this.from.get(e);
        const b = this.to.get(e);
        if (this.urgent[b] === 0 || this.urgent[a] !== 0) continue;
        const inCycle = this.cycleOf[a] !== 0 && this.cycleOf[a] === this.cycleOf[b];
        if (this.rule.get(e) === Before.OLD_NEED && !inCycle) continue;
        this.urgent[a] = 1;
        changed = true;
      }
    }
  }

  /** Takes steps whose rules 1 and 2 are kept: urgent ones, then those that keep rule 3 too, then others. */
  private schedule(): void {
    const n = this.steps;
    const hard = new Int32Array(n);
    const soft = new Int32Array(n);
    for (let e = 0; e < this.from.length; e++) {
      const t = this.to.get(e);
      if (this.rule.get(e) === Before.OLD_NEED) soft[t] = (soft[t] + 1) | 0;
      else hard[t] = (hard[t] + 1) | 0;
    }
    const ready = new StepHeap(this.urgent, soft);
    for (let s = 0; s < n; s++) if (hard[s] === 0) ready.push(s);
    let cycle: i32 = 0;
    while (ready.length > 0) {
      const s = ready.pop(cycle, this.cycleOf);
      cycle = this.cycleOf[s];
      this.sequence.push(s);
      for (let i = this.start[s]; i < this.start[s + 1]; i++) {
        const e = this.edges[i];
        const t = this.to.get(e);
        if (this.rule.get(e) === Before.OLD_NEED) {
          soft[t] = (soft[t] - 1) | 0;
          if (soft[t] === 0) ready.improved(t);
        } else {
          hard[t] = (hard[t] - 1) | 0;
          if (hard[t] === 0) ready.push(t);
        }
      }
    }
    kassert(this.sequence.length === n, "StepOrder: a cycle was left");
  }

  private countViolations(): void {
    const at = new Int32Array(this.steps);
    for (let i = 0; i < this.steps; i++) at[this.sequence.get(i)] = i;
    this.violations = 0;
    for (let e = 0; e < this.from.length; e++) if (at[this.from.get(e)] > at[this.to.get(e)]) this.violations++;
  }
}

/** Steps that can be taken, as a binary heap: urgent ones first, then those that break no rule, then in the given order. */
class StepHeap {
  length: i32 = 0;
  private readonly heap: Int32Array;
  private readonly place: Int32Array;

  constructor(
    private readonly urgent: Int32Array,
    private readonly soft: Int32Array,
  ) {
    this.heap = new Int32Array(soft.length);
    const place = new Int32Array(soft.length);
    place.fill(-1);
    this.place = place;
  }

  push(s: i32): void {
    const at = this.length;
    this.length = (at + 1) | 0;
    this.put(s, at);
    this.rise(at);
  }

  /** The first step; one of `cycle` before all others. */
  pop(cycle: i32, cycleOf: Int32Array): i32 {
    let at: i32 = 0;
    if (cycle !== 0) {
      let found: i32 = -1;
      for (let i = 0; i < this.length; i++) {
        const s = this.heap[i];
        if (cycleOf[s] === cycle && (found < 0 || this.less(s, this.heap[found]))) found = i;
      }
      if (found >= 0) at = found;
    }
    const s = this.heap[at];
    this.place[s] = -1;
    this.length = (this.length - 1) | 0;
    if (at < this.length) {
      this.put(this.heap[this.length], at);
      this.sink(at);
      this.rise(at);
    }
    return s;
  }

  /** The step has moved forward in the order, if it is here. */
  improved(s: i32): void {
    if (this.place[s] >= 0) this.rise(this.place[s]);
  }

  private less(a: i32, b: i32): boolean {
    if (this.urgent[a] !== this.urgent[b]) return this.urgent[a] > this.urgent[b];
    const breaksA: i32 = this.soft[a] > 0 ? 1 : 0;
    const breaksB: i32 = this.soft[b] > 0 ? 1 : 0;
    if (breaksA !== breaksB) return breaksA < breaksB;
    return a < b;
  }

  private put(s: i32, at: i32): void {
    this.heap[at] = s;
    this.place[s] = at;
  }

  private rise(from: i32): void {
    let at = from;
    while (at > 0) {
      const up = ((at - 1) | 0) >> 1;
      const s = this.heap[at];
      const t = this.heap[up];
      if (!this.less(s, t)) return;
      this.put(s, up);
      this.put(t, at);
      at = up;
    }
  }

  private sink(from: i32): void {
    let at = from;
    for (;;) {
      let child: i32 = (2 * at + 1) | 0;
      if (child >= this.length) return;
      const other: i32 = (child + 1) | 0;
      if (other < this.length && this.less(this.heap[other], this.heap[child])) child = other;
      const s = this.heap[at];
      const t = this.heap[child];
      if (!this.less(t, s)) return;
      this.put(t, at);
      this.put(s, child);
      at = child;
    }
  }
}
