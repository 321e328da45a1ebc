/**
 * Message classes: what a message carries, declared once. Encoder, decoder and documentation follow from the declaration.
 *
 * Key types `MsgClass` (number, name, version), `MsgLayout` (its fields in order), `MsgField`. Neighbours: `record.ts` (values of
 * one message), `wire.ts` (encode, decode), `registry.ts` (all classes, versions, translators). PROTOCOL.md has the wire format.
 *
 *     const layout = new MsgLayout()
 *       .field(0, "offset", FieldKind.LONG, 0, 0, "byte of the file")
 *       .field(1, "data", FieldKind.BYTES, 0, 0, "what is written")
 *       .field(2, "flags", FieldKind.U32, 1, 0, "WF_*");        // came with minor version 1
 *     const WRITE = new MsgClass(0x0102, "fs.write", 1, 1, layout);
 *
 * Invariant: a field keeps its id, kind and place for the life of a major version; a minor version only adds fields behind.
 * What else must change (remove, retype, rename with another meaning) is a new major version with a translator.
 */
import { kassert, longOf, toLong, type i32, type long } from "@anax/portable";

/** Bytes of the header before every record. */
export const WIRE_HEADER: i32 = 32;
/** Classes below this number belong to the protocol itself (`control.ts`). */
export const MSGCLASS_USER: i32 = 16;
const FIELDS_MAX: i32 = 255;

/** Kinds of fields. The numbers are part of published declarations: never renumbered. */
export enum FieldKind {
  /** 0 to 255. */
  U8 = 1,
  /** 0 to 65535. */
  U16 = 2,
  I32 = 3,
  U32 = 4,
  /** Signed 64 bits, of which -(2^53-1) to 2^53-1 may be used. */
  LONG = 5,
  /** One byte, 0 or 1. */
  BOOL = 6,
  /** Bytes of any number. */
  BYTES = 7,
  /** UTF-8 text of any length; not checked by the codec. */
  TEXT = 8,
}

/** Whether the field is variable in length. */
export function isBlobKind(kind: FieldKind): boolean {
  return kind === FieldKind.BYTES || kind === FieldKind.TEXT;
}

function sizeOf(kind: FieldKind): i32 {
  switch (kind) {
    case FieldKind.U8:
    case FieldKind.BOOL:
      return 1;
    case FieldKind.U16:
      return 2;
    case FieldKind.LONG:
      return 8;
    default:
      return 4;
  }
}

/** The least value of a scalar, the least length of a blob. */
export function fieldMin(kind: FieldKind): long {
  if (kind === FieldKind.I32) return longOf(-1, 0x80000000);
  if (kind === FieldKind.LONG) return longOf(-0x200000, 1);
  return 0;
}

/** The greatest value of a scalar, the greatest length of a blob. */
export function fieldMax(kind: FieldKind): long {
  switch (kind) {
    case FieldKind.U8:
      return 255;
    case FieldKind.BOOL:
      return 1;
    case FieldKind.U16:
      return 65535;
    case FieldKind.U32:
      return longOf(0, 0xffffffff);
    case FieldKind.LONG:
      return longOf(0x1fffff, 0xffffffff);
    default:
      return 0x7fffffff;
  }
}

/** One declared field. Immutable. */
export class MsgField {
  constructor(
    /** Its index in the layout, and its name on the wire's side of things: never reused. */
    readonly id: i32,
    readonly name: string,
    readonly kind: FieldKind,
    /** The minor version that it came with. */
    readonly since: i32,
    /** The value that an older peer's message has here; 0 for blobs (empty). */
    readonly initial: long,
    readonly doc: string,
    /** Byte of the record (header not counted) where the scalar, or the blob's length, lies. */
    readonly offset: i32,
  ) {}
}

/**
 * The fields of a class in order. Built by `field`; complete when a `MsgClass` has it.
 */
export class MsgLayout {
  readonly fields: MsgField[] = [];
  readonly kinds: i32[] = [];
  /** Number of blobs. */
  blobs: i32 = 0;
  /** Some byte of the fixed part belongs to no field, or a field is smaller than a word. */
  holes: boolean = false;
  /** First byte behind the last field. */
  private end: i32 = 4;
  private sealed: boolean = false;

  /**
   * Declares the next field. `id` must be the number of fields before it and is written out so that a field put between others is
   * refused; `since` must not fall. Panics on a bad declaration.
   */
  field(id: i32, name: string, kind: FieldKind, since: i32, initial: long, doc: string): MsgLayout {
    kassert(!this.sealed, "layout: complete, its class exists");
    kassert(id === this.fields.length, "layout: field ids count from 0 in order");
    kassert(id < FIELDS_MAX, "layout: too many fields");
    kassert(name.length > 0, "layout: field without a name");
    kassert(since >= 0 && since <= 255, "layout: minor version out of range");
    kassert(id === 0 || since >= this.fields[id - 1].since, "layout: a field older than the one before it");
    kassert(initial >= fieldMin(kind) && initial <= fieldMax(kind), "layout: initial value out of range");
    kassert(!isBlobKind(kind) || initial === toLong(0), "layout: a blob is empty by default");
    const size = sizeOf(kind);
    const at: i32 = (this.end + size - 1) & -size;
    if (at !== this.end || size < 4) this.holes = true;
    this.fields.push(new MsgField(id, name, kind, since, initial, doc, at));
    this.kinds.push(kind);
    if (isBlobKind(kind)) this.blobs++;
    this.end = (at + size) | 0;
    return this;
  }

  get count(): i32 {
    return this.fields.length;
  }

  /** Number of fields that minor version `minor` has. */
  countAt(minor: i32): i32 {
    let n: i32 = this.fields.length;
    while (n > 0 && this.fields[n - 1].since > minor) n--;
    return n;
  }

  /** Bytes of the fixed part of minor version `minor`: a multiple of 8, 0 without fields. */
  fixedAt(minor: i32): i32 {
    const n = this.countAt(minor);
    if (n === 0) return 0;
    const last = this.fields[n - 1];
    return (last.offset + sizeOf(last.kind) + 7) & -8;
  }

  /** Id of the field called `name`, or -1. */
  find(name: string): i32 {
    for (let i = 0; i < this.fields.length; i++) if (this.fields[i].name === name) return i;
    return -1;
  }

  /** For MsgClass alone. */
  seal(): void {
    this.sealed = true;
    if ((this.end & 7) !== 0) this.holes = true;
  }
}

/** A kind of message: number, version, layout. Immutable; shared by all who speak it. */
export class MsgClass {
  /** Bytes of the fixed part by minor version, 0 to `minor`. */
  readonly fixedByMinor: i32[] = [];
  /** Number of fields by minor version. */
  readonly countByMinor: i32[] = [];
  /** Bytes of the fixed part of this version. */
  readonly fixed: i32;
  readonly count: i32;
  /** The first word of the header of every record of this class. */
  readonly tag: i32;
  /** For the codec: kind and offset (from bit 8) of each field. */
  readonly plan: Int32Array;

  /** `number` 1 to 65535, `major` 1 to 255, `minor` 0 to 255 and not less than that of the last field. Panics otherwise. */
  constructor(
    readonly number: i32,
    readonly name: string,
    readonly major: i32,
    readonly minor: i32,
    readonly layout: MsgLayout,
  ) {
    kassert(number > 0 && number <= 0xffff, "message class: number out of range");
    kassert(major > 0 && major <= 255 && minor >= 0 && minor <= 255, "message class: version out of range");
    kassert(layout.countAt(minor) === layout.count, "message class: a field is newer than the class");
    this.tag = number | (major << 16) | (minor << 24);
    this.fixed = layout.fixedAt(minor);
    this.count = layout.count;
    this.plan = new Int32Array(layout.count);
    for (let i = 0; i < layout.count; i++) this.plan[i] = layout.kinds[i] | (layout.fields[i].offset << 8);
    layout.seal();
    for (let m = 0; m <= minor; m++) {
      this.fixedByMinor.push(layout.fixedAt(m));
      this.countByMinor.push(layout.countAt(m));
    }
  }
}
