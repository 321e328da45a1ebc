/**
 * System calls on time: clocks, sleeping, interval timers, POSIX timers.
 *
 * Neighbours: kern's `time.ts`, `itimer.ts`, `posix-timer.ts`; `timespec.ts`. Invariant: old settings are read before new ones are made,
 * and what a call returns through memory is made present before the call takes effect.
 * Source: the section 2 manual page of each call, vdso(7).
 */
import { EASYNC, Errno, getI32, getLong, i32, longDiv, putI32, putLong, toLong, type long } from "@anax/portable";
import {
  CLOCK_REALTIME,
  CLOCK_MONOTONIC,
  SIGALRM,
  SIGEV_SIGNAL,
  ITIMER_REAL,
  kernClockGetres,
  kernClockGettime,
  kernClockSettime,
  kernGetitimer,
  kernNanosleep,
  kernSetitimer,
  kernTimerCreate,
  kernTimerDelete,
  kernTimerGetoverrun,
  kernTimerGettime,
  kernTimerSettime,
  nextTimerId,
  type Lwp,
} from "@anax/kern";
import { arg0, arg1, arg2, arg3, int0, int1, uint0 } from "./args";
import type { LinuxContext } from "./context";
import { ItimervalL, SigeventL, TimespecL } from "./layout";
import { touchUser } from "./process";
import { NS_PER_SEC, copyinTimespec, copyinTimeval, putTimespec, putTimeval, spanOf } from "./timespec";

const TIMER_ABSTIME: i32 = 1;

export function sysClockGettime(c: LinuxContext, lwp: Lwp): long {
  const error = kernClockGettime(lwp, int0(lwp));
  if (error !== 0) return error;
  const clock = c.kernel.clock;
  putLong(c.buf, TimespecL.sec, clock.sec);
  putLong(c.buf, TimespecL.nsec, toLong(clock.nsec));
  return lwp.proc.vm.copyout(c.buf, 0, arg1(lwp), i32(TimespecL.SIZE));
}

export function sysClockGetres(c: LinuxContext, lwp: Lwp): long {
  const ns = kernClockGetres(lwp, int0(lwp));
  if (ns < 0 || arg1(lwp) === toLong(0)) return ns < 0 ? ns : 0;
  putTimespec(c.buf, 0, toLong(ns));
  return lwp.proc.vm.copyout(c.buf, 0, arg1(lwp), i32(TimespecL.SIZE));
}

export function sysClockSettime(c: LinuxContext, lwp: Lwp): long {
  const error = copyinTimespec(c, lwp, arg1(lwp));
  if (error !== 0) return error;
  return kernClockSettime(lwp, int0(lwp), c.sec, i32(c.nsec));
}

export function sysGettimeofday(c: LinuxContext, lwp: Lwp): long {
  const space = lwp.proc.vm;
  if (arg0(lwp) !== toLong(0)) {
    const clock = c.kernel.clock;
    clock.update();
    putLong(c.buf, TimespecL.sec, clock.sec);
    putLong(c.buf, TimespecL.nsec, toLong((clock.nsec / 1000) | 0));
    const error = space.copyout(c.buf, 0, arg0(lwp), i32(TimespecL.SIZE));
    if (error !== 0) return error;
  }
  // The time zone is the C library's business.
  return arg1(lwp) === toLong(0) ? 0 : space.putLong(arg1(lwp), 0);
}

export function sysSettimeofday(c: LinuxContext, lwp: Lwp): long {
  if (arg0(lwp) === toLong(0)) return lwp.proc.cred.euid === 0 ? 0 : -Errno.PERM;
  const error = copyinTimeval(c, lwp, arg0(lwp));
  if (error !== 0) return error;
  return kernClockSettime(lwp, CLOCK_REALTIME, c.sec, i32(c.nsec));
}

export function sysTime(c: LinuxContext, lwp: Lwp): long {
  const clock = c.kernel.clock;
  clock.update();
  const sec: long = clock.sec;
  if (arg0(lwp) !== toLong(0)) {
    const error = lwp.proc.vm.putLong(arg0(lwp), sec);
    if (error !== 0) return error;
  }
  return sec;
}

/** Sleeps; an interrupted relative sleep tells what is left at `urem`. */
function sleep(c: LinuxContext, lwp: Lwp, clock: i32, absolute: boolean, utime: long, urem: long): i32 {
  let error = copyinTimespec(c, lwp, utime);
  if (error !== 0) return error;
  const sec: long = c.sec;
  const nsec = i32(c.nsec);
  if (!absolute && !lwp.inCall) {
    error = touchUser(c, lwp, urem, i32(TimespecL.SIZE));
    if (error !== 0) return error;
  }
  const result = kernNanosleep(lwp, clock, absolute, sec, nsec);
  if (result !== -Errno.INTR || absolute || urem === toLong(0)) return result;
  const left: long = lwp.opDeadline - c.kernel.now();
  putTimespec(c.buf, 0, left > 0 ? left : toLong(0));
  error = lwp.proc.vm.copyout(c.buf, 0, urem, i32(TimespecL.SIZE));
  return error !== 0 && error !== EASYNC ? error : result;
}

export function sysNanosleep(c: LinuxContext, lwp: Lwp): long {
  return sleep(c, lwp, CLOCK_MONOTONIC, false, arg0(lwp), arg1(lwp));
}

export function sysClockNanosleep(c: LinuxContext, lwp: Lwp): long {
  return sleep(c, lwp, int0(lwp), (int1(lwp) & TIMER_ABSTIME) !== 0, arg2(lwp), arg3(lwp));
}

// ---- interval timers

function copyoutItimerval(c: LinuxContext, lwp: Lwp, uaddr: long): i32 {
  putTimeval(c.buf, ItimervalL.interval, c.timer.interval);
  putTimeval(c.buf, ItimervalL.value, c.timer.value);
  return lwp.proc.vm.copyout(c.buf, 0, uaddr, i32(ItimervalL.SIZE));
}

export function sysGetitimer(c: LinuxContext, lwp: Lwp): long {
  const error = kernGetitimer(lwp, int0(lwp), c.timer);
  return error !== 0 ? error : copyoutItimerval(c, lwp, arg1(lwp));
}

/** setitimer(2): an address of 0 means "off", as on Linux. */
export function sysSetitimer(c: LinuxContext, lwp: Lwp): long {
  const which = int0(lwp);
  let value: long = 0;
  let interval: long = 0;
  if (arg1(lwp) !== toLong(0)) {
    let error = copyinTimeval(c, lwp, arg1(lwp));
    if (error !== 0) return error;
    interval = spanOf(c.sec, c.nsec);
    error = copyinTimeval(c, lwp, arg1(lwp) + i32(ItimervalL.value));
    if (error !== 0) return error;
    value = spanOf(c.sec, c.nsec);
  }
  if (arg2(lwp) !== toLong(0)) {
    let error = kernGetitimer(lwp, which, c.timer);
    if (error === 0) error = copyoutItimerval(c, lwp, arg2(lwp));
    if (error !== 0) return error;
  }
  return kernSetitimer(lwp, which, value, interval);
}

/** alarm(2): the seconds that were left, rounded to the nearest, at least 1 when a timer ran. */
export function sysAlarm(c: LinuxContext, lwp: Lwp): long {
  let error = kernGetitimer(lwp, ITIMER_REAL, c.timer);
  if (error !== 0) return error;
  const left: long = c.timer.value;
  error = kernSetitimer(lwp, ITIMER_REAL, spanOf(toLong(uint0(lwp)), 0), 0);
  if (error !== 0) return error;
  const sec: long = longDiv(left + 500000000, NS_PER_SEC);
  return left > 0 && sec === toLong(0) ? 1 : sec;
}

// ---- POSIX timers

/** timer_create(2): without a sigevent SIGALRM with the timer's id as its value. */
export function sysTimerCreate(c: LinuxContext, lwp: Lwp): long {
  const space = lwp.proc.vm;
  const b = c.buf;
  let notify = SIGEV_SIGNAL;
  let signo = SIGALRM;
  let tid: i32 = 0;
  let value: long = nextTimerId(lwp);
  let error = touchUser(c, lwp, arg2(lwp), 4);
  if (error !== 0) return error;
  if (arg1(lwp) !== toLong(0)) {
    error = space.copyin(arg1(lwp), b, 0, i32(SigeventL.SIZE));
    if (error !== 0) return error;
    value = getLong(b, SigeventL.value);
    signo = getI32(b, SigeventL.signo);
    notify = getI32(b, SigeventL.notify);
    tid = getI32(b, SigeventL.tid);
  }
  const id = kernTimerCreate(lwp, int0(lwp), notify, signo, value, tid);
  if (id < 0) return id;
  putI32(b, 0, id);
  error = space.copyout(b, 0, arg2(lwp), 4);
  if (error !== 0) kernTimerDelete(lwp, id);
  return error;
}

function copyoutItimerspec(c: LinuxContext, lwp: Lwp, uaddr: long): i32 {
  putTimespec(c.buf, ItimervalL.interval, c.timer.interval);
  putTimespec(c.buf, ItimervalL.value, c.timer.value);
  return lwp.proc.vm.copyout(c.buf, 0, uaddr, i32(ItimervalL.SIZE));
}

export function sysTimerSettime(c: LinuxContext, lwp: Lwp): long {
  const id = int0(lwp);
  const unew: long = arg2(lwp);
  if (unew === toLong(0)) return -Errno.INVAL;
  let error = copyinTimespec(c, lwp, unew);
  if (error !== 0) return error;
  const interval: long = spanOf(c.sec, c.nsec);
  error = copyinTimespec(c, lwp, unew + i32(ItimervalL.value));
  if (error !== 0) return error;
  const sec: long = c.sec;
  const nsec = i32(c.nsec);
  if (arg3(lwp) !== toLong(0)) {
    error = kernTimerGettime(lwp, id, c.timer);
    if (error === 0) error = copyoutItimerspec(c, lwp, arg3(lwp));
    if (error !== 0) return error;
  }
  return kernTimerSettime(lwp, id, (int1(lwp) & TIMER_ABSTIME) !== 0, sec, nsec, interval);
}

export function sysTimerGettime(c: LinuxContext, lwp: Lwp): long {
  const error = kernTimerGettime(lwp, int0(lwp), c.timer);
  return error !== 0 ? error : copyoutItimerspec(c, lwp, arg1(lwp));
}

export function sysTimerGetoverrun(_c: LinuxContext, lwp: Lwp): long {
  return kernTimerGetoverrun(lwp, int0(lwp));
}

export function sysTimerDelete(_c: LinuxContext, lwp: Lwp): long {
  return kernTimerDelete(lwp, int0(lwp));
}
