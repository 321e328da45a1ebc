/**
 * Serializers and the ports that they protect: a driver's queue, whose callers hold the driver's lock anyway.
 *
 * Key types `Serializer`, `SerializePort`. Neighbours: `port.ts`, `waitq.ts`. A serializer is held across sleeps, unlike a token.
 * Invariant: a serializer has one holder; every operation of the port happens while somebody holds it.
 * Source: DragonFly sys/kern/lwkt_serialize.c, lwkt_msgport.c (serializer port backend).
 */
import { EASYNC, Errno, kassert, panic, type i32 } from "@anax/portable";
import { type Msg } from "./msg";
import { QueuePort } from "./port";
import { WaitQueue, type Waiter } from "./waitq";

/** A lock that is held by a thread or LWP (its `Waiter`) until it is given back. Not recursive. */
export class Serializer {
  private holder: Waiter | null = null;
  private readonly queue: WaitQueue = new WaitQueue();
  /** Times that somebody had to wait, for statistics. */
  contended: i32 = 0;

  get isHeld(): boolean {
    return this.holder !== null;
  }

  /** Whether `who` holds it. */
  isHeldBy(who: Waiter): boolean {
    return this.holder === who;
  }

  /** Takes it if nobody has it. Whether it did. */
  tryEnter(who: Waiter): boolean {
    if (this.holder !== null) return false;
    this.holder = who;
    return true;
  }

  /** 0, or EASYNC when `who` is woken to ask again (a thread then sleeps: `Thread#enter`). Panics when `who` holds it already. */
  enter(who: Waiter): i32 {
    kassert(this.holder !== who, "serializer: entered twice");
    if (this.tryEnter(who)) return 0;
    this.contended++;
    this.queue.add(who);
    return EASYNC;
  }

  /** Gives it back and wakes the first that waits. Panics unless `who` holds it. */
  exit(who: Waiter): void {
    kassert(this.holder === who, "serializer: not the holder");
    this.holder = null;
    this.queue.wakeupSome(1);
  }
}

/** A port whose callers hold its serializer. */
export class SerializePort extends QueuePort {
  /** Threads and LWPs that sleep until there is a message. They wait with `waitPort`, which has given the serializer back meanwhile. */
  private readonly waiters: WaitQueue = new WaitQueue();

  constructor(readonly serializer: Serializer) {
    super();
  }

  notify(): void {
    this.waiters.wakeupSome(1);
  }

  override putPort(msg: Msg): i32 {
    this.check();
    return super.putPort(msg);
  }

  override replyPort(msg: Msg): void {
    this.check();
    super.replyPort(msg);
  }

  override getPort(): Msg | null {
    this.check();
    return super.getPort();
  }

  override takeReply(msg: Msg): void {
    this.check();
    super.takeReply(msg);
  }

  /** As in the original, messages cannot be taken back: the port has no owner thread. A panic. */
  override dropMsg(_msg: Msg): i32 {
    panic("dropMsg: a serialize port");
    return -Errno.NOENT;
  }

  /**
   * The next message; null when there is none: `who` has lost the serializer and is woken to enter it and ask again.
   */
  waitPort(who: Waiter): Msg | null {
    kassert(this.serializer.isHeldBy(who), "serialize port: the serializer is not held");
    const msg = this.getPort();
    if (msg === null) {
      this.waiters.add(who);
      this.serializer.exit(who);
    }
    return msg;
  }

  private check(): void {
    kassert(this.serializer.isHeld, "serialize port: the serializer is not held");
  }
}
