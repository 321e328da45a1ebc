/**
 * Fork: a copy of an address space, copy-on-write.
 *
 * All entries in use are copied at once, since a trap for each page later costs more: private anonymous pages get one more
 * reference and become read-only on both sides, object pages are just shown to the child too. Pages that the parent writes again right after
 * each fork (PTE_HOT, and the one the stack pointer is in) are copied at once and stay writable, which saves the parent its traps.
 * Neighbours: `pmap.ts`, `space.ts`. Invariant: when memory runs out the child is gone and the parent works on.
 */
import { Errno, longAnd, toLong, u32, type i32, type long } from "@anax/portable";
import { PAGE_SIZE } from "@anax/machine";
import { VME_LOCKED, VME_NOFORK, VME_WIPEFORK } from "./entry";
import { REFS_MAX } from "./pages";
import { regionOf, slotOf } from "./page-tables";
import type { Pmap } from "./pmap";
import { PTE_A, PTE_ANON, PTE_D, PTE_FILE, PTE_HOT, PTE_P, PTE_W, ptePage, pteLo } from "./pte";
import type { VmSpace } from "./space";

/** Pages copied at once by one fork, at most. */
const HOT_MAX: i32 = 32;

/** See `VmSpace#fork`. */
export function forkSpace(parent: VmSpace, hot: long): VmSpace | null {
  const vm = parent.vm;
  const child = vm.newSpace();
  if (child === null) return null;
  child.inherit(parent);
  const hotPage: long = hot - longAnd(hot, PAGE_SIZE - 1);
  let budget: i32 = vm.pages.freeCount > vm.pages.totalCount >>> 3 ? HOT_MAX : 0;
  let failed = false;
  const list = parent.list;
  for (let i = 0; i < list.count && !failed; i++) {
    const e = list.at(i);
    if ((e.flags & VME_NOFORK) !== 0) continue;
    const copy = child.takeEntry();
    if (copy === null) {
      failed = true;
      break;
    }
    copy.start = e.start;
    copy.end = e.end;
    copy.prot = e.prot;
    copy.maxProt = e.maxProt;
    // Locks are not inherited: mlock(2).
    copy.flags = e.flags & ~VME_LOCKED;
    copy.pindex = e.pindex;
    const object = e.object;
    if (object !== null) object.ref();
    child.link(child.list.count, copy, object);
    child.account(copy, copy.end - copy.start, 1);
    if ((e.flags & VME_WIPEFORK) !== 0) continue;
    budget = copyRange(parent.pmap, child.pmap, e.start, e.end, hotPage, budget);
    failed = budget < 0;
  }
  // Entries that lost the right to write may be cached, after a failure too.
  parent.pmap.flush();
  if (failed) {
    child.release();
    return null;
  }
  child.notePeak();
  return child;
}

/**
 * Copies the entries of [start, end). Returns how many more pages may be copied at once, or -ENOMEM; every entry that was
 * written is valid then.
 */
function copyRange(from: Pmap, to: Pmap, start: long, end: long, hotPage: long, budget: i32): i32 {
  const pages = from.pages;
  const m = from.machine;
  let left = budget;
  let va = from.nextUsed(start, end);
  while (va >= 0) {
    const region = regionOf(va);
    const source = from.tableOf(region);
    const target = to.makeTable(region);
    if (target === 0) return -Errno.NOMEM;
    const base: long = toLong(region) * 0x200000;
    let i = slotOf(va);
    const first = i;
    const stop: i32 = from.endSlot(source, base + 0x200000 > end ? (slotOf(end - 1) + 1) | 0 : 512);
    let at: long = pages.pa(source) + ((i * 8) | 0);
    let copyAt: long = pages.pa(target) + ((i * 8) | 0);
    let added: i32 = 0;
    while (i < stop) {
      let lo = m.load32(at);
      if (lo !== 0) {
        const hi = m.load32(at + 4);
        let copyLo: u32 = lo;
        let copyHi: u32 = hi;
        if ((lo & PTE_ANON) !== 0) {
          const pg = ptePage(lo, hi);
          const page: long = base + toLong(i) * PAGE_SIZE;
          const refs: i32 = pages.refs[pg];
          const wanted =
            (lo & PTE_W) !== 0 && refs === 1 && ((lo & (PTE_HOT | PTE_D)) === (PTE_HOT | PTE_D) || page === hotPage);
          let own: u32 = 0;
          if ((wanted && left > 0) || refs >= REFS_MAX) own = pages.allocAnon(false);
          if (own !== 0) {
            left = left > 0 ? (left - 1) | 0 : 0;
            m.copyPhys(pages.pa(own), pages.pa(pg), PAGE_SIZE);
            copyLo = pteLo(own, u32(lo & 0xfff & ~PTE_D));
            copyHi = u32((hi & 0xfff00000) | (own >>> 20));
            // The dirty bit tells the next fork whether the page was written in between.
            lo = u32(lo & ~PTE_D);
            m.store32(at, lo);
            from.gather(page);
          } else {
            if (refs >= REFS_MAX) {
              to.added(target, added, first, (i - 1) | 0);
              return -Errno.NOMEM;
            }
            pages.refs[pg] = (refs + 1) | 0;
            if ((lo & PTE_W) !== 0) {
              lo = u32(lo & ~(PTE_W | PTE_HOT));
              m.store32(at, lo);
              if ((lo & (PTE_A | PTE_P)) === (PTE_A | PTE_P)) from.gather(page);
            }
            copyLo = u32(lo & ~(PTE_W | PTE_D | PTE_HOT));
          }
          to.anon++;
        } else if ((lo & PTE_FILE) !== 0) {
          copyLo = u32(lo & ~PTE_D);
          to.file++;
        }
        m.store32(copyAt + 4, copyHi);
        m.store32(copyAt, copyLo);
        added++;
      }
      i++;
      at = at + 8;
      copyAt = copyAt + 8;
    }
    to.added(target, added, first, (i - 1) | 0);
    va = from.nextUsed(base + 0x200000, end);
  }
  return left;
}
