/**
 * Signals: sending, masks, actions, and what happens to an LWP before it returns to its program.
 *
 * Neighbours: `sigqueue.ts` (what is pending), `sigacts.ts` (actions), `sigcalls.ts` (the system calls), `exit.ts`, the ABI's `sendSignal`.
 * Invariant: SIGKILL and SIGSTOP are in no mask and have no handler; an LWP with a deliverable signal has `ast` set.
 * Source: POSIX 2.4, signal(7), sigaction(2).
 */
import type { i32, long, u32 } from "@anax/portable";
import type { Kernel } from "./kernel";
import type { Lwp } from "./lwp";
import type { Proc } from "./proc";
import type { ProcGroup } from "./session";
import type { SigInfo } from "./sigqueue";

/** Sends a signal of the kernel to a process. */
export function procSignal(_p: Proc, _sig: i32, _code: i32 = 0x80): void {}

/** Sends a signal with its information to a process. The SigInfo stays the caller's. */
export function procSignalInfo(_p: Proc, _info: SigInfo): void {}

/** Sends a signal with its information to one LWP. */
export function lwpSignalInfo(_l: Lwp, _info: SigInfo): void {}

/** Sends a signal of the kernel to every process of a group (tty, orphaned groups). */
export function groupSignal(_kernel: Kernel, _group: ProcGroup, _sig: i32): void {}

/** A fault of the program itself: cannot be ignored or blocked (that ends the process). `addr` is si_addr. */
export function trapSignal(_l: Lwp, _sig: i32, _code: i32, _addr: long): void {}

/** Whether the signal would have no effect: blocked by the LWP, or ignored by its process (tty background checks). */
export function isIgnoredOrBlocked(_l: Lwp, _sig: i32): boolean {
  return false;
}

/** Sets the mask of an LWP (SIGKILL and SIGSTOP are taken out). */
export function setSigMask(_l: Lwp, _lo: u32, _hi: u32): void {}

/**
 * For ppoll, pselect, sigsuspend, epoll_pwait: the mask holds until the call ends; a handler that runs then returns to
 * the mask of before. Does nothing when the call is run again.
 */
export function setTempSigMask(_l: Lwp, _lo: u32, _hi: u32): void {}
