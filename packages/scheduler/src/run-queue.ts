/**
 * The run queues of all classes: NQS FIFOs for each class, and a bit for each that says whether it is empty.
 *
 * Key type `RunQueues`, those of one CPU or of many. Neighbours: `entity.ts`, `user-scheduler.ts` and the policies.
 * Queues of a CPU are numbered 0 (best) to 127 by `priority` / PPQ, so class after class.
 * A queue's first has the last as `prev`, and the last has null as `next`.
 * Invariant: a queue's bit is set exactly when it is not empty; a queued entity's priority falls into the queue it is on.
 * Source: DragonFly sys/kern/usched_dfly.c (rtqueues, queues, idqueues).
 */
import { clz, ctz, kassert, u32, unchecked, type i32, type long } from "@anax/portable";
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

/** Of a CPU in `state`: a word of bits for each class, `count`, `sinceTurn`, and nothing, so that a CPU is within a cache line. */
const COUNT: i32 = WORDS;
const SINCE_TURN: i32 = (WORDS + 1) | 0;
const STATE_SHIFT: i32 = 3;

/**
 * The run queues of so many CPUs. All methods take the CPU first.
 *
 * What a decision looks at is 32 bytes of a CPU and the head of a queue. Heads are ordered by queue and then by CPU: what waits on thousands
 * of CPUs is of a few priorities, so that its heads are in a few pages and not in one for each CPU.
 * A CPU is one that the caller has proven: it reads `current` of it, or has only one. A queue is proven by its bit, or by the read of its head.
 */
export class RunQueues {
  private readonly state: Int32Array;
  private readonly heads: Array<SchedEntity | null> = [];
  /** Binary logarithm of the distance of two queues' heads. */
  private readonly shift: i32;

  constructor(cpus: i32) {
    this.state = new Int32Array(cpus << STATE_SHIFT);
    this.shift = cpus === 1 ? 0 : (32 - clz(u32(cpus - 1))) | 0;
    const count: i32 = QUEUES << this.shift;
    for (let i = 0; i < count; i++) this.heads.push(null);
  }

  /** Where the bit of a queue is. */
  private wordAt(cpu: i32, q: i32): i32 {
    return ((cpu << STATE_SHIFT) + (q >> 5)) | 0;
  }

  private headAt(cpu: i32, q: i32): i32 {
    return ((q << this.shift) + cpu) | 0;
  }

  /** Entities on all queues of the CPU. */
  count(cpu: i32): i32 {
    return unchecked(this.state[(cpu << STATE_SHIFT) + COUNT]);
  }

  /** The best non-empty queue, or QUEUES. */
  best(cpu: i32): i32 {
    const base: i32 = cpu << STATE_SHIFT;
    const state = this.state;
    for (let w: i32 = 0; w < WORDS; w++) {
      const bits = unchecked(state[base + w]);
      if (bits !== 0) return ((w << 5) + ctz(u32(bits))) | 0;
    }
    return QUEUES;
  }

  /** The worst non-empty queue, or -1. */
  worst(cpu: i32): i32 {
    return this.before(cpu, QUEUES);
  }

  /** The best non-empty queue behind `q`, or QUEUES. */
  after(cpu: i32, q: i32): i32 {
    const from: i32 = (q + 1) | 0;
    const base: i32 = cpu << STATE_SHIFT;
    let w: i32 = from >> 5;
    if (w >= WORDS) return QUEUES;
    let bits: i32 = unchecked(this.state[base + w]) & (-1 << (from & 31));
    while (bits === 0) {
      w = (w + 1) | 0;
      if (w >= WORDS) return QUEUES;
      bits = unchecked(this.state[base + w]);
    }
    return ((w << 5) + ctz(u32(bits))) | 0;
  }

  /** The worst non-empty queue before `q`, or -1. */
  before(cpu: i32, q: i32): i32 {
    const base: i32 = cpu << STATE_SHIFT;
    let w: i32 = q >> 5;
    let bits: i32 = w >= WORDS ? 0 : unchecked(this.state[base + w]) & ~(-1 << (q & 31));
    while (bits === 0) {
      w = (w - 1) | 0;
      if (w < 0) return -1;
      bits = unchecked(this.state[base + w]);
    }
    return ((w << 5) + 31 - clz(u32(bits))) | 0;
  }

  /** Whether anything of class NORMAL is queued. */
  hasNormal(cpu: i32): boolean {
    return unchecked(this.state[this.wordAt(cpu, CLASS_NORMAL >> 2)]) !== 0;
  }

  /** Adds at the tail, or at the head for one that was preempted before its slice ended. */
  add(cpu: i32, e: SchedEntity, atHead: boolean): void {
    kassert(!e.queued, "run queue: entity queued twice");
    const q: i32 = e.priority >> 2;
    const at = this.headAt(cpu, q);
    const head = this.heads[at];
    e.queued = true;
    if (head === null) {
      e.next = null;
      e.prev = e;
      unchecked((this.heads[at] = e));
      unchecked((this.state[this.wordAt(cpu, q)] |= 1 << (q & 31)));
    } else {
      const tail = head.prev as SchedEntity;
      e.prev = tail;
      head.prev = e;
      if (atHead) {
        e.next = head;
        unchecked((this.heads[at] = e));
      } else {
        e.next = null;
        tail.next = e;
      }
    }
    unchecked(this.state[(cpu << STATE_SHIFT) + COUNT]++);
  }

  /** Takes out an entity whose priority has not changed since it was added. */
  remove(cpu: i32, e: SchedEntity): void {
    kassert(e.queued, "run queue: entity not queued");
    const q: i32 = e.priority >> 2;
    const at = this.headAt(cpu, q);
    const head = this.heads[at];
    const next = e.next;
    const prev = e.prev;
    if (head === e) {
      unchecked((this.heads[at] = next));
      if (next === null) unchecked((this.state[this.wordAt(cpu, q)] &= ~(1 << (q & 31))));
      else next.prev = prev;
    } else if (head !== null && prev !== null) {
      prev.next = next;
      if (next === null) head.prev = prev;
      else next.prev = prev;
    }
    e.next = null;
    e.prev = null;
    e.queued = false;
    unchecked(this.state[(cpu << STATE_SHIFT) + COUNT]--);
  }

  /** The first of queue `q`, still queued; follow `next` for the others. */
  head(cpu: i32, q: i32): SchedEntity | null {
    return this.heads[this.headAt(cpu, q)];
  }

  /** The last of queue `q`, still queued; follow `previous` for the others. */
  tail(cpu: i32, q: i32): SchedEntity | null {
    const head = this.heads[this.headAt(cpu, q)];
    return head === null ? null : head.prev;
  }

  /** Who is before `e` in its queue, null for the first. */
  previous(cpu: i32, e: SchedEntity): SchedEntity | null {
    return this.heads[this.headAt(cpu, e.priority >> 2)] === e ? null : e.prev;
  }

  /** The first entity of the best queue, still queued; null when all are empty. */
  peek(cpu: i32): SchedEntity | null {
    const q = this.best(cpu);
    return q === QUEUES ? null : unchecked(this.heads[this.headAt(cpu, q)]);
  }

  /**
   * Has the samples closed of those of class NORMAL who wait: their estcpu falls and they move up. They stay in order within a queue.
   * Where better ones always come all the same (many hogs, far apart in nice), that is not enough: at times the one who
   * has waited longest, if it is starving, goes to the best queue of the class for a turn. The original has no such rule.
   */
  decay(cpu: i32, now: long, sampler: Sampler): void {
    const first = CLASS_NORMAL >> 2;
    const end = CLASS_IDLE >> 2;
    let chain: SchedEntity | null = null;
    let last: SchedEntity | null = null;
    let starving: SchedEntity | null = null;
    let longest: i32 = STARVING;
    for (let q = this.after(cpu, first - 1); q < end; q = this.after(cpu, q)) {
      let e = this.heads[this.headAt(cpu, q)];
      while (e !== null) {
        const next = e.next;
        this.remove(cpu, e);
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
    const since: i32 = ((cpu << STATE_SHIFT) + SINCE_TURN) | 0;
    this.state[since]++;
    if (this.state[since] < TURN_EVERY) starving = null;
    if (starving !== null) this.state[since] = 0;
    let e = chain;
    while (e !== null) {
      const next = e.next;
      e.next = null;
      if (now - e.sampleStart >= SAMPLE_NS) sampler.sample(e, now);
      if (e === starving) {
        e.priority = CLASS_NORMAL;
        e.passedOver = 0;
      }
      this.add(cpu, e, false);
      e = next;
    }
  }
}
