/**
 * Files that change on a server, kept in a cache: fetched again only when they are others (ETag and Last-Modified, RFC 9110 13.1).
 *
 * Key function: `refresh`. What the server said of a cached file is in `FILE.json` beside it.
 * Invariant: a cached file and its `.json` belong together: the old `.json` goes before a new file comes.
 */
import fsp from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { codeOf, ioError } from "../errors";
import { makeDirectory, readIfExists, removeTree, writeFileAtomic } from "../fs";
import { download, isHttp } from "./download";
import type { DownloadOptions } from "./download";
import type { HttpClient } from "./http";

/** What is known of a cached file. */
export interface CacheInfo {
  url: string;
  /** ETag as the server sent it, or empty. */
  etag: string;
  /** Last-Modified as the server sent it, or empty. */
  lastModified: string;
  /** Bytes of the cached file. */
  size: number;
  /** When the server was last asked, milliseconds since 1970. */
  checked: number;
}

export interface Refreshed {
  /** Where the file is: in the cache, or the local original. */
  path: string;
  changed: boolean;
  info: CacheInfo;
}

async function readInfo(path: string, url: string): Promise<CacheInfo | null> {
  const raw = await readIfExists(`${path}.json`);
  if (raw === null) return null;
  try {
    const info = JSON.parse(raw.toString("utf8")) as CacheInfo;
    const { size } = await fsp.stat(path);
    const sound =
      info.url === url && info.size === size && typeof info.etag === "string" && typeof info.lastModified === "string";
    return sound ? info : null;
  } catch {
    return null;
  }
}

/** What a cache knows of a file from a URL; null when it does not have it. */
export async function cachedInfo(path: string, url: string): Promise<CacheInfo | null> {
  return readInfo(path, url);
}

/** A local original needs no copy: its time and size tell whether it changed. */
async function refreshLocal(url: string, path: string): Promise<Refreshed | null> {
  const source = url.startsWith("file:") ? fileURLToPath(url) : url;
  let stat: Awaited<ReturnType<typeof fsp.stat>>;
  try {
    stat = await fsp.stat(source);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return null;
    throw ioError("read", source, error);
  }
  const info: CacheInfo = {
    url,
    etag: `"${stat.ino}-${stat.size}-${stat.mtimeMs}"`,
    lastModified: stat.mtime.toUTCString(),
    size: stat.size,
    checked: Date.now(),
  };
  const raw = await readIfExists(`${path}.json`);
  let old: Partial<CacheInfo> = {};
  try {
    old = raw === null ? {} : (JSON.parse(raw.toString("utf8")) as Partial<CacheInfo>);
  } catch {
    // A broken cache entry is no entry.
  }
  const changed = old.url !== url || old.etag !== info.etag;
  if (changed) {
    await makeDirectory(dirname(path));
    await writeFileAtomic(`${path}.json`, JSON.stringify(info), { sync: false });
  }
  return { path: source, changed, info };
}

/**
 * Brings `path` up to date with `url`. Returns null when the server (or the directory) does not have it (404, 410, ENOENT); then
 * nothing was changed. Throws as `download` does; the cached file stays as it was.
 */
export async function refresh(
  client: HttpClient,
  url: string,
  path: string,
  options: DownloadOptions = {},
): Promise<Refreshed | null> {
  if (!isHttp(url)) return refreshLocal(url, path);
  const known = await readInfo(path, url);
  const headers: Record<string, string> = {};
  if (known !== null) {
    // RFC 9110 13.1.3: a server that knows If-None-Match ignores If-Modified-Since.
    if (known.etag !== "") headers["if-none-match"] = known.etag;
    if (known.lastModified !== "") headers["if-modified-since"] = known.lastModified;
  }
  const answered = { etag: "", lastModified: "" };
  const result = await download(client, url, path, {
    ...options,
    conditional: {
      headers,
      onAnswer: (answer) => {
        answered.etag = answer.headers.get("etag") ?? "";
        answered.lastModified = answer.headers.get("last-modified") ?? "";
      },
      beforeReplace: () => removeTree(`${path}.json`),
    },
  });
  if (result.missing) return null;
  if (result.unchanged && known !== null) {
    const info = { ...known, checked: Date.now() };
    await writeFileAtomic(`${path}.json`, JSON.stringify(info), { sync: false });
    return { path, changed: false, info };
  }
  const info: CacheInfo = { url, ...answered, size: result.size, checked: Date.now() };
  await writeFileAtomic(`${path}.json`, JSON.stringify(info), { sync: false });
  return { path, changed: true, info };
}
