/**
 * The virtual memory system of a kernel instance.
 *
 * Key type `Vm`: the pages, the address space that is loaded, the pools, and the supply of the kernel heap.
 * Neighbours: `pages.ts`, `space.ts`, `pageout.ts`; kern owns the instance, calls `replenishHeap` at the top of its loop and sets
 * `waiter` before it runs a handler. Invariant: `active` is the space whose page tables the machine has loaded; null: the
 * kernel's own, which has no user half.
 */
import { kassert, u32, type i32 } from "@anax/portable";
import type { Machine } from "@anax/machine";
import type { Waiter } from "@anax/lwkt";
import { VmEntry } from "./entry";
import { VmObject } from "./object";
import { VmPages } from "./pages";
import type { Pager } from "./pager";
import { Pageout } from "./pageout";
import { Pmap } from "./pmap";
import { VmSpace } from "./space";

/** Free pages zeroed by one call of `idleWork`. */
const IDLE_BATCH: i32 = 16;

/** The virtual memory system. One for each kernel instance. */
export class Vm {
  readonly pages: VmPages;
  readonly pageout: Pageout;
  /** The space that is loaded, or null. */
  active: VmSpace | null = null;
  /** Whom a pager wakes when it answers EASYNC: the LWP whose handler runs, set by kern. */
  waiter: Waiter | null = null;
  /** The page of zeros that reads of untouched memory see. */
  readonly zeroPage: u32;
  /** For small transfers to and from user memory. */
  readonly scratch: Uint8Array = new Uint8Array(16);
  private readonly kernelRoot: u32;
  private freeEntries: VmEntry | null = null;

  constructor(readonly machine: Machine) {
    const pages = new VmPages(machine);
    const zero = pages.allocZeroed();
    const root = pages.allocZeroed();
    kassert(zero !== 0 && root !== 0, "not enough memory");
    pages.wire(zero);
    pages.wire(root);
    machine.initRoot(pages.pa(root));
    machine.setRoot(pages.pa(root));
    const pageout = new Pageout(pages);
    pages.reclaimer = pageout;
    this.pages = pages;
    this.pageout = pageout;
    this.zeroPage = zero;
    this.kernelRoot = root;
  }

  /** An empty address space, or null when memory is out. */
  newSpace(): VmSpace | null {
    if (!this.heapOk()) return null;
    const root = this.pages.allocZeroed();
    if (root === 0) return null;
    this.machine.initRoot(this.pages.pa(root));
    return new VmSpace(this, new Pmap(this.pages, root));
  }

  /** An object of `size` pages; without a pager its absent pages are zero. Null when the kernel heap is short. */
  newObject(pager: Pager | null, size: u32): VmObject | null {
    return this.heapOk() ? new VmObject(this.pages, pager, size) : null;
  }

  /** For VmSpace alone: loads the kernel's own tables in place of a space that goes away. */
  unload(): void {
    this.active = null;
    this.machine.setRoot(this.pages.pa(this.kernelRoot));
  }

  /** For VmSpace alone: an entry from the pool, or null when the kernel heap is short. */
  takeEntry(): VmEntry | null {
    const e = this.freeEntries;
    if (e === null) return this.heapOk() ? new VmEntry() : null;
    this.freeEntries = e.nextMapping;
    e.nextMapping = null;
    return e;
  }

  /** For VmSpace alone: gives an entry back, with the references it holds. */
  giveEntry(e: VmEntry): void {
    const object = e.object;
    if (object !== null) {
      object.removeMapping(e);
      e.object = null;
      object.unref();
    }
    e.space = null;
    e.window = 1;
    e.nextFault = 0;
    e.nextMapping = this.freeEntries;
    this.freeEntries = e;
  }

  // ---- the kernel heap, see `heap.ts`

  replenishHeap(): boolean {
    return this.pages.heap.replenish();
  }

  heapOk(): boolean {
    return this.pages.heap.ok();
  }

  heapRoom(bytes: i32): boolean {
    return this.pages.heap.room(bytes);
  }

  // ---- statistics and idle time

  /** Idle work: zeroes free pages ahead of need. Returns whether there is more to do. */
  idleWork(): boolean {
    return this.pages.zeroIdle(IDLE_BATCH) === IDLE_BATCH;
  }

  /** Pages that could be had now: free ones and clean ones that a pager can bring back (MemAvailable). */
  get availablePages(): i32 {
    const free: u32 = this.pages.freeCount > this.pages.reserve ? u32(this.pages.freeCount - this.pages.reserve) : 0;
    return (free + this.pageout.reclaimable()) | 0;
  }
}
