/**
 * The system calls on signals, with decoded arguments.
 *
 * Neighbours: `signal.ts`. Invariant: nothing is changed when an error is returned.
 * Source: kill(2), tgkill(2), sigaction(2), sigprocmask(2), sigsuspend(2), sigtimedwait(2), sigaltstack(2), sigqueue(3).
 */
import { EASYNC, Errno, type i32, type long, u32 } from "@anax/portable";
import type { Lwp } from "./lwp";
import type { Proc } from "./proc";
import type { SigAction } from "./sigacts";
import {
  MINSIGSTKSZ,
  NSIG,
  SA_ONSTACK,
  SIGCONT,
  SIGKILL,
  SIGSTOP,
  SIGS_UNBLOCKABLE_LO,
  SIG_BLOCK,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SI_TKILL,
  SI_USER,
  SS_AUTODISARM,
  SS_DISABLE,
  SS_ONSTACK,
} from "./sigdefs";
import type { SigInfo, SigSet } from "./sigqueue";
import {
  discardIgnored,
  lwpSignalInfo,
  procSignalInfo,
  setSigMask,
  setTempSigMask,
  takeSignal,
  userInfo,
} from "./signal";

/** Whether `sender` may signal `target`: same real or effective user as the real or saved one, root, SIGCONT in the session. */
export function maySignal(sender: Proc, target: Proc, sig: i32): boolean {
  const c = sender.cred;
  const t = target.cred;
  if (c.euid === 0 || c.euid === t.uid || c.euid === t.suid || c.uid === t.uid || c.uid === t.suid) return true;
  const sg = sender.group;
  const tg = target.group;
  return sig === SIGCONT && sg !== null && tg !== null && sg.session === tg.session;
}

/** Sends to one process; 0 (`sig` 0 only checks), -PERM, -AGAIN (the queue is full). */
function killOne(l: Lwp, target: Proc, sig: i32): i32 {
  if (!maySignal(l.proc, target, sig)) return -Errno.PERM;
  if (sig === 0 || target.zombie) return 0;
  return procSignalInfo(target, userInfo(l, sig)) ? 0 : -Errno.AGAIN;
}

/** kill(2): -INVAL, -SRCH, -PERM (nobody in a group could be signalled), -AGAIN. */
export function kernKill(l: Lwp, pid: i32, sig: i32): i32 {
  if (sig < 0 || sig > NSIG) return -Errno.INVAL;
  const k = l.kernel;
  if (pid > 0) {
    let target = k.pids.proc(pid);
    if (target === null) {
      // The id of a thread means its process.
      const t = k.pids.lwp(pid);
      if (t === null) return -Errno.SRCH;
      target = t.proc;
    }
    return killOne(l, target, sig);
  }
  let found = false;
  let denied: i32 = 0;
  let sent = false;
  if (pid === -1) {
    let p = k.pids.nextProc(2);
    while (p !== null) {
      const pidOf = p.pid;
      if (p !== l.proc) {
        found = true;
        const r = killOne(l, p, sig);
        if (r === 0) sent = true;
        else denied = r;
      }
      p = k.pids.nextProc((pidOf + 1) | 0);
    }
  } else {
    // The lowest number has no positive counterpart.
    if (pid === -0x80000000) return -Errno.SRCH;
    const group = pid === 0 ? l.proc.group : k.pids.group(-pid | 0);
    let p: Proc | null = null;
    if (group !== null) p = group.members;
    while (p !== null) {
      const next: Proc | null = p.groupNext;
      found = true;
      const r = killOne(l, p, sig);
      if (r === 0) sent = true;
      else denied = r;
      p = next;
    }
  }
  if (!found) return -Errno.SRCH;
  return sent ? 0 : denied;
}

/** tgkill(2), and tkill(2) with tgid -1: -INVAL, -SRCH, -PERM, -AGAIN. */
export function kernTgkill(l: Lwp, tgid: i32, tid: i32, sig: i32): i32 {
  if (sig < 0 || sig > NSIG || tid <= 0 || (tgid <= 0 && tgid !== -1)) return -Errno.INVAL;
  const target = l.kernel.pids.lwp(tid);
  if (target === null || (tgid !== -1 && target.proc.pid !== tgid)) return -Errno.SRCH;
  if (!maySignal(l.proc, target.proc, sig)) return -Errno.PERM;
  if (sig === 0) return 0;
  return lwpSignalInfo(target, userInfo(l, sig, SI_TKILL)) ? 0 : -Errno.AGAIN;
}

/** rt_sigqueueinfo(2); with `tid` above 0 rt_tgsigqueueinfo(2). Programs may not pose as the kernel: -PERM. */
export function kernSigqueue(l: Lwp, pid: i32, tid: i32, info: SigInfo): i32 {
  const sig = info.signo;
  if (sig < 0 || sig > NSIG) return -Errno.INVAL;
  const k = l.kernel;
  let target = k.pids.proc(pid);
  if (target === null) {
    // The id of a thread means its process.
    const t = k.pids.lwp(pid);
    if (t !== null && tid <= 0) target = t.proc;
  }
  if (target === null || target.zombie) return -Errno.SRCH;
  if ((info.code >= SI_USER || info.code === SI_TKILL) && target !== l.proc) return -Errno.PERM;
  if (!maySignal(l.proc, target, sig)) return -Errno.PERM;
  if (tid > 0) {
    const t = k.pids.lwp(tid);
    if (t === null || t.proc !== target) return -Errno.SRCH;
    if (sig === 0) return 0;
    return lwpSignalInfo(t, info) ? 0 : -Errno.AGAIN;
  }
  if (sig === 0) return 0;
  return procSignalInfo(target, info) ? 0 : -Errno.AGAIN;
}

/** sigaction(2): `act` null only reads, `old` null only sets. -INVAL. */
export function kernSigaction(l: Lwp, sig: i32, act: SigAction | null, old: SigAction | null): i32 {
  if (sig < 1 || sig > NSIG) return -Errno.INVAL;
  if (act !== null && (sig === SIGKILL || sig === SIGSTOP)) return -Errno.INVAL;
  const hand = l.proc.sighand!;
  if (old !== null) hand.acts.get(sig, old);
  if (act === null) return 0;
  hand.own().set(sig, act.handler, act.flags, act.restorer, u32(act.maskLo & ~SIGS_UNBLOCKABLE_LO), act.maskHi);
  discardIgnored(l.proc, sig);
  return 0;
}

/** sigprocmask(2): changes the caller's mask by the set of the two halves. -INVAL. The old mask is read before. */
export function kernSigprocmask(l: Lwp, how: i32, lo: u32, hi: u32): i32 {
  if (how === SIG_BLOCK) setSigMask(l, u32(l.maskLo | lo), u32(l.maskHi | hi));
  else if (how === SIG_UNBLOCK) setSigMask(l, u32(l.maskLo & ~lo), u32(l.maskHi & ~hi));
  else if (how === SIG_SETMASK) setSigMask(l, lo, hi);
  else return -Errno.INVAL;
  return 0;
}

/** sigpending(2): what is pending and blocked. */
export function kernSigpending(l: Lwp, set: SigSet): void {
  set.lo = u32((l.pending.lo | l.proc.pending.lo) & l.maskLo);
  set.hi = u32((l.pending.hi | l.proc.pending.hi) & l.maskHi);
}

/** sigsuspend(2): sleeps with the mask until a handler runs. -INTR, or EASYNC. */
export function kernSigsuspend(l: Lwp, lo: u32, hi: u32): i32 {
  setTempSigMask(l, lo, hi);
  return l.interrupted ? -Errno.INTR : EASYNC;
}

/** pause(2). */
export function kernPause(l: Lwp): i32 {
  return l.interrupted ? -Errno.INTR : EASYNC;
}

/**
 * sigtimedwait(2): takes a signal of the set into `lwp.kernel.info`. `timeout` in ns, -1 for none. The signal, -AGAIN (time is
 * over), -INTR, EASYNC.
 */
export function kernSigtimedwait(l: Lwp, lo: u32, hi: u32, timeout: long): i32 {
  const k = l.kernel;
  const setLo: u32 = u32(lo & ~SIGS_UNBLOCKABLE_LO);
  l.waitLo = 0;
  l.waitHi = 0;
  const si = takeSignal(l, setLo, hi);
  if (si !== null) {
    k.info.copyFrom(si);
    k.siginfos.give(si);
    return k.info.signo;
  }
  if (l.interrupted) return -Errno.INTR;
  if (timeout === 0 || l.isLate) return -Errno.AGAIN;
  if (timeout > 0 && l.opDeadline < 0) l.limit(k.now() + timeout);
  l.waitLo = setLo;
  l.waitHi = hi;
  return EASYNC;
}

/** Whether `sp` lies on the alternate stack. */
export function isOnAltStack(l: Lwp, sp: long): boolean {
  return (l.altFlags & SS_DISABLE) === 0 && sp > l.altSp && sp <= l.altSp + l.altSize;
}

/** Where the frame of a handler begins (grows down): the alternate stack's top if the action asks for it, else `sp`. */
export function signalStackTop(l: Lwp, action: SigAction, sp: long): long {
  if ((action.flags & SA_ONSTACK) === 0 || (l.altFlags & SS_DISABLE) !== 0 || l.altSize === 0) return sp;
  return isOnAltStack(l, sp) ? sp : l.altSp + l.altSize;
}

/** What sigaltstack shows as ss_flags while the stack pointer is `sp`. */
export function altStackFlags(l: Lwp, sp: long): i32 {
  if (l.altSize === 0 || (l.altFlags & SS_DISABLE) !== 0) return SS_DISABLE;
  return isOnAltStack(l, sp) ? l.altFlags | SS_ONSTACK : l.altFlags;
}

/** sigaltstack(2), the setting half; `sp` is the current stack pointer. -PERM (in use), -INVAL (flags), -NOMEM (too small). */
export function kernSigaltstack(l: Lwp, base: long, size: long, flags: i32, sp: long): i32 {
  if (isOnAltStack(l, sp) && (l.altFlags & (SS_AUTODISARM | 0)) === 0) return -Errno.PERM;
  const mode: i32 = flags & ~(SS_AUTODISARM | 0);
  if (mode !== 0 && mode !== SS_ONSTACK && mode !== SS_DISABLE) return -Errno.INVAL;
  if (mode === SS_DISABLE) {
    l.altSp = 0;
    l.altSize = 0;
    l.altFlags = SS_DISABLE;
    return 0;
  }
  if (size < MINSIGSTKSZ) return -Errno.NOMEM;
  l.altSp = base;
  l.altSize = size;
  l.altFlags = flags & ~SS_ONSTACK;
  return 0;
}
