/** The rows that every benchmark of the repository prints, and the table of them. */
import { table } from "../src/host/output/tables";

/** One comparison; times unless the unit says otherwise. */
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

const digits = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

export function rowsText(rows: readonly Row[]): string {
  return table(
    ["", "unit", "ours", "peer", "ratio", "peer's name"],
    rows.map((r) => [r.name, r.unit, digits(r.ours), digits(r.peer), r.ratio.toFixed(2), r.peerName]),
  );
}
