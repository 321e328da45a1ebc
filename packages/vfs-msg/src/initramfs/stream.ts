/**
 * Streams of archive bytes: the plain source, and a gzip member of it.
 *
 * Key types `ByteStream`, `PlainStream`, `GzipStream`. Neighbours: `inflate.ts`, `unpack.ts`.
 * Invariant: after an error `error` says what is wrong, and nothing more is read. Source: RFC 1952.
 */
import { getU16, getU32, i32, u32, type long } from "@anax/portable";
import { Crc32 } from "./crc32";
import { INFLATE_BAD_DISTANCE, INFLATE_TRUNCATED, Inflater } from "./inflate";
import type { ByteSource } from "./source";

/** What `ByteStream#read` answers when the stream is broken. */
export const STREAM_BROKEN: i32 = -1;

/** Bytes one after another. Owned by the unpacker. */
export abstract class ByteStream {
  /** Bytes given so far, or for a plain source the offset in it. */
  offset: long = 0;
  error: string = "";

  /** Fills `buf` with the next `n` bytes: how many there were (fewer only at the end), or STREAM_BROKEN. */
  abstract read(buf: Uint8Array, off: i32, n: i32): i32;

  /** The next `n` bytes straight to physical memory. False when the stream cannot; nothing was read then. */
  toPhys(_pa: long, _n: i32): boolean {
    return false;
  }
}

/** The source itself. */
export class PlainStream extends ByteStream {
  constructor(
    private readonly source: ByteSource,
    offset: long,
  ) {
    super();
    this.offset = offset;
  }

  read(buf: Uint8Array, off: i32, n: i32): i32 {
    const left: long = this.source.size - this.offset;
    const most: i32 = left < n ? i32(left) : n;
    if (most <= 0) return 0;
    this.source.read(this.offset, buf, off, most);
    this.offset = this.offset + most;
    return most;
  }

  override toPhys(pa: long, n: i32): boolean {
    if (this.source.size - this.offset < n) return false;
    if (!this.source.toPhys(this.offset, pa, n)) return false;
    this.offset = this.offset + n;
    return true;
  }
}

const FHCRC: i32 = 2;
const FEXTRA: i32 = 4;
const FNAME: i32 = 8;
const FCOMMENT: i32 = 16;

/** One gzip member. Reused for the next one by `start`. */
export class GzipStream extends ByteStream {
  private readonly inflater: Inflater;
  private readonly crc: Crc32 = new Crc32();
  private readonly small: Uint8Array = new Uint8Array(16);
  private checked: boolean = false;
  /** Offset in the source behind the member, once it was read to its end. */
  end: long = 0;

  constructor(private readonly source: ByteSource) {
    super();
    this.inflater = new Inflater(source);
  }

  /** Begins a member at `at`. False with `error` set when its header is broken. */
  start(at: long): boolean {
    this.offset = 0;
    this.error = "";
    this.checked = false;
    this.crc.reset();
    const h = this.small;
    if (!this.peek(at, 10)) return this.broken("the gzip header is cut off");
    if (h[2] !== 8) return this.broken("unknown gzip compression method");
    const flags: i32 = h[3];
    if ((flags & 0xe0) !== 0) return this.broken("reserved gzip flags are set");
    let pos: long = at + 10;
    if ((flags & FEXTRA) !== 0) {
      if (!this.peek(pos, 2)) return this.broken("the gzip header is cut off");
      pos = pos + 2 + getU16(h, 0);
    }
    if ((flags & FNAME) !== 0) pos = this.skipText(pos);
    if ((flags & FCOMMENT) !== 0 && pos >= 0) pos = this.skipText(pos);
    if (pos < 0) return this.broken("the gzip header is cut off");
    if ((flags & FHCRC) !== 0) pos = pos + 2;
    this.inflater.start(pos);
    return true;
  }

  read(buf: Uint8Array, off: i32, n: i32): i32 {
    if (this.error.length > 0) return STREAM_BROKEN;
    const got = this.inflater.read(buf, off, n);
    if (got < 0) {
      if (got === INFLATE_TRUNCATED) this.error = "the gzip data is cut off";
      else if (got === INFLATE_BAD_DISTANCE) this.error = "the gzip data is broken (distance too far back)";
      else this.error = "the gzip data is broken (invalid code)";
      return STREAM_BROKEN;
    }
    this.crc.update(buf, off, got);
    this.offset = this.offset + got;
    if (got < n && !this.checked) {
      this.checked = true;
      const at = this.inflater.position;
      this.end = at + 8;
      if (!this.peek(at, 8)) this.broken("the gzip trailer is cut off");
      else if (getU32(this.small, 0) !== this.crc.value) this.broken("the gzip checksum does not match");
      else if (getU32(this.small, 4) !== u32(this.offset)) this.broken("the gzip length does not match");
      if (this.error.length > 0) return STREAM_BROKEN;
    }
    return got;
  }

  private broken(what: string): boolean {
    this.error = what;
    return false;
  }

  private peek(at: long, n: i32): boolean {
    if (at + n > this.source.size) return false;
    this.source.read(at, this.small, 0, n);
    return true;
  }

  /** Behind the NUL of a text, or -1. */
  private skipText(at: long): long {
    for (let pos: long = at; pos < this.source.size; pos = pos + 1) {
      this.source.read(pos, this.small, 0, 1);
      if (this.small[0] === 0) return pos + 1;
    }
    return -1;
  }
}
