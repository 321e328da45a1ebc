/**
 * What will be done: steps in the order in which they are safe, what they cost, and what was left undone and why.
 *
 * Key types `Plan`, `StepKind`, `Held`. Neighbours: `planner.ts` makes it, `order.ts` sorts it, `why-not.ts` explains it; transactions carry it out.
 * Invariant: carrying out all steps leads from the installed packages to `final`; a package is in one step at most as old and in one as new.
 */
import { longMax, toLong, type i32, type long } from "@anax/portable";
import { IntVec } from "../solver/int-vec";
import type { Universe } from "../universe";
import type { Reason } from "./why-not";

export enum StepKind {
  INSTALL = 1,
  /** To a greater version of the same base. */
  UPGRADE = 2,
  DOWNGRADE = 3,
  /** To another build of the same version. */
  REFRESH = 4,
  /** To a package of another base that supersedes it. */
  REPLACE = 5,
  REMOVE = 6,
  /** Only the automatic flag changes. */
  MARK_KEPT = 7,
  MARK_AUTOMATIC = 8,
}

/** An upgrade that was wanted and does not happen, or not to the best version; or a package that was the best and does not stay. */
export class Held {
  constructor(
    /** The installed package, what it should have become, and what it becomes: handles; `result` is -1 when it goes. */
    readonly installed: i32,
    readonly wanted: i32,
    readonly result: i32,
    readonly reason: Reason,
  ) {}
}

export class Plan {
  /**
   * 0; -Errno.DEADLK: the request contradicts itself or what must stay, see `reason`; -Errno.SRCH, -Errno.INVAL: see `unmatched`;
   * -Errno.TIMEDOUT: the search found nothing within its limit.
   */
  status: i32 = 0;
  /** By step: its kind, the handle that goes (or stays, for marks) and the one that comes; -1 for none. */
  readonly kinds: IntVec = new IntVec();
  readonly olds: IntVec = new IntVec();
  readonly news: IntVec = new IntVec();
  /** By step: 1 when the new package is automatic afterwards. */
  readonly automatics: IntVec = new IntVec();
  /** By step: the number of the cycle of dependencies that it is part of, from 1; 0 for none. */
  readonly cycles: IntVec = new IntVec();
  /** The first steps that change the package tools and what those need: to be carried out before the rest is planned again. */
  toolSteps: i32 = 0;
  /** Rules of order that the steps do not keep, because they go round in a circle or because the tools come first; 0: no dependency opens on the way. */
  violations: i32 = 0;
  /** Handles of all packages that are there afterwards, as they were loaded. */
  readonly final: IntVec = new IntVec();
  readonly held: Held[] = [];
  /** Automatic packages of `final` that no kept one needs. */
  readonly orphans: IntVec = new IntVec();
  /** Dependencies that are broken now and stay so, pairwise: the handle and the pattern, or -1 - library. */
  readonly broken: IntVec = new IntVec();
  /** Patterns of the request that match nothing (-Errno.SRCH) or are malformed (-Errno.INVAL). */
  readonly unmatched: IntVec = new IntVec();
  /** Why there is no plan (-Errno.DEADLK). */
  reason: Reason | null = null;
  /** Whether no better plan exists; false when the search was cut short. */
  proven: boolean = true;
  /** Bytes of archives; those whose size no summary tells are in `unknownSizes`. */
  download: long = 0;
  unknownSizes: i32 = 0;
  /** Bytes by which the installed files grow. */
  growth: long = 0;
  /** The most bytes by which they have grown after any step. */
  peak: long = 0;

  constructor(readonly universe: Universe) {}

  get steps(): i32 {
    return this.kinds.length;
  }

  addStep(kind: StepKind, old: i32, now: i32, automatic: boolean): void {
    this.kinds.push(kind);
    this.olds.push(old);
    this.news.push(now);
    this.automatics.push(automatic ? 1 : 0);
    this.cycles.push(0);
  }

  /** How many steps have the kind. */
  count(kind: StepKind): i32 {
    let n: i32 = 0;
    for (let i = 0; i < this.kinds.length; i++) if (this.kinds.get(i) === kind) n++;
    return n;
  }

  /** Whether packages change; marks alone do not. */
  get changesPackages(): boolean {
    for (let i = 0; i < this.kinds.length; i++) if (this.kinds.get(i) < StepKind.MARK_KEPT) return true;
    return false;
  }

  /** Bytes to fetch for step `i`; 0 for none, -1 when no summary tells. */
  downloadOf(i: i32): long {
    if (this.news.get(i) < 0 || this.kinds.get(i) >= StepKind.REMOVE) return toLong(0);
    return this.universe.fileSizeOf(this.news.get(i));
  }

  /** Bytes by which step `i` makes the installed files grow. */
  growthOf(i: i32): long {
    const kind = this.kinds.get(i);
    if (kind > StepKind.REMOVE) return toLong(0);
    const old = this.olds.get(i);
    const now = this.news.get(i);
    const u = this.universe;
    return (now < 0 ? toLong(0) : u.sizeOf(now)) - (old < 0 ? toLong(0) : u.sizeOf(old));
  }

  /** Adds up the sizes of all steps. */
  measure(): void {
    this.download = 0;
    this.growth = 0;
    this.peak = 0;
    this.unknownSizes = 0;
    for (let i = 0; i < this.steps; i++) {
      const d = this.downloadOf(i);
      if (d < 0) this.unknownSizes++;
      else this.download = this.download + d;
      this.growth = this.growth + this.growthOf(i);
      this.peak = longMax(this.peak, this.growth);
    }
  }
}
