/**
 * What past transactions did, and the files that they replaced or removed.
 *
 * `history/N/record.json` has the packages and every change; `store/` the old files; `before/` the trees of scripts as they were.
 * Key types: {@link HistoryRecord}. Neighbours: `transaction.ts` writes, `rollback.ts` reads, the client's `clean` prunes.
 * Invariant: a record is complete or absent; a record without its store (`kept: false`) can be shown but not rolled back.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { codeOf } from "../errors";
import { TransactionError } from "./errors";
import { installedNames } from "./installed";
import { syncDirectory, writeDurably, type BeginRecord, type JournalRecord, type PackageChange } from "./journal";
import type { Op } from "./ops";
import type { Snapshot, TreeChange } from "./snapshot";
import { numbers, type StateDir } from "./state";
import { digestFile, listTree } from "./tree";

/** What scripts changed in one tree. */
export interface ScriptChanges {
  readonly root: string;
  /** See `SnapshotScope.dirs`. */
  readonly dirs: readonly string[] | null;
  /** Directory of the snapshot. */
  readonly before: string;
  /** `after` is the sha256 of the file when the transaction ended, "" for everything else. */
  readonly changes: readonly (TreeChange & { readonly after: string })[];
}

export interface HistoryRecord {
  readonly version: 1;
  readonly id: number;
  readonly kind: BeginRecord["kind"];
  readonly command: string;
  readonly user: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly changes: readonly PackageChange[];
  readonly prefix: string;
  readonly dbdir: string;
  readonly undoes: readonly number[];
  readonly batches: readonly (readonly Op[])[];
  /** Stores on other devices. */
  readonly stores: readonly string[];
  readonly scripts: readonly ScriptChanges[];
  /** sha256 of the names of all installed packages when the transaction ended: other tools change it. */
  readonly installed: string;
  /** The transaction that undid this one, 0 for none. */
  readonly undoneBy: number;
  /** Are its old files still there? */
  readonly kept: boolean;
}

/** See {@link HistoryRecord.installed}. */
export function installedDigest(dbdir: string): string {
  return createHash("sha256").update(installedNames(dbdir).join("\n")).digest("hex");
}

const pendingFile = (state: StateDir, id: number): string => path.join(state.recordDir(id), "record.json.part");

/** Writes the record of a transaction that is about to commit; it counts after `completeRecord`. */
export function writeRecord(
  engine: { readonly state: StateDir; readonly sync: boolean },
  records: readonly JournalRecord[],
  snapshots: readonly Snapshot[],
): HistoryRecord {
  const begin = records[0] as BeginRecord;
  const dir = engine.state.recordDir(begin.id);
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const scripts: ScriptChanges[] = [];
  const ours = new Set(records.flatMap((r) => (r.type === "ops" ? r.ops.map((op) => op.path) : [])));
  for (const [i, snapshot] of snapshots.entries()) {
    const byScripts = snapshot.changes().filter(({ name }) => !ours.has(path.join(snapshot.root, name)));
    const changes = byScripts.map((change) => {
      const file = path.join(snapshot.root, change.name);
      const isFile = change.change !== "removed" && fs.lstatSync(file).isFile();
      return { ...change, after: isFile ? digestFile(file) : "" };
    });
    if (changes.length === 0) continue;
    const before = path.join(dir, "before", String(i));
    fs.mkdirSync(path.dirname(before), { recursive: true, mode: 0o700 });
    fs.rmSync(before, { recursive: true, force: true });
    // A copy, not a move: until the commit the snapshot is what a rollback needs.
    fs.cpSync(snapshot.dir, before, { recursive: true, preserveTimestamps: true });
    scripts.push({ root: snapshot.root, dirs: snapshot.scope.dirs, before, changes });
  }
  const stores: string[] = [];
  const batches: (readonly Op[])[] = [];
  for (const record of records) {
    if (record.type === "area") stores.push(record.history);
    if (record.type === "ops") batches.push(record.ops);
  }
  const record: HistoryRecord = {
    version: 1,
    id: begin.id,
    kind: begin.kind,
    command: begin.command,
    user: begin.user,
    time: begin.time,
    changes: begin.changes,
    prefix: begin.prefix,
    dbdir: begin.dbdir,
    undoes: begin.undoes,
    batches,
    stores,
    scripts,
    installed: installedDigest(begin.dbdir),
    undoneBy: 0,
    kept: true,
  };
  writeDurably(pendingFile(engine.state, begin.id), JSON.stringify(record), 0o600, engine.sync);
  return record;
}

/** Gives the record of a committed transaction its name. May be repeated. */
export function completeRecord(state: StateDir, id: number, sync: boolean): void {
  if (fs.existsSync(pendingFile(state, id))) fs.renameSync(pendingFile(state, id), state.recordFile(id));
  if (sync) syncDirectory(state.recordDir(id));
}

/** @throws TransactionError ENOHISTORY */
export function readRecord(state: StateDir, id: number): HistoryRecord {
  const file = state.recordFile(id);
  if (!fs.existsSync(file)) throw new TransactionError("ENOHISTORY", `there is no transaction ${id} in the history`);
  return JSON.parse(fs.readFileSync(file, "utf8")) as HistoryRecord;
}

/** All records, oldest first. */
export function readHistory(state: StateDir): HistoryRecord[] {
  return numbers(state.historyDir)
    .filter((id) => fs.existsSync(state.recordFile(id)))
    .map((id) => readRecord(state, id));
}

function removeStores(state: StateDir, record: HistoryRecord): void {
  fs.rmSync(state.storeDir(record.id), { recursive: true, force: true });
  fs.rmSync(path.join(state.recordDir(record.id), "before"), { recursive: true, force: true });
  for (const store of record.stores) {
    fs.rmSync(store, { recursive: true, force: true });
    try {
      // The `.pkgc` of that device, when it was the last one.
      fs.rmdirSync(path.dirname(store));
    } catch (error) {
      if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(codeOf(error))) throw error;
    }
  }
}

/** Marks transactions that a rollback undid; their old files went back to their places. May be repeated. */
export function dropUndone(state: StateDir, by: number, ids: readonly number[], sync: boolean): void {
  for (const id of ids) {
    const record = readRecord(state, id);
    if (record.undoneBy === by && !record.kept) continue;
    writeDurably(state.recordFile(id), JSON.stringify({ ...record, undoneBy: by, kept: false }), 0o600, sync);
    removeStores(state, record);
  }
}

/** How much of the history is kept. */
export interface HistoryPolicy {
  /** The newest N transactions keep their old files. */
  readonly transactions: number;
  /** Bytes of all old files together; the oldest go first. */
  readonly bytes: number;
}

export const DEFAULT_HISTORY_POLICY: HistoryPolicy = { transactions: 20, bytes: 2 ** 30 };

/** Bytes of the old files of one transaction. */
export function storeSize(state: StateDir, record: HistoryRecord): number {
  let bytes = 0;
  for (const dir of [state.storeDir(record.id), path.join(state.recordDir(record.id), "before"), ...record.stores]) {
    for (const entry of listTree(dir)) if (entry.kind === "file") bytes += entry.size;
  }
  return bytes;
}

/** Removes old files as the policy says; the records stay. Returns the transactions concerned and the bytes freed. */
export function pruneHistory(state: StateDir, policy: HistoryPolicy, sync = true): { ids: number[]; bytes: number } {
  const out = { ids: [] as number[], bytes: 0 };
  let kept = 0;
  let total = 0;
  let full = false;
  for (const record of readHistory(state).reverse()) {
    if (!record.kept) continue;
    const size = storeSize(state, record);
    // Once one is dropped, older ones cannot be reached by a rollback any more.
    full ||= kept >= policy.transactions || total + size > policy.bytes;
    if (!full) {
      kept++;
      total += size;
      continue;
    }
    writeDurably(state.recordFile(record.id), JSON.stringify({ ...record, kept: false }), 0o600, sync);
    removeStores(state, record);
    out.ids.push(record.id);
    out.bytes += size;
  }
  return out;
}
