/**
 * Resource limits and usage: getrlimit, setrlimit, prlimit64, getrusage, times.
 *
 * Neighbours: kern's `limits.ts`, `usage.ts`. Invariant: "no limit" is all ones for programs and RLIM_INFINITY inside.
 * Source: getrlimit(2), getrusage(2), times(2).
 */
import { Errno, getLong, i32, longDiv, putLong, toLong, type long } from "@anax/portable";
import {
  RLIM_INFINITY,
  RLIM_NLIMITS,
  checkLimitAccess,
  kernGetrusage,
  setrlimit,
  type Lwp,
  type Proc,
} from "@anax/kern";
import { arg0, arg1, arg2, arg3, int0, int1 } from "./args";
import type { LinuxContext } from "./context";
import { RlimitL, RusageL, TmsL } from "./layout";
import { encodeRusage } from "./process";

function fromUser(v: long): long {
  return v < 0 || v > RLIM_INFINITY ? RLIM_INFINITY : v;
}

function toUser(v: long): long {
  return v === RLIM_INFINITY ? toLong(-1) : v;
}

/** The target's limits, -FAULT, -PERM, -INVAL. An address of 0 leaves that half out. */
function prlimit(c: LinuxContext, lwp: Lwp, target: Proc, resource: i32, unew: long, uold: long): i32 {
  if (resource < 0 || resource >= RLIM_NLIMITS) return -Errno.INVAL;
  const b = c.buf;
  const space = lwp.proc.vm;
  let soft: long = 0;
  let hard: long = 0;
  if (unew !== toLong(0)) {
    const error = space.copyin(unew, b, 0, i32(RlimitL.SIZE));
    if (error !== 0) return error;
    soft = fromUser(getLong(b, RlimitL.cur));
    hard = fromUser(getLong(b, RlimitL.max));
  }
  const access = checkLimitAccess(lwp.proc, target);
  if (access !== 0) return access;
  const oldSoft: long = target.limits.soft.get(resource);
  const oldHard: long = target.limits.hard.get(resource);
  if (unew !== toLong(0)) {
    const error = setrlimit(target, resource, soft, hard, lwp.proc.cred.euid === 0);
    if (error !== 0) return error;
  }
  if (uold === toLong(0)) return 0;
  putLong(b, RlimitL.cur, toUser(oldSoft));
  putLong(b, RlimitL.max, toUser(oldHard));
  return space.copyout(b, 0, uold, i32(RlimitL.SIZE));
}

export function sysGetrlimit(c: LinuxContext, lwp: Lwp): long {
  if (int0(lwp) < 0 || int0(lwp) >= RLIM_NLIMITS) return -Errno.INVAL;
  if (arg1(lwp) === toLong(0)) return -Errno.FAULT;
  return prlimit(c, lwp, lwp.proc, int0(lwp), 0, arg1(lwp));
}

export function sysSetrlimit(c: LinuxContext, lwp: Lwp): long {
  if (arg1(lwp) === toLong(0)) return -Errno.FAULT;
  return prlimit(c, lwp, lwp.proc, int0(lwp), arg1(lwp), 0);
}

export function sysPrlimit64(c: LinuxContext, lwp: Lwp): long {
  const pid = int0(lwp);
  let target: Proc | null = lwp.proc;
  if (pid !== 0 && pid !== lwp.proc.pid) {
    target = c.kernel.pids.proc(pid);
    if (target === null || target.zombie) return -Errno.SRCH;
  }
  return prlimit(c, lwp, target, int1(lwp), arg2(lwp), arg3(lwp));
}

export function sysGetrusage(c: LinuxContext, lwp: Lwp): long {
  const error = kernGetrusage(lwp, int0(lwp), c.usage);
  if (error !== 0) return error;
  encodeRusage(c.usage, c.buf, 0);
  return lwp.proc.vm.copyout(c.buf, 0, arg1(lwp), i32(RusageL.SIZE));
}

/** ns of a clock tick. */
const NS_PER_TICK: long = 10000000;

export function sysTimes(c: LinuxContext, lwp: Lwp): long {
  const p = lwp.proc;
  const ubuf: long = arg0(lwp);
  if (ubuf !== toLong(0)) {
    const b = c.buf;
    putLong(b, TmsL.utime, longDiv(p.utime, NS_PER_TICK));
    putLong(b, TmsL.stime, longDiv(p.stime, NS_PER_TICK));
    putLong(b, TmsL.cutime, longDiv(p.childUsage.utime, NS_PER_TICK));
    putLong(b, TmsL.cstime, longDiv(p.childUsage.stime, NS_PER_TICK));
    const error = p.vm.copyout(b, 0, ubuf, i32(TmsL.SIZE));
    if (error !== 0) return error;
  }
  return longDiv(c.kernel.now(), NS_PER_TICK);
}
