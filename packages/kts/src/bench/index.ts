/**
 * Rows of benchmarks: contestants measured in turns, their times as rows, rows as JSON or as a table.
 *
 * Key type `Row`. Neighbours: the `bench` folders of the packages. Invariant: `ratio` is ours over the peer's, so lower is better whatever the unit.
 */

/** One comparison with one peer. A number that could not be measured is NaN: `null` in JSON, `-` in the table. */
export interface Row {
  name: string;
  unit: string;
  ours: number;
  peer: number;
  peerName: string;
  /** Ours over the peer's: lower is better. */
  ratio: number;
}

/** Of at least one value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The times of one contestant, in nanoseconds for each of what it did, by round. */
export interface Times {
  readonly name: string;
  readonly rounds: number[];
}

/**
 * Measures contestants in turns, so that what else the machine does hits all of them. `run` lets contestant `i` do `count` of what is measured;
 * `counts` is how many that are in a round. Before all that each warms up: for a round, and for more of them until `warmUp` milliseconds are over.
 */
export async function inTurns(
  names: readonly string[],
  counts: readonly number[],
  rounds: number,
  run: (i: number, count: number) => Promise<void> | void,
  warmUp = 0,
): Promise<Times[]> {
  const times = names.map((name): Times => ({ name, rounds: [] }));
  for (let i = 0; i < names.length; i++) {
    const start = performance.now();
    do await run(i, counts[i]!);
    while (performance.now() - start < warmUp);
  }
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const start = performance.now();
      await run(i, counts[i]!);
      times[i]!.rounds.push(((performance.now() - start) * 1e6) / counts[i]!);
    }
  }
  return times;
}

/** A row for each contestant but ours, the first. The ratio is the median of the rounds' ratios. */
export function compare(name: string, times: readonly Times[]): Row[] {
  const [ours, ...peers] = times;
  return peers.map((peer) => ({
    name,
    unit: "ns",
    ours: median(ours!.rounds),
    peer: median(peer.rounds),
    peerName: peer.name,
    ratio: median(ours!.rounds.map((t, i) => t / peer.rounds[i]!)),
  }));
}

/** Three digits or so. */
const digits = (value: number): string =>
  Number.isFinite(value) ? value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2) : "-";
const ratio = (value: number): string => (Number.isFinite(value) ? value.toFixed(value >= 10 ? 1 : 3) : "-");

/** Rows in columns, with a header. */
export function rowsTable(rows: readonly Row[]): string {
  const cells = [
    ["", "unit", "ours", "peer", "ratio", "peer's name"],
    ...rows.map((r) => [r.name, r.unit, digits(r.ours), digits(r.peer), ratio(r.ratio), r.peerName]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) => row.map((cell, i) => (i > 1 && i < 5 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))))
    .map((row) => row.join("  ").trimEnd())
    .join("\n");
}

/** What `--json` prints, an array; `parseRows` reads it. */
export function rowsJson(rows: readonly Row[]): string {
  return JSON.stringify(rows, null, 2);
}

/** The rows of another benchmark's `--json`. */
export function parseRows(text: string): Row[] {
  const number = (value: number | null): number => value ?? NaN;
  return (JSON.parse(text) as Row[]).map((r) => ({
    ...r,
    ours: number(r.ours),
    peer: number(r.peer),
    ratio: number(r.ratio),
  }));
}

/** Ends a benchmark: the rows on standard output, as JSON or as a table. */
export function printRows(rows: readonly Row[], json: boolean): void {
  process.stdout.write(`${json ? rowsJson(rows) : rowsTable(rows)}\n`);
}
