/**
 * Package files named on the command line, as a repository of their own: `pkgc install ./foo-1.0.tgz`, as pkg_add takes them.
 *
 * Key function: {@link addLocalPackage}. Neighbours: `catalog.ts`, `../pkgdb/installed.ts` (records from metadata).
 * Invariant: a file is read like any other package: what it claims is checked when it is unpacked.
 */
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { openPackage } from "../archive/package";
import { PackageError } from "../errors";
import { installedRecord } from "../pkgdb/installed";
import type { Catalog } from "./catalog";

/** Preferred to every repository: this very file was asked for. */
const LOCAL_PRIORITY = 1_000_000;

/** Variables that a summary must have, and that an old package may lack in its +BUILD_INFO. */
const REQUIRED = "BUILD_DATE CATEGORIES MACHINE_ARCH OPSYS OS_VERSION PKGPATH PKGTOOLS_VERSION".split(" ");

/** Does the word name a package file? Patterns have no slash and no such suffix. */
export function isPackageFile(word: string): boolean {
  return /\.(tgz|tbz|tbz2|txz|tzst|tar)$/.test(word) && (word.includes("/") || fs.existsSync(word));
}

/** Adds a package file to the universe. Returns its full name. @throws PackageError ENOENT, EBADARCHIVE, ... */
export async function addLocalPackage(catalog: Catalog, file: string): Promise<string> {
  const absolute = path.resolve(file);
  const reader = await openPackage(absolute);
  await reader.close();
  const { metadata, contents } = reader;
  const read = (name: string): Buffer | null => metadata.get(name) ?? null;
  const record = installedRecord(contents.name, {
    contents: metadata.get("+CONTENTS")!,
    comment: read("+COMMENT"),
    description: read("+DESC"),
    buildInfo: read("+BUILD_INFO"),
    size: read("+SIZE_PKG") ?? Buffer.from("0\n"),
  }).trimEnd();
  const missing = REQUIRED.filter((name) => !record.includes(`\n${name}=`)).map((name) => `\n${name}=unknown`);
  const own = `\nFILE_NAME=${path.basename(absolute)}\nFILE_SIZE=${fs.statSync(absolute).size}`;
  const text = Buffer.from(`${record}${missing.join("")}${own}\n\n`, "utf8");
  const { universe } = catalog;
  const before = universe.count;
  catalog.addRepository({ url: pathToFileURL(path.dirname(absolute)).href, priority: LOCAL_PRIORITY }, text);
  if (universe.count !== before + 1) {
    throw new PackageError("EBADARCHIVE", `${file}: its metadata makes no record of a package`, { path: file });
  }
  return contents.name;
}
