/**
 * A ring of bytes in physical pages: what pipes and sockets keep between a writer and a reader.
 *
 * Key type `PageRing`. Bytes move between a page and user memory in one go. Neighbours: `pipe.ts`, `unix-socket.ts`.
 * Invariant: the content is `count` bytes from `head` on, wrapping at the capacity; the slot of a page that holds content has
 * a page; an empty ring has `head` 0 and at most one page.
 * Source: DragonFly sys/kern/sys_pipe.c (pipe buffers in pages).
 */
import { Errno, i32, type long, type u32 } from "@anax/portable";
import { PAGE_SHIFT, PAGE_SIZE, type Machine } from "@anax/machine";
import type { Uio, VmPages } from "@anax/vm";

const PAGE_MASK: i32 = 4095;

/** Owned by the pipe or socket whose content it is; `release` gives its pages back. */
export class PageRing {
  count: i32 = 0;
  capacity: i32;
  private head: i32 = 0;
  private slots: Uint32Array;

  /** `pages` is a power of two. Pages are taken as bytes come. */
  constructor(
    private readonly machine: Machine,
    private readonly pages: VmPages,
    slots: i32,
  ) {
    this.slots = new Uint32Array(slots);
    this.capacity = slots << PAGE_SHIFT;
  }

  get free(): i32 {
    return (this.capacity - this.count) | 0;
  }

  /** Moves content to the uio until one of them is used up. 0, -FAULT, EASYNC; what moved is what `uio.resid` lost. */
  take(uio: Uio): i32 {
    let r: i32 = 0;
    while (r === 0 && this.count > 0 && uio.resid > 0) {
      const inPage = this.head & PAGE_MASK;
      let n: i32 = (PAGE_SIZE - inPage) | 0;
      if (n > this.count) n = this.count;
      if (uio.resid < n) n = i32(uio.resid);
      const before = uio.resid;
      r = uio.movePhys(this.pages.pa(this.slots[this.head >> PAGE_SHIFT]) + inPage, n);
      this.drop(i32(before - uio.resid));
    }
    return r;
  }

  /** Copies content from `skip` bytes behind the head on to the uio, and keeps it. */
  peek(uio: Uio, skip: i32): i32 {
    let at = skip;
    let r: i32 = 0;
    while (r === 0 && at < this.count && uio.resid > 0) {
      let from: i32 = (this.head + at) | 0;
      if (from >= this.capacity) from = (from - this.capacity) | 0;
      const inPage = from & PAGE_MASK;
      let n: i32 = (PAGE_SIZE - inPage) | 0;
      const left: i32 = (this.count - at) | 0;
      if (n > left) n = left;
      if (uio.resid < n) n = i32(uio.resid);
      r = uio.movePhys(this.pages.pa(this.slots[from >> PAGE_SHIFT]) + inPage, n);
      at = (at + n) | 0;
    }
    return r;
  }

  /** Moves bytes from the uio to the tail until the ring is full or the uio used up. 0, -NOMEM, -FAULT, EASYNC. */
  put(uio: Uio): i32 {
    let r: i32 = 0;
    while (r === 0 && this.count < this.capacity && uio.resid > 0) r = this.append(uio);
    return r;
  }

  /** Moves one page's worth to the tail; there is room. */
  private append(uio: Uio): i32 {
    let tail: i32 = (this.head + this.count) | 0;
    if (tail >= this.capacity) tail = (tail - this.capacity) | 0;
    const slot = tail >> PAGE_SHIFT;
    let pg: u32 = this.slots[slot];
    if (pg === 0) {
      pg = this.pages.alloc();
      if (pg === 0) return -Errno.NOMEM;
      this.slots[slot] = pg;
    }
    const inPage = tail & PAGE_MASK;
    const free = this.free;
    let n: i32 = (PAGE_SIZE - inPage) | 0;
    if (n > free) n = free;
    if (uio.resid < n) n = i32(uio.resid);
    const before = uio.resid;
    const r = uio.movePhys(this.pages.pa(pg) + inPage, n);
    this.count = (this.count + i32(before - uio.resid)) | 0;
    return r;
  }

  /** Takes the newest `n` bytes back: a message that could not be finished. */
  unput(n: i32): void {
    this.count = (this.count - n) | 0;
    if (this.count === 0) this.rewind();
  }

  /** `n` bytes at the head are not wanted any more. */
  drop(n: i32): void {
    this.count = (this.count - n) | 0;
    this.head = (this.head + n) | 0;
    if (this.head >= this.capacity) this.head = (this.head - this.capacity) | 0;
    if (this.count === 0) this.rewind();
  }

  /** Starts an empty ring over and gives all pages but the first back. */
  private rewind(): void {
    this.head = 0;
    for (let i = 1; i < this.slots.length; i++) {
      const pg: u32 = this.slots[i];
      if (pg === 0) continue;
      this.slots[i] = 0;
      this.pages.unref(pg);
    }
  }

  /** Drops the content and every page. */
  release(): void {
    this.count = 0;
    this.rewind();
    const pg: u32 = this.slots[0];
    this.slots[0] = 0;
    if (pg !== 0) this.pages.unref(pg);
  }

  /** Gives it `slots` pages (a power of two) of room. 0, -BUSY (the content does not fit), -NOMEM. */
  resize(slots: i32): i32 {
    const capacity: i32 = slots << PAGE_SHIFT;
    if (capacity === this.capacity) return 0;
    if (this.count > capacity) return -Errno.BUSY;
    const moved = new Uint32Array(slots);
    // The content is copied to the start of new pages: it need not begin at a page, and the last page may be the first.
    let done: i32 = 0;
    while (done < this.count) {
      let from: i32 = (this.head + done) | 0;
      if (from >= this.capacity) from = (from - this.capacity) | 0;
      const at = done >> PAGE_SHIFT;
      if (moved[at] === 0) {
        const pg = this.pages.alloc();
        if (pg === 0) {
          for (let i = 0; i < at; i++) this.pages.unref(moved[i]);
          return -Errno.NOMEM;
        }
        moved[at] = pg;
      }
      let n: i32 = (PAGE_SIZE - (from & PAGE_MASK)) | 0;
      const room: i32 = (PAGE_SIZE - (done & PAGE_MASK)) | 0;
      const left: i32 = (this.count - done) | 0;
      if (n > room) n = room;
      if (n > left) n = left;
      const src: long = this.pages.pa(this.slots[from >> PAGE_SHIFT]) + (from & PAGE_MASK);
      this.machine.copyPhys(this.pages.pa(moved[at]) + (done & PAGE_MASK), src, n);
      done = (done + n) | 0;
    }
    for (let i = 0; i < this.slots.length; i++) {
      const pg: u32 = this.slots[i];
      if (pg !== 0) this.pages.unref(pg);
    }
    this.slots = moved;
    this.head = 0;
    this.capacity = capacity;
    return 0;
  }
}
