/**
 * Contents of tmpfs files: pages of a VM object, so that read, write and mmap see the same memory.
 *
 * Key type `TmpData` (one a file system: the page budget and all I/O). Neighbours: `tmpfs.ts`, vm's `VmObject` and `Uio`.
 * Invariants: a page that is absent reads as zero; before a file grows, what lies behind its old end in the last page is
 * zeroed (a shared mapping may have written there), so a larger file never shows old bytes; pages are counted against
 * the limit when an operation of this file system sees them, those a mapping brought in at the next one.
 */
import { EASYNC, Errno, i32, longAnd, longMin, longShl, longShr, u32, type long } from "@anax/portable";
import { PAGE_SIZE } from "@anax/machine";
import { VmObject, type Uio, type VmPages } from "@anax/vm";
import { IO_APPEND } from "../flags";
import type { TmpNode } from "./node";

/** The largest file: page numbers of an object are 32 bits. */
export const MAX_FILE_SIZE: long = 17592186040320;

const SEEK_DATA: i32 = 3;
/** No index. */
const NO_PAGE: u32 = 0xffffffff;

/** Pages of all files of one tmpfs. */
export class TmpData {
  /** Pages counted, and how many there may be. */
  used: u32 = 0;

  /** Free pages that files leave to programs: a full file system is an error to its writer, not a reason to kill. */
  private readonly floor: u32;

  constructor(
    private readonly pages: VmPages,
    public limit: u32,
  ) {
    this.floor = u32(pages.reserve + (pages.totalCount >>> 5));
  }

  private get hasRoom(): boolean {
    return this.used < this.limit && this.pages.freeCount > this.floor;
  }

  /** Gives a regular file its object. */
  attach(node: TmpNode): void {
    node.object = new VmObject(this.pages, null, 0);
  }

  /** Brings the count of a file up to date. */
  settle(node: TmpNode): void {
    const object = node.object;
    const now: u32 = object === null ? 0 : object.resident;
    this.used = u32(this.used + (now - node.counted));
    node.counted = now;
  }

  /** The file is gone: its pages stay only as long as somebody maps them, and are no longer counted. */
  release(node: TmpNode): void {
    this.used = u32(this.used - node.counted);
    node.counted = 0;
    const object = node.object;
    if (object === null) return;
    node.object = null;
    object.unref();
  }

  /** Counts a page for something of the node's that lies in the kernel heap. */
  charge(node: TmpNode): void {
    node.counted = u32(node.counted + 1);
    this.used = u32(this.used + 1);
  }

  /** From `uio.offset` to the end of the file or of the request. 0, -errno or EASYNC. */
  read(node: TmpNode, uio: Uio): i32 {
    const object = node.object!;
    const size = node.size;
    while (uio.resid > 0 && uio.offset < size) {
      const at: long = uio.offset;
      const within: i32 = i32(longAnd(at, PAGE_SIZE - 1));
      const n: i32 = i32(longMin(longMin(uio.resid, size - at), (PAGE_SIZE - within) | 0));
      const pg = object.lookup(u32(longShr(at, 12)));
      const error = pg === 0 ? uio.moveZero(n) : uio.movePhys(this.pages.pa(pg) + within, n);
      if (error !== 0) return error;
    }
    return 0;
  }

  /** Writes at `uio.offset`, or at the end. 0 when any byte was written; -NOSPC, -FBIG, -FAULT, EASYNC. */
  write(node: TmpNode, uio: Uio, ioflags: i32): i32 {
    if ((ioflags & IO_APPEND) !== 0) uio.offset = node.size;
    if (uio.offset >= MAX_FILE_SIZE) return -Errno.FBIG;
    const object = node.object!;
    if (uio.offset > node.size) this.zeroTail(node);
    let error: i32 = 0;
    let any = false;
    while (uio.resid > 0 && error === 0) {
      const at: long = uio.offset;
      if (at >= MAX_FILE_SIZE) {
        error = -Errno.FBIG;
        break;
      }
      const within: i32 = i32(longAnd(at, PAGE_SIZE - 1));
      const n: i32 = i32(longMin(uio.resid, (PAGE_SIZE - within) | 0));
      const pindex: u32 = u32(longShr(at, 12));
      const found = object.lookup(pindex);
      const pg = found !== 0 ? found : this.newPage();
      if (pg === 0) {
        error = -Errno.NOSPC;
        break;
      }
      const pa: long = this.pages.pa(pg);
      const before: long = uio.resid;
      error = uio.movePhys(pa + within, n);
      const moved: i32 = i32(before - uio.resid);
      if (found === 0) this.enterPage(node, object, pindex, pg, within, moved);
      if (moved > 0) any = true;
      if (uio.offset > node.size) {
        node.size = uio.offset;
        object.setSize(pagesOf(node.size));
      }
    }
    this.settle(node);
    if (error === EASYNC || !any) return error;
    return 0;
  }

  /** A page with undefined contents that belongs to nobody yet, or 0: over the limit, or out of memory. */
  private newPage(): u32 {
    return this.hasRoom ? this.pages.alloc() : 0;
  }

  /**
   * Puts a new page into the file after `moved` bytes came to `within` of it. Not before: the move may fault, and a mapping
   * of this very page would show what the page held before.
   */
  private enterPage(node: TmpNode, object: VmObject, pindex: u32, pg: u32, within: i32, moved: i32): void {
    const machine = this.pages.machine;
    const pa: long = this.pages.pa(pg);
    if (moved === 0) {
      this.pages.unref(pg);
      return;
    }
    const other = object.lookup(pindex);
    if (other !== 0) {
      machine.copyPhys(this.pages.pa(other) + within, pa + within, moved);
      this.pages.unref(pg);
      return;
    }
    if (within > 0) machine.zeroPhys(pa, within);
    const filled: i32 = (within + moved) | 0;
    if (filled < PAGE_SIZE) machine.zeroPhys(pa + filled, (PAGE_SIZE - filled) | 0);
    this.pages.enter(object, pindex, pg);
    node.counted = u32(node.counted + 1);
    this.used = u32(this.used + 1);
  }

  /** The page at `pindex` of the file, zero when it is new; 0 when there is no room. For filling a file from inside the kernel. */
  grab(node: TmpNode, pindex: u32): u32 {
    const object = node.object!;
    const found = object.lookup(pindex);
    if (found !== 0) return found;
    if (!this.hasRoom) return 0;
    const pg = object.grab(pindex);
    if (pg !== 0) this.settle(node);
    return pg;
  }

  /** Sets the size. 0, -FBIG. */
  resize(node: TmpNode, size: long): i32 {
    if (size > MAX_FILE_SIZE) return -Errno.FBIG;
    const object = node.object!;
    if (size < node.size) {
      object.truncate(pagesOf(size));
      node.size = size;
      this.zeroTail(node);
    } else if (size > node.size) {
      this.zeroTail(node);
      node.size = size;
      object.setSize(pagesOf(size));
    }
    this.settle(node);
    return 0;
  }

  /** Zeroes the last page behind the end of the file. */
  private zeroTail(node: TmpNode): void {
    const within: i32 = i32(longAnd(node.size, PAGE_SIZE - 1));
    if (within === 0) return;
    const pg = node.object!.lookup(u32(longShr(node.size, 12)));
    if (pg !== 0) this.pages.machine.zeroPhys(this.pages.pa(pg) + within, (PAGE_SIZE - within) | 0);
  }

  /** Gives `len` bytes from `off` on their pages. 0, -NOSPC, -FBIG. */
  allocate(node: TmpNode, off: long, len: long, keepSize: boolean): i32 {
    if (off + len > MAX_FILE_SIZE) return -Errno.FBIG;
    const object = node.object!;
    const first: u32 = u32(longShr(off, 12));
    const end: u32 = pagesOf(off + len);
    if (u32(end - first) > this.limit) return -Errno.NOSPC;
    let missing: u32 = 0;
    for (let i: u32 = first; i < end; i = u32(i + 1)) if (object.lookup(i) === 0) missing = u32(missing + 1);
    if (u32(missing + this.floor) > this.pages.freeCount || u32(this.used + missing) > this.limit) return -Errno.NOSPC;
    for (let i: u32 = first; i < end; i = u32(i + 1)) {
      if (object.lookup(i) === 0 && object.grab(i) === 0) {
        this.settle(node);
        return -Errno.NOSPC;
      }
    }
    if (!keepSize && off + len > node.size) {
      this.zeroTail(node);
      node.size = off + len;
      object.setSize(end);
    }
    this.settle(node);
    return 0;
  }

  /** Makes `len` bytes from `off` on zero and frees their whole pages. */
  punch(node: TmpNode, off: long, len: long): void {
    const object = node.object!;
    const stop: long = longMin(off + len, longShl(object.top, 12));
    if (stop <= off) return;
    const first: u32 = pagesOf(off);
    const end: u32 = u32(longShr(stop, 12));
    if (first <= end) {
      this.zeroRange(object, off, longShl(first, 12));
      if (first < end) this.punchPages(object, first, end);
      this.zeroRange(object, longShl(end, 12), stop);
    } else {
      this.zeroRange(object, off, stop);
    }
    this.settle(node);
  }

  /** Frees pages. A file may be far larger than what it holds: then by what it holds. */
  private punchPages(object: VmObject, first: u32, end: u32): void {
    if (u32(end - first) <= object.resident) {
      object.punch(first, end);
      return;
    }
    let pg: u32 = object.head;
    while (pg !== 0) {
      const after: u32 = this.pages.next[pg];
      const i: u32 = this.pages.index[pg];
      if (i >= first && i < end) object.punch(i, u32(i + 1));
      pg = after;
    }
  }

  /** Zeroes a range within one page, if the page is there. */
  private zeroRange(object: VmObject, from: long, to: long): void {
    if (from >= to) return;
    const pg = object.lookup(u32(longShr(from, 12)));
    if (pg === 0) return;
    this.pages.machine.zeroPhys(this.pages.pa(pg) + longAnd(from, PAGE_SIZE - 1), i32(to - from));
  }

  /** SEEK_DATA or SEEK_HOLE from `off` on: the offset, or -NXIO. */
  seek(node: TmpNode, whence: i32, off: long): long {
    if (off < 0 || off >= node.size) return -Errno.NXIO;
    const object = node.object!;
    let pindex: u32 = u32(longShr(off, 12));
    if (whence === SEEK_DATA) {
      const found = this.nextResident(object, pindex);
      const at: long = longShl(found, 12);
      if (found === NO_PAGE || at >= node.size) return -Errno.NXIO;
      return at > off ? at : off;
    }
    while (object.lookup(pindex) !== 0) pindex = u32(pindex + 1);
    const at: long = longShl(pindex, 12);
    return at <= off ? off : longMin(at, node.size);
  }

  /** The lowest resident index from `from` on, by the object's page list: sparse files may be far larger than memory. */
  private nextResident(object: VmObject, from: u32): u32 {
    if (object.lookup(from) !== 0) return from;
    let best: u32 = NO_PAGE;
    let pg: u32 = object.head;
    while (pg !== 0) {
      const i: u32 = this.pages.index[pg];
      if (i >= from && i < best) best = i;
      pg = this.pages.next[pg];
    }
    return best;
  }
}

/** Pages that hold `size` bytes. */
function pagesOf(size: long): u32 {
  return u32(longShr(size + (PAGE_SIZE - 1), 12));
}
