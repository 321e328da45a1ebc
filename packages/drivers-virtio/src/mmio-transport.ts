/**
 * virtio over MMIO, version 2 (the modern interface).
 *
 * Key type `MmioTransport`. Neighbours: `transport.ts`. Invariant: nothing is touched before magic and version were checked.
 * Source: VIRTIO 1.2, 4.2.
 */
import type { Machine } from "@anax/machine";
import { Errno, i32, longHi, longLo, u32, type long } from "@anax/portable";
import { VirtioTransport } from "./transport";

const MAGIC: u32 = 0x74726976;

const REG_MAGIC: i32 = 0x000;
const REG_VERSION: i32 = 0x004;
const REG_DEVICE_ID: i32 = 0x008;
const REG_DEVICE_FEATURES: i32 = 0x010;
const REG_DEVICE_FEATURES_SEL: i32 = 0x014;
const REG_DRIVER_FEATURES: i32 = 0x020;
const REG_DRIVER_FEATURES_SEL: i32 = 0x024;
const REG_QUEUE_SEL: i32 = 0x030;
const REG_QUEUE_NUM_MAX: i32 = 0x034;
const REG_QUEUE_NUM: i32 = 0x038;
const REG_QUEUE_READY: i32 = 0x044;
const REG_QUEUE_NOTIFY: i32 = 0x050;
const REG_INTERRUPT_STATUS: i32 = 0x060;
const REG_INTERRUPT_ACK: i32 = 0x064;
const REG_STATUS: i32 = 0x070;
const REG_QUEUE_DESC: i32 = 0x080;
const REG_QUEUE_DRIVER: i32 = 0x090;
const REG_QUEUE_DEVICE: i32 = 0x0a0;
const REG_CONFIG: i32 = 0x100;

/** Bytes of configuration space behind the registers. */
const CONFIG_SIZE: i32 = 0x100;
const RESET_POLLS: i32 = 1000000;

export class MmioTransport extends VirtioTransport {
  constructor(
    private readonly machine: Machine,
    private readonly base: long,
  ) {
    super();
  }

  /** 0, or -ENODEV when there is no modern virtio device at the address. */
  attach(): i32 {
    if (this.read(REG_MAGIC) !== MAGIC || this.read(REG_VERSION) !== 2) return -Errno.NODEV;
    return this.deviceType() === 0 ? -Errno.NODEV : 0;
  }

  private read(reg: i32): u32 {
    return this.machine.mmioLoad32(this.base + reg);
  }

  private write(reg: i32, v: u32): void {
    this.machine.mmioStore32(this.base + reg, v);
  }

  deviceType(): i32 {
    return i32(this.read(REG_DEVICE_ID));
  }

  status(): i32 {
    return i32(this.read(REG_STATUS));
  }

  setStatus(v: i32): void {
    this.write(REG_STATUS, u32(v));
  }

  reset(): i32 {
    this.write(REG_STATUS, 0);
    for (let i = 0; i < RESET_POLLS; i++) if (this.status() === 0) return 0;
    return -Errno.IO;
  }

  deviceFeatures(word: i32): u32 {
    this.write(REG_DEVICE_FEATURES_SEL, u32(word));
    return this.read(REG_DEVICE_FEATURES);
  }

  setDriverFeatures(word: i32, v: u32): void {
    this.write(REG_DRIVER_FEATURES_SEL, u32(word));
    this.write(REG_DRIVER_FEATURES, v);
  }

  queueMax(q: i32): i32 {
    this.write(REG_QUEUE_SEL, u32(q));
    return this.read(REG_QUEUE_READY) !== 0 ? 0 : i32(this.read(REG_QUEUE_NUM_MAX) & 0xffff);
  }

  setQueue(q: i32, size: i32, desc: long, avail: long, used: long): void {
    this.write(REG_QUEUE_SEL, u32(q));
    this.write(REG_QUEUE_NUM, u32(size));
    this.write64(REG_QUEUE_DESC, desc);
    this.write64(REG_QUEUE_DRIVER, avail);
    this.write64(REG_QUEUE_DEVICE, used);
    this.write(REG_QUEUE_READY, 1);
  }

  private write64(reg: i32, v: long): void {
    this.write(reg, longLo(v));
    this.write((reg + 4) | 0, u32(longHi(v)));
  }

  notify(q: i32): void {
    this.write(REG_QUEUE_NOTIFY, u32(q));
  }

  takeInterrupt(): i32 {
    const why = this.read(REG_INTERRUPT_STATUS);
    this.write(REG_INTERRUPT_ACK, why);
    return i32(why);
  }

  config8(off: i32): i32 {
    return off < 0 || off >= CONFIG_SIZE ? 0 : i32(this.machine.mmioLoad8(this.base + REG_CONFIG + off));
  }

  config32(off: i32): u32 {
    return off < 0 || ((off + 4) | 0) > CONFIG_SIZE ? 0 : this.machine.mmioLoad32(this.base + REG_CONFIG + off);
  }
}
