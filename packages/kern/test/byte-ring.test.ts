import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteRing } from "../src/byte-ring";

describe("ByteRing", () => {
  it("behaves as a queue of bytes", () => {
    const op = fc.oneof(
      fc.record({ kind: fc.constant("write"), n: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ kind: fc.constant("read"), n: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ kind: fc.constant("push"), n: fc.integer({ min: 0, max: 255 }) }),
      fc.record({ kind: fc.constant("shift"), n: fc.constant(0) }),
      fc.record({ kind: fc.constant("pop"), n: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(op, { maxLength: 200 }), (ops) => {
        const ring = new ByteRing(32);
        const model: number[] = [];
        let next = 0;
        for (const { kind, n } of ops) {
          if (kind === "write") {
            const src = Uint8Array.from({ length: n }, () => next++ & 255);
            const taken = ring.write(src, 0, n);
            expect(taken).toBe(Math.min(n, 32 - model.length));
            model.push(...src.subarray(0, taken));
          } else if (kind === "read") {
            const dst = new Uint8Array(40);
            const got = ring.read(dst, 0, n);
            expect([...dst.subarray(0, got)]).toEqual(model.splice(0, n));
          } else if (kind === "push") {
            if (ring.free > 0) {
              ring.push(n);
              model.push(n);
            }
          } else if (kind === "shift") expect(ring.shift()).toBe(model.shift() ?? -1);
          else expect(ring.pop()).toBe(model.pop() ?? -1);
          expect(ring.count).toBe(model.length);
          expect(ring.span + (ring.count - ring.span)).toBe(model.length);
          for (let i = 0; i < model.length; i++) expect(ring.at(i)).toBe(model[i]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("refuses to drop more than it has", () => {
    const ring = new ByteRing(8);
    ring.push(1);
    expect(() => ring.drop(2)).toThrow();
  });
});
