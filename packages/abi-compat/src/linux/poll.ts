/**
 * System calls that wait for files: poll, select, epoll, and the descriptors made to be waited for (eventfd, timerfd, signalfd).
 *
 * Neighbours: kern's `poll.ts`, `epoll.ts`, `eventfd.ts`, `timerfd.ts`, `signalfd.ts`. Invariant: a signal mask that a call brings
 * is set once, at the call's start; the time that is left is written back when the call ends, where Linux does.
 * Source: poll(2), select(2), epoll_wait(2), eventfd(2), timerfd_create(2), signalfd(2).
 */
import { EASYNC, Errno, getLong, getU32, i32, toLong, type long } from "@anax/portable";
import {
  kernEpollCreate,
  kernEpollCtl,
  kernEpollWait,
  kernEventfd,
  kernPoll,
  kernSelect,
  kernSignalfd,
  kernTimerfdCreate,
  kernTimerfdGettime,
  kernTimerfdSettime,
  setTempSigMask,
  type Lwp,
} from "@anax/kern";
import { arg0, arg1, arg2, arg3, arg4, arg5, int0, int1, int2, int3, uint0 } from "./args";
import type { LinuxContext } from "./context";
import { TimespecL } from "./layout";
import { copyinTimespec, putTimespec, putTimeval, spanOf } from "./timespec";

const NS_PER_MS: long = 1000000;
const SIGSET_SIZE: long = 8;
/** Descriptors of a poll or select at most: what RLIMIT_NOFILE may reach, so counts fit an i32. */
const COUNT_MAX: long = 1048576;

/** Milliseconds as poll and epoll_wait take them: ns, -1 for ever. */
function msTimeout(ms: i32): long {
  return ms < 0 ? toLong(-1) : toLong(ms) * NS_PER_MS;
}

/** Sets the mask at `umask` for the time of the call; 0 is no mask. 0, -INVAL (its size), -FAULT. */
function useMask(c: LinuxContext, lwp: Lwp, umask: long, size: long): i32 {
  if (umask === toLong(0) || lwp.maskSaved) return 0;
  if (size !== SIGSET_SIZE) return -Errno.INVAL;
  const error = lwp.proc.vm.copyin(umask, c.buf, 0, 8);
  if (error !== 0) return error;
  setTempSigMask(lwp, getU32(c.buf, 0), getU32(c.buf, 4));
  return 0;
}

/**
 * Reads a time limit at the call's start into `c.nsec` as a span in ns (-1: none, `utime` is 0). A call that is run again keeps its
 * deadline: any span but 0 then stands for it.
 */
function readTimeout(c: LinuxContext, lwp: Lwp, utime: long): i32 {
  if (utime === toLong(0)) {
    c.nsec = -1;
    return 0;
  }
  if (lwp.opDeadline >= 0) {
    c.nsec = 1;
    return 0;
  }
  const error = copyinTimespec(c, lwp, utime);
  if (error !== 0) return error;
  c.nsec = spanOf(c.sec, c.nsec);
  return 0;
}

/** What is left of a time limit: `span` when the call never came to set a deadline. */
function timeLeft(c: LinuxContext, lwp: Lwp, span: long): long {
  const deadline: long = lwp.opDeadline;
  if (deadline < 0) return span;
  const now: long = c.kernel.now();
  return deadline > now ? deadline - now : toLong(0);
}

/** Writes back what is left of a time limit. What cannot be written is let be, as on Linux. */
function writeTimeLeft(c: LinuxContext, lwp: Lwp, result: i32, utime: long, span: long, micro: boolean): i32 {
  if (result === EASYNC || utime === toLong(0)) return result;
  const left: long = timeLeft(c, lwp, span);
  if (micro) putTimeval(c.buf, 0, left);
  else putTimespec(c.buf, 0, left);
  lwp.proc.vm.copyout(c.buf, 0, utime, i32(TimespecL.SIZE));
  return result;
}

function pollCount(v: long): i32 {
  return v < 0 || v > COUNT_MAX ? -1 : i32(v);
}

export function sysPoll(_c: LinuxContext, lwp: Lwp): long {
  const count = pollCount(toLong(i32(arg1(lwp))));
  if (count < 0) return -Errno.INVAL;
  return kernPoll(lwp, arg0(lwp), count, msTimeout(int2(lwp)));
}

export function sysPpoll(c: LinuxContext, lwp: Lwp): long {
  const count = pollCount(toLong(i32(arg1(lwp))));
  if (count < 0) return -Errno.INVAL;
  let error = readTimeout(c, lwp, arg2(lwp));
  if (error !== 0) return error;
  const span: long = c.nsec;
  error = useMask(c, lwp, arg3(lwp), arg4(lwp));
  if (error !== 0) return error;
  const result = kernPoll(lwp, arg0(lwp), count, span);
  return writeTimeLeft(c, lwp, result, arg2(lwp), span, false);
}

/** A struct timeval of select: its microseconds may pass a second. */
function selectTimeout(c: LinuxContext, lwp: Lwp, utime: long): i32 {
  c.nsec = -1;
  if (utime === toLong(0)) return 0;
  if (lwp.opDeadline >= 0) {
    c.nsec = 0;
    return 0;
  }
  const error = lwp.proc.vm.copyin(utime, c.buf, 0, i32(TimespecL.SIZE));
  if (error !== 0) return error;
  const sec: long = getLong(c.buf, TimespecL.sec);
  const usec: long = getLong(c.buf, TimespecL.nsec);
  if (sec < 0 || usec < 0) return -Errno.INVAL;
  c.nsec = usec > 4000000000000000 ? spanOf(4000000000, 0) : spanOf(sec, usec * 1000);
  return 0;
}

export function sysSelect(c: LinuxContext, lwp: Lwp): long {
  const error = selectTimeout(c, lwp, arg4(lwp));
  if (error !== 0) return error;
  const span: long = c.nsec;
  const result = kernSelect(lwp, int0(lwp), arg1(lwp), arg2(lwp), arg3(lwp), span);
  return writeTimeLeft(c, lwp, result, arg4(lwp), span, true);
}

/** pselect6(2): the sixth argument points to the address and the size of the mask. */
export function sysPselect6(c: LinuxContext, lwp: Lwp): long {
  let error = readTimeout(c, lwp, arg4(lwp));
  if (error !== 0) return error;
  const span: long = c.nsec;
  if (arg5(lwp) !== toLong(0) && !lwp.maskSaved) {
    error = lwp.proc.vm.copyin(arg5(lwp), c.buf, 0, 16);
    if (error !== 0) return error;
    const umask: long = getLong(c.buf, 0);
    const size: long = getLong(c.buf, 8);
    error = useMask(c, lwp, umask, size);
    if (error !== 0) return error;
  }
  const result = kernSelect(lwp, int0(lwp), arg1(lwp), arg2(lwp), arg3(lwp), span);
  return writeTimeLeft(c, lwp, result, arg4(lwp), span, false);
}

export function sysEpollCreate(_c: LinuxContext, lwp: Lwp): long {
  return int0(lwp) <= 0 ? -Errno.INVAL : kernEpollCreate(lwp, 0);
}

export function sysEpollCreate1(_c: LinuxContext, lwp: Lwp): long {
  return kernEpollCreate(lwp, int0(lwp));
}

export function sysEpollCtl(_c: LinuxContext, lwp: Lwp): long {
  return kernEpollCtl(lwp, int0(lwp), int1(lwp), int2(lwp), arg3(lwp));
}

export function sysEpollWait(_c: LinuxContext, lwp: Lwp): long {
  return kernEpollWait(lwp, int0(lwp), arg1(lwp), int2(lwp), msTimeout(int3(lwp)));
}

export function sysEpollPwait(c: LinuxContext, lwp: Lwp): long {
  const error = useMask(c, lwp, arg4(lwp), arg5(lwp));
  if (error !== 0) return error;
  return kernEpollWait(lwp, int0(lwp), arg1(lwp), int2(lwp), msTimeout(int3(lwp)));
}

export function sysEpollPwait2(c: LinuxContext, lwp: Lwp): long {
  let error = readTimeout(c, lwp, arg3(lwp));
  if (error !== 0) return error;
  const span: long = c.nsec;
  error = useMask(c, lwp, arg4(lwp), arg5(lwp));
  if (error !== 0) return error;
  return kernEpollWait(lwp, int0(lwp), arg1(lwp), int2(lwp), span);
}

export function sysEventfd(_c: LinuxContext, lwp: Lwp): long {
  return kernEventfd(lwp, uint0(lwp), 0);
}

export function sysEventfd2(_c: LinuxContext, lwp: Lwp): long {
  return kernEventfd(lwp, uint0(lwp), int1(lwp));
}

export function sysTimerfdCreate(_c: LinuxContext, lwp: Lwp): long {
  return kernTimerfdCreate(lwp, int0(lwp), int1(lwp));
}

export function sysTimerfdSettime(_c: LinuxContext, lwp: Lwp): long {
  return kernTimerfdSettime(lwp, int0(lwp), int1(lwp), arg2(lwp), arg3(lwp));
}

export function sysTimerfdGettime(_c: LinuxContext, lwp: Lwp): long {
  return kernTimerfdGettime(lwp, int0(lwp), arg1(lwp));
}

function signalfd(c: LinuxContext, lwp: Lwp, flags: i32): i32 {
  if (arg2(lwp) !== SIGSET_SIZE) return -Errno.INVAL;
  const error = lwp.proc.vm.copyin(arg1(lwp), c.buf, 0, 8);
  if (error !== 0) return error;
  return kernSignalfd(lwp, int0(lwp), getU32(c.buf, 0), getU32(c.buf, 4), flags);
}

export function sysSignalfd(c: LinuxContext, lwp: Lwp): long {
  return signalfd(c, lwp, 0);
}

export function sysSignalfd4(c: LinuxContext, lwp: Lwp): long {
  return signalfd(c, lwp, int3(lwp));
}
