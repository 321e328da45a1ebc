/**
 * virtio over PCI: the modern interface, found through vendor capabilities.
 *
 * Key type `PciTransport`. Neighbours: `pci.ts`, `transport.ts`. Invariant: every structure used was found in a memory BAR.
 * Source: VIRTIO 1.2, 4.1.
 */
import type { Machine } from "@anax/machine";
import { Errno, i32, longHi, longLo, toLong, u32, type long } from "@anax/portable";
import { CAP_VENDOR, type PciFunction } from "./pci";
import { VirtioTransport } from "./transport";

const VENDOR_VIRTIO: i32 = 0x1af4;
const CFG_COMMON: i32 = 1;
const CFG_NOTIFY: i32 = 2;
const CFG_ISR: i32 = 3;
const CFG_DEVICE: i32 = 4;

const COMMON_DEVICE_FEATURE_SELECT: i32 = 0;
const COMMON_DEVICE_FEATURE: i32 = 4;
const COMMON_DRIVER_FEATURE_SELECT: i32 = 8;
const COMMON_DRIVER_FEATURE: i32 = 12;
const COMMON_MSIX_CONFIG: i32 = 16;
const COMMON_STATUS: i32 = 20;
const COMMON_QUEUE_SELECT: i32 = 22;
const COMMON_QUEUE_SIZE: i32 = 24;
const COMMON_QUEUE_MSIX: i32 = 26;
const COMMON_QUEUE_ENABLE: i32 = 28;
const COMMON_QUEUE_NOTIFY_OFF: i32 = 30;
const COMMON_QUEUE_DESC: i32 = 32;
const COMMON_QUEUE_AVAIL: i32 = 40;
const COMMON_QUEUE_USED: i32 = 48;

/** MSI-X entry used for everything, and the value that means "none". */
const MSIX_ENTRY: u32 = 0;
const MSIX_NONE: u32 = 0xffff;

const MAX_QUEUES: i32 = 64;

/** Reset must end within this many reads of the status. */
const RESET_POLLS: i32 = 1000000;

export class PciTransport extends VirtioTransport {
  private common: long = 0;
  private notifyBase: long = 0;
  private notifyMultiplier: u32 = 0;
  private isr: long = 0;
  private device: long = 0;
  private deviceLength: u32 = 0;
  private msix: boolean = false;
  private readonly notifyOffsets: Uint32Array = new Uint32Array(MAX_QUEUES);

  constructor(
    private readonly machine: Machine,
    readonly fn: PciFunction,
  ) {
    super();
  }

  /** Maps the function's structures and routes its interrupt to `irq` by MSI-X. 0, or -ENODEV when it is no modern virtio function. */
  attach(irq: i32): i32 {
    const fn = this.fn;
    if (fn.vendor !== VENDOR_VIRTIO || this.deviceType() === 0) return -Errno.NODEV;
    fn.enable();
    let cap = fn.capability(CAP_VENDOR, 0);
    while (cap !== 0) {
      this.takeCapability(cap);
      cap = fn.capability(CAP_VENDOR, cap);
    }
    if (this.common === toLong(0) || this.notifyBase === toLong(0)) return -Errno.NODEV;
    this.msix = fn.routeMsix(irq);
    return 0;
  }

  private takeCapability(cap: i32): void {
    const fn = this.fn;
    const kind = fn.read8((cap + 3) | 0);
    const base = fn.bar(fn.read8((cap + 4) | 0));
    if (base === toLong(0)) return;
    const at: long = base + toLong(fn.read32((cap + 8) | 0));
    const length = fn.read32((cap + 12) | 0);
    if (kind === CFG_COMMON && length >= 56 && this.common === toLong(0)) this.common = at;
    else if (kind === CFG_NOTIFY && this.notifyBase === toLong(0)) {
      this.notifyBase = at;
      this.notifyMultiplier = fn.read32((cap + 16) | 0);
    } else if (kind === CFG_ISR && this.isr === toLong(0)) this.isr = at;
    else if (kind === CFG_DEVICE && this.device === toLong(0)) {
      this.device = at;
      this.deviceLength = length;
    }
  }

  deviceType(): i32 {
    const id = this.fn.device;
    if (id >= 0x1040 && id < 0x1080) return (id - 0x1040) | 0;
    return id >= 0x1000 && id < 0x1040 ? this.fn.subsystem : 0;
  }

  status(): i32 {
    return i32(this.machine.mmioLoad8(this.common + COMMON_STATUS));
  }

  setStatus(v: i32): void {
    this.machine.mmioStore8(this.common + COMMON_STATUS, u32(v));
    if (v === 1 && this.msix) this.machine.mmioStore16(this.common + COMMON_MSIX_CONFIG, MSIX_ENTRY);
  }

  reset(): i32 {
    this.machine.mmioStore8(this.common + COMMON_STATUS, 0);
    for (let i = 0; i < RESET_POLLS; i++) if (this.status() === 0) return 0;
    return -Errno.IO;
  }

  deviceFeatures(word: i32): u32 {
    this.machine.mmioStore32(this.common + COMMON_DEVICE_FEATURE_SELECT, u32(word));
    return this.machine.mmioLoad32(this.common + COMMON_DEVICE_FEATURE);
  }

  setDriverFeatures(word: i32, v: u32): void {
    this.machine.mmioStore32(this.common + COMMON_DRIVER_FEATURE_SELECT, u32(word));
    this.machine.mmioStore32(this.common + COMMON_DRIVER_FEATURE, v);
  }

  queueMax(q: i32): i32 {
    if (q >= MAX_QUEUES) return 0;
    this.machine.mmioStore16(this.common + COMMON_QUEUE_SELECT, u32(q));
    return i32(this.machine.mmioLoad16(this.common + COMMON_QUEUE_SIZE));
  }

  setQueue(q: i32, size: i32, desc: long, avail: long, used: long): void {
    const m = this.machine;
    const c = this.common;
    m.mmioStore16(c + COMMON_QUEUE_SELECT, u32(q));
    m.mmioStore16(c + COMMON_QUEUE_SIZE, u32(size));
    m.mmioStore16(c + COMMON_QUEUE_MSIX, this.msix ? MSIX_ENTRY : MSIX_NONE);
    this.store64(c + COMMON_QUEUE_DESC, desc);
    this.store64(c + COMMON_QUEUE_AVAIL, avail);
    this.store64(c + COMMON_QUEUE_USED, used);
    this.notifyOffsets[q] = m.mmioLoad16(c + COMMON_QUEUE_NOTIFY_OFF);
    m.mmioStore16(c + COMMON_QUEUE_ENABLE, 1);
  }

  private store64(pa: long, v: long): void {
    this.machine.mmioStore32(pa, longLo(v));
    this.machine.mmioStore32(pa + 4, u32(longHi(v)));
  }

  notify(q: i32): void {
    const at: long = toLong(this.notifyOffsets[q]) * toLong(this.notifyMultiplier);
    this.machine.mmioStore16(this.notifyBase + at, u32(q));
  }

  takeInterrupt(): i32 {
    // With MSI-X the ISR register is not used: every queue and the configuration share the one message.
    if (this.msix) return 3;
    return this.isr === toLong(0) ? 3 : i32(this.machine.mmioLoad8(this.isr));
  }

  config8(off: i32): i32 {
    if (this.device === toLong(0) || u32(off) >= this.deviceLength) return 0;
    return i32(this.machine.mmioLoad8(this.device + off));
  }

  config32(off: i32): u32 {
    if (this.device === toLong(0) || u32(off + 4) > this.deviceLength) return 0;
    return this.machine.mmioLoad32(this.device + off);
  }
}
