/**
 * A repository of binary packages: a directory on a server or a disk with packages and a pkg_summary(5) of them.
 *
 * Key class: `Repository`. Neighbours: `refresh.ts` (the cache), the core's `Universe` (what summaries are read into).
 * Source: pkgin(1) for the order in which summaries are tried.
 * Invariant: the summary that is read is the one that `update` brought last; a failed update leaves it.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pathProblem } from "../archive/checks";
import { decompress, decompressBuffer } from "../archive/compression";
import { PackageError } from "../errors";
import { readChunks, readIfExists, sweepTemporaries } from "../fs";
import { parseChecksum } from "./checksum";
import { isHttp } from "./download";
import type { DownloadItem, DownloadOptions } from "./download";
import { shownUrl } from "./http";
import type { HttpClient } from "./http";
import { cachedInfo, refresh } from "./refresh";
import type { CacheInfo } from "./refresh";

/** Names of summaries, best first. */
export const SUMMARY_NAMES: readonly string[] = [
  "pkg_summary.zst",
  "pkg_summary.xz",
  "pkg_summary.bz2",
  "pkg_summary.gz",
  "pkg_summary",
];

/** Largest summary that is read, decompressed. */
const MAX_SUMMARY = 1 << 30;

/** A compressed summary up to this size is read as one buffer. */
const WHOLE_SUMMARY = 64 << 20;

export interface RepositorySettings {
  /** What it is called; default: its URL without user and password. */
  name?: string;
  /** The greater one wins; default 0. */
  priority?: number;
}

/** Where a repository's summary is. */
export interface SummaryFile {
  /** Path of the file, compressed as it came. */
  path: string;
  url: string;
  info: CacheInfo;
}

/** The part of the core's `Universe` that is needed here. */
export interface SummarySinkUniverse<R extends SummaryResult> {
  addRepository(priority: number): number;
  beginSummary(repo: number): number;
  addSummary(buf: Uint8Array, off: number, n: number): number;
  endSummary(): R | null;
}

/** The part of the core's `SummaryReader` that is looked at at the end. */
export interface SummaryResult {
  readonly records: number;
}

export class Repository {
  /** Without a slash at its end. */
  readonly url: string;
  readonly name: string;
  readonly priority: number;
  private current: SummaryFile | null = null;

  /** `url`: http, https or file, or an absolute path. */
  constructor(
    url: string,
    private readonly cacheDirectory: string,
    options: RepositorySettings = {},
  ) {
    if (!isHttp(url) && !url.startsWith("file:///") && !url.startsWith("/")) {
      throw new PackageError(
        "EBADDATA",
        `${url} is no repository: http://, https://, file:/// or an absolute path is wanted`,
        { path: url },
      );
    }
    this.url = url.replace(/\/+$/, "");
    this.name = options.name ?? shownUrl(this.url);
    this.priority = options.priority ?? 0;
  }

  /** The repository's directory in the cache: readable, and unique by its URL. */
  get cache(): string {
    const hash = createHash("sha256").update(this.url).digest("hex").slice(0, 12);
    return join(
      this.cacheDirectory,
      `${shownUrl(this.url)
        .replace(/^[a-z]+:\/+/i, "")
        .replace(/[^A-Za-z0-9.-]+/g, "_")
        .slice(0, 80)}-${hash}`,
    );
  }

  private location(name: string): string {
    return isHttp(this.url) || this.url.startsWith("file:")
      ? `${this.url}/${name.split("/").map(encodeURIComponent).join("/")}`
      : `${this.url}/${name}`;
  }

  /**
   * Brings the summary up to date. The name that worked last is asked for first, then all, best first.
   * Returns whether it changed. Throws EFETCH when the repository has no summary, and what `refresh` throws.
   */
  async update(client: HttpClient, options: DownloadOptions = {}): Promise<boolean> {
    await sweepTemporaries(this.cache);
    const last = await this.cached();
    const names = last === null ? SUMMARY_NAMES : [...new Set([last.url.slice(this.url.length + 1), ...SUMMARY_NAMES])];
    for (const name of names) {
      const url = this.location(name);
      const path = join(this.cache, name);
      const result = await refresh(client, url, path, options);
      if (result === null) continue;
      this.current = { path: result.path, url, info: result.info };
      return result.changed;
    }
    throw new PackageError(
      "EFETCH",
      `${this.name} is no repository of packages: it has none of ${SUMMARY_NAMES.join(", ")}`,
      { path: this.name },
    );
  }

  /** The summary that the last update brought, in this process or an earlier one; null when there is none. */
  async cached(): Promise<SummaryFile | null> {
    if (this.current !== null) return this.current;
    let newest: SummaryFile | null = null;
    for (const name of SUMMARY_NAMES) {
      const url = this.location(name);
      const path = join(this.cache, name);
      const found = isHttp(this.url) ? await cachedInfo(path, url) : await this.localInfo(path, url);
      if (found !== null && (newest === null || found.checked > newest.info.checked)) {
        newest = { path: isHttp(this.url) ? path : this.localPath(name), url, info: found };
      }
    }
    this.current = newest;
    return newest;
  }

  private localPath(name: string): string {
    const base = this.url.startsWith("file:") ? fileURLToPath(this.url) : this.url;
    return join(base, name);
  }

  private async localInfo(path: string, url: string): Promise<CacheInfo | null> {
    const raw = await readIfExists(`${path}.json`);
    if (raw === null) return null;
    try {
      const info = JSON.parse(raw.toString("utf8")) as CacheInfo;
      return info.url === url ? info : null;
    } catch {
      return null;
    }
  }

  /**
   * Bytes by which an index made from the summary is known to be of this summary: they change when it does.
   * Throws EFETCH when there is no summary yet.
   */
  async stamp(): Promise<Uint8Array> {
    const { url, info } = await this.need();
    return createHash("sha256")
      .update(JSON.stringify([url, this.priority, info.etag, info.lastModified, info.size]))
      .digest();
  }

  private async need(): Promise<SummaryFile> {
    const summary = await this.cached();
    if (summary === null)
      throw new PackageError("EFETCH", `the summary of ${this.name} was not fetched yet`, { path: this.name });
    return summary;
  }

  /** The summary's text, in chunks. Throws EBADARCHIVE when it is damaged, EFETCH when there is none. */
  async *summary(): AsyncGenerator<Uint8Array> {
    const { path, info } = await this.need();
    if (info.size > WHOLE_SUMMARY) {
      yield* decompress(readChunks(path, 1 << 20), { name: path, limit: MAX_SUMMARY });
      return;
    }
    const data = await readIfExists(path);
    if (data === null) throw new PackageError("ENOENT", `${path} is gone: update ${this.name}`, { path });
    yield await decompressBuffer(data, { name: path, limit: MAX_SUMMARY });
  }

  /**
   * Reads the summary into a universe. Returns the number of the repository there and the reader, which tells about broken records.
   * Throws EBADDATA when the universe cannot take it.
   */
  async load<R extends SummaryResult>(universe: SummarySinkUniverse<R>): Promise<{ repository: number; reader: R }> {
    const repository = universe.addRepository(this.priority);
    const failed = (error: number): PackageError =>
      new PackageError("EBADDATA", `the summary of ${this.name} cannot be read (error ${-error})`, { path: this.name });
    const begun = universe.beginSummary(repository);
    if (begun < 0) throw failed(begun);
    let reader: R | null;
    try {
      for await (const chunk of this.summary()) {
        const result = universe.addSummary(chunk, 0, chunk.length);
        if (result < 0) throw failed(result);
      }
    } finally {
      reader = universe.endSummary();
    }
    if (reader === null) throw failed(-22);
    return { repository, reader };
  }

  /**
   * The download of a package by the variables of its record.
   * `fileName` is FILE_NAME (default `NAME.tgz`); a name that would leave the repository is EUNSAFE.
   */
  packageItem(
    packageName: string,
    directory: string,
    record: { fileName?: string; size?: number; checksum?: string },
  ): DownloadItem {
    const name = record.fileName ?? `${packageName}.tgz`;
    const problem = pathProblem(name);
    if (problem !== "")
      throw new PackageError("EUNSAFE", `${this.name}: the file of ${packageName} is "${name}": ${problem}`, {
        path: this.name,
        entry: name,
      });
    const item: DownloadItem = { url: this.location(name), target: join(directory, name.split("/").pop()!) };
    if (record.size !== undefined && record.size > 0) item.size = record.size;
    if (record.checksum !== undefined && record.checksum !== "") item.checksum = parseChecksum(record.checksum);
    return item;
  }
}
