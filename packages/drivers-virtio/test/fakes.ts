import type { Machine } from "@anax/machine";
import { VirtioTransport, type DmaMemory } from "@anax/drivers-virtio";

const PAGE = 4096;

/**
 * Physical memory that knows which pages were handed out: a driver that touches another one fails. Addresses start at
 * 4 GiB so that a truncated address shows.
 */
export class FakeMemory implements DmaMemory {
  static readonly BASE = 0x1_0000_0000;
  private readonly bytes = new DataView(new ArrayBuffer(64 * PAGE));
  pages = 0;
  constructor(private readonly limit = 64) {}

  allocPage(): number {
    if (this.pages >= this.limit) return 0;
    return FakeMemory.BASE + PAGE * this.pages++;
  }

  at(pa: number, n: number): number {
    const off = pa - FakeMemory.BASE;
    if (off < 0 || off + n > this.pages * PAGE) throw new Error(`access outside handed-out pages: ${pa.toString(16)}`);
    return off;
  }

  get16 = (pa: number) => this.bytes.getUint16(this.at(pa, 2), true);
  get32 = (pa: number) => this.bytes.getUint32(this.at(pa, 4), true);
  get64 = (pa: number) => Number(this.bytes.getBigUint64(this.at(pa, 8), true));
  put16 = (pa: number, v: number) => this.bytes.setUint16(this.at(pa, 2), v, true);
  put32 = (pa: number, v: number) => this.bytes.setUint32(this.at(pa, 4), v, true);
  put64 = (pa: number, v: number) => this.bytes.setBigUint64(this.at(pa, 8), BigInt(v), true);
  slice = (pa: number, n: number) => new Uint8Array(this.bytes.buffer, this.at(pa, n), n);

  /** The part of the machine that drivers use. */
  get machine(): Machine {
    const fake = {
      load16: this.get16,
      load32: this.get32,
      load64: this.get64,
      store16: this.put16,
      store32: this.put32,
      store64: this.put64,
      zeroPhys: (pa: number, n: number) => void this.slice(pa, n).fill(0),
      readPhys: (pa: number, buf: Uint8Array, off: number, n: number) => buf.set(this.slice(pa, n), off),
      writePhys: (buf: Uint8Array, off: number, pa: number, n: number) =>
        this.slice(pa, n).set(buf.subarray(off, off + n)),
    };
    return fake as unknown as Machine;
  }
}

interface Queue {
  size: number;
  desc: number;
  avail: number;
  used: number;
  seen: number;
  done: number;
}

export interface Chain {
  head: number;
  buffers: { pa: number; length: number; write: boolean }[];
}

/** A device that follows VIRTIO 1.2 to the letter and throws when the driver does not. */
export class FakeTransport extends VirtioTransport {
  type = 3;
  featuresLow = 0;
  featuresHigh = 1;
  acceptFeatures = true;
  resetWorks = true;
  maxSizes = [64, 64];
  driverFeatures = [0, 0];
  queues: (Queue | undefined)[] = [];
  statusBits = 0;
  resets = 0;
  notified: number[] = [];
  configBytes = new Uint8Array(8);

  constructor(readonly memory: FakeMemory) {
    super();
  }

  deviceType = () => this.type;
  status = () => this.statusBits;
  setStatus(v: number): void {
    const order = [1, 3, 11, 15];
    if (v !== 128 && !(order.includes(v) && v > this.statusBits)) throw new Error(`status ${this.statusBits} -> ${v}`);
    if (v === 11 && !this.acceptFeatures) v = 3;
    this.statusBits = v === 128 ? this.statusBits | 128 : v;
  }
  reset(): number {
    if (!this.resetWorks) return -5;
    this.resets++;
    this.statusBits = 0;
    this.queues = [];
    return 0;
  }
  deviceFeatures = (word: number) => (word === 0 ? this.featuresLow : word === 1 ? this.featuresHigh : 0);
  setDriverFeatures(word: number, v: number): void {
    if ((v & ~this.deviceFeatures(word)) !== 0) throw new Error("driver accepted a feature that was not offered");
    if (this.statusBits !== 3) throw new Error("features written outside negotiation");
    this.driverFeatures[word] = v;
  }
  queueMax = (q: number) => this.maxSizes[q] ?? 0;
  setQueue(q: number, size: number, desc: number, avail: number, used: number): void {
    if (this.statusBits !== 11) throw new Error("queue set up before FEATURES_OK");
    if (size > this.queueMax(q) || (size & (size - 1)) !== 0) throw new Error("bad queue size");
    if (desc % 16 || avail % 2 || used % 4) throw new Error("misaligned queue");
    this.memory.at(desc, size * 16);
    this.memory.at(avail, 6 + size * 2);
    this.memory.at(used, 6 + size * 8);
    if (this.memory.get16(used + 2) !== 0 || this.memory.get16(avail + 2) !== 0) throw new Error("rings not cleared");
    this.queues[q] = { size, desc, avail, used, seen: 0, done: 0 };
  }
  notify(q: number): void {
    if ((this.statusBits & 4) === 0) throw new Error("notified before DRIVER_OK");
    this.notified.push(q);
  }
  takeInterrupt = () => 1;
  config8 = (off: number) => this.configBytes[off] ?? 0;
  config32 = (off: number) => new DataView(this.configBytes.buffer).getUint32(off, true);

  /** The next chain the driver made available. */
  take(q: number): Chain | null {
    const s = this.queues[q]!;
    const idx = this.memory.get16(s.avail + 2);
    if (idx === s.seen) return null;
    const head = this.memory.get16(s.avail + 4 + (s.seen % s.size) * 2);
    s.seen = (s.seen + 1) & 0xffff;
    const chain: Chain = { head, buffers: [] };
    for (let d = head; ;) {
      const at = s.desc + d * 16;
      const flags = this.memory.get16(at + 12);
      const write = (flags & 2) !== 0;
      if (!write && chain.buffers.some((b) => b.write)) throw new Error("readable buffer after a writable one");
      chain.buffers.push({ pa: this.memory.get64(at), length: this.memory.get32(at + 8), write });
      if (chain.buffers.length > s.size) throw new Error("descriptor loop");
      if ((flags & 1) === 0) return chain;
      d = this.memory.get16(at + 14);
    }
  }

  /** Gives a chain back, having written `length` bytes. */
  finish(q: number, head: number, length: number): void {
    const s = this.queues[q]!;
    const at = s.used + 4 + (s.done % s.size) * 8;
    this.memory.put32(at, head);
    this.memory.put32(at + 4, length);
    s.done = (s.done + 1) & 0xffff;
    this.memory.put16(s.used + 2, s.done);
  }
}
