/**
 * Simulated devices: port ranges, memory-mapped ranges, interrupt lines and the clock.
 *
 * Neighbours: `glue/js/machine.ts`. Invariant: an access where no device is attached reads all ones and writes nothing, as on a PC bus.
 */

/** A device behind ports or memory-mapped registers. `offset` is from the start of its range, `size` 1, 2 or 4. */
export interface SimDevice {
  read(offset: number, size: number): number;
  write(offset: number, size: number, value: number): void;
}

interface Range {
  base: number;
  size: number;
  device: SimDevice;
}

const ONES = [0, 0xff, 0xffff, 0, 0xffffffff];

export class Bus {
  private readonly ports: Range[] = [];
  private readonly mmio: Range[] = [];

  attachPorts(base: number, size: number, device: SimDevice): void {
    this.ports.push({ base, size, device });
  }

  attachMmio(base: number, size: number, device: SimDevice): void {
    this.mmio.push({ base, size, device });
  }

  read(io: "ports" | "mmio", at: number, size: number): number {
    const r = this[io].find((x) => at >= x.base && at + size <= x.base + x.size);
    return r ? r.device.read(at - r.base, size) >>> 0 : ONES[size]!;
  }

  write(io: "ports" | "mmio", at: number, size: number, value: number): void {
    const r = this[io].find((x) => at >= x.base && at + size <= x.base + x.size);
    r?.device.write(at - r.base, size, value);
  }
}

interface Event {
  at: number;
  run: () => void;
}

/** Time, in ns since boot: it passes with program steps, clock reads and idling, or when a test moves it. */
export class SimClock {
  now = 0;
  private deadline = 0;
  private readonly events: Event[] = [];

  constructor(private readonly timerFired: () => void) {}

  /** 0 switches the timer off. */
  setTimer(deadline: number): void {
    this.deadline = deadline;
    this.settle();
  }

  /** Runs `run` when the clock reaches `at`. */
  schedule(at: number, run: () => void): void {
    let i = this.events.length;
    while (i > 0 && this.events[i - 1]!.at > at) i--;
    this.events.splice(i, 0, { at, run });
  }

  advance(ns: number): void {
    this.advanceTo(this.now + ns);
  }

  /** Moves the clock on; what became due happens at its time. */
  advanceTo(time: number): void {
    while (this.events.length > 0 && this.events[0]!.at <= time) {
      const event = this.events.shift()!;
      this.now = Math.max(this.now, event.at);
      this.settle();
      event.run();
    }
    this.now = Math.max(this.now, time);
    this.settle();
  }

  /** The time of the next event or timer, or -1. */
  next(): number {
    const event = this.events[0];
    if (this.deadline === 0) return event ? event.at : -1;
    return event ? Math.min(event.at, this.deadline) : this.deadline;
  }

  private settle(): void {
    if (this.deadline === 0 || this.now < this.deadline) return;
    this.deadline = 0;
    this.timerFired();
  }
}

/** Pending interrupts. */
export class Interrupts {
  private readonly pending = new Set<number>();

  raise(irq: number): void {
    this.pending.add(irq);
  }

  get isPending(): boolean {
    return this.pending.size > 0;
  }

  /** The lowest pending number, taken; -1 when there is none. */
  take(): number {
    if (this.pending.size === 0) return -1;
    const irq = Math.min(...this.pending);
    this.pending.delete(irq);
    return irq;
  }
}
