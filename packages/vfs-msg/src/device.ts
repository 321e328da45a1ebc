/**
 * Character devices: what a device node stands for, and the table that finds it by number.
 *
 * Key types `CharDevice` (implemented by drivers, kern's ttys and `devfs/`), `DeviceTable` (one a kernel), `DeviceOpen`.
 * Neighbours: `vfs.ts` (open of a device node), kern's file objects (call the operations). Invariant: a device number
 * names at most one device; operations run only on a device whose `open` succeeded.
 * Source: DragonFly sys/sys/device.h (dev_ops), sys/kern/kern_conf.c.
 */
import { Errno, type i32, type long, type u32 } from "@anax/portable";
import type { Waiter } from "@anax/lwkt";
import type { Uio, VmObject, VmSpace } from "@anax/vm";
import type { Cred } from "./cred";
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "./flags";
import { makeDev } from "./stat";
import type { Vnode } from "./vnode";

/** One open in progress. `device` may be replaced by the device's `open` (clone devices: ptmx, tty). */
export class DeviceOpen {
  device: CharDevice | null = null;
  vnode: Vnode | null = null;
  cred: Cred | null = null;
  /** O_*. */
  flags: i32 = 0;
}

/**
 * A character device. Owned by who registered it.
 *
 * Results: `>= 0`, a negative errno, or EASYNC after `waiter` was put on the wait queues concerned (the operation is
 * then sent again from its start). `read` and `write` return 0; what moved is what `uio.resid` lost. With IO_NONBLOCK
 * or without a waiter they return -AGAIN instead of EASYNC.
 */
export abstract class CharDevice {
  readonly rdev: u32;

  constructor(
    /** Name below /dev; may have directories in it (`pts/0`). */
    readonly name: string,
    readonly major: i32,
    readonly minor: i32,
    /** Permission bits of its node. */
    readonly mode: i32,
  ) {
    this.rdev = makeDev(major, minor);
  }

  /** A new open file description refers to the device. 0, -errno, or EASYNC. */
  open(_ctx: DeviceOpen): i32 {
    return 0;
  }

  /** The last descriptor of one open file description is gone. */
  close(_flags: i32): void {}

  read(_uio: Uio, _ioflags: i32, _waiter: Waiter | null): i32 {
    return -Errno.INVAL;
  }

  write(_uio: Uio, _ioflags: i32, _waiter: Waiter | null): i32 {
    return -Errno.INVAL;
  }

  /** `arg` is a number or an address in `space`. */
  ioctl(_cmd: u32, _arg: long, _space: VmSpace, _waiter: Waiter | null): i32 {
    return -Errno.NOTTY;
  }

  /** Those of `events` (and ERR, HUP) that hold now; a waiter is registered on every queue that can change the answer. */
  poll(events: i32, _waiter: Waiter | null): i32 {
    return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
  }

  /** Whether the device has positions (lseek); otherwise -SPIPE. */
  get isSeekable(): boolean {
    return false;
  }

  /** Whether it may be mapped. `mmapObject` then gives the object; null means private zero pages. */
  get isMappable(): boolean {
    return false;
  }

  mmapObject(): VmObject | null {
    return null;
  }
}

/** Devices by number. Owned by the `Vfs`. */
export class DeviceTable {
  private readonly byNumber: Map<u32, CharDevice> = new Map<u32, CharDevice>();
  /** In the order of registration, for /proc/devices. */
  readonly list: CharDevice[] = [];

  /** 0, or -EXIST when the number is taken. */
  add(dev: CharDevice): i32 {
    if (this.byNumber.has(dev.rdev)) return -Errno.EXIST;
    this.byNumber.set(dev.rdev, dev);
    this.list.push(dev);
    return 0;
  }

  remove(dev: CharDevice): void {
    if (!this.byNumber.has(dev.rdev) || this.byNumber.get(dev.rdev)! !== dev) return;
    this.byNumber.delete(dev.rdev);
    const at = this.list.indexOf(dev);
    if (at >= 0) this.list.splice(at, 1);
  }

  find(rdev: u32): CharDevice | null {
    if (!this.byNumber.has(rdev)) return null;
    return this.byNumber.get(rdev)!;
  }
}
