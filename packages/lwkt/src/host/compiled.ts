/**
 * Packers: a message straight into the words of a ring and out of them, by functions that are made for each class.
 *
 * Key types `Pack`, `Unpack`; functions `compilePack`, `compileUnpack`, `initializer`. Neighbours: `codec.ts` (loops that do the same by way of a record: for fields beside the ring, for
 * peers with another version, and where a page's Content Security Policy forbids code from text), `blobs.ts` (bytes and text), `../wire.ts` (the format), `link.ts`. An access by a computed name costs ten of one by a known
 * name, and a record is one more copy of everything.
 * Invariant: the bytes are those of `encodeMsg`, and what `decodeMsg` refuses is refused, which the tests compare; names go into code only as JSON.
 */
import { Errno } from "@anax/portable";
import { FieldKind, WIRE_HEADER, type MsgClass } from "../msgclass";
import { encodeText, fitsScratch, getBytes, getText, putBytes, putText } from "./blobs";
import type { Codec, FieldPlan } from "./codec";
import { EMPTY, Op } from "./codec";

type MessageFields = Record<string, unknown>;

/**
 * Writes header and body at byte `at` of memory that is `words` and `bytes`. Returns the record's bytes; less than 0, and nothing is written, when that is more than `room`: the bytes,
 * negated; 0 when the class, or a text as long, goes by way of a record. Throws EINVAL naming the field that does not fit.
 */
export type Pack = (
  from: MessageFields,
  words: Int32Array,
  bytes: Uint8Array,
  at: number,
  room: number,
  flags: number,
  msgid: number,
  target: number,
  value: number,
) => number;

/**
 * Reads the body of a record of `size` bytes whose first word is the class's own. 0; or -EINVAL when it contradicts itself, or `BY_RECORD`: then nothing was set. With `reuse` the
 * memory of byte fields is used again.
 */
export type Unpack = (
  into: MessageFields,
  words: Int32Array,
  bytes: Uint8Array,
  at: number,
  size: number,
  reuse: boolean,
) => number;

/** The class goes by way of a record. */
export const BY_RECORD = 1;

/** A longer field fits no ring, and its length in bytes might not fit 32 bits. */
const MAX_BLOB = 1 << 30;

/** A function of source text; null where the host forbids it. `scope`: what the text may name beside its parameters. */
function compile<T>(parameters: string, body: string, scope: Record<string, unknown> = {}): T | null {
  try {
    const make = new Function(...Object.keys(scope), `"use strict"; return function (${parameters}) { ${body} };`);
    return make(...Object.values(scope)) as T;
  } catch {
    return null;
  }
}

/** What gives a new message its fields in order, with these values. */
export function initializer(
  initial: readonly (readonly [name: string, value: unknown])[],
): (into: MessageFields) => void {
  const lines = initial.map(([name], i) => `into[${JSON.stringify(name)}] = initial[${i}][1];`);
  const compiled = compile<(into: MessageFields) => void>("into", lines.join(" "), { initial });
  if (compiled !== null) return compiled;
  return (into) => {
    for (const [name, value] of initial) into[name] = value;
  };
}

/** When `v` is an integer of the field's kind, in code. */
function fits(plan: FieldPlan, v: string): string {
  switch (plan.kind) {
    case "i32":
      return `(${v} | 0) === ${v}`;
    case "u32":
      return `(${v} >>> 0) === ${v}`;
    case "u16":
      return `(${v} & 0xffff) === ${v}`;
    case "u8":
      return `(${v} & 0xff) === ${v}`;
    default:
      return `Number.isSafeInteger(${v})`;
  }
}

/** A word of the fixed part as code; what lies in it, joined by `|`. */
class FixedPart {
  private readonly parts: string[][];

  constructor(private readonly cls: MsgClass) {
    this.parts = Array.from({ length: cls.fixed >> 2 }, () => []);
    if (cls.fixed > 0) this.parts[0]!.push(String(cls.fixed));
  }

  put(offset: number, code: string): void {
    const shift = (offset & 3) * 8;
    this.parts[offset >> 2]!.push(shift === 0 ? code : `(${code}) << ${shift}`);
  }

  /** Assignments of all words; those that no field lies in are 0. */
  get code(): string {
    const first = WIRE_HEADER >> 2;
    return this.parts.map((p, i) => `words[w + ${first + i}] = ${p.length === 0 ? "0" : p.join(" | ")};`).join(" ");
  }
}

function isBlob(op: Op): boolean {
  return op === Op.BYTES || op === Op.TEXT || op === Op.JSON;
}

/** Whether the class has fields that travel beside the ring, which is not for packers. */
function hasSide(plans: readonly FieldPlan[]): boolean {
  return plans.some((p) => p.op === Op.VALUE || p.op === Op.SHARED);
}

/** The packer of a class. */
export function compilePack(codec: Codec, cls: MsgClass): Pack {
  const { plans } = codec;
  if (hasSide(plans)) return () => 0;
  const fields = cls.layout.fields;
  const first: string[] = [];
  const checks: string[] = ["let top = 0;"];
  const fixed = new FixedPart(cls);
  const blobs: string[] = [];
  const sizes: string[] = [];
  plans.forEach((plan, i) => {
    const v = `v${i}`;
    const { offset } = fields[plan.slot]!;
    const refuse = `codec.refuse(plans[${i}], ${v});`;
    // What turns itself into JSON is code of others: it runs first.
    if (plan.op === Op.JSON) first.push(`const ${v} = codec.encoded(plans[${i}], from[${JSON.stringify(plan.name)}]);`);
    else checks.push(`const ${v} = from[${JSON.stringify(plan.name)}];`);
    switch (plan.op) {
      case Op.INTEGER:
        checks.push(`if (typeof ${v} !== "number" || !(${fits(plan, v)})) ${refuse}`);
        if (plan.kind === "long") {
          fixed.put(offset, `${v} | 0`);
          fixed.put(offset + 4, `(${v} | 0) === ${v} ? ${v} >> 31 : Math.floor(${v} / 4294967296)`);
        } else fixed.put(offset, `${v}`);
        break;
      case Op.BOOL:
        checks.push(`if (typeof ${v} !== "boolean") ${refuse}`);
        fixed.put(offset, `(${v} ? 1 : 0)`);
        break;
      case Op.F64:
        checks.push(`if (typeof ${v} !== "number") ${refuse}`);
        checks.push(`float[0] = ${v}; const l${i} = floatWords[0], h${i} = floatWords[1];`);
        fixed.put(offset, `l${i}`);
        fixed.put(fields[plan.slot + 1]!.offset, `h${i}`);
        break;
      case Op.BYTES:
        checks.push(`if (!(${v} instanceof Uint8Array)) ${refuse}`);
        break;
      case Op.TEXT:
        checks.push(`if (typeof ${v} !== "string") ${refuse} if (!fitsScratch(${v}, top)) return 0;`);
        checks.push(`const t${i} = top, n${i} = encodeText(${v}, t${i}); top = (t${i} + n${i} + 7) & -8;`);
        break;
      default:
    }
    if (!isBlob(plan.op)) return;
    if (plan.op !== Op.TEXT) checks.push(`const n${i} = ${v}.length; if (n${i} > ${MAX_BLOB}) return 0;`);
    fixed.put(offset, `n${i}`);
    sizes.push(`((n${i} + 7) & -8)`);
    const put =
      plan.op === Op.TEXT ? `putText(words, bytes, blob, t${i}, n${i})` : `putBytes(words, bytes, blob, ${v}, n${i})`;
    blobs.push(`if (n${i} !== 0) { ${put}; blob = (blob + n${i} + 7) & -8; }`);
  });
  const size = [String(WIRE_HEADER + cls.fixed), ...sizes].join(" + ");
  const header = [
    cls.tag,
    "size",
    "flags",
    "msgid",
    "target",
    "0",
    "value",
    "(value | 0) === value ? value >> 31 : Math.floor(value / 4294967296)",
  ].map((code, i) => `words[w + ${i}] = ${code};`);
  const body = [
    ...first,
    ...checks,
    `const size = ${size}; if (size > room) return -size; const w = at >> 2;`,
    ...header,
    fixed.code,
    blobs.length > 0 ? `let blob = at + ${WIRE_HEADER + cls.fixed};` : "",
    ...blobs,
    "return size;",
  ];
  const scope = { codec, plans, putBytes, putText, fitsScratch, encodeText, float, floatWords };
  return (
    compile<Pack>("from, words, bytes, at, room, flags, msgid, target, value", body.join("\n"), scope) ?? (() => 0)
  );
}

const float = new Float64Array(1);
const floatWords = new Int32Array(float.buffer);

/** The reader of a class. */
export function compileUnpack(codec: Codec, cls: MsgClass): Unpack {
  const { plans } = codec;
  if (hasSide(plans)) return () => BY_RECORD;
  const fields = cls.layout.fields;
  const first = WIRE_HEADER >> 2;
  const reads: string[] = [];
  const sets: string[] = [];
  const bad = `return ${-Errno.INVAL};`;
  reads.push("const w = at >> 2;");
  reads.push("const low = words[w + 6], high = words[w + 7];");
  reads.push(`if (high !== low >> 31 && !Number.isSafeInteger(high * 4294967296 + (low >>> 0))) ${bad}`);
  if (cls.fixed > 0) {
    reads.push(`const body = size - ${WIRE_HEADER};`);
    reads.push(`if (body < ${cls.fixed} || words[w + ${first}] !== ${cls.fixed}) ${bad}`);
  }
  if (plans.some((p) => isBlob(p.op))) reads.push(`let blob = ${cls.fixed};`);
  plans.forEach((plan, i) => {
    const v = `v${i}`;
    const { offset, kind } = fields[plan.slot]!;
    const word = (o: number): string => `words[w + ${first + (o >> 2)}]`;
    const shift = (offset & 3) * 8;
    const place = `into[${JSON.stringify(plan.name)}]`;
    if (isBlob(plan.op)) {
      reads.push(`const ${v} = ${word(offset)}; if (${v} < 0 || ${v} > body - blob) ${bad}`);
      reads.push(`const b${i} = at + ${WIRE_HEADER} + blob; blob = (blob + ${v} + 7) & -8;`);
      if (plan.op === Op.BYTES) sets.push(`${place} = getBytes(words, bytes, b${i}, ${v}, ${place}, reuse);`);
      else if (plan.op === Op.TEXT) sets.push(`${place} = getText(words, bytes, b${i}, ${v});`);
      else sets.push(`${place} = codec.decoded(plans[${i}], getBytes(words, bytes, b${i}, ${v}, EMPTY, false));`);
      return;
    }
    sets.push(`${place} = ${v};`);
    switch (kind) {
      case FieldKind.LONG:
        reads.push(`const ${v} = ${word(offset + 4)} * 4294967296 + (${word(offset)} >>> 0);`);
        reads.push(`if (!Number.isSafeInteger(${v})) ${bad}`);
        break;
      case FieldKind.BOOL:
        reads.push(
          `const r${i} = (${word(offset)} >>> ${shift}) & 0xff; if (r${i} > 1) ${bad} const ${v} = r${i} === 1;`,
        );
        break;
      case FieldKind.U8:
        reads.push(`const ${v} = (${word(offset)} >>> ${shift}) & 0xff;`);
        break;
      case FieldKind.U16:
        reads.push(`const ${v} = (${word(offset)} >>> ${shift}) & 0xffff;`);
        break;
      case FieldKind.I32:
        reads.push(`const ${v} = ${word(offset)};`);
        break;
      default:
        if (plan.op === Op.F64) {
          const high = word(fields[plan.slot + 1]!.offset);
          reads.push(`floatWords[0] = ${word(offset)}; floatWords[1] = ${high}; const ${v} = float[0];`);
        } else reads.push(`const ${v} = ${word(offset)} >>> 0;`);
    }
  });
  const body = [...reads, ...sets, "return 0;"].join("\n");
  const scope = { codec, plans, getBytes, getText, EMPTY, float, floatWords };
  return compile<Unpack>("into, words, bytes, at, size, reuse", body, scope) ?? (() => BY_RECORD);
}
