/**
 * pkgdb.byfile.db: which package owns which path. A btree (`btree.ts`) whose keys are absolute paths and whose data are package names, or
 * `@pkgdir NAME NAME...` for directories; both end in a NUL.
 *
 * Key functions: `FileIndex` (questions), `changedFileIndex` (the content after packages went and came), `rebuiltFileIndex`.
 * Source: pkg_install lib/pkgdb.c (pkgdb_store, pkgdb_retrieve), lib/plist.c (add_pkgdir, delete_pkgdir, delete_package), add/perform.c
 * (extract_files), admin/main.c (rebuild).
 * Invariant: records are in order and no key is there twice; a path belongs to the package that came first (R_NOOVERWRITE).
 */
import fs from "node:fs";
import { endianness } from "node:os";
import { join, posix } from "node:path";
import { readContents } from "../archive/contents";
import type { Contents } from "../archive/contents";
import { codeOf, ioError, PackageError } from "../errors";
import { BtreeReader, FilePages } from "./btree";
import type { BtreeLeaf } from "./btree";
import { BtreeWriter, BufferSink } from "./btree-writer";

/** Name of the file in PKG_DBDIR. */
export const FILE_INDEX_NAME = "pkgdb.byfile.db";

/** Keys and data are not longer, with their NUL (MaxPathSize, PATH_MAX on most systems). */
const MAX_ITEM = 4096;

const PKGDIR = "@pkgdir ";

/** What a package has in the index. */
export interface IndexedPackage {
  /** Full name. */
  readonly name: string;
  /** Absolute paths of its files, without a destination directory. */
  readonly files: readonly string[];
  /** Absolute paths of its `@pkgdir` directories. */
  readonly directories: readonly string[];
}

/** Who owns a path. */
export interface FileOwners {
  /** One package for a file, all that list it for a directory. */
  readonly packages: readonly string[];
  readonly isDirectory: boolean;
}

function item(text: string): Buffer {
  return Buffer.from(`${text}\0`, "utf8");
}

/** Text of a key or of data; null when it does not end in its only NUL ("pkgdb corrupted", lib/pkgdb.c). */
function textOf(data: Buffer): string | null {
  return data.indexOf(0) === data.length - 1 ? data.toString("utf8", 0, data.length - 1) : null;
}

/** What +CONTENTS puts in the index (admin/main.c, add_pkg: paths are below the `@cwd`). */
export function indexedPackage(contents: Contents): IndexedPackage {
  const below = (path: string): string => `${contents.prefix === "/" ? "" : contents.prefix}/${path}`;
  return {
    name: contents.name,
    files: contents.files.map((file) => below(file.path)),
    directories: contents.directories.filter((directory) => directory.owned).map((directory) => below(directory.path)),
  };
}

/** The index of a database, open for questions: pages are read as they are needed. */
export class FileIndex {
  private constructor(
    private readonly pages: FilePages,
    private readonly reader: BtreeReader,
    private readonly path: string,
  ) {}

  /** Opens PKG_DBDIR's index; null when there is none. Throws EBADDATA when it is damaged. */
  static open(dbdir: string): FileIndex | null {
    const path = join(dbdir, FILE_INDEX_NAME);
    let pages: FilePages;
    try {
      pages = FilePages.open(path);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return null;
      throw error;
    }
    try {
      return new FileIndex(pages, new BtreeReader(pages), path);
    } catch (error) {
      pages.close();
      throw error;
    }
  }

  private parse(data: Buffer): FileOwners {
    const text = textOf(data);
    if (text === null)
      throw new PackageError("EBADDATA", `${this.path}: a record does not end as it must`, { path: this.path });
    if (text.startsWith(PKGDIR))
      return {
        packages: text
          .slice(PKGDIR.length)
          .split(" ")
          .filter((name) => name !== ""),
        isDirectory: true,
      };
    return { packages: [text], isDirectory: false };
  }

  /** Who owns an absolute path; null when nobody does. */
  ownersOf(path: string): FileOwners | null {
    const data = this.reader.get(item(path));
    return data === null ? null : this.parse(data);
  }

  /** All paths in order, from `from` on. */
  *entries(from = ""): Generator<FileOwners & { path: string }> {
    for (const { key, data } of this.reader.entries(from === "" ? null : Buffer.from(from, "utf8"))) {
      const path = textOf(key);
      if (path === null)
        throw new PackageError("EBADDATA", `${this.path}: a path does not end as it must`, { path: this.path });
      yield { path, ...this.parse(data) };
    }
  }

  close(): void {
    this.pages.close();
  }
}

/** What happens to one path. Most changes are of one kind and of one package: lists are made when they are needed. */
class Change {
  private goingFile: string[] | null = null;
  private comingFile: string | null = null;
  private goingDirectory: string[] | null = null;
  private comingDirectory: string[] | null = null;

  leave(name: string, directory: boolean): void {
    if (directory) (this.goingDirectory ??= []).push(name);
    else (this.goingFile ??= []).push(name);
  }

  come(name: string, directory: boolean): void {
    if (directory) (this.comingDirectory ??= []).push(name);
    else this.comingFile ??= name;
  }

  /** The record after the change; null when there is none left. */
  apply(old: string | null): string | null {
    let owners = old?.startsWith(PKGDIR) === true ? old.slice(PKGDIR.length).split(" ") : null;
    let file = owners === null ? old : null;
    if (file !== null && this.goingFile?.includes(file) === true) file = null;
    const { goingDirectory } = this;
    if (owners !== null) owners = owners.filter((name) => name !== "" && goingDirectory?.includes(name) !== true);
    if (owners?.length === 0) owners = null;
    if (owners === null) file ??= this.comingFile;
    if (file !== null) return file;
    for (const name of this.comingDirectory ?? [])
      if (owners === null || !owners.includes(name)) owners = [...(owners ?? []), name];
    return owners === null ? null : PKGDIR + owners.join(" ");
  }
}

function changesOf(going: readonly IndexedPackage[], coming: readonly IndexedPackage[]): Map<string, Change> {
  const changes = new Map<string, Change>();
  const at = (path: string): Change => {
    const known = changes.get(path);
    if (known !== undefined) return known;
    const change = new Change();
    changes.set(path, change);
    return change;
  };
  for (const { name, files, directories } of going) {
    for (const path of files) at(path).leave(name, false);
    for (const path of directories) at(path).leave(name, true);
  }
  for (const { name, files, directories } of coming) {
    for (const path of files) at(path).come(name, false);
    for (const path of directories) at(path).come(name, true);
  }
  return changes;
}

/** Paths in the order of their bytes. Strings are in that order too, but for characters beyond U+D7FF. */
function sortedPaths(changes: Map<string, Change>): string[] {
  const paths = [...changes.keys()];
  let simple = true;
  for (const path of paths) {
    if (/[\ud800-\uffff]/.test(path)) simple = false;
  }
  return simple
    ? paths.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    : paths.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

const NATIVE = { pageSize: 4096, littleEndian: endianness() === "LE" };

/** A page that is less full than this is not taken over as it is. */
const SPARSE = NATIVE.pageSize / 2;

/** Puts changes into an old tree, page by page where nothing changes. */
class Merger {
  private readonly sink: BufferSink;
  private readonly writer: BtreeWriter;
  private readonly paths: string[];
  private next = 0;
  private nextKey: Buffer | null = null;

  constructor(
    private readonly changes: Map<string, Change>,
    pages: number,
  ) {
    this.paths = sortedPaths(changes);
    this.sink = new BufferSink(NATIVE.pageSize, pages);
    this.writer = new BtreeWriter(this.sink, NATIVE);
    this.advance(0);
  }

  private advance(by: number): void {
    this.next += by;
    const path = this.paths[this.next];
    this.nextKey = path === undefined ? null : item(path);
  }

  /** Writes the record that the next change leaves of `old`. */
  private change(old: string | null): void {
    const key = this.nextKey!;
    const text = this.changes.get(this.paths[this.next]!)!.apply(old);
    this.advance(1);
    if (text === null) return;
    const data = item(text);
    // pkgdb_store takes nothing longer, and pkg_add goes on without it.
    if (key.length <= MAX_ITEM && data.length <= MAX_ITEM) this.writer.add(key, data);
  }

  /** Writes the changes whose key is less than `key`; all that are left with null. */
  private changesBefore(key: Buffer | null): void {
    while (this.nextKey !== null && (key === null || Buffer.compare(this.nextKey, key) < 0)) this.change(null);
  }

  private leaf(leaf: BtreeLeaf): void {
    const last = leaf.key(leaf.count - 1);
    const untouched = this.nextKey === null || Buffer.compare(this.nextKey, last) > 0;
    if (untouched && leaf.bytes.length === NATIVE.pageSize && leaf.used > SPARSE && leaf.standsAlone) {
      this.writer.addLeaf(leaf.bytes, leaf.key(0), last);
      return;
    }
    for (const { key, data } of leaf.records()) {
      this.changesBefore(key);
      if (this.nextKey !== null && this.nextKey.equals(key)) this.change(textOf(data));
      else this.writer.add(key, data);
    }
  }

  /** The new tree. */
  merge(old: BtreeReader | null): Buffer {
    const sameOrder = old?.littleEndian === NATIVE.littleEndian && !old.duplicates;
    for (const leaf of old?.leaves() ?? []) {
      if (leaf.count === 0) continue;
      this.changesBefore(leaf.key(0));
      if (sameOrder) this.leaf(leaf);
      else this.records(leaf);
    }
    this.changesBefore(null);
    this.writer.finish();
    return this.sink.data;
  }

  /** Records of a tree of another machine; of a key that is there twice, the first one stays. */
  private records(leaf: BtreeLeaf): void {
    for (const { key, data } of leaf.records()) {
      this.changesBefore(key);
      if (this.lastForeign?.equals(key) === true) continue;
      this.lastForeign = key;
      if (this.nextKey !== null && this.nextKey.equals(key)) this.change(textOf(data));
      else this.writer.add(key, data);
    }
  }

  private lastForeign: Buffer | null = null;
}

/**
 * The index's content after packages left and others came, for the caller to put in place.
 * Without a sound index it is made anew from what is installed (`rebuiltFileIndex`), then changed.
 */
export function changedFileIndex(
  dbdir: string,
  going: readonly IndexedPackage[],
  coming: readonly IndexedPackage[],
): Buffer {
  let pages: FilePages | null = null;
  try {
    pages = FilePages.open(join(dbdir, FILE_INDEX_NAME));
    const size = Math.ceil(pages.size / NATIVE.pageSize) + 64;
    return new Merger(changesOf(going, coming), size).merge(new BtreeReader(pages));
  } catch (error) {
    if (!["ENOENT", "EBADDATA"].includes(codeOf(error))) throw error;
  } finally {
    pages?.close();
  }
  const goingNames = new Set(going.map((one) => one.name));
  const rest = installedNames(dbdir)
    .filter((name) => !goingNames.has(name))
    .map((name) => indexedPackage(readInstalledContents(dbdir, name)));
  return new Merger(changesOf([], [...rest, ...coming]), 64).merge(null);
}

/** Names of the installed packages: the directories of PKG_DBDIR, sorted (lib/iterate.c, pkg_db_iter). Empty when there is no such directory. */
export function installedNames(dbdir: string): string[] {
  try {
    return fs
      .readdirSync(dbdir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw ioError("read directory", dbdir, error);
  }
}

/** +CONTENTS of an installed package. Throws EBADDATA when it cannot be understood, ENOENT when it is not there. */
export function readInstalledContents(dbdir: string, name: string): Contents {
  const path = join(dbdir, name, "+CONTENTS");
  let data: Buffer;
  try {
    data = fs.readFileSync(path);
  } catch (error) {
    throw ioError("read", path, error);
  }
  try {
    return readContents(data, path);
  } catch (error) {
    throw new PackageError("EBADDATA", error instanceof Error ? error.message : String(error), { path, cause: error });
  }
}

export interface RebuildOptions {
  /** In front of every path when looking whether it is there. */
  destdir?: string;
  /** Called for files that packages list and that are not there; they are left out (admin/main.c, add_pkg). */
  missing?: (name: string, path: string) => void;
}

/** The content of an index made from the +CONTENTS of all installed packages, as `pkg_admin rebuild` makes it. */
export function rebuiltFileIndex(dbdir: string, options: RebuildOptions = {}): Buffer {
  const packages = installedNames(dbdir).map((name): IndexedPackage => {
    const one = indexedPackage(readInstalledContents(dbdir, name));
    return { ...one, files: one.files.filter((path) => isThere(one.name, path, options)) };
  });
  return new Merger(changesOf([], packages), 64).merge(null);
}

/** A file, or a link to something that is there. */
function isThere(name: string, path: string, options: RebuildOptions): boolean {
  try {
    fs.statSync(posix.join(options.destdir ?? "", path));
    return true;
  } catch {
    options.missing?.(name, path);
    return false;
  }
}
