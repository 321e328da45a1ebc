import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testSeed } from "../src/presets/seed.js";

describe("the seed of property tests", () => {
  test("is the same for the same commit", () => {
    expect(testSeed("")).toBe(testSeed(""));
    expect(Number.isInteger(testSeed(""))).toBe(true);
  });

  test("is the number that is wished for", () => {
    expect(testSeed("-7")).toBe(-7);
    expect(testSeed("2147483648")).toBe(-2147483648);
    expect(() => testSeed("seven")).toThrow('ANAX_TEST_SEED: a number or "random", not "seven"');
  });

  test("is another one each time when it is random", () => {
    expect(new Set(Array.from({ length: 8 }, () => testSeed("random"))).size).toBeGreaterThan(1);
  });

  test("reaches the properties of this run", () => {
    expect(fc.readConfigureGlobal().seed).toBe(Number(process.env["ANAX_TEST_SEED"]));
  });
});
