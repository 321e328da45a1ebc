/**
 * The installed packages as records in the form of pkg_summary(5), for the core's `Universe`.
 *
 * Key functions: `installedRecord` (one package), `loadInstalled` (all of PKG_DBDIR).
 * Source: pkg_install info/show.c, show_summary (what `pkg_info -X` prints), lib/automatic.c (the flag).
 * Invariant: a package whose files cannot be read or understood is reported and left out; it never stops the others.
 */
import fs from "node:fs";
import { join } from "node:path";
import { readVariables } from "../archive/metadata";
import { codeOf, ioError, PackageError } from "../errors";
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
export function readAllInstalled(dbdir: string): { packages: InstalledEntry[]; broken: BrokenEntry[] } {
  const packages: InstalledEntry[] = [];
  const broken: BrokenEntry[] = [];
  for (const name of installedNames(dbdir)) {
    try {
      packages.push(readInstalled(dbdir, name));
    } catch (error) {
      broken.push({ name, error: error instanceof PackageError ? error : ioError("read", join(dbdir, name), error) });
    }
  }
  return { packages, broken };
}

/** The part of the core's `Universe` that is needed here. */
export interface InstalledSink {
  addInstalled(buf: Uint8Array, off: number, n: number, automatic: boolean): number;
}

/**
 * Adds all packages of PKG_DBDIR to a universe. Returns the handle of each and those that could not be added.
 */
export function loadInstalled(
  dbdir: string,
  universe: InstalledSink,
): { handles: Map<string, number>; entries: InstalledEntry[]; broken: BrokenEntry[] } {
  const { packages, broken } = readAllInstalled(dbdir);
  const handles = new Map<string, number>();
  const entries: InstalledEntry[] = [];
  for (const entry of packages) {
    const record = Buffer.from(entry.record, "utf8");
    const handle = universe.addInstalled(record, 0, record.length, entry.automatic);
    if (handle < 0) {
      const path = join(dbdir, entry.name);
      broken.push({
        name: entry.name,
        error: new PackageError("EBADDATA", `${path} is no record of a package (error ${-handle})`, { path }),
      });
      continue;
    }
    handles.set(entry.name, handle);
    entries.push(entry);
  }
  return { handles, entries, broken };
}
