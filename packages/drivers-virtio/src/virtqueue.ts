/**
 * The split virtqueue: a table of descriptors, a ring for the device, a ring from the device, all within one page.
 *
 * Layout of the page for a queue of n <= 128 entries:
 *
 *     0        descriptors  16 bytes each   {addr u64, len u32, flags u16, next u16}
 *     2048     available    flags u16, idx u16, ring u16[n], used_event u16
 *     2432     used         flags u16, idx u16, {id u32, len u32}[n], avail_event u16
 *
 * Key type `Virtqueue`. Neighbours: `transport.ts`, `device.ts`.
 * Invariant: free descriptors, chain lengths and tokens live in our own arrays; what the device writes (used ring) is checked
 * against them and never trusted. A chain belongs to the device between `add` and its return by `take`.
 * Source: VIRTIO 1.2, 2.7.
 */
import type { Machine } from "@anax/machine";
import { Errno, i32, u32, type long } from "@anax/portable";
import type { VirtioTransport } from "./transport";

export const QUEUE_MAX: i32 = 128;

const DESC_NEXT: u32 = 1;
const DESC_WRITE: u32 = 2;
const AVAIL_AT: i32 = 2048;
const USED_AT: i32 = 2432;
const NONE: i32 = 0xffff;

/** `take` found nothing new. */
export const TAKE_NONE: i32 = -1;
/** `take` found that the device broke the rules; the device must be reset. */
export const TAKE_BROKEN: i32 = -2;

/** Owned by its driver. Used by one CPU at a time. */
export class Virtqueue {
  private readonly nextFree: Uint16Array = new Uint16Array(QUEUE_MAX);
  /** Token of the chain that starts here, or -1 when none is out. */
  private readonly tokens: Int32Array = new Int32Array(QUEUE_MAX);
  private readonly chainLength: Uint8Array = new Uint8Array(QUEUE_MAX);
  /** Bytes the device may write into the chain. */
  private readonly writable: Uint32Array = new Uint32Array(QUEUE_MAX);
  private freeHead: i32 = 0;
  free: i32;
  private availIndex: i32 = 0;
  private usedIndex: i32 = 0;
  /** Chain being built: first and last descriptor, or NONE. */
  private first: i32 = NONE;
  private last: i32 = NONE;
  private building: i32 = 0;
  private buildingWritable: u32 = 0;
  /** Bytes the device wrote into the chain that `take` returned last. */
  takenLength: u32 = 0;

  /** `page` is a zeroed page of physical memory that belongs to the queue from now on; `size` a power of two up to QUEUE_MAX. */
  constructor(
    private readonly machine: Machine,
    private readonly transport: VirtioTransport,
    readonly index: i32,
    readonly size: i32,
    private readonly page: long,
  ) {
    this.free = size;
    for (let i = 0; i < size; i++) {
      this.nextFree[i] = (i + 1) & 0xffff;
      this.tokens[i] = -1;
    }
  }

  /** Hands the queue to the device. */
  publish(): void {
    this.transport.setQueue(this.index, this.size, this.page, this.page + AVAIL_AT, this.page + USED_AT);
  }

  /**
   * Adds one buffer to the chain being built. Buffers the device writes come after those it reads.
   * 0, or -ENOSPC when no descriptor is free (the chain so far stays; drop it with `abandon`).
   */
  addBuffer(pa: long, length: u32, deviceWrites: boolean): i32 {
    if (this.free === 0) return -Errno.NOSPC;
    const d = this.freeHead;
    this.freeHead = i32(this.nextFree[d]);
    this.free--;
    const at: long = this.page + ((d * 16) | 0);
    const m = this.machine;
    m.store64(at, pa);
    m.store32(at + 8, length);
    m.store16(at + 12, deviceWrites ? DESC_WRITE : 0);
    m.store16(at + 14, 0);
    if (this.first === NONE) this.first = d;
    else {
      const before: long = this.page + ((this.last * 16) | 0);
      m.store16(before + 12, u32(m.load16(before + 12) | DESC_NEXT));
      m.store16(before + 14, u32(d));
      this.nextFree[this.last] = d;
    }
    this.last = d;
    this.building++;
    if (deviceWrites) this.buildingWritable = u32(this.buildingWritable + length);
    return 0;
  }

  /** Makes the built chain available under `token` (>= 0). The device hears of it by `kick`. */
  submit(token: i32): void {
    const head = this.first;
    this.tokens[head] = token;
    this.chainLength[head] = this.building;
    this.writable[head] = this.buildingWritable;
    const m = this.machine;
    m.store16(this.page + AVAIL_AT + 4 + (((this.availIndex & (this.size - 1)) * 2) | 0), u32(head));
    this.availIndex = (this.availIndex + 1) & 0xffff;
    m.store16(this.page + AVAIL_AT + 2, u32(this.availIndex));
    this.startChain();
  }

  /** Gives the descriptors of an unfinished chain back. */
  abandon(): void {
    if (this.first !== NONE) this.release(this.first, this.building);
    this.startChain();
  }

  private startChain(): void {
    this.first = NONE;
    this.last = NONE;
    this.building = 0;
    this.buildingWritable = 0;
  }

  private release(head: i32, count: i32): void {
    let d = head;
    for (let i = 1; i < count; i++) d = i32(this.nextFree[d]);
    this.nextFree[d] = this.freeHead;
    this.freeHead = head;
    this.free = (this.free + count) | 0;
  }

  /** Tells the device, unless it asked not to be told. */
  kick(): void {
    if ((this.machine.load16(this.page + USED_AT) & 1) === 0) this.transport.notify(this.index);
  }

  /** Asks the device for interrupts or not. A hint: interrupts may come all the same. */
  wantInterrupts(on: boolean): void {
    this.machine.store16(this.page + AVAIL_AT, on ? 0 : 1);
  }

  /** The token of the next chain the device has finished, TAKE_NONE, or TAKE_BROKEN; `takenLength` says how much it wrote. */
  take(): i32 {
    const m = this.machine;
    const idx = i32(m.load16(this.page + USED_AT + 2));
    if (idx === this.usedIndex) return TAKE_NONE;
    if (((idx - this.usedIndex) & 0xffff) > this.size) return TAKE_BROKEN;
    const at: long = this.page + USED_AT + 4 + (((this.usedIndex & (this.size - 1)) * 8) | 0);
    const id = m.load32(at);
    const length = m.load32(at + 4);
    if (id >= u32(this.size)) return TAKE_BROKEN;
    const head = i32(id);
    const token: i32 = this.tokens[head];
    if (token < 0 || length > this.writable[head]) return TAKE_BROKEN;
    this.tokens[head] = -1;
    this.release(head, i32(this.chainLength[head]));
    this.usedIndex = (this.usedIndex + 1) & 0xffff;
    this.takenLength = length;
    return token;
  }

  /** After a device reset: nothing is out any more and both rings start over. */
  restart(): void {
    this.machine.zeroPhys(this.page, 4096);
    for (let i = 0; i < this.size; i++) {
      this.nextFree[i] = (i + 1) & 0xffff;
      this.tokens[i] = -1;
    }
    this.freeHead = 0;
    this.free = this.size;
    this.availIndex = 0;
    this.usedIndex = 0;
    this.startChain();
  }
}

/** The largest power of two that a queue of at most `max` entries can have within a page; 0 when `max` is 0. */
export function queueSize(max: i32): i32 {
  let n: i32 = QUEUE_MAX;
  while (n > max) n = n >> 1;
  return n;
}
