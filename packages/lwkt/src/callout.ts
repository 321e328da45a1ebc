/**
 * Callouts: functions of the future, on a hierarchical timer wheel.
 *
 * Key types `Callout` (owned by who arms it, embedded in the object it is for), `CalloutWheel` (one for each CPU).
 * Five levels of 64 slots; one tick of level 0 is 2^20 ns (about 1 ms), so the wheel spans about 13 days and what is
 * later waits in the last level and is cascaded again. The exact deadline is kept, and `nextDeadline` lets the machine's one-shot timer be
 * set to it, so a callout never runs early and no tick runs while nothing is due.
 *
 * Any CPU may stop a callout or arm it on any CPU's wheel. A callout that fires while another CPU runs can be waited for (`drain`); as CPUs of a heap
 * enter it one at a time, that is when the callout itself waits for other CPUs.
 * Neighbours: the kernel's loop calls `run`; `machine.setTimer`; `cpu.ts` (`Cpu#wheel`). Invariant: an armed callout is in exactly one slot of one wheel.
 * Source: DragonFly sys/kern/kern_timeout.c; the hierarchical wheel of Varghese and Lauck (1987).
 */
import { EASYNC, ctz, i32, kassert, longAnd, longShl, longShr, toLong, u32, type long } from "@anax/portable";
import type { Cpu } from "./cpu";
import type { IpiHandler } from "./ipi";
import { WaitQueue, type Waiter } from "./waitq";

const TICK_SHIFT: i32 = 20;
const LEVELS: i32 = 5;
const SLOT_BITS: i32 = 6;
const SLOTS: i32 = 64;

/** Something to run at a time. Subclasses say what. */
export abstract class Callout implements IpiHandler {
  /** ns since boot; meaningful while armed. */
  deadline: long = 0;
  armed: boolean = false;
  /** Slot of the wheel and its links, owned by the wheel. */
  slot: i32 = -1;
  next: Callout | null = null;
  prev: Callout | null = null;
  /** The wheel that it is armed on or fires from. */
  wheel: CalloutWheel | null = null;
  /** The CPU that was asked to arm it and has not yet. */
  destination: Cpu | null = null;
  /** It fires. */
  firing: boolean = false;
  /** Those who wait until it has fired; it is not armed again before. */
  drainers: WaitQueue | null = null;

  /** Another CPU wants it armed here. */
  ipi(cpu: Cpu, _arg: i32): void {
    if (this.destination !== cpu) return;
    this.destination = null;
    cpu.wheel!.arm(this, this.deadline);
  }

  /** The time has come. The callout is not armed any more and may be armed again. */
  abstract fire(): void;
}

/** The timer wheel of one CPU. */
export class CalloutWheel {
  private readonly heads: Array<Callout | null> = [];
  private readonly tails: Array<Callout | null> = [];
  /** One occupancy bit for each slot, two words a level. */
  private readonly occupied: Uint32Array = new Uint32Array(LEVELS * 2);
  /** The tick up to which the wheel has run. */
  private tick: long = 0;
  /** Nothing is armed for an earlier tick: while `run` catches up, the last one that it will look at. */
  private floor: long = 0;
  /** What `fireSlot` looks at next, and where it ends: what comes behind was armed meanwhile. */
  private cursor: Callout | null = null;
  private last: Callout | null = null;
  /** Earliest deadline when `exact`; otherwise it must be searched. */
  private earliest: long = 0;
  private exact: boolean = false;
  armedCount: i32 = 0;

  /** `cpu` is the CPU whose wheel it is; it need not be said when there is only one. */
  constructor(
    now: long,
    private readonly cpu: Cpu | null = null,
  ) {
    this.tick = longShr(now, TICK_SHIFT);
    this.floor = this.tick;
    for (let i = 0; i < LEVELS * SLOTS; i++) {
      this.heads.push(null);
      this.tails.push(null);
    }
  }

  /** Arms (or re-arms) the callout for `deadline`, ns since boot. A deadline that has passed fires at the next `run`; while one is under way, at its end or at the next. */
  arm(c: Callout, deadline: long): void {
    if (c.armed || c.destination !== null) this.cancel(c);
    c.deadline = deadline;
    c.armed = true;
    c.wheel = this;
    this.insert(c, this.floor);
    this.armedCount++;
    if (this.armedCount === 1) {
      this.earliest = deadline;
      this.exact = true;
    } else if (this.exact && deadline < this.earliest) {
      this.earliest = deadline;
    }
  }

  /** Disarms, whatever wheel it is on. Returns whether it was armed. Source: callout_stop. */
  cancel(c: Callout): boolean {
    if (c.destination !== null) {
      c.destination = null;
      return true;
    }
    if (!c.armed) return false;
    const wheel = c.wheel!;
    if (wheel !== this) return wheel.cancel(c);
    this.remove(c);
    c.armed = false;
    this.armedCount--;
    if (this.exact && c.deadline === this.earliest) this.exact = false;
    return true;
  }

  /**
   * Disarms, and waits for a callout that fires on another CPU: 0 when it neither fires nor will; EASYNC when `waiter` is woken when it has fired, and
   * asks again. What it arms itself while somebody waits does not count. From the callout itself it is 0. Source: callout_cancel, callout_drain.
   */
  drain(c: Callout, waiter: Waiter): i32 {
    this.cancel(c);
    if (!c.firing || c.wheel!.isHere()) return 0;
    let queue = c.drainers;
    if (queue === null) {
      queue = new WaitQueue();
      c.drainers = queue;
    }
    queue.add(waiter);
    return EASYNC;
  }

  /** Whether the code that runs is that of this wheel's CPU. */
  private isHere(): boolean {
    const cpu = this.cpu;
    if (cpu === null || cpu.group === null) return true;
    return !cpu.group!.isForeign(cpu);
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

  /** Fires everything due at `now` in the order of the ticks, within one in the order of arming. Returns how many fired. */
  run(now: long): i32 {
    const target = longShr(now, TICK_SHIFT);
    let fired: i32 = 0;
    if (target > this.floor) this.floor = target;
    if (this.armedCount === 0) {
      if (target > this.tick) this.tick = target;
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
    this.tails[at] = null;
    this.mark(at, false);
    while (c !== null) {
      const next = c.next;
      this.insert(c, this.tick);
      c = next;
    }
  }

  /** Fires what is due in a slot of level 0; what is later within the same tick stays. */
  private fireSlot(slot: i32, now: long): i32 {
    let fired: i32 = 0;
    this.cursor = this.heads[slot];
    this.last = this.tails[slot];
    let c = this.cursor;
    while (c !== null) {
      this.cursor = c === this.last ? null : c.next;
      if (c.deadline <= now) {
        this.cancel(c);
        c.firing = true;
        c.fire();
        c.firing = false;
        fired++;
        if (c.drainers !== null) this.drained(c);
      }
      c = this.cursor;
    }
    this.last = null;
    return fired;
  }

  /** It has fired, and somebody wanted it gone. */
  private drained(c: Callout): void {
    const queue = c.drainers!;
    if (queue.isEmpty) return;
    this.cancel(c);
    queue.wakeup();
  }

  private insert(c: Callout, floor: long): void {
    let at: long = longShr(c.deadline, TICK_SHIFT);
    if (at < floor) at = floor;
    const delta: long = at - this.tick;
    let level: i32 = 0;
    while (level < LEVELS - 1 && delta >= longShl(1, ((level + 1) * SLOT_BITS) | 0)) level++;
    const span: long = longShl(1, (LEVELS * SLOT_BITS) | 0);
    if (delta >= span) at = this.tick + span - 1;
    const slot = (level * SLOTS + i32(longAnd(longShr(at, (level * SLOT_BITS) | 0), 63))) | 0;
    const tail = this.tails[slot];
    c.slot = slot;
    c.prev = tail;
    c.next = null;
    if (tail !== null) tail.next = c;
    else {
      this.heads[slot] = c;
      this.mark(slot, true);
    }
    this.tails[slot] = c;
  }

  private remove(c: Callout): void {
    kassert(c.slot >= 0, "callout: not on the wheel");
    const next = c.next;
    const prev = c.prev;
    if (c === this.cursor) this.cursor = c === this.last ? null : next;
    if (c === this.last) this.last = prev;
    if (prev === null) this.heads[c.slot] = next;
    else prev.next = next;
    if (next === null) this.tails[c.slot] = prev;
    else next.prev = prev;
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

/**
 * Arms a callout for `deadline` on a CPU's wheel: by request when that is another CPU than the one that runs, whose timer has to be set.
 * Source: callout_reset_bycpu.
 */
export function armOn(cpu: Cpu, c: Callout, deadline: long): void {
  const group = cpu.group;
  const wheel = cpu.wheel!;
  if (group === null || !group.isForeign(cpu)) {
    wheel.arm(c, deadline);
    return;
  }
  wheel.cancel(c);
  c.deadline = deadline;
  c.destination = cpu;
  group.sendIpi(cpu, c, 0);
}
