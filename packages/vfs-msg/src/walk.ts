/**
 * The walk: from a path to a name, component by component through the name cache.
 *
 * Neighbours: `nlookup.ts` (what goes in and comes out), `vfs.ts` (`Vfs#lookup`). A component that is in the cache costs one
 * pass over its bytes (end and hash at once), one search in the hash table and no message.
 * Invariants: no name is thrown out during a walk (the cache is trimmed before it starts); each directory that is searched
 * was checked for search permission; `..` never leaves the root.
 * Source: path_resolution(7), openat2(2); DragonFly sys/kern/vfs_nlookup.c.
 */
import { Errno, copyBytes, imul, unchecked, type i32, type u32 } from "@anax/portable";
import { checkAccess } from "./cred";
import { vop } from "./filesystem";
import {
  E_STALE,
  MAXSYMLINKS,
  NAME_MAX,
  NLC_BENEATH,
  NLC_CREATE,
  NLC_DIRECTORY,
  NLC_EMPTY,
  NLC_FOLLOW,
  NLC_IN_ROOT,
  NLC_NO_MAGICLINKS,
  NLC_NO_SYMLINKS,
  NLC_NO_XDEV,
  NLC_PARENT,
  PATH_MAX,
  X_OK,
} from "./flags";
import { MNTK_NONEGATIVE, MNTK_REVALIDATE, type Mount } from "./mount";
import { NCF_DESTROYED, NCF_MOUNTPT, NCF_UNRESOLVED, type NcHandle, type Ncp } from "./namecache";
import { LAST_DOT, LAST_DOTDOT, LAST_ROOT, type NLookup } from "./nlookup";
import type { Vfs } from "./vfs";
import { VN_DEAD, VN_MAGIC, type Vnode } from "./vnode";
import { Vop } from "./vop";

const SLASH: i32 = 47;
const DOT: i32 = 46;

/**
 * Walks `nd`'s path. 0, or -NOENT, -NOTDIR, -ACCES, -LOOP, -NAMETOOLONG, -XDEV (NLC_BENEATH, NLC_NO_XDEV), what the file
 * system answered, or EASYNC. With NLC_CREATE or NLC_PARENT an absent last name is a result (`nd.vnode` null).
 */
export function walk(vfs: Vfs, nd: NLookup): i32 {
  nd.reset();
  const start = nd.start!;
  const base = (nd.flags & NLC_IN_ROOT) !== 0 ? start : nd.root!;
  const cred = nd.cred!;
  if (nd.len >= PATH_MAX) return -Errno.NAMETOOLONG;
  if (nd.len === 0) {
    if ((nd.flags & NLC_EMPTY) === 0) return -Errno.NOENT;
    nd.lastType = LAST_DOT;
    return finish(nd, start.mount!, start.ncp!);
  }

  let buf: Uint8Array = nd.buf;
  let pos: i32 = nd.off;
  let end: i32 = (nd.off + nd.len) | 0;
  let mount: Mount = start.mount!;
  let dir: Ncp = start.ncp!;
  if (buf[pos] === SLASH) {
    if ((nd.flags & NLC_BENEATH) !== 0) return -Errno.XDEV;
    mount = base.mount!;
    dir = base.ncp!;
  }

  while (pos <= end) {
    while (pos < end && buf[pos] === SLASH) pos++;
    if (pos >= end) {
      nd.lastType = LAST_ROOT;
      nd.mustBeDir = true;
      return finish(nd, mount, dir);
    }
    const dvp = dir.vnode;
    if (dvp === null) return -Errno.NOENT;
    if (!dvp.isDir) return -Errno.NOTDIR;
    // Everybody may search a directory with all three search bits.
    if ((dvp.mode & 0o111) !== 0o111) {
      const denied = checkAccess(cred, dvp.mode, dvp.uid, dvp.gid, X_OK);
      if (denied < 0) return denied;
    }

    // The component's end and its hash in one pass; the same function as `hashName`.
    const from = pos;
    let h: i32 = 0x811c9dc5 | 0;
    while (pos < end) {
      const c: i32 = unchecked(buf[pos]);
      if (c === SLASH) break;
      h = imul(h ^ c, 0x01000193);
      pos++;
    }
    const hash: u32 = h >>> 0;
    const n: i32 = (pos - from) | 0;
    let next = pos;
    while (next < end && buf[next] === SLASH) next++;
    const last = next >= end;
    const slash = next > pos;

    if (n <= 2 && buf[from] === DOT) {
      if (n === 1) {
        if (last) {
          nd.lastType = LAST_DOT;
          nd.mustBeDir = true;
          return finish(nd, mount, dir);
        }
        pos = next;
        continue;
      }
      if (buf[from + 1] === DOT) {
        nd.mount = mount;
        nd.ncp = dir;
        const refused = stepUp(vfs, nd, start, base);
        if (refused !== 0) return refused;
        mount = nd.mount!;
        dir = nd.ncp!;
        if (last) {
          nd.lastType = LAST_DOTDOT;
          nd.mustBeDir = true;
          return finish(nd, mount, dir);
        }
        pos = next;
        continue;
      }
    }

    if (n > NAME_MAX) return -Errno.NAMETOOLONG;
    let child = vfs.cache.find(dir, hash, buf, from, n);
    if (child === null) {
      if ((dir.flags & NCF_DESTROYED) !== 0) return -Errno.NOENT;
      child = vfs.cache.create(dir, hash, buf, from, n);
    } else if (stale(vfs, child, dvp, buf, from, n, hash)) {
      vfs.cache.destroy(child);
      child = vfs.cache.create(dir, hash, buf, from, n);
    }
    if ((child.flags & NCF_UNRESOLVED) !== 0) {
      const error = resolve(vfs, nd, child, dvp, buf, from, n, hash);
      if (error !== 0) return error;
    }

    if (last) {
      nd.parent = dir;
      nd.parentMount = mount;
      nd.lastOff = from;
      nd.lastLen = n;
      nd.lastHash = hash;
      nd.mustBeDir = slash;
      if ((nd.flags & NLC_PARENT) !== 0) {
        nd.mount = mount;
        nd.ncp = child;
        nd.vnode = child.vnode;
        return 0;
      }
    }
    const vp = child.vnode;
    if (vp === null) {
      if (!last || (nd.flags & NLC_CREATE) === 0) return -Errno.NOENT;
      nd.mount = mount;
      nd.ncp = child;
      return 0;
    }

    if (vp.isLink && (!last || slash || (nd.flags & NLC_FOLLOW) !== 0)) {
      if ((nd.flags & NLC_NO_SYMLINKS) !== 0) return -Errno.LOOP;
      nd.links++;
      if (nd.links > MAXSYMLINKS) return -Errno.LOOP;
      if ((vp.flags & VN_MAGIC) !== 0) {
        if ((nd.flags & (NLC_NO_MAGICLINKS | NLC_BENEATH | NLC_IN_ROOT)) !== 0) return -Errno.LOOP;
        const error = jump(vfs, nd, vp);
        if (error !== 0) return error;
        if (nd.jump !== null) {
          const target = nd.jump!.vnode;
          nd.mount = target !== null ? target.mount : mount;
          nd.ncp = child;
          nd.vnode = target !== null ? target : vp;
          return last && !slash && (nd.flags & NLC_DIRECTORY) === 0 ? 0 : -Errno.NOTDIR;
        }
        mount = vfs.scratch.mount!;
        dir = vfs.scratch.ncp!;
        vfs.scratch.clear();
        if (last) return finish(nd, mount, dir);
        pos = next;
        continue;
      }
      const total = splice(vfs, nd, vp, pos, end);
      if (total < 0) return total;
      buf = nd.buf;
      pos = 0;
      end = total;
      if (buf[0] === SLASH) {
        if ((nd.flags & NLC_BENEATH) !== 0) return -Errno.XDEV;
        mount = base.mount!;
        dir = base.ncp!;
      }
      continue;
    }

    while ((child!.flags & NCF_MOUNTPT) !== 0) {
      const over = vfs.mounts.find(mount, child!);
      if (over === null) break;
      if ((nd.flags & NLC_NO_XDEV) !== 0) return -Errno.XDEV;
      mount = over;
      child = over.root;
    }
    if (last) return finish(nd, mount, child!);
    dir = child!;
    pos = next;
  }
  return -Errno.NOENT;
}

/** `..` of `nd.mount`, `nd.ncp`, across mounts, not above `base`. 0 or -XDEV. */
function stepUp(vfs: Vfs, nd: NLookup, start: NcHandle, base: NcHandle): i32 {
  let mount: Mount = nd.mount!;
  let dir: Ncp = nd.ncp!;
  let below = true;
  while (below) {
    if (mount === base.mount && dir === base.ncp) {
      if ((nd.flags & NLC_BENEATH) !== 0) return -Errno.XDEV;
      below = false;
    } else if ((nd.flags & NLC_BENEATH) !== 0 && mount === start.mount && dir === start.ncp) {
      return -Errno.XDEV;
    } else if (dir !== mount.root) {
      const up = dir.parent;
      if (up !== null) dir = up;
      below = false;
    } else {
      const onMount = mount.on.mount;
      if (onMount === null) below = false;
      else {
        if ((nd.flags & NLC_NO_XDEV) !== 0) return -Errno.XDEV;
        dir = mount.on.ncp!;
        mount = onMount;
      }
    }
  }
  let over = vfs.mounts.find(mount, dir);
  while (over !== null) {
    mount = over;
    dir = over.root!;
    over = vfs.mounts.find(mount, dir);
  }
  nd.mount = mount;
  nd.ncp = dir;
  return 0;
}

/** The walk ends at an existing name. */
function finish(nd: NLookup, mount: Mount, ncp: Ncp): i32 {
  const vp = ncp.vnode;
  if (vp === null) return -Errno.NOENT;
  nd.mount = mount;
  nd.ncp = ncp;
  nd.vnode = vp;
  if ((nd.mustBeDir || (nd.flags & NLC_DIRECTORY) !== 0) && !vp.isDir) return -Errno.NOTDIR;
  return 0;
}

/** Whether a name that was found must be thrown away because its file is gone behind the cache's back. */
function stale(vfs: Vfs, child: Ncp, dvp: Vnode, buf: Uint8Array, off: i32, len: i32, hash: u32): boolean {
  const vp = child.vnode;
  if (vp === null) return false;
  if ((vp.flags & VN_DEAD) !== 0) return true;
  const home = dvp.mount;
  if ((home.kflags & MNTK_REVALIDATE) === 0) return false;
  const m = vfs.takeMsg(Vop.REVALIDATE);
  m.dvp = dvp;
  m.vp = vp;
  m.buf = buf;
  m.off = off;
  m.len = len;
  m.hash = hash;
  const error = vop(home.fs!, m);
  vfs.giveMsg(m);
  return error === -E_STALE;
}

/** Asks the file system what the name is. */
function resolve(vfs: Vfs, nd: NLookup, child: Ncp, dvp: Vnode, buf: Uint8Array, off: i32, len: i32, hash: u32): i32 {
  const home = dvp.mount;
  const m = vfs.takeMsg(Vop.NRESOLVE);
  m.dvp = dvp;
  m.vp = null;
  m.buf = buf;
  m.off = off;
  m.len = len;
  m.hash = hash;
  m.cred = nd.cred;
  const error = vop(home.fs!, m);
  const vp = m.vp;
  vfs.giveMsg(m);
  if (error === 0) {
    vfs.cache.setVnode(child, vp);
    return 0;
  }
  if (error !== -Errno.NOENT) return error;
  if ((home.kflags & (MNTK_NONEGATIVE | MNTK_REVALIDATE)) === 0) vfs.cache.setVnode(child, null);
  return 0;
}

/** Follows a magic link: to `vfs.scratch`, or to `nd.jump`. */
function jump(vfs: Vfs, nd: NLookup, vp: Vnode): i32 {
  const m = vfs.takeMsg(Vop.JUMP);
  m.vp = vp;
  m.cred = nd.cred;
  m.handle = vfs.scratch;
  m.nd = nd;
  const error = vop(vp.mount.fs!, m);
  vfs.giveMsg(m);
  if (error === 0 && nd.jump === null && vfs.scratch.vnode === null) return -Errno.NOENT;
  return error;
}

/** Puts a link's text in front of the rest of the path (`pos` to `end` of the buffer). Returns the new length. */
function splice(vfs: Vfs, nd: NLookup, vp: Vnode, pos: i32, end: i32): i32 {
  let spare = nd.spare;
  if (spare === null) {
    spare = new Uint8Array(PATH_MAX);
    nd.spare = spare;
  }
  const rest: i32 = (end - pos) | 0;
  const target = vp.target;
  let n: i32 = 0;
  if (target !== null) {
    n = target.length;
    if (((n + rest) | 0) >= PATH_MAX) return -Errno.NAMETOOLONG;
    copyBytes(spare, 0, target, 0, n);
  } else {
    n = vfs.readlinkVnode(vp, spare, 0, PATH_MAX);
    if (n < 0) return n;
    if (((n + rest) | 0) >= PATH_MAX) return -Errno.NAMETOOLONG;
  }
  if (n === 0) return -Errno.NOENT;
  copyBytes(spare, n, nd.buf, pos, rest);
  nd.spare = nd.buf;
  nd.buf = spare;
  nd.off = 0;
  return (n + rest) | 0;
}
