/**
 * `nx bench @anax/scheduler`: decisions a second by policy and CPUs, and the worker pool of the examples against others.
 *
 *     npm run bench -- --only decisions --svg docs/decisions.svg
 */
import { writeFileSync } from "node:fs";
import { printRows, type Row } from "@anax/kts/bench";
import { SingleBar } from "cli-progress";
import { Command, InvalidArgumentError } from "commander";
import { curveSvg } from "./curve";
import { decisionRows, decisionTable, measureDecisions } from "./decisions";
import { poolRows } from "./pool";

interface Flags {
  json?: boolean;
  only?: string;
  runs: number;
  ms: number;
  svg?: string;
}

const count = (text: string): number => {
  if (!/^\d+$/.test(text) || Number(text) < 1) throw new InvalidArgumentError("expected a number from 1 on");
  return Number(text);
};

const flags = new Command("bench")
  .option("--json", "print rows of name, unit, ours, peer, peerName, ratio as JSON")
  .option("--only <part>", "decisions or pool")
  .option("--runs <n>", "rounds: of decisions the least counts, of the pool the median", count, 3)
  .option("--ms <n>", "CPU time of one measurement of decisions", count, 100)
  .option("--svg <file>", "draw the curve of decisions")
  .parse()
  .opts<Flags>();

function progress(title: string): { update: (done: number, of: number) => void; stop: () => void } {
  const bar = new SingleBar({
    format: `${title} {bar} {percentage} %`,
    stream: process.stderr,
    clearOnComplete: true,
    noTTYOutput: flags.json !== true,
    notTTYSchedule: 10_000,
  });
  bar.start(1, 0);
  return {
    update: (done, of) => {
      bar.setTotal(of);
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

const rows: Row[] = [];
if (flags.only === undefined || flags.only === "decisions") {
  const shown = progress("decisions");
  const points = await measureDecisions(flags.runs, flags.ms, shown.update);
  shown.stop();
  rows.push(...decisionRows(points));
  if (flags.json !== true) process.stdout.write(`${decisionTable(points)}\n\n`);
  if (flags.svg !== undefined) writeFileSync(flags.svg, curveSvg(points));
}
if (flags.only === undefined || flags.only === "pool") {
  const shown = progress("pool");
  rows.push(...(await poolRows(flags.runs, shown.update)));
  shown.stop();
}
printRows(rows, flags.json === true);
