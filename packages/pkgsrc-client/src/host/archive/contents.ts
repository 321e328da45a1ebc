/**
 * What archives and the installed database need to know of a packing list (+CONTENTS): the name, the prefix, and each file with what
 * the comment behind it records.
 *
 * Neighbours: `package.ts` checks archives against it, `pkgdb/` files against it.
 * Invariant: the order of `files` is that of the list, which is also that of the archive (pkg_install add/perform.c, extract_files).
 */
import { FileNote, PackingList, PlistKind, PlistWalker } from "../../plist";
import { PackageError } from "../errors";

/** A file of a packing list. */
export interface ListedFile {
  /** Relative to the prefix. */
  path: string;
  /** Algorithm of `digest` as node:crypto calls it (`md5` in all that pkg_create makes), or empty. */
  algorithm: string;
  /** Lower-case hex of `@comment MD5:` (SHA1, RMD160, SHA256, SHA512), or empty. */
  digest: string;
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

/** A number of a digest's note to its name in node:crypto. */
const DIGESTS: ReadonlyMap<FileNote, string> = new Map([
  [FileNote.MD5, "md5"],
  [FileNote.RMD160, "ripemd160"],
  [FileNote.SHA1, "sha1"],
  [FileNote.SHA256, "sha256"],
  [FileNote.SHA512, "sha512"],
]);

/**
 * Reads +CONTENTS by the core's `PlistWalker`.
 * Throws EBADARCHIVE when @name or @cwd is missing (add/perform.c, pkg_parse_plist).
 */
export function readContents(data: Uint8Array, where: string): Contents {
  const list = new PackingList(data);
  const walker = new PlistWalker(list);
  const text = (at: number, length: number): string =>
    at < 0 ? "" : Buffer.from(list.bytes.buffer, list.bytes.byteOffset + at, length).toString("utf8");
  const result: Contents = {
    name: "",
    prefix: "",
    files: [],
    depends: [],
    conflicts: [],
    directories: [],
    preserve: false,
  };
  while (walker.next()) {
    const argument = text(walker.argAt, walker.argLength);
    switch (walker.kind) {
      case PlistKind.FILE: {
        const note = text(walker.noteAt, walker.noteLength);
        const algorithm = DIGESTS.get(walker.note) ?? "";
        const digest = algorithm === "" ? "" : note.toLowerCase();
        result.files.push({
          path: argument,
          algorithm,
          digest,
          symlink: walker.note === FileNote.SYMLINK ? note : null,
        });
        break;
      }
      case PlistKind.NAME:
        if (result.name === "") result.name = argument;
        break;
      case PlistKind.CWD:
        if (result.prefix === "") result.prefix = argument;
        break;
      case PlistKind.PKGDEP:
        result.depends.push(argument);
        break;
      case PlistKind.PKGCFL:
        result.conflicts.push(argument);
        break;
      case PlistKind.PKGDIR:
      case PlistKind.DIRRM:
        result.directories.push({ path: argument, owned: walker.kind === PlistKind.PKGDIR });
        break;
      case PlistKind.OPTION:
        if (argument === "preserve") result.preserve = true;
        break;
      default:
        break;
    }
  }
  if (result.name === "")
    throw new PackageError("EBADARCHIVE", `${where}: +CONTENTS has no @name`, { path: where, entry: "+CONTENTS" });
  if (result.prefix === "")
    throw new PackageError("EBADARCHIVE", `${where}: +CONTENTS has no @cwd`, { path: where, entry: "+CONTENTS" });
  return result;
}
