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
import { Errno, type i32, type long, type u32 } from "@anax/portable";
import type { Machine } from "@anax/machine";
import type { Waiter } from "@anax/lwkt";
import type { Uio, VmObject, VmPages, VmSpace } from "@anax/vm";
import type { VfsClock } from "./clock";
import type { Cred } from "./cred";
import { DeviceTable } from "./device";
import type { FsType } from "./filesystem";
import type { FileLock, LockOwner } from "./lock";
import { MountTable, type Mount } from "./mount";
import { NameCache, NcHandle } from "./namecache";
import type { NLookup } from "./nlookup";
import type { Stat, StatFs } from "./stat";
import type { Vnode } from "./vnode";
import { VopMsg, type DirSink } from "./vop";

export class Vfs {
  readonly cache: NameCache = new NameCache();
  readonly mounts: MountTable = new MountTable();
  readonly devices: DeviceTable = new DeviceTable();
  readonly types: FsType[] = [];
  /** The first root: where processes without another root start. Set by `mountRoot`. */
  readonly root: NcHandle = new NcHandle();

  constructor(
    readonly machine: Machine,
    readonly pages: VmPages,
    readonly clock: VfsClock,
  ) {}

  /** A message of `cmd` (Vop) from the pool; give it back with `giveMsg`. */
  takeMsg(_cmd: i32): VopMsg {
    return new VopMsg();
  }

  giveMsg(_m: VopMsg): void {}

  // ---- file system types and mounts

  /** Makes a kind of file system known to mount(2). */
  addType(t: FsType): void {
    this.types.push(t);
  }

  findType(_name: string): FsType | null {
    return null;
  }

  /** Mounts the first root. 0 or -errno (-NODEV: no such type). */
  mountRoot(_type: string, _data: string): i32 {
    return -Errno.NOSYS;
  }

  /** mount(2) at what `nd` finds (the look-up is done here). Root only. `flags` MNT_*; remount, bind and move included. */
  mount(_nd: NLookup, _source: string, _type: string, _flags: i32, _data: string): i32 {
    return -Errno.NOSYS;
  }

  /** As `mount` with MNT_BIND or MNT_MOVE: `from` is what is shown or moved. */
  mountFrom(_nd: NLookup, _from: NcHandle, _source: string, _flags: i32): i32 {
    return -Errno.NOSYS;
  }

  /** umount2(2). -INVAL: not a mount; -BUSY: in use. */
  umount(_nd: NLookup, _flags: i32): i32 {
    return -Errno.NOSYS;
  }

  statfs(_mount: Mount, _st: StatFs): i32 {
    return -Errno.NOSYS;
  }

  /** Everything to disk. */
  sync(): void {}

  // ---- names

  /** Walks the path: `nd.mount`, `nd.ncp`, `nd.vnode`. See path_resolution(7) for the errors. */
  lookup(_nd: NLookup): i32 {
    return -Errno.NOSYS;
  }

  /**
   * open(2): looks up (creating when O_CREAT), checks, truncates, and counts the open. On success `nd.vnode` is open (close it with
   * `close`); `nd.device` is the opened device of a device node; with `nd.jump` set nothing was opened: the caller
   * reopens that file. FIFOs and sockets are left to the caller (`nd.vnode` with its type; a socket is -NXIO).
   * `mode` are the permission bits of a new file with the umask taken off. The caller takes its reference from `nd` at once.
   */
  open(_nd: NLookup, _flags: i32, _mode: i32): i32 {
    return -Errno.NOSYS;
  }

  /** Counts one more open of a vnode without a name (checked by the caller). */
  openVnode(_vp: Vnode, _flags: i32, _cred: Cred): i32 {
    return -Errno.NOSYS;
  }

  /** The last descriptor of an open file description is gone: the counterpart of `open` and `openVnode`. */
  close(_vp: Vnode, _flags: i32): void {}

  /** `mode` with the umask taken off. */
  mkdir(_nd: NLookup, _mode: i32): i32 {
    return -Errno.NOSYS;
  }

  /** `mode` with its type (0 means regular); devices for root only. On success `nd.vnode` is the new node (bind of a socket). */
  mknod(_nd: NLookup, _mode: i32, _rdev: u32): i32 {
    return -Errno.NOSYS;
  }

  symlink(_nd: NLookup, _text: Uint8Array, _off: i32, _len: i32): i32 {
    return -Errno.NOSYS;
  }

  /** link(2): `nd` is the new name, `from` the existing file (mount and vnode). */
  link(_nd: NLookup, _fromMount: Mount, _from: Vnode): i32 {
    return -Errno.NOSYS;
  }

  unlink(_nd: NLookup): i32 {
    return -Errno.NOSYS;
  }

  rmdir(_nd: NLookup): i32 {
    return -Errno.NOSYS;
  }

  /** rename(2), renameat2(2): both look-ups are done here. `flags` RENAME_*. */
  rename(_from: NLookup, _to: NLookup, _flags: i32): i32 {
    return -Errno.NOSYS;
  }

  /** readlink(2) of what `nd` finds: bytes (cut at `max`), -INVAL when it is no link. */
  readlink(_nd: NLookup, _buf: Uint8Array, _off: i32, _max: i32): i32 {
    return -Errno.NOSYS;
  }

  /** Look-up and getattr in one. */
  stat(_nd: NLookup, _st: Stat): i32 {
    return -Errno.NOSYS;
  }

  /**
   * The path of a name as seen from `root`, written to the end of `buf`. Returns where it starts in `buf`, -NAMETOOLONG, or
   * -NOENT when the name lies outside of `root` or was removed (then `buf` holds it all the same when `force`, with
   * ` (deleted)` behind it).
   */
  pathOf(_h: NcHandle, _root: NcHandle, _buf: Uint8Array, _force: boolean): i32 {
    return -Errno.NOSYS;
  }

  // ---- vnodes

  getattr(_vp: Vnode, _st: Stat): i32 {
    return -Errno.NOSYS;
  }

  /** access(2) with `cred`'s file-system ids (`Cred#realCopy` for the real ones): `want` R_OK | W_OK | X_OK. */
  access(_mount: Mount, _vp: Vnode, _want: i32, _cred: Cred): i32 {
    return -Errno.NOSYS;
  }

  /** Whether `vp` may be executed as a program: regular, executable, mount not noexec. 0 or -ACCES. */
  checkExec(_mount: Mount, _vp: Vnode, _cred: Cred): i32 {
    return -Errno.NOSYS;
  }

  /** A program runs from the file: opens for writing get -TXTBSY. -TXTBSY when it is open for writing. */
  textRef(_vp: Vnode): i32 {
    return -Errno.NOSYS;
  }

  textUnref(_vp: Vnode): void {}

  chmod(_mount: Mount, _vp: Vnode, _mode: i32, _cred: Cred): i32 {
    return -Errno.NOSYS;
  }

  /** 0xffffffff leaves an id as it is. */
  chown(_mount: Mount, _vp: Vnode, _uid: u32, _gid: u32, _cred: Cred): i32 {
    return -Errno.NOSYS;
  }

  /** utimensat(2): `nsec` may be UTIME_NOW or UTIME_OMIT. */
  utimes(_mount: Mount, _vp: Vnode, _asec: long, _ansec: i32, _msec: long, _mnsec: i32, _cred: Cred): i32 {
    return -Errno.NOSYS;
  }

  /** ftruncate(2): the file is open for writing. truncate(2) checks `access` for W_OK first. */
  truncate(_vp: Vnode, _length: long, _cred: Cred): i32 {
    return -Errno.NOSYS;
  }

  /** Reads at `uio.offset`, which moves on. `ioflags` IO_*. 0, -errno or EASYNC; what moved is what `uio.resid` lost. */
  read(_vp: Vnode, _uio: Uio, _ioflags: i32, _cred: Cred, _waiter: Waiter | null): i32 {
    return -Errno.NOSYS;
  }

  /** Writes at `uio.offset`, or at the end with IO_APPEND; `uio.offset` is behind the last byte afterwards. */
  write(_vp: Vnode, _uio: Uio, _ioflags: i32, _cred: Cred, _waiter: Waiter | null): i32 {
    return -Errno.NOSYS;
  }

  /** Entries after `cookie` (0 = from the start) into the sink until it is full. */
  readdir(_vp: Vnode, _sink: DirSink, _cookie: long): i32 {
    return -Errno.NOSYS;
  }

  /** ioctl of a vnode that is no device (devices: `nd.device`). */
  ioctl(_vp: Vnode, _cmd: u32, _arg: long, _space: VmSpace, _waiter: Waiter | null): i32 {
    return -Errno.NOTTY;
  }

  poll(_vp: Vnode, _events: i32, _waiter: Waiter | null): i32 {
    return -Errno.NOSYS;
  }

  fsync(_vp: Vnode, _waiter: Waiter | null): i32 {
    return -Errno.NOSYS;
  }

  fallocate(_vp: Vnode, _mode: i32, _off: long, _len: long): i32 {
    return -Errno.NOSYS;
  }

  /** SEEK_DATA (3) or SEEK_HOLE (4): the offset, -NXIO. */
  seek(_vp: Vnode, _whence: i32, _off: long): long {
    return -Errno.INVAL;
  }

  /** The pages to map; null when the file cannot be mapped (-NODEV). */
  mmapObject(vp: Vnode): VmObject | null {
    return vp.object;
  }

  /**
   * fcntl locks and flock. `cmd` F_GETLK 5, F_SETLK 6, F_SETLKW 7; `kind` LOCK_POSIX or LOCK_FLOCK. F_SETLKW answers EASYNC.
   * -AGAIN, -DEADLK, -NOLCK. F_GETLK writes its answer into `lock`.
   */
  advlock(_vp: Vnode, _owner: LockOwner, _cmd: i32, _kind: i32, _lock: FileLock, _waiter: Waiter | null): i32 {
    return -Errno.NOSYS;
  }

  /** The owner lets go of all its locks of one kind on the file (close of a descriptor, of a description). */
  unlockAll(_vp: Vnode, _owner: LockOwner, _kind: i32): void {}
}
