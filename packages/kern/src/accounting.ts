/**
 * CPU time: who used it, and the limits on it.
 *
 * The clock is read when the loop comes by, not at each system call. How much of the time between was spent in calls is
 * estimated: the loop measures one call in sixteen and counts it sixteen times.
 * Neighbours: `loop.ts`, `itimer.ts`, `times.ts`. Invariant: every ns since boot is charged once, to an LWP or to idle.
 */
import { type i32, type long } from "@anax/portable";
import { RLIMIT_CPU, RLIM_INFINITY } from "./limits";
import type { Kernel } from "./kernel";
import type { Proc } from "./proc";
import { SIGKILL, SIGXCPU, SI_KERNEL } from "./sigdefs";
import { procSignal } from "./signal";

const SECOND: long = 1000000000;

/** Charges the time since the last charge to the current LWP, or to idle. */
export function chargeCurrent(k: Kernel): void {
  chargeAt(k, k.now());
}

export function chargeAt(k: Kernel, now: long): void {
  const ns: long = now - k.chargedAt;
  k.chargedAt = now;
  k.loopTime = now;
  if (ns <= 0) return;
  const l = k.current;
  if (l === null) {
    k.idleTime = k.idleTime + ns;
    k.systemShare = 0;
    return;
  }
  let system: long = k.systemShare;
  if (system > ns) system = ns;
  k.systemShare = 0;
  const user: long = ns - system;
  l.utime = l.utime + user;
  l.stime = l.stime + system;
  k.systemTime = k.systemTime + system;
  if (l.sched.nice > 0) k.niceTime = k.niceTime + user;
  else k.userTime = k.userTime + user;
  k.scheduler.account(l.sched, ns, now);
  const p = l.proc;
  const t = p.itimers;
  if (t !== null) t.charge(user, system);
  if (p.limits.soft.get(RLIMIT_CPU) !== RLIM_INFINITY) checkCpuLimit(p);
}

function checkCpuLimit(p: Proc): void {
  const soft: long = p.limits.soft.get(RLIMIT_CPU);
  const hard: long = p.limits.hard.get(RLIMIT_CPU);
  if (p.cpuLimitNext < 0) p.cpuLimitNext = soft * SECOND;
  const used: long = p.utime + p.stime;
  if (used < p.cpuLimitNext) return;
  if (hard !== RLIM_INFINITY && used >= hard * SECOND) {
    procSignal(p, SIGKILL, SI_KERNEL);
    return;
  }
  p.cpuLimitNext = p.cpuLimitNext + SECOND;
  procSignal(p, SIGXCPU, SI_KERNEL);
}

/** CPU time that the process may use before something is due for it; -1 for no end. */
export function cpuTimeLeft(p: Proc): long {
  let n: long = -1;
  const t = p.itimers;
  if (t !== null) n = t.nextCpu;
  if (p.limits.soft.get(RLIMIT_CPU) !== RLIM_INFINITY) {
    const next: long = p.cpuLimitNext < 0 ? p.limits.soft.get(RLIMIT_CPU) * SECOND : p.cpuLimitNext;
    let left: long = next - p.utime - p.stime;
    if (left < 1) left = 1;
    if (n < 0 || left < n) n = left;
  }
  return n;
}

/** One in so many system calls is measured and counts for all of them; a power of two. */
export const SAMPLE_CALLS: i32 = 16;
