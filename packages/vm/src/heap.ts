/**
 * The supply of the kernel heap: pages that the kernel gives to its own linear memory, for good.
 *
 * The heap grows inside the machine, by pages it has in hand; what is missing when it must grow is a panic. So enough is kept in
 * hand: the kernel's loop calls `replenish`, and whoever makes objects for a program's sake asks `ok` or `room` first.
 * Neighbours: `pages.ts` (owns it), `machine` (heapReserve, heapDonate). Invariant: users' memory pays; the reserve of the page pool
 * pays only for what the kernel itself needs to go on.
 */
import type { i32, u32 } from "@anax/portable";
import type { VmPages } from "./pages";

/** Pages the heap has in hand after `replenish`. */
export const HEAP_TARGET: i32 = 64;
/** Below this many in hand users get no more objects, and below this the reserve pays. */
const HEAP_LOW: i32 = 32;
const HEAP_CRITICAL: i32 = 20;
/** Pages by which the heap grows, and one for its page table. */
const GROWTH: i32 = 17;

/** Owned by the page pool, which attaches itself when it can be used. */
export class KernelHeap {
  private pool: VmPages | null = null;

  attach(pages: VmPages): void {
    this.pool = pages;
  }

  /** Called at the top of the kernel's loop, and between steps of long work outside it. False when even the reserve is gone. */
  replenish(): boolean {
    const pages = this.pool!;
    const m = pages.machine;
    if (m.heapReserve() >= HEAP_TARGET || this.supply(HEAP_TARGET)) return true;
    while (m.heapReserve() < HEAP_CRITICAL) {
      const pg = pages.allocKernel();
      if (pg === 0) return false;
      this.donate(pg);
    }
    return true;
  }

  /** Whether there is room for small objects (a few kilobytes). */
  ok(): boolean {
    return this.pool!.machine.heapReserve() >= HEAP_LOW || this.supply(HEAP_LOW);
  }

  /** Whether there is room for one object of `bytes`; pages are donated for it when they are missing. */
  room(bytes: i32): boolean {
    return this.supply((HEAP_LOW + (bytes >> 12) + GROWTH) | 0);
  }

  /** Donates until `want` pages are in hand; false when users have used memory up. */
  private supply(want: i32): boolean {
    const pages = this.pool!;
    while (pages.machine.heapReserve() < want) {
      const pg = pages.alloc();
      if (pg === 0) return false;
      this.donate(pg);
    }
    return true;
  }

  private donate(pg: u32): void {
    const pages = this.pool!;
    pages.wire(pg);
    pages.machine.heapDonate(pages.pa(pg));
  }
}
