/**
 * Ends transactions, from memory after an error or from the journal after a crash.
 *
 * `undo` takes back all batches, last first, then puts the trees of scripts back; `finish` removes the work directories. Both may be killed and run
 * again. `recover` is what every client does first under the lock.
 * Neighbours: `transaction.ts`, `journal.ts`, `history.ts`.
 */
import fs from "node:fs";
import path from "node:path";
import { codeOf } from "../errors";
import { TransactionError } from "./errors";
import { completeRecord, dropUndone } from "./history";
import { Journal, readJournal, syncDirectory, type BeginRecord, type JournalRecord } from "./journal";
import { undoOps } from "./ops";
import { Snapshot } from "./snapshot";
import type { Engine } from "./transaction";

/** How an interrupted transaction ended. */
export interface Recovered {
  readonly id: number;
  /** `undone`: the system is as before it; `completed`: all of it had happened already. */
  readonly outcome: "undone" | "completed";
  readonly begin: BeginRecord | null;
}

/**
 * Takes back what the records announce. Returns sentences about what could not be taken back; none means that the system is as before.
 * @param journal for the progress, so that a crash of this very function costs no second try
 */
export async function undo(
  engine: Engine,
  id: number,
  records: readonly JournalRecord[],
  journal: Journal,
): Promise<string[]> {
  const problems: string[] = [];
  const undone = new Set<number>();
  for (const record of records) if (record.type === "undone") undone.add(record.seq);
  for (let i = records.length - 1; i >= 0; i--) {
    const record = records[i]!;
    if (record.type !== "ops" || undone.has(record.seq)) continue;
    try {
      await undoOps(record.ops, engine.hook);
      if (engine.sync) for (const dir of new Set(record.ops.map((op) => path.dirname(op.path)))) syncDirectory(dir);
    } catch (error) {
      // What lies before this batch may depend on it: stop here, the journal stays.
      problems.push(`${record.label}: ${error instanceof Error ? error.message : String(error)}`);
      return problems;
    }
    await logProgress(journal, { type: "undone", seq: record.seq });
  }
  for (const record of records) {
    if (record.type !== "snapshot" || !fs.existsSync(path.join(record.copy, "index.json"))) continue;
    try {
      const leftover = path.join(engine.state.recordDir(id), "leftover");
      for (const problem of Snapshot.open(record.copy).restore(leftover)) {
        engine.notice(`transaction ${id}: ${problem}`);
      }
    } catch (error) {
      problems.push(`${record.root}: ${error instanceof Error ? error.message : String(error)}`);
    }
    await engine.hook.reach("undo:snapshot");
  }
  if (problems.length > 0) return problems;
  // The store holds nothing any more but what was found in new directories.
  for (const record of records) {
    if (record.type !== "ops") continue;
    for (const op of record.ops) {
      if (op.op !== "mkdir" || !fs.existsSync(op.leftover)) continue;
      engine.notice(`transaction ${id}: ${op.path} was new and held other files; they are in ${op.leftover}`);
    }
  }
  return problems;
}

/** A full disk must not stop an undo: progress only saves work. */
async function logProgress(journal: Journal, record: JournalRecord): Promise<void> {
  try {
    await journal.append(record);
  } catch (error) {
    if (codeOf(error) === "") throw error;
  }
}

/** Removes the work directories of an ended transaction; with a commit, its record becomes part of the history first. */
export async function finish(engine: Engine, id: number, records: readonly JournalRecord[]): Promise<void> {
  const committed = records.some((record) => record.type === "commit");
  const begin = records.find((record) => record.type === "begin") ?? null;
  if (committed) {
    completeRecord(engine.state, id, engine.sync);
    await engine.hook.reach("finish:recorded");
    if (begin !== null) dropUndone(engine.state, id, begin.undoes, engine.sync);
    await engine.hook.reach("finish:dropped");
  } else {
    removeUnlessFull(engine.state.storeDir(id));
    fs.rmSync(path.join(engine.state.recordDir(id), "record.json.part"), { force: true });
    fs.rmSync(engine.state.snapshotDir(id), { recursive: true, force: true });
    fs.rmSync(path.join(engine.state.recordDir(id), "before"), { recursive: true, force: true });
    removeUnlessFull(engine.state.recordDir(id));
  }
  for (const record of records) {
    if (record.type !== "area") continue;
    fs.rmSync(record.root, { recursive: true, force: true });
    if (!committed) removeUnlessFull(record.history);
    // The `.pkgc` of that device, when nothing else is in it.
    removeUnlessFull(path.dirname(record.root));
  }
  fs.rmSync(engine.state.stagingDir(id), { recursive: true, force: true });
  await engine.hook.reach("finish:unstaged");
  fs.rmSync(engine.state.txnDir(id), { recursive: true, force: true });
  if (engine.sync) syncDirectory(engine.state.txnRoot);
}

function removeUnlessFull(dir: string): void {
  try {
    fs.rmdirSync(dir);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(codeOf(error))) throw error;
  }
}

/**
 * Ends what earlier clients left. Called under the lock, before anything is read or changed.
 * @throws TransactionError EJOURNAL, EROLLBACK
 */
export async function recover(engine: Engine): Promise<Recovered[]> {
  const out: Recovered[] = [];
  for (const id of engine.state.unfinished().reverse()) {
    const file = engine.state.journalFile(id);
    const records = fs.existsSync(file) ? readJournal(file) : [];
    const begin = records.find((record) => record.type === "begin") ?? null;
    const committed = records.some((record) => record.type === "commit");
    if (!committed) {
      const journal = new Journal(file, engine.sync, engine.hook);
      const problems = await undo(engine, id, records, journal);
      journal.close();
      if (problems.length > 0) {
        throw new TransactionError(
          "EROLLBACK",
          `transaction ${id} was interrupted and cannot be undone; remove the cause and start again (${file})`,
          problems,
        );
      }
    }
    await finish(engine, id, records);
    out.push({ id, outcome: committed ? "completed" : "undone", begin });
  }
  return out;
}
