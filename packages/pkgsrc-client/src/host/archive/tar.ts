/**
 * tar streams as async iterables, over tar-stream.
 *
 * Key function: `readTar`; `writeTar` is its counterpart. Neighbours: `package.ts` checks what comes out of it.
 * Invariant: an entry's data is complete, or the iteration throws EBADARCHIVE; a consumer may leave data unread.
 */
import { pipeline, Readable } from "node:stream";
import { extract, pack } from "tar-stream";
import type { Header } from "tar-stream";
import { codeOf, PackageError } from "../errors";

/** Kinds of tar entries (ustar `typeflag`). */
export enum EntryType {
  File = 0,
  HardLink = 1,
  Symlink = 2,
  Directory = 3,
  CharacterDevice = 4,
  BlockDevice = 5,
  Fifo = 6,
  Other = 7,
}

const TYPES: Readonly<Record<string, EntryType>> = {
  file: EntryType.File,
  "contiguous-file": EntryType.File,
  link: EntryType.HardLink,
  symlink: EntryType.Symlink,
  directory: EntryType.Directory,
  "character-device": EntryType.CharacterDevice,
  "block-device": EntryType.BlockDevice,
  fifo: EntryType.Fifo,
};

/** The header of a tar entry. */
export interface EntryHeader {
  /** As it stands in the archive. */
  name: string;
  type: EntryType;
  /** Bytes of data that follow. */
  size: number;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  /** Seconds since 1970. */
  mtime: number;
  uname: string;
  gname: string;
  uid: number;
  gid: number;
  /** Target of a link, else empty. */
  linkname: string;
}

export interface TarEntry {
  header: EntryHeader;
  data: AsyncIterable<Uint8Array>;
}

function headerOf(raw: Header): EntryHeader {
  return {
    name: raw.name,
    type: TYPES[raw.type] ?? EntryType.Other,
    size: raw.size,
    mode: raw.mode & 0o7777,
    mtime: Math.floor(raw.mtime.getTime() / 1000),
    uname: raw.uname,
    gname: raw.gname,
    uid: raw.uid,
    gid: raw.gid,
    // null for other types, whatever the declaration says.
    linkname: raw.linkname ?? "",
  };
}

async function* dataOf(entry: AsyncIterable<unknown>, wrap: (error: unknown) => unknown): AsyncGenerator<Uint8Array> {
  const queue = entry[Symbol.asyncIterator]();
  // Not `for await`: its early end would destroy the entry, and tar-stream would lose its place.
  for (;;) {
    let next: IteratorResult<unknown>;
    try {
      next = await queue.next();
    } catch (error) {
      throw wrap(error);
    }
    if (next.done === true) return;
    yield next.value as Uint8Array;
  }
}

/**
 * Entries of an uncompressed tar, in order. The data of an entry must be read before the next entry is asked for; what is left is skipped.
 * Throws EBADARCHIVE for anything that is not a whole tar; errors of the source pass through.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<TarEntry> {
  const parser = extract();
  const input = Readable.from(source, { objectMode: false });
  let sourceError: unknown = null;
  input.once("error", (error) => (sourceError = error));
  const wrap = (error: unknown): unknown => {
    if (sourceError !== null) return sourceError;
    if (error instanceof PackageError) return error;
    // What tar-stream says when the input ended inside an entry.
    const destroyed = codeOf(error) === "STREAM_DESTROYED";
    const reason = destroyed ? "unexpected end" : error instanceof Error ? error.message : String(error);
    return new PackageError("EBADARCHIVE", `${name} is damaged or cut short: tar: ${reason}`, {
      path: name,
      cause: error,
    });
  };
  // Errors come out of the loop; the callback keeps them from being thrown at the process.
  pipeline(input, parser as unknown as NodeJS.WritableStream, () => undefined);
  const entries = parser[Symbol.asyncIterator]();
  try {
    for (;;) {
      let next: IteratorResult<{ header: Header } & AsyncIterable<unknown>>;
      try {
        next = await entries.next();
      } catch (error) {
        throw wrap(error);
      }
      if (next.done === true) return;
      const data = dataOf(next.value, wrap);
      yield { header: headerOf(next.value.header), data };
      let rest = await data.next();
      while (rest.done !== true) rest = await data.next();
    }
  } finally {
    input.destroy();
    parser.destroy();
  }
}

/** An entry to write: its header fields, and the data of a file. */
export interface TarOutput {
  name: string;
  type: EntryType.File | EntryType.HardLink | EntryType.Symlink | EntryType.Directory;
  mode: number;
  mtime: number;
  uname: string;
  gname: string;
  uid: number;
  gid: number;
  linkname?: string;
  /** Bytes that `data` gives; 0 for links and directories. */
  size: number;
  data?: Uint8Array | AsyncIterable<Uint8Array>;
}

const TYPE_NAMES = ["file", "link", "symlink", "directory"] as const;

/** Writes a tar (ustar, with pax records for what does not fit). The same entries give the same bytes; errors of `entries` pass through. */
export async function* writeTar(entries: AsyncIterable<TarOutput> | Iterable<TarOutput>): AsyncGenerator<Uint8Array> {
  const output = pack();
  let failure: unknown = null;
  // Errors come out of the loop below.
  output.on("error", () => undefined);
  async function fill(): Promise<void> {
    for await (const entry of entries) {
      const { data, size, mtime, type, ...rest } = entry;
      const header = { ...rest, type: TYPE_NAMES[type], size, mtime: new Date(mtime * 1000) };
      await new Promise<void>((resolve, reject) => {
        const done = (error?: Error | null): void => (error ? reject(error) : resolve());
        if (data === undefined || data instanceof Uint8Array) {
          output.entry(header, Buffer.from(data ?? new Uint8Array(0)), done);
        } else {
          const sink = output.entry(header, done);
          pipeline(Readable.from(data, { objectMode: false }), sink as unknown as NodeJS.WritableStream, (error) => {
            if (error) reject(error);
          });
        }
      });
    }
    output.finalize();
  }
  void fill().catch((error: unknown) => {
    failure = error;
    output.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    yield* output as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw failure ?? error;
  } finally {
    output.destroy();
  }
  if (failure !== null) throw failure;
}
