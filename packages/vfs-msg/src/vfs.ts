/**
 * The virtual file system: names, mounts and vnodes of one kernel, and what system calls do with them.
 *
 * Key type `Vfs`. It walks paths, checks permissions and the rules that hold for every file system, keeps the name cache in step,
 * and sends the operation itself to the file system as a `VopMsg`. Neighbours: `nlookup.ts`, `namecache.ts`, `mount.ts`,
 * `filesystem.ts`; kern calls it.
 * Results: `>= 0`, a negative errno, or EASYNC after the waiter was registered (call again from the start when woken).
 * Invariant: handlers run to completion, so what a look-up found cannot change before the operation that uses it.
 * Source: DragonFly sys/kern/vfs_nlookup.c, vfs_syscalls.c; path_resolution(7).
 */
import { Errno, i32, kassert, u32, type long } from "@anax/portable";
import type { Machine } from "@anax/machine";
import type { Waiter } from "@anax/lwkt";
import type { Uio, VmObject, VmPages, VmSpace } from "@anax/vm";
import * as attributes from "./attributes";
import type { VfsClock } from "./clock";
import type { Cred } from "./cred";
import { DeviceOpen, DeviceTable } from "./device";
import { vop, type FsType } from "./filesystem";
import { F_UNLCK } from "./flags";
import { FileLock, LOCK_GET, LOCK_SET, type LockOwner } from "./lock";
import { MountTable, type Mount } from "./mount";
import * as mounting from "./mounting";
import * as names from "./names";
import { NameCache, NcHandle } from "./namecache";
import type { NLookup } from "./nlookup";
import * as opening from "./open";
import * as path from "./path";
import type { Stat, StatFs } from "./stat";
import type { Vnode } from "./vnode";
import { Vop, VopMsg, type DirSink } from "./vop";
import { walk } from "./walk";

/** Bounds on the number of unused names in the cache. */
const MIN_NAMES: i32 = 256;
const MAX_NAMES: i32 = 16384;

/** The file system of one kernel instance. Made by it; everything else hangs off it. */
export class Vfs {
  readonly cache: NameCache;
  readonly mounts: MountTable = new MountTable();
  readonly devices: DeviceTable = new DeviceTable();
  readonly types: FsType[] = [];
  /** The first root: where processes without another root start. Set by `mountRoot`. */
  readonly root: NcHandle = new NcHandle();

  /** A handle, an open of a device and a lock request for use inside one call. */
  readonly scratch: NcHandle = new NcHandle();
  readonly deviceOpen: DeviceOpen = new DeviceOpen();
  private readonly unlock: FileLock = new FileLock();
  /** Number of the last mount, and what its making answered. Owned by `mounting.ts`. */
  mountSeq: i32 = 0;
  mountError: i32 = 0;
  private readonly pool: VopMsg[] = [];
  private poolSize: i32 = 0;

  constructor(
    readonly machine: Machine,
    readonly pages: VmPages,
    readonly clock: VfsClock,
  ) {
    // A name is about 300 bytes: the unused ones may take a hundredth of memory.
    let names = i32(pages.totalCount >>> 3);
    if (names < MIN_NAMES) names = MIN_NAMES;
    if (names > MAX_NAMES) names = MAX_NAMES;
    this.cache = new NameCache(pages.heap, names);
  }

  /** Whether the kernel heap can take more objects for a program's sake. */
  get heapOk(): boolean {
    return this.pages.heap.ok();
  }

  /** A message of `cmd` (Vop) from the pool; give it back with `giveMsg`. */
  takeMsg(cmd: i32): VopMsg {
    let m: VopMsg;
    if (this.poolSize > 0) {
      this.poolSize--;
      m = this.pool[this.poolSize];
    } else m = new VopMsg();
    m.init(null, cmd);
    return m;
  }

  giveMsg(m: VopMsg): void {
    if (this.poolSize < this.pool.length) this.pool[this.poolSize] = m;
    else this.pool.push(m);
    this.poolSize++;
  }

  // ---- file system types and mounts

  /** Makes a kind of file system known to mount(2). */
  addType(t: FsType): void {
    this.types.push(t);
  }

  findType(name: string): FsType | null {
    for (let i = 0; i < this.types.length; i++) {
      if (this.types[i].name === name) return this.types[i];
    }
    return null;
  }

  /** Mounts the first root. 0 or -errno (-NODEV: no such type). */
  mountRoot(type: string, data: string): i32 {
    return mounting.mountRoot(this, type, data);
  }

  /** mount(2) at what `nd` finds (the look-up is done here). Root only. `flags` MNT_*; remount, bind and move included. */
  mount(nd: NLookup, source: string, type: string, flags: i32, data: string): i32 {
    return mounting.mount(this, nd, source, type, flags, data);
  }

  /** As `mount` with MNT_BIND or MNT_MOVE: `from` is what is shown or moved. */
  mountFrom(nd: NLookup, from: NcHandle, source: string, flags: i32): i32 {
    return mounting.mountFrom(this, nd, from, source, flags);
  }

  /** umount2(2). -INVAL: not a mount; -BUSY: in use. */
  umount(nd: NLookup, flags: i32): i32 {
    return mounting.umount(this, nd, flags);
  }

  statfs(mount: Mount, st: StatFs): i32 {
    const m = this.takeMsg(Vop.STATFS);
    m.statfs = st;
    const error = vop(mount.fs!, m);
    this.giveMsg(m);
    st.flags = mount.flags;
    return error;
  }

  /** Everything to disk. */
  sync(): void {
    for (let i = 0; i < this.mounts.list.length; i++) {
      const m = this.takeMsg(Vop.SYNC);
      vop(this.mounts.list[i].fs!, m);
      this.giveMsg(m);
    }
  }

  // ---- names

  /** Walks the path: `nd.mount`, `nd.ncp`, `nd.vnode`. See path_resolution(7) for the errors. */
  lookup(nd: NLookup): i32 {
    if (this.cache.unused > this.cache.limit) this.cache.trim();
    return walk(this, nd);
  }

  /** A second look-up beside one whose results are still needed. */
  lookupAgain(nd: NLookup): i32 {
    return walk(this, nd);
  }

  /**
   * open(2): looks up (creating when O_CREAT), checks, truncates, and counts the open. On success `nd.vnode` is open (close it with
   * `close`); `nd.device` is the opened device of a device node; with `nd.jump` set nothing was opened: the caller
   * reopens that file. FIFOs and sockets are left to the caller (`nd.vnode` with its type; a socket is -NXIO).
   * `mode` are the permission bits of a new file with the umask taken off. The caller takes its reference from `nd` at once.
   */
  open(nd: NLookup, flags: i32, mode: i32): i32 {
    return opening.open(this, nd, flags, mode);
  }

  /** Counts one more open of a vnode without a name (checked by the caller). */
  openVnode(vp: Vnode, flags: i32, cred: Cred): i32 {
    return opening.count(this, vp, flags, cred);
  }

  /** The last descriptor of an open file description is gone: the counterpart of `open` and `openVnode`. */
  close(vp: Vnode, flags: i32): void {
    opening.close(this, vp, flags);
  }

  /** `mode` with the umask taken off. */
  mkdir(nd: NLookup, mode: i32): i32 {
    return names.mkdir(this, nd, mode);
  }

  /** `mode` with its type (0 means regular); devices for root only. On success `nd.vnode` is the new node (bind of a socket). */
  mknod(nd: NLookup, mode: i32, rdev: u32): i32 {
    return names.mknod(this, nd, mode, rdev);
  }

  symlink(nd: NLookup, text: Uint8Array, off: i32, len: i32): i32 {
    return names.symlink(this, nd, text, off, len);
  }

  /** link(2): `nd` is the new name, `from` the existing file (mount and vnode). */
  link(nd: NLookup, fromMount: Mount, from: Vnode): i32 {
    return names.link(this, nd, fromMount, from);
  }

  unlink(nd: NLookup): i32 {
    return names.unlink(this, nd);
  }

  rmdir(nd: NLookup): i32 {
    return names.rmdir(this, nd);
  }

  /** rename(2), renameat2(2): both look-ups are done here. `flags` RENAME_*. */
  rename(from: NLookup, to: NLookup, flags: i32): i32 {
    return names.rename(this, from, to, flags);
  }

  /** readlink(2) of what `nd` finds: bytes (cut at `max`), -INVAL when it is no link. */
  readlink(nd: NLookup, buf: Uint8Array, off: i32, max: i32): i32 {
    const error = this.lookup(nd);
    if (error !== 0) return error;
    const vp = nd.vnode!;
    if (!vp.isLink) return -Errno.INVAL;
    return this.readlinkVnode(vp, buf, off, max);
  }

  /** The text of a symbolic link: bytes (cut at `max`), or -errno. */
  readlinkVnode(vp: Vnode, buf: Uint8Array, off: i32, max: i32): i32 {
    const m = this.takeMsg(Vop.READLINK);
    m.vp = vp;
    m.data = buf;
    m.dataOff = off;
    m.dataLen = max;
    const error = vop(vp.mount.fs!, m);
    const n = m.result;
    this.giveMsg(m);
    return error !== 0 ? error : i32(n);
  }

  /** Look-up and getattr in one. */
  stat(nd: NLookup, st: Stat): i32 {
    const error = this.lookup(nd);
    if (error !== 0) return error;
    return this.getattr(nd.vnode!, st);
  }

  /**
   * The path of a name as seen from `root`, written to the end of `buf`. Returns where it starts in `buf`, -NAMETOOLONG, or
   * -NOENT when the name lies outside of `root` or was removed (then `buf` holds it all the same when `force`, with
   * ` (deleted)` behind it).
   */
  pathOf(h: NcHandle, root: NcHandle, buf: Uint8Array, force: boolean): i32 {
    return path.pathOf(h, root, buf, force);
  }

  // ---- vnodes

  getattr(vp: Vnode, st: Stat): i32 {
    const m = this.takeMsg(Vop.GETATTR);
    m.vp = vp;
    m.stat = st;
    const error = vop(vp.mount.fs!, m);
    this.giveMsg(m);
    return error;
  }

  /** access(2) with `cred`'s file-system ids (`Cred#realCopy` for the real ones): `want` R_OK | W_OK | X_OK. */
  access(mount: Mount, vp: Vnode, want: i32, cred: Cred): i32 {
    return attributes.access(mount, vp, want, cred);
  }

  /** Whether `vp` may be executed as a program: regular, executable, mount not noexec. 0 or -ACCES. */
  checkExec(mount: Mount, vp: Vnode, cred: Cred): i32 {
    return attributes.checkExec(mount, vp, cred);
  }

  /** A program runs from the file: opens for writing get -TXTBSY. -TXTBSY when it is open for writing. */
  textRef(vp: Vnode): i32 {
    if (vp.writeCount > 0) return -Errno.TXTBSY;
    vp.ref();
    vp.textCount++;
    return 0;
  }

  textUnref(vp: Vnode): void {
    kassert(vp.textCount > 0, "textUnref: not a running program");
    vp.textCount--;
    vp.unref();
  }

  chmod(mount: Mount, vp: Vnode, mode: i32, cred: Cred): i32 {
    return attributes.chmod(this, mount, vp, mode, cred);
  }

  /** 0xffffffff leaves an id as it is. */
  chown(mount: Mount, vp: Vnode, uid: u32, gid: u32, cred: Cred): i32 {
    return attributes.chown(this, mount, vp, uid, gid, cred);
  }

  /** utimensat(2): `nsec` may be UTIME_NOW or UTIME_OMIT. */
  utimes(mount: Mount, vp: Vnode, asec: long, ansec: i32, msec: long, mnsec: i32, cred: Cred): i32 {
    return attributes.utimes(this, mount, vp, asec, ansec, msec, mnsec, cred);
  }

  /** ftruncate(2): the file is open for writing. truncate(2) checks `access` for W_OK first. */
  truncate(vp: Vnode, length: long, cred: Cred): i32 {
    return attributes.truncate(this, vp, length, cred);
  }

  /** Reads at `uio.offset`, which moves on. `ioflags` IO_*. 0, -errno or EASYNC; what moved is what `uio.resid` lost. */
  read(vp: Vnode, uio: Uio, ioflags: i32, cred: Cred, waiter: Waiter | null): i32 {
    if (vp.isChr) {
      const device = this.devices.find(vp.rdev);
      return device === null ? -Errno.NXIO : device.read(uio, ioflags, waiter);
    }
    const m = this.takeMsg(Vop.READ);
    m.vp = vp;
    m.uio = uio;
    m.opflags = ioflags;
    m.cred = cred;
    m.waiter = waiter;
    const error = vop(vp.mount.fs!, m);
    this.giveMsg(m);
    return error;
  }

  /** Writes at `uio.offset`, or at the end with IO_APPEND; `uio.offset` is behind the last byte afterwards. */
  write(vp: Vnode, uio: Uio, ioflags: i32, cred: Cred, waiter: Waiter | null): i32 {
    if (vp.isChr) {
      const device = this.devices.find(vp.rdev);
      return device === null ? -Errno.NXIO : device.write(uio, ioflags, waiter);
    }
    const m = this.takeMsg(Vop.WRITE);
    m.vp = vp;
    m.uio = uio;
    m.opflags = ioflags;
    m.cred = cred;
    m.waiter = waiter;
    const error = vop(vp.mount.fs!, m);
    this.giveMsg(m);
    return error;
  }

  /** Entries after `cookie` (0 = from the start) into the sink until it is full. */
  readdir(vp: Vnode, sink: DirSink, cookie: long): i32 {
    if (!vp.isDir) return -Errno.NOTDIR;
    const m = this.takeMsg(Vop.READDIR);
    m.vp = vp;
    m.sink = sink;
    m.offset = cookie;
    const error = vop(vp.mount.fs!, m);
    this.giveMsg(m);
    return error;
  }

  /** ioctl of a vnode that is no device (devices: `nd.device`). */
  ioctl(vp: Vnode, cmd: u32, arg: long, space: VmSpace, waiter: Waiter | null): i32 {
    const m = this.takeMsg(Vop.IOCTL);
    m.vp = vp;
    m.command = cmd;
    m.offset = arg;
    m.space = space;
    m.waiter = waiter;
    const error = vop(vp.mount.fs!, m);
    const result = m.result;
    this.giveMsg(m);
    return error !== 0 ? error : i32(result);
  }

  poll(vp: Vnode, events: i32, waiter: Waiter | null): i32 {
    const m = this.takeMsg(Vop.POLL);
    m.vp = vp;
    m.opflags = events;
    m.waiter = waiter;
    const error = vop(vp.mount.fs!, m);
    const result = m.result;
    this.giveMsg(m);
    return error !== 0 ? error : i32(result);
  }

  fsync(vp: Vnode, waiter: Waiter | null): i32 {
    const m = this.takeMsg(Vop.FSYNC);
    m.vp = vp;
    m.waiter = waiter;
    const error = vop(vp.mount.fs!, m);
    this.giveMsg(m);
    return error;
  }

  fallocate(vp: Vnode, mode: i32, off: long, len: long): i32 {
    if (off < 0 || len <= 0) return -Errno.INVAL;
    if (vp.isDir) return -Errno.ISDIR;
    if (!vp.isReg) return -Errno.NODEV;
    const m = this.takeMsg(Vop.ALLOCATE);
    m.vp = vp;
    m.opflags = mode;
    m.offset = off;
    m.size = len;
    const error = vop(vp.mount.fs!, m);
    this.giveMsg(m);
    return error;
  }

  /** SEEK_DATA (3) or SEEK_HOLE (4): the offset, -NXIO. */
  seek(vp: Vnode, whence: i32, off: long): long {
    const m = this.takeMsg(Vop.SEEK);
    m.vp = vp;
    m.opflags = whence;
    m.offset = off;
    const error = vop(vp.mount.fs!, m);
    const result = m.result;
    this.giveMsg(m);
    return error !== 0 ? error : result;
  }

  /** The pages to map; null when the file cannot be mapped (-NODEV). */
  mmapObject(vp: Vnode): VmObject | null {
    return vp.object;
  }

  /**
   * fcntl locks and flock. `cmd` F_GETLK 5, F_SETLK 6, F_SETLKW 7; `kind` LOCK_POSIX or LOCK_FLOCK. F_SETLKW answers EASYNC.
   * -AGAIN, -DEADLK, -NOLCK. F_GETLK writes its answer into `lock`.
   */
  advlock(vp: Vnode, owner: LockOwner, cmd: i32, kind: i32, lock: FileLock, waiter: Waiter | null): i32 {
    if (cmd !== LOCK_GET && lock.type !== F_UNLCK && !this.heapOk) return -Errno.NOLCK;
    const m = this.takeMsg(Vop.ADVLOCK);
    m.vp = vp;
    m.owner = owner;
    m.opflags = cmd;
    m.command = u32(kind);
    m.lock = lock;
    m.waiter = waiter;
    const error = vop(vp.mount.fs!, m);
    this.giveMsg(m);
    return error;
  }

  /** The owner lets go of all its locks of one kind on the file (close of a descriptor, of a description). */
  unlockAll(vp: Vnode, owner: LockOwner, kind: i32): void {
    if (vp.locks === null) return;
    const lock = this.unlock;
    lock.type = F_UNLCK;
    lock.start = 0;
    lock.end = -1;
    this.advlock(vp, owner, LOCK_SET, kind, lock, null);
  }
}
