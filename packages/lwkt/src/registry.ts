/**
 * The registry: every message class that a node speaks, in every major version it still understands.
 *
 * Key types `MsgRegistry`, `MsgTranslator` (one step between two major versions). Neighbours: `wire.ts` (one version),
 * `control.ts` (how peers tell each other their versions). Owned by a node or an isolate; filled at start, then only read.
 * Invariant: a class's newest version is what handlers see; older ones exist only between the wire and a translator.
 */
import { Errno, TextBuilder, kassert, type i32 } from "@anax/portable";
import type { WireBuffer } from "./glue/js/wire-buffer";
import { FieldKind, WIRE_HEADER, isBlobKind, type MsgClass } from "./msgclass";
import { MsgRecord } from "./record";
import { decodeMsg, encodeMsg, peekMsg, wireMajor } from "./wire";

/** Makes a message of one major version from that of a neighbouring one. */
export interface MsgTranslator {
  /**
   * Fills the fields of `to` (initial values, header already copied) from `from`. Blobs may be lent on (`MsgRecord#copyField`).
   * Returns 0, or -errno when the message cannot be said in the other version.
   */
  translate(from: MsgRecord, to: MsgRecord): i32;
}

/** One version of a class with its way to the next and the previous one. */
class Version {
  newer: MsgTranslator | null = null;
  older: MsgTranslator | null = null;
  /** Where the codec and the translators put a message of this version on its way. */
  readonly scratch: MsgRecord;

  constructor(readonly cls: MsgClass) {
    this.scratch = new MsgRecord(cls);
  }
}

/** The message classes that a node understands, and the ways between their versions. */
export class MsgRegistry {
  /** In the order of number and major version. */
  private readonly versions: Version[] = [];
  private readonly byKey: Map<i32, Version> = new Map<i32, Version>();
  private readonly newest: Map<i32, MsgClass> = new Map<i32, MsgClass>();

  /** Registers a version of a class. The versions of a class must follow one another. Panics on a duplicate or a gap. */
  add(cls: MsgClass): void {
    const key = keyOf(cls.number, cls.major);
    kassert(!this.byKey.has(key), "registry: message class registered twice");
    const top = this.current(cls.number);
    kassert(
      top === null || (top.major === ((cls.major - 1) | 0) && top.name === cls.name),
      "registry: versions of a class are added in order, under one name",
    );
    const v = new Version(cls);
    this.byKey.set(key, v);
    this.newest.set(cls.number, cls);
    let at: i32 = this.versions.length;
    this.versions.push(v);
    while (at > 0 && keyOf(this.versions[at - 1].cls.number, this.versions[at - 1].cls.major) > key) {
      this.versions[at] = this.versions[at - 1];
      at--;
    }
    this.versions[at] = v;
  }

  /** Registers how `number` gets from one major version to the next or the previous one. Panics for anything else. */
  addTranslator(number: i32, from: i32, to: i32, translator: MsgTranslator): void {
    kassert(this.find(number, from) !== null && this.find(number, to) !== null, "registry: no such version");
    const v = this.byKey.get(keyOf(number, from)) as Version;
    if (to === ((from + 1) | 0)) {
      kassert(v.newer === null, "registry: translator registered twice");
      v.newer = translator;
    } else {
      kassert(to === ((from - 1) | 0), "registry: a translator makes one step");
      kassert(v.older === null, "registry: translator registered twice");
      v.older = translator;
    }
  }

  /** The newest version of a class, or null. */
  current(number: i32): MsgClass | null {
    return this.newest.has(number) ? (this.newest.get(number) as MsgClass) : null;
  }

  /** A version of a class, or null. */
  find(number: i32, major: i32): MsgClass | null {
    const key = keyOf(number, major);
    return this.byKey.has(key) ? (this.byKey.get(key) as Version).cls : null;
  }

  /** Number of registered versions of all classes. */
  get count(): i32 {
    return this.versions.length;
  }

  /** The registered versions by index, in the order of number and major version. */
  at(index: i32): MsgClass {
    return this.versions[index].cls;
  }

  /** The oldest major version of a class that is understood: a version from which translators lead to the newest. 0: none. */
  oldest(number: i32): i32 {
    const top = this.current(number);
    if (top === null) return 0;
    let major = top.major;
    while (major > 1) {
      const key = keyOf(number, (major - 1) | 0);
      if (!this.byKey.has(key) || (this.byKey.get(key) as Version).newer === null) break;
      major--;
    }
    return major;
  }

  /**
   * Decodes a record of whatever version its sender spoke into `rec`, which is of the newest. Returns the bytes it takes, or
   * the errors of `decodeMsg`; -EPROTONOSUPPORT when no translators lead from its major version to that of `rec`; what a translator refused.
   */
  decode(rec: MsgRecord, from: WireBuffer, off: i32, limit: i32): i32 {
    const number = peekMsg(from, off, limit);
    if (number < 0) return number;
    if (number !== rec.cls.number) return -Errno.INVAL;
    const major = wireMajor(from, off);
    if (major === rec.cls.major) return decodeMsg(rec, from, off, limit);
    const key = keyOf(number, major);
    if (!this.byKey.has(key)) return -Errno.PROTONOSUPPORT;
    const v = this.byKey.get(key) as Version;
    const size = decodeMsg(v.scratch, from, off, limit);
    if (size < 0) return size;
    const error = this.translate(v.scratch, rec);
    return error < 0 ? error : size;
  }

  /** Encodes `rec` for a peer that speaks major version `major`. As `encodeMsg`, and the errors of `translate`. */
  encode(rec: MsgRecord, major: i32, out: WireBuffer, off: i32, limit: i32): i32 {
    if (major === rec.cls.major) return encodeMsg(rec, out, off, limit);
    const key = keyOf(rec.cls.number, major);
    if (!this.byKey.has(key)) return -Errno.PROTONOSUPPORT;
    const to = (this.byKey.get(key) as Version).scratch;
    const error = this.translate(rec, to);
    return error < 0 ? error : encodeMsg(to, out, off, limit);
  }

  /** Makes `to` of `from`, another version of the same class, step by step. 0, -EPROTONOSUPPORT without translators, or what one refused. */
  translate(from: MsgRecord, to: MsgRecord): i32 {
    kassert(from.cls.number === to.cls.number, "registry: another class");
    let rec = from;
    while (rec.cls.major !== to.cls.major) {
      const up = rec.cls.major < to.cls.major;
      const key = keyOf(rec.cls.number, rec.cls.major);
      if (!this.byKey.has(key)) return -Errno.PROTONOSUPPORT;
      const v = this.byKey.get(key) as Version;
      const step = up ? v.newer : v.older;
      if (step === null) return -Errno.PROTONOSUPPORT;
      const next: i32 = (rec.cls.major + (up ? 1 : -1)) | 0;
      let into: MsgRecord = to;
      if (next !== to.cls.major) into = (this.byKey.get(keyOf(rec.cls.number, next)) as Version).scratch;
      into.reset();
      into.copyHeader(rec);
      const error = step.translate(rec, into);
      if (error < 0) return error;
      rec = into;
    }
    return 0;
  }

  /** The documentation of all classes in Markdown. */
  describe(): string {
    const text = new TextBuilder();
    for (let i = 0; i < this.versions.length; i++) {
      if (i > 0) text.byte(10);
      text.str(describeClass(this.versions[i].cls));
    }
    return text.toString();
  }
}

function keyOf(number: i32, major: i32): i32 {
  return (number << 8) | major;
}

/** The name of a kind as in declarations. */
export function kindName(kind: FieldKind): string {
  switch (kind) {
    case FieldKind.U8:
      return "u8";
    case FieldKind.U16:
      return "u16";
    case FieldKind.I32:
      return "i32";
    case FieldKind.U32:
      return "u32";
    case FieldKind.LONG:
      return "long";
    case FieldKind.BOOL:
      return "bool";
    case FieldKind.BYTES:
      return "bytes";
    default:
      return "text";
  }
}

/** The documentation of a class in Markdown: a heading and the table of its fields. Offsets are those in the encoded record. */
export function describeClass(cls: MsgClass): string {
  const t = new TextBuilder();
  t.str("### ").num(cls.number).str(" `").str(cls.name).str("` ").num(cls.major).str(".").num(cls.minor).str("\n\n");
  if (cls.count === 0) return t.str("No fields.\n").toString();
  t.str("| id | field | kind | offset | since | default | |\n|---|---|---|---|---|---|---|\n");
  for (let i = 0; i < cls.count; i++) {
    const f = cls.layout.fields[i];
    t.str("| ").num(f.id).str(" | `").str(f.name).str("` | ").str(kindName(f.kind));
    t.str(" | ")
      .num((f.offset + WIRE_HEADER) | 0)
      .str(" | ")
      .num(cls.major)
      .str(".")
      .num(f.since);
    t.str(" | ");
    if (isBlobKind(f.kind)) t.str("empty");
    else t.num(f.initial);
    t.str(" | ").str(f.doc).str(" |\n");
  }
  return t.toString();
}
