/** The messages of `host-adverse.test.ts`. */
import { definePort, defineMessage, json, value } from "@anax/lwkt/host";
import { Add } from "./protocol";

export { Add, Work } from "./protocol";
/** A handler that does what `how` says. */
export const Odd = defineMessage({
  number: 0x201,
  name: "odd",
  request: { how: "text", n: "i32" },
  reply: { n: "i32" },
});
export const Block = defineMessage({ number: 0x202, name: "block", reply: { block: "shared" } });
export const Note = defineMessage({ number: 0x203, name: "note", request: { n: "i32" } });
/** The worker sends so many notes to the port "home" of its parent, and exits. */
export const Start = defineMessage({ number: 0x204, name: "start", request: { notes: "u32" } });
/** Asks a CPU that the worker has started. */
export const Inner = defineMessage({
  number: 0x205,
  name: "inner",
  request: { a: "i32", b: "i32" },
  reply: { sum: "i32" },
});
export const Adverse = definePort("adverse", { odd: Odd, block: Block, note: Note, start: Start, inner: Inner });
export const Home = definePort("home", { note: Note, add: Add });
/** Much in one message. */
export const Mixed = defineMessage({
  number: 0x206,
  name: "mixed",
  request: { block: "shared", other: "shared", value: value<unknown>(), json: json<unknown>(), n: "u8" },
  reply: { n: "u8" },
});
