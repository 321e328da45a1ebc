/**
 * What processes have used: getrusage and times.
 *
 * Neighbours: `usage.ts`, `accounting.ts`. Invariant: reading changes nothing but charges the time up to now.
 * Source: getrusage(2), times(2).
 */
import { Errno, type i32 } from "@anax/portable";
import { chargeCurrent } from "./accounting";
import type { Lwp } from "./lwp";
import type { Proc } from "./proc";
import type { Usage } from "./usage";

export const RUSAGE_SELF: i32 = 0;
export const RUSAGE_CHILDREN: i32 = -1;
export const RUSAGE_THREAD: i32 = 1;

/** Use of a process by itself, its running threads included. */
export function usageOf(p: Proc, out: Usage): void {
  out.clear();
  out.add(p.usage);
  out.utime = p.utime;
  out.stime = p.stime;
  let l = p.lwps;
  while (l !== null) {
    out.voluntarySwitches = (out.voluntarySwitches + l.voluntarySwitches) | 0;
    out.involuntarySwitches = (out.involuntarySwitches + l.involuntarySwitches) | 0;
    l = l.next;
  }
  const space = p.space;
  if (space !== null && space.peakResident > out.maxRss) out.maxRss = space.peakResident;
}

/** getrusage(2): 0 or -INVAL. */
export function kernGetrusage(l: Lwp, who: i32, out: Usage): i32 {
  chargeCurrent(l.kernel);
  if (who === RUSAGE_SELF) usageOf(l.proc, out);
  else if (who === RUSAGE_CHILDREN) {
    out.clear();
    out.add(l.proc.childUsage);
  } else if (who === RUSAGE_THREAD) {
    out.clear();
    out.utime = l.utime;
    out.stime = l.stime;
    out.voluntarySwitches = l.voluntarySwitches;
    out.involuntarySwitches = l.involuntarySwitches;
    const space = l.proc.space;
    if (space !== null) out.maxRss = space.peakResident;
  } else return -Errno.INVAL;
  return 0;
}
