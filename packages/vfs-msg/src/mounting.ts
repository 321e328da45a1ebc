/**
 * mount and umount: new mounts, remounts, bind mounts, moves, and the end of a mount.
 *
 * Neighbours: `vfs.ts` (which calls in here), `mount.ts`. Invariant: the names of a file system are forgotten and its port
 * is told (VOP_UNMOUNT) when its last mount is gone and no handle goes through it any more.
 * Source: mount(2), umount2(2); DragonFly sys/kern/vfs_syscalls.c (sys_mount, dounmount).
 */
import { Errno, type i32 } from "@anax/portable";
import { vop, type FileSystem, type FsType } from "./filesystem";
import {
  MNT_BIND,
  MNT_KEPT,
  MNT_MOVE,
  MNT_NOATIME,
  MNT_PROPAGATION,
  MNT_RDONLY,
  MNT_RELATIME,
  MNT_REMOUNT,
  MNT_STRICTATIME,
  NLC_FOLLOW,
  UMOUNT_DETACH,
  UMOUNT_NOFOLLOW,
} from "./flags";
import { Mount } from "./mount";
import type { NcHandle, Ncp } from "./namecache";
import type { NLookup } from "./nlookup";
import { makeDev } from "./stat";
import type { Vfs } from "./vfs";
import { Vop } from "./vop";

/** Most mounts: they nest, and a nest is taken apart from the inside. */
const MOUNT_MAX: i32 = 512;

/** A mount of a new or shared file system, not in the tree yet. Null with `vfs.mountError` set. */
function prepare(vfs: Vfs, type: FsType, data: string): Mount | null {
  const m = newMount(vfs, type);
  vfs.mountError = type.mount(vfs, m, data);
  if (vfs.mountError !== 0) return null;
  const fs = m.fs!;
  let root = fs.rootName;
  if (root === null) {
    root = vfs.cache.newRoot(fs.root());
    fs.rootName = root;
  }
  takeRoot(m, fs, root);
  return m;
}

/** The flags that stay: relatime unless another rule for access times is asked for. */
function keptFlags(flags: i32): i32 {
  const kept = flags & MNT_KEPT;
  return (flags & (MNT_NOATIME | MNT_STRICTATIME)) === 0 ? kept | MNT_RELATIME : kept;
}

function newMount(vfs: Vfs, type: FsType): Mount {
  vfs.mountSeq++;
  return new Mount(vfs, type, vfs.mountSeq, makeDev(0, vfs.mountSeq));
}

function takeRoot(m: Mount, fs: FileSystem, root: Ncp): void {
  m.fs = fs;
  fs.mountCount++;
  m.root = root;
  m.cache.ref(root);
}

export function mountRoot(vfs: Vfs, typeName: string, data: string): i32 {
  const type = vfs.findType(typeName);
  if (type === null) return -Errno.NODEV;
  const m = prepare(vfs, type, data);
  if (m === null) return vfs.mountError;
  m.flags = MNT_RELATIME;
  m.source = typeName === "tmpfs" ? "rootfs" : typeName;
  vfs.mounts.add(m, null);
  vfs.root.set(m, m.root!);
  return 0;
}

export function mount(vfs: Vfs, nd: NLookup, source: string, typeName: string, flags: i32, data: string): i32 {
  if (nd.cred!.euid !== 0) return -Errno.PERM;
  nd.flags |= NLC_FOLLOW;
  const error = vfs.lookup(nd);
  if (error !== 0) return error;
  if (nd.jump !== null) return -Errno.NOTDIR;
  if ((flags & MNT_REMOUNT) !== 0) return remount(nd, flags, data);
  if ((flags & MNT_PROPAGATION) !== 0) return nd.ncp === nd.mount!.root ? 0 : -Errno.INVAL;
  const type = vfs.findType(typeName);
  if (type === null) return -Errno.NODEV;
  if (!nd.vnode!.isDir) return -Errno.NOTDIR;
  if (nd.ncp!.isDestroyed) return -Errno.NOENT;
  if (vfs.mounts.list.length >= MOUNT_MAX) return -Errno.NOSPC;
  nd.into(vfs.scratch);
  const m = prepare(vfs, type, data);
  if (m !== null) {
    m.source = source;
    m.flags = keptFlags(flags) | type.forcedFlags;
    vfs.mounts.add(m, vfs.scratch);
  }
  vfs.scratch.clear();
  return m === null ? vfs.mountError : 0;
}

function remount(nd: NLookup, flags: i32, data: string): i32 {
  const m = nd.mount!;
  if (nd.ncp !== m.root) return -Errno.INVAL;
  const readOnly = (flags & MNT_RDONLY) !== 0;
  const bind = (flags & MNT_BIND) !== 0;
  if (readOnly && !bind && !m.isReadOnly && m.fs!.home!.writers > 0) return -Errno.BUSY;
  if (!bind) {
    const error = m.type.remount(m, data);
    if (error !== 0) return error;
  }
  m.flags = keptFlags(flags) | m.type.forcedFlags;
  return 0;
}

/** Bind and move. */
export function mountFrom(vfs: Vfs, nd: NLookup, from: NcHandle, source: string, flags: i32): i32 {
  if (nd.cred!.euid !== 0) return -Errno.PERM;
  nd.flags |= NLC_FOLLOW;
  const error = vfs.lookup(nd);
  if (error !== 0) return error;
  const what = from.vnode;
  if (what === null || nd.jump !== null) return -Errno.INVAL;
  if (what.isDir !== nd.vnode!.isDir) return -Errno.NOTDIR;
  const fromMount = from.mount!;
  if ((flags & MNT_MOVE) !== 0) {
    if (from.ncp !== fromMount.root || fromMount.on.ncp === null) return -Errno.INVAL;
    if (isBelow(nd.mount!, fromMount)) return -Errno.LOOP;
    nd.into(vfs.scratch);
    vfs.mounts.uncover(fromMount);
    vfs.mounts.cover(fromMount, vfs.scratch);
    vfs.scratch.clear();
    return 0;
  }
  if (vfs.mounts.list.length >= MOUNT_MAX) return -Errno.NOSPC;
  const m = newMount(vfs, fromMount.type);
  takeRoot(m, fromMount.fs!, from.ncp!);
  m.source = source;
  m.options = fromMount.options;
  m.flags = fromMount.flags;
  nd.into(vfs.scratch);
  vfs.mounts.add(m, vfs.scratch);
  vfs.scratch.clear();
  return 0;
}

/** Whether `m` is `top` or mounted somewhere below it. */
function isBelow(m: Mount, top: Mount): boolean {
  let at: Mount | null = m;
  while (at !== null) {
    if (at === top) return true;
    at = at.on.mount;
  }
  return false;
}

export function umount(vfs: Vfs, nd: NLookup, flags: i32): i32 {
  if (nd.cred!.euid !== 0) return -Errno.PERM;
  if ((flags & UMOUNT_NOFOLLOW) === 0) nd.flags |= NLC_FOLLOW;
  const error = vfs.lookup(nd);
  if (error !== 0) return error;
  const m = nd.mount!;
  if (nd.jump !== null || nd.ncp !== m.root) return -Errno.INVAL;
  if (m.on.ncp === null) return -Errno.BUSY;
  const busy = m.handles > 0;
  if (busy && (flags & UMOUNT_DETACH) === 0) return -Errno.BUSY;
  detach(vfs, m);
  return 0;
}

/** Takes a mount, and what is mounted below it, out of the tree; it ends when nothing goes through it any more. */
function detach(vfs: Vfs, m: Mount): void {
  m.detached = true;
  m.handles++;
  const list = vfs.mounts.list;
  let again = true;
  while (again) {
    again = false;
    for (let i = 0; i < list.length; i++) {
      const other = list[i];
      if (other !== m && other.on.mount === m) {
        detach(vfs, other);
        again = true;
        break;
      }
    }
  }
  vfs.mounts.remove(m);
  m.handles--;
  if (m.handles === 0) endMount(m);
}

/** The last handle through a detached mount is gone. */
export function endMount(m: Mount): void {
  const fs = m.fs;
  const root = m.root;
  if (fs === null || root === null) return;
  m.root = null;
  fs.mountCount--;
  const last = fs.mountCount === 0;
  m.cache.unref(root);
  if (!last) return;
  const top = fs.rootName!;
  m.cache.purge(top);
  m.cache.setUnresolved(top);
  fs.rootName = null;
  const msg = m.vfs.takeMsg(Vop.UNMOUNT);
  vop(fs, msg);
  m.vfs.giveMsg(msg);
}
