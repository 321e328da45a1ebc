/**
 * A ring in shared memory: the IPI queue from one CPU to another. One producer, one consumer, records of any length.
 *
 * Key types `RingWriter` (the producer's end), `RingReader` (the consumer's), `ringBytes` (memory one needs). Neighbours: `link.ts` (what
 * the records are), `bell.ts` (who wakes whom). A record is what `encodeMsg` writes: its length in bytes is its second word.
 *
 *     word 0    head: bytes ever written, modulo 2^32; written by the producer alone
 *     word 16   tail: bytes ever read; written by the consumer alone
 *     word 32   the producer waits for space; set by it, cleared by the consumer
 *     word 33   closed: one of the two CPUs is gone; set once by anybody
 *     byte 256  records, 8-byte aligned; none goes over the end: a filler (first word 0) takes what is left there
 *
 * Head and tail lie in cache lines of their own. The consumer publishes its tail once for many records.
 * Invariant: 0 <= head - tail <= capacity; all bytes between are whole records.
 */
import { WireBuffer } from "../glue/js/wire-buffer";
import { LwktError } from "./errors";

const HEAD = 0;
const TAIL = 16;
const WANT_SPACE = 32;
const CLOSED = 33;
const HEADER = 256;
/** A filler's first word; no message has class number 0. */
const FILLER = 0;

/** Bytes of shared memory for a ring of `capacity` bytes. `capacity`: a power of two, 1 KiB to 1 GiB; throws EINVAL otherwise. */
export function ringBytes(capacity: number): number {
  if (!Number.isInteger(capacity) || capacity < 1024 || capacity > 1 << 30 || (capacity & (capacity - 1)) !== 0)
    throw new LwktError("EINVAL", `a ring has a power of two of bytes, 1024 to 2^30, not ${capacity}`);
  return HEADER + capacity;
}

/** Where a ring lies. Both ends are made from the same three. */
export interface RingMemory {
  readonly buffer: SharedArrayBuffer;
  readonly offset: number;
  readonly capacity: number;
}

/** Marks the ring closed: `isClosed` of both ends. */
export function closeRing(memory: RingMemory): void {
  Atomics.store(new Int32Array(memory.buffer, memory.offset, 64), CLOSED, 1);
}

/** The producer's end. */
export class RingWriter {
  readonly wire: WireBuffer;
  readonly capacity: number;
  /** The longest record that is taken: a quarter, so that one always fits when the consumer rings for space, filler and all. */
  readonly longest: number;
  private readonly control: Int32Array;
  private readonly mask: number;
  private head: number;
  private published: number;
  private tail: number;

  constructor(memory: RingMemory) {
    ringBytes(memory.capacity);
    this.capacity = memory.capacity;
    this.mask = memory.capacity - 1;
    this.longest = memory.capacity >> 2;
    this.control = new Int32Array(memory.buffer, memory.offset, 64);
    this.wire = new WireBuffer(new Uint8Array(memory.buffer, memory.offset + HEADER, memory.capacity));
    this.head = Atomics.load(this.control, HEAD);
    this.published = this.head;
    this.tail = Atomics.load(this.control, TAIL);
  }

  get isClosed(): boolean {
    return Atomics.load(this.control, CLOSED) !== 0;
  }

  /** Where the next record goes, in bytes of `wire`. */
  get offset(): number {
    return this.head & this.mask;
  }

  /** Bytes that may be written at `offset` as far as is known; `refill` looks again. */
  room(): number {
    const free = this.capacity - ((this.head - this.tail) | 0);
    const toEnd = this.capacity - (this.head & this.mask);
    return free < toEnd ? free : toEnd;
  }

  /**
   * Makes `room()` at least `size`: looks at the consumer's progress, and leaves what is left before the end when the record does not fit there.
   * False when the ring is too full. `size` is at most `longest`.
   */
  refill(size: number): boolean {
    this.tail = Atomics.load(this.control, TAIL);
    if (this.room() >= size) return true;
    const free = this.capacity - ((this.head - this.tail) | 0);
    const toEnd = this.capacity - (this.head & this.mask);
    if (toEnd >= size || free < toEnd + size) return false;
    const at = this.offset;
    this.wire.put32(at, FILLER);
    this.wire.put32(at + 4, toEnd);
    this.advance(toEnd);
    return true;
  }

  /** The `size` bytes at `offset` are a record. The consumer sees it after `publish`. */
  advance(size: number): void {
    this.head = (this.head + size) | 0;
  }

  /** Bytes of records that the consumer cannot see yet. */
  get unpublished(): number {
    return (this.head - this.published) | 0;
  }

  /** Makes all records visible to the consumer. */
  publish(): void {
    this.published = this.head;
    Atomics.store(this.control, HEAD, this.head);
  }

  /** Bytes not yet read, as far as the consumer has told. */
  used(): number {
    this.tail = Atomics.load(this.control, TAIL);
    return (this.head - this.tail) | 0;
  }

  /** Whether the consumer has given the space that `wantSpace` asked for. */
  get spaceGiven(): boolean {
    return Atomics.load(this.control, WANT_SPACE) === 0;
  }

  /** Asks the consumer to ring when at most half is used. False when that is so already. */
  wantSpace(): boolean {
    Atomics.store(this.control, WANT_SPACE, 1);
    if (this.used() > this.capacity >> 1) return true;
    Atomics.store(this.control, WANT_SPACE, 0);
    return false;
  }
}

/** The consumer's end. */
export class RingReader {
  readonly wire: WireBuffer;
  readonly capacity: number;
  private readonly control: Int32Array;
  private readonly mask: number;
  private head: number;
  private tail: number;
  private published: number;

  constructor(memory: RingMemory) {
    ringBytes(memory.capacity);
    this.capacity = memory.capacity;
    this.mask = memory.capacity - 1;
    this.control = new Int32Array(memory.buffer, memory.offset, 64);
    this.wire = new WireBuffer(new Uint8Array(memory.buffer, memory.offset + HEADER, memory.capacity));
    this.head = Atomics.load(this.control, HEAD);
    this.tail = Atomics.load(this.control, TAIL);
    this.published = this.tail;
  }

  get isClosed(): boolean {
    return Atomics.load(this.control, CLOSED) !== 0;
  }

  /** Whether there is something to read. */
  get hasInput(): boolean {
    return Atomics.load(this.control, HEAD) !== this.tail;
  }

  /** As `hasInput`, for who looks often: no atomic access, which is a call in V8, so a no may be old. */
  get mayHaveInput(): boolean {
    return this.control[HEAD] !== this.tail;
  }

  /**
   * Byte of `wire` where the next record lies, or -1 when none is seen, as by `mayHaveInput`. The record is whole and stays until `take`.
   */
  next(): number {
    for (;;) {
      if (this.tail === this.head) {
        if (!this.mayHaveInput) return -1;
        this.head = Atomics.load(this.control, HEAD);
        if (this.tail === this.head) return -1;
      }
      const at = this.tail & this.mask;
      if (this.wire.get32(at) !== FILLER) return at;
      this.tail = (this.tail + this.wire.get32(at + 4)) | 0;
    }
  }

  /** Is finished with the `size` bytes that `next` showed. Their space is given back by `release`, which is due when `owes` says so. */
  take(size: number): void {
    this.tail = (this.tail + size) | 0;
  }

  /**
   * Whether so much was taken that it is to be given back: more than a quarter. A producer that finds no space for the longest record, a quarter, with its filler therefore finds records that were
   * not taken yet, and hears when they were.
   */
  get owes(): boolean {
    return ((this.tail - this.published) | 0) > this.capacity >> 2;
  }

  /** Gives back the space of what was taken. True when the producer waits for it and is to be woken. */
  release(): boolean {
    if (this.published === this.tail) return false;
    this.published = this.tail;
    Atomics.store(this.control, TAIL, this.tail);
    if (Atomics.load(this.control, WANT_SPACE) === 0) return false;
    const used = (Atomics.load(this.control, HEAD) - this.tail) | 0;
    return used <= this.capacity >> 1 && Atomics.compareExchange(this.control, WANT_SPACE, 1, 0) === 1;
  }
}
