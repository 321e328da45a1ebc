/** What compiles and what does not. The compiler checks this file (`nx typecheck`); running it only shows that the expressions are real. */
import { describe, expectTypeOf, test } from "vitest";
import {
  defineMessage,
  definePort,
  json,
  serve,
  spawnCpu,
  type HostPort,
  type MessageOf,
  type ReplyOf,
  type RequestOf,
  type SharedBlock,
} from "@anax/lwkt/host";

const Add = defineMessage({ number: 600, name: "add", request: { a: "i32", b: "i32" }, reply: { sum: "i32" } });
/** The same fields as Add under another number. */
const Plus = defineMessage({ number: 601, name: "plus", request: { a: "i32", b: "i32" }, reply: { sum: "i32" } });
const Ping = defineMessage({ number: 602, name: "ping" });
const List = defineMessage({
  number: 603,
  name: "list",
  request: { path: "text", deep: { kind: "bool", doc: "folders too" }, block: "shared" },
  reply: { names: json<string[]>(), raw: "json", data: "bytes" },
});
const Port = definePort("port", { add: Add, ping: Ping, list: List });
type PortMessages = MessageOf<(typeof Port)["messages"]>;

/** Compiled, never called. */
async function examples(port: HostPort<PortMessages>): Promise<void> {
  const add = new Add({ a: 1, b: 2 });
  expectTypeOf(add.a).toEqualTypeOf<number>();
  expectTypeOf((await port.call(add)).sum).toEqualTypeOf<number>();
  expectTypeOf((await port.call(new List({ path: "/", deep: true, block: {} as SharedBlock }))).names).toEqualTypeOf<
    string[]
  >();
  expectTypeOf<ReplyOf<InstanceType<typeof List>>>().toEqualTypeOf<{
    names: string[];
    raw: unknown;
    data: Uint8Array;
  }>();
  expectTypeOf<RequestOf<InstanceType<typeof Add>>>().toEqualTypeOf<{ a: number; b: number }>();
  expectTypeOf((await port.call(new Ping())).kind).toEqualTypeOf<"ping">();

  // @ts-expect-error the port does not take Plus, though its fields are those of Add
  await port.call(new Plus({ a: 1, b: 2 }));
  // @ts-expect-error a field is missing
  new Add({ a: 1 });
  // @ts-expect-error a field is of another type
  new Add({ a: 1, b: "2" });
  // @ts-expect-error there is no such field
  new Add({ a: 1, b: 2, c: 3 });
  // @ts-expect-error Ping has no fields
  new Ping({ a: 1 });
  // @ts-expect-error the reply has no such field
  void (await port.call(add)).product;
  // @ts-expect-error no plain objects
  port.send({ a: 1, b: 2 });
  // @ts-expect-error there is no such kind
  defineMessage({ number: 604, name: "m", request: { a: "i33" } });
  // @ts-expect-error a message has `flags` by itself
  defineMessage({ number: 604, name: "m", request: { flags: "u8" } });

  serve(Port, {
    add: ({ a, b }) => ({ sum: a + b }),
    ping: () => {},
    list: async () => ({ names: [], raw: 1, data: new Uint8Array(0) }),
  });
  serve(Port, { add: (m) => m, ping: async () => {}, list: (m) => m });
  // @ts-expect-error a handler is missing
  serve(Port, { add: (m) => m, ping: () => {} });
  // @ts-expect-error the reply lacks its field
  serve(Port, { add: () => ({}), ping: () => {}, list: (m) => m });
  // @ts-expect-error the reply's field is of another type
  serve(Port, { add: () => ({ sum: "3" }), ping: () => {}, list: (m) => m });
  // @ts-expect-error a reply is due
  serve(Port, { add: () => {}, ping: () => {}, list: (m) => m });

  const cpu = await spawnCpu("worker.js");
  expectTypeOf(cpu.port(Port)).toEqualTypeOf<HostPort<PortMessages>>();
  const named = cpu.port("port", { ping: Ping });
  // @ts-expect-error it was said to take Ping only
  await named.call(add);

  for await (const m of serve(Port, {} as never)) {
    expectTypeOf(m.kind).toEqualTypeOf<"add" | "ping" | "list">();
    if (m.kind === "add") {
      expectTypeOf(m.a).toEqualTypeOf<number>();
      m.reply({ sum: 1 });
      // @ts-expect-error the reply's field is of another type
      m.reply({ sum: "1" });
    } else if (m.kind === "ping") m.reply();
    else expectTypeOf(m.path).toEqualTypeOf<string>();
  }
}

describe("types", () => {
  test("this file compiles", () => expectTypeOf(examples).toBeFunction());
});
