import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bunzip2 } from "../src/host/archive/bunzip2";
import { collect, compress, Compression } from "../src/host/archive/compression";

async function* once(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}
/** By the reference library. */
async function pack(data: Uint8Array, level = 9): Promise<Buffer> {
  return collect(compress(once(data), Compression.Bzip2, { level }));
}
function unpack(data: Uint8Array, step: number): Buffer {
  const decoder = new Bunzip2();
  const out: Uint8Array[] = [];
  for (let i = 0; i < data.length; i += step) out.push(...decoder.push(data.subarray(i, i + step)));
  out.push(...decoder.end());
  return Buffer.concat(out);
}

const SAMPLES: [string, Buffer][] = [
  ["nothing", Buffer.alloc(0)],
  ["a byte", Buffer.from("a")],
  ["four equal bytes", Buffer.from("aaaa")],
  ["five equal bytes", Buffer.from("aaaaa")],
  ["259 and more equal bytes", Buffer.alloc(259 * 3 + 5, 7)],
  ["a long run", Buffer.alloc(3_000_000)],
  ["noise", randomBytes(1_000_000)],
  ["all bytes", Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i) & 255))],
  [
    "text",
    Buffer.from(
      Array.from({ length: 60_000 }, (_, i) => `PKGNAME=p${i}-1.${i % 7}\nDEPENDS=bar>=${i % 100}\n`).join(""),
    ),
  ],
  ["a run over the end of a block", Buffer.concat([randomBytes(899_970), Buffer.alloc(400, 9), randomBytes(1000)])],
];

describe.each(SAMPLES)("%s", (_name, data) => {
  it.each([1, 9])("comes back at level %i, whatever the chunks", async (level) => {
    const packed = await pack(data, level);
    for (const step of [1 << 24, 65_536, 4099]) expect(unpack(packed, step).equals(data)).toBe(true);
    if (packed.length < 3000) expect(unpack(packed, 1).equals(data)).toBe(true);
    expect(unpack(Buffer.concat([packed, packed, Buffer.alloc(9)]), 10_007).equals(Buffer.concat([data, data]))).toBe(
      true,
    );
  });
});

it("agrees with the library for anything", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 400 })), {
        maxLength: 30,
      }),
      fc.integer({ min: 1, max: 5000 }),
      async (parts, step) => {
        const data = Buffer.concat(
          parts.flatMap(([bytes, times]) => Array.from({ length: times % (bytes.length < 4 ? 400 : 9) }, () => bytes)),
        );
        expect(unpack(await pack(data, 1), step).equals(data)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

it("refuses what is cut short or damaged, and gives no wrong bytes out", async () => {
  const data = SAMPLES[8]![1].subarray(0, 150_000);
  const packed = await pack(data, 1);
  for (let cut = 1; cut < packed.length; cut += Math.ceil(packed.length / 97))
    expect(() => unpack(packed.subarray(0, cut), 1000), String(cut)).toThrow();
  expect(() => unpack(Buffer.concat([packed, Buffer.from("more")]), 1000)).toThrow(/header/);
  expect(() => unpack(Buffer.from("nonsense"), 3)).toThrow(/header/);
  fc.assert(
    fc.property(
      fc.nat(packed.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.integer({ min: 100, max: 9000 }),
      (at, flip, step) => {
        const wrong = Buffer.from(packed);
        wrong[at]! ^= flip;
        const decoder = new Bunzip2();
        const out: Uint8Array[] = [];
        let failed = false;
        try {
          for (let i = 0; i < wrong.length; i += step) out.push(...decoder.push(wrong.subarray(i, i + step)));
          out.push(...decoder.end());
        } catch {
          failed = true;
        }
        const found = Buffer.concat(out);
        expect(found.equals(data.subarray(0, found.length))).toBe(true);
        // Some bits mean nothing: padding, the level, lengths of codes that no symbol uses.
        if (!failed) expect(found.equals(data)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

const tool = (() => {
  try {
    execFileSync("bzip2", ["--help"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

it.skipIf(!tool)("reads what bzip2(1) writes", () => {
  for (const [, data] of SAMPLES) {
    for (const level of ["-1", "-5"]) {
      const packed = execFileSync("bzip2", ["-c", level], { input: data, maxBuffer: 1 << 26 });
      expect(unpack(packed, 50_000).equals(data)).toBe(true);
    }
  }
});
