/**
 * The virtual memory system of a kernel instance.
 *
 * Key type `Vm`: the pages, the active address space, the pools, and the kernel heap's supply.
 * Neighbours: `pages.ts`, `space.ts`, `pageout.ts`; kern owns the instance. Invariant: `active` is the space whose page tables
 * the machine has loaded, or null for the kernel's own.
 */
import { panic, type i32 } from "@anax/portable";
import type { Machine } from "@anax/machine";
import type { Waiter } from "@anax/lwkt";
import { VmObject } from "./object";
import { VmPages } from "./pages";
import type { Pager } from "./pager";
import type { VmSpace } from "./space";
import type { u32 } from "@anax/portable";

export class Vm {
  readonly pages: VmPages;
  active: VmSpace | null = null;
  /** Whom a pager wakes when it answers EASYNC: the LWP whose handler runs, set by kern. */
  waiter: Waiter | null = null;

  constructor(readonly machine: Machine) {
    this.pages = new VmPages(machine);
  }

  /** An empty address space, or null when memory is out. */
  newSpace(): VmSpace | null { panic("vm"); return null; }
  /** An object of `size` pages without a pager when `pager` is null. Null when the kernel heap is short. */
  newObject(pager: Pager | null, size: u32): VmObject | null { panic("vm"); return null; }
  /** Keeps pages donated to the kernel heap: called at the top of the kernel's loop. False when memory is out. */
  replenishHeap(): boolean { panic("vm"); return false; }
  /** Whether the kernel heap has room for small objects: what a system call asks before it makes some, else -ENOMEM. */
  heapOk(): boolean { panic("vm"); return false; }
  /** Idle work: zeroes free pages ahead. Returns whether there is more to do. */
  idleWork(): boolean { panic("vm"); return false; }
  /** Pages that could be had now: free and clean reclaimable ones (MemAvailable). */
  get availablePages(): i32 { panic("vm"); return 0; }
}
