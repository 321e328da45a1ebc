/**
 * Page faults: demand zero, copy-on-write, pages of objects, mapping ahead, stacks that grow.
 *
 * The fault path allocates no kernel memory. Traps are dear, so a read of an object maps resident neighbours too, and a run of
 * faults that goes up through anonymous memory gets several pages at once.
 * Neighbours: `space.ts`, `pmap.ts`, `object.ts`. Invariant: a fault changes the page tables only when it has all it needs.
 * Source: DragonFly sys/vm/vm_fault.c.
 */
import { Errno, i32, kassert, longAnd, longShr, u32, type long } from "@anax/portable";
import { PAGE_SIZE, PF_INSTR, PF_WRITE } from "@anax/machine";
import { VME_GROWSDOWN, VME_LOCKED, VME_RANDOM, type VmEntry } from "./entry";
import { STACK_GAP } from "./entry-list";
import type { VmObject } from "./object";
import { PROT_ALL, PROT_EXEC, PROT_WRITE } from "./mman";
import { PG_BUSY } from "./pages";
import { regionOf, slotOf } from "./page-tables";
import type { Pmap } from "./pmap";
import { PTE_A, PTE_ANON, PTE_D, PTE_FILE, PTE_HOT, PTE_P, PTE_U, PTE_W, pteBits, pteHi, pteLo } from "./pte";
import type { VmSpace } from "./space";

/** Anonymous pages mapped by one fault, at most. */
const ANON_WINDOW: i32 = 16;
/** Resident neighbours of an object mapped by one fault: an aligned block of this many pages. */
const FILE_WINDOW: i32 = 32;

/** See `VmSpace#fault`. */
export function faultPage(space: VmSpace, va: long, errcode: i32): i32 {
  if (va < 0) return -Errno.FAULT;
  let found = space.list.find(va);
  if (found === null) {
    found = growStack(space, va);
    if (found === null) return -Errno.FAULT;
  }
  const e: VmEntry = found;
  const prot = e.prot;
  const write = (errcode & PF_WRITE) !== 0;
  if (write) {
    if ((prot & PROT_WRITE) === 0) return -Errno.ACCES;
  } else if ((errcode & PF_INSTR) !== 0) {
    if ((prot & PROT_EXEC) === 0) return -Errno.ACCES;
  } else if ((prot & PROT_ALL) === 0) return -Errno.ACCES;

  const page: long = va - longAnd(va, PAGE_SIZE - 1);
  const lo = space.pmap.find(page);
  let result: i32 = 0;
  if (lo !== 0) {
    if (write && (lo & PTE_W) === 0) result = writeProtected(space, e, page, lo);
    else {
      // Resolved before, or the processor still has the entry of old: it forgets it and tries again.
      space.pmap.gather(page);
      space.pmap.flush();
    }
  } else if (e.object !== null) result = faultObject(space, e, page, write);
  else result = faultAnon(space, e, page, write);
  if (result === 0) space.notePeak();
  return result;
}

/** First touch of private memory without an object. */
function faultAnon(space: VmSpace, e: VmEntry, page: long, write: boolean): i32 {
  const pmap = space.pmap;
  const pages = space.vm.pages;
  const table = pmap.makeTable(regionOf(page));
  if (table === 0) return -Errno.NOMEM;
  const slot = slotOf(page);
  const prot = e.prot;
  if (!write) {
    const zero = space.vm.zeroPage;
    pmap.enterAt(table, slot, pteLo(zero, PTE_P | PTE_U | PTE_A), pteHi(zero, prot));
    return 0;
  }
  const bits: u32 = u32(pteBits(prot, true) | PTE_ANON);
  const pg = pages.allocAnon(true);
  if (pg === 0) return -Errno.NOMEM;
  pmap.enterAt(table, slot, pteLo(pg, u32(bits | PTE_A | PTE_D)), pteHi(pg, prot));

  let window: i32 = 1;
  if (page === e.nextFault) {
    window = e.window < ANON_WINDOW ? (e.window * 2) | 0 : ANON_WINDOW;
    if (window > 1 && pages.freeCount < pages.totalCount >>> 3) window = 1;
  }
  e.window = window;
  let next: long = page + PAGE_SIZE;
  for (let i: i32 = 1; i < window && next < e.end && ((slot + i) | 0) < 512; i++) {
    const at: long = pages.pa(table) + (((slot + i) * 8) | 0);
    if (space.vm.machine.load32(at) !== 0) break;
    const more = pages.allocAnon(true);
    if (more === 0) break;
    pmap.enterAt(table, (slot + i) | 0, pteLo(more, bits), pteHi(more, prot));
    next = next + PAGE_SIZE;
  }
  e.nextFault = next;
  return 0;
}

/** First touch of a page that an object backs. */
function faultObject(space: VmSpace, e: VmEntry, page: long, write: boolean): i32 {
  const object: VmObject = e.object!;
  const pmap = space.pmap;
  const pages = space.vm.pages;
  const index = e.indexOf(page);
  if (index >= object.size) return -Errno.IO;
  const got = object.get(index, space.vm.waiter);
  if (got <= 0) return got;
  const pg: u32 = u32(got);
  const prot = e.prot;
  if (write && !e.isShared) {
    // The source must stay while memory is searched for the copy.
    pages.ref(pg);
    const table = pmap.makeTable(regionOf(page));
    let copy: u32 = 0;
    if (table !== 0) copy = pages.allocAnon(false);
    pages.unref(pg);
    if (copy === 0) return -Errno.NOMEM;
    space.vm.machine.copyPhys(pages.pa(copy), pages.pa(pg), PAGE_SIZE);
    pmap.enterAt(
      table,
      slotOf(page),
      pteLo(copy, u32(pteBits(prot, true) | PTE_ANON | PTE_A | PTE_D)),
      pteHi(copy, prot),
    );
    return 0;
  }
  pages.ref(pg);
  const table = pmap.makeTable(regionOf(page));
  pages.unref(pg);
  if (table === 0) return -Errno.NOMEM;
  const bits: u32 = u32(pteBits(prot, e.isShared) | PTE_FILE);
  const used: u32 = write ? PTE_A | PTE_D : PTE_A;
  pmap.enterAt(table, slotOf(page), pteLo(pg, u32(bits | used)), pteHi(pg, prot));
  if ((e.flags & VME_RANDOM) === 0) mapAround(space, e, object, table, page, bits);
  return 0;
}

/** Maps the resident pages of the aligned block around `page`, as far as it lies in the entry and the object. */
function mapAround(space: VmSpace, e: VmEntry, object: VmObject, table: u32, page: long, bits: u32): void {
  const pages = space.vm.pages;
  const m = space.vm.machine;
  const middle: i32 = slotOf(page);
  let slot: i32 = middle & ~(FILE_WINDOW - 1);
  const before: i32 = i32(longShr(page - e.start, 12));
  // Far into a large entry the low 32 bits may say anything, but then the block's start is inside it.
  if (page - e.start < FILE_WINDOW * PAGE_SIZE && ((middle - before) | 0) > slot) slot = (middle - before) | 0;
  let stop: i32 = ((middle & ~(FILE_WINDOW - 1)) + FILE_WINDOW) | 0;
  const room: long = longShr(e.end - page, 12);
  if (room < FILE_WINDOW && ((middle + i32(room)) | 0) < stop) stop = (middle + i32(room)) | 0;
  let index: u32 = u32(e.indexOf(page) - u32(middle - slot));
  const first = slot;
  let at: long = pages.pa(table) + ((slot * 8) | 0);
  let added: i32 = 0;
  for (; slot < stop && index < object.size; slot++) {
    if (m.load32(at) === 0) {
      const pg = pages.lookup(object.id, index);
      if (pg !== 0 && (pages.flags[pg] & PG_BUSY) === 0) {
        m.store32(at + 4, pteHi(pg, e.prot));
        m.store32(at, pteLo(pg, bits));
        added++;
      }
    }
    at = at + 8;
    index = u32(index + 1);
  }
  space.pmap.file = (space.pmap.file + added) | 0;
  if (added > 0) space.pmap.added(table, added, first, (stop - 1) | 0);
}

/** A write to a page that is mapped without the right to write, in an entry that allows it. */
function writeProtected(space: VmSpace, e: VmEntry, page: long, lo: u32): i32 {
  const pmap: Pmap = space.pmap;
  const pages = space.vm.pages;
  kassert((lo & PTE_P) !== 0, "fault: an entry without rights under one that has some");
  if (e.isShared) {
    pmap.upgrade(PTE_W | PTE_A | PTE_D);
    return 0;
  }
  const prot = e.prot;
  const old = pmap.foundPage();
  const bits: u32 = u32(pteBits(prot, true) | PTE_ANON | PTE_A | PTE_D);
  if ((lo & (PTE_ANON | PTE_FILE)) === 0) {
    const fresh = pages.allocAnon(true);
    if (fresh === 0) return -Errno.NOMEM;
    pmap.replace(page, pteLo(fresh, bits), pteHi(fresh, prot));
    return 0;
  }
  if ((lo & PTE_ANON) !== 0 && pages.refs[old] === 1) {
    pmap.upgrade(PTE_W | PTE_A | PTE_D | PTE_HOT);
    return 0;
  }
  // The pin keeps an object's page from being reclaimed for its own copy.
  pages.ref(old);
  const copy = pages.allocAnon(false);
  pages.unref(old);
  if (copy === 0) return -Errno.NOMEM;
  space.vm.machine.copyPhys(pages.pa(copy), pages.pa(old), PAGE_SIZE);
  if ((lo & PTE_ANON) !== 0) {
    pmap.replace(page, pteLo(copy, u32(bits | PTE_HOT)), pteHi(copy, prot));
    pages.unref(old);
  } else pmap.replace(page, pteLo(copy, bits), pteHi(copy, prot));
  return 0;
}

/**
 * Extends the stack above `va` down to it: the next entry must grow down, stay within the stack limit, and keep the gap to
 * what lies below. Null when that is not so, which is then a fault outside every mapping.
 * Source: Linux mm/mmap.c behaviour as in mmap(2), MAP_GROWSDOWN.
 */
function growStack(space: VmSpace, va: long): VmEntry | null {
  const list = space.list;
  const i = list.lowerBound(va);
  if (i >= list.count) return null;
  const e = list.at(i);
  if ((e.flags & VME_GROWSDOWN) === 0) return null;
  const start: long = va - longAnd(va, PAGE_SIZE - 1);
  if (start < space.minAddr || e.end - start > space.limitStack) return null;
  if (i > 0) {
    const below = list.at((i - 1) | 0);
    const gap: long = (below.flags & VME_GROWSDOWN) === 0 && (below.prot & PROT_ALL) !== 0 ? STACK_GAP : 0;
    if (start < below.end + gap) return null;
  }
  const grown: long = e.start - start;
  if (!space.mayGrow(grown)) return null;
  if ((e.flags & VME_LOCKED) !== 0 && !space.mayLock(grown)) return null;
  space.account(e, grown, 1);
  e.start = start;
  return e;
}
