/**
 * What can be tuned in the dfly policy, and the two settings that DragonFly published.
 *
 * Key type `DflyTuning`. Neighbours: `dfly.ts`. Invariant: `wrong` names no field of a preset.
 * Source: DragonFly sys/kern/usched_dfly.c (kern.usched_dfly.*), earlier and later releases.
 */
import type { i32 } from "@anax/portable";

/** Bits of `features`. */
export const DFLY_PULL: i32 = 0x01;
/** Who wakes up goes to the best CPU. */
export const DFLY_PUSH: i32 = 0x02;
/** Every 8 ticks one CPU more pulls from the worst. */
export const DFLY_ROVER: i32 = 0x04;
/** Who is preempted looks for the best CPU. */
export const DFLY_PUSH_MORE: i32 = 0x08;
/** Not to the very CPU of the waker, but near it. */
export const DFLY_FLIP: i32 = 0x10;
/** A child starts on the best CPU. */
export const DFLY_FORK_BEST: i32 = 0x20;
/** A child starts on its parent's CPU. */
export const DFLY_FORK_SAME: i32 = 0x40;
/** A child starts on the next CPU that has nothing better to do. */
export const DFLY_FORK_SPREAD: i32 = 0x80;
const DFLY_ALL: i32 = 0xff;

/** Weights lie within +- this. */
const WEIGHT_MAX: i32 = 1000000;

/**
 * Loads are in units of `uload`: 512 is a CPU's worth at nice 0.
 *
 * | field | meaning |
 * |---|---|
 * | weight1 | advantage of the CPU an entity is on, and of every node around it: keeps it there |
 * | weight2 | advantage of nodes around the CPU that woke it: brings those who talk together; a disadvantage of that very CPU with DFLY_FLIP |
 * | weight3 | load that each entity is by being there |
 * | weight4 | advantage of a CPU that has nothing to run |
 * | weight5 | advantage of the node with most memory; others in proportion |
 * | weight6 | by how much more (half of it) another CPU must be loaded for the rover to take from it |
 * | weight7 | the same for an idle CPU that pulls; negative: pull even from who has less |
 * | fastResched | so much better a priority must be to interrupt at once; otherwise at the next tick |
 * | features | DFLY_PULL: idle CPUs pull; DFLY_PUSH: wake-ups go to the best CPU, not to their last one; DFLY_ROVER: every 8 ticks another CPU pulls from the worst; DFLY_PUSH_MORE: who is preempted looks for the best CPU; DFLY_FLIP: see weight2; DFLY_FORK_BEST, _SAME, _SPREAD: where children start, in that order (none: on the parent's CPU unless somebody waits there) |
 * | halveIdle | the load of who sleeps on an idle CPU counts half |
 * | pace | DFLY_PUSH_MORE acts on one CPU at a time, by turns of 8 ticks |
 * | compensate | estcpu is raised when more are runnable than there are CPUs |
 * | atHead | who wakes up goes to the head of its queue while its slice lasts; otherwise, and always when real-time, to the tail |
 */
export class DflyTuning {
  weight1: i32 = 200;
  weight2: i32 = 180;
  weight3: i32 = 40;
  weight4: i32 = 160;
  weight5: i32 = 0;
  weight6: i32 = -WEIGHT_MAX;
  weight7: i32 = -WEIGHT_MAX;
  fastResched: i32 = 0;
  features: i32 = 0x8f;
  halveIdle: boolean = false;
  pace: boolean = false;
  compensate: boolean = true;
  atHead: boolean = false;

  /** The first field whose value is out of range (weights +-1,000,000, fastResched 0 to 512, features 0 to 0xff); empty when all are right. */
  wrong(): string {
    if (!isWeight(this.weight1)) return "weight1";
    if (!isWeight(this.weight2)) return "weight2";
    if (!isWeight(this.weight3)) return "weight3";
    if (!isWeight(this.weight4)) return "weight4";
    if (!isWeight(this.weight5)) return "weight5";
    if (!isWeight(this.weight6)) return "weight6";
    if (!isWeight(this.weight7)) return "weight7";
    if (this.fastResched < 0 || this.fastResched > 512) return "fastResched";
    return (this.features & ~DFLY_ALL) !== 0 ? "features" : "";
  }
}

function isWeight(w: i32): boolean {
  return w >= -WEIGHT_MAX && w <= WEIGHT_MAX;
}

/** The earlier published setting: weights 200, 180, 40, 160, features 0x8F; pulls and the rover ask for no difference. */
export function classicTuning(): DflyTuning {
  return new DflyTuning();
}

/** The later published setting: weights 30, 180, 10, 120, 50, 0, -100. */
export function currentTuning(): DflyTuning {
  const t = new DflyTuning();
  t.weight1 = 30;
  t.weight3 = 10;
  t.weight4 = 120;
  t.weight5 = 50;
  t.weight6 = 0;
  t.weight7 = -100;
  t.fastResched = 2;
  t.halveIdle = true;
  t.pace = true;
  t.compensate = false;
  t.atHead = true;
  return t;
}
