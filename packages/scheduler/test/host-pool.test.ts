import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleWorker } from "../examples/worker-pool/bundle";
import { WorkerPool } from "../examples/worker-pool/pool";
import { Next, Primes, Refuse, Spin, Work } from "../examples/worker-pool/protocol";

let url: URL;
beforeAll(async () => {
  url = await bundleWorker();
});

/** Runs with a pool, which ends with it. */
async function withPool(
  options: Parameters<typeof WorkerPool.start>[2],
  work: (pool: WorkerPool<(typeof Work)["messages"]>) => Promise<void>,
): Promise<void> {
  const pool = await WorkerPool.start(url, Work, options);
  try {
    await work(pool);
  } finally {
    await pool.close();
  }
}

afterAll(() => rmSync(fileURLToPath(url), { force: true }));

describe("the worker pool of the examples", () => {
  test("answers every message of every lane", () =>
    withPool({ workers: 2 }, async (pool) => {
      const lanes = [pool.lane("a"), pool.lane("b", { nice: 12 }), pool.lane("c", { class: "idle" })];
      const answers = await Promise.all(Array.from({ length: 600 }, (_, n) => lanes[n % 3]!.call(new Next({ n }))));
      expect(answers.map((a) => (a as unknown as { after: number }).after)).toEqual(answers.map((_, n) => n + 1));
      expect(lanes.map((lane) => lane.done)).toEqual([200, 200, 200]);
      const { count } = (await lanes[0]!.call(new Primes({ upTo: 1000 }))) as unknown as { count: number };
      expect(count).toBe(168);
    }));

  test.each(["dfly", "eevdf"])("a real-time task goes before all batch tasks that wait, under %s", (policy) =>
    withPool({ workers: 1, depth: 1, policy }, async (pool) => {
      const batch = pool.lane("batch", { nice: 10 });
      const urgent = pool.lane("urgent", { class: "realtime" });
      const order: string[] = [];
      const tasks = Array.from({ length: 5 }, (_, i) =>
        batch.call(new Spin({ us: 2_000 })).then(() => order.push(`batch ${i}`)),
      );
      tasks.push(urgent.call(new Next({ n: 1 })).then(() => order.push("urgent")));
      await Promise.all(tasks);
      expect(order.indexOf("urgent")).toBe(1);
      expect(order).toHaveLength(6);
    }),
  );

  test("a task that fails rejects, and its slot is used again", () =>
    withPool({ workers: 1, depth: 1 }, async (pool) => {
      const lane = pool.lane("lane");
      await expect(lane.call(new Refuse({ why: "not today" }))).rejects.toMatchObject({ code: "EPERM" });
      expect(await lane.call(new Next({ n: 41 }))).toMatchObject({ after: 42 });
    }));

  test("an unknown policy, no workers", async () => {
    await expect(WorkerPool.start(url, Work, { policy: "lottery" })).rejects.toMatchObject({ field: "policy" });
    await expect(WorkerPool.start(url, Work, { workers: 0 })).rejects.toMatchObject({ field: "pool.cores" });
  });
});

test("its main program answers the short questions and counts all that was to be counted", async () => {
  const main = fileURLToPath(new URL("../examples/worker-pool/main.ts", import.meta.url));
  const args = ["--conditions=source", "--import", import.meta.resolve("tsx"), main];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 110_000 });
  expect(stdout).toMatch(
    /^40 answers while 60 long tasks were queued: median .* ms, worst .* ms\nall 60 counted to 41538 in \d+ ms\n$/,
  );
}, 120_000);
