/** Users and moments that are against us: answers given twice, threads that end in the midst, programs that begin too early. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import {
  LwktError,
  connectCpus,
  defineMessage,
  definePort,
  localCpu,
  openPort,
  peerCpu,
  serve,
  spawnCpu,
  translate,
  type SpawnOptions,
  type WorkerCpu,
} from "@anax/lwkt/host";
import type * as host from "@anax/lwkt/host";
import { bundle } from "./bundle";
import { rejection } from "./rejection";
import { Sum, Work } from "./protocol";
import { Add, Adverse, Block, Home, Inner, Mixed, Note, Odd, Start } from "./protocol-adverse";

const cpus: WorkerCpu[] = [];
const spawn = async (options: SpawnOptions = {}): Promise<WorkerCpu> => {
  const cpu = await spawnCpu(await bundle("workers/adverse.ts"), options);
  cpus.push(cpu);
  return cpu;
};
afterEach(async () => {
  for (const cpu of cpus.splice(0)) await cpu.terminate();
});

const LIMIT = { timeout: 30_000 };

describe("answers", () => {
  test.each(["null", "null later", "number", "getter"])("that are none: %s", async (how) => {
    const port = (await spawn()).port(Adverse);
    expect(await rejection(port.call(new Odd({ how, n: 0 }), LIMIT))).toMatchObject({
      message: expect.stringMatching(/^E(INVAL|IO): /) as string,
    });
    expect((await port.call(new Odd({ how: "", n: 0 }), LIMIT)).n).toBe(0);
  });

  test.each(["reply, then throw", "reply twice", "reply, then reject"])(
    "%s: the first counts, the rest is an uncaught exception",
    async (how) => {
      const cpu = await spawn();
      const port = cpu.port(Adverse);
      expect((await port.call(new Odd({ how, n: 1 }), LIMIT)).n).toBe(1);
      expect((await cpu.exited)?.message).toMatch(/after the answer|not the owner/);
    },
  );

  test.each([false, true])("reply, then return or wait; reuse %s", async (reuse) => {
    const port = (await spawn({ node: { argv: reuse ? ["reuse"] : [] } })).port(Adverse);
    for (let i = 0; i < 20; i++) {
      expect((await port.call(new Odd({ how: "reply, then return", n: 0 }), LIMIT)).n).toBe(1);
      expect((await port.call(new Odd({ how: "reply, then wait", n: i }), LIMIT)).n).toBe(i);
      expect((await port.call(new Odd({ how: "slow", n: 8 }), LIMIT)).n).toBe(8);
    }
  });
});

describe("ends", () => {
  const busy = (ms: number): void => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  };

  test("what a thread has said before it ended is heard", async () => {
    for (let i = 0; i < 5; i++) {
      const cpu = await spawn();
      let notes = 0;
      const home = serve(Home, { note: () => void notes++, add: ({ a, b }) => ({ sum: a + b }) });
      await cpu.port(Adverse).call(new Odd({ how: "", n: 0 }));
      cpu.port(Adverse).send(new Start({ notes: 300 }));
      await new Promise((resolve) => setTimeout(resolve, 0));
      busy(150);
      await cpu.exited;
      expect(notes).toBe(300);
      home.close();
    }
  });

  test("an answer just before the end is an answer", async () => {
    for (let i = 0; i < 5; i++) {
      const cpu = await spawn();
      const call = cpu.port(Adverse).call(new Odd({ how: "exit", n: 0 }));
      await Promise.resolve();
      busy(150);
      expect((await call).n).toBe(1);
    }
  });

  test("connecting to a CPU that is gone, to itself, twice", async () => {
    const [a, b] = [await spawn({ name: "a" }), await spawn({ name: "b" })];
    expect(() => connectCpus(a, a)).toThrow("EINVAL");
    connectCpus(a, b);
    expect(() => connectCpus(a, b)).toThrow("EEXIST");
    await b.terminate();
    expect(() => connectCpus(a, b)).toThrow("EPIPE: b has exited");
  });

  test("ready() after the end of a CPU that was full", async () => {
    const cpu = await spawn({ ringBytes: 1024 });
    const port = cpu.port(Adverse);
    while (port.send(new Note({ n: 1 })));
    await cpu.terminate();
    await port.ready();
    expect(() => port.send(new Note({ n: 1 }))).toThrow("EPIPE");
  });
});

describe("beginnings", () => {
  test("a process that has let go of its worker lives as long as a call waits", async () => {
    const [program, worker] = await Promise.all([bundle("workers/unref.ts"), bundle("workers/work.ts")]);
    const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(program), worker.href]);
    expect(stdout).toBe("true\n");
  });

  test("two copies of the library in one thread", async () => {
    const { href } = await bundle("../src/host/index.ts");
    const other = (await import(href)) as typeof host;
    expect(other.LwktError).not.toBe(LwktError);
    expect(other.localCpu()).toBe(localCpu());
    const cpu = await other.spawnCpu(await bundle("workers/work.ts"));
    const port = cpu.port(Work);
    expect(port.callSync(new Add({ a: 1, b: 2 })).sum).toBe(3);
    const arena = localCpu().createArena({ blockSize: 64, blocks: 1 });
    const theirs = other.defineMessage({
      number: Sum.number,
      name: "sum",
      request: { block: "shared" },
      reply: { total: "f64", block: "shared" },
    });
    const sums = cpu.port("work", { sum: theirs });
    const { block } = await sums.call(new theirs({ block: arena.alloc(1) }), LIMIT);
    expect((await port.call(new Sum({ block }), LIMIT)).total).toBe(99);
    await cpu.terminate();
  });

  test("an arena that is made before the thread knows which CPU it is", async () => {
    const arena = localCpu().createArena({ blockSize: 64, blocks: 2 });
    const mine = arena.alloc();
    const [a, b] = [await spawn(), await spawn()];
    const blocks = [];
    for (const cpu of [a, b]) blocks.push((await cpu.port(Adverse).call(new Block(), LIMIT)).block);
    for (const block of blocks) expect([...block.bytes]).toEqual(new Array(64).fill(7));
    expect(new Set([arena.id, ...blocks.map((block) => block.arena.id)]).size).toBe(3);
    blocks.forEach((block) => block.release());
    mine.release();
  });

  test("a CPU that is started before the thread knows which CPU it is", async () => {
    const cpu = await spawn({ node: { argv: ["nested", (await bundle("workers/work.ts")).href] } });
    expect((await cpu.port(Adverse).call(new Inner({ a: 1, b: 2 }), LIMIT)).sum).toBe(3);
  });
});

describe("sending", () => {
  test("a signal that is aborted by what the send does", async () => {
    const controller = new AbortController();
    const port = serve(definePort("aborting", { add: Add }), {
      add: () => {
        controller.abort(new Error("in the midst"));
        return new Promise<never>(() => {});
      },
    });
    expect((await rejection(port.call(new Add({ a: 1, b: 1 }), { signal: controller.signal }))).message).toBe(
      "in the midst",
    );
    port.close();
  });

  test("limits that are none: nothing is sent", async () => {
    let calls = 0;
    const port = serve(definePort("limits", { add: Add }), { add: () => ({ sum: ++calls }) });
    const add = new Add({ a: 1, b: 1 });
    for (const timeout of [-1, NaN, "5" as never, null as never]) {
      expect(await rejection(port.call(add, { timeout }))).toMatchObject({ code: "EINVAL" });
      expect(() => port.callSync(add, { timeout })).toThrow("EINVAL");
    }
    expect(await rejection(port.call(add, { signal: {} as never }))).toMatchObject({ code: "EINVAL" });
    expect(calls).toBe(0);
    port.close();
  });

  test("a value that sends while it turns itself into JSON or is cloned", async () => {
    const cpu = await spawn({ ringBytes: 4096 });
    const port = cpu.port(Adverse);
    const Talk = defineMessage({ number: 0x210, name: "talk", request: { a: "json", n: "i32" }, reply: { n: "i32" } });
    const Copied = defineMessage({ number: 0x211, name: "copied", request: { a: "value", n: "i32" } });
    const other = cpu.port("other", { talk: Talk, copied: Copied });
    const inner: Promise<number>[] = [];
    const ask = (): void =>
      void inner.push(port.call(new Odd({ how: "slow", n: inner.length }), LIMIT).then((m) => m.n));
    const calls = [];
    for (let i = 0; i < 10; i++) {
      calls.push(
        rejection(other.call(new Talk({ a: { toJSON: () => (ask(), "x".repeat(300)) }, n: 1 }), { timeout: 500 })),
      );
      const value = {
        get x() {
          ask();
          if (i === 5) other.send(new Copied({ a: "inner", n: 3 }));
          return 5;
        },
      };
      calls.push(rejection(other.call(new Copied({ a: value, n: 1 }), { timeout: 500 })));
    }
    expect(await Promise.all(inner)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    for (const error of await Promise.all(calls)) expect(error.code).toBe("ETIMEDOUT");
  });

  test("a message that is refused keeps its blocks", async () => {
    const cpu = await spawn();
    const port = cpu.port("other", { mixed: Mixed });
    const arena = localCpu().createArena({ blockSize: 64, blocks: 2 });
    const [block, other] = [arena.alloc(), arena.alloc()];
    const good = { block, other, value: 1, json: 1, n: 1 };
    const bad = [{ n: 256 }, { value: () => 1 }, { json: 1n }, { other: block }, { other: {} as never }];
    for (const wrong of bad) {
      const error = await rejection(port.call(new Mixed({ ...good, ...wrong })));
      expect(error.message).toContain(`EINVAL: mixed.request.${Object.keys(wrong)[0]}`);
      expect([block.isOwned, other.isOwned]).toEqual([true, true]);
    }
    await cpu.terminate();
    block.release();
    other.release();
    expect(arena.available).toBe(2);
  });

  test("a field called then", async () => {
    const Later = defineMessage({ number: 0x212, name: "later", request: { then: "i32" }, reply: { sum: "i32" } });
    const port = serve(definePort("later", { later: Later }), { later: (m) => ({ sum: m.then + 1 }) });
    expect((await port.call(new Later({ then: 1 }))).sum).toBe(2);
    port.close();
  });

  test("to a local port whose handler throws, without an answer", async () => {
    const errors: unknown[] = [];
    const listener = (error: unknown): void => void errors.push(error);
    const before = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", listener);
    const port = serve(definePort("thrower", { note: Note }), {
      note: () => {
        throw new Error("thrown");
      },
    });
    port.send(new Note({ n: 1 }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("uncaughtException", listener);
    for (const l of before) process.on("uncaughtException", l);
    expect(errors.map((error) => (error as Error).message)).toEqual(["thrown"]);
    port.close();
  });

  test("what makes no sense is refused by name", async () => {
    const wrong: [(...args: never[]) => unknown, unknown[], RegExp][] = [
      [defineMessage, [], /declared by an object/],
      [defineMessage, [{ number: 300, name: "m", version: 2 }], /message "m": version 2 is not \[major, minor\]/],
      [defineMessage, [{ number: 300, name: "m", request: "i32" }], /message "m": request: fields are an object/],
      [defineMessage, [{ number: 300, name: "m", reply: ["a"] }], /message "m": reply: fields/],
      [defineMessage, [{ number: 300, name: "m", request: { a: undefined } }], /m.request.a: no kind "undefined"/],
      [
        defineMessage,
        [
          {
            number: 300,
            name: "m",
            request: Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`f${i}`, "f64"])),
          },
        ],
        /m.request: at most 255 fields/,
      ],
      [definePort, ["x"], /port "x" needs its messages/],
      [definePort, ["x", { add: {} }], /port "x": add is no message class/],
      [serve, [], /definePort/],
      [serve, ["x", {}], /definePort/],
      [serve, [Home], /port "home" needs an object with its handlers/],
      [openPort, [], /definePort/],
      [connectCpus, [], /two CPUs/],
      [connectCpus, ["a", "b"], /two CPUs/],
      [translate, [], /two message classes/],
      [
        translate,
        [Add, defineMessage({ number: Add.number, name: "add", version: [2, 0] }), {}],
        /upgrade is no function/,
      ],
      [(options) => localCpu().createArena(options), [], /an arena has/],
      [(fields) => new Add(fields), [null], /message "add": its fields are an object, not null/],
      [(fields) => new Add(fields), [5], /not 5/],
    ];
    for (const [f, args, text] of wrong) {
      expect(() => f(...(args as never[]))).toThrow(LwktError);
      expect(() => f(...(args as never[]))).toThrow(text);
    }
    expect(await rejection(spawnCpu(import.meta.url, { startTimeout: "x" as never }))).toMatchObject({
      code: "EINVAL",
    });
    expect(await rejection(peerCpu("nobody"))).toMatchObject({ code: "ENOENT" });
    const cpu = await spawn();
    expect(() => cpu.port(undefined as never)).toThrow("definePort");
  });

  test("what is no message", async () => {
    const port = openPort(definePort("misused", { add: Add }));
    for (const wrong of [undefined, null, 5, {}, Add, { a: 1, b: 2 }] as never[]) {
      expect(await rejection(port.call(wrong))).toMatchObject({ code: "EINVAL" });
      expect(() => port.callSync(wrong)).toThrow("EINVAL");
      expect(() => port.send(wrong)).toThrow("EINVAL");
    }
    port.close();
  });
});
