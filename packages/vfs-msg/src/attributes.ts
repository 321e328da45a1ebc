/**
 * Changes of attributes: who may change what, and which bits a change clears.
 *
 * Neighbours: `vfs.ts` (which calls in here); file systems do the change itself (VOP_SETATTR) and stamp ctime.
 * Invariant: a set-user-id bit never survives a change of owner.
 * Source: chmod(2), chown(2), utimensat(2), truncate(2), inode(7).
 */
import { Errno, type i32, type long, type u32 } from "@anax/portable";
import { checkAccess, type Cred } from "./cred";
import { vop } from "./filesystem";
import { MNT_NOEXEC, S_ISGID, S_ISUID, UTIME_NOW, UTIME_OMIT, W_OK, X_OK } from "./flags";
import type { Mount } from "./mount";
import type { Vfs } from "./vfs";
import type { Vnode } from "./vnode";
import { ATTR_ATIME, ATTR_GID, ATTR_MODE, ATTR_MTIME, ATTR_SIZE, ATTR_UID, Vop, type VopMsg } from "./vop";

const KEEP_ID: u32 = 0xffffffff;

function setattrMsg(vfs: Vfs, vp: Vnode, attrs: i32, cred: Cred): VopMsg {
  const m = vfs.takeMsg(Vop.SETATTR);
  m.vp = vp;
  m.attrs = attrs;
  m.cred = cred;
  return m;
}

function send(vfs: Vfs, vp: Vnode, m: VopMsg): i32 {
  const error = vop(vp.mount.fs!, m);
  vfs.giveMsg(m);
  return error;
}

/** The mode without the bits that a write or a change of owner by `cred` takes away. */
export function withoutPrivileges(mode: i32): i32 {
  let kept = mode & ~S_ISUID;
  if ((mode & 0o010) !== 0) kept &= ~S_ISGID;
  return kept;
}

export function access(mount: Mount, vp: Vnode, want: i32, cred: Cred): i32 {
  const bound = vp.isReg || vp.isDir || vp.isLink;
  if ((want & W_OK) !== 0 && bound && mount.isReadOnly) return -Errno.ROFS;
  if ((want & X_OK) !== 0 && vp.isReg && (mount.flags & MNT_NOEXEC) !== 0) return -Errno.ACCES;
  return checkAccess(cred, vp.mode, vp.uid, vp.gid, want);
}

export function checkExec(mount: Mount, vp: Vnode, cred: Cred): i32 {
  if (!vp.isReg || (mount.flags & MNT_NOEXEC) !== 0) return -Errno.ACCES;
  return checkAccess(cred, vp.mode, vp.uid, vp.gid, X_OK);
}

export function chmod(vfs: Vfs, mount: Mount, vp: Vnode, mode: i32, cred: Cred): i32 {
  if (mount.isReadOnly) return -Errno.ROFS;
  if (!cred.isRoot && cred.fsuid !== vp.uid) return -Errno.PERM;
  if (vp.isLink) return -Errno.OPNOTSUPP;
  const m = setattrMsg(vfs, vp, ATTR_MODE, cred);
  m.mode = mode & 0o7777;
  if (!cred.isRoot && !cred.inGroup(vp.gid)) m.mode &= ~S_ISGID;
  return send(vfs, vp, m);
}

export function chown(vfs: Vfs, mount: Mount, vp: Vnode, uid: u32, gid: u32, cred: Cred): i32 {
  if (mount.isReadOnly) return -Errno.ROFS;
  if (!cred.isRoot) {
    const owner = cred.fsuid === vp.uid;
    if (uid !== KEEP_ID && (!owner || uid !== vp.uid)) return -Errno.PERM;
    if (gid !== KEEP_ID && (!owner || (gid !== vp.gid && !cred.inGroup(gid)))) return -Errno.PERM;
  }
  let attrs: i32 = 0;
  if (uid !== KEEP_ID) attrs |= ATTR_UID;
  if (gid !== KEEP_ID) attrs |= ATTR_GID;
  const m = setattrMsg(vfs, vp, attrs, cred);
  m.uid = uid;
  m.gid = gid;
  const kept = withoutPrivileges(vp.mode);
  if (!vp.isDir && kept !== vp.mode) {
    m.attrs |= ATTR_MODE;
    m.mode = kept & 0o7777;
  }
  return send(vfs, vp, m);
}

export function utimes(
  vfs: Vfs,
  mount: Mount,
  vp: Vnode,
  asec: long,
  ansec: i32,
  msec: long,
  mnsec: i32,
  cred: Cred,
): i32 {
  if (ansec === UTIME_OMIT && mnsec === UTIME_OMIT) return 0;
  if (mount.isReadOnly) return -Errno.ROFS;
  if (!cred.isRoot && cred.fsuid !== vp.uid) {
    if (ansec !== UTIME_NOW || mnsec !== UTIME_NOW) return -Errno.PERM;
    const error = checkAccess(cred, vp.mode, vp.uid, vp.gid, W_OK);
    if (error < 0) return error;
  }
  const m = setattrMsg(vfs, vp, 0, cred);
  vfs.clock.update();
  if (ansec !== UTIME_OMIT) {
    m.attrs |= ATTR_ATIME;
    m.atimeSec = ansec === UTIME_NOW ? vfs.clock.sec : asec;
    m.atimeNsec = ansec === UTIME_NOW ? vfs.clock.nsec : ansec;
  }
  if (mnsec !== UTIME_OMIT) {
    m.attrs |= ATTR_MTIME;
    m.mtimeSec = mnsec === UTIME_NOW ? vfs.clock.sec : msec;
    m.mtimeNsec = mnsec === UTIME_NOW ? vfs.clock.nsec : mnsec;
  }
  return send(vfs, vp, m);
}

export function truncate(vfs: Vfs, vp: Vnode, length: long, cred: Cred): i32 {
  if (length < 0) return -Errno.INVAL;
  if (vp.isDir) return -Errno.ISDIR;
  if (!vp.isReg) return -Errno.INVAL;
  if (vp.textCount > 0) return -Errno.TXTBSY;
  const m = setattrMsg(vfs, vp, ATTR_SIZE, cred);
  m.size = length;
  return send(vfs, vp, m);
}
