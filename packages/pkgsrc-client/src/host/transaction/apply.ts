/**
 * Puts staged packages in place and takes old ones away, in the order of pkg_add(1) and pkg_delete(1).
 *
 *     old: DEINSTALL · @unexec · files and directories · POST-DEINSTALL · its database entry
 *     new: its database entry · PRE-INSTALL · files, @exec in their places · POST-INSTALL
 *     then: +REQUIRED_BY of others · pkgdb.byfile.db
 *
 * A file that old and new share is replaced in one rename; one that was changed since its installation is kept (see {@link ChangedFiles}).
 * Key types: {@link Step}, {@link Applier}. Neighbours: `stage.ts`, `changes.ts`, `transaction.ts`. Invariant: no step looks at what an
 * earlier one meant to do, only at what is on disk.
 */
import fs from "node:fs";
import path from "node:path";
import { TransactionError } from "./errors";
import { InstalledPackage, lines } from "./installed";
import { lstatOrNull } from "./ops";
import { filesOf, type FileItem } from "./packing-list";
import type { Requirements } from "./required-by";
import { runCommand, runScript, type ScriptEnvironment, type ScriptPhase } from "./scripts";
import { stageEntry, writeStaged, type StagedPackage } from "./stage";
import type { Transaction } from "./transaction";
import { copyEntry, digestFile } from "./tree";

/** One package that changes. */
export interface Step {
  /** What goes, null for a new package. */
  readonly old: InstalledPackage | null;
  /** What comes, null for a removal. */
  readonly staged: StagedPackage | null;
  /** Installed for another's sake. */
  readonly automatic: boolean;
}

/** What happened to files that were changed since their installation. */
export interface ChangedFiles {
  /** Stays where it is, although its package goes or brings another; then the new one is at `saved`. */
  readonly kept: string;
  /** The other version: `.pkgnew` (the package's) or `.pkgsave` (the changed one), "" for none. */
  readonly saved: string;
}

export interface ApplyOptions {
  readonly dbdir: string;
  readonly destdir: string;
  readonly refcountDir: string;
  /** Below it changed files stay in place and new ones go beside them. */
  readonly sysconfdir: string;
  readonly scriptTimeoutMs: number;
  /** `--no-scripts`: neither scripts nor commands run. */
  readonly noScripts: boolean;
  readonly sync: boolean;
  notice(message: string): void;
  /** Output of a script. */
  output(packageName: string, phase: string, text: string): void;
  step(step: Step, index: number, count: number): void;
}

const isBelow = (file: string, dir: string): boolean => file.startsWith(dir.endsWith("/") ? dir : `${dir}/`);

export class Applier {
  readonly changed: ChangedFiles[] = [];
  private readonly t: Transaction;
  private readonly options: ApplyOptions;
  private readonly steps: readonly Step[];
  /** Every file that is there afterwards because of this transaction. */
  private readonly finalFiles = new Set<string>();
  /** Files of everything that goes. */
  private readonly oldFiles = new Map<string, FileItem>();
  /** Directories that are needed afterwards. */
  private readonly neededDirs = new Set<string>();

  /** @param keptDirs `@pkgdir` directories of packages that stay */
  constructor(t: Transaction, steps: readonly Step[], keptDirs: Iterable<string>, options: ApplyOptions) {
    this.t = t;
    this.steps = steps;
    this.options = options;
    for (const dir of keptDirs) this.need(dir);
    for (const { old, staged } of steps) {
      if (old !== null) for (const item of filesOf(old.list)) this.oldFiles.set(item.target, item);
      if (staged === null) continue;
      this.need(path.posix.join("/", options.destdir, staged.list.prefix));
      for (const item of staged.list.items) {
        if (item.kind === "file") {
          if (staged.staged.has(item.target)) this.finalFiles.add(item.target);
          this.need(path.dirname(item.target));
        } else if (item.kind === "pkgdir") this.need(item.target);
      }
    }
  }

  private need(dir: string): void {
    for (let at = dir; !this.neededDirs.has(at); at = path.dirname(at)) {
      this.neededDirs.add(at);
      if (at === path.dirname(at)) break;
    }
  }

  /** Carries out all steps. @throws TransactionError ESCRIPT, EFILECONFLICT; the file system's errors. Then a rollback is due. */
  async run(requirements: Requirements): Promise<void> {
    for (const [i, step] of this.steps.entries()) {
      this.options.step(step, i, this.steps.length);
      const inherited = step.old === null ? new Map<string, Uint8Array>() : this.inherit(step.old);
      if (step.old !== null) await this.removeOld(step.old, step.staged);
      if (step.staged !== null) await this.installNew(step, step.staged, inherited, requirements);
    }
    await this.updateRequiredBy(requirements);
  }

  /** What a replacement takes over (pkg_install add/perform.c start_replacing). */
  private inherit(old: InstalledPackage): Map<string, Uint8Array> {
    const out = new Map<string, Uint8Array>();
    for (const name of ["+PRESERVE", "+INSTALLED_INFO"]) {
      const data = old.read(name);
      if (data !== null) out.set(name, data);
    }
    return out;
  }

  private environment(prefix: string): ScriptEnvironment {
    return { prefix, refcountDir: this.options.refcountDir, destdir: this.options.destdir };
  }

  private async script(name: string, entryDir: string, prefix: string, phase: ScriptPhase): Promise<void> {
    const file = path.join(entryDir, phase.endsWith("DEINSTALL") ? "+DEINSTALL" : "+INSTALL");
    if (this.options.noScripts || lstatOrNull(file) === null) return;
    const result = await this.t.script(name, phase, () =>
      runScript(file, name, phase, entryDir, this.environment(prefix), this.options.scriptTimeoutMs),
    );
    if (result.output !== "") this.options.output(name, phase, result.output);
    if (result.status === 0) return;
    const reason = result.status === 124 ? "ran out of time" : `ended with status ${result.status}`;
    throw new TransactionError(
      "ESCRIPT",
      `the ${phase} script of ${name} ${reason}`,
      lines(Buffer.from(result.output)).slice(-20),
    );
  }

  private async command(
    name: string,
    entryDir: string,
    prefix: string,
    item: { kind: string; command: string },
  ): Promise<void> {
    if (this.options.noScripts) return;
    const { command } = item;
    const result = await this.t.script(name, `@${item.kind}`, () =>
      runCommand(command, entryDir, this.environment(prefix), this.options.scriptTimeoutMs),
    );
    if (result.output !== "") this.options.output(name, `@${item.kind}`, result.output);
    // pkg_add and pkg_delete only warn.
    if (result.status !== 0)
      this.options.notice(`${name}: @${item.kind} ${command} ended with status ${result.status}`);
  }

  private async removeOld(old: InstalledPackage, staged: StagedPackage | null): Promise<void> {
    const { list } = old;
    await this.script(old.name, old.dir, list.prefix, "DEINSTALL");
    let changes = this.t.changes();
    const dirs = new Set<string>();
    for (const item of list.items) {
      if (item.kind === "unexec") {
        await this.t.batch(`remove files of ${old.name}`, changes);
        changes = this.t.changes();
        await this.command(old.name, old.dir, list.prefix, item);
      } else if (item.kind === "file") {
        // Replaced later, in one step.
        if (this.finalFiles.has(item.target)) continue;
        const stat = lstatOrNull(item.target);
        if (stat === null || stat.isDirectory()) continue;
        if (isChanged(item, stat)) {
          this.changed.push({ kept: item.target, saved: "" });
          this.options.notice(`${item.target} was changed since ${old.name} was installed; it stays`);
          continue;
        }
        await changes.remove(item.target);
        this.parents(item.target, list.prefix, dirs);
      } else if (item.kind === "pkgdir" || item.kind === "dirrm") {
        dirs.add(item.target);
        this.parents(item.target, list.prefix, dirs);
      }
    }
    // The deepest first: each may be empty only without the one below it.
    const order = [...dirs].sort((a, b) => b.split("/").length - a.split("/").length || (a < b ? 1 : -1));
    for (const dir of order) if (!this.neededDirs.has(dir)) changes.removeDirectory(dir);
    await this.t.batch(`remove files of ${old.name}`, changes);
    await this.script(old.name, old.dir, list.prefix, "POST-DEINSTALL");
    const entry = this.t.changes();
    for (const file of old.entries()) await entry.remove(old.file(file));
    if (!entry.removeDirectory(old.dir)) {
      throw new TransactionError("EFILECONFLICT", `${old.dir} holds directories that no package tool made`);
    }
    await this.t.batch(`remove the entry of ${old.name}${staged === null ? "" : ` for ${staged.name}`}`, entry);
  }

  /** The directories above a file that are below the prefix. */
  private parents(file: string, prefix: string, out: Set<string>): void {
    const top = path.posix.join("/", this.options.destdir, prefix);
    for (let dir = path.dirname(file); isBelow(dir, top) && !out.has(dir); dir = path.dirname(dir)) out.add(dir);
  }

  private async installNew(
    step: Step,
    staged: StagedPackage,
    inherited: ReadonlyMap<string, Uint8Array>,
    requirements: Requirements,
  ): Promise<void> {
    const { name, list } = staged;
    const entryDir = path.join(this.options.dbdir, name);
    const waiting = await stageEntry(
      this.t,
      staged,
      entryDir,
      { automatic: step.automatic, requiredBy: requirements.lines.get(name) ?? [], inherited },
      this.options.sync,
    );
    const entry = this.t.changes();
    await entry.put(entryDir, waiting);
    await entry.makeDirectory(path.posix.join("/", this.options.destdir, list.prefix));
    await this.t.batch(`entry of ${name}`, entry);
    await this.script(name, entryDir, list.prefix, "PRE-INSTALL");
    let changes = this.t.changes();
    for (const item of list.items) {
      if (item.kind === "exec") {
        await this.t.batch(`files of ${name}`, changes);
        changes = this.t.changes();
        await this.command(name, entryDir, list.prefix, item);
      } else if (item.kind === "pkgdir") {
        await changes.makeDirectory(item.target);
      } else if (item.kind === "file") {
        const from = staged.staged.get(item.target);
        if (from === undefined) await changes.makeDirectory(item.target);
        else await this.putFile(changes, item, from, this.oldFiles.get(item.target) ?? null, name);
      }
    }
    await this.t.batch(`files of ${name}`, changes);
    await this.script(name, entryDir, list.prefix, "POST-INSTALL");
  }

  /** Puts one file in place, beside or in place of what is there. */
  private async putFile(
    changes: ReturnType<Transaction["changes"]>,
    item: FileItem,
    from: string,
    old: FileItem | null,
    name: string,
  ): Promise<void> {
    const stat = lstatOrNull(item.target);
    const changed = stat !== null && old !== null && isChanged(old, stat) && isChanged(item, stat);
    if (!changed) {
      await changes.put(item.target, from);
      return;
    }
    if (isBelow(item.target, this.options.sysconfdir)) {
      if (item.md5 !== "" && item.md5 === old.md5) {
        this.changed.push({ kept: item.target, saved: "" });
        this.options.notice(`${item.target} was changed since its installation; it stays`);
        return;
      }
      const beside = `${item.target}.pkgnew`;
      await changes.put(beside, from);
      this.changed.push({ kept: item.target, saved: beside });
      this.options.notice(
        `${item.target} was changed since its installation; it stays, and that of ${name} is ${beside}`,
      );
      return;
    }
    const beside = `${item.target}.pkgsave`;
    const copy = await this.t.areas.stage(beside);
    copyEntry(item.target, copy, this.options.sync);
    await changes.put(beside, copy);
    await changes.put(item.target, from);
    this.changed.push({ kept: beside, saved: beside });
    this.options.notice(`${item.target} was changed since its installation; the changed file is now ${beside}`);
  }

  private async updateRequiredBy(requirements: Requirements): Promise<void> {
    const changes = this.t.changes();
    const coming = new Set(this.steps.map((step) => step.staged?.name ?? ""));
    for (const [name, list] of requirements.lines) {
      if (coming.has(name)) continue;
      const file = path.join(this.options.dbdir, name, "+REQUIRED_BY");
      if (list.length === 0) await changes.remove(file);
      else await this.putText(changes, file, list.join("\n") + "\n");
    }
    await this.t.batch("+REQUIRED_BY", changes);
  }

  private async putText(changes: ReturnType<Transaction["changes"]>, target: string, text: string): Promise<void> {
    const file = await this.t.areas.stage(target);
    writeStaged(file, text, this.options.sync);
    await changes.put(target, file);
  }
}

/** Does the file on disk differ from what the packing list records? Files without a record count as unchanged. */
export function isChanged(item: FileItem, stat: fs.Stats): boolean {
  if (stat.isDirectory()) return true;
  if (item.link !== null) return !stat.isSymbolicLink() || fs.readlinkSync(item.target) !== item.link;
  if (item.md5 === "") return false;
  return !stat.isFile() || digestFile(item.target, "md5") !== item.md5;
}
