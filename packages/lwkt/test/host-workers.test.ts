/** CPUs that are worker threads: calls, errors, limits, death, flow control. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  LwktError,
  connectCpus,
  localCpu,
  openPort,
  serve,
  spawnCpu,
  translate,
  type HostPort,
  type MessageOf,
  type WorkerCpu,
} from "@anax/lwkt/host";
import { bundle } from "./bundle";
import { rejection } from "./rejection";
import {
  Aborts,
  Add,
  Ask,
  Count,
  Echo,
  Exit,
  Fail,
  Flood,
  Greet1,
  Greet2,
  Greet3,
  Greetings,
  Kinds,
  Misfit,
  Note,
  Notes,
  Sleep,
  Stream,
  Sum,
  Ticks,
  Work,
  isPattern,
  patternOf,
} from "./protocol";

type WorkPort = HostPort<MessageOf<(typeof Work)["messages"]>>;

let url: URL;
let cpu: WorkerCpu;
let work: WorkPort;

beforeAll(async () => {
  url = await bundle("workers/work.ts");
  cpu = await spawnCpu(url, { name: "worker" });
  work = cpu.port(Work);
});
afterAll(() => cpu.terminate());

describe("calls", () => {
  test("answer, awaited and blocking", async () => {
    expect((await work.call(new Add({ a: 2, b: 3 }))).sum).toBe(5);
    expect(work.callSync(new Add({ a: -2, b: -3 })).sum).toBe(-5);
  });

  test("the same message again and again", async () => {
    const add = new Add({ a: 0, b: 1 });
    for (let i = 0; i < 2000; i++) {
      add.a = i;
      expect((await work.call(add)).sum).toBe(i + 1);
    }
  });

  test("many at once, answered each by its own", async () => {
    const sums = await Promise.all(Array.from({ length: 20_000 }, (_, i) => work.call(new Add({ a: i, b: i }))));
    sums.forEach((m, i) => expect(m.sum).toBe(2 * i));
  });

  test("all kinds of fields", async () => {
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const sent = {
      u8: 255,
      u16: 65535,
      i32: -2147483648,
      u32: 4294967295,
      long: -(2 ** 53 - 1),
      f64: -1.5e-300,
      bool: true,
      bytes: new Uint8Array([0, 255, 7]),
      text: "naïve ☃ 𝄞",
      json: { deep: [1, 2.5] },
      value: new Map([["a", buffer]]),
    };
    const got = await work.call(new Kinds(sent), { transfer: [buffer] });
    expect(buffer.byteLength).toBe(0);
    expect({ ...sent, value: null }).toEqual({
      ...Object.fromEntries(Object.keys(sent).map((k) => [k, got[k as keyof typeof sent]])),
      value: null,
    });
    expect(new Uint8Array(got.value.get("a")!)).toEqual(new Uint8Array([1, 2, 3]));
  });

  test("of every length, also longer than the rings", async () => {
    for (const length of [0, 1, 7, 8, 63, 64, 1024, 65_536, 131_000, 131_072, 200_000, 3_000_000]) {
      const data = patternOf(length, length);
      const m = await work.call(new Echo({ data, label: `n${length}` }));
      expect(m.data.length).toBe(length);
      expect(isPattern(length, m.data)).toBe(true);
      expect(m.label).toBe(`n${length}`);
    }
  });

  test("short and long ones keep their order", async () => {
    const before = await work.call(new Count());
    for (let n = 0; n < 200; n++) work.send(new Note({ n, data: patternOf(n, n % 10 === 0 ? 140_000 : 20) }));
    const after = await work.call(new Count());
    expect(after.notes - before.notes).toBe(200);
    expect(after.wrong).toBe(0);
  });

  test("to a port that iterates", async () => {
    const stream = cpu.port(Stream);
    for (let n = 0; n < 1000; n++) if (!stream.send(new Note({ n, data: new Uint8Array(0) }))) await stream.ready();
    const m = await stream.call(new Count());
    expect(m.notes).toBe(1000);
    expect(m.sum).toBe(499_500);
    expect((await stream.call(new Add({ a: 1, b: 1 }))).sum).toBe(2);
  });
});

test("senders of an older major version are understood, of an unknown one refused", async () => {
  const now = cpu.port(Greetings);
  expect((await now.call(new Greet2({ first: "Ada", last: "Lovelace" }))).words).toEqual(["Hello", "Ada", "Lovelace"]);
  const before = cpu.port("greetings", { greet: Greet1 });
  expect((await before.call(new Greet1({ name: "Grace Hopper" }))).text).toBe("Hello Grace Hopper");
  expect(await rejection(before.call(new Greet1({ name: "Plato" })))).toMatchObject({
    message: "EINVAL: no last name",
  });
  expect(await rejection(cpu.port("greetings", { greet: Greet3 }).call(new Greet3()))).toMatchObject({
    code: "EPROTONOSUPPORT",
  });
  expect(() => translate(Greet1, Greet3, {} as never)).toThrow("EINVAL");
  expect(() => translate(Add, Greet2, {} as never)).toThrow("EINVAL");
});

describe("errors", () => {
  test("of handlers come with their code and text", async () => {
    const error = await rejection(work.call(new Fail({ code: "ENOENT" })));
    expect(error).toBeInstanceOf(LwktError);
    expect(error).toMatchObject({ code: "ENOENT", errno: 2, message: "ENOENT: as asked" });
    expect(await rejection(work.call(new Fail({ code: "plain" })))).toMatchObject({
      code: "EIO",
      message: "EIO: out of range",
    });
    expect(() => work.callSync(new Fail({ code: "EBUSY" }))).toThrow("EBUSY: as asked");
  });

  test("a field that does not fit is named, and nothing is sent", async () => {
    expect(await rejection(work.call(new Add({ a: 1.5, b: 0 })))).toMatchObject({
      code: "EINVAL",
      message: "EINVAL: add.request.a: 1.5 is no i32",
    });
    expect(await rejection(work.call(new Add({ a: 1, b: 2 ** 31 })))).toMatchObject({ code: "EINVAL" });
    expect(() => work.send(new Note({ n: -1, data: new Uint8Array(0) }))).toThrow("note.request.n");
    expect(
      await rejection(
        work
          .call(new Add({ a: undefined as unknown as number, b: 0 }))
          .then(() => work.call(new Add({ a: "1" as unknown as number, b: 0 }))),
      ),
    ).toMatchObject({ code: "EINVAL" });
  });

  test("a reply that does not fit fails its call", async () => {
    expect(await rejection(work.call(new Misfit()))).toMatchObject({
      code: "EINVAL",
      message: "EINVAL: misfit.reply.small: 1000 is no u8",
    });
  });

  test("a message in flight cannot be sent again", async () => {
    const sleep = new Sleep({ ms: 20 });
    const first = work.call(sleep);
    expect(await rejection(work.call(sleep))).toMatchObject({ code: "EBUSY" });
    expect((await first).slept).toBe(true);
  });

  test("no such port", async () => {
    const slow = await spawnCpu(url, { name: "portless" });
    const port = slow.port("nowhere", { add: Add });
    expect(await rejection(port.call(new Add({ a: 1, b: 1 }), { timeout: 50 }))).toMatchObject({ code: "ETIMEDOUT" });
    await slow.terminate();
  });

  test("a message that the port does not take; its blocks come back", async () => {
    const narrow = cpu.port("stream", { fail: Fail, sum: Sum });
    expect(await rejection(narrow.call(new Fail({ code: "x" })))).toMatchObject({ code: "ENOSYS" });
    const arena = localCpu().createArena({ blockSize: 64, blocks: 1 });
    expect(await rejection(narrow.call(new Sum({ block: arena.alloc() })))).toMatchObject({ code: "ENOSYS" });
    expect(arena.available).toBe(1);
    // Without a reply it is only said on the console there.
    narrow.send(new Fail({ code: "x" }));
    expect((await work.call(new Add({ a: 1, b: 1 }))).sum).toBe(2);
  });
});

describe("limits", () => {
  test("time-out, and the handler is told", async () => {
    const before = (await work.call(new Aborts())).count;
    expect(await rejection(work.call(new Sleep({ ms: -1 }), { timeout: 20 }))).toMatchObject({ code: "ETIMEDOUT" });
    expect((await work.call(new Aborts())).count).toBe(before + 1);
  });

  test("signal, before and while it is on its way", async () => {
    expect(await rejection(work.call(new Sleep({ ms: -1 }), { signal: AbortSignal.abort() }))).toMatchObject({
      name: "AbortError",
    });
    const before = (await work.call(new Aborts())).count;
    const controller = new AbortController();
    const call = rejection(work.call(new Sleep({ ms: -1 }), { signal: controller.signal }));
    setTimeout(() => controller.abort(new Error("enough")), 10);
    expect((await call).message).toBe("enough");
    expect((await work.call(new Aborts())).count).toBe(before + 1);
  });

  test("a call that ends in time leaves no timer behind", async () => {
    const controller = new AbortController();
    expect((await work.call(new Add({ a: 1, b: 1 }), { timeout: 60_000, signal: controller.signal })).sum).toBe(2);
    expect(localCpu().timersArmed).toBe(false);
    controller.abort();
  });

  test("blocking calls too", () => {
    expect(() => work.callSync(new Sleep({ ms: -1 }), { timeout: 30 })).toThrow("ETIMEDOUT");
    expect(work.callSync(new Sleep({ ms: 5 })).slept).toBe(true);
  });
});

describe("the other way", () => {
  test("a worker asks its parent, which iterates", async () => {
    const port = openPort(Notes);
    const done = work.call(new Flood({ count: 3000, bytes: 50 }));
    let n = 0;
    for await (const m of port) {
      if (m.kind !== "note") continue;
      expect(m.n).toBe(n);
      expect(isPattern(n, m.data)).toBe(true);
      if (++n === 3000) break;
    }
    await done;
    port.close();
  });

  test("both rings full at once", async () => {
    const small = await spawnCpu(url, { name: "small", ringBytes: 4096 });
    const port = small.port(Work);
    let got = 0;
    let wrong = 0;
    const notes = serve(Notes, {
      note: (m) => {
        if (m.n !== got || !isPattern(m.n, m.data)) wrong++;
        got++;
      },
      count: () => ({ notes: got, wrong, sum: 0 }),
    });
    const N = 50_000;
    const flood = port.call(new Flood({ count: N, bytes: 40 }));
    let stalls = 0;
    for (let n = 0; n < N; n++) {
      if (!port.send(new Note({ n, data: patternOf(n, n % 900) }))) {
        stalls++;
        await port.ready();
      }
    }
    expect((await flood).stalls).toBeGreaterThan(0);
    expect(stalls).toBeGreaterThan(0);
    const count = await port.call(new Count());
    expect(count).toMatchObject({ notes: N, wrong: 0, sum: (N * (N - 1)) / 2 });
    expect([got, wrong]).toEqual([N, 0]);
    notes.close();
    await small.terminate();
  });

  test("a worker that always has messages still has its timers", async () => {
    const busy = await spawnCpu(await bundle("workers/ticks.ts"), { name: "busy" });
    const port = busy.port(Ticks);
    const note = new Note({ n: 0, data: new Uint8Array(8) });
    await port.call(new Count());
    const end = performance.now() + 500;
    const before = (await port.call(new Count())).notes;
    while (performance.now() < end) for (let i = 0; i < 1000; i++) if (!port.send(note)) await port.ready();
    expect((await port.call(new Count())).notes - before).toBeGreaterThan(10);
    await busy.terminate();
  });

  test("100,000 messages through a ring of 1 KiB, none lost or changed", async () => {
    const tiny = await spawnCpu(url, { name: "tiny", ringBytes: 1024 });
    const port = tiny.port(Work);
    const N = 100_000;
    for (let n = 0; n < N; n++) if (!port.send(new Note({ n, data: patternOf(n, n % 100) }))) await port.ready();
    expect(await port.call(new Count())).toMatchObject({ notes: N, wrong: 0, sum: (N * (N - 1)) / 2 });
    await tiny.terminate();
  });

  test("workers talk to each other", async () => {
    const a = await spawnCpu(url, { name: "a" });
    const b = await spawnCpu(url, { name: "b" });
    connectCpus(a, b);
    for (const sync of [false, true]) {
      expect((await a.port(Work).call(new Ask({ peer: "b", a: 1, b: 2, sync }))).sum).toBe(3);
      expect((await b.port(Work).call(new Ask({ peer: "a", a: 3, b: 4, sync }))).sum).toBe(7);
    }
    await a.terminate();
    expect(await rejection(b.port(Work).call(new Ask({ peer: "a", a: 3, b: 4, sync: false })))).toMatchObject({
      code: "EPIPE",
    });
    await b.terminate();
  });
});

describe("shared blocks", () => {
  test("go there and back without a copy, and belong to one CPU", async () => {
    const arena = localCpu().createArena({ blockSize: 4096, blocks: 4 });
    const block = arena.alloc(1000);
    block.bytes.fill(2);
    const m = new Sum({ block });
    const { total, block: back } = await work.call(m);
    expect(total).toBe(2000);
    expect(block.isOwned).toBe(false);
    expect(() => block.bytes).toThrow("EINVAL");
    expect(back.bytes.length).toBe(1000);
    expect(back.bytes[0]).toBe(99);
    expect(back.bytes.buffer).toBe(arena.buffer);
    expect(arena.available).toBe(3);
    back.release();
    expect(arena.available).toBe(4);
    expect(await rejection(work.call(new Sum({ block })))).toMatchObject({ code: "EINVAL" });
    for (let i = 0; i < 4; i++) arena.alloc();
    expect(() => arena.alloc()).toThrow("ENOMEM");
  });
});

describe("death", () => {
  test("of a failure that nobody waits for is a warning, once", async () => {
    const warnings: string[] = [];
    const scope = globalThis as unknown as { console: { warn(text: string): void } };
    const warn = vi.spyOn(scope.console, "warn").mockImplementation((text: string) => void warnings.push(text));
    const alone = await spawnCpu(url, { name: "alone" });
    const watched = await spawnCpu(url, { name: "watched" });
    const { exited } = watched;
    for (const one of [alone, watched]) one.port(Work).send(new Exit({ how: "throw" }));
    expect((await exited)?.message).toBe("broken worker");
    while (!alone.isGone) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(warnings).toEqual(["@anax/lwkt: main: EPIPE: alone has exited: broken worker"]);
    warn.mockRestore();
  });

  test.each(["exit", "throw"])("%s in the middle of calls: all of them fail, blocks come back", async (how) => {
    const mortal = await spawnCpu(url, { name: "mortal" });
    const port = mortal.port(Work);
    const arena = localCpu().createArena({ blockSize: 64, blocks: 8 });
    const calls = Array.from({ length: 100 }, () => rejection(port.call(new Sleep({ ms: -1 }))));
    await port.call(new Add({ a: 1, b: 1 }));
    const exit = rejection(port.call(new Exit({ how })));
    // The end may come before the answer, with the block that comes back, or after it: then the block is in our hands.
    let held = 0;
    const late = rejection(
      port.call(new Sum({ block: arena.alloc() })).then(() => {
        held = 1;
        return port.call(new Sleep({ ms: -1 }));
      }),
    );
    for (const error of [...(await Promise.all(calls)), await exit, await late]) expect(error.code).toBe("EPIPE");
    const ended = await mortal.exited;
    if (how === "throw") expect(ended?.message).toContain("broken worker");
    expect(mortal.isGone).toBe(true);
    expect(arena.available).toBe(8 - held);
    expect(await rejection(port.call(new Add({ a: 1, b: 1 })))).toMatchObject({
      code: "EPIPE",
      message: expect.stringMatching(
        how === "throw" ? /mortal has exited: .*broken worker/ : /mortal has exited$/,
      ) as string,
    });
    expect(() => port.send(new Note({ n: 1, data: new Uint8Array(0) }))).toThrow("EPIPE");
  });

  test("a sender that waits for space goes on", async () => {
    const mortal = await spawnCpu(url, { name: "mortal", ringBytes: 1024 });
    const port = mortal.port(Work);
    void port.call(new Exit({ how: "exit" })).catch(() => {});
    let error: unknown;
    try {
      for (let n = 0; n < 10_000_000; n++) if (!port.send(new Note({ n, data: patternOf(n, 30) }))) await port.ready();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "EPIPE" });
  });

  test("terminate ends blocking callers' peers cleanly", async () => {
    const mortal = await spawnCpu(url, { name: "mortal" });
    const call = rejection(mortal.port(Work).call(new Sleep({ ms: -1 })));
    await mortal.terminate();
    expect((await call).code).toBe("EPIPE");
    await mortal.terminate();
  });

  test("a program that fails before it is a CPU", async () => {
    expect(await rejection(spawnCpu(new URL("./no-such-file.mjs", url)))).toMatchObject({ code: "EPIPE" });
    expect(await rejection(spawnCpu(url, { ringBytes: 1000 }))).toMatchObject({ code: "EINVAL" });
    expect(await rejection(spawnCpu("relative.js"))).toMatchObject({ code: "EINVAL", name: "LwktError" });
    expect(await rejection(spawnCpu(new URL("http://localhost/worker.js")))).toMatchObject({ code: "EINVAL" });
  });
});
