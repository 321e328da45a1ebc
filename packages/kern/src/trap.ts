/**
 * Faults and exceptions of programs: resolved, or turned into signals.
 *
 * Neighbours: `loop.ts`, vm's `VmSpace#fault`, `oom.ts`. Invariant: whatever a program does, the outcome is a signal for it.
 * Source: Intel SDM volume 3, chapter 6 (vectors); sigaction(2) (si_code).
 */
import { REG_ERRCODE, REG_FAULTADDR, REG_RIP, REG_TRAPNO } from "@anax/machine";
import { EASYNC, Errno, i32, u32, type long } from "@anax/portable";
import type { Kernel } from "./kernel";
import { sleepForPage } from "./loop";
import { LS_RUN, type Lwp } from "./lwp";
import { makeRoom } from "./oom";
import {
  BUS_ADRALN,
  BUS_ADRERR,
  FPE_FLTINV,
  FPE_INTDIV,
  ILL_ILLOPN,
  SEGV_ACCERR,
  SEGV_MAPERR,
  SIGBUS,
  SIGFPE,
  SIGILL,
  SIGKILL,
  SIGSEGV,
  SIGTRAP,
  SI_KERNEL,
  TRAP_BRKPT,
  TRAP_TRACE,
} from "./sigdefs";
import { forceSignal, trapSignal } from "./signal";

/** Resolves a page fault or raises its signal. False when the LWP sleeps until a page is there. */
export function faultSignal(k: Kernel, l: Lwp): boolean {
  const addr = l.regs.get(REG_FAULTADDR);
  const p = l.proc;
  const r = p.vm.fault(addr, i32(l.regs.get(REG_ERRCODE)));
  if (r === 0) {
    p.usage.minorFaults = (p.usage.minorFaults + 1) | 0;
    return true;
  }
  if (r === EASYNC) {
    p.usage.majorFaults = (p.usage.majorFaults + 1) | 0;
    sleepForPage(k, l);
    return l.state === LS_RUN;
  }
  // The instruction is tried again when memory was made free; otherwise this process is the one that goes.
  if (r === -Errno.NOMEM) {
    if (!makeRoom(k, l) && !l.ast) forceSignal(l, k.info.reset(SIGKILL, SI_KERNEL));
  } else if (r === -Errno.IO) trapSignal(l, SIGBUS, BUS_ADRERR, addr);
  else trapSignal(l, SIGSEGV, r === -Errno.ACCES ? SEGV_ACCERR : SEGV_MAPERR, addr);
  return true;
}

/** The signal of an exception other than a page fault. */
export function exceptionSignal(k: Kernel, l: Lwp): void {
  const pc = l.regs.get(REG_RIP);
  switch (i32(l.regs.get(REG_TRAPNO))) {
    case 0:
      trapSignal(l, SIGFPE, FPE_INTDIV, pc);
      return;
    case 1:
      trapSignal(l, SIGTRAP, TRAP_TRACE, pc);
      return;
    case 3:
      trapSignal(l, SIGTRAP, TRAP_BRKPT, 0);
      return;
    case 6:
      trapSignal(l, SIGILL, ILL_ILLOPN, pc);
      return;
    case 11:
    case 12:
      trapSignal(l, SIGBUS, SI_KERNEL, 0);
      return;
    case 16:
      trapSignal(l, SIGFPE, fpeCode(x87Flags(k, l)), pc);
      return;
    case 17:
      trapSignal(l, SIGBUS, BUS_ADRALN, 0);
      return;
    case 19:
      trapSignal(l, SIGFPE, fpeCode(sseFlags(k, l)), pc);
      return;
    default:
      trapSignal(l, SIGSEGV, SI_KERNEL, 0);
  }
}

/** Unmasked exception flags of the x87 unit: status word at byte 2, control word at byte 0 of the FXSAVE image. */
function x87Flags(k: Kernel, l: Lwp): i32 {
  k.fpuSync(l);
  const pa: long = k.fpuAddress(l);
  return (k.machine.load16(pa + 2) & ~k.machine.load16(pa) & 0x3f) | 0;
}

/** Unmasked exception flags of SSE: MXCSR at byte 24. */
function sseFlags(k: Kernel, l: Lwp): i32 {
  k.fpuSync(l);
  const mxcsr = k.machine.load32(k.fpuAddress(l) + 24);
  return (mxcsr & ~u32(mxcsr >>> 7) & 0x3f) | 0;
}

/** si_code of exception flags: invalid, denormal, divide by zero, overflow, underflow, precision. */
function fpeCode(flags: i32): i32 {
  if ((flags & 1) !== 0) return FPE_FLTINV;
  if ((flags & 4) !== 0) return 3;
  if ((flags & 8) !== 0) return 4;
  if ((flags & 0x12) !== 0) return 5;
  return (flags & 0x20) !== 0 ? 6 : FPE_FLTINV;
}
