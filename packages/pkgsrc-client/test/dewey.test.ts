import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareVersions } from "@anax/pkgsrc-client/host";

const MAX = 10n ** 18n - 1n;
const number = (digits: string): bigint => (BigInt(digits) > MAX ? MAX : BigInt(digits));

/** The components of a version, straight from the rules; numbers as bigint. */
function components(version: string): { v: bigint[]; nb: bigint } {
  const v: bigint[] = [];
  let nb = 0n;
  let rest = version.toLowerCase();
  const modifiers: [string, bigint][] = [
    ["alpha", -3n],
    ["beta", -2n],
    ["pre", -1n],
    ["rc", -1n],
    ["pl", 0n],
    ["_", 0n],
    [".", 0n],
  ];
  while (rest !== "") {
    const digits = /^[0-9]+/.exec(rest);
    const modifier = modifiers.find(([m]) => rest.startsWith(m));
    const revision = /^nb([0-9]*)/.exec(rest);
    if (digits !== null) {
      v.push(number(digits[0]));
      rest = rest.slice(digits[0].length);
    } else if (modifier !== undefined) {
      v.push(modifier[1]);
      rest = rest.slice(modifier[0].length);
    } else if (revision !== null) {
      nb = number(revision[1] === "" ? "0" : revision[1]!);
      rest = rest.slice(revision[0].length);
    } else {
      if (/^[a-z]/.test(rest)) v.push(0n, BigInt(rest.charCodeAt(0) - 96));
      rest = rest.slice(1);
    }
  }
  return { v, nb };
}

function naive(a: string, b: string): number {
  const x = components(a);
  const y = components(b);
  for (let i = 0; i < Math.max(x.v.length, y.v.length); i++) {
    const d = (x.v[i] ?? 0n) - (y.v[i] ?? 0n);
    if (d !== 0n) return d < 0n ? -1 : 1;
  }
  return x.nb === y.nb ? 0 : x.nb < y.nb ? -1 : 1;
}

const token = fc.oneof(
  fc.constantFrom(
    ".",
    "_",
    "pl",
    "alpha",
    "beta",
    "pre",
    "rc",
    "nb",
    "RC",
    "Alpha",
    "NB",
    "-",
    "+",
    "al",
    "be",
    "p",
    "é",
  ),
  fc.constantFrom("a", "b", "z", "n", "A"),
  fc.nat(30).map(String),
  fc.bigInt({ min: 0n, max: 999_999_999_999_999_999n }).map(String),
);
const version = fc.array(token, { maxLength: 8 }).map((t) => t.join(""));

describe("Dewey versions", () => {
  const ascending = [
    [
      "1.0alpha",
      "1.0alpha1",
      "1.0beta",
      "1.0pre1",
      "1.0rc2",
      "1.0",
      "1.0nb1",
      "1.0nb12",
      "1.0.1",
      "1.0b",
      "1.1",
      "1.10",
      "2",
    ],
    ["0.9", "0.9nb1", "0.9.1rc1", "0.9.1", "0.10"],
    ["1.2.3", "1.2.3a", "1.2.3b", "1.2.4"],
    ["20240101", "20240101nb1", "20251208143052123", "20251208143052124"],
    ["5alpha", "5beta", "5rc1", "5", "5nb1"],
  ];
  for (const list of ascending) {
    it(`orders ${list.join(" < ")}`, () => {
      for (let i = 0; i < list.length; i++) {
        for (let j = 0; j < list.length; j++)
          expect(compareVersions(list[i]!, list[j]!), `${list[i]} ${list[j]}`).toBe(Math.sign(i - j));
      }
    });
  }

  const equal = [
    ["1.0", "1"],
    ["1.0pl2", "1.0.2"],
    ["1.0a", "1.0.1"],
    ["1_2", "1.2"],
    ["1RC1", "1rc1"],
    ["1pre1", "1rc1"],
    ["1.0nb", "1.0"],
    ["1.0nb0", "1.0"],
    ["1-2", "1+2"],
    ["", "0"],
    ["1.0nb3.0", "1.0.0nb3"],
  ];
  for (const [a, b] of equal) it(`${a} equals ${b}`, () => expect(compareVersions(a!, b!)).toBe(0));

  it("takes the last of several revisions", () => expect(compareVersions("1nb5nb1", "1nb2")).toBe(-1));

  it("keeps 18 digits and takes every greater number for 10^18 - 1", () => {
    expect(compareVersions("999999999999999998", "999999999999999999")).toBe(-1);
    expect(compareVersions("000000000000000000000000000001", "1")).toBe(0);
    expect(compareVersions("999999999999999999", "1000000000000000000")).toBe(0);
    expect(compareVersions("99999999999999999999999999999999", "1000000000000000000")).toBe(0);
    expect(compareVersions("4294967296", "1")).toBe(1);
    expect(compareVersions("1nb4294967297", "1nb4294967296")).toBe(1);
  });

  it("agrees with the rules written down naively", () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(compareVersions(a, b)).toBe(naive(a, b));
      }),
    );
  });

  it("is a total order", () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(compareVersions(a, a)).toBe(0);
        expect(compareVersions(a, b) + compareVersions(b, a)).toBe(0);
        const [x, y, z] = [a, b, c].sort(compareVersions);
        expect(compareVersions(x!, z!)).toBeLessThanOrEqual(0);
        if (compareVersions(x!, y!) < 0 || compareVersions(y!, z!) < 0) expect(compareVersions(x!, z!)).toBe(-1);
      }),
    );
  });
});
