/**
 * POSIX timers of a process.
 *
 * Key types `PosixTimer`, `PosixTimers` (made at the first timer_create). Neighbours: `signal.ts`, `time.ts`, `itimer.ts`.
 * Invariant: a timer's callout is armed exactly while it runs; at most one signal of a timer is pending, the expirations
 * meanwhile are its overrun.
 * Source: timer_create(2), timer_settime(2), timer_getoverrun(2).
 */
import { Callout } from "@anax/lwkt";
import { Errno, SlotTable, i32, longDiv, type long } from "@anax/portable";
import type { Lwp } from "./lwp";
import type { Proc } from "./proc";
import { NSIG, SI_TIMER } from "./sigdefs";
import { lwpSignalInfo, procSignalInfo } from "./signal";
import { CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_REALTIME, deadlineOf } from "./time";
import type { TimerSpec } from "./timespec";

export const SIGEV_SIGNAL: i32 = 0;
export const SIGEV_NONE: i32 = 1;
export const SIGEV_THREAD: i32 = 2;
export const SIGEV_THREAD_ID: i32 = 4;
/** Most timers of a process. */
const TIMERS_MAX: i32 = 1024;
const OVERRUN_MAX: i32 = 0x7fffffff;

export class PosixTimer extends Callout {
  interval: long = 0;
  /** Expirations since the signal that is pending, and of the signal delivered last. */
  overrun: i32 = 0;
  lastOverrun: i32 = 0;

  constructor(
    readonly proc: Proc,
    readonly id: i32,
    readonly clock: i32,
    readonly notify: i32,
    readonly signo: i32,
    readonly value: long,
    /** Target of SIGEV_THREAD_ID. */
    readonly tid: i32,
  ) {
    super();
  }

  override fire(): void {
    const k = this.proc.kernel;
    let missed: i32 = 0;
    if (this.interval > 0) {
      let next: long = this.deadline + this.interval;
      const now = k.now();
      if (next <= now) {
        const n: long = longDiv(now - this.deadline, this.interval);
        missed = n > OVERRUN_MAX ? OVERRUN_MAX : i32(n);
        next = this.deadline + (n + 1) * this.interval;
      }
      k.arm(this, next);
    }
    if (this.notify === SIGEV_NONE) return;
    const target = this.notify === SIGEV_THREAD_ID ? k.pids.lwp(this.tid) : null;
    if (this.notify === SIGEV_THREAD_ID && (target === null || target.proc !== this.proc)) return;
    const queue = target !== null ? target.pending : this.proc.pending;
    if (queue.hasTimer(this.signo, this.id)) {
      const most: i32 = (OVERRUN_MAX - 1 - missed) | 0;
      this.overrun = this.overrun > most ? OVERRUN_MAX : (this.overrun + 1 + missed) | 0;
      return;
    }
    const info = k.info.reset(this.signo, SI_TIMER);
    info.timerId = this.id;
    info.value = this.value;
    this.lastOverrun = missed;
    this.overrun = 0;
    info.overrun = missed;
    if (target !== null) lwpSignalInfo(target, info);
    else procSignalInfo(this.proc, info);
  }
}

export class PosixTimers {
  readonly slots: SlotTable<PosixTimer> = new SlotTable<PosixTimer>();
}

function find(l: Lwp, id: i32): PosixTimer | null {
  const t = l.proc.posixTimers;
  return t === null ? null : t.slots.get(id);
}

/** timer_create(2): the id; -INVAL, -AGAIN (too many), -NOMEM. */
export function kernTimerCreate(l: Lwp, clock: i32, notify: i32, signo: i32, value: long, tid: i32): i32 {
  if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC && clock !== CLOCK_BOOTTIME) return -Errno.INVAL;
  const k = l.kernel;
  if (notify === SIGEV_THREAD_ID) {
    const t = k.pids.lwp(tid);
    if (t === null || t.proc !== l.proc) return -Errno.INVAL;
  } else if (notify !== SIGEV_SIGNAL && notify !== SIGEV_NONE && notify !== SIGEV_THREAD) return -Errno.INVAL;
  if (notify !== SIGEV_NONE && (signo < 1 || signo > NSIG)) return -Errno.INVAL;
  if (!k.vm.heapOk()) return -Errno.NOMEM;
  let timers = l.proc.posixTimers;
  if (timers === null) {
    timers = new PosixTimers();
    l.proc.posixTimers = timers;
  }
  const id = timers.slots.lowestFree(0);
  if (id >= TIMERS_MAX) return -Errno.AGAIN;
  timers.slots.set(id, new PosixTimer(l.proc, id, clock, notify, signo, value, tid));
  return id;
}

/** Readies a default `value` for timer_create without a sigevent: the id that will be given. */
export function nextTimerId(l: Lwp): i32 {
  const t = l.proc.posixTimers;
  return t === null ? 0 : t.slots.lowestFree(0);
}

/** timer_settime(2): a time of `sec`, `nsec` on the timer's clock (or from now on), then each `interval` ns. -INVAL. */
export function kernTimerSettime(l: Lwp, id: i32, isAbsolute: boolean, sec: long, nsec: i32, interval: long): i32 {
  const t = find(l, id);
  if (t === null || sec < 0 || nsec < 0 || nsec >= 1000000000 || interval < 0) return -Errno.INVAL;
  const k = l.kernel;
  if (t.armed) k.disarm(t);
  t.overrun = 0;
  if (sec === 0 && nsec === 0) {
    t.interval = 0;
    return 0;
  }
  t.interval = interval;
  k.arm(t, deadlineOf(k, t.clock, isAbsolute, sec, nsec));
  return 0;
}

/** timer_gettime(2): -INVAL. */
export function kernTimerGettime(l: Lwp, id: i32, out: TimerSpec): i32 {
  const t = find(l, id);
  if (t === null) return -Errno.INVAL;
  out.interval = t.interval;
  out.value = 0;
  if (t.armed) {
    const left: long = t.deadline - l.kernel.now();
    out.value = left > 0 ? left : 1;
  }
  return 0;
}

/** timer_getoverrun(2): -INVAL. */
export function kernTimerGetoverrun(l: Lwp, id: i32): i32 {
  const t = find(l, id);
  if (t === null) return -Errno.INVAL;
  return t.overrun > ((OVERRUN_MAX - t.lastOverrun) | 0) ? OVERRUN_MAX : (t.lastOverrun + t.overrun) | 0;
}

/** timer_delete(2): -INVAL. */
export function kernTimerDelete(l: Lwp, id: i32): i32 {
  const t = find(l, id);
  if (t === null) return -Errno.INVAL;
  if (t.armed) l.kernel.disarm(t);
  l.proc.posixTimers!.slots.set(id, null);
  return 0;
}

/** Deletes all POSIX timers (exec, exit). */
export function deletePosixTimers(p: Proc): void {
  const timers = p.posixTimers;
  p.posixTimers = null;
  if (timers === null) return;
  for (let id: i32 = 0; id < timers.slots.capacity; id++) {
    const t = timers.slots.get(id);
    if (t !== null && t.armed) p.kernel.disarm(t);
  }
}

/** Stops all timers of a process that ends. */
export function endTimers(p: Proc): void {
  deletePosixTimers(p);
  const it = p.itimers;
  p.itimers = null;
  if (it !== null && it.real.armed) p.kernel.disarm(it.real);
}
