/**
 * Address spaces: the map entries and page tables of one program.
 *
 * Key type `VmSpace`. Its operations live in files by mechanism: `fault.ts`, `mapping.ts` (map, unmap, protect, brk, stack),
 * `remap.ts`, `advise.ts` (madvise, msync, mincore, mlock), `fork.ts`, `access.ts` (copyin and its family).
 * Neighbours: `entry-list.ts`, `pmap.ts`, `vm.ts`. Invariant: every page-table entry in use lies inside a map entry and gives no
 * right that the map entry does not give.
 * Source: DragonFly sys/vm/vm_map.c; results: the Linux manual pages of section 2.
 */
import { kassert, longDiv, toLong, type i32, type long, type u32 } from "@anax/portable";
import { PAGE_SIZE, PF_USER, PF_WRITE } from "@anax/machine";
import * as access from "./access";
import * as advise from "./advise";
import { VME_GROWSDOWN, VME_LOCKED, VME_NORESERVE, type VmEntry } from "./entry";
import { EntryList } from "./entry-list";
import { faultPage } from "./fault";
import { forkSpace } from "./fork";
import { addStack, isData, mapRange, moveBrk, protectRange, unmapRange } from "./mapping";
import { PROT_ALL, PROT_WRITE } from "./mman";
import type { VmObject } from "./object";
import type { Pmap } from "./pmap";
import { remapRange } from "./remap";
import type { Vm } from "./vm";

/** A list of this many entries grows (it doubles its array) only after the kernel heap was asked for room. */
const LIST_SMALL: i32 = 1024;
/** Pages that `populate` brings in at most: what is asked for beyond comes by faults. */
const POPULATE_MAX: i32 = 65536;

/** No limit. */
export const LIMIT_NONE: long = 0x7fffffffffff;

/**
 * An address space. Made by `Vm#newSpace` or `fork`; its owners (processes that share it) hold references.
 *
 * | field | meaning |
 * |---|---|
 * | limitAs, limitData, limitStack, limitLock | bytes; set by kern from the process's limits |
 * | minAddr | lowest address that may be mapped |
 * | mmapBase | new mappings are placed below it; 0: below the end of user memory |
 * | brkStart, brkEnd | the heap of brk(2), in bytes |
 * | virtualBytes, dataBytes, stackBytes, lockedBytes | sizes of entries by kind |
 * | left | bytes not done when a copy failed |
 * | word | what `getLong` read |
 */
export class VmSpace {
  refs: i32 = 1;
  limitAs: long = LIMIT_NONE;
  limitData: long = LIMIT_NONE;
  limitStack: long = 8388608;
  limitLock: long = LIMIT_NONE;
  minAddr: long = 65536;
  mmapBase: long = 0;
  brkStart: long = 0;
  brkEnd: long = 0;
  virtualBytes: long = 0;
  dataBytes: long = 0;
  stackBytes: long = 0;
  lockedBytes: long = 0;
  peakResident: i32 = 0;
  peakVirtual: long = 0;
  /** mlockall(MCL_FUTURE). */
  lockFuture: boolean = false;
  left: i32 = 0;
  word: long = 0;
  /** For the files of this package. */
  readonly list: EntryList = new EntryList();

  constructor(
    readonly vm: Vm,
    readonly pmap: Pmap,
  ) {}

  // ---- life

  ref(): void {
    kassert(this.refs > 0, "space: reference to a dead space");
    this.refs++;
  }

  /** One owner less; the last one frees everything. The space may be loaded. */
  release(): void {
    kassert(this.refs > 0, "space: released twice");
    this.refs--;
    if (this.refs > 0) return;
    if (this.vm.active === this) {
      this.pmap.active = false;
      this.vm.unload();
    }
    this.pmap.destroy();
    for (let i = 0; i < this.list.count; i++) this.vm.giveEntry(this.list.at(i));
    this.list.removeRange(0, this.list.count);
  }

  /** Loads the page tables unless they are loaded. */
  activate(): void {
    const old = this.vm.active;
    if (old === this) return;
    kassert(this.refs > 0, "space: loaded after its release");
    if (old !== null) old.pmap.active = false;
    this.vm.active = this;
    this.pmap.active = true;
    this.vm.machine.setRoot(this.vm.pages.pa(this.pmap.root));
  }

  /**
   * A copy of the space, copy-on-write; null when memory is out. `hot` is an address that both sides write at once (the stack
   * pointer): its page is copied now.
   */
  fork(hot: long = 0): VmSpace | null {
    return forkSpace(this, hot);
  }

  /**
   * Resolves a page fault at `va`; `errcode` has PF_* bits. 0: try again. -FAULT: nothing is mapped there (SEGV_MAPERR). -ACCES: the mapping
   * does not allow it (SEGV_ACCERR). -IO: behind the end of the object, or its pager failed (SIGBUS). -NOMEM: memory is
   * out. EASYNC: the page is being read, `Vm#waiter` will be woken.
   */
  fault(va: long, errcode: i32): i32 {
    return faultPage(this, va, errcode);
  }

  // ---- mappings

  /**
   * mmap(2). Returns the address, or: -EINVAL (length 0, no or unknown MAP_TYPE, unaligned offset or fixed address), -ENOMEM (no room,
   * a limit, too many entries, memory), -EEXIST (MAP_FIXED_NOREPLACE), -EPERM (below `minAddr`), -EAGAIN (lock limit), -EOVERFLOW.
   *
   * `object` null: zero pages, with MAP_SHARED those of a new object. The mapping takes its own reference of `object`.
   * `offset` in bytes. `maxProt`: what mprotect may set later (a shared mapping of a file that is open for reading only: no
   * PROT_WRITE); the caller has checked `prot` against the file.
   */
  map(addr: long, len: long, prot: i32, flags: i32, object: VmObject | null, offset: long, maxProt: i32 = 7): long {
    return mapRange(this, addr, len, prot, flags, object, offset, maxProt);
  }

  /** munmap(2): 0, -EINVAL, or -ENOMEM (a split would make too many entries). */
  unmap(addr: long, len: long): i32 {
    return unmapRange(this, addr, len);
  }

  /** mprotect(2): 0, -EINVAL, -EACCES (maxProt), -ENOMEM (a hole; what is before it was changed). */
  protect(addr: long, len: long, prot: i32): i32 {
    return protectRange(this, addr, len, prot);
  }

  /** mremap(2): the address, or -EINVAL, -EFAULT (not mapped), -ENOMEM, -EAGAIN (lock limit). */
  remap(addr: long, oldLen: long, newLen: long, flags: i32, newAddr: long): long {
    return remapRange(this, addr, oldLen, newLen, flags, newAddr);
  }

  /** Where the heap starts (exec). */
  initBrk(start: long): void {
    this.brkStart = start;
    this.brkEnd = start;
  }

  /** brk(2) as the Linux system call: the new break, or the old one when `addr` cannot be had. */
  setBrk(addr: long): long {
    return moveBrk(this, addr);
  }

  /** A grow-down stack that ends at `top`, of `len` bytes at first. 0, -EINVAL, -EEXIST, -ENOMEM. */
  mapStack(top: long, len: long, prot: i32): i32 {
    return addStack(this, top, len, prot);
  }

  /** msync(2): 0, -EINVAL, -ENOMEM (not mapped), -EBUSY (MS_INVALIDATE of locked memory), -EIO, EASYNC. */
  sync(addr: long, len: long, flags: i32): i32 {
    return advise.syncRange(this, addr, len, flags);
  }

  /** madvise(2): 0, -EINVAL, -ENOMEM (a part is not mapped; the rest was done). */
  advise(addr: long, len: long, advice: i32): i32 {
    return advise.adviseRange(this, addr, len, advice);
  }

  /** mincore(2) for `n` pages from `addr`: one byte each at out[off]. 0, -EINVAL (unaligned), -ENOMEM (not mapped). */
  incore(addr: long, n: i32, out: Uint8Array, off: i32): i32 {
    return advise.incore(this, addr, n, out, off);
  }

  /** mlock(2): 0, -EINVAL, -ENOMEM (a hole, the limit, or memory). `onFault`: MLOCK_ONFAULT. */
  lock(addr: long, len: long, onFault: boolean): i32 {
    return advise.setLock(this, addr, len, true, onFault);
  }

  /** munlock(2). */
  unlock(addr: long, len: long): i32 {
    return advise.setLock(this, addr, len, false, true);
  }

  /** mlockall(2) with MCL_* flags: 0, -EINVAL, -ENOMEM. 0 is munlockall(2). */
  lockAll(flags: i32): i32 {
    return advise.lockAll(this, flags);
  }

  // ---- what is mapped, for /proc and limits

  /** Map entries, in address order. */
  get entryCount(): i32 {
    return this.list.count;
  }

  entryAt(i: i32): VmEntry {
    return this.list.at(i);
  }

  /** The entry that contains `va`, or null. */
  findEntry(va: long): VmEntry | null {
    return this.list.find(va);
  }

  /** Resident pages of an entry. */
  residentOf(e: VmEntry): i32 {
    return this.pmap.count(e.start, e.end);
  }

  /** Resident pages: private ones, those of objects, both. */
  get residentAnon(): i32 {
    return this.pmap.anon;
  }

  get residentFile(): i32 {
    return this.pmap.file;
  }

  get residentPages(): i32 {
    return (this.pmap.anon + this.pmap.file) | 0;
  }

  /** Pages of page tables. */
  get tablePages(): i32 {
    return this.pmap.tables;
  }

  /** Pages of all entries, of private writable ones, of stacks, and locked ones. */
  get virtualPages(): long {
    return longDiv(this.virtualBytes, PAGE_SIZE);
  }

  get dataPages(): long {
    return longDiv(this.dataBytes, PAGE_SIZE);
  }

  get stackPages(): long {
    return longDiv(this.stackBytes, PAGE_SIZE);
  }

  get lockedPages(): long {
    return longDiv(this.lockedBytes, PAGE_SIZE);
  }

  // ---- user memory; the space must be loaded. 0, -EFAULT, -ENOMEM or EASYNC; then `left` bytes were not done

  copyin(uaddr: long, buf: Uint8Array, off: i32, n: i32): i32 {
    kassert(this.vm.active === this, "copyin: the space is not loaded");
    const left = this.vm.machine.copyin(uaddr, buf, off, n);
    return left === 0 ? 0 : access.copyinRest(this, uaddr, buf, off, n, left);
  }

  copyout(buf: Uint8Array, off: i32, uaddr: long, n: i32): i32 {
    kassert(this.vm.active === this, "copyout: the space is not loaded");
    const left = this.vm.machine.copyout(buf, off, uaddr, n);
    return left === 0 ? 0 : access.copyoutRest(this, buf, off, uaddr, n, left);
  }

  /** User memory to physical memory. */
  copyinPhys(uaddr: long, pa: long, n: i32): i32 {
    kassert(this.vm.active === this, "copyinPhys: the space is not loaded");
    const left = this.vm.machine.copyinPhys(uaddr, pa, n);
    return left === 0 ? 0 : access.copyinPhysRest(this, uaddr, pa, n, left);
  }

  copyoutPhys(pa: long, uaddr: long, n: i32): i32 {
    kassert(this.vm.active === this, "copyoutPhys: the space is not loaded");
    const left = this.vm.machine.copyoutPhys(pa, uaddr, n);
    return left === 0 ? 0 : access.copyoutPhysRest(this, pa, uaddr, n, left);
  }

  zeroUser(uaddr: long, n: i32): i32 {
    kassert(this.vm.active === this, "zeroUser: the space is not loaded");
    const left = this.vm.machine.zeroUser(uaddr, n);
    return left === 0 ? 0 : access.zeroUserRest(this, uaddr, n, left);
  }

  /** A string of at most `max` bytes with its NUL into buf: its length without the NUL, -EFAULT, -ENOMEM, EASYNC, or -ENAMETOOLONG when there is no NUL. */
  copyinstr(uaddr: long, buf: Uint8Array, off: i32, max: i32): i32 {
    return access.copyinstr(this, uaddr, buf, off, max);
  }

  /** The 32 bits at `uaddr` (0 to 2^32-1), or a negative errno or EASYNC. */
  get32(uaddr: long): long {
    return access.get32(this, uaddr);
  }

  put32(uaddr: long, v: u32): i32 {
    return access.put32(this, uaddr, v);
  }

  /** Compare and swap at `uaddr`, a multiple of 4: the value that was there, or a negative errno or EASYNC. */
  cas32(uaddr: long, expected: u32, value: u32): long {
    return access.cas32(this, uaddr, expected, value);
  }

  /** Reads 64 bits into `word`: 0, or a negative errno or EASYNC. */
  getLong(uaddr: long): i32 {
    return access.getLong(this, uaddr);
  }

  putLong(uaddr: long, v: long): i32 {
    return access.putLong(this, uaddr, v);
  }

  // ---- for the files of this package

  /** An entry to be put on the list, or null when the kernel heap is short. A call takes two at most before it links them. */
  takeEntry(): VmEntry | null {
    const n = this.list.count;
    if (n >= LIST_SMALL && this.list.room < 2 && !this.vm.heapRoom((n * 16) | 0)) return null;
    return this.vm.takeEntry();
  }

  /** Puts `e` at index `i` of the list; `object`, whose reference it takes over, backs it. */
  link(i: i32, e: VmEntry, object: VmObject | null): void {
    e.space = this;
    e.object = object;
    e.window = 1;
    e.nextFault = e.start;
    if (object !== null) object.addMapping(e);
    this.list.insert(i, e);
  }

  /** Counts `bytes` of `e` in (`sign` 1) or out (-1). */
  account(e: VmEntry, bytes: long, sign: i32): void {
    const n: long = sign > 0 ? bytes : -bytes;
    this.virtualBytes = this.virtualBytes + n;
    if (this.virtualBytes > this.peakVirtual) this.peakVirtual = this.virtualBytes;
    if ((e.flags & VME_GROWSDOWN) !== 0) this.stackBytes = this.stackBytes + n;
    else if (isData(e.prot, e.flags)) this.dataBytes = this.dataBytes + n;
    if ((e.flags & VME_LOCKED) !== 0) this.lockedBytes = this.lockedBytes + n;
  }

  mayGrow(bytes: long): boolean {
    return bytes <= 0 || this.virtualBytes + bytes <= this.limitAs;
  }

  /**
   * Whether private writable memory may grow by `bytes`. One request for more than all of memory is refused unless it is
   * MAP_NORESERVE, as Linux's overcommit heuristic does; otherwise memory is promised freely and the OOM killer keeps the promise.
   */
  mayGrowData(bytes: long, flags: i32): boolean {
    if (this.dataBytes + bytes > this.limitData) return false;
    return (flags & VME_NORESERVE) !== 0 || bytes <= toLong(this.vm.pages.totalCount) * PAGE_SIZE;
  }

  mayLock(bytes: long): boolean {
    return this.lockedBytes + bytes <= this.limitLock;
  }

  /** Bytes of [start, end) that are mapped. */
  mappedBytes(start: long, end: long): long {
    let sum: long = 0;
    for (let i = this.list.lowerBound(start); i < this.list.count; i++) {
      const e = this.list.at(i);
      if (e.start >= end) break;
      sum = sum + ((e.end < end ? e.end : end) - (e.start > start ? e.start : start));
    }
    return sum;
  }

  notePeak(): void {
    const now: i32 = (this.pmap.anon + this.pmap.file) | 0;
    if (now > this.peakResident) this.peakResident = now;
  }

  /** What a child has from its parent besides the entries. Resource limits come from kern, but start the same. */
  inherit(parent: VmSpace): void {
    this.limitAs = parent.limitAs;
    this.limitData = parent.limitData;
    this.limitStack = parent.limitStack;
    this.limitLock = parent.limitLock;
    this.minAddr = parent.minAddr;
    this.mmapBase = parent.mmapBase;
    this.brkStart = parent.brkStart;
    this.brkEnd = parent.brkEnd;
  }

  /**
   * Brings the pages of [start, end) in, writable ones as if written; not all of a very long range, since nothing else runs
   * meanwhile. 0, or the first fault's result; what came in stays.
   */
  populate(start: long, end: long): i32 {
    let va = start;
    let left: i32 = POPULATE_MAX;
    while (va < end) {
      const e = this.list.find(va);
      if (e === null) return 0;
      if ((e.prot & PROT_ALL) !== 0) {
        const write = (e.prot & PROT_WRITE) !== 0 && !e.isShared;
        while (va < e.end && va < end) {
          if (left === 0) return 0;
          left--;
          if (this.pmap.find(va) === 0) {
            const error = faultPage(this, va, write ? PF_USER | PF_WRITE : PF_USER);
            if (error !== 0) return error;
          }
          va = va + PAGE_SIZE;
        }
      }
      va = e.end;
    }
    return 0;
  }
}
