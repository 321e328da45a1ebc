/**
 * timerfd(2): a timer to read and poll.
 *
 * Neighbours: lwkt's callouts; `file.ts`, `poll.ts`. Invariant: the callout is armed exactly while the timer runs.
 */
import { Errno, type i32, type long } from "@anax/portable";
import type { Lwp } from "./lwp";


/** timerfd_create(2). */
export function kernTimerfdCreate(_lwp: Lwp, _clock: i32, _flags: i32): i32 {
  return -Errno.NOSYS;
}

/** timerfd_settime(2): struct itimerspec at `unew`; the old one goes to `uold` when it is not 0. */
export function kernTimerfdSettime(_lwp: Lwp, _fd: i32, _flags: i32, _unew: long, _uold: long): i32 {
  return -Errno.NOSYS;
}

/** timerfd_gettime(2). */
export function kernTimerfdGettime(_lwp: Lwp, _fd: i32, _ucurrent: long): i32 {
  return -Errno.NOSYS;
}
