/**
 * The repositories of a client: which ones, their summaries in the universe, their packages on disk.
 *
 * Key type: {@link Repositories}. Neighbours: `../repo/` (transfers), `../universe/` (loading), `catalog.ts`, `../client.ts`.
 * Invariant: what `fetchAll` returns was verified: size and checksum where the summary tells them, the signature as the policy says.
 */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { openPackage } from "../archive/package";
import { PackageError } from "../errors";
import { freeSpace } from "../fs";
import { hashFile } from "../repo/checksum";
import { downloadAll, type DownloadItem } from "../repo/download";
import { HttpClient } from "../repo/http";
import { refresh } from "../repo/refresh";
import { Repository } from "../repo/repository";
import type { Ask } from "../signature/policy";
import { listTree } from "../transaction/tree";
import { TransactionError } from "../transaction/errors";
import { writeDurably } from "../transaction/journal";
import type { StateDir } from "../transaction/state";
import { loadUniverse, type LoadedUniverse } from "../universe/index-cache";
import type { Catalog } from "./catalog";
import { repositoryOf, type Config, type RepositoryConfig } from "./config";
import type { ClientEvents } from "./events";
import type { PlanStep } from "./plan";
import { Trust } from "./trust";

/** Where events go. */
interface Emitter {
  emit<K extends keyof ClientEvents>(name: K, ...args: ClientEvents[K]): boolean;
}

export class Repositories {
  private readonly http = new HttpClient({ userAgent: "pkgc" });
  private loaded: LoadedUniverse | null = null;
  readonly trust: Trust;

  constructor(
    private readonly config: Config,
    private readonly state: StateDir,
    private readonly events: Emitter,
  ) {
    this.trust = new Trust(config.verify, config.keys);
  }

  private get summaries(): string {
    return path.join(this.state.cacheDir, "summaries");
  }

  private get packages(): string {
    return path.join(this.state.cacheDir, "packages");
  }

  /** Those that hold, best first: given ones take the place of remembered ones. @throws PackageError EBADDATA */
  list(): RepositoryConfig[] {
    const { repos, repoSource } = this.config;
    const remembered = repoSource === "options" || repoSource === "environment" ? [] : this.remembered();
    // pkgin's list is for systems where nothing else was said.
    const all = remembered.length > 0 && repoSource === "pkgin" ? remembered : [...repos, ...remembered];
    const unique = new Map(all.map((repository) => [repository.url, repository]));
    return [...unique.values()].sort((a, b) => b.priority - a.priority);
  }

  private remembered(): RepositoryConfig[] {
    const file = this.state.repositoriesFile;
    if (!fs.existsSync(file)) return [];
    try {
      return (JSON.parse(fs.readFileSync(file, "utf8")) as RepositoryConfig[]).map(repositoryOf);
    } catch (error) {
      throw new PackageError("EBADDATA", `${file} cannot be understood: ${String(error)}`, {
        path: file,
        cause: error,
      });
    }
  }

  private remember(list: readonly RepositoryConfig[]): void {
    writeDurably(this.state.repositoriesFile, JSON.stringify(list, null, 2) + "\n", 0o644, this.config.sync);
  }

  /** @throws PackageError EEXIST */
  add(repository: RepositoryConfig): void {
    const list = this.remembered();
    if (list.some((one) => one.url === repository.url && one.priority === repository.priority)) {
      throw new PackageError("EEXIST", `${repository.url} is known already`);
    }
    this.remember([...list.filter((one) => one.url !== repository.url), repository]);
  }

  /** @throws PackageError ENOTFOUND */
  remove(url: string): void {
    const list = this.remembered();
    if (!list.some((one) => one.url === url))
      throw new PackageError("ENOTFOUND", `${url} is not among the remembered repositories`);
    this.remember(list.filter((one) => one.url !== url));
  }

  private opened(): { config: RepositoryConfig; repository: Repository }[] {
    return this.list().map((config) => ({
      config,
      repository: new Repository(config.url, this.summaries, { priority: config.priority }),
    }));
  }

  /**
   * Fetches the summaries that changed.
   * @param force all of them
   * @param tolerant go on with an older summary when a repository cannot be reached
   * @throws PackageError EFETCH
   */
  async update(force: boolean, tolerant: boolean, signal?: AbortSignal): Promise<void> {
    const failures: unknown[] = [];
    await Promise.all(
      this.opened().map(async ({ config, repository }) => {
        const { url } = config;
        try {
          if (force) fs.rmSync(repository.cache, { recursive: true, force: true });
          this.events.emit("repository", { url, state: "fetch", packages: 0, message: "" });
          await repository.update(this.http, { attempts: 3, ...(signal === undefined ? {} : { signal }) });
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          if (tolerant && (await repository.cached()) !== null && signal?.aborted !== true) {
            this.events.emit("repository", {
              url,
              state: "failed",
              packages: 0,
              message: `${message}; its last summary is used`,
            });
          } else failures.push(error);
        }
      }),
    );
    if (failures.length > 0) throw failures[0];
  }

  /** The universe of all repositories, from summaries that were fetched before; those that never were are fetched now. */
  async load(): Promise<{ loaded: LoadedUniverse; repositories: RepositoryConfig[] }> {
    const all = this.opened();
    const sources = [];
    for (const { repository } of all) {
      if ((await repository.cached()) === null) await repository.update(this.http, { attempts: 3 });
      const stamp = Buffer.from(await repository.stamp()).toString("hex");
      sources.push({ stamp, priority: repository.priority, read: () => repository.summary() });
    }
    this.loaded?.close();
    const index = fs.existsSync(this.state.root) ? path.join(this.state.cacheDir, "index") : "";
    if (index !== "") this.makeCache();
    this.loaded = await loadUniverse(sources, sources.length === 0 ? "" : index);
    this.loaded.broken.forEach((records, i) => {
      for (const { record, line, reason } of records) {
        this.events.emit("warning", `${all[i]!.config.url}: record ${record}, line ${line}: ${reason}; it is left out`);
      }
    });
    return { loaded: this.loaded, repositories: all.map(({ config }) => config) };
  }

  private makeCache(): void {
    try {
      fs.mkdirSync(this.state.cacheDir, { recursive: true });
    } catch {
      // Somebody who may only read goes on without.
    }
  }

  /**
   * Brings the packages of the steps to this machine. Returns the path of each by its name.
   * @throws PackageError EFETCH, ECHECKSUM, ESIGNATURE, EBADARCHIVE, EABORT; TransactionError ENOSPC
   */
  async fetchAll(
    steps: readonly PlanStep[],
    catalog: Catalog,
    ask: Ask | null,
    signal?: AbortSignal,
  ): Promise<Map<string, string>> {
    const paths = new Map<string, string>();
    const items = new Map<DownloadItem, string>();
    for (const step of steps) {
      if (step.to === null || step.repository === null) continue;
      const handle = catalog.find(step.to, step.repository);
      if (handle < 0) {
        throw new TransactionError("ESTALEPLAN", `${step.to} is no longer in ${step.repository}: plan again`);
      }
      const record = catalog.record(handle);
      const one = (name: string): string => record.get(name)?.[0] ?? "";
      const repository = new Repository(step.repository, this.summaries);
      const size = catalog.universe.fileSizeOf(handle);
      const item = repository.packageItem(step.to, this.packages, {
        ...(one("FILE_NAME") === "" ? {} : { fileName: one("FILE_NAME") }),
        ...(size > 0 ? { size } : {}),
        checksum: one("FILE_CKSUM"),
      });
      if (item.url.startsWith("file:")) {
        const file = fileURLToPath(item.url);
        await checkFile(file, item);
        paths.set(step.to, file);
      } else if (await isThere(item)) paths.set(step.to, item.target);
      else items.set(item, step.to);
    }
    await this.transfer(items, paths, signal);
    for (const [name, file] of paths) {
      if (signal?.aborted === true) throw new TransactionError("ECANCELLED", "stopped; nothing was changed");
      await this.verify(name, file, ask);
    }
    return paths;
  }

  private async transfer(
    items: ReadonlyMap<DownloadItem, string>,
    paths: Map<string, string>,
    signal?: AbortSignal,
  ): Promise<void> {
    if (items.size === 0) return;
    fs.mkdirSync(this.packages, { recursive: true });
    const bytes = [...items.keys()].reduce((sum, item) => sum + (item.size ?? 0), 0);
    const free = await freeSpace(this.packages);
    if (free < bytes) {
      throw new TransactionError("ENOSPC", `${this.packages}: ${bytes} bytes are to be fetched and ${free} are free`);
    }
    const names = new Map([...items].map(([item, name]) => [item.target, name]));
    await downloadAll(this.http, [...items.keys()], {
      parallel: this.config.parallel,
      onProgress: ({ target, received, total }) =>
        this.events.emit("download", { name: names.get(target)!, received, total, done: false }),
      onDone: (item, { size }) => {
        paths.set(items.get(item)!, item.target);
        this.events.emit("download", { name: items.get(item)!, received: size, total: size, done: true });
      },
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** Name and signature of a package file. */
  private async verify(name: string, file: string, ask: Ask | null): Promise<void> {
    const reader = await openPackage(file);
    try {
      if (reader.contents.name !== name) {
        throw new PackageError("EBADARCHIVE", `${file} is ${reader.contents.name}, not ${name}`, { path: file });
      }
      const signers = await this.trust.admit(name, reader.signature, ask);
      this.events.emit("verified", { name, signed: signers.length > 0, signer: signers.join(", ") });
    } finally {
      await reader.close();
    }
  }

  /** Path of the list of vulnerabilities; fetched when it is not there, or when `fetch` says so. @throws PackageError EFETCH */
  async vulnerabilities(fetch: boolean): Promise<string> {
    const url = this.config.vulnerabilities;
    const local = url.startsWith("file:") ? fileURLToPath(url) : url;
    if (path.isAbsolute(local)) return local;
    const file = path.join(this.state.cacheDir, "pkg-vulnerabilities");
    if (!fetch && fs.existsSync(file)) return file;
    const result = await refresh(this.http, url, file);
    if (result === null) throw new PackageError("EFETCH", `${url} is not there`, { path: url });
    return result.path;
  }

  /** Removes downloaded packages; summaries stay. Returns the bytes. */
  cleanCache(): number {
    const bytes = listTree(this.packages).reduce((sum, entry) => sum + (entry.kind === "file" ? entry.size : 0), 0);
    fs.rmSync(this.packages, { recursive: true, force: true });
    return bytes;
  }

  async close(): Promise<void> {
    this.loaded?.close();
    this.loaded = null;
    await this.http.close();
  }
}

/** @throws PackageError ENOENT, ECHECKSUM when the file is not what the summary says */
async function checkFile(file: string, item: DownloadItem): Promise<void> {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new PackageError("EFETCH", `${file} is not there, although the summary names it`, { path: file });
  if (item.size !== undefined && stat.size !== item.size) {
    throw new PackageError("ECHECKSUM", `${file} has ${stat.size} bytes, and must have ${item.size}`, { path: file });
  }
  if (item.checksum === undefined) return;
  const found = await hashFile(file, item.checksum.algorithm);
  if (found !== item.checksum.value) {
    throw new PackageError(
      "ECHECKSUM",
      `${file}: its ${item.checksum.algorithm} is ${found}, and must be ${item.checksum.value}`,
      { path: file },
    );
  }
}

/** Is the file in the cache the one that is wanted? Without a size or checksum nobody can tell. */
async function isThere(item: DownloadItem): Promise<boolean> {
  if (!fs.existsSync(item.target) || (item.size === undefined && item.checksum === undefined)) return false;
  try {
    await checkFile(item.target, item);
    return true;
  } catch {
    return false;
  }
}
