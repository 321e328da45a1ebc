/** How long a CPU watches its rings before it sleeps, by a clock of the test's. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Spinner } from "../src/host/spin";

let now = 0;
beforeEach(() => {
  now = 0;
  // Each look at the clock takes a microsecond.
  vi.spyOn(performance, "now").mockImplementation(() => (now += 0.001));
});
afterEach(() => void vi.restoreAllMocks());

const NOTHING = { hasInput: false, mayHaveInput: false };
/** Milliseconds that a watch takes. */
const watched = (spinner: Spinner, what = NOTHING): number => {
  const start = now;
  spinner.watch(what);
  return now - start;
};

describe("spinner", () => {
  test("does not spin where nothing else can run", () => {
    expect(watched(new Spinner(false))).toBe(0);
    expect(new Spinner(false).watch({ hasInput: true, mayHaveInput: false })).toBe(true);
  });

  test("sees what only a look that counts shows", () => {
    let looks = 0;
    const late = {
      mayHaveInput: false,
      get hasInput(): boolean {
        return ++looks > 3;
      },
    };
    expect(new Spinner(true).watch(late)).toBe(true);
    expect(looks).toBe(4);
    expect(now).toBe(0);
  });

  test("sleeps at once, twice as often each time, after spins in vain before short sleeps", () => {
    const spinner = new Spinner(true);
    const without: number[] = [];
    for (let spins = 0, skipped = 0; spins < 6;) {
      if (watched(spinner) > 0) {
        without.push(skipped);
        skipped = 0;
        spins++;
      } else skipped++;
      spinner.slept(0.02);
    }
    expect(without).toEqual([0, 1, 2, 4, 8, 16]);
    // A long sleep says that there was nothing to do.
    spinner.slept(5);
    expect(watched(spinner)).toBeGreaterThan(0);
    spinner.slept(0.02);
    watched(spinner);
    expect(watched(spinner)).toBeGreaterThan(0);
  });

  test("goes on over a tick of the clock now and then, when nothing else helps", () => {
    const spinner = new Spinner(true);
    const long: { at: number; took: number }[] = [];
    let spun = 0;
    while (now < 2000) {
      const took = watched(spinner);
      spun += took;
      if (took > 1) long.push({ at: now, took });
      now += 0.02;
      spinner.slept(0.02);
    }
    expect(long.length).toBeGreaterThan(5);
    for (const [i, { at, took }] of long.entries()) {
      expect(took).toBeGreaterThan(8);
      if (i > 0) expect(at - long[i - 1]!.at).toBeGreaterThan(100);
    }
    // What that costs where it is no use: a tenth of the time.
    expect(spun).toBeLessThan(0.15 * now);
  });
});
