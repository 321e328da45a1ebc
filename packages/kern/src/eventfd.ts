/**
 * eventfd(2): a counter to wait for.
 *
 * Neighbours: `file.ts`, `poll.ts`. Invariant: the counter never reaches 2^64-1.
 */
import { Errno, type i32, type u32 } from "@anax/portable";
import type { Lwp } from "./lwp";


/** eventfd2(2). */
export function kernEventfd(_lwp: Lwp, _initial: u32, _flags: i32): i32 {
  return -Errno.NOSYS;
}
