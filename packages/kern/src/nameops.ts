/**
 * System calls on names: directories, links, attributes, working and root directory, mounts.
 *
 * `upath` is the user address of a NUL-terminated path; `dirfd` is a directory descriptor or AT_FDCWD; `flags` are AT_*.
 * Neighbours: vfs-msg's `Vfs` does the work; `open.ts`, `fileops.ts`. Invariant: nothing is changed before the look-up is done.
 */
import { Errno, i32, stringOf, type long, type u32 } from "@anax/portable";
import {
  MNT_BIND,
  MNT_MOVE,
  MNT_REMOUNT,
  NLC_CREATE,
  NLC_DIRECTORY,
  NLC_EMPTY,
  NLC_FOLLOW,
  NLC_PARENT,
  PATH_MAX,
  R_OK,
  UMOUNT_DETACH,
  UMOUNT_FORCE,
  UMOUNT_NOFOLLOW,
  W_OK,
  X_OK,
  type Cred,
  type Mount,
  type NLookup,
  type Stat,
  type StatFs,
  type Vnode,
} from "@anax/vfs-msg";
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  O_PATH,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  S_IFDIR,
  S_IFMT,
  UTIME_NOW,
  UTIME_OMIT,
} from "./fcntl";
import type { File } from "./file";
import { heapOk } from "./file-util";
import { RLIMIT_FSIZE } from "./limits";
import type { Lwp } from "./lwp";
import { lwpSignal } from "./signal";
import { SIGXFSZ } from "./sigdefs";
import { VnodeFile } from "./vnode-file";

/** Bits of mount(2)'s flags that old programs set. */
const MS_MAGIC: i32 = -0x3f130000;
const MS_MAGIC_MASK: i32 = -0x10000;

/**
 * Readies a look-up of the user's path. 0, -FAULT, -NAMETOOLONG, -NOENT (empty path without NLC_EMPTY), -BADF, -NOTDIR, EASYNC.
 */
export function namei(lwp: Lwp, nd: NLookup, dirfd: i32, upath: long, flags: i32): i32 {
  const proc = lwp.proc;
  const n = proc.space!.copyinstr(upath, nd.buf, 0, PATH_MAX);
  if (n < 0) return n;
  if (n === 0 && (flags & NLC_EMPTY) === 0) return -Errno.NOENT;
  const fs = proc.fs!;
  let start = fs.cwd;
  if (dirfd !== AT_FDCWD && (n === 0 || nd.buf[0] !== 47)) {
    const file = proc.files!.get(dirfd);
    if (file === null) return -Errno.BADF;
    const h = file.handle;
    if (h === null) return -Errno.NOTDIR;
    start = h;
  }
  nd.init(start, fs.root, proc.cred, flags);
  nd.len = n;
  return 0;
}

/** The file that an empty path with AT_EMPTY_PATH means; null when the path is not empty, or there is no such descriptor. */
function emptyPathFile(lwp: Lwp, dirfd: i32, upath: long, flags: i32): File | null {
  if ((flags & AT_EMPTY_PATH) === 0 || dirfd === AT_FDCWD) return null;
  if (upath !== 0 && lwp.proc.space!.copyinstr(upath, lwp.kernel.fc.nd.buf, 0, 1) !== 0) return null;
  return lwp.proc.files!.get(dirfd);
}

function followFlag(flags: i32): i32 {
  let f: i32 = (flags & AT_SYMLINK_NOFOLLOW) !== 0 ? 0 : NLC_FOLLOW;
  if ((flags & AT_EMPTY_PATH) !== 0) f |= NLC_EMPTY;
  return f;
}

/** Looks the path up. */
function find(lwp: Lwp, dirfd: i32, upath: long, flags: i32): i32 {
  const fc = lwp.kernel.fc;
  const r = namei(lwp, fc.nd, dirfd, upath, flags);
  return r < 0 ? r : fc.vfs.lookup(fc.nd);
}

/** fstatat(2) (AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH). */
export function kernStatAt(lwp: Lwp, dirfd: i32, upath: long, flags: i32, st: Stat): i32 {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT)) !== 0) return -Errno.INVAL;
  const file = emptyPathFile(lwp, dirfd, upath, flags);
  if (file !== null) return file.stat(st, lwp);
  const fc = lwp.kernel.fc;
  let r = namei(lwp, fc.nd, dirfd, upath, followFlag(flags));
  if (r < 0) return r;
  r = fc.vfs.stat(fc.nd, st);
  const jump = fc.nd.jump;
  // /proc/PID/fd/N of a file without a name: the file, not the link.
  return jump === null ? r : (jump as File).stat(st, lwp);
}

/** faccessat2(2). */
export function kernAccessAt(lwp: Lwp, dirfd: i32, upath: long, mode: i32, flags: i32): i32 {
  if ((mode & ~(R_OK | W_OK | X_OK)) !== 0) return -Errno.INVAL;
  if ((flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -Errno.INVAL;
  const fc = lwp.kernel.fc;
  let cred: Cred = lwp.proc.cred;
  if ((flags & AT_EACCESS) === 0 && (cred.uid !== cred.fsuid || cred.gid !== cred.fsgid)) cred = cred.realCopy();
  let r = namei(lwp, fc.nd, dirfd, upath, followFlag(flags));
  if (r < 0) return r;
  fc.nd.cred = cred;
  r = fc.vfs.lookup(fc.nd);
  if (r < 0) return r;
  const vp = fc.nd.vnode;
  if (vp === null) return fc.nd.jump === null ? -Errno.NOENT : 0;
  return fc.vfs.access(fc.nd.mount!, vp, mode, cred);
}

/** truncate(2). */
export function kernTruncate(lwp: Lwp, upath: long, length: long): i32 {
  if (length < 0) return -Errno.INVAL;
  const fc = lwp.kernel.fc;
  let r = find(lwp, AT_FDCWD, upath, NLC_FOLLOW);
  if (r < 0) return r;
  const vp = fc.nd.vnode;
  if (vp === null) return -Errno.INVAL;
  if (vp.isDir) return -Errno.ISDIR;
  if (!vp.isReg) return -Errno.INVAL;
  const mount = fc.nd.mount!;
  if (mount.isReadOnly) return -Errno.ROFS;
  r = fc.vfs.access(mount, vp, W_OK, lwp.proc.cred);
  if (r < 0) return r;
  if (vp.textCount > 0) return -Errno.TXTBSY;
  if (length > lwp.proc.limits.soft.get(RLIMIT_FSIZE)) {
    lwpSignal(lwp, SIGXFSZ);
    return -Errno.FBIG;
  }
  return fc.vfs.truncate(vp, length, lwp.proc.cred);
}

/** mkdirat(2). */
export function kernMkdirAt(lwp: Lwp, dirfd: i32, upath: long, mode: i32): i32 {
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const fc = lwp.kernel.fc;
  const r = namei(lwp, fc.nd, dirfd, upath, NLC_PARENT | NLC_CREATE);
  return r < 0 ? r : fc.vfs.mkdir(fc.nd, mode & 0o1777 & ~lwp.proc.fs!.umask);
}

/** unlinkat(2); AT_REMOVEDIR makes it rmdir. */
export function kernUnlinkAt(lwp: Lwp, dirfd: i32, upath: long, flags: i32): i32 {
  if ((flags & ~AT_REMOVEDIR) !== 0) return -Errno.INVAL;
  const fc = lwp.kernel.fc;
  const r = namei(lwp, fc.nd, dirfd, upath, NLC_PARENT);
  if (r < 0) return r;
  return (flags & AT_REMOVEDIR) !== 0 ? fc.vfs.rmdir(fc.nd) : fc.vfs.unlink(fc.nd);
}

/** renameat2(2). */
export function kernRenameAt(lwp: Lwp, oldDirfd: i32, uold: long, newDirfd: i32, unew: long, flags: i32): i32 {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0) return -Errno.INVAL;
  if ((flags & RENAME_NOREPLACE) !== 0 && (flags & RENAME_EXCHANGE) !== 0) return -Errno.INVAL;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const fc = lwp.kernel.fc;
  let r = namei(lwp, fc.nd, oldDirfd, uold, NLC_PARENT);
  if (r < 0) return r;
  r = namei(lwp, fc.nd2, newDirfd, unew, NLC_PARENT | NLC_CREATE);
  return r < 0 ? r : fc.vfs.rename(fc.nd, fc.nd2, flags);
}

/** linkat(2). */
export function kernLinkAt(lwp: Lwp, oldDirfd: i32, uold: long, newDirfd: i32, unew: long, flags: i32): i32 {
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) return -Errno.INVAL;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const fc = lwp.kernel.fc;
  const file = emptyPathFile(lwp, oldDirfd, uold, flags);
  let mount: Mount;
  let vp: Vnode;
  if (file !== null) {
    const named = file.vnode;
    if (named === null) return -Errno.XDEV;
    vp = named;
    mount = mountOf(file, vp);
  } else {
    const r = find(lwp, oldDirfd, uold, (flags & AT_SYMLINK_FOLLOW) !== 0 ? NLC_FOLLOW : 0);
    if (r < 0) return r;
    const found = fc.nd.vnode;
    if (found === null) return -Errno.XDEV;
    vp = found;
    mount = fc.nd.mount!;
  }
  // The look-up of the new name may recycle what the first one found.
  vp.ref();
  let r = namei(lwp, fc.nd2, newDirfd, unew, NLC_PARENT | NLC_CREATE);
  if (r >= 0) r = fc.vfs.link(fc.nd2, mount, vp);
  vp.unref();
  return r;
}

/** symlinkat(2). */
export function kernSymlinkAt(lwp: Lwp, utarget: long, dirfd: i32, upath: long): i32 {
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const fc = lwp.kernel.fc;
  const n = lwp.proc.space!.copyinstr(utarget, fc.scratch, 0, PATH_MAX);
  if (n < 0) return n;
  if (n === 0) return -Errno.NOENT;
  const r = namei(lwp, fc.nd, dirfd, upath, NLC_PARENT | NLC_CREATE);
  return r < 0 ? r : fc.vfs.symlink(fc.nd, fc.scratch, 0, n);
}

/** readlinkat(2): bytes of the target that fit. */
export function kernReadlinkAt(lwp: Lwp, dirfd: i32, upath: long, ubuf: long, size: long): i32 {
  if (size <= 0) return -Errno.INVAL;
  const fc = lwp.kernel.fc;
  let r = namei(lwp, fc.nd, dirfd, upath, dirfd === AT_FDCWD ? 0 : NLC_EMPTY);
  if (r < 0) return r;
  r = fc.vfs.readlink(fc.nd, fc.scratch, 0, fc.scratch.length);
  if (r <= 0) return r;
  let n = r;
  if (size < n) n = i32(size);
  r = lwp.proc.space!.copyout(fc.scratch, 0, ubuf, n);
  return r < 0 ? r : n;
}

/** mknodat(2). `mode` has the type; `dev` is the 32-bit device number. */
export function kernMknodAt(lwp: Lwp, dirfd: i32, upath: long, mode: i32, dev: u32): i32 {
  if ((mode & S_IFMT) === S_IFDIR) return -Errno.PERM;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const fc = lwp.kernel.fc;
  const r = namei(lwp, fc.nd, dirfd, upath, NLC_PARENT | NLC_CREATE);
  if (r < 0) return r;
  return fc.vfs.mknod(fc.nd, (mode & S_IFMT) | (mode & 0o7777 & ~lwp.proc.fs!.umask), dev);
}

/** The mount a file was opened through. */
function mountOf(file: File, vp: Vnode): Mount {
  return file instanceof VnodeFile ? (file as VnodeFile).mount : vp.mount;
}

/** fchmodat(2). */
export function kernChmodAt(lwp: Lwp, dirfd: i32, upath: long, mode: i32, flags: i32): i32 {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -Errno.INVAL;
  const file = emptyPathFile(lwp, dirfd, upath, flags);
  if (file !== null) return chmodFile(lwp, file, mode);
  const r = find(lwp, dirfd, upath, followFlag(flags));
  if (r < 0) return r;
  const nd = lwp.kernel.fc.nd;
  const vp = nd.vnode;
  if (vp === null) return -Errno.INVAL;
  if (vp.isLink) return -Errno.OPNOTSUPP;
  return lwp.kernel.fc.vfs.chmod(nd.mount!, vp, mode & 0o7777, lwp.proc.cred);
}

function chmodFile(lwp: Lwp, file: File, mode: i32): i32 {
  const vp = file.vnode;
  if (vp === null) return -Errno.INVAL;
  return lwp.kernel.fc.vfs.chmod(mountOf(file, vp), vp, mode & 0o7777, lwp.proc.cred);
}

/** fchmod(2). */
export function kernFchmod(lwp: Lwp, fd: i32, mode: i32): i32 {
  const file = lwp.proc.files!.get(fd);
  if (file === null || (file.flags & O_PATH) !== 0) return -Errno.BADF;
  return chmodFile(lwp, file, mode);
}

/** fchownat(2); an id of -1 stays. */
export function kernChownAt(lwp: Lwp, dirfd: i32, upath: long, uid: i32, gid: i32, flags: i32): i32 {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -Errno.INVAL;
  const file = emptyPathFile(lwp, dirfd, upath, flags);
  if (file !== null) return chownFile(lwp, file, uid, gid);
  const r = find(lwp, dirfd, upath, followFlag(flags));
  if (r < 0) return r;
  const nd = lwp.kernel.fc.nd;
  const vp = nd.vnode;
  if (vp === null) return -Errno.INVAL;
  return lwp.kernel.fc.vfs.chown(nd.mount!, vp, uid >>> 0, gid >>> 0, lwp.proc.cred);
}

function chownFile(lwp: Lwp, file: File, uid: i32, gid: i32): i32 {
  const vp = file.vnode;
  if (vp === null) return -Errno.INVAL;
  return lwp.kernel.fc.vfs.chown(mountOf(file, vp), vp, uid >>> 0, gid >>> 0, lwp.proc.cred);
}

/** fchown(2). */
export function kernFchown(lwp: Lwp, fd: i32, uid: i32, gid: i32): i32 {
  const file = lwp.proc.files!.get(fd);
  if (file === null || (file.flags & O_PATH) !== 0) return -Errno.BADF;
  return chownFile(lwp, file, uid, gid);
}

function badNsec(nsec: i32): boolean {
  return (nsec < 0 || nsec > 999999999) && nsec !== UTIME_NOW && nsec !== UTIME_OMIT;
}

/** utimensat(2); `upath` 0 means the descriptor itself; nsec may be UTIME_NOW or UTIME_OMIT. */
export function kernUtimensAt(
  lwp: Lwp,
  dirfd: i32,
  upath: long,
  asec: long,
  ansec: i32,
  msec: long,
  mnsec: i32,
  flags: i32,
): i32 {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -Errno.INVAL;
  if (badNsec(ansec) || badNsec(mnsec)) return -Errno.INVAL;
  if (ansec === UTIME_OMIT && mnsec === UTIME_OMIT) return 0;
  const vfs = lwp.kernel.fc.vfs;
  let file: File | null = null;
  if (upath === 0) {
    if (flags !== 0) return -Errno.INVAL;
    file = lwp.proc.files!.get(dirfd);
    if (file === null || (file.flags & O_PATH) !== 0) return dirfd === AT_FDCWD ? -Errno.FAULT : -Errno.BADF;
  } else file = emptyPathFile(lwp, dirfd, upath, flags);
  if (file !== null) {
    const named = file.vnode;
    if (named === null) return -Errno.INVAL;
    return vfs.utimes(mountOf(file, named), named, asec, ansec, msec, mnsec, lwp.proc.cred);
  }
  const r = find(lwp, dirfd, upath, followFlag(flags));
  if (r < 0) return r;
  const nd = lwp.kernel.fc.nd;
  const vp = nd.vnode;
  if (vp === null) return -Errno.INVAL;
  return vfs.utimes(nd.mount!, vp, asec, ansec, msec, mnsec, lwp.proc.cred);
}

/** chdir(2). */
export function kernChdir(lwp: Lwp, upath: long): i32 {
  const fc = lwp.kernel.fc;
  let r = find(lwp, AT_FDCWD, upath, NLC_FOLLOW | NLC_DIRECTORY);
  if (r < 0) return r;
  const vp = fc.nd.vnode;
  if (vp === null) return -Errno.NOTDIR;
  r = fc.vfs.access(fc.nd.mount!, vp, X_OK, lwp.proc.cred);
  if (r < 0) return r;
  fc.nd.into(lwp.proc.fs!.cwd);
  return 0;
}

/** fchdir(2). */
export function kernFchdir(lwp: Lwp, fd: i32): i32 {
  const file = lwp.proc.files!.get(fd);
  if (file === null) return -Errno.BADF;
  const vp = file.vnode;
  const h = file.handle;
  if (vp === null || h === null || !vp.isDir) return -Errno.NOTDIR;
  const r = lwp.kernel.fc.vfs.access(mountOf(file, vp), vp, X_OK, lwp.proc.cred);
  if (r < 0) return r;
  lwp.proc.fs!.cwd.copyFrom(h);
  return 0;
}

/** chroot(2). */
export function kernChroot(lwp: Lwp, upath: long): i32 {
  const fc = lwp.kernel.fc;
  let r = find(lwp, AT_FDCWD, upath, NLC_FOLLOW | NLC_DIRECTORY);
  if (r < 0) return r;
  const vp = fc.nd.vnode;
  if (vp === null) return -Errno.NOTDIR;
  r = fc.vfs.access(fc.nd.mount!, vp, X_OK, lwp.proc.cred);
  if (r < 0) return r;
  if (lwp.proc.cred.euid !== 0) return -Errno.PERM;
  fc.nd.into(lwp.proc.fs!.root);
  return 0;
}

/** getcwd(2): bytes written, the NUL included. */
export function kernGetcwd(lwp: Lwp, ubuf: long, size: long): i32 {
  const fc = lwp.kernel.fc;
  const fs = lwp.proc.fs!;
  const buf = fc.scratch;
  const at = fc.vfs.pathOf(fs.cwd, fs.root, buf, false);
  if (at < 0) return at;
  const n: i32 = (buf.length - at) | 0;
  // A size with the highest bit set is a large one.
  if (size >= 0 && size <= n) return -Errno.RANGE;
  const space = lwp.proc.space!;
  const r = space.copyout(buf, at, ubuf, n);
  if (r < 0) return r;
  const z = space.zeroUser(ubuf + n, 1);
  return z < 0 ? z : (n + 1) | 0;
}

/** umask(2): the old mask. */
export function kernUmask(lwp: Lwp, mask: i32): i32 {
  const fs = lwp.proc.fs!;
  const old = fs.umask;
  fs.umask = mask & 0o777;
  return old;
}

/** A string argument of mount(2), at most a page; empty for address 0. Sets `fc.scratch`; its length or a negative errno. */
function mountString(lwp: Lwp, ustr: long): i32 {
  if (ustr === 0) return 0;
  const scratch = lwp.kernel.fc.scratch;
  const n = lwp.proc.space!.copyinstr(ustr, scratch, 0, scratch.length);
  return n === -Errno.NAMETOOLONG ? -Errno.INVAL : n;
}

/** mount(2). `utype` and `usource` are strings. */
export function kernMount(lwp: Lwp, usource: long, utarget: long, utype: long, flags: i32, udata: long): i32 {
  if (lwp.proc.cred.euid !== 0) return -Errno.PERM;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const fc = lwp.kernel.fc;
  const f = (flags & MS_MAGIC_MASK) === MS_MAGIC ? flags & ~MS_MAGIC_MASK : flags;
  let r = mountString(lwp, usource);
  if (r < 0) return r;
  const source = stringOf(fc.scratch, 0, r);
  r = mountString(lwp, utype);
  if (r < 0) return r;
  const type = stringOf(fc.scratch, 0, r);
  r = mountString(lwp, udata);
  if (r < 0) return r;
  const data = stringOf(fc.scratch, 0, r);
  if ((f & (MNT_BIND | MNT_MOVE)) !== 0 && (f & MNT_REMOUNT) === 0) {
    r = find(lwp, AT_FDCWD, usource, NLC_FOLLOW);
    if (r < 0) return r;
    if (fc.nd.vnode === null) return -Errno.INVAL;
    fc.nd.into(fc.handle);
    r = namei(lwp, fc.nd, AT_FDCWD, utarget, NLC_FOLLOW);
    if (r >= 0) r = fc.vfs.mountFrom(fc.nd, fc.handle, source, f);
    fc.handle.clear();
    return r;
  }
  r = namei(lwp, fc.nd, AT_FDCWD, utarget, NLC_FOLLOW);
  return r < 0 ? r : fc.vfs.mount(fc.nd, source, type, f, data);
}

/** umount2(2). */
export function kernUmount(lwp: Lwp, utarget: long, flags: i32): i32 {
  if ((flags & ~(UMOUNT_FORCE | UMOUNT_DETACH | UMOUNT_NOFOLLOW | 4)) !== 0) return -Errno.INVAL;
  if (lwp.proc.cred.euid !== 0) return -Errno.PERM;
  const fc = lwp.kernel.fc;
  const r = namei(lwp, fc.nd, AT_FDCWD, utarget, (flags & UMOUNT_NOFOLLOW) !== 0 ? 0 : NLC_FOLLOW);
  return r < 0 ? r : fc.vfs.umount(fc.nd, flags);
}

/** statfs(2). */
export function kernStatfs(lwp: Lwp, upath: long, out: StatFs): i32 {
  const fc = lwp.kernel.fc;
  const r = find(lwp, AT_FDCWD, upath, NLC_FOLLOW);
  if (r < 0) return r;
  const mount = fc.nd.mount;
  if (mount === null) return -Errno.NOSYS;
  return fc.vfs.statfs(mount, out);
}

/** fstatfs(2). */
export function kernFstatfs(lwp: Lwp, fd: i32, out: StatFs): i32 {
  const file = lwp.proc.files!.get(fd);
  if (file === null) return -Errno.BADF;
  const vp = file.vnode;
  if (vp !== null) return lwp.kernel.fc.vfs.statfs(mountOf(file, vp), out);
  // Objects without a file system look like those of pipefs.
  out.type = 0x50495045;
  out.bsize = 4096;
  out.blocks = 0;
  out.bfree = 0;
  out.bavail = 0;
  out.files = 0;
  out.ffree = 0;
  out.dev = 0;
  out.namelen = 255;
  out.flags = 0;
  return 0;
}

/** sync(2). */
export function kernSync(lwp: Lwp): i32 {
  lwp.kernel.fc.vfs.sync();
  return 0;
}
