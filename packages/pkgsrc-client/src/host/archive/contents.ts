/**
 * What archives and the installed database need to know of a packing list (+CONTENTS): the name, the prefix, and each file with what
 * the comment behind it records.
 *
 * Neighbours: `package.ts` checks archives against it, `pkgdb/` files against it.
 * Invariant: the order of `files` is that of the list, which is also that of the archive (pkg_install add/perform.c, extract_files).
 */
import { PackageError } from "../errors";

/** A file of a packing list. */
export interface ListedFile {
  /** Relative to the prefix. */
  path: string;
  /** Lower-case hex of `@comment MD5:`, or empty. */
  md5: string;
  /** Target of `@comment Symlink:`, or null. */
  symlink: string | null;
}

/** A packing list, read. */
export interface Contents {
  name: string;
  /** The first `@cwd`. */
  prefix: string;
  files: ListedFile[];
  /** `@pkgdep` patterns in order. */
  depends: string[];
  /** `@pkgcfl` patterns in order. */
  conflicts: string[];
  /** `@pkgdir` and `@dirrm` directories, relative to the prefix, in order. */
  directories: ListedDirectory[];
  /** `@option preserve`. */
  preserve: boolean;
}

export interface ListedDirectory {
  path: string;
  /** `@pkgdir` (true): kept while a package lists it; `@dirrm` (false): removed when empty. */
  owned: boolean;
}

/**
 * Reads +CONTENTS as parse_plist of pkg_install does (lib/plist.c): trailing white space is dropped, empty lines and unknown commands
 * are skipped, `@ignore` hides the line after it.
 * Throws EBADARCHIVE when @name or @cwd is missing (add/perform.c, pkg_parse_plist) or a file comes before them.
 */
export function readContents(data: Uint8Array, where: string): Contents {
  const result: Contents = {
    name: "",
    prefix: "",
    files: [],
    depends: [],
    conflicts: [],
    directories: [],
    preserve: false,
  };
  let last: ListedFile | null = null;
  let hidden = false;
  for (const raw of Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8").split("\n")) {
    const line = raw.replace(/[ \t\r\v\f]+$/, "");
    if (line === "") continue;
    if (hidden) {
      hidden = false;
      last = null;
      continue;
    }
    if (!line.startsWith("@")) {
      last = { path: line, md5: "", symlink: null };
      result.files.push(last);
      continue;
    }
    const space = line.search(/[ \t]/);
    const command = space < 0 ? line.slice(1) : line.slice(1, space);
    const argument = space < 0 ? "" : line.slice(space).replace(/^[ \t]+/, "");
    if (command === "comment" && last !== null) {
      if (argument.startsWith("MD5:")) last.md5 = argument.slice(4).toLowerCase();
      else if (argument.startsWith("Symlink:")) last.symlink = argument.slice(8);
    }
    last = null;
    if (command === "ignore") hidden = true;
    else if (command === "name" && result.name === "") result.name = argument;
    else if ((command === "cwd" || command === "cd") && result.prefix === "") result.prefix = argument;
    else if (command === "pkgdep") result.depends.push(argument);
    else if (command === "pkgcfl") result.conflicts.push(argument);
    else if (command === "pkgdir" || command === "dirrm")
      result.directories.push({ path: argument, owned: command === "pkgdir" });
    else if (command === "option" && argument === "preserve") result.preserve = true;
  }
  if (result.name === "")
    throw new PackageError("EBADARCHIVE", `${where}: +CONTENTS has no @name`, { path: where, entry: "+CONTENTS" });
  if (result.prefix === "")
    throw new PackageError("EBADARCHIVE", `${where}: +CONTENTS has no @cwd`, { path: where, entry: "+CONTENTS" });
  return result;
}
