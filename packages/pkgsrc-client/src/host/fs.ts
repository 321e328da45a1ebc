/**
 * Durable file operations: a file is there whole or not at all, after a crash too. Every failure names the path and keeps the code of the
 * operating system; no temporary file stays behind a failure that this process sees.
 *
 * Used by all of `src/host`. The order that makes a replacement durable: write a temporary file beside the target, fsync it, rename it,
 * fsync the directory (rename(2), fsync(2)).
 */
import { randomBytes } from "node:crypto";
import fsp from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { codeOf, ioError } from "./errors";

export interface AtomicOptions {
  /** Permission bits of the new file; the process's umask does not apply. Default 0o644. */
  mode?: number;
  /** Whether to wait until the bytes and the name are on the disk. Default true. */
  sync?: boolean;
}

/** Bytes, text (UTF-8) or a stream of bytes. */
export type Content = Uint8Array | string | AsyncIterable<Uint8Array>;

/** A name for a temporary file beside `path`; hidden, and recognised by `isTemporaryName`. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`);
}

/** Whether a file name was made by `temporaryName` (by this or another process). */
export function isTemporaryName(name: string): boolean {
  return /^\..*\.\d+\.[0-9a-f]{8}\.tmp$/.test(name);
}

/** The process that made a temporary name, 0 when it is not one. */
export function temporaryOwner(name: string): number {
  const match = /\.(\d+)\.[0-9a-f]{8}\.tmp$/.exec(name);
  return match === null ? 0 : Number(match[1]);
}

/** Writes all of `data`; `write(2)` may write less than asked. */
export async function writeFully(handle: FileHandle, data: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < data.length) {
    const { bytesWritten } = await handle.write(data, offset, data.length - offset);
    offset += bytesWritten;
  }
}

/**
 * Makes names in a directory durable (creations, renames, removals).
 * File systems that cannot sync a directory (EINVAL, ENOTSUP; EPERM and EISDIR on Windows) are taken as they are.
 */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const handle = await fsp.open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (["EINVAL", "ENOTSUP", "EPERM", "EISDIR"].includes(codeOf(error))) return;
    throw ioError("sync directory", path, error);
  }
}

async function writeContent(handle: FileHandle, content: Content): Promise<void> {
  if (typeof content === "string") await writeFully(handle, Buffer.from(content, "utf8"));
  else if (content instanceof Uint8Array) await writeFully(handle, content);
  else for await (const chunk of content) await writeFully(handle, chunk);
}

/**
 * Replaces or creates `path` as a whole: readers see the old bytes or the new ones, never a part.
 * On failure `path` is untouched and the temporary file is removed; an error of the content's own stream is passed on unchanged.
 */
export async function writeFileAtomic(path: string, content: Content, options: AtomicOptions = {}): Promise<void> {
  const temporary = temporaryName(path);
  let failure: unknown = null;
  let handle: FileHandle;
  try {
    handle = await fsp.open(temporary, "wx", options.mode ?? 0o644);
  } catch (error) {
    throw ioError("create", path, error);
  }
  try {
    await writeContent(handle, content);
    await handle.chmod(options.mode ?? 0o644);
    if (options.sync !== false) await handle.sync();
  } catch (error) {
    failure = error;
  }
  try {
    await handle.close();
    if (failure === null) await fsp.rename(temporary, path);
  } catch (error) {
    failure ??= error;
  }
  if (failure !== null) {
    await fsp.rm(temporary, { force: true });
    throw isSystemError(failure) ? ioError("write", path, failure) : failure;
  }
  if (options.sync !== false) await syncDirectory(dirname(path));
}

/** Whether an error comes from a system call (it has `errno` and `syscall`). */
export function isSystemError(error: unknown): boolean {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}

/** Renames and makes it durable in both directories. */
export async function renameDurable(from: string, to: string): Promise<void> {
  try {
    await fsp.rename(from, to);
  } catch (error) {
    throw ioError(`rename ${from} to`, to, error);
  }
  await syncDirectory(dirname(to));
  if (dirname(from) !== dirname(to)) await syncDirectory(dirname(from));
}

/** Removes a file or a tree; what is not there is no error. */
export async function removeTree(path: string): Promise<void> {
  try {
    await fsp.rm(path, { recursive: true, force: true });
  } catch (error) {
    throw ioError("remove", path, error);
  }
}

/** `mkdir -p`. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await fsp.mkdir(path, { recursive: true });
  } catch (error) {
    throw ioError("create directory", path, error);
  }
}

/** A file's bytes, or null when there is no such file. */
export async function readIfExists(path: string): Promise<Buffer | null> {
  try {
    return await fsp.readFile(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return null;
    throw ioError("read", path, error);
  }
}

/** A file as a stream of chunks of `chunkSize` bytes at most; the file is closed when the consumer stops. */
export async function* readChunks(path: string, chunkSize = 65536, start = 0): AsyncGenerator<Uint8Array> {
  let handle: FileHandle;
  try {
    handle = await fsp.open(path, "r");
  } catch (error) {
    throw ioError("open", path, error);
  }
  try {
    let position = start;
    for (;;) {
      const chunk = Buffer.allocUnsafe(chunkSize);
      let bytes: number;
      try {
        bytes = (await handle.read(chunk, 0, chunkSize, position)).bytesRead;
      } catch (error) {
        throw ioError("read", path, error);
      }
      if (bytes === 0) return;
      position += bytes;
      yield chunk.subarray(0, bytes);
    }
  } finally {
    await handle.close();
  }
}

/** Bytes that an unprivileged user may still write on the file system of `path` (statfs(2): f_bavail). */
export async function freeSpace(path: string): Promise<number> {
  try {
    const stat = await fsp.statfs(path);
    return stat.bavail * stat.bsize;
  } catch (error) {
    throw ioError("examine the file system of", path, error);
  }
}

/** Removes temporary files in `directory` whose process is gone; returns their names. */
export async function sweepTemporaries(directory: string): Promise<string[]> {
  const swept: string[] = [];
  let names: string[];
  try {
    names = await fsp.readdir(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return swept;
    throw ioError("read directory", directory, error);
  }
  for (const name of names) {
    if (!isTemporaryName(name) || isAlive(temporaryOwner(name))) continue;
    await removeTree(join(directory, name));
    swept.push(name);
  }
  return swept;
}

/** Whether a process exists (kill(2) with signal 0; EPERM: it does, of somebody else). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}
