/**
 * mremap(2): a mapping that grows, shrinks or moves with its pages.
 *
 * Neighbours: `mapping.ts`, `pmap.ts`. Invariant: as in `mapping.ts`; a move takes every page along or changes nothing.
 * Source: the results are those of mremap(2) on Linux x86-64.
 */
import { Errno, longShr, toLong, u32, type i32, type long } from "@anax/portable";
import { USER_END } from "@anax/machine";
import { VME_LOCKED, type VmEntry } from "./entry";
import { isData, isPageAligned, joinAround, pageUp, splitAt, unmapRange } from "./mapping";
import { MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE } from "./mman";
import { ENTRIES_MAX } from "./entry-list";
import type { VmSpace } from "./space";

/** See `VmSpace#remap`. */
export function remapRange(space: VmSpace, addr: long, oldLen: long, newLen: long, flags: i32, newAddr: long): long {
  const known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
  const placed = (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0;
  if ((flags & ~known) !== 0 || (placed && (flags & MREMAP_MAYMOVE) === 0)) return -Errno.INVAL;
  if ((flags & MREMAP_DONTUNMAP) !== 0 && oldLen !== newLen) return -Errno.INVAL;
  if (!isPageAligned(addr) || newLen === toLong(0)) return -Errno.INVAL;
  if (oldLen < 0 || newLen < 0 || oldLen > USER_END || newLen > USER_END)
    return (flags & MREMAP_FIXED) !== 0 ? -Errno.INVAL : -Errno.NOMEM;
  let from = pageUp(oldLen);
  const to = pageUp(newLen);
  if (addr < 0 || addr > USER_END - from) return -Errno.FAULT;
  if ((flags & MREMAP_FIXED) !== 0) {
    if (!isPageAligned(newAddr) || newAddr < 0 || newAddr > USER_END - to) return -Errno.INVAL;
    if (addr + from > newAddr && newAddr + to > addr) return -Errno.INVAL;
    if (newAddr < space.minAddr) return -Errno.PERM;
  }
  const found = space.list.find(addr);
  if (found === null) return -Errno.FAULT;

  if ((flags & MREMAP_FIXED) !== 0) {
    const error = unmapRange(space, newAddr, to);
    if (error < 0) return error;
  }
  if (from > to) {
    const error = unmapRange(space, addr + to, from - to);
    if (error < 0) return error;
    if (!placed) return addr;
    from = to;
  } else if (from === to && !placed) return addr;

  const e: VmEntry = space.list.find(addr)!;
  if (from === toLong(0) && !e.isShared) return -Errno.INVAL;
  if (from > e.end - addr) return -Errno.FAULT;
  if (e.object !== null && toLong(e.indexOf(addr)) + longShr(to, 12) > 0xffffffff) return -Errno.INVAL;
  const grown: long = to - from;
  if ((e.flags & VME_LOCKED) !== 0 && !space.mayLock(grown)) return -Errno.AGAIN;
  const extra: long = (flags & MREMAP_DONTUNMAP) !== 0 ? to : grown;
  if (!space.mayGrow(extra)) return -Errno.NOMEM;
  if (isData(e.prot, e.flags) && !space.mayGrowData(extra, e.flags)) return -Errno.NOMEM;

  if (!placed && from > 0 && from === e.end - addr && e.end <= USER_END - grown && space.list.isFree(e.end, grown)) {
    const start = e.end;
    e.end = start + grown;
    space.account(e, grown, 1);
    const locked = (e.flags & VME_LOCKED) !== 0;
    const i = space.list.lowerBound(addr);
    joinAround(space, i, (i + 1) | 0);
    if (locked) space.populate(start, start + grown);
    return addr;
  }
  if ((flags & MREMAP_MAYMOVE) === 0) return -Errno.NOMEM;
  let target = newAddr;
  if ((flags & MREMAP_FIXED) === 0) {
    const base = space.mmapBase > 0 ? space.mmapBase : USER_END;
    target = space.list.findTopDown(to, base, space.minAddr);
    if (target < 0) return -Errno.NOMEM;
  }
  return moveRange(space, addr, from, target, to, (flags & MREMAP_DONTUNMAP) !== 0);
}

/** Moves `from` bytes at `addr`, inside one entry, to `target`, where `to` bytes are free. `keep`: the old range stays, empty. */
function moveRange(space: VmSpace, addr: long, from: long, target: long, to: long, keep: boolean): long {
  if (space.list.count >= ENTRIES_MAX) return -Errno.NOMEM;
  if (from > 0) {
    const error = splitAt(space, addr, addr + from);
    if (error < 0) return error;
  }
  const copy = space.takeEntry();
  if (copy === null) return -Errno.NOMEM;
  const e: VmEntry = space.list.find(addr)!;
  const error = from > 0 ? space.pmap.move(addr, addr + from, target) : 0;
  if (error < 0) {
    space.vm.giveEntry(copy);
    return error;
  }
  copy.start = target;
  copy.end = target + to;
  copy.prot = e.prot;
  copy.maxProt = e.maxProt;
  copy.flags = e.flags;
  const object = e.object;
  copy.pindex = object === null ? 0 : u32(e.indexOf(addr));
  if (object !== null) object.ref();
  const i = space.list.lowerBound(target);
  space.link(i, copy, object);
  space.account(copy, to, 1);
  const locked = (copy.flags & VME_LOCKED) !== 0;
  joinAround(space, i, (i + 1) | 0);
  // The borders of the old range exist, so this cannot fail for want of an entry.
  if (from > 0 && !keep) unmapRange(space, addr, from);
  if (locked) space.populate(target, target + to);
  return target;
}
