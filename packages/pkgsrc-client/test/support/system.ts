/** A prefix and a database in a temporary directory, and package files to install there. */
import fs from "node:fs";
import path from "node:path";
import { writePackage, type PackageInput } from "../../src/host/archive/create";
import type { CrashHook } from "../../src/host/transaction/journal";
import { perform, type PackageAction, type Performed, type PerformOptions } from "../../src/host/transaction/perform";
import { rollback } from "../../src/host/transaction/rollback";
import type { HistoryRecord } from "../../src/host/transaction/history";
import { StateDir } from "../../src/host/transaction/state";
import type { Engine } from "../../src/host/transaction/transaction";
import { picture } from "./tree";

export class TestSystem {
  readonly prefix: string;
  readonly dbdir: string;
  readonly packages: string;
  readonly notices: string[] = [];
  readonly outputs: string[] = [];

  constructor(readonly dir: string) {
    this.prefix = path.join(dir, "root/pkg");
    this.dbdir = path.join(dir, "root/db");
    this.packages = path.join(dir, "packages");
    for (const d of [this.prefix, this.dbdir, this.packages]) fs.mkdirSync(d, { recursive: true });
  }

  engine(hook: CrashHook = { reach: () => Promise.resolve() }): Engine {
    return {
      state: new StateDir(`${this.dbdir}.pkgc`),
      prefix: this.prefix,
      dbdir: this.dbdir,
      sync: false,
      hook,
      notice: (message) => this.notices.push(message),
    };
  }

  /** Makes the package file NAME.tgz. */
  make(input: PackageInput): Promise<string> {
    return writePackage(this.packages, input);
  }

  archive(name: string): string {
    return path.join(this.packages, `${name}.tgz`);
  }

  options(): Omit<PerformOptions, "actions"> {
    return {
      kind: "change",
      command: "test",
      dbdir: this.dbdir,
      destdir: "",
      prefix: this.prefix,
      refcountDir: `${this.dbdir}.refcount`,
      sysconfdir: path.join(this.prefix, "etc"),
      scriptTrees: [path.join(this.prefix, "etc"), `${this.dbdir}.refcount`],
      scriptTimeoutMs: 20_000,
      noScripts: false,
      sync: false,
      overwrite: false,
      ignoreLibraries: false,
      notice: (message) => this.notices.push(message),
      output: (name, phase, text) => this.outputs.push(`${name} ${phase}: ${text.trim()}`),
    };
  }

  /** `[from, to]` pairs, null for nothing. */
  change(
    pairs: [string | null, string | null][],
    more: Partial<PerformOptions> = {},
    hook?: CrashHook,
  ): Promise<Performed> {
    const actions = pairs.map(([from, to]): PackageAction => ({
      action: from === null ? "install" : to === null ? "remove" : from === to ? "refresh" : "upgrade",
      from,
      to,
      archive: to === null ? "" : this.archive(to),
      automatic: false,
    }));
    return perform(this.engine(hook), { ...this.options(), actions, ...more });
  }

  rollback(to: number, hook?: CrashHook, force = false): Promise<HistoryRecord> {
    return rollback(this.engine(hook), to, { ...this.options(), force });
  }

  /** Prefix, database and reference counts, without our own state. */
  picture(): string[] {
    return picture(path.join(this.dir, "root"), ["db.pkgc"]);
  }

  text(name: string): string {
    return fs.readFileSync(path.join(this.prefix, name), "utf8");
  }

  has(name: string): boolean {
    return fs.existsSync(path.join(this.prefix, name));
  }

  entry(name: string, file: string): string {
    return fs.readFileSync(path.join(this.dbdir, name, file), "utf8");
  }
}

/** The picture without times: what two runs have in common. */
export function timeless(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/ \d+ (?=\S*$)/, " "));
}

/** Runs `action` and stops for ever at point `n`, as a killed process does. False when there are fewer points. */
export async function stopAt(n: number, action: (hook: CrashHook) => Promise<unknown>): Promise<boolean> {
  let count = 0;
  return new Promise((resolve, reject) => {
    const hook: CrashHook = {
      reach: (point) => {
        // Between what is about to be logged and what was done before it nothing changed.
        if (point.endsWith(":before") || count++ !== n) return Promise.resolve();
        resolve(true);
        return new Promise(() => {});
      },
    };
    action(hook).then(() => resolve(false), reject);
  });
}
