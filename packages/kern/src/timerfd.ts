/**
 * timerfd(2): a timer to read and poll.
 *
 * Key types `TimerFile`, `TimerFileCallout`. Neighbours: `time.ts` (clocks), `kernel.ts` (the wheel), `file.ts`, `poll.ts`.
 * Invariant: the callout is armed while the timer runs and has not expired since the last read; later expirations are counted
 * from the clock at the read, so an unread timer costs nothing.
 * Source: timerfd_create(2).
 */
import { EASYNC, Errno, getLong, i32, longDiv, longMod, putLong, type long } from "@anax/portable";
import { Callout, WaitQueue, type Waiter } from "@anax/lwkt";
import type { Uio } from "@anax/vm";
import type { Cred, Stat } from "@anax/vfs-msg";
import { NSEC_PER_SEC } from "./clock";
import { O_CLOEXEC, O_NONBLOCK, O_RDWR, POLLIN, POLLRDNORM } from "./fcntl";
import { FK_TIMER, File } from "./file";
import { anonymousStat, fdLimit, fileOf, heapOk } from "./file-util";
import type { Kernel } from "./kernel";
import type { Lwp } from "./lwp";
import { CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_REALTIME, deadlineOf } from "./time";

const TFD_TIMER_ABSTIME: i32 = 1;
const TFD_TIMER_CANCEL_ON_SET: i32 = 2;
const SPEC_SIZE: i32 = 32;

class TimerFileCallout extends Callout {
  /** Set once when the file is made. */
  file: TimerFile | null = null;

  override fire(): void {
    this.file!.expired(this.deadline);
  }
}

export class TimerFile extends File {
  private readonly wait: WaitQueue = new WaitQueue();
  private readonly callout: TimerFileCallout = new TimerFileCallout();
  private readonly scratch: Uint8Array = new Uint8Array(8);
  private interval: long = 0;
  /** When it expired first since the last read or setting; -1 when it has not. */
  private since: long = -1;

  constructor(
    private readonly kernel: Kernel,
    readonly clock: i32,
    flags: i32,
    cred: Cred,
    private readonly ino: i32,
  ) {
    super(FK_TIMER, flags, cred);
    this.callout.file = this;
  }

  expired(deadline: long): void {
    this.since = deadline;
    this.wait.wakeup();
  }

  /** Starts it for `deadline` (ns since boot) and every `interval` ns from there on; a negative deadline stops it. */
  set(deadline: long, interval: long): void {
    this.since = -1;
    this.interval = interval;
    if (this.callout.armed) this.kernel.disarm(this.callout);
    if (deadline >= 0) this.kernel.arm(this.callout, deadline);
  }

  get period(): long {
    return this.interval;
  }

  /** ns to the next expiration; 0 when it does not run. */
  get remaining(): long {
    const now = this.kernel.now();
    if (this.callout.armed) return this.callout.deadline > now ? this.callout.deadline - now : 1;
    if (this.since < 0 || this.interval === 0) return 0;
    return this.interval - longMod(now - this.since, this.interval);
  }

  override read(uio: Uio, lwp: Lwp): i32 {
    if (uio.resid < 8) return -Errno.INVAL;
    if (this.since < 0) {
      if (this.isNonblocking) return -Errno.AGAIN;
      if (lwp.interrupted) return -Errno.INTR;
      this.wait.add(lwp);
      return EASYNC;
    }
    let ticks: long = 1;
    if (this.interval > 0) ticks = 1 + longDiv(this.kernel.now() - this.since, this.interval);
    putLong(this.scratch, 0, ticks);
    const r = uio.move(this.scratch, 0, 8);
    if (r < 0) return r;
    const next: long = this.since + ticks * this.interval;
    this.since = -1;
    if (this.interval > 0) this.kernel.arm(this.callout, next);
    return 0;
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    if (waiter !== null) this.wait.add(waiter);
    return this.since >= 0 ? events & (POLLIN | POLLRDNORM) : 0;
  }

  stat(st: Stat, _lwp: Lwp): i32 {
    return anonymousStat(st, this.ino, 0o600, this.cred);
  }

  close(): void {
    if (this.callout.armed) this.kernel.disarm(this.callout);
  }
}

/** timerfd_create(2). */
export function kernTimerfdCreate(lwp: Lwp, clock: i32, flags: i32): i32 {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -Errno.INVAL;
  if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC && clock !== CLOCK_BOOTTIME) return -Errno.INVAL;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const files = lwp.proc.files!;
  const fd = files.lowestFree(0, fdLimit(lwp));
  if (fd < 0) return fd;
  const k = lwp.kernel;
  const file = new TimerFile(k, clock, O_RDWR | (flags & O_NONBLOCK), lwp.proc.cred, k.fc.newIno());
  files.put(fd, file, (flags & O_CLOEXEC) !== 0);
  return fd;
}

/** Writes the remaining time and the interval as struct itimerspec. */
function putSetting(file: TimerFile, buf: Uint8Array): void {
  const left = file.remaining;
  putLong(buf, 0, longDiv(file.period, NSEC_PER_SEC));
  putLong(buf, 8, longMod(file.period, NSEC_PER_SEC));
  putLong(buf, 16, longDiv(left, NSEC_PER_SEC));
  putLong(buf, 24, longMod(left, NSEC_PER_SEC));
}

function badTime(sec: long, nsec: long): boolean {
  return sec < 0 || nsec < 0 || nsec >= NSEC_PER_SEC;
}

/** timerfd_settime(2): struct itimerspec at `unew`; the old one goes to `uold` when it is not 0. */
export function kernTimerfdSettime(lwp: Lwp, fd: i32, flags: i32, unew: long, uold: long): i32 {
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) !== 0) return -Errno.INVAL;
  const file = fileOf(lwp, fd);
  if (file === null) return -Errno.BADF;
  if (file.kind !== FK_TIMER) return -Errno.INVAL;
  const timer = file as TimerFile;
  const space = lwp.proc.space!;
  const buf = lwp.kernel.fc.scratch;
  let r = space.copyin(unew, buf, 0, SPEC_SIZE);
  if (r < 0) return r;
  let isec: long = getLong(buf, 0);
  const insec: long = getLong(buf, 8);
  const sec: long = getLong(buf, 16);
  const nsec: long = getLong(buf, 24);
  if (badTime(isec, insec) || badTime(sec, nsec)) return -Errno.INVAL;
  if (uold !== 0) {
    putSetting(timer, buf);
    r = space.copyout(buf, 0, uold, SPEC_SIZE);
    if (r < 0) return r;
  }
  if (isec > 2000000000) isec = 2000000000;
  const stop = sec === 0 && nsec === 0;
  const deadline = deadlineOf(lwp.kernel, timer.clock, (flags & TFD_TIMER_ABSTIME) !== 0, sec, i32(nsec));
  timer.set(stop ? -1 : deadline, stop ? 0 : isec * NSEC_PER_SEC + insec);
  return 0;
}

/** timerfd_gettime(2). */
export function kernTimerfdGettime(lwp: Lwp, fd: i32, ucurrent: long): i32 {
  const file = fileOf(lwp, fd);
  if (file === null) return -Errno.BADF;
  if (file.kind !== FK_TIMER) return -Errno.INVAL;
  const buf = lwp.kernel.fc.scratch;
  putSetting(file as TimerFile, buf);
  return lwp.proc.space!.copyout(buf, 0, ucurrent, SPEC_SIZE);
}
