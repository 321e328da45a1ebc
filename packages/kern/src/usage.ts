/**
 * What a process has used.
 *
 * Key type `Usage`. Neighbours: `exit.ts` and `wait.ts` (a child's usage goes to its parent when it is waited for), `times.ts`.
 * Invariant: times are ns and only grow.
 * Source: getrusage(2).
 */
import type { i32, long } from "@anax/portable";

export class Usage {
  utime: long = 0;
  stime: long = 0;
  /** Largest resident set, in pages. */
  maxRss: i32 = 0;
  minorFaults: i32 = 0;
  majorFaults: i32 = 0;
  inBlocks: i32 = 0;
  outBlocks: i32 = 0;
  voluntarySwitches: i32 = 0;
  involuntarySwitches: i32 = 0;

  clear(): void {
    this.utime = 0;
    this.stime = 0;
    this.maxRss = 0;
    this.minorFaults = 0;
    this.majorFaults = 0;
    this.inBlocks = 0;
    this.outBlocks = 0;
    this.voluntarySwitches = 0;
    this.involuntarySwitches = 0;
  }

  add(o: Usage): void {
    this.utime = this.utime + o.utime;
    this.stime = this.stime + o.stime;
    if (o.maxRss > this.maxRss) this.maxRss = o.maxRss;
    this.minorFaults = (this.minorFaults + o.minorFaults) | 0;
    this.majorFaults = (this.majorFaults + o.majorFaults) | 0;
    this.inBlocks = (this.inBlocks + o.inBlocks) | 0;
    this.outBlocks = (this.outBlocks + o.outBlocks) | 0;
    this.voluntarySwitches = (this.voluntarySwitches + o.voluntarySwitches) | 0;
    this.involuntarySwitches = (this.involuntarySwitches + o.involuntarySwitches) | 0;
  }
}
