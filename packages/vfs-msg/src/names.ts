/**
 * Operations on names: mkdir, mknod, symlink, link, unlink, rmdir, rename.
 *
 * Each looks its name up with NLC_PARENT, applies the rules that hold for every file system, sends one message, and then changes
 * the name cache. Neighbours: `vfs.ts` (which calls in here), `walk.ts`.
 * Invariant: nothing is changed in the cache before the file system has finished its part.
 * Source: POSIX.1-2017 mkdir, link, unlink, rmdir, rename; rename(2); DragonFly sys/kern/vfs_syscalls.c (kern_rename).
 */
import { Errno, type i32, type u32 } from "@anax/portable";
import { checkAccess, type Cred } from "./cred";
import { vop } from "./filesystem";
import {
  NLC_CREATE,
  NLC_FOLLOW,
  NLC_PARENT,
  PATH_MAX,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_ISVTX,
  W_OK,
  X_OK,
} from "./flags";
import type { Mount } from "./mount";
import type { Ncp } from "./namecache";
import { LAST_DOT, LAST_DOTDOT, LAST_NORM, LAST_ROOT, type NLookup } from "./nlookup";
import type { Vfs } from "./vfs";
import type { Vnode } from "./vnode";
import { Vop, type VopMsg } from "./vop";

/** A message about the last name of `nd`. */
export function nameMsg(vfs: Vfs, nd: NLookup, cmd: i32): VopMsg {
  const m = vfs.takeMsg(cmd);
  m.dvp = nd.parent!.vnode;
  m.vp = null;
  m.buf = nd.buf;
  m.off = nd.lastOff;
  m.len = nd.lastLen;
  m.hash = nd.lastHash;
  m.cred = nd.cred;
  return m;
}

/** Whether a name may be made in the directory: 0, -ACCES, -NOENT when the directory is gone. */
export function mayCreate(dvp: Vnode, cred: Cred): i32 {
  if (dvp.nlink === 0) return -Errno.NOENT;
  return checkAccess(cred, dvp.mode, dvp.uid, dvp.gid, W_OK | X_OK);
}

/** Whether the name of `vp` may be removed from the directory: 0, -ACCES, -PERM (sticky), -NOTDIR, -ISDIR, -BUSY. */
function mayRemove(dvp: Vnode, ncp: Ncp, vp: Vnode, cred: Cred, asDir: boolean): i32 {
  const error = checkAccess(cred, dvp.mode, dvp.uid, dvp.gid, W_OK | X_OK);
  if (error < 0) return error;
  if ((dvp.mode & S_ISVTX) !== 0 && !cred.isRoot && cred.fsuid !== vp.uid && cred.fsuid !== dvp.uid) return -Errno.PERM;
  if (asDir && !vp.isDir) return -Errno.NOTDIR;
  if (!asDir && vp.isDir) return -Errno.ISDIR;
  if (ncp.mountedHere !== null) return -Errno.BUSY;
  return 0;
}

/** Looks up a name that must not exist yet. 0, -EXIST, -NOENT (a slash behind what is no directory), -ROFS, -ACCES. */
function lookupNew(vfs: Vfs, nd: NLookup, isDir: boolean): i32 {
  nd.flags = (nd.flags | NLC_PARENT | NLC_CREATE) & ~NLC_FOLLOW;
  const error = vfs.lookup(nd);
  if (error !== 0) return error;
  if (nd.lastType !== LAST_NORM || nd.vnode !== null) return -Errno.EXIST;
  if (nd.mustBeDir && !isDir) return -Errno.NOENT;
  if (nd.parentMount!.isReadOnly) return -Errno.ROFS;
  return mayCreate(nd.parent!.vnode!, nd.cred!);
}

/** The file system made `m.vp`: enters it as the name's vnode. */
export function finishCreate(vfs: Vfs, nd: NLookup, m: VopMsg, error: i32): i32 {
  const vp = m.vp;
  vfs.giveMsg(m);
  if (error !== 0) return error;
  vfs.cache.setVnode(nd.ncp!, vp);
  nd.vnode = vp;
  return 0;
}

export function mkdir(vfs: Vfs, nd: NLookup, mode: i32): i32 {
  let error = lookupNew(vfs, nd, true);
  if (error !== 0) return error;
  const m = nameMsg(vfs, nd, Vop.NMKDIR);
  m.mode = S_IFDIR | (mode & 0o1777);
  error = vop(nd.parent!.vnode!.mount.fs!, m);
  return finishCreate(vfs, nd, m, error);
}

export function mknod(vfs: Vfs, nd: NLookup, mode: i32, rdev: u32): i32 {
  const type: i32 = (mode & S_IFMT) === 0 ? S_IFREG : mode & S_IFMT;
  if (type === S_IFDIR) return -Errno.PERM;
  if (type === S_IFLNK || (type & 0o030000) === 0o030000) return -Errno.INVAL;
  let error = lookupNew(vfs, nd, false);
  if (error !== 0) return error;
  const isDevice = type === S_IFCHR || type === S_IFBLK;
  if (isDevice && !nd.cred!.isRoot) return -Errno.PERM;
  const m = nameMsg(vfs, nd, type === S_IFREG ? Vop.NCREATE : Vop.NMKNOD);
  m.mode = type | (mode & 0o7777);
  m.rdev = isDevice ? rdev : 0;
  error = vop(nd.parent!.vnode!.mount.fs!, m);
  return finishCreate(vfs, nd, m, error);
}

export function symlink(vfs: Vfs, nd: NLookup, text: Uint8Array, off: i32, len: i32): i32 {
  if (len === 0) return -Errno.NOENT;
  if (len >= PATH_MAX) return -Errno.NAMETOOLONG;
  let error = lookupNew(vfs, nd, false);
  if (error !== 0) return error;
  const m = nameMsg(vfs, nd, Vop.NSYMLINK);
  m.mode = S_IFLNK | 0o777;
  m.data = text;
  m.dataOff = off;
  m.dataLen = len;
  error = vop(nd.parent!.vnode!.mount.fs!, m);
  return finishCreate(vfs, nd, m, error);
}

export function link(vfs: Vfs, nd: NLookup, fromMount: Mount, from: Vnode): i32 {
  let error = lookupNew(vfs, nd, false);
  if (error !== 0) return error;
  if (fromMount !== nd.parentMount || from.mount !== nd.parent!.vnode!.mount) return -Errno.XDEV;
  if (from.isDir) return -Errno.PERM;
  const m = nameMsg(vfs, nd, Vop.NLINK);
  m.vp = from;
  error = vop(from.mount.fs!, m);
  m.vp = from;
  return finishCreate(vfs, nd, m, error);
}

export function unlink(vfs: Vfs, nd: NLookup): i32 {
  nd.flags = (nd.flags | NLC_PARENT) & ~NLC_FOLLOW;
  let error = vfs.lookup(nd);
  if (error !== 0) return error;
  if (nd.lastType !== LAST_NORM) return -Errno.ISDIR;
  const vp = nd.vnode;
  if (vp === null) return -Errno.NOENT;
  if (nd.mustBeDir) return vp.isDir ? -Errno.ISDIR : -Errno.NOTDIR;
  if (nd.parentMount!.isReadOnly) return -Errno.ROFS;
  error = mayRemove(nd.parent!.vnode!, nd.ncp!, vp, nd.cred!, false);
  if (error !== 0) return error;
  return remove(vfs, nd, vp, Vop.NREMOVE);
}

export function rmdir(vfs: Vfs, nd: NLookup): i32 {
  nd.flags = (nd.flags | NLC_PARENT) & ~NLC_FOLLOW;
  let error = vfs.lookup(nd);
  if (error !== 0) return error;
  if (nd.lastType === LAST_DOT) return -Errno.INVAL;
  if (nd.lastType === LAST_DOTDOT) return -Errno.NOTEMPTY;
  if (nd.lastType === LAST_ROOT) return -Errno.BUSY;
  const vp = nd.vnode;
  if (vp === null) return -Errno.NOENT;
  if (nd.parentMount!.isReadOnly) return -Errno.ROFS;
  error = mayRemove(nd.parent!.vnode!, nd.ncp!, vp, nd.cred!, true);
  if (error !== 0) return error;
  return remove(vfs, nd, vp, Vop.NRMDIR);
}

function remove(vfs: Vfs, nd: NLookup, vp: Vnode, cmd: i32): i32 {
  const m = nameMsg(vfs, nd, cmd);
  m.vp = vp;
  const error = vop(vp.mount.fs!, m);
  vfs.giveMsg(m);
  if (error !== 0) return error;
  vfs.cache.removed(nd.ncp!);
  nd.vnode = null;
  return 0;
}

/** Whether `above` is `ncp` or one of its parents. */
function isAbove(above: Ncp, ncp: Ncp): boolean {
  let at: Ncp | null = ncp;
  while (at !== null) {
    if (at === above) return true;
    at = at.parent;
  }
  return false;
}

export function rename(vfs: Vfs, from: NLookup, to: NLookup, flags: i32): i32 {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0) return -Errno.INVAL;
  if (flags === (RENAME_NOREPLACE | RENAME_EXCHANGE)) return -Errno.INVAL;
  const swap = (flags & RENAME_EXCHANGE) !== 0;
  from.flags = (from.flags | NLC_PARENT) & ~NLC_FOLLOW;
  to.flags = (to.flags | NLC_PARENT | NLC_CREATE) & ~NLC_FOLLOW;
  let error = vfs.lookup(from);
  if (error !== 0) return error;
  error = vfs.lookupAgain(to);
  if (error !== 0) return error;
  if (from.lastType !== LAST_NORM) return -Errno.BUSY;
  if (to.lastType !== LAST_NORM) return (flags & RENAME_NOREPLACE) !== 0 ? -Errno.EXIST : -Errno.BUSY;
  if (from.parentMount !== to.parentMount) return -Errno.XDEV;
  const vp = from.vnode;
  if (vp === null) return -Errno.NOENT;
  const old = to.vnode;
  if (old !== null && (flags & RENAME_NOREPLACE) !== 0) return -Errno.EXIST;
  if (old === null && swap) return -Errno.NOENT;
  if (!vp.isDir && (from.mustBeDir || (!swap && to.mustBeDir))) return -Errno.NOTDIR;
  if (swap && to.mustBeDir && !old!.isDir) return -Errno.NOTDIR;
  const source = from.ncp!;
  const target = to.ncp!;
  if (isAbove(source, to.parent!)) return -Errno.INVAL;
  if (isAbove(target, from.parent!)) return swap ? -Errno.INVAL : -Errno.NOTEMPTY;
  if (from.parentMount!.isReadOnly) return -Errno.ROFS;
  if (vp === old) return 0;

  const cred = from.cred!;
  const dvp = from.parent!.vnode!;
  const dvp2 = to.parent!.vnode!;
  error = mayRemove(dvp, source, vp, cred, vp.isDir);
  if (error !== 0) return error;
  if (old === null) error = mayCreate(dvp2, cred);
  else error = mayRemove(dvp2, target, old, cred, swap ? old.isDir : vp.isDir);
  if (error !== 0) return error;
  // A directory that moves has its ".." rewritten.
  if (dvp !== dvp2) {
    if (vp.isDir) error = checkAccess(cred, vp.mode, vp.uid, vp.gid, W_OK);
    if (error === 0 && swap && old!.isDir) error = checkAccess(cred, old!.mode, old!.uid, old!.gid, W_OK);
    if (error !== 0) return error;
  }

  const m = nameMsg(vfs, from, Vop.NRENAME);
  m.vp = vp;
  m.dvp2 = dvp2;
  m.vp2 = old;
  m.buf2 = to.buf;
  m.off2 = to.lastOff;
  m.len2 = to.lastLen;
  m.hash2 = to.lastHash;
  m.opflags = flags;
  error = vop(vp.mount.fs!, m);
  vfs.giveMsg(m);
  if (error !== 0) return error;
  if (swap) vfs.cache.exchange(source, target);
  else {
    vfs.cache.destroy(target);
    vfs.cache.move(source, to.parent!, to.lastHash, to.buf, to.lastOff, to.lastLen);
  }
  return 0;
}
