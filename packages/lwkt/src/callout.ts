/**
 * Callouts: functions of the future, on a hierarchical timer wheel.
 *
 * Key types `Callout` (owned by who arms it, embedded in the object it is for), `CalloutWheel` (one for each CPU).
 * Five levels of 64 slots; one tick of level 0 is 2^20 ns (about 1 ms), so the wheel spans about 13 days and what is
 * later waits in the last level and is cascaded again. The exact deadline is kept, and `nextDeadline` lets the machine's one-shot timer be
 * set to it, so a callout never runs early and no tick runs while nothing is due.
 * Neighbours: the kernel's loop calls `run`; `machine.setTimer`. Invariant: an armed callout is in exactly one slot.
 * Source: DragonFly sys/kern/kern_timeout.c; the hierarchical wheel of Varghese and Lauck (1987).
 */
import { ctz, i32, kassert, longAnd, longShl, longShr, toLong, u32, type long } from "@anax/portable";

const TICK_SHIFT: i32 = 20;
const LEVELS: i32 = 5;
const SLOT_BITS: i32 = 6;
const SLOTS: i32 = 64;

/** Something to run at a time. Subclasses say what. */
export abstract class Callout {
  /** ns since boot; meaningful while armed. */
  deadline: long = 0;
  armed: boolean = false;
  /** Slot of the wheel and its links, owned by the wheel. */
  slot: i32 = -1;
  next: Callout | null = null;
  prev: Callout | null = null;

  /** The time has come. The callout is not armed any more and may be armed again. */
  abstract fire(): void;
}

/** The timer wheel of one CPU. */
export class CalloutWheel {
  private readonly heads: Array<Callout | null> = [];
  /** One occupancy bit for each slot, two words a level. */
  private readonly occupied: Uint32Array = new Uint32Array(LEVELS * 2);
  /** The tick up to which the wheel has run. */
  private tick: long = 0;
  /** Earliest deadline when `exact`; otherwise it must be searched. */
  private earliest: long = 0;
  private exact: boolean = false;
  armedCount: i32 = 0;

  constructor(now: long) {
    this.tick = longShr(now, TICK_SHIFT);
    for (let i = 0; i < LEVELS * SLOTS; i++) this.heads.push(null);
  }

  /** Arms (or re-arms) the callout for `deadline`, ns since boot. A deadline that has passed fires at the next `run`. */
  arm(c: Callout, deadline: long): void {
    if (c.armed) this.cancel(c);
    c.deadline = deadline;
    c.armed = true;
    this.insert(c);
    this.armedCount++;
    if (this.armedCount === 1) {
      this.earliest = deadline;
      this.exact = true;
    } else if (this.exact && deadline < this.earliest) {
      this.earliest = deadline;
    }
  }

  /** Disarms. Returns whether it was armed. */
  cancel(c: Callout): boolean {
    if (!c.armed) return false;
    this.remove(c);
    c.armed = false;
    this.armedCount--;
    if (this.exact && c.deadline === this.earliest) this.exact = false;
    return true;
  }

  /** The earliest deadline, or -1 when nothing is armed. */
  nextDeadline(): long {
    if (this.armedCount === 0) return -1;
    if (!this.exact) {
      this.earliest = this.search();
      this.exact = true;
    }
    return this.earliest;
  }

  /** Fires everything due at `now` in the order of the ticks. Returns how many fired. */
  run(now: long): i32 {
    const target = longShr(now, TICK_SHIFT);
    let fired: i32 = 0;
    if (this.armedCount === 0) {
      this.tick = target;
      return 0;
    }
    while (this.tick < target) {
      fired = (fired + this.fireSlot(i32(longAnd(this.tick, 63)), now)) | 0;
      this.advance(target);
    }
    return (fired + this.fireSlot(i32(longAnd(this.tick, 63)), now)) | 0;
  }

  /** Moves to the next tick that needs work, at most `target`, cascading the levels that turn over. */
  private advance(target: long): void {
    let to: long = this.nextWork();
    if (to < 0 || to > target) to = target;
    this.tick = to;
    if (longAnd(to, 63) !== toLong(0)) return;
    let level: i32 = 1;
    while (level < LEVELS) {
      const slot = i32(longAnd(longShr(to, (level * SLOT_BITS) | 0), 63));
      this.cascade(level, slot);
      if (slot !== 0) break;
      level++;
    }
  }

  /** The next tick at which a slot must be fired or cascaded, or -1 when the wheel is empty. */
  private nextWork(): long {
    for (let level = 0; level < LEVELS; level++) {
      const shift: i32 = (level * SLOT_BITS) | 0;
      const turn = longShr(this.tick, (shift + SLOT_BITS) | 0);
      const ahead = this.nextOccupied(level, i32(longAnd(longShr(this.tick, shift), 63)));
      if (ahead >= 0) return longShl(longShl(turn, SLOT_BITS) + ahead, shift);
      // What is left on this level belongs to its next turn.
      if ((this.occupied[level * 2] | this.occupied[level * 2 + 1]) !== 0)
        return longShl(turn + 1, (shift + SLOT_BITS) | 0);
    }
    return -1;
  }

  /** The first occupied slot of `level` after `slot`, or -1. */
  private nextOccupied(level: i32, slot: i32): i32 {
    let i = (slot + 1) | 0;
    while (i < SLOTS) {
      const word: u32 = this.occupied[level * 2 + (i >> 5)];
      const bits: u32 = u32(word >>> (i & 31));
      if (bits !== 0) return (i + ctz(bits)) | 0;
      i = ((i & 32) + 32) | 0;
    }
    return -1;
  }

  private cascade(level: i32, slot: i32): void {
    const at = (level * SLOTS + slot) | 0;
    let c = this.heads[at];
    this.heads[at] = null;
    this.mark(at, false);
    while (c !== null) {
      const next = c.next;
      this.insert(c);
      c = next;
    }
  }

  /** Fires what is due in a slot of level 0; what is later within the same tick stays. */
  private fireSlot(slot: i32, now: long): i32 {
    let fired: i32 = 0;
    let c = this.heads[slot];
    while (c !== null) {
      const next = c.next;
      if (c.deadline <= now) {
        this.cancel(c);
        c.fire();
        fired++;
        // fire() may have changed the slot: start over, everything that fired is gone from it.
        c = this.heads[slot];
        continue;
      }
      c = next;
    }
    return fired;
  }

  private insert(c: Callout): void {
    let at: long = longShr(c.deadline, TICK_SHIFT);
    if (at < this.tick) at = this.tick;
    const delta: long = at - this.tick;
    let level: i32 = 0;
    while (level < LEVELS - 1 && delta >= longShl(1, ((level + 1) * SLOT_BITS) | 0)) level++;
    const span: long = longShl(1, (LEVELS * SLOT_BITS) | 0);
    if (delta >= span) at = this.tick + span - 1;
    const slot = (level * SLOTS + i32(longAnd(longShr(at, (level * SLOT_BITS) | 0), 63))) | 0;
    const head = this.heads[slot];
    c.slot = slot;
    c.prev = null;
    c.next = head;
    if (head !== null) head.prev = c;
    this.heads[slot] = c;
    this.mark(slot, true);
  }

  private remove(c: Callout): void {
    kassert(c.slot >= 0, "callout: not on the wheel");
    const next = c.next;
    const prev = c.prev;
    if (prev === null) this.heads[c.slot] = next;
    else prev.next = next;
    if (next !== null) next.prev = prev;
    if (this.heads[c.slot] === null) this.mark(c.slot, false);
    c.next = null;
    c.prev = null;
    c.slot = -1;
  }

  private mark(slot: i32, on: boolean): void {
    const w = slot >> 5;
    if (on) this.occupied[w] |= 1 << (slot & 31);
    else this.occupied[w] &= ~(1 << (slot & 31));
  }

  /** The earliest deadline by looking at the first occupied slot of each level. */
  private search(): long {
    let best: long = -1;
    for (let level = 0; level < LEVELS; level++) {
      const now = i32(longAnd(longShr(this.tick, (level * SLOT_BITS) | 0), 63));
      let slot = now;
      for (let k = 0; k < SLOTS; k++) {
        let c = this.heads[level * SLOTS + slot];
        if (c !== null) {
          while (c !== null) {
            if (best < 0 || c.deadline < best) best = c.deadline;
            c = c.next;
          }
          // In level 0 the first occupied slot holds the minimum; in the others the slot of the current turn may
          // hold what belongs to the next turn, so look one further. What lies beyond the wheel's span waits in the
          // last level in no order, so there every slot counts.
          if (level === 0 || (k > 0 && level < LEVELS - 1)) break;
        }
        slot = (slot + 1) & 63;
      }
    }
    return best;
  }
}
