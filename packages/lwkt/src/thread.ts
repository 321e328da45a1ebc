/**
 * LWKT threads: message handlers with a port, a fixed priority and a home CPU; and the CPU that runs them.
 *
 * A thread has no stack of its own: it is run to completion, one message at a time, when its port is not empty.
 * Long work is cut into steps by messages to oneself. Key types `Thread`, `ThreadPort`, `Cpu`.
 * Neighbours: `port.ts`, `callout.ts`; the kernel's loop calls `Cpu#runThreads`.
 * Invariant: a thread is on its CPU's run queue exactly when its port has messages and it is not running.
 * Source: DragonFly sys/kern/lwkt_thread.c, sys/sys/thread.h (priorities).
 */
import { BitSet, kassert, type i32 } from "@anax/portable";
import type { Msg } from "./msg";
import { QueuePort } from "./port";

export const TDPRI_IDLE: i32 = 0;
export const TDPRI_USER_SCHEDULER: i32 = 2;
export const TDPRI_USER_IDLE: i32 = 4;
export const TDPRI_USER_NORM: i32 = 6;
export const TDPRI_USER_REAL: i32 = 8;
export const TDPRI_KERN_LPSCHED: i32 = 9;
export const TDPRI_KERN_USER: i32 = 10;
export const TDPRI_KERN_DAEMON: i32 = 12;
export const TDPRI_SOFT_NORM: i32 = 14;
export const TDPRI_SOFT_TIMER: i32 = 16;
export const TDPRI_INT_SUPPORT: i32 = 20;
export const TDPRI_INT_LOW: i32 = 27;
export const TDPRI_INT_MED: i32 = 28;
export const TDPRI_INT_HIGH: i32 = 29;
export const TDPRI_MAX: i32 = 31;

/** What a thread does with a message: finish it with `replyMsg`, forward it, or keep it and reply later. */
export interface MsgHandler {
  handle(msg: Msg): void;
}

/** The port of a thread: an arriving message makes the thread runnable. */
export class ThreadPort extends QueuePort {
  private thread: Thread | null = null;

  /** For Thread's constructor alone. */
  attach(thread: Thread): void {
    this.thread = thread;
  }

  notify(): void {
    const td = this.thread;
    if (td !== null) td.schedule();
  }
}

/** A message handler with a priority. Owned by its CPU; never migrates. */
export class Thread {
  readonly port: ThreadPort = new ThreadPort();
  /** Run-queue link, owned by the CPU. */
  next: Thread | null = null;
  queued: boolean = false;
  /** Messages handled, for statistics. */
  handled: i32 = 0;

  constructor(
    readonly cpu: Cpu,
    readonly name: string,
    readonly priority: i32,
    readonly handler: MsgHandler,
  ) {
    kassert(priority >= 0 && priority <= TDPRI_MAX, "thread priority out of range");
    this.port.attach(this);
  }

  /** Puts the thread on its CPU's run queue unless it is there. */
  schedule(): void {
    if (!this.queued) this.cpu.enqueue(this);
  }
}

/** The LWKT scheduler of one CPU: a FIFO of runnable threads for each fixed priority. */
export class Cpu {
  private readonly heads: Array<Thread | null> = [];
  private readonly tails: Array<Thread | null> = [];
  private readonly ready: BitSet = new BitSet(TDPRI_MAX + 1);
  /** Threads on the run queue. */
  runnable: i32 = 0;

  constructor(readonly id: i32) {
    for (let i = 0; i <= TDPRI_MAX; i++) {
      this.heads.push(null);
      this.tails.push(null);
    }
  }

  enqueue(td: Thread): void {
    kassert(td.cpu === this, "thread scheduled on a foreign CPU");
    const p = td.priority;
    td.queued = true;
    td.next = null;
    const last = this.tails[p];
    if (last === null) this.heads[p] = td;
    else last.next = td;
    this.tails[p] = td;
    this.ready.add(p);
    this.runnable++;
  }

  private dequeue(p: i32): Thread {
    const td = this.heads[p]!;
    const next = td.next;
    this.heads[p] = next;
    if (next === null) {
      this.tails[p] = null;
      this.ready.delete(p);
    }
    td.next = null;
    td.queued = false;
    this.runnable--;
    return td;
  }

  /**
   * Runs threads by priority, one message each turn (round robin within a priority), until none is runnable or
   * `budget` messages were handled. Returns the number handled.
   */
  runThreads(budget: i32): i32 {
    let n: i32 = 0;
    while (n < budget && this.runnable > 0) {
      const td = this.dequeue(this.ready.last());
      const msg = td.port.getPort();
      if (msg !== null) {
        td.handled = (td.handled + 1) | 0;
        n++;
        td.handler.handle(msg);
      }
      if (!td.queued && !td.port.isEmpty) this.enqueue(td);
    }
    return n;
  }
}
