/**
 * The state directory of the client: `<dbdir>.pkgc`, beside the package database as `<dbdir>.refcount` is.
 *
 *     lock                 who changes the system now
 *     txn/N/               transaction N while it runs: journal, staging/, snapshot/
 *     history/N/           what transaction N did: record.json, store/ (the files it replaced or removed), before/
 *     cache/               downloaded packages and summaries
 *     repositories.json    the repositories that `repo add` knows
 *
 * Neighbours: everything in this folder. Invariant: at most one directory in `txn/`, except between a crash and the next start.
 */
import fs from "node:fs";
import path from "node:path";

export class StateDir {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Makes the directory. @throws the file system's error */
  create(): void {
    fs.mkdirSync(this.root, { recursive: true, mode: 0o755 });
  }

  get lockFile(): string {
    return path.join(this.root, "lock");
  }
  get cacheDir(): string {
    return path.join(this.root, "cache");
  }
  get repositoriesFile(): string {
    return path.join(this.root, "repositories.json");
  }
  get historyDir(): string {
    return path.join(this.root, "history");
  }
  get txnRoot(): string {
    return path.join(this.root, "txn");
  }

  txnDir(id: number): string {
    return path.join(this.txnRoot, String(id));
  }
  journalFile(id: number): string {
    return path.join(this.txnDir(id), "journal");
  }
  stagingDir(id: number): string {
    return path.join(this.txnDir(id), "staging");
  }
  snapshotDir(id: number): string {
    return path.join(this.txnDir(id), "snapshot");
  }
  recordDir(id: number): string {
    return path.join(this.historyDir, String(id));
  }
  storeDir(id: number): string {
    return path.join(this.recordDir(id), "store");
  }
  recordFile(id: number): string {
    return path.join(this.recordDir(id), "record.json");
  }

  /** Numbers of the transactions that did not end, oldest first. */
  unfinished(): number[] {
    return numbers(this.txnRoot);
  }

  /** The number for a new transaction: one more than any that exists. */
  nextId(): number {
    return Math.max(0, ...numbers(this.historyDir), ...numbers(this.txnRoot)) + 1;
  }
}

/** Names of a directory that are numbers, in order; none when the directory does not exist. */
export function numbers(dir: string): number[] {
  if (!fs.existsSync(dir)) return [];
  return fs
    .readdirSync(dir)
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}
