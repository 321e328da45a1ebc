/**
 * A channel of messages between tasks; a message is the time at which it was sent.
 *
 * Neighbour: `programs.ts`. Invariant: receivers wait only while it is empty, senders only while it is full.
 */
import type { SimTask } from "./task";

/** A first-in first-out queue without a price for taking the first. */
export class Fifo<T> {
  private items: T[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    if (this.head === this.items.length) return undefined;
    const item = this.items[this.head++]!;
    if (this.head > 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }
}

export class Channel {
  readonly messages = new Fifo<number>();
  readonly receivers = new Fifo<SimTask>();
  readonly senders = new Fifo<SimTask>();

  constructor(readonly capacity: number) {}
}
