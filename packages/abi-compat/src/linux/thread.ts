/**
 * System calls on one thread: its id, what the kernel does for it at its end, futexes.
 *
 * Neighbours: kern's `futex.ts`, `Lwp`. Invariant: addresses that a program leaves with the kernel are used only by copies that can fail.
 * Source: set_tid_address(2), get_robust_list(2), futex(2), rseq(2).
 */
import { Errno, toLong, type long } from "@anax/portable";
import type { Lwp } from "@anax/kern";
import { arg0, arg1, arg2, int0 } from "./args";
import type { LinuxContext } from "./context";
import { RobustListL } from "./layout";

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
    if (mine.euid !== 0 && (mine.euid !== its.euid || mine.euid !== its.suid || mine.euid !== its.uid)) return -Errno.PERM;
  }
  const space = lwp.proc.vm;
  const error = space.putLong(arg2(lwp), toLong(RobustListL.SIZE));
  return error !== 0 ? error : space.putLong(arg1(lwp), target.robustHead);
}
