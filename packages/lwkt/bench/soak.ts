/**
 * `npm run soak`: ten million messages, and the memory before and after.
 *
 *     npm run soak -- --messages 1000000
 */
import { Command, InvalidArgumentError } from "commander";
import { soak } from "./soak-run";

const { messages } = new Command("soak")
  .option(
    "--messages <n>",
    "how many",
    (text) => {
      const n = Number(text);
      if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError("expected a positive integer");
      return n;
    },
    10_000_000,
  )
  .parse()
  .opts<{ messages: number }>();

/** Growth up to this is noise of the collector. */
const LIMIT = 4;

const start = performance.now();
const result = await soak(new URL("./soak-worker.mjs", import.meta.url), messages, (s) =>
  console.log(
    `${String(s.messages).padStart(9)} messages  heap ${s.heap.toFixed(1)} MiB  outside ${s.outside.toFixed(1)} MiB  resident ${s.rss.toFixed(0)} MiB`,
  ),
);
console.log(
  `${result.messages} messages in ${((performance.now() - start) / 1000).toFixed(0)} s, none lost; memory grew by ${result.growth.toFixed(2)} MiB (limit ${LIMIT})`,
);
process.exitCode = result.growth > LIMIT ? 1 : 0;
