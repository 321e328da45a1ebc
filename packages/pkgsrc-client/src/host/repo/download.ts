/**
 * Downloads to files: parallel, tried again, resumed, verified.
 *
 * What is under way is in `TARGET.part`, and what it is a part of in `TARGET.part.json`; `TARGET` appears by a rename when size and checksum
 * are right. A later download of the same URL goes on where the last one ended, if the server still has the same file: a Range request
 * with If-Range (RFC 9110 13.1.5, 14.2), and the offset of the answer is compared.
 * Key functions: `download`, `downloadAll`. Neighbours: `http.ts`, `repository.ts`.
 * Invariant: `TARGET` is never there with wrong bytes; a part is only continued by bytes of the same file.
 */
import fsp from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { codeOf, ioError, PackageError } from "../errors";
import {
  makeDirectory,
  readChunks,
  readIfExists,
  removeTree,
  renameDurable,
  syncDirectory,
  writeFileAtomic,
} from "../fs";
import type { Checksum } from "./checksum";
import { hashFile } from "./checksum";
import { HttpFailure, httpFailure, shownUrl } from "./http";
import type { HttpAnswer, HttpClient } from "./http";

/** Where a download stands. */
export interface DownloadProgress {
  url: string;
  target: string;
  /** Bytes that are there. */
  received: number;
  /** Bytes in all, -1 when that is not known. */
  total: number;
  /** Of `received`, bytes that an earlier try or run brought. */
  resumed: number;
  /** 1 for the first try. */
  attempt: number;
}

export interface DownloadOptions {
  /** Expected bytes; another size is ECHECKSUM. */
  size?: number;
  checksum?: Checksum;
  /** Tries in all. Default 5. */
  attempts?: number;
  /** Milliseconds before the second try; doubled for each further one, up to 30 s. Default 500. */
  backoff?: number;
  onProgress?: (progress: DownloadProgress) => void;
  signal?: AbortSignal;
  /** Asks whether the target is still the server's (`refresh.ts`). */
  conditional?: Conditional;
}

/** A download that may turn out not to be needed. */
export interface Conditional {
  /** If-None-Match, If-Modified-Since. Sent only when there is no part to go on with. */
  headers: Readonly<Record<string, string>>;
  /** The answer that brings the file. */
  onAnswer: (answer: HttpAnswer) => void;
  /** Called before the target is replaced. */
  beforeReplace: () => Promise<void>;
}

/** What `TARGET.part.json` holds. */
interface PartInfo {
  url: string;
  /** Strong entity tag or Last-Modified, for If-Range; empty when there is none. */
  validator: string;
}

/** A finished download. */
export interface Downloaded {
  target: string;
  size: number;
  /** Bytes that came over the network in this call. */
  transferred: number;
  /** The target was the wanted file before. */
  unchanged: boolean;
  /** The server does not have the file (conditional downloads only). */
  missing: boolean;
}

/** What one try brought. */
interface Tried {
  size: number;
  transferred: number;
  outcome: Outcome;
}

enum Outcome {
  Complete = 0,
  Unchanged = 1,
  Missing = 2,
}

/** The bytes are wrong. When an older part is among them, it is to blame until a whole download proves otherwise. */
class WrongPart extends Error {
  constructor(
    readonly reason: PackageError,
    readonly resumed: boolean,
  ) {
    super(reason.message);
  }
}

/** What If-Range may be sent with (RFC 9110 13.1.5: no weak tags). */
function validatorOf(answer: HttpAnswer): string {
  const etag = answer.headers.get("etag");
  if (etag !== undefined && /^"[^"]*"$/.test(etag)) return etag;
  const modified = answer.headers.get("last-modified");
  return modified !== undefined && !Number.isNaN(Date.parse(modified)) ? modified : "";
}

async function readPart(target: string, url: string): Promise<{ size: number; validator: string }> {
  const none = { size: 0, validator: "" };
  const raw = await readIfExists(`${target}.part.json`);
  if (raw === null) return none;
  try {
    const info = JSON.parse(raw.toString("utf8")) as Partial<PartInfo>;
    if (info.url !== url || typeof info.validator !== "string" || info.validator === "") return none;
    return { size: (await fsp.stat(`${target}.part`)).size, validator: info.validator };
  } catch {
    return none;
  }
}

async function dropPart(target: string): Promise<void> {
  await removeTree(`${target}.part`);
  await removeTree(`${target}.part.json`);
}

/** First byte of a 206 answer, and the whole size (-1: not said). */
function contentRange(answer: HttpAnswer): { start: number; total: number } | null {
  const match = /^bytes ([0-9]+)-([0-9]+)\/([0-9]+|\*)$/.exec(answer.headers.get("content-range") ?? "");
  return match === null ? null : { start: Number(match[1]), total: match[3] === "*" ? -1 : Number(match[3]) };
}

async function save(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  start: number,
  limit: number,
  onBytes: (received: number) => void,
): Promise<number> {
  let received = start;
  let handle: fsp.FileHandle;
  try {
    handle = await fsp.open(path, start === 0 ? "w" : "r+");
    if (start > 0) await handle.truncate(start);
  } catch (error) {
    throw ioError("write", path, error);
  }
  try {
    let position = start;
    for await (const chunk of chunks) {
      received += chunk.length;
      if (limit >= 0 && received > limit)
        throw new WrongPart(
          new PackageError("ECHECKSUM", `${path} gets larger than the ${limit} bytes that it must have`, { path }),
          start > 0,
        );
      try {
        let offset = 0;
        while (offset < chunk.length) {
          const { bytesWritten } = await handle.write(chunk, offset, chunk.length - offset, position);
          offset += bytesWritten;
          position += bytesWritten;
        }
      } catch (error) {
        throw ioError("write", path, error);
      }
      onBytes(received);
    }
    try {
      await handle.sync();
    } catch (error) {
      throw ioError("write", path, error);
    }
    return received;
  } finally {
    await handle.close();
  }
}

/** One try. Returns the whole size and the bytes that came. */
async function tryOnce(
  client: HttpClient,
  url: string,
  target: string,
  attempt: number,
  options: DownloadOptions,
): Promise<Tried> {
  const part = await readPart(target, url);
  // A part that is as large as the whole may be the whole; the checksum decides.
  const offset = part.size;
  const headers =
    offset > 0 ? { range: `bytes=${offset}-`, "if-range": part.validator } : (options.conditional?.headers ?? {});
  let answer = await client.get(url, headers, options.signal);
  let start = 0;
  let total = -1;
  if (answer.status === 416 && offset > 0) {
    // Nothing behind the part: it is complete, or not of this file.
    await answer.drop();
    const whole = /^bytes \*\/([0-9]+)$/.exec(answer.headers.get("content-range") ?? "");
    if (whole !== null && Number(whole[1]) === offset)
      return { size: offset, transferred: 0, outcome: Outcome.Complete };
    await dropPart(target);
    answer = await client.get(url, {}, options.signal);
  }
  if (answer.status === 404 || answer.status === 410) {
    await answer.drop();
    if (options.conditional !== undefined) return { size: 0, transferred: 0, outcome: Outcome.Missing };
    throw new HttpFailure(url, "the server does not have it", false, answer.status);
  }
  if (answer.status === 304 && offset === 0 && Object.keys(headers).length > 0) {
    await answer.drop();
    return { size: 0, transferred: 0, outcome: Outcome.Unchanged };
  }
  options.conditional?.onAnswer(answer);
  if (answer.status === 206 && offset > 0) {
    const range = contentRange(answer);
    if (range === null || range.start !== offset) {
      await answer.drop();
      throw new WrongPart(new HttpFailure(url, "the server sent another part than the one asked for", true, 206), true);
    }
    start = offset;
    total = range.total;
  } else if (answer.status !== 200) {
    await answer.drop();
    throw new HttpFailure(url, `the server answered ${answer.status}`, answer.status >= 500, answer.status);
  } else {
    const length = answer.headers.get("content-length");
    total = length !== undefined && /^[0-9]+$/.test(length) ? Number(length) : -1;
  }
  if (options.size !== undefined && total >= 0 && total !== options.size) {
    await answer.drop();
    throw new WrongPart(
      new PackageError(
        "ECHECKSUM",
        `${shownUrl(url)} has ${total} bytes on the server, and must have ${options.size}`,
        { path: shownUrl(url) },
      ),
      start > 0,
    );
  }
  const validator = validatorOf(answer);
  try {
    if (start === 0) {
      await dropPart(target);
      const info: PartInfo = { url, validator };
      await writeFileAtomic(`${target}.part.json`, JSON.stringify(info), { sync: false });
    }
    const report = (received: number): void =>
      options.onProgress?.({
        url: shownUrl(url),
        target,
        received,
        total: total >= 0 ? total : (options.size ?? -1),
        resumed: start,
        attempt,
      });
    report(start);
    const size = await save(answer.body, `${target}.part`, start, options.size ?? total, report);
    if (total >= 0 && size !== total) {
      throw new HttpFailure(url, `the connection was lost after ${size} of ${total} bytes`, true, 0);
    }
    return { size, transferred: size - start, outcome: Outcome.Complete };
  } catch (error) {
    await answer.drop();
    // File system errors of `save` are PackageErrors already; what else has a system call is the network's.
    if (error instanceof WrongPart) throw error;
    throw httpFailure(url, error);
  }
}

/** Throws ECHECKSUM (as WrongPart) unless the part is what was asked for. */
async function verify(
  url: string,
  path: string,
  size: number,
  resumed: boolean,
  options: DownloadOptions,
): Promise<void> {
  const where = shownUrl(url);
  if (options.size !== undefined && size !== options.size) {
    throw new WrongPart(
      new PackageError("ECHECKSUM", `${where} has ${size} bytes, and must have ${options.size}`, { path: where }),
      resumed,
    );
  }
  if (options.checksum === undefined) return;
  const { algorithm, value } = options.checksum;
  const found = await hashFile(path, algorithm);
  if (found !== value) {
    throw new WrongPart(
      new PackageError("ECHECKSUM", `${where}: its ${algorithm} is ${found}, and must be ${value}`, { path: where }),
      resumed,
    );
  }
}

/** A `file:` URL or a path: copied to the target, whole or not at all. */
async function copyLocal(url: string, target: string, options: DownloadOptions): Promise<Downloaded> {
  const source = url.startsWith("file:") ? fileURLToPath(url) : url;
  let received = 0;
  const total =
    options.size ??
    (await fsp.stat(source).catch((error: unknown) => Promise.reject(ioError("read", source, error)))).size;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of readChunks(source, 1 << 20)) {
      if (options.signal?.aborted === true)
        throw new PackageError("EABORT", `copying ${source} was stopped`, { path: source });
      received += chunk.length;
      options.onProgress?.({ url, target, received, total, resumed: 0, attempt: 1 });
      yield chunk;
    }
  }
  const part = `${target}.part`;
  await dropPart(target);
  try {
    await writeFileAtomic(part, chunks());
    await verify(url, part, received, false, options);
    await renameDurable(part, target);
  } catch (error) {
    await dropPart(target);
    throw error instanceof WrongPart ? error.reason : error;
  }
  return { target, size: received, transferred: received, unchanged: false, missing: false };
}

/** Whether the target is there with a known size and checksum: then there is nothing to do. */
async function isThere(target: string, options: DownloadOptions): Promise<boolean> {
  if (options.conditional !== undefined || (options.size === undefined && options.checksum === undefined)) return false;
  try {
    const { size } = await fsp.stat(target);
    await verify(target, target, size, false, options);
    return true;
  } catch {
    return false;
  }
}

/** Whether a location is fetched by HTTP. */
export function isHttp(url: string): boolean {
  return /^https?:\/\//i.test(url);
}

/**
 * Downloads a URL (http, https, file, or a path) to `target`. Directories are made.
 * Throws EFETCH, ECHECKSUM, EABORT, or the operating system's code (ENOSPC, EIO) with the path. After a lost connection or EABORT the part
 * stays for the next call; after ECHECKSUM it is gone. Wrong bytes are fetched once more from the start before they are an error, since a
 * part of an older file may be to blame.
 */
export async function download(
  client: HttpClient,
  url: string,
  target: string,
  options: DownloadOptions = {},
): Promise<Downloaded> {
  await makeDirectory(dirname(target));
  if (!isHttp(url)) return copyLocal(url, target, options);
  if (await isThere(target, options))
    return { target, size: (await fsp.stat(target)).size, transferred: 0, unchanged: true, missing: false };
  const attempts = options.attempts ?? 5;
  let wait = options.backoff ?? 500;
  let transferred = 0;
  for (let attempt = 1; ; attempt++) {
    if (options.signal?.aborted === true)
      throw new PackageError("EABORT", `fetching ${shownUrl(url)} was stopped`, { path: shownUrl(url) });
    let pause: number;
    try {
      const resumed = (await readPart(target, url)).size > 0;
      const result = await tryOnce(client, url, target, attempt, options);
      transferred += result.transferred;
      if (result.outcome !== Outcome.Complete) {
        const missing = result.outcome === Outcome.Missing;
        return { target, size: result.size, transferred, unchanged: !missing, missing };
      }
      await verify(url, `${target}.part`, result.size, resumed, options);
      await options.conditional?.beforeReplace();
      await renameDurable(`${target}.part`, target);
      await fsp.rm(`${target}.part.json`, { force: true });
      await syncDirectory(dirname(target));
      return { target, size: result.size, transferred, unchanged: false, missing: false };
    } catch (error) {
      if (error instanceof WrongPart) {
        await dropPart(target);
        if (!error.resumed || attempt >= attempts) throw error.reason;
        continue;
      }
      const transient = error instanceof HttpFailure && error.transient;
      if (!transient || attempt >= attempts) {
        if (codeOf(error) === "ENOSPC") await dropPart(target);
        throw error;
      }
      pause = Math.max(wait, Math.min(error.retryAfter, 60_000));
    }
    await delay(pause * (0.75 + Math.random() / 2), undefined, { signal: options.signal }).catch(() => undefined);
    wait = Math.min(wait * 2, 30_000);
  }
}

/** One of many downloads. */
export interface DownloadItem extends Omit<DownloadOptions, "onProgress" | "signal" | "conditional"> {
  url: string;
  target: string;
}

export interface DownloadAllOptions {
  /** Downloads at a time. Default 4. */
  parallel?: number;
  onProgress?: (progress: DownloadProgress) => void;
  onDone?: (item: DownloadItem, result: Downloaded) => void;
  signal?: AbortSignal;
}

/**
 * Downloads several files; when one fails the others are stopped (their parts stay) and its error is thrown.
 * Results are in the order of the items.
 */
export async function downloadAll(
  client: HttpClient,
  items: readonly DownloadItem[],
  options: DownloadAllOptions = {},
): Promise<Downloaded[]> {
  const stop = new AbortController();
  const outer = (): void => stop.abort();
  options.signal?.addEventListener("abort", outer, { once: true });
  if (options.signal?.aborted === true) stop.abort();
  const results = new Array<Downloaded>(items.length);
  let next = 0;
  let failure: unknown = null;
  const worker = async (): Promise<void> => {
    while (next < items.length && failure === null) {
      const index = next++;
      const item = items[index]!;
      try {
        results[index] = await download(client, item.url, item.target, {
          ...item,
          onProgress: options.onProgress,
          signal: stop.signal,
        });
        options.onDone?.(item, results[index]);
      } catch (error) {
        // The first error counts: the others are its consequence.
        if (failure === null) {
          failure = error;
          stop.abort();
        }
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(1, Math.min(options.parallel ?? 4, items.length)) }, worker));
  } finally {
    options.signal?.removeEventListener("abort", outer);
  }
  if (failure !== null) throw failure;
  return results;
}
