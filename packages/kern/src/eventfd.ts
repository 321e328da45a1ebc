/**
 * eventfd(2): a counter to wait for.
 *
 * Key type `EventFile`. Neighbours: `file.ts`, `poll.ts`.
 * Invariant: the counter is 0 to 2^64-2.
 * Source: eventfd(2).
 */
import { EASYNC, Errno, getU32, putU32, type i32, u32 } from "@anax/portable";
import { WaitQueue, type Waiter } from "@anax/lwkt";
import type { Uio } from "@anax/vm";
import type { Cred, Stat } from "@anax/vfs-msg";
import { O_CLOEXEC, O_NONBLOCK, O_RDWR, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "./fcntl";
import { FK_EVENT, File } from "./file";
import { anonymousStat, fdLimit, heapOk } from "./file-util";
import type { Lwp } from "./lwp";

const EFD_SEMAPHORE: i32 = 1;

export class EventFile extends File {
  private readonly readWait: WaitQueue = new WaitQueue();
  private readonly writeWait: WaitQueue = new WaitQueue();
  /** The counter in two halves. */
  private lo: u32;
  private hi: u32 = 0;
  private readonly scratch: Uint8Array = new Uint8Array(8);

  constructor(
    initial: u32,
    private readonly semaphore: boolean,
    flags: i32,
    cred: Cred,
    private readonly ino: i32,
  ) {
    super(FK_EVENT, flags, cred);
    this.lo = initial;
  }

  private get isZero(): boolean {
    return (this.lo | this.hi) === 0;
  }

  private get isFull(): boolean {
    return this.hi === 0xffffffff && this.lo === 0xfffffffe;
  }

  /** Takes the counter (or one, as a semaphore); -INVAL for less than 8 bytes. */
  override read(uio: Uio, lwp: Lwp): i32 {
    if (uio.resid < 8) return -Errno.INVAL;
    if (this.isZero) return this.sleep(lwp, this.readWait);
    putU32(this.scratch, 0, this.semaphore ? 1 : this.lo);
    putU32(this.scratch, 4, this.semaphore ? 0 : this.hi);
    const r = uio.move(this.scratch, 0, 8);
    if (r < 0) return r;
    if (this.semaphore) {
      if (this.lo === 0) this.hi = u32(this.hi - 1);
      this.lo = u32(this.lo - 1);
    } else {
      this.lo = 0;
      this.hi = 0;
    }
    this.writeWait.wakeup();
    return 0;
  }

  /** Adds 8 bytes' value; waits while the sum does not fit. -INVAL for 2^64-1. */
  override write(uio: Uio, lwp: Lwp): i32 {
    if (uio.resid < 8) return -Errno.INVAL;
    const r = uio.move(this.scratch, 0, 8);
    if (r < 0) return r;
    const lo = getU32(this.scratch, 0);
    const hi = getU32(this.scratch, 4);
    const sumLo = u32(this.lo + lo);
    const carry: u32 = sumLo < lo ? 1 : 0;
    const part = u32(this.hi + hi);
    const sumHi = u32(part + carry);
    const wraps = part < hi || sumHi < part;
    const bad = lo === 0xffffffff && hi === 0xffffffff;
    if (bad || wraps || (sumHi === 0xffffffff && sumLo === 0xffffffff)) {
      // The 8 bytes count as not moved.
      uio.resid = uio.resid + 8;
      return bad ? -Errno.INVAL : this.sleep(lwp, this.writeWait);
    }
    this.lo = sumLo;
    this.hi = sumHi;
    if ((lo | hi) !== 0) this.readWait.wakeup();
    return 0;
  }

  private sleep(lwp: Lwp, queue: WaitQueue): i32 {
    if (this.isNonblocking) return -Errno.AGAIN;
    if (lwp.interrupted) return -Errno.INTR;
    queue.add(lwp);
    return EASYNC;
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    if (waiter !== null) {
      this.readWait.add(waiter);
      this.writeWait.add(waiter);
    }
    let ready: i32 = 0;
    if (!this.isZero) ready |= events & (POLLIN | POLLRDNORM);
    if (!this.isFull) ready |= events & (POLLOUT | POLLWRNORM);
    return ready;
  }

  stat(st: Stat, _lwp: Lwp): i32 {
    return anonymousStat(st, this.ino, 0o600, this.cred);
  }

  close(): void {}
}

/** eventfd2(2). */
export function kernEventfd(lwp: Lwp, initial: u32, flags: i32): i32 {
  if ((flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) !== 0) return -Errno.INVAL;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const files = lwp.proc.files!;
  const fd = files.lowestFree(0, fdLimit(lwp));
  if (fd < 0) return fd;
  const file = new EventFile(
    initial,
    (flags & EFD_SEMAPHORE) !== 0,
    O_RDWR | (flags & O_NONBLOCK),
    lwp.proc.cred,
    lwp.kernel.fc.newIno(),
  );
  files.put(fd, file, (flags & O_CLOEXEC) !== 0);
  return fd;
}
