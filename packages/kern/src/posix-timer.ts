/**
 * POSIX timers of a process.
 *
 * Neighbours: `signal.ts`, `time.ts`. Invariant: a timer's callout is armed exactly while it runs.
 * Source: timer_create(2), timer_settime(2).
 */
import type { i32 } from "@anax/portable";

export class PosixTimers {
  count: i32 = 0;
}
