/**
 * virtio-console, port 0: a byte stream in both directions.
 *
 * Key types `VirtioConsole`, `ConsoleClient` (who gets the input and hears that output drained). Neighbours: `device.ts`; the
 * composition joins it to a tty. Eight receive buffers share one page; output is copied into a ring of eight slots of 2 KiB.
 * Invariant: a buffer belongs to the device from `submit` to its return; `write` accepts only what has a free slot.
 * Source: VIRTIO 1.2, 5.3.
 */
import type { Machine } from "@anax/machine";
import { i32, u32, type long } from "@anax/portable";
import { VirtioDevice, type DmaMemory } from "./device";
import type { VirtioTransport } from "./transport";
import { TAKE_NONE, type Virtqueue } from "./virtqueue";

const RX_BUFFERS: i32 = 8;
const RX_SIZE: i32 = 512;
const TX_SLOTS: i32 = 8;
const TX_SIZE: i32 = 2048;
const F_SIZE: u32 = 1;

const QUEUE_RX: i32 = 0;
const QUEUE_TX: i32 = 1;

/** The other end of the console. */
export interface ConsoleClient {
  /** Input: `n` bytes at the start of `buf`, valid during the call. */
  received(buf: Uint8Array, n: i32): void;
  /** Output room became free. */
  drained(): void;
}

export class VirtioConsole extends VirtioDevice {
  private rxPage: long = 0;
  private readonly txPages: Array<long> = [];
  /** Bit i: transmit slot i is free. */
  private txFree: u32 = 0xff;
  private readonly scratch: Uint8Array = new Uint8Array(RX_SIZE);
  private client: ConsoleClient | null = null;
  columns: i32 = 0;
  rows: i32 = 0;

  constructor(machine: Machine, transport: VirtioTransport, memory: DmaMemory) {
    super(machine, transport, memory);
  }

  wanted(): u32 {
    return F_SIZE;
  }

  queueCount(): i32 {
    return 2;
  }

  setClient(client: ConsoleClient): void {
    this.client = client;
  }

  started(): void {
    if (this.rxPage === 0) {
      this.rxPage = this.memory.allocPage();
      for (let i = 0; i < TX_SLOTS / 2; i++) this.txPages.push(this.memory.allocPage());
    }
    if ((this.features & F_SIZE) !== 0) {
      const size = this.transport.config32(0);
      this.columns = i32(size & 0xffff);
      this.rows = i32(size >>> 16);
    }
    this.txFree = 0;
    for (let i = 0; i < TX_SLOTS; i++) if (this.txPages[i >> 1] !== 0) this.txFree = (this.txFree | (1 << i)) >>> 0;
    if (this.rxPage === 0) return;
    const rx = this.queue(QUEUE_RX);
    for (let i = 0; i < RX_BUFFERS; i++) this.offer(rx, i);
    rx.kick();
  }

  private offer(rx: Virtqueue, i: i32): void {
    if (rx.addBuffer(this.rxPage + ((i * RX_SIZE) | 0), u32(RX_SIZE), true) === 0) rx.submit(i);
  }

  /** Sends up to `n` bytes; returns how many were taken (0 when every slot is with the device or it failed). */
  write(buf: Uint8Array, off: i32, n: i32): i32 {
    if (this.failed) return 0;
    const tx = this.queue(QUEUE_TX);
    let done: i32 = 0;
    while (done < n && this.txFree !== 0 && tx.free > 0) {
      let slot: i32 = 0;
      while (((this.txFree >>> slot) & 1) === 0) slot++;
      const left: i32 = (n - done) | 0;
      const part: i32 = left < TX_SIZE ? left : TX_SIZE;
      const pa: long = this.txPages[slot >> 1] + (slot & 1) * TX_SIZE;
      this.machine.writePhys(buf, (off + done) | 0, pa, part);
      tx.addBuffer(pa, u32(part), false);
      tx.submit(slot);
      this.txFree = (this.txFree & ~(1 << slot)) >>> 0;
      done = (done + part) | 0;
    }
    if (done > 0) tx.kick();
    return done;
  }

  progress(): boolean {
    const client = this.client;
    const rx = this.queue(QUEUE_RX);
    let i = rx.take();
    let refilled = false;
    while (i >= 0) {
      const n = i32(rx.takenLength);
      this.machine.readPhys(this.rxPage + ((i * RX_SIZE) | 0), this.scratch, 0, n);
      this.offer(rx, i);
      refilled = true;
      if (client !== null && n > 0) client.received(this.scratch, n);
      i = rx.take();
    }
    if (i !== TAKE_NONE) return false;
    if (refilled) rx.kick();
    const tx = this.queue(QUEUE_TX);
    let slot = tx.take();
    const was = this.txFree;
    while (slot >= 0) {
      this.txFree = (this.txFree | (1 << slot)) >>> 0;
      slot = tx.take();
    }
    if (slot !== TAKE_NONE) return false;
    if (was !== this.txFree && client !== null) client.drained();
    return true;
  }

  lost(): void {
    this.txFree = 0;
  }
}
