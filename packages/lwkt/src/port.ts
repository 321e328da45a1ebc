/**
 * Ports: where messages arrive. A port's `putPort` decides whether a message is finished at once (its errno) or later (EASYNC).
 *
 * Key types `Port` (the vector of operations), `QueuePort` (two queues, priority first). Neighbours `msg.ts`, `thread.ts`.
 * Invariant: a message on a port's queue has QUEUED set and belongs to the port.
 * Source: DragonFly sys/kern/lwkt_msgport.c.
 */
import { EASYNC, Errno, kassert, panic, type i32 } from "@anax/portable";
import { MSGF_DONE, MSGF_PRIORITY, MSGF_QUEUED, MSGF_REPLY, type Msg } from "./msg";

/** The operations of a port. */
export abstract class Port {
  /** Takes a message. 0 or a positive errno when it is finished at once, EASYNC when the reply comes later. */
  abstract putPort(msg: Msg): i32;

  /** A message that was sent to this port goes back to its reply port. */
  replyMsg(msg: Msg): void {
    const reply = msg.replyPort;
    if (reply === null) {
      msg.flags |= MSGF_DONE | MSGF_REPLY;
      return;
    }
    reply.replyPort(msg);
  }

  /** A reply arrives at this port. */
  abstract replyPort(msg: Msg): void;

  /** The next queued message, or null. */
  abstract getPort(): Msg | null;
}

/** A port with a priority queue and a normal queue. What happens on arrival is the subclass's `notify`. */
export abstract class QueuePort extends Port {
  private head: Msg | null = null;
  private tail: Msg | null = null;
  private prioHead: Msg | null = null;
  private prioTail: Msg | null = null;

  get isEmpty(): boolean {
    return this.head === null && this.prioHead === null;
  }

  /** A message or reply was queued. */
  abstract notify(): void;

  putPort(msg: Msg): i32 {
    this.enqueue(msg);
    this.notify();
    return EASYNC;
  }

  replyPort(msg: Msg): void {
    msg.flags |= MSGF_DONE | MSGF_REPLY;
    this.enqueue(msg);
    this.notify();
  }

  /** Takes the next message off the queues, priority first. A reply comes with DONE and REPLY set. */
  getPort(): Msg | null {
    const p = this.prioHead;
    const msg = p !== null ? p : this.head;
    if (msg !== null) this.unlink(msg);
    return msg;
  }

  /** Takes a queued message back that was not replied. Returns 0, or -ENOENT when it is not queued here. */
  dropMsg(msg: Msg): i32 {
    if ((msg.flags & (MSGF_QUEUED | MSGF_REPLY)) !== MSGF_QUEUED || msg.targetPort !== this) return -Errno.NOENT;
    this.unlink(msg);
    msg.flags |= MSGF_DONE;
    return 0;
  }

  private enqueue(msg: Msg): void {
    kassert((msg.flags & MSGF_QUEUED) === 0, "port: message queued twice");
    msg.flags |= MSGF_QUEUED;
    msg.next = null;
    if ((msg.flags & MSGF_PRIORITY) !== 0) {
      const last = this.prioTail;
      msg.prev = last;
      if (last === null) this.prioHead = msg;
      else last.next = msg;
      this.prioTail = msg;
    } else {
      const last = this.tail;
      msg.prev = last;
      if (last === null) this.head = msg;
      else last.next = msg;
      this.tail = msg;
    }
  }

  private unlink(msg: Msg): void {
    kassert((msg.flags & MSGF_QUEUED) !== 0, "port: message not queued");
    const next = msg.next;
    const prev = msg.prev;
    const prio = (msg.flags & MSGF_PRIORITY) !== 0;
    if (prev !== null) prev.next = next;
    else if (prio) this.prioHead = next;
    else this.head = next;
    if (next !== null) next.prev = prev;
    else if (prio) this.prioTail = prev;
    else this.tail = prev;
    msg.next = null;
    msg.prev = null;
    msg.flags &= ~MSGF_QUEUED;
  }
}

/** A port that only takes replies and hands each to `replied` at once. Sending to it is a fault. */
export abstract class ReplyOnlyPort extends Port {
  abstract replied(msg: Msg): void;

  putPort(_msg: Msg): i32 {
    panic("message sent to a reply-only port");
    return Errno.INVAL;
  }

  replyPort(msg: Msg): void {
    msg.flags |= MSGF_DONE | MSGF_REPLY;
    this.replied(msg);
  }

  getPort(): Msg | null {
    return null;
  }
}

/** A port whose owner finishes most messages in `putPort` itself. Replies do not come to it. */
export abstract class ServicePort extends Port {
  replyPort(_msg: Msg): void {
    panic("reply sent to a service port");
  }

  getPort(): Msg | null {
    return null;
  }
}
