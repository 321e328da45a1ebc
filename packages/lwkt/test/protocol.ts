/** The messages that the tests of the facade speak with their workers. */
import { definePort, defineMessage, json, value } from "@anax/lwkt/host";

export const Add = defineMessage({
  number: 0x101,
  name: "add",
  request: { a: "i32", b: "i32" },
  reply: { sum: "i32" },
});
export const Fail = defineMessage({ number: 0x102, name: "fail", request: { code: "text" } });
export const Echo = defineMessage({
  number: 0x103,
  name: "echo",
  request: { data: "bytes", label: "text" },
  reply: { data: "bytes", label: "text" },
});
/** One way: the n-th of a stream, with bytes that follow from n. */
export const Note = defineMessage({ number: 0x104, name: "note", request: { n: "u32", data: "bytes" } });
export const Count = defineMessage({
  number: 0x105,
  name: "count",
  reply: { notes: "u32", wrong: "u32", sum: "f64" },
});
/** Answered after some milliseconds, or never when negative; `aborts` tells how many were aborted. */
export const Sleep = defineMessage({ number: 0x106, name: "sleep", request: { ms: "i32" }, reply: { slept: "bool" } });
export const Aborts = defineMessage({ number: 0x107, name: "aborts", reply: { count: "u32" } });
export const Exit = defineMessage({ number: 0x108, name: "exit", request: { how: "text" } });
/** All kinds at once. */
export const Kinds = defineMessage({
  number: 0x109,
  name: "kinds",
  request: {
    u8: "u8",
    u16: "u16",
    i32: "i32",
    u32: "u32",
    long: "long",
    f64: "f64",
    bool: "bool",
    bytes: "bytes",
    text: "text",
    json: json<{ deep: number[] }>(),
    value: value<Map<string, ArrayBuffer>>(),
  },
  reply: {
    u8: "u8",
    u16: "u16",
    i32: "i32",
    u32: "u32",
    long: "long",
    f64: "f64",
    bool: "bool",
    bytes: "bytes",
    text: "text",
    json: json<{ deep: number[] }>(),
    value: value<Map<string, ArrayBuffer>>(),
  },
});
/** A block of shared memory goes there, is added up, and comes back. */
export const Sum = defineMessage({
  number: 0x10a,
  name: "sum",
  request: { block: "shared" },
  reply: { total: "f64", block: "shared" },
});
/** The worker sends `count` notes to the port "notes" of its parent, and answers when they are sent. */
export const Flood = defineMessage({
  number: 0x10b,
  name: "flood",
  request: { count: "u32", bytes: "u32" },
  reply: { stalls: "u32" },
});
/** Asks CPU `peer` to add, from the worker. */
export const Ask = defineMessage({
  number: 0x10c,
  name: "ask",
  request: { peer: "text", a: "i32", b: "i32", sync: "bool" },
  reply: { sum: "i32" },
});
/** A handler whose reply does not fit its declaration. */
export const Misfit = defineMessage({ number: 0x10d, name: "misfit", reply: { small: "u8" } });

export const Work = definePort("work", {
  add: Add,
  fail: Fail,
  echo: Echo,
  note: Note,
  count: Count,
  sleep: Sleep,
  aborts: Aborts,
  exit: Exit,
  kinds: Kinds,
  sum: Sum,
  flood: Flood,
  ask: Ask,
  misfit: Misfit,
});

/** One message in three versions; the worker knows two of them. */
export const Greet1 = defineMessage({
  number: 0x110,
  name: "greet",
  request: { name: "text" },
  reply: { text: "text" },
});
export const Greet2 = defineMessage({
  number: 0x110,
  name: "greet",
  version: [2, 0],
  request: { first: "text", last: "text" },
  reply: { words: json<string[]>() },
});
export const Greet3 = defineMessage({ number: 0x110, name: "greet", version: [3, 0] });
export const Greetings = definePort("greetings", { greet: Greet2 });

/** A port of the tests' own CPU. */
export const Notes = definePort("notes", { note: Note, count: Count });
/** The port of `workers/ticks.ts`. */
export const Ticks = definePort("ticks", { note: Note, count: Count });
/** Served by iteration in the worker. */
export const Stream = definePort("stream", { add: Add, note: Note, count: Count });

/** The bytes that belong to the n-th note. */
export function patternOf(n: number, length: number): Uint8Array {
  const data = new Uint8Array(length);
  for (let i = 0; i < length; i++) data[i] = (n * 31 + i * 7) & 0xff;
  return data;
}

export function isPattern(n: number, data: Uint8Array): boolean {
  for (let i = 0; i < data.length; i++) if (data[i] !== ((n * 31 + i * 7) & 0xff)) return false;
  return true;
}
