/**
 * What every virtio driver does: the start-up sequence, feature negotiation, queues, and reset when the device misbehaves.
 *
 * Key types `VirtioDevice` (base of the drivers), `DmaMemory` (where queue pages and buffers come from).
 * Neighbours: `transport.ts`, `virtqueue.ts`, `console.ts`, `rng.ts`.
 * Typical sequence: attach transport, `start()`, interrupts call `interrupt()`.
 * Invariant: after `failed` is set nothing is sent to the device until a restart succeeded.
 * Source: VIRTIO 1.2, 3.1 (initialization), 2.1.2 (DEVICE_NEEDS_RESET).
 */
import type { Machine } from "@anax/machine";
import { Errno, i32, toLong, u32, type long } from "@anax/portable";
import {
  F_HI_VERSION_1,
  STATUS_ACKNOWLEDGE,
  STATUS_DRIVER,
  STATUS_DRIVER_OK,
  STATUS_FAILED,
  STATUS_FEATURES_OK,
  STATUS_NEEDS_RESET,
  type VirtioTransport,
} from "./transport";
import { Virtqueue, queueSize } from "./virtqueue";

/** Physical memory for queues and buffers. The pages are never given back while the driver lives. */
export interface DmaMemory {
  /** A zeroed page, or 0 when there is none. */
  allocPage(): long;
}

/** Resets in a row after which a device is given up. */
const MAX_RESETS: i32 = 3;

export abstract class VirtioDevice {
  failed: boolean = false;
  /** Resets since the last good completion. */
  resets: i32 = 0;
  /** Feature bits 0 to 31 in force. */
  features: u32 = 0;
  private readonly queues: Virtqueue[] = [];

  constructor(
    readonly machine: Machine,
    readonly transport: VirtioTransport,
    readonly memory: DmaMemory,
  ) {}

  /** Feature bits 0 to 31 the driver can use. */
  abstract wanted(): u32;

  /** How many queues the driver uses: 0 to count-1. */
  abstract queueCount(): i32;

  /** The queues are published and empty: fill what the device writes into. */
  abstract started(): void;

  /** The device finished something on one of the queues. False: it broke the rules. */
  abstract progress(): boolean;

  /** The device was reset and what it had is lost; `started` follows if it came back. */
  abstract lost(): void;

  /** Brings the device up. 0, -ENODEV (too old, features refused), -ENOMEM or -EIO. */
  start(): i32 {
    const t = this.transport;
    if (t.reset() !== 0) return this.fail(-Errno.IO);
    t.setStatus(STATUS_ACKNOWLEDGE);
    t.setStatus(STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    if ((t.deviceFeatures(1) & F_HI_VERSION_1) === 0) return this.fail(-Errno.NODEV);
    this.features = u32(t.deviceFeatures(0) & this.wanted());
    t.setDriverFeatures(0, this.features);
    t.setDriverFeatures(1, F_HI_VERSION_1);
    const negotiated = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;
    t.setStatus(negotiated);
    if ((t.status() & STATUS_FEATURES_OK) === 0) return this.fail(-Errno.NODEV);
    const error = this.queues.length === 0 ? this.makeQueues() : this.reuseQueues();
    if (error !== 0) return this.fail(error);
    t.setStatus(negotiated | STATUS_DRIVER_OK);
    this.failed = false;
    this.started();
    return 0;
  }

  private makeQueues(): i32 {
    const n = this.queueCount();
    for (let q = 0; q < n; q++) {
      const size = queueSize(this.transport.queueMax(q));
      if (size === 0) return -Errno.NODEV;
      const page = this.memory.allocPage();
      if (page === toLong(0)) return -Errno.NOMEM;
      const queue = new Virtqueue(this.machine, this.transport, q, size, page);
      this.queues.push(queue);
      queue.publish();
    }
    return 0;
  }

  private reuseQueues(): i32 {
    for (let q = 0; q < this.queues.length; q++) {
      const queue = this.queues[q];
      if (this.transport.queueMax(q) < queue.size) return -Errno.IO;
      queue.restart();
      queue.publish();
    }
    return 0;
  }

  queue(i: i32): Virtqueue {
    return this.queues[i];
  }

  private fail(error: i32): i32 {
    this.failed = true;
    this.transport.setStatus(STATUS_FAILED);
    return error;
  }

  /** The device's interrupt. */
  interrupt(): void {
    if (this.failed) return;
    this.transport.takeInterrupt();
    const broken = (this.transport.status() & STATUS_NEEDS_RESET) !== 0;
    if (!broken && this.progress()) {
      this.resets = 0;
      return;
    }
    this.recover();
  }

  /** Resets the device and starts it again; gives up after MAX_RESETS in a row. */
  recover(): void {
    this.resets++;
    this.failed = true;
    this.lost();
    if (this.resets > i32(MAX_RESETS)) {
      this.transport.setStatus(STATUS_FAILED);
      return;
    }
    this.start();
  }
}
