/**
 * The libraries behind `compression.ts`, each as a function from chunks to chunks. They are loaded when first used.
 *
 * zstd: fzstd decodes streams, zstd-wasm (the reference library) whole frames and encodes. xz: xz-decompress (xz-embedded) decodes,
 * node-liblzma's WebAssembly build encodes. bzip2: `bunzip2.ts` decodes, libbzip2-wasm (the reference library) encodes.
 */
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { ReadableStream } from "node:stream/web";
import type { TransformStream } from "node:stream/web";
import { PackageError } from "../errors";
import { Bunzip2 } from "./bunzip2";

/** Cuts a stream into pieces of `size` bytes; the last one may be shorter, and there is always one. */
async function* pieces(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let yielded = false;
  for await (let chunk of source) {
    while (held + chunk.length >= size) {
      const take = size - held;
      parts.push(chunk.subarray(0, take));
      yield Buffer.concat(parts);
      yielded = true;
      chunk = chunk.subarray(take);
      parts = [];
      held = 0;
    }
    if (chunk.length > 0) {
      parts.push(chunk);
      held += chunk.length;
    }
  }
  if (held > 0 || !yielded) yield Buffer.concat(parts);
}

/** A web stream that pulls from an iterable. (`Readable.toWeb` throws at the process when it is cancelled while data is under way.) */
function toWeb(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

// ---- zstd ----

interface ZstdWasm {
  init(): Promise<void>;
  compress(data: Uint8Array, level?: number): Uint8Array;
  decompress(data: Uint8Array): Uint8Array;
}

let zstdModule: Promise<ZstdWasm> | null = null;

async function loadZstd(): Promise<ZstdWasm> {
  const module = (await import("@bokuweb/zstd-wasm")) as unknown as ZstdWasm & { default?: ZstdWasm };
  const zstd = module.default ?? module;
  await zstd.init();
  return zstd;
}

/** Loaded once: a second `init` would replace the memory under calls that use the first. */
function zstdWasm(): Promise<ZstdWasm> {
  zstdModule ??= loadZstd();
  return zstdModule;
}

export async function* decompressZstd(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { Decompress } = await import("fzstd");
  const ready: Uint8Array[] = [];
  const decoder = new Decompress((chunk) => void ready.push(chunk));
  for await (const chunk of source) {
    decoder.push(chunk);
    yield* ready.splice(0);
  }
  decoder.push(new Uint8Array(0), true);
  yield* ready.splice(0);
}

/** The content size in a frame header, -1 when it is not given (RFC 8878 3.1.1.1). */
export function zstdContentSize(data: Uint8Array): number {
  if (data.length < 6) return -1;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (view.getUint32(0, true) !== 0xfd2fb528) return -1;
  const descriptor = data[4]!;
  const single = (descriptor & 0x20) !== 0;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  switch (descriptor >> 6) {
    case 0:
      return single && data.length > at ? data[at]! : -1;
    case 1:
      return data.length >= at + 2 ? view.getUint16(at, true) + 256 : -1;
    case 2:
      return data.length >= at + 4 ? view.getUint32(at, true) : -1;
    default:
      return data.length >= at + 8 ? view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x100000000 : -1;
  }
}

/** Largest frame that is decoded in one go. */
const WHOLE_FRAME = 256 << 20;

/** A single frame of known size, decoded in one go with its checksum; null when it is not that, or fails: the stream decoder then decides. */
export async function unzstdBuffer(data: Uint8Array, limit: number): Promise<Uint8Array | null> {
  const size = zstdContentSize(data);
  if (size < 0 || size > limit || size > WHOLE_FRAME) return null;
  const zstd = await zstdWasm();
  try {
    const whole = zstd.decompress(data);
    return whole.length === size ? whole : null;
  } catch (error) {
    // -70: the frame is followed by another (destination too small), -64: not enough memory for the one-shot form.
    const message = error instanceof Error ? error.message : String(error);
    if (/code -(70|64)$/.test(message) || (error instanceof Error && error.name === "RuntimeError")) return null;
    throw new Error("the data or its checksum is wrong", { cause: error });
  }
}

export async function* compressZstd(
  source: AsyncIterable<Uint8Array>,
  level: number,
  member: number,
): AsyncGenerator<Uint8Array> {
  const zstd = await zstdWasm();
  for await (const piece of pieces(source, member)) yield zstd.compress(piece, level);
}

// ---- xz ----

export async function* decompressXz(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const module = (await import("xz-decompress")) as unknown as {
    XzReadableStream?: new (input: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>;
    default?: { XzReadableStream: new (input: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array> };
  };
  const { XzReadableStream } = (module.XzReadableStream === undefined ? module.default : module) as {
    XzReadableStream: new (input: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>;
  };
  try {
    yield* new XzReadableStream(toWeb(source));
  } catch (error) {
    const code = /error code (\d+)/.exec(error instanceof Error ? error.message : "");
    throw code === null ? error : new Error(XZ_REASONS[Number(code[1])] ?? `error ${code[1]}`, { cause: error });
  }
}

/** xz-embedded's `enum xz_ret` (linux/include/linux/xz.h). */
const XZ_REASONS: Readonly<Record<number, string>> = {
  2: "unsupported check",
  3: "out of memory",
  4: "needs too much memory",
  5: "not the xz format",
  6: "unsupported options",
  7: "the data or its checksum is wrong",
  8: "unexpected end",
};

interface Liblzma {
  initModule(loader: () => Promise<unknown>): Promise<unknown>;
  createXz(options: { preset: number }): TransformStream<Uint8Array, Uint8Array>;
}

async function liblzma(): Promise<Liblzma> {
  const require = createRequire(import.meta.url);
  try {
    const lzma = (await import("node-liblzma/wasm")) as unknown as Liblzma;
    await lzma.initModule(async () => {
      const wasmBinary = await readFile(require.resolve("node-liblzma/wasm/liblzma.wasm"));
      const glue = (await import("node-liblzma/wasm/liblzma.js")) as unknown as {
        default: (options: object) => Promise<unknown>;
      };
      return glue.default({ wasmBinary });
    });
    return lzma;
  } catch (error) {
    throw new PackageError(
      "EBADARCHIVE",
      "writing xz needs the optional package node-liblzma, which is not installed",
      { cause: error },
    );
  }
}

export async function* compressXz(source: AsyncIterable<Uint8Array>, level: number): AsyncGenerator<Uint8Array> {
  const lzma = await liblzma();
  yield* toWeb(source).pipeThrough(lzma.createXz({ preset: level }));
}

// ---- bzip2 ----

export async function* decompressBzip2(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new Bunzip2();
  for await (const chunk of source) yield* decoder.push(chunk);
  yield* decoder.end();
}

interface Bzip2Wasm {
  compressBZ2(
    data: Uint8Array,
    blockSize: number,
    workFactor: number,
  ): { error: number; error_msg: string; output: Uint8Array };
}

let bzip2: Promise<Bzip2Wasm> | null = null;

async function loadBzip2(): Promise<Bzip2Wasm> {
  const module = createRequire(import.meta.url)("libbzip2-wasm") as (options: object) => Bzip2Wasm;
  // Its run time adds handlers that end the process at any error; they are taken away again.
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = events.map((event) => process.listeners(event as "uncaughtException"));
  const instance = await new Promise<Bzip2Wasm>((resolve) => {
    const made = module({
      onRuntimeInitialized: () => resolve({ compressBZ2: (data, size, work) => made.compressBZ2(data, size, work) }),
    });
  });
  events.forEach((event, i) => {
    for (const listener of process.listeners(event as "uncaughtException")) {
      if (!before[i]!.includes(listener)) process.removeListener(event, listener);
    }
  });
  return instance;
}

/** A stream of no bytes: header, end mark, combined checksum 0. */
const EMPTY_BZIP2 = Uint8Array.from([0x42, 0x5a, 0x68, 0x39, 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, 0, 0, 0, 0]);

export async function* compressBzip2(
  source: AsyncIterable<Uint8Array>,
  level: number,
  member: number,
): AsyncGenerator<Uint8Array> {
  bzip2 ??= loadBzip2();
  const encoder = await bzip2;
  for await (const piece of pieces(source, member)) {
    if (piece.length === 0) {
      yield EMPTY_BZIP2;
      continue;
    }
    const result = encoder.compressBZ2(piece, level, 30);
    if (result.error !== 0) throw new Error(`bzip2: ${result.error_msg}`);
    yield Uint8Array.from(result.output);
  }
}
