/** Files and folders of the host put into an archive (`--add HOST:GUEST`); permission bits and hard links are kept. */
import { lstat, readFile, readdir, readlink, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Stats } from "node:fs";
import { CliError, Exit } from "../cli/errors.js";
import { CpioWriter, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, type CpioEntry } from "./cpio.js";

export interface HostFile {
  host: string;
  /** Absolute path in the guest. */
  guest: string;
}

/**
 * Splits HOST:GUEST at the last colon.
 *
 * @throws CliError if there is no colon, a side is empty, or GUEST is not absolute.
 */
export function parseAdd(text: string): HostFile {
  const colon = text.lastIndexOf(":");
  if (colon <= 0 || colon === text.length - 1) {
    throw new CliError("expected HOST:GUEST", Exit.usage);
  }
  const guest = text.slice(colon + 1);
  if (!guest.startsWith("/")) throw new CliError("the guest path must be absolute", Exit.usage);
  return { host: text.slice(0, colon), guest };
}

/** What the archive underneath holds, as far as adding on top of it needs to know. */
export class GuestTree {
  private readonly types = new Map<string, number>();

  constructor(entries: readonly Pick<CpioEntry, "name" | "mode">[]) {
    for (const entry of entries) this.types.set(entry.name, entry.mode & S_IFMT);
  }

  has(name: string): boolean {
    return this.types.has(name);
  }

  isDir(name: string): boolean {
    return name === "" || this.types.get(name) === S_IFDIR;
  }

  /** Records a folder that the new archive creates. */
  makeDir(name: string): void {
    this.types.set(name, S_IFDIR);
  }
}

/** Adds `files` to an archive that the kernel unpacks over `tree`. */
export async function addHostFiles(writer: CpioWriter, files: readonly HostFile[], tree: GuestTree): Promise<void> {
  const inodes = new Map<string, number>();
  for (const { host, guest } of files) {
    const stats = await statHost(host);
    let name = posix.normalize(guest).replace(/^\/+/, "").replace(/\/+$/, "");
    // As cp(1) does: a file added to a folder keeps its own name in it.
    if (!stats.isDirectory() && (guest.endsWith("/") || tree.isDir(name))) {
      name = posix.join(name, host.split("/").at(-1) ?? "");
    }
    addParents(writer, name, tree);
    await addOne(writer, host, name, stats, tree, inodes);
  }
}

async function statHost(host: string): Promise<Stats> {
  try {
    // A link named on the command line stands for what it points to; links inside a folder are kept.
    return await stat(host);
  } catch (error) {
    throw new CliError(`--add: ${host}: ${reason(error)}`, Exit.noInput);
  }
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "no such file or folder";
  if (code === "EACCES") return "permission denied";
  return (error as Error).message;
}

function addParents(writer: CpioWriter, name: string, tree: GuestTree): void {
  const parts = name.split("/");
  for (let i = 1; i < parts.length; i++) {
    const parent = parts.slice(0, i).join("/");
    if (tree.has(parent)) continue;
    writer.add({ name: parent, mode: S_IFDIR | 0o755, mtime: 0 });
    tree.makeDir(parent);
  }
}

async function addOne(
  writer: CpioWriter,
  host: string,
  name: string,
  stats: Stats,
  tree: GuestTree,
  inodes: Map<string, number>,
): Promise<void> {
  const common = { name, mtime: Math.max(0, Math.min(0xffffffff, Math.floor(stats.mtimeMs / 1000))) };
  const permissions = stats.mode & 0o7777;
  if (stats.isDirectory()) {
    // The root folder of the guest keeps its mode: a folder added to "/" brings only its contents.
    if (name !== "") {
      writer.add({ ...common, mode: S_IFDIR | permissions });
      tree.makeDir(name);
    }
    for (const child of (await readdir(host)).sort()) {
      const path = join(host, child);
      await addOne(writer, path, posix.join(name, child), await lstat(path), tree, inodes);
    }
  } else if (stats.isSymbolicLink()) {
    writer.add({ ...common, mode: S_IFLNK | 0o777, data: Buffer.from(await readlink(host)) });
  } else if (stats.isFIFO()) {
    writer.add({ ...common, mode: S_IFIFO | permissions });
  } else if (stats.isFile()) {
    await addFile(writer, host, { ...common, mode: S_IFREG | permissions }, stats, inodes);
  } else {
    throw new CliError(`--add: ${host}: neither a file, a folder, a symbolic link nor a FIFO`, Exit.noInput);
  }
}

/** Number of the first inode given to hard links here; the writer's own numbers stay below it. */
const FIRST_LINKED_INO = 0x40000000;

async function addFile(
  writer: CpioWriter,
  host: string,
  entry: { name: string; mode: number; mtime: number },
  stats: Stats,
  inodes: Map<string, number>,
): Promise<void> {
  let data: Buffer;
  try {
    data = await readFile(host);
  } catch (error) {
    throw new CliError(`--add: ${host}: ${reason(error)}`, Exit.noInput);
  }
  if (stats.nlink < 2) {
    writer.add({ ...entry, data });
    return;
  }
  const key = `${stats.dev}:${stats.ino}`;
  const seen = inodes.get(key);
  const ino = seen ?? FIRST_LINKED_INO + inodes.size;
  inodes.set(key, ino);
  // The first name of a file carries its data, the others none.
  writer.add({ ...entry, ino, nlink: stats.nlink, data: seen === undefined ? data : new Uint8Array(0) });
}
