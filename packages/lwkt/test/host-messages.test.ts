/** Declarations, codecs, and ports within one thread. */
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { doMsg } from "@anax/lwkt";
import {
  LwktError,
  defineMessage,
  definePort,
  localCpu,
  openPort,
  parentCpu,
  serve,
  type LocalPort,
} from "@anax/lwkt/host";
import { WireBuffer, decodeMsg, encodeMsg, wireSize } from "../src/index";
import { SharedArena } from "../src/host/arena";
import { Schema } from "../src/host/schema";
import { Add, Count, Fail, Note, Notes, Sleep } from "./protocol";

const open: LocalPort[] = [];
const keep = <T>(port: T): T => {
  open.push(port as LocalPort);
  return port;
};
afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

describe("defineMessage", () => {
  const declare =
    (spec: object): (() => unknown) =>
    () =>
      defineMessage(spec as never);

  test("refuses what cannot be, and names it", () => {
    expect(declare({ number: 300, name: "" })).toThrow("a name is needed");
    expect(declare({ number: 15, name: "m" })).toThrow('message "m": number 15');
    expect(declare({ number: 65536, name: "m" })).toThrow("65536");
    expect(declare({ number: 300, name: "m", version: [0, 0] })).toThrow("version 0.0");
    expect(declare({ number: 300, name: "m", request: { a: "int" } })).toThrow('m.request.a: no kind "int"');
    expect(declare({ number: 300, name: "m", request: { a: "toString" } })).toThrow('no kind "toString"');
    expect(declare({ number: 300, name: "m", request: { flags: "u8" } })).toThrow('"flags"');
    expect(declare({ number: 300, name: "m", request: { toString: "u8" } })).toThrow('"toString"');
    expect(declare({ number: 300, name: "m", request: { a: { kind: "u8", since: 1 } } })).toThrow(
      "m.request.a: since 1",
    );
    expect(declare({ number: 300, name: "m", request: { a: { kind: "u8", initial: 256 } } })).toThrow("256");
    expect(declare({ number: 300, name: "m", request: { a: { kind: "text", initial: 1 } } })).toThrow("initial");
    expect(declare({ number: 300, name: "m", request: { a: "u8" }, reply: { a: "u16" } })).toThrow('field "a" is u8');
    expect(declare({ number: 300, name: "m" })).not.toThrow();
    expect(() => definePort("", { add: Add })).toThrow("EINVAL");
    expect(() => definePort("p", {})).toThrow("EINVAL");
    expect(() => definePort("p", { add: Add, plus: Add })).toThrow("257");
  });

  test("gives messages initial values, and others understand newer and older ones", () => {
    const Old = defineMessage({ number: 400, name: "m", version: [1, 0], request: { a: "i32" } });
    const New = defineMessage({
      number: 400,
      name: "m",
      version: [1, 1],
      request: { a: "i32", b: { kind: "i32", since: 1, initial: 7, doc: "came later" } },
    });
    expect(new New({ a: 1, b: 2 })).toMatchObject({ a: 1, b: 2 });
    const wire = new WireBuffer(new Uint8Array(256));
    const from = Old.$class.request.store({ a: 5 }, null);
    const size = encodeMsg(from, wire, 0, 256);
    expect(decodeMsg(New.$class.request.record, wire, 0, size)).toBe(size);
    const message = {} as { a: number; b: number };
    New.$class.request.load(New.$class.request.record, message as never, null, false);
    expect(message).toEqual({ a: 5, b: 7 });
    const newer = encodeMsg(New.$class.request.store({ a: 8, b: 9 }, null), wire, 0, 256);
    expect(decodeMsg(Old.$class.request.record, wire, 0, newer)).toBe(newer);
    Old.$class.request.load(Old.$class.request.record, message as never, null, false);
    expect(message.a).toBe(8);
  });
});

describe("codec", () => {
  const fields = {
    u8: "u8",
    u16: "u16",
    i32: "i32",
    u32: "u32",
    long: "long",
    f64: "f64",
    bool: "bool",
    bytes: "bytes",
    text: "text",
    json: "json",
    more: "bytes",
  } as const;
  const schema = Schema.of("all", 500, 1, 0, fields);
  const values = fc.record({
    u8: fc.integer({ min: 0, max: 255 }),
    u16: fc.integer({ min: 0, max: 65535 }),
    i32: fc.integer(),
    u32: fc.integer({ min: 0, max: 0xffffffff }),
    long: fc.maxSafeInteger(),
    f64: fc.double(),
    bool: fc.boolean(),
    bytes: fc.uint8Array({ maxLength: 400 }),
    text: fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ maxLength: 400 }),
      fc.string({ unit: "binary", maxLength: 30 }),
    ),
    json: fc.jsonValue().map((v) => JSON.parse(JSON.stringify(v)) as unknown),
    more: fc.uint8Array({ maxLength: 40 }),
  });

  const wire = new WireBuffer(new Uint8Array(new SharedArrayBuffer(65536)));
  const { words, bytes } = wire;
  /** The bytes of a record that both ways write, the same. */
  const written = (sent: object, room = 60_000): Uint8Array => {
    schema.store(sent as never, null);
    Object.assign(schema.record, { flags: 5, error: 0, msgid: 0xfffffffe, target: 7, source: 0, value: -3 });
    const size = encodeMsg(schema.record, wire, 8, room);
    const expected = bytes.slice(8, 8 + Math.max(0, size));
    bytes.fill(0xaa);
    expect(schema.pack(sent as never, words, bytes, 8, room, 5, 0xfffffffe, 7, -3)).toBe(
      size < 0 ? -wireSize(schema.record, 1 << 20) : size,
    );
    expect(bytes.slice(8, 8 + expected.length)).toEqual(expected);
    expect(bytes[7]).toBe(0xaa);
    expect(bytes[8 + expected.length]).toBe(0xaa);
    return expected;
  };
  /** What both ways read, into messages new and used. */
  const reused: Record<string, unknown>[] = [0, 1].map(() => ({ bytes: new Uint8Array(0), more: new Uint8Array(0) }));
  const plain = (message: Record<string, unknown>): object => ({
    ...message,
    bytes: new Uint8Array(message.bytes as Uint8Array),
    more: new Uint8Array(message.more as Uint8Array),
  });

  test("what goes in comes out: by packers, by way of a record, and into messages used before", () => {
    fc.assert(
      fc.property(values, (sent) => {
        // Twice: an array that is sent again goes another way.
        const size = written(sent).length;
        expect(written(sent).length).toBe(size);
        expect(decodeMsg(schema.record, wire, 8, size)).toBe(size);
        for (const reuse of [false, true]) {
          const [packed, recorded] = reuse ? reused : [{}, {}];
          expect(schema.unpack(packed!, words, bytes, 8, size, reuse)).toBe(0);
          schema.load(schema.record, recorded!, null, reuse);
          expect(plain(packed!)).toEqual(sent);
          expect(plain(recorded!)).toEqual(sent);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("nothing is written that has no room", () => {
    fc.assert(
      fc.property(values, fc.nat(700), (sent, room) => void written(sent, room & ~7)),
      { numRuns: 100 },
    );
  });

  test("damaged bytes are refused by both ways, or mean the same to both", () => {
    const damage = fc.array(fc.tuple(fc.nat(1000), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(values, damage, (sent, places) => {
        const size = written(sent).length;
        // Class, version and length are for the link to look at; text and JSON come last and may be no text.
        for (const [at, byte] of places) bytes[16 + (at % Math.min(size - 8, 96))] = byte;
        const outcome = (read: (into: Record<string, unknown>) => number): unknown => {
          const into: Record<string, unknown> = {};
          try {
            const error = read(into);
            return error < 0 ? error : into;
          } catch (error) {
            return (error as Error).name;
          }
        };
        const packed = outcome((into) => schema.unpack(into, words, bytes, 8, size, false));
        const recorded = outcome((into) => {
          const n = decodeMsg(schema.record, wire, 8, size);
          if (n >= 0) schema.load(schema.record, into, null, false);
          return n;
        });
        expect(packed).toEqual(recorded);
      }),
      { numRuns: 2000 },
    );
  });

  test("a value that sends messages while it turns itself into JSON", () => {
    const Pair = Schema.of("pair", 502, 1, 0, { before: "text", value: "json", after: "text" });
    const pack = (message: object, at: number): number =>
      Pair.pack(message as never, words, bytes, at, 10_000, 0, 0, 0, 0);
    const value = { toJSON: () => pack({ before: "x".repeat(50), value: 1, after: "y".repeat(50) }, 4096) };
    const sent = { before: "the text before", value, after: "and the one after" };
    const size = pack(sent, 0);
    const got: Record<string, unknown> = {};
    expect(Pair.unpack(got, words, bytes, 0, size, false)).toBe(0);
    expect(got).toMatchObject({ before: sent.before, after: sent.after });
  });

  test("long texts, and more of them than fit at once, go another way", () => {
    const Texts = Schema.of("texts", 503, 1, 0, { a: "text", b: "text" });
    const lengthOf = (a: string, b: string): number => Texts.pack({ a, b }, words, bytes, 0, 60_000, 0, 0, 0, 0);
    expect(lengthOf("ä".repeat(300), "b".repeat(300))).toBe(32 + 16 + 600 + 304);
    expect(lengthOf("a".repeat(30_000), "b")).toBe(0);
    expect(lengthOf("a".repeat(20_000), "b".repeat(20_000))).toBe(0);
  });

  test("memory of an array that grows, shrinks or is not aligned", () => {
    const memory = new ArrayBuffer(64);
    const Data = Schema.of("data", 501, 1, 0, { data: "bytes" });
    const sent = (data: Uint8Array): number[] => {
      const size = Data.pack({ data }, words, bytes, 0, 1000, 0, 0, 0, 0);
      const into: Record<string, unknown> = { data: new Uint8Array(0) };
      expect(Data.unpack(into, words, bytes, 0, size, true)).toBe(0);
      return [...(into.data as Uint8Array)];
    };
    for (const [at, length] of [
      [0, 5],
      [1, 13],
      [3, 40],
      [8, 56],
    ] as const) {
      const view = new Uint8Array(memory, at, length);
      for (let i = 0; i < 4; i++) {
        view.forEach((_, k) => (view[k] = i * 50 + k));
        expect(sent(view)).toEqual([...view]);
      }
    }
    const moved = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
    for (let i = 0; i < 3; i++) expect(sent(moved)).toHaveLength(8);
    structuredClone(moved.buffer, { transfer: [moved.buffer] });
    expect(sent(moved)).toEqual([]);
  });

  test("packers and records refuse the same", () => {
    const good = {
      u8: 1,
      u16: 1,
      i32: 1,
      u32: 1,
      long: 1,
      f64: 1,
      bool: true,
      bytes: new Uint8Array(1),
      text: "a",
      json: 1,
      more: new Uint8Array(1),
    };
    const odd = [
      -1,
      1.5,
      NaN,
      Infinity,
      256,
      65536,
      2 ** 31,
      2 ** 32,
      2 ** 53,
      -(2 ** 31) - 1,
      "1",
      null,
      undefined,
      true,
      {},
      1n,
      () => 1,
    ];
    const outcome = (write: () => void): string => {
      try {
        write();
        return "fine";
      } catch (error) {
        return (error as Error).message;
      }
    };
    for (const name of Object.keys(good)) {
      for (const value of odd) {
        const from = { ...good, [name]: value };
        const packed = outcome(() => void schema.pack(from, words, bytes, 8, 60_000, 0, 0, 0, 0));
        expect(packed).toBe(outcome(() => void schema.store(from, null)));
        if (packed !== "fine") expect(packed).toContain(`all.${name}`);
      }
    }
  });
});

describe("ports of one thread", () => {
  test("answer calls, awaited, blocking and from the core", async () => {
    const port = keep(serve(definePort("local", { add: Add }), { add: ({ a, b }) => ({ sum: a + b }) }));
    expect((await port.call(new Add({ a: 1, b: 2 }))).sum).toBe(3);
    expect(port.callSync(new Add({ a: 3, b: 4 })).sum).toBe(7);
    const add = new Add({ a: 5, b: 6 });
    expect(doMsg(port, add)).toBe(0);
    expect(add.sum).toBe(11);
  });

  test("a blocking call that would wait for itself", () => {
    const port = keep(serve(definePort("slow", { sleep: Sleep }), { sleep: () => Promise.resolve({ slept: true }) }));
    expect(() => port.callSync(new Sleep({ ms: 1 }))).toThrow("EDEADLK");
  });

  test("iteration in order, answers out of order", async () => {
    const port = keep(openPort(definePort("iterated", { add: Add, fail: Fail })));
    const calls = [port.call(new Add({ a: 1, b: 1 })), port.call(new Add({ a: 2, b: 2 }))];
    const failed = port.call(new Fail({ code: "x" })).catch((error: LwktError) => error.code);
    const taken = [];
    for await (const m of port) {
      taken.push(m);
      if (taken.length === 3) break;
    }
    expect(taken.map((m) => m.kind)).toEqual(["add", "add", "fail"]);
    taken.reverse();
    for (const m of taken) {
      if (m.kind === "add") m.reply({ sum: m.a + m.b });
      else m.fail("ENOSYS", "not here");
    }
    expect((await Promise.all(calls)).map((m) => m.sum)).toEqual([2, 4]);
    expect(await failed).toBe("ENOSYS");
  });

  test("priority goes first", async () => {
    const port = keep(openPort(definePort("ranked", { add: Add })));
    const calls = [1, 2, 3].map((a) => port.call(new Add({ a, b: 0 }), { priority: a === 3 }));
    const order = [];
    for await (const m of port) {
      order.push(m.a);
      m.reply({ sum: m.a });
      if (order.length === 3) break;
    }
    expect(order).toEqual([3, 1, 2]);
    await Promise.all(calls);
  });

  test("space: a crowded port says so, and when it has room again", async () => {
    const port = keep(openPort(Notes, { backlog: 4 }));
    const sent = Array.from({ length: 6 }, (_, n) => port.send(new Note({ n, data: new Uint8Array(0) })));
    expect(sent).toEqual([true, true, true, false, false, false]);
    let ready = false;
    const waiting = port.ready().then(() => {
      ready = true;
    });
    const iterator = port[Symbol.asyncIterator]();
    for (let n = 0; n < 5; n++) await iterator.next();
    expect(ready).toBe(false);
    await iterator.next();
    await waiting;
    expect(ready).toBe(true);
  });

  test("closing ends iteration and fails what waits", async () => {
    const port = openPort(Notes);
    const call = port.call(new Count()).catch((error: LwktError) => error.code);
    {
      using again = port;
      void again;
    }
    expect(await call).toBe("EPIPE");
    expect(await port[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
    await expect(port.call(new Count())).rejects.toMatchObject({ code: "EPIPE" });
  });

  test("misuse", async () => {
    const port = keep(openPort(Notes));
    expect(() => openPort(Notes)).toThrow('EEXIST: main has a port "notes" already');
    port[Symbol.asyncIterator]();
    expect(() => port[Symbol.asyncIterator]()).toThrow("EBUSY");
    expect(() => serve(definePort("x", { add: Add }), {} as never)).toThrow("no handler for add");
    expect(() => openPort(definePort("y", { add: Add }), { backlog: 0 })).toThrow("EINVAL");
    await expect(parentCpu()).rejects.toMatchObject({ code: "ENOENT" });
    const add = new Add({ a: 1, b: 1 });
    await expect(keep(openPort(definePort("z", { fail: Fail }))).call(add as never)).rejects.toMatchObject({
      code: "ENOSYS",
    });
    await expect(port.call(new Count(), { timeout: -1 })).rejects.toMatchObject({ code: "EINVAL" });
  });

  test("a block on its way from a CPU that ends is freed by whom it should have come to, unless that has it already", () => {
    const arena = SharedArena.create(1, 0, { blockSize: 64, blocks: 4 });
    const [gone, third] = [SharedArena.attach(arena.memory, 5), SharedArena.attach(arena.memory, 7)];
    const [lost, taken, elsewhere, kept] = [gone.alloc(), gone.alloc(), gone.alloc(), gone.alloc()];
    gone.pass(lost.index, 0);
    gone.pass(taken.index, 0);
    gone.pass(elsewhere.index, 7);
    const block = arena.receive(taken.index);
    expect(kept.isOwned).toBe(true);
    expect(arena.available).toBe(0);
    arena.reclaim(5);
    expect(arena.available).toBe(2);
    third.reclaim(5);
    expect(arena.available).toBe(3);
    expect(() => third.receive(elsewhere.index)).toThrow("EINVAL");
    block.release();
    expect(arena.available).toBe(4);
    for (let i = 0; i < 4; i++) arena.alloc();
    expect(() => arena.alloc()).toThrow("ENOMEM");
  });

  test("an arena's blocks are taken once", () => {
    expect(() => localCpu().createArena({ blockSize: 0, blocks: 1 })).toThrow("EINVAL");
    expect(() => localCpu().createArena({ blockSize: 64, blocks: 70_000 })).toThrow("EINVAL");
    expect(() => localCpu().createArena({ blockSize: 2 ** 30, blocks: 65_534 })).toThrow("ENOMEM");
    const arena = localCpu().createArena({ blockSize: 100, blocks: 3 });
    expect(arena.blockSize).toBe(128);
    const blocks = [arena.alloc(), arena.alloc(5), arena.alloc(0)];
    expect(blocks.map((b) => b.bytes.length)).toEqual([128, 5, 0]);
    expect(() => arena.alloc()).toThrow("ENOMEM");
    expect(() => arena.alloc(129)).toThrow("EINVAL");
    blocks[1]!.release();
    blocks[1]!.release();
    expect(arena.available).toBe(1);
    {
      using block = arena.alloc(7);
      expect(block.bytes.length).toBe(7);
    }
    expect(arena.available).toBe(1);
  });
});
