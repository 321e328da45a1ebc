/**
 * The names of procfs: a tree of the fixed ones, and one list each for a process's and a thread's directory.
 *
 * Key types `ProcEntry` (a name, what it is, what makes its contents), `ProcNode` (its vnode, with the process it is about).
 * Neighbours: `procfs.ts`, `system.ts`, `process.ts` (contents by kind). Invariant: an entry's kind is in exactly one of the lists.
 */
import { bytesOf, equalBytes, type i32, type long } from "@anax/portable";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../flags";
import type { Mount } from "../mount";
import { Vnode } from "../vnode";
import type { ProcFile } from "./source";

/** Directories. */
export const PK_DIR: i32 = 1;
export const PK_ROOT: i32 = 2;
export const PK_PID: i32 = 3;
export const PK_TASKS: i32 = 4;
export const PK_TASK: i32 = 5;
export const PK_FDS: i32 = 6;
export const PK_FDINFOS: i32 = 7;
/** Symbolic links. */
export const PK_SELF: i32 = 10;
export const PK_THREAD_SELF: i32 = 11;
export const PK_TEXT_LINK: i32 = 12;
export const PK_EXE: i32 = 13;
export const PK_CWD: i32 = 14;
export const PK_ROOT_LINK: i32 = 15;
export const PK_FD: i32 = 16;
/** A registered file. */
export const PK_FILE: i32 = 20;
/** A fixed text. */
export const PK_TEXT: i32 = 21;
export const PK_FDINFO: i32 = 22;
/** From here on files of the system (`system.ts`), from PK_PROCESS on files of a process (`process.ts`). */
export const PK_SYSTEM: i32 = 100;
export const PK_PROCESS: i32 = 200;

/** A name. Owned by the file system. */
export class ProcEntry {
  readonly name: Uint8Array;
  readonly children: ProcEntry[] = [];
  file: ProcFile | null = null;
  /** PK_TEXT, PK_TEXT_LINK. */
  text: string = "";

  constructor(
    name: string,
    readonly kind: i32,
    /** Type and permission bits. */
    readonly mode: i32,
    /** Distinguishes entries in inode numbers. */
    readonly serial: i32,
  ) {
    this.name = bytesOf(name);
  }

  get isDir(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }

  child(buf: Uint8Array, off: i32, len: i32): ProcEntry | null {
    for (let i = 0; i < this.children.length; i++) {
      const c = this.children[i];
      if (c.name.length === len && equalBytes(c.name, 0, buf, off, len)) return c;
    }
    return null;
  }
}

/** Makes the entries with their serial numbers. */
export class EntryMaker {
  private serial: i32 = 1;

  make(name: string, kind: i32, mode: i32): ProcEntry {
    const e = new ProcEntry(name, kind, mode, this.serial);
    this.serial++;
    return e;
  }

  dir(parent: ProcEntry, name: string, kind: i32, perms: i32): ProcEntry {
    const e = this.make(name, kind, S_IFDIR | perms);
    parent.children.push(e);
    return e;
  }

  file(parent: ProcEntry, name: string, kind: i32, perms: i32): ProcEntry {
    const e = this.make(name, kind, S_IFREG | perms);
    parent.children.push(e);
    return e;
  }

  text(parent: ProcEntry, name: string, text: string): ProcEntry {
    const e = this.file(parent, name, PK_TEXT, 0o444);
    e.text = text;
    return e;
  }

  link(parent: ProcEntry, name: string, kind: i32): ProcEntry {
    const e = this.make(name, kind, S_IFLNK | 0o777);
    parent.children.push(e);
    return e;
  }
}

/** A vnode of procfs: an entry, seen for a process (and a thread or a descriptor). Made for each look-up. */
export class ProcNode extends Vnode {
  constructor(
    mount: Mount,
    readonly entry: ProcEntry,
    readonly pid: i32,
    /** Thread; 0 for the whole process. */
    readonly tid: i32,
    readonly fd: i32,
    /** Start of the process: the same pid later is another one. */
    readonly start: long,
  ) {
    super(mount);
  }
}
