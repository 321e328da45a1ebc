/**
 * Open file descriptions: what a descriptor refers to.
 *
 * Key type `File`; subclasses are one for each kind of object (vnode, device, tty, pipe, event, socket). Neighbours
 * `descriptors.ts` (tables of references), `fileops.ts` (system calls), `poll.ts`.
 * Invariant: `close` runs once, when the last reference goes; no operation runs after it.
 * Source: DragonFly sys/sys/file.h (struct file, struct fileops).
 */
import { Errno, type i32, type long, type u32 } from "@anax/portable";
import { Waiter } from "@anax/lwkt";
import type { Uio, VmObject } from "@anax/vm";
import { NcHandle, OpenFile, type Cred, type DirSink, type LockOwner, type Stat } from "@anax/vfs-msg";
import type { AsyncIo } from "./async-io";
import type { Lwp } from "./lwp";
import { OpState } from "./op";
import { O_ACCMODE, O_NONBLOCK, O_PATH, O_RDONLY, O_WRONLY, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "./fcntl";

/** What `File#kind` says, so that callers need no cast to find out. */
export const FK_VNODE: i32 = 1;
export const FK_DEVICE: i32 = 2;
export const FK_PIPE: i32 = 3;
export const FK_TTY: i32 = 4;
export const FK_EPOLL: i32 = 5;
export const FK_EVENT: i32 = 6;
export const FK_TIMER: i32 = 7;
export const FK_SIGNAL: i32 = 8;
export const FK_SOCKET: i32 = 9;
export const FK_PID: i32 = 10;

/** A reference of a call that sleeps: its file stays open when another thread closes the descriptor. */
export class FileHold extends OpState {
  constructor(readonly file: File) {
    super();
  }

  drop(_lwp: Lwp): void {
    this.file.unref();
  }
}

/** A waiter that stays with a file until the file is closed. Linked into `File#watchers`. */
export abstract class FileWatcher extends Waiter {
  fileNext: FileWatcher | null = null;

  /** The last reference of the file is gone: unlink. */
  abstract fileClosed(): void;
}

/**
 * An open file description. Owned by the descriptors (and messages in flight) that refer to it.
 *
 * Results of operations: `>= 0`, a negative errno, or EASYNC after the waiter was put on the wait queues concerned.
 * `read` and `write` return 0, a negative errno or EASYNC, and the bytes moved are what `uio.resid` lost; a handler
 * that is run again finds the bytes of earlier runs in `lwp.opDone`.
 */
export abstract class File extends OpenFile {
  /** Descriptors and messages that refer to it. */
  refs: i32 = 1;
  offset: long = 0;
  /** The name it was opened by: where openat and fchdir start. */
  handle: NcHandle | null = null;
  /** The holder of its flock and OFD locks; null before the first. */
  lockOwner: LockOwner | null = null;
  /** Signals when it becomes ready; null before O_ASYNC, F_SETOWN or F_SETSIG. */
  asyncIo: AsyncIo | null = null;
  /** Who watches it over many calls (epoll). */
  watchers: FileWatcher | null = null;
  private hold: FileHold | null = null;

  constructor(
    readonly kind: i32,
    /** Access mode and status flags (O_*). */
    public flags: i32,
    /** Credentials at open. */
    readonly cred: Cred,
  ) {
    super();
  }

  get isReadable(): boolean {
    const mode = this.flags & O_ACCMODE;
    return mode !== O_WRONLY && mode !== O_ACCMODE && (this.flags & O_PATH) === 0;
  }

  get isWritable(): boolean {
    const mode = this.flags & O_ACCMODE;
    return mode !== O_RDONLY && mode !== O_ACCMODE && (this.flags & O_PATH) === 0;
  }

  get isNonblocking(): boolean {
    return (this.flags & O_NONBLOCK) !== 0;
  }

  ref(): void {
    this.refs++;
  }

  /** Gives a reference back; the last one closes. */
  unref(): void {
    this.refs--;
    if (this.refs > 0) return;
    let w = this.watchers;
    while (w !== null) {
      const next = w.fileNext;
      w.fileClosed();
      w = next;
    }
    this.close();
  }

  /** The call of `lwp` goes to sleep on this file and refers to it until its end. */
  holdFor(lwp: Lwp): void {
    if (lwp.opObj !== null) return;
    let h = this.hold;
    if (h === null) {
      h = new FileHold(this);
      this.hold = h;
    }
    this.refs++;
    lwp.opObj = h;
  }

  /** A descriptor of the table `owner` that referred to it is closed: the table's record locks go. */
  descriptorClosed(_owner: LockOwner): void {}

  /** open(2) of /proc/PID/fd/N: a new description of the same object, put into `fc.opened`. -NXIO where there is none. */
  reopen(_flags: i32, _lwp: Lwp): i32 {
    return -Errno.NXIO;
  }

  /** Bytes that a read gets without waiting (FIONREAD); -NOTTY where that has no meaning. */
  available(): long {
    return -Errno.NOTTY;
  }

  /** Whether epoll may watch it; what is always ready may not be. */
  get isWatchable(): boolean {
    return true;
  }

  /** Whether it has positions (pread, pwrite). */
  get hasPositions(): boolean {
    return false;
  }

  /** Reads at the file offset. 0, -errno or EASYNC. */
  read(_uio: Uio, _lwp: Lwp): i32 {
    return -Errno.INVAL;
  }

  write(_uio: Uio, _lwp: Lwp): i32 {
    return -Errno.INVAL;
  }

  /** Reads at `uio.offset` and leaves the file offset alone. -SPIPE where there are no positions. */
  pread(_uio: Uio, _lwp: Lwp): i32 {
    return -Errno.SPIPE;
  }

  pwrite(_uio: Uio, _lwp: Lwp): i32 {
    return -Errno.SPIPE;
  }

  /** lseek(2): the new offset, -INVAL, -SPIPE, -NXIO. */
  seek(_off: long, _whence: i32, _lwp: Lwp): long {
    return -Errno.SPIPE;
  }

  /** `arg` is a user address or a number, as the command has it. -NOTTY for a command it does not know. */
  ioctl(_cmd: u32, _arg: long, _lwp: Lwp): i32 {
    return -Errno.NOTTY;
  }

  /**
   * Which of `events` (and ERR, HUP, which are always reported) hold now. A waiter that is given is registered on
   * every wait queue that can change the answer, ready or not.
   */
  poll(events: i32, _waiter: Waiter | null): i32 {
    return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
  }

  abstract stat(st: Stat, lwp: Lwp): i32;

  truncate(_length: long, _lwp: Lwp): i32 {
    return -Errno.INVAL;
  }

  fsync(_lwp: Lwp): i32 {
    return -Errno.INVAL;
  }

  /** Hands directory entries to the sink from the file offset on. 0, -NOTDIR, -errno. */
  readdir(_sink: DirSink, _lwp: Lwp): i32 {
    return -Errno.NOTDIR;
  }

  /** Whether it may be mapped with `prot`: 0, -NODEV, -ACCES. `shared` is MAP_SHARED. */
  mmapCheck(_prot: i32, _shared: boolean): i32 {
    return -Errno.NODEV;
  }

  /** What mprotect may give a mapping later: PROT_* bits. */
  mmapMaxProt(shared: boolean): i32 {
    return shared && !this.isWritable ? 5 : 7;
  }

  /** The object to map, after `mmapCheck` gave 0; null means zero pages (/dev/zero). */
  mmapObject(_lwp: Lwp): VmObject | null {
    return null;
  }

  /** Whether fallocate(2) may do what `mode` says up to `end`: 0 or -PERM. */
  allocateCheck(_mode: i32, _end: long): i32 {
    return 0;
  }

  /** fcntl(F_ADD_SEALS), F_GET_SEALS: -INVAL where there are none. */
  addSeals(_seals: i32): i32 {
    return -Errno.INVAL;
  }

  getSeals(): i32 {
    return -Errno.INVAL;
  }

  /** The kind-specific half of fcntl(F_SETFL): flags have changed. */
  flagsChanged(): void {}

  /** The last reference is gone. */
  abstract close(): void;
}
