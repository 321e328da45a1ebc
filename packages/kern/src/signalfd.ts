/**
 * signalfd(2): pending signals as bytes to read.
 *
 * Neighbours: `signal.ts`, `file.ts`. Invariant: a signal is taken by one reader.
 */
import { Errno, type i32, type u32 } from "@anax/portable";
import type { Lwp } from "./lwp";


/** signalfd4(2). The mask is 64 bits in two halves; fd -1 makes a new one. */
export function kernSignalfd(_lwp: Lwp, _fd: i32, _maskLow: u32, _maskHigh: u32, _flags: i32): i32 {
  return -Errno.NOSYS;
}
