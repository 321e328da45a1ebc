/**
 * System calls on processes: fork, clone, exec, exit, wait, ids of processes, groups and sessions.
 *
 * Neighbours: kern's `fork.ts`, `exec.ts`, `exit.ts`, `wait.ts`, `session.ts`; `thread.ts` (what concerns one thread).
 * Invariant: user memory that a result goes to is made present before the call takes effect, so no result is lost.
 * Source: the section 2 manual page of each call.
 */
import {
  Errno,
  fillBytes,
  getLong,
  getU32,
  i32,
  putI32,
  putLong,
  putU32,
  toLong,
  u32,
  type long,
} from "@anax/portable";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  CLONE_DETACHED,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_SETTLS,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CSIGNAL,
  NSIG,
  SIGCHLD,
  getpgid,
  getsid,
  kernClone,
  kernExecve,
  kernExit,
  kernExitGroup,
  kernFork,
  kernPidfdGetfd,
  kernPidfdOpen,
  kernUnshare,
  kernVfork,
  kernVhangup,
  kernWait4,
  kernWaitid,
  setpgid,
  setsid,
  type Lwp,
  type Usage,
} from "@anax/kern";
import { arg0, arg1, arg2, arg3, arg4, int0, int1, int2, int3, int4, uint0 } from "./args";
import type { LinuxContext } from "./context";
import { CloneArgsL, RusageL, SiginfoL } from "./layout";
import { putTimeval } from "./timespec";

export function sysFork(_c: LinuxContext, lwp: Lwp): long {
  return kernFork(lwp);
}

export function sysVfork(_c: LinuxContext, lwp: Lwp): long {
  return kernVfork(lwp);
}

/** clone(2) in the x86-64 order: flags, stack, parent_tid, child_tid, tls. */
export function sysClone(_c: LinuxContext, lwp: Lwp): long {
  const flags = uint0(lwp);
  const tls: long = (flags & CLONE_SETTLS) !== 0 ? arg4(lwp) : 0;
  const pidfd = (flags & CLONE_PIDFD) !== 0;
  if (pidfd && (flags & CLONE_PARENT_SETTID) !== 0) return -Errno.INVAL;
  return kernClone(lwp, flags, arg1(lwp), arg2(lwp), arg3(lwp), tls, false, pidfd ? arg2(lwp) : 0);
}

const CLONE_ARGS_SIZE_VER0: i32 = 64;
/** CLONE_CLEAR_SIGHAND in the high half of the flags: caught signals have their default action in the child. */
const CLONE_CLEAR_SIGHAND_HIGH: u32 = 1;

export function sysClone3(c: LinuxContext, lwp: Lwp): long {
  const size: long = arg1(lwp);
  if (size < CLONE_ARGS_SIZE_VER0) return -Errno.INVAL;
  if (size > c.buf.length) return -Errno.TOOBIG;
  const n = i32(size);
  const b = c.buf;
  fillBytes(b, 0, i32(CloneArgsL.SIZE), 0);
  const error = lwp.proc.vm.copyin(arg0(lwp), b, 0, n);
  if (error !== 0) return error;
  for (let i = i32(CloneArgsL.SIZE); i < n; i++) if (b[i] !== 0) return -Errno.TOOBIG;
  const flags = getU32(b, CloneArgsL.flags);
  const exitSignal: long = getLong(b, CloneArgsL.exit_signal);
  const high = getU32(b, CloneArgsL.flags + 4);
  const clear = (high & CLONE_CLEAR_SIGHAND_HIGH) !== 0;
  if ((high & ~CLONE_CLEAR_SIGHAND_HIGH) !== 0 || (flags & (CSIGNAL | CLONE_DETACHED)) !== 0) return -Errno.INVAL;
  if (clear && (flags & CLONE_SIGHAND) !== 0) return -Errno.INVAL;
  if (exitSignal < 0 || exitSignal > NSIG) return -Errno.INVAL;
  if ((flags & (CLONE_THREAD | CLONE_PARENT)) !== 0 && exitSignal !== toLong(0)) return -Errno.INVAL;
  if (getLong(b, CloneArgsL.set_tid) !== toLong(0) || getLong(b, CloneArgsL.set_tid_size) !== toLong(0))
    return -Errno.INVAL;
  const stack: long = getLong(b, CloneArgsL.stack);
  const stackSize: long = getLong(b, CloneArgsL.stack_size);
  if ((stack === toLong(0)) !== (stackSize === toLong(0)) || stackSize < 0) return -Errno.INVAL;
  const tls: long = (flags & CLONE_SETTLS) !== 0 ? getLong(b, CloneArgsL.tls) : 0;
  const parentTid: long = getLong(b, CloneArgsL.parent_tid);
  const childTid: long = getLong(b, CloneArgsL.child_tid);
  const pidfd: long = getLong(b, CloneArgsL.pidfd);
  const all = (flags | u32(exitSignal)) >>> 0;
  return kernClone(lwp, all, stack + stackSize, parentTid, childTid, tls, clear, pidfd);
}

export function sysVhangup(_c: LinuxContext, lwp: Lwp): long {
  return kernVhangup(lwp.proc);
}

export function sysPidfdOpen(_c: LinuxContext, lwp: Lwp): long {
  return kernPidfdOpen(lwp, int0(lwp), int1(lwp));
}

export function sysPidfdGetfd(_c: LinuxContext, lwp: Lwp): long {
  return int2(lwp) !== 0 ? -Errno.INVAL : kernPidfdGetfd(lwp, int0(lwp), int1(lwp));
}

export function sysUnshare(_c: LinuxContext, lwp: Lwp): long {
  return kernUnshare(lwp, uint0(lwp));
}

export function sysExecve(_c: LinuxContext, lwp: Lwp): long {
  return kernExecve(lwp, AT_FDCWD, arg0(lwp), arg1(lwp), arg2(lwp), 0);
}

export function sysExecveat(_c: LinuxContext, lwp: Lwp): long {
  const flags = int4(lwp);
  if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) !== 0) return -Errno.INVAL;
  return kernExecve(lwp, int0(lwp), arg1(lwp), arg2(lwp), arg3(lwp), flags);
}

export function sysExit(_c: LinuxContext, lwp: Lwp): long {
  return kernExit(lwp, int0(lwp) & 0xff);
}

export function sysExitGroup(_c: LinuxContext, lwp: Lwp): long {
  return kernExitGroup(lwp, int0(lwp) & 0xff);
}

/**
 * Makes `n` bytes at `uaddr` present and writable without changing them. 0 or EASYNC; what cannot be written is left to
 * the later copyout.
 */
export function touchUser(c: LinuxContext, lwp: Lwp, uaddr: long, n: i32): i32 {
  if (uaddr === toLong(0)) return 0;
  let error = lwp.proc.vm.copyin(uaddr, c.buf, 0, n);
  if (error === 0) error = lwp.proc.vm.copyout(c.buf, 0, uaddr, n);
  return error === -Errno.FAULT ? 0 : error;
}

export function sysWait4(c: LinuxContext, lwp: Lwp): long {
  const ustatus: long = arg1(lwp);
  const uusage: long = arg3(lwp);
  let error = touchUser(c, lwp, ustatus, 4);
  if (error !== 0) return error;
  error = touchUser(c, lwp, uusage, i32(RusageL.SIZE));
  if (error !== 0) return error;
  const pid = kernWait4(lwp, int0(lwp), int2(lwp));
  if (pid <= 0) return pid;
  const found = c.kernel.waitResult;
  if (ustatus !== toLong(0)) {
    putI32(c.buf, 0, found.status);
    error = lwp.proc.vm.copyout(c.buf, 0, ustatus, 4);
    if (error !== 0) return error;
  }
  if (uusage !== toLong(0)) {
    encodeRusage(found.usage, c.buf, 0);
    error = lwp.proc.vm.copyout(c.buf, 0, uusage, i32(RusageL.SIZE));
    if (error !== 0) return error;
  }
  return pid;
}

/** waitid(2): siginfo may be absent; its pid is 0 when WNOHANG found nothing. */
export function sysWaitid(c: LinuxContext, lwp: Lwp): long {
  const uinfo: long = arg2(lwp);
  const uusage: long = arg4(lwp);
  let error = touchUser(c, lwp, uinfo, i32(SiginfoL.SIZE));
  if (error !== 0) return error;
  error = touchUser(c, lwp, uusage, i32(RusageL.SIZE));
  if (error !== 0) return error;
  error = kernWaitid(lwp, int0(lwp), int1(lwp), int3(lwp));
  if (error !== 0) return error;
  const found = c.kernel.waitResult;
  const b = c.buf;
  if (uusage !== toLong(0) && found.pid !== 0) {
    encodeRusage(found.usage, b, 0);
    error = lwp.proc.vm.copyout(b, 0, uusage, i32(RusageL.SIZE));
    if (error !== 0) return error;
  }
  if (uinfo === toLong(0)) return 0;
  fillBytes(b, 0, i32(SiginfoL.SIZE), 0);
  if (found.pid !== 0) {
    putI32(b, SiginfoL.signo, SIGCHLD);
    putI32(b, SiginfoL.code, found.code);
    putI32(b, SiginfoL.pid, found.pid);
    putU32(b, SiginfoL.uid, found.uid);
    putI32(b, SiginfoL.status, found.value);
  }
  // Only the members that waitid defines are written, as Linux does it.
  return lwp.proc.vm.copyout(b, 0, uinfo, (SiginfoL.status + 4) | 0);
}

/** Writes struct rusage at `off` of `b`. */
export function encodeRusage(u: Usage, b: Uint8Array, off: i32): void {
  fillBytes(b, off, i32(RusageL.SIZE), 0);
  putTimeval(b, (off + RusageL.utime) | 0, u.utime);
  putTimeval(b, (off + RusageL.stime) | 0, u.stime);
  putLong(b, (off + RusageL.maxrss) | 0, toLong(u.maxRss) * 4);
  putLong(b, (off + RusageL.minflt) | 0, toLong(u.minorFaults));
  putLong(b, (off + RusageL.majflt) | 0, toLong(u.majorFaults));
  putLong(b, (off + RusageL.inblock) | 0, toLong(u.inBlocks));
  putLong(b, (off + RusageL.oublock) | 0, toLong(u.outBlocks));
  putLong(b, (off + RusageL.nvcsw) | 0, toLong(u.voluntarySwitches));
  putLong(b, (off + RusageL.nivcsw) | 0, toLong(u.involuntarySwitches));
}

export function sysGetpid(_c: LinuxContext, lwp: Lwp): long {
  return lwp.proc.pid;
}

export function sysGettid(_c: LinuxContext, lwp: Lwp): long {
  return lwp.tid;
}

export function sysGetppid(_c: LinuxContext, lwp: Lwp): long {
  return lwp.proc.ppid;
}

export function sysGetpgrp(_c: LinuxContext, lwp: Lwp): long {
  return getpgid(lwp.proc, 0);
}

export function sysGetpgid(_c: LinuxContext, lwp: Lwp): long {
  return int0(lwp) < 0 ? -Errno.SRCH : getpgid(lwp.proc, int0(lwp));
}

export function sysSetpgid(_c: LinuxContext, lwp: Lwp): long {
  return setpgid(lwp.proc, int0(lwp), int1(lwp));
}

export function sysGetsid(_c: LinuxContext, lwp: Lwp): long {
  return int0(lwp) < 0 ? -Errno.SRCH : getsid(lwp.proc, int0(lwp));
}

export function sysSetsid(_c: LinuxContext, lwp: Lwp): long {
  return setsid(lwp.proc);
}
