import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Errno } from "@anax/portable";
import {
  FieldKind,
  MsgClass,
  MsgLayout,
  MsgRecord,
  MsgRegistry,
  WIRE_HEADER,
  WireBuffer,
  decodeMsg,
  describeClass,
  encodeMsg,
  peekMsg,
  wireLength,
  type MsgTranslator,
} from "@anax/lwkt";

const KINDS = [
  FieldKind.U8,
  FieldKind.U16,
  FieldKind.I32,
  FieldKind.U32,
  FieldKind.LONG,
  FieldKind.BOOL,
  FieldKind.BYTES,
  FieldKind.TEXT,
];

const RANGE: Record<number, [number, number]> = {
  [FieldKind.U8]: [0, 255],
  [FieldKind.U16]: [0, 65535],
  [FieldKind.I32]: [-(2 ** 31), 2 ** 31 - 1],
  [FieldKind.U32]: [0, 2 ** 32 - 1],
  [FieldKind.LONG]: [-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  [FieldKind.BOOL]: [0, 1],
};

type Value = number | Uint8Array;
interface Decl {
  kind: FieldKind;
  step: number;
  initial: Value;
  value: Value;
}

const isBlob = (k: FieldKind): boolean => k === FieldKind.BYTES || k === FieldKind.TEXT;

/** A field with a default and a value; `step` is how many minor versions after the field before it came. */
const decl: fc.Arbitrary<Decl> = fc.constantFrom(...KINDS).chain((kind): fc.Arbitrary<Decl> => {
  const step = fc.constantFrom(0, 0, 0, 1, 2);
  if (isBlob(kind)) {
    return fc.record({
      kind: fc.constant(kind),
      step,
      initial: fc.constant<Value>(0),
      value: fc.uint8Array({ maxLength: 40 }) as fc.Arbitrary<Value>,
    });
  }
  const [min, max] = RANGE[kind]!;
  const scalar = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(min, max, 0, 1)).map((v): Value => {
    const span = max - min + 1;
    return Number.isSafeInteger(span) ? min + (((v % span) + span) % span) : v;
  });
  return fc.record({ kind: fc.constant(kind), step, initial: scalar, value: scalar });
});

const decls = fc.array(decl, { maxLength: 14 });

function sinceOf(fields: Decl[]): number[] {
  let minor = 0;
  return fields.map((f, i) => (minor += i === 0 ? 0 : f.step));
}

function classOf(fields: Decl[], minor: number): MsgClass {
  const since = sinceOf(fields);
  const layout = new MsgLayout();
  fields.forEach((f, i) => {
    if (since[i]! <= minor) layout.field(i, `f${i}`, f.kind, since[i]!, isBlob(f.kind) ? 0 : (f.initial as number), "");
  });
  return new MsgClass(77, "test", 3, minor, layout);
}

function fill(rec: MsgRecord, fields: Decl[]): void {
  for (let i = 0; i < rec.cls.count; i++) {
    const v = fields[i]!.value;
    if (typeof v === "number") rec.set(i, v);
    else rec.setBytes(i, v, 0, v.length);
  }
}

function read(rec: MsgRecord, i: number): Value {
  if (!isBlob(rec.kindOf(i))) return rec.get(i);
  const out = new Uint8Array(rec.lengthOf(i));
  expect(rec.copyOut(i, 0, out, 0, out.length)).toBe(out.length);
  return out;
}

const header = fc.record({
  flags: fc.nat(0xffff),
  error: fc.nat(0xffff),
  msgid: fc.nat(0xffffffff),
  target: fc.nat(0xffffffff),
  source: fc.nat(0xffffffff),
  value: fc.maxSafeInteger(),
});

describe("records on the wire", () => {
  it("come back as they were, at any place, and say where they end", () => {
    fc.assert(
      fc.property(decls, header, fc.nat(5), (fields, head, place) => {
        const cls = classOf(fields, 255);
        const rec = Object.assign(new MsgRecord(cls), head);
        fill(rec, fields);
        const out = new WireBuffer(new Uint8Array(4096).fill(0xa5));
        const off = place * 8;
        const size = encodeMsg(rec, out, off, 4096);
        expect(size % 8).toBe(0);
        expect(peekMsg(out, off, 4096)).toBe(77);
        expect(wireLength(out, off, 4096)).toBe(size);
        expect(out.bytes.subarray(0, off).every((b) => b === 0xa5)).toBe(true);
        expect(out.bytes.subarray(off + size).every((b) => b === 0xa5)).toBe(true);
        const back = new MsgRecord(cls);
        expect(decodeMsg(back, out, off, size)).toBe(size);
        expect(back).toMatchObject(head);
        fields.forEach((f, i) => expect(read(back, i)).toEqual(f.value));
        // The encoding is canonical: what was decoded encodes to the same bytes.
        const again = new WireBuffer(new Uint8Array(4096));
        back.detach();
        expect(encodeMsg(back, again, 0, size)).toBe(size);
        expect(again.bytes.subarray(0, size)).toEqual(out.bytes.subarray(off, off + size));
        // One word less is too little, and writes nothing.
        const none = new WireBuffer(new Uint8Array(4096));
        expect(encodeMsg(rec, none, 0, size - 8)).toBe(-Errno.MSGSIZE);
        expect(none.bytes.every((b) => b === 0)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it("are understood across minor versions: unknown fields skipped, missing ones defaulted", () => {
    fc.assert(
      fc.property(decls, fc.nat(10), fc.nat(10), (fields, from, to) => {
        const sender = classOf(fields, from);
        const receiver = classOf(fields, to);
        const rec = new MsgRecord(sender);
        fill(rec, fields);
        const out = new WireBuffer(new Uint8Array(4096));
        const size = encodeMsg(rec, out, 0, 4096);
        const back = new MsgRecord(receiver);
        // A used record: nothing of the last message may stay.
        fill(
          back,
          fields.map((f) => (typeof f.value === "number" ? f : { ...f, value: new Uint8Array([9, 9]) })),
        );
        expect(decodeMsg(back, out, 0, size)).toBe(size);
        expect(back.minor).toBe(from);
        for (let i = 0; i < receiver.count; i++) {
          const f = fields[i]!;
          const missing: Value = isBlob(f.kind) ? new Uint8Array(0) : f.initial;
          expect(read(back, i)).toEqual(i < sender.count ? f.value : missing);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("that are cut off or lie are an errno, never a trap, and what is accepted is in range", () => {
    fc.assert(
      fc.property(
        decls,
        fc.array(fc.record({ at: fc.nat(400), byte: fc.nat(255) }), { maxLength: 6 }),
        fc.nat(500),
        fc.nat(3),
        (fields, lies, limit, minor) => {
          const rec = new MsgRecord(classOf(fields, 255));
          fill(rec, fields);
          const out = new WireBuffer(new Uint8Array(8 * 128));
          const size = encodeMsg(rec, out, 0, 1024);
          fc.pre(size > 0);
          for (const lie of lies) out.bytes[lie.at % size] = lie.byte;
          const back = new MsgRecord(classOf(fields, minor));
          const got = decodeMsg(back, out, 0, limit);
          if (got < 0) {
            expect([-Errno.INVAL, -Errno.MSGSIZE, -Errno.PROTONOSUPPORT]).toContain(got);
            return;
          }
          expect(got).toBeLessThanOrEqual(limit);
          for (let i = 0; i < back.cls.count; i++) {
            const v = read(back, i);
            if (typeof v !== "number") continue;
            const [min, max] = RANGE[back.kindOf(i)]!;
            expect(v).toBeGreaterThanOrEqual(min);
            expect(v).toBeLessThanOrEqual(max);
          }
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("may be any bytes", () => {
    const cls = classOf(
      KINDS.map((kind) => ({ kind, step: 0, initial: 0, value: 0 })),
      0,
    );
    const back = new MsgRecord(cls);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 256 }), fc.integer(), fc.integer(), (bytes, off, limit) => {
        const from = new WireBuffer(bytes.slice());
        expect(decodeMsg(back, from, off, limit)).toBeLessThan(0);
        // With a header that is right the body is what is judged.
        if (from.length < WIRE_HEADER) return;
        from.put32(0, cls.tag);
        from.put32(4, from.length);
        expect(decodeMsg(back, from, 0, from.length)).toBeLessThanOrEqual(from.length);
      }),
      { numRuns: 1000 },
    );
  });

  it("names each lie", () => {
    const layout = new MsgLayout()
      .field(0, "n", FieldKind.LONG, 0, 0, "")
      .field(1, "ok", FieldKind.BOOL, 0, 0, "")
      .field(2, "data", FieldKind.BYTES, 0, 0, "");
    const cls = new MsgClass(500, "x", 1, 0, layout);
    const rec = new MsgRecord(cls);
    rec.setBytes(2, new Uint8Array([1, 2, 3]), 0, 3);
    const out = new WireBuffer(new Uint8Array(128));
    const size = encodeMsg(rec, out, 0, 128);
    expect(size).toBe(WIRE_HEADER + 24 + 8);
    const tryWith = (change: (w: WireBuffer) => void, limit = 128): number => {
      const w = new WireBuffer(out.bytes.slice());
      change(w);
      return decodeMsg(new MsgRecord(cls), w, 0, limit);
    };
    expect(tryWith(() => undefined)).toBe(size);
    expect(tryWith(() => undefined, size - 1)).toBe(-Errno.MSGSIZE);
    expect(tryWith(() => undefined, 31)).toBe(-Errno.MSGSIZE);
    expect(tryWith((w) => w.put32(4, 132))).toBe(-Errno.INVAL);
    expect(tryWith((w) => w.put32(4, 24))).toBe(-Errno.INVAL);
    expect(tryWith((w) => w.put32(4, 136))).toBe(-Errno.MSGSIZE);
    expect(tryWith((w) => w.put8(0, 1))).toBe(-Errno.INVAL);
    expect(tryWith((w) => w.put8(2, 2))).toBe(-Errno.PROTONOSUPPORT);
    expect(tryWith((w) => w.put32(WIRE_HEADER, 16))).toBe(-Errno.INVAL);
    expect(tryWith((w) => w.put32(WIRE_HEADER + 4 + 8, 0x7fffffff))).toBe(-Errno.INVAL);
    expect(tryWith((w) => w.put8(WIRE_HEADER + 16, 2))).toBe(-Errno.INVAL);
    expect(tryWith((w) => w.put32(WIRE_HEADER + 20, 9))).toBe(-Errno.INVAL);
    expect(tryWith((w) => w.put32(WIRE_HEADER + 20, -1))).toBe(-Errno.INVAL);
    expect(tryWith((w) => w.put32(28, 0x200000))).toBe(-Errno.INVAL);
    expect(decodeMsg(rec, out, 4, 64)).toBe(-Errno.INVAL);
    expect(encodeMsg(rec, out, -8, 64)).toBe(-Errno.INVAL);
    rec.error = 0x10000;
    expect(encodeMsg(rec, out, 0, 128)).toBe(-Errno.INVAL);
  });
});

/** Version 1 counted seconds, 2 counts milliseconds, 3 says it as bytes too. */
class Scale implements MsgTranslator {
  constructor(
    private readonly mul: number,
    private readonly div: number,
  ) {}
  translate(from: MsgRecord, to: MsgRecord): number {
    const v = (from.get(0) * this.mul) / this.div;
    if (!Number.isInteger(v)) return -Errno.OVERFLOW;
    to.set(0, v);
    if (from.cls.count > 1 && to.cls.count > 1) to.copyField(1, from, 1);
    return 0;
  }
}

function timer(major: number): MsgClass {
  const layout = new MsgLayout().field(0, "time", FieldKind.LONG, 0, 0, "when");
  if (major >= 2) layout.field(1, "name", FieldKind.TEXT, 0, 0, "of the timer");
  return new MsgClass(99, "timer", major, 0, layout);
}

describe("the registry", () => {
  function versions(): MsgRegistry {
    const r = new MsgRegistry();
    for (const m of [1, 2, 3]) r.add(timer(m));
    r.addTranslator(99, 1, 2, new Scale(1000, 1));
    r.addTranslator(99, 2, 3, new Scale(1, 1));
    r.addTranslator(99, 3, 2, new Scale(1, 1));
    r.addTranslator(99, 2, 1, new Scale(1, 1000));
    return r;
  }

  it("translates between major versions in both directions, in steps", () => {
    const r = versions();
    const out = new WireBuffer(new Uint8Array(256));
    fc.assert(
      fc.property(fc.nat(1e9), fc.constantFrom(1, 2, 3), header, (seconds, major, head) => {
        const rec = Object.assign(new MsgRecord(r.current(99)!), head);
        rec.set(0, seconds * 1000);
        rec.setBytes(1, new Uint8Array([97, 98]), 0, 2);
        const size = r.encode(rec, major, out, 0, 256);
        expect(size).toBeGreaterThan(0);
        const old = new MsgRecord(r.find(99, major)!);
        expect(decodeMsg(old, out, 0, size)).toBe(size);
        expect(old.get(0)).toBe(major === 1 ? seconds : seconds * 1000);
        const back = new MsgRecord(r.current(99)!);
        expect(r.decode(back, out, 0, size)).toBe(size);
        expect(back).toMatchObject(head);
        expect(back.get(0)).toBe(seconds * 1000);
        expect(back.textOf(1)).toBe(major === 1 ? "" : "ab");
      }),
    );
  });

  it("says so when a version cannot be reached or a message not be said in it", () => {
    const r = versions();
    const out = new WireBuffer(new Uint8Array(256));
    const rec = new MsgRecord(r.current(99)!);
    rec.set(0, 1);
    expect(r.encode(rec, 1, out, 0, 256)).toBe(-Errno.OVERFLOW);
    expect(r.encode(rec, 4, out, 0, 256)).toBe(-Errno.PROTONOSUPPORT);
    const size = encodeMsg(new MsgRecord(timer(4)), out, 0, 256);
    expect(r.decode(rec, out, 0, size)).toBe(-Errno.PROTONOSUPPORT);
    const without = new MsgRegistry();
    without.add(timer(1));
    without.add(timer(2));
    expect(encodeMsg(new MsgRecord(timer(1)), out, 0, 256)).toBe(WIRE_HEADER + 16);
    expect(without.decode(new MsgRecord(without.current(99)!), out, 0, 256)).toBe(-Errno.PROTONOSUPPORT);
    expect(without.oldest(99)).toBe(2);
    expect(r.oldest(99)).toBe(1);
    expect(r.oldest(98)).toBe(0);
  });

  it("refuses what contradicts itself", () => {
    const r = versions();
    expect(() => r.add(timer(3))).toThrow(/twice/);
    expect(() => r.add(timer(5))).toThrow(/in order/);
    expect(() => r.addTranslator(99, 1, 3, new Scale(1, 1))).toThrow(/one step/);
    expect(() => r.addTranslator(99, 1, 2, new Scale(1, 1))).toThrow(/twice/);
    expect(() => r.addTranslator(98, 1, 2, new Scale(1, 1))).toThrow(/no such/);
    const l = (): MsgLayout => new MsgLayout().field(0, "a", FieldKind.U8, 1, 0, "");
    expect(() => l().field(0, "b", FieldKind.U8, 1, 0, "")).toThrow(/in order/);
    expect(() => l().field(1, "b", FieldKind.U8, 0, 0, "")).toThrow(/older/);
    expect(() => l().field(1, "b", FieldKind.U8, 1, 256, "")).toThrow(/initial/);
    expect(() => l().field(1, "b", FieldKind.BYTES, 1, 1, "")).toThrow(/empty/);
    expect(() => new MsgClass(1, "x", 1, 0, l())).toThrow(/newer/);
    expect(() => new MsgClass(0, "x", 1, 1, l())).toThrow(/number/);
    const cls = new MsgClass(1, "x", 1, 1, l());
    expect(() => cls.layout.field(1, "b", FieldKind.U8, 1, 0, "")).toThrow(/complete/);
    const rec = new MsgRecord(cls);
    expect(() => rec.set(0, 256)).toThrow(/range/);
    expect(() => rec.setBytes(0, new Uint8Array(1), 0, 1)).toThrow(/blob/);
  });

  it("documents the classes from their declarations", () => {
    const r = versions();
    expect(r.describe().match(/^### 99 `timer` /gm)).toHaveLength(3);
    expect(describeClass(r.current(99)!)).toBe(
      [
        "### 99 `timer` 3.0",
        "",
        "| id | field | kind | offset | since | default | |",
        "|---|---|---|---|---|---|---|",
        "| 0 | `time` | long | 40 | 3.0 | 0 | when |",
        "| 1 | `name` | text | 48 | 3.0 | empty | of the timer |",
        "",
      ].join("\n"),
    );
  });
});
