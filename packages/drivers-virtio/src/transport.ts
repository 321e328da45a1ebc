/**
 * What a virtio driver needs of a transport: status, features, configuration space, queues.
 *
 * Key type `VirtioTransport`; implementations `pci-transport.ts`, `mmio-transport.ts`. Neighbours: `device.ts` (the start-up sequence).
 * Invariant: a transport trusts nothing that the device says about sizes and offsets.
 * Source: Virtual I/O Device (VIRTIO) 1.2, sections 2 and 4.
 */
import type { i32, long, u32 } from "@anax/portable";

/** Device status bits. Source: VIRTIO 1.2, 2.1. */
export const STATUS_ACKNOWLEDGE: i32 = 1;
export const STATUS_DRIVER: i32 = 2;
export const STATUS_DRIVER_OK: i32 = 4;
export const STATUS_FEATURES_OK: i32 = 8;
export const STATUS_NEEDS_RESET: i32 = 64;
export const STATUS_FAILED: i32 = 128;

/** Device types. Source: VIRTIO 1.2, section 5. */
export const VIRTIO_CONSOLE: i32 = 3;
export const VIRTIO_RNG: i32 = 4;

/** VIRTIO_F_VERSION_1: bit 32, bit 0 of the high word. */
export const F_HI_VERSION_1: u32 = 1;

/** The interrupt's reason, as the ISR register says it. */
export const ISR_QUEUE: i32 = 1;
export const ISR_CONFIG: i32 = 2;

export abstract class VirtioTransport {
  /** Device type, 0 when there is none behind the transport. */
  abstract deviceType(): i32;
  abstract status(): i32;
  abstract setStatus(v: i32): void;
  /** Writes 0 to the status and waits until the device has finished its reset. Returns 0 or -EIO after 1,000,000 polls. */
  abstract reset(): i32;
  /** Feature bits 32*word to 32*word+31. */
  abstract deviceFeatures(word: i32): u32;
  abstract setDriverFeatures(word: i32, v: u32): void;
  /** Largest size of queue `q`, 0 when the device has no such queue. */
  abstract queueMax(q: i32): i32;
  /** Hands the queue's three areas to the device and enables it. */
  abstract setQueue(q: i32, size: i32, desc: long, avail: long, used: long): void;
  /** Tells the device that queue `q` has new buffers. */
  abstract notify(q: i32): void;
  /** Reads and clears the reason of the interrupt (ISR_*). */
  abstract takeInterrupt(): i32;
  /** Device-specific configuration. Offsets past its end read 0. */
  abstract config8(off: i32): i32;
  abstract config32(off: i32): u32;
}
