/**
 * Signals: sending, and what happens to an LWP before it returns to its program.
 *
 * Neighbours: `sigqueue.ts` (what is pending), `sigacts.ts` (actions), `sigcalls.ts` (the system calls), `exit.ts`, `loop.ts`
 * (calls `nextSignal` and `deliverSignal`), the ABI's `sendSignal`.
 * A signal sent to a sleeping LWP ends its sleep; the loop then looks: a default action is carried out without touching the
 * call in progress (a stopped LWP goes on with it later), a handler makes the call finish first.
 * Invariant: SIGKILL and SIGSTOP are in no mask and have no handler; an LWP with a deliverable signal has `ast` set.
 * Source: POSIX 2.4, signal(7), sigaction(2).
 */
import { kassert, type i32, type long, u32 } from "@anax/portable";
import { exitProc } from "./exit";
import { ATT_AST, ATT_RESCHED, type Kernel } from "./kernel";
import { LS_RUN, type Lwp } from "./lwp";
import { RLIMIT_CORE, RLIMIT_SIGPENDING } from "./limits";
import type { Proc } from "./proc";
import { isOrphaned, type ProcGroup } from "./session";
import {
  ACT_CONT,
  ACT_CORE,
  ACT_IGN,
  ACT_STOP,
  CLD_CONTINUED,
  CLD_STOPPED,
  NSIG,
  SA_NOCLDSTOP,
  SA_NODEFER,
  SA_RESETHAND,
  SA_RESTART,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGPIPE,
  SIGRTMIN,
  SIGSEGV,
  SIGSTOP,
  SIGS_STOP_LO,
  SIGS_UNBLOCKABLE_LO,
  SIG_DFL,
  SIG_IGN,
  SI_KERNEL,
  SI_USER,
  defaultAction,
  sigBitHi,
  sigBitLo,
} from "./sigdefs";
import { sigInSet, type SigInfo, type SigQueue } from "./sigqueue";

/** The core-dumped bit of a wait status: for programs whose RLIMIT_CORE asks for a core, which by default it does not. */
const WCOREFLAG: i32 = 0x80;

// ---- sending

/** Whether the process does nothing about the signal: its handler is SIG_IGN, or SIG_DFL and that ignores it. */
export function isIgnored(p: Proc, sig: i32): boolean {
  const hand = p.sighand;
  if (hand === null) return true;
  const h = hand.acts.handler.get(sig);
  if (h === SIG_IGN) return true;
  if (h !== SIG_DFL) return false;
  const act = defaultAction(sig);
  return act === ACT_IGN || act === ACT_CONT;
}

/** Whether the signal would have no effect: blocked by the LWP, or ignored by its process (tty background checks). */
export function isIgnoredOrBlocked(l: Lwp, sig: i32): boolean {
  return sigInSet(l.maskLo, l.maskHi, sig) || isIgnored(l.proc, sig);
}

/** Whether an LWP would take the signal now, or waits for it in sigtimedwait. */
function wants(l: Lwp, sig: i32): boolean {
  return !sigInSet(l.maskLo, l.maskHi, sig) || sigInSet(l.waitLo, l.waitHi, sig);
}

/** Whether a signal for the process (or for `l` alone) is thrown away: ignored, not blocked, and nobody waits for it. */
function isDropped(p: Proc, l: Lwp | null, sig: i32): boolean {
  if (!isIgnored(p, sig) && (p.pid !== 1 || !isHarmlessToInit(p, sig))) return false;
  let t = p.lwps;
  if (l !== null) t = l;
  while (t !== null) {
    if (sigInSet(t.maskLo, t.maskHi, sig) || sigInSet(t.waitLo, t.waitHi, sig)) return false;
    if (l !== null) break;
    t = t.next;
  }
  return true;
}

/** Process 1 takes no signal that it has no handler for. */
function isHarmlessToInit(p: Proc, sig: i32): boolean {
  const hand = p.sighand;
  return hand === null || hand.acts.handler.get(sig) === SIG_DFL;
}

/** Sends a signal of the kernel to a process. */
export function procSignal(p: Proc, sig: i32, code: i32 = 0x80): void {
  send(p, null, p.kernel.info.reset(sig, code));
}

/** Sends a signal with its information to a process. The SigInfo stays the caller's. False when it could not be queued. */
export function procSignalInfo(p: Proc, info: SigInfo): boolean {
  return send(p, null, info);
}

/** Sends a signal of the kernel to one LWP (SIGPIPE, SIGXFSZ). */
export function lwpSignal(l: Lwp, sig: i32): void {
  send(l.proc, l, l.kernel.info.reset(sig, SI_KERNEL));
}

/** Sends a signal with its information to one LWP. */
export function lwpSignalInfo(l: Lwp, info: SigInfo): boolean {
  return send(l.proc, l, info);
}

/** SIGPIPE for a write that nobody can read; the writer returns -EPIPE. */
export function pipeSignal(l: Lwp): void {
  lwpSignal(l, SIGPIPE);
}

/** Sends a signal of the kernel to every process of a group (tty, orphaned groups). */
export function groupSignal(kernel: Kernel, group: ProcGroup, sig: i32): void {
  let p = group.members;
  while (p !== null) {
    const next = p.groupNext;
    if (!p.zombie) send(p, null, kernel.info.reset(sig, SI_KERNEL));
    p = next;
  }
}

/** Queues the signal, with what stop and continue signals do at once, and has an LWP look at it. */
function send(p: Proc, target: Lwp | null, info: SigInfo): boolean {
  const sig = info.signo;
  kassert(sig >= 1 && sig <= NSIG, "signal: number out of range");
  if (p.zombie || p.exiting) return true;
  const goesOn = sig === SIGCONT || sig === SIGKILL;
  if (goesOn) discardAll(p, SIGS_STOP_LO, 0);
  else if ((sigBitLo(sig) & SIGS_STOP_LO) !== 0) discardAll(p, sigBitLo(SIGCONT), 0);
  const dropped = isDropped(p, target, sig);
  let queued = true;
  if (!dropped) {
    const queue = target !== null ? target.pending : p.pending;
    const had = queue.has(sig);
    queued = queue.post(info, p.limits.get32(RLIMIT_SIGPENDING)) || (had && sig < SIGRTMIN);
  }
  // From here on `info` may have been used for the parent.
  if (goesOn && p.stopped) continueProc(p, sig === SIGCONT);
  if (dropped || !queued) return queued;
  if (!p.signalQueue.isEmpty) p.signalQueue.wakeup();
  notify(p, target, sig);
  return true;
}

/** Has an LWP that wants the signal look at it. */
function notify(p: Proc, target: Lwp | null, sig: i32): void {
  if (sig === SIGKILL) {
    let t = p.lwps;
    while (t !== null) {
      const next = t.next;
      p.kernel.setAst(t);
      t = next;
    }
    return;
  }
  let l = target;
  if (l === null) {
    // The current LWP first: it needs no wake-up.
    const cur = p.kernel.current;
    if (cur !== null && cur.proc === p && wants(cur, sig)) l = cur;
    else {
      l = p.lwps;
      while (l !== null && !wants(l, sig)) l = l.next;
    }
  } else if (!wants(l, sig)) l = null;
  if (l === null) return;
  if (l.uninterruptible) l.ast = true;
  else p.kernel.setAst(l);
}

function discardAll(p: Proc, lo: u32, hi: u32): void {
  p.pending.discard(lo, hi);
  let l = p.lwps;
  while (l !== null) {
    l.pending.discard(lo, hi);
    l = l.next;
  }
}

/** Drops what is pending of signals that are now ignored (sigaction). */
export function discardIgnored(p: Proc, sig: i32): void {
  if (isIgnored(p, sig)) discardAll(p, sigBitLo(sig), sigBitHi(sig));
}

/**
 * A fault of the program itself. It cannot be ignored or blocked: then the default action ends the process. `addr` is
 * si_addr.
 */
export function trapSignal(l: Lwp, sig: i32, code: i32, addr: long): void {
  const info = l.kernel.info.reset(sig, code);
  info.addr = addr;
  forceSignal(l, info);
}

/** Sends a signal that will be taken: if it is blocked or ignored, its action becomes the default one. */
export function forceSignal(l: Lwp, info: SigInfo): void {
  const p = l.proc;
  const sig = info.signo;
  const hand = p.sighand;
  if (hand === null) return;
  const blocked = sigInSet(l.maskLo, l.maskHi, sig);
  if (blocked || hand.acts.handler.get(sig) === SIG_IGN) {
    hand.own().set(sig, SIG_DFL, 0, 0, 0, 0);
    l.maskLo = u32(l.maskLo & ~sigBitLo(sig));
    l.maskHi = u32(l.maskHi & ~sigBitHi(sig));
  }
  l.forced = sig;
  l.pending.post(info, 0x7fffffff);
  l.kernel.setAst(l);
}

// ---- masks

/** Sets the mask of an LWP; SIGKILL and SIGSTOP are taken out. */
export function setSigMask(l: Lwp, lo: u32, hi: u32): void {
  l.maskLo = u32(lo & ~SIGS_UNBLOCKABLE_LO);
  l.maskHi = hi;
  recheckSignals(l);
}

/** Has the LWP look at its signals if one is deliverable. */
export function recheckSignals(l: Lwp): void {
  if (l.pending.first(l.maskLo, l.maskHi) !== 0 || l.proc.pending.first(l.maskLo, l.maskHi) !== 0) l.kernel.setAst(l);
}

/**
 * For ppoll, pselect, sigsuspend, epoll_pwait: the mask holds until the call ends; a handler that runs then returns to
 * the mask of before. Does nothing when the call is run again.
 */
export function setTempSigMask(l: Lwp, lo: u32, hi: u32): void {
  if (l.inCall || l.maskSaved) return;
  l.savedMaskLo = l.maskLo;
  l.savedMaskHi = l.maskHi;
  l.maskSaved = true;
  l.maskLo = u32(lo & ~SIGS_UNBLOCKABLE_LO);
  l.maskHi = hi;
  l.ast = true;
}

/** The call with a temporary mask has ended and no handler took the old one into its frame. */
export function restoreSigMask(l: Lwp): void {
  if (!l.maskSaved) return;
  l.maskSaved = false;
  l.maskLo = l.savedMaskLo;
  l.maskHi = l.savedMaskHi;
}

// ---- taking

/** The queue that has the next deliverable signal of the LWP: its own first. Null for none. */
function queueWithNext(l: Lwp, lo: u32, hi: u32): SigQueue | null {
  if (l.pending.first(lo, hi) !== 0) return l.pending;
  if (l.proc.pending.first(lo, hi) !== 0) return l.proc.pending;
  return null;
}

/**
 * Carries out default actions until there is a signal with a handler, which stays queued: its number, or 0 when there is none. On
 * return the LWP may be dead (`state`) or its process stopped.
 */
export function nextSignal(l: Lwp): i32 {
  const p = l.proc;
  // Waiting signals do not reach a program that is stopped, except what `send` did at once.
  while (l.state === LS_RUN && !p.stopped) {
    if (p.pending.has(SIGKILL) || l.pending.has(SIGKILL)) {
      exitProc(p, SIGKILL);
      return 0;
    }
    // What sigtimedwait waits for is its to take.
    const lo: u32 = u32(l.maskLo | l.waitLo);
    const hi: u32 = u32(l.maskHi | l.waitHi);
    const queue = queueWithNext(l, lo, hi);
    if (queue === null) return 0;
    const sig = queue.first(lo, hi);
    const handler = p.sighand!.acts.handler.get(sig);
    if (handler !== SIG_DFL && handler !== SIG_IGN) return sig;
    const si = queue.take(sig);
    if (si !== null) l.kernel.siginfos.give(si);
    if (handler === SIG_IGN) continue;
    const forced = l.forced === sig;
    l.forced = 0;
    defaultSignal(l, sig, forced);
  }
  return 0;
}

function defaultSignal(l: Lwp, sig: i32, forced: boolean): void {
  const p = l.proc;
  const act = defaultAction(sig);
  if (act === ACT_IGN || act === ACT_CONT) return;
  if (p.pid === 1 && !forced) return;
  if (act === ACT_STOP) {
    const group = p.group;
    if (sig !== SIGSTOP && (group === null || isOrphaned(group, null))) return;
    stopProc(p, sig);
    return;
  }
  exitProc(p, act === ACT_CORE && p.limits.soft.get(RLIMIT_CORE) > 0 ? sig | WCOREFLAG : sig);
}

/**
 * Builds the frame of the handler for `sig`, which `nextSignal` gave. `interrupted`: a call ended with -EINTR because
 * of it and is restarted if action and ABI say so.
 */
export function deliverSignal(l: Lwp, sig: i32, interrupted: boolean): void {
  const p = l.proc;
  const k = l.kernel;
  const queue = l.pending.has(sig) ? l.pending : p.pending;
  const si = queue.take(sig);
  if (si === null) return;
  const action = k.action;
  const hand = p.sighand!;
  hand.acts.get(sig, action);
  const abi = p.abi!;
  l.forced = 0;
  if (interrupted && (action.flags & SA_RESTART) !== 0 && abi.isRestartable(l)) abi.restartCall(l);
  if (l.maskSaved) {
    l.frameMaskLo = l.savedMaskLo;
    l.frameMaskHi = l.savedMaskHi;
  } else {
    l.frameMaskLo = l.maskLo;
    l.frameMaskHi = l.maskHi;
  }
  if ((action.flags & SA_RESETHAND) !== 0) hand.own().reset(sig);
  const r = abi.sendSignal(l, sig, si, action);
  k.siginfos.give(si);
  if (r < 0) {
    // No stack for the frame: SIGSEGV, and if that was the signal, without a handler.
    if (sig === SIGSEGV) hand.own().set(sig, SIG_DFL, 0, 0, 0, 0);
    restoreSigMask(l);
    trapSignal(l, SIGSEGV, SI_KERNEL, 0);
    return;
  }
  l.maskSaved = false;
  l.maskLo = u32((l.maskLo | action.maskLo) & ~SIGS_UNBLOCKABLE_LO);
  l.maskHi = (l.maskHi | action.maskHi) >>> 0;
  if ((action.flags & SA_NODEFER) === 0) {
    l.maskLo = (l.maskLo | sigBitLo(sig)) >>> 0;
    l.maskHi = (l.maskHi | sigBitHi(sig)) >>> 0;
  }
}

/** Takes the first pending signal of a set, whatever the mask (sigtimedwait, signalfd). The caller gives it back to `siginfos`. */
export function takeSignal(l: Lwp, lo: u32, hi: u32): SigInfo | null {
  let sig = l.pending.first(u32(~lo), u32(~hi));
  if (sig !== 0) return l.pending.take(sig);
  sig = l.proc.pending.first(u32(~lo), u32(~hi));
  return sig !== 0 ? l.proc.pending.take(sig) : null;
}

/** Whether a signal of a set is pending (poll on a signalfd). */
export function hasSignal(l: Lwp, lo: u32, hi: u32): boolean {
  return l.pending.first(u32(~lo), u32(~hi)) !== 0 || l.proc.pending.first(u32(~lo), u32(~hi)) !== 0;
}

// ---- stop and continue

/** Stops all LWPs of a process; its parent hears of it. */
export function stopProc(p: Proc, sig: i32): void {
  const k = p.kernel;
  p.stopped = true;
  p.stopSignal = sig;
  p.stopReported = false;
  p.contReported = true;
  let l = p.lwps;
  while (l !== null) {
    k.scheduler.unsetRunnable(l.sched);
    l = l.next;
  }
  const cur = k.current;
  if (cur !== null && cur.proc === p) k.attention |= ATT_AST;
  tellParent(p, CLD_STOPPED, sig);
}

/** A stopped process goes on. `report`: its parent hears of it (not for SIGKILL). */
export function continueProc(p: Proc, report: boolean): void {
  const k = p.kernel;
  p.stopped = false;
  p.stopReported = true;
  let l = p.lwps;
  while (l !== null) {
    if (l.state === LS_RUN && l !== k.current) k.scheduler.setRunnable(l.sched, k.loopTime);
    l = l.next;
  }
  k.attention |= ATT_RESCHED;
  if (!report) return;
  p.contReported = false;
  tellParent(p, CLD_CONTINUED, SIGCONT);
}

/** SIGCHLD for a stop or continue, unless the parent does not want to know. */
function tellParent(p: Proc, code: i32, sig: i32): void {
  const parent = p.parent;
  if (parent === null || parent.zombie) return;
  const hand = parent.sighand;
  if (hand !== null && (hand.acts.flags[SIGCHLD] & SA_NOCLDSTOP) === 0) {
    const info = p.kernel.childInfo.reset(SIGCHLD, code);
    info.pid = p.pid;
    info.uid = p.cred.uid | 0;
    info.status = sig;
    info.utime = p.utime;
    info.stime = p.stime;
    procSignalInfo(parent, info);
  }
  parent.waitQueue.wakeup();
}

/** SI_USER information of a signal that `sender` sends. */
export function userInfo(sender: Lwp, sig: i32, code: i32 = SI_USER): SigInfo {
  const info = sender.kernel.info.reset(sig, code);
  info.pid = sender.proc.pid;
  info.uid = sender.proc.cred.uid | 0;
  return info;
}
