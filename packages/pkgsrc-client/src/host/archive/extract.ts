/**
 * Unpacking a package into a directory of its own: all of it, checked, or nothing.
 *
 * Key function: `extractPackage`. Neighbour: a transaction moves the files from there to the prefix.
 * Invariant: the directory is new, so no link in it was made by anybody else, and `EntryChecker` lets no entry pass through one made here;
 * after a failure it is gone.
 */
import fsp from "node:fs/promises";
import { dirname, join } from "node:path";
import { codeOf, ioError, PackageError } from "../errors";
import { isSystemError, makeDirectory, removeTree, syncDirectory, writeFully } from "../fs";
import type { CheckedEntry } from "./checks";
import { Owners } from "./owners";
import type { PackageReader } from "./package";
import { EntryType } from "./tar";

export interface ExtractOptions {
  /** Whether to wait until each file is on the disk. Default true. */
  sync?: boolean;
  /** Whether to set users and groups. Default: when run as root. */
  owners?: boolean;
  /** Called after each entry. */
  onEntry?: (entry: ExtractedFile) => void;
  signal?: AbortSignal;
}

/** A file as it was unpacked. */
export interface ExtractedFile {
  /** Relative to the prefix, and to the directory it was unpacked to. */
  path: string;
  type: EntryType;
  /** Bytes. */
  size: number;
  mode: number;
  linkname: string;
}

/**
 * Makes the directory `path` below `root` and those above it; `known` has the ones that were made or looked at.
 * Throws EUNSAFE when a part of it is no directory. `EntryChecker` refuses such archives by their names; on a file system that does not
 * tell upper from lower case, two names may be one place.
 */
export async function makeDirectoryBelow(root: string, path: string, known: Set<string>): Promise<void> {
  if (path === "." || known.has(path)) return;
  await makeDirectoryBelow(root, dirname(path), known);
  const full = join(root, path);
  try {
    await fsp.mkdir(full, 0o755);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    if (!(await fsp.lstat(full)).isDirectory())
      throw new PackageError("EUNSAFE", `${full} is in the way: it is no directory`, { path: full });
  }
  known.add(path);
}

async function writeEntry(
  entry: CheckedEntry,
  target: string,
  root: string,
  known: Set<string>,
  owners: Owners | null,
  sync: boolean,
): Promise<void> {
  const { header } = entry;
  await makeDirectoryBelow(root, dirname(entry.path), known);
  const uid = owners?.uid(header.uname, header.uid) ?? 0;
  const gid = owners?.gid(header.gname, header.gid) ?? 0;
  switch (header.type) {
    case EntryType.Directory:
      await makeDirectoryBelow(root, entry.path, known);
      if (owners !== null) await fsp.chown(target, uid, gid);
      await fsp.chmod(target, header.mode);
      return;
    case EntryType.Symlink:
      await fsp.symlink(header.linkname, target);
      if (owners !== null) await fsp.lchown(target, uid, gid);
      await fsp.lutimes(target, header.mtime, header.mtime);
      return;
    case EntryType.HardLink:
      await fsp.link(join(root, header.linkname), target);
      return;
    default: {
      const handle = await fsp.open(target, "wx", 0o600);
      try {
        for await (const chunk of entry.data) await writeFully(handle, chunk);
        // The owner first: chown(2) may clear the set-id bits.
        if (owners !== null) await handle.chown(uid, gid);
        await handle.chmod(header.mode);
        await handle.utimes(header.mtime, header.mtime);
        if (sync) await handle.sync();
      } finally {
        await handle.close();
      }
    }
  }
}

/**
 * Unpacks a package's files (not its metadata) below `directory`, which must not exist; paths are those relative to the prefix.
 * Returns the files in the order of +CONTENTS. On any failure `directory` is removed again and the error names archive, entry and
 * reason: EUNSAFE, EBADARCHIVE, ECHECKSUM, ESIGNATURE, EABORT, or the operating system's code (ENOSPC, EIO, ...).
 */
export async function extractPackage(
  reader: PackageReader,
  directory: string,
  options: ExtractOptions = {},
): Promise<ExtractedFile[]> {
  const sync = options.sync !== false;
  const files: ExtractedFile[] = [];
  await makeDirectory(dirname(directory));
  try {
    await fsp.mkdir(directory, 0o755);
  } catch (error) {
    await reader.close();
    throw ioError("create directory", directory, error);
  }
  try {
    const known = new Set<string>();
    const owners = (options.owners ?? process.geteuid?.() === 0) ? await Owners.load() : null;
    for await (const entry of reader.entries()) {
      if (options.signal?.aborted === true)
        throw new PackageError("EABORT", `${reader.path}: unpacking was stopped`, { path: reader.path });
      const target = join(directory, entry.path);
      try {
        await writeEntry(entry, target, directory, known, owners, sync);
      } catch (error) {
        throw isSystemError(error) ? ioError(`write ${entry.path} of ${reader.path} to`, target, error) : error;
      }
      const { type, size, mode, linkname } = entry.header;
      const file: ExtractedFile = { path: entry.path, type, size, mode, linkname };
      files.push(file);
      options.onEntry?.(file);
    }
    if (sync) {
      const directories = new Set(files.map((file) => dirname(join(directory, file.path))));
      for (const path of directories) await syncDirectory(path);
    }
    return files;
  } catch (error) {
    await reader.close();
    await removeTree(directory);
    throw error;
  }
}
