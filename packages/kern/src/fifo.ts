/**
 * Named pipes: a pipe that hangs on a vnode while somebody has it open.
 *
 * Key types `Fifo` (the vnode's special), `FifoFile` (an open end), `FifoOpen` (an open that waits for the other side).
 * Neighbours: `pipe.ts` (the bytes), `open.ts`. Invariant: a FIFO hangs on its vnode exactly while it has open ends; an end
 * that waits in open counts as open, so that its counterpart finds it.
 * Source: fifo(7), POSIX open(2) (O_NONBLOCK rules).
 */
import { EASYNC, Errno, type i32, type long } from "@anax/portable";
import type { Waiter } from "@anax/lwkt";
import type { Uio } from "@anax/vm";
import { VnodeSpecial, type Cred, type Vfs, type Vnode } from "@anax/vfs-msg";
import { O_ACCMODE, O_RDWR } from "./fcntl";
import { FK_PIPE, type File } from "./file";
import type { Lwp } from "./lwp";
import { OpState } from "./op";
import { Pipe, PipeFile } from "./pipe";
import { VnodeFile } from "./vnode-file";

/** What hangs on the vnode. */
export class Fifo extends VnodeSpecial {
  constructor(readonly pipe: Pipe) {
    super();
  }
}

/** An open end of a FIFO. */
export class FifoFile extends VnodeFile {
  readonly pipe: Pipe;

  constructor(vfs: Vfs, vp: Vnode, fifo: Fifo, flags: i32, cred: Cred) {
    super(vfs, vp, flags, cred, FK_PIPE);
    this.pipe = fifo.pipe;
    if (this.isReadable) fifo.pipe.openRead();
    if (this.isWritable) fifo.pipe.openWrite();
  }

  override get isWatchable(): boolean {
    return true;
  }

  override get hasPositions(): boolean {
    return false;
  }

  override read(uio: Uio, lwp: Lwp): i32 {
    return this.pipe.read(uio, this.isNonblocking, lwp);
  }

  override write(uio: Uio, lwp: Lwp): i32 {
    return this.pipe.write(uio, this.isNonblocking, lwp);
  }

  override pread(_uio: Uio, _lwp: Lwp): i32 {
    return -Errno.SPIPE;
  }

  override pwrite(_uio: Uio, _lwp: Lwp): i32 {
    return -Errno.SPIPE;
  }

  override seek(_off: long, _whence: i32, _lwp: Lwp): long {
    return -Errno.SPIPE;
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    let ready: i32 = 0;
    if (this.isReadable) ready |= this.pipe.pollRead(events, waiter);
    if (this.isWritable) ready |= this.pipe.pollWrite(events, waiter);
    return ready;
  }

  override fsync(_lwp: Lwp): i32 {
    return -Errno.INVAL;
  }

  override available(): long {
    return this.pipe.count;
  }

  override close(): void {
    const pipe = this.pipe;
    if (this.isReadable) pipe.closeRead();
    if (this.isWritable) pipe.closeWrite();
    if (pipe.readers === 0 && pipe.writers === 0) this.vp.special = null;
    super.close();
  }
}

/** The pipe behind a file, or null. */
export function pipeOf(file: File): Pipe | null {
  if (file.kind !== FK_PIPE) return null;
  return file instanceof FifoFile ? (file as FifoFile).pipe : (file as PipeFile).pipe;
}

/** An open that waits: it keeps its end, and the count of opens of the other side that it saw. */
export class FifoOpen extends OpState {
  constructor(
    private file: FifoFile | null,
    private readonly seen: i32,
  ) {
    super();
  }

  /** Runs the open again. 0 with the file in `fc.opened`, -INTR, or EASYNC. */
  resume(lwp: Lwp): i32 {
    const file = this.file!;
    const pipe = file.pipe;
    const now = file.isReadable ? pipe.writerGen : pipe.readerGen;
    if (now === this.seen) {
      if (lwp.interrupted) return -Errno.INTR;
      waitForOther(file, lwp);
      return EASYNC;
    }
    this.file = null;
    lwp.kernel.fc.opened = file;
    return 0;
  }

  drop(_lwp: Lwp): void {
    const file = this.file;
    this.file = null;
    if (file !== null) file.unref();
  }
}

function waitForOther(file: FifoFile, lwp: Lwp): void {
  if (file.isReadable) file.pipe.readWait.add(lwp);
  else file.pipe.writeWait.add(lwp);
}

/**
 * Opens a FIFO that `Vfs#open` counted. A reader waits for a writer and a writer for a reader; O_NONBLOCK readers do not
 * wait and O_NONBLOCK writers without a reader get -NXIO; O_RDWR never waits. 0 with the file in `fc.opened`, or EASYNC.
 */
export function openFifo(lwp: Lwp, vp: Vnode, flags: i32): i32 {
  const fc = lwp.kernel.fc;
  let fifo: Fifo;
  const special = vp.special;
  if (special === null) {
    fifo = new Fifo(new Pipe(fc.machine, fc.pages));
    vp.special = fifo;
  } else fifo = special as Fifo;
  const pipe = fifo.pipe;
  const both = (flags & O_ACCMODE) === O_RDWR;
  const file = new FifoFile(fc.vfs, vp, fifo, flags, lwp.proc.cred);
  file.setName(fc.handle);
  const others = file.isReadable ? pipe.writers : pipe.readers;
  if (both || others > 0 || (file.isNonblocking && file.isReadable)) {
    fc.opened = file;
    return 0;
  }
  if (file.isNonblocking) {
    file.unref();
    return -Errno.NXIO;
  }
  if (lwp.interrupted) {
    file.unref();
    return -Errno.INTR;
  }
  lwp.opObj = new FifoOpen(file, file.isReadable ? pipe.writerGen : pipe.readerGen);
  waitForOther(file, lwp);
  return EASYNC;
}
