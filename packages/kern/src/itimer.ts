/**
 * Interval timers: ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF, and alarm.
 *
 * Key type `ITimers`, made for a process at its first use. Neighbours: `loop.ts` (accounting), `signal.ts`.
 * Invariant: `real` is armed exactly while its timer runs.
 * Source: setitimer(2), alarm(2).
 */
import type { long } from "@anax/portable";

export class ITimers {
  realInterval: long = 0;
}
