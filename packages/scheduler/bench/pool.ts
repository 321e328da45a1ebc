/**
 * The worker pool of the examples against piscina and tinypool: tiny tasks a second, and how long short tasks wait while batch work runs.
 *
 * Every pool has two threads and does the same work; the pools take turns, round after round.
 */
import { fileURLToPath } from "node:url";
import { median, type Row } from "@anax/kts/bench";
import { Piscina } from "piscina";
import { Tinypool } from "tinypool";
import { bundleWorker } from "../examples/worker-pool/bundle";
import { WorkerPool } from "../examples/worker-pool/pool";
import { Next, Spin, Work } from "../examples/worker-pool/protocol";
import { summarize } from "../src/host";

const THREADS = 2;
/** Tiny tasks: how many, and how many are on their way at a time. */
const TINY = 20_000;
const WINDOW = 256;
/** Batch tasks: how long, and how many are kept queued. */
const BATCH_US = 2_000;
const BACKLOG = 40;
/** Short tasks of one round that arrive meanwhile, and the pause between them, ms. */
const SHORT = 40;
const PAUSE_MS = 4;

/** A pool as the measurements see it. */
interface Contestant {
  name: string;
  next(n: number): Promise<unknown>;
  /** A batch task; a short task of somebody who waits. */
  batch(us: number): Promise<unknown>;
  short(n: number): Promise<unknown>;
  close(): Promise<unknown>;
}

async function ours(url: URL): Promise<Contestant> {
  const pool = await WorkerPool.start(url, Work, { workers: THREADS });
  const [plain, batch, short] = [
    pool.lane("plain"),
    pool.lane("batch", { nice: 10 }),
    pool.lane("short", { class: "realtime" }),
  ];
  return {
    name: "ours",
    next: (n) => plain.call(new Next({ n })),
    batch: (us) => batch.call(new Spin({ us })),
    short: (n) => short.call(new Next({ n })),
    close: () => pool.close(),
  };
}

function theirs(name: "piscina" | "tinypool"): Contestant {
  const options = {
    filename: fileURLToPath(new URL("peer-worker.mjs", import.meta.url)),
    minThreads: THREADS,
    maxThreads: THREADS,
  };
  const pool = name === "piscina" ? new Piscina(options) : new Tinypool(options);
  const run = (task: object): Promise<unknown> => pool.run(task);
  return {
    name,
    next: (n) => run({ n }),
    batch: (us) => run({ us }),
    short: (n) => run({ n }),
    close: () => pool.destroy(),
  };
}

/** Time of one tiny task when many are on their way, us. */
async function tiny({ next }: Contestant): Promise<number> {
  const start = performance.now();
  let sent = 0;
  const stream = async (): Promise<void> => {
    while (sent < TINY) await next(sent++);
  };
  await Promise.all(Array.from({ length: WINDOW }, stream));
  return ((performance.now() - start) * 1000) / TINY;
}

/** Times of short tasks while batch tasks keep the pool busy, us. */
async function waiting({ batch, short }: Contestant): Promise<number[]> {
  let going = true;
  const keep = async (): Promise<void> => {
    while (going) await batch(BATCH_US);
  };
  const backlog = Array.from({ length: BACKLOG }, keep);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const times: number[] = [];
  for (let n = 0; n < SHORT; n++) {
    const asked = performance.now();
    await short(n);
    times.push((performance.now() - asked) * 1000);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  going = false;
  await Promise.all(backlog);
  return times;
}

/** What one contestant has shown. */
interface Sample {
  tiny: number[];
  waits: number[];
}

const MEASURES: readonly { name: string; of: (sample: Sample) => number }[] = [
  { name: "pool: tiny task", of: ({ tiny }) => median(tiny) },
  { name: "pool: short task behind batch work, median", of: ({ waits }) => summarize(sorted(waits)).p50 },
  { name: "pool: short task behind batch work, p99", of: ({ waits }) => summarize(sorted(waits)).p99 },
];

const sorted = (values: readonly number[]): Float64Array => Float64Array.from(values).sort();

export async function poolRows(runs: number, onProgress: (done: number, of: number) => void): Promise<Row[]> {
  const contestants = [await ours(await bundleWorker()), theirs("piscina"), theirs("tinypool")];
  const samples = contestants.map((): Sample => ({ tiny: [], waits: [] }));
  let done = 0;
  try {
    for (let run = 0; run <= runs; run++) {
      for (const [i, contestant] of contestants.entries()) {
        const [time, waits] = [await tiny(contestant), await waiting(contestant)];
        // The first round warms up.
        if (run > 0) {
          samples[i]!.tiny.push(time);
          samples[i]!.waits.push(...waits);
        }
        onProgress(++done, (runs + 1) * contestants.length);
      }
    }
  } finally {
    await Promise.all(contestants.map((c) => c.close()));
  }
  const [mine, ...peers] = samples;
  return MEASURES.flatMap(({ name, of }) =>
    peers.map((peer, i) => {
      const [a, b] = [of(mine!), of(peer)];
      return { name, unit: "us", ours: a, peer: b, peerName: contestants[i + 1]!.name, ratio: a / b };
    }),
  );
}
