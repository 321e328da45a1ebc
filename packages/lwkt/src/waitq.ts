/**
 * Wait queues: how a handler that cannot finish is run again when its condition may have changed.
 *
 * The kernel never blocks inside a call. A handler registers its waiter (an LWP) on every queue concerned and returns EASYNC;
 * `wakeup` on any of them takes the waiter off all its queues and calls `Waiter#wake`, which makes the handler run again from
 * its start. Key types `WaitQueue`, `Waiter`, `WaitLink` (one registration; pooled by the waiter, so nothing is allocated
 * after the first waits). Neighbours: `thread.ts`; kern's LWP is the waiter in the kernel.
 * Invariant: a woken waiter is on no queue; a waiter on a queue is asleep or about to be.
 */
import { kassert, type i32 } from "@anax/portable";

/** One registration of a waiter on a queue. Owned by the waiter's pool while free, by the queue while linked. */
export class WaitLink {
  next: WaitLink | null = null;
  prev: WaitLink | null = null;
  queue: WaitQueue | null = null;
  /** The waiter's next link (linked: its active list; free: its pool). */
  sibling: WaitLink | null = null;

  constructor(readonly waiter: Waiter) {}
}

/** Something that waits: kern's LWP, or a test. */
export abstract class Waiter {
  private active: WaitLink | null = null;
  private pool: WaitLink | null = null;

  /** Woken from a queue: run the handler again. Called with the waiter off all queues. */
  abstract wake(): void;

  get isWaiting(): boolean {
    return this.active !== null;
  }

  /** For WaitQueue alone: a link from the pool. */
  takeLink(): WaitLink {
    let link = this.pool;
    if (link === null) link = new WaitLink(this);
    else this.pool = link.sibling;
    link.sibling = this.active;
    this.active = link;
    return link;
  }

  /** Takes the waiter off every queue (before a wake, an interrupt by a signal, or at exit). */
  leaveAll(): void {
    let link = this.active;
    this.active = null;
    while (link !== null) {
      const after = link.sibling;
      const q = link.queue;
      kassert(q !== null, "waiter: stray link");
      q!.unlink(link);
      link.sibling = this.pool;
      this.pool = link;
      link = after;
    }
  }
}

/** A FIFO of waiters for one condition. */
export class WaitQueue {
  private head: WaitLink | null = null;
  private tail: WaitLink | null = null;

  get isEmpty(): boolean {
    return this.head === null;
  }

  /** Registers the waiter. The same waiter may be on several queues (poll), and twice on one. */
  add(waiter: Waiter): void {
    const link = waiter.takeLink();
    link.queue = this;
    link.next = null;
    const last = this.tail;
    link.prev = last;
    if (last === null) this.head = link;
    else last.next = link;
    this.tail = link;
  }

  /** For Waiter alone. */
  unlink(link: WaitLink): void {
    const next = link.next;
    const prev = link.prev;
    if (prev === null) this.head = next;
    else prev.next = next;
    if (next === null) this.tail = prev;
    else next.prev = prev;
    link.next = null;
    link.prev = null;
    link.queue = null;
  }

  /** Wakes every waiter that was here at the call. Returns how many. A woken waiter must not register again before its handler runs. */
  wakeup(): i32 {
    return this.wakeupSome(0x7fffffff);
  }

  /** Wakes up to `most` waiters in the order they came. Returns how many. */
  wakeupSome(most: i32): i32 {
    let n: i32 = 0;
    let link = this.head;
    while (link !== null && n < most) {
      const waiter = link.waiter;
      waiter.leaveAll();
      waiter.wake();
      n++;
      link = this.head;
    }
    return n;
  }
}
