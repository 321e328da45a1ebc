/**
 * Waiting for files: poll and select.
 *
 * The files' `poll` registers the LWP on their wait queues; a wake-up runs the call again. Time limits are callouts.
 * Neighbours: `epoll.ts`, `file.ts`. Invariant: the LWP is on wait queues only when the call answers EASYNC.
 */
import { Errno, type i32, type long } from "@anax/portable";
import type { Lwp } from "./lwp";


/** poll(2), ppoll(2) without its mask. `timeout` in ns; -1 waits for ever. */
export function kernPoll(_lwp: Lwp, _ufds: long, _count: i32, _timeout: long): i32 {
  return -Errno.NOSYS;
}

/** select(2), pselect6(2) without its mask. Sets are user addresses or 0. */
export function kernSelect(_lwp: Lwp, _count: i32, _uread: long, _uwrite: long, _uexcept: long, _timeout: long): i32 {
  return -Errno.NOSYS;
}
