/**
 * Outlets: the sending side of a ring, with what waits while the ring is full.
 *
 * Key types `Outlet`, `Backlog` (encoded records in chunks of ordinary memory, first in first out). Neighbours: `ring.ts`, `link.ts`.
 * A full ring stalls nobody's thread: records wait in the backlog, and the consumer rings when half of the ring is left in use (a hysteresis as DragonFly's lwkt_ipiq.c has; the half that is left
 * is its work until the sender has woken up). The sender goes on to take what was sent to it, so two full rings empty each other.
 * Invariant: while the backlog holds anything, nothing goes to the ring past it.
 */
import { Errno } from "@anax/portable";
import { WireBuffer } from "../glue/js/wire-buffer";
import type { MsgRecord } from "../record";
import { encodeMsg, wireSize } from "../wire";
import { LwktError } from "./errors";
import type { RingWriter } from "./ring";

const CHUNK = 65536;
const NO_LIMIT = 0x7fffffff;

/** Encoded records that wait. */
export class Backlog {
  /** Bytes that wait. */
  bytes = 0;
  private chunks: WireBuffer[] = [];
  private readAt = 0;
  private writeAt = 0;

  push(rec: MsgRecord, size: number): void {
    let last = this.chunks.at(-1);
    if (last === undefined || last.length - this.writeAt < size) {
      last = new WireBuffer(new Uint8Array(Math.max(CHUNK, size + 8)));
      this.chunks.push(last);
      this.writeAt = 0;
    }
    const n = encodeMsg(rec, last, this.writeAt, last.length - this.writeAt);
    if (n < 0) throw new LwktError(-n);
    this.writeAt += n;
    this.bytes += n;
    // The end of a chunk is known by a record of length 0.
    if (this.writeAt + 8 <= last.length) last.put32(this.writeAt + 4, 0);
  }

  /** Moves to the ring what fits. True when nothing waits any more. */
  moveTo(ring: RingWriter): boolean {
    while (this.bytes > 0) {
      const chunk = this.chunks[0]!;
      const size = this.readAt + 8 <= chunk.length ? chunk.get32(this.readAt + 4) : 0;
      if (size === 0) {
        this.chunks.shift();
        this.readAt = 0;
        continue;
      }
      if (ring.room() < size && !ring.refill(size)) return false;
      ring.wire.bytes.set(chunk.bytes.subarray(this.readAt, this.readAt + size), ring.offset);
      ring.advance(size);
      this.readAt += size;
      this.bytes -= size;
    }
    this.clear();
    return true;
  }

  clear(): void {
    this.bytes = 0;
    this.chunks.length = 0;
    this.readAt = 0;
    this.writeAt = 0;
  }
}

/** Where a link puts records of one direction and kind. */
export class Outlet {
  readonly backlog = new Backlog();
  private waiters: (() => void)[] = [];
  private isClosed = false;

  constructor(readonly ring: RingWriter) {}

  get hasSpace(): boolean {
    return this.backlog.bytes === 0;
  }

  /** Whether `flush` would move something. */
  get canFlush(): boolean {
    return this.backlog.bytes > 0 && this.ring.spaceGiven;
  }

  /**
   * Puts a record into the ring, to be published, or behind what waits for it. False when the record is longer than the ring takes: it is the caller's to send by
   * another way.
   */
  put(rec: MsgRecord): boolean {
    const ring = this.ring;
    if (this.backlog.bytes === 0) {
      const n = encodeMsg(rec, ring.wire, ring.offset, ring.room());
      if (n > 0) {
        ring.advance(n);
        return true;
      }
      if (n !== -Errno.MSGSIZE) throw new LwktError(-n);
    }
    const size = wireSize(rec, NO_LIMIT);
    if (size < 0 || size > ring.longest) return false;
    if (this.backlog.bytes === 0 && ring.refill(size))
      ring.advance(encodeMsg(rec, ring.wire, ring.offset, ring.room()));
    else this.backlog.push(rec, size);
    return true;
  }

  /** Moves what waits. True when nothing waits; otherwise the consumer has been asked to ring. */
  flush(): boolean {
    if (this.backlog.bytes > 0) {
      do {
        const all = this.backlog.moveTo(this.ring);
        this.ring.publish();
        if (all) break;
      } while (!this.ring.wantSpace());
      if (this.backlog.bytes > 0) return false;
    }
    this.resume();
    return true;
  }

  /** Resolves when nothing waits. */
  ready(): Promise<void> {
    if (this.hasSpace || this.isClosed) return Promise.resolve();
    return new Promise((resolve) => void this.waiters.push(resolve));
  }

  /** Nobody reads any more: who waits for space goes on, and hears of that when he sends. */
  close(): void {
    this.isClosed = true;
    this.backlog.clear();
    this.resume();
  }

  /** Wakes who waits for space. */
  private resume(): void {
    if (this.waiters.length === 0) return;
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter();
  }
}
