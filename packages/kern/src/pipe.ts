/**
 * Pipes: a ring of pages between file descriptions that write and ones that read.
 *
 * Key types `Pipe` (also behind named FIFOs), `PipeFile` (one end). Neighbours: `page-ring.ts` (the bytes), `file.ts`,
 * `fifo.ts`, `poll.ts`.
 * Invariant: a sleeper on `readWait` found the ring empty, one on `writeWait` found it too full; a change that ends that
 * wakes them.
 * Source: pipe(7), POSIX write(2) (atomicity up to PIPE_BUF); DragonFly sys/kern/sys_pipe.c (wake a writer late).
 */
import { EASYNC, Errno, i32, type long } from "@anax/portable";
import { WaitQueue, type Waiter } from "@anax/lwkt";
import { PAGE_SHIFT, type Machine } from "@anax/machine";
import type { Uio, VmPages } from "@anax/vm";
import type { Cred, Stat } from "@anax/vfs-msg";
import type { Lwp } from "./lwp";
import { FK_PIPE, File } from "./file";
import { anonymousStat } from "./file-util";
import { PageRing } from "./page-ring";
import { pipeSignal } from "./signal";
import { PIPE_BUF, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, S_IFIFO } from "./fcntl";

/** Pages of a new pipe, and the most F_SETPIPE_SZ gives. */
export const PIPE_PAGES: i32 = 16;
export const PIPE_MAX_PAGES: i32 = 256;

const NO_NEED: i32 = 0x7fffffff;

/**
 * A pipe. Owned by its open ends (`readers`, `writers`); freed by `release` when both counts are 0.
 *
 * | field | meaning |
 * |---|---|
 * | readers, writers | open file descriptions of each side |
 * | readerGen, writerGen | how often each side was opened; what a blocked open of a FIFO watches |
 * | writeNeed | free bytes at which sleepers on `writeWait` are to be woken |
 */
export class Pipe {
  readonly readWait: WaitQueue = new WaitQueue();
  readonly writeWait: WaitQueue = new WaitQueue();
  readers: i32 = 0;
  writers: i32 = 0;
  readerGen: i32 = 0;
  writerGen: i32 = 0;
  private readonly ring: PageRing;
  private writeNeed: i32 = NO_NEED;

  constructor(machine: Machine, pages: VmPages) {
    this.ring = new PageRing(machine, pages, PIPE_PAGES);
  }

  get capacity(): i32 {
    return this.ring.capacity;
  }

  /** Bytes that wait for a reader. */
  get count(): i32 {
    return this.ring.count;
  }

  /**
   * Reads what there is, at least one byte. 0 (also at the end: no byte moved), -AGAIN, -INTR, -FAULT, EASYNC.
   */
  read(uio: Uio, nonblocking: boolean, lwp: Lwp): i32 {
    if (uio.resid === 0) return 0;
    if (this.ring.count === 0) {
      if (this.writers === 0 || lwp.opDone > 0) return 0;
      if (nonblocking) return -Errno.AGAIN;
      if (lwp.interrupted) return -Errno.INTR;
      this.readWait.add(lwp);
      return EASYNC;
    }
    const r = this.ring.take(uio);
    if (!this.writeWait.isEmpty) this.spaceFreed();
    return r;
  }

  /**
   * Writes all, sleeping while the ring is full; up to PIPE_BUF bytes go in one piece. 0, -PIPE (and SIGPIPE), -AGAIN, -INTR,
   * -NOMEM, -FAULT, EASYNC (with progress in the uio).
   */
  write(uio: Uio, nonblocking: boolean, lwp: Lwp): i32 {
    if (uio.resid === 0) return 0;
    if (this.readers === 0) {
      pipeSignal(lwp);
      return -Errno.PIPE;
    }
    const whole = lwp.opDone + uio.resid <= PIPE_BUF;
    const need: i32 = whole ? i32(uio.resid) : 1;
    if (this.ring.free >= need) {
      const r = this.ring.put(uio);
      if (this.ring.count > 0 && !this.readWait.isEmpty) this.readWait.wakeup();
      if (r !== 0 || uio.resid === 0) return r;
    }
    if (nonblocking) return -Errno.AGAIN;
    if (lwp.interrupted) return -Errno.INTR;
    // A long write ends only when all of it is in, so nobody can tell that it is woken late; once for half a ring is cheap.
    const half = this.ring.capacity >> 1;
    const want: i32 = uio.resid < half ? i32(uio.resid) : half;
    if (want < this.writeNeed) this.writeNeed = want;
    this.writeWait.add(lwp);
    return EASYNC;
  }

  get free(): i32 {
    return this.ring.free;
  }

  /** Copies content out and leaves it (tee, splice). */
  peek(uio: Uio): i32 {
    return this.ring.peek(uio, 0);
  }

  /** `n` bytes that were copied out are used up. */
  used(n: i32): void {
    if (n === 0) return;
    this.ring.drop(n);
    if (!this.writeWait.isEmpty) this.spaceFreed();
  }

  /** Puts in what fits. 0, -NOMEM. */
  give(uio: Uio): i32 {
    const r = this.ring.put(uio);
    if (this.ring.count > 0 && !this.readWait.isEmpty) this.readWait.wakeup();
    return r;
  }

  private spaceFreed(): void {
    if (this.ring.free < this.writeNeed) return;
    this.writeNeed = NO_NEED;
    this.writeWait.wakeup();
  }

  /** The read side's poll. Hang-up holds while no writer is there and one was, as FIFOs have it. */
  pollRead(events: i32, waiter: Waiter | null): i32 {
    if (waiter !== null) this.readWait.add(waiter);
    let ready: i32 = 0;
    if (this.ring.count > 0) ready = events & (POLLIN | POLLRDNORM);
    if (this.writers === 0 && this.writerGen > 0) ready |= POLLHUP;
    return ready;
  }

  pollWrite(events: i32, waiter: Waiter | null): i32 {
    if (waiter !== null) {
      if (PIPE_BUF < this.writeNeed) this.writeNeed = PIPE_BUF;
      this.writeWait.add(waiter);
    }
    let ready: i32 = 0;
    if (this.ring.free >= PIPE_BUF) ready = events & (POLLOUT | POLLWRNORM);
    if (this.readers === 0) ready |= POLLERR;
    return ready;
  }

  openRead(): void {
    this.readers++;
    this.readerGen = (this.readerGen + 1) | 0;
    if (this.readers === 1) this.writeWait.wakeup();
  }

  openWrite(): void {
    this.writers++;
    this.writerGen = (this.writerGen + 1) | 0;
    if (this.writers === 1) this.readWait.wakeup();
  }

  closeRead(): void {
    this.readers--;
    if (this.readers === 0) this.writeWait.wakeup();
    this.release();
  }

  closeWrite(): void {
    this.writers--;
    if (this.writers === 0) this.readWait.wakeup();
    this.release();
  }

  /** The content goes with the last end. */
  private release(): void {
    if (this.readers === 0 && this.writers === 0) this.ring.release();
  }

  /**
   * F_SETPIPE_SZ: rounds up to a power of two of pages. The new capacity in bytes; -INVAL, -PERM (above the most), -BUSY (the
   * content does not fit), -NOMEM.
   */
  resize(size: i32): i32 {
    if (size < 0) return -Errno.INVAL;
    if (size > PIPE_MAX_PAGES << PAGE_SHIFT) return -Errno.PERM;
    let slots: i32 = 1;
    while (slots << PAGE_SHIFT < size) slots = slots << 1;
    const r = this.ring.resize(slots);
    if (r < 0) return r;
    this.spaceFreed();
    return this.ring.capacity;
  }
}

/** One end of a pipe, or both (a FIFO opened O_RDWR). Owned by its descriptors. */
export class PipeFile extends File {
  constructor(
    readonly pipe: Pipe,
    flags: i32,
    cred: Cred,
    readonly ino: i32,
  ) {
    super(FK_PIPE, flags, cred);
    if (this.isReadable) pipe.openRead();
    if (this.isWritable) pipe.openWrite();
  }

  override read(uio: Uio, lwp: Lwp): i32 {
    return this.pipe.read(uio, this.isNonblocking, lwp);
  }

  override write(uio: Uio, lwp: Lwp): i32 {
    return this.pipe.write(uio, this.isNonblocking, lwp);
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    let ready: i32 = 0;
    if (this.isReadable) ready |= this.pipe.pollRead(events, waiter);
    if (this.isWritable) ready |= this.pipe.pollWrite(events, waiter);
    return ready;
  }

  stat(st: Stat, _lwp: Lwp): i32 {
    return anonymousStat(st, this.ino, S_IFIFO | 0o600, this.cred);
  }

  override available(): long {
    return this.pipe.count;
  }

  /** A new end of the same pipe (/proc/PID/fd/N). */
  override reopen(flags: i32, lwp: Lwp): i32 {
    lwp.kernel.fc.opened = new PipeFile(this.pipe, flags, lwp.proc.cred, this.ino);
    return 0;
  }

  close(): void {
    if (this.isReadable) this.pipe.closeRead();
    if (this.isWritable) this.pipe.closeWrite();
  }
}
