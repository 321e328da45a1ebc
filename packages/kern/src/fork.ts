/**
 * fork, vfork, clone: new processes and threads.
 *
 * Neighbours: `proc.ts`, `lwp.ts`, `exit.ts`. Invariant: all that can fail (ids, limits, memory) comes before the new
 * process or LWP is visible, so ENOMEM leaves nothing behind.
 * Source: clone(2), fork(2), vfork(2).
 */
import { Errno, type i32, type long, type u32 } from "@anax/portable";
import type { Lwp } from "./lwp";

export const CSIGNAL: u32 = 0xff;
export const CLONE_VM: u32 = 0x100;
export const CLONE_FS: u32 = 0x200;
export const CLONE_FILES: u32 = 0x400;
export const CLONE_SIGHAND: u32 = 0x800;
export const CLONE_PIDFD: u32 = 0x1000;
export const CLONE_PTRACE: u32 = 0x2000;
export const CLONE_VFORK: u32 = 0x4000;
export const CLONE_PARENT: u32 = 0x8000;
export const CLONE_THREAD: u32 = 0x10000;
export const CLONE_NEWNS: u32 = 0x20000;
export const CLONE_SYSVSEM: u32 = 0x40000;
export const CLONE_SETTLS: u32 = 0x80000;
export const CLONE_PARENT_SETTID: u32 = 0x100000;
export const CLONE_CHILD_CLEARTID: u32 = 0x200000;
export const CLONE_DETACHED: u32 = 0x400000;
export const CLONE_UNTRACED: u32 = 0x800000;
export const CLONE_CHILD_SETTID: u32 = 0x1000000;

/**
 * clone(2): `flags` are CLONE_* with the exit signal in the low byte; `sp` and `tls` 0 keep the parent's. The new id,
 * -INVAL (flags that do not go together), -AGAIN (RLIMIT_NPROC, no ids), -NOMEM; EASYNC while CLONE_VFORK's child runs.
 */
export function kernClone(_lwp: Lwp, _flags: u32, _sp: long, _uparentTid: long, _uchildTid: long, _tls: long): i32 {
  return -Errno.NOSYS;
}

/** fork(2). */
export function kernFork(lwp: Lwp): i32 {
  return kernClone(lwp, 17, 0, 0, 0, 0);
}

/** vfork(2). */
export function kernVfork(lwp: Lwp): i32 {
  return kernClone(lwp, CLONE_VM | CLONE_VFORK | 17, 0, 0, 0, 0);
}

/** unshare(2) of CLONE_FILES, CLONE_FS and CLONE_SYSVSEM; -INVAL for others. */
export function kernUnshare(_lwp: Lwp, _flags: u32): i32 {
  return -Errno.NOSYS;
}
