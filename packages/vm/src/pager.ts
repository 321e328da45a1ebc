/**
 * Pagers: where the pages of an object come from when they are not resident, and where dirty ones go.
 *
 * A pager is owned by whoever owns the data (a file system's vnode); the object only calls it. An object without a pager is
 * its own store: absent pages are zero pages, resident ones are never dropped.
 * Neighbours: `object.ts`, `space.ts` (faults). Invariant: a page whose read is under way stays in its object, busy, until `VmPages#readDone`.
 * Source: DragonFly sys/vm/vm_pager.h (getpages, putpages).
 */
import type { i32, u32 } from "@anax/portable";
import type { Waiter } from "@anax/lwkt";
import type { VmObject } from "./object";

export interface Pager {
  /**
   * Fills page `pg`, which is in `object` at `pindex`, busy and uninitialised.
   * 0: filled. EASYNC: under way; the pager calls `VmPages#readDone(pg, 0 or -errno)` later and wakes `waiter` (when given).
   * A negative errno: the page is taken out of the object again.
   */
  getPage(object: VmObject, pindex: u32, pg: u32, waiter: Waiter | null): i32;

  /** Writes the dirty page `pg` back. 0 when written, EASYNC when under way, or a negative errno. */
  putPage(object: VmObject, pindex: u32, pg: u32, waiter: Waiter | null): i32;
}
