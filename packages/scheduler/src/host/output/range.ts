/** The part of a trace that an output shows. Neighbours: `svg.ts`, `perfetto.ts`. Invariant: what comes out is at least 1 ns and within the trace. */
import { InputError } from "../errors";
import type { Trace } from "../trace/trace";
import { describe } from "../units";

/** A number of an option. Throws an InputError that names the option for one out of range, NaN included. */
export function within(field: string, value: number, low: number, high: number): number {
  if (value >= low && value <= high) return value;
  throw new InputError(`expected ${low} ${high === Infinity ? "or more" : `to ${high}`}, got ${describe(value)}`, {
    field,
  });
}

/** From and to in ns; what lies beyond the end of the trace is cut off. Throws an InputError that names the option. */
export function rangeOf(trace: Trace, options: { from?: number; to?: number }): { from: number; to: number } {
  const from = within("from", options.from ?? 0, 0, Infinity);
  const until = within("to", options.to ?? Math.max(trace.end, from), from, Infinity);
  return { from, to: Math.max(from + 1, Math.min(until, trace.end)) };
}
