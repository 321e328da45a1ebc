/**
 * A transaction: batches of changes and script runs that all happen or none.
 *
 *     begin ─ stage (nothing outside the work directories changes) ─ batch, script, batch, ... ─ commit ─ finish
 *                                                 └─ rollback: batches undone in reverse, script trees put back
 *
 * Up to the commit record a crash or an error leads back to the state before; from it on the transaction is completed.
 * Key types: {@link Transaction}, {@link Engine}. Neighbours: `recover.ts` does the same from the journal alone, `changes.ts` builds batches,
 * `history.ts` keeps the result. Invariant: no path outside the work directories changes but by a logged batch or a logged script.
 */
import fs from "node:fs";
import path from "node:path";
import { Areas } from "./areas";
import { Changes } from "./changes";
import { TransactionError } from "./errors";
import { writeRecord, type HistoryRecord } from "./history";
import {
  Journal,
  syncDirectory,
  type BeginRecord,
  type CrashHook,
  type JournalRecord,
  type PackageChange,
} from "./journal";
import { currentUser } from "./lock";
import { applyOps, type Op } from "./ops";
import { finish, undo } from "./recover";
import type { ScriptResult } from "./scripts";
import { Snapshot, type SnapshotScope } from "./snapshot";
import type { StateDir } from "./state";

/** What a transaction needs of its surroundings. */
export interface Engine {
  readonly state: StateDir;
  readonly prefix: string;
  readonly dbdir: string;
  /** Wait for the disk at every record and before the commit. False only where a power cut does not matter. */
  readonly sync: boolean;
  readonly hook: CrashHook;
  /** A sentence for the user. */
  notice(message: string): void;
}

export interface BeginOptions {
  readonly kind: BeginRecord["kind"];
  readonly command: string;
  readonly changes: readonly PackageChange[];
  readonly undoes?: readonly number[];
}

export class Transaction {
  readonly id: number;
  readonly areas: Areas;
  private readonly engine: Engine;
  private readonly journal: Journal;
  private readonly records: JournalRecord[] = [];
  private readonly timed = new Set<string>();
  private readonly snapshots: Snapshot[] = [];
  private readonly touched = new Set<string>();
  private seq = 0;

  private constructor(engine: Engine, id: number, journal: Journal) {
    this.engine = engine;
    this.id = id;
    this.journal = journal;
    this.areas = new Areas(engine.state, id, (record) => this.log(record));
  }

  /** Opens the journal. The caller holds the lock and has recovered what was left. */
  static async begin(engine: Engine, options: BeginOptions): Promise<Transaction> {
    const id = engine.state.nextId();
    fs.mkdirSync(engine.state.txnDir(id), { recursive: true, mode: 0o700 });
    if (engine.sync) syncDirectory(engine.state.txnRoot);
    const journal = new Journal(engine.state.journalFile(id), engine.sync, engine.hook);
    const transaction = new Transaction(engine, id, journal);
    const begin: BeginRecord = {
      type: "begin",
      version: 1,
      id,
      kind: options.kind,
      command: options.command,
      user: currentUser(),
      time: Date.now(),
      changes: options.changes,
      prefix: engine.prefix,
      dbdir: engine.dbdir,
      undoes: options.undoes ?? [],
    };
    try {
      await transaction.log(begin);
    } catch (error) {
      journal.close();
      fs.rmSync(engine.state.txnDir(id), { recursive: true, force: true });
      throw error;
    }
    return transaction;
  }

  private async log(record: JournalRecord): Promise<void> {
    await this.journal.append(record);
    this.records.push(record);
  }

  /** Copies what scripts may change, so that it can be put back. Before the first batch and script. */
  async snapshot(scope: SnapshotScope): Promise<void> {
    const copy = path.join(this.engine.state.snapshotDir(this.id), String(this.snapshots.length));
    const snapshot = Snapshot.take(scope, copy);
    await this.engine.hook.reach("snapshot:taken");
    await this.log({ type: "snapshot", root: scope.root, copy });
    this.snapshots.push(snapshot);
  }

  /** An empty batch to fill. */
  changes(): Changes {
    return new Changes(this.areas, this.timed);
  }

  /** Logs the batch, then carries it out. @throws the file system's error; then `rollback` is due */
  async batch(label: string, changes: Changes): Promise<void> {
    if (changes.ops.length === 0) return;
    const ops: readonly Op[] = changes.ops;
    await this.log({ type: "ops", seq: this.seq++, label, ops });
    for (const op of ops) this.touched.add(path.dirname(op.path));
    await applyOps(ops, this.engine.sync, this.engine.hook);
  }

  /** Logs a script, runs it and logs how it ended. Returns its result; it is the caller who decides what a failure means. */
  async script(packageName: string, phase: string, run: () => Promise<ScriptResult>): Promise<ScriptResult> {
    await this.log({ type: "script", package: packageName, phase, state: "start", status: 0 });
    const result = await run();
    await this.engine.hook.reach(`script:${phase}:ran`);
    const state = result.status === 0 ? "done" : "failed";
    await this.log({ type: "script", package: packageName, phase, state, status: result.status });
    return result;
  }

  /** Times of directories before this transaction changed their entries. */
  notedTimes(): Map<string, { atimeMs: number; mtimeMs: number }> {
    const out = new Map<string, { atimeMs: number; mtimeMs: number }>();
    for (const record of this.records) {
      if (record.type !== "ops") continue;
      for (const op of record.ops) if (op.op === "times" && !out.has(op.path)) out.set(op.path, op);
    }
    return out;
  }

  /** Trees that scripts may have changed, as they were before the transaction. */
  get scriptTrees(): readonly Snapshot[] {
    return this.snapshots;
  }

  /** Makes everything durable and final. @throws before the commit record: then `rollback` is due */
  async commit(): Promise<HistoryRecord> {
    if (this.engine.sync) for (const dir of this.touched) syncDirectory(dir);
    const record = writeRecord(this.engine, this.records, this.snapshots);
    await this.engine.hook.reach("history:written");
    await this.log({ type: "commit" });
    this.journal.close();
    await finish(this.engine, this.id, this.records);
    return record;
  }

  /** Takes everything back. @throws TransactionError EROLLBACK with what could not be taken back */
  async rollback(): Promise<void> {
    const problems = await undo(this.engine, this.id, this.records, this.journal);
    this.journal.close();
    if (problems.length > 0) {
      throw new TransactionError("EROLLBACK", "not everything could be put back", problems);
    }
    await finish(this.engine, this.id, this.records);
  }
}
