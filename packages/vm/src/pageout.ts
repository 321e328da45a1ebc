/**
 * Pageout: moves object pages between the queues and frees clean ones when memory runs short.
 *
 * The queues ACTIVE and INACTIVE are states in the page array, and one hand goes round all pages: an active page loses act_count
 * unless it was used since the last round, and becomes inactive at 0; an inactive one that was used becomes active again; an inactive
 * clean page that its pager can bring back is taken out of every map and freed.
 * Neighbours: `pages.ts` (asks for memory), `object.ts`, `pmap.ts`.
 * Invariants: a page without a pager, dirty, busy or pinned is never freed; nothing here allocates.
 * Source: DragonFly sys/vm/vm_pageout.c (act_count; dirty pages are left to their pager).
 */
import { toLong, u32, type i32, type long } from "@anax/portable";
import { PAGE_SIZE } from "@anax/machine";
import type { VmObject } from "./object";
import {
  ACT_ADVANCE,
  ACT_DECLINE,
  ACT_MAX,
  PG_ACTIVE,
  PG_BUSY,
  PG_DIRTY,
  PG_OBJECT,
  type Reclaimer,
  type VmPages,
} from "./pages";

/** Visits after which a page that was just used is free, if nobody uses it again. */
const ROUNDS: u32 = 8;

/** The reclaimer of a kernel instance. */
export class Pageout implements Reclaimer {
  private hand: u32 = 1;
  /** Pages freed since boot. */
  freed: u32 = 0;

  constructor(private readonly pages: VmPages) {}

  /** Goes round until `n` pages are freed, at most as often as a used page needs to become free. */
  reclaim(n: u32): u32 {
    if (this.reclaimable() === 0) return 0;
    let freed: u32 = 0;
    let left: u32 = u32(this.pages.limit * ROUNDS);
    while (freed < n && left > 0) {
      left = u32(left - 1);
      this.hand = u32(this.hand + 1);
      if (this.hand >= this.pages.limit) this.hand = 1;
      if ((this.pages.flags[this.hand] & (PG_OBJECT | PG_BUSY)) === PG_OBJECT && this.visit(this.hand))
        freed = u32(freed + 1);
    }
    this.freed = u32(this.freed + freed);
    return freed;
  }

  /** Clean pages with a pager, at most: what `reclaim` could free if all were unused. */
  reclaimable(): i32 {
    return this.pages.pagedCount | 0;
  }

  /** One step for an object page; true when it was freed. */
  private visit(pg: u32): boolean {
    const pages = this.pages;
    const object = pages.objectOf(pg);
    if (object === null || object.pager === null) return false;
    const used = this.wasUsed(object, pg);
    let act: i32 = pages.act[pg];
    if (used) {
      act = (act + ACT_ADVANCE) | 0;
      pages.act[pg] = act > ACT_MAX ? ACT_MAX : act;
      pages.setActive(pg, true);
      return false;
    }
    if ((pages.flags[pg] & PG_ACTIVE) !== 0) {
      act = act > ACT_DECLINE ? (act - ACT_DECLINE) | 0 : 0;
      // Short of memory: an unused page goes down at once, whatever it earned before.
      pages.act[pg] = act >> 1;
      if (act <= 1) pages.setActive(pg, false);
      return false;
    }
    if (pages.refs[pg] > 1) return false;
    this.unmap(object, pg);
    if ((pages.flags[pg] & PG_DIRTY) !== 0) return false;
    pages.remove(object, pg);
    return true;
  }

  /** Whether any map used the page since the last visit. */
  private wasUsed(object: VmObject, pg: u32): boolean {
    let used = false;
    const index: u32 = this.pages.index[pg];
    let e = object.firstMapping;
    while (e !== null) {
      if (index >= e.pindex) {
        const va: long = e.start + toLong(u32(index - e.pindex)) * PAGE_SIZE;
        if (va < e.end && e.space!.pmap.extract(va) === pg && e.space!.pmap.testAccessed(va)) used = true;
      }
      e = e.nextMapping;
    }
    return used;
  }

  /** Takes the page out of every map that shows it (private copies stay); what was written through a map makes it dirty. */
  private unmap(object: VmObject, pg: u32): void {
    const index: u32 = this.pages.index[pg];
    let e = object.firstMapping;
    while (e !== null) {
      if (index >= e.pindex) {
        const va: long = e.start + toLong(u32(index - e.pindex)) * PAGE_SIZE;
        if (va < e.end && e.space!.pmap.extract(va) === pg) e.space!.pmap.remove(va, va + PAGE_SIZE);
      }
      e = e.nextMapping;
    }
  }
}
