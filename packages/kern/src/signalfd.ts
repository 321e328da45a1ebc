/**
 * signalfd(2): pending signals as bytes to read.
 *
 * Key type `SignalFile`. A reader takes signals that are pending for itself or its process. Neighbours: `signal.ts`,
 * `sigqueue.ts`, `file.ts`. Invariant: a signal is taken by one reader.
 * Source: signalfd(2); struct signalfd_siginfo of Linux uapi linux/signalfd.h.
 */
import { EASYNC, Errno, fillBytes, longDiv, longLo, putI32, putLong, putU32, u32, type i32 } from "@anax/portable";
import type { Waiter } from "@anax/lwkt";
import type { Uio } from "@anax/vm";
import type { Cred, Stat } from "@anax/vfs-msg";
import { O_CLOEXEC, O_NONBLOCK, O_RDWR, POLLIN, POLLRDNORM } from "./fcntl";
import { FK_SIGNAL, File } from "./file";
import { anonymousStat, fdLimit, fileOf, heapOk } from "./file-util";
import type { Kernel } from "./kernel";
import type { Lwp } from "./lwp";
import { hasSignal, takeSignal } from "./signal";
import { SIGS_UNBLOCKABLE_LO } from "./sigdefs";
import type { SigInfo } from "./sigqueue";

/** Bytes of struct signalfd_siginfo. */
const INFO_SIZE: i32 = 128;
/** ns of a clock tick as programs count it. */
const NSEC_PER_TICK: i32 = 10000000;

export class SignalFile extends File {
  constructor(
    private readonly kernel: Kernel,
    public maskLo: u32,
    public maskHi: u32,
    flags: i32,
    cred: Cred,
    private readonly ino: i32,
  ) {
    super(FK_SIGNAL, flags, cred);
  }

  /** As many signals as fit and are pending, at least one. -INVAL when none fits. */
  override read(uio: Uio, lwp: Lwp): i32 {
    if (uio.resid < INFO_SIZE) return -Errno.INVAL;
    const buf = this.kernel.fc.scratch;
    let taken: i32 = 0;
    while (uio.resid >= INFO_SIZE) {
      const si = takeSignal(lwp, this.maskLo, this.maskHi);
      if (si === null) break;
      encode(si, buf);
      this.kernel.siginfos.give(si);
      const r = uio.move(buf, 0, INFO_SIZE);
      if (r < 0) return r;
      taken++;
    }
    if (taken > 0) return 0;
    if (this.isNonblocking) return -Errno.AGAIN;
    if (lwp.interrupted) return -Errno.INTR;
    lwp.proc.signalQueue.add(lwp);
    return EASYNC;
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    const lwp = this.kernel.current;
    if (lwp === null) return 0;
    if (waiter !== null) lwp.proc.signalQueue.add(waiter);
    return hasSignal(lwp, this.maskLo, this.maskHi) ? events & (POLLIN | POLLRDNORM) : 0;
  }

  stat(st: Stat, _lwp: Lwp): i32 {
    return anonymousStat(st, this.ino, 0o600, this.cred);
  }

  close(): void {}
}

function encode(si: SigInfo, buf: Uint8Array): void {
  fillBytes(buf, 0, INFO_SIZE, 0);
  putI32(buf, 0, si.signo);
  putI32(buf, 4, si.errno);
  putI32(buf, 8, si.code);
  putI32(buf, 12, si.pid);
  putI32(buf, 16, si.uid);
  putI32(buf, 20, si.fd);
  putI32(buf, 24, si.timerId);
  putU32(buf, 28, longLo(si.band));
  putI32(buf, 32, si.overrun);
  putI32(buf, 40, si.status);
  putU32(buf, 44, longLo(si.value));
  putLong(buf, 48, si.value);
  putLong(buf, 56, longDiv(si.utime, NSEC_PER_TICK));
  putLong(buf, 64, longDiv(si.stime, NSEC_PER_TICK));
  putLong(buf, 72, si.addr);
}

/** signalfd4(2). The mask is 64 bits in two halves; fd -1 makes a new one. */
export function kernSignalfd(lwp: Lwp, fd: i32, maskLow: u32, maskHigh: u32, flags: i32): i32 {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -Errno.INVAL;
  const lo = u32(maskLow & ~SIGS_UNBLOCKABLE_LO);
  if (fd !== -1) {
    const old = fileOf(lwp, fd);
    if (old === null) return -Errno.BADF;
    if (old.kind !== FK_SIGNAL) return -Errno.INVAL;
    const file = old as SignalFile;
    file.maskLo = lo;
    file.maskHi = maskHigh;
    lwp.proc.signalQueue.wakeup();
    return fd;
  }
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const files = lwp.proc.files!;
  const made = files.lowestFree(0, fdLimit(lwp));
  if (made < 0) return made;
  const k = lwp.kernel;
  const file = new SignalFile(k, lo, maskHigh, O_RDWR | (flags & O_NONBLOCK), lwp.proc.cred, k.fc.newIno());
  files.put(made, file, (flags & O_CLOEXEC) !== 0);
  return made;
}
