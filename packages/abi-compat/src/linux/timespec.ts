/**
 * Times as programs pass them: struct timespec, struct timeval, milliseconds, to and from ns.
 *
 * Neighbours: `time.ts`, `poll.ts`, `thread.ts` (futex). Invariant: a span in ns never exceeds `NS_MAX`, so adding it to the time
 * since boot cannot overflow.
 * Source: clock_nanosleep(2), select(2).
 */
import { Errno, getLong, i32, longDiv, longMod, putLong, type long } from "@anax/portable";
import type { Lwp } from "@anax/kern";
import type { LinuxContext } from "./context";
import { TimespecL } from "./layout";

export const NS_PER_SEC: long = 1000000000;
/** About 126 years. What a program asks beyond it means "for ever". */
export const NS_MAX: long = 4000000000000000000;
const SEC_MAX: long = 4000000000;

/** Seconds and a fraction below one second as ns, cut to NS_MAX. `sec` >= 0. */
export function spanOf(sec: long, nsec: long): long {
  return sec >= SEC_MAX ? NS_MAX : sec * NS_PER_SEC + nsec;
}

/** Reads a struct timespec into `c.sec` and `c.nsec`. 0, -FAULT, -INVAL (negative, or nsec of a second and more). */
export function copyinTimespec(c: LinuxContext, lwp: Lwp, uaddr: long): i32 {
  const error = lwp.proc.vm.copyin(uaddr, c.buf, 0, i32(TimespecL.SIZE));
  if (error !== 0) return error;
  c.sec = getLong(c.buf, TimespecL.sec);
  c.nsec = getLong(c.buf, TimespecL.nsec);
  return c.sec < 0 || c.nsec < 0 || c.nsec >= NS_PER_SEC ? -Errno.INVAL : 0;
}

/** The same for a struct timeval: `c.nsec` is its microseconds in ns. */
export function copyinTimeval(c: LinuxContext, lwp: Lwp, uaddr: long): i32 {
  const error = lwp.proc.vm.copyin(uaddr, c.buf, 0, i32(TimespecL.SIZE));
  if (error !== 0) return error;
  c.sec = getLong(c.buf, TimespecL.sec);
  const usec: long = getLong(c.buf, TimespecL.nsec);
  c.nsec = usec * 1000;
  return c.sec < 0 || usec < 0 || usec > 999999 ? -Errno.INVAL : 0;
}

/** Writes ns as a struct timespec at `off` of `b`. `ns` >= 0. */
export function putTimespec(b: Uint8Array, off: i32, ns: long): void {
  putLong(b, off, longDiv(ns, NS_PER_SEC));
  putLong(b, (off + 8) | 0, longMod(ns, NS_PER_SEC));
}

/** Writes ns as a struct timeval at `off` of `b`. `ns` >= 0. */
export function putTimeval(b: Uint8Array, off: i32, ns: long): void {
  putLong(b, off, longDiv(ns, NS_PER_SEC));
  putLong(b, (off + 8) | 0, longDiv(longMod(ns, NS_PER_SEC), 1000));
}

export function copyoutTimespec(c: LinuxContext, lwp: Lwp, ns: long, uaddr: long): i32 {
  putTimespec(c.buf, 0, ns);
  return lwp.proc.vm.copyout(c.buf, 0, uaddr, i32(TimespecL.SIZE));
}
