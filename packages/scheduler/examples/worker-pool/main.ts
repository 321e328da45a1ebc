/**
 * The example: two workers full of batch work, and somebody who waits for short answers.
 *
 *     npx tsx --conditions=source examples/worker-pool/main.ts
 */
import { bundleWorker } from "./bundle";
import { WorkerPool } from "./pool";
import { Next, Primes, Work } from "./protocol";

await using pool = await WorkerPool.start(await bundleWorker(), Work, { workers: 2 });
const batch = pool.lane("batch", { nice: 10 });
const person = pool.lane("person", { class: "realtime" });

const started = performance.now();
const counts = Array.from({ length: 60 }, () => batch.call(new Primes({ upTo: 500_000 })));

const waits: number[] = [];
for (let n = 0; n < 40; n++) {
  const asked = performance.now();
  await person.call(new Next({ n }));
  waits.push(performance.now() - asked);
  await new Promise((resolve) => setTimeout(resolve, 5));
}
waits.sort((a, b) => a - b);
console.log(
  `40 answers while 60 long tasks were queued: median ${waits[20]!.toFixed(2)} ms, worst ${waits[39]!.toFixed(2)} ms`,
);

const results = await Promise.all(counts);
console.log(
  `all ${results.length} counted to ${(results[0] as { count: number }).count} in ${(performance.now() - started).toFixed(0)} ms`,
);
