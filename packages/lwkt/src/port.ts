/**
 * Ports: where messages arrive. A port's `putPort` decides whether a message is finished at once (its errno) or later (EASYNC).
 *
 * Key types `Port` (the vector of operations) and its kinds:
 *
 * | kind | DragonFly | messages | replies | who takes |
 * |---|---|---|---|---|
 * | `ThreadPort` (`threadport.ts`) | initport_thread | queued | queued | its thread alone |
 * | `SpinPort` (`spinport.ts`) | initport_spin | queued | queued | any of several threads |
 * | `SerializePort` (`serialize.ts`) | initport_serialize | queued | queued | who holds the serializer |
 * | `QueuePort` | | queued | queued | whoever `notify` tells |
 * | `ReplyOnlyPort` | initport_replyonly | panic | a function's | |
 * | `ReplyNullPort` | initport_replyonly_null | panic | marked done | |
 * | `PutOnlyPort` | initport_putonly | a function's | panic | |
 * | `PanicPort` | initport_panic | panic | panic | |
 *
 * Neighbours `msg.ts`, `thread.ts`. Invariant: a message on a port's queue has QUEUED set and belongs to the port; an operation that a
 * kind does not have is a panic, never a silent nothing.
 * Source: DragonFly sys/kern/lwkt_msgport.c.
 */
import { EASYNC, Errno, kassert, panic, type i32 } from "@anax/portable";
import type { Cpu } from "./cpu";
import { DEBUG } from "./glue/js/debug";
import { MSGF_DONE, MSGF_PRIORITY, MSGF_QUEUED, MSGF_REPLY, MSGF_SYNC, MSGF_WAITING, type Msg } from "./msg";

/** The operations of a port. What a subclass does not define is a panic. */
export abstract class Port {
  /** Takes a message. 0 or a positive errno when it is finished at once, EASYNC when the reply comes later. */
  abstract putPort(msg: Msg): i32;

  /** A message that was sent to this port goes back to its reply port. */
  replyMsg(msg: Msg): void {
    if (DEBUG) {
      kassert(msg.targetPort === this && msg.holder === this, "replyMsg: not the owner");
      msg.holder = null;
    }
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
  getPort(): Msg | null {
    panic("getPort: the port has no queue");
    return null;
  }

  /** Takes back a queued message that was not replied. Returns 0, or -ENOENT when it is not queued here. */
  dropMsg(_msg: Msg): i32 {
    panic("dropMsg: the port has no queue");
    return -Errno.NOENT;
  }

  /** Takes a certain reply off the queue, for `waitMsg`. */
  takeReply(_msg: Msg): void {
    panic("waitMsg: nobody can wait at this port");
  }

  /** A message from another CPU has come to the CPU of this port. */
  arrived(_msg: Msg, _cpu: Cpu): void {
    panic("port: a message in transit to a port that has no CPU");
  }

  /** A reply from another CPU has come to the CPU of this port. */
  replyArrived(_msg: Msg, _cpu: Cpu): void {
    panic("port: a reply in transit to a port that has no CPU");
  }
}

/** A port with a priority queue and a normal queue. What happens on arrival is the subclass's `notify`. */
export abstract class QueuePort extends Port {
  private head: Msg | null = null;
  private tail: Msg | null = null;
  private prioHead: Msg | null = null;
  private prioTail: Msg | null = null;
  private dead: boolean = false;

  get isEmpty(): boolean {
    return this.head === null && this.prioHead === null;
  }

  get isDead(): boolean {
    return this.dead;
  }

  /** A message or reply was queued. */
  abstract notify(): void;

  putPort(msg: Msg): i32 {
    this.enqueue(msg);
    this.notify();
    return EASYNC;
  }

  /** A reply is queued; one that its originator sleeps for (SYNC or WAITING) wakes it, and a SYNC one is not queued. */
  replyPort(msg: Msg): void {
    if ((msg.flags & (MSGF_SYNC | MSGF_WAITING)) !== 0) {
      this.replyWaited(msg);
      return;
    }
    msg.flags |= MSGF_DONE | MSGF_REPLY;
    this.enqueue(msg);
    this.notify();
  }

  /** Takes the next message off the queues, priority first. A reply comes with DONE and REPLY set. */
  override getPort(): Msg | null {
    const p = this.prioHead;
    const msg = p !== null ? p : this.head;
    if (msg !== null) this.unlink(msg);
    return msg;
  }

  override dropMsg(msg: Msg): i32 {
    if ((msg.flags & (MSGF_QUEUED | MSGF_REPLY)) !== MSGF_QUEUED || msg.targetPort !== this) return -Errno.NOENT;
    this.unlink(msg);
    msg.flags |= MSGF_DONE;
    if (DEBUG) msg.holder = null;
    return 0;
  }

  override takeReply(msg: Msg): void {
    kassert(msg.replyPort === this && (msg.flags & MSGF_REPLY) !== 0, "waitMsg: the reply is queued elsewhere");
    this.unlink(msg);
  }

  /** The port's owner is gone. Panics when messages are left; from now on a message or reply to it is a panic. */
  kill(): void {
    kassert(this.isEmpty, "port: killed with messages on its queue");
    this.dead = true;
  }

  private replyWaited(msg: Msg): void {
    msg.flags |= MSGF_DONE | MSGF_REPLY;
    if ((msg.flags & MSGF_SYNC) === 0) this.enqueue(msg);
    const sleeper = msg.sleeper;
    if ((msg.flags & MSGF_WAITING) !== 0 && sleeper !== null) sleeper.wake();
    else this.notify();
  }

  /** For subclasses: puts the message on its queue. */
  protected enqueue(msg: Msg): void {
    kassert((msg.flags & MSGF_QUEUED) === 0, "port: message queued twice");
    kassert(!this.dead, "port: message queued on a dead port");
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

/** A port that only takes replies and hands each to `replied` at once. Sending to it is a panic. */
export abstract class ReplyOnlyPort extends Port {
  /** A reply has come: `msg` is the originator's again, DONE and REPLY, and on no queue. */
  abstract replied(msg: Msg): void;

  putPort(_msg: Msg): i32 {
    panic("message sent to a reply-only port");
    return Errno.INVAL;
  }

  replyPort(msg: Msg): void {
    msg.flags |= MSGF_DONE | MSGF_REPLY;
    this.replied(msg);
  }
}

/** A port that only takes replies and marks them done: for messages that are part of what their originator looks at anyway. */
export class ReplyNullPort extends Port {
  putPort(_msg: Msg): i32 {
    panic("message sent to a reply-only port");
    return Errno.INVAL;
  }

  /** Wakes who waits for the reply (`waitMsg`), if anybody does. */
  replyPort(msg: Msg): void {
    msg.flags |= MSGF_DONE | MSGF_REPLY;
    const sleeper = msg.sleeper;
    if ((msg.flags & MSGF_WAITING) !== 0 && sleeper !== null) sleeper.wake();
  }
}

/** A port whose owner takes messages in `putPort` itself: it finishes them, forwards them, or keeps them. Replies do not come to it. */
export abstract class PutOnlyPort extends Port {
  replyPort(_msg: Msg): void {
    panic("reply sent to a put-only port");
  }
}

/** A port at which nothing may arrive: what is left of an object that is gone. */
export class PanicPort extends Port {
  putPort(_msg: Msg): i32 {
    panic("message sent to a panic port");
    return Errno.INVAL;
  }

  replyPort(_msg: Msg): void {
    panic("reply sent to a panic port");
  }
}
