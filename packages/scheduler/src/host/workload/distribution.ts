/**
 * Random durations: what a step of a task takes, and the stream of random numbers that each task owns.
 *
 * Key types `Distribution`, `RandomStream`. Neighbours: `schema.ts`, `program.ts`.
 * Invariant: a task's draws depend on the seed and on the task alone, never on the order in which a policy runs tasks; so two policies
 * see the same bursts.
 */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import { InputError } from "../errors";
import { MAX_NS, describe, parseDuration, type Duration } from "../units";

/**
 * A duration that is drawn anew each time.
 *
 * | form | meaning |
 * |---|---|
 * | `"5ms"`, `5000000` | always the same |
 * | `{ uniform: [low, high] }` | every value alike |
 * | `{ exponential: mean }` | times between independent events (Poisson arrivals) |
 * | `{ normal: [mean, deviation] }` | cut off at 0 |
 * | `{ lognormal: [median, sigma] }` | sigma of the logarithm, a plain number |
 * | `{ pareto: [min, shape] }` | heavy tail; cut off at 10,000 times the minimum |
 * | `{ cycle: [...] }` | these, in turn, for ever |
 * | `{ choice: [[weight, distribution], ...] }` | one of these by weight |
 */
export type DurationSource =
  | Duration
  | { uniform: [Duration, Duration] }
  | { exponential: Duration }
  | { normal: [Duration, Duration] }
  | { lognormal: [Duration, number] }
  | { pareto: [Duration, number] }
  | { cycle: Duration[] }
  | { choice: [number, DurationSource][] };

/** A compiled {@link DurationSource}. `state` is the caller's: one number for each user, 0 at first. */
export interface Distribution {
  /** Expected value, ns. */
  readonly mean: number;
  /** The next value, ns; `turn` counts the draws of this user from 0. */
  draw(random: RandomStream, turn: number): number;
}

/** xoroshiro128+ seeded by (seed, stream). */
export class RandomStream {
  private readonly generator: ReturnType<typeof xoroshiro128plusFromState>;

  constructor(seed: number, stream: number) {
    let x = (seed | 0) ^ Math.imul(stream | 0, 0x9e3779b1) ^ Math.imul(Math.floor(seed / 0x100000000) | 0, 0x85ebca6b);
    const state: number[] = [];
    // SplitMix32 spreads the few bits of (seed, stream) over the 128 of the state.
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) | 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      state.push((z ^ (z >>> 15)) | 0);
    }
    this.generator = xoroshiro128plusFromState(state);
  }

  /** Uniform in [0, 1). */
  next(): number {
    return uniformFloat64(this.generator);
  }
}

const PARETO_LIMIT = 1e4;

class Constant implements Distribution {
  constructor(readonly mean: number) {}
  draw(): number {
    return this.mean;
  }
}

class Drawn implements Distribution {
  constructor(
    readonly mean: number,
    private readonly sample: (random: RandomStream, turn: number) => number,
  ) {}
  draw(random: RandomStream, turn: number): number {
    const ns = Math.round(this.sample(random, turn));
    return ns < 0 ? 0 : ns > MAX_NS ? MAX_NS : ns;
  }
}

/** Standard normal by Box and Muller; one of the pair, so that a draw always takes two numbers. */
function gaussian(random: RandomStream): number {
  const u = 1 - random.next();
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * random.next());
}

function pair(value: unknown, field: string): [unknown, unknown] {
  if (!Array.isArray(value) || value.length !== 2) {
    throw new InputError(`expected two values, got ${describe(value)}`, { field });
  }
  return [value[0], value[1]];
}

function positive(value: unknown, field: string): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
    throw new InputError(`expected a number above 0, got ${describe(value)}`, { field });
  }
  return value;
}

/**
 * Compiles a source.
 *
 * @throws InputError naming the field below `field`: unknown form, negative time, empty list, weight that is not positive.
 */
export function distribution(source: unknown, field: string): Distribution {
  if (typeof source === "number" || typeof source === "string") return new Constant(parseDuration(source, field));
  if (typeof source !== "object" || source === null || Array.isArray(source)) {
    throw new InputError(`expected a duration or a distribution, got ${describe(source)}`, { field });
  }
  const entries = Object.entries(source);
  if (entries.length !== 1) {
    throw new InputError(`expected one of uniform, exponential, ..., got ${describe(source)}`, { field });
  }
  const [kind, value] = entries[0] as [string, unknown];
  const at = `${field}.${kind}`;
  switch (kind) {
    case "uniform": {
      const [a, b] = pair(value, at);
      const low = parseDuration(a, `${at}[0]`);
      const high = parseDuration(b, `${at}[1]`);
      if (high < low) throw new InputError("the upper bound is below the lower one", { field: at });
      return new Drawn((low + high) / 2, (random) => low + (high - low) * random.next());
    }
    case "exponential": {
      const mean = parseDuration(value, at);
      return new Drawn(mean, (random) => -mean * Math.log(1 - random.next()));
    }
    case "normal": {
      const [a, b] = pair(value, at);
      const mean = parseDuration(a, `${at}[0]`);
      const deviation = parseDuration(b, `${at}[1]`);
      return new Drawn(mean, (random) => mean + deviation * gaussian(random));
    }
    case "lognormal": {
      const [a, b] = pair(value, at);
      const median = parseDuration(a, `${at}[0]`);
      const sigma = positive(b, `${at}[1]`);
      return new Drawn(median * Math.exp((sigma * sigma) / 2), (random) => median * Math.exp(sigma * gaussian(random)));
    }
    case "pareto": {
      const [a, b] = pair(value, at);
      const min = parseDuration(a, `${at}[0]`);
      const shape = positive(b, `${at}[1]`);
      const mean = shape > 1 ? (min * shape) / (shape - 1) : min * PARETO_LIMIT;
      return new Drawn(mean, (random) => min * Math.min(PARETO_LIMIT, (1 - random.next()) ** (-1 / shape)));
    }
    case "cycle": {
      if (!Array.isArray(value) || value.length === 0) {
        throw new InputError(`expected a list of durations, got ${describe(value)}`, { field: at });
      }
      const values = Float64Array.from(value as unknown[], (v, i) => parseDuration(v, `${at}[${i}]`));
      return new Drawn(values.reduce((a, b) => a + b, 0) / values.length, (_, turn) => values[turn % values.length]!);
    }
    case "choice": {
      if (!Array.isArray(value) || value.length === 0) {
        throw new InputError(`expected a list of [weight, distribution], got ${describe(value)}`, { field: at });
      }
      const choices = (value as unknown[]).map((v, i) => {
        const [weight, inner] = pair(v, `${at}[${i}]`);
        return { weight: positive(weight, `${at}[${i}][0]`), of: distribution(inner, `${at}[${i}][1]`) };
      });
      const total = choices.reduce((sum, c) => sum + c.weight, 0);
      const mean = choices.reduce((sum, c) => sum + (c.of.mean * c.weight) / total, 0);
      return new Drawn(mean, (random, turn) => {
        let left = random.next() * total;
        for (const choice of choices) {
          left -= choice.weight;
          if (left < 0) return choice.of.draw(random, turn);
        }
        return choices[choices.length - 1]!.of.draw(random, turn);
      });
    }
    default:
      throw new InputError(
        `unknown distribution ${JSON.stringify(kind)}; there are uniform, exponential, normal, lognormal, pareto, cycle, choice`,
        { field },
      );
  }
}
