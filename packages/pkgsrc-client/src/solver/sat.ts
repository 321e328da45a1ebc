/**
 * Satisfiability by conflict-driven clause learning, after MiniSat, with what packages need: at-most-one groups without clauses,
 * assumptions with a final core, and a trace of the clauses behind a refutation.
 *
 * Key type `Sat`. A literal is `2 * variable` (true) or `2 * variable + 1` (false). Neighbours: `clauses.ts`, `decision-queue.ts` and
 * `trace.ts` (its parts), `descent.ts` (minimises over it), `encode.ts` (fills it), `explain.ts` (reads its trace).
 * - A reason is a clause (>= 0), nothing (-1), or the other literal of an implied pair (<= -2): members of a group have no clauses.
 * - Phases are saved, restarts are Luby's. Propagation and backtracking allocate nothing.
 * - The trail outlives a call of `solve`: the next one keeps the levels whose assumptions are the same.
 * Invariant: between calls every clause either has two watches that are not false, or a true one.
 * Sources: N. Een, N. Sorensson, An Extensible SAT-solver (SAT 2003); A. Biere, PicoSAT Essentials (JSAT 2008), for lists through clauses.
 */
import { Errno, imul, kassert, type i32 } from "@anax/portable";
import { Clauses, LINK, LITS, NO_CLAUSE } from "./clauses";
import { DecisionQueue } from "./decision-queue";
import { grown, IntVec } from "./int-vec";
import { Trace } from "./trace";

/** Answers of `Sat.solve`; the third is `-Errno.TIMEDOUT`. */
export const SATISFIABLE: i32 = 0;
export const UNSATISFIABLE: i32 = 1;

const NONE: i32 = -1;
/** The search is not over. */
const GOING: i32 = 2;
const RESTART_UNIT: i32 = 64;

/** The i-th term (from 0) of Luby's sequence 1 1 2 1 1 2 4 ... */
export function luby(i: i32): i32 {
  let size: i32 = 1;
  let power: i32 = 1;
  while (size <= i) {
    size = (2 * size + 1) | 0;
    power = (power * 2) | 0;
  }
  let at = i;
  while (((size - 1) | 0) !== at) {
    size = (((size - 1) | 0) / 2) | 0;
    power = (power / 2) | 0;
    at = at % size;
  }
  return power;
}

export class Sat {
  variables: i32 = 0;
  conflicts: i32 = 0;
  /** `solve` gives up when `conflicts` reaches this. */
  conflictLimit: i32 = 0x7fffffff;
  /** Learned clauses after which some are forgotten; grows each time. */
  learnedLimit: i32 = 4000;
  /** The last assignment that satisfied everything: 1 true, 0 false, by variable. */
  readonly model: IntVec = new IntVec(64);
  /** After UNSATISFIABLE: assumptions that cannot hold together; empty when the clauses alone contradict each other. */
  readonly core: IntVec = new IntVec();

  private readonly clauses: Clauses;
  private readonly trace: Trace;
  private readonly queue: DecisionQueue = new DecisionQueue();
  /** By literal: 1 true, -1 false, 0 open. */
  private value: Int32Array = new Int32Array(0);
  private level: Int32Array = new Int32Array(0);
  private reason: Int32Array = new Int32Array(0);
  private phase: Int32Array = new Int32Array(0);
  private seen: Int32Array = new Int32Array(0);
  /** The next member of the variable's group, in a ring; itself when it is in none. */
  private ring: Int32Array = new Int32Array(0);
  /** True literals in the order in which they became so, where each level begins, and how many are propagated. */
  private readonly trail: IntVec = new IntVec(64);
  private readonly limits: IntVec = new IntVec();
  private propagated: i32 = 0;
  private readonly assumed: IntVec = new IntVec();
  private contradictory: boolean = false;
  /** The literals of the clause that became false, and the clause if it is one. */
  private readonly clash: IntVec = new IntVec();
  private clashReason: i32 = NONE;
  private readonly lesson: IntVec = new IntVec();
  private readonly dirty: IntVec = new IntVec();
  private restarts: i32 = 0;
  private untilRestart: i32 = 0;

  /** @param traced whether refutations must name their clauses; then nothing learned is ever forgotten */
  constructor(traced: boolean = false) {
    const clauses = new Clauses();
    this.clauses = clauses;
    this.trace = new Trace(traced, clauses);
  }

  /** With tracing, after UNSATISFIABLE: ids of the added clauses that the refutation used. Groups have no ids. */
  get origins(): IntVec {
    return this.trace.origins;
  }

  /** A new variable; the latest made is decided first, and tried as `phase` says (1 true, 0 false). */
  addVariable(phase: i32): i32 {
    const v = this.variables;
    const n: i32 = (v + 1) | 0;
    this.variables = n;
    this.value = grown(this.value, (2 * n) | 0, 0);
    this.clauses.addLiterals((2 * n) | 0);
    this.level = grown(this.level, n, 0);
    this.reason = grown(this.reason, n, NONE);
    this.phase = grown(this.phase, n, 0);
    this.seen = grown(this.seen, n, 0);
    this.ring = grown(this.ring, n, 0);
    this.phase[v] = phase;
    this.ring[v] = v;
    this.queue.add(v);
    return v;
  }

  /** Value of a literal that holds whatever is assumed: 1 true, -1 false, 0 open. */
  fixed(lit: i32): i32 {
    return this.level[lit >> 1] === 0 ? this.value[lit] : 0;
  }

  /** Whether the literal holds in `model`; false for a variable that is younger than it. */
  holds(lit: i32): boolean {
    return lit >> 1 < this.model.length && (this.model.get(lit >> 1) ^ (lit & 1)) === 1;
  }

  /** Decides `v` before all others, until conflicts tell better. */
  prefer(v: i32): void {
    this.queue.moveToFront(v, this.value[2 * v] === 0);
  }

  /** At most one of the variables is true. A variable is in one group at most. */
  addGroup(members: IntVec): void {
    this.cancelUntil(0);
    const n = members.length;
    for (let i = 0; i < n; i++) {
      const v = members.get(i);
      kassert(this.ring[v] === v, "Sat.addGroup: variable in two groups");
      this.ring[v] = members.get(((i + 1) | 0) === n ? 0 : (i + 1) | 0);
    }
    for (let i = 0; i < n; i++) {
      const v = members.get(i);
      if (this.value[2 * v] === 1 && !this.propagateGroup(v)) {
        this.refuteRoot();
        return;
      }
    }
  }

  /**
   * Adds a clause of different literals. May undo decisions.
   * @param id what `origins` calls it, >= 0
   * @returns false when the clauses are now known to contradict each other
   */
  addClause(lits: IntVec, id: i32 = 0): boolean {
    if (this.contradictory) return false;
    let open: i32 = 0;
    for (let i = 0; i < lits.length; i++) if (this.value[lits.get(i)] === 0) open++;
    if (open < 2) this.cancelUntil(0);
    const c = this.clauses.store(lits, id, 0);
    const found = this.clauses.arrange(c, this.value);
    if (lits.length > 1) this.clauses.watch(c);
    if (found > 1) return true;
    if (found === 0) return this.fail(c);
    const only = this.clauses.literal(c, 0);
    if (this.value[only] === 1) return true;
    this.assign(only, c);
    if (this.propagate()) return true;
    this.refuteRoot();
    return false;
  }

  addUnit(lit: i32, id: i32 = 0): boolean {
    if (!this.trace.active && !this.contradictory) {
      this.cancelUntil(0);
      if (this.value[lit] === 1) return true;
      if (this.value[lit] === 0) {
        this.assign(lit, NONE);
        if (this.propagate()) return true;
        this.refuteRoot();
        return false;
      }
    }
    const one = new IntVec(1);
    one.push(lit);
    return this.addClause(one, id);
  }

  addPair(a: i32, b: i32, id: i32 = 0): boolean {
    const two = new IntVec(2);
    two.push(a);
    two.push(b);
    return this.addClause(two, id);
  }

  /**
   * Looks for an assignment under `assumptions` (literals).
   * @returns SATISFIABLE with `model`; UNSATISFIABLE with `core`; `-Errno.TIMEDOUT` at `conflictLimit`
   */
  solve(assumptions: IntVec): i32 {
    this.core.clear();
    if (this.contradictory) return UNSATISFIABLE;
    this.keepLevels(assumptions);
    this.restarts = 0;
    this.untilRestart = RESTART_UNIT;
    let answer = GOING;
    while (answer === GOING) answer = this.propagate() ? this.advance(assumptions) : this.resolve();
    return answer;
  }

  /** Takes the next assumption or decision. */
  private advance(assumptions: IntVec): i32 {
    if (this.untilRestart <= 0) this.restart(assumptions.length);
    while (this.limits.length < assumptions.length) {
      const a = assumptions.get(this.limits.length);
      if (this.value[a] === -1) {
        this.refuteAssumption(a);
        return UNSATISFIABLE;
      }
      this.limits.push(this.trail.length);
      if (this.value[a] === 0) {
        this.assign(a, NONE);
        return GOING;
      }
    }
    const v = this.queue.next(this.value);
    if (v === NONE) {
      this.model.clear();
      for (let i = 0; i < this.variables; i++) this.model.push(this.value[2 * i] === 1 ? 1 : 0);
      return SATISFIABLE;
    }
    this.limits.push(this.trail.length);
    this.assign((2 * v + 1 - this.phase[v]) | 0, NONE);
    return GOING;
  }

  private resolve(): i32 {
    this.conflicts++;
    this.untilRestart--;
    if (this.limits.length === 0) {
      this.refuteRoot();
      return UNSATISFIABLE;
    }
    this.learn();
    if (this.conflicts < this.conflictLimit) return GOING;
    this.cancelUntil(0);
    return -Errno.TIMEDOUT;
  }

  private restart(assumptions: i32): void {
    this.restarts++;
    this.untilRestart = imul(luby(this.restarts), RESTART_UNIT);
    if (!this.trace.active && this.clauses.learned > this.learnedLimit) {
      this.cancelUntil(0);
      for (let i = 0; i < this.trail.length; i++) this.reason[this.trail.get(i) >> 1] = NONE;
      this.clauses.forget(this.value);
      this.learnedLimit = (this.learnedLimit + 1000) | 0;
    } else this.cancelUntil(assumptions);
  }

  // Assignment and propagation.

  private assign(lit: i32, reason: i32): void {
    this.value[lit] = 1;
    this.value[lit ^ 1] = -1;
    const v = lit >> 1;
    this.level[v] = this.limits.length;
    this.reason[v] = reason;
    this.trail.push(lit);
  }

  /** False on a conflict, which is then in `clash` and `clashReason`. */
  private propagate(): boolean {
    while (this.propagated < this.trail.length) {
      const lit = this.trail.get(this.propagated);
      this.propagated = (this.propagated + 1) | 0;
      if ((lit & 1) === 0 && !this.propagateGroup(lit >> 1)) return false;
      if (!this.propagateClauses(lit ^ 1)) return false;
    }
    return true;
  }

  private propagateGroup(v: i32): boolean {
    for (let m = this.ring[v]; m !== v; m = this.ring[m]) {
      const out: i32 = (2 * m + 1) | 0;
      const now = this.value[out];
      if (now === 1) continue;
      const because: i32 = (2 * v + 1) | 0;
      if (now === -1) {
        this.clash.clear();
        this.clash.push(out);
        this.clash.push(because);
        this.clashReason = NONE;
        return false;
      }
      this.assign(out, (-2 - because) | 0);
    }
    return true;
  }

  private propagateClauses(falseLit: i32): boolean {
    const a = this.clauses.arena.data;
    const value = this.value;
    const head = this.clauses.head;
    // Where the link to the clause at hand is stored: a place in the arena, or the head of the list.
    let from: i32 = NONE;
    let c = head[falseLit];
    while (c !== NO_CLAUSE) {
      const slot: i32 = a[c + LITS] === falseLit ? 0 : 1;
      const link: i32 = (c + LINK + slot) | 0;
      const other = a[c + LITS + 1 - slot];
      const next = a[link];
      if (value[other] !== 1) {
        const end: i32 = (c + LITS + a[c]) | 0;
        let k: i32 = (c + LITS + 2) | 0;
        while (k < end && value[a[k]] === -1) k++;
        if (k < end) {
          const l = a[k];
          a[k] = falseLit;
          a[c + LITS + slot] = l;
          if (from === NONE) head[falseLit] = next;
          else a[from] = next;
          a[link] = head[l];
          head[l] = c;
          c = next;
          continue;
        }
        if (value[other] === -1) {
          this.setClash(c);
          return false;
        }
        this.assign(other, c);
      }
      from = link;
      c = next;
    }
    return true;
  }

  private setClash(c: i32): void {
    this.clash.clear();
    const n = this.clauses.size(c);
    for (let i = 0; i < n; i++) this.clash.push(this.clauses.literal(c, i));
    this.clashReason = c;
  }

  private cancelUntil(level: i32): void {
    if (this.limits.length <= level) return;
    const start = this.limits.get(level);
    for (let i: i32 = (this.trail.length - 1) | 0; i >= start; i--) {
      const lit = this.trail.get(i);
      const v = lit >> 1;
      this.value[lit] = 0;
      this.value[lit ^ 1] = 0;
      this.phase[v] = (lit & 1) ^ 1;
      this.reason[v] = NONE;
      this.queue.reopened(v);
    }
    this.trail.truncate(start);
    this.limits.truncate(level);
    this.propagated = start;
  }

  /** Undoes all but the levels of the assumptions that the last call and this one begin with. */
  private keepLevels(assumptions: IntVec): void {
    const old = this.assumed;
    const n: i32 = old.length < assumptions.length ? old.length : assumptions.length;
    let same: i32 = 0;
    while (same < n && old.get(same) === assumptions.get(same)) same++;
    this.cancelUntil(same);
    old.truncate(same);
    for (let i = same; i < assumptions.length; i++) old.push(assumptions.get(i));
  }

  // Learning.

  /** Learns from the clash the clause of the first unique implication point, backtracks, and asserts it. */
  private learn(): void {
    this.lesson.clear();
    this.lesson.push(NONE);
    this.dirty.clear();
    this.trace.begin();
    let open: i32 = 0;
    for (let i = 0; i < this.clash.length; i++) open = (open + this.mark(this.clash.get(i))) | 0;
    if (this.clashReason !== NONE) this.trace.useClause(this.clashReason);
    let at: i32 = (this.trail.length - 1) | 0;
    while (this.seen[this.trail.get(at) >> 1] === 0) at--;
    while (open > 1) {
      open = (open - 1 + this.markReason(this.trail.get(at))) | 0;
      at--;
      while (this.seen[this.trail.get(at) >> 1] === 0) at--;
    }
    this.lesson.set(0, this.trail.get(at) ^ 1);
    this.shorten();
    for (let i = 0; i < this.dirty.length; i++) {
      const v = this.dirty.get(i);
      this.seen[v] = 0;
      this.queue.moveToFront(v, false);
    }
    // The literal of the highest level but one is watched second.
    let back: i32 = 0;
    for (let i = 1; i < this.lesson.length; i++) {
      const l = this.lesson.get(i);
      const level = this.level[l >> 1];
      if (level <= back) continue;
      back = level;
      this.lesson.set(i, this.lesson.get(1));
      this.lesson.set(1, l);
    }
    const glue = this.levelsOfLesson();
    this.cancelUntil(back);
    const c = this.clauses.store(this.lesson, this.trace.keep(), glue);
    if (this.lesson.length > 1) this.clauses.watch(c);
    this.assign(this.lesson.get(0), c);
  }

  /** Notes a literal of the clause being resolved; returns 1 when it is of the current level. */
  private mark(lit: i32): i32 {
    const v = lit >> 1;
    if (this.seen[v] !== 0) return 0;
    if (this.level[v] === 0) {
      this.trace.useRoot(v);
      return 0;
    }
    this.seen[v] = 1;
    this.dirty.push(v);
    if (this.level[v] === this.limits.length) return 1;
    this.lesson.push(lit);
    return 0;
  }

  /** Marks the literals that implied the true literal `lit`; returns how many are of the current level. */
  private markReason(lit: i32): i32 {
    const r = this.reason[lit >> 1];
    if (r <= -2) return this.mark((-2 - r) | 0);
    kassert(r >= 0, "Sat: a decision has no reason");
    this.trace.useClause(r);
    let open: i32 = 0;
    const n = this.clauses.size(r);
    for (let i = 0; i < n; i++) {
      const l = this.clauses.literal(r, i);
      if (l !== lit) open = (open + this.mark(l)) | 0;
    }
    return open;
  }

  /** Drops literals that the others imply. */
  private shorten(): void {
    let kept: i32 = 1;
    const n = this.lesson.length;
    for (let i = 1; i < n; i++) {
      const l = this.lesson.get(i);
      if (this.implied(l)) continue;
      this.lesson.set(kept, l);
      kept++;
    }
    this.lesson.truncate(kept);
  }

  /** Whether all that forced the false literal `l` is in the lesson, or was. */
  private implied(l: i32): boolean {
    const r = this.reason[l >> 1];
    if (r === NONE) return false;
    if (r <= -2) {
      const v = ((-2 - r) | 0) >> 1;
      if (this.level[v] === 0) this.trace.useRoot(v);
      return this.level[v] === 0 || this.seen[v] !== 0;
    }
    const n = this.clauses.size(r);
    for (let i = 0; i < n; i++) {
      const v = this.clauses.literal(r, i) >> 1;
      if (v !== l >> 1 && this.level[v] !== 0 && this.seen[v] === 0) return false;
    }
    this.trace.useClause(r);
    for (let i = 0; i < n; i++) {
      const v = this.clauses.literal(r, i) >> 1;
      if (this.level[v] === 0) this.trace.useRoot(v);
    }
    return true;
  }

  /** Number of decision levels in the lesson, at least 1. */
  private levelsOfLesson(): i32 {
    let glue: i32 = 0;
    this.dirty.clear();
    for (let i = 0; i < this.lesson.length; i++) {
      const level = this.level[this.lesson.get(i) >> 1];
      // `seen` is free here. Levels of assumptions can outnumber the variables; those count as one.
      const slot: i32 = level < this.variables ? level : 0;
      if (this.seen[slot] !== 0) continue;
      this.seen[slot] = 1;
      this.dirty.push(slot);
      glue++;
    }
    for (let i = 0; i < this.dirty.length; i++) this.seen[this.dirty.get(i)] = 0;
    return glue;
  }

  // Refutation.

  private fail(c: i32): boolean {
    this.setClash(c);
    this.refuteRoot();
    return false;
  }

  /** The clash stands without any assumption. */
  private refuteRoot(): void {
    this.contradictory = true;
    this.core.clear();
    this.trace.begin();
    if (this.clashReason !== NONE) this.trace.useClause(this.clashReason);
    for (let i = 0; i < this.clash.length; i++) this.trace.useRoot(this.clash.get(i) >> 1);
    this.trace.unfold(this.reason);
  }

  /** The assumption `lit` is false under those before it: `core` says under which. */
  private refuteAssumption(lit: i32): void {
    this.core.push(lit);
    this.trace.begin();
    this.markFinal(lit);
    if (this.limits.length > 0) {
      const start = this.limits.get(0);
      for (let i: i32 = (this.trail.length - 1) | 0; i >= start; i--) {
        const l = this.trail.get(i);
        const v = l >> 1;
        if (this.seen[v] === 0) continue;
        this.seen[v] = 0;
        const r = this.reason[v];
        if (r === NONE) this.core.push(l);
        else if (r <= -2) this.markFinal((-2 - r) | 0);
        else {
          this.trace.useClause(r);
          const n = this.clauses.size(r);
          for (let k = 0; k < n; k++) {
            const x = this.clauses.literal(r, k);
            if (x >> 1 !== v) this.markFinal(x);
          }
        }
      }
    }
    this.trace.unfold(this.reason);
  }

  private markFinal(lit: i32): void {
    const v = lit >> 1;
    if (this.level[v] > 0) this.seen[v] = 1;
    else this.trace.useRoot(v);
  }
}
