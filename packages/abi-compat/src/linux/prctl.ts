/**
 * prctl, arch_prctl, personality: settings of a thread or a process.
 *
 * Neighbours: kern's `prctl.ts`. Invariant: an operation that is not known is EINVAL.
 * Source: prctl(2), arch_prctl(2), personality(2), Linux uapi linux/prctl.h.
 */
import { Errno, toLong, u32, type i32, type long } from "@anax/portable";
import { REG_FSBASE, REG_GSBASE, USER_END } from "@anax/machine";
import { kernPrctl, type Lwp } from "@anax/kern";
import { arg0, arg1, arg2, arg3, arg4, int0 } from "./args";
import type { LinuxContext } from "./context";

const ARCH_SET_GS: i32 = 0x1001;
const ARCH_SET_FS: i32 = 0x1002;
const ARCH_GET_FS: i32 = 0x1003;
const ARCH_GET_GS: i32 = 0x1004;
const ARCH_GET_CPUID: i32 = 0x1011;
const ARCH_SET_CPUID: i32 = 0x1012;

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
    case ARCH_GET_CPUID:
      return 1;
    case ARCH_SET_CPUID:
      // CPUID cannot be made to fault.
      return -Errno.NODEV;
    default:
      return -Errno.INVAL;
  }
}

export function sysPrctl(_c: LinuxContext, lwp: Lwp): long {
  return kernPrctl(lwp, int0(lwp), arg1(lwp), arg2(lwp), arg3(lwp), arg4(lwp));
}

/** personality(2): all ones only reads. */
export function sysPersonality(_c: LinuxContext, lwp: Lwp): long {
  const p = lwp.proc;
  const old = p.personality;
  const v = u32(arg0(lwp));
  if (v !== 0xffffffff) p.personality = v;
  return toLong(old);
}
