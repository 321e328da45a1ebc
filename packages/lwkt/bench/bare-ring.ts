/**
 * The bare ring that others are compared with: slots of one size, two counters, no wake-ups, no headers, no types.
 * What shared memory can do at best between two threads that do nothing else.
 */

const HEAD = 0;
const TAIL = 16;
const HEADER = 128;

export class BareRing {
  private readonly control: Int32Array;
  private readonly data: Int32Array;
  private readonly mask: number;
  private readonly words: number;
  private head = 0;
  private tail = 0;
  private seen = 0;

  /** `slots` (a power of two) of `size` bytes. */
  constructor(
    readonly buffer: SharedArrayBuffer,
    readonly slots: number,
    readonly size: number,
  ) {
    this.control = new Int32Array(buffer, 0, 32);
    this.data = new Int32Array(buffer, HEADER);
    this.mask = slots - 1;
    this.words = size >> 2;
  }

  static memory(slots: number, size: number): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER + slots * size);
  }

  /** Copies a record in; spins while the ring is full. */
  put(record: Int32Array): void {
    while (((this.head - this.seen) | 0) > this.mask) this.seen = Atomics.load(this.control, TAIL);
    const at = (this.head & this.mask) * this.words;
    if (this.words > 64) this.data.set(record, at);
    else for (let i = 0; i < this.words; i++) this.data[at + i] = record[i]!;
    this.head = (this.head + 1) | 0;
    Atomics.store(this.control, HEAD, this.head);
  }

  /** Copies the next record out; spins while there is none. */
  take(record: Int32Array): void {
    while (this.tail === this.seen) this.seen = Atomics.load(this.control, HEAD);
    const at = (this.tail & this.mask) * this.words;
    if (this.words > 64) record.set(this.data.subarray(at, at + this.words));
    else for (let i = 0; i < this.words; i++) record[i] = this.data[at + i]!;
    this.tail = (this.tail + 1) | 0;
    Atomics.store(this.control, TAIL, this.tail);
  }
}
