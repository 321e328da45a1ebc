/** Programs of different age that send to each other: what is newer steps down or up, at either end. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localCpu, spawnCpu, type WorkerCpu } from "@anax/lwkt/host";
import { bundle } from "./bundle";
import { rejection } from "./rejection";
import { Mark, Port1, Port2, Port3, Put1, Put2, Put2Receiver, Put3, Seen } from "./versions";

let program: URL;
const cpus: WorkerCpu[] = [];
const start = async (version: number, late = 0): Promise<WorkerCpu> => {
  const cpu = await spawnCpu(program, { name: `version ${version}, ${late} ms` });
  cpus.push(cpu);
  return cpu;
};
beforeAll(async () => {
  program = await bundle("workers/versions.ts");
});
afterAll(() => Promise.all(cpus.map((cpu) => cpu.terminate())));

const NONE = null as never;
describe("senders and receivers of all ages", () => {
  const words = ["one", "two", "three"];
  /** What a sender of version `from` hears from a receiver of version `to`. */
  const heard = (from: number, to: number, names: string[], size: number): unknown => {
    const said = `${words[to - 1]} ${names.join(to === 1 ? "/" : "|")}`;
    if (from === 1) return to === 1 ? said : `${said} ${size}`;
    return { text: said, size: to === 1 ? said.length : size };
  };

  for (const to of [1, 2, 3]) {
    test(`to version ${to}: requests, replies, order`, async () => {
      const cpu = await start(to);
      const [port1, port2, port3] = [cpu.port(Port1), cpu.port(Port2), cpu.port(Port3)];
      const arena = localCpu().createArena({ blockSize: 64, blocks: 16 });
      const message = fc.record({
        from: fc.constantFrom(1, 2, 3),
        how: fc.constantFrom("call", "callSync", "send", "mark"),
        names: fc.array(fc.stringMatching(/^[a-z]{1,5}$/), { minLength: 1, maxLength: 3 }),
        data: fc.uint8Array({ maxLength: 40 }),
        shares: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(message, { maxLength: 12 }), async (messages) => {
          const expected: string[] = [];
          const replies: Promise<void>[] = [];
          messages.forEach(({ from, how, names, data, shares }, seq) => {
            if (how === "mark") {
              port2.send(new Mark({ seq }));
              expected.push(`mark ${seq}`);
              return;
            }
            const block = shares && from > 1 ? arena.alloc(data.length) : NONE;
            if (shares && from > 1) (block as { bytes: Uint8Array }).bytes.set(data);
            const bytes = shares && from > 1 ? new Uint8Array(0) : data;
            const put1 = new Put1({ seq, path: names.join("/"), data: bytes });
            const put2 = new Put2({ seq, names, data: bytes, block });
            const put3 = new Put3({ seq, names, data: bytes, block, mode: 0o600 });
            const mode = from === 3 ? "600" : "644";
            const seen = [names.join("/"), names.join("|"), names.join("|")][to - 1]!;
            expected.push(`${to} ${seq} ${seen} ${[...data].join(",")}${to === 3 ? ` ${mode}` : ""}`);
            const reply = heard(from, to, names, data.length);
            if (how === "send") {
              if (from === 1) port1.send(put1);
              else if (from === 2) port2.send(put2);
              else port3.send(put3);
              // What was sent is not the sender's any more, or is a copy.
              names.push("later");
              bytes.fill(0);
            } else if (how === "callSync") {
              if (from === 1) expect(port1.callSync(put1).text).toBe(reply);
              else if (from === 2) expect(port2.callSync(put2)).toMatchObject(reply as object);
              else expect(port3.callSync(put3).said).toEqual(reply);
            } else if (from === 1) replies.push(port1.call(put1).then((m) => expect(m.text).toBe(reply)));
            else if (from === 2)
              replies.push(port2.call(put2).then((m) => void expect(m).toMatchObject(reply as object)));
            else replies.push(port3.call(put3).then((m) => expect(m.said).toEqual(reply)));
          });
          await Promise.all(replies);
          expect((await port2.call(new Seen())).seen).toEqual(expected);
          expect(arena.available).toBe(16);
        }),
        { numRuns: 60 },
      );
    });
  }
});

describe("a port that is not there yet", () => {
  test("what is sent waits for its versions, in order, as it was when it was sent", async () => {
    const cpu = await start(1, 200);
    const port = cpu.port(Port3);
    const names = ["a", "b"];
    const moved = new Uint8Array([9]);
    const arena = localCpu().createArena({ blockSize: 64, blocks: 2 });
    const block = arena.alloc(1);
    block.bytes[0] = 7;
    const put = new Put3({ seq: 1, names, data: moved, block: NONE, mode: 1 });
    port.send(put);
    names[0] = "changed";
    moved[0] = 1;
    port.send(new Put3({ seq: 2, names: ["x"], data: moved, block, mode: 1 }));
    expect(block.isOwned).toBe(false);
    port.send(new Mark({ seq: 3 }));
    const call = port.call(new Put3({ seq: 4, names: ["c"], data: moved, block: NONE, mode: 1 }));
    expect(port.callSync(new Put3({ seq: 5, names: ["d"], data: moved, block: NONE, mode: 1 })).said).toEqual({
      text: "one d",
      size: 5,
    });
    expect((await call).said.text).toBe("one c");
    expect((await port.call(new Seen())).seen).toEqual(["1 1 a/b 9", "1 2 x 7", "mark 3", "1 4 c 1", "1 5 d 1"]);
    expect(arena.available).toBe(2);
  });

  test("calls that wait give up in time, by a signal, and with their CPU", async () => {
    const cpu = await start(1, -1);
    const port = cpu.port(Port3);
    const put = (): InstanceType<typeof Put3> =>
      new Put3({ seq: 1, names: [], data: new Uint8Array(0), block: NONE, mode: 1 });
    expect(await rejection(port.call(put(), { timeout: 20 }))).toMatchObject({ code: "ETIMEDOUT" });
    expect(() => port.callSync(put(), { timeout: 20 })).toThrow("ETIMEDOUT");
    const controller = new AbortController();
    const aborted = rejection(port.call(put(), { signal: controller.signal }));
    controller.abort(new Error("enough"));
    expect(await aborted).toMatchObject({ message: "enough" });
    expect(() => port.send(new Put3({ seq: -1, names: [], data: new Uint8Array(0), block: NONE, mode: 1 }))).toThrow(
      "put.request.seq: -1",
    );
    const rest = rejection(port.call(put()));
    port.send(put());
    await cpu.terminate();
    expect(await rest).toMatchObject({ code: "EPIPE" });
  });

  test("one that never comes fails what waits", async () => {
    const cpu = await start(1, -1);
    cpu.port(Port1);
    const late = cpu.port("other", { put: Put3 });
    const put = new Put3({ seq: 1, names: [], data: new Uint8Array(0), block: NONE, mode: 1 });
    expect(await rejection(late.call(put))).toMatchObject({ code: "ENOENT" });
    expect(await rejection(late.call(put))).toMatchObject({ code: "ENOENT" });
  });
});

test("who cannot step down is refused, and so is what a translator refuses", async () => {
  const cpu = await start(1);
  const put = new Put2Receiver({ seq: 1, names: [], data: new Uint8Array(0), block: NONE });
  const old = cpu.port("store", { put: Put2Receiver });
  expect(await rejection(old.call(put))).toMatchObject({ code: "EPROTONOSUPPORT" });
  const port = cpu.port(Port2);
  const slash = new Put2({ seq: 1, names: ["a/b"], data: new Uint8Array(0), block: NONE });
  expect(await rejection(port.call(slash))).toMatchObject({ code: "EINVAL", message: "EINVAL: a name with a slash" });
  expect(() => port.send(slash)).toThrow("a name with a slash");
  const mute = new Put2({ seq: 2, names: ["mute"], data: new Uint8Array(0), block: NONE });
  expect(await rejection(port.call(mute))).toMatchObject({ code: "EIO", message: "EIO: nothing said" });
  expect((await port.call(new Seen())).seen).toEqual(["1 2 mute "]);
});
