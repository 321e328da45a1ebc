/**
 * eventfd(2): a counter to wait for.
 *
 * Key type `EventFile`. Neighbours: `file.ts`, `poll.ts`.
 * Invariant: the counter is 0 to `COUNTER_MAX`. It ends at 2^53-1 and not at 2^64-2: a `long` holds no more on both targets.
 * Source: eventfd(2).
 */
import {
  EASYNC,
  Errno,
  getI32,
  getU32,
  longHi,
  longLo,
  longOf,
  putU32,
  toLong,
  type i32,
  type long,
  type u32,
} from "@anax/portable";
import { WaitQueue, type Waiter } from "@anax/lwkt";
import type { Uio } from "@anax/vm";
import type { Cred, Stat } from "@anax/vfs-msg";
import { O_CLOEXEC, O_NONBLOCK, O_RDWR, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "./fcntl";
import { FK_EVENT, File } from "./file";
import { anonymousStat, fdLimit, heapOk } from "./file-util";
import type { Lwp } from "./lwp";

const EFD_SEMAPHORE: i32 = 1;
const COUNTER_MAX: long = 9007199254740991;

export class EventFile extends File {
  private readonly readWait: WaitQueue = new WaitQueue();
  private readonly writeWait: WaitQueue = new WaitQueue();
  private count: long;
  private readonly scratch: Uint8Array = new Uint8Array(8);

  constructor(
    initial: u32,
    private readonly semaphore: boolean,
    flags: i32,
    cred: Cred,
    private readonly ino: i32,
  ) {
    super(FK_EVENT, flags, cred);
    this.count = toLong(initial);
  }

  /** Takes the counter (or one, as a semaphore); -INVAL for less than 8 bytes. */
  override read(uio: Uio, lwp: Lwp): i32 {
    if (uio.resid < 8) return -Errno.INVAL;
    if (this.count === 0) return this.sleep(lwp, this.readWait);
    const v: long = this.semaphore ? 1 : this.count;
    putU32(this.scratch, 0, longLo(v));
    putU32(this.scratch, 4, longHi(v) >>> 0);
    const r = uio.move(this.scratch, 0, 8);
    if (r < 0) return r;
    this.count = this.count - v;
    this.writeWait.wakeup();
    return 0;
  }

  /** Adds 8 bytes' value; waits while the sum does not fit. -INVAL for 2^64-1. */
  override write(uio: Uio, lwp: Lwp): i32 {
    if (uio.resid < 8) return -Errno.INVAL;
    const r = uio.move(this.scratch, 0, 8);
    if (r < 0) return r;
    const lo = getU32(this.scratch, 0);
    const hi = getI32(this.scratch, 4);
    if (lo === 0xffffffff && hi === -1) {
      uio.resid = uio.resid + 8;
      return -Errno.INVAL;
    }
    const fits = hi >= 0 && hi < 0x200000;
    const v: long = fits ? longOf(hi, lo) : COUNTER_MAX;
    if (!fits || this.count > COUNTER_MAX - v) {
      uio.resid = uio.resid + 8;
      return this.sleep(lwp, this.writeWait);
    }
    this.count = this.count + v;
    if (v > 0) this.readWait.wakeup();
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
    if (this.count > 0) ready |= events & (POLLIN | POLLRDNORM);
    if (this.count < COUNTER_MAX) ready |= events & (POLLOUT | POLLWRNORM);
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
