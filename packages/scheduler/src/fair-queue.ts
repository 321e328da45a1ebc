/**
 * The entities that share one CPU by earliest eligible virtual deadline first (EEVDF).
 *
 * Key types `FairQueue` (one for each CPU), `FairNode` (what it knows of an entity). Neighbours: `eevdf.ts`.
 * Waiting nodes are in a treap ordered by deadline, each with the smallest virtual time of its subtree: the earliest deadline among the
 * eligible is found in one descent of O(log n). An entity is eligible when its virtual time is not ahead of the queue's, which is the
 * average of all by weight (the current one included). The queue keeps that average as `clock` and `rest`, so that no sum grows:
 * products of weight and lag stay below 2^53 (the lag is bounded, as in the original).
 * Invariant: the sum over all members of weight * (vruntime - clock) is `rest`, 0 <= rest < weight of all.
 * Source: Linux 6.6 kernel/sched/fair.c; Stoica and Abdel-Wahab, Earliest Eligible Virtual Deadline First (1995).
 */
import { i32, imul, kassert, longDiv, toLong, type long } from "@anax/portable";
import type { SchedEntity } from "./entity";

/** The weight of nice 0. */
export const WEIGHT_0: i32 = 1024;
/** The weight of class IDLE. */
export const WEIGHT_IDLE: i32 = 3;

/** Owned by the queue it is a member of. */
export class FairNode {
  weight: i32 = WEIGHT_0;
  /** Virtual time it has had, ns at nice 0, and by when it should have had its slice. */
  vruntime: long = 0;
  deadline: long = 0;
  /** By how much virtual time it was behind the average (+) or ahead (-) when it left its queue. */
  lag: long = 0;
  /** The deadline with which it began to run: nothing eligible interrupts it before that one. -1 when interrupted. */
  turn: long = -1;
  /** CPU time too short for a unit of virtual time, ns * WEIGHT_0. */
  remainder: long = 0;
  /** Waiting or current: counts in its queue's average. */
  member: boolean = false;
  /** When it was put into the tree: who came first is first among equals. */
  order: long = 0;
  // The treap: heap key, smallest vruntime of the subtree, children.
  key: i32 = 0;
  least: long = 0;
  left: FairNode | null = null;
  right: FairNode | null = null;

  constructor(readonly entity: SchedEntity) {}
}

/** Virtual time for `ns` of CPU time of a weight. */
export function virtualTime(ns: long, weight: i32): long {
  return longDiv(ns * WEIGHT_0, toLong(weight));
}

/** Entities by virtual deadline; each subtree knows its earliest eligible one. */
export class FairQueue {
  /** The average virtual time of the members, rounded down, and what was cut off (times weight). */
  clock: long = 0;
  rest: long = 0;
  /** Sum of the members' weights. */
  weight: long = 0;
  /** Nodes in the tree. */
  count: i32 = 0;
  private root: FairNode | null = null;
  private order: long = 0;
  private seed: i32 = 1;
  /** The second result of `split`. */
  private behind: FairNode | null = null;

  /** A member from now on, at its `vruntime`. */
  join(n: FairNode): void {
    kassert(!n.member, "fair queue: joined twice");
    n.member = true;
    this.weight = this.weight + n.weight;
    this.rest = this.rest + (n.vruntime - this.clock) * n.weight;
    this.settle();
  }

  /** No member any more; `lag` is set, at most `limit` either way. */
  leave(n: FairNode, limit: long): void {
    kassert(n.member, "fair queue: no member");
    n.member = false;
    let lag = this.clock - n.vruntime;
    if (lag > limit) lag = limit;
    if (lag < -limit) lag = -limit;
    n.lag = lag;
    this.weight = this.weight - n.weight;
    this.rest = this.rest - (n.vruntime - this.clock) * n.weight;
    this.settle();
  }

  /** Virtual time of a member passes. It is not in the tree. */
  advance(n: FairNode, by: long): void {
    n.vruntime = n.vruntime + by;
    this.rest = this.rest + by * n.weight;
    this.settle();
  }

  /** Moves the clock so that the rest is less than one unit. */
  private settle(): void {
    const w = this.weight;
    if (w === toLong(0)) {
      this.rest = 0;
      return;
    }
    let whole = longDiv(this.rest, w);
    if (this.rest < 0 && whole * w !== this.rest) whole = whole - 1;
    this.clock = this.clock + whole;
    this.rest = this.rest - whole * w;
  }

  /** Not ahead of the average. */
  eligible(n: FairNode): boolean {
    return n.vruntime <= this.clock;
  }

  /** The waiting one with the earliest deadline of all that are eligible; null when nothing waits that is. */
  pick(): FairNode | null {
    let n = this.root;
    while (n !== null) {
      const l: FairNode | null = n.left;
      if (l !== null && l.least <= this.clock) n = l;
      else if (n.vruntime <= this.clock) return n;
      else {
        n = n.right;
        if (n !== null && n.least > this.clock) return null;
      }
    }
    return null;
  }

  /** A member waits. */
  insert(n: FairNode): void {
    kassert(n.member && !n.entity.queued, "fair queue: inserted twice");
    this.order = this.order + 1;
    n.order = this.order;
    this.seed = (imul(this.seed, 1103515245) + 12345) | 0;
    n.key = this.seed;
    n.left = null;
    n.right = null;
    n.least = n.vruntime;
    n.entity.queued = true;
    this.root = this.insertInto(this.root, n);
    this.count++;
  }

  /** A waiting one does not wait any more; still a member. Its vruntime and deadline are what they were. */
  remove(n: FairNode): void {
    kassert(n.entity.queued, "fair queue: not queued");
    this.root = this.removeFrom(this.root, n);
    n.left = null;
    n.right = null;
    n.entity.queued = false;
    this.count--;
  }

  /** The waiting one with the latest deadline that may run on a CPU, by `allows`; at most `checks` are looked at. Null for none. */
  last(allows: NodeFilter, checks: i32): FairNode | null {
    this.checks = checks;
    return this.lastBelow(this.root, allows);
  }

  private checks: i32 = 0;

  private lastBelow(at: FairNode | null, allows: NodeFilter): FairNode | null {
    if (at === null) return null;
    const right = this.lastBelow(at.right, allows);
    if (right !== null) return right;
    if (this.checks === 0) return null;
    this.checks--;
    if (allows.mayMove(at)) return at;
    return this.lastBelow(at.left, allows);
  }

  private isBefore(a: FairNode, b: FairNode): boolean {
    return a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);
  }

  private update(n: FairNode): void {
    let least = n.vruntime;
    const l = n.left;
    if (l !== null && l.least < least) least = l.least;
    const r = n.right;
    if (r !== null && r.least < least) least = r.least;
    n.least = least;
  }

  private insertInto(at: FairNode | null, n: FairNode): FairNode {
    if (at === null) return n;
    if (n.key > at.key) {
      n.left = this.split(at, n);
      n.right = this.behind;
      this.behind = null;
      this.update(n);
      return n;
    }
    if (this.isBefore(n, at)) at.left = this.insertInto(at.left, n);
    else at.right = this.insertInto(at.right, n);
    if (n.vruntime < at.least) at.least = n.vruntime;
    return at;
  }

  /** Those before `by`; those behind it are in `behind`. */
  private split(at: FairNode | null, by: FairNode): FairNode | null {
    if (at === null) {
      this.behind = null;
      return null;
    }
    if (this.isBefore(at, by)) {
      at.right = this.split(at.right, by);
      this.update(at);
      return at;
    }
    const before = this.split(at.left, by);
    at.left = this.behind;
    this.update(at);
    this.behind = at;
    return before;
  }

  private removeFrom(at: FairNode | null, n: FairNode): FairNode | null {
    if (at === null) {
      kassert(false, "fair queue: the tree is out of order");
      return null;
    }
    if (at === n) return this.merge(n.left, n.right);
    if (this.isBefore(n, at)) at.left = this.removeFrom(at.left, n);
    else at.right = this.removeFrom(at.right, n);
    this.update(at);
    return at;
  }

  /** All of `a` is before all of `b`. */
  private merge(a: FairNode | null, b: FairNode | null): FairNode | null {
    if (a === null) return b;
    if (b === null) return a;
    if (a.key > b.key) {
      a.right = this.merge(a.right, b);
      this.update(a);
      return a;
    }
    b.left = this.merge(a, b.left);
    this.update(b);
    return b;
  }
}

/** Says whether a waiting node may be moved to another CPU. */
export interface NodeFilter {
  /** Whether this one may be taken. */
  mayMove(n: FairNode): boolean;
}
