/**
 * Unpacks packages into the work directories: every file complete, checked against its checksum, with its final mode, owner and times,
 * and durable, before anything in the prefix changes.
 *
 * Key type: {@link StagedPackage}. Neighbours: `packing-list.ts`, `areas.ts`; `apply.ts` puts the files in place.
 * Invariant: what `../archive/checks.ts` does not let through is never in a work directory under a name of its own: staged names are numbers.
 */
import fs from "node:fs";
import fsp, { type FileHandle } from "node:fs/promises";
import path from "node:path";
import type { CheckedEntry } from "../archive/checks";
import { METADATA_FILES } from "../archive/metadata";
import { Owners } from "../archive/owners";
import type { PackageReader } from "../archive/package";
import { EntryType } from "../archive/tar";
import { ioError } from "../errors";
import { isSystemError, writeFully } from "../fs";
import { TransactionError } from "./errors";
import { filesOf, readPackingList, type FileItem, type PackingList } from "./packing-list";
import type { Transaction } from "./transaction";
import { setTimes } from "./tree";

export interface StagedPackage {
  readonly name: string;
  readonly list: PackingList;
  readonly metadata: ReadonlyMap<string, Uint8Array>;
  /** Where each file of the list waits, by its target. Directories that the archive has are not in it. */
  readonly staged: ReadonlyMap<string, string>;
  /** Bytes of all files. */
  readonly size: number;
}

export interface StageOptions {
  /** In place of the package's own prefix; "" keeps it. */
  readonly prefix: string;
  readonly destdir: string;
  readonly sync: boolean;
  /** Called after each file with the bytes so far. */
  readonly progress?: (bytes: number) => void;
}

/** Files that may wait for the disk at the same time. */
const SYNCS_IN_FLIGHT = 16;

/**
 * Unpacks one package; the reader has the rules for entries. It is closed at the end.
 * @throws PackageError EUNSAFE, EBADARCHIVE, ECHECKSUM, ESIGNATURE; TransactionError EBADPACKAGE; ENOSPC, EIO, ...
 */
export async function stagePackage(
  t: Transaction,
  reader: PackageReader,
  options: StageOptions,
): Promise<StagedPackage> {
  const list = readPackingList(reader.metadata.get("+CONTENTS")!, options.prefix, options.destdir, reader.path);
  const items = new Map(filesOf(list).map((item) => [item.name, item]));
  const owners = process.geteuid?.() === 0 ? await Owners.load() : null;
  const staged = new Map<string, string>();
  const syncs: Promise<void>[] = [];
  let size = 0;
  try {
    for await (const entry of reader.entries()) {
      const item = items.get(entry.path);
      if (item === undefined)
        throw new TransactionError("EBADPACKAGE", `${reader.path}: ${entry.path} is not in the packing list`);
      if (entry.header.type === EntryType.Directory) continue;
      const file = await t.areas.stage(item.target);
      let handle: FileHandle | null;
      try {
        handle = await unpack(
          reader.path,
          item,
          entry,
          file,
          owners,
          (name) => staged.get(items.get(name)?.target ?? "") ?? "",
        );
      } catch (error) {
        throw isSystemError(error) ? ioError(`unpack ${entry.path} of ${reader.path} to`, file, error) : error;
      }
      staged.set(item.target, file);
      size += entry.header.size;
      options.progress?.(size);
      if (handle === null) continue;
      syncs.push(settle(handle, options.sync));
      if (syncs.length >= SYNCS_IN_FLIGHT) await Promise.all(syncs.splice(0));
    }
    await Promise.all(syncs);
  } finally {
    await Promise.allSettled(syncs);
    await reader.close();
  }
  return { name: list.name, list, metadata: reader.metadata, staged, size };
}

async function settle(handle: FileHandle, sync: boolean): Promise<void> {
  try {
    if (sync) await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes one entry to `file`. Returns the open file that still has to be synced, null for links. */
async function unpack(
  where: string,
  item: FileItem,
  entry: CheckedEntry,
  file: string,
  owners: Owners | null,
  stagedAs: (name: string) => string,
): Promise<FileHandle | null> {
  const { header } = entry;
  const owner =
    owners === null
      ? null
      : {
          uid: owners.uid(item.owner === "" ? header.uname : item.owner, item.owner === "" ? header.uid : 0),
          gid: owners.gid(item.group === "" ? header.gname : item.group, item.group === "" ? header.gid : 0),
        };
  if (header.type === EntryType.Symlink) {
    await fsp.symlink(header.linkname, file);
    if (owner !== null) await fsp.lchown(file, owner.uid, owner.gid);
    setTimes(file, header.mtime * 1000, header.mtime * 1000);
    return null;
  }
  if (header.type === EntryType.HardLink) {
    await fsp.link(stagedAs(header.linkname), file);
    return null;
  }
  const handle = await fsp.open(file, "wx", 0o600);
  try {
    for await (const chunk of entry.data) await writeFully(handle, chunk);
    let mode = item.mode === "" ? header.mode : applyMode(item.mode, header.mode, where);
    if (owner !== null) await handle.chown(owner.uid, owner.gid);
    // Without the owner that they are meant for, the set-id bits would lend the wrong rights.
    else mode &= ~0o6000;
    await handle.chmod(mode);
    await handle.utimes(header.mtime, header.mtime);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** `@mode`: octal, or symbolic as in chmod(1) (`u+s,go-w`). @throws TransactionError EBADPACKAGE */
export function applyMode(text: string, mode: number, where: string): number {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8);
  for (const clause of text.split(",")) {
    const match = /^([ugoa]*)([-+=])([rwxXst]*)$/.exec(clause);
    if (match === null) throw new TransactionError("EBADPACKAGE", `${where}: @mode ${text} cannot be understood`);
    const who = match[1] === "" || match[1]!.includes("a") ? "ugo" : match[1]!;
    let bits = 0;
    let mask = 0;
    for (const [letter, shift, special] of [
      ["u", 6, 0o4000],
      ["g", 3, 0o2000],
      ["o", 0, 0o1000],
    ] as const) {
      if (!who.includes(letter)) continue;
      mask |= 7 << shift;
      if (match[3]!.includes("r")) bits |= 4 << shift;
      if (match[3]!.includes("w")) bits |= 2 << shift;
      if (match[3]!.includes("x") || (match[3]!.includes("X") && (mode & 0o111) !== 0)) bits |= 1 << shift;
      if (match[3]!.includes("s") && letter !== "o") bits |= special;
      if (match[3]!.includes("t")) bits |= 0o1000;
      mask |= letter === "o" ? 0o1000 : special;
    }
    mode = match[2] === "+" ? mode | bits : match[2] === "-" ? mode & ~bits : (mode & ~mask) | bits;
  }
  return mode & 0o7777;
}

/** What a package's directory in the database gets on top of its archive. */
export interface EntryExtras {
  readonly automatic: boolean;
  /** Lines of +REQUIRED_BY. */
  readonly requiredBy: readonly string[];
  /** Files taken over from the package that it replaces: +PRESERVE, +INSTALLED_INFO. */
  readonly inherited: ReadonlyMap<string, Uint8Array>;
}

/** Makes the directory for the database in the staging area. Returns where it waits. */
export async function stageEntry(
  t: Transaction,
  staged: StagedPackage,
  target: string,
  extras: EntryExtras,
  sync: boolean,
): Promise<string> {
  const dir = await t.areas.stage(target);
  fs.mkdirSync(dir, { mode: 0o755 });
  fs.chmodSync(dir, 0o755);
  const files = new Map<string, Uint8Array>([...extras.inherited, ...staged.metadata]);
  files.set("+CONTENTS", staged.list.contents);
  files.delete("+REQUIRED_BY");
  if (extras.requiredBy.length > 0) files.set("+REQUIRED_BY", Buffer.from(extras.requiredBy.join("\n") + "\n"));
  const info = setAutomatic(files.get("+INSTALLED_INFO") ?? null, extras.automatic);
  if (info === null) files.delete("+INSTALLED_INFO");
  else files.set("+INSTALLED_INFO", info);
  for (const [name, data] of files) {
    const mode = METADATA_FILES.find((file) => file.name === name)?.mode ?? 0o444;
    writeStaged(path.join(dir, name), data, sync, mode);
  }
  return dir;
}

/** A new file in the staging area, durable when `sync` says so. */
export function writeStaged(file: string, data: string | Uint8Array, sync: boolean, mode = 0o644): void {
  const fd = fs.openSync(file, "wx", mode);
  try {
    fs.writeFileSync(fd, data);
    fs.fchmodSync(fd, mode);
    if (sync) fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** +INSTALLED_INFO with the flag set or without it, other lines kept; null when nothing is left (pkg_install lib/automatic.c). */
export function setAutomatic(info: Uint8Array | null, automatic: boolean): Buffer | null {
  const kept = (info === null ? "" : Buffer.from(info).toString("utf8"))
    .split("\n")
    .filter((line) => line !== "" && !/^automatic=/i.test(line));
  if (automatic) kept.push("automatic=yes");
  return kept.length === 0 ? null : Buffer.from(kept.join("\n") + "\n");
}
