/**
 * What the browser test runs in the page: the same worker as in Node, through the web's Worker. `run` gives plain values that the test compares.
 */
import { connectCpus, localCpu, openPort, spawnCpu, type LwktError } from "@anax/lwkt/host";
import {
  Add,
  Ask,
  Count,
  Echo,
  Exit,
  Fail,
  Flood,
  Kinds,
  Note,
  Notes,
  Sleep,
  Sum,
  Work,
  isPattern,
  patternOf,
} from "../protocol";

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "none",
    (error: LwktError) => error.code,
  );

const page = globalThis as unknown as { location: { href: string }; crossOriginIsolated: boolean };
const worker = new URL("./worker.mjs", page.location.href);

async function calls(): Promise<unknown> {
  await using cpu = await spawnCpu(worker, { name: "worker" });
  const work = cpu.port(Work);
  const sums = await Promise.all(Array.from({ length: 2000 }, (_, i) => work.call(new Add({ a: i, b: 1 }))));
  const long = await work.call(new Echo({ data: patternOf(9, 300_000), label: "☃" }));
  const buffer = new Uint8Array([5]).buffer;
  const kinds = await work.call(
    new Kinds({
      u8: 1,
      u16: 2,
      i32: -3,
      u32: 4,
      long: -5,
      f64: 0.5,
      bool: true,
      bytes: new Uint8Array([6]),
      text: "seven",
      json: { deep: [8] },
      value: new Map([["nine", buffer]]),
    }),
    { transfer: [buffer] },
  );
  return {
    right: sums.every((m, i) => m.sum === i + 1),
    long: isPattern(9, long.data) && long.label === "☃",
    kinds: [
      kinds.i32,
      kinds.long,
      kinds.f64,
      kinds.text,
      kinds.json.deep[0],
      kinds.value.get("nine")!.byteLength,
      buffer.byteLength,
    ],
    failed: await codeOf(work.call(new Fail({ code: "ENOENT" }))),
    late: await codeOf(work.call(new Sleep({ ms: -1 }), { timeout: 30 })),
    blocking: (() => {
      try {
        work.callSync(new Add({ a: 1, b: 1 }));
        return "none";
      } catch (error) {
        return (error as LwktError).code;
      }
    })(),
  };
}

async function flow(): Promise<unknown> {
  await using cpu = await spawnCpu(worker, { name: "small", ringBytes: 4096 });
  const work = cpu.port(Work);
  const N = 20_000;
  const flood = work.call(new Flood({ count: N, bytes: 40 }));
  let stalls = 0;
  for (let n = 0; n < N; n++) {
    if (!work.send(new Note({ n, data: patternOf(n, n % 200) }))) {
      stalls++;
      await work.ready();
    }
  }
  let got = 0;
  let wrong = 0;
  using notes = openPort(Notes);
  for await (const m of notes) {
    if (m.kind !== "note") continue;
    if (m.n !== got || !isPattern(m.n, m.data)) wrong++;
    if (++got === N) break;
  }
  await flood;
  const count = await work.call(new Count());
  return { stalled: stalls > 0, notes: count.notes, wrongThere: count.wrong, got, wrong };
}

/** Two workers that ask each other, one of them blocking. */
async function peers(): Promise<unknown> {
  await using a = await spawnCpu(worker, { name: "a" });
  const b = await spawnCpu(worker, { name: "b" });
  connectCpus(a, b);
  const sums: number[] = [];
  for (const sync of [false, true]) {
    sums.push((await a.port(Work).call(new Ask({ peer: "b", a: 1, b: 2, sync }))).sum);
    sums.push((await b.port(Work).call(new Ask({ peer: "a", a: 3, b: 4, sync }))).sum);
  }
  await b.terminate();
  return { sums, after: await codeOf(a.port(Work).call(new Ask({ peer: "b", a: 1, b: 2, sync: false }))) };
}

async function death(): Promise<unknown> {
  const cpu = await spawnCpu(worker, { name: "mortal" });
  const work = cpu.port(Work);
  const arena = localCpu().createArena({ blockSize: 4096, blocks: 2 });
  const block = arena.alloc(100);
  block.bytes.fill(3);
  const sum = await work.call(new Sum({ block }));
  const waiting = codeOf(work.call(new Sleep({ ms: -1 })));
  const exit = codeOf(work.call(new Exit({ how: "exit" })));
  return {
    total: sum.total,
    waiting: await waiting,
    exit: await exit,
    after: await codeOf(work.call(new Add({ a: 1, b: 1 }))),
  };
}

const isolated = (): boolean => page.crossOriginIsolated;
const refused = (): Promise<string> =>
  spawnCpu(worker).then(
    () => "none",
    (error: Error) => error.message,
  );

Object.assign(globalThis, { run: { calls, flow, peers, death, isolated, refused } });
