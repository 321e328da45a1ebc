/**
 * Durations and CPU lists as people write them.
 *
 * Durations are nanoseconds inside: whole numbers up to 2^53. Neighbours: every reader of user input.
 */
import { InputError } from "./errors";

/** A number of nanoseconds, or text with a unit: `"250us"`, `"1.5ms"`, `"2s"`. */
export type Duration = number | string;

const UNIT_NS: ReadonlyMap<string, number> = new Map([
  ["ns", 1],
  ["us", 1e3],
  ["µs", 1e3],
  ["ms", 1e6],
  ["s", 1e9],
  ["min", 60e9],
  ["h", 3600e9],
]);

/** The longest time that fits the simulator's clock: 100 days, ns. */
export const MAX_NS = 100 * 24 * 3600e9;

/**
 * Nanoseconds of a duration.
 *
 * @throws InputError naming `field`: not a number with a known unit, negative, or above 100 days.
 */
export function parseDuration(value: unknown, field: string): number {
  let ns: number;
  if (typeof value === "number") ns = value;
  else if (typeof value === "string") {
    const match = /^\s*([-+]?\d+(?:\.\d+)?(?:e\d+)?)\s*([a-zµ]*)\s*$/.exec(value);
    const unit = match === null ? undefined : match[2] === "" ? 1 : UNIT_NS.get(match[2]!);
    if (match === null || unit === undefined) {
      throw new InputError(`expected a duration such as 250us, 1.5ms or 2s, got ${JSON.stringify(value)}`, { field });
    }
    ns = Number(match[1]) * unit;
  } else {
    throw new InputError(`expected a duration (ns, or text such as "5ms"), got ${describe(value)}`, { field });
  }
  if (!Number.isFinite(ns)) throw new InputError(`expected a finite duration, got ${ns}`, { field });
  if (ns < 0) throw new InputError(`a duration cannot be negative: ${String(value)}`, { field });
  if (ns > MAX_NS) throw new InputError(`longer than 100 days: ${String(value)}`, { field });
  return Math.round(ns);
}

/** A duration for people: three significant digits and a unit. */
export function formatDuration(ns: number): string {
  if (ns === 0) return "0";
  const [unit, size] =
    ns < 1e3 ? ["ns", 1] : ns < 1e6 ? ["us", 1e3] : ns < 1e9 ? ["ms", 1e6] : (["s", 1e9] as [string, number]);
  const value = ns / size;
  const digits = value >= 100 || unit === "ns" ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}

/**
 * CPU numbers, ascending and without repeats, of a list such as `"0-3,8"` or `[0, 1, 8]`.
 *
 * @throws InputError naming `field`: not a list, empty, or a CPU that is not below `cpus`.
 */
export function parseCpuList(value: unknown, cpus: number, field: string): number[] {
  const found = new Set<number>();
  const add = (low: number, high: number, text: string): void => {
    if (high >= cpus) {
      throw new InputError(`CPU ${high} does not exist: the topology has ${cpus}`, { field });
    }
    if (low > high) throw new InputError(`empty range ${text}`, { field });
    for (let cpu = low; cpu <= high; cpu++) found.add(cpu);
  };
  if (typeof value === "string") {
    for (const part of value.split(",")) {
      const match = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part);
      if (match === null) throw new InputError(`expected CPUs such as 0-3,8, got ${JSON.stringify(value)}`, { field });
      add(Number(match[1]), Number(match[2] ?? match[1]), part);
    }
  } else if (Array.isArray(value)) {
    for (const cpu of value as unknown[]) {
      if (typeof cpu !== "number" || !Number.isInteger(cpu) || cpu < 0) {
        throw new InputError(`expected CPU numbers, got ${describe(cpu)}`, { field });
      }
      add(cpu, cpu, String(cpu));
    }
  } else throw new InputError(`expected CPUs such as "0-3,8" or [0, 1], got ${describe(value)}`, { field });
  if (found.size === 0) throw new InputError("no CPU in the list", { field });
  return [...found].sort((a, b) => a - b);
}

/** A value in an error message: short, and never "[object Object]". */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number") return String(value);
  if (typeof value === "bigint") return `${value}n`;
  const text = jsonOf(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // It holds a bigint, or itself.
    return Array.isArray(value) ? "a list" : "an object";
  }
}
