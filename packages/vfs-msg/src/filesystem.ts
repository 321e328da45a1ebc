/**
 * File systems as ports: what a mount's messages are sent to.
 *
 * Key types `FileSystem` (one method for each operation), `FsType` (what mount(2) finds by name), `vop` (the
 * sender's side). Neighbours: `vop.ts` (messages), `mount.ts`.
 * Invariants: a file system finishes a message before `putPort` returns, or answers EASYNC after it put `msg.waiter`
 * on a wait queue, having changed nothing: the message is the sender's again, who sends the operation anew when it is run again.
 * A file system asks nobody above it.
 * Source: DragonFly sys/kern/vfs_default.c (vop_defaultop).
 */
import { EASYNC, Errno, type i32 } from "@anax/portable";
import { MSGF_DONE, PutOnlyPort, beginMsg, type Msg, type Port } from "@anax/lwkt";
import type { Mount } from "./mount";
import type { Ncp } from "./namecache";
import { Vop, type VopMsg } from "./vop";
import type { Vnode } from "./vnode";
import type { Vfs } from "./vfs";

/**
 * The port of one mounted file system. Methods return 0, a negative errno or EASYNC; what an operation's arguments and
 * results are is written at `Vop`. Defaults: what a file system does not have is -OPNOTSUPP (or what POSIX says for it).
 */
export abstract class FileSystem extends PutOnlyPort {
  /** Name of the root, shared by all mounts of this file system; and how many those are. Owned by `mounting.ts`. */
  rootName: Ncp | null = null;
  mountCount: i32 = 0;
  /** The first mount: what its vnodes say they are on. Set by the file system's constructor. */
  home: Mount | null = null;

  /** The root vnode; called once when it is mounted. */
  abstract root(): Vnode;

  putPort(msg: Msg): i32 {
    const error = this.dispatch(msg as VopMsg);
    return error < 0 && error !== EASYNC ? -error : error;
  }

  private dispatch(m: VopMsg): i32 {
    switch (m.cmd) {
      case Vop.NRESOLVE:
        return this.nresolve(m);
      case Vop.GETATTR:
        return this.getattr(m);
      case Vop.OPEN:
        return this.open(m);
      case Vop.CLOSE:
        return this.close(m);
      case Vop.READ:
        return this.read(m);
      case Vop.WRITE:
        return this.write(m);
      case Vop.READDIR:
        return this.readdir(m);
      case Vop.READLINK:
        return this.readlink(m);
      case Vop.NCREATE:
        return this.ncreate(m);
      case Vop.NMKDIR:
        return this.nmkdir(m);
      case Vop.NMKNOD:
        return this.nmknod(m);
      case Vop.NSYMLINK:
        return this.nsymlink(m);
      case Vop.NLINK:
        return this.nlink(m);
      case Vop.NREMOVE:
        return this.nremove(m);
      case Vop.NRMDIR:
        return this.nrmdir(m);
      case Vop.NRENAME:
        return this.nrename(m);
      case Vop.SETATTR:
        return this.setattr(m);
      case Vop.IOCTL:
        return this.ioctl(m);
      case Vop.POLL:
        return this.poll(m);
      case Vop.FSYNC:
        return this.fsync(m);
      case Vop.ADVLOCK:
        return this.advlock(m);
      case Vop.INACTIVE:
        return this.inactive(m);
      case Vop.ALLOCATE:
        return this.allocate(m);
      case Vop.JUMP:
        return this.jump(m);
      case Vop.REVALIDATE:
        return this.revalidate(m);
      case Vop.STATFS:
        return this.statfs(m);
      case Vop.SYNC:
        return this.sync(m);
      case Vop.UNMOUNT:
        return this.unmount(m);
      case Vop.SEEK:
        return this.seek(m);
      case Vop.TMPFILE:
        return this.tmpfile(m);
      default:
        return -Errno.OPNOTSUPP;
    }
  }

  abstract nresolve(m: VopMsg): i32;

  ncreate(_m: VopMsg): i32 {
    return -Errno.PERM;
  }

  nmkdir(_m: VopMsg): i32 {
    return -Errno.PERM;
  }

  nmknod(_m: VopMsg): i32 {
    return -Errno.PERM;
  }

  nsymlink(_m: VopMsg): i32 {
    return -Errno.PERM;
  }

  nlink(_m: VopMsg): i32 {
    return -Errno.PERM;
  }

  nremove(_m: VopMsg): i32 {
    return -Errno.PERM;
  }

  nrmdir(_m: VopMsg): i32 {
    return -Errno.PERM;
  }

  nrename(_m: VopMsg): i32 {
    return -Errno.PERM;
  }

  open(_m: VopMsg): i32 {
    return 0;
  }

  close(_m: VopMsg): i32 {
    return 0;
  }

  getattr(m: VopMsg): i32 {
    m.vp!.fillStat(m.stat!);
    return 0;
  }

  setattr(_m: VopMsg): i32 {
    return -Errno.PERM;
  }

  read(_m: VopMsg): i32 {
    return -Errno.INVAL;
  }

  write(_m: VopMsg): i32 {
    return -Errno.INVAL;
  }

  readdir(_m: VopMsg): i32 {
    return -Errno.NOTDIR;
  }

  readlink(_m: VopMsg): i32 {
    return -Errno.INVAL;
  }

  ioctl(_m: VopMsg): i32 {
    return -Errno.NOTTY;
  }

  /** Regular files and directories are always ready. */
  poll(m: VopMsg): i32 {
    m.result = m.opflags & 0x145;
    return 0;
  }

  fsync(_m: VopMsg): i32 {
    return 0;
  }

  advlock(_m: VopMsg): i32 {
    return -Errno.OPNOTSUPP;
  }

  inactive(_m: VopMsg): i32 {
    return 0;
  }

  allocate(_m: VopMsg): i32 {
    return -Errno.OPNOTSUPP;
  }

  jump(_m: VopMsg): i32 {
    return -Errno.NOENT;
  }

  revalidate(_m: VopMsg): i32 {
    return 0;
  }

  abstract statfs(m: VopMsg): i32;

  sync(_m: VopMsg): i32 {
    return 0;
  }

  unmount(_m: VopMsg): i32 {
    return 0;
  }

  seek(_m: VopMsg): i32 {
    return -Errno.INVAL;
  }

  tmpfile(_m: VopMsg): i32 {
    return -Errno.OPNOTSUPP;
  }
}

/** A kind of file system, by the name mount(2) is given. Registered with `Vfs#addType`. */
export abstract class FsType {
  /** MNT_* that every mount of this kind has. */
  forcedFlags: i32 = 0;

  constructor(
    readonly name: string,
    /** Shown as `nodev` in /proc/filesystems: it needs no device. */
    readonly nodev: boolean = true,
  ) {}

  /**
   * Makes (or finds) the file system for a new mount and sets `mount.fs`. `data` are the mount's own options
   * (`size=1m,mode=755`). 0 or -errno.
   */
  abstract mount(vfs: Vfs, mount: Mount, data: string): i32;

  /** mount -o remount with new options. */
  remount(_mount: Mount, _data: string): i32 {
    return 0;
  }
}

/** Sends an operation: 0, a negative errno, or EASYNC when the waiter was registered. The message stays the caller's. */
export function vop(port: Port, m: VopMsg): i32 {
  const error = beginMsg(port, m);
  if (error === EASYNC) {
    m.flags |= MSGF_DONE;
    return EASYNC;
  }
  return error === 0 ? 0 : -error;
}
