/**
 * Everything that can be found out before anything changes: file conflicts, space, shared libraries, conflicts of packages.
 *
 * Key function: {@link preflight}. Neighbours: `apply.ts` does what was allowed here. Invariant: reads only.
 */
import fs from "node:fs";
import path from "node:path";
import { readVariables } from "../archive/metadata";
import { isChanged } from "./apply";
import { existingParent } from "./areas";
import { TransactionError } from "./errors";
import { commandArguments, InstalledPackage } from "./installed";
import { lstatOrNull } from "./ops";
import { filesOf, type PackingList } from "./packing-list";
import { NameIndex } from "./required-by";

/** What is about to come, before it is unpacked. */
export interface Incoming {
  readonly list: PackingList;
  readonly metadata: ReadonlyMap<string, Uint8Array>;
  /** Bytes of its files. */
  readonly size: number;
}

export interface PreflightOptions {
  readonly dbdir: string;
  readonly destdir: string;
  /** Names of all installed packages. */
  readonly installed: readonly string[];
  readonly going: readonly InstalledPackage[];
  readonly coming: readonly Incoming[];
  /** Files in the way that belong to no package are replaced (and kept in the history). */
  readonly overwrite: boolean;
  /** Do not look for missing libraries. */
  readonly ignoreLibraries: boolean;
  /** Free bytes on the file system of a directory; tests have their own. */
  freeBytes(dir: string): number;
  /** The package that owns a file, as far as it is not one of `going`; null for none. */
  ownerOf(file: string): string | null;
  notice(message: string): void;
}

/** Bytes of bookkeeping for each file: a directory entry, an inode, a journal record. */
const PER_FILE = 4096;

/** @throws TransactionError EFILECONFLICT, ENOSPC, ELIBRARY, EPKGCONFLICT, EBADPACKAGE */
export function preflight(options: PreflightOptions): void {
  checkConflicts(options);
  checkFiles(options);
  checkLibraries(options);
  checkSpace(options);
}

/** CONFLICTS, in both directions (pkg_install add/perform.c check_explicit_conflict). */
function checkConflicts(options: PreflightOptions): void {
  const going = new Set(options.going.map((p) => p.name));
  const stays = options.installed.filter((name) => !going.has(name));
  const coming = options.coming.map((p) => p.list.name);
  const after = new NameIndex([...stays, ...coming]);
  const arriving = new NameIndex(coming);
  const problems: string[] = [];
  for (const { list } of options.coming) {
    for (const pattern of list.conflicts) {
      for (const other of after.all(pattern)) {
        if (other !== list.name) problems.push(`${list.name} conflicts with ${pattern}, and that is ${other}`);
      }
    }
  }
  if (coming.length > 0) {
    for (const name of stays) {
      const contents = new InstalledPackage(options.dbdir, name, options.destdir).read("+CONTENTS");
      for (const pattern of commandArguments(contents ?? new Uint8Array(0), "pkgcfl")) {
        for (const other of arriving.all(pattern)) {
          problems.push(`the installed ${name} conflicts with ${pattern}, and that is ${other}`);
        }
      }
    }
  }
  if (problems.length > 0) throw new TransactionError("EPKGCONFLICT", "packages exclude each other", problems);
}

/** Files of two packages, files of nobody, ways that lead out of the prefix. */
function checkFiles(options: PreflightOptions): void {
  const outgoing = new Set<string>();
  for (const old of options.going) for (const file of filesOf(old.list)) outgoing.add(file.target);
  const incoming = new Map<string, string>();
  const links = new Map<string, string>();
  const problems: string[] = [];
  for (const { list } of options.coming) {
    for (const item of filesOf(list)) {
      const other = incoming.get(item.target);
      if (other !== undefined) problems.push(`${item.target}: ${list.name} and ${other} both have it`);
      incoming.set(item.target, list.name);
      if (item.link !== null) links.set(item.target, list.name);
    }
  }
  const dirs = new Map<string, string>();
  for (const { list } of options.coming) {
    const top = path.posix.join("/", options.destdir, list.prefix);
    for (const item of filesOf(list)) {
      // What is on disk already: does it belong to what goes?
      const stat = lstatOrNull(item.target);
      if (stat !== null && !outgoing.has(item.target)) {
        const problem = inTheWay(options, item.target, stat, outgoing);
        if (problem !== "" && !isSame(item.target, stat, item)) problems.push(problem);
      }
      for (
        let dir = path.dirname(item.target);
        dir !== top && dir.startsWith(`${top}/`) && !dirs.has(dir);
        dir = path.dirname(dir)
      ) {
        dirs.set(dir, list.name);
      }
    }
  }
  for (const [dir, name] of dirs) {
    const link = links.get(dir);
    if (link !== undefined) {
      throw new TransactionError("EBADPACKAGE", `${name} has files below ${dir}, which is a symbolic link of ${link}`);
    }
    const file = incoming.get(dir);
    if (file !== undefined) problems.push(`${dir}: a file of ${file} and a directory of ${name}`);
    const stat = lstatOrNull(dir);
    if (stat === null || stat.isDirectory()) continue;
    if (stat.isSymbolicLink()) {
      const owner = outgoing.has(dir) ? null : options.ownerOf(dir);
      if (owner !== null) problems.push(`${dir}: a symbolic link of ${owner}, and ${name} has files below it`);
      else if (!fs.existsSync(dir))
        problems.push(`${dir}: a symbolic link that leads nowhere, and ${name} has files below it`);
      else if (!outgoing.has(dir)) options.notice(`${dir} is a symbolic link; files of ${name} go where it leads`);
      continue;
    }
    if (!outgoing.has(dir)) problems.push(`${dir}: a file, and ${name} has files below it`);
  }
  if (problems.length > 0) {
    throw new TransactionError("EFILECONFLICT", "files are in the way", problems);
  }
}

/** A sentence about what is in the way, "" when it is not. */
function inTheWay(options: PreflightOptions, target: string, stat: fs.Stats, outgoing: ReadonlySet<string>): string {
  if (stat.isDirectory()) {
    // Fine when nothing will be left in it.
    const left = (dir: string): boolean =>
      fs.readdirSync(dir, { withFileTypes: true }).every((entry) => {
        const file = path.join(dir, entry.name);
        return entry.isDirectory() ? left(file) : outgoing.has(file);
      });
    return left(target) ? "" : `${target}: is a directory`;
  }
  const owner = options.ownerOf(target);
  if (owner !== null) return `${target}: belongs to ${owner}`;
  return options.overwrite ? "" : `${target}: exists and belongs to no package`;
}

/** The very file that the package has: left from an installation by hand, for example. */
function isSame(target: string, stat: fs.Stats, item: { md5: string; link: string | null }): boolean {
  if (item.md5 === "" && item.link === null) return false;
  return !isChanged({ kind: "file", name: "", target, mode: "", owner: "", group: "", ...item }, stat);
}

const values = (metadata: ReadonlyMap<string, Uint8Array>, name: string): string[] => {
  const info = metadata.get("+BUILD_INFO");
  return info === undefined ? [] : (readVariables(info).get(name) ?? []);
};

/** REQUIRES of what comes must be PROVIDES of what is there afterwards, or a library of the system. */
function checkLibraries(options: PreflightOptions): void {
  if (options.ignoreLibraries) return;
  const wanted: { library: string; onDisk: string; name: string }[] = [];
  const provided = new Set<string>();
  for (const { list, metadata } of options.coming) {
    const moved = (library: string): string =>
      library.startsWith(`${list.builtPrefix}/`) ? list.prefix + library.slice(list.builtPrefix.length) : library;
    for (const library of values(metadata, "PROVIDES")) provided.add(moved(library));
    for (const library of values(metadata, "REQUIRES")) {
      wanted.push({
        library: moved(library),
        onDisk: path.posix.join("/", options.destdir, moved(library)),
        name: list.name,
      });
    }
  }
  const goingFiles = new Set<string>();
  for (const old of options.going) for (const file of filesOf(old.list)) goingFiles.add(file.target);
  const comingFiles = new Set<string>();
  for (const { list } of options.coming) for (const file of filesOf(list)) comingFiles.add(file.target);
  const isThere = (library: string, onDisk: string): boolean =>
    provided.has(library) ||
    comingFiles.has(onDisk) ||
    (!goingFiles.has(onDisk) && fs.existsSync(onDisk)) ||
    // Libraries of the system are outside of every prefix and outside of the destination directory.
    (options.destdir !== "" && fs.existsSync(library));
  const problems: string[] = [];
  for (const { library, onDisk, name } of wanted) {
    if (!isThere(library, onDisk)) problems.push(`${name} requires ${library}`);
  }
  // What stays must not lose what it has: only libraries of going packages can vanish.
  const lost = [...goingFiles].filter((file) => !comingFiles.has(file) && /\.so(\.|$)|\.dylib$/.test(file));
  if (lost.length > 0) {
    const goingNames = new Set(options.going.map((p) => p.name));
    const vanished = new Set(lost);
    for (const name of options.installed) {
      if (goingNames.has(name)) continue;
      const one = new InstalledPackage(options.dbdir, name, options.destdir);
      const info = one.read("+BUILD_INFO");
      if (info === null) continue;
      const variables = readVariables(info);
      // +BUILD_INFO names the prefix that it was built for, +CONTENTS the one that it went to.
      const base = variables.get("LOCALBASE")?.[0] ?? "";
      const moved = (library: string): string =>
        base !== "" && library.startsWith(`${base}/`) ? one.list.prefix + library.slice(base.length) : library;
      for (const library of (variables.get("REQUIRES") ?? []).map(moved)) {
        const onDisk = path.posix.join("/", options.destdir, library);
        if (vanished.has(onDisk) && !provided.has(library)) problems.push(`the installed ${name} requires ${library}`);
      }
    }
  }
  if (problems.length > 0)
    throw new TransactionError("ELIBRARY", "shared libraries would be missing", [...new Set(problems)]);
}

/** Room for the new files beside the old ones, which stay until the end and in the history. */
function checkSpace(options: PreflightOptions): void {
  const need = new Map<number, { dir: string; bytes: number }>();
  const add = (target: string, bytes: number): void => {
    const dir = existingParent(target);
    const { dev } = fs.statSync(dir);
    const known = need.get(dev);
    if (known === undefined) need.set(dev, { dir, bytes });
    else known.bytes += bytes;
  };
  for (const { list, size, metadata } of options.coming) {
    const top = path.posix.join("/", options.destdir, list.prefix);
    add(path.join(top, "x"), size + filesOf(list).length * PER_FILE);
    let entry = 0;
    for (const data of metadata.values()) entry += data.length + PER_FILE;
    add(path.join(options.dbdir, list.name), entry);
  }
  const problems: string[] = [];
  for (const { dir, bytes } of need.values()) {
    const free = options.freeBytes(dir);
    if (free < bytes) problems.push(`${dir}: ${bytes} bytes are needed and ${free} are free`);
  }
  if (problems.length > 0) throw new TransactionError("ENOSPC", "there is not enough space", problems);
}

/** Bytes that an unprivileged user may still write (statfs(2)). */
export function freeBytes(dir: string): number {
  const stat = fs.statfsSync(dir);
  return stat.bavail * stat.bsize;
}
