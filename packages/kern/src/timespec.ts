/**
 * An interval timer's setting, as the timer calls take and return it.
 *
 * Neighbours: `itimer.ts`, `posix-timer.ts`. Invariant: ns, never negative; `value` 0 means the timer does not run.
 */
import type { long } from "@anax/portable";

export class TimerSpec {
  value: long = 0;
  interval: long = 0;
}
