/**
 * System calls on scheduling: yield, policies, nice, affinity.
 *
 * Neighbours: kern's `priority.ts`, which decides who may do what. Invariant: there is one CPU, number 0.
 * Source: sched(7), sched_setscheduler(2), sched_setattr(2), setpriority(2), sched_setaffinity(2).
 */
import { Errno, fillBytes, getI32, getU32, i32, putI32, putLong, putU32, toLong, u32, type long } from "@anax/portable";
import { NICE_MAX, NICE_MIN } from "@anax/scheduler";
import {
  PRIO_PROCESS,
  SCHED_FIFO,
  SCHED_RESET_ON_FORK,
  SCHED_RR,
  kernGetpriority,
  kernSchedGetparam,
  kernSchedGetscheduler,
  kernSchedInterval,
  kernSchedPriorityLimit,
  kernSchedSetscheduler,
  kernSetpriority,
  kernYield,
  type Lwp,
} from "@anax/kern";
import { arg1, arg2, int0, int1, int2, int3, uint1, uint2 } from "./args";
import type { LinuxContext } from "./context";
import { SchedAttrL } from "./layout";
import { copyoutTimespec } from "./timespec";

/** Bit of a policy in sched_setscheduler, and its form in sched_setattr: accepted; children here inherit all the same. */
const SCHED_FLAG_RESET_ON_FORK: u32 = 1;

export function sysSchedYield(_c: LinuxContext, lwp: Lwp): long {
  return kernYield(lwp);
}

export function sysSchedSetscheduler(c: LinuxContext, lwp: Lwp): long {
  if (int1(lwp) < 0 || arg2(lwp) === toLong(0)) return -Errno.INVAL;
  const error = lwp.proc.vm.copyin(arg2(lwp), c.buf, 0, 4);
  if (error !== 0) return error;
  return kernSchedSetscheduler(lwp, int0(lwp), int1(lwp), getI32(c.buf, 0));
}

export function sysSchedSetparam(c: LinuxContext, lwp: Lwp): long {
  if (arg1(lwp) === toLong(0)) return -Errno.INVAL;
  const error = lwp.proc.vm.copyin(arg1(lwp), c.buf, 0, 4);
  return error !== 0 ? error : kernSchedSetscheduler(lwp, int0(lwp), -1, getI32(c.buf, 0));
}

export function sysSchedGetscheduler(_c: LinuxContext, lwp: Lwp): long {
  return kernSchedGetscheduler(lwp, int0(lwp));
}

export function sysSchedGetparam(_c: LinuxContext, lwp: Lwp): long {
  if (arg1(lwp) === toLong(0)) return -Errno.INVAL;
  const priority = kernSchedGetparam(lwp, int0(lwp));
  return priority < 0 ? priority : lwp.proc.vm.put32(arg1(lwp), u32(priority));
}

/** sched_setattr(2): a structure whose first member is its size. */
export function sysSchedSetattr(c: LinuxContext, lwp: Lwp): long {
  if (arg1(lwp) === toLong(0) || uint2(lwp) !== 0) return -Errno.INVAL;
  const b = c.buf;
  const space = lwp.proc.vm;
  let error = space.copyin(arg1(lwp), b, 0, 4);
  if (error !== 0) return error;
  let size = getU32(b, 0);
  if (size === 0) size = u32(SchedAttrL.SIZE);
  if (size < u32(SchedAttrL.SIZE) || size > u32(b.length)) {
    error = space.put32(arg1(lwp), u32(SchedAttrL.SIZE));
    return error !== 0 ? error : -Errno.TOOBIG;
  }
  error = space.copyin(arg1(lwp), b, 0, i32(size));
  if (error !== 0) return error;
  let policy = getI32(b, SchedAttrL.sched_policy);
  const nice = getI32(b, SchedAttrL.sched_nice);
  const fixed = policy === SCHED_FIFO || policy === SCHED_RR;
  if (policy < 0 || (getU32(b, SchedAttrL.sched_flags) & ~SCHED_FLAG_RESET_ON_FORK) !== 0) return -Errno.INVAL;
  if (!fixed && (nice < NICE_MIN || nice > NICE_MAX)) return -Errno.INVAL;
  if ((getU32(b, SchedAttrL.sched_flags) & SCHED_FLAG_RESET_ON_FORK) !== 0) policy = policy | SCHED_RESET_ON_FORK;
  error = kernSchedSetscheduler(lwp, int0(lwp), policy, getI32(b, SchedAttrL.sched_priority));
  return error !== 0 || fixed ? error : kernSetpriority(lwp, PRIO_PROCESS, u32(int0(lwp)), nice);
}

export function sysSchedGetattr(c: LinuxContext, lwp: Lwp): long {
  const size = uint2(lwp);
  if (arg1(lwp) === toLong(0) || int3(lwp) !== 0) return -Errno.INVAL;
  if (size < u32(SchedAttrL.SIZE) || size > 4096) return -Errno.INVAL;
  const policy = kernSchedGetscheduler(lwp, int0(lwp));
  if (policy < 0) return policy;
  const b = c.buf;
  fillBytes(b, 0, i32(SchedAttrL.SIZE), 0);
  putU32(b, SchedAttrL.size, u32(SchedAttrL.SIZE));
  putI32(b, SchedAttrL.sched_policy, policy & ~SCHED_RESET_ON_FORK);
  if ((policy & SCHED_RESET_ON_FORK) !== 0) putU32(b, SchedAttrL.sched_flags, SCHED_FLAG_RESET_ON_FORK);
  putI32(b, SchedAttrL.sched_nice, (20 - kernGetpriority(lwp, PRIO_PROCESS, u32(int0(lwp)))) | 0);
  putI32(b, SchedAttrL.sched_priority, kernSchedGetparam(lwp, int0(lwp)));
  return lwp.proc.vm.copyout(b, 0, arg1(lwp), i32(SchedAttrL.SIZE));
}

export function sysSchedGetPriorityMax(_c: LinuxContext, lwp: Lwp): long {
  return kernSchedPriorityLimit(int0(lwp), true);
}

export function sysSchedGetPriorityMin(_c: LinuxContext, lwp: Lwp): long {
  return kernSchedPriorityLimit(int0(lwp), false);
}

export function sysSchedRrGetInterval(c: LinuxContext, lwp: Lwp): long {
  const ns: long = kernSchedInterval(lwp, int0(lwp));
  return ns < 0 ? ns : toLong(copyoutTimespec(c, lwp, ns, arg1(lwp)));
}

/** getpriority(2) of the kernel: 20 - nice, so that no value looks like an error. */
export function sysGetpriority(_c: LinuxContext, lwp: Lwp): long {
  return kernGetpriority(lwp, int0(lwp), uint1(lwp));
}

export function sysSetpriority(_c: LinuxContext, lwp: Lwp): long {
  return kernSetpriority(lwp, int0(lwp), uint1(lwp), int2(lwp));
}

/** A mask without CPU 0 is refused. */
export function sysSchedSetaffinity(c: LinuxContext, lwp: Lwp): long {
  const size = uint1(lwp);
  const n: i32 = size > 8 ? 8 : i32(size);
  putLong(c.buf, 0, 0);
  const error = n === 0 ? 0 : lwp.proc.vm.copyin(arg2(lwp), c.buf, 0, n);
  if (error !== 0) return error;
  const tid = int0(lwp);
  const target = tid === 0 ? lwp : c.kernel.pids.lwp(tid);
  if (target === null) return -Errno.SRCH;
  const mine = lwp.proc.cred;
  const its = target.proc.cred;
  if (mine.euid !== 0 && mine.euid !== its.uid && mine.euid !== its.euid) return -Errno.PERM;
  return (getU32(c.buf, 0) & 1) !== 0 ? 0 : -Errno.INVAL;
}

/** Bytes written: 8. */
export function sysSchedGetaffinity(c: LinuxContext, lwp: Lwp): long {
  const size = uint1(lwp);
  if (size < 8 || (size & 7) !== 0) return -Errno.INVAL;
  if (int0(lwp) !== 0 && c.kernel.pids.lwp(int0(lwp)) === null) return -Errno.SRCH;
  const error = lwp.proc.vm.putLong(arg2(lwp), 1);
  return error !== 0 ? error : 8;
}
