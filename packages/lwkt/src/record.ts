/**
 * Records: the values of one message in a form that the codec, a proxy and a translator can walk.
 *
 * Key type `MsgRecord`; neighbours `msgclass.ts` (the declaration), `wire.ts` (the codec). A record is allocated once and
 * used again for every message of its class. Owned by who encodes or decodes; not shared.
 * Invariant: every scalar is within the range of its kind.
 */
import { copyBytes, i32, kassert, longOf, LongArray, stringOf, toLong, u32, type long } from "@anax/portable";
import { FieldKind, fieldMax, fieldMin, isBlobKind, type MsgClass } from "./msgclass";

/** It is a reply: `value` is the result and `error` an errno; the body may carry what the class returns. */
export const WIREF_REPLY: i32 = 0x1;
/** No reply is wanted. */
export const WIREF_ONEWAY: i32 = 0x2;
/** To the port's priority queue. */
export const WIREF_PRIORITY: i32 = 0x4;
/** The sender may ask for an abort. */
export const WIREF_ABORTABLE: i32 = 0x8;
/** Asks the target to abort the message `msgid`; the body is empty. */
export const WIREF_ABORT: i32 = 0x10;
/** The receiver may drop it before it is handled, without a reply. */
export const WIREF_DROPABLE: i32 = 0x20;
/** Bits 8 to 15 are free for the transport; the codec carries them. */
export const WIREF_TRANSPORT: i32 = 0xff00;

/** Header and fields of one message. */
export class MsgRecord {
  /** WIREF_*, 16 bits. */
  flags: i32 = 0;
  /** 0 or a positive errno up to 65535. */
  error: i32 = 0;
  /** Chosen by the sender, repeated in the reply. */
  msgid: u32 = 0;
  /** Where it goes, and where the reply goes. */
  target: u32 = 0;
  source: u32 = 0;
  /** In a request the operation (`Msg#cmd`), in a reply the result. -(2^53-1) to 2^53-1. */
  value: long = 0;
  /** Minor version of the sender after a decode. */
  minor: i32;
  /** Scalars by field id; a blob's length in bytes. For the codec: others go through `get` and `set`. */
  readonly slots: LongArray;
  readonly buffers: Array<Uint8Array | null> = [];
  readonly starts: i32[] = [];
  private readonly least: LongArray;
  private readonly most: LongArray;

  constructor(readonly cls: MsgClass) {
    this.minor = cls.minor;
    this.slots = new LongArray(cls.count);
    this.least = new LongArray(cls.count);
    this.most = new LongArray(cls.count);
    for (let i = 0; i < cls.count; i++) {
      const f = cls.layout.fields[i];
      this.slots.set(i, f.initial);
      this.buffers.push(null);
      this.starts.push(0);
      this.least.set(i, fieldMin(f.kind));
      this.most.set(i, fieldMax(f.kind));
    }
  }

  /** Header and fields as in a new record. */
  reset(): void {
    this.flags = 0;
    this.error = 0;
    this.msgid = 0;
    this.target = 0;
    this.source = 0;
    this.value = 0;
    this.minor = this.cls.minor;
    this.resetFields(0);
  }

  /** Gives the fields from id `first` on their initial values. */
  resetFields(first: i32): void {
    for (let i = first; i < this.slots.length; i++) {
      this.slots.set(i, this.cls.layout.fields[i].initial);
      this.buffers[i] = null;
      this.starts[i] = 0;
    }
  }

  /** The value of a scalar; the length of a blob. */
  get(id: i32): long {
    return this.slots.get(id);
  }

  /** The value of a scalar of at most 32 bits. */
  getI32(id: i32): i32 {
    return i32(this.slots.get(id));
  }

  /** Sets a scalar. Panics when it is out of the range of its kind, or the field is a blob. */
  set(id: i32, v: long): void {
    kassert(v >= this.least.get(id) && v <= this.most.get(id), "record: value out of range");
    kassert(!isBlobKind(this.cls.layout.kinds[id]), "record: not a scalar");
    this.slots.set(id, v);
  }

  /** Lends `n` bytes of `buf` at `off` to the field until the record is encoded. Panics when they are not inside. */
  setBytes(id: i32, buf: Uint8Array, off: i32, n: i32): void {
    kassert(isBlobKind(this.cls.layout.kinds[id]), "record: not a blob");
    kassert(off >= 0 && n >= 0 && off <= buf.length && n <= ((buf.length - off) | 0), "record: bytes out of bounds");
    this.buffers[id] = n === 0 ? null : buf;
    this.starts[id] = off;
    this.slots.set(id, toLong(n));
  }

  /** Length of a blob in bytes. */
  lengthOf(id: i32): i32 {
    return i32(this.slots.get(id));
  }

  /**
   * Copies up to `most` bytes of a blob, from its byte `from` on, to `dst` at `off`. Returns how many.
   * After a decode the bytes are those of the buffer that was decoded and must be taken before its space is given back.
   */
  copyOut(id: i32, from: i32, dst: Uint8Array, off: i32, most: i32): i32 {
    const src = this.buffers[id];
    const length = this.lengthOf(id);
    if (src === null || from < 0 || from >= length || most <= 0) return 0;
    const left: i32 = (length - from) | 0;
    const n = left < most ? left : most;
    copyBytes(dst, off, src, (this.starts[id] + from) | 0, n);
    return n;
  }

  /** A blob as a string of one code unit per byte. Not for hot paths. */
  textOf(id: i32): string {
    const src = this.buffers[id];
    return src === null ? "" : stringOf(src, this.starts[id], this.lengthOf(id));
  }

  /** Moves blobs into memory of the record's own, so that the decoded buffer may be given back. Allocates. */
  detach(): void {
    for (let i = 0; i < this.buffers.length; i++) {
      const src = this.buffers[i];
      if (src === null) continue;
      const n = this.lengthOf(i);
      const own = new Uint8Array(n);
      copyBytes(own, 0, src, this.starts[i], n);
      this.buffers[i] = own;
      this.starts[i] = 0;
    }
  }

  /** Takes over what a translator usually keeps: the header. */
  copyHeader(from: MsgRecord): void {
    this.flags = from.flags;
    this.error = from.error;
    this.msgid = from.msgid;
    this.target = from.target;
    this.source = from.source;
    this.value = from.value;
  }

  /** Takes over field `fromId` of another record. The kinds must agree, else a panic. */
  copyField(id: i32, from: MsgRecord, fromId: i32): void {
    kassert(this.cls.layout.kinds[id] === from.cls.layout.kinds[fromId], "record: kinds differ");
    this.slots.set(id, from.slots.get(fromId));
    this.buffers[id] = from.buffers[fromId];
    this.starts[id] = from.starts[fromId];
  }

  /** Whether `v` may travel: the codec's range of LONG. */
  static travels(v: long): boolean {
    return v >= longOf(-0x200000, 1) && v <= longOf(0x1fffff, 0xffffffff);
  }

  /** A field as the kind's name says, for dumps. */
  kindOf(id: i32): FieldKind {
    return this.cls.layout.fields[id].kind;
  }
}
