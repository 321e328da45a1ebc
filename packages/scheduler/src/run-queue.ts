/**
 * The run queues of one class: NQS FIFOs and a word that says which are not empty.
 *
 * Key type `RunQueue`. Neighbours: `entity.ts`, `user-scheduler.ts`.
 * Invariant: bit i of `ready` is set exactly when queue i is not empty.
 */
import { ctz, kassert, type i32, type u32 } from "@anax/portable";
import { NQS, type SchedEntity } from "./entity";

export class RunQueue {
  private readonly heads: Array<SchedEntity | null> = [];
  private readonly tails: Array<SchedEntity | null> = [];
  private ready: u32 = 0;
  count: i32 = 0;

  constructor() {
    for (let i = 0; i < NQS; i++) {
      this.heads.push(null);
      this.tails.push(null);
    }
  }

  /** The best non-empty queue, or NQS. */
  get best(): i32 {
    return this.ready === 0 ? NQS : ctz(this.ready);
  }

  /** Adds at the tail, or at the head for one that was preempted before its slice ended. */
  add(e: SchedEntity, atHead: boolean): void {
    kassert(!e.queued, "run queue: entity queued twice");
    const q = e.queueIndex;
    e.queued = true;
    const head = this.heads[q];
    const tail = this.tails[q];
    if (head === null || tail === null) {
      e.next = null;
      e.prev = null;
      this.heads[q] = e;
      this.tails[q] = e;
      this.ready = (this.ready | (1 << q)) >>> 0;
    } else if (atHead) {
      e.prev = null;
      e.next = head;
      head.prev = e;
      this.heads[q] = e;
    } else {
      e.next = null;
      e.prev = tail;
      tail.next = e;
      this.tails[q] = e;
    }
    this.count++;
  }

  /** Takes out an entity whose priority has not changed since it was added. */
  remove(e: SchedEntity): void {
    kassert(e.queued, "run queue: entity not queued");
    const q = e.queueIndex;
    const next = e.next;
    const prev = e.prev;
    if (prev === null) this.heads[q] = next;
    else prev.next = next;
    if (next === null) this.tails[q] = prev;
    else next.prev = prev;
    if (this.heads[q] === null) this.ready = (this.ready & ~(1 << q)) >>> 0;
    e.next = null;
    e.prev = null;
    e.queued = false;
    this.count--;
  }

  /** The first entity of the best queue, still queued; null when all are empty. */
  peek(): SchedEntity | null {
    if (this.ready === 0) return null;
    return this.heads[ctz(this.ready)];
  }
}
