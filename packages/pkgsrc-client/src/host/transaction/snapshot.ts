/**
 * What scripts may change: copied before the first script runs, put back when the transaction is undone.
 *
 * INSTALL scripts of pkgsrc copy configuration files to PKG_SYSCONFDIR and count references in PKG_REFCOUNT_DBDIR; commands of packing lists make
 * indexes and caches beside the files of packages. None of that is in a packing list. A snapshot covers a whole tree (etc, reference counts), or the
 * files of nobody in certain directories. It is compared by names, attributes and contents, so only what differs is written.
 * Key types: {@link Snapshot}, {@link TreeChange}. Neighbours: `tree.ts`, `transaction.ts`. Invariant: after `restore` everything covered is as
 * it was, to the byte, except for inode numbers and change times.
 */
import fs from "node:fs";
import path from "node:path";
import { codeOf } from "../errors";
import { lstatOrNull } from "./ops";
import { copyEntry, digestFile, entryOf, listTree, setTimes, type TreeEntry } from "./tree";

/** What a snapshot covers. */
export interface SnapshotScope {
  readonly root: string;
  /** Directories relative to `root` whose own files count, without what is below them; null for the whole tree. */
  readonly dirs: readonly string[] | null;
  /** Names relative to `root` that do not count: files of packages. */
  readonly ignored: readonly string[];
}

/** A snapshot on disk: `index.json` and the contents, numbered. */
interface Index extends SnapshotScope {
  readonly entries: readonly TreeEntry[];
  /** Number of the copy by name; only files have one. */
  readonly copies: Readonly<Record<string, number>>;
  /** sha256 of the copies. */
  readonly digests: Readonly<Record<string, string>>;
  /** Times of the directory that holds `root`: making and removing `root` changes them. */
  readonly parent: { readonly atimeMs: number; readonly mtimeMs: number } | null;
}

/** A name that differs between a snapshot and now. */
export interface TreeChange {
  readonly name: string;
  readonly change: "added" | "removed" | "changed";
}

/** Files above this size are not configuration; they are left out and a script that changes them cannot be undone there. */
export const LARGEST_COPY = 8 << 20;

/** What is there now, a directory before what is in it. */
function listScope(scope: SnapshotScope): TreeEntry[] {
  if (scope.dirs === null) return listTree(scope.root);
  const ignored = new Set(scope.ignored);
  const names = new Set<string>();
  for (const dir of scope.dirs) {
    const stat = lstatOrNull(path.join(scope.root, dir));
    if (stat === null || !stat.isDirectory()) continue;
    names.add(dir);
    for (const child of fs.readdirSync(path.join(scope.root, dir))) {
      const name = dir === "" ? child : `${dir}/${child}`;
      if (!ignored.has(name)) names.add(name);
    }
  }
  return [...names].sort().map((name) => entryOf(scope.root, name));
}

/**
 * The scope for the files of nobody in directories that packages share.
 * @param dirs absolute, at or below `root`; those that are not there do not count
 * @param isOwned does a package own this file?
 * @param coming absolute names of files that packages will own
 */
export function sharedScope(
  root: string,
  dirs: Iterable<string>,
  isOwned: (file: string) => boolean,
  coming: Iterable<string>,
): SnapshotScope {
  const there = new Set<string>();
  for (const dir of dirs) if (lstatOrNull(dir)?.isDirectory() === true) there.add(path.posix.relative(root, dir));
  const ignored = new Set<string>();
  for (const file of coming) {
    if (there.has(path.posix.relative(root, path.dirname(file)))) ignored.add(path.posix.relative(root, file));
  }
  for (const dir of there) {
    for (const child of fs.readdirSync(path.join(root, dir), { withFileTypes: true })) {
      const name = dir === "" ? child.name : `${dir}/${child.name}`;
      // Directories that are there and that nobody asked for: other packages', the database, ours.
      const skip = child.isDirectory() ? !there.has(name) : isOwned(path.join(root, name));
      if (skip) ignored.add(name);
    }
  }
  return { root, dirs: [...there].sort(), ignored: [...ignored].sort() };
}

export class Snapshot {
  readonly dir: string;
  private readonly index: Index;

  private constructor(dir: string, index: Index) {
    this.dir = dir;
    this.index = index;
  }

  get root(): string {
    return this.index.root;
  }

  get scope(): SnapshotScope {
    return { root: this.index.root, dirs: this.index.dirs, ignored: this.index.ignored };
  }

  /** Copies what the scope covers to the new directory `dir`. */
  static take(scope: SnapshotScope, dir: string): Snapshot {
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    const entries = listScope(scope);
    const copies: Record<string, number> = {};
    const digests: Record<string, string> = {};
    let n = 0;
    for (const entry of entries) {
      if (entry.kind !== "file" || entry.size > LARGEST_COPY) continue;
      const copy = path.join(dir, String(n));
      copyEntry(path.join(scope.root, entry.name), copy, false);
      copies[entry.name] = n++;
      digests[entry.name] = digestFile(copy);
    }
    const above = lstatOrNull(path.dirname(scope.root));
    const parent = above === null ? null : { atimeMs: above.atimeMs, mtimeMs: above.mtimeMs };
    const { root, dirs, ignored } = scope;
    const index: Index = { root, dirs, ignored, entries, copies, digests, parent };
    fs.writeFileSync(path.join(dir, "index.json"), JSON.stringify(index));
    return new Snapshot(dir, index);
  }

  static open(dir: string): Snapshot {
    return new Snapshot(dir, JSON.parse(fs.readFileSync(path.join(dir, "index.json"), "utf8")) as Index);
  }

  /** What is there now. */
  list(): TreeEntry[] {
    return listScope(this.index);
  }

  /** What differs now, a directory before what is in it. Times of directories do not count. */
  changes(): TreeChange[] {
    const before = new Map(this.index.entries.map((e) => [e.name, e]));
    const out: TreeChange[] = [];
    const seen = new Set<string>();
    for (const now of this.list()) {
      seen.add(now.name);
      const old = before.get(now.name);
      if (old === undefined) out.push({ name: now.name, change: "added" });
      else if (this.differs(old, now)) out.push({ name: now.name, change: "changed" });
    }
    for (const old of this.index.entries) if (!seen.has(old.name)) out.push({ name: old.name, change: "removed" });
    return out;
  }

  /** Every name, a directory before what is in it. */
  get entries(): readonly TreeEntry[] {
    return this.index.entries;
  }

  /** The copy of a file, null for what has none. */
  copyOf(name: string): string | null {
    const n = this.index.copies[name];
    return n === undefined ? null : path.join(this.dir, String(n));
  }

  entry(name: string): TreeEntry | null {
    return this.index.entries.find((e) => e.name === name) ?? null;
  }

  private differs(old: TreeEntry, now: TreeEntry): boolean {
    if (old.kind !== now.kind || old.mode !== now.mode || old.uid !== now.uid || old.gid !== now.gid) return true;
    if (old.kind === "dir") return false;
    if (old.size !== now.size || old.target !== now.target || old.mtimeMs !== now.mtimeMs) return true;
    if (old.kind !== "file" || (old.ino === now.ino && old.ctimeMs === now.ctimeMs)) return false;
    const digest = this.index.digests[old.name];
    return digest !== undefined && digestFile(path.join(this.root, now.name)) !== digest;
  }

  /**
   * Puts everything back. May be repeated after a crash.
   * @param leftover gets what is new in directories that packages share, because it may be somebody else's
   * @returns sentences about what could not be put back or was moved
   */
  restore(leftover: string): string[] {
    const problems: string[] = [];
    const old = new Map(this.index.entries.map((e) => [e.name, e]));
    // What is new goes first, the deepest first, so that names are free.
    for (const entry of this.list().reverse()) {
      const was = old.get(entry.name);
      if (was !== undefined && was.kind === entry.kind) continue;
      const file = path.join(this.root, entry.name);
      if (this.index.dirs === null) fs.rmSync(file, { force: true, recursive: true });
      else if (lstatOrNull(file) !== null) problems.push(setAside(file, leftover));
    }
    for (const entry of this.index.entries) {
      const file = path.join(this.root, entry.name);
      const stat = lstatOrNull(file);
      if (entry.kind === "dir") {
        if (stat === null) fs.mkdirSync(file, { recursive: true, mode: 0o700 });
        continue;
      }
      if (stat !== null && !this.differs(entry, entryOf(this.root, entry.name))) continue;
      if (entry.kind === "file") {
        const copy = this.copyOf(entry.name);
        if (copy === null) problems.push(`${file} is too large to have been kept; a script may have changed it`);
        else put(copy, file);
      } else if (entry.kind === "link") {
        fs.rmSync(file, { force: true });
        fs.symlinkSync(entry.target, file);
        fs.lchownSync(file, entry.uid, entry.gid);
        setTimes(file, entry.atimeMs, entry.mtimeMs);
      }
    }
    // Attributes of directories last: putting files into them changed their times.
    for (const entry of [...this.index.entries].reverse()) {
      if (entry.kind !== "dir") continue;
      const dir = path.join(this.root, entry.name);
      const stat = fs.lstatSync(dir);
      if (stat.uid !== entry.uid || stat.gid !== entry.gid) fs.chownSync(dir, entry.uid, entry.gid);
      if ((stat.mode & 0o7777) !== entry.mode) fs.chmodSync(dir, entry.mode);
      if (stat.mtimeMs !== entry.mtimeMs) setTimes(dir, entry.atimeMs, entry.mtimeMs);
    }
    this.restoreParent();
    return problems;
  }

  private restoreParent(): void {
    const { parent } = this.index;
    const dir = path.dirname(this.root);
    if (parent === null || lstatOrNull(dir)?.mtimeMs === parent.mtimeMs) return;
    try {
      setTimes(dir, parent.atimeMs, parent.mtimeMs);
    } catch (error) {
      // Not our directory: then the times are its owner's affair.
      if (!["EPERM", "EACCES", "ENOENT", "EROFS"].includes(codeOf(error))) throw error;
    }
  }
}

/** A copy in place of whatever is at `file`, in one step. */
function put(copy: string, file: string): void {
  const temporary = `${file}.pkgc-restore`;
  fs.rmSync(temporary, { force: true });
  copyEntry(copy, temporary);
  fs.renameSync(temporary, file);
}

/** Moves what nobody expected out of the way; copies it where a rename is impossible. */
function setAside(file: string, leftover: string): string {
  fs.mkdirSync(leftover, { recursive: true, mode: 0o700 });
  let to = path.join(leftover, path.basename(file));
  for (let n = 1; lstatOrNull(to) !== null; n++) to = path.join(leftover, `${path.basename(file)}.${n}`);
  try {
    fs.renameSync(file, to);
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw error;
    fs.cpSync(file, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    fs.rmSync(file, { recursive: true });
  }
  return `${file} appeared meanwhile; it is now ${to}`;
}
