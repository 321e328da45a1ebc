import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BitSet,
  SlotTable,
  TextBuilder,
  bytesOf,
  copyBytes,
  equalBytes,
  getLong,
  getU32,
  hashBytes,
  parseDecimal,
  putLong,
  putU32,
} from "@anax/portable";

describe("TextBuilder", () => {
  it("formats like JavaScript", () => {
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.integer({ min: 0, max: 24 }),
        (v, h, w) => {
          expect(new TextBuilder(1).num(v).toString()).toBe(String(v));
          expect(new TextBuilder(1).pad(v, w).toString()).toBe(String(v).padStart(w));
          expect(new TextBuilder(1).hex32(h).toString()).toBe(h.toString(16));
          expect(new TextBuilder(1).hex32(h, 8).toString()).toBe(h.toString(16).padStart(8, "0"));
        },
      ),
    );
  });

  it("grows", () => {
    const t = new TextBuilder(1);
    for (let i = 0; i < 1000; i++) t.str("ab").byte(10);
    expect(t.length).toBe(3000);
    t.clear();
    expect(t.str("x").toString()).toBe("x");
  });
});

describe("parseDecimal", () => {
  const parse = (s: string) => parseDecimal(bytesOf(s), 0, s.length);
  it("reads digits up to the first other byte", () => {
    expect(parse("0")).toBe(0);
    expect(parse("1234 5")).toBe(1234);
    expect(parse("2147483637")).toBe(2147483637);
  });
  it("refuses what is no number or too large", () => {
    expect(parse("")).toBe(-1);
    expect(parse("x1")).toBe(-1);
    expect(parse("-1")).toBe(-1);
    expect(parse("99999999999")).toBe(-1);
  });
});

describe("bytes", () => {
  it("round-trips words", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 0xffffffff }), (l, w) => {
        const b = new Uint8Array(13);
        putLong(b, 1, l);
        expect(getLong(b, 1)).toBe(l);
        expect(new DataView(b.buffer).getBigInt64(1, true)).toBe(BigInt(l));
        putU32(b, 9, w);
        expect(getU32(b, 9)).toBe(w);
      }),
    );
  });

  it("refuses accesses out of bounds", () => {
    const b = new Uint8Array(8);
    expect(() => getU32(b, 5)).toThrow(RangeError);
    expect(() => putLong(b, 1, 0)).toThrow(RangeError);
    expect(() => getU32(b, -1)).toThrow(RangeError);
    expect(() => copyBytes(b, 0, b, 4, 5)).toThrow(RangeError);
  });

  it("compares, copies with overlap and hashes", () => {
    const b = bytesOf("abcdefgh");
    copyBytes(b, 1, b, 0, 7);
    expect(equalBytes(b, 0, bytesOf("aabcdefg"), 0, 8)).toBe(true);
    expect(equalBytes(b, 0, bytesOf("aabcdefX"), 0, 8)).toBe(false);
    expect(hashBytes(bytesOf("foobar"), 0, 6, 0)).toBe(0xbf9cf968);
  });
});

describe("containers", () => {
  it("SlotTable finds the lowest free slot", () => {
    const t = new SlotTable<string>();
    t.set(0, "a");
    t.set(2, "c");
    expect(t.lowestFree(0)).toBe(1);
    expect(t.lowestFree(2)).toBe(3);
    expect(t.used).toBe(2);
    t.set(0, null);
    expect(t.lowestFree(0)).toBe(0);
    expect(t.get(99)).toBeNull();
    expect(t.get(-1)).toBeNull();
  });

  it("BitSet against Set", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 99 }))), (ops) => {
        const set = new Set<number>();
        const bits = new BitSet(100);
        for (const [on, i] of ops) {
          if (on) {
            set.add(i);
            bits.add(i);
          } else {
            set.delete(i);
            bits.delete(i);
          }
          expect(bits.has(i)).toBe(set.has(i));
          expect(bits.first()).toBe(set.size === 0 ? -1 : Math.min(...set));
          expect(bits.last()).toBe(set.size === 0 ? -1 : Math.max(...set));
        }
      }),
    );
  });
});
