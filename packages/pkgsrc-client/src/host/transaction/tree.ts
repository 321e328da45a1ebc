/**
 * Copies of files and trees with everything that belongs to them: contents, modes, owners, times, symbolic links.
 *
 * Key types: {@link TreeEntry}. Neighbours: `ops.ts` (copies where a link is impossible), `snapshot.ts` (what scripts change).
 * Times are set through node's utimes, which takes them as a double: they are kept to the microsecond, not the nanosecond.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

export function setTimes(file: string, atimeMs: number, mtimeMs: number): void {
  fs.lutimesSync(file, atimeMs / 1000, mtimeMs / 1000);
}

/** Gives `to` the owner, mode and times of `from`. Another's owner can only be given by root. */
export function copyAttributes(from: fs.Stats, to: string): void {
  const now = fs.lstatSync(to);
  if (now.uid !== from.uid || now.gid !== from.gid) fs.lchownSync(to, from.uid, from.gid);
  if (!from.isSymbolicLink()) fs.chmodSync(to, from.mode & 0o7777);
  setTimes(to, from.atimeMs, from.mtimeMs);
}

/** Copies one file or symbolic link to a free path, durably. */
export function copyEntry(from: string, to: string, sync = true): void {
  const stat = fs.lstatSync(from);
  if (stat.isSymbolicLink()) {
    fs.symlinkSync(fs.readlinkSync(from), to);
  } else {
    fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
    if (sync) {
      const fd = fs.openSync(to, "r");
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    }
  }
  copyAttributes(stat, to);
}

/** One name of a tree, relative to its root ("" is the root itself). */
export interface TreeEntry {
  readonly name: string;
  readonly kind: "file" | "dir" | "link" | "other";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  /** Inode number. */
  readonly ino: number;
  /** Target of a symbolic link, "" for others. */
  readonly target: string;
}

/** What `name` below `root` is now. @throws ENOENT */
export function entryOf(root: string, name: string): TreeEntry {
  const file = name === "" ? root : path.join(root, name);
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

/** All names below `root`, a directory before what is in it, in byte order. Nothing when `root` does not exist. */
export function listTree(root: string): TreeEntry[] {
  const out: TreeEntry[] = [];
  if (!fs.existsSync(root)) return out;
  const visit = (name: string): void => {
    const entry = entryOf(root, name);
    out.push(entry);
    if (entry.kind !== "dir") return;
    for (const child of fs.readdirSync(path.join(root, name)).sort()) visit(name === "" ? child : `${name}/${child}`);
  };
  visit("");
  return out;
}

/** Lower-case hexadecimal digest of a file's content. */
export function digestFile(file: string, algorithm = "sha256"): string {
  const hash = createHash(algorithm);
  const fd = fs.openSync(file, "r");
  try {
    const chunk = Buffer.allocUnsafe(1 << 16);
    for (;;) {
      const n = fs.readSync(fd, chunk, 0, chunk.length, null);
      if (n === 0) break;
      hash.update(chunk.subarray(0, n));
    }
  } finally {
    fs.closeSync(fd);
  }
  return hash.digest("hex");
}
