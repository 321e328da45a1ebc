/**
 * The write-ahead journal: an append-only log of records, each a line `crc32 length json`.
 *
 * A record is on disk (fdatasync) before `append` returns, so whatever a record announces can be found after a crash. The last
 * line may be torn by a crash and is then not there; damage anywhere else is an error, because later records prove that the
 * damaged one was complete once.
 * Key types: {@link Journal}, {@link JournalRecord}. Neighbours: `ops.ts` (what the records announce), `recover.ts` (who reads them).
 */
import fs from "node:fs";
import path from "node:path";
import { crc32 } from "node:zlib";
import { codeOf } from "../errors";
import { TransactionError } from "./errors";
import type { Op } from "./ops";

/** What was removed, installed or replaced, by full package names. */
export interface PackageChange {
  readonly action: "install" | "upgrade" | "downgrade" | "refresh" | "remove" | "mark";
  /** The package before, null when it was not installed. */
  readonly from: string | null;
  /** The package after, null when it was removed. */
  readonly to: string | null;
}

/** The first record: what the transaction is. */
export interface BeginRecord {
  readonly type: "begin";
  readonly version: 1;
  /** Number of the transaction, also in the history. */
  readonly id: number;
  readonly kind: "install" | "remove" | "upgrade" | "autoremove" | "rollback" | "mark" | "change";
  readonly command: string;
  readonly user: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly changes: readonly PackageChange[];
  readonly prefix: string;
  readonly dbdir: string;
  /** For `rollback`: the transactions that it undoes, newest first. */
  readonly undoes: readonly number[];
}

export type JournalRecord =
  | BeginRecord
  /** Work directories outside the state directory, one for each device; removed at the end. */
  | { readonly type: "area"; readonly root: string; readonly history: string }
  /** A tree that scripts may change, copied before the first script runs. */
  | { readonly type: "snapshot"; readonly root: string; readonly copy: string }
  /** Changes that are about to be made. `seq` counts from 0. */
  | { readonly type: "ops"; readonly seq: number; readonly label: string; readonly ops: readonly Op[] }
  | {
      readonly type: "script";
      readonly package: string;
      readonly phase: string;
      readonly state: "start" | "done" | "failed";
      readonly status: number;
    }
  /** From here on the transaction is finished, not undone. */
  | { readonly type: "commit" }
  /** All of the batch `seq` is undone. */
  | { readonly type: "undone"; readonly seq: number };

/** Called at every point at which a process could die; tests stop there. */
export interface CrashHook {
  /**
   * @param point what was just done, for example `journal:ops` or `op:create:after`
   */
  reach(point: string): Promise<void>;
}

export const NO_HOOK: CrashHook = { reach: () => Promise.resolve() };

/** Forces a directory's entries to disk; file systems that cannot are left alone. */
export function syncDirectory(dir: string): void {
  let fd: number;
  try {
    fd = fs.openSync(dir, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  try {
    fs.fsyncSync(fd);
  } catch (error) {
    if (!["EINVAL", "EPERM", "EBADF", "EISDIR", "ENOTSUP"].includes(codeOf(error))) throw error;
  } finally {
    fs.closeSync(fd);
  }
}

/** Writes a file so that after a crash either the old or the new content is there, whole. */
export function writeDurably(file: string, text: string | Uint8Array, mode = 0o644, sync = true): void {
  const temporary = `${file}.new`;
  const fd = fs.openSync(temporary, "w", mode);
  try {
    fs.writeFileSync(fd, text);
    if (sync) fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  fs.renameSync(temporary, file);
  if (sync) syncDirectory(path.dirname(file));
}

function encode(record: JournalRecord): Buffer {
  const json = Buffer.from(JSON.stringify(record), "utf8");
  const head = `${crc32(json).toString(16).padStart(8, "0")} ${json.length} `;
  return Buffer.concat([Buffer.from(head, "latin1"), json, Buffer.from("\n", "latin1")]);
}

/** The record in one line without its newline, null when the line is damaged. */
function decode(line: Buffer): JournalRecord | null {
  const match = /^([0-9a-f]{8}) (\d+) /.exec(line.subarray(0, 32).toString("latin1"));
  if (match === null) return null;
  const json = line.subarray(match[0].length);
  if (json.length !== Number(match[2]) || crc32(json) !== Number.parseInt(match[1]!, 16)) return null;
  return JSON.parse(json.toString("utf8")) as JournalRecord;
}

/** Reads a journal; a torn last line is left out. @throws TransactionError EJOURNAL */
export function readJournal(file: string): JournalRecord[] {
  const bytes = fs.readFileSync(file);
  const records: JournalRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0x0a, at);
    const record = end === -1 ? null : decode(bytes.subarray(at, end));
    if (record === null) {
      const last = end === -1 || end === bytes.length - 1;
      if (!last) {
        throw new TransactionError("EJOURNAL", `${file}: record ${records.length + 1} is damaged`);
      }
      break;
    }
    records.push(record);
    at = end + 1;
  }
  return records;
}

/** The log of one transaction, open for writing. Owned by the holder of the lock. */
export class Journal {
  readonly file: string;
  private readonly fd: number;
  private readonly sync: boolean;
  private readonly hook: CrashHook;

  /** Opens a journal, new or left by a crash; a torn last line is cut off. */
  constructor(file: string, sync = true, hook: CrashHook = NO_HOOK) {
    this.file = file;
    this.sync = sync;
    this.hook = hook;
    let keep = 0;
    if (fs.existsSync(file)) for (const record of readJournal(file)) keep += encode(record).length;
    this.fd = fs.openSync(file, "a", 0o600);
    if (fs.fstatSync(this.fd).size > keep) fs.ftruncateSync(this.fd, keep);
  }

  /** Adds a record; it is durable when this returns. @throws the file system's error; then nothing may be done */
  async append(record: JournalRecord): Promise<void> {
    await this.hook.reach(`journal:${record.type}:before`);
    const bytes = encode(record);
    const before = fs.fstatSync(this.fd).size;
    try {
      fs.writeFileSync(this.fd, bytes);
    } catch (error) {
      // A half-written record must not swallow the next one.
      fs.ftruncateSync(this.fd, before);
      throw error;
    }
    if (this.sync) fs.fdatasyncSync(this.fd);
    await this.hook.reach(`journal:${record.type}:after`);
  }

  close(): void {
    fs.closeSync(this.fd);
  }
}
