/**
 * virtio-rng: entropy from the host.
 *
 * Key types `VirtioRng`, `EntropySink`. Neighbours: `device.ts`; the composition feeds the kernel's random generator with it.
 * Invariant: one request is out at a time; bytes are handed on once and the page is cleared.
 * Source: VIRTIO 1.2, 5.4.
 */
import type { Machine } from "@anax/machine";
import { i32, u32, type long } from "@anax/portable";
import { VirtioDevice, type DmaMemory } from "./device";
import type { VirtioTransport } from "./transport";
import { TAKE_NONE } from "./virtqueue";

const REQUEST: i32 = 64;

export interface EntropySink {
  /** `n` bytes of entropy at the start of `buf`, valid during the call. */
  addEntropy(buf: Uint8Array, n: i32): void;
}

export class VirtioRng extends VirtioDevice {
  private page: long = 0;
  private readonly buffer: Uint8Array = new Uint8Array(REQUEST);
  private wants: i32 = 0;
  private out: boolean = false;

  constructor(
    machine: Machine,
    transport: VirtioTransport,
    memory: DmaMemory,
    private readonly sink: EntropySink,
  ) {
    super(machine, transport, memory);
  }

  wanted(): u32 {
    return 0;
  }

  queueCount(): i32 {
    return 1;
  }

  started(): void {
    if (this.page === 0) this.page = this.memory.allocPage();
    this.out = false;
    if (this.wants > 0) this.send();
  }

  /** Asks for at least `n` bytes; they come to the sink by and by. */
  request(n: i32): void {
    this.wants = (this.wants + n) | 0;
    if (!this.out && !this.failed) this.send();
  }

  private send(): void {
    if (this.page === 0) return;
    const q = this.queue(0);
    if (q.addBuffer(this.page, u32(REQUEST), true) !== 0) return;
    q.submit(0);
    q.kick();
    this.out = true;
  }

  progress(): boolean {
    const q = this.queue(0);
    let token = q.take();
    while (token >= 0) {
      this.out = false;
      const n = i32(q.takenLength);
      this.machine.readPhys(this.page, this.buffer, 0, n);
      this.machine.zeroPhys(this.page, REQUEST);
      this.sink.addEntropy(this.buffer, n);
      this.buffer.fill(0);
      this.wants = n > this.wants ? 0 : (this.wants - n) | 0;
      token = q.take();
    }
    if (token !== TAKE_NONE) return false;
    if (this.wants > 0 && !this.out) this.send();
    return true;
  }

  lost(): void {
    this.out = false;
  }
}
