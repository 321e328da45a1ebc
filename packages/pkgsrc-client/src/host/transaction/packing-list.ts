/**
 * A packing list as a transaction needs it: what to do, in order, with absolute targets.
 *
 * Files carry what `@mode`, `@owner` and `@group` before them say and what the comment behind them records; `@ignore` hides the line after
 * it; commands that only describe are left out.
 * Key types: {@link PackingList}, {@link ListItem}. Neighbours: `stage.ts` (unpacks by it), `apply.ts` (walks it).
 * Invariant: every target lies in the prefix: no `..`, no absolute name.
 */
import path from "node:path";
import { TextBuilder } from "@anax/portable";
import { FileNote, PackingList as Plist, PlistKind, PlistWalker } from "../../plist";
import { pathProblem } from "../archive/checks";
import { TransactionError } from "./errors";

export interface FileItem {
  readonly kind: "file";
  /** As in the list and the archive, relative to the prefix. */
  readonly name: string;
  /** Absolute, with the destination directory. */
  readonly target: string;
  /** Lower-case hexadecimal, "" when the list has none. */
  readonly md5: string;
  /** Target of a symbolic link, null for other files or when the list does not say. */
  readonly link: string | null;
  /** Arguments of `@mode`, `@owner`, `@group`; "" for what the archive says. */
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}

export type ListItem =
  | FileItem
  /** `@exec` or `@unexec`, its place holders filled in. */
  | { readonly kind: "exec" | "unexec"; readonly command: string }
  /** `@pkgdir`: kept while a package lists it. `@dirrm`: removed when empty. */
  | { readonly kind: "pkgdir" | "dirrm"; readonly name: string; readonly target: string };

export interface PackingList {
  /** Full name, `@name`. */
  readonly name: string;
  /** Where the package goes: the first `@cwd`, or what took its place. Without the destination directory. */
  readonly prefix: string;
  /** The first `@cwd` as it stands in the list. */
  readonly builtPrefix: string;
  readonly items: readonly ListItem[];
  readonly depends: readonly string[];
  readonly conflicts: readonly string[];
  /** The text with its first `@cwd` as `prefix` says. */
  readonly contents: Uint8Array;
}

/** @throws TransactionError EBADPACKAGE for names that leave their directory */
export function safeJoin(dir: string, name: string, where: string): string {
  const problem = pathProblem(name);
  if (problem !== "")
    throw new TransactionError("EBADPACKAGE", `${where}: the packing list names "${name}": ${problem}`);
  return path.posix.join(dir, name);
}

/**
 * Reads +CONTENTS.
 * @param prefix takes the place of the first `@cwd` as `pkg_add -p` does; "" keeps it
 * @param destdir in front of every target; "" for none
 * @throws TransactionError EBADPACKAGE
 */
export function readPackingList(contents: Uint8Array, prefix: string, destdir: string, where: string): PackingList {
  const list = new Plist(contents);
  const items: ListItem[] = [];
  const depends: string[] = [];
  const conflicts: string[] = [];
  const first = list.find(PlistKind.CWD, 0);
  if (first < 0) throw new TransactionError("EBADPACKAGE", `${where}: the packing list has no @cwd`);
  const text = (at: number, length: number): string =>
    at < 0 ? "" : Buffer.from(list.bytes.buffer, list.bytes.byteOffset + at, length).toString("utf8");
  const builtPrefix = text(list.argAt(first), list.argLength(first));
  if (!builtPrefix.startsWith("/") || builtPrefix.split("/").includes("..")) {
    throw new TransactionError("EBADPACKAGE", `${where}: @cwd ${builtPrefix} is not an absolute directory`);
  }
  const cwd = (prefix === "" ? path.posix.normalize(builtPrefix) : prefix).replace(/(.)\/$/, "$1");
  if (prefix !== "") list.setArgument(first, Buffer.from(cwd, "utf8"));
  const top = path.posix.join("/", destdir, cwd);
  const w = new PlistWalker(list);
  let name = "";
  while (w.next()) {
    const argument = text(w.argAt, w.argLength);
    switch (w.kind) {
      case PlistKind.FILE:
        // pkg_add looks at the first @cwd only (pkg_parse_plist); at the end every list has `@cwd .` for its metadata.
        items.push({
          kind: "file",
          name: argument,
          target: safeJoin(top, argument, where),
          md5: w.note === FileNote.MD5 ? text(w.noteAt, w.noteLength).toLowerCase() : "",
          link: w.note === FileNote.SYMLINK ? text(w.noteAt, w.noteLength) : null,
          mode: text(w.modeAt, w.modeLength),
          owner: text(w.ownerAt, w.ownerLength),
          group: text(w.groupAt, w.groupLength),
        });
        break;
      case PlistKind.EXEC:
      case PlistKind.UNEXEC: {
        const command = new TextBuilder(256);
        if (w.expand(command) < 0) {
          throw new TransactionError("EBADPACKAGE", `${where}: "${argument}" needs a file or directory before it`);
        }
        items.push({
          kind: w.kind === PlistKind.EXEC ? "exec" : "unexec",
          command: Buffer.from(command.bytes.subarray(0, command.length)).toString("utf8"),
        });
        break;
      }
      case PlistKind.PKGDIR:
      case PlistKind.DIRRM:
        items.push({
          kind: w.kind === PlistKind.PKGDIR ? "pkgdir" : "dirrm",
          name: argument,
          target: safeJoin(top, argument, where),
        });
        break;
      case PlistKind.NAME:
        if (name === "") name = argument;
        break;
      case PlistKind.PKGDEP:
        depends.push(argument);
        break;
      case PlistKind.PKGCFL:
        conflicts.push(argument);
        break;
      default:
        break;
    }
  }
  if (name === "") throw new TransactionError("EBADPACKAGE", `${where}: the packing list has no @name`);
  const written = new TextBuilder(contents.length + 256);
  list.write(written);
  return {
    name,
    prefix: cwd,
    builtPrefix: path.posix.normalize(builtPrefix),
    contents: written.bytes.slice(0, written.length),
    items,
    depends,
    conflicts,
  };
}

/** The files of a list, in order. */
export function filesOf(list: PackingList): FileItem[] {
  return list.items.filter((item): item is FileItem => item.kind === "file");
}
