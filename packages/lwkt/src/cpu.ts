/**
 * A CPU: the LWKT scheduler of its threads, its critical section, and what other CPUs ask of it.
 *
 * Key type `Cpu`: a FIFO of runnable threads for each fixed priority (within it by `upri`). Neighbours: `thread.ts` (what is run), `token.ts` (what a
 * thread needs to run), `ipiq.ts` (requests between CPUs), `group.ts` (several CPUs). The kernel's loop calls `runThreads`.
 *
 * Everything is run to completion: a handler is a function call. What DragonFly does at any instruction happens here at these points:
 * - a request from another CPU is served when `runThreads` begins and between messages, when the outermost critical section ends, and while the CPU waits for others;
 * - a thread gives up the CPU when its handler returns;
 * - a thread with `preempts` set (an interrupt thread) that becomes runnable runs at once, on top of a thread of lower priority, unless there is a critical
 *   section or it needs tokens. The preempted thread keeps its tokens and goes on when the other has nothing left.
 *
 * Invariant: a thread is on its home CPU's run queue exactly when it has something to do and does not run or sleep; only its home CPU touches it.
 * Source: DragonFly sys/kern/lwkt_thread.c, sys/sys/thread2.h.
 */
import { BitSet, kassert, type i32 } from "@anax/portable";
import type { CalloutWheel } from "./callout";
import type { CpuGroup } from "./group";
import type { IpiQueues } from "./ipiq";
import type { Msg } from "./msg";
import {
  TDPRI_KERN_LPSCHED,
  TDPRI_MAX,
  TDS_IDLE,
  TDS_QUEUED,
  TDS_RUNNING,
  TDW_AGAIN,
  TDW_TOKENS,
} from "./thread-state";
import type { Thread } from "./thread";

/** Another CPU has flagged this one: `Cpu#processIpis` is due. */
export const RQF_IPIQ: i32 = 0x1;
/** Another CPU holds this one still (`cpusync.ts`): no thread runs. */
export const RQF_HELD: i32 = 0x2;
/** An interrupt thread would have preempted, but for a critical section. */
export const RQF_PREEMPT: i32 = 0x4;

/** The LWKT scheduler of one CPU. */
export class Cpu {
  private readonly heads: Array<Thread | null> = [];
  private readonly tails: Array<Thread | null> = [];
  private readonly ready: BitSet = new BitSet(TDPRI_MAX + 1);
  /** Threads on the run queue, and the one that has not given up the CPU. */
  runnable: i32 = 0;
  /** The thread that runs or, between steps, has not given up the CPU. */
  current: Thread | null = null;
  /** The system that the CPU is part of; null for the only one. */
  group: CpuGroup | null = null;
  /** RQF_*. */
  reqflags: i32 = 0;
  /** Critical sections entered. For `critEnter` and `critExit`. */
  critCount: i32 = 0;
  /** Requests from and to other CPUs; null outside of a group. */
  ipiqs: IpiQueues | null = null;
  /** The timers of this CPU, where there are several CPUs. */
  wheel: CalloutWheel | null = null;
  /** Handlers that are running: more than one when threads preempt. */
  private depth: i32 = 0;
  /** Threads that preempted another, for statistics. */
  preemptions: i32 = 0;

  constructor(readonly id: i32) {
    for (let i = 0; i <= TDPRI_MAX; i++) {
      this.heads.push(null);
      this.tails.push(null);
    }
  }

  /** For Thread alone: puts an idle thread on the run queue, behind those of its priority with the same or a better `upri`. */
  enqueue(td: Thread): void {
    kassert(td.cpu === this, "thread scheduled on a foreign CPU");
    const p = td.priority;
    td.state = TDS_QUEUED;
    td.next = null;
    const last = this.tails[p];
    if (last === null) {
      this.heads[p] = td;
      this.tails[p] = td;
      this.ready.add(p);
    } else if (td.upri <= last.upri) {
      last.next = td;
      this.tails[p] = td;
    } else this.insert(td, p);
    this.runnable++;
  }

  /** Before the first thread of level `p` whose `upri` is lower; there is one. */
  private insert(td: Thread, p: i32): void {
    let before: Thread | null = null;
    let after = this.heads[p];
    while (after !== null && after.upri >= td.upri) {
      before = after;
      after = after.next;
    }
    td.next = after;
    if (before === null) this.heads[p] = td;
    else before.next = td;
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
    this.runnable--;
    return td;
  }

  /** For Thread alone: takes a queued thread off the run queue. */
  remove(td: Thread): void {
    kassert(td.state === TDS_QUEUED && td.cpu === this, "thread not on the run queue");
    const p = td.priority;
    let before: Thread | null = null;
    let at = this.heads[p];
    while (at !== null && at !== td) {
      before = at;
      at = at.next;
    }
    kassert(at !== null, "thread not on the run queue");
    if (before === null) {
      this.dequeue(p);
    } else {
      before.next = td.next;
      if (td.next === null) this.tails[p] = before;
      td.next = null;
      this.runnable--;
    }
    td.state = TDS_IDLE;
  }

  /**
   * Runs threads by priority, one message (or one step of one) each turn, round robin within a priority, until none can run or `budget` turns were
   * taken. Returns the number of turns. Not to be called from a handler.
   */
  runThreads(budget: i32): i32 {
    kassert(this.depth === 0, "runThreads: called from a handler");
    const group = this.group;
    if (group === null) return this.runQueue(budget);
    const before = group.enter(this);
    const n = this.runQueue(budget);
    group.leave(before);
    return n;
  }

  private runQueue(budget: i32): i32 {
    let n: i32 = 0;
    while (n < budget) {
      if (this.reqflags !== 0 && !this.serveRequests()) break;
      if (this.runnable === 0) break;
      let td = this.current;
      if (td !== null) {
        if (this.interruptOver(td)) {
          n++;
          continue;
        }
        this.runnable--;
      } else {
        const p = this.ready.last();
        td = this.heads[p]!;
        if ((td.work & TDW_TOKENS) === 0 || td.getAllTokens()) this.dequeue(p);
        else {
          td = this.scanPast();
          if (td === null) break;
        }
      }
      if (this.run(td)) n++;
    }
    return n;
  }

  /**
   * One turn of a thread that is off the run queue and has its tokens. Returns whether there was anything to do.
   */
  private run(td: Thread): boolean {
    this.current = td;
    td.state = TDS_RUNNING;
    let msg: Msg | null = null;
    if (td.work === 0) {
      msg = td.source.getPort();
      td.message = msg;
    } else msg = td.beginTurn();
    if (msg !== null) {
      td.handled = (td.handled + 1) | 0;
      this.depth++;
      const crit = this.critCount;
      td.handler.handle(msg);
      kassert(this.critCount === crit, "thread: handler returned with another critical section count");
      this.depth--;
    }
    if (td.work !== 0) {
      if (td.endTurn()) {
        // It keeps the CPU.
        this.runnable++;
        return true;
      }
      this.current = null;
      td.leaveCpu();
      return msg !== null;
    }
    this.current = null;
    td.state = TDS_IDLE;
    if (!td.source.isEmpty) this.enqueue(td);
    else if (td.source !== td.port) td.serveOrIdle();
    return msg !== null;
  }

  /**
   * The best thread whose tokens can be had, when the first one's cannot, taken off the run queue. Below KERN_LPSCHED no thread is run past a better
   * one that waits for tokens: it would keep the CPU from it. Null when there is none.
   */
  private scanPast(): Thread | null {
    for (let p: i32 = this.ready.last(); p >= TDPRI_KERN_LPSCHED; p--) {
      let td = this.heads[p];
      while (td !== null) {
        if ((td.work & TDW_TOKENS) === 0 || td.getAllTokens()) {
          this.remove(td);
          return td;
        }
        td = td.next;
      }
    }
    return null;
  }

  /** On top of `below`, or between two of its steps: one turn of an interrupt thread that may preempt it, if there is one. */
  private interruptOver(below: Thread): boolean {
    const p = this.ready.last();
    if (p <= below.priority || this.critCount !== 0) return false;
    const td = this.heads[p]!;
    if (!td.preempts || td.work !== 0) return false;
    this.dequeue(p);
    this.preemptions++;
    this.run(td);
    kassert((td.work & TDW_AGAIN) === 0, "preempt: an interrupt thread kept the CPU");
    this.current = below;
    return true;
  }

  /** Requests of other CPUs. Returns false when no thread may run. */
  private serveRequests(): boolean {
    this.reqflags &= ~RQF_PREEMPT;
    if ((this.reqflags & RQF_IPIQ) !== 0 && this.critCount === 0) this.ipiqs!.process();
    return (this.reqflags & RQF_HELD) === 0;
  }

  /** For Thread alone: `td`, an interrupt thread, was put on the run queue. Runs it, and others like it, until they have nothing left to do, if they may. */
  preempt(td: Thread): void {
    const below = this.current;
    if (below === null || this.depth === 0 || td.priority <= below.priority) return;
    if (this.critCount !== 0) {
      this.reqflags |= RQF_PREEMPT;
      return;
    }
    if ((this.reqflags & RQF_HELD) !== 0) return;
    while (this.interruptOver(below));
  }

  /** Nothing is served or preempts on this CPU until the matching `critExit`. */
  critEnter(): void {
    this.critCount++;
  }

  /** Leaves a critical section; the outermost one serves what came meanwhile. Source: crit_exit. */
  critExit(): void {
    kassert(this.critCount > 0, "critExit: not in a critical section");
    this.critCount--;
    if (this.critCount === 0 && (this.reqflags & (RQF_IPIQ | RQF_PREEMPT)) !== 0) this.splz();
  }

  /** What was put off by a critical section. */
  private splz(): void {
    if ((this.reqflags & RQF_IPIQ) !== 0) {
      const q = this.ipiqs!;
      if (!q.isProcessing) q.process();
    }
    if ((this.reqflags & RQF_PREEMPT) === 0) return;
    this.reqflags &= ~RQF_PREEMPT;
    const below = this.current;
    if (below === null || this.depth === 0 || (this.reqflags & RQF_HELD) !== 0) return;
    while (this.interruptOver(below));
  }
}
