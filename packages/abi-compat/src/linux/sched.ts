/**
 * System calls on scheduling: yield, policies, nice, affinity.
 *
 * Neighbours: the scheduler's `UserScheduler`, kern's `PidTable`. Invariant: only root raises a priority, within RLIMIT_NICE and
 * RLIMIT_RTPRIO others may.
 * Source: sched(7), sched_setscheduler(2), setpriority(2), sched_setaffinity(2).
 */
import { Errno, fillBytes, getI32, getU32, i32, putI32, putLong, putU32, toLong, u32, type long } from "@anax/portable";
import { CLASS_IDLE, CLASS_NORMAL, CLASS_REALTIME, NICE_MAX, NICE_MIN, RT_PRIO_MAX } from "@anax/scheduler";
import { ATT_RESCHED, RLIMIT_NICE, RLIMIT_RTPRIO, type Kernel, type Lwp, type Proc } from "@anax/kern";
import { arg1, arg2, int0, int1, int2, int3, uint1, uint2 } from "./args";
import type { LinuxContext } from "./context";
import { SchedAttrL } from "./layout";
import { copyoutTimespec } from "./timespec";

const SCHED_OTHER: i32 = 0;
const SCHED_FIFO: i32 = 1;
const SCHED_RR: i32 = 2;
const SCHED_BATCH: i32 = 3;
const SCHED_IDLE: i32 = 5;
const SCHED_DEADLINE: i32 = 6;
/** Bit of a policy in sched_setscheduler: children get the default policy. Accepted; children here always inherit. */
const SCHED_RESET_ON_FORK: i32 = 0x40000000;
const SCHED_FLAG_RESET_ON_FORK: u32 = 1;

export function sysSchedYield(c: LinuxContext, lwp: Lwp): long {
  c.kernel.scheduler.yieldNow(lwp.sched);
  c.kernel.attention |= ATT_RESCHED;
  return 0;
}

/** The thread of id `tid`; 0 is the caller. */
function findLwp(k: Kernel, lwp: Lwp, tid: i32): Lwp | null {
  return tid === 0 || tid === lwp.tid ? lwp : k.pids.lwp(tid);
}

/** Whether the caller may change the scheduling of `target`: root, or the same user. */
function mayChange(lwp: Lwp, target: Proc): boolean {
  const mine = lwp.proc.cred;
  return mine.euid === 0 || mine.euid === target.cred.uid || mine.euid === target.cred.euid;
}

function policyOf(l: Lwp): i32 {
  const e = l.sched;
  if (e.klass === CLASS_REALTIME) return e.roundRobin ? SCHED_RR : SCHED_FIFO;
  return e.klass === CLASS_IDLE ? SCHED_IDLE : SCHED_OTHER;
}

function priorityOf(l: Lwp): i32 {
  return l.sched.klass === CLASS_REALTIME ? l.sched.rtPriority : 0;
}

/** Sets policy and priority of a thread. 0, -INVAL, -PERM. */
function setPolicy(c: LinuxContext, lwp: Lwp, target: Lwp, policy: i32, priority: i32): i32 {
  const realtime = policy === SCHED_FIFO || policy === SCHED_RR;
  if (!realtime && policy !== SCHED_OTHER && policy !== SCHED_BATCH && policy !== SCHED_IDLE) return -Errno.INVAL;
  if (realtime ? priority < 1 || priority > RT_PRIO_MAX : priority !== 0) return -Errno.INVAL;
  if (!mayChange(lwp, target.proc)) return -Errno.PERM;
  if (lwp.proc.cred.euid !== 0 && realtime) {
    const raises = priority > priorityOf(target) && toLong(priority) > target.proc.limits.soft.get(RLIMIT_RTPRIO);
    if (raises) return -Errno.PERM;
  }
  const klass = realtime ? CLASS_REALTIME : policy === SCHED_IDLE ? CLASS_IDLE : CLASS_NORMAL;
  return c.kernel.scheduler.setClass(target.sched, klass, priority, policy === SCHED_RR);
}

export function sysSchedSetscheduler(c: LinuxContext, lwp: Lwp): long {
  if (int0(lwp) < 0 || int1(lwp) < 0 || arg2(lwp) === toLong(0)) return -Errno.INVAL;
  const error = lwp.proc.vm.copyin(arg2(lwp), c.buf, 0, 4);
  if (error !== 0) return error;
  const target = findLwp(c.kernel, lwp, int0(lwp));
  if (target === null) return -Errno.SRCH;
  return setPolicy(c, lwp, target, int1(lwp) & ~SCHED_RESET_ON_FORK, getI32(c.buf, 0));
}

export function sysSchedSetparam(c: LinuxContext, lwp: Lwp): long {
  if (int0(lwp) < 0 || arg1(lwp) === toLong(0)) return -Errno.INVAL;
  const error = lwp.proc.vm.copyin(arg1(lwp), c.buf, 0, 4);
  if (error !== 0) return error;
  const target = findLwp(c.kernel, lwp, int0(lwp));
  if (target === null) return -Errno.SRCH;
  return setPolicy(c, lwp, target, policyOf(target), getI32(c.buf, 0));
}

export function sysSchedGetscheduler(c: LinuxContext, lwp: Lwp): long {
  if (int0(lwp) < 0) return -Errno.INVAL;
  const target = findLwp(c.kernel, lwp, int0(lwp));
  return target === null ? -Errno.SRCH : policyOf(target);
}

export function sysSchedGetparam(c: LinuxContext, lwp: Lwp): long {
  if (int0(lwp) < 0 || arg1(lwp) === toLong(0)) return -Errno.INVAL;
  const target = findLwp(c.kernel, lwp, int0(lwp));
  if (target === null) return -Errno.SRCH;
  putI32(c.buf, 0, priorityOf(target));
  return lwp.proc.vm.copyout(c.buf, 0, arg1(lwp), 4);
}

/** sched_setattr(2): a structure whose first member is its size; newer members must be zero. */
export function sysSchedSetattr(c: LinuxContext, lwp: Lwp): long {
  if (int0(lwp) < 0 || arg1(lwp) === toLong(0) || uint2(lwp) !== 0) return -Errno.INVAL;
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
  const policy = getI32(b, SchedAttrL.sched_policy);
  if (policy === SCHED_DEADLINE || policy < 0) return -Errno.INVAL;
  if ((getU32(b, SchedAttrL.sched_flags) & ~SCHED_FLAG_RESET_ON_FORK) !== 0) return -Errno.INVAL;
  const target = findLwp(c.kernel, lwp, int0(lwp));
  if (target === null) return -Errno.SRCH;
  const nice = getI32(b, SchedAttrL.sched_nice);
  error = setPolicy(c, lwp, target, policy, getI32(b, SchedAttrL.sched_priority));
  if (error !== 0 || policy === SCHED_FIFO || policy === SCHED_RR) return error;
  if (nice < NICE_MIN || nice > NICE_MAX) return -Errno.INVAL;
  return setNice(c, lwp, target, nice);
}

export function sysSchedGetattr(c: LinuxContext, lwp: Lwp): long {
  const size = uint2(lwp);
  if (int0(lwp) < 0 || arg1(lwp) === toLong(0) || int3(lwp) !== 0) return -Errno.INVAL;
  if (size < u32(SchedAttrL.SIZE) || size > 4096) return -Errno.INVAL;
  const target = findLwp(c.kernel, lwp, int0(lwp));
  if (target === null) return -Errno.SRCH;
  const b = c.buf;
  fillBytes(b, 0, i32(SchedAttrL.SIZE), 0);
  putU32(b, SchedAttrL.size, u32(SchedAttrL.SIZE));
  putI32(b, SchedAttrL.sched_policy, policyOf(target));
  putI32(b, SchedAttrL.sched_nice, target.sched.nice);
  putI32(b, SchedAttrL.sched_priority, priorityOf(target));
  return lwp.proc.vm.copyout(b, 0, arg1(lwp), i32(SchedAttrL.SIZE));
}

/** The range of priorities of a policy: -INVAL, 0 or `realtime`. */
function priorityLimit(policy: i32, realtime: i32): i32 {
  if (policy === SCHED_FIFO || policy === SCHED_RR) return realtime;
  return policy === SCHED_OTHER || policy === SCHED_BATCH || policy === SCHED_IDLE || policy === SCHED_DEADLINE ? 0 : -Errno.INVAL;
}

export function sysSchedGetPriorityMax(_c: LinuxContext, lwp: Lwp): long {
  return priorityLimit(int0(lwp), RT_PRIO_MAX);
}

export function sysSchedGetPriorityMin(_c: LinuxContext, lwp: Lwp): long {
  return priorityLimit(int0(lwp), 1);
}

/** Time slice of SCHED_RR and of SCHED_OTHER, ns. */
const TIME_SLICE: long = 100000000;

export function sysSchedRrGetInterval(c: LinuxContext, lwp: Lwp): long {
  if (int0(lwp) < 0) return -Errno.INVAL;
  const target = findLwp(c.kernel, lwp, int0(lwp));
  if (target === null) return -Errno.SRCH;
  return copyoutTimespec(c, lwp, policyOf(target) === SCHED_FIFO ? toLong(0) : TIME_SLICE, arg1(lwp));
}

const PRIO_PROCESS: i32 = 0;
const PRIO_PGRP: i32 = 1;
const PRIO_USER: i32 = 2;

/** Whether `p` is meant by `which` and `who` of getpriority and setpriority, other than PRIO_PROCESS. */
function isMeant(lwp: Lwp, p: Proc, which: i32, who: i32): boolean {
  if (p.zombie) return false;
  if (which === PRIO_USER) return p.cred.uid === (who === 0 ? lwp.proc.cred.uid : u32(who));
  const group = p.group;
  const own = lwp.proc.group;
  if (group === null || own === null) return false;
  return who === 0 ? group === own : group.pgid === who;
}

/** getpriority(2) of the kernel: 20 - nice, the highest of all that are meant. */
export function sysGetpriority(c: LinuxContext, lwp: Lwp): long {
  const which = int0(lwp);
  const who = int1(lwp);
  if (which < PRIO_PROCESS || which > PRIO_USER) return -Errno.INVAL;
  if (which === PRIO_PROCESS) {
    const target = findLwp(c.kernel, lwp, who);
    return target === null ? -Errno.SRCH : 20 - target.sched.nice;
  }
  let best: i32 = -1;
  let p = c.kernel.pids.nextProc(1);
  while (p !== null) {
    if (isMeant(lwp, p, which, who)) {
      for (let l = p.lwps; l !== null; l = l.next) if (20 - l.sched.nice > best) best = (20 - l.sched.nice) | 0;
    }
    p = c.kernel.pids.nextProc((p.pid + 1) | 0);
  }
  return best < 0 ? -Errno.SRCH : best;
}

export function sysSetpriority(c: LinuxContext, lwp: Lwp): long {
  const which = int0(lwp);
  const who = int1(lwp);
  if (which < PRIO_PROCESS || which > PRIO_USER) return -Errno.INVAL;
  let nice = int2(lwp);
  if (nice < NICE_MIN) nice = NICE_MIN;
  if (nice > NICE_MAX) nice = NICE_MAX;
  if (which === PRIO_PROCESS) {
    const target = findLwp(c.kernel, lwp, who);
    return target === null ? -Errno.SRCH : setNice(c, lwp, target, nice);
  }
  let result: i32 = -Errno.SRCH;
  let p = c.kernel.pids.nextProc(1);
  while (p !== null) {
    if (isMeant(lwp, p, which, who)) {
      for (let l = p.lwps; l !== null; l = l.next) {
        const error = setNice(c, lwp, l, nice);
        if (error !== 0 || result === -Errno.SRCH) result = error;
      }
    }
    p = c.kernel.pids.nextProc((p.pid + 1) | 0);
  }
  return result;
}

/** Sets the nice value of a thread: -PERM (another user's), -ACCES (a better one than RLIMIT_NICE allows). */
function setNice(c: LinuxContext, lwp: Lwp, target: Lwp, nice: i32): i32 {
  if (!mayChange(lwp, target.proc)) return -Errno.PERM;
  if (nice < target.sched.nice && lwp.proc.cred.euid !== 0) {
    if (toLong(20 - nice) > target.proc.limits.soft.get(RLIMIT_NICE)) return -Errno.ACCES;
  }
  c.kernel.scheduler.setNice(target.sched, nice);
  return 0;
}

/** There is one CPU: a mask without it is refused. */
export function sysSchedSetaffinity(c: LinuxContext, lwp: Lwp): long {
  const size = uint1(lwp);
  const n: i32 = size > 8 ? 8 : i32(size);
  putLong(c.buf, 0, 0);
  const error = lwp.proc.vm.copyin(arg2(lwp), c.buf, 0, n);
  if (error !== 0) return error;
  const target = findLwp(c.kernel, lwp, int0(lwp));
  if (target === null) return -Errno.SRCH;
  if (!mayChange(lwp, target.proc)) return -Errno.PERM;
  return (getU32(c.buf, 0) & 1) !== 0 ? 0 : -Errno.INVAL;
}

/** Bytes written: 8. */
export function sysSchedGetaffinity(c: LinuxContext, lwp: Lwp): long {
  const size = uint1(lwp);
  if (size < 8 || (size & 7) !== 0) return -Errno.INVAL;
  if (findLwp(c.kernel, lwp, int0(lwp)) === null) return -Errno.SRCH;
  putLong(c.buf, 0, 1);
  const error = lwp.proc.vm.copyout(c.buf, 0, arg2(lwp), 8);
  return error !== 0 ? error : 8;
}
