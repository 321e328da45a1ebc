/**
 * The codec: records to bytes and back. PROTOCOL.md describes the bytes.
 *
 * Functions `encodeMsg`, `decodeMsg`, `peekMsg`. Neighbours: `msgclass.ts`, `record.ts`, `registry.ts` (versions), `glue/js/wire-buffer.ts`.
 * Invariant: bytes are not trusted. Each is read once, every length is checked before it is used, and a lie is an errno: -EINVAL for
 * what contradicts itself or the class, -EMSGSIZE for what does not fit or is cut off. Nothing here allocates.
 */
import { Errno, i32, u32, type long } from "@anax/portable";
import { WireBuffer } from "./glue/js/wire-buffer";
import { FieldKind, WIRE_HEADER, type MsgClass } from "./msgclass";
import { MsgRecord } from "./record";

/** A record is never longer. */
const WIRE_MAX: i32 = 0x7ffffff0;

/** Bytes that the record takes, or -EMSGSIZE when that is more than `limit`. */
export function wireSize(rec: MsgRecord, limit: i32): i32 {
  const cls = rec.cls;
  const most: i32 = limit < WIRE_MAX ? limit : WIRE_MAX;
  let size: i32 = (WIRE_HEADER + cls.fixed) | 0;
  if (cls.layout.blobs > 0) {
    const kinds = cls.layout.kinds;
    for (let i = 0; i < kinds.length; i++) {
      if (kinds[i] < FieldKind.BYTES) continue;
      const n = rec.lengthOf(i);
      if (n > ((most - size) | 0)) return -Errno.MSGSIZE;
      size = (size + n + 7) & -8;
    }
  }
  return size > most ? -Errno.MSGSIZE : size;
}

/**
 * Writes the record at `off` (a multiple of 8), using at most `limit` bytes. Returns the bytes written, a multiple of 8;
 * -EMSGSIZE when they do not fit; -EINVAL for a bad `off` or a header value out of range. Nothing is written on an error.
 */
export function encodeMsg(rec: MsgRecord, out: WireBuffer, off: i32, limit: i32): i32 {
  const room: i32 = (out.length - off) | 0;
  if (off < 0 || (off & 7) !== 0 || room < 0) return -Errno.INVAL;
  const size = wireSize(rec, limit < room ? limit : room);
  if (size < 0) return size;
  if ((rec.error | rec.flags) >>> 16 !== 0 || !MsgRecord.travels(rec.value)) return -Errno.INVAL;
  const cls = rec.cls;
  out.put32(off, cls.tag);
  out.put32((off + 4) | 0, size);
  out.put32((off + 8) | 0, rec.flags | (rec.error << 16));
  out.put32((off + 12) | 0, i32(rec.msgid));
  out.put32((off + 16) | 0, i32(rec.target));
  out.put32((off + 20) | 0, i32(rec.source));
  out.putLong((off + 24) | 0, rec.value);
  if (cls.fixed > 0) encodeBody(rec, cls, out, (off + WIRE_HEADER) | 0);
  return size;
}

function encodeBody(rec: MsgRecord, cls: MsgClass, out: WireBuffer, base: i32): void {
  const layout = cls.layout;
  if (layout.holes) for (let p: i32 = 0; p < cls.fixed; p = (p + 4) | 0) out.put32((base + p) | 0, 0);
  out.put32(base, cls.fixed);
  const plan = cls.plan;
  const slots = rec.slots;
  let blob: i32 = (base + cls.fixed) | 0;
  for (let i = 0; i < plan.length; i++) {
    const op = plan[i];
    const at: i32 = (base + (op >> 8)) | 0;
    switch (op & 0xff) {
      case FieldKind.I32:
      case FieldKind.U32:
        out.put32(at, i32(slots.get(i)));
        break;
      case FieldKind.LONG:
        out.putLong(at, slots.get(i));
        break;
      case FieldKind.U8:
      case FieldKind.BOOL:
        out.put8(at, i32(slots.get(i)));
        break;
      case FieldKind.U16:
        out.put16(at, i32(slots.get(i)));
        break;
      default: {
        const n = i32(slots.get(i));
        out.put32(at, n);
        const src = rec.buffers[i];
        if (src !== null) {
          const padded: i32 = (n + 7) & -8;
          // The last words first, so that the padding is zero and the copy goes over the rest.
          if (padded !== n) {
            out.put32((blob + padded - 8) | 0, 0);
            out.put32((blob + padded - 4) | 0, 0);
          }
          out.copyIn(blob, src, rec.starts[i], n);
          blob = (blob + padded) | 0;
        }
        break;
      }
    }
  }
}

/**
 * Looks at the record at `off` without decoding it. Returns its class number; -EMSGSIZE when fewer than `limit` bytes hold
 * it (cut off); -EINVAL when it is none. `wireLength` and `wireMajor` tell the rest.
 */
export function peekMsg(from: WireBuffer, off: i32, limit: i32): i32 {
  const size = wireLength(from, off, limit);
  if (size < 0) return size;
  const tag = from.get32(off);
  const number: i32 = tag & 0xffff;
  return number === 0 || ((tag >> 16) & 0xff) === 0 ? -Errno.INVAL : number;
}

/** Major version of the record at `off`, which `peekMsg` has accepted. */
export function wireMajor(from: WireBuffer, off: i32): i32 {
  return (from.get32(off) >> 16) & 0xff;
}

/** Length in bytes of the record at `off` (header, body, padding), or an error as `peekMsg`. */
export function wireLength(from: WireBuffer, off: i32, limit: i32): i32 {
  const room: i32 = (from.length - off) | 0;
  if (off < 0 || (off & 7) !== 0 || room < 0 || limit < 0) return -Errno.INVAL;
  const most = limit < room ? limit : room;
  if (most < WIRE_HEADER) return -Errno.MSGSIZE;
  const size = from.get32((off + 4) | 0);
  if (size < WIRE_HEADER || (size & 7) !== 0) return -Errno.INVAL;
  return size > most ? -Errno.MSGSIZE : size;
}

/**
 * Reads the record at `off`, of which at most `limit` bytes are there, into `rec`. Returns the bytes it takes;
 * -EMSGSIZE when it is cut off; -EPROTONOSUPPORT when its major version is not that of `rec` (see `MsgRegistry#decode`);
 * -EINVAL when it is of another class or contradicts itself. After an error `rec` holds nothing of use.
 * Blobs are lent from `from`: see `MsgRecord#copyOut` and `detach`.
 */
export function decodeMsg(rec: MsgRecord, from: WireBuffer, off: i32, limit: i32): i32 {
  const size = wireLength(from, off, limit);
  if (size < 0) return size;
  const cls = rec.cls;
  const tag = from.get32(off);
  if ((tag & 0xffff) !== cls.number) return -Errno.INVAL;
  if (((tag >> 16) & 0xff) !== cls.major) return -Errno.PROTONOSUPPORT;
  const minor: i32 = (tag >>> 24) | 0;
  const bits = from.get32((off + 8) | 0);
  const value: long = from.getLong((off + 24) | 0);
  if (!MsgRecord.travels(value)) return -Errno.INVAL;
  rec.minor = minor;
  rec.flags = bits & 0xffff;
  rec.error = (bits >> 16) & 0xffff;
  rec.msgid = u32(from.get32((off + 12) | 0));
  rec.target = u32(from.get32((off + 16) | 0));
  rec.source = u32(from.get32((off + 20) | 0));
  rec.value = value;
  const body: i32 = (size - WIRE_HEADER) | 0;
  let known = cls.count;
  let fixed: i32 = 0;
  if (minor <= cls.minor) {
    // This version is known: its fixed part has one size.
    fixed = cls.fixedByMinor[minor];
    known = cls.countByMinor[minor];
    if (body < fixed) return -Errno.INVAL;
    if (fixed > 0 && from.get32((off + WIRE_HEADER) | 0) !== fixed) return -Errno.INVAL;
  } else if (body > 0) {
    // A newer minor version: our fields, then others that are skipped.
    fixed = from.get32((off + WIRE_HEADER) | 0);
    if (fixed < cls.fixed || fixed < 8 || (fixed & 7) !== 0 || fixed > body) return -Errno.INVAL;
  } else if (cls.fixed > 0) return -Errno.INVAL;
  const error = decodeBody(rec, from, (off + WIRE_HEADER) | 0, fixed, known, body);
  if (error !== 0) return error;
  if (known < cls.count) rec.resetFields(known);
  return size;
}

function decodeBody(rec: MsgRecord, from: WireBuffer, base: i32, fixed: i32, known: i32, body: i32): i32 {
  const plan = rec.cls.plan;
  const slots = rec.slots;
  let blob = fixed;
  for (let i = 0; i < known; i++) {
    const op = plan[i];
    const at: i32 = (base + (op >> 8)) | 0;
    switch (op & 0xff) {
      case FieldKind.I32:
        slots.set(i, from.get32(at));
        break;
      case FieldKind.U32:
        slots.set(i, u32(from.get32(at)));
        break;
      case FieldKind.LONG: {
        const v = from.getLong(at);
        if (!MsgRecord.travels(v)) return -Errno.INVAL;
        slots.set(i, v);
        break;
      }
      case FieldKind.BOOL: {
        const v = from.get8(at);
        if (v > 1) return -Errno.INVAL;
        slots.set(i, v);
        break;
      }
      case FieldKind.U8:
        slots.set(i, from.get8(at));
        break;
      case FieldKind.U16:
        slots.set(i, from.get16(at));
        break;
      default: {
        const n = from.get32(at);
        if (n < 0 || n > ((body - blob) | 0)) return -Errno.INVAL;
        slots.set(i, n);
        rec.buffers[i] = n === 0 ? null : from.bytes;
        rec.starts[i] = (base + blob) | 0;
        blob = (blob + n + 7) & -8;
        break;
      }
    }
  }
  return 0;
}
