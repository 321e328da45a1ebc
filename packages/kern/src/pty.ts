/**
 * Pseudo terminals: a terminal whose other end is a file.
 *
 * Key types `PtyTable` (all of them), `Pty` (one), `PtyDriver` (what is below its slave), `PtyMasterFile` (the other end), `PtmxDevice`
 * (/dev/ptmx), `PtsDevice` (/dev/pts/N). Neighbours: `tty.ts`, `tty-file.ts`, vfs-msg's devfs.
 * Invariant: a pty exists exactly as long as its master is open; closing it hangs the slave up.
 * Source: pty(7), pts(4), ioctl_tty(2).
 */
import { EASYNC, Errno, i32, u32, type long } from "@anax/portable";
import { WaitQueue, type Waiter } from "@anax/lwkt";
import type { Uio } from "@anax/vm";
import { DevFs, makeDev, type Cred, type Vfs, type Vnode } from "@anax/vfs-msg";
import { O_NOT_KEPT, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "./fcntl";
import { FK_TTY } from "./file";
import type { Kernel } from "./kernel";
import type { Lwp } from "./lwp";
import { groupSignal } from "./signal";
import { Tty, TtyDriver } from "./tty";
import { openTty } from "./tty-file";
import { ttyIoctl } from "./tty-ioctl";
import { DeviceFile, KernDevice } from "./vnode-file";

const PTS_MAJOR: i32 = 136;
/** Most ptys, as minor numbers go. */
const PTY_MAX: i32 = 4096;
/** Kernel memory of one, rings included. */
const PTY_BYTES: i32 = 32768;
const SLAVE_MODE: i32 = 0o620;

const TIOCPKT: u32 = 0x5420;
const TIOCGPTN: u32 = 0x80045430;
const TIOCSPTLCK: u32 = 0x40045431;
const TIOCSIG: u32 = 0x40045436;
const TIOCGPKT: u32 = 0x80045438;
const TIOCGPTLCK: u32 = 0x80045439;

/** The pseudo terminals of a kernel. Owned by the composition, which registers `ptmx`. */
export class PtyTable {
  readonly ptmx: PtmxDevice = new PtmxDevice();
  /** What a mount of type devpts shows: the slaves, and another `ptmx`. */
  readonly pts: DevFs;
  private readonly slaves: Array<PtsDevice | null> = [];

  constructor(
    readonly kernel: Kernel,
    readonly devfs: DevFs,
  ) {
    this.pts = new DevFs(kernel.vfs, "devpts", "");
    this.ptmx.table = this;
    this.pts.addNode("ptmx", this.ptmx, 0o666, 0, 0);
  }

  /** Makes the lowest free one, with nodes that belong to `cred`'s user; null when there are too many. */
  create(cred: Cred): Pty | null {
    // Names and numbers of all of them may have to be hashed anew.
    if (!this.kernel.vm.heapRoom((this.slaves.length * 64 + PTY_BYTES) | 0)) return null;
    let n: i32 = 0;
    while (n < this.slaves.length && this.slaves[n] !== null) n++;
    if (n >= PTY_MAX) return null;
    const major: i32 = (PTS_MAJOR + (n >> 8)) | 0;
    const minor = n & 255;
    const driver = new PtyDriver();
    const pty = new Pty(this, n, driver, new Tty(this.kernel, driver, makeDev(major, minor), true));
    const slave = new PtsDevice(pty, major, minor);
    if (n === this.slaves.length) this.slaves.push(slave);
    else this.slaves[n] = slave;
    this.kernel.vfs.devices.add(slave);
    this.pts.addNode(n.toString(), slave, SLAVE_MODE, cred.fsuid, cred.fsgid);
    this.devfs.addNode(slave.name, slave, SLAVE_MODE, cred.fsuid, cred.fsgid);
    return pty;
  }

  destroy(pty: Pty): void {
    const slave = this.slaves[pty.index];
    if (slave === null) return;
    this.devfs.remove(slave);
    this.pts.removeNode(pty.index.toString());
    this.slaves[pty.index] = null;
  }
}

/** What is below a slave: the master's queue of sleepers. */
export class PtyDriver extends TtyDriver {
  /** Readers, writers and pollers of the master. */
  readonly masterWait: WaitQueue = new WaitQueue();
  /** The slave was opened at least once: from then on, no open slave means hang-up. */
  wasOpen: boolean = false;

  override startOutput(_tty: Tty): void {
    this.masterWait.wakeup();
  }

  override unthrottle(_tty: Tty): void {
    this.masterWait.wakeup();
  }

  override isIdle(tty: Tty): boolean {
    return tty.line.out.isEmpty;
  }

  override opened(_tty: Tty): void {
    this.wasOpen = true;
  }

  override closed(_tty: Tty): void {
    this.masterWait.wakeup();
  }
}

/** One pseudo terminal. */
export class Pty {
  /** The slave cannot be opened yet (unlockpt). */
  locked: boolean = true;

  constructor(
    readonly table: PtyTable,
    readonly index: i32,
    readonly driver: PtyDriver,
    readonly tty: Tty,
  ) {}

  /** The slave was open and is not any more. */
  get isAbandoned(): boolean {
    return this.driver.wasOpen && this.tty.openCount === 0;
  }
}

/** The node of a slave. */
export class PtsDevice extends KernDevice {
  constructor(
    readonly pty: Pty,
    major: i32,
    minor: i32,
  ) {
    super(`pts/${pty.index.toString()}`, major, minor, SLAVE_MODE);
  }

  openFile(lwp: Lwp, vp: Vnode, flags: i32): i32 {
    if (this.pty.locked) return -Errno.IO;
    return openTty(lwp, this, this.pty.tty, vp, flags, true);
  }
}

/** /dev/ptmx: each open makes a new pty. */
export class PtmxDevice extends KernDevice {
  /** Set once when the table is made. */
  table: PtyTable | null = null;

  constructor() {
    super("ptmx", 5, 2, 0o666);
  }

  openFile(lwp: Lwp, vp: Vnode, flags: i32): i32 {
    const pty = this.table!.create(lwp.proc.cred);
    if (pty === null) return -Errno.NOSPC;
    const fc = lwp.kernel.fc;
    fc.opened = new PtyMasterFile(fc.vfs, vp, this, pty, flags & ~O_NOT_KEPT, lwp.proc.cred);
    return 0;
  }
}

/** The master's end. */
export class PtyMasterFile extends DeviceFile {
  constructor(
    vfs: Vfs,
    vp: Vnode,
    device: PtmxDevice,
    readonly pty: Pty,
    flags: i32,
    cred: Cred,
  ) {
    super(vfs, vp, device, flags, cred, FK_TTY);
  }

  /** Reads what the slave's programs wrote. -IO when the slave is closed and all is read. */
  override read(uio: Uio, lwp: Lwp): i32 {
    const tty = this.pty.tty;
    const out = tty.line.out;
    if (uio.resid === 0) return 0;
    if (out.isEmpty || tty.line.stopped) {
      if (this.pty.isAbandoned) return -Errno.IO;
      return this.sleep(lwp);
    }
    let r: i32 = 0;
    while (r === 0 && !out.isEmpty && uio.resid > 0) {
      const before = uio.resid;
      let n = out.span;
      if (before < n) n = i32(before);
      r = uio.move(out.bytes, out.head, n);
      out.drop(i32(before - uio.resid));
    }
    tty.outputDrained();
    return r;
  }

  /** Types into the slave. */
  override write(uio: Uio, lwp: Lwp): i32 {
    const tty = this.pty.tty;
    const scratch = lwp.kernel.fc.scratch;
    while (uio.resid > 0) {
      let n = tty.inputRoom;
      if (n === 0) return this.sleep(lwp);
      const before = uio.resid;
      if (n > scratch.length) n = scratch.length;
      if (before < n) n = i32(before);
      const r = uio.move(scratch, 0, n);
      tty.inputBytes(scratch, 0, i32(before - uio.resid));
      if (r !== 0) return r;
    }
    return 0;
  }

  private sleep(lwp: Lwp): i32 {
    if (this.isNonblocking) return -Errno.AGAIN;
    if (lwp.interrupted) return -Errno.INTR;
    this.pty.driver.masterWait.add(lwp);
    return EASYNC;
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    const tty = this.pty.tty;
    if (waiter !== null) this.pty.driver.masterWait.add(waiter);
    let ready: i32 = 0;
    if (!tty.line.out.isEmpty && !tty.line.stopped) ready |= events & (POLLIN | POLLRDNORM);
    if (tty.inputRoom > 0) ready |= events & (POLLOUT | POLLWRNORM);
    if (this.pty.isAbandoned) ready |= POLLHUP;
    return ready;
  }

  override ioctl(cmd: u32, arg: long, lwp: Lwp): i32 {
    const pty = this.pty;
    const space = lwp.proc.space!;
    switch (cmd) {
      case TIOCGPTN:
        return space.put32(arg, u32(pty.index));
      case TIOCSPTLCK: {
        const v = space.get32(arg);
        if (v < 0) return i32(v);
        pty.locked = v !== 0;
        return 0;
      }
      case TIOCGPTLCK:
        return space.put32(arg, pty.locked ? 1 : 0);
      case TIOCGPKT:
        return space.put32(arg, 0);
      case TIOCPKT: {
        // Packet mode is not offered; switching it off is no change.
        const v = space.get32(arg);
        if (v < 0) return i32(v);
        return v === 0 ? 0 : -Errno.INVAL;
      }
      case TIOCSIG: {
        const sig = i32(arg);
        if (sig < 1 || sig > 64) return -Errno.INVAL;
        const group = pty.tty.group;
        if (group !== null) groupSignal(lwp.kernel, group, sig);
        return 0;
      }
      default:
        return ttyIoctl(lwp, pty.tty, true, cmd, arg);
    }
  }

  override available(): long {
    return this.pty.tty.line.out.count;
  }

  override close(): void {
    this.pty.tty.hangup();
    this.pty.table.destroy(this.pty);
    super.close();
  }
}
