/**
 * System calls on one thread: its id, what the kernel does for it at its end, futexes.
 *
 * Neighbours: kern's `futex.ts`, `Lwp`. Invariant: addresses that a program leaves with the kernel are used only by copies that can fail.
 * Source: set_tid_address(2), get_robust_list(2), futex(2), rseq(2).
 */
import { Errno, i32, toLong, u32, type long } from "@anax/portable";
import {
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  FUTEX_BITSET_ALL,
  deadlineOf,
  kernFutexRequeue,
  kernFutexWait,
  kernFutexWake,
  kernFutexWakeOp,
  type Lwp,
} from "@anax/kern";
import { arg0, arg1, arg2, arg3, arg4, arg5, int0, int1, int2, uint2 } from "./args";
import type { LinuxContext } from "./context";
import { RobustListL } from "./layout";
import { copyinTimespec } from "./timespec";

export function sysSetTidAddress(_c: LinuxContext, lwp: Lwp): long {
  lwp.clearTid = arg0(lwp);
  return lwp.tid;
}

export function sysSetRobustList(_c: LinuxContext, lwp: Lwp): long {
  if (arg1(lwp) !== toLong(RobustListL.SIZE)) return -Errno.INVAL;
  lwp.robustHead = arg0(lwp);
  return 0;
}

/** get_robust_list(2): of the caller (id 0), of a thread of the same user, or of any for root. */
export function sysGetRobustList(c: LinuxContext, lwp: Lwp): long {
  const tid = int0(lwp);
  let target: Lwp | null = lwp;
  if (tid !== 0 && tid !== lwp.tid) {
    target = c.kernel.pids.lwp(tid);
    if (target === null) return -Errno.SRCH;
    const mine = lwp.proc.cred;
    const its = target.proc.cred;
    if (mine.euid !== 0 && (mine.euid !== its.euid || mine.euid !== its.suid || mine.euid !== its.uid))
      return -Errno.PERM;
  }
  const space = lwp.proc.vm;
  const error = space.putLong(arg2(lwp), toLong(RobustListL.SIZE));
  return error !== 0 ? error : space.putLong(arg1(lwp), target.robustHead);
}

const FUTEX_WAIT: i32 = 0;
const FUTEX_WAKE: i32 = 1;
const FUTEX_REQUEUE: i32 = 3;
const FUTEX_CMP_REQUEUE: i32 = 4;
const FUTEX_WAKE_OP: i32 = 5;
const FUTEX_WAIT_BITSET: i32 = 9;
const FUTEX_WAKE_BITSET: i32 = 10;
const FUTEX_PRIVATE_FLAG: i32 = 128;
const FUTEX_CLOCK_REALTIME: i32 = 256;

/**
 * The deadline of a futex wait into `c.nsec` (-1: none). FUTEX_WAIT takes a span, FUTEX_WAIT_BITSET a time of its clock. A
 * call that is run again keeps the deadline of its first run.
 */
function futexDeadline(c: LinuxContext, lwp: Lwp, absolute: boolean, clock: i32): i32 {
  const utime: long = arg3(lwp);
  if (utime === toLong(0)) {
    c.nsec = -1;
    return 0;
  }
  if (lwp.opDeadline >= 0) {
    c.nsec = lwp.opDeadline;
    return 0;
  }
  const error = copyinTimespec(c, lwp, utime);
  if (error !== 0) return error;
  c.nsec = deadlineOf(c.kernel, clock, absolute, c.sec, i32(c.nsec));
  return 0;
}

/** Counts of wake-ups are ints; a negative one means none, as on Linux, where one waiter is woken at the least. */
function wakeCount(n: i32): i32 {
  return n < 1 ? 1 : n;
}

/** futex(2) without priority inheritance. */
export function sysFutex(c: LinuxContext, lwp: Lwp): long {
  const op = int1(lwp);
  const command = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
  const isPrivate = (op & FUTEX_PRIVATE_FLAG) !== 0;
  const clock = (op & FUTEX_CLOCK_REALTIME) !== 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
  const uaddr: long = arg0(lwp);
  switch (command) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET: {
      const absolute = command === FUTEX_WAIT_BITSET;
      const error = futexDeadline(c, lwp, absolute, clock);
      if (error !== 0) return error;
      const bitset: u32 = absolute ? u32(arg5(lwp)) : FUTEX_BITSET_ALL;
      return kernFutexWait(lwp, uaddr, uint2(lwp), bitset, c.nsec, isPrivate);
    }
    case FUTEX_WAKE:
      return kernFutexWake(lwp, uaddr, wakeCount(int2(lwp)), FUTEX_BITSET_ALL, isPrivate);
    case FUTEX_WAKE_BITSET:
      return kernFutexWake(lwp, uaddr, wakeCount(int2(lwp)), u32(arg5(lwp)), isPrivate);
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE: {
      const most2 = i32(arg3(lwp));
      if (int2(lwp) < 0 || most2 < 0) return -Errno.INVAL;
      const compare = command === FUTEX_CMP_REQUEUE;
      return kernFutexRequeue(lwp, uaddr, int2(lwp), most2, arg4(lwp), compare, u32(arg5(lwp)), isPrivate);
    }
    case FUTEX_WAKE_OP:
      return kernFutexWakeOp(lwp, uaddr, wakeCount(int2(lwp)), i32(arg3(lwp)), arg4(lwp), u32(arg5(lwp)), isPrivate);
    default:
      return -Errno.NOSYS;
  }
}
