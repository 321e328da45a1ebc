/**
 * A terminal's driver over a byte channel: the serial port and virtio-console.
 *
 * Key types `TtyPort` (moves bytes between a `Tty` and the channel), `UartPort`, `VirtioPort`. Neighbours: kern's `tty.ts`
 * above, `uart.ts` and drivers-virtio's console below. Invariant: what the channel did not take stays in the tty's output
 * queue and is offered again when the channel has drained.
 */
import type { ConsoleClient, VirtioConsole } from "@anax/drivers-virtio";
import { TtyDriver, type IrqHandler, type Tty } from "@anax/kern";
import type { i32 } from "@anax/portable";
import type { Uart } from "./uart";

export abstract class TtyPort extends TtyDriver implements ConsoleClient, IrqHandler {
  private tty: Tty | null = null;

  /** Gives the channel up to `n` bytes; how many it took. */
  abstract send(buf: Uint8Array, off: i32, n: i32): i32;

  abstract interrupt(irq: i32): void;

  attach(tty: Tty): void {
    this.tty = tty;
  }

  override startOutput(tty: Tty): void {
    const out = tty.line.out;
    while (!out.isEmpty) {
      const n = out.span;
      const taken = this.send(out.bytes, out.head, n);
      out.drop(taken);
      if (taken < n) return;
    }
  }

  received(buf: Uint8Array, n: i32): void {
    const tty = this.tty;
    if (tty !== null) tty.inputBytes(buf, 0, n);
  }

  drained(): void {
    const tty = this.tty;
    if (tty !== null) tty.outputDrained();
  }

  /** Moves on what is still to be sent, without interrupts. Whether something is left. */
  flush(): boolean {
    const tty = this.tty;
    if (tty === null) return false;
    this.poll();
    if (!tty.line.stopped) this.startOutput(tty);
    return !tty.line.stopped && !tty.line.out.isEmpty;
  }

  /** Looks for progress of the channel as its interrupt would. */
  abstract poll(): void;
}

export class UartPort extends TtyPort {
  constructor(private readonly uart: Uart) {
    super();
    uart.setClient(this);
  }

  override send(buf: Uint8Array, off: i32, n: i32): i32 {
    return this.uart.write(buf, off, n);
  }

  override interrupt(_irq: i32): void {
    this.uart.interrupt();
  }

  override poll(): void {
    this.uart.interrupt();
  }
}

export class VirtioPort extends TtyPort {
  constructor(private readonly device: VirtioConsole) {
    super();
    device.setClient(this);
  }

  override send(buf: Uint8Array, off: i32, n: i32): i32 {
    return this.device.write(buf, off, n);
  }

  override interrupt(_irq: i32): void {
    this.device.interrupt();
  }

  override poll(): void {
    this.device.interrupt();
  }
}
