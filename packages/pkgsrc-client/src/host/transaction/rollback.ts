/**
 * `rollback N`: the state before transaction N, made from the history.
 *
 * A transaction of its own. The changes of N and of everything later are taken back, newest first, by putting the old files in place again; scripts of
 * packages that go and come run, and the trees that scripts change end as they were before N. Files changed by hand since then are kept.
 * Key function: {@link rollback}. Neighbours: `history.ts` has the records and files, `apply.ts` has the rules for changed files.
 * Invariant: a rollback that is interrupted puts the history's files back, too: nothing in it is used up before the commit.
 */
import fs from "node:fs";
import path from "node:path";
import { isChanged, type ApplyOptions } from "./apply";
import type { Changes } from "./changes";
import { TransactionError } from "./errors";
import { installedDigest, readHistory, type HistoryRecord } from "./history";
import { InstalledPackage, installedNames, lines, Ownership } from "./installed";
import type { PackageChange } from "./journal";
import { lstatOrNull, type Op } from "./ops";
import { filesOf, type FileItem } from "./packing-list";
import { runScript, type ScriptPhase } from "./scripts";
import { sharedScope, Snapshot } from "./snapshot";
import { Transaction, type Engine } from "./transaction";
import { copyEntry, digestFile, setTimes, type TreeEntry } from "./tree";

export interface RollbackOptions extends Omit<ApplyOptions, "step"> {
  readonly command: string;
  /** Go on although other tools changed the database since. */
  readonly force: boolean;
  /** Trees that scripts may change. */
  readonly scriptTrees: readonly string[];
}

/** What a rollback would do. */
export interface RollbackPlan {
  /** The transactions that are undone, newest first. */
  readonly undoes: readonly HistoryRecord[];
  /** From the packages now to the packages then. */
  readonly changes: readonly PackageChange[];
}

/**
 * Finds what is to be undone for the state before transaction `to`.
 * @throws TransactionError ENOHISTORY; ESTALEPLAN when packages of the history are not there any more
 */
export function planRollback(engine: Engine, to: number, force: boolean): RollbackPlan {
  const history = readHistory(engine.state);
  const target = history.find((record) => record.id === to);
  if (target === undefined) throw new TransactionError("ENOHISTORY", `there is no transaction ${to} in the history`);
  if (target.undoneBy !== 0) {
    throw new TransactionError("ENOHISTORY", `transaction ${to} was undone already, by transaction ${target.undoneBy}`);
  }
  const undoes = history.filter(
    // A rollback of transactions from N on has cancelled itself out with them.
    (record) =>
      record.id >= to &&
      record.undoneBy === 0 &&
      !(record.id > to && record.undoes.length > 0 && record.undoes.every((id) => id >= to)),
  );
  const gone = undoes.find((record) => !record.kept);
  if (gone !== undefined) {
    throw new TransactionError("ENOHISTORY", `the old files of transaction ${gone.id} were cleaned away`);
  }
  undoes.reverse();
  const newest = history.filter((record) => record.undoneBy === 0).at(-1)!;
  const now = new Set(installedNames(engine.dbdir));
  const then = new Set(now);
  for (const record of undoes) {
    for (const change of [...record.changes].reverse()) {
      if (change.action === "mark") continue;
      if (change.to !== null && !then.delete(change.to)) {
        throw new TransactionError(
          "ESTALEPLAN",
          `${change.to} was installed by transaction ${record.id} and is not there any more`,
        );
      }
      if (change.from !== null) then.add(change.from);
    }
  }
  if (!force && newest.installed !== installedDigest(engine.dbdir)) {
    throw new TransactionError(
      "ESTALEPLAN",
      `other tools changed the installed packages since transaction ${newest.id}`,
    );
  }
  // Other builds of the same versions: their names do not differ, their files do.
  const rebuilt = new Set(
    undoes.flatMap((record) =>
      record.changes.flatMap(({ action, to }) => (action === "refresh" && to !== null ? [to] : [])),
    ),
  );
  const refreshed = [...rebuilt].filter((name) => now.has(name) && then.has(name));
  return {
    undoes,
    changes: [
      ...difference(now, then),
      ...refreshed.map((name): PackageChange => ({ action: "refresh", from: name, to: name })),
    ],
  };
}

const baseOf = (name: string): string => name.slice(0, name.lastIndexOf("-"));

function difference(now: ReadonlySet<string>, then: ReadonlySet<string>): PackageChange[] {
  const out: PackageChange[] = [];
  const coming = new Map([...then].filter((name) => !now.has(name)).map((name) => [baseOf(name), name]));
  for (const name of now) {
    if (then.has(name)) continue;
    const other = coming.get(baseOf(name));
    if (other === undefined) out.push({ action: "remove", from: name, to: null });
    else out.push({ action: "downgrade", from: name, to: other });
    coming.delete(baseOf(name));
  }
  for (const name of coming.values()) out.push({ action: "install", from: null, to: name });
  return out;
}

const isInside = (dir: string, roots: readonly string[]): boolean =>
  roots.some((root) => dir === root || dir.startsWith(`${root}/`));

const keyOf = (scope: { root: string; dirs: readonly string[] | null }): string =>
  `${scope.dirs === null ? "tree" : "directories"} ${scope.root}`;

/** A name in a tree of scripts as it shall be: an entry and the copy of its content, or nothing. */
interface Wanted {
  readonly entry: TreeEntry | null;
  readonly copy: string | null;
}

/** Goes back to the state before transaction `to`. The caller holds the lock. */
export async function rollback(engine: Engine, to: number, options: RollbackOptions): Promise<HistoryRecord> {
  const plan = planRollback(engine, to, options.force);
  const t = await Transaction.begin(engine, {
    kind: "rollback",
    command: options.command,
    changes: plan.changes,
    undoes: plan.undoes.map((record) => record.id),
  });
  try {
    await new Rollback(engine, t, plan, options).run();
    return await t.commit();
  } catch (error) {
    await t.rollback();
    throw error;
  }
}

class Rollback {
  private readonly recorded = new Map<string, FileItem>();
  private readonly going: readonly InstalledPackage[];

  constructor(
    private readonly engine: Engine,
    private readonly t: Transaction,
    private readonly plan: RollbackPlan,
    private readonly options: RollbackOptions,
  ) {
    this.going = plan.changes
      .filter((change) => change.from !== null)
      .map((change) => new InstalledPackage(engine.dbdir, change.from!, options.destdir));
    for (const old of this.going) for (const item of filesOf(old.list)) this.recorded.set(item.target, item);
  }

  async run(): Promise<void> {
    await this.takeSnapshots();
    const wanted = this.wantedTrees();
    const copies = new Map<string, string>();
    for (const old of this.going) {
      const copy = await this.t.areas.stage(old.dir);
      fs.cpSync(old.dir, copy, { recursive: true, preserveTimestamps: true });
      copies.set(old.name, copy);
      await this.script(old.name, copy, old.list.prefix, "DEINSTALL");
    }
    for (const record of this.plan.undoes) {
      for (let i = record.batches.length - 1; i >= 0; i--) {
        const changes = this.t.changes();
        const ops = record.batches[i]!;
        for (let k = ops.length - 1; k >= 0; k--) await this.inverse(changes, ops[k]!);
        await this.t.batch(`undo transaction ${record.id}`, changes);
      }
    }
    for (const old of this.going) await this.script(old.name, copies.get(old.name)!, old.list.prefix, "POST-DEINSTALL");
    for (const change of this.plan.changes) {
      if (change.to === null) continue;
      const back = new InstalledPackage(this.engine.dbdir, change.to, this.options.destdir);
      await this.script(back.name, back.dir, back.list.prefix, "PRE-INSTALL");
      await this.script(back.name, back.dir, back.list.prefix, "POST-INSTALL");
    }
    for (const tree of this.t.scriptTrees) await this.restoreTree(tree, wanted.get(keyOf(tree.scope)) ?? new Map());
    await this.restoreTimes();
  }

  private async takeSnapshots(): Promise<void> {
    const trees = new Set(this.options.scriptTrees);
    // Scripts of what goes and comes back run here, too: the directories of all files concerned are looked after.
    const top = path.posix.join("/", this.options.destdir, this.engine.prefix);
    const shared = new Map<string, Set<string>>([[top, new Set([top])]]);
    for (const op of this.plan.undoes.flatMap((record) => record.batches.flat())) {
      const dir = path.dirname(op.path);
      if (dir.startsWith(`${top}/`) && !isInside(dir, [...trees, this.engine.dbdir])) shared.get(top)!.add(dir);
    }
    for (const { root, dirs } of this.plan.undoes.flatMap((record) => record.scripts)) {
      if (dirs === null) {
        trees.add(root);
        continue;
      }
      const known = shared.get(root) ?? new Set<string>();
      shared.set(root, known);
      for (const dir of dirs) known.add(path.join(root, dir));
    }
    for (const root of trees) await this.t.snapshot({ root, dirs: null, ignored: [] });
    const touched = this.plan.undoes.flatMap((record) => record.batches.flat().map((op) => op.path));
    const ownership = new Ownership(this.engine.dbdir, this.options.destdir);
    try {
      for (const [root, dirs] of shared) {
        await this.t.snapshot(sharedScope(root, dirs, (file) => ownership.ownerOf(file) !== null, touched));
      }
    } finally {
      ownership.close();
    }
  }

  private async script(name: string, dir: string, prefix: string, phase: ScriptPhase): Promise<void> {
    const file = path.join(dir, phase.endsWith("DEINSTALL") ? "+DEINSTALL" : "+INSTALL");
    if (this.options.noScripts || lstatOrNull(file) === null) return;
    const environment = { prefix, refcountDir: this.options.refcountDir, destdir: this.options.destdir };
    const result = await this.t.script(name, phase, () =>
      runScript(file, name, phase, dir, environment, this.options.scriptTimeoutMs),
    );
    if (result.output !== "") this.options.output(name, phase, result.output);
    if (result.status !== 0) {
      throw new TransactionError(
        "ESCRIPT",
        `the ${phase} script of ${name} ended with status ${result.status}`,
        lines(Buffer.from(result.output)).slice(-20),
      );
    }
  }

  /** Is the file other than the package that goes put it there? */
  private isChangedByHand(file: string): boolean {
    const item = this.recorded.get(file);
    const stat = lstatOrNull(file);
    return item !== undefined && stat !== null && isChanged(item, stat);
  }

  /** Keeps a copy of a changed file beside it. */
  private async setAside(changes: Changes, file: string): Promise<void> {
    const beside = `${file}.pkgsave`;
    const copy = await this.t.areas.stage(beside);
    copyEntry(file, copy, this.engine.sync);
    await changes.put(beside, copy);
    this.options.notice(`${file} was changed by hand; the changed file is now ${beside}`);
  }

  private async inverse(changes: Changes, op: Op): Promise<void> {
    switch (op.op) {
      case "create": {
        const stat = lstatOrNull(op.path);
        if (stat === null) break;
        if (stat.isDirectory()) {
          // An entry of the database, put in place as a whole.
          for (const name of fs.readdirSync(op.path)) await changes.remove(path.join(op.path, name));
          changes.removeDirectory(op.path);
        } else if (this.isChangedByHand(op.path)) this.options.notice(`${op.path} was changed by hand; it stays`);
        else await changes.remove(op.path);
        break;
      }
      case "replace":
      case "delete":
        if (this.isChangedByHand(op.path) || (op.op === "delete" && lstatOrNull(op.path)?.isFile() === true)) {
          await this.setAside(changes, op.path);
        }
        await changes.put(op.path, op.store);
        break;
      case "mkdir":
        changes.removeDirectory(op.path);
        break;
      case "rmdir":
        await changes.makeDirectory(op.path, op.mode, op.uid, op.gid);
        break;
      case "times":
      case "utimes":
        break;
    }
  }

  /** What the trees of scripts shall hold: as before the oldest transaction, but for what was changed by hand since the newest. */
  private wantedTrees(): Map<string, Map<string, Wanted>> {
    const out = new Map<string, Map<string, Wanted>>();
    const judged = new Set<string>();
    const byHand = new Set<string>();
    for (const record of this.plan.undoes) {
      for (const { root, dirs, before, changes } of record.scripts) {
        const snapshot = Snapshot.open(before);
        const tree = out.get(keyOf({ root, dirs })) ?? new Map<string, Wanted>();
        out.set(keyOf({ root, dirs }), tree);
        for (const change of changes) {
          const file = path.join(root, change.name);
          if (!judged.has(file)) {
            judged.add(file);
            const stat = lstatOrNull(file);
            const same =
              change.change === "removed"
                ? stat === null
                : stat !== null && (!stat.isFile() || digestFile(file) === change.after);
            if (!same) {
              byHand.add(file);
              this.options.notice(`${file} was changed by hand; it stays`);
            }
          }
          if (byHand.has(file)) continue;
          // Older records come later and win.
          tree.set(change.name, { entry: snapshot.entry(change.name), copy: snapshot.copyOf(change.name) });
        }
      }
    }
    return out;
  }

  /** Makes a tree as its snapshot from the beginning of this transaction, with the wanted names in place of those in it. */
  private async restoreTree(tree: Snapshot, wanted: ReadonlyMap<string, Wanted>): Promise<void> {
    const goal = new Map<string, Wanted>();
    for (const entry of tree.entries) goal.set(entry.name, { entry, copy: tree.copyOf(entry.name) });
    for (const [name, want] of wanted) goal.set(name, want);
    const now = new Map(tree.list().map((entry) => [entry.name, entry]));
    const gone = this.t.changes();
    for (const name of [...now.keys()].reverse()) {
      const want = goal.get(name)?.entry ?? null;
      const entry = now.get(name)!;
      // Files that this rollback put in place or took away are not the scripts' doing.
      if (want !== null && want.kind === entry.kind) continue;
      if (want === null && this.touchedByRollback(path.join(tree.root, name))) continue;
      const file = path.join(tree.root, name);
      if (entry.kind === "dir") gone.removeDirectory(file);
      else await gone.remove(file);
    }
    await this.t.batch(`tidy ${tree.root}`, gone);
    const back = this.t.changes();
    for (const [name, { entry, copy }] of goal) {
      if (entry === null) continue;
      const file = path.join(tree.root, name);
      const stat = lstatOrNull(file);
      if (entry.kind === "dir") {
        if (stat === null && !this.removedByRollback.has(file))
          await back.makeDirectory(file, entry.mode, entry.uid, entry.gid);
        continue;
      }
      if (!wanted.has(name) && this.touchedByRollback(file)) continue;
      if (stat !== null && isAs(file, stat, entry, copy)) continue;
      const staged = await this.t.areas.stage(file);
      if (entry.kind === "link") {
        fs.symlinkSync(entry.target, staged);
        setTimes(staged, entry.atimeMs, entry.mtimeMs);
      } else if (copy !== null) copyEntry(copy, staged, this.engine.sync);
      else continue;
      await back.put(file, staged);
    }
    await this.t.batch(`restore ${tree.root}`, back);
  }

  private get removedByRollback(): ReadonlySet<string> {
    return new Set(
      this.plan.undoes.flatMap((r) =>
        r.batches
          .flat()
          .filter((op) => op.op === "mkdir")
          .map((op) => op.path),
      ),
    );
  }

  private touched: Set<string> | null = null;

  private touchedByRollback(file: string): boolean {
    this.touched ??= new Set(
      this.plan.undoes.flatMap((r) =>
        r.batches
          .flat()
          .filter((op) => op.op === "create" || op.op === "replace" || op.op === "delete")
          .map((op) => op.path),
      ),
    );
    return this.touched.has(file);
  }

  /** Times of directories as they were before the oldest transaction. */
  private async restoreTimes(): Promise<void> {
    // Putting back what scripts of this very rollback changed is no change.
    const times = this.t.notedTimes();
    for (const record of this.plan.undoes) {
      const seen = new Set<string>();
      for (const op of record.batches.flat()) {
        // The first note in a transaction is from before its first change.
        if ((op.op !== "times" && op.op !== "utimes") || seen.has(op.path)) continue;
        seen.add(op.path);
        if (op.op === "times") times.set(op.path, op);
        else times.set(op.path, { atimeMs: op.oldAtimeMs, mtimeMs: op.oldMtimeMs });
      }
    }
    const changes = this.t.changes();
    for (const [dir, { atimeMs, mtimeMs }] of times) changes.setDirectoryTimes(dir, atimeMs, mtimeMs);
    await this.t.batch("times of directories", changes);
  }
}

/** Is the file as the entry says? */
function isAs(file: string, stat: fs.Stats, entry: TreeEntry, copy: string | null): boolean {
  if ((stat.mode & 0o7777) !== entry.mode || stat.uid !== entry.uid || stat.gid !== entry.gid) return false;
  if (entry.kind === "link") return stat.isSymbolicLink() && fs.readlinkSync(file) === entry.target;
  if (!stat.isFile() || stat.size !== entry.size || stat.mtimeMs !== entry.mtimeMs) return false;
  return copy === null || digestFile(file) === digestFile(copy);
}
