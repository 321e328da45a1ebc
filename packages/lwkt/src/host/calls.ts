/**
 * Messages of this CPU that a peer is to answer, by the number that their records carry.
 *
 * Key type `CallTable`. Neighbours: `link.ts`. A number is a slot and how often that was used before, so a late or second answer finds nothing.
 * Invariant: a message is here from its send until its reply or the end of the link.
 */
import type { AnyMessage } from "./message";

const SLOT_BITS = 20;
const SLOT_MASK = (1 << SLOT_BITS) - 1;

export class CallTable {
  /** Calls on their way. */
  count = 0;
  private readonly slots: (AnyMessage | null)[] = [];
  private readonly generations: number[] = [];
  private readonly free: number[] = [];

  /** The number that the next message gets, or -1 when 2^20 are on their way. */
  next(): number {
    const slot = this.free.length > 0 ? this.free[this.free.length - 1]! : this.slots.length;
    if (slot > SLOT_MASK) return -1;
    const generation = slot === this.slots.length ? 0 : this.generations[slot]!;
    return ((generation << SLOT_BITS) | slot) >>> 0;
  }

  /** `msg` was sent with the number of `next`. */
  add(msg: AnyMessage, msgid: number): void {
    const slot = msgid & SLOT_MASK;
    if (slot === this.slots.length) {
      this.slots.push(msg);
      this.generations.push(0);
    } else {
      this.free.pop();
      this.slots[slot] = msg;
    }
    msg.$msgid = msgid;
    this.count++;
  }

  /** The message with this number; null when nothing with it is on its way. */
  get(msgid: number): AnyMessage | null {
    const msg = this.slots[msgid & SLOT_MASK] ?? null;
    return msg !== null && msg.$msgid === msgid ? msg : null;
  }

  /** It was answered. */
  remove(msg: AnyMessage): void {
    const slot = msg.$msgid & SLOT_MASK;
    this.slots[slot] = null;
    this.generations[slot] = (this.generations[slot]! + 1) & 0xfff;
    this.free.push(slot);
    this.count--;
  }

  /** All that are on their way, which leave the table. */
  drain(): AnyMessage[] {
    const all = this.slots.filter((msg) => msg !== null);
    for (const msg of all) this.remove(msg);
    return all;
  }
}
