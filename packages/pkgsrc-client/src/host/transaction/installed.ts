/**
 * One installed package as a transaction sees it: its directory in the database, its packing list, its small files.
 *
 * Neighbours: `apply.ts`, `required-by.ts`. Invariant: nothing is cached beyond the object; a transaction reads what is there.
 */
import fs from "node:fs";
import path from "node:path";
import { TransactionError } from "./errors";
import { lstatOrNull } from "./ops";
import { readPackingList, type PackingList } from "./packing-list";

export class InstalledPackage {
  readonly name: string;
  /** Its directory in the package database. */
  readonly dir: string;
  private readonly destdir: string;
  private cached: PackingList | null = null;

  constructor(dbdir: string, name: string, destdir = "") {
    this.name = name;
    this.dir = path.join(dbdir, name);
    this.destdir = destdir;
  }

  /** @throws TransactionError EBADPACKAGE, ESTALEPLAN when the package is not installed */
  get list(): PackingList {
    if (this.cached !== null) return this.cached;
    const contents = this.read("+CONTENTS");
    if (contents === null) throw new TransactionError("ESTALEPLAN", `${this.name} is not installed`);
    this.cached = readPackingList(contents, "", this.destdir, `installed package ${this.name}`);
    return this.cached;
  }

  file(name: string): string {
    return path.join(this.dir, name);
  }

  has(name: string): boolean {
    return lstatOrNull(this.file(name)) !== null;
  }

  /** A file of the entry, null when it has no such file. */
  read(name: string): Buffer | null {
    return this.has(name) ? fs.readFileSync(this.file(name)) : null;
  }

  /** Names of all files of the entry. */
  entries(): string[] {
    return fs.readdirSync(this.dir).sort();
  }

  /** Packages that need this one: the lines of +REQUIRED_BY. */
  get requiredBy(): string[] {
    return lines(this.read("+REQUIRED_BY"));
  }
}

export function lines(data: Uint8Array | null): string[] {
  if (data === null) return [];
  return Buffer.from(data)
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** Names of the installed packages: directories of the database with a +CONTENTS, sorted. */
export function installedNames(dbdir: string): string[] {
  if (!fs.existsSync(dbdir)) return [];
  return fs
    .readdirSync(dbdir, { withFileTypes: true })
    .filter(
      (entry) =>
        entry.isDirectory() && !entry.name.startsWith(".") && fs.existsSync(path.join(dbdir, entry.name, "+CONTENTS")),
    )
    .map((entry) => entry.name)
    .sort();
}
