/**
 * Device nodes and open files of terminals.
 *
 * Key types `TtyDevice` (a node), `TtyFile` (an open file), `ControllingDevice` (/dev/tty), `ConsoleDevice` (/dev/console).
 * Neighbours: `tty.ts`, `tty-ioctl.ts`, `open.ts` (calls `openFile`), vfs-msg's devfs (shows the nodes).
 * Invariant: a file counts as one open of its terminal until it is closed, hung up or not.
 * Source: tty(4), console(4), POSIX 11.1.3.
 */
import { Errno, type i32, type long, type u32 } from "@anax/portable";
import type { Waiter } from "@anax/lwkt";
import type { Uio } from "@anax/vm";
import type { CharDevice, Cred, Vfs, Vnode } from "@anax/vfs-msg";
import { O_NOCTTY, O_NOT_KEPT } from "./fcntl";
import { FK_TTY } from "./file";
import type { Lwp } from "./lwp";
import type { Tty } from "./tty";
import { ttyIoctl } from "./tty-ioctl";
import { DeviceFile, KernDevice } from "./vnode-file";

/** An open terminal. */
export class TtyFile extends DeviceFile {
  private readonly generation: i32;

  constructor(
    vfs: Vfs,
    vp: Vnode,
    device: CharDevice,
    readonly tty: Tty,
    flags: i32,
    cred: Cred,
  ) {
    super(vfs, vp, device, flags, cred, FK_TTY);
    this.generation = tty.generation;
    tty.opened();
  }

  /** The terminal was hung up since this file was opened. */
  get isHungup(): boolean {
    return this.generation !== this.tty.generation;
  }

  override read(uio: Uio, lwp: Lwp): i32 {
    if (this.isHungup) return 0;
    return this.tty.read(uio, this.isNonblocking, lwp);
  }

  override write(uio: Uio, lwp: Lwp): i32 {
    if (this.isHungup) return -Errno.IO;
    return this.tty.write(uio, this.isNonblocking, lwp);
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    if (this.isHungup) return this.tty.pollHungup(events);
    return this.tty.poll(events, waiter);
  }

  override ioctl(cmd: u32, arg: long, lwp: Lwp): i32 {
    if (this.isHungup) return -Errno.IO;
    return ttyIoctl(lwp, this.tty, false, cmd, arg);
  }

  override available(): long {
    return this.isHungup ? 0 : this.tty.line.available;
  }

  override close(): void {
    this.tty.closed();
    super.close();
  }
}

/** Opens `tty` by a node of `device`: 0 with the file in `fc.opened`, or -BUSY (TIOCEXCL), -IO. */
export function openTty(lwp: Lwp, device: CharDevice, tty: Tty, vp: Vnode, flags: i32, control: boolean): i32 {
  if (tty.exclusive && lwp.proc.cred.euid !== 0) return -Errno.BUSY;
  const fc = lwp.kernel.fc;
  fc.opened = new TtyFile(fc.vfs, vp, device, tty, flags & ~O_NOT_KEPT, lwp.proc.cred);
  if (!control || (flags & O_NOCTTY) !== 0 || !tty.controllable) return 0;
  const group = lwp.proc.group;
  if (group === null) return 0;
  const session = group.session;
  if (session.leader === lwp.proc && session.tty === null && tty.session === null) tty.control(lwp);
  return 0;
}

/** The node of one terminal. */
export class TtyDevice extends KernDevice {
  constructor(
    name: string,
    major: i32,
    minor: i32,
    mode: i32,
    readonly tty: Tty,
  ) {
    super(name, major, minor, mode);
  }

  openFile(lwp: Lwp, vp: Vnode, flags: i32): i32 {
    return openTty(lwp, this, this.tty, vp, flags, true);
  }
}

/** /dev/console: the terminal that the composition chose. Opening it does not make it a controlling terminal. */
export class ConsoleDevice extends KernDevice {
  constructor(public tty: Tty) {
    super("console", 5, 1, 0o600);
  }

  openFile(lwp: Lwp, vp: Vnode, flags: i32): i32 {
    return openTty(lwp, this, this.tty, vp, flags, false);
  }
}

/** /dev/tty: the controlling terminal of who opens it. */
export class ControllingDevice extends KernDevice {
  constructor() {
    super("tty", 5, 0, 0o666);
  }

  openFile(lwp: Lwp, vp: Vnode, flags: i32): i32 {
    const group = lwp.proc.group;
    if (group === null) return -Errno.NXIO;
    const tty = group.session.tty;
    if (tty === null) return -Errno.NXIO;
    return openTty(lwp, this, tty as Tty, vp, flags, false);
  }
}
