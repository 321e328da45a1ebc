/** Rows of results, and how rounds of contestants become rows. */

export interface Row {
  name: string;
  unit: string;
  ours: number;
  peer: number;
  peerName: string;
  /** Our time over the peer's: lower is better. */
  ratio: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The times of one contestant, in nanoseconds a message, by round. */
export interface Times {
  readonly name: string;
  readonly rounds: number[];
}

/**
 * Measures contestants in turns, so that what else the machine does hits all of them. `run` does `count` messages of contestant `i`; `counts` is how many.
 */
export async function inTurns(
  names: readonly string[],
  counts: readonly number[],
  rounds: number,
  run: (i: number, count: number) => Promise<void> | void,
): Promise<Times[]> {
  const times = names.map((name): Times => ({ name, rounds: [] }));
  // A round to warm up.
  for (let i = 0; i < names.length; i++) await run(i, counts[i]!);
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

const digits = (v: number): string => (v >= 100 ? v.toFixed(0) : v.toFixed(1));

export function table(rows: readonly Row[]): string {
  const cells = [
    ["", "unit", "ours", "peer", "ratio", "peer's name"],
    ...rows.map((r) => [r.name, r.unit, digits(r.ours), digits(r.peer), r.ratio.toFixed(3), r.peerName]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const line = (row: string[]): string =>
    row.map((cell, i) => (i > 1 && i < 5 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join("  ");
  return cells.map((row) => line(row).trimEnd()).join("\n");
}
