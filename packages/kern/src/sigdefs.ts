/**
 * Signal numbers, flags and codes, as on Linux x86-64, and what each signal does by default.
 *
 * Neighbours: `sigqueue.ts`, `signal.ts`, the ABIs. Invariant: never renumbered; a signal set is two u32 halves, and
 * signal n is bit (n - 1) of the 64.
 * Source: signal(7), Linux uapi asm-generic/signal.h, asm-generic/siginfo.h.
 */
import type { i32, long, u32 } from "@anax/portable";

export const NSIG: i32 = 64;
/** The first real-time signal; from here on every one sent is queued. */
export const SIGRTMIN: i32 = 32;

export const SIGHUP: i32 = 1;
export const SIGINT: i32 = 2;
export const SIGQUIT: i32 = 3;
export const SIGILL: i32 = 4;
export const SIGTRAP: i32 = 5;
export const SIGABRT: i32 = 6;
export const SIGBUS: i32 = 7;
export const SIGFPE: i32 = 8;
export const SIGKILL: i32 = 9;
export const SIGUSR1: i32 = 10;
export const SIGSEGV: i32 = 11;
export const SIGUSR2: i32 = 12;
export const SIGPIPE: i32 = 13;
export const SIGALRM: i32 = 14;
export const SIGTERM: i32 = 15;
export const SIGSTKFLT: i32 = 16;
export const SIGCHLD: i32 = 17;
export const SIGCONT: i32 = 18;
export const SIGSTOP: i32 = 19;
export const SIGTSTP: i32 = 20;
export const SIGTTIN: i32 = 21;
export const SIGTTOU: i32 = 22;
export const SIGURG: i32 = 23;
export const SIGXCPU: i32 = 24;
export const SIGXFSZ: i32 = 25;
export const SIGVTALRM: i32 = 26;
export const SIGPROF: i32 = 27;
export const SIGWINCH: i32 = 28;
export const SIGIO: i32 = 29;
export const SIGPWR: i32 = 30;
export const SIGSYS: i32 = 31;

/** Handlers that are not addresses. */
export const SIG_DFL: long = 0;
export const SIG_IGN: long = 1;

export const SA_NOCLDSTOP: u32 = 0x1;
export const SA_NOCLDWAIT: u32 = 0x2;
export const SA_SIGINFO: u32 = 0x4;
export const SA_RESTORER: u32 = 0x04000000;
export const SA_ONSTACK: u32 = 0x08000000;
export const SA_RESTART: u32 = 0x10000000;
export const SA_NODEFER: u32 = 0x40000000;
export const SA_RESETHAND: u32 = 0x80000000;

export const SIG_BLOCK: i32 = 0;
export const SIG_UNBLOCK: i32 = 1;
export const SIG_SETMASK: i32 = 2;

/** si_code: who sent it. */
export const SI_USER: i32 = 0;
export const SI_KERNEL: i32 = 0x80;
export const SI_QUEUE: i32 = -1;
export const SI_TIMER: i32 = -2;
export const SI_TKILL: i32 = -6;
export const ILL_ILLOPN: i32 = 2;
export const FPE_INTDIV: i32 = 1;
export const FPE_FLTINV: i32 = 7;
export const SEGV_MAPERR: i32 = 1;
export const SEGV_ACCERR: i32 = 2;
export const BUS_ADRALN: i32 = 1;
export const BUS_ADRERR: i32 = 2;
export const TRAP_BRKPT: i32 = 1;
export const TRAP_TRACE: i32 = 2;
export const CLD_EXITED: i32 = 1;
export const CLD_KILLED: i32 = 2;
export const CLD_DUMPED: i32 = 3;
export const CLD_STOPPED: i32 = 5;
export const CLD_CONTINUED: i32 = 6;

/** sigaltstack flags, and the smallest stack it takes. */
export const SS_ONSTACK: i32 = 1;
export const SS_DISABLE: i32 = 2;
export const SS_AUTODISARM: u32 = 0x80000000;
export const MINSIGSTKSZ: long = 2048;

/** Default actions. */
export const ACT_TERM: i32 = 0;
export const ACT_CORE: i32 = 1;
export const ACT_IGN: i32 = 2;
export const ACT_STOP: i32 = 3;
export const ACT_CONT: i32 = 4;

/** What `sig` does when its action is SIG_DFL: ACT_*. */
export function defaultAction(sig: i32): i32 {
  switch (sig) {
    case SIGQUIT:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGSEGV:
    case SIGXCPU:
    case SIGXFSZ:
    case SIGSYS:
      return ACT_CORE;
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
      return ACT_IGN;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
      return ACT_STOP;
    case SIGCONT:
      return ACT_CONT;
    default:
      return ACT_TERM;
  }
}

/** Bit of `sig` in the low half of a set (0 when it lies in the high half). */
export function sigBitLo(sig: i32): u32 {
  return sig <= 32 ? (1 << (sig - 1)) >>> 0 : 0;
}

/** Bit of `sig` in the high half of a set. */
export function sigBitHi(sig: i32): u32 {
  return sig > 32 ? (1 << (sig - 33)) >>> 0 : 0;
}

/** The halves of the set of signals that no mask and no handler touches: SIGKILL and SIGSTOP, both in the low half. */
export const SIGS_UNBLOCKABLE_LO: u32 = 0x40100;
/** Signals that a fault of the program itself raises; taken before all others. */
export const SIGS_SYNCHRONOUS_LO: u32 = 0x400004d8;
/** SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU. */
export const SIGS_STOP_LO: u32 = 0x3c0000;
