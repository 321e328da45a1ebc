/**
 * Clocks and sleeping.
 *
 * Neighbours: `clock.ts` (real time), `accounting.ts` (CPU-time clocks), `posix-timer.ts`. Invariant: a time limit is an absolute number of
 * ns since boot from the first run of a call on.
 * Source: clock_gettime(2), clock_nanosleep(2), time(7).
 */
import { EASYNC, Errno, i32, longDiv, longMod, type long } from "@anax/portable";
import { chargeCurrent } from "./accounting";
import { NSEC_PER_SEC } from "./clock";
import type { Kernel } from "./kernel";
import type { Lwp } from "./lwp";
import type { Proc } from "./proc";

export const CLOCK_REALTIME: i32 = 0;
export const CLOCK_MONOTONIC: i32 = 1;
export const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;
export const CLOCK_THREAD_CPUTIME_ID: i32 = 3;
export const CLOCK_MONOTONIC_RAW: i32 = 4;
export const CLOCK_REALTIME_COARSE: i32 = 5;
export const CLOCK_MONOTONIC_COARSE: i32 = 6;
export const CLOCK_BOOTTIME: i32 = 7;
export const CLOCK_REALTIME_ALARM: i32 = 8;
export const CLOCK_BOOTTIME_ALARM: i32 = 9;
export const CLOCK_TAI: i32 = 11;

/** Longest time limit, ns: some ninety years. */
const FOREVER: long = 3000000000000000000;

/** Whether a clock is set by real time. */
function isReal(clock: i32): boolean {
  return (
    clock === CLOCK_REALTIME || clock === CLOCK_REALTIME_COARSE || clock === CLOCK_REALTIME_ALARM || clock === CLOCK_TAI
  );
}

/** A clock of one process or thread as clock_getcpuclockid(3) makes it: its id, and whether it is a thread's. */
function cpuClockTime(l: Lwp, clock: i32): long {
  const k = l.kernel;
  const id = ~(clock >> 3);
  if ((clock & 3) === 3) return -1;
  if ((clock & 4) !== 0) {
    const t = id === 0 ? l : k.pids.lwp(id);
    return t === null || t.proc !== l.proc ? -1 : t.utime + t.stime;
  }
  const p: Proc | null = id === 0 ? l.proc : k.pids.proc(id);
  return p === null ? -1 : p.utime + p.stime;
}

/** clock_gettime(2): the time is in `kernel.clock.sec` and `nsec`. 0 or -INVAL. */
export function kernClockGettime(l: Lwp, clock: i32): i32 {
  const k = l.kernel;
  const c = k.clock;
  if (isReal(clock)) {
    c.update();
    return 0;
  }
  let t: long = 0;
  if (clock < 0 || clock === CLOCK_PROCESS_CPUTIME_ID || clock === CLOCK_THREAD_CPUTIME_ID) {
    chargeCurrent(k);
    if (clock === CLOCK_PROCESS_CPUTIME_ID) t = l.proc.utime + l.proc.stime;
    else if (clock === CLOCK_THREAD_CPUTIME_ID) t = l.utime + l.stime;
    else t = cpuClockTime(l, clock);
    if (t < 0) return -Errno.INVAL;
  } else if (clock > CLOCK_TAI || clock === 10) return -Errno.INVAL;
  else t = k.now();
  const frac = longMod(t, NSEC_PER_SEC);
  c.sec = longDiv(t, NSEC_PER_SEC);
  c.nsec = i32(frac);
  return 0;
}

/** clock_getres(2): ns, or -INVAL. */
export function kernClockGetres(l: Lwp, clock: i32): i32 {
  if (clock < 0) {
    if (cpuClockTime(l, clock) < 0) return -Errno.INVAL;
  } else if (clock > CLOCK_TAI || clock === 10) return -Errno.INVAL;
  return 1;
}

/** clock_settime(2): -INVAL, -PERM. */
export function kernClockSettime(l: Lwp, clock: i32, sec: long, nsec: i32): i32 {
  if (clock !== CLOCK_REALTIME || sec < 0 || nsec < 0 || nsec >= 1000000000) return -Errno.INVAL;
  if (l.proc.cred.euid !== 0) return -Errno.PERM;
  l.kernel.clock.setRealtime(sec, nsec);
  return 0;
}

/** The time of a clock, or from now on, as ns since boot. `sec` and `nsec` have been checked. */
export function deadlineOf(k: Kernel, clock: i32, isAbsolute: boolean, sec: long, nsec: i32): long {
  if (isAbsolute && isReal(clock)) return k.clock.toUptime(sec, nsec);
  const t: long = sec > 2000000000 ? FOREVER : sec * NSEC_PER_SEC + nsec;
  return isAbsolute ? t : k.now() + t;
}

/**
 * clock_nanosleep(2), nanosleep(2). 0, -INVAL, -OPNOTSUPP (a CPU-time clock), -INTR with what is left in
 * `lwp.opDeadline` minus now, EASYNC.
 */
export function kernNanosleep(l: Lwp, clock: i32, isAbsolute: boolean, sec: long, nsec: i32): i32 {
  if (sec < 0 || nsec < 0 || nsec >= 1000000000) return -Errno.INVAL;
  if (clock < 0 || clock === CLOCK_PROCESS_CPUTIME_ID) return -Errno.OPNOTSUPP;
  if (clock === CLOCK_THREAD_CPUTIME_ID || clock > CLOCK_TAI || clock === 10) return -Errno.INVAL;
  if (l.opDeadline < 0) {
    if (!isAbsolute && sec === 0 && nsec === 0) return 0;
    l.limit(deadlineOf(l.kernel, clock, isAbsolute, sec, nsec));
  }
  if (l.isLate) return 0;
  return l.interrupted ? -Errno.INTR : EASYNC;
}
