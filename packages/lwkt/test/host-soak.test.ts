/** The soak of `npm run soak`, short: nothing is lost, and memory does not grow. */
import { expect, test } from "vitest";
import { soak } from "../bench/soak-run";
import { bundle } from "./bundle";

test("300,000 messages of all sorts in flat memory", async () => {
  const result = await soak(await bundle("../bench/soak-worker.ts"), 300_000);
  expect(result.messages).toBeGreaterThanOrEqual(300_000);
  // A message that leaked would cost 100 bytes and more: 30 MiB.
  expect(result.growth).toBeLessThan(8);
}, 240_000);
