/**
 * Waiting for children.
 *
 * Key type `WaitResult` (filled in place). Neighbours: `exit.ts` (makes zombies), `signal.ts` (stops and continues).
 * Invariant: a child's end is told once, and then the child is gone.
 * Source: wait4(2), waitid(2).
 */
import { Errno, type i32 } from "@anax/portable";
import type { Lwp } from "./lwp";
import { Usage } from "./usage";

export const WNOHANG: i32 = 1;
export const WUNTRACED: i32 = 2;
export const WSTOPPED: i32 = 2;
export const WEXITED: i32 = 4;
export const WCONTINUED: i32 = 8;
export const WNOWAIT: i32 = 0x1000000;
export const WNOTHREAD: i32 = 0x20000000;
export const WALL: i32 = 0x40000000;
export const WCLONE: i32 = -0x80000000;

export const P_ALL: i32 = 0;
export const P_PID: i32 = 1;
export const P_PGID: i32 = 2;

/** What wait found. Valid until the next call. */
export class WaitResult {
  pid: i32 = 0;
  uid: i32 = 0;
  /** Status word as wait4 stores it. */
  status: i32 = 0;
  /** CLD_* and its value, as waitid stores them. */
  code: i32 = 0;
  value: i32 = 0;
  readonly usage: Usage = new Usage();
}

/**
 * wait4(2): `pid` > 0 that child, -1 any, 0 the caller's group, < -1 the group -pid. The pid, 0 (WNOHANG and nothing yet),
 * -CHILD, -INVAL, -INTR, EASYNC. What was found is in `lwp.kernel.waitResult`.
 */
export function kernWait4(_lwp: Lwp, _pid: i32, _options: i32): i32 {
  return -Errno.NOSYS;
}

/** waitid(2): 0 with `lwp.kernel.waitResult` filled (pid 0: WNOHANG and nothing yet), -CHILD, -INVAL, -INTR, EASYNC. */
export function kernWaitid(_lwp: Lwp, _idtype: i32, _id: i32, _options: i32): i32 {
  return -Errno.NOSYS;
}
