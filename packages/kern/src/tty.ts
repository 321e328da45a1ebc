/**
 * Terminals: reading, writing, job control and hang-up over a line discipline and a driver.
 *
 * Key types `Tty`, `TtyDriver` (what is below: a UART, virtio-console, the master of a pty). Neighbours: `tty-line.ts`,
 * `tty-ioctl.ts`, `tty-file.ts` (device nodes and open files), `session.ts`.
 * Invariant: `session` and the session's `tty` point at each other or neither does; `group` is null without a session.
 * Source: POSIX 11.1, credentials(7), tty_ioctl(4).
 */
import { EASYNC, Errno, i32, toLong, type long, type u32 } from "@anax/portable";
import { WaitQueue, type Waiter } from "@anax/lwkt";
import type { Uio } from "@anax/vm";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "./fcntl";
import type { Kernel } from "./kernel";
import type { Lwp } from "./lwp";
import { groupSignal, isIgnoredOrBlocked, procSignal } from "./signal";
import { isOrphaned, type ControllingTerminal, type ProcGroup, type Session } from "./session";
import { SIGCONT, SIGHUP, SIGTTIN, SIGTTOU, SIGWINCH } from "./sigdefs";
import { TOSTOP, Termios, VMIN, VTIME } from "./termios";
import { TTY_OUT_SIZE, TtyLine, type TtyLineHost } from "./tty-line";

/** ns of a unit of VTIME. */
const TENTH: long = 100000000;
/** A terminal takes part in poll as writable from so much room on. */
const OUT_LEAST: i32 = 128;

/**
 * What is below a terminal. It gives input by `tty.input` or `tty.inputBytes` and takes output from `tty.line.out`.
 */
export abstract class TtyDriver {
  /**
   * There is output in `tty.line.out` (take it by `span`, `bytes`, `head`, `drop`). A driver that leaves some calls
   * `tty.outputDrained` when it can take more. Not called while output is stopped.
   */
  abstract startOutput(tty: Tty): void;

  /** The settings of the line (speed, size) have changed. */
  setParams(_tty: Tty): void {}

  /** Whether everything taken has left. When it later has, `tty.outputDrained` is called. */
  isIdle(_tty: Tty): boolean {
    return true;
  }

  /** Readers made room for input after `tty.inputRoom` was 0. */
  unthrottle(_tty: Tty): void {}

  /** Output that was taken and has not left is to be dropped. */
  flushOutput(_tty: Tty): void {}

  /** The first open, and the last close. */
  opened(_tty: Tty): void {}
  closed(_tty: Tty): void {}
}

/**
 * A terminal. Owned by its device node; open files refer to it.
 *
 * | field | touched by | meaning |
 * |---|---|---|
 * | line | line discipline, driver (its `out`) | queues and settings |
 * | session, group | tty-ioctl, session.ts | whose controlling terminal it is; the foreground group |
 * | generation | hangup | open files of an older generation see a hung-up terminal |
 * | rows, cols, xpixels, ypixels | tty-ioctl | window size |
 * | exclusive, locks | tty-ioctl | TIOCEXCL: further opens are refused; settings that nobody may change |
 */
export class Tty implements TtyLineHost, ControllingTerminal {
  readonly line: TtyLine = new TtyLine();
  readonly readWait: WaitQueue = new WaitQueue();
  readonly writeWait: WaitQueue = new WaitQueue();
  session: Session | null = null;
  group: ProcGroup | null = null;
  generation: i32 = 0;
  openCount: i32 = 0;
  rows: i32 = 0;
  cols: i32 = 0;
  xpixels: i32 = 0;
  ypixels: i32 = 0;
  exclusive: boolean = false;
  /** Settings that TCSET* leaves alone (TIOCSLCKTRMIOS). */
  readonly locks: Termios = new Termios();
  private throttled: boolean = false;

  constructor(
    readonly kernel: Kernel,
    readonly driver: TtyDriver,
    /** Device number of its node. */
    readonly rdev: u32,
    /** Whether it can be a controlling terminal (the master of a pty and the launcher's channels cannot). */
    readonly controllable: boolean,
  ) {
    this.line.host = this;
  }

  // For the driver

  /** A byte came in. */
  input(c: i32): void {
    this.line.receiveOne(c);
  }

  /** Bytes came in; at most `inputRoom` of them are kept for sure. */
  inputBytes(buf: Uint8Array, off: i32, n: i32): void {
    this.line.receive(buf, off, n);
  }

  /** How much input fits. After 0, `driver.unthrottle` tells of room. */
  get inputRoom(): i32 {
    const room = this.line.inputRoom;
    if (room === 0) this.throttled = true;
    return room;
  }

  /** The driver can take output again after `startOutput` left some, or became idle. Gives it what there is, and wakes writers. */
  outputDrained(): void {
    this.lineOutput();
    const out = this.line.out;
    if (out.isEmpty || out.free >= TTY_OUT_SIZE >> 1) this.writeWait.wakeup();
  }

  // For the line discipline

  lineSignal(sig: i32): void {
    const group = this.group;
    if (group !== null) groupSignal(this.kernel, group, sig);
  }

  lineReadable(): void {
    if (!this.readWait.isEmpty) this.readWait.wakeup();
  }

  lineOutput(): void {
    if (this.line.stopped || this.line.out.isEmpty) return;
    this.driver.startOutput(this);
  }

  // Reading and writing

  /**
   * Job control: whether the caller may do what a foreground group may. 0; -IO (nobody could stop or continue it, or it
   * reads and does not want the signal); EASYNC after the signal was sent to its group: the call is run again when the
   * process continues, and ends with -INTR when the signal has a handler.
   */
  checkBackground(lwp: Lwp, sig: i32): i32 {
    const foreground = this.group;
    if (foreground === null) return 0;
    const group = lwp.proc.group;
    if (group === null || group === foreground || group.session !== this.session) return 0;
    if (isIgnoredOrBlocked(lwp, sig)) return sig === SIGTTIN ? -Errno.IO : 0;
    if (isOrphaned(group, null)) return -Errno.IO;
    if (lwp.interrupted) return -Errno.INTR;
    this.readWait.add(lwp);
    groupSignal(this.kernel, group, sig);
    return EASYNC;
  }

  /** 0 (with no byte moved: end of file), -AGAIN, -INTR, -IO, -FAULT, EASYNC. */
  read(uio: Uio, nonblocking: boolean, lwp: Lwp): i32 {
    const r = this.checkBackground(lwp, SIGTTIN);
    if (r !== 0) return r;
    if (uio.resid === 0) return 0;
    const s = this.line.isCanonical ? this.readLine(uio) : this.readRaw(uio, nonblocking, lwp);
    if (s === EASYNC) {
      if (nonblocking) return -Errno.AGAIN;
      if (lwp.interrupted) return -Errno.INTR;
      this.readWait.add(lwp);
    } else if (this.throttled && this.line.inputRoom > 0) {
      this.throttled = false;
      this.driver.unthrottle(this);
    }
    return s;
  }

  /** A canonical read: at most one line. EASYNC when there is none. */
  private readLine(uio: Uio): i32 {
    const line = this.line;
    if (line.committed === 0) return EASYNC;
    let r: i32 = 0;
    while (r === 0 && !line.atEof && uio.resid > 0) {
      const before = uio.resid;
      const n = line.readable(before > 4096 ? 4096 : i32(before));
      if (n === 0) return 0;
      r = uio.move(line.input.bytes, line.input.head, n);
      if (line.taken(i32(before - uio.resid))) return r;
    }
    if (r === 0 && line.atEof) line.takeEof();
    return r;
  }

  /** A non-canonical read by MIN and TIME. EASYNC when it is to wait. */
  private readRaw(uio: Uio, nonblocking: boolean, lwp: Lwp): i32 {
    const line = this.line;
    while (line.atEof) line.takeEof();
    const cc = line.termios.cc;
    const min: i32 = cc[VMIN];
    const time: i32 = cc[VTIME];
    const available = line.committed;
    let want: i32 = min > 0 ? min : 1;
    if (uio.resid < want) want = i32(uio.resid);
    if (available < want) {
      if (min === 0 && time === 0) return 0;
      if (available === 0) {
        if (min === 0) {
          if (lwp.isLate) return 0;
          if (!nonblocking) lwp.limit(lwp.opDeadline < 0 ? this.kernel.now() + toLong(time) * TENTH : lwp.opDeadline);
        }
        return EASYNC;
      }
      if (!nonblocking && !lwp.interrupted) {
        // TIME runs from the last byte on.
        if (time === 0) return EASYNC;
        if (lwp.opState !== available) {
          lwp.opState = available;
          lwp.limit(this.kernel.now() + toLong(time) * TENTH);
          return EASYNC;
        }
        if (!lwp.isLate) {
          lwp.limit(lwp.opDeadline);
          return EASYNC;
        }
      }
    }
    let r: i32 = 0;
    while (r === 0 && line.committed > 0 && uio.resid > 0) {
      const before = uio.resid;
      const n = line.readable(before > 4096 ? 4096 : i32(before));
      if (n === 0) {
        line.takeEof();
        continue;
      }
      r = uio.move(line.input.bytes, line.input.head, n);
      line.taken(i32(before - uio.resid));
    }
    return r;
  }

  /** Writes all. 0, -AGAIN, -INTR, -IO, -FAULT, EASYNC (with progress in the uio). */
  write(uio: Uio, nonblocking: boolean, lwp: Lwp): i32 {
    const line = this.line;
    if ((line.termios.lflag & TOSTOP) !== 0) {
      const r = this.checkBackground(lwp, SIGTTOU);
      if (r !== 0) return r;
    }
    const scratch = this.kernel.fc.scratch;
    while (uio.resid > 0) {
      let n: i32 = line.outputRoom;
      if (n === 0) break;
      const before = uio.resid;
      if (before < n) n = i32(before);
      let r: i32 = 0;
      if (line.isRawOutput) {
        if (n > line.out.room) n = line.out.room;
        r = uio.move(line.out.bytes, line.out.tail, n);
        line.out.fill(i32(before - uio.resid));
      } else {
        if (n > scratch.length) n = scratch.length;
        r = uio.move(scratch, 0, n);
        line.transmit(scratch, 0, i32(before - uio.resid));
      }
      this.lineOutput();
      if (r !== 0) return r;
    }
    if (uio.resid === 0) return 0;
    if (nonblocking) return -Errno.AGAIN;
    if (lwp.interrupted) return -Errno.INTR;
    this.writeWait.add(lwp);
    return EASYNC;
  }

  poll(events: i32, waiter: Waiter | null): i32 {
    if (waiter !== null) {
      this.readWait.add(waiter);
      this.writeWait.add(waiter);
    }
    let ready: i32 = 0;
    if (this.line.isReadable) ready |= events & (POLLIN | POLLRDNORM);
    if (this.line.outputRoom >= OUT_LEAST) ready |= events & (POLLOUT | POLLWRNORM);
    return ready;
  }

  /** What poll says of a terminal that was hung up. */
  pollHungup(events: i32): i32 {
    return (events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)) | POLLHUP | POLLERR;
  }

  /** tcdrain(3): 0 when all output has left, -INTR, EASYNC. */
  drain(lwp: Lwp): i32 {
    if (this.line.out.isEmpty && this.driver.isIdle(this)) return 0;
    if (lwp.interrupted) return -Errno.INTR;
    this.writeWait.add(lwp);
    return EASYNC;
  }

  flushOutput(): void {
    this.line.flushOutput();
    this.driver.flushOutput(this);
    this.writeWait.wakeup();
  }

  flushInput(): void {
    this.line.flushInput();
    if (this.throttled) {
      this.throttled = false;
      this.driver.unthrottle(this);
    }
  }

  // Opening, sessions, hang-up

  /** An open file refers to it. The first one finds the settings of the last. */
  opened(): void {
    this.openCount++;
    if (this.openCount === 1) this.driver.opened(this);
  }

  closed(): void {
    this.openCount--;
    if (this.openCount > 0) return;
    this.exclusive = false;
    this.line.stopped = false;
    this.flushInput();
    this.driver.closed(this);
  }

  deviceNumber(): i32 {
    return this.rdev | 0;
  }

  foregroundPgid(): i32 {
    const group = this.group;
    return group === null ? 0 : group.pgid;
  }

  /** Puts a group of its session into the foreground. */
  setForeground(group: ProcGroup): void {
    this.group = group;
    // Members that the change of a moment ago caught in the background look again.
    this.readWait.wakeup();
  }

  /** Makes it the controlling terminal of the caller's session, with the caller's group in the foreground. */
  control(lwp: Lwp): void {
    const group = lwp.proc.group!;
    this.session = group.session;
    this.group = group;
    group.session.tty = this;
  }

  releaseSession(session: Session, hangup: boolean): void {
    if (this.session !== session) return;
    const group = this.group;
    this.session = null;
    this.group = null;
    if (session.tty === this) session.tty = null;
    if (!hangup) return;
    if (group !== null) {
      groupSignal(this.kernel, group, SIGHUP);
      groupSignal(this.kernel, group, SIGCONT);
    }
    this.cutOff();
  }

  groupGone(group: ProcGroup): void {
    if (this.group === group) this.group = null;
  }

  /** The line was lost: SIGHUP to the session's leader and the foreground, and every open file sees the end. */
  hangup(): void {
    const session = this.session;
    const group = this.group;
    this.session = null;
    this.group = null;
    if (session !== null) {
      session.tty = null;
      const leader = session.leader;
      if (leader !== null) {
        procSignal(leader, SIGHUP);
        procSignal(leader, SIGCONT);
      }
    }
    if (group !== null) {
      groupSignal(this.kernel, group, SIGHUP);
      groupSignal(this.kernel, group, SIGCONT);
    }
    this.cutOff();
  }

  /** Open files of this generation are dead from now on. What they wrote still goes out: a pty's master may not have read it yet. */
  private cutOff(): void {
    this.generation = (this.generation + 1) | 0;
    this.line.flushInput();
    this.line.stopped = false;
    if (!this.line.out.isEmpty) this.driver.startOutput(this);
    this.readWait.wakeup();
    this.writeWait.wakeup();
  }

  /** Sets the window size; SIGWINCH to the foreground when it differs. */
  setWindow(rows: i32, cols: i32, xpixels: i32, ypixels: i32): void {
    const same = rows === this.rows && cols === this.cols && xpixels === this.xpixels && ypixels === this.ypixels;
    this.rows = rows;
    this.cols = cols;
    this.xpixels = xpixels;
    this.ypixels = ypixels;
    const group = this.group;
    if (!same && group !== null) groupSignal(this.kernel, group, SIGWINCH);
  }
}
