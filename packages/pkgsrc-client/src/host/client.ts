/**
 * The library: everything that the command line can do, as methods.
 *
 *     const client = new PkgsrcClient({ prefix: "/home/me/pkg", repos: ["https://example.org/All"] });
 *     await client.update();
 *     const plan = await client.plan({ install: ["curl"] });
 *     await client.apply(plan);
 *
 * Key type: {@link PkgsrcClient}. Neighbours: `client/` (its parts), `transaction/` (changes), `repo/` (summaries and downloads), `cli/` (its user).
 * Invariant: only methods that say so take the lock and change the system; one that throws has left it as it was, unless the error's code is EROLLBACK or EJOURNAL.
 */
import { EventEmitter } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { Universe } from "../universe";
import { Planner } from "../plan/planner";
import { Relations } from "../plan/relations";
import { decompressBuffer } from "./archive/compression";
import { readVariables } from "./archive/metadata";
import { openPackage, type PackageReader } from "./archive/package";
import { Catalog, type PackageInfo, type PackageSummary, type SearchResult } from "./client/catalog";
import {
  platformProblem,
  repositoryOf,
  resolveConfig,
  type ClientOptions,
  type Config,
  type RepositoryConfig,
} from "./client/config";
import type { ClientEvents } from "./client/events";
import { addLocalPackage, isPackageFile } from "./client/local";
import { changeOf, describePlan, type ChangePlan, type PlanFailure, type PlanStep } from "./client/plan";
import { Repositories } from "./client/repositories";
import { coreRequest, patternsOf, type ChangeRequest } from "./client/request";
import { verifyInstalled, type Verification } from "./client/verify";
import { PackageError } from "./errors";
import type { DependencyGraph } from "./graph";
import { loadInstalled } from "./pkgdb/installed";
import { FileIndex } from "./pkgdb/file-index";
import { TransactionError } from "./transaction/errors";
import { pruneHistory, readHistory, storeSize, type HistoryPolicy, type HistoryRecord } from "./transaction/history";
import { InstalledPackage, installedNames } from "./transaction/installed";
import { NO_HOOK, type BeginRecord, type CrashHook } from "./transaction/journal";
import { Lock } from "./transaction/lock";
import { isAutomatic, setMarks } from "./transaction/marks";
import { perform, type PackageAction } from "./transaction/perform";
import { filesOf } from "./transaction/packing-list";
import { recover, type Recovered } from "./transaction/recover";
import { NameIndex } from "./transaction/required-by";
import { planRollback, rollback, type RollbackPlan } from "./transaction/rollback";
import { StateDir } from "./transaction/state";
import { auditPackages, readVulnerabilities } from "./universe/audit";
import type { SearchOptions } from "./universe/search";
import { packageField } from "./universe/view";
import type { Engine } from "./transaction/transaction";

/** Why a plan cannot be made; `code` is that of {@link PlanFailure}. */
export class PlanError extends PackageError {
  /** The chain of requirements, or the words that match nothing. */
  readonly details: readonly string[];

  constructor(failure: PlanFailure) {
    super(failure.code, failure.message);
    this.details = failure.details;
  }
}

export interface ApplyOptions {
  /** What the history calls it; default `apply`. */
  readonly command?: string;
  readonly kind?: BeginRecord["kind"];
  /** Files of nobody that are in the way are replaced (and kept in the history). */
  readonly overwrite?: boolean;
  readonly noScripts?: boolean;
  /** Do not look for missing shared libraries. */
  readonly ignoreLibraries?: boolean;
  /** Asks about packages without a good signature; without it the answer is no. */
  readonly ask?: (question: string) => Promise<boolean>;
  /** Only fetch and verify. */
  readonly downloadOnly?: boolean;
  readonly signal?: AbortSignal;
}

export interface ApplyResult {
  /** Number of the transaction in the history, 0 when nothing was changed. */
  readonly transaction: number;
  readonly steps: readonly PlanStep[];
  /** Files that were changed since their installation: what stays, and the other version beside it ("" for none). */
  readonly changedFiles: readonly { readonly kept: string; readonly saved: string }[];
}

/** A package and what it needs or who needs it. */
export interface DependencyNode {
  readonly name: string;
  readonly installed: boolean;
  /** The pattern that led here, "" for the first. */
  readonly pattern: string;
  readonly children: readonly DependencyNode[];
  /** Shown elsewhere in the tree already. */
  readonly repeated: boolean;
}

export interface AuditResult {
  /** How many packages were looked at. */
  readonly packages: number;
  /** Who signed the list; none when it is not signed or when there are no keys. */
  readonly signers: readonly string[];
  readonly vulnerabilities: readonly {
    readonly package: string;
    /** `eol` is the end of maintenance. */
    readonly type: string;
    readonly url: string;
    readonly pattern: string;
  }[];
}

/** What the transactions of the history show. */
export interface HistoryEntry extends Pick<
  HistoryRecord,
  "id" | "kind" | "command" | "user" | "time" | "changes" | "undoes" | "undoneBy" | "kept"
> {
  /** Bytes of the old files that are kept. */
  readonly bytes: number;
}

export class PkgsrcClient extends EventEmitter<ClientEvents> {
  readonly config: Config;
  readonly state: StateDir;
  private readonly hook: CrashHook;
  private readonly repos: Repositories;
  private loaded: Promise<{ catalog: Catalog; preserved: number[] }> | null = null;

  /**
   * @param hook for tests: reached at every point at which a process can die
   * @throws PackageError EBADDATA for settings that make no sense
   */
  constructor(options: ClientOptions = {}, hook: CrashHook = NO_HOOK) {
    super();
    this.config = resolveConfig(options);
    this.state = new StateDir(this.config.statedir);
    this.hook = hook;
    this.repos = new Repositories(this.config, this.state, this);
  }

  private engine(): Engine {
    return {
      state: this.state,
      prefix: this.config.prefix,
      dbdir: this.config.dbdir,
      sync: this.config.sync,
      hook: this.hook,
      notice: (message) => this.emit("notice", message),
    };
  }

  /** Runs `work` as the only client, after whatever was interrupted has been ended. @throws TransactionError ELOCKED, EACCES */
  private async alone<T>(command: string, work: (engine: Engine) => Promise<T>): Promise<T> {
    try {
      this.state.create();
    } catch (error) {
      throw new TransactionError(
        "EACCES",
        `cannot make ${this.state.root}: ${error instanceof Error ? error.message : String(error)}`,
        [],
        error,
      );
    }
    const lock = Lock.acquire(this.state.lockFile, command);
    try {
      const engine = this.engine();
      for (const event of await recover(engine)) this.emit("recovered", event);
      return await work(engine);
    } finally {
      lock.release();
      this.loaded = null;
    }
  }

  /** Ends what an interrupted client left. Takes the lock. @throws TransactionError EROLLBACK, EJOURNAL, ELOCKED */
  async recover(): Promise<Recovered[]> {
    const out: Recovered[] = [];
    const keep = (event: Recovered): number => out.push(event);
    this.on("recovered", keep);
    try {
      await this.alone("recover", () => Promise.resolve());
    } finally {
      this.off("recovered", keep);
    }
    return out;
  }

  /** Numbers of transactions that were interrupted; the next change or `recover` ends them. */
  get interrupted(): number[] {
    return this.state.unfinished();
  }

  // Repositories

  /** Those that hold, best first. */
  repositories(): RepositoryConfig[] {
    return this.repos.list();
  }

  /** Remembers a repository. Takes the lock. @throws PackageError EEXIST, EBADDATA */
  async addRepository(url: string, priority = 0): Promise<RepositoryConfig> {
    const repository = repositoryOf({ url, priority });
    await this.alone(`repo add ${url}`, () => Promise.resolve(this.repos.add(repository)));
    return repository;
  }

  /** Forgets a repository. Takes the lock. @throws PackageError ENOTFOUND */
  async removeRepository(url: string): Promise<void> {
    await this.alone(`repo remove ${url}`, () => Promise.resolve(this.repos.remove(repositoryOf(url).url)));
  }

  /**
   * Fetches the summaries that changed; with `force` all. With `tolerant` a repository that cannot be reached is only a warning if it has an older summary.
   * @throws PackageError EFETCH when a repository cannot be reached
   */
  async update(options: { force?: boolean; tolerant?: boolean; signal?: AbortSignal } = {}): Promise<void> {
    if (this.repositories().length > 0) this.state.create();
    await this.repos.update(options.force ?? false, options.tolerant ?? false, options.signal);
    this.loaded = null;
  }

  // Questions

  /** All packages that are known, from the summaries that were fetched last. */
  async catalog(): Promise<Catalog> {
    return (await this.load()).catalog;
  }

  private load(): Promise<{ catalog: Catalog; preserved: number[] }> {
    this.loaded ??= this.read();
    return this.loaded;
  }

  private async read(): Promise<{ catalog: Catalog; preserved: number[] }> {
    const { loaded, repositories } = await this.repos.load();
    const { universe } = loaded;
    const { handles, entries, broken } = loadInstalled(this.config.dbdir, universe);
    for (const { name, error } of broken) this.emit("warning", `${name}: ${error.message}`);
    const preserved = entries.filter((entry) => entry.preserve).map((entry) => handles.get(entry.name)!);
    return { catalog: new Catalog(universe, repositories), preserved };
  }

  /** The installed packages alone, without the repositories. */
  installedCatalog(): Catalog {
    const universe = new Universe();
    loadInstalled(this.config.dbdir, universe);
    return new Catalog(universe, []);
  }

  /** The best package of each name that answers the question. @throws PackageError EINVAL for a regular expression that is none */
  async search(question: string, options: SearchOptions = {}): Promise<SearchResult[]> {
    return (await this.catalog()).search(question, options);
  }

  /** The best package that matches, of the repositories, or else the installed one. Null for none. */
  async info(pattern: string, installed = false): Promise<PackageInfo | null> {
    const catalog = await this.catalog();
    const found = patternsOf(catalog, pattern).flatMap((one) => catalog.matching(one));
    const u = catalog.universe;
    const best = found.find((p) => u.isInstalled(p) === installed) ?? found[0];
    return best === undefined ? null : catalog.info(best);
  }

  /** The installed packages, by name. */
  list(): PackageSummary[] {
    const catalog = this.installedCatalog();
    return catalog
      .installed()
      .map((p) => catalog.summary(p))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Names of installed packages that match. @throws PackageError ENOTFOUND when none does; PatternError */
  installedMatching(patterns: readonly string[]): string[] {
    const index = new NameIndex(installedNames(this.config.dbdir));
    const out = new Set<string>();
    for (const pattern of patterns) {
      const found = index.all(pattern);
      if (found.length === 0) throw new PackageError("ENOTFOUND", `no installed package matches ${pattern}`);
      for (const name of found) out.add(name);
    }
    return [...out];
  }

  /** Files of an installed package, absolute. @throws PackageError ENOTFOUND */
  files(pattern: string): { name: string; files: string[] }[] {
    return this.installedMatching([pattern]).map((name) => {
      const one = new InstalledPackage(this.config.dbdir, name, this.config.destdir);
      return { name, files: filesOf(one.list).map((file) => file.target) };
    });
  }

  /** Installed packages that own a path: one for a file, several for a directory. */
  owner(file: string): string[] {
    const absolute = path.resolve(file);
    const { destdir, dbdir } = this.config;
    const inside = destdir !== "" && absolute.startsWith(`${destdir}/`) ? absolute.slice(destdir.length) : absolute;
    let index: FileIndex | null = null;
    try {
      index = FileIndex.open(dbdir);
      if (index !== null) return [...(index.ownersOf(inside)?.packages ?? [])];
    } catch (error) {
      this.emit("warning", error instanceof Error ? error.message : String(error));
    } finally {
      index?.close();
    }
    const listed = (name: string): boolean =>
      new InstalledPackage(dbdir, name, destdir).list.items.some(
        (item) => "target" in item && item.target === absolute,
      );
    return installedNames(dbdir).filter(listed);
  }

  /** Everything that the record of a package says, in its order. */
  async record(name: string, repository: string | null): Promise<Map<string, string[]>> {
    const catalog = await this.catalog();
    const handle = catalog.find(name, repository);
    if (handle < 0) throw new PackageError("ENOTFOUND", `there is no ${name}`);
    return catalog.record(handle);
  }

  /** Files of a package of the repositories, relative to its prefix; it is fetched for that. @throws PackageError ENOTFOUND, EFETCH, ... */
  async packageContent(pattern: string): Promise<{ name: string; files: string[] }> {
    const info = await this.info(pattern);
    if (info === null || info.repository === null)
      throw new PackageError("ENOTFOUND", `no repository has a package that matches ${pattern}`);
    const step: PlanStep = {
      action: "install",
      from: null,
      to: info.name,
      automatic: false,
      repository: info.repository,
      download: info.fileSize,
      growth: 0,
      needs: [],
      cycle: 0,
    };
    this.state.create();
    const paths = await this.repos.fetchAll([step], await this.catalog(), null);
    const reader = await openPackage(paths.get(info.name)!);
    try {
      return { name: info.name, files: reader.contents.files.map((file) => file.path) };
    } finally {
      await reader.close();
    }
  }

  /** The tree of what the best package that matches needs (or of who needs it, among installed packages). @throws PackageError ENOTFOUND */
  async dependencies(pattern: string, options: { full?: boolean; reverse?: boolean } = {}): Promise<DependencyNode> {
    const catalog = await this.catalog();
    const found = patternsOf(catalog, pattern).flatMap((one) => catalog.matching(one));
    const u = catalog.universe;
    const root = (options.reverse === true ? found.find((p) => u.isInstalled(p)) : undefined) ?? found[0];
    if (root === undefined) throw new PackageError("ENOTFOUND", `no package matches ${pattern}`);
    const relations = new Relations(u);
    const seen = new Set<number>();
    const node = (p: number, by: string, depth: number): DependencyNode => {
      const base = { name: catalog.nameOf(p), installed: u.isInstalled(p), pattern: by };
      const follow = depth === 0 || options.full === true;
      if (!follow || seen.has(p)) return { ...base, children: [], repeated: follow };
      seen.add(p);
      const children: DependencyNode[] = [];
      if (options.reverse === true) {
        const users = relations.dependents(p);
        for (let i = 0; i < users.length; i++) children.push(node(users.get(i), "", depth + 1));
      } else {
        for (let i = 0; i < u.dependCount(p); i++) {
          const q = relations.dependency(p, i);
          const text = catalog.patternText(u.dependAt(p, i));
          if (q >= 0) children.push(node(q, text, depth + 1));
          else children.push({ name: "", installed: false, pattern: text, children: [], repeated: false });
        }
      }
      return { ...base, children, repeated: false };
    };
    return node(root, "", 0);
  }

  /** Why installed packages are there: the shortest chain from a kept one. @throws PackageError ENOTFOUND */
  why(pattern: string): { name: string; kept: boolean; chain: string[] }[] {
    const catalog = this.installedCatalog();
    const relations = new Relations(catalog.universe);
    return this.installedMatching([pattern]).map((name) => {
      const p = catalog.find(name, null);
      const chain = relations.why(p);
      const names = Array.from({ length: chain.length }, (_, i) => catalog.nameOf(chain.get(i)));
      return { name, kept: !catalog.universe.isAutomatic(p), chain: names };
    });
  }

  /** A picture of what packages need; all kept ones without a pattern. @throws PackageError ENOTFOUND */
  async graph(
    patterns: readonly string[],
    options: { reverse?: boolean; depth?: number } = {},
  ): Promise<{ graph: DependencyGraph; svg: string }> {
    const catalog = patterns.length === 0 ? this.installedCatalog() : await this.catalog();
    const u = catalog.universe;
    const roots = new Set<number>();
    for (const pattern of patterns) {
      const found = patternsOf(catalog, pattern).flatMap((one) => catalog.matching(one));
      const best = found.find((p) => u.isInstalled(p)) ?? found[0];
      if (best === undefined) throw new PackageError("ENOTFOUND", `no package matches ${pattern}`);
      roots.add(best);
    }
    if (patterns.length === 0) for (const p of catalog.installed()) if (!u.isAutomatic(p)) roots.add(p);
    // Its layout library is loaded when somebody wants a picture.
    const { dependencyGraph, graphToSvg } = await import("./graph");
    const graph = dependencyGraph(u, [...roots], options);
    return { graph, svg: graphToSvg(graph) };
  }

  /** The best packages of a category, by name. */
  async ofCategory(category: string): Promise<PackageSummary[]> {
    const catalog = await this.catalog();
    return catalog
      .bestAvailable()
      .filter((p) => packageField(catalog.universe, p, "CATEGORIES").join(" ").split(/\s+/).includes(category))
      .map((p) => catalog.summary(p))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** All categories, sorted. */
  async categories(): Promise<string[]> {
    const catalog = await this.catalog();
    const out = new Set<string>();
    for (const p of catalog.bestAvailable()) {
      for (const one of packageField(catalog.universe, p, "CATEGORIES").join(" ").split(/\s+/))
        if (one !== "") out.add(one);
    }
    return [...out].sort();
  }

  /** Installed files against their packing lists. */
  verify(patterns: readonly string[] = [], progress?: (done: number, count: number) => void): Verification {
    const names = patterns.length === 0 ? [] : this.installedMatching(patterns);
    return verifyInstalled(this.config.dbdir, this.config.destdir, names, progress);
  }

  /**
   * Installed packages with known vulnerabilities.
   * @param options.file this list in place of the one that was fetched last; it is fetched when there is none
   * @throws PackageError EBADDATA, ECHECKSUM for a list that is damaged; EFETCH
   */
  async audit(
    patterns: readonly string[] = [],
    options: { fetch?: boolean; file?: string; eol?: boolean; type?: string } = {},
  ): Promise<AuditResult> {
    const names = patterns.length === 0 ? installedNames(this.config.dbdir) : this.installedMatching(patterns);
    const file = options.file ?? (await this.repos.vulnerabilities(options.fetch ?? false));
    const data = await decompressBuffer(fs.readFileSync(file), { name: file });
    const signers = await this.repos.trust.clearSigners(data);
    const list = readVulnerabilities(data, file);
    for (const warning of list.warnings) this.emit("warning", warning);
    const findings = auditPackages(list, names, {
      eol: options.eol ?? false,
      ...(options.type === undefined ? {} : { type: options.type }),
    });
    return {
      packages: names.length,
      signers,
      vulnerabilities: findings.map(({ name, type, url, pattern }) => ({ package: name, type, url, pattern })),
    };
  }

  // Changes

  /** What would be done. @throws PlanError ENOTFOUND, EPATTERN, EUNSOLVABLE, ETIMEOUT */
  async plan(wanted: ChangeRequest): Promise<ChangePlan> {
    const { catalog, preserved } = await this.load();
    const install: string[] = [];
    for (const word of wanted.install ?? [])
      install.push(isPackageFile(word) ? await addLocalPackage(catalog, word) : word);
    const request = coreRequest(catalog, { ...wanted, install }, preserved);
    const described = describePlan(catalog, new Planner(catalog.universe).plan(request));
    if ("code" in described) throw new PlanError(described);
    return described;
  }

  /**
   * Fetches, verifies, checks and carries out a plan. Takes the lock.
   * @throws PackageError of every kind; afterwards the system is as before
   */
  async apply(plan: ChangePlan, options: ApplyOptions = {}): Promise<ApplyResult> {
    return this.alone(options.command ?? "apply", async (engine) => {
      const archives = await this.repos.fetchAll(
        plan.steps,
        (await this.load()).catalog,
        options.ask ?? null,
        options.signal,
      );
      if (options.downloadOnly === true) return { transaction: 0, steps: plan.steps, changedFiles: [] };
      const marks = new Map<string, boolean>();
      for (const step of plan.steps) {
        if (step.action === "keep" || step.action === "unkeep") marks.set(step.to!, step.action === "unkeep");
      }
      const actions = plan.steps
        .filter((step) => step.action !== "keep" && step.action !== "unkeep")
        .map((step): PackageAction => ({
          ...changeOf(step),
          archive: step.to === null ? "" : archives.get(step.to)!,
          automatic: step.automatic,
        }));
      if (actions.length === 0) {
        if (marks.size === 0) return { transaction: 0, steps: [], changedFiles: [] };
        const record = await setMarks(engine, options.command ?? "apply", marks, this.config.destdir);
        return { transaction: record.id, steps: plan.steps, changedFiles: [] };
      }
      const packageSteps = plan.steps.filter((step) => step.action !== "keep" && step.action !== "unkeep");
      const done = await perform(engine, {
        ...this.common(),
        kind: options.kind ?? "change",
        command: options.command ?? "apply",
        actions,
        marks,
        overwrite: options.overwrite ?? false,
        noScripts: options.noScripts ?? false,
        ignoreLibraries: options.ignoreLibraries ?? false,
        platformProblem: (reader) => this.platformProblem(reader),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        staged: (name, bytes, total) => this.emit("stage", { name, bytes, total }),
        step: (action, index, count) =>
          this.emit("step", { step: packageSteps[index] ?? null, from: action.from, to: action.to, index, count }),
      });
      for (const { name, text } of done.messages) this.emit("message", { package: name, text });
      this.prune();
      return { transaction: done.record.id, steps: plan.steps, changedFiles: done.changedFiles };
    });
  }

  private prune(): void {
    try {
      pruneHistory(this.state, this.config.history, this.config.sync);
    } catch (error) {
      this.emit(
        "warning",
        `the history could not be pruned: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  private common(): Pick<
    Parameters<typeof perform>[1],
    | "dbdir"
    | "destdir"
    | "refcountDir"
    | "sysconfdir"
    | "scriptTimeoutMs"
    | "sync"
    | "prefix"
    | "scriptTrees"
    | "notice"
    | "output"
  > {
    const { config } = this;
    // A sysconfdir outside of the prefix is the system's: putting all of it back could undo others' work.
    const own = config.sysconfdir.startsWith(`${path.posix.join("/", config.destdir, config.prefix)}/`);
    const refcount = path.posix.join("/", config.destdir, config.refcountDir);
    return {
      dbdir: config.dbdir,
      destdir: config.destdir,
      refcountDir: config.refcountDir,
      sysconfdir: config.sysconfdir,
      scriptTimeoutMs: config.scriptTimeout,
      sync: config.sync,
      prefix: config.relocate,
      scriptTrees: own ? [config.sysconfdir, refcount] : [refcount],
      notice: (message) => this.emit("notice", message),
      output: (name, phase, text) => this.emit("script", { package: name, phase, text }),
    };
  }

  private platformProblem(reader: PackageReader): string {
    const info = readVariables(reader.metadata.get("+BUILD_INFO") ?? new Uint8Array(0));
    return platformProblem(this.config, info.get("OPSYS")?.[0] ?? "", info.get("MACHINE_ARCH")?.[0] ?? "");
  }

  /** Which of the installed packages `keep` would change. */
  marking(patterns: readonly string[], kept: boolean): string[] {
    return this.installedMatching(patterns).filter(
      (name) => isAutomatic(new InstalledPackage(this.config.dbdir, name)) === kept,
    );
  }

  /** Marks installed packages as kept (or as automatic). Takes the lock. Returns the names that changed. */
  async keep(patterns: readonly string[], kept = true): Promise<string[]> {
    const changing = this.marking(patterns, kept);
    if (changing.length === 0) return [];
    const marks = new Map(changing.map((name) => [name, !kept]));
    const command = `${kept ? "keep" : "unkeep"} ${patterns.join(" ")}`;
    await this.alone(command, (engine) => setMarks(engine, command, marks, this.config.destdir));
    return changing;
  }

  /** PKGPATHs (or bases, where unknown) of the kept packages: what `import` takes (as pkgin export). */
  exportKept(): string[] {
    const catalog = this.installedCatalog();
    const u = catalog.universe;
    const out = new Set<string>();
    for (const p of catalog.installed()) {
      if (u.isAutomatic(p)) continue;
      out.add(u.pathLength(p) === 0 ? catalog.baseOf(p) : catalog.text(u.pathAt(p), u.pathLength(p)));
    }
    return [...out].sort();
  }

  // History

  /** Past transactions, oldest first. */
  history(): HistoryEntry[] {
    return readHistory(this.state).map((record) => ({
      id: record.id,
      kind: record.kind,
      command: record.command,
      user: record.user,
      time: record.time,
      changes: record.changes,
      undoes: record.undoes,
      undoneBy: record.undoneBy,
      kept: record.kept,
      bytes: record.kept ? storeSize(this.state, record) : 0,
    }));
  }

  /** What `rollback` would do. @throws TransactionError ENOHISTORY, ESTALEPLAN */
  planRollback(to: number, force = false): RollbackPlan {
    return planRollback(this.engine(), to, force);
  }

  /** Goes back to the state before transaction `to`. Takes the lock. Returns the number of the transaction that did it. */
  async rollback(
    to: number,
    options: { command?: string; force?: boolean; noScripts?: boolean } = {},
  ): Promise<number> {
    const command = options.command ?? `rollback ${to}`;
    return this.alone(command, async (engine) => {
      const record = await rollback(engine, to, {
        ...this.common(),
        command,
        force: options.force ?? false,
        noScripts: options.noScripts ?? false,
      });
      this.prune();
      return record.id;
    });
  }

  /** Removes downloaded files, and old files of the history as far as the policy says. Takes the lock. */
  async clean(what: {
    cache?: boolean;
    history?: Partial<HistoryPolicy>;
  }): Promise<{ cacheBytes: number; historyBytes: number; transactions: number[] }> {
    return this.alone("clean", () => {
      const cacheBytes = what.cache === true ? this.repos.cleanCache() : 0;
      const pruned =
        what.history === undefined
          ? { ids: [], bytes: 0 }
          : pruneHistory(this.state, { ...this.config.history, ...what.history }, this.config.sync);
      return Promise.resolve({ cacheBytes, historyBytes: pruned.bytes, transactions: pruned.ids });
    });
  }

  /** Closes files and connections. */
  async close(): Promise<void> {
    this.loaded = null;
    await this.repos.close();
  }
}
