/**
 * Thread ports: ports that one thread takes from, and that messages from other CPUs reach by request.
 *
 * Key type `ThreadPort`. Neighbours: `port.ts`, `thread.ts`, `ipiq.ts`.
 * Invariant: only the thread's home CPU touches the queues; a message on its way there is INTRANSIT, and nobody's.
 * Source: DragonFly sys/kern/lwkt_msgport.c (thread port backend).
 */
import { EASYNC, kassert, type i32 } from "@anax/portable";
import type { Cpu } from "./cpu";
import { DEBUG } from "./glue/js/debug";
import { IPI_PUT, IPI_REPLY, MSGF_INTRANSIT, MSGF_REPLY, type Msg } from "./msg";
import { QueuePort } from "./port";
import type { Thread } from "./thread";

/** The port of a thread: an arriving message makes the thread runnable, by IPI when its CPU is another. */
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

  override putPort(msg: Msg): i32 {
    const td = this.thread!;
    const group = td.cpu.group;
    if (group !== null && group.isForeign(td.cpu)) {
      msg.flags |= MSGF_INTRANSIT;
      group.sendIpi(td.cpu, msg, IPI_PUT);
      return EASYNC;
    }
    this.enqueue(msg);
    td.schedule();
    return EASYNC;
  }

  override replyPort(msg: Msg): void {
    const td = this.thread!;
    const group = td.cpu.group;
    if (group !== null && group.isForeign(td.cpu)) {
      msg.flags |= MSGF_INTRANSIT | MSGF_REPLY;
      group.sendIpi(td.cpu, msg, IPI_REPLY);
      return;
    }
    super.replyPort(msg);
  }

  /** Chases a thread that has migrated. */
  override arrived(msg: Msg, cpu: Cpu): void {
    const td = this.thread!;
    kassert((msg.flags & MSGF_INTRANSIT) !== 0, "port: message not in transit");
    if (td.cpu !== cpu) {
      cpu.group!.sendIpi(td.cpu, msg, IPI_PUT);
      return;
    }
    msg.flags &= ~MSGF_INTRANSIT;
    this.enqueue(msg);
    td.schedule();
  }

  override replyArrived(msg: Msg, cpu: Cpu): void {
    const td = this.thread!;
    kassert((msg.flags & MSGF_INTRANSIT) !== 0, "port: reply not in transit");
    if (td.cpu !== cpu) {
      cpu.group!.sendIpi(td.cpu, msg, IPI_REPLY);
      return;
    }
    msg.flags &= ~(MSGF_INTRANSIT | MSGF_REPLY);
    super.replyPort(msg);
  }

  override getPort(): Msg | null {
    if (DEBUG) this.checkOwner("getPort: not the port's thread");
    return super.getPort();
  }

  /** As `Port#dropMsg`; only the thread itself, and only for a message that is neither replied nor on its way from another CPU. */
  override dropMsg(msg: Msg): i32 {
    if (DEBUG) this.checkOwner("dropMsg: not the port's thread");
    return super.dropMsg(msg);
  }

  /** Code outside of all threads (start-up, the loop itself) may do anything that the CPU may. */
  private checkOwner(message: string): void {
    const td = this.thread!;
    const group = td.cpu.group;
    kassert(group === null || !group.isForeign(td.cpu), message);
    const running = td.cpu.current;
    kassert(running === null || running === td, message);
  }
}
