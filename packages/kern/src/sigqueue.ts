/**
 * Pending signals with what is known about each.
 *
 * Key types `SigInfo` (kernel form of siginfo_t), `SigSet` (two halves), `SigQueue` (what waits for a process or an LWP),
 * `SigInfoPool`. Neighbours: `signal.ts` (who sends and takes), the ABIs (who turn a SigInfo into their siginfo_t).
 * Invariant: a bit of `lo`/`hi` is set exactly when at least one SigInfo of that signal is on the list; a standard signal
 * is there once, a real-time one as often as it was sent, in order.
 * Source: POSIX 2.4 (signal concepts), signal(7).
 */
import { ctz, type i32, type long, u32 } from "@anax/portable";
import { NSIG, SIGRTMIN, SIGS_SYNCHRONOUS_LO, SI_TIMER, sigBitHi, sigBitLo } from "./sigdefs";

/**
 * One signal that was sent. Owned by the queue it is on, by the pool while free, by its taker after `take`.
 *
 * | field | valid for |
 * |---|---|
 * | signo, errno, code | all |
 * | pid, uid | SI_USER, SI_TKILL, SI_QUEUE, SIGCHLD: the sender or the child |
 * | status, utime, stime | SIGCHLD: exit status or signal; CPU time of the child, ns |
 * | addr | SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP: the faulting address |
 * | value | SI_QUEUE, SI_TIMER: the sigval |
 * | timerId, overrun | SI_TIMER |
 * | band, fd | SIGIO |
 */
export class SigInfo {
  signo: i32 = 0;
  errno: i32 = 0;
  code: i32 = 0;
  pid: i32 = 0;
  uid: i32 = 0;
  status: i32 = 0;
  addr: long = 0;
  value: long = 0;
  utime: long = 0;
  stime: long = 0;
  timerId: i32 = 0;
  overrun: i32 = 0;
  band: long = 0;
  fd: i32 = 0;
  /** Queue or pool link. */
  next: SigInfo | null = null;

  reset(signo: i32, code: i32): SigInfo {
    this.signo = signo;
    this.errno = 0;
    this.code = code;
    this.pid = 0;
    this.uid = 0;
    this.status = 0;
    this.addr = 0;
    this.value = 0;
    this.utime = 0;
    this.stime = 0;
    this.timerId = 0;
    this.overrun = 0;
    this.band = 0;
    this.fd = 0;
    return this;
  }

  copyFrom(o: SigInfo): SigInfo {
    this.signo = o.signo;
    this.errno = o.errno;
    this.code = o.code;
    this.pid = o.pid;
    this.uid = o.uid;
    this.status = o.status;
    this.addr = o.addr;
    this.value = o.value;
    this.utime = o.utime;
    this.stime = o.stime;
    this.timerId = o.timerId;
    this.overrun = o.overrun;
    this.band = o.band;
    this.fd = o.fd;
    return this;
  }
}

/** Real-time signals that may be pending in the whole system: the kernel's heap is bounded. */
const POOL_MAX: i32 = 8192;

/** Free SigInfos. Nothing is allocated once as many exist as were ever pending together. */
export class SigInfoPool {
  private free: SigInfo | null = null;
  /** Taken and not given back. */
  inUse: i32 = 0;

  /** Whether there are too many for one more real-time signal. */
  get isFull(): boolean {
    return this.inUse >= POOL_MAX;
  }

  take(): SigInfo {
    this.inUse++;
    const si = this.free;
    if (si === null) return new SigInfo();
    this.free = si.next;
    si.next = null;
    return si;
  }

  give(si: SigInfo): void {
    this.inUse--;
    si.next = this.free;
    this.free = si;
  }
}

/** A set of signals, filled in place. */
export class SigSet {
  lo: u32 = 0;
  hi: u32 = 0;

  has(sig: i32): boolean {
    return ((this.lo & sigBitLo(sig)) | (this.hi & sigBitHi(sig))) !== 0;
  }

  add(sig: i32): void {
    this.lo = (this.lo | sigBitLo(sig)) >>> 0;
    this.hi = (this.hi | sigBitHi(sig)) >>> 0;
  }
}

/** Whether `sig` is in the set of the two halves. */
export function sigInSet(lo: u32, hi: u32, sig: i32): boolean {
  return ((lo & sigBitLo(sig)) | (hi & sigBitHi(sig))) !== 0;
}

/** Signals pending for a process or an LWP. */
export class SigQueue {
  lo: u32 = 0;
  hi: u32 = 0;
  private head: SigInfo | null = null;
  private tail: SigInfo | null = null;
  /** SigInfos on the list; what RLIMIT_SIGPENDING counts. */
  count: i32 = 0;

  constructor(private readonly pool: SigInfoPool) {}

  has(sig: i32): boolean {
    return sigInSet(this.lo, this.hi, sig);
  }

  /**
   * Queues a copy of `info`. False when it is a standard signal that is pending already, or `limit` are queued; what the
   * kernel and kill(2) send is pending at least once.
   */
  post(info: SigInfo, limit: i32): boolean {
    const sig = info.signo;
    if (sig >= SIGRTMIN && this.count >= limit && info.code < 0 && info.code !== SI_TIMER) return false;
    if (this.has(sig) && (sig < SIGRTMIN || this.count >= limit || this.pool.isFull)) return false;
    const si = this.pool.take().copyFrom(info);
    const last = this.tail;
    if (last === null) this.head = si;
    else last.next = si;
    this.tail = si;
    this.count++;
    this.lo = (this.lo | sigBitLo(sig)) >>> 0;
    this.hi = (this.hi | sigBitHi(sig)) >>> 0;
    return true;
  }

  /** The signal to take first that is not in the mask: faults of the program, then the lowest number. 0 when none. */
  first(maskLo: u32, maskHi: u32): i32 {
    const lo: u32 = u32(this.lo & ~maskLo);
    const hi: u32 = u32(this.hi & ~maskHi);
    if (lo === 0 && hi === 0) return 0;
    const sync: u32 = lo & SIGS_SYNCHRONOUS_LO;
    if (sync !== 0) return (ctz(sync) + 1) | 0;
    return lo !== 0 ? (ctz(lo) + 1) | 0 : (ctz(hi) + 33) | 0;
  }

  /** Takes the oldest SigInfo of `sig`, or null. The caller gives it back to the pool. */
  take(sig: i32): SigInfo | null {
    if (!this.has(sig)) return null;
    let prev: SigInfo | null = null;
    let si = this.head;
    while (si !== null && si.signo !== sig) {
      prev = si;
      si = si.next;
    }
    if (si === null) return null;
    const next = si.next;
    if (prev === null) this.head = next;
    else prev.next = next;
    if (next === null) this.tail = prev;
    si.next = null;
    this.count--;
    if (sig < SIGRTMIN || !this.listed(sig, next)) {
      this.lo = (this.lo & ~sigBitLo(sig)) >>> 0;
      this.hi = (this.hi & ~sigBitHi(sig)) >>> 0;
    }
    return si;
  }

  private listed(sig: i32, from: SigInfo | null): boolean {
    let si = from;
    while (si !== null) {
      if (si.signo === sig) return true;
      si = si.next;
    }
    return false;
  }

  /** Whether the signal of a POSIX timer is pending. */
  hasTimer(sig: i32, timerId: i32): boolean {
    if (!this.has(sig)) return false;
    let si = this.head;
    while (si !== null) {
      if (si.signo === sig && si.code === SI_TIMER && si.timerId === timerId) return true;
      si = si.next;
    }
    return false;
  }

  /** Drops all that is pending of the signals in the set. */
  discard(lo: u32, hi: u32): void {
    if ((this.lo & lo) === 0 && (this.hi & hi) === 0) return;
    for (let sig = 1; sig <= NSIG; sig++) {
      if (!sigInSet(lo, hi, sig)) continue;
      let si = this.take(sig);
      while (si !== null) {
        this.pool.give(si);
        si = this.take(sig);
      }
    }
  }

  /** Drops everything. */
  clear(): void {
    this.discard(0xffffffff, 0xffffffff);
  }
}
