/**
 * What scripts may change: small trees that are copied before the first script runs and put back when the transaction is undone.
 *
 * INSTALL scripts of pkgsrc copy configuration files to PKG_SYSCONFDIR and count references in PKG_REFCOUNT_DBDIR; neither is in a
 * packing list. The trees are compared by names, attributes and contents, so only what differs is written.
 * Key types: {@link Snapshot}, {@link TreeChange}. Neighbours: `tree.ts`, `transaction.ts`. Invariant: after `restore` the tree is as it
 * was, to the byte, except for inode numbers and change times.
 */
import fs from "node:fs";
import path from "node:path";
import { lstatOrNull } from "./ops";
import { copyEntry, digestFile, listTree, setTimes, type TreeEntry } from "./tree";

/** A snapshot on disk: `index.json` and the contents, numbered. */
interface Index {
  readonly root: string;
  readonly entries: readonly TreeEntry[];
  /** Number of the copy by name; only files have one. */
  readonly copies: Readonly<Record<string, number>>;
  /** sha256 of the copies. */
  readonly digests: Readonly<Record<string, string>>;
}

/** A name that differs between a snapshot and the tree now. */
export interface TreeChange {
  readonly name: string;
  readonly change: "added" | "removed" | "changed";
}

/** Files above this size are not configuration; they are left out and a script that changes them cannot be undone there. */
export const LARGEST_COPY = 8 << 20;

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

  /** Copies the tree `root` to the new directory `dir`. */
  static take(root: string, dir: string): Snapshot {
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    const entries = listTree(root);
    const copies: Record<string, number> = {};
    const digests: Record<string, string> = {};
    let n = 0;
    for (const entry of entries) {
      if (entry.kind !== "file" || entry.size > LARGEST_COPY) continue;
      const copy = path.join(dir, String(n));
      copyEntry(path.join(root, entry.name), copy, false);
      copies[entry.name] = n++;
      digests[entry.name] = digestFile(copy);
    }
    const index: Index = { root, entries, copies, digests };
    fs.writeFileSync(path.join(dir, "index.json"), JSON.stringify(index));
    return new Snapshot(dir, index);
  }

  static open(dir: string): Snapshot {
    return new Snapshot(dir, JSON.parse(fs.readFileSync(path.join(dir, "index.json"), "utf8")) as Index);
  }

  /** What differs now, a directory before what is in it. Times of directories do not count. */
  changes(): TreeChange[] {
    const before = new Map(this.index.entries.map((e) => [e.name, e]));
    const out: TreeChange[] = [];
    const seen = new Set<string>();
    for (const now of listTree(this.root)) {
      seen.add(now.name);
      const old = before.get(now.name);
      if (old === undefined) out.push({ name: now.name, change: "added" });
      else if (this.differs(old, now)) out.push({ name: now.name, change: "changed" });
    }
    for (const old of this.index.entries) if (!seen.has(old.name)) out.push({ name: old.name, change: "removed" });
    return out;
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

  /** Puts the tree back. May be repeated after a crash. Returns names that could not be put back, because they were too large. */
  restore(): string[] {
    const lost: string[] = [];
    const old = new Map(this.index.entries.map((e) => [e.name, e]));
    const now = listTree(this.root);
    // What is new goes first, the deepest first, so that names are free.
    for (const entry of now.reverse()) {
      const was = old.get(entry.name);
      if (was !== undefined && was.kind === entry.kind) continue;
      fs.rmSync(path.join(this.root, entry.name), { force: true, recursive: true });
    }
    for (const entry of this.index.entries) {
      const file = path.join(this.root, entry.name);
      const stat = lstatOrNull(file);
      if (entry.kind === "dir") {
        if (stat === null) fs.mkdirSync(file, { recursive: true, mode: 0o700 });
        continue;
      }
      if (stat !== null && !this.differs(entry, this.now(entry.name))) continue;
      if (entry.kind === "file") {
        const copy = this.copyOf(entry.name);
        if (copy === null) {
          lost.push(file);
          continue;
        }
        this.put(copy, file);
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
    return lost;
  }

  private now(name: string): TreeEntry {
    const file = path.join(this.root, name);
    const s = fs.lstatSync(file);
    const kind = s.isFile() ? "file" : s.isDirectory() ? "dir" : s.isSymbolicLink() ? "link" : "other";
    return {
      name,
      kind,
      mode: s.mode & 0o7777,
      uid: s.uid,
      gid: s.gid,
      size: s.size,
      atimeMs: s.atimeMs,
      mtimeMs: s.mtimeMs,
      ctimeMs: s.ctimeMs,
      ino: s.ino,
      target: kind === "link" ? fs.readlinkSync(file) : "",
    };
  }

  /** A copy in place of whatever is at `file`, in one step. */
  private put(copy: string, file: string): void {
    const temporary = `${file}.pkgc-restore`;
    fs.rmSync(temporary, { force: true });
    copyEntry(copy, temporary);
    fs.renameSync(temporary, file);
  }
}
