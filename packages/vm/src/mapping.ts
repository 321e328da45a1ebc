/**
 * Mappings: mmap, munmap, mprotect, brk, stacks; splitting and joining of map entries.
 *
 * Neighbours: `space.ts`, `entry-list.ts`, `pmap.ts`. Invariant: a call checks everything, and takes the entries it may need, before it
 * changes anything; only mprotect(2) keeps the part done before a hole, as Linux does.
 * Source: the results are those of mmap(2), munmap(2), mprotect(2), brk(2) on Linux x86-64.
 */
import { Errno, kassert, longAnd, longShr, toLong, u32, type i32, type long } from "@anax/portable";
import { PAGE_SIZE, USER_END } from "@anax/machine";
import { VME_GROWSDOWN, VME_HEAP, VME_LOCKED, VME_NORESERVE, VME_SHARED, VME_STACK, type VmEntry } from "./entry";
import { ENTRIES_MAX } from "./entry-list";
import {
  MAP_32BIT,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_TYPE,
  PROT_ALL,
  PROT_GROWSDOWN,
  PROT_GROWSUP,
  PROT_READ,
  PROT_SEM,
  PROT_WRITE,
} from "./mman";
import { VmObject } from "./object";
import type { VmSpace } from "./space";

const LOW_START: long = 0x40000000;
const LOW_END: long = 0x80000000;
/** Pages of an object, at most. */
const INDEX_MAX: long = 0xffffffff;

/** `x` rounded up to whole pages. */
export function pageUp(x: long): long {
  const up: long = x + (PAGE_SIZE - 1);
  return up - longAnd(up, PAGE_SIZE - 1);
}

export function isPageAligned(x: long): boolean {
  return longAnd(x, PAGE_SIZE - 1) === toLong(0);
}

/** See `VmSpace#map`. */
export function mapRange(
  space: VmSpace,
  addr: long,
  len: long,
  prot: i32,
  flags: i32,
  object: VmObject | null,
  offset: long,
  maxProt: i32,
): long {
  const kind = flags & MAP_TYPE;
  if (kind !== MAP_PRIVATE && kind !== MAP_SHARED && kind !== MAP_SHARED_VALIDATE) return -Errno.INVAL;
  if (len === toLong(0)) return -Errno.INVAL;
  if (len < 0 || len > USER_END) return -Errno.NOMEM;
  const size = pageUp(len);
  if (!isPageAligned(offset)) return -Errno.INVAL;
  const firstIndex: long = longShr(offset, 12);
  if (object !== null && (offset < 0 || firstIndex + longShr(size, 12) > INDEX_MAX)) return -Errno.OVERFLOW;
  if (object === null && kind !== MAP_PRIVATE && longShr(size, 12) > INDEX_MAX) return -Errno.NOMEM;
  if (space.list.count >= ENTRIES_MAX) return -Errno.NOMEM;

  const at = choose(space, addr, size, flags);
  if (at < 0) return at;
  const replaced: long = (flags & MAP_FIXED) !== 0 ? space.mappedBytes(at, at + size) : 0;

  let entryFlags: i32 = kind === MAP_PRIVATE ? 0 : VME_SHARED;
  if ((flags & MAP_GROWSDOWN) !== 0) entryFlags |= VME_GROWSDOWN;
  if ((flags & MAP_NORESERVE) !== 0) entryFlags |= VME_NORESERVE;
  if ((flags & MAP_LOCKED) !== 0 || space.lockFuture) entryFlags |= VME_LOCKED;
  if (!space.mayGrow(size - replaced)) return -Errno.NOMEM;
  const rights = prot & PROT_ALL;
  if (isData(rights, entryFlags) && !space.mayGrowData(size, entryFlags)) return -Errno.NOMEM;
  if ((entryFlags & VME_LOCKED) !== 0 && !space.mayLock(size)) return -Errno.AGAIN;

  const spare = space.takeEntry();
  if (spare === null) return -Errno.NOMEM;
  let backing = object;
  if (backing === null && kind !== MAP_PRIVATE) {
    backing = space.vm.newObject(null, u32(longShr(size, 12)));
    if (backing === null) {
      space.vm.giveEntry(spare);
      return -Errno.NOMEM;
    }
  } else if (backing !== null) backing.ref();
  if (replaced > 0) {
    const error = unmapRange(space, at, size);
    if (error < 0) {
      if (backing !== null) backing.unref();
      space.vm.giveEntry(spare);
      return error;
    }
  }
  spare.start = at;
  spare.end = at + size;
  spare.prot = rights;
  spare.maxProt = maxProt;
  spare.flags = entryFlags;
  spare.pindex = object === null ? 0 : u32(firstIndex);
  const i = space.list.lowerBound(at);
  space.link(i, spare, backing);
  space.account(spare, size, 1);
  joinAround(space, i, (i + 1) | 0);
  if ((flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE || (entryFlags & VME_LOCKED) !== 0)
    space.populate(at, at + size);
  return at;
}

/** The address of a new mapping of `size` bytes, or a negative errno. */
function choose(space: VmSpace, addr: long, size: long, flags: i32): long {
  if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0) {
    if (!isPageAligned(addr)) return -Errno.INVAL;
    if (addr < 0 || addr > USER_END - size) return -Errno.NOMEM;
    if (addr < space.minAddr) return -Errno.PERM;
    if ((flags & MAP_FIXED_NOREPLACE) !== 0 && space.mappedBytes(addr, addr + size) > 0) return -Errno.EXIST;
    return addr;
  }
  if (addr > 0 && addr <= USER_END - size) {
    const hint = addr < space.minAddr ? space.minAddr : pageUp(addr);
    const limit: long = (flags & MAP_32BIT) !== 0 ? LOW_END : USER_END;
    if (hint + size <= limit && space.list.isFree(hint, size)) return hint;
  }
  if ((flags & MAP_32BIT) !== 0) {
    const low = space.list.findBottomUp(size, LOW_START, LOW_END);
    return low < 0 ? -Errno.NOMEM : low;
  }
  const base = space.mmapBase > 0 ? space.mmapBase : USER_END;
  let at = space.list.findTopDown(size, base, space.minAddr);
  if (at < 0) at = space.list.findBottomUp(size, base, USER_END);
  return at < 0 ? -Errno.NOMEM : at;
}

/** Whether RLIMIT_DATA counts an entry: private, writable, no stack. */
export function isData(prot: i32, flags: i32): boolean {
  return (prot & PROT_WRITE) !== 0 && (flags & (VME_SHARED | VME_GROWSDOWN)) === 0;
}

/** Whether `b` goes on where `a` ends, with all the same. */
function joins(a: VmEntry, b: VmEntry): boolean {
  if (a.end !== b.start || a.prot !== b.prot || a.maxProt !== b.maxProt || a.flags !== b.flags || a.object !== b.object)
    return false;
  return a.object === null || u32(a.pindex + u32(a.pages)) === b.pindex;
}

/** Joins the entries `first` to `last` (where they exist) with their neighbours as far as they fit together. */
export function joinAround(space: VmSpace, first: i32, last: i32): void {
  const list = space.list;
  let i: i32 = last < list.count ? last : (list.count - 1) | 0;
  for (; i >= first && i > 0; i--) {
    const a = list.at((i - 1) | 0);
    const b = list.at(i);
    if (!joins(a, b)) continue;
    a.end = b.end;
    a.nextFault = b.nextFault;
    a.window = b.window;
    list.removeRange(i, 1);
    space.vm.giveEntry(b);
  }
}

/** Splits the entry at index `i` at `va`, which is inside it; `spare` becomes the upper part, at index i + 1. */
export function split(space: VmSpace, i: i32, va: long, spare: VmEntry): void {
  const e = space.list.at(i);
  kassert(e.start < va && va < e.end, "split: outside the entry");
  spare.start = va;
  spare.end = e.end;
  spare.prot = e.prot;
  spare.maxProt = e.maxProt;
  spare.flags = e.flags;
  const object = e.object;
  spare.pindex = object === null ? 0 : e.indexOf(va);
  if (object !== null) object.ref();
  e.end = va;
  space.link((i + 1) | 0, spare, object);
}

/**
 * Makes entry borders at `start` and `end` where they are inside entries. 0, or -ENOMEM (too many entries, or no memory for
 * them) with nothing changed.
 */
export function splitAt(space: VmSpace, start: long, end: long): i32 {
  const list = space.list;
  let i = list.lowerBound(start);
  const low = i < list.count && list.at(i).start < start;
  const k = list.lowerBound(end);
  const high = k < list.count && list.at(k).start < end;
  const need = (low ? 1 : 0) + (high ? 1 : 0);
  if (need === 0) return 0;
  if (((list.count + need) | 0) > ENTRIES_MAX) return -Errno.NOMEM;
  const a = space.takeEntry();
  if (a === null) return -Errno.NOMEM;
  if (need === 1) {
    if (low) split(space, i, start, a);
    else split(space, k, end, a);
    return 0;
  }
  const b = space.takeEntry();
  if (b === null) {
    space.vm.giveEntry(a);
    return -Errno.NOMEM;
  }
  // The upper border first: it does not move the index of the lower one.
  split(space, k, end, b);
  i = list.lowerBound(start);
  split(space, i, start, a);
  return 0;
}

/** See `VmSpace#unmap`. */
export function unmapRange(space: VmSpace, addr: long, len: long): i32 {
  if (!isPageAligned(addr) || addr < 0 || addr > USER_END || len <= 0 || len > USER_END - addr) return -Errno.INVAL;
  const end: long = addr + pageUp(len);
  const list = space.list;
  const i = list.lowerBound(addr);
  if (i >= list.count || list.at(i).start >= end) return 0;
  const error = splitAt(space, addr, end);
  if (error < 0) return error;
  const first = list.lowerBound(addr);
  let n: i32 = 0;
  let from: long = 0;
  let to: long = 0;
  while (((first + n) | 0) < list.count && list.at((first + n) | 0).start < end) {
    const e = list.at((first + n) | 0);
    space.account(e, e.end - e.start, -1);
    if (n === 0) from = e.start;
    to = e.end;
    n++;
  }
  // The page tables first: they hold what the entries' references keep alive.
  space.pmap.remove(from, to);
  for (let k = 0; k < n; k++) space.vm.giveEntry(list.at((first + k) | 0));
  list.removeRange(first, n);
  list.freed(end);
  return 0;
}

/** See `VmSpace#protect`. */
export function protectRange(space: VmSpace, addr: long, len: long, prot: i32): i32 {
  const grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
  let rights = prot & ~(PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) return -Errno.INVAL;
  if (!isPageAligned(addr)) return -Errno.INVAL;
  if (len === toLong(0)) return 0;
  if (addr < 0 || len < 0 || len > USER_END || addr > USER_END - pageUp(len)) return -Errno.NOMEM;
  if ((rights & ~(PROT_ALL | PROT_SEM)) !== 0) return -Errno.INVAL;
  rights &= PROT_ALL;
  let start = addr;
  const end: long = addr + pageUp(len);
  const list = space.list;
  let i = list.lowerBound(start);
  if (i >= list.count) return -Errno.NOMEM;
  if (grows === PROT_GROWSUP) return -Errno.INVAL;
  if (grows === PROT_GROWSDOWN) {
    if (list.at(i).start >= end) return -Errno.NOMEM;
    start = list.at(i).start;
    if ((list.at(i).flags & VME_GROWSDOWN) === 0) return -Errno.INVAL;
  } else if (list.at(i).start > start) return -Errno.NOMEM;

  // Up to a hole, or to an entry that may not get these rights, everything is changed.
  let result: i32 = 0;
  let stop = start;
  let data: long = 0;
  while (stop < end) {
    if (i >= list.count || list.at(i).start > stop) {
      result = -Errno.NOMEM;
      break;
    }
    const e = list.at(i);
    if ((rights & ~e.maxProt) !== 0) {
      result = -Errno.ACCES;
      break;
    }
    const until = e.end < end ? e.end : end;
    if (isData(rights, e.flags) && !isData(e.prot, e.flags)) data = data + (until - stop);
    if (data > 0 && !space.mayGrowData(data, 0)) {
      result = -Errno.NOMEM;
      break;
    }
    stop = until;
    i++;
  }
  if (stop === start) return result;
  const error = splitAt(space, start, stop);
  if (error < 0) return error;
  const first = list.lowerBound(start);
  let last = first;
  while (last < list.count && list.at(last).start < stop) {
    const e = list.at(last);
    if (e.prot !== rights) {
      space.account(e, e.end - e.start, -1);
      e.prot = rights;
      space.account(e, e.end - e.start, 1);
      space.pmap.protect(e.start, e.end, rights, e.isShared);
    }
    last++;
  }
  joinAround(space, first, last);
  return result;
}

/** See `VmSpace#setBrk`. */
export function moveBrk(space: VmSpace, addr: long): long {
  if (addr < space.brkStart || addr > USER_END - PAGE_SIZE) return space.brkEnd;
  const from = pageUp(space.brkEnd);
  const to = pageUp(addr);
  if (to < from) {
    if (unmapRange(space, to, from - to) < 0) return space.brkEnd;
  } else if (to > from) {
    if (addr - space.brkStart > space.limitData) return space.brkEnd;
    // One page stays free, so that a heap that runs over does not meet its neighbour.
    if (!space.list.isFree(from, to - from + PAGE_SIZE)) return space.brkEnd;
    if (!addRange(space, from, to, PROT_READ | PROT_WRITE, VME_HEAP)) return space.brkEnd;
  }
  space.brkEnd = addr;
  return addr;
}

/** Adds a private zero range where nothing is mapped; false when a limit or memory forbids it. */
function addRange(space: VmSpace, start: long, end: long, prot: i32, flags: i32): boolean {
  const size: long = end - start;
  const all: i32 = space.lockFuture ? flags | VME_LOCKED : flags;
  if (space.list.count >= ENTRIES_MAX || !space.mayGrow(size)) return false;
  if (isData(prot, all) && !space.mayGrowData(size, all)) return false;
  if ((all & VME_LOCKED) !== 0 && !space.mayLock(size)) return false;
  const i = space.list.lowerBound(start);
  if (i > 0) {
    // A heap that goes on needs no new entry.
    const before = space.list.at((i - 1) | 0);
    if (
      before.end === start &&
      before.prot === prot &&
      before.flags === all &&
      before.maxProt === PROT_ALL &&
      before.object === null
    ) {
      before.end = end;
      space.account(before, size, 1);
      if ((all & VME_LOCKED) !== 0) space.populate(start, end);
      return true;
    }
  }
  const e = space.takeEntry();
  if (e === null) return false;
  e.start = start;
  e.end = end;
  e.prot = prot;
  e.maxProt = PROT_ALL;
  e.flags = all;
  e.pindex = 0;
  space.link(i, e, null);
  space.account(e, size, 1);
  if ((all & VME_LOCKED) !== 0) space.populate(start, end);
  return true;
}

/** See `VmSpace#mapStack`. */
export function addStack(space: VmSpace, top: long, len: long, prot: i32): i32 {
  const size = pageUp(len);
  if (!isPageAligned(top) || size <= 0 || top > USER_END || top - size < space.minAddr) return -Errno.INVAL;
  if (space.mappedBytes(top - size, top) > 0) return -Errno.EXIST;
  return addRange(space, top - size, top, prot & PROT_ALL, VME_GROWSDOWN | VME_STACK) ? 0 : -Errno.NOMEM;
}
