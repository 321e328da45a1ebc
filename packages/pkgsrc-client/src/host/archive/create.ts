/**
 * Making binary packages, as pkg_create does: the same input gives the same bytes.
 *
 * Key functions: `packageContents` (the packing list), `createPackage` (a stream), `writePackage` (a file).
 * Source: pkg_install create/perform.c (order of the list), create/pl.c (checksums), create/build.c (order of the archive).
 * Invariant: what is made passes `verifyPackage`.
 */
import { createHash } from "node:crypto";
import { PackageError } from "../errors";
import { writeFileAtomic } from "../fs";
import { pathProblem } from "./checks";
import { Compression, compress, PACKAGE_SUFFIX } from "./compression";
import type { CompressOptions } from "./compression";
import { METADATA_FILES, metadataIndex } from "./metadata";
import { EntryType, writeTar } from "./tar";
import type { TarOutput } from "./tar";

/** A file to put in a package; exactly one of `content`, `symlink`, `hardlink` is given. */
export interface FileInput {
  /** Relative to the prefix. */
  path: string;
  content?: Uint8Array | string;
  /** Target of a symbolic link. */
  symlink?: string;
  /** Path, relative to the prefix, of a file before this one. */
  hardlink?: string;
  /** Permission bits; default 0o644. */
  mode?: number;
  owner?: string;
  group?: string;
  /** Packing list lines behind the file and its checksum, as `@exec touch %D/%F`. */
  commands?: readonly string[];
}

/** What a package is made from. */
export interface PackageInput {
  /** `NAME-VERSION`. */
  name: string;
  /** Default `/usr/pkg`. */
  prefix?: string;
  comment?: string;
  description?: string;
  depends?: readonly string[];
  /** Packages that the dependencies stood for when it was built; they become `@blddep`. */
  buildDepends?: readonly string[];
  conflicts?: readonly string[];
  /** Variables of +BUILD_INFO; several values of one variable are several lines. */
  buildInfo?: Readonly<Record<string, string | readonly string[]>>;
  /** Packing list lines before the files (`@option preserve`, `@comment ...`). */
  commands?: readonly string[];
  /** `@pkgdir` lines behind the files, relative to the prefix. */
  directories?: readonly string[];
  files?: readonly FileInput[];
  /** Other metadata: `+INSTALL`, `+DEINSTALL`, `+DISPLAY`, `+BUILD_VERSION`, `+PRESERVE`, ...; +SIZE_PKG and +SIZE_ALL are made when absent. */
  metadata?: Readonly<Record<string, string | Uint8Array>>;
  /** Seconds since 1970 of every entry; default 0. */
  mtime?: number;
}

function bytesOf(content: string | Uint8Array): Buffer {
  return typeof content === "string"
    ? Buffer.from(content, "utf8")
    : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

function md5(data: Uint8Array): string {
  return createHash("md5").update(data).digest("hex");
}

/** Metadata files other than +CONTENTS, in the order of the archive. */
function metadataOf(input: PackageInput): [string, Buffer][] {
  const size = (input.files ?? []).reduce(
    (sum, file) => sum + (file.content === undefined ? 0 : bytesOf(file.content).length),
    0,
  );
  const all = new Map<string, Buffer>([
    ["+COMMENT", bytesOf(`${input.comment ?? input.name}\n`)],
    ["+DESC", bytesOf(`${input.description ?? input.comment ?? input.name}\n`)],
    ["+SIZE_PKG", bytesOf(`${size}\n`)],
    ["+SIZE_ALL", bytesOf(`${size}\n`)],
  ]);
  if (input.buildInfo !== undefined) {
    const lines = Object.entries(input.buildInfo).flatMap(([name, value]) =>
      (typeof value === "string" ? [value] : value).map((v) => `${name}=${v}\n`),
    );
    all.set("+BUILD_INFO", bytesOf(lines.join("")));
  }
  for (const [name, content] of Object.entries(input.metadata ?? {})) {
    if (metadataIndex(name) < 1)
      throw new PackageError("EBADDATA", `${input.name}: ${name} is no metadata file`, { entry: name });
    all.set(name, bytesOf(content));
  }
  return [...all].sort((a, b) => metadataIndex(a[0]) - metadataIndex(b[0]));
}

/** The packing list of a package, with checksums. Throws EUNSAFE for files that a package may not have. */
export function packageContents(input: PackageInput): string {
  const lines = [`@name ${input.name}`, `@cwd ${input.prefix ?? "/usr/pkg"}`];
  for (const name of input.buildDepends ?? []) lines.push(`@blddep ${name}`);
  for (const pattern of input.depends ?? []) lines.push(`@pkgdep ${pattern}`);
  for (const pattern of input.conflicts ?? []) lines.push(`@pkgcfl ${pattern}`);
  lines.push(...(input.commands ?? []));
  const sums = new Map<string, string>();
  for (const file of input.files ?? []) {
    const problem = pathProblem(file.path);
    if (problem !== "" || file.path.startsWith("@") || file.path.includes("\n")) {
      throw new PackageError(
        "EUNSAFE",
        `${input.name}: ${file.path}: ${problem || "a packing list cannot hold this name"}`,
        { entry: file.path },
      );
    }
    lines.push(file.path);
    if (file.symlink !== undefined) {
      lines.push(`@comment Symlink:${file.symlink}`);
    } else {
      const sum = file.hardlink === undefined ? md5(bytesOf(file.content ?? "")) : sums.get(file.hardlink);
      if (sum === undefined)
        throw new PackageError("EUNSAFE", `${input.name}: ${file.path}: no file ${file.hardlink} stands before it`, {
          entry: file.path,
        });
      sums.set(file.path, sum);
      lines.push(`@comment MD5:${sum}`);
    }
    lines.push(...(file.commands ?? []));
  }
  for (const directory of input.directories ?? []) lines.push(`@pkgdir ${directory}`);
  lines.push("@cwd .");
  for (const [name] of metadataOf(input)) {
    lines.push("@ignore", name);
    if (name === "+DISPLAY") lines.push("@display +DISPLAY");
  }
  return `${lines.join("\n")}\n`;
}

function* entriesOf(input: PackageInput): Generator<TarOutput> {
  const common = { mtime: input.mtime ?? 0, uname: "root", gname: "wheel", uid: 0, gid: 0 };
  const contents = bytesOf(packageContents(input));
  for (const [name, data] of [["+CONTENTS", contents] as [string, Buffer], ...metadataOf(input)]) {
    const mode = METADATA_FILES[metadataIndex(name)]!.mode;
    yield { ...common, name, type: EntryType.File, mode, size: data.length, data };
  }
  for (const file of input.files ?? []) {
    const owner = { ...common, uname: file.owner ?? "root", gname: file.group ?? "wheel", name: file.path };
    const mode = file.mode ?? 0o644;
    if (file.symlink !== undefined)
      yield { ...owner, type: EntryType.Symlink, mode: file.mode ?? 0o777, size: 0, linkname: file.symlink };
    else if (file.hardlink !== undefined)
      yield { ...owner, type: EntryType.HardLink, mode, size: 0, linkname: file.hardlink };
    else {
      const data = bytesOf(file.content ?? "");
      yield { ...owner, type: EntryType.File, mode, size: data.length, data };
    }
  }
}

/** A binary package as a stream. */
export function createPackage(
  input: PackageInput,
  compression: Compression = Compression.Gzip,
  options: CompressOptions = {},
): AsyncIterable<Uint8Array> {
  return compress(writeTar(entriesOf(input)), compression, options);
}

/** Writes a binary package `NAME.SUFFIX` into `directory`; returns its path. */
export async function writePackage(
  directory: string,
  input: PackageInput,
  compression: Compression = Compression.Gzip,
  options: CompressOptions = {},
): Promise<string> {
  const path = `${directory}/${input.name}${PACKAGE_SUFFIX[compression]!}`;
  await writeFileAtomic(path, createPackage(input, compression, options));
  return path;
}
