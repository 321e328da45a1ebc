/**
 * open and close: look-up, creation, the checks of open(2), and the counts that ETXTBSY and read-only remounts need.
 *
 * Neighbours: `vfs.ts` (which calls in here), `names.ts`, `device.ts`. Invariant: each successful open is undone by one `close`
 * with the same flags; an open vnode has a reference for it.
 * Source: open(2); DragonFly sys/kern/vfs_vnops.c (vn_open).
 */
import { EASYNC, Errno, type i32 } from "@anax/portable";
import { checkAccess, type Cred } from "./cred";
import { vop } from "./filesystem";
import {
  MNT_NODEV,
  NLC_CREATE,
  NLC_DIRECTORY,
  NLC_FOLLOW,
  NLC_PARENT,
  O_ACCMODE,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_TMPFILE_BIT,
  O_TRUNC,
  O_WRONLY,
  R_OK,
  S_IFREG,
  W_OK,
  X_OK,
} from "./flags";
import type { Mount } from "./mount";
import { finishCreate, mayCreate, nameMsg } from "./names";
import { LAST_NORM, type NLookup } from "./nlookup";
import type { Vfs } from "./vfs";
import type { Vnode } from "./vnode";
import { ATTR_SIZE, Vop } from "./vop";

/** The access that the O_ACCMODE bits (and O_TRUNC) ask for. */
function wanted(flags: i32): i32 {
  const acc = flags & O_ACCMODE;
  let want: i32 = R_OK | W_OK;
  if (acc === O_RDONLY) want = R_OK;
  else if (acc === O_WRONLY) want = W_OK;
  if ((flags & O_TRUNC) !== 0) want |= W_OK;
  return want;
}

function opensForWriting(flags: i32): boolean {
  return (flags & O_ACCMODE) !== O_RDONLY && (flags & O_PATH) === 0;
}

/** Whether the look-up ended at an open file that is of no file system. */
function isBare(nd: NLookup): boolean {
  const file = nd.jump;
  return file !== null && file.vnode === null;
}

export function open(vfs: Vfs, nd: NLookup, flags: i32, mode: i32): i32 {
  nd.flags &= ~(NLC_FOLLOW | NLC_CREATE | NLC_PARENT | NLC_DIRECTORY);
  if ((flags & O_NOFOLLOW) === 0) nd.flags |= NLC_FOLLOW;
  if ((flags & O_PATH) !== 0) {
    if ((flags & O_DIRECTORY) !== 0) nd.flags |= NLC_DIRECTORY;
    const found = vfs.lookup(nd);
    if (found === 0 && !isBare(nd)) nd.vnode!.ref();
    return found;
  }
  if ((flags & O_TMPFILE_BIT) !== 0) return openUnnamed(vfs, nd, flags, mode);

  const creates = (flags & O_CREAT) !== 0;
  if (creates) {
    if ((flags & O_DIRECTORY) !== 0) return -Errno.INVAL;
    nd.flags |= NLC_CREATE;
    if ((flags & O_EXCL) !== 0) nd.flags &= ~NLC_FOLLOW;
  } else if ((flags & O_DIRECTORY) !== 0) nd.flags |= NLC_DIRECTORY;

  let error = vfs.lookup(nd);
  if (error !== 0) return error;
  if (isBare(nd)) return 0;
  if (creates) {
    if (nd.lastType !== LAST_NORM) return (flags & O_EXCL) !== 0 ? -Errno.EXIST : -Errno.ISDIR;
    if (nd.vnode === null) {
      if (nd.mustBeDir) return -Errno.ISDIR;
      error = create(vfs, nd, mode);
      if (error !== 0) return error;
    } else if ((flags & O_EXCL) !== 0) return -Errno.EXIST;
  }
  const vp = nd.vnode!;
  if (vp.isLink) return -Errno.LOOP;
  if (vp.isDir && (creates || wanted(flags) !== R_OK)) return -Errno.ISDIR;
  if (creates && nd.mustBeDir && !vp.isDir) return -Errno.NOTDIR;
  if (!nd.created) {
    error = mayOpen(nd.mount!, vp, flags, nd.cred!);
    if (error !== 0) return error;
  }
  if (vp.isChr || vp.isBlk) {
    error = openDevice(vfs, nd, vp, flags);
    if (error !== 0) return error;
  }
  error = count(vfs, vp, flags, nd.cred!);
  if (error !== 0) {
    const device = nd.device;
    nd.device = null;
    if (device !== null) device.close(flags);
    return error;
  }
  if ((flags & O_TRUNC) !== 0 && !nd.created && vp.isReg) {
    error = truncate(vfs, vp, nd.cred!);
    if (error !== 0) close(vfs, vp, flags);
  }
  return error;
}

/** O_CREAT of a name that is absent. */
function create(vfs: Vfs, nd: NLookup, mode: i32): i32 {
  if (nd.parentMount!.isReadOnly) return -Errno.ROFS;
  const dvp = nd.parent!.vnode!;
  let error = mayCreate(dvp, nd.cred!);
  if (error !== 0) return error;
  const m = nameMsg(vfs, nd, Vop.NCREATE);
  m.mode = S_IFREG | (mode & 0o7777);
  m.rdev = 0;
  error = finishCreate(vfs, nd, m, vop(dvp.mount.fs!, m));
  nd.created = error === 0;
  return error;
}

/** O_TMPFILE: a file without a name in the directory that the path leads to. */
function openUnnamed(vfs: Vfs, nd: NLookup, flags: i32, mode: i32): i32 {
  if ((flags & O_DIRECTORY) === 0 || (flags & O_CREAT) !== 0 || (flags & O_ACCMODE) === O_RDONLY) return -Errno.INVAL;
  nd.flags |= NLC_DIRECTORY;
  let error = vfs.lookup(nd);
  if (error !== 0) return error;
  const dvp = nd.vnode!;
  if (nd.mount!.isReadOnly) return -Errno.ROFS;
  error = checkAccess(nd.cred!, dvp.mode, dvp.uid, dvp.gid, W_OK | X_OK);
  if (error !== 0) return error;
  const m = vfs.takeMsg(Vop.TMPFILE);
  m.dvp = dvp;
  m.vp = null;
  m.mode = S_IFREG | (mode & 0o7777);
  m.cred = nd.cred;
  error = vop(dvp.mount.fs!, m);
  const vp = m.vp;
  vfs.giveMsg(m);
  if (error !== 0) return error;
  nd.vnode = vp;
  nd.created = true;
  return count(vfs, vp!, flags, nd.cred!);
}

/** The permission checks of an existing file: 0, -ROFS, -ACCES, -PERM (O_NOATIME), -NXIO (socket). */
function mayOpen(mount: Mount, vp: Vnode, flags: i32, cred: Cred): i32 {
  const want = wanted(flags);
  if (vp.isSock) return -Errno.NXIO;
  if ((want & W_OK) !== 0 && mount.isReadOnly && (vp.isReg || vp.isDir)) return -Errno.ROFS;
  const error = checkAccess(cred, vp.mode, vp.uid, vp.gid, want);
  if (error !== 0) return error;
  if ((vp.isChr || vp.isBlk) && (mount.flags & MNT_NODEV) !== 0) return -Errno.ACCES;
  if ((flags & O_NOATIME) !== 0 && !cred.isRoot && cred.fsuid !== vp.uid) return -Errno.PERM;
  if ((want & W_OK) !== 0 && vp.textCount > 0) return -Errno.TXTBSY;
  return 0;
}

function openDevice(vfs: Vfs, nd: NLookup, vp: Vnode, flags: i32): i32 {
  const device = vp.isChr ? vfs.devices.find(vp.rdev) : null;
  if (device === null) return -Errno.NXIO;
  const ctx = vfs.deviceOpen;
  ctx.device = device;
  ctx.vnode = vp;
  ctx.cred = nd.cred;
  ctx.flags = flags;
  const error = device.open(ctx);
  if (error < 0) return error;
  nd.device = ctx.device;
  return 0;
}

/** Counts an open and tells the file system. */
export function count(vfs: Vfs, vp: Vnode, flags: i32, cred: Cred): i32 {
  const writes = opensForWriting(flags);
  if (writes && vp.textCount > 0) return -Errno.TXTBSY;
  const m = vfs.takeMsg(Vop.OPEN);
  m.vp = vp;
  m.opflags = flags;
  m.cred = cred;
  const error = vop(vp.mount.fs!, m);
  vfs.giveMsg(m);
  if (error !== 0) return error;
  vp.ref();
  vp.openCount++;
  if (writes) {
    vp.writeCount++;
    vp.mount.writers++;
  }
  return 0;
}

export function close(vfs: Vfs, vp: Vnode, flags: i32): void {
  if ((flags & O_PATH) === 0) {
    vp.openCount--;
    if (opensForWriting(flags)) {
      vp.writeCount--;
      vp.mount.writers--;
    }
    const m = vfs.takeMsg(Vop.CLOSE);
    m.vp = vp;
    m.opflags = flags;
    vop(vp.mount.fs!, m);
    vfs.giveMsg(m);
  }
  vp.unref();
}

function truncate(vfs: Vfs, vp: Vnode, cred: Cred): i32 {
  const m = vfs.takeMsg(Vop.SETATTR);
  m.vp = vp;
  m.attrs = ATTR_SIZE;
  m.size = 0;
  m.cred = cred;
  const error = vop(vp.mount.fs!, m);
  vfs.giveMsg(m);
  return error === EASYNC ? -Errno.IO : error;
}
