/**
 * Turns "this file goes there" into the changes of `ops.ts` that fit what is on disk now.
 *
 * A batch is built against the disk, logged and carried out before the next one is built. Directories that are missing are made, the times of every
 * directory whose entries change are noted before the first change, and no path is touched twice in one batch.
 * Key types: {@link Changes}. Neighbours: `areas.ts` (staged and store paths), `transaction.ts` (logs and applies).
 */
import fs from "node:fs";
import path from "node:path";
import type { Areas } from "./areas";
import { TransactionError } from "./errors";
import { lstatOrNull, type Op } from "./ops";

export class Changes {
  readonly ops: Op[] = [];
  private readonly areas: Areas;
  /** Directories whose times are noted already, in this batch or an earlier one. */
  private readonly timed: Set<string>;
  private readonly made = new Set<string>();
  private readonly gone = new Set<string>();

  constructor(areas: Areas, timed: Set<string>) {
    this.areas = areas;
    this.timed = timed;
  }

  private exists(file: string): fs.Stats | null {
    return this.gone.has(file) ? null : lstatOrNull(file);
  }

  /** Notes the times of a directory that is about to change. */
  touch(dir: string): void {
    if (this.timed.has(dir) || this.made.has(dir)) return;
    this.timed.add(dir);
    const link = lstatOrNull(dir)?.isSymbolicLink() === true && fs.existsSync(dir);
    const real = link ? fs.realpathSync(dir) : dir;
    const stat = lstatOrNull(real);
    if (stat === null || !stat.isDirectory()) return;
    this.ops.push({ op: "times", path: real, atimeMs: stat.atimeMs, mtimeMs: stat.mtimeMs });
  }

  /**
   * A directory and those above it, as far as they are missing. @throws TransactionError EFILECONFLICT when a file is in the way
   * @param mode of the new directories
   */
  async makeDirectory(dir: string, mode = 0o755, uid = -1, gid = -1): Promise<void> {
    if (this.made.has(dir)) return;
    const stat = this.exists(dir);
    if (stat !== null) {
      if (stat.isDirectory() || (stat.isSymbolicLink() && fs.statSync(dir, { throwIfNoEntry: false })?.isDirectory()))
        return;
      throw new TransactionError("EFILECONFLICT", `${dir} is in the way of a directory`);
    }
    await this.makeDirectory(path.dirname(dir));
    this.touch(path.dirname(dir));
    this.ops.push({
      op: "mkdir",
      path: dir,
      mode,
      uid: uid === -1 ? (process.geteuid?.() ?? 0) : uid,
      gid: gid === -1 ? this.groupFor(path.dirname(dir)) : gid,
      leftover: await this.areas.store(dir),
    });
    this.made.add(dir);
  }

  /** BSD gives new entries the directory's group, others the process's; what the system would have done is kept. */
  private groupFor(parent: string): number {
    const own = process.getegid?.() ?? 0;
    const stat = lstatOrNull(parent);
    return stat !== null && (stat.mode & 0o2000) !== 0 ? stat.gid : own;
  }

  /** Puts what waits at `staged` to `target`, in place of a file that is there. @throws TransactionError EFILECONFLICT */
  async put(target: string, staged: string): Promise<void> {
    await this.makeDirectory(path.dirname(target));
    this.touch(path.dirname(target));
    const stat = this.exists(target);
    if (stat === null) {
      this.ops.push({ op: "create", path: target, staged });
      return;
    }
    if (stat.isDirectory()) throw new TransactionError("EFILECONFLICT", `${target} is a directory`);
    this.ops.push({ op: "replace", path: target, staged, store: await this.areas.store(target) });
  }

  /** Takes a file or link away; nothing when it is not there. Directories stay. */
  async remove(target: string): Promise<void> {
    const stat = this.exists(target);
    if (stat === null || stat.isDirectory()) return;
    this.touch(path.dirname(target));
    this.ops.push({ op: "delete", path: target, store: await this.areas.store(target) });
    this.gone.add(target);
  }

  /** Removes a directory if it will be empty after this batch. True when it will be gone. */
  removeDirectory(dir: string): boolean {
    const stat = this.exists(dir);
    if (stat === null || !stat.isDirectory()) return false;
    for (const name of fs.readdirSync(dir)) if (!this.gone.has(path.join(dir, name))) return false;
    this.touch(path.dirname(dir));
    // Its own times come back with it.
    this.touch(dir);
    this.ops.push({ op: "rmdir", path: dir, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid });
    this.gone.add(dir);
    return true;
  }

  setDirectoryTimes(dir: string, atimeMs: number, mtimeMs: number): void {
    const stat = this.exists(dir);
    if (stat === null || !stat.isDirectory()) return;
    this.ops.push({ op: "utimes", path: dir, atimeMs, mtimeMs, oldAtimeMs: stat.atimeMs, oldMtimeMs: stat.mtimeMs });
  }
}
