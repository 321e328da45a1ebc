/**
 * Priorities of processes and threads.
 *
 * Neighbours: the userland scheduler (what they mean), `limits.ts` (how far one may go). Invariant: a thread's class, nice and priority
 * are the scheduler's fields; only the I/O priority is the LWP's own.
 * Source: getpriority(2), sched_setscheduler(2), sched_rr_get_interval(2), sched_setaffinity(2), ioprio_set(2), sched(7).
 */
import { Errno, type i32, type long, type u32 } from "@anax/portable";
import { CLASS_IDLE, CLASS_NORMAL, CLASS_REALTIME, NICE_MAX, NICE_MIN, RT_PRIO_MAX, SLICE_NS } from "@anax/scheduler";
import { ATT_RESCHED } from "./kernel";
import { RLIMIT_NICE, RLIMIT_RTPRIO } from "./limits";
import type { Lwp } from "./lwp";
import type { Proc } from "./proc";

export const PRIO_PROCESS: i32 = 0;
export const PRIO_PGRP: i32 = 1;
export const PRIO_USER: i32 = 2;

export const SCHED_OTHER: i32 = 0;
export const SCHED_FIFO: i32 = 1;
export const SCHED_RR: i32 = 2;
export const SCHED_BATCH: i32 = 3;
export const SCHED_IDLE: i32 = 5;
/** There is no such class; its limits can be asked all the same. */
export const SCHED_DEADLINE: i32 = 6;
/** Or'ed to a policy: children get none of it. */
export const SCHED_RESET_ON_FORK: i32 = 0x40000000;

/** Same user as the target, or root. */
function mayChange(l: Lwp, target: Proc): boolean {
  const c = l.proc.cred;
  return c.euid === 0 || c.euid === target.cred.uid || c.euid === target.cred.euid;
}

/** The members of a set of processes, one after the other: `after` null starts. Null when there is no further one. */
function nextIn(l: Lwp, which: i32, who: u32, after: Proc | null): Proc | null {
  const k = l.kernel;
  if (which === PRIO_PGRP) {
    if (after !== null) return after.groupNext;
    const g = who === 0 ? l.proc.group : k.pids.group(who | 0);
    return g === null ? null : g.members;
  }
  const uid: u32 = who === 0 ? l.proc.cred.uid : who;
  let p = k.pids.nextProc(after === null ? 1 : (after.pid + 1) | 0);
  while (p !== null && p.cred.uid !== uid) p = k.pids.nextProc((p.pid + 1) | 0);
  return p;
}

/** getpriority(2): 20 - nice of the best, 1 to 40; -INVAL, -SRCH. */
export function kernGetpriority(l: Lwp, which: i32, who: u32): i32 {
  if (which < PRIO_PROCESS || which > PRIO_USER) return -Errno.INVAL;
  if (which === PRIO_PROCESS) {
    const t = who === 0 ? l : l.kernel.pids.lwp(who | 0);
    return t === null ? -Errno.SRCH : (20 - t.sched.nice) | 0;
  }
  let best: i32 = -Errno.SRCH;
  let p = nextIn(l, which, who, null);
  while (p !== null) {
    let t = p.lwps;
    while (t !== null) {
      const v: i32 = (20 - t.sched.nice) | 0;
      if (v > best) best = v;
      t = t.next;
    }
    p = nextIn(l, which, who, p);
  }
  return best;
}

/** setpriority(2): -INVAL, -SRCH, -PERM (another user's), -ACCES (lower nice without privilege). */
export function kernSetpriority(l: Lwp, which: i32, who: u32, nice: i32): i32 {
  if (which < PRIO_PROCESS || which > PRIO_USER) return -Errno.INVAL;
  const n = nice < NICE_MIN ? NICE_MIN : nice > NICE_MAX ? NICE_MAX : nice;
  if (which === PRIO_PROCESS) {
    const t = who === 0 ? l : l.kernel.pids.lwp(who | 0);
    return t === null ? -Errno.SRCH : setNice(l, t, n);
  }
  let found = false;
  let error: i32 = 0;
  let p = nextIn(l, which, who, null);
  while (p !== null) {
    let t = p.lwps;
    while (t !== null) {
      found = true;
      const r = setNice(l, t, n);
      if (r !== 0) error = r;
      t = t.next;
    }
    p = nextIn(l, which, who, p);
  }
  return found ? error : -Errno.SRCH;
}

function setNice(l: Lwp, t: Lwp, nice: i32): i32 {
  if (!mayChange(l, t.proc)) return -Errno.PERM;
  const lowest = (20 - t.proc.limits.get32(RLIMIT_NICE)) | 0;
  if (nice < t.sched.nice && l.proc.cred.euid !== 0 && nice < lowest) return -Errno.ACCES;
  l.kernel.scheduler.setNice(t.sched, nice);
  l.kernel.attention |= ATT_RESCHED;
  return 0;
}

function find(l: Lwp, tid: i32): Lwp | null {
  return tid === 0 ? l : l.kernel.pids.lwp(tid);
}

/** sched_getscheduler(2): SCHED_*, with SCHED_RESET_ON_FORK; -INVAL, -SRCH. */
export function kernSchedGetscheduler(l: Lwp, tid: i32): i32 {
  if (tid < 0) return -Errno.INVAL;
  const t = find(l, tid);
  if (t === null) return -Errno.SRCH;
  const s = t.sched;
  const reset: i32 = t.resetOnFork ? SCHED_RESET_ON_FORK : 0;
  if (s.klass === CLASS_REALTIME) return reset | (s.roundRobin ? SCHED_RR : SCHED_FIFO);
  if (s.klass === CLASS_IDLE) return reset | SCHED_IDLE;
  return reset | (t.batch ? SCHED_BATCH : SCHED_OTHER);
}

/** sched_getparam(2): the real-time priority, 0 for other classes; -INVAL, -SRCH. */
export function kernSchedGetparam(l: Lwp, tid: i32): i32 {
  if (tid < 0) return -Errno.INVAL;
  const t = find(l, tid);
  if (t === null) return -Errno.SRCH;
  return t.sched.klass === CLASS_REALTIME ? t.sched.rtPriority : 0;
}

/** sched_setscheduler(2); `policy` -1 keeps it (sched_setparam). -INVAL, -SRCH, -PERM (giving up SCHED_RESET_ON_FORK, too). */
export function kernSchedSetscheduler(l: Lwp, tid: i32, policy: i32, priority: i32): i32 {
  if (tid < 0) return -Errno.INVAL;
  const t = find(l, tid);
  if (t === null) return -Errno.SRCH;
  const whole = policy === -1 ? kernSchedGetscheduler(l, tid) : policy;
  const reset = (whole & SCHED_RESET_ON_FORK) !== 0;
  const kind = whole & ~SCHED_RESET_ON_FORK;
  const real = kind === SCHED_FIFO || kind === SCHED_RR;
  if (!real && kind !== SCHED_OTHER && kind !== SCHED_BATCH && kind !== SCHED_IDLE) return -Errno.INVAL;
  if (real ? priority < 1 || priority > RT_PRIO_MAX : priority !== 0) return -Errno.INVAL;
  if (!mayChange(l, t.proc)) return -Errno.PERM;
  if (real && l.proc.cred.euid !== 0 && priority > t.proc.limits.get32(RLIMIT_RTPRIO)) return -Errno.PERM;
  const klass = real ? CLASS_REALTIME : kind === SCHED_IDLE ? CLASS_IDLE : CLASS_NORMAL;
  if (t.resetOnFork && !reset && l.proc.cred.euid !== 0) return -Errno.PERM;
  t.batch = kind === SCHED_BATCH;
  t.resetOnFork = reset;
  l.kernel.attention |= ATT_RESCHED;
  return l.kernel.scheduler.setClass(t.sched, klass, priority, kind === SCHED_RR);
}

/** sched_get_priority_max(2), sched_get_priority_min(2). -INVAL. */
export function kernSchedPriorityLimit(policy: i32, max: boolean): i32 {
  if (policy === SCHED_FIFO || policy === SCHED_RR) return max ? RT_PRIO_MAX : 1;
  const known = policy === SCHED_OTHER || policy === SCHED_BATCH || policy === SCHED_IDLE || policy === SCHED_DEADLINE;
  return known ? 0 : -Errno.INVAL;
}

/** sched_rr_get_interval(2): ns, 0 for SCHED_FIFO; -INVAL, -SRCH. */
export function kernSchedInterval(l: Lwp, tid: i32): long {
  if (tid < 0) return -Errno.INVAL;
  const t = find(l, tid);
  if (t === null) return -Errno.SRCH;
  return t.sched.klass === CLASS_REALTIME && !t.sched.roundRobin ? 0 : SLICE_NS;
}

/** sched_yield(2). */
export function kernYield(l: Lwp): i32 {
  const k = l.kernel;
  if (k.scheduler.runnable > 0) {
    k.scheduler.yieldNow(l.sched);
    k.attention |= ATT_RESCHED;
  }
  return 0;
}

/** I/O priority classes and their shift in the value of ioprio_set. */
export const IOPRIO_CLASS_SHIFT: i32 = 13;
const IOPRIO_NONE: i32 = 0;
const IOPRIO_REALTIME: i32 = 1;
const IOPRIO_IDLE: i32 = 3;
const IOPRIO_LEVELS: i32 = 8;

/** ioprio_get(2): class << 13 | level, of a set the most urgent; `which` is IOPRIO_WHO_* (1 to 3). -INVAL, -SRCH. */
export function kernIoprioGet(l: Lwp, which: i32, who: u32): i32 {
  if (which < 1 || which > 3) return -Errno.INVAL;
  if (which === 1) {
    const t = find(l, who | 0);
    return t === null ? -Errno.SRCH : t.ioprio;
  }
  let best: i32 = -1;
  const set: i32 = (which - 1) | 0;
  let p = nextIn(l, set, who, null);
  while (p !== null) {
    let t = p.lwps;
    while (t !== null) {
      // No class counts as the default of nice 0: best effort, level 4.
      const v: i32 = t.ioprio === 0 ? (2 << IOPRIO_CLASS_SHIFT) | 4 : t.ioprio;
      if (best < 0 || v < best) best = v;
      t = t.next;
    }
    p = nextIn(l, set, who, p);
  }
  return best < 0 ? -Errno.SRCH : best;
}

/** ioprio_set(2): kept for ioprio_get and inherited; no device has a queue to order by it. -INVAL, -PERM, -SRCH. */
export function kernIoprioSet(l: Lwp, which: i32, who: u32, ioprio: i32): i32 {
  const klass = ioprio >> IOPRIO_CLASS_SHIFT;
  const level: i32 = ioprio & ((1 << IOPRIO_CLASS_SHIFT) - 1);
  if (which < 1 || which > 3 || klass < IOPRIO_NONE || klass > IOPRIO_IDLE) return -Errno.INVAL;
  if (klass === IOPRIO_NONE ? level !== 0 : klass !== IOPRIO_IDLE && level >= IOPRIO_LEVELS) return -Errno.INVAL;
  if (klass === IOPRIO_REALTIME && l.proc.cred.euid !== 0) return -Errno.PERM;
  if (which === 1) {
    const t = find(l, who | 0);
    return t === null ? -Errno.SRCH : setIoprio(l, t, ioprio);
  }
  let result: i32 = -Errno.SRCH;
  const set: i32 = (which - 1) | 0;
  let p = nextIn(l, set, who, null);
  while (p !== null) {
    let t = p.lwps;
    while (t !== null) {
      const r = setIoprio(l, t, ioprio);
      if (result !== -Errno.PERM) result = r;
      t = t.next;
    }
    p = nextIn(l, set, who, p);
  }
  return result;
}

function setIoprio(l: Lwp, t: Lwp, ioprio: i32): i32 {
  if (!mayChange(l, t.proc)) return -Errno.PERM;
  t.ioprio = ioprio;
  return 0;
}
