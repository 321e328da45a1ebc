/**
 * Index files: universes that need not be read from their summaries again.
 *
 * `openIndex` reads the head of a file and keeps the file open for the records; `saveIndex` replaces a file as a whole; `loadUniverse` does
 * what is right: takes the index when it is whole and of these summaries, else reads the summaries and writes a new one.
 *
 * Key functions: `loadUniverse`, `openIndex`, `saveIndex`. Neighbours: the core's `index-file.ts`, `../fs.ts`.
 * Invariant: an index file is never trusted before its checksum; no failure of an index file is a failure of loading.
 */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { crc32 } from "node:zlib";
import {
  type Checksum,
  encodeIndex,
  INDEX_HEADER,
  IndexFault,
  IndexReader,
  type RecordSource,
  type SummaryReader,
  Universe,
} from "../../index";
import { codeOf, ioError, PackageError } from "../errors";
import { writeFileAtomic } from "../fs";
import { brokenRecords, type BrokenRecord } from "./view";

/** zlib's CRC-32. */
class NodeChecksum implements Checksum {
  crc32(buf: Uint8Array, off: number, n: number): number {
    return crc32(buf.subarray(off, off + n));
  }
}

const checksum = new NodeChecksum();

/** An open index file. */
class IndexRecords implements RecordSource {
  constructor(private readonly fd: number) {}

  readRecord(at: number, n: number, crc: number, buf: Uint8Array): boolean {
    try {
      return readAll(this.fd, buf, n, at) && checksum.crc32(buf, 0, n) === crc;
    } catch {
      return false;
    }
  }
}

function readAll(fd: number, buf: Uint8Array, n: number, at: number): boolean {
  let done = 0;
  while (done < n) {
    const r = readSync(fd, buf, done, n - done, at + done);
    if (r === 0) return false;
    done += r;
  }
  return true;
}

/** A universe and what holds it. */
export interface LoadedUniverse {
  readonly universe: Universe;
  /** Records that were skipped, by repository; empty when the universe came from an index. */
  readonly broken: readonly (readonly BrokenRecord[])[];
  /** Did it come from the index file? */
  readonly fromIndex: boolean;
  /** Why the index file was of no use, in words; "" when it was, or when there was none. */
  readonly indexProblem: string;
  /** Closes the index file; variables that are not in its head can no longer be read. */
  close(): void;
}

const FAULTS: Readonly<Record<IndexFault, string>> = {
  [IndexFault.NONE]: "",
  [IndexFault.MAGIC]: "it is no index file",
  [IndexFault.VERSION]: "it is of another version",
  [IndexFault.LENGTH]: "its length is wrong",
  [IndexFault.CHECKSUM]: "its checksum is wrong",
  [IndexFault.STALE]: "it was made from other summaries",
  [IndexFault.FORMAT]: "its parts do not fit together",
};

/**
 * Opens an index file. Returns the universe, or in words why there is none: the file is not there (""), is broken, or was made from other summaries.
 * Throws when it cannot be read (EACCES, EIO, ...).
 */
export function openIndex(path: string, stamp: Uint8Array): LoadedUniverse | string {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return "";
    throw ioError("open", path, error);
  }
  let opened: LoadedUniverse | string = "";
  try {
    opened = readIndex(fd, stamp);
    return opened;
  } catch (error) {
    throw ioError("read", path, error);
  } finally {
    if (typeof opened === "string") closeSync(fd);
  }
}

function readIndex(fd: number, stamp: Uint8Array): LoadedUniverse | string {
  const length = fstatSync(fd).size;
  const reader = new IndexReader(checksum);
  const header = new Uint8Array(INDEX_HEADER);
  if (length < INDEX_HEADER || !readAll(fd, header, INDEX_HEADER, 0)) return FAULTS[IndexFault.MAGIC];
  const inHeader = reader.readHeader(header, length);
  if (inHeader !== IndexFault.NONE) return FAULTS[inHeader];
  const head = new Uint8Array(reader.headLength);
  if (!readAll(fd, head, head.length, 0)) return FAULTS[IndexFault.LENGTH];
  const inHead = reader.readHead(head, stamp);
  const universe = reader.universe;
  if (inHead !== IndexFault.NONE || universe === null) return FAULTS[inHead];
  universe.source = new IndexRecords(fd);
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeSync(fd);
    isOpen = false;
    universe.source = null;
  };
  return { universe, broken: [], fromIndex: true, indexProblem: "", close };
}

/** Writes the index of a universe of repositories. Throws EINVAL for a universe that cannot have one, and what writing a file throws. */
export async function saveIndex(path: string, universe: Universe, stamp: Uint8Array): Promise<void> {
  const head = encodeIndex(universe, stamp, checksum);
  if (head === null) {
    throw new PackageError(
      "EINVAL",
      `${path}: an index has whole repositories, read from their summaries, and nothing installed`,
      { path },
    );
  }
  const records = universe.records.bytes.subarray(0, universe.records.length);
  await writeFileAtomic(
    path,
    (async function* () {
      yield head;
      yield records;
    })(),
    // A cache: what a crash takes is made again.
    { sync: false },
  );
}

/** A repository to load. */
export interface SummarySource {
  /** What its summary is known by: another one makes the index stale (URL, size, ETag, checksum, ...). */
  readonly stamp: string;
  /** Greater ones are preferred; default 0. */
  readonly priority?: number;
  /** Opens the summary, uncompressed. Its errors go through. */
  read(): AsyncIterable<Uint8Array>;
}

/** The stamp of an index of these repositories. */
export function indexStamp(sources: readonly SummarySource[]): Uint8Array {
  const text = JSON.stringify(sources.map((s) => [s.stamp, s.priority ?? 0]));
  return createHash("sha256").update(text).digest();
}

/**
 * The universe of the repositories, in their order: from the index file when it is whole and of these summaries, else from the summaries, and then the file is written for
 * the next time. `indexPath` "" is for none. A file that cannot be read or written makes loading slower, not fail; throws what `read` throws, and EFBIG when the
 * summaries together pass 1.8 GB.
 */
export async function loadUniverse(sources: readonly SummarySource[], indexPath = ""): Promise<LoadedUniverse> {
  const stamp = indexStamp(sources);
  let indexProblem = "";
  if (indexPath !== "") {
    try {
      const opened = openIndex(indexPath, stamp);
      if (typeof opened !== "string") return opened;
      indexProblem = opened;
    } catch (error) {
      indexProblem = (error as Error).message;
    }
  }
  const universe = new Universe();
  const broken: BrokenRecord[][] = [];
  for (const source of sources) broken.push(brokenRecords(await readSummary(universe, source)));
  if (indexPath !== "") {
    try {
      await saveIndex(indexPath, universe, stamp);
    } catch (error) {
      indexProblem = (error as Error).message;
    }
  }
  return { universe, broken, fromIndex: false, indexProblem, close: () => undefined };
}

async function readSummary(universe: Universe, source: SummarySource): Promise<SummaryReader> {
  const repo = universe.addRepository(source.priority ?? 0);
  universe.beginSummary(repo);
  for await (const chunk of source.read()) {
    if (universe.addSummary(chunk, 0, chunk.length) < 0) {
      throw new PackageError("EFBIG", `${source.stamp}: the summaries of the repositories are too large`);
    }
  }
  return universe.endSummary()!;
}
