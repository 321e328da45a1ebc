/**
 * All benchmarks of the package, one process each: `nx bench @anax/pkgsrc-client [-- --json]`.
 *
 * A benchmark is a file beside this one that prints its rows with `--json`.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseRows, printRows, type Row } from "@anax/kts/bench";

const run = promisify(execFile);
const rows: Row[] = [];
for (const name of ["load", "plan"]) {
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const { stdout } = await run(process.execPath, [...process.execArgv, file, "--json"], { maxBuffer: 1 << 24 });
  rows.push(...parseRows(stdout));
}
printRows(rows, process.argv.includes("--json"));
