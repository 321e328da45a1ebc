/**
 * Resource limits.
 *
 * Key type `Limits`, owned by a process, copied by fork. Neighbours: `fork.ts`, whoever enforces one.
 * Invariant: soft <= hard.
 *
 * | limit | enforced by |
 * |---|---|
 * | CPU | accounting: SIGXCPU at the soft limit each second, SIGKILL at the hard one |
 * | FSIZE | writes to files: SIGXFSZ and -FBIG |
 * | DATA | the address space |
 * | STACK | growth of the stack; the size of exec's arguments (a quarter) |
 * | CORE, LOCKS, MSGQUEUE, RSS, RTTIME | kept, not enforced |
 * | NPROC | fork, for users other than root |
 * | NOFILE | descriptors |
 * | AS, MEMLOCK | the address space |
 * | SIGPENDING | queued real-time signals |
 * | NICE, RTPRIO | setpriority, sched_setscheduler for users other than root |
 *
 * Source: getrlimit(2).
 */
import { Errno, LongArray, i32, type long } from "@anax/portable";
import type { VmSpace } from "@anax/vm";
import type { Proc } from "./proc";

export const RLIMIT_CPU: i32 = 0;
export const RLIMIT_FSIZE: i32 = 1;
export const RLIMIT_DATA: i32 = 2;
export const RLIMIT_STACK: i32 = 3;
export const RLIMIT_CORE: i32 = 4;
export const RLIMIT_RSS: i32 = 5;
export const RLIMIT_NPROC: i32 = 6;
export const RLIMIT_NOFILE: i32 = 7;
export const RLIMIT_MEMLOCK: i32 = 8;
export const RLIMIT_AS: i32 = 9;
export const RLIMIT_LOCKS: i32 = 10;
export const RLIMIT_SIGPENDING: i32 = 11;
export const RLIMIT_MSGQUEUE: i32 = 12;
export const RLIMIT_NICE: i32 = 13;
export const RLIMIT_RTPRIO: i32 = 14;
export const RLIMIT_RTTIME: i32 = 15;
export const RLIM_NLIMITS: i32 = 16;

/** "No limit". An ABI shows it as all ones, and every value above as this. */
export const RLIM_INFINITY: long = 9007199254740991;
/** Most descriptors a process may ask for (fs.nr_open of proc(5)). */
export const NR_OPEN: long = 1048576;

export class Limits {
  readonly soft: LongArray = new LongArray(RLIM_NLIMITS);
  readonly hard: LongArray = new LongArray(RLIM_NLIMITS);

  constructor() {
    this.soft.fill(RLIM_INFINITY);
    this.hard.fill(RLIM_INFINITY);
  }

  /** Linux's defaults; `nproc` depends on the size of memory. */
  setDefaults(nproc: long): void {
    this.soft.set(RLIMIT_STACK, 8388608);
    this.soft.set(RLIMIT_CORE, 0);
    this.soft.set(RLIMIT_NPROC, nproc);
    this.hard.set(RLIMIT_NPROC, nproc);
    this.soft.set(RLIMIT_NOFILE, 1024);
    this.hard.set(RLIMIT_NOFILE, 4096);
    this.soft.set(RLIMIT_MEMLOCK, 8388608);
    this.hard.set(RLIMIT_MEMLOCK, 8388608);
    this.soft.set(RLIMIT_SIGPENDING, nproc);
    this.hard.set(RLIMIT_SIGPENDING, nproc);
    this.soft.set(RLIMIT_MSGQUEUE, 819200);
    this.hard.set(RLIMIT_MSGQUEUE, 819200);
    this.soft.set(RLIMIT_NICE, 0);
    this.hard.set(RLIMIT_NICE, 0);
    this.soft.set(RLIMIT_RTPRIO, 0);
    this.hard.set(RLIMIT_RTPRIO, 0);
  }

  copyFrom(o: Limits): void {
    for (let i = 0; i < RLIM_NLIMITS; i++) {
      this.soft.set(i, o.soft.get(i));
      this.hard.set(i, o.hard.get(i));
    }
  }

  /** The soft limit as an i32, for those that count descriptors or processes. */
  get32(resource: i32): i32 {
    const v = this.soft.get(resource);
    return v > 0x7fffffff ? 0x7fffffff : i32(v);
  }
}

/**
 * prlimit(2) on a process that the caller may change: -INVAL (no such limit, soft above hard), -PERM (raising the hard
 * limit without privilege; a descriptor limit above NR_OPEN). The old values are read from `p.limits` before.
 */
export function setrlimit(p: Proc, resource: i32, soft: long, hard: long, privileged: boolean): i32 {
  if (resource < 0 || resource >= RLIM_NLIMITS) return -Errno.INVAL;
  if (soft > hard) return -Errno.INVAL;
  if (resource === RLIMIT_NOFILE && hard > NR_OPEN) return -Errno.PERM;
  const l = p.limits;
  if (hard > l.hard.get(resource) && !privileged) return -Errno.PERM;
  l.soft.set(resource, soft);
  l.hard.set(resource, hard);
  if (resource === RLIMIT_CPU) p.cpuLimitNext = -1;
  const space = p.space;
  if (space !== null) applyLimits(space, l, p.cred.euid === 0);
  return 0;
}

/** Tells an address space the limits that it enforces; `privileged`: it may lock as much as it likes. */
export function applyLimits(space: VmSpace, l: Limits, privileged: boolean): void {
  space.limitAs = l.soft.get(RLIMIT_AS);
  space.limitData = l.soft.get(RLIMIT_DATA);
  space.limitStack = l.soft.get(RLIMIT_STACK);
  space.limitLock = privileged ? RLIM_INFINITY : l.soft.get(RLIMIT_MEMLOCK);
}

/** Whether `caller` may read and change limits of `target`: itself, the same user, or root. 0 or -PERM. */
export function checkLimitAccess(caller: Proc, target: Proc): i32 {
  if (caller === target || caller.cred.euid === 0) return 0;
  const c = caller.cred;
  const t = target.cred;
  if (
    c.uid === t.uid &&
    c.uid === t.euid &&
    c.uid === t.suid &&
    c.gid === t.gid &&
    c.gid === t.egid &&
    c.gid === t.sgid
  )
    return 0;
  return -Errno.PERM;
}
