/**
 * Look-ups: from a path to a name and a vnode.
 *
 * Key types `NLookup` (one look-up: what to find, and what was found), `OpenFile` (an open file that a magic link leads
 * to). Neighbours: `vfs.ts` (the walk is `Vfs#lookup`), kern (fills in path, start, root and credentials).
 * Invariants: an `NLookup` is reused and holds no references; what it found is borrowed and stays valid until the next
 * look-up or change of names through the same `Vfs`. Who keeps it copies it into an `NcHandle` or takes a reference.
 * Source: DragonFly sys/sys/nlookup.h, sys/kern/vfs_nlookup.c; path_resolution(7).
 */
import { copyBytes, type i32, type u32 } from "@anax/portable";
import type { Cred } from "./cred";
import type { CharDevice } from "./device";
import { PATH_MAX } from "./flags";
import type { Mount } from "./mount";
import type { NcHandle, Ncp } from "./namecache";
import type { Vnode } from "./vnode";

/** Base class of kern's open file descriptions: what /proc/PID/fd/N leads to when it has no name. */
export abstract class OpenFile {
  /** Its vnode, when it is a file of a file system. */
  vnode: Vnode | null = null;
}

/** Kind of the last component. */
export const LAST_NORM: i32 = 0;
export const LAST_DOT: i32 = 1;
export const LAST_DOTDOT: i32 = 2;
/** The path was "/" (or only slashes). */
export const LAST_ROOT: i32 = 3;

/**
 * A look-up. Owned by its LWP or its kernel; one look-up at a time.
 *
 * | field | set by | meaning |
 * |---|---|---|
 * | buf, off, len | caller | the path, without NUL; both buffers have PATH_MAX bytes and are used up by symbolic links |
 * | start | caller | where a relative path starts (working directory, or the directory of an *at call) |
 * | root | caller | what "/" means |
 * | cred, flags | caller | who asks; NLC_* |
 * | mount, ncp, vnode | look-up | what was found; `vnode` null: the name is absent (NLC_CREATE, NLC_PARENT) |
 * | parent | look-up | name of the directory the last component was looked up in (below the same mount as `parentMount`) |
 * | lastOff, lastLen, lastHash, lastType | look-up | the last component in `buf` |
 * | mustBeDir | look-up | the path ended in a slash |
 * | jump | look-up | an open file without a name that a magic link led to; `vnode` is its vnode if it has one, else the link |
 * | device | `Vfs#open` | the device behind a device node, after its `open` |
 */
export class NLookup {
  buf: Uint8Array = new Uint8Array(PATH_MAX);
  off: i32 = 0;
  len: i32 = 0;
  start: NcHandle | null = null;
  root: NcHandle | null = null;
  cred: Cred | null = null;
  flags: i32 = 0;

  mount: Mount | null = null;
  ncp: Ncp | null = null;
  vnode: Vnode | null = null;
  parent: Ncp | null = null;
  parentMount: Mount | null = null;
  lastOff: i32 = 0;
  lastLen: i32 = 0;
  lastHash: u32 = 0;
  lastType: i32 = 0;
  mustBeDir: boolean = false;
  jump: OpenFile | null = null;
  device: CharDevice | null = null;
  /** Whether `Vfs#open` made the file. */
  created: boolean = false;

  /** Symbolic links followed, and the buffer that the next one is spliced into. */
  links: i32 = 0;
  spare: Uint8Array | null = null;

  /** Readies the look-up; the caller then puts the path into `buf` and its length into `len`. */
  init(start: NcHandle, root: NcHandle, cred: Cred, flags: i32): void {
    this.start = start;
    this.root = root;
    this.cred = cred;
    this.flags = flags;
    this.off = 0;
    this.len = 0;
  }

  /** Forgets what was found. */
  reset(): void {
    this.mount = null;
    this.ncp = null;
    this.vnode = null;
    this.parent = null;
    this.parentMount = null;
    this.jump = null;
    this.device = null;
    this.created = false;
    this.mustBeDir = false;
    this.links = 0;
    this.lastType = LAST_NORM;
    this.lastOff = 0;
    this.lastLen = 0;
  }

  /** Copies a path in. False when it does not fit (-NAMETOOLONG). */
  setPath(buf: Uint8Array, off: i32, len: i32): boolean {
    if (len >= PATH_MAX) return false;
    copyBytes(this.buf, 0, buf, off, len);
    this.off = 0;
    this.len = len;
    return true;
  }

  /** A path from the source text. */
  setString(path: string): void {
    for (let i = 0; i < path.length; i++) this.buf[i] = path.charCodeAt(i);
    this.off = 0;
    this.len = path.length;
  }

  /** Puts what was found into a handle. */
  into(h: NcHandle): void {
    h.set(this.mount!, this.ncp!);
  }
}
