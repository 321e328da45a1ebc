/**
 * How the values of a message go into a record and out of it, field by field.
 *
 * Key types `FieldPlan` (one field), `Codec` (those of a request or reply), `SideSink` and `SideData` (what a link does for fields beside the ring).
 * Neighbours: `schema.ts` (which makes plans of declarations), `../record.ts`, `compiled.ts` (which does the same faster for most messages).
 * Invariant: a value that does not fit its field is refused by an error that names it.
 */
import type { i32 } from "@anax/portable";
import type { MsgRecord } from "../record";
import { isBlock, type SharedBlock } from "./arena";
import { LwktError } from "./errors";
import type { Kind } from "./schema";

/** How a field travels; numbers, so that the loops switch on them. */
export const enum Op {
  INTEGER,
  BOOL,
  F64,
  BYTES,
  TEXT,
  JSON,
  VALUE,
  SHARED,
}

export const OPS: Readonly<Record<Kind, Op>> = {
  u8: Op.INTEGER,
  u16: Op.INTEGER,
  i32: Op.INTEGER,
  u32: Op.INTEGER,
  long: Op.INTEGER,
  f64: Op.F64,
  bool: Op.BOOL,
  bytes: Op.BYTES,
  text: Op.TEXT,
  json: Op.JSON,
  value: Op.VALUE,
  shared: Op.SHARED,
};

/** One field. Immutable. */
export class FieldPlan {
  constructor(
    readonly name: string,
    readonly op: Op,
    /** Id in the layout; f64 has the next one too. */
    readonly slot: i32,
    readonly least: number,
    readonly most: number,
    readonly kind: Kind,
    readonly initial: unknown,
  ) {}
}

/** Where the parts of a message go that travel beside the ring. */
export interface SideSink {
  /** Values that travel beside the ring, in the order of the fields. */
  readonly values: unknown[];
  /** Blocks that the message has. */
  readonly blocks: SharedBlock[];
}

/** What a codec needs of the link that a message goes over. */
export interface SideData extends SideSink {
  /** Takes a block from its owner here and returns the number under which the peer gets it. */
  lend(block: SharedBlock): number;
  /** The block with this number, which has come in. */
  blockOf(handle: number): SharedBlock;
}

type Fields = Record<string, unknown>;

const float = new Float64Array(1);
const floatWords = new Uint32Array(float.buffer);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const EMPTY = new Uint8Array(0);
/** The fields of a request or reply in order. */
export class Codec {
  /** `label` is what errors call the fields' owner. */
  constructor(
    readonly label: string,
    readonly plans: readonly FieldPlan[],
  ) {}

  /** The message with its JSON fields encoded: what turns itself into JSON is code of others, and runs before anything of the message is written. Throws EINVAL naming the field. */
  withJson(from: Fields): Fields {
    const fields = { ...from };
    for (const plan of this.plans)
      if (plan.op === Op.JSON) fields[plan.name] = new EncodedJson(this.encoded(plan, from[plan.name]));
    return fields;
  }

  /** Copies the fields of a message into a record. Bytes are lent, blocks are only looked at. Throws EINVAL naming the field. */
  store(from: Fields, rec: MsgRecord, side: SideSink | null): void {
    for (const plan of this.plans) this.storeOne(plan, from[plan.name], rec, side);
  }

  /** Hands over the blocks of a message that was stored and can be sent: after all that may refuse it. */
  lend(from: Fields, rec: MsgRecord, side: SideData): void {
    for (const { name, op, slot } of this.plans) {
      if (op !== Op.SHARED) continue;
      const block = from[name] as SharedBlock | null;
      rec.slots.set(slot, block === null ? 0 : side.lend(block));
    }
  }

  /** Copies the fields of a decoded record into a message; bytes are copied, with `reuse` into the array that is there if its length fits. */
  load(rec: MsgRecord, into: Fields, side: SideData | null, reuse: boolean): void {
    for (const plan of this.plans) into[plan.name] = this.loadOne(plan, rec, side, into[plan.name], reuse);
  }

  /** What errors call the fields that structured clone copies. */
  get valueNames(): string {
    const names = this.plans.filter((plan) => plan.op === Op.VALUE).map((plan) => `${this.label}.${plan.name}`);
    return names.join(" or ");
  }

  refuse(plan: FieldPlan, v: unknown): never {
    const shown = typeof v === "string" ? JSON.stringify(v) : String(v);
    throw new LwktError("EINVAL", `${this.label}.${plan.name}: ${shown} is no ${plan.kind}`);
  }

  /** The bytes of a text or JSON field. */
  encoded(plan: FieldPlan, v: unknown): Uint8Array {
    if (v instanceof EncodedJson) return v.bytes;
    const text = plan.op === Op.JSON ? jsonOf(v) : v;
    return typeof text === "string" ? encoder.encode(text) : this.refuse(plan, v);
  }

  /** The value of a text or JSON field with these bytes. */
  decoded(plan: FieldPlan, bytes: Uint8Array): unknown {
    if (plan.op === Op.TEXT) return decoder.decode(bytes);
    return bytes.length === 0 ? null : (JSON.parse(decoder.decode(bytes)) as unknown);
  }

  private storeOne(plan: FieldPlan, v: unknown, rec: MsgRecord, side: SideSink | null): void {
    const slot = plan.slot;
    switch (plan.op) {
      case Op.INTEGER:
        if (typeof v !== "number" || !(v >= plan.least && v <= plan.most) || Math.floor(v) !== v) this.refuse(plan, v);
        rec.slots.set(slot, v);
        break;
      case Op.BOOL:
        if (typeof v !== "boolean") this.refuse(plan, v);
        rec.slots.set(slot, v ? 1 : 0);
        break;
      case Op.F64:
        if (typeof v !== "number") this.refuse(plan, v);
        float[0] = v;
        rec.slots.set(slot, floatWords[0]!);
        rec.slots.set(slot + 1, floatWords[1]!);
        break;
      case Op.BYTES:
        if (!(v instanceof Uint8Array)) this.refuse(plan, v);
        lend(rec, slot, v);
        break;
      case Op.TEXT:
      case Op.JSON:
        lend(rec, slot, this.encoded(plan, v));
        break;
      case Op.VALUE:
        if (side === null) this.refuse(plan, v);
        side.values.push(v);
        break;
      default:
        if (v === null) return;
        if (side === null || !isBlock(v) || !v.isOwned || side.blocks.includes(v)) this.refuse(plan, v);
        side.blocks.push(v);
    }
  }

  /** The value of a field. `old` is what the message has there; with `reuse` its memory is used again. */
  private loadOne(plan: FieldPlan, rec: MsgRecord, side: SideData | null, old: unknown, reuse: boolean): unknown {
    const slot = plan.slot;
    switch (plan.op) {
      case Op.INTEGER:
        return rec.slots.get(slot);
      case Op.BOOL:
        return rec.slots.get(slot) === 1;
      case Op.F64:
        floatWords[0] = rec.slots.get(slot);
        floatWords[1] = rec.slots.get(slot + 1);
        return float[0];
      case Op.BYTES:
        return copied(rec, slot, reuse ? (old as Uint8Array) : EMPTY);
      case Op.TEXT:
      case Op.JSON:
        return this.decoded(plan, copied(rec, slot, EMPTY));
      case Op.VALUE:
        return side === null ? null : side.values.shift();
      default:
        return side === null || rec.slots.get(slot) === 0 ? null : side.blockOf(rec.slots.get(slot));
    }
  }
}

/** A JSON field that `withJson` has encoded. */
class EncodedJson {
  constructor(readonly bytes: Uint8Array) {}
}

/** undefined for what JSON cannot say: functions, cycles, a BigInt. */
function jsonOf(v: unknown): string | undefined {
  try {
    return JSON.stringify(v ?? null) as string | undefined;
  } catch {
    return undefined;
  }
}

function lend(rec: MsgRecord, slot: i32, bytes: Uint8Array): void {
  rec.slots.set(slot, bytes.length);
  rec.buffers[slot] = bytes.length === 0 ? null : bytes;
  rec.starts[slot] = 0;
}

/** The bytes of a field in memory of their own: that of `old` when their number is the same. */
function copied(rec: MsgRecord, slot: i32, old: Uint8Array): Uint8Array {
  const n = rec.slots.get(slot);
  const src = rec.buffers[slot];
  if (n === 0 || src === null || src === undefined) return EMPTY;
  const start = rec.starts[slot]!;
  if (old.length !== n) return src.slice(start, start + n);
  old.set(src.subarray(start, start + n));
  return old;
}
