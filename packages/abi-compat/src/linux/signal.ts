/**
 * System calls on signals: kill, sigaction, masks, waiting, alternate stacks, and the return from a handler.
 *
 * Neighbours: kern's `sigcalls.ts`; `sigframe.ts`, `siginfo.ts`. Invariant: the old value of a setting is written out before the
 * new one takes effect, so a call that must wait for a page can be run again.
 * Source: the section 2 manual page of each call.
 */
import {
  EASYNC,
  Errno,
  fillBytes,
  getI32,
  getLong,
  getU32,
  i32,
  putI32,
  putLong,
  putU32,
  toLong,
  type long,
} from "@anax/portable";
import { REG_RSP } from "@anax/machine";
import {
  NSIG,
  SIGSEGV,
  SI_KERNEL,
  altStackFlags,
  kernKill,
  kernPause,
  kernSigaction,
  kernSigaltstack,
  kernSigpending,
  kernSigprocmask,
  kernSigqueue,
  kernPidfdSendSignal,
  kernSigsuspend,
  kernSigtimedwait,
  kernTgkill,
  trapSignal,
  type Lwp,
  type SigAction,
} from "@anax/kern";
import { arg0, arg1, arg2, arg3, int0, int1, int2, int3 } from "./args";
import { RESULT_IN_REGISTERS, type LinuxContext } from "./context";
import { SigactionL, SiginfoL, StackL } from "./layout";
import { touchUser } from "./process";
import { decodeSiginfo, encodeSiginfo } from "./siginfo";
import { copyinTimespec, spanOf } from "./timespec";

/** Bytes of the kernel's sigset_t: what every call with a set must be given as its size. */
const SIGSET_SIZE: long = 8;

export function sysKill(_c: LinuxContext, lwp: Lwp): long {
  return kernKill(lwp, int0(lwp), int1(lwp));
}

export function sysTkill(_c: LinuxContext, lwp: Lwp): long {
  return int0(lwp) <= 0 ? -Errno.INVAL : kernTgkill(lwp, -1, int0(lwp), int1(lwp));
}

export function sysTgkill(_c: LinuxContext, lwp: Lwp): long {
  return int0(lwp) <= 0 ? -Errno.INVAL : kernTgkill(lwp, int0(lwp), int1(lwp), int2(lwp));
}

export function sysRtSigaction(c: LinuxContext, lwp: Lwp): long {
  if (arg3(lwp) !== SIGSET_SIZE) return -Errno.INVAL;
  const sig = int0(lwp);
  const uact: long = arg1(lwp);
  const uold: long = arg2(lwp);
  const space = lwp.proc.vm;
  const b = c.buf;
  let act: SigAction | null = null;
  if (uact !== toLong(0)) {
    const error = space.copyin(uact, b, 0, i32(SigactionL.SIZE));
    if (error !== 0) return error;
    act = c.action;
    act.handler = getLong(b, SigactionL.handler);
    act.flags = getU32(b, SigactionL.flags);
    act.restorer = getLong(b, SigactionL.restorer);
    act.maskLo = getU32(b, SigactionL.mask);
    act.maskHi = getU32(b, SigactionL.mask + 4);
  }
  if (uold !== toLong(0)) {
    const old = c.oldAction;
    let error = kernSigaction(lwp, sig, null, old);
    if (error !== 0) return error;
    putLong(b, SigactionL.handler, old.handler);
    putU32(b, SigactionL.flags, old.flags);
    putU32(b, SigactionL.flags + 4, 0);
    putLong(b, SigactionL.restorer, old.restorer);
    putU32(b, SigactionL.mask, old.maskLo);
    putU32(b, SigactionL.mask + 4, old.maskHi);
    error = space.copyout(b, 0, uold, i32(SigactionL.SIZE));
    if (error !== 0) return error;
  }
  return uold !== toLong(0) && act === null ? 0 : kernSigaction(lwp, sig, act, null);
}

export function sysRtSigprocmask(c: LinuxContext, lwp: Lwp): long {
  if (arg3(lwp) !== SIGSET_SIZE) return -Errno.INVAL;
  const uset: long = arg1(lwp);
  const uold: long = arg2(lwp);
  const space = lwp.proc.vm;
  const b = c.buf;
  if (uset !== toLong(0)) {
    const error = space.copyin(uset, b, 0, 8);
    if (error !== 0) return error;
    if (int0(lwp) < 0 || int0(lwp) > 2) return -Errno.INVAL;
  }
  if (uold !== toLong(0)) {
    putU32(b, 8, lwp.maskLo);
    putU32(b, 12, lwp.maskHi);
    const error = space.copyout(b, 8, uold, 8);
    if (error !== 0) return error;
  }
  return uset === toLong(0) ? 0 : kernSigprocmask(lwp, int0(lwp), getU32(b, 0), getU32(b, 4));
}

export function sysRtSigpending(c: LinuxContext, lwp: Lwp): long {
  const size: long = arg1(lwp);
  if (size < 0 || size > SIGSET_SIZE) return -Errno.INVAL;
  kernSigpending(lwp, c.sigset);
  putU32(c.buf, 0, c.sigset.lo);
  putU32(c.buf, 4, c.sigset.hi);
  return lwp.proc.vm.copyout(c.buf, 0, arg0(lwp), i32(size));
}

export function sysRtSigsuspend(c: LinuxContext, lwp: Lwp): long {
  if (arg1(lwp) !== SIGSET_SIZE) return -Errno.INVAL;
  const error = lwp.proc.vm.copyin(arg0(lwp), c.buf, 0, 8);
  if (error !== 0) return error;
  return kernSigsuspend(lwp, getU32(c.buf, 0), getU32(c.buf, 4));
}

export function sysPause(_c: LinuxContext, lwp: Lwp): long {
  return kernPause(lwp);
}

export function sysRtSigtimedwait(c: LinuxContext, lwp: Lwp): long {
  if (arg3(lwp) !== SIGSET_SIZE) return -Errno.INVAL;
  const space = lwp.proc.vm;
  const b = c.buf;
  let error = space.copyin(arg0(lwp), b, 0, 8);
  if (error !== 0) return error;
  const lo = getU32(b, 0);
  const hi = getU32(b, 4);
  let span: long = -1;
  if (arg2(lwp) !== toLong(0)) {
    error = copyinTimespec(c, lwp, arg2(lwp));
    if (error !== 0) return error;
    span = spanOf(c.sec, c.nsec);
  }
  const uinfo: long = arg1(lwp);
  error = touchUser(c, lwp, uinfo, i32(SiginfoL.SIZE));
  if (error !== 0) return error;
  const sig = kernSigtimedwait(lwp, lo, hi, span);
  if (sig <= 0 || uinfo === toLong(0)) return sig;
  encodeSiginfo(c.kernel.info, b, 0);
  error = space.copyout(b, 0, uinfo, i32(SiginfoL.SIZE));
  return error !== 0 ? error : sig;
}

export function sysRtSigqueueinfo(c: LinuxContext, lwp: Lwp): long {
  return sigqueue(c, lwp, int0(lwp), 0, int1(lwp), arg2(lwp));
}

export function sysRtTgsigqueueinfo(c: LinuxContext, lwp: Lwp): long {
  if (int0(lwp) <= 0 || int1(lwp) <= 0) return -Errno.INVAL;
  return sigqueue(c, lwp, int0(lwp), int1(lwp), int2(lwp), arg3(lwp));
}

/** Errors beyond those of kern: -INVAL (flags; a siginfo that is of another signal). */
export function sysPidfdSendSignal(c: LinuxContext, lwp: Lwp): long {
  if (int3(lwp) !== 0) return -Errno.INVAL;
  const sig = int1(lwp);
  const uinfo: long = arg2(lwp);
  if (uinfo === toLong(0)) return kernPidfdSendSignal(lwp, int0(lwp), sig, null);
  const error = lwp.proc.vm.copyin(uinfo, c.buf, 0, i32(SiginfoL.SIZE));
  if (error !== 0) return error;
  if (sig < 0 || sig > NSIG || getI32(c.buf, SiginfoL.signo) !== sig) return -Errno.INVAL;
  decodeSiginfo(c.buf, 0, sig, c.info);
  return kernPidfdSendSignal(lwp, int0(lwp), sig, c.info);
}

function sigqueue(c: LinuxContext, lwp: Lwp, pid: i32, tid: i32, sig: i32, uinfo: long): i32 {
  const error = lwp.proc.vm.copyin(uinfo, c.buf, 0, i32(SiginfoL.SIZE));
  if (error !== 0) return error;
  if (sig < 0 || sig > NSIG) return -Errno.INVAL;
  decodeSiginfo(c.buf, 0, sig, c.info);
  return kernSigqueue(lwp, pid, tid, c.info);
}

export function sysSigaltstack(c: LinuxContext, lwp: Lwp): long {
  const unew: long = arg0(lwp);
  const uold: long = arg1(lwp);
  const space = lwp.proc.vm;
  const b = c.buf;
  const sp: long = lwp.regs.get(REG_RSP);
  if (uold !== toLong(0)) {
    const error = touchUser(c, lwp, uold, i32(StackL.SIZE));
    if (error !== 0) return error;
  }
  const oldSp: long = lwp.altSp;
  const oldSize: long = lwp.altSize;
  const oldFlags = altStackFlags(lwp, sp);
  if (unew !== toLong(0)) {
    let error = space.copyin(unew, b, 0, i32(StackL.SIZE));
    if (error !== 0) return error;
    error = kernSigaltstack(lwp, getLong(b, StackL.sp), getLong(b, StackL.size), getI32(b, StackL.flags), sp);
    if (error !== 0) return error;
  }
  if (uold === toLong(0)) return 0;
  fillBytes(b, 0, i32(StackL.SIZE), 0);
  putLong(b, StackL.sp, oldSp);
  putI32(b, StackL.flags, oldFlags);
  putLong(b, StackL.size, oldSize);
  return space.copyout(b, 0, uold, i32(StackL.SIZE));
}

/** The registers are those of the frame; a frame that cannot be read gives SIGSEGV. */
export function sysRtSigreturn(c: LinuxContext, lwp: Lwp): long {
  const error = c.frames.restore(lwp);
  if (error === EASYNC) return EASYNC;
  if (error !== 0) trapSignal(lwp, SIGSEGV, SI_KERNEL, 0);
  return RESULT_IN_REGISTERS;
}

/** restart_syscall(2): interrupted calls keep their time limit themselves, so nothing is ever left to restart. */
export function sysRestartSyscall(_c: LinuxContext, _lwp: Lwp): long {
  return -Errno.INTR;
}
