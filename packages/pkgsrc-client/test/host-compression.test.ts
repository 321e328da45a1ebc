import { randomBytes } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import {
  Compression,
  collect,
  compress,
  decompress,
  decompressBuffer,
  detectCompression,
} from "../src/host/archive/compression";

async function* chunks(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < data.length; i += size) yield data.subarray(i, i + size);
}

const KINDS = [Compression.None, Compression.Gzip, Compression.Bzip2, Compression.Xz, Compression.Zstd];
const TEXT = Buffer.from("PKGNAME=foo-1.0\nDEPENDS=bar>=2\n".repeat(5000));

describe.each(KINDS.map((kind) => [Compression[kind], kind] as const))("%s", (_name, kind) => {
  it.each([0, 1, 9, 10, 65536, 160000])("round trip of %i bytes in odd chunks", async (size) => {
    const data = size === 65536 ? randomBytes(size) : TEXT.subarray(0, size);
    const packed = await collect(compress(chunks(data, 1000), kind));
    if (kind !== Compression.None) expect(detectCompression(packed)).toBe(kind);
    for (const step of [7919, 1 << 20])
      expect((await collect(decompress(chunks(packed, step)))).equals(data)).toBe(true);
    expect(Buffer.from(await decompressBuffer(packed)).equals(data)).toBe(true);
    if (packed.length < 200) expect((await collect(decompress(chunks(packed, 1)))).equals(data)).toBe(true);
  });

  it("is deterministic", async () => {
    const [a, b] = await Promise.all([
      collect(compress(chunks(TEXT, 100), kind)),
      collect(compress(chunks(TEXT, 64), kind)),
    ]);
    expect(a.equals(b)).toBe(true);
  });

  it("reads members one after the other", async () => {
    const packed = await collect(compress(chunks(TEXT, 4096), kind));
    const twice = Buffer.concat([packed, packed]);
    expect((await collect(decompress(chunks(twice, 999)))).equals(Buffer.concat([TEXT, TEXT]))).toBe(true);
    expect(Buffer.from(await decompressBuffer(twice)).equals(Buffer.concat([TEXT, TEXT]))).toBe(true);
  });

  it("runs in parallel", async () => {
    const packed = await collect(compress(chunks(TEXT, 4096), kind));
    const all = await Promise.all(Array.from({ length: 8 }, () => collect(decompress(chunks(packed, 100)))));
    for (const one of all) expect(one.equals(TEXT)).toBe(true);
  });

  it("stops at the limit", async () => {
    const packed = await collect(compress(chunks(TEXT, 4096), kind));
    await expect(collect(decompress(chunks(packed, 999), { limit: 1000, name: "x" }))).rejects.toMatchObject({
      code: "EBADARCHIVE",
    });
    await expect(decompressBuffer(packed, { limit: 1000 })).rejects.toMatchObject({ code: "EBADARCHIVE" });
  });

  it("passes errors of the source on", async () => {
    const packed = await collect(compress(chunks(TEXT, 4096), kind));
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield packed.subarray(0, packed.length >> 1);
      throw new RangeError("the line went dead");
    }
    const result = collect(decompress(failing()));
    if (kind === Compression.None) await expect(result).rejects.toThrow("the line went dead");
    else await expect(result).rejects.toThrow(/the line went dead/);
  });

  if (kind !== Compression.None) {
    it("reports what is cut short or damaged", async () => {
      const noise = Buffer.concat([TEXT, randomBytes(5000)]);
      const packed = await collect(compress(chunks(noise, 4096), kind));
      for (const cut of [packed.length - 1, packed.length >> 1, 12]) {
        await expect(
          collect(decompress(chunks(packed.subarray(0, cut), 999), { name: "a.tgz" })),
        ).rejects.toMatchObject({
          code: "EBADARCHIVE",
          message: expect.stringContaining("a.tgz") as string,
        });
        await expect(decompressBuffer(packed.subarray(0, cut), { name: "a.tgz" })).rejects.toMatchObject({
          code: "EBADARCHIVE",
        });
      }
      await expect(collect(decompress(chunks(TEXT, 999), { compression: kind }))).rejects.toMatchObject({
        code: "EBADARCHIVE",
      });
    });
  }
});

it("releases the source when the consumer stops early", async () => {
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield randomBytes(1000);
    } finally {
      closed = true;
    }
  }
  for await (const chunk of decompress(compress(source(), Compression.Gzip))) {
    if (chunk.length > 0) break;
  }
  await vi.waitFor(() => expect(closed).toBe(true), { timeout: 20_000 });
});
