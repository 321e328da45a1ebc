/**
 * All benchmarks of the package, one process each: `nx bench @anax/pkgsrc-client [-- --json]`.
 *
 * A benchmark is a file beside this one that prints rows `{ name, unit, ours, peer, peerName, ratio }` with `--json`, one a line. `ratio` is ours / peer:
 * below 1 is better than the peer.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

interface Row {
  name: string;
  unit: string;
  ours: number | null;
  peer: number | null;
  peerName: string;
  ratio: number | null;
}

const run = promisify(execFile);
const rows: Row[] = [];
for (const name of ["load", "plan"]) {
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const { stdout } = await run(process.execPath, [...process.execArgv, file, "--json"], { maxBuffer: 1 << 24 });
  for (const line of stdout.split("\n")) if (line.startsWith("{")) rows.push(JSON.parse(line) as Row);
}
const short = (n: number | null, digits: number): string => n?.toFixed(digits) ?? "";
if (process.argv.includes("--json")) for (const row of rows) console.log(JSON.stringify(row));
else {
  console.table(
    rows.map((r) => ({
      name: r.name,
      unit: r.unit,
      ours: short(r.ours, 1),
      peer: short(r.peer, 1),
      ratio: short(r.ratio, 2),
      "peer is": r.peerName,
    })),
  );
}
