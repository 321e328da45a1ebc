/**
 * Packing lists (+CONTENTS): what a package installs, in order, with commands between the files.
 *
 * A line that begins with `@` is a command: the first of the table below whose name it goes on with, without case and without a blank being needed
 * (so `@cwd/usr/pkg` is one); the argument loses the white space around it. Every other line is a file, without the white space behind it. Blank lines
 * and unknown commands mean nothing, but they stay: a list that was read is written back to the byte.
 * Source: pkg_install, lib/plist.c (plist_cmd, parse_plist), lib/file.c (format_cmd), pkg_create(1).
 *
 *     const list = new PackingList(bytes);
 *     const w = new PlistWalker(list);
 *     while (w.next()) { w.kind, w.argAt, w.argLength, w.cwd..., w.expand(out) }
 *
 * Key types: `PackingList`, `PlistWalker`. Neighbours: `host/transaction/` applies lists, `host/archive/` makes them.
 * Invariant: the lines of a list, one behind the other, are its text.
 */
import { copyBytes, Errno, i32, type TextBuilder } from "@anax/portable";
import { compareBytes } from "./dewey";
import { IntVec } from "./solver/int-vec";

export enum PlistKind {
  FILE = 0,
  /** Directory of the files that follow. */
  CWD = 1,
  /** The same for pkg_create alone. */
  SRC = 2,
  EXEC = 3,
  UNEXEC = 4,
  /** Permissions, owner, group of the files that follow; without an argument those of the archive. */
  MODE = 5,
  OWNER = 6,
  GROUP = 7,
  COMMENT = 8,
  /** The line behind it is a file of the archive that is not installed. */
  IGNORE = 9,
  NAME = 10,
  DISPLAY = 11,
  PKGDEP = 12,
  PKGCFL = 13,
  /** A directory to make, and to remove when the last package that lists it goes. */
  PKGDIR = 14,
  /** A directory to remove when it is empty. */
  DIRRM = 15,
  OPTION = 16,
  BLDDEP = 17,
  BLANK = 18,
  UNKNOWN = 19,
}

/** What a comment behind a file says about it. */
export enum FileNote {
  NONE = 0,
  MD5 = 1,
  SYMLINK = 2,
  RMD160 = 3,
  SHA1 = 4,
  SHA256 = 5,
  SHA512 = 6,
}

/** Words of a line: where it is, where its argument is. */
const LINE_WORDS: i32 = 5;

function isSpace(c: i32): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}

/** Does `buf[at, end)` go on with `word`, in lower case or not? */
function startsWith(buf: Uint8Array, at: i32, end: i32, word: string, fold: boolean): boolean {
  const n = word.length;
  if (((end - at) | 0) < n) return false;
  for (let i = 0; i < n; i++) {
    let c = i32(buf[at + i]);
    if (fold && c >= 65 && c <= 90) c |= 32;
    if (c !== word.charCodeAt(i)) return false;
  }
  return true;
}

/** The name of a command, "" for what is none. */
export function plistCommand(kind: PlistKind): string {
  switch (kind) {
    case PlistKind.CWD:
      return "cwd";
    case PlistKind.SRC:
      return "src";
    case PlistKind.EXEC:
      return "exec";
    case PlistKind.UNEXEC:
      return "unexec";
    case PlistKind.MODE:
      return "mode";
    case PlistKind.OWNER:
      return "owner";
    case PlistKind.GROUP:
      return "group";
    case PlistKind.COMMENT:
      return "comment";
    case PlistKind.IGNORE:
      return "ignore";
    case PlistKind.NAME:
      return "name";
    case PlistKind.DISPLAY:
      return "display";
    case PlistKind.PKGDEP:
      return "pkgdep";
    case PlistKind.PKGCFL:
      return "pkgcfl";
    case PlistKind.PKGDIR:
      return "pkgdir";
    case PlistKind.DIRRM:
      return "dirrm";
    case PlistKind.OPTION:
      return "option";
    case PlistKind.BLDDEP:
      return "blddep";
    default:
      return "";
  }
}

function commandAt(buf: Uint8Array, at: i32, end: i32): PlistKind {
  for (let k: i32 = PlistKind.CWD; k <= PlistKind.BLDDEP; k++) {
    if (startsWith(buf, at, end, plistCommand(k), true)) return k;
  }
  // The old name of @cwd.
  return startsWith(buf, at, end, "cd", true) ? PlistKind.CWD : PlistKind.UNKNOWN;
}

/** A packing list. Its bytes belong to it. */
export class PackingList {
  /** The text; arguments are ranges of it. What `setArgument` and `append` put is behind the text that was read. */
  bytes: Uint8Array;
  private used: i32 = 0;
  private readonly words: IntVec = new IntVec(64);

  /** Reads a list from its text, which is copied. Any bytes are a list. */
  constructor(text: Uint8Array) {
    const n: i32 = text.length;
    const bytes = new Uint8Array(n);
    copyBytes(bytes, 0, text, 0, n);
    this.bytes = bytes;
    this.used = n;
    let start: i32 = 0;
    for (let i = 0; i < n; i++) {
      if (bytes[i] !== 10) continue;
      this.addLine(start, (i + 1) | 0);
      start = (i + 1) | 0;
    }
    if (start < n) this.addLine(start, n);
  }

  /** Lines. */
  get count(): i32 {
    return (this.words.length / LINE_WORDS) | 0;
  }

  /** The line [start, end), its newline included. */
  private addLine(start: i32, end: i32): void {
    const b = this.bytes;
    let to = end;
    while (to > start && isSpace(i32(b[to - 1]))) to = (to - 1) | 0;
    let kind = PlistKind.BLANK;
    let from = start;
    if (to > start) {
      kind = PlistKind.FILE;
      if (b[start] === 64) {
        kind = commandAt(b, (start + 1) | 0, to);
        if (kind === PlistKind.UNKNOWN) {
          from = (start + 1) | 0;
        } else {
          // `cd` is shorter than the name it stands for.
          const length: i32 = startsWith(b, (start + 1) | 0, to, "cd", true) ? 2 : plistCommand(kind).length;
          from = (start + 1 + length) | 0;
          while (from < to && isSpace(i32(b[from]))) from = (from + 1) | 0;
        }
      }
    }
    this.words.push(kind);
    this.words.push(start);
    this.words.push((end - start) | 0);
    this.words.push(from);
    this.words.push((to - from) | 0);
  }

  kindOf(line: i32): PlistKind {
    return this.words.get((line * LINE_WORDS) | 0);
  }

  /** The argument of a command, or the name of a file: its offset in `bytes`. */
  argAt(line: i32): i32 {
    return this.words.get((line * LINE_WORDS + 3) | 0);
  }

  argLength(line: i32): i32 {
    return this.words.get((line * LINE_WORDS + 4) | 0);
  }

  /** The first line of a kind at or behind `from`, or -1. */
  find(kind: PlistKind, from: i32): i32 {
    const n = this.count;
    for (let i = from; i < n; i++) if (this.kindOf(i) === kind) return i;
    return -1;
  }

  /** Is there `@option` with this argument? */
  hasOption(option: Uint8Array): boolean {
    for (let i = this.find(PlistKind.OPTION, 0); i >= 0; i = this.find(PlistKind.OPTION, (i + 1) | 0)) {
      if (compareBytes(this.bytes, this.argAt(i), this.argLength(i), option, 0, option.length) === 0) return true;
    }
    return false;
  }

  /** What a comment says about the file before it. */
  noteOf(line: i32): FileNote {
    if (this.kindOf(line) !== PlistKind.COMMENT) return FileNote.NONE;
    const at = this.argAt(line);
    const end: i32 = (at + this.argLength(line)) | 0;
    for (let n: i32 = FileNote.MD5; n <= FileNote.SHA512; n++) {
      if (startsWith(this.bytes, at, end, noteHeader(n), false)) return n;
    }
    return FileNote.NONE;
  }

  /** Gives a line a new argument (`@cwd` of a package that goes elsewhere); the rest of the list stays as it is. */
  setArgument(line: i32, argument: Uint8Array): void {
    this.replace(line, this.kindOf(line), argument);
  }

  /** Adds a line at the end; the last line gets the newline that it may lack. */
  append(kind: PlistKind, argument: Uint8Array): void {
    const n = this.count;
    if (n > 0) {
      const at = this.words.get(((n - 1) * LINE_WORDS + 1) | 0);
      const length = this.words.get(((n - 1) * LINE_WORDS + 2) | 0);
      if (this.bytes[at + length - 1] !== 10) this.terminate((n - 1) | 0, at, length);
    }
    for (let i = 0; i < LINE_WORDS; i++) this.words.push(0);
    this.replace(n, kind, argument);
  }

  private room(n: i32): i32 {
    const at = this.used;
    const need: i32 = (at + n) | 0;
    if (need > this.bytes.length) {
      const grown = new Uint8Array((need * 2) | 0);
      copyBytes(grown, 0, this.bytes, 0, at);
      this.bytes = grown;
    }
    this.used = need;
    return at;
  }

  /** Copies a line without newline to where there is room for one. */
  private terminate(line: i32, at: i32, length: i32): void {
    const to = this.room((length + 1) | 0);
    copyBytes(this.bytes, to, this.bytes, at, length);
    this.bytes[to + length] = 10;
    const w: i32 = (line * LINE_WORDS) | 0;
    const moved: i32 = (to - at) | 0;
    this.words.set((w + 1) | 0, to);
    this.words.set((w + 2) | 0, (length + 1) | 0);
    this.words.set((w + 3) | 0, (this.words.get((w + 3) | 0) + moved) | 0);
  }

  private replace(line: i32, kind: PlistKind, argument: Uint8Array): void {
    const name = plistCommand(kind);
    const n: i32 = argument.length;
    const head: i32 = kind === PlistKind.FILE ? 0 : (name.length + (n > 0 ? 2 : 1)) | 0;
    const at = this.room((head + n + 1) | 0);
    const b = this.bytes;
    if (head > 0) {
      b[at] = 64;
      for (let i = 0; i < name.length; i++) b[at + 1 + i] = name.charCodeAt(i);
      if (n > 0) b[at + head - 1] = 32;
    }
    copyBytes(b, (at + head) | 0, argument, 0, n);
    b[at + head + n] = 10;
    const w: i32 = (line * LINE_WORDS) | 0;
    this.words.set(w, kind);
    this.words.set((w + 1) | 0, at);
    this.words.set((w + 2) | 0, (head + n + 1) | 0);
    this.words.set((w + 3) | 0, (at + head) | 0);
    this.words.set((w + 4) | 0, n);
  }

  /** Writes the list: the bytes that were read, but for the lines that were changed. */
  write(out: TextBuilder): void {
    const n = this.count;
    for (let i = 0; i < n; i++) {
      out.raw(this.bytes, this.words.get((i * LINE_WORDS + 1) | 0), this.words.get((i * LINE_WORDS + 2) | 0));
    }
  }
}

/** What stands before the value of a note. */
export function noteHeader(n: FileNote): string {
  switch (n) {
    case FileNote.MD5:
      return "MD5:";
    case FileNote.SYMLINK:
      return "Symlink:";
    case FileNote.RMD160:
      return "RMD160:";
    case FileNote.SHA1:
      return "SHA1:";
    case FileNote.SHA256:
      return "SHA256:";
    case FileNote.SHA512:
      return "SHA512:";
    default:
      return "";
  }
}

const NOTHING: i32 = -1;

/**
 * Goes through a list as pkg_add and pkg_delete do: knows the directory, mode, owner and group that hold, and leaves out what `@ignore` hides, blank lines
 * and unknown commands. Offsets are into `list.bytes`; -1 when there is none.
 */
export class PlistWalker {
  line: i32 = NOTHING;
  kind: PlistKind = PlistKind.BLANK;
  argAt: i32 = NOTHING;
  argLength: i32 = 0;
  cwdAt: i32 = NOTHING;
  cwdLength: i32 = 0;
  modeAt: i32 = NOTHING;
  modeLength: i32 = 0;
  ownerAt: i32 = NOTHING;
  ownerLength: i32 = 0;
  groupAt: i32 = NOTHING;
  groupLength: i32 = 0;
  /** The last file before this line, or this one. */
  fileAt: i32 = NOTHING;
  fileLength: i32 = 0;
  /** At a file: what the comment right behind it says, and its value. */
  note: FileNote = FileNote.NONE;
  noteAt: i32 = NOTHING;
  noteLength: i32 = 0;

  constructor(private readonly list: PackingList) {}

  /** Goes to the next line that means something. False at the end. */
  next(): boolean {
    const list = this.list;
    for (let i: i32 = (this.line + 1) | 0; i < list.count; i++) {
      const kind = list.kindOf(i);
      this.line = i;
      if (kind === PlistKind.BLANK || kind === PlistKind.UNKNOWN) continue;
      if (kind === PlistKind.IGNORE) {
        // The line that it hides may come after blank ones.
        while (i + 1 < list.count && list.kindOf((i + 1) | 0) >= PlistKind.BLANK) i++;
        if (i + 1 < list.count) i++;
        this.line = i;
        continue;
      }
      this.kind = kind;
      this.argAt = list.argAt(i);
      this.argLength = list.argLength(i);
      this.take(kind, i);
      return true;
    }
    return false;
  }

  private take(kind: PlistKind, line: i32): void {
    const at: i32 = this.argLength > 0 ? this.argAt : NOTHING;
    if (kind === PlistKind.FILE) {
      this.fileAt = this.argAt;
      this.fileLength = this.argLength;
      this.readNote((line + 1) | 0);
    } else if (kind === PlistKind.CWD) {
      this.cwdAt = at;
      this.cwdLength = this.argLength;
    } else if (kind === PlistKind.MODE) {
      this.modeAt = at;
      this.modeLength = this.argLength;
    } else if (kind === PlistKind.OWNER) {
      this.ownerAt = at;
      this.ownerLength = this.argLength;
    } else if (kind === PlistKind.GROUP) {
      this.groupAt = at;
      this.groupLength = this.argLength;
    }
  }

  private readNote(line: i32): void {
    const list = this.list;
    this.note = line < list.count ? list.noteOf(line) : FileNote.NONE;
    this.noteAt = NOTHING;
    this.noteLength = 0;
    if (this.note === FileNote.NONE) return;
    const header: i32 = noteHeader(this.note).length;
    this.noteAt = (list.argAt(line) + header) | 0;
    this.noteLength = (list.argLength(line) - header) | 0;
  }

  /**
   * Writes the argument of this line with its place holders filled in, quoted for the shell: %D the directory, %F the last file, %B the directory part of
   * %D/%F and %f the rest. Other bytes behind % stay. 0, or -ENOENT when there is no directory or file to put.
   */
  expand(out: TextBuilder): i32 {
    const b = this.list.bytes;
    const end: i32 = (this.argAt + this.argLength) | 0;
    for (let i = this.argAt; i < end; i++) {
      const c = i32(b[i]);
      if (c !== 37 || i + 1 >= end) {
        out.byte(c);
        continue;
      }
      i++;
      const holder = i32(b[i]);
      if (holder !== 68 && holder !== 70 && holder !== 66 && holder !== 102) {
        out.byte(37).byte(holder);
        continue;
      }
      if (holder !== 70 && this.cwdAt < 0) return -Errno.NOENT;
      if (holder !== 68 && this.fileAt < 0) return -Errno.NOENT;
      this.fill(holder, out);
    }
    return 0;
  }

  private fill(holder: i32, out: TextBuilder): void {
    const b = this.list.bytes;
    let slash: i32 = (this.fileLength - 1) | 0;
    while (slash >= 0 && b[this.fileAt + slash] !== 47) slash = (slash - 1) | 0;
    if (holder === 68) quote(b, this.cwdAt, this.cwdLength, b, 0, 0, out);
    else if (holder === 70) quote(b, this.fileAt, this.fileLength, b, 0, 0, out);
    else if (holder === 102) quote(b, (this.fileAt + slash + 1) | 0, (this.fileLength - slash - 1) | 0, b, 0, 0, out);
    else if (slash < 0) quote(b, this.cwdAt, this.cwdLength, b, 0, 0, out);
    else quote(b, this.cwdAt, this.cwdLength, b, this.fileAt, slash, out);
  }
}

function isShellSafe(c: i32): boolean {
  if ((c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57) || c >= 128) return true;
  return (
    c === 47 || c === 46 || c === 45 || c === 95 || c === 43 || c === 44 || c === 58 || c === 64 || c === 37 || c === 61
  );
}

function areShellSafe(b: Uint8Array, at: i32, n: i32): boolean {
  for (let i = 0; i < n; i++) if (!isShellSafe(i32(b[at + i]))) return false;
  return true;
}

/** Writes the first range, and with `/` between them the second one if it has bytes, as one word of a shell command. */
function quote(b: Uint8Array, at: i32, n: i32, b2: Uint8Array, at2: i32, n2: i32, out: TextBuilder): void {
  const safe = ((n + n2) | 0) > 0 && areShellSafe(b, at, n) && areShellSafe(b2, at2, n2);
  if (!safe) out.byte(39);
  quotePart(b, at, n, safe, out);
  if (n2 > 0) {
    out.byte(47);
    quotePart(b2, at2, n2, safe, out);
  }
  if (!safe) out.byte(39);
}

function quotePart(b: Uint8Array, at: i32, n: i32, safe: boolean, out: TextBuilder): void {
  if (safe) {
    out.raw(b, at, n);
    return;
  }
  for (let i = 0; i < n; i++) {
    if (b[at + i] === 39) out.str("'\\''");
    else out.byte(i32(b[at + i]));
  }
}
