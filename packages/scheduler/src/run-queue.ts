/**
 * The run queues of all classes: NQS FIFOs for each class, and a bit for each that says whether it is empty.
 *
 * Key type `RunQueue`. Neighbours: `entity.ts`, `user-scheduler.ts` and the policies.
 * Queues are numbered 0 (best) to 127 by `priority` / PPQ, so class after class.
 * A queue's first has the last as `prev`, and the last has null as `next`.
 * Invariant: a queue's bit is set exactly when it is not empty; a queued entity's priority falls into the queue it is on.
 * Source: DragonFly sys/kern/usched_dfly.c (rtqueues, queues, idqueues).
 */
import { clz, ctz, imul, kassert, u32, type i32, type long } from "@anax/portable";
import { CLASS_IDLE, CLASS_NORMAL, PPQ, PRIBASE_NULL, SAMPLE_NS, type SchedEntity } from "./entity";

/** Queues of all classes. */
export const QUEUES: i32 = (PRIBASE_NULL / PPQ) | 0;
/** Words of 32 queues, which is one for each class. */
const WORDS: i32 = QUEUES >> 5;

/** Who has waited through so many samples (3 s) is starving: better ones always come first. */
const STARVING: i32 = 30;
/** Samples between two turns that are given to starving ones: they get at most a fifth of a CPU. */
const TURN_EVERY: i32 = 5;

/** Closes the samples of those who wait. */
export interface Sampler {
  /** The sample of `e`, which is off its queue for this, is over at `now`. */
  sample(e: SchedEntity, now: long): void;
}

/** Heads for so many run queues. */
export function newHeads(runQueues: i32): Array<SchedEntity | null> {
  const heads: Array<SchedEntity | null> = [];
  const count = imul(runQueues, QUEUES);
  for (let i = 0; i < count; i++) heads.push(null);
  return heads;
}

export class RunQueue {
  /** Bit of each queue, a word for each class. Fields and not an array: one load less on every way through here. */
  private ready0: i32 = 0;
  private ready1: i32 = 0;
  private ready2: i32 = 0;
  private ready3: i32 = 0;
  count: i32 = 0;
  /** Samples since a starving one was given a turn. */
  private sinceTurn: i32 = 0;

  /** With `heads` of its own, or at `base` of an array that many queues share: thousands of small arrays are slower. */
  constructor(
    private readonly heads: Array<SchedEntity | null>,
    private readonly base: i32,
  ) {}

  private word(w: i32): i32 {
    if (w === 0) return this.ready0;
    if (w === 1) return this.ready1;
    return w === 2 ? this.ready2 : this.ready3;
  }

  private mark(q: i32): void {
    const bit: i32 = 1 << (q & 31);
    if (q < 32) this.ready0 |= bit;
    else if (q < 64) this.ready1 |= bit;
    else if (q < 96) this.ready2 |= bit;
    else this.ready3 |= bit;
  }

  private unmark(q: i32): void {
    const rest: i32 = ~(1 << (q & 31));
    if (q < 32) this.ready0 &= rest;
    else if (q < 64) this.ready1 &= rest;
    else if (q < 96) this.ready2 &= rest;
    else this.ready3 &= rest;
  }

  /** The best non-empty queue, or QUEUES. */
  get best(): i32 {
    if (this.ready0 !== 0) return ctz(u32(this.ready0));
    if (this.ready1 !== 0) return (32 + ctz(u32(this.ready1))) | 0;
    if (this.ready2 !== 0) return (64 + ctz(u32(this.ready2))) | 0;
    return this.ready3 !== 0 ? (96 + ctz(u32(this.ready3))) | 0 : QUEUES;
  }

  /** The worst non-empty queue, or -1. */
  get worst(): i32 {
    return this.before(QUEUES);
  }

  /** The best non-empty queue behind `q`, or QUEUES. */
  after(q: i32): i32 {
    const from: i32 = (q + 1) | 0;
    let w: i32 = from >> 5;
    if (w >= WORDS) return QUEUES;
    let bits: i32 = this.word(w) & (-1 << (from & 31));
    while (bits === 0) {
      w = (w + 1) | 0;
      if (w >= WORDS) return QUEUES;
      bits = this.word(w);
    }
    return ((w << 5) + ctz(u32(bits))) | 0;
  }

  /** The worst non-empty queue before `q`, or -1. */
  before(q: i32): i32 {
    let w: i32 = q >> 5;
    let bits: i32 = w >= WORDS ? 0 : this.word(w) & ~(-1 << (q & 31));
    while (bits === 0) {
      w = (w - 1) | 0;
      if (w < 0) return -1;
      bits = this.word(w);
    }
    return ((w << 5) + 31 - clz(u32(bits))) | 0;
  }

  /** Whether anything of class NORMAL is queued. */
  get hasNormal(): boolean {
    return this.ready1 !== 0;
  }

  /** Adds at the tail, or at the head for one that was preempted before its slice ended. */
  add(e: SchedEntity, atHead: boolean): void {
    kassert(!e.queued, "run queue: entity queued twice");
    const q: i32 = e.priority >> 2;
    e.queued = true;
    const head = this.heads[this.base + q];
    if (head === null) {
      e.next = null;
      e.prev = e;
      this.heads[this.base + q] = e;
      this.mark(q);
    } else {
      const tail = head.prev as SchedEntity;
      e.prev = tail;
      head.prev = e;
      if (atHead) {
        e.next = head;
        this.heads[this.base + q] = e;
      } else {
        e.next = null;
        tail.next = e;
      }
    }
    this.count++;
  }

  /** Takes out an entity whose priority has not changed since it was added. */
  remove(e: SchedEntity): void {
    kassert(e.queued, "run queue: entity not queued");
    const q: i32 = e.priority >> 2;
    const head = this.heads[this.base + q];
    const next = e.next;
    const prev = e.prev;
    if (head === e) {
      this.heads[this.base + q] = next;
      if (next === null) this.unmark(q);
      else next.prev = prev;
    } else if (head !== null && prev !== null) {
      prev.next = next;
      if (next === null) head.prev = prev;
      else next.prev = prev;
    }
    e.next = null;
    e.prev = null;
    e.queued = false;
    this.count--;
  }

  /** The first of queue `q`, still queued; follow `next` for the others. */
  head(q: i32): SchedEntity | null {
    return this.heads[this.base + q];
  }

  /** The last of queue `q`, still queued; follow `previous` for the others. */
  tail(q: i32): SchedEntity | null {
    const head = this.heads[this.base + q];
    return head === null ? null : head.prev;
  }

  /** Who is before `e` in its queue, null for the first. */
  previous(e: SchedEntity): SchedEntity | null {
    return this.heads[this.base + (e.priority >> 2)] === e ? null : e.prev;
  }

  /** The first entity of the best queue, still queued; null when all are empty. */
  peek(): SchedEntity | null {
    const q = this.best;
    return q === QUEUES ? null : this.heads[this.base + q];
  }

  /**
   * Has the samples closed of those of class NORMAL who wait: their estcpu falls and they move up. They stay in order within a queue.
   * Where better ones always come all the same (many hogs, far apart in nice), that is not enough: at times the one who
   * has waited longest, if it is starving, goes to the best queue of the class for a turn. The original has no such rule.
   */
  decay(now: long, sampler: Sampler): void {
    const first = CLASS_NORMAL >> 2;
    const end = CLASS_IDLE >> 2;
    let chain: SchedEntity | null = null;
    let last: SchedEntity | null = null;
    let starving: SchedEntity | null = null;
    let longest: i32 = STARVING;
    for (let q = this.after(first - 1); q < end; q = this.after(q)) {
      let e = this.heads[this.base + q];
      while (e !== null) {
        const next = e.next;
        this.remove(e);
        e.passedOver++;
        if (e.passedOver > longest) {
          longest = e.passedOver;
          starving = e;
        }
        if (last === null) chain = e;
        else last.next = e;
        last = e;
        e = next;
      }
    }
    this.sinceTurn++;
    if (this.sinceTurn < TURN_EVERY) starving = null;
    if (starving !== null) this.sinceTurn = 0;
    let e = chain;
    while (e !== null) {
      const next = e.next;
      e.next = null;
      if (now - e.sampleStart >= SAMPLE_NS) sampler.sample(e, now);
      if (e === starving) {
        e.priority = CLASS_NORMAL;
        e.passedOver = 0;
      }
      this.add(e, false);
      e = next;
    }
  }
}
