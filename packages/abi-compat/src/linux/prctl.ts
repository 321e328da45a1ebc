/**
 * prctl, arch_prctl, personality: settings of a thread or a process.
 *
 * Neighbours: kern's `Lwp` and `Proc`, whose fields these calls read and write. Invariant: an operation that is not known is EINVAL.
 * Source: prctl(2), arch_prctl(2), personality(2), Linux uapi linux/prctl.h.
 */
import { Errno, fillBytes, i32, toLong, u32, type long } from "@anax/portable";
import { REG_FSBASE, REG_GSBASE, USER_END } from "@anax/machine";
import { NSIG, setSubreaper, type Lwp } from "@anax/kern";
import { arg0, arg1, arg2, arg3, arg4, int0 } from "./args";
import type { LinuxContext } from "./context";

const ARCH_SET_GS: i32 = 0x1001;
const ARCH_SET_FS: i32 = 0x1002;
const ARCH_GET_FS: i32 = 0x1003;
const ARCH_GET_GS: i32 = 0x1004;

export function sysArchPrctl(_c: LinuxContext, lwp: Lwp): long {
  const addr: long = arg1(lwp);
  switch (int0(lwp)) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
      if (addr < 0 || addr >= USER_END) return -Errno.PERM;
      lwp.regs.set(int0(lwp) === ARCH_SET_FS ? REG_FSBASE : REG_GSBASE, addr);
      return 0;
    case ARCH_GET_FS:
      return lwp.proc.vm.putLong(addr, lwp.regs.get(REG_FSBASE));
    case ARCH_GET_GS:
      return lwp.proc.vm.putLong(addr, lwp.regs.get(REG_GSBASE));
    default:
      return -Errno.INVAL;
  }
}

const PR_SET_PDEATHSIG: i32 = 1;
const PR_GET_PDEATHSIG: i32 = 2;
const PR_GET_DUMPABLE: i32 = 3;
const PR_SET_DUMPABLE: i32 = 4;
const PR_GET_KEEPCAPS: i32 = 7;
const PR_SET_KEEPCAPS: i32 = 8;
const PR_GET_TIMING: i32 = 13;
const PR_SET_NAME: i32 = 15;
const PR_GET_NAME: i32 = 16;
const PR_GET_SECCOMP: i32 = 21;
const PR_CAPBSET_READ: i32 = 23;
const PR_GET_TIMERSLACK: i32 = 30;
const PR_SET_TIMERSLACK: i32 = 29;
const PR_SET_CHILD_SUBREAPER: i32 = 36;
const PR_GET_CHILD_SUBREAPER: i32 = 37;
const PR_SET_NO_NEW_PRIVS: i32 = 38;
const PR_GET_NO_NEW_PRIVS: i32 = 39;
const PR_GET_TID_ADDRESS: i32 = 40;
const PR_SET_THP_DISABLE: i32 = 41;
const PR_GET_THP_DISABLE: i32 = 42;

/** Bytes of a thread name, its NUL included. */
const NAME_SIZE: i32 = 16;
const CAP_LAST_CAP: i32 = 40;
/** Default timer slack, ns: timers here fire when they are due, so it is only told. */
const TIMER_SLACK: long = 50000;

export function sysPrctl(c: LinuxContext, lwp: Lwp): long {
  const p = lwp.proc;
  const v: long = arg1(lwp);
  const rest = arg2(lwp) !== toLong(0) || arg3(lwp) !== toLong(0) || arg4(lwp) !== toLong(0);
  switch (int0(lwp)) {
    case PR_SET_NAME:
      return setName(c, lwp, v);
    case PR_GET_NAME:
      return p.vm.copyout(lwp.name, 0, v, NAME_SIZE);
    case PR_SET_PDEATHSIG:
      if (v < 0 || v > NSIG) return -Errno.INVAL;
      p.parentDeathSignal = i32(v);
      return 0;
    case PR_GET_PDEATHSIG:
      return p.vm.put32(v, u32(p.parentDeathSignal));
    case PR_GET_DUMPABLE:
      return p.dumpable;
    case PR_SET_DUMPABLE:
      if (v !== toLong(0) && v !== toLong(1)) return -Errno.INVAL;
      p.dumpable = i32(v);
      return 0;
    case PR_GET_KEEPCAPS:
    case PR_GET_TIMING:
    case PR_GET_SECCOMP:
      return 0;
    case PR_SET_KEEPCAPS:
      return v === toLong(0) ? 0 : -Errno.INVAL;
    case PR_CAPBSET_READ:
      return v < 0 || v > CAP_LAST_CAP ? -Errno.INVAL : 1;
    case PR_GET_TIMERSLACK:
      return TIMER_SLACK;
    case PR_SET_TIMERSLACK:
      return 0;
    case PR_SET_CHILD_SUBREAPER:
      setSubreaper(p, v !== toLong(0));
      return 0;
    case PR_GET_CHILD_SUBREAPER:
      return p.vm.put32(v, p.subreaper ? 1 : 0);
    case PR_SET_NO_NEW_PRIVS:
      if (v !== toLong(1) || rest) return -Errno.INVAL;
      p.noNewPrivs = true;
      return 0;
    case PR_GET_NO_NEW_PRIVS:
      if (v !== toLong(0) || rest) return -Errno.INVAL;
      return p.noNewPrivs ? 1 : 0;
    case PR_GET_TID_ADDRESS:
      return p.vm.putLong(v, lwp.clearTid);
    case PR_SET_THP_DISABLE:
      return rest ? -Errno.INVAL : 0;
    case PR_GET_THP_DISABLE:
      return v !== toLong(0) || rest ? -Errno.INVAL : 0;
    default:
      return -Errno.INVAL;
  }
}

/** A name that is longer is cut; the bytes behind its end are zero. */
function setName(c: LinuxContext, lwp: Lwp, uname: long): i32 {
  const b = c.buf;
  fillBytes(b, 0, NAME_SIZE, 0);
  const n = lwp.proc.vm.copyinstr(uname, b, 0, NAME_SIZE);
  if (n < 0 && n !== -Errno.NAMETOOLONG) return n;
  const end: i32 = n < 0 ? (NAME_SIZE - 1) | 0 : n;
  for (let i: i32 = 0; i < NAME_SIZE; i++) lwp.name[i] = i < end ? b[i] : 0;
  return 0;
}

/** personality(2): all ones only reads. */
export function sysPersonality(_c: LinuxContext, lwp: Lwp): long {
  const p = lwp.proc;
  const old = p.personality;
  const v = u32(arg0(lwp));
  if (v !== 0xffffffff) p.personality = v;
  return toLong(old);
}
