/**
 * A ring of bytes of fixed capacity.
 *
 * Key type `ByteRing`, owned by the object it is a field of (a tty's queues, a socket's buffer). Invariant: `count` bytes
 * from `head` on, wrapping at the capacity, are the content in order.
 */
import { copyBytes, kassert, type i32 } from "@anax/portable";

export class ByteRing {
  readonly bytes: Uint8Array;
  /** Index of the oldest byte. */
  head: i32 = 0;
  count: i32 = 0;

  /** `capacity` is a power of two. */
  constructor(readonly capacity: i32) {
    kassert(capacity > 0 && (capacity & (capacity - 1)) === 0, "byte ring: capacity is not a power of two");
    this.bytes = new Uint8Array(capacity);
  }

  get free(): i32 {
    return (this.capacity - this.count) | 0;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Appends one byte; there must be room. */
  push(c: i32): void {
    this.bytes[(this.head + this.count) & (this.capacity - 1)] = c & 0xff;
    this.count++;
  }

  /** Takes the oldest byte, or -1. */
  shift(): i32 {
    if (this.count === 0) return -1;
    const c: i32 = this.bytes[this.head];
    this.head = (this.head + 1) & (this.capacity - 1);
    this.count--;
    return c;
  }

  /** Takes the newest byte back, or -1. */
  pop(): i32 {
    if (this.count === 0) return -1;
    this.count--;
    return this.bytes[(this.head + this.count) & (this.capacity - 1)];
  }

  /** The byte `i` places behind the oldest. */
  at(i: i32): i32 {
    return this.bytes[(this.head + i) & (this.capacity - 1)];
  }

  /** Bytes that lie in one piece from `head` on. */
  get span(): i32 {
    const toEnd: i32 = (this.capacity - this.head) | 0;
    return this.count < toEnd ? this.count : toEnd;
  }

  /** Where the next byte goes, and how many fit there in one piece. */
  get tail(): i32 {
    return (this.head + this.count) & (this.capacity - 1);
  }

  get room(): i32 {
    const toEnd: i32 = (this.capacity - this.tail) | 0;
    const free = this.free;
    return free < toEnd ? free : toEnd;
  }

  /** `n` bytes at `head` were used up. An empty ring starts over at 0, so that bulk data stays in one piece. */
  drop(n: i32): void {
    kassert(n >= 0 && n <= this.count, "byte ring: dropped more than there is");
    this.count = (this.count - n) | 0;
    this.head = this.count === 0 ? 0 : (this.head + n) & (this.capacity - 1);
  }

  /** `n` bytes were written at `tail`. */
  fill(n: i32): void {
    kassert(n >= 0 && n <= this.free, "byte ring: filled more than fits");
    this.count = (this.count + n) | 0;
  }

  /** Appends what fits of `n` bytes; how many that was. */
  write(buf: Uint8Array, off: i32, n: i32): i32 {
    let done: i32 = 0;
    while (done < n) {
      const room = this.room;
      if (room === 0) break;
      const left: i32 = (n - done) | 0;
      const part: i32 = left < room ? left : room;
      copyBytes(this.bytes, this.tail, buf, (off + done) | 0, part);
      this.fill(part);
      done = (done + part) | 0;
    }
    return done;
  }

  /** Takes up to `n` bytes; how many there were. */
  read(buf: Uint8Array, off: i32, n: i32): i32 {
    let done: i32 = 0;
    while (done < n) {
      const span = this.span;
      if (span === 0) break;
      const left: i32 = (n - done) | 0;
      const part: i32 = left < span ? left : span;
      copyBytes(buf, (off + done) | 0, this.bytes, this.head, part);
      this.drop(part);
      done = (done + part) | 0;
    }
    return done;
  }

  clear(): void {
    this.head = 0;
    this.count = 0;
  }
}
