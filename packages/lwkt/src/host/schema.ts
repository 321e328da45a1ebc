/**
 * Declarations of message fields for ordinary TypeScript: from names and kinds to a `MsgLayout` of the core, its codec, and types.
 *
 * Key types `Fields` (what a user declares), `Values` (what a message then has), `Schema` (layout and how values go in and out of a
 * record). Neighbours: `message.ts`; `../msgclass.ts` and `../wire.ts` say how it travels. Kinds that the core does not have are made of those it
 * has: f64 is two u32, json is text, value and shared travel beside the ring.
 * Invariant: a value that does not fit its field is refused before anything is written, by an error that names the field.
 */
import type { i32 } from "@anax/portable";
import { FieldKind, MsgClass, MsgLayout, fieldMax, fieldMin } from "../msgclass";
import { MsgRecord } from "../record";
import type { SharedBlock } from "./arena";
import { LwktError } from "./errors";

/** What each kind of field is in TypeScript. */
export interface KindTypes {
  u8: number;
  u16: number;
  i32: number;
  u32: number;
  /** An integer within +-(2^53 - 1). */
  long: number;
  /** Any number. */
  f64: number;
  bool: boolean;
  bytes: Uint8Array;
  text: string;
  /** What JSON can say. */
  json: unknown;
  /** What structured clone can copy. Goes by postMessage beside the ring, in order; buffers may be moved with `transfer`. */
  value: unknown;
  /** A block of a `SharedArena`: only its number travels, and who gets it owns it. */
  shared: SharedBlock;
}

export type Kind = keyof KindTypes;

/** A field with more to say than its kind. */
export interface FieldSpec<K extends Kind = Kind, T = unknown> {
  readonly kind: K;
  /** Minor version of the class that the field came with; 0 when not given. */
  readonly since?: number;
  /** What an older peer's message has here: 0, false, empty when not given. Scalars only. */
  readonly initial?: number;
  readonly doc?: string;
  /** Only a type: what `json` and `value` fields hold. */
  readonly type?: T;
}

export type Field = Kind | FieldSpec;
export type Fields = Readonly<Record<string, Field>>;

type ValueOf<F> = F extends Kind
  ? KindTypes[F]
  : F extends FieldSpec<infer K, infer T>
    ? unknown extends T
      ? KindTypes[K]
      : T
    : never;

/** The values of declared fields. */
export type Values<F extends Fields> = { -readonly [K in keyof F]: ValueOf<F[K]> };

/** A `json` field with a type: `json<{ id: string }[]>()`. The type is the programmer's word, not checked at run time. */
export function json<T>(options: Omit<FieldSpec, "kind" | "type" | "initial"> = {}): FieldSpec<"json", T> {
  return { ...options, kind: "json" };
}

/** A `value` field with a type: `value<ImageBitmap>()`. */
export function value<T>(options: Omit<FieldSpec, "kind" | "type" | "initial"> = {}): FieldSpec<"value", T> {
  return { ...options, kind: "value" };
}

const CORE_KIND: Readonly<Record<Kind, FieldKind>> = {
  u8: FieldKind.U8,
  u16: FieldKind.U16,
  i32: FieldKind.I32,
  u32: FieldKind.U32,
  long: FieldKind.LONG,
  f64: FieldKind.U32,
  bool: FieldKind.BOOL,
  bytes: FieldKind.BYTES,
  text: FieldKind.TEXT,
  json: FieldKind.TEXT,
  value: FieldKind.U8,
  shared: FieldKind.LONG,
};

/** How a field goes in and out of a record; numbers, so that the loops below switch on them. */
const enum Op {
  INTEGER,
  BOOL,
  F64,
  BYTES,
  TEXT,
  JSON,
  VALUE,
  SHARED,
}

const OPS: Readonly<Record<Kind, Op>> = {
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

class FieldPlan {
  constructor(
    readonly name: string,
    readonly op: Op,
    /** Id in the layout. */
    readonly slot: i32,
    readonly least: number,
    readonly most: number,
    readonly kind: Kind,
    readonly initial: unknown,
  ) {}
}

/** What a schema needs of the link that a message goes over. */
export interface SideData {
  /** Values that travel beside the ring, in the order of the fields. */
  readonly values: unknown[];
  /** The blocks of an arena by number: made from what the peer has announced. */
  blockOf(handle: number): SharedBlock;
  /** Takes a block from its owner here and returns the number under which the peer gets it. */
  lend(block: SharedBlock): number;
}

const float = new Float64Array(1);
const floatWords = new Uint32Array(float.buffer);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const EMPTY = new Uint8Array(0);

function initialOf(kind: Kind, spec: FieldSpec | null): unknown {
  switch (kind) {
    case "bool":
      return spec?.initial === 1;
    case "bytes":
      return EMPTY;
    case "text":
      return "";
    case "json":
    case "value":
    case "shared":
      return null;
    default:
      return spec?.initial ?? 0;
  }
}

/** The fields of a request or of a reply, ready for use. Immutable but for the record, which is scratch space of one call. */
export class Schema {
  readonly plans: readonly FieldPlan[];
  readonly record: MsgRecord;
  /** Whether messages have parts that travel beside the ring. */
  readonly hasSide: boolean;
  readonly names: readonly string[];
  private scratch: Uint8Array = new Uint8Array(256);

  /** Throws EINVAL naming the field for a bad declaration. `label` is "Add.request". */
  constructor(
    readonly label: string,
    readonly cls: MsgClass,
    plans: FieldPlan[],
  ) {
    this.plans = plans;
    this.names = plans.map((p) => p.name);
    this.hasSide = plans.some((p) => p.op === Op.VALUE || p.op === Op.SHARED);
    this.record = new MsgRecord(cls);
  }

  static of(label: string, number: number, major: number, minor: number, fields: Fields): Schema {
    const layout = new MsgLayout();
    const plans: FieldPlan[] = [];
    let id = 0;
    let newest = 0;
    for (const [name, field] of Object.entries(fields)) {
      const spec = typeof field === "string" ? null : (field as FieldSpec);
      const kind = spec === null ? (field as Kind) : spec.kind;
      const where = `${label}.${name}`;
      if (!Object.hasOwn(CORE_KIND, kind)) throw new LwktError("EINVAL", `${where}: no kind "${String(kind)}"`);
      const core = CORE_KIND[kind];
      const since = spec?.since ?? 0;
      const initial = spec?.initial ?? 0;
      if (!Number.isInteger(since) || since < newest || since > minor)
        throw new LwktError(
          "EINVAL",
          `${where}: since ${since} is not between ${newest} (the field before) and ${minor} (the class)`,
        );
      newest = since;
      if (
        initial !== 0 &&
        (OPS[kind] > Op.BOOL || !(Number.isInteger(initial) && initial >= fieldMin(core) && initial <= fieldMax(core)))
      )
        throw new LwktError("EINVAL", `${where}: ${initial} cannot be the initial value of ${kind}`);
      plans.push(new FieldPlan(name, OPS[kind], id, fieldMin(core), fieldMax(core), kind, initialOf(kind, spec)));
      layout.field(id, name, core, since, initial, spec?.doc ?? "");
      id++;
      if (kind === "f64") layout.field(id++, `${name}.high`, core, since, 0, "upper half");
    }
    return new Schema(label, new MsgClass(number, label, major, minor, layout), plans);
  }

  private refuse(plan: FieldPlan, v: unknown): never {
    const shown = typeof v === "string" ? JSON.stringify(v) : String(v);
    throw new LwktError("EINVAL", `${this.label}.${plan.name}: ${shown} is no ${plan.kind}`);
  }

  /** Copies the fields of a message into the record. Throws EINVAL naming the field. `side` is where `value` and `shared` fields go. */
  store(from: Record<string, unknown>, side: SideData | null): MsgRecord {
    const rec = this.record;
    const slots = rec.slots;
    const plans = this.plans;
    for (let i = 0; i < plans.length; i++) {
      const plan = plans[i]!;
      const v = from[plan.name];
      const slot = plan.slot;
      switch (plan.op) {
        case Op.INTEGER:
          if (typeof v !== "number" || !(v >= plan.least && v <= plan.most) || Math.floor(v) !== v)
            this.refuse(plan, v);
          slots.set(slot, v);
          break;
        case Op.BYTES:
          if (!(v instanceof Uint8Array)) this.refuse(plan, v);
          slots.set(slot, v.length);
          rec.buffers[slot] = v.length === 0 ? null : v;
          rec.starts[slot] = 0;
          break;
        default:
          this.storeRare(plan, v, rec, side);
      }
    }
    return rec;
  }

  private storeRare(plan: FieldPlan, v: unknown, rec: MsgRecord, side: SideData | null): void {
    const slot = plan.slot;
    switch (plan.op) {
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
      case Op.TEXT:
        if (typeof v !== "string") this.refuse(plan, v);
        this.storeText(slot, v, rec);
        break;
      case Op.JSON: {
        const text = JSON.stringify(v ?? null) as string | undefined;
        if (text === undefined) this.refuse(plan, v);
        this.storeText(slot, text, rec);
        break;
      }
      case Op.VALUE:
        if (side === null) this.refuse(plan, v);
        side.values.push(v);
        rec.slots.set(slot, 0);
        break;
      default:
        if (side === null || v === null || typeof v !== "object") this.refuse(plan, v);
        rec.slots.set(slot, side.lend(v as SharedBlock));
    }
  }

  private storeText(slot: i32, text: string, rec: MsgRecord): void {
    // One buffer for all texts of one message would move; each long text gets its own, the only short one the scratch.
    const own = this.plans.length === 1 && text.length * 3 <= 65536;
    if (own && this.scratch.length < text.length * 3) this.scratch = new Uint8Array(text.length * 3);
    const bytes = own ? this.scratch : encoder.encode(text);
    const n = own ? encoder.encodeInto(text, this.scratch).written : bytes.length;
    rec.slots.set(slot, n);
    rec.buffers[slot] = n === 0 ? null : bytes;
    rec.starts[slot] = 0;
  }

  /** Drops what the record has lent from the last message, so that it does not keep it alive. */
  forget(): void {
    const buffers = this.record.buffers;
    for (let i = 0; i < buffers.length; i++) buffers[i] = null;
  }

  /**
   * Copies the fields of a decoded record into a message. Bytes are copied; with `reuse` into the array that the message has there, if its length fits.
   */
  load(rec: MsgRecord, into: Record<string, unknown>, side: SideData | null, reuse: boolean): void {
    const plans = this.plans;
    const slots = rec.slots;
    let sideIndex = 0;
    for (let i = 0; i < plans.length; i++) {
      const plan = plans[i]!;
      const slot = plan.slot;
      switch (plan.op) {
        case Op.INTEGER:
          into[plan.name] = slots.get(slot);
          break;
        case Op.BYTES:
          into[plan.name] = this.loadBytes(rec, slot, reuse ? (into[plan.name] as Uint8Array) : EMPTY);
          break;
        case Op.BOOL:
          into[plan.name] = slots.get(slot) === 1;
          break;
        case Op.F64:
          floatWords[0] = slots.get(slot);
          floatWords[1] = slots.get(slot + 1);
          into[plan.name] = float[0];
          break;
        case Op.TEXT:
          into[plan.name] = decoder.decode(this.loadBytes(rec, slot, EMPTY));
          break;
        case Op.JSON: {
          const n = slots.get(slot);
          into[plan.name] = n === 0 ? null : (JSON.parse(decoder.decode(this.loadBytes(rec, slot, EMPTY))) as unknown);
          break;
        }
        case Op.VALUE:
          into[plan.name] = side === null ? null : side.values[sideIndex];
          sideIndex++;
          break;
        default:
          into[plan.name] = side === null || slots.get(slot) === 0 ? null : side.blockOf(slots.get(slot));
      }
    }
  }

  private loadBytes(rec: MsgRecord, slot: i32, old: Uint8Array): Uint8Array {
    const n = rec.slots.get(slot);
    const src = rec.buffers[slot];
    if (n === 0 || src === null || src === undefined) return EMPTY;
    const start = rec.starts[slot]!;
    if (old.length !== n) return src.slice(start, start + n);
    old.set(src.subarray(start, start + n));
    return old;
  }
}
