/**
 * The run queues of all classes: NQS FIFOs for each class, and a bit for each that says whether it is empty.
 *
 * Key type `RunQueue`. Neighbours: `entity.ts`, `user-scheduler.ts` and the policies.
 * Queues are numbered 0 (best) to 127 by `priority` / PPQ, so class after class.
 * Invariant: a queue's bit is set exactly when it is not empty; a queued entity's priority falls into the queue it is on.
 * Source: DragonFly sys/kern/usched_dfly.c (rtqueues, queues, idqueues).
 */
import { clz, ctz, kassert, type i32, type long, type u32 } from "@anax/portable";
import { CLASS_IDLE, CLASS_NORMAL, MAXPRI, PPQ, PRIBASE_NULL, SAMPLE_NS, type SchedEntity } from "./entity";

/** Queues of all classes. */
export const QUEUES: i32 = (PRIBASE_NULL / PPQ) | 0;
/** Words of 32 queues, which is one for each class. */
const WORDS: i32 = QUEUES >> 5;
const NORMAL_WORD: i32 = (CLASS_NORMAL / MAXPRI) | 0;

export class RunQueue {
  private readonly heads: Array<SchedEntity | null> = [];
  private readonly tails: Array<SchedEntity | null> = [];
  private readonly ready: Uint32Array = new Uint32Array(WORDS);
  count: i32 = 0;

  constructor() {
    for (let i = 0; i < QUEUES; i++) {
      this.heads.push(null);
      this.tails.push(null);
    }
  }

  /** The best non-empty queue, or QUEUES. */
  get best(): i32 {
    for (let w = 0; w < WORDS; w++) {
      const bits: u32 = this.ready[w];
      if (bits !== 0) return ((w << 5) + ctz(bits)) | 0;
    }
    return QUEUES;
  }

  /** The worst non-empty queue, or -1. */
  get worst(): i32 {
    for (let w: i32 = WORDS - 1; w >= 0; w--) {
      const bits: u32 = this.ready[w];
      if (bits !== 0) return ((w << 5) + 31 - clz(bits)) | 0;
    }
    return -1;
  }

  /** The best non-empty queue behind `q`, or QUEUES. */
  after(q: i32): i32 {
    let w: i32 = ((q + 1) | 0) >> 5;
    if (w >= WORDS) return QUEUES;
    let bits: u32 = (this.ready[w] & (0xffffffff << (((q + 1) | 0) & 31))) >>> 0;
    while (bits === 0) {
      w = (w + 1) | 0;
      if (w >= WORDS) return QUEUES;
      bits = this.ready[w];
    }
    return ((w << 5) + ctz(bits)) | 0;
  }

  /** The worst non-empty queue before `q`, or -1. */
  before(q: i32): i32 {
    let w: i32 = q >> 5;
    if (w >= WORDS) return this.worst;
    let bits: u32 = (this.ready[w] & ~(0xffffffff << (q & 31))) >>> 0;
    while (bits === 0) {
      w = (w - 1) | 0;
      if (w < 0) return -1;
      bits = this.ready[w];
    }
    return ((w << 5) + 31 - clz(bits)) | 0;
  }

  /** Whether anything of class NORMAL is queued. */
  get hasNormal(): boolean {
    return this.ready[NORMAL_WORD] !== 0;
  }

  /** Adds at the tail, or at the head for one that was preempted before its slice ended. */
  add(e: SchedEntity, atHead: boolean): void {
    kassert(!e.queued, "run queue: entity queued twice");
    const q: i32 = e.priority >> 2;
    e.queued = true;
    const head = this.heads[q];
    const tail = this.tails[q];
    if (head === null || tail === null) {
      e.next = null;
      e.prev = null;
      this.heads[q] = e;
      this.tails[q] = e;
      this.ready[q >> 5] |= 1 << (q & 31);
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
    const q: i32 = e.priority >> 2;
    const next = e.next;
    const prev = e.prev;
    if (prev === null) this.heads[q] = next;
    else prev.next = next;
    if (next === null) this.tails[q] = prev;
    else next.prev = prev;
    if (prev === null && next === null) this.ready[q >> 5] &= ~(1 << (q & 31));
    e.next = null;
    e.prev = null;
    e.queued = false;
    this.count--;
  }

  /** The first of queue `q`, still queued; follow `next` for the others. */
  head(q: i32): SchedEntity | null {
    return this.heads[q];
  }

  /** The last of queue `q`, still queued; follow `prev`. */
  tail(q: i32): SchedEntity | null {
    return this.tails[q];
  }

  /** The first entity of the best queue, still queued; null when all are empty. */
  peek(): SchedEntity | null {
    const q = this.best;
    return q === QUEUES ? null : this.heads[q];
  }

  /**
   * Closes the samples of those of class NORMAL who wait: their estcpu falls and they move up, so nobody waits for ever.
   * `excess` and `cpus` as for `SchedEntity#closeSample`. Returns by how much the sum of their `uload` changed.
   */
  decay(now: long, excess: i32, cpus: i32): i32 {
    const first = CLASS_NORMAL >> 2;
    const end = CLASS_IDLE >> 2;
    let chain: SchedEntity | null = null;
    let last: SchedEntity | null = null;
    let change: i32 = 0;
    for (let q = this.after(first - 1); q < end; q = this.after(q)) {
      let e = this.heads[q];
      while (e !== null) {
        const next = e.next;
        this.remove(e);
        if (last === null) chain = e;
        else last.next = e;
        last = e;
        e = next;
      }
    }
    let e = chain;
    while (e !== null) {
      const next = e.next;
      e.next = null;
      if (now - e.sampleStart >= SAMPLE_NS) {
        const before = e.uload;
        e.closeSample(now, excess, cpus);
        change = (change + e.uload - before) | 0;
      }
      this.add(e, false);
      e = next;
    }
    return change;
  }
}
