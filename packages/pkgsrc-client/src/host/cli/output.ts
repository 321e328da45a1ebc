/**
 * What the command line writes: text for people, one JSON document for programs; colours only on a terminal.
 *
 * Key type: {@link Output}. Neighbours: `progress.ts`, `plan-view.ts`. Invariant: with `--json` standard output is exactly one JSON document, on failure too.
 */
import pc from "picocolors";

export type Colors = ReturnType<typeof pc.createColors>;

export class Output {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly colors: Colors;
  private readonly notices: string[] = [];
  private document: unknown = undefined;

  constructor(json: boolean, verbose: boolean) {
    this.json = json;
    this.verbose = verbose;
    const forced = process.env["FORCE_COLOR"];
    const wanted =
      forced !== undefined
        ? forced !== "0"
        : process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined && process.env["TERM"] !== "dumb";
    this.colors = pc.createColors(wanted);
  }

  /** A line for people. */
  line(text = ""): void {
    if (!this.json) process.stdout.write(`${text}\n`);
  }

  /** A line that only `--verbose` shows. */
  detail(text: string): void {
    if (this.verbose && !this.json) process.stdout.write(`${this.colors.dim(text)}\n`);
  }

  /** Something the user should know; part of the JSON document, too. */
  notice(text: string): void {
    this.notices.push(text);
    if (!this.json) process.stderr.write(`${this.colors.yellow("note:")} ${text}\n`);
  }

  warning(text: string): void {
    this.notices.push(text);
    process.stderr.write(`${this.colors.yellow("warning:")} ${text}\n`);
  }

  error(text: string, details: readonly string[] = []): void {
    process.stderr.write(`${this.colors.red("pkgc:")} ${text}\n`);
    for (const detail of details) process.stderr.write(`  ${detail}\n`);
  }

  /** The answer of the command. `people` writes it as text. */
  answer(value: object, people: () => void): void {
    if (this.json) this.document = value;
    else people();
  }

  /** Writes the JSON document, if it was asked for. */
  finish(error: { code: string; message: string; details: readonly string[] } | null): void {
    if (!this.json) return;
    const body: Record<string, unknown> = { ...(this.document as object | undefined) };
    if (this.notices.length > 0) body["notices"] = this.notices;
    if (error !== null) body["error"] = error;
    process.stdout.write(`${JSON.stringify(body, null, 2)}\n`);
  }
}

/** Bytes for people: 1,024 is 1.0 KiB. */
export function humanSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const text = unit === 0 ? String(value) : value >= 100 ? value.toFixed(0) : value.toFixed(1);
  return `${bytes < 0 ? "-" : ""}${text} ${units[unit]}`;
}

/** Rows with columns of equal width, the last one as it is. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, visibleLength(cell))));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell + " ".repeat(widths[i]! - visibleLength(cell))))
      .join("  ")
      .trimEnd(),
  );
}

/** Length without escape sequences. */
export function visibleLength(text: string): number {
  return text.replace(/\x1b\[[0-9;]*m/g, "").length;
}
