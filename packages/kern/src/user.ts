/**
 * Users: how many processes each has, for RLIMIT_NPROC.
 *
 * Key type `UserTable`. Neighbours: `fork.ts`, `exit.ts`, `credcalls.ts`. Invariant: `count(uid)` is the number of LWPs of live
 * processes whose real user is `uid`.
 */
import type { i32, u32 } from "@anax/portable";

export class UserTable {
  private readonly counts: Map<u32, i32> = new Map<u32, i32>();

  count(uid: u32): i32 {
    return this.counts.has(uid) ? this.counts.get(uid)! : 0;
  }

  /** `by` more (or, negative, less) LWPs of a user. */
  change(uid: u32, by: i32): void {
    const n: i32 = (this.count(uid) + by) | 0;
    if (n > 0) this.counts.set(uid, n);
    else this.counts.delete(uid);
  }
}
