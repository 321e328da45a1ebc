import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EntryList } from "../src/entry-list";
import { VmEntry } from "../src/entry";

const PAGE = 4096;

function entry(page: number): VmEntry {
  const e = new VmEntry();
  e.start = page * PAGE;
  e.end = (page + 1) * PAGE;
  return e;
}

describe("EntryList against a sorted array", () => {
  it("holds the same entries in the same order, and finds them", () => {
    const op = fc.oneof(
      fc.record({ kind: fc.constant("insert" as const), page: fc.nat(200) }),
      fc.record({ kind: fc.constant("remove" as const), at: fc.nat(200), n: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(op, { maxLength: 200 }), (ops) => {
        const list = new EntryList();
        const model: VmEntry[] = [];
        for (const o of ops) {
          if (o.kind === "insert") {
            if (list.find(o.page * PAGE) !== null) continue;
            const e = entry(o.page);
            const i = list.lowerBound(e.start);
            expect(i).toBe(model.filter((m) => m.end <= e.start).length);
            list.insert(i, e);
            model.splice(i, 0, e);
          } else {
            const at = Math.min(o.at, model.length);
            const n = Math.min(o.n, model.length - at);
            list.removeRange(at, n);
            model.splice(at, n);
          }
          expect(list.count).toBe(model.length);
          for (const [i, m] of model.entries()) expect(list.at(i)).toBe(m);
        }
        for (let page = 0; page <= 200; page++) {
          expect(list.find(page * PAGE + 1)).toBe(model.find((m) => m.start === page * PAGE) ?? null);
        }
      }),
      { numRuns: 200 },
    );
  });
});
