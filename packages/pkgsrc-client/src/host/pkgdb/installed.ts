/**
 * The installed packages as records in the form of pkg_summary(5), for the core's `Universe`.
 *
 * Key functions: `installedRecord` (one package), `loadInstalled` (all of PKG_DBDIR). `InstalledCache` remembers what was read.
 * Source: pkg_install info/show.c, show_summary (what `pkg_info -X` prints), lib/automatic.c (the flag).
 * Invariant: a package whose files cannot be read or understood is reported and left out; it never stops the others.
 */
import fs from "node:fs";
import { dirname, join } from "node:path";
import { readVariables } from "../archive/metadata";
import { codeOf, ioError, PackageError } from "../errors";
import { temporaryName } from "../fs";
import { installedNames } from "./file-index";

/** Variables of +BUILD_INFO that belong to a summary (info/show.c, `bi_vars`). */
const SUMMARY_VARIABLES = new Set(
  (
    "PKGPATH CATEGORIES PROVIDES REQUIRES PKG_OPTIONS OPSYS OS_VERSION MACHINE_ARCH LICENSE HOMEPAGE " +
    "PKGTOOLS_VERSION BUILD_DATE PREV_PKGPATH SUPERSEDES"
  ).split(" "),
);

/** `VARIABLE=line` for each line (info/show.c, print_string_as_var). */
function asVariable(variable: string, data: Buffer | null): string {
  if (data === null) return "";
  const text = data.toString("utf8");
  const lines = text.endsWith("\n") ? text.slice(0, -1) : text;
  return text === ""
    ? ""
    : lines
        .split("\n")
        .map((line) => `${variable}=${line}\n`)
        .join("");
}

/** Lines of a packing list that begin with a command; `@ignore` hides the line behind it. */
function commandLines(contents: Buffer, command: string, variable: string): string {
  let result = "";
  const mark = Buffer.from(`\n@${command} `);
  for (let at = contents.indexOf(mark); at >= 0; at = contents.indexOf(mark, at + 1)) {
    const hidden = contents.toString("latin1", Math.max(0, at - 16), at);
    if (/(^|\n)@ignore[ \t\r]*$/.test(hidden)) continue;
    let end = contents.indexOf(10, at + mark.length);
    if (end < 0) end = contents.length;
    result += `${variable}=${contents.toString("utf8", at + mark.length, end).trim()}\n`;
  }
  return result;
}

/** The files of one package in PKG_DBDIR that a record is made of. */
export interface InstalledFiles {
  contents: Buffer;
  comment: Buffer | null;
  description: Buffer | null;
  buildInfo: Buffer | null;
  size: Buffer | null;
}

/** A record of a summary, with the empty line at its end. */
export function installedRecord(name: string, files: InstalledFiles): string {
  let record = `PKGNAME=${name}\n`;
  record += commandLines(files.contents, "pkgdep", "DEPENDS");
  record += commandLines(files.contents, "pkgcfl", "CONFLICTS");
  record += asVariable("COMMENT", files.comment);
  record += asVariable("SIZE_PKG", files.size);
  if (files.buildInfo !== null) {
    for (const line of files.buildInfo.toString("utf8").split("\n")) {
      const equals = line.indexOf("=");
      if (equals > 0 && SUMMARY_VARIABLES.has(line.slice(0, equals))) record += `${line}\n`;
    }
  }
  record += asVariable("DESCRIPTION", files.description);
  return `${record}\n`;
}

/** Whether +INSTALLED_INFO says that a package was installed for another's sake (lib/automatic.c, is_automatic_installed). */
export function isAutomatic(info: Uint8Array | null): boolean {
  if (info === null) return false;
  return (readVariables(info).get("automatic") ?? []).join("\n").toLowerCase() === "yes";
}

/** A package that is installed. */
export interface InstalledEntry {
  name: string;
  /** As `pkg_info -X` prints it. */
  record: string;
  automatic: boolean;
  /** Has +PRESERVE: not to be removed with what nobody needs. */
  preserve: boolean;
}

/** A package whose directory cannot be understood. */
export interface BrokenEntry {
  name: string;
  error: PackageError;
}

function readOptional(path: string): Buffer | null {
  try {
    return fs.readFileSync(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw ioError("read", path, error);
  }
}

/** Reads one package of PKG_DBDIR. Throws EBADDATA, or the operating system's code. */
export function readInstalled(dbdir: string, name: string): InstalledEntry {
  const dir = join(dbdir, name);
  const present = new Set(fs.readdirSync(dir));
  const read = (file: string): Buffer | null => (present.has(file) ? readOptional(join(dir, file)) : null);
  const contents = read("+CONTENTS");
  if (contents === null)
    throw new PackageError(
      "EBADDATA",
      `${dir} has no +CONTENTS: an installation was not finished, or it is no package`,
      { path: dir },
    );
  const files = {
    contents,
    comment: read("+COMMENT"),
    description: read("+DESC"),
    buildInfo: read("+BUILD_INFO"),
    size: read("+SIZE_PKG"),
  };
  return {
    name,
    record: installedRecord(name, files),
    automatic: isAutomatic(read("+INSTALLED_INFO")),
    preserve: present.has("+PRESERVE"),
  };
}

/** All packages of PKG_DBDIR, by name. */
export function readAllInstalled(
  dbdir: string,
  cache: InstalledCache | null = null,
): { packages: InstalledEntry[]; broken: BrokenEntry[] } {
  const packages: InstalledEntry[] = [];
  const broken: BrokenEntry[] = [];
  for (const name of installedNames(dbdir)) {
    try {
      packages.push(cache === null ? readInstalled(dbdir, name) : cache.read(dbdir, name));
    } catch (error) {
      broken.push({ name, error: error instanceof PackageError ? error : ioError("read", join(dbdir, name), error) });
    }
  }
  cache?.save(dbdir);
  return { packages, broken };
}

/** What the cache holds of a package: its directory's stamp, and the entry. */
type Cached = readonly [stamp: string, record: string, automatic: boolean, preserve: boolean];

const CACHE_VERSION = 1;

/** A directory that changed this recently may change again without another time stamp: milliseconds. */
const SETTLED = 2000;

/**
 * Remembers what was read of each package in one file, so that the next start looks only at the directories.
 *
 * A package's directory gets another time when a file in it is made, replaced or removed, and that is how pkg_add, pkg_admin and this
 * client change what a record is made of. A file that somebody edits in place is not noticed until then.
 */
export class InstalledCache {
  private readonly known = new Map<string, Cached>();
  private readonly seen = new Map<string, Cached>();
  private loadedFor = "";
  private changed = false;

  /** `path`: the cache's file; it need not be there, and one that cannot be understood is as good as none. */
  constructor(private readonly path: string) {}

  private load(dbdir: string): void {
    if (this.loadedFor === dbdir) return;
    this.loadedFor = dbdir;
    this.known.clear();
    try {
      const content = JSON.parse(fs.readFileSync(this.path, "utf8")) as {
        version: number;
        dbdir: string;
        packages: [string, Cached][];
      };
      if (content.version !== CACHE_VERSION || content.dbdir !== dbdir) return;
      for (const [name, entry] of content.packages) this.known.set(name, entry);
    } catch {
      // It is made anew.
    }
  }

  /** One package: from the cache when its directory is as it was, else read. Throws as `readInstalled` does. */
  read(dbdir: string, name: string): InstalledEntry {
    this.load(dbdir);
    const stat = fs.statSync(join(dbdir, name), { bigint: true });
    const stamp = `${stat.ino}.${stat.mtimeNs}.${stat.ctimeNs}`;
    const known = this.known.get(name);
    if (known !== undefined && known[0] === stamp) {
      this.seen.set(name, known);
      return { name, record: known[1], automatic: known[2], preserve: known[3] };
    }
    const entry = readInstalled(dbdir, name);
    this.changed = true;
    if (Number(stat.ctimeMs) < Date.now() - SETTLED)
      this.seen.set(name, [stamp, entry.record, entry.automatic, entry.preserve]);
    return entry;
  }

  /** Writes what was read since the cache was made, if it differs. A cache that cannot be written is no error. */
  save(dbdir: string): void {
    if (!this.changed && this.seen.size === this.known.size) return;
    const temporary = temporaryName(this.path);
    try {
      fs.mkdirSync(dirname(this.path), { recursive: true });
      fs.writeFileSync(temporary, JSON.stringify({ version: CACHE_VERSION, dbdir, packages: [...this.seen] }));
      fs.renameSync(temporary, this.path);
      this.changed = false;
    } catch {
      try {
        fs.rmSync(temporary, { force: true });
      } catch {
        // Where it could not be made, there is nothing to remove.
      }
    }
  }
}

/** The part of the core's `Universe` that is needed here. */
export interface InstalledSink {
  addInstalled(buf: Uint8Array, off: number, n: number, automatic: boolean): number;
}

/**
 * Adds all packages of PKG_DBDIR to a universe. Returns the handle of each and those that could not be added.
 * With the path of a cache only the directories that changed are read (`InstalledCache`).
 */
export function loadInstalled(
  dbdir: string,
  universe: InstalledSink,
  cache: string | null = null,
): { handles: Map<string, number>; entries: InstalledEntry[]; broken: BrokenEntry[] } {
  const { packages, broken } = readAllInstalled(dbdir, cache === null ? null : new InstalledCache(cache));
  const handles = new Map<string, number>();
  const entries: InstalledEntry[] = [];
  for (const entry of packages) {
    const record = Buffer.from(entry.record, "utf8");
    const handle = universe.addInstalled(record, 0, record.length, entry.automatic);
    if (handle < 0) {
      const path = join(dbdir, entry.name);
      const reason = `${path} is no record of a package (error ${-handle})`;
      broken.push({ name: entry.name, error: new PackageError("EBADDATA", reason, { path }) });
      continue;
    }
    handles.set(entry.name, handle);
    entries.push(entry);
  }
  return { handles, entries, broken };
}
