/**
 * One installed package as a transaction sees it: its directory in the database, its packing list, its small files.
 *
 * Neighbours: `apply.ts`, `required-by.ts`. Invariant: nothing is cached beyond the object; a transaction reads what is there.
 */
import fs from "node:fs";
import path from "node:path";
import { FileIndex } from "../pkgdb/file-index";
import { TransactionError } from "./errors";
import { lstatOrNull } from "./ops";
import { filesOf, readPackingList, type PackingList } from "./packing-list";

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

/** Full packing lists take their time; the lines of one command are found faster. `@ignore` is not heeded: no tool hides commands with it. */
export function commandArguments(contents: Uint8Array, command: string): string[] {
  const data = Buffer.from(contents.buffer, contents.byteOffset, contents.byteLength);
  const mark = `\n@${command}`;
  const out: string[] = [];
  for (let at = data.indexOf(mark); at >= 0; at = data.indexOf(mark, at + 1)) {
    let end = data.indexOf(10, at + 1);
    if (end < 0) end = data.length;
    out.push(data.toString("utf8", at + mark.length, end).trim());
  }
  return out;
}

/** Who owns files: from pkgdb.byfile.db where it is sound, else from all packing lists, which takes longer. */
export class Ownership {
  private readonly index: FileIndex | null;
  private scanned: Map<string, string> | null = null;

  constructor(
    private readonly dbdir: string,
    private readonly destdir: string,
  ) {
    let index: FileIndex | null = null;
    try {
      index = FileIndex.open(dbdir);
    } catch {
      // Damaged: the packing lists know, too, and the transaction makes a new one.
    }
    this.index = index;
  }

  /** The package that owns an absolute path, null for none. */
  ownerOf(file: string): string | null {
    if (this.index === null) {
      this.scanned ??= this.scan();
      return this.scanned.get(file) ?? null;
    }
    const inside = this.destdir === "" ? file : file.slice(this.destdir.length);
    const owners = this.index.ownersOf(inside);
    return owners === null || owners.isDirectory ? null : (owners.packages[0] ?? null);
  }

  private scan(): Map<string, string> {
    const owners = new Map<string, string>();
    for (const name of installedNames(this.dbdir)) {
      for (const file of filesOf(new InstalledPackage(this.dbdir, name, this.destdir).list))
        owners.set(file.target, name);
    }
    return owners;
  }

  close(): void {
    this.index?.close();
  }
}
