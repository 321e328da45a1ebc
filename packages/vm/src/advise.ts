/**
 * What a program tells about its memory, and asks: madvise, msync, mincore, mlock.
 *
 * Neighbours: `mapping.ts`, `pmap.ts`. Invariant: as in `mapping.ts`.
 * Source: the results are those of madvise(2), msync(2), mincore(2), mlock(2) on Linux x86-64.
 */
import { EASYNC, Errno, longAnd, longDiv, toLong, u32, type i32, type long } from "@anax/portable";
import { PAGE_SIZE, PF_USER, PF_WRITE, USER_END } from "@anax/machine";
import { VME_LOCKED, VME_NOFORK, VME_RANDOM, VME_WIPEFORK, type VmEntry } from "./entry";
import { faultPage } from "./fault";
import { isPageAligned, joinAround, pageUp, splitAt } from "./mapping";
import {
  MADV_COLD,
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_HUGEPAGE,
  MADV_KEEPONFORK,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
  MCL_CURRENT,
  MCL_FUTURE,
  MCL_ONFAULT,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  PROT_WRITE,
} from "./mman";
import type { VmSpace } from "./space";

/** See `VmSpace#advise`. */
export function adviseRange(space: VmSpace, addr: long, len: long, advice: i32): i32 {
  if (!isKnown(advice) || !isPageAligned(addr)) return -Errno.INVAL;
  if (len < 0 || len > USER_END) return -Errno.INVAL;
  if (len === toLong(0)) return 0;
  const size = pageUp(len);
  if (addr < 0 || addr > USER_END - size) return -Errno.NOMEM;
  const end: long = addr + size;
  if (advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE)
    return populateRange(space, addr, end, advice === MADV_POPULATE_WRITE);

  let result: i32 = 0;
  let at = addr;
  let i = space.list.lowerBound(addr);
  while (at < end) {
    if (i >= space.list.count || space.list.at(i).start >= end) {
      result = -Errno.NOMEM;
      break;
    }
    const e = space.list.at(i);
    if (e.start > at) {
      result = -Errno.NOMEM;
      at = e.start;
    }
    const until = e.end < end ? e.end : end;
    const error = adviseEntry(space, e, at, until, advice);
    if (error < 0) return error;
    at = until;
    // Setting flags splits and joins entries.
    i = space.list.lowerBound(at);
  }
  return result;
}

function isKnown(advice: i32): boolean {
  return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) || (advice >= MADV_FREE && advice <= MADV_POPULATE_WRITE);
}

function adviseEntry(space: VmSpace, e: VmEntry, from: long, until: long, advice: i32): i32 {
  const plain = e.object === null;
  switch (advice) {
    case MADV_DONTNEED:
      if ((e.flags & VME_LOCKED) !== 0) return -Errno.INVAL;
      space.pmap.remove(from, until);
      return 0;
    case MADV_FREE:
      if (!plain || (e.flags & VME_LOCKED) !== 0) return -Errno.INVAL;
      space.pmap.remove(from, until);
      return 0;
    case MADV_REMOVE: {
      const object = e.object;
      if (object === null || (e.flags & VME_LOCKED) !== 0 || object.pager !== null) return -Errno.INVAL;
      if (!e.isShared || (e.maxProt & PROT_WRITE) === 0) return -Errno.ACCES;
      object.punch(e.indexOf(from), u32(e.indexOf(from) + u32(longDiv(until - from, PAGE_SIZE))));
      return 0;
    }
    case MADV_DONTFORK:
      return setFlags(space, from, until, VME_NOFORK, 0);
    case MADV_DOFORK:
      return setFlags(space, from, until, 0, VME_NOFORK);
    case MADV_WIPEONFORK:
      return plain ? setFlags(space, from, until, VME_WIPEFORK, 0) : -Errno.INVAL;
    case MADV_KEEPONFORK:
      return setFlags(space, from, until, 0, VME_WIPEFORK);
    case MADV_RANDOM:
      return setFlags(space, from, until, VME_RANDOM, 0);
    case MADV_NORMAL:
    case MADV_SEQUENTIAL:
      return setFlags(space, from, until, 0, VME_RANDOM);
    case MADV_WILLNEED:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_COLD:
    case MADV_PAGEOUT:
    default:
      // Hints about what this kernel does not do.
      return 0;
  }
}

/** Sets and clears flags of the entries in [start, end), which is mapped throughout. */
function setFlags(space: VmSpace, start: long, end: long, set: i32, clear: i32): i32 {
  const list = space.list;
  const e = list.find(start);
  if (e !== null && e.end >= end && ((e.flags | set) & ~clear) === e.flags) return 0;
  const error = splitAt(space, start, end);
  if (error < 0) return error;
  const first = list.lowerBound(start);
  let last = first;
  while (last < list.count && list.at(last).start < end) {
    const part = list.at(last);
    const size: long = part.end - part.start;
    space.account(part, size, -1);
    part.flags = (part.flags | set) & ~clear;
    space.account(part, size, 1);
    last++;
  }
  joinAround(space, first, last);
  return 0;
}

function populateRange(space: VmSpace, start: long, end: long, write: boolean): i32 {
  for (let va = start; va < end; va = va + PAGE_SIZE) {
    const error = faultPage(space, va, write ? PF_USER | PF_WRITE : PF_USER);
    if (error === -Errno.FAULT) return -Errno.NOMEM;
    if (error === -Errno.ACCES) return -Errno.INVAL;
    if (error === -Errno.IO) return -Errno.FAULT;
    if (error !== 0) return error;
  }
  return 0;
}

/** See `VmSpace#sync`. */
export function syncRange(space: VmSpace, addr: long, len: long, flags: i32): i32 {
  if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) !== 0 || !isPageAligned(addr)) return -Errno.INVAL;
  if ((flags & (MS_ASYNC | MS_SYNC)) === (MS_ASYNC | MS_SYNC)) return -Errno.INVAL;
  if (len < 0 || len > USER_END || addr < 0 || addr > USER_END - pageUp(len)) return -Errno.NOMEM;
  if (len === toLong(0)) return 0;
  const end: long = addr + pageUp(len);
  let result: i32 = 0;
  let pending = false;
  let at = addr;
  for (let i = space.list.lowerBound(addr); at < end; i++) {
    if (i >= space.list.count || space.list.at(i).start >= end) {
      result = -Errno.NOMEM;
      break;
    }
    const e = space.list.at(i);
    if (e.start > at) {
      result = -Errno.NOMEM;
      at = e.start;
    }
    const until = e.end < end ? e.end : end;
    if ((flags & MS_INVALIDATE) !== 0 && (e.flags & VME_LOCKED) !== 0) return -Errno.BUSY;
    const object = e.object;
    if ((flags & MS_SYNC) !== 0 && object !== null && e.isShared) {
      object.collectDirty();
      const first = e.indexOf(at);
      const error = object.sync(first, u32(first + u32(longDiv(until - at, PAGE_SIZE))), space.vm.waiter);
      if (error === EASYNC) pending = true;
      else if (error < 0) return error;
    }
    at = until;
  }
  return pending ? EASYNC : result;
}

/** See `VmSpace#incore`. */
export function incore(space: VmSpace, addr: long, n: i32, out: Uint8Array, off: i32): i32 {
  if (!isPageAligned(addr)) return -Errno.INVAL;
  if (addr < 0 || addr > USER_END - toLong(n) * PAGE_SIZE) return -Errno.NOMEM;
  let va = addr;
  for (let i = 0; i < n; i++) {
    const e = space.list.find(va);
    if (e === null) return -Errno.NOMEM;
    let in_ = space.pmap.find(va) !== 0;
    const object = e.object;
    if (!in_ && object !== null) in_ = object.lookup(e.indexOf(va)) !== 0;
    out[off + i] = in_ ? 1 : 0;
    va = va + PAGE_SIZE;
  }
  return 0;
}

/** See `VmSpace#lock` and `unlock`. */
export function setLock(space: VmSpace, addr: long, len: long, lock: boolean, onFault: boolean): i32 {
  if (len < 0 || len > USER_END || addr < 0 || addr > USER_END)
    return len < 0 || addr < 0 ? -Errno.INVAL : -Errno.NOMEM;
  const start: long = addr - longAnd(addr, PAGE_SIZE - 1);
  const end = pageUp(addr + len);
  if (end === start) return 0;
  if (end > USER_END) return -Errno.NOMEM;
  const list = space.list;
  let at = start;
  let more: long = 0;
  let result: i32 = 0;
  let i = list.lowerBound(start);
  while (at < end) {
    if (i >= list.count || list.at(i).start > at) {
      result = -Errno.NOMEM;
      break;
    }
    const e = list.at(i);
    const until = e.end < end ? e.end : end;
    if ((e.flags & VME_LOCKED) === 0) more = more + (until - at);
    at = until;
    i++;
  }
  if (lock && !space.mayLock(more)) return -Errno.NOMEM;
  if (at === start) return result;
  const error = setFlags(space, start, at, lock ? VME_LOCKED : 0, lock ? 0 : VME_LOCKED);
  if (error < 0) return error;
  if (result < 0 || !lock || onFault) return result;
  const populated = space.populate(start, end);
  // A page that cannot come in (SIGBUS, no memory): mlock(2) says ENOMEM.
  return populated < 0 && populated !== EASYNC ? -Errno.NOMEM : populated;
}

/** See `VmSpace#lockAll`. */
export function lockAll(space: VmSpace, flags: i32): i32 {
  if ((flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) !== 0 || flags === MCL_ONFAULT) return -Errno.INVAL;
  const current = (flags & MCL_CURRENT) !== 0;
  if (current && space.virtualBytes > space.limitLock) return -Errno.NOMEM;
  space.lockFuture = (flags & MCL_FUTURE) !== 0;
  if (flags !== 0 && !current) return 0;
  for (let i = 0; i < space.list.count; i++) {
    const e = space.list.at(i);
    const size: long = e.end - e.start;
    if (((e.flags & VME_LOCKED) !== 0) === current) continue;
    space.account(e, size, -1);
    e.flags = current ? e.flags | VME_LOCKED : e.flags & ~VME_LOCKED;
    space.account(e, size, 1);
    if (current && (flags & MCL_ONFAULT) === 0) space.populate(e.start, e.end);
  }
  return 0;
}
