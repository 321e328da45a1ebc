/**
 * prctl: settings of a process or thread by number.
 *
 * Neighbours: `lwp.ts`, `proc.ts`. Invariant: an option that is not known is -INVAL.
 * Source: prctl(2).
 */
import { Errno, i32, longMin, toLong, u32, type long } from "@anax/portable";
import type { Lwp } from "./lwp";
import { NSIG } from "./sigdefs";

export const PR_SET_PDEATHSIG: i32 = 1;
export const PR_GET_PDEATHSIG: i32 = 2;
export const PR_GET_DUMPABLE: i32 = 3;
export const PR_SET_DUMPABLE: i32 = 4;
export const PR_GET_KEEPCAPS: i32 = 7;
export const PR_SET_KEEPCAPS: i32 = 8;
export const PR_SET_NAME: i32 = 15;
export const PR_GET_NAME: i32 = 16;
export const PR_GET_SECCOMP: i32 = 21;
export const PR_CAPBSET_READ: i32 = 23;
export const PR_GET_TSC: i32 = 25;
export const PR_SET_TSC: i32 = 26;
export const PR_GET_TIMERSLACK: i32 = 30;
export const PR_SET_TIMERSLACK: i32 = 29;
export const PR_SET_CHILD_SUBREAPER: i32 = 36;
export const PR_GET_CHILD_SUBREAPER: i32 = 37;
export const PR_SET_NO_NEW_PRIVS: i32 = 38;
export const PR_GET_NO_NEW_PRIVS: i32 = 39;
export const PR_GET_TID_ADDRESS: i32 = 40;

const NAME_MAX: i32 = 16;
const LAST_CAP: i32 = 40;
/** The time stamp counter can be read; there is no way to forbid it. */
const PR_TSC_ENABLE: i32 = 1;

/** prctl(2): 0 or the option's value; -INVAL, -FAULT. */
export function kernPrctl(l: Lwp, option: i32, arg2: long, arg3: long, arg4: long, arg5: long): i32 {
  const p = l.proc;
  const space = p.vm;
  switch (option) {
    case PR_SET_PDEATHSIG:
      if (arg2 < 0 || arg2 > NSIG) return -Errno.INVAL;
      p.parentDeathSignal = i32(arg2);
      return 0;
    case PR_GET_PDEATHSIG:
      return space.put32(arg2, u32(p.parentDeathSignal));
    case PR_GET_DUMPABLE:
      return p.dumpable;
    case PR_SET_DUMPABLE:
      if (arg2 !== 0 && arg2 !== 1) return -Errno.INVAL;
      p.dumpable = i32(arg2);
      return 0;
    case PR_GET_KEEPCAPS:
      return 0;
    case PR_SET_KEEPCAPS:
      return arg2 === 0 || arg2 === 1 ? 0 : -Errno.INVAL;
    case PR_SET_NAME:
      return setName(l, arg2);
    case PR_GET_NAME:
      return space.copyout(l.name, 0, arg2, NAME_MAX);
    case PR_GET_SECCOMP:
      return 0;
    case PR_CAPBSET_READ:
      return arg2 >= 0 && arg2 <= LAST_CAP ? 1 : -Errno.INVAL;
    case PR_GET_TIMERSLACK:
      return i32(l.timerSlack);
    case PR_SET_TIMERSLACK:
      l.timerSlack = arg2 <= 0 ? l.timerSlackDefault : longMin(arg2, 0x7fffffff);
      return 0;
    case PR_GET_TSC:
      return space.put32(arg2, u32(PR_TSC_ENABLE));
    case PR_SET_TSC:
      return arg2 === toLong(PR_TSC_ENABLE) ? 0 : -Errno.INVAL;
    case PR_SET_CHILD_SUBREAPER:
      p.subreaper = arg2 !== 0;
      return 0;
    case PR_GET_CHILD_SUBREAPER:
      return space.put32(arg2, p.subreaper ? 1 : 0);
    case PR_SET_NO_NEW_PRIVS:
      if (arg2 !== 1 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0) return -Errno.INVAL;
      p.noNewPrivs = true;
      return 0;
    case PR_GET_NO_NEW_PRIVS:
      return p.noNewPrivs ? 1 : 0;
    case PR_GET_TID_ADDRESS:
      return space.putLong(arg2, l.clearTid);
    default:
      return -Errno.INVAL;
  }
}

/** The thread's name: up to 15 bytes of a string of the program. */
function setName(l: Lwp, uaddr: long): i32 {
  const buf = l.kernel.fc.scratch;
  const n = l.proc.vm.copyinstr(uaddr, buf, 0, NAME_MAX);
  if (n < 0 && n !== -Errno.NAMETOOLONG) return n;
  const len: i32 = n < 0 ? NAME_MAX - 1 : n;
  for (let i: i32 = 0; i < NAME_MAX; i++) l.name[i] = i < len && i < NAME_MAX - 1 ? buf[i] : 0;
  return 0;
}
