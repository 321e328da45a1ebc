/**
 * Spin ports: ports from which several threads take messages, on any CPU.
 *
 * Key type `SpinPort`. Neighbours: `port.ts`, `thread.ts`. The original protects the queues by a spin lock; here CPUs of a heap enter it one at a time, so none is needed.
 * Two ways to take: threads that serve nothing else are given to the port (`serve`), and share its messages as they become idle; any other
 * thread asks in its handler (`Thread#waitPort`).
 * Invariant: while messages are queued, no server is idle.
 * Source: DragonFly sys/kern/lwkt_msgport.c (spin port backend).
 */
import { kassert, type i32 } from "@anax/portable";
import { QueuePort } from "./port";
import type { Thread } from "./thread";
import { TDS_IDLE } from "./thread-state";
import { WaitQueue } from "./waitq";

export class SpinPort extends QueuePort {
  /** Threads and LWPs that sleep until there is a message (`Thread#waitPort`), and for `waitMsg`. */
  readonly waiters: WaitQueue = new WaitQueue();
  /** Idle servers in the order in which they became idle. */
  private idleHead: Thread | null = null;
  private idleTail: Thread | null = null;
  servers: i32 = 0;

  /** Gives an idle thread to the port: from now on it takes its messages here. Messages must not be sent to its own port. */
  serve(td: Thread): void {
    kassert(td.state === TDS_IDLE && td.source === td.port && td.port.isEmpty, "spin port: the thread is busy");
    td.source = this;
    this.servers++;
    this.idle(td);
  }

  /** For Cpu and Thread: `td` has nothing to do. */
  idle(td: Thread): void {
    td.next = null;
    const last = this.idleTail;
    if (last === null) this.idleHead = td;
    else last.next = td;
    this.idleTail = td;
    if (!this.isEmpty) this.notify();
  }

  /** Wakes one server, or else one of those who wait. */
  notify(): void {
    const td = this.idleHead;
    if (td !== null) {
      this.idleHead = td.next;
      if (td.next === null) this.idleTail = null;
      td.next = null;
      td.schedule();
    } else this.waiters.wakeupSome(1);
  }
}
