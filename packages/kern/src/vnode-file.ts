/**
 * Open files of file systems, and of character devices.
 *
 * Key types `VnodeFile` (regular files, directories, O_PATH), `DeviceFile` (what a driver's operations serve),
 * `KernDevice` (a device whose open makes a file of its own kind: ttys). Neighbours: vfs-msg does the work; `fileops.ts` opens.
 * Invariant: the file holds one open of its vnode, which has a reference, and one reference to its name.
 * Source: DragonFly sys/kern/vfs_vnops.c (vnode_fileops).
 */
import { Errno, type i32, type long, type u32 } from "@anax/portable";
import type { Waiter } from "@anax/lwkt";
import type { Uio, VmObject } from "@anax/vm";
import {
  CharDevice,
  IO_APPEND,
  IO_NONBLOCK,
  IO_SYNC,
  LOCK_FLOCK,
  LOCK_POSIX,
  MNT_NOEXEC,
  NcHandle,
  type Cred,
  type DirSink,
  type LockOwner,
  type Mount,
  type Stat,
  type Vfs,
  type Vnode,
} from "@anax/vfs-msg";
import {
  O_APPEND,
  O_DSYNC,
  O_NONBLOCK,
  O_PATH,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
} from "./fcntl";
import { FK_DEVICE, FK_VNODE, File } from "./file";
import { RLIMIT_FSIZE } from "./limits";
import type { Lwp } from "./lwp";
import { lwpSignal } from "./signal";
import { SIGXFSZ } from "./sigdefs";

const PROT_READ: i32 = 1;
const PROT_WRITE: i32 = 2;
const PROT_EXEC: i32 = 4;
/** Most bytes FIONREAD tells. */
const INT_MAX: long = 0x7fffffff;

/** An open file of a file system. */
export class VnodeFile extends File {
  readonly vp: Vnode;
  /** The status flags as vnode operations take them (IO_*). */
  ioflags: i32 = 0;

  /** Takes over the open, and its reference, that `Vfs#open` or `Vfs#openVnode` counted. */
  constructor(
    readonly vfs: Vfs,
    vp: Vnode,
    flags: i32,
    cred: Cred,
    kind: i32 = FK_VNODE,
  ) {
    super(kind, flags, cred);
    this.vp = vp;
    this.vnode = vp;
    this.flagsChanged();
  }

  /** The mount it was opened through. */
  get mount(): Mount {
    const h = this.handle;
    if (h === null) return this.vp.mount;
    const m = h.mount;
    return m === null ? this.vp.mount : m;
  }

  /** Remembers the name it was opened by. */
  setName(from: NcHandle): void {
    const h = new NcHandle();
    h.copyFrom(from);
    this.handle = h;
  }

  /** Works `ioflags` out. */
  override flagsChanged(): void {
    let f: i32 = 0;
    const flags = this.flags;
    if ((flags & O_APPEND) !== 0) f |= IO_APPEND;
    if ((flags & O_NONBLOCK) !== 0) f |= IO_NONBLOCK;
    if ((flags & O_DSYNC) !== 0) f |= IO_SYNC;
    this.ioflags = f;
  }

  override get isWatchable(): boolean {
    return false;
  }

  override get hasPositions(): boolean {
    return true;
  }

  override read(uio: Uio, lwp: Lwp): i32 {
    uio.offset = this.offset;
    const r = this.vfs.read(this.vp, uio, this.ioflags, this.cred, lwp);
    this.offset = uio.offset;
    return r;
  }

  override pread(uio: Uio, lwp: Lwp): i32 {
    return this.vfs.read(this.vp, uio, this.ioflags, this.cred, lwp);
  }

  override write(uio: Uio, lwp: Lwp): i32 {
    const append = (this.flags & O_APPEND) !== 0;
    uio.offset = append ? this.vp.size : this.offset;
    const r = this.limitedWrite(uio, lwp);
    this.offset = uio.offset;
    return r;
  }

  /** pwrite(2) of Linux appends to a file opened with O_APPEND. */
  override pwrite(uio: Uio, lwp: Lwp): i32 {
    return this.limitedWrite(uio, lwp);
  }

  /** A write within RLIMIT_FSIZE: what passes it is cut off; a write that starts at it is -FBIG and SIGXFSZ. */
  private limitedWrite(uio: Uio, lwp: Lwp): i32 {
    const limit = lwp.proc.limits.soft.get(RLIMIT_FSIZE);
    let cut: long = 0;
    if (uio.offset + uio.resid > limit && this.vp.isReg) {
      if (uio.offset >= limit) {
        lwpSignal(lwp, SIGXFSZ);
        return -Errno.FBIG;
      }
      cut = uio.offset + uio.resid - limit;
      uio.resid = uio.resid - cut;
    }
    const r = this.vfs.write(this.vp, uio, this.ioflags, this.cred, lwp);
    uio.resid = uio.resid + cut;
    return r;
  }

  override seek(off: long, whence: i32, _lwp: Lwp): long {
    let to: long = off;
    if (whence === SEEK_CUR) to = this.offset + off;
    else if (whence === SEEK_END) to = this.vp.size + off;
    else if (whence === SEEK_DATA || whence === SEEK_HOLE) {
      to = this.vfs.seek(this.vp, whence, off);
    } else if (whence !== SEEK_SET) return -Errno.INVAL;
    if (to < 0) return whence === SEEK_DATA || whence === SEEK_HOLE ? to : -Errno.INVAL;
    this.offset = to;
    return to;
  }

  override ioctl(cmd: u32, arg: long, lwp: Lwp): i32 {
    return this.vfs.ioctl(this.vp, cmd, arg, lwp.proc.space!, lwp);
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    if (this.vp.isReg || this.vp.isDir) return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
    return this.vfs.poll(this.vp, events, waiter);
  }

  stat(st: Stat, _lwp: Lwp): i32 {
    return this.vfs.getattr(this.vp, st);
  }

  override truncate(length: long, lwp: Lwp): i32 {
    if (!this.vp.isReg) return -Errno.INVAL;
    if (length > lwp.proc.limits.soft.get(RLIMIT_FSIZE)) {
      lwpSignal(lwp, SIGXFSZ);
      return -Errno.FBIG;
    }
    return this.vfs.truncate(this.vp, length, this.cred);
  }

  override fsync(lwp: Lwp): i32 {
    return this.vfs.fsync(this.vp, lwp);
  }

  override readdir(sink: DirSink, lwp: Lwp): i32 {
    if (!this.vp.isDir) return -Errno.NOTDIR;
    const cookies = lwp.kernel.fc.cookies;
    cookies.inner = sink;
    cookies.last = this.offset;
    const r = this.vfs.readdir(this.vp, cookies, this.offset);
    cookies.inner = null;
    if (r >= 0) this.offset = cookies.last;
    return r;
  }

  override available(): long {
    if (!this.vp.isReg) return -Errno.NOTTY;
    const left: long = this.vp.size - this.offset;
    if (left < 0) return 0;
    return left > INT_MAX ? INT_MAX : left;
  }

  override mmapCheck(prot: i32, shared: boolean): i32 {
    if ((this.flags & O_PATH) !== 0) return -Errno.BADF;
    if (!this.isReadable) return -Errno.ACCES;
    if (shared && (prot & PROT_WRITE) !== 0 && !this.isWritable) return -Errno.ACCES;
    if ((prot & PROT_EXEC) !== 0 && (this.mount.flags & MNT_NOEXEC) !== 0) return -Errno.PERM;
    return this.vfs.mmapObject(this.vp) === null ? -Errno.NODEV : 0;
  }

  override mmapMaxProt(shared: boolean): i32 {
    let prot: i32 = PROT_READ | PROT_WRITE | PROT_EXEC;
    if (shared && !this.isWritable) prot &= ~PROT_WRITE;
    if ((this.mount.flags & MNT_NOEXEC) !== 0) prot &= ~PROT_EXEC;
    return prot;
  }

  override mmapObject(_lwp: Lwp): VmObject | null {
    return this.vfs.mmapObject(this.vp);
  }

  override descriptorClosed(owner: LockOwner): void {
    if (this.vp.locks !== null) this.vfs.unlockAll(this.vp, owner, LOCK_POSIX);
  }

  close(): void {
    const vp = this.vp;
    const owner = this.lockOwner;
    if (owner !== null) {
      this.vfs.unlockAll(vp, owner, LOCK_FLOCK);
      this.vfs.unlockAll(vp, owner, LOCK_POSIX);
    }
    const h = this.handle;
    this.handle = null;
    this.vnode = null;
    if (h !== null) h.clear();
    this.vfs.close(vp, this.flags);
  }
}

/** An open character device. */
export class DeviceFile extends VnodeFile {
  constructor(
    vfs: Vfs,
    vp: Vnode,
    readonly device: CharDevice,
    flags: i32,
    cred: Cred,
    kind: i32 = FK_DEVICE,
  ) {
    super(vfs, vp, flags, cred, kind);
  }

  /** Devices that have positions (null, zero, full) are those that never wait. */
  override get isWatchable(): boolean {
    return !this.device.isSeekable;
  }

  override get hasPositions(): boolean {
    return this.device.isSeekable;
  }

  override read(uio: Uio, lwp: Lwp): i32 {
    uio.offset = this.offset;
    const r = this.device.read(uio, this.ioflags, lwp);
    this.offset = uio.offset;
    return r;
  }

  override write(uio: Uio, lwp: Lwp): i32 {
    uio.offset = this.offset;
    const r = this.device.write(uio, this.ioflags, lwp);
    this.offset = uio.offset;
    return r;
  }

  override pread(uio: Uio, lwp: Lwp): i32 {
    return this.device.isSeekable ? this.device.read(uio, this.ioflags, lwp) : -Errno.SPIPE;
  }

  override pwrite(uio: Uio, lwp: Lwp): i32 {
    return this.device.isSeekable ? this.device.write(uio, this.ioflags, lwp) : -Errno.SPIPE;
  }

  /** A device that has positions at all (null, zero, full) is always at 0. */
  override seek(_off: long, _whence: i32, _lwp: Lwp): long {
    if (!this.device.isSeekable) return -Errno.SPIPE;
    this.offset = 0;
    return 0;
  }

  override ioctl(cmd: u32, arg: long, lwp: Lwp): i32 {
    return this.device.ioctl(cmd, arg, lwp.proc.space!, lwp);
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    return this.device.poll(events, waiter);
  }

  override truncate(_length: long, _lwp: Lwp): i32 {
    return -Errno.INVAL;
  }

  override fsync(_lwp: Lwp): i32 {
    return -Errno.INVAL;
  }

  override close(): void {
    this.device.close(this.flags);
    super.close();
  }

  override mmapCheck(prot: i32, shared: boolean): i32 {
    if (!this.device.isMappable) return -Errno.NODEV;
    if (!this.isReadable) return -Errno.ACCES;
    if (shared && (prot & PROT_WRITE) !== 0 && !this.isWritable) return -Errno.ACCES;
    return 0;
  }

  override mmapObject(_lwp: Lwp): VmObject | null {
    return this.device.mmapObject();
  }
}

/** A device whose open files are of a kind of their own. */
export abstract class KernDevice extends CharDevice {
  /**
   * Makes the open file of a node of this device; it takes the open over that vfs counted. 0 with the file in `fc.opened`,
   * or a negative errno.
   */
  abstract openFile(lwp: Lwp, vp: Vnode, flags: i32): i32;
}
