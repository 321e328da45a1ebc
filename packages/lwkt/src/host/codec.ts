/**
 * How the values of a message go into a record and out of it.
 *
 * Key types `FieldPlan` (one field), `Codec` (those of a request or reply), `SideData` (what a link does for fields beside the ring).
 * Neighbours: `schema.ts` (which makes plans of declarations), `../record.ts`. Where the host allows code from text, the two loops are unrolled into functions of their own for each
 * class, because an access by a computed name costs ten of one by a known name; a page whose Content Security Policy forbids it gets the loops.
 * Invariant: both forms do the same, which the tests compare; names go into code only as JSON.
 */
import type { i32 } from "@anax/portable";
import type { MsgRecord } from "../record";
import { SharedBlock } from "./arena";
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

/** What a codec needs of the link that a message goes over. */
export interface SideData {
  /** Values that travel beside the ring, in the order of the fields. */
  readonly values: unknown[];
  /** The block with this number, which has come in. */
  blockOf(handle: number): SharedBlock;
  /** Takes a block from its owner here and returns the number under which the peer gets it. */
  lend(block: SharedBlock): number;
}

type Fields = Record<string, unknown>;
type Store = (codec: Codec, from: Fields, rec: MsgRecord, side: SideData | null) => void;
type Load = (codec: Codec, rec: MsgRecord, into: Fields, side: SideData | null, reuse: boolean) => void;

const float = new Float64Array(1);
const floatWords = new Uint32Array(float.buffer);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const EMPTY = new Uint8Array(0);
/** Up to so many bytes are copied one by one, or by words: calls of built-ins, and the views they need, cost more. */
const SHORT = 32;
const LONG = 256;

/** The fields of a request or reply in order. */
export class Codec {
  private readonly storeAll: Store;
  private readonly loadAll: Load;

  /** `label` is what errors call the fields' owner. `compiled` false: loops, whatever the host allows. */
  constructor(
    readonly label: string,
    readonly plans: readonly FieldPlan[],
    compiled = true,
  ) {
    this.storeAll = (compiled ? compile<Store>("codec, from, rec, side", storeCode(plans)) : null) ?? storeLoop;
    this.loadAll = (compiled ? compile<Load>("codec, rec, into, side, reuse", loadCode(plans)) : null) ?? loadLoop;
  }

  /** Copies the fields of a message into a record. Bytes are lent. Throws EINVAL naming the field. */
  store(from: Fields, rec: MsgRecord, side: SideData | null): void {
    this.storeAll(this, from, rec, side);
  }

  /** Copies the fields of a decoded record into a message; bytes are copied, with `reuse` into the array that is there if its length fits. */
  load(rec: MsgRecord, into: Fields, side: SideData | null, reuse: boolean): void {
    this.loadAll(this, rec, into, side, reuse);
  }

  refuse(plan: FieldPlan, v: unknown): never {
    const shown = typeof v === "string" ? JSON.stringify(v) : String(v);
    throw new LwktError("EINVAL", `${this.label}.${plan.name}: ${shown} is no ${plan.kind}`);
  }

  storeOne(plan: FieldPlan, v: unknown, rec: MsgRecord, side: SideData | null): void {
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
        if (typeof v !== "string") this.refuse(plan, v);
        lend(rec, slot, encoder.encode(v));
        break;
      case Op.JSON: {
        const text = jsonOf(v);
        if (text === undefined) this.refuse(plan, v);
        lend(rec, slot, encoder.encode(text));
        break;
      }
      case Op.VALUE:
        if (side === null) this.refuse(plan, v);
        side.values.push(v);
        break;
      default:
        if (v === null) rec.slots.set(slot, 0);
        else if (side === null || !(v instanceof SharedBlock) || !v.isOwned) this.refuse(plan, v);
        else rec.slots.set(slot, side.lend(v));
    }
  }

  private refill(rec: MsgRecord, slot: i32, old: Reused): Uint8Array {
    const bytes = copied(rec, slot, old);
    return bytes === old || old.length === bytes.length ? bytes : reusable(bytes);
  }

  /** The value of a field. `old` is what the message has there; with `reuse` its memory is used again. */
  loadOne(plan: FieldPlan, rec: MsgRecord, side: SideData | null, old: unknown, reuse: boolean): unknown {
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
        return reuse ? this.refill(rec, slot, old as Reused) : copied(rec, slot, EMPTY);
      case Op.TEXT:
        return decoder.decode(copied(rec, slot, EMPTY));
      case Op.JSON:
        return rec.slots.get(slot) === 0 ? null : (JSON.parse(decoder.decode(copied(rec, slot, EMPTY))) as unknown);
      case Op.VALUE:
        return side === null ? null : side.values.shift();
      default:
        return side === null || rec.slots.get(slot) === 0 ? null : side.blockOf(rec.slots.get(slot));
    }
  }
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

/** The same memory as words; kept, because a view costs more than the copy of a short field. */
const wordsOf = new WeakMap<Uint8Array, Int32Array>();
let lastBytes: Uint8Array = EMPTY;
let lastWords: Int32Array = new Int32Array(0);

function sourceWords(bytes: Uint8Array): Int32Array {
  if (bytes !== lastBytes) {
    let words = wordsOf.get(bytes);
    if (words === undefined) {
      words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
      wordsOf.set(bytes, words);
    }
    lastBytes = bytes;
    lastWords = words;
  }
  return lastWords;
}

/** An array that is filled again and again has its words beside it. */
interface Reused extends Uint8Array {
  words?: Int32Array;
}

function copied(rec: MsgRecord, slot: i32, old: Reused): Uint8Array {
  const n = rec.slots.get(slot);
  const src = rec.buffers[slot];
  if (n === 0 || src === null || src === undefined) return EMPTY;
  const start = rec.starts[slot]!;
  if (n > LONG) {
    if (old.length !== n) return src.slice(start, start + n);
    old.set(src.subarray(start, start + n));
    return old;
  }
  if (old.length !== n || old.words === undefined)
    return n > SHORT ? src.slice(start, start + n) : copyShort(src, start, n);
  // Blobs begin at a multiple of 8 and are padded to one.
  const from = sourceWords(src);
  const to = old.words;
  const at = start >> 2;
  for (let i = 0; i < to.length; i++) to[i] = from[at + i]!;
  for (let i = to.length << 2; i < n; i++) old[i] = src[start + i]!;
  return old;
}

function copyShort(src: Uint8Array, start: number, n: number): Uint8Array {
  const own = new Uint8Array(n);
  for (let i = 0; i < n; i++) own[i] = src[start + i]!;
  return own;
}

/** A copy of short bytes that will be filled again. */
function reusable(bytes: Uint8Array): Uint8Array {
  if (bytes.length > LONG || bytes.length === 0) return bytes;
  const own: Reused = new Uint8Array(bytes.length);
  own.set(bytes);
  own.words = new Int32Array(own.buffer, 0, own.length >> 2);
  return own;
}

function storeLoop(codec: Codec, from: Fields, rec: MsgRecord, side: SideData | null): void {
  for (const plan of codec.plans) codec.storeOne(plan, from[plan.name], rec, side);
}

function loadLoop(codec: Codec, rec: MsgRecord, into: Fields, side: SideData | null, reuse: boolean): void {
  for (const plan of codec.plans) into[plan.name] = codec.loadOne(plan, rec, side, into[plan.name], reuse);
}

/** A function of source text; null where the host forbids it. */
function compile<T>(parameters: string, body: string): T | null {
  try {
    return new Function(...parameters.split(", "), body) as T;
  } catch {
    return null;
  }
}

/** What gives a new message its fields in order, with these values. */
export function initializer(initial: readonly (readonly [name: string, value: unknown])[]): (into: Fields) => void {
  const lines = initial.map(([name], i) => `into[${JSON.stringify(name)}] = values[${i}][1];`);
  const compiled = compile<(into: Fields, values: typeof initial) => void>("into, values", lines.join(" "));
  if (compiled !== null) return (into) => compiled(into, initial);
  return (into) => {
    for (const [name, value] of initial) into[name] = value;
  };
}

/** When `v` is an integer of the kind, in code. */
function fits(kind: Kind): string {
  switch (kind) {
    case "i32":
      return "(v | 0) === v";
    case "u32":
      return "(v >>> 0) === v";
    case "u16":
      return "(v & 0xffff) === v";
    case "u8":
      return "(v & 0xff) === v";
    default:
      return "Number.isSafeInteger(v)";
  }
}

/** `storeLoop` for these fields. */
function storeCode(plans: readonly FieldPlan[]): string {
  const lines = plans.map((plan, i) => {
    const value = `v = from[${JSON.stringify(plan.name)}];`;
    if (plan.op === Op.BYTES) {
      const lent = `slots.set(${plan.slot}, v.length); rec.buffers[${plan.slot}] = v.length === 0 ? null : v; rec.starts[${plan.slot}] = 0;`;
      return `${value} if (v instanceof Uint8Array) { ${lent} } else codec.refuse(plans[${i}], v);`;
    }
    if (plan.op !== Op.INTEGER) return `${value} codec.storeOne(plans[${i}], v, rec, side);`;
    return `${value} if (typeof v === "number" && ${fits(plan.kind)}) slots.set(${plan.slot}, v); else codec.refuse(plans[${i}], v);`;
  });
  return `"use strict"; const slots = rec.slots, plans = codec.plans; let v; ${lines.join(" ")}`;
}

/** `loadLoop` for these fields. */
function loadCode(plans: readonly FieldPlan[]): string {
  const lines = plans.map((plan, i) => {
    const place = `into[${JSON.stringify(plan.name)}]`;
    if (plan.kind === "i32" || plan.kind === "u16" || plan.kind === "u8")
      return `${place} = slots.get(${plan.slot}) | 0;`;
    if (plan.op === Op.INTEGER) return `${place} = slots.get(${plan.slot});`;
    if (plan.op === Op.BOOL) return `${place} = slots.get(${plan.slot}) === 1;`;
    return `${place} = codec.loadOne(plans[${i}], rec, side, ${place}, reuse);`;
  });
  return `"use strict"; const slots = rec.slots, plans = codec.plans; ${lines.join(" ")}`;
}
