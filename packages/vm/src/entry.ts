/**
 * Map entries: one range of an address space with one protection and one source of pages.
 *
 * Key type `VmEntry`. Neighbours: `entry-list.ts` (the ordered entries of a space), `object.ts` (the entries that map an object).
 * Invariant: start < end, both page aligned; entries of one space do not overlap; an entry with an object holds a reference of it
 * and is on its mapping list.
 * Source: DragonFly sys/vm/vm_map.h (vm_map_entry with its embedded backing).
 */
import { longDiv, u32, type i32, type long } from "@anax/portable";
import { PAGE_SIZE } from "@anax/machine";
import type { VmObject } from "./object";
import type { VmSpace } from "./space";

/** Writes go to the object and are seen by all who map it; otherwise they go to private copies. */
export const VME_SHARED: i32 = 0x01;
/** Grows down on a fault below its start (a stack). */
export const VME_GROWSDOWN: i32 = 0x02;
/** mlock(2): counted, and never left by madvise(DONTNEED). */
export const VME_LOCKED: i32 = 0x04;
/** The heap that brk(2) moves. */
export const VME_HEAP: i32 = 0x08;
/** MADV_DONTFORK: a child does not get it. */
export const VME_NOFORK: i32 = 0x10;
/** MADV_WIPEONFORK: a child gets it empty. */
export const VME_WIPEFORK: i32 = 0x20;
/** The main thread's stack, for /proc/PID/maps. */
export const VME_STACK: i32 = 0x40;
/** MADV_RANDOM: no mapping ahead. */
export const VME_RANDOM: i32 = 0x80;
/** MAP_NORESERVE, for /proc/PID/maps. */
export const VME_NORESERVE: i32 = 0x100;

/**
 * A map entry. Owned by its space; on the kernel's pool while unused.
 *
 * | prot, maxProt | PROT_* now, and what mprotect may set |
 * | object, pindex | where absent pages come from: `object` at `pindex` + (va - start) / 4096; no object: private zero pages |
 * | nextFault, window | sequential fault detection: the address behind the last batch, and pages to map next time |
 */
export class VmEntry {
  start: long = 0;
  end: long = 0;
  prot: i32 = 0;
  maxProt: i32 = 0;
  flags: i32 = 0;
  object: VmObject | null = null;
  pindex: u32 = 0;
  space: VmSpace | null = null;
  nextFault: long = 0;
  window: i32 = 1;
  /** The object's mapping list; on the pool, `nextMapping` links free entries. */
  nextMapping: VmEntry | null = null;
  prevMapping: VmEntry | null = null;

  get isShared(): boolean {
    return (this.flags & VME_SHARED) !== 0;
  }

  get pages(): long {
    return longDiv(this.end - this.start, PAGE_SIZE);
  }

  /** Byte offset of `start` in the object. */
  get offset(): long {
    const index: long = this.pindex;
    return index * PAGE_SIZE;
  }

  /** Index in the object of the page at `va`, which is inside the entry. */
  indexOf(va: long): u32 {
    return u32(this.pindex + u32(longDiv(va - this.start, PAGE_SIZE)));
  }
}
