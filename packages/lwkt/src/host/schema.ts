/**
 * Declarations of message fields for ordinary TypeScript: from names and kinds to a `MsgLayout` of the core, its codec, and types.
 *
 * Key types `Fields` (what a user declares), `Values` (what a message then has), `Schema` (layout and how values go in and out of a
 * record). Neighbours: `message.ts`; `../msgclass.ts` and `../wire.ts` say how it travels. Kinds that the core does not have are made of those it
 * has: f64 is two u32, json is text, value and shared travel beside the ring.
 * Invariant: a value that does not fit its field is refused before anything is written, by an error that names the field.
 */
import { FieldKind, MsgClass, MsgLayout, fieldMax, fieldMin } from "../msgclass";
import { MsgRecord } from "../record";
import type { SharedBlock } from "./arena";
import { compilePack, compileUnpack, type Pack, type Unpack } from "./compiled";
import { Codec, EMPTY, FieldPlan, OPS, Op, type SideData, type SideSink } from "./codec";
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

/** What a field can be: `u8`, `text`, `shared`, ... */
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

/** A field of a message: its kind, or more. */
export type Field = Kind | FieldSpec;
/** Fields by name, in the order in which they lie on the wire. */
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

/** Fields of a core's message class. */
const FIELDS_MAX = 255;

/** The kind of a declared field, right or wrong. */
export function kindOf(field: Field | undefined): Kind | undefined {
  return typeof field === "object" && field !== null ? field.kind : field;
}

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
  readonly record: MsgRecord;
  /** Whether messages have parts that travel beside the ring. */
  readonly hasSide: boolean;
  readonly hasJson: boolean;
  readonly names: readonly string[];
  /** The fields that hold shared blocks. */
  readonly blocks: readonly string[];
  readonly codec: Codec;
  /** Between messages and the words of a ring; made when first used. */
  pack: Pack;
  unpack: Unpack;

  constructor(
    label: string,
    readonly cls: MsgClass,
    readonly plans: readonly FieldPlan[],
  ) {
    this.names = plans.map((p) => p.name);
    this.blocks = plans.filter((p) => p.op === Op.SHARED).map((p) => p.name);
    this.hasSide = plans.some((p) => p.op === Op.VALUE || p.op === Op.SHARED);
    this.hasJson = plans.some((p) => p.op === Op.JSON);
    this.record = new MsgRecord(cls);
    this.codec = new Codec(label, plans);
    this.pack = (...args) => {
      this.pack = compilePack(this.codec, cls);
      return this.pack(...args);
    };
    this.unpack = (...args) => {
      this.unpack = compileUnpack(this.codec, cls);
      return this.unpack(...args);
    };
  }

  /** Throws EINVAL naming the field for a bad declaration. `label` is "Add.request". */
  static of(label: string, number: number, major: number, minor: number, fields: Fields): Schema {
    const layout = new MsgLayout();
    const plans: FieldPlan[] = [];
    let id = 0;
    let newest = 0;
    const slots = Object.values(fields).reduce((n, field) => n + (kindOf(field) === "f64" ? 2 : 1), 0);
    if (slots > FIELDS_MAX)
      throw new LwktError("EINVAL", `${label}: at most ${FIELDS_MAX} fields, f64 counted twice, not ${slots}`);
    for (const [name, field] of Object.entries(fields)) {
      const spec = typeof field === "string" ? null : (field as FieldSpec);
      const kind = spec === null ? (field as Kind) : (spec as FieldSpec | undefined)?.kind;
      const where = `${label}.${name}`;
      if (kind === undefined || !Object.hasOwn(CORE_KIND, kind))
        throw new LwktError("EINVAL", `${where}: no kind "${String(kind)}"`);
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

  /**
   * Copies the fields of a message into a record: the schema's own, but for messages with parts beside the ring, whose posting may run code of others. Throws EINVAL naming the field.
   * `side` is where `value` and `shared` fields go.
   */
  store(from: Record<string, unknown>, side: SideSink | null): MsgRecord {
    const rec = this.hasSide ? new MsgRecord(this.cls) : this.record;
    this.codec.store(from, rec, side);
    return rec;
  }

  /** Copies the fields of a decoded record into a message: see `Codec#load`. */
  load(rec: MsgRecord, into: Record<string, unknown>, side: SideData | null, reuse: boolean): void {
    this.codec.load(rec, into, side, reuse);
  }

  /** Throws EINVAL naming the field when a message cannot be sent as it is. */
  check(from: Record<string, unknown>): void {
    this.codec.store(from, this.record, { values: [], blocks: [] });
  }

  /** Copies the fields of one message to another, as sending does: bytes are copied, `value` fields cloned with `transfer`, blocks handed over. */
  copy(from: Record<string, unknown>, into: Record<string, unknown>, transfer: readonly ArrayBuffer[] | null): void {
    const cloned = structuredClone(
      this.plans.filter((p) => p.op === Op.VALUE).map((p) => from[p.name]),
      { transfer: [...(transfer ?? [])] },
    );
    for (const { name, op } of this.plans) {
      const v = from[name];
      if (op === Op.BYTES) into[name] = (v as Uint8Array).slice();
      else if (op === Op.JSON) into[name] = JSON.parse(JSON.stringify(v ?? null));
      else if (op === Op.VALUE) into[name] = cloned.shift();
      else if (op === Op.SHARED) into[name] = (v as SharedBlock | null)?.handOver() ?? null;
      else into[name] = v;
    }
  }
}
