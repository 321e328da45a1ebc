/**
 * Compressed streams: gzip, bzip2, xz, zstd and plain, told apart by their first bytes, never by a file's name.
 *
 * Key functions: `decompress` and `compress`, from a stream of chunks to a stream of chunks; memory stays bounded by the format's window
 * or block. `decompressBuffer` is the faster form for data that is in memory (summaries).
 * Several members one after the other are one stream, in all four formats, as in gzip(1), bzip2(1), xz(1) and zstd(1); that is also how
 * bzip2 and zstd are written here: in members of `MEMBER` bytes.
 * Invariant: a stream that is cut short or damaged ends with EBADARCHIVE and not with fewer bytes.
 */
import { Readable } from "node:stream";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";
import zlib from "node:zlib";
import { PackageError } from "../errors";
import {
  compressBzip2,
  compressXz,
  compressZstd,
  decompressBzip2,
  decompressXz,
  decompressZstd,
  unzstdBuffer,
} from "./codecs";

/** Formats of a compressed stream. */
export enum Compression {
  None = 0,
  Gzip = 1,
  Bzip2 = 2,
  Xz = 3,
  Zstd = 4,
}

/** Suffix of a binary package in a compression (pkg_create(1), pkgsrc's mk/pkgformat). */
export const PACKAGE_SUFFIX: readonly string[] = [".tar", ".tgz", ".tbz", ".txz", ".tzst"];

/** Bytes that `detectCompression` needs to be sure. */
export const DETECT_BYTES = 10;

/** Uncompressed bytes of one member of what we write as bzip2 and zstd. */
export const MEMBER = 8 << 20;

function startsWith(data: Uint8Array, ...bytes: number[]): boolean {
  return data.length >= bytes.length && bytes.every((byte, i) => data[i] === byte);
}

/**
 * The compression of a stream by its first bytes.
 * RFC 1952 2.3.1 (gzip), bzip2's `BZh1`..`BZh9` with a block or end mark, the .xz format 2.1.1.1, RFC 8878 3.1.1 and 3.1.2 (zstd, and
 * its skippable frames).
 */
export function detectCompression(head: Uint8Array): Compression {
  if (startsWith(head, 0x1f, 0x8b)) return Compression.Gzip;
  if (startsWith(head, 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return Compression.Xz;
  if (startsWith(head, 0x28, 0xb5, 0x2f, 0xfd)) return Compression.Zstd;
  if (head.length >= 4 && (head[0]! & 0xf0) === 0x50 && startsWith(head.subarray(1), 0x2a, 0x4d, 0x18))
    return Compression.Zstd;
  if (startsWith(head, 0x42, 0x5a, 0x68) && head.length >= 10 && head[3]! >= 0x31 && head[3]! <= 0x39) {
    const mark = head.subarray(4);
    if (startsWith(mark, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59) || startsWith(mark, 0x17, 0x72, 0x45, 0x38, 0x50, 0x90))
      return Compression.Bzip2;
  }
  return Compression.None;
}

export interface DecompressOptions {
  /** What the data is, for messages. Default "the data". */
  name?: string;
  /** A compression to insist on; default: told by the first bytes. */
  compression?: Compression;
  /** Most bytes to give out before EBADARCHIVE (bombs). Default: no limit. */
  limit?: number;
}

export interface CompressOptions {
  /** 1 (fast) to 9 (small); default 6. */
  level?: number;
}

/** The source's chunks with its first `DETECT_BYTES` bytes (or all, when it is shorter) in the first of them. */
async function* joinHead(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | null = new Uint8Array(0);
  for await (const chunk of source) {
    if (head === null) {
      yield chunk;
      continue;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length < DETECT_BYTES) continue;
    yield head;
    head = null;
  }
  if (head !== null && head.length > 0) yield head;
}

/** Sends a stream through a transform of Node; errors of either come out of the result. */
async function* through(source: AsyncIterable<Uint8Array>, transform: Duplex): AsyncGenerator<Uint8Array> {
  const input = Readable.from(source, { objectMode: false });
  let sourceError: unknown = null;
  input.once("error", (error) => (sourceError = error));
  // The callback exists so that errors are not thrown at the process: they come out of the loop below.
  pipeline(input, transform, () => undefined);
  try {
    for await (const chunk of transform) yield chunk as Uint8Array;
  } catch (error) {
    throw sourceError ?? error;
  } finally {
    input.destroy();
    transform.destroy();
  }
}

function decoder(compression: Compression, source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  switch (compression) {
    case Compression.Gzip:
      return through(source, zlib.createGunzip({ chunkSize: 65536 }));
    case Compression.Bzip2:
      return decompressBzip2(source);
    case Compression.Xz:
      return decompressXz(source);
    case Compression.Zstd:
      return decompressZstd(source);
    default:
      return source;
  }
}

/** Wraps errors of the decoders; errors that came from the source (they have a code of ours) pass. */
function damaged(name: string, compression: Compression, error: unknown): unknown {
  if (error instanceof PackageError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new PackageError(
    "EBADARCHIVE",
    `${name} is damaged or cut short: ${Compression[compression].toLowerCase()}: ${reason}`,
    {
      path: name,
      cause: error,
    },
  );
}

/**
 * Decompresses a stream of chunks.
 * Throws EBADARCHIVE when it is damaged, cut short, or longer than `limit` allows; errors of the source pass through.
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array> {
  const name = options.name ?? "the data";
  const limit = options.limit ?? Infinity;
  const input = joinHead(source)[Symbol.asyncIterator]();
  const first = await input.next();
  if (first.done === true) return;
  const found = detectCompression(first.value);
  if (options.compression !== undefined && options.compression !== found) {
    throw new PackageError("EBADARCHIVE", `${name} is not ${Compression[options.compression].toLowerCase()}`, {
      path: name,
    });
  }
  async function* rest(): AsyncGenerator<Uint8Array> {
    try {
      yield first.value as Uint8Array;
      for (;;) {
        const next = await input.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await input.return(undefined);
    }
  }
  let total = 0;
  try {
    for await (const chunk of decoder(found, rest())) {
      total += chunk.length;
      if (total > limit)
        throw new PackageError("EBADARCHIVE", `${name} unpacks to more than ${limit} bytes`, { path: name });
      if (chunk.length > 0) yield chunk;
    }
  } catch (error) {
    throw damaged(name, found, error);
  }
}

/**
 * Decompresses data that is in memory; the same rules as `decompress`, with the fastest decoder for whole buffers.
 */
export async function decompressBuffer(data: Uint8Array, options: DecompressOptions = {}): Promise<Uint8Array> {
  const name = options.name ?? "the data";
  const limit = options.limit ?? Infinity;
  const found = detectCompression(data);
  if (options.compression === undefined || options.compression === found) {
    try {
      if (found === Compression.None && data.length <= limit) return data;
      if (found === Compression.Gzip)
        return zlib.gunzipSync(data, Number.isFinite(limit) ? { maxOutputLength: limit } : {});
      if (found === Compression.Zstd) {
        const whole = await unzstdBuffer(data, limit);
        if (whole !== null) return whole;
      }
    } catch (error) {
      throw damaged(name, found, error);
    }
  }
  async function* once(): AsyncGenerator<Uint8Array> {
    yield data;
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of decompress(once(), options)) chunks.push(chunk);
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/**
 * Compresses a stream of chunks; the same input gives the same output.
 * xz needs the optional dependency node-liblzma: without it EBADARCHIVE says so.
 */
export function compress(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  options: CompressOptions = {},
): AsyncIterable<Uint8Array> {
  const level = options.level ?? 6;
  switch (compression) {
    case Compression.Gzip:
      return through(source, zlib.createGzip({ level }));
    case Compression.Bzip2:
      return compressBzip2(source, level, MEMBER);
    case Compression.Xz:
      return compressXz(source, level);
    case Compression.Zstd:
      return compressZstd(source, level, MEMBER);
    default:
      return source;
  }
}

/** All chunks of a stream as one buffer. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}
