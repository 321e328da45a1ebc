/**
 * The 16550A serial port, by interrupt in both directions.
 *
 * Key type `Uart`. Neighbours: `ioapic.ts` (its line), `ConsoleClient` of drivers-virtio (the tty behind it).
 * Output is written to the FIFO as long as it is empty; what does not fit waits for the transmitter-empty interrupt, which is
 * on only while somebody waits. Invariant: `write` never spins.
 * Source: National Semiconductor PC16550D data sheet.
 */
import type { ConsoleClient } from "@anax/drivers-virtio";
import type { Machine } from "@anax/machine";
import { i32, u32 } from "@anax/portable";

const IER: i32 = 1;
const IIR_FCR: i32 = 2;
const LCR: i32 = 3;
const MCR: i32 = 4;
const LSR: i32 = 5;
const SCRATCH: i32 = 7;

const IER_RECEIVED: u32 = 1;
const IER_THR_EMPTY: u32 = 2;
const LSR_DATA: u32 = 1;
const LSR_THR_EMPTY: u32 = 0x20;
const FIFO: i32 = 16;

const INPUT: i32 = 256;

export class Uart {
  private client: ConsoleClient | null = null;
  private readonly input: Uint8Array = new Uint8Array(INPUT);
  private waiting: boolean = false;

  constructor(
    private readonly machine: Machine,
    readonly port: i32,
    readonly isa: i32,
  ) {}

  /** Sets 115200 8N1 with FIFOs and receive interrupts. False when there is no such port. */
  start(): boolean {
    const m = this.machine;
    m.out8((this.port + SCRATCH) | 0, 0x5a);
    if (m.in8((this.port + SCRATCH) | 0) !== 0x5a) return false;
    m.out8((this.port + IER) | 0, 0);
    m.out8((this.port + LCR) | 0, 0x80);
    m.out8(this.port, 1);
    m.out8((this.port + 1) | 0, 0);
    m.out8((this.port + LCR) | 0, 3);
    m.out8((this.port + IIR_FCR) | 0, 0x07);
    m.out8((this.port + MCR) | 0, 0x0b);
    m.out8((this.port + IER) | 0, IER_RECEIVED);
    return true;
  }

  setClient(client: ConsoleClient): void {
    this.client = client;
  }

  /** Sends up to `n` bytes; returns how many were taken. When fewer, the client's `drained` follows. */
  write(buf: Uint8Array, off: i32, n: i32): i32 {
    const m = this.machine;
    const lsr = (this.port + LSR) | 0;
    let done: i32 = 0;
    while (done < n && (m.in8(lsr) & LSR_THR_EMPTY) !== 0) {
      let end: i32 = (done + FIFO) | 0;
      if (end > n) end = n;
      for (; done < end; done++) m.out8(this.port, u32(buf[off + done]));
    }
    if (done < n && !this.waiting) {
      this.waiting = true;
      m.out8((this.port + IER) | 0, IER_RECEIVED | IER_THR_EMPTY);
    }
    return done;
  }

  /** The port's interrupt. */
  interrupt(): void {
    const m = this.machine;
    const lsr = (this.port + LSR) | 0;
    const client = this.client;
    m.in8((this.port + IIR_FCR) | 0);
    // The line is edge-triggered: leave no byte behind, or no further edge comes.
    while ((m.in8(lsr) & LSR_DATA) !== 0) {
      let n: i32 = 0;
      while (n < INPUT && (m.in8(lsr) & LSR_DATA) !== 0) {
        this.input[n] = i32(m.in8(this.port));
        n++;
      }
      if (client !== null) client.received(this.input, n);
    }
    if (this.waiting && (m.in8(lsr) & LSR_THR_EMPTY) !== 0) {
      this.waiting = false;
      m.out8((this.port + IER) | 0, IER_RECEIVED);
      if (client !== null) client.drained();
    }
  }
}
