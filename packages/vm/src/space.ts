/**
 * Address spaces: the map entries and page tables of one program.
 *
 * Key type `VmSpace`. Its operations live in files by mechanism: `fault.ts`, `mapping.ts` (map, unmap, protect, brk, stack),
 * `remap.ts`, `advise.ts`, `fork.ts`, `access.ts` (copyin and its family).
 * Neighbours: `entry-list.ts`, `pmap.ts`, `vm.ts`. Invariant: every present page-table entry lies inside a map entry and gives no
 * right that the entry does not give.
 * Source: DragonFly sys/vm/vm_map.c; results: the Linux manual pages of section 2.
 */
import { panic, type i32, type long, type u32 } from "@anax/portable";
import type { VmEntry } from "./entry";
import type { VmObject } from "./object";
import type { Pmap } from "./pmap";
import type { Vm } from "./vm";

/** An address space. Made by `Vm#newSpace` or `fork`; its owners (processes that share it) hold references. */
export class VmSpace {
  refs: i32 = 1;
  /** Limits in bytes, set by kern from the process's rlimits. */
  limitAs: long = 0x7fffffffffff;
  limitData: long = 0x7fffffffffff;
  limitStack: long = 8388608;
  limitLock: long = 0x7fffffffffff;
  /** Lowest address that may be mapped. */
  minAddr: long = 65536;
  /** Mappings are placed below this address, downwards. */
  mmapBase: long = 0;
  brkStart: long = 0;
  brkEnd: long = 0;
  /** What `getLong` read. */
  word: long = 0;
  /** Pages: all mapped ranges, private writable ones, stacks, locked ones; and the most resident ever. */
  virtualPages: long = 0;
  dataPages: long = 0;
  stackPages: long = 0;
  lockedPages: long = 0;
  peakResident: i32 = 0;

  constructor(
    readonly vm: Vm,
    readonly pmap: Pmap,
  ) {}

  /** Resident pages that are anonymous, and of objects. */
  get residentAnon(): i32 { return panicNumber(); }
  get residentFile(): i32 { return panicNumber(); }
  get residentPages(): i32 { return panicNumber(); }
  /** Pages of page tables. */
  get tablePages(): i32 { return panicNumber(); }

  ref(): void { panic("vm"); }
  /** One owner less; the last one frees everything. The space may be active. */
  release(): void { panic("vm"); }
  /** Loads the page tables unless they are loaded. */
  activate(): void { panic("vm"); }
  /** Resolves a page fault; `errcode` has PF_* bits. 0, -FAULT (no mapping), -ACCES (protection), -IO (past the end of the object), -NOMEM, EASYNC. */
  fault(va: long, errcode: i32): i32 { return panicNumber(); }

  // ---- mappings
  /** mmap(2): the address, or -EINVAL, -ENOMEM, -EEXIST, -EPERM, -EAGAIN. `offset` in bytes, page aligned; `object` null: private zero pages, or with MAP_SHARED a new shared object. */
  map(addr: long, len: long, prot: i32, flags: i32, object: VmObject | null, offset: long, maxProt: i32 = 7): long { return panicNumber(); }
  unmap(addr: long, len: long): i32 { return panicNumber(); }
  protect(addr: long, len: long, prot: i32): i32 { return panicNumber(); }
  remap(addr: long, oldLen: long, newLen: long, flags: i32, newAddr: long): long { return panicNumber(); }
  /** Where the heap starts (exec). */
  initBrk(start: long): void { panic("vm"); }
  /** brk(2) of Linux: the new break, or the old one when `addr` cannot be had. */
  setBrk(addr: long): long { return panicNumber(); }
  /** A grow-down stack whose highest byte is top - 1, `len` bytes at first. 0 or -ENOMEM. */
  mapStack(top: long, len: long, prot: i32): i32 { return panicNumber(); }
  sync(addr: long, len: long, flags: i32): i32 { return panicNumber(); }
  advise(addr: long, len: long, advice: i32): i32 { return panicNumber(); }
  /** mincore(2) for `n` pages from `addr`: a byte each into `out`. */
  incore(addr: long, n: i32, out: Uint8Array, off: i32): i32 { return panicNumber(); }
  lock(addr: long, len: long, onFault: boolean): i32 { return panicNumber(); }
  unlock(addr: long, len: long): i32 { return panicNumber(); }
  /** mlockall(2) with MCL_* flags; 0 is munlockall(2). */
  lockAll(flags: i32): i32 { return panicNumber(); }
  /** A copy of the space, copy-on-write; null when memory is out. `hot` is an address that both sides write at once (the stack pointer). */
  fork(hot: long = 0): VmSpace | null { panic("vm"); return null; }

  // ---- map entries in address order, for /proc/PID/maps
  get entryCount(): i32 { return panicNumber(); }
  entryAt(i: i32): VmEntry { throw new Error("vm"); }
  /** The entry that contains `va`, or null. */
  findEntry(va: long): VmEntry | null { panic("vm"); return null; }
  /** Resident pages of an entry. */
  residentOf(e: VmEntry): i32 { return panicNumber(); }

  // ---- user memory; the space must be active. 0, -EFAULT, -ENOMEM, EASYNC
  copyin(uaddr: long, buf: Uint8Array, off: i32, n: i32): i32 { return panicNumber(); }
  copyout(buf: Uint8Array, off: i32, uaddr: long, n: i32): i32 { return panicNumber(); }
  copyinPhys(uaddr: long, pa: long, n: i32): i32 { return panicNumber(); }
  copyoutPhys(pa: long, uaddr: long, n: i32): i32 { return panicNumber(); }
  zeroUser(uaddr: long, n: i32): i32 { return panicNumber(); }
  /** A string of at most `max` bytes with its NUL into buf: its length without the NUL, -EFAULT, or -ENAMETOOLONG when there is no NUL. */
  copyinstr(uaddr: long, buf: Uint8Array, off: i32, max: i32): i32 { return panicNumber(); }
  /** The 32 bits at `uaddr` (0 to 2^32-1), or a negative errno or EASYNC. */
  get32(uaddr: long): long { return panicNumber(); }
  /** Compare and swap: the value that was there, or a negative errno or EASYNC. */
  cas32(uaddr: long, expected: u32, value: u32): long { return panicNumber(); }
  put32(uaddr: long, v: u32): i32 { return panicNumber(); }
  /** Reads 64 bits into `word`: 0 or a negative errno or EASYNC. */
  getLong(uaddr: long): i32 { return panicNumber(); }
  putLong(uaddr: long, v: long): i32 { return panicNumber(); }
}

function panicNumber(): i32 {
  panic("vm");
  return 0;
}
