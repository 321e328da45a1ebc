/**
 * Pipes: a ring of pages between file descriptions that write and ones that read.
 *
 * Key types `Pipe` (the ring; also behind named FIFOs), `PipeFile` (one end). Bytes move between a page of the ring and user
 * memory in one go. Neighbours: `file.ts`, `fifo.ts`, `poll.ts`.
 * Invariant: the content is `count` bytes from `head` on, wrapping at the capacity; the slot of a page that holds content has
 * a page; an empty pipe has `head` 0 and at most one page.
 * Source: pipe(7), POSIX write(2) (atomicity up to PIPE_BUF); DragonFly sys/kern/sys_pipe.c (wake a writer late).
 */
import { EASYNC, Errno, i32, type long, type u32 } from "@anax/portable";
import { WaitQueue, type Waiter } from "@anax/lwkt";
import { PAGE_SIZE, PAGE_SHIFT, type Machine } from "@anax/machine";
import type { Uio, VmPages } from "@anax/vm";
import type { Cred, Stat } from "@anax/vfs-msg";
import type { Lwp } from "./lwp";
import { FK_PIPE, File } from "./file";
import { anonymousStat } from "./file-util";
import { pipeSignal } from "./signal";
import { PIPE_BUF, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, S_IFIFO } from "./fcntl";

/** Pages of a new pipe, and the most F_SETPIPE_SZ gives. */
export const PIPE_PAGES: i32 = 16;
export const PIPE_MAX_PAGES: i32 = 256;

const PAGE_MASK: i32 = 4095;
const NO_NEED: i32 = 0x7fffffff;

/**
 * The ring. Owned by its open ends (`readers`, `writers`); freed by `release` when both counts are 0.
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
  capacity: i32 = PIPE_PAGES * PAGE_SIZE;
  count: i32 = 0;
  private head: i32 = 0;
  private slots: Uint32Array = new Uint32Array(PIPE_PAGES);
  private writeNeed: i32 = NO_NEED;

  constructor(
    private readonly machine: Machine,
    private readonly pages: VmPages,
  ) {}

  get free(): i32 {
    return (this.capacity - this.count) | 0;
  }

  /**
   * Reads what there is, at least one byte. 0 (also at the end: no byte moved), -AGAIN, -INTR, -FAULT, EASYNC.
   */
  read(uio: Uio, nonblocking: boolean, lwp: Lwp): i32 {
    if (uio.resid === 0) return 0;
    if (this.count === 0) {
      if (this.writers === 0 || lwp.opDone > 0) return 0;
      if (nonblocking) return -Errno.AGAIN;
      if (lwp.interrupted) return -Errno.INTR;
      this.readWait.add(lwp);
      return EASYNC;
    }
    let r: i32 = 0;
    while (r === 0 && this.count > 0 && uio.resid > 0) {
      const inPage = this.head & PAGE_MASK;
      let n: i32 = (PAGE_SIZE - inPage) | 0;
      if (n > this.count) n = this.count;
      if (uio.resid < n) n = i32(uio.resid);
      const before = uio.resid;
      r = uio.movePhys(this.pages.pa(this.slots[this.head >> PAGE_SHIFT]) + inPage, n);
      this.consume(i32(before - uio.resid));
    }
    this.spaceFreed();
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
    const free = this.free;
    const need: i32 = whole ? i32(uio.resid) : 1;
    let r: i32 = 0;
    if (free >= need) {
      const wasEmpty = this.count === 0;
      while (r === 0 && this.count < this.capacity && uio.resid > 0) r = this.append(uio);
      if (this.count > 0 && (wasEmpty || !this.readWait.isEmpty)) this.readWait.wakeup();
      if (r !== 0 || uio.resid === 0) return r;
    }
    if (nonblocking) return -Errno.AGAIN;
    if (lwp.interrupted) return -Errno.INTR;
    // A long write ends only when all of it is in, so nobody can tell that it is woken late; once for half a ring is cheap.
    const half = this.capacity >> 1;
    const want: i32 = uio.resid < half ? i32(uio.resid) : half;
    if (want < this.writeNeed) this.writeNeed = want;
    this.writeWait.add(lwp);
    return EASYNC;
  }

  /** Moves one page's worth from the uio to the tail; there must be room. 0, -NOMEM, -FAULT, EASYNC. */
  private append(uio: Uio): i32 {
    let tail: i32 = (this.head + this.count) | 0;
    if (tail >= this.capacity) tail = (tail - this.capacity) | 0;
    const slot = tail >> PAGE_SHIFT;
    let pg: u32 = this.slots[slot];
    if (pg === 0) {
      pg = this.pages.alloc();
      if (pg === 0) return -Errno.NOMEM;
      this.slots[slot] = pg;
    }
    const inPage = tail & PAGE_MASK;
    const free = this.free;
    let n: i32 = (PAGE_SIZE - inPage) | 0;
    if (n > free) n = free;
    if (uio.resid < n) n = i32(uio.resid);
    const before = uio.resid;
    const r = uio.movePhys(this.pages.pa(pg) + inPage, n);
    this.count = (this.count + i32(before - uio.resid)) | 0;
    return r;
  }

  /** `n` bytes at the head were read. */
  private consume(n: i32): void {
    this.count = (this.count - n) | 0;
    this.head = (this.head + n) | 0;
    if (this.head >= this.capacity) this.head = (this.head - this.capacity) | 0;
    if (this.count === 0) this.rewind();
  }

  /** Starts an empty ring over and gives all pages but the first back. */
  private rewind(): void {
    this.head = 0;
    for (let i = 1; i < this.slots.length; i++) {
      const pg: u32 = this.slots[i];
      if (pg === 0) continue;
      this.slots[i] = 0;
      this.pages.unref(pg);
    }
  }

  private spaceFreed(): void {
    if (this.writeWait.isEmpty || this.free < this.writeNeed) return;
    this.writeNeed = NO_NEED;
    this.writeWait.wakeup();
  }

  /** The read side's poll. Hang-up holds while no writer is there and one was, as FIFOs have it. */
  pollRead(events: i32, waiter: Waiter | null): i32 {
    if (waiter !== null) this.readWait.add(waiter);
    let ready: i32 = 0;
    if (this.count > 0) ready = events & (POLLIN | POLLRDNORM);
    if (this.writers === 0 && this.writerGen > 0) ready |= POLLHUP;
    return ready;
  }

  pollWrite(events: i32, waiter: Waiter | null): i32 {
    if (waiter !== null) {
      if (PIPE_BUF < this.writeNeed) this.writeNeed = PIPE_BUF;
      this.writeWait.add(waiter);
    }
    let ready: i32 = 0;
    if (this.free >= PIPE_BUF) ready = events & (POLLOUT | POLLWRNORM);
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
    if (this.writers === 0) this.release();
  }

  closeWrite(): void {
    this.writers--;
    if (this.writers === 0) this.readWait.wakeup();
    if (this.readers === 0) this.release();
  }

  /** Drops the content and every page once neither side is open. */
  private release(): void {
    if (this.readers > 0 || this.writers > 0) return;
    this.count = 0;
    this.rewind();
    const pg: u32 = this.slots[0];
    this.slots[0] = 0;
    if (pg !== 0) this.pages.unref(pg);
  }

  /**
   * F_SETPIPE_SZ: rounds up to a power of two of pages. The new capacity in bytes; -INVAL, -PERM (above the most), -BUSY (the
   * content does not fit), -NOMEM.
   */
  resize(size: i32): i32 {
    if (size < 0) return -Errno.INVAL;
    if (size > PIPE_MAX_PAGES * PAGE_SIZE) return -Errno.PERM;
    let slots: i32 = 1;
    while (slots << PAGE_SHIFT < size) slots = slots << 1;
    const capacity: i32 = slots << PAGE_SHIFT;
    if (capacity === this.capacity) return capacity;
    if (this.count > capacity) return -Errno.BUSY;
    const moved = new Uint32Array(slots);
    // The content is copied to the start of new pages: it need not begin at a page, and the last page may be the first.
    let done: i32 = 0;
    while (done < this.count) {
      let from: i32 = (this.head + done) | 0;
      if (from >= this.capacity) from = (from - this.capacity) | 0;
      const at = done >> PAGE_SHIFT;
      if (moved[at] === 0) {
        const pg = this.pages.alloc();
        if (pg === 0) {
          for (let i = 0; i < at; i++) this.pages.unref(moved[i]);
          return -Errno.NOMEM;
        }
        moved[at] = pg;
      }
      let n: i32 = (PAGE_SIZE - (from & PAGE_MASK)) | 0;
      const room: i32 = (PAGE_SIZE - (done & PAGE_MASK)) | 0;
      const left: i32 = (this.count - done) | 0;
      if (n > room) n = room;
      if (n > left) n = left;
      const src = this.pages.pa(this.slots[from >> PAGE_SHIFT]) + (from & PAGE_MASK);
      this.machine.copyPhys(this.pages.pa(moved[at]) + (done & PAGE_MASK), src, n);
      done = (done + n) | 0;
    }
    for (let i = 0; i < this.slots.length; i++) {
      const pg: u32 = this.slots[i];
      if (pg !== 0) this.pages.unref(pg);
    }
    this.slots = moved;
    this.head = 0;
    this.capacity = capacity;
    this.spaceFreed();
    return capacity;
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
