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

  /** The number of a message that is about to be sent, or -1 when 2^20 are on their way. */
  add(msg: AnyMessage): number {
    let slot = this.slots.length;
    if (this.free.length > 0) {
      slot = this.free.pop()!;
      this.slots[slot] = msg;
    } else {
      if (slot > SLOT_MASK) return -1;
      this.slots.push(msg);
      this.generations.push(0);
    }
    msg.$msgid = ((this.generations[slot]! << SLOT_BITS) | slot) >>> 0;
    this.count++;
    return msg.$msgid;
  }

  /** The message with this number; null when nothing with it is on its way. */
  get(msgid: number): AnyMessage | null {
    const msg = this.slots[msgid & SLOT_MASK] ?? null;
    return msg !== null && msg.$msgid === msgid ? msg : null;
  }

  /** It was answered, or not sent after all. */
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
