/** Where the host forbids code from text, as a page's Content Security Policy may, all goes by way of records. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { bundle } from "./bundle";

test("calls and messages without code from text", async () => {
  const [program, worker] = await Promise.all([bundle("workers/plain.ts"), bundle("workers/work.ts")]);
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--disallow-code-generation-from-strings",
    fileURLToPath(program),
    worker.href,
  ]);
  expect(JSON.parse(stdout)).toEqual({
    mayCompile: false,
    sum: 3,
    notes: 10_000,
    wrong: 0,
    echoed: true,
    label: "ä",
  });
});
