/**
 * A soak: messages of all sorts, both ways, among them aborts, time-outs, failures, shared blocks, long ones, and now and then a worker that is ended in
 * the middle. Counts, and watches the memory.
 *
 * Key function `soak`; neighbours `soak.ts` (the command), `test/host-soak.test.ts`. What must not grow is the heap after a collection, and
 * what lies outside it (arrays, shared memory).
 */
import v8 from "node:v8";
import vm from "node:vm";
import { LwktError, localCpu, serve, spawnCpu } from "@anax/lwkt/host";
import { BackPort, Block, Back, Echo, Fail, Note, Soak, Total, Wait } from "./soak-protocol";

export interface Sample {
  /** Messages so far. */
  messages: number;
  /** MiB. */
  heap: number;
  outside: number;
  rss: number;
}

export interface SoakResult {
  messages: number;
  samples: Sample[];
  /** MiB by which heap and what lies outside it grew from the first quarter's samples to the last one's. */
  growth: number;
}

const MIB = 1024 * 1024;

function collector(): () => void {
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc") as () => void;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

async function failsWith(promise: Promise<unknown>, code: string): Promise<void> {
  try {
    await promise;
  } catch (error) {
    if ((error as LwktError).code === code) return;
    throw error;
  }
  throw new Error(`expected ${code}`);
}

/** Sends about `total` messages. Throws when one is lost or changed. `onSample` sees a sample each time one is taken. */
export async function soak(worker: URL, total: number, onSample: (s: Sample) => void = () => {}): Promise<SoakResult> {
  const collect = collector();
  const arena = localCpu().createArena({ blockSize: 4096, blocks: 16 });
  let back = 0;
  const port = serve(BackPort, { note: () => void back++ }, { reuse: true });
  const cpu = await spawnCpu(worker, { ringBytes: 64 * 1024 });
  const peer = cpu.port(Soak);
  const samples: Sample[] = [];
  const every = Math.ceil(total / 40);
  let messages = 0;
  let notes = 0;
  let sum = 0;
  let sampled = 0;
  let turn = 0;
  const note = new Note({ n: 0, data: new Uint8Array(0) });
  const sizes = [0, 8, 24, 64, 200].map((n) => new Uint8Array(n));
  while (messages < total) {
    turn++;
    const flood = peer.call(new Back({ count: 2000 }));
    const before = back;
    for (let i = 0; i < 6000; i++) {
      note.n = i;
      note.data = sizes[i % sizes.length]!;
      sum += i + note.data.length;
      if (!peer.send(note)) await peer.ready();
    }
    notes += 6000;
    await flood;
    while (back - before < 2000) await new Promise((resolve) => setImmediate(resolve));
    const echoes = await Promise.all(
      Array.from({ length: 400 }, (_, n) =>
        peer.call(new Echo({ n, data: sizes[n % 5]!, text: `turn ${turn}` }), { timeout: 60_000 }),
      ),
    );
    if (echoes.some((m, n) => m.n !== n || m.data.length !== sizes[n % 5]!.length)) throw new Error("an echo is wrong");
    if ((await peer.call(new Echo({ n: 1, data: new Uint8Array(40_000), text: "" }))).data.length !== 40_000)
      throw new Error("a long echo is wrong");
    await failsWith(peer.call(new Fail()), "ENOENT");
    await failsWith(peer.call(new Wait(), { timeout: 1 }), "ETIMEDOUT");
    const controller = new AbortController();
    const aborted = failsWith(peer.call(new Wait(), { signal: controller.signal }), "EINTR");
    controller.abort(new LwktError("EINTR"));
    await aborted;
    const { block } = await peer.call(new Block({ block: arena.alloc(100) }));
    block.release();
    messages += 6000 + 2000 + 400 + 6;
    if (turn % 100 === 50) {
      const mortal = await spawnCpu(worker);
      const doomed = mortal.port(Soak);
      await doomed.call(new Fail()).catch(() => {});
      const calls = Array.from({ length: 20 }, () => failsWith(doomed.call(new Wait()), "EPIPE"));
      await mortal.terminate();
      await Promise.all(calls);
      messages += 21;
    }
    if (messages - sampled >= every) {
      sampled = messages;
      // Array buffers are given back by a thread of the collector, some time after a collection.
      for (let i = 0; i < 3; i++) {
        collect();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const { heapUsed, external, rss } = process.memoryUsage();
      const sample = { messages, heap: heapUsed / MIB, outside: external / MIB, rss: rss / MIB };
      samples.push(sample);
      onSample(sample);
    }
  }
  const result = await peer.call(new Total());
  if (result.notes !== notes || result.sum !== sum)
    throw new Error(`${notes} notes were sent, ${result.notes} arrived`);
  if (arena.available !== 16) throw new Error(`${16 - arena.available} blocks are lost`);
  await cpu.terminate();
  port.close();
  const quarter = Math.ceil(samples.length / 4);
  const used = samples.map((s) => s.heap + s.outside);
  return { messages, samples, growth: mean(used.slice(-quarter)) - mean(used.slice(0, quarter)) };
}
