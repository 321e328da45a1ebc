/**
 * The reversible changes that a transaction is made of.
 *
 * Each is a rename, so it happened or it did not, and which of the two can be seen from the paths alone: `staged` is gone once a
 * new file is in place, `store` is there once an old file was saved. `undoOp` looks, takes back what happened and can be run
 * again after a crash of its own.
 * Key types: {@link Op}. Neighbours: `journal.ts` logs them before `applyOps` runs, `areas.ts` chooses staged and store paths on
 * the device of `path`.
 */
import fs from "node:fs";
import path from "node:path";
import { codeOf } from "../errors";
import { NO_HOOK, syncDirectory, type CrashHook } from "./journal";
import { copyEntry, setTimes } from "./tree";

export type Op =
  /** A new file, link or whole directory goes to a free path. */
  | { readonly op: "create"; readonly path: string; readonly staged: string }
  /** A file or link takes the place of another in one step; the old one is kept at `store`. */
  | { readonly op: "replace"; readonly path: string; readonly staged: string; readonly store: string }
  /** A file or link leaves its path and is kept at `store`. */
  | { readonly op: "delete"; readonly path: string; readonly store: string }
  /** A new directory. What is found in it when it is taken back goes to `leftover`. */
  | {
      readonly op: "mkdir";
      readonly path: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      readonly leftover: string;
    }
  /** An empty directory goes; one that is not empty stays. */
  | { readonly op: "rmdir"; readonly path: string; readonly mode: number; readonly uid: number; readonly gid: number }
  /** Times of a directory whose entries change; they are put back when the changes are undone. */
  | { readonly op: "times"; readonly path: string; readonly atimeMs: number; readonly mtimeMs: number }
  /** Times that a directory is given, with those it had. */
  | {
      readonly op: "utimes";
      readonly path: string;
      readonly atimeMs: number;
      readonly mtimeMs: number;
      readonly oldAtimeMs: number;
      readonly oldMtimeMs: number;
    };

export function lstatOrNull(file: string): fs.Stats | null {
  try {
    return fs.lstatSync(file);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return null;
    throw error;
  }
}

const exists = (file: string): boolean => lstatOrNull(file) !== null;

/** Keeps what is at `file` reachable at `store`, without taking it away. */
function save(file: string, store: string): void {
  if (fs.lstatSync(file).isFile()) {
    try {
      fs.linkSync(file, store);
      return;
    } catch (error) {
      // No links here (FAT, some network file systems), too many of them, or another's file.
      if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "EACCES", "ENOSYS"].includes(codeOf(error))) throw error;
    }
  }
  // Only complete copies get the name.
  const partial = `${store}.part`;
  fs.rmSync(partial, { force: true });
  copyEntry(file, partial);
  fs.renameSync(partial, store);
}

/** Carries out a batch that the journal holds already. */
export async function applyOps(ops: readonly Op[], sync = true, hook: CrashHook = NO_HOOK): Promise<void> {
  const stores = new Set<string>();
  for (const op of ops) {
    if (op.op !== "replace") continue;
    save(op.path, op.store);
    stores.add(path.dirname(op.store));
    await hook.reach("op:replace:saved");
  }
  // The old files are safe before the first new one covers them.
  if (sync) for (const dir of stores) syncDirectory(dir);
  for (const op of ops) {
    applyOp(op);
    await hook.reach(`op:${op.op}:after`);
  }
}

function applyOp(op: Op): void {
  switch (op.op) {
    case "create":
    case "replace":
      fs.renameSync(op.staged, op.path);
      break;
    case "delete":
      fs.renameSync(op.path, op.store);
      break;
    case "mkdir":
      fs.mkdirSync(op.path, { mode: 0o700 });
      setOwner(op.path, op.uid, op.gid);
      fs.chmodSync(op.path, op.mode);
      break;
    case "rmdir":
      try {
        fs.rmdirSync(op.path);
      } catch (error) {
        if (!["ENOTEMPTY", "EEXIST", "ENOENT", "EBUSY"].includes(codeOf(error))) throw error;
      }
      break;
    case "times":
      break;
    case "utimes":
      setTimes(op.path, op.atimeMs, op.mtimeMs);
      break;
  }
}

function setOwner(file: string, uid: number, gid: number): void {
  const now = fs.lstatSync(file);
  if (now.uid !== uid || now.gid !== gid) fs.lchownSync(file, uid, gid);
}

/** Takes one change back, whether it was made, half made or not made. May be repeated. */
export function undoOp(op: Op): void {
  switch (op.op) {
    case "create":
      if (!exists(op.staged) && exists(op.path)) fs.renameSync(op.path, op.staged);
      break;
    case "replace":
      fs.rmSync(`${op.store}.part`, { force: true });
      if (!exists(op.store)) break;
      // The new file is kept where it came from: when a rollback is undone, that is the history's copy.
      if (!exists(op.staged) && exists(op.path)) save(op.path, op.staged);
      fs.renameSync(op.store, op.path);
      // Two links of one file: rename(2) left both.
      fs.rmSync(op.store, { force: true });
      break;
    case "delete":
      if (exists(op.store)) fs.renameSync(op.store, op.path);
      break;
    case "mkdir":
      if (!exists(op.path)) break;
      try {
        fs.rmdirSync(op.path);
      } catch (error) {
        if (!["ENOTEMPTY", "EEXIST"].includes(codeOf(error))) throw error;
        fs.renameSync(op.path, op.leftover);
      }
      break;
    case "rmdir":
      if (!exists(op.path)) fs.mkdirSync(op.path, { mode: 0o700 });
      setOwner(op.path, op.uid, op.gid);
      fs.chmodSync(op.path, op.mode);
      break;
    case "times":
      if (exists(op.path)) setTimes(op.path, op.atimeMs, op.mtimeMs);
      break;
    case "utimes":
      if (exists(op.path)) setTimes(op.path, op.oldAtimeMs, op.oldMtimeMs);
      break;
  }
}

/** Takes a batch back, last change first. */
export async function undoOps(ops: readonly Op[], hook: CrashHook = NO_HOOK): Promise<void> {
  for (let i = ops.length - 1; i >= 0; i--) {
    undoOp(ops[i]!);
    await hook.reach(`undo:${ops[i]!.op}:after`);
  }
}
