/**
 * The rules that every entry of a package must keep before anything is written.
 *
 * Key class: `EntryChecker`, one for each archive. Source for order and lists: pkg_install add/perform.c, extract_files ("Any misordered,
 * missing or unlisted file in the package is an error"); the rest is what keeps an archive inside its prefix.
 * Invariant: an entry that passed names a place below the prefix, reached through directories only, that no earlier entry took.
 */
import { createHash } from "node:crypto";
import { PackageError } from "../errors";
import type { PackageErrorCode } from "../errors";
import type { ListedFile } from "./contents";
import { EntryType } from "./tar";
import type { EntryHeader, TarEntry } from "./tar";

/** An entry that keeps the rules. */
export interface CheckedEntry {
  /** Path relative to the prefix, without `.`, `..` or empty parts. */
  path: string;
  header: EntryHeader;
  listed: ListedFile;
  /** The bytes of a file; throws ECHECKSUM at the end when they are not those that +CONTENTS records. */
  data: AsyncIterable<Uint8Array>;
}

/** Why a path may not be used, or an empty string. */
export function pathProblem(path: string): string {
  if (path === "") return "its name is empty";
  if (path.includes("\0")) return "its name has a NUL character";
  if (path.startsWith("/")) return "its name is absolute";
  if (Buffer.byteLength(path) > 1024) return "its name is longer than 1,024 bytes";
  for (const part of path.split("/")) {
    if (part === "..") return "its name leads out of the prefix";
    if (part === "" || part === ".") return "its name has an empty part or `.`";
  }
  return "";
}

/** Checks the entries of one archive, in order. */
export class EntryChecker {
  private position = 0;
  private readonly places: Map<string, number>;
  /** What each path met so far is; directories also when they only contain something. */
  private readonly seen = new Map<string, EntryType>();
  /** `ALGORITHM:HEX` of the files that were read, for links to them. */
  private readonly digests = new Map<string, string>();

  constructor(
    private readonly where: string,
    private readonly files: readonly ListedFile[],
  ) {
    this.places = new Map();
    files.forEach((file, index) => {
      if (this.places.has(file.path)) throw this.error("EUNSAFE", file.path, "+CONTENTS lists it twice");
      this.places.set(file.path, index);
    });
  }

  private error(code: PackageErrorCode, entry: string, reason: string): PackageError {
    return new PackageError(code, `${this.where}: ${entry}: ${reason}`, { path: this.where, entry });
  }

  /** Takes the next entry. Throws EUNSAFE or EBADARCHIVE. */
  check(entry: TarEntry): CheckedEntry {
    const { header } = entry;
    const path = header.type === EntryType.Directory ? header.name.replace(/\/$/, "") : header.name;
    const problem = pathProblem(path);
    if (problem !== "") throw this.error("EUNSAFE", header.name, problem);
    if (header.type > EntryType.Directory)
      throw this.error("EUNSAFE", path, "it is a device, a FIFO or something else that packages do not have");
    const place = this.places.get(path);
    if (place === undefined) throw this.error("EUNSAFE", path, "+CONTENTS does not list it");
    if (place < this.position) throw this.error("EUNSAFE", path, "it is there twice");
    if (place > this.position)
      throw this.error("EBADARCHIVE", path, `+CONTENTS lists ${this.files[this.position]!.path} before it`);
    this.position += 1;
    this.takePlace(path, header.type);
    const listed = this.files[place]!;
    if (header.type === EntryType.HardLink) this.checkHardLink(path, header.linkname, listed);
    if (header.type === EntryType.Symlink) this.checkSymlink(path, header.linkname, listed);
    else if (listed.symlink !== null)
      throw this.error("ECHECKSUM", path, `it must be a symbolic link to ${listed.symlink}`);
    const data = header.type === EntryType.File ? this.checkedData(path, entry.data, listed) : entry.data;
    return { path, header, listed, data };
  }

  private takePlace(path: string, type: EntryType): void {
    for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
      const parent = path.slice(0, slash);
      const known = this.seen.get(parent);
      if (known === EntryType.Symlink)
        throw this.error("EUNSAFE", path, `it would be written through the symbolic link ${parent}`);
      if (known !== undefined && known !== EntryType.Directory)
        throw this.error("EUNSAFE", path, `${parent} is a file`);
      this.seen.set(parent, EntryType.Directory);
    }
    const known = this.seen.get(path);
    if (known !== undefined && !(known === EntryType.Directory && type === EntryType.Directory)) {
      throw this.error("EUNSAFE", path, "other entries use its name as a directory");
    }
    this.seen.set(path, type);
  }

  private checkHardLink(path: string, target: string, listed: ListedFile): void {
    const problem = pathProblem(target);
    if (problem !== "") throw this.error("EUNSAFE", path, `it is a hard link to "${target}": ${problem}`);
    const known = this.seen.get(target);
    if (target === path || known === undefined || (known !== EntryType.File && known !== EntryType.HardLink)) {
      throw this.error("EUNSAFE", path, `it is a hard link to ${target}, which is no file before it in the archive`);
    }
    const found = this.digests.get(target) ?? "";
    this.compare(path, found, listed);
    this.digests.set(path, found);
  }

  private compare(path: string, found: string, listed: ListedFile): void {
    if (listed.digest === "" || found === `${listed.algorithm}:${listed.digest}`) return;
    throw this.error(
      "ECHECKSUM",
      path,
      `its checksum is ${found} and not ${listed.algorithm}:${listed.digest} as +CONTENTS records`,
    );
  }

  private checkSymlink(path: string, target: string, listed: ListedFile): void {
    if (target === "" || target.includes("\0")) throw this.error("EUNSAFE", path, "it is a symbolic link to nothing");
    if (listed.digest !== "") throw this.error("ECHECKSUM", path, "it must be a file, and is a symbolic link");
    if (listed.symlink !== null && listed.symlink !== target) {
      throw this.error("ECHECKSUM", path, `it leads to ${target} and not to ${listed.symlink} as +CONTENTS records`);
    }
  }

  private async *checkedData(
    path: string,
    data: AsyncIterable<Uint8Array>,
    listed: ListedFile,
  ): AsyncGenerator<Uint8Array> {
    // pkg_create records MD5; a file without a record is hashed for the sake of links to it.
    const algorithm = listed.algorithm || "md5";
    const hash = createHash(algorithm);
    for await (const chunk of data) {
      hash.update(chunk);
      yield chunk;
    }
    const found = `${algorithm}:${hash.digest("hex")}`;
    this.digests.set(path, found);
    this.compare(path, found, listed);
  }

  /** To be called at the end. Throws EBADARCHIVE when listed files are missing. */
  finish(): void {
    const missing = this.files[this.position];
    if (missing === undefined) return;
    const left = this.files.length - this.position;
    throw this.error(
      "EBADARCHIVE",
      missing.path,
      `+CONTENTS lists it, and the archive ends before it (${left} missing)`,
    );
  }
}
