/**
 * From package files and names to a changed system: opens, checks, unpacks, applies, commits; on any error everything is as before.
 *
 * Key function: {@link perform}. Neighbours: `preflight.ts`, `stage.ts`, `apply.ts`, `transaction.ts`. Invariant: the caller holds the lock
 * and has recovered what was left.
 */
import path from "node:path";
import { changedFileIndex, FILE_INDEX_NAME, type IndexedPackage } from "../pkgdb/file-index";
import { openPackage, type PackageReader } from "../archive/package";
import { Applier, type ApplyOptions, type ChangedFiles, type Step } from "./apply";
import { TransactionError } from "./errors";
import type { HistoryRecord } from "./history";
import { commandArguments, InstalledPackage, installedNames, Ownership } from "./installed";
import type { PackageChange } from "./journal";
import { markPackages } from "./marks";
import { readPackingList, type PackingList } from "./packing-list";
import { freeBytes, preflight, type Incoming } from "./preflight";
import { requirementsAfter } from "./required-by";
import { sharedScope } from "./snapshot";
import { stagePackage, writeStaged, type StagedPackage } from "./stage";
import { Transaction, type BeginOptions, type Engine } from "./transaction";

/** One package that changes, with the file that it comes from. */
export interface PackageAction extends PackageChange {
  /** Path of the binary package for `to`, "" for a removal. */
  readonly archive: string;
  /** Installed for another's sake. */
  readonly automatic: boolean;
}

export interface PerformOptions extends Omit<ApplyOptions, "step"> {
  readonly kind: BeginOptions["kind"];
  readonly command: string;
  /** In the order in which they are to be done. */
  readonly actions: readonly PackageAction[];
  /** In place of the packages' own prefix; "" keeps it. */
  readonly prefix: string;
  /** Trees that scripts may change; copied only when a package has scripts. */
  readonly scriptTrees: readonly string[];
  readonly overwrite: boolean;
  readonly ignoreLibraries: boolean;
  /** Flags of installed packages that only change their mark: true for automatic. */
  readonly marks?: ReadonlyMap<string, boolean>;
  /** Opens the package of an action; it was verified before. */
  readonly open?: (archive: string) => Promise<PackageReader>;
  /** Says why a package does not fit this system, "" when it does. */
  readonly platformProblem?: (reader: PackageReader) => string;
  readonly freeBytes?: (dir: string) => number;
  readonly signal?: AbortSignal;
  /** Bytes unpacked so far, of all packages together. */
  staged?(name: string, bytes: number, total: number): void;
  step?(action: PackageAction, index: number, count: number): void;
}

export interface Performed {
  readonly record: HistoryRecord;
  readonly changedFiles: readonly ChangedFiles[];
  /** +DISPLAY of the packages that came, by name. */
  readonly messages: readonly { readonly name: string; readonly text: string }[];
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new TransactionError("ECANCELLED", "stopped; nothing was changed");
}

/** Carries out the actions as one transaction. @throws PackageError of every kind; afterwards the system is as before */
export async function perform(engine: Engine, options: PerformOptions): Promise<Performed> {
  const installed = installedNames(options.dbdir);
  const going = options.actions
    .filter((action) => action.from !== null)
    .map((action) => new InstalledPackage(options.dbdir, action.from!, options.destdir));
  for (const old of going)
    if (!installed.includes(old.name)) throw new TransactionError("ESTALEPLAN", `${old.name} is not installed`);
  const incoming = await readIncoming(options);
  for (const { list } of incoming) {
    if (installed.includes(list.name) && !going.some((old) => old.name === list.name)) {
      throw new TransactionError("ESTALEPLAN", `${list.name} is installed already`);
    }
  }
  const requirements = requirementsAfter(
    options.dbdir,
    installed,
    new Set(going.map((old) => old.name)),
    incoming.map((p) => p.list),
    options.destdir,
  );
  const goingNames = new Set(going.map((old) => old.name));
  const ownership = new Ownership(options.dbdir, options.destdir);
  try {
    preflight({
      dbdir: options.dbdir,
      destdir: options.destdir,
      installed,
      going,
      coming: incoming,
      overwrite: options.overwrite,
      ignoreLibraries: options.ignoreLibraries,
      freeBytes: options.freeBytes ?? freeBytes,
      ownerOf: (file) => {
        const owner = ownership.ownerOf(file);
        return owner !== null && goingNames.has(owner) ? null : owner;
      },
      notice: (message) => options.notice(message),
    });
  } finally {
    ownership.close();
  }
  stopIfAborted(options.signal);

  const t = await Transaction.begin(engine, {
    kind: options.kind,
    command: options.command,
    changes: [
      ...options.actions.map(({ action, from, to }) => ({ action, from, to })),
      ...[...(options.marks?.keys() ?? [])].map((name) => ({ action: "mark" as const, from: name, to: name })),
    ],
  });
  try {
    const steps = await stageAll(t, options, going, incoming);
    stopIfAborted(options.signal);
    if (!options.noScripts) await takeSnapshots(t, options, steps);
    const applier = new Applier(t, steps, keptDirectories(options, installed, goingNames), {
      ...options,
      step: (step, index, count) => {
        stopIfAborted(options.signal);
        options.step?.(options.actions[steps.indexOf(step)]!, index, count);
      },
    });
    await applier.run(requirements);
    await updateFileIndex(t, options, going, incoming);
    await markPackages(t, engine, options.marks ?? new Map(), options.destdir);
    stopIfAborted(options.signal);
    const record = await t.commit();
    return { record, changedFiles: applier.changed, messages: messagesOf(steps) };
  } catch (error) {
    await t.rollback();
    throw error;
  }
}

/** Metadata of everything that comes; the archives are closed again. */
async function readIncoming(options: PerformOptions): Promise<Incoming[]> {
  const out: Incoming[] = [];
  for (const action of options.actions) {
    if (action.to === null) continue;
    stopIfAborted(options.signal);
    const reader = await (options.open ?? openPackage)(action.archive);
    try {
      const list = readPackingList(reader.metadata.get("+CONTENTS")!, options.prefix, options.destdir, reader.path);
      if (list.name !== action.to) {
        throw new TransactionError("EBADPACKAGE", `${reader.path} is ${list.name}, not ${action.to}`);
      }
      if (reader.metadata.has("+VIEWS")) {
        throw new TransactionError("EUNSUPPORTED", `${list.name} is made for package views, which are not supported`);
      }
      const problem = options.platformProblem?.(reader) ?? "";
      if (problem !== "") throw new TransactionError("EPLATFORM", `${list.name} ${problem}`);
      const size = Number(
        Buffer.from(reader.metadata.get("+SIZE_PKG") ?? "0")
          .toString("latin1")
          .trim(),
      );
      out.push({ list, metadata: reader.metadata, size: Number.isSafeInteger(size) && size >= 0 ? size : 0 });
    } finally {
      await reader.close();
    }
  }
  return out;
}

async function stageAll(
  t: Transaction,
  options: PerformOptions,
  going: readonly InstalledPackage[],
  incoming: readonly Incoming[],
): Promise<Step[]> {
  const total = incoming.reduce((sum, p) => sum + p.size, 0);
  let done = 0;
  const steps: Step[] = [];
  for (const action of options.actions) {
    const old = going.find((p) => p.name === action.from) ?? null;
    let staged: StagedPackage | null = null;
    if (action.to !== null) {
      stopIfAborted(options.signal);
      const reader = await (options.open ?? openPackage)(action.archive);
      staged = await stagePackage(t, reader, {
        prefix: options.prefix,
        destdir: options.destdir,
        sync: options.sync,
        progress: (bytes) => options.staged?.(action.to!, done + bytes, total),
      });
      if (staged.name !== action.to) {
        throw new TransactionError("EBADPACKAGE", `${action.archive} changed while it was read`);
      }
      done += staged.size;
    }
    steps.push({ old, staged, automatic: action.automatic });
  }
  return steps;
}

function hasScripts(step: Step): boolean {
  const commands = (list: PackingList | undefined, kind: string): boolean =>
    list?.items.some((i) => i.kind === kind) ?? false;
  return (
    step.old?.has("+DEINSTALL") === true ||
    step.staged?.metadata.has("+INSTALL") === true ||
    commands(step.old?.list, "unexec") ||
    commands(step.staged?.list, "exec")
  );
}

/** Copies what the scripts of these steps may change: the trees, and what is nobody's in the directories of packages with scripts. */
async function takeSnapshots(t: Transaction, options: PerformOptions, steps: readonly Step[]): Promise<void> {
  const scripted = steps.filter(hasScripts);
  if (scripted.length === 0) return;
  for (const root of options.scriptTrees) await t.snapshot({ root, dirs: null, ignored: [] });
  const dirs = new Map<string, Set<string>>();
  for (const { old, staged } of scripted) {
    for (const list of [old?.list, staged?.list]) {
      if (list === undefined) continue;
      const root = path.posix.join("/", options.destdir, list.prefix);
      const shared = dirs.get(root) ?? new Set<string>([root]);
      dirs.set(root, shared);
      for (const item of list.items) {
        const dir = item.kind === "file" ? path.dirname(item.target) : "target" in item ? item.target : root;
        if (!options.scriptTrees.some((tree) => dir === tree || dir.startsWith(`${tree}/`))) shared.add(dir);
      }
    }
  }
  const coming = steps.flatMap(({ staged }) => [...(staged?.staged.keys() ?? [])]);
  const ownership = new Ownership(options.dbdir, options.destdir);
  try {
    for (const [root, shared] of dirs) {
      await t.snapshot(sharedScope(root, shared, (file) => ownership.ownerOf(file) !== null, coming));
    }
  } finally {
    ownership.close();
  }
}

/** `@pkgdir` directories of packages that stay: only looked for when packages go. */
function keptDirectories(options: PerformOptions, installed: readonly string[], going: ReadonlySet<string>): string[] {
  if (going.size === 0) return [];
  const out: string[] = [];
  for (const name of installed) {
    if (going.has(name)) continue;
    const one = new InstalledPackage(options.dbdir, name, options.destdir);
    if (commandArguments(one.read("+CONTENTS") ?? new Uint8Array(0), "pkgdir").length === 0) continue;
    for (const item of one.list.items) if (item.kind === "pkgdir") out.push(item.target);
  }
  return out;
}

/** What a package has in pkgdb.byfile.db, which knows no destination directory. */
function indexed(list: PackingList): IndexedPackage {
  const files: string[] = [];
  const directories: string[] = [];
  for (const item of list.items) {
    if (item.kind === "file") files.push(path.posix.join(list.prefix, item.name));
    else if (item.kind === "pkgdir") directories.push(path.posix.join(list.prefix, item.name));
  }
  return { name: list.name, files, directories };
}

async function updateFileIndex(
  t: Transaction,
  options: PerformOptions,
  going: readonly InstalledPackage[],
  incoming: readonly Incoming[],
): Promise<void> {
  const file = path.join(options.dbdir, FILE_INDEX_NAME);
  const content = changedFileIndex(
    options.dbdir,
    going.map((old) => indexed(old.list)),
    incoming.map((p) => indexed(p.list)),
  );
  const staged = await t.areas.stage(file);
  writeStaged(staged, content, options.sync);
  const changes = t.changes();
  await changes.put(file, staged);
  await t.batch(FILE_INDEX_NAME, changes);
}

function messagesOf(steps: readonly Step[]): Performed["messages"] {
  return steps.flatMap(({ staged }) => {
    const display = staged?.metadata.get("+DISPLAY");
    return display === undefined ? [] : [{ name: staged!.name, text: Buffer.from(display).toString("utf8") }];
  });
}
