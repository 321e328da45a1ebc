/**
 * Nodes and directory entries of tmpfs.
 *
 * Key types `TmpNode` (a file: its vnode is the node itself), `TmpEntry` (a name in a directory), `EntryTable` (all names of one
 * file system by directory and name). Neighbours: `tmpfs.ts`.
 * Invariants: a directory's entries are in the order of their cookies, and cookies are never used twice, so a scan that
 * goes on at a cookie misses and repeats nothing that was there all the time. `hint` is null or the first entry with a
 * cookie not below `hintCookie`.
 */
import { copyBytes, equalBytes, i32, imul, u32, type long } from "@anax/portable";
import type { KernelHeap } from "@anax/vm";
import type { Mount } from "../mount";
import { Vnode } from "../vnode";

/** Cookies of a directory: 0 before `.`, 1 before `..`, from here on names. */
export const FIRST_COOKIE: long = 2;

const FIRST_BUCKETS: i32 = 64;
/** Beyond this, or when the heap has no room for the table, chains get longer. */
const MAX_BUCKETS: i32 = 65536;

/** A name in a directory. Owned by the directory. */
export class TmpEntry {
  hashNext: TmpEntry | null = null;
  next: TmpEntry | null = null;
  prev: TmpEntry | null = null;
  cookie: long = 0;

  constructor(
    readonly dir: TmpNode,
    readonly name: Uint8Array,
    readonly hash: u32,
    public node: TmpNode,
  ) {}
}

/** A file of tmpfs. Lives as long as it has names or references. */
export class TmpNode extends Vnode {
  /** Distinguishes directories in the hash. */
  readonly id: u32;
  /** Pages of `object` that are counted against the file system's limit. */
  counted: u32 = 0;
  /** Nothing is left of it: no names, no references, no pages. */
  gone: boolean = false;
  /** Directories: where `..` leads, the entries, and their number. */
  parent: TmpNode | null = null;
  first: TmpEntry | null = null;
  last: TmpEntry | null = null;
  entries: i32 = 0;
  private nextCookie: long = FIRST_COOKIE;
  private hint: TmpEntry | null = null;
  private hintCookie: long = 0;

  constructor(mount: Mount, id: u32) {
    super(mount);
    this.id = id;
    this.ino = id;
  }

  /** For EntryTable alone: links a new entry behind the last one. */
  append(e: TmpEntry): void {
    e.cookie = this.nextCookie;
    this.nextCookie = this.nextCookie + 1;
    const last = this.last;
    e.prev = last;
    e.next = null;
    if (last === null) this.first = e;
    else last.next = e;
    this.last = e;
    this.entries++;
  }

  /** For EntryTable alone. */
  unlink(e: TmpEntry): void {
    const next = e.next;
    const prev = e.prev;
    if (this.hint === e) this.hint = next;
    if (prev === null) this.first = next;
    else prev.next = next;
    if (next === null) this.last = prev;
    else next.prev = prev;
    e.next = null;
    e.prev = null;
    this.entries--;
  }

  /** The first entry whose cookie is not below `cookie`, or null. */
  seek(cookie: long): TmpEntry | null {
    const last = this.last;
    if (last === null || cookie > last.cookie) return null;
    let e = this.first;
    if (this.hint !== null && cookie >= this.hintCookie) e = this.hint;
    while (e !== null && e.cookie < cookie) e = e.next;
    return e;
  }

  /** A scan will go on at `cookie`, whose first entry is `e`. */
  remember(cookie: long, e: TmpEntry | null): void {
    this.hint = e;
    this.hintCookie = cookie;
  }
}

/** All names of a file system, hashed by directory and name. Owned by the file system. */
export class EntryTable {
  private buckets: Array<TmpEntry | null> = [];
  private mask: u32 = 0;
  private count: i32 = 0;

  constructor(private readonly heap: KernelHeap) {
    this.resize(FIRST_BUCKETS);
  }

  find(dir: TmpNode, hash: u32, buf: Uint8Array, off: i32, len: i32): TmpEntry | null {
    let e = this.buckets[this.slot(dir.id, hash)];
    while (e !== null) {
      if (e.hash === hash && e.dir === dir && e.name.length === len) {
        if (equalBytes(e.name, 0, buf, off, len)) return e;
      }
      e = e.hashNext;
    }
    return null;
  }

  /** A new name for `node`; there must be none. Copies the bytes. */
  add(dir: TmpNode, hash: u32, buf: Uint8Array, off: i32, len: i32, node: TmpNode): TmpEntry {
    const name = new Uint8Array(len);
    copyBytes(name, 0, buf, off, len);
    const e = new TmpEntry(dir, name, hash, node);
    const at = this.slot(dir.id, hash);
    e.hashNext = this.buckets[at];
    this.buckets[at] = e;
    dir.append(e);
    this.count++;
    const size: i32 = this.buckets.length;
    if (this.count > size && size < MAX_BUCKETS && this.heap.room((size * 8) | 0)) this.resize((size * 2) | 0);
    return e;
  }

  remove(e: TmpEntry): void {
    const at = this.slot(e.dir.id, e.hash);
    let prev: TmpEntry | null = null;
    let cur = this.buckets[at];
    while (cur !== null && cur !== e) {
      prev = cur;
      cur = cur.hashNext;
    }
    if (prev === null) this.buckets[at] = e.hashNext;
    else prev.hashNext = e.hashNext;
    e.hashNext = null;
    e.dir.unlink(e);
    this.count--;
  }

  private slot(id: u32, hash: u32): i32 {
    const h: u32 = u32(hash ^ u32(imul(i32(id), -1640531535)));
    return i32(u32(h ^ (h >>> 16)) & this.mask);
  }

  private resize(size: i32): void {
    const old = this.buckets;
    const fresh = new Array<TmpEntry | null>(size).fill(null);
    this.buckets = fresh;
    this.mask = u32(size - 1);
    for (let i = 0; i < old.length; i++) {
      let e = old[i];
      while (e !== null) {
        const next: TmpEntry | null = e.hashNext;
        const at = this.slot(e.dir.id, e.hash);
        e.hashNext = fresh[at];
        fresh[at] = e;
        e = next;
      }
    }
  }
}
