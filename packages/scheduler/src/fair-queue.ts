/**
 * The entities that share one CPU by earliest eligible virtual deadline first (EEVDF).
 *
 * Key types `FairQueue` (one for each CPU), `FairNode` (what it knows of an entity). Neighbours: `eevdf.ts`.
 * Waiting nodes are in a treap ordered by deadline, each with the smallest virtual time of its subtree: the earliest deadline among the
 * eligible is found in one descent of O(log n). An entity is eligible when its virtual time is not ahead of the queue's, which is the
 * average of all by weight (the current one included). The queue keeps that average as `clock` and the remainder `rest`, so that no sum grows:
 * products of weight and lag stay below 2^53 (the lag is bounded, as in the original).
 * Invariant: the sum over all of weight * (vruntime - clock) is `rest`, 0 <= rest < total weight.
 * Source: Linux 6.6 kernel/sched/fair.c; Stoica and Abdel-Wahab, Earliest Eligible Virtual Deadline First (1995).
 */
import type { i32, long } from "@anax/portable";
import type { SchedEntity } from "./entity";

/** The weight of nice 0. */
export const WEIGHT_0: i32 = 1024;
/** The weight of class IDLE. */
export const WEIGHT_IDLE: i32 = 3;

/** Owned by the queue it is on. */
export class FairNode {
  weight: i32 = WEIGHT_0;
  /** Virtual time it has had, ns at nice 0, and by when it should have had its slice. */
  vruntime: long = 0;
  deadline: long = 0;
  /** By how much it was behind the average (+) or ahead (-) when it left its queue. */
  lag: long = 0;
  /** When its turn began with this deadline: nothing eligible interrupts it before the deadline. */
  turn: long = -1;
  /** CPU time that was too little for one unit of virtual time, in ns * WEIGHT_0. */
  rest: long = 0;
  /** In a queue's average: waiting or current. */
  joined: boolean = false;
  // The treap: heap key, smallest vruntime of the subtree, children.
  key: i32 = 0;
  least: long = 0;
  left: FairNode | null = null;
  right: FairNode | null = null;

  constructor(readonly entity: SchedEntity) {}
}
