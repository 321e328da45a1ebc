import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  LongArray,
  clz,
  ctz,
  longAnd,
  longDiv,
  longHi,
  longLo,
  longMod,
  longMulShr32,
  longOf,
  longOr,
  longShl,
  longShr,
  popcnt,
  rotl,
} from "@anax/portable";

const safe = fc.maxSafeInteger();
const n = (v: bigint) => Number(v);

describe("long against BigInt", () => {
  it("divides and takes remainders like i64", () => {
    fc.assert(
      fc.property(safe, safe, (a, b) => {
        fc.pre(b !== 0);
        expect(longDiv(a, b)).toBe(n(BigInt(a) / BigInt(b)));
        expect(longMod(a, b)).toBe(n(BigInt(a) % BigInt(b)));
      }),
    );
  });

  it("gives no negative zero", () => {
    expect(Object.is(longMod(-4, 2), 0)).toBe(true);
    expect(Object.is(longDiv(0, -5), 0)).toBe(true);
  });

  it("shifts and masks like i64", () => {
    fc.assert(
      fc.property(safe, safe, fc.integer({ min: 0, max: 52 }), (a, b, k) => {
        expect(longShr(a, k)).toBe(n(BigInt(a) >> BigInt(k)));
        expect(longAnd(a, b)).toBe(n(BigInt(a) & BigInt(b)));
        expect(longOr(a, b)).toBe(n(BigInt(a) | BigInt(b)));
        const small = Math.trunc(a / 2 ** k) + 0;
        expect(longShl(small, k)).toBe(n(BigInt(small) << BigInt(k)));
      }),
    );
  });

  it("splits and joins", () => {
    fc.assert(
      fc.property(safe, (a) => {
        expect(longOf(longHi(a), longLo(a))).toBe(a);
      }),
    );
  });

  it("scales without losing high bits", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 46 }), fc.integer({ min: 0, max: 0x7fffff }), (a, m) => {
        expect(longMulShr32(a, m)).toBe(n((BigInt(a) * BigInt(m)) >> 32n));
      }),
    );
  });

  it("refuses array accesses out of bounds", () => {
    const a = new LongArray(4);
    a.set(3, 2 ** 52);
    expect(a.get(3)).toBe(2 ** 52);
    expect(() => a.get(4)).toThrow(RangeError);
    expect(() => a.set(-1, 0)).toThrow(RangeError);
  });
});

describe("bits", () => {
  it("agrees with a bit loop", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 31 }), (x, k) => {
        const text = x.toString(2).padStart(32, "0");
        expect(clz(x)).toBe(x === 0 ? 32 : text.indexOf("1"));
        expect(ctz(x)).toBe(x === 0 ? 32 : 31 - text.lastIndexOf("1"));
        expect(popcnt(x)).toBe([...text].filter((c) => c === "1").length);
        expect(rotl(x, k)).toBe(parseInt(text.slice(k) + text.slice(0, k), 2));
      }),
    );
  });
});
