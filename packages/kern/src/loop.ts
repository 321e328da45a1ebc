/**
 * The event loop of a kernel.
 *
 * `kernelLoop` is the top: interrupts, callouts, LWKT threads, garbage, then an LWP. `runLwp` alternates between user mode
 * and system calls of that LWP as long as nothing else is to be done, so that a call that finishes at once goes straight back.
 * Neighbours: `kernel.ts`, `signal.ts` (what an AST does), `accounting.ts`, `oom.ts`, the ABI's `putPort`.
 * Invariant: garbage is collected only where no handler's frame is live; the current LWP is on no queue of the scheduler.
 * Source: DragonFly sys/platform/pc64/x86_64/trap.c (userenter, userexit), ARCHITECTURE.md "Run to completion".
 */
import { IRQ_TIMER, TRAP_INTERRUPT, TRAP_PAGEFAULT, TRAP_SYSCALL } from "@anax/machine";
import { EASYNC, Errno, type i32, type long, u32 } from "@anax/portable";
import { beginMsg, MSGF_DONE, MSGF_REPLY } from "@anax/lwkt";
import { SAMPLE_CALLS, chargeAt, cpuTimeLeft } from "./accounting";
import { ATT_AST, ATT_RESCHED, ATT_TIMER, type Kernel } from "./kernel";
import { LS_DEAD, LS_RUN, LS_SLEEP, type Lwp, type LwpSched } from "./lwp";
import { makeRoom } from "./oom";
import { deliverSignal, nextSignal, recheckSignals, restoreSigMask } from "./signal";
import { exceptionSignal, faultSignal } from "./trap";

/** Messages that LWKT threads handle before an LWP gets its turn again. */
const THREAD_BUDGET: i32 = 64;
/** System calls and faults of one LWP before the loop looks at everything else. */
const CALL_BUDGET: i32 = 64;

/** Runs the kernel until it is halted. Returns the code that `Kernel#halt` was given. */
export function kernelLoop(k: Kernel): i32 {
  k.load.start();
  while (k.haltCode < 0) {
    takeInterrupts(k);
    const now = k.machine.nanotime();
    chargeAt(k, now);
    if (k.wheel.armedCount > 0) k.wheel.run(now);
    if (k.cpu.runnable > 0) k.cpu.runThreads(THREAD_BUDGET);
    collectGarbage(k);
    if (k.haltCode >= 0) break;
    const l = chooseLwp(k);
    if (l === null) idle(k);
    else {
      k.attention = 0;
      setTimer(k, l, now);
      runLwp(k, l);
    }
  }
  return k.haltCode;
}

/** Hands pending interrupts to their handlers. */
export function takeInterrupts(k: Kernel): void {
  const m = k.machine;
  let irq = m.takeIrq();
  while (irq >= 0) {
    k.interrupts = (k.interrupts + 1) | 0;
    if (irq === IRQ_TIMER) k.timerDeadline = -1;
    else {
      const handler = irq < k.irqHandlers.length ? k.irqHandlers[irq] : null;
      if (handler !== null) handler.interrupt(irq);
    }
    irq = m.takeIrq();
  }
}

/** No frame but this one's is live here: the one place where garbage is collected. Also keeps the kernel's heap supplied. */
function collectGarbage(k: Kernel): void {
  const c = k.collector;
  if (c !== null && (k.collectNow || c.isDue())) {
    k.collectNow = false;
    k.collections = (k.collections + 1) | 0;
    c.collect();
  }
  k.vm.replenishHeap();
}

/** Who runs next: the current LWP, unless it should make room for another. Null when nobody can run. */
export function chooseLwp(k: Kernel): Lwp | null {
  const s = k.scheduler;
  const cur = k.current;
  if (cur !== null) {
    if (cur.state === LS_RUN && !cur.proc.stopped) {
      if (!s.needResched) return cur;
      cur.involuntarySwitches = (cur.involuntarySwitches + 1) | 0;
      s.setRunnable(cur.sched, k.loopTime);
    } else if (cur.state === LS_RUN) s.sleep(cur.sched, k.loopTime);
    k.current = null;
  }
  const e = s.choose();
  if (e === null) return null;
  const l = (e as LwpSched).lwp;
  switchTo(k, l);
  return l;
}

/** The CPU changes hands. */
function switchTo(k: Kernel, l: Lwp): void {
  k.current = l;
  k.switches = (k.switches + 1) | 0;
  k.vm.waiter = l;
  l.proc.space!.activate();
}

/** The FPU registers change hands, which is late: an LWP that comes back before another ran finds them as they were. */
function switchFpu(k: Kernel, l: Lwp): void {
  const owner = k.fpuOwner;
  if (owner !== null) k.machine.fpuSave(k.pages.pa(owner.fpuPage));
  k.machine.fpuRestore(k.pages.pa(l.fpuPage));
  k.fpuOwner = l;
}

/** Nothing to run: useful work, then wait for an interrupt. */
function idle(k: Kernel): void {
  k.attention = 0;
  const c = k.collector;
  if (c !== null && c.isWorthwhile()) {
    k.collections = (k.collections + 1) | 0;
    c.collect();
    return;
  }
  const more = k.vm.idleWork();
  const next = k.wheel.nextDeadline();
  programTimer(k, next);
  if (more || k.cpu.runnable > 0) return;
  k.machine.idle();
}

/** Sets the machine's timer for the next callout, or the end of what the LWP may use. */
function setTimer(k: Kernel, l: Lwp, now: long): void {
  let next = k.wheel.nextDeadline();
  const slice = k.scheduler.slice(l.sched);
  if (slice >= 0 && (next < 0 || now + slice < next)) next = now + slice;
  const left = cpuTimeLeft(l.proc);
  if (left >= 0 && (next < 0 || now + left < next)) next = now + left;
  programTimer(k, next);
}

/** A timer that is set earlier stays: it fires for nothing once, which is cheaper than setting it at each switch. */
function programTimer(k: Kernel, deadline: long): void {
  if (deadline < 0) return;
  if (k.timerDeadline >= 0 && k.timerDeadline <= deadline) return;
  k.timerDeadline = deadline;
  // 0 would switch it off.
  k.machine.setTimer(deadline > 0 ? deadline : 1);
}

/** Runs the LWP until it sleeps, stops, ends, is interrupted, or something else is to be done. */
function runLwp(k: Kernel, l: Lwp): void {
  const m = k.machine;
  let budget: i32 = CALL_BUDGET;
  if ((l.inCall || l.ast) && !readyForUser(k, l)) return;
  for (;;) {
    if (k.fpuOwner !== l) switchFpu(k, l);
    const trap = m.runUser(l.regs);
    if (trap === TRAP_SYSCALL) {
      const sample = (k.syscalls & (SAMPLE_CALLS - 1)) === 0;
      const start: long = sample ? m.nanotime() : 0;
      const goesOn = systemCall(k, l);
      if (!goesOn) return;
      if (sample) k.systemShare = k.systemShare + (m.nanotime() - start) * SAMPLE_CALLS;
    } else if (trap === TRAP_PAGEFAULT) {
      k.faults = (k.faults + 1) | 0;
      const sample = (k.faults & (SAMPLE_CALLS - 1)) === 0;
      const start: long = sample ? m.nanotime() : 0;
      if (!faultSignal(k, l)) return;
      if (sample) k.systemShare = k.systemShare + (m.nanotime() - start) * SAMPLE_CALLS;
    } else if (trap === TRAP_INTERRUPT) return;
    else exceptionSignal(k, l);

    if (l.ast && !readyForUser(k, l)) return;
    budget--;
    if (budget === 0) return;
    if ((k.attention | k.cpu.runnable) !== 0 && !settle(k, l)) return;
  }
}

/**
 * The system call that the registers of the current LWP ask for. True when it has its result and the LWP may go on; false when the LWP
 * is off the CPU.
 */
export function systemCall(k: Kernel, l: Lwp): boolean {
  const msg = l.sysmsg;
  k.syscalls = (k.syscalls + 1) | 0;
  l.opDone = 0;
  l.opDeadline = -1;
  l.opState = 0;
  if (beginMsg(l.proc.abi!, msg) === EASYNC) return !callSleeps(k, l) && readyForUser(k, l);
  if (msg.result === -Errno.NOMEM) {
    const collect = garbageFirst(k);
    if (collect || makeRoom(k, l)) {
      // Run again as if it had slept.
      msg.flags &= ~(MSGF_DONE | MSGF_REPLY);
      l.inCall = true;
      return !collect && readyForUser(k, l);
    }
  }
  if (l.opObj !== null) l.clearOp();
  return true;
}

/** A call found no memory, which may be because garbage was not collected for a while: true when the call is to wait for that. */
function garbageFirst(k: Kernel): boolean {
  const c = k.collector;
  if (c === null || !c.isWorthwhile()) return false;
  k.requestCollection();
  return true;
}

/** Something asked for attention: true when it needs nothing but the timer, and the LWP may go on. */
function settle(k: Kernel, l: Lwp): boolean {
  if (k.cpu.runnable !== 0 || (k.attention & ~(ATT_RESCHED | ATT_TIMER)) !== 0) return false;
  k.attention = 0;
  if (k.scheduler.needResched) return false;
  setTimer(k, l, k.machine.nanotime());
  return true;
}

/**
 * The call answered EASYNC: the LWP sleeps, unless it was woken or signalled meanwhile. True when the LWP is off the CPU.
 */
function callSleeps(k: Kernel, l: Lwp): boolean {
  if (l.state === LS_DEAD) return true;
  l.inCall = true;
  if (l.wakePending || l.ast) return false;
  sleep(k, l);
  return true;
}

function sleep(k: Kernel, l: Lwp): void {
  chargeAt(k, k.machine.nanotime());
  l.state = LS_SLEEP;
  l.voluntarySwitches = (l.voluntarySwitches + 1) | 0;
  k.scheduler.sleep(l.sched, k.loopTime);
  k.current = null;
}

/** The LWP waits for a page that a pager reads; the pager wakes it. The fault is taken again then. */
export function sleepForPage(k: Kernel, l: Lwp): void {
  if (l.wakePending) {
    l.wakePending = false;
    return;
  }
  sleep(k, l);
}

/**
 * All that lies between the LWP and its program: signals, the call in progress. True when it may go to user mode; false when it
 * sleeps, is stopped or has ended.
 */
export function readyForUser(k: Kernel, l: Lwp): boolean {
  const p = l.proc;
  const msg = l.sysmsg;
  let ready = false;
  while (!ready) {
    if (l.ast) {
      l.ast = false;
      k.attention &= ~ATT_AST;
      if (l.setTid !== 0) {
        p.vm.put32(l.setTid, u32(l.tid));
        l.setTid = 0;
      }
      // A temporary mask of a call that has ended otherwise than by a signal is over before signals are looked at.
      if (!l.inCall) restoreSigMask(l);
      const sig = nextSignal(l);
      if (l.state === LS_DEAD) return false;
      if (p.stopped) return park(l);
      if (l.inCall) {
        if (sig !== 0 && !l.uninterruptible) l.interrupted = true;
      } else {
        if (sig !== 0) {
          deliverSignal(l, sig, false);
          recheckSignals(l);
        }
        continue;
      }
    }
    if (!l.inCall) {
      ready = true;
      continue;
    }

    // The call is run again.
    l.wakePending = false;
    l.leaveAll();
    const r = p.abi!.putPort(msg);
    if (r === EASYNC) {
      if (l.state === LS_DEAD) return false;
      if (l.ast || l.wakePending) continue;
      sleep(k, l);
      return false;
    }
    if (msg.result === -Errno.NOMEM) {
      if (garbageFirst(k)) return false;
      if (makeRoom(k, l)) continue;
    }
    if (l.interrupted && msg.result === -Errno.INTR) {
      const sig = nextSignal(l);
      if (l.state === LS_DEAD) return false;
      l.interrupted = false;
      // No handler is to run: the call goes on as if nothing had been.
      if (p.stopped) return park(l);
      if (sig === 0) continue;
      endCall(k, l);
      deliverSignal(l, sig, true);
      recheckSignals(l);
      continue;
    }
    endCall(k, l);
  }
  return true;
}

/** The process is stopped: the LWP looks again when it is continued. */
function park(l: Lwp): boolean {
  l.ast = true;
  return false;
}

/** The call has its result. */
function endCall(k: Kernel, l: Lwp): void {
  l.sysmsg.flags |= MSGF_DONE | MSGF_REPLY;
  l.inCall = false;
  // The old mask comes back; and what came while it ran, or could not interrupt it, is still to be delivered.
  if (l.maskSaved) l.ast = true;
  recheckSignals(l);
  l.interrupted = false;
  l.uninterruptible = false;
  l.leaveAll();
  if (l.timer.armed) k.disarm(l.timer);
  l.clearOp();
}
