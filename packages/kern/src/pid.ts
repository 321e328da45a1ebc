/**
 * Process ids: allocation, and the tables that find processes, LWPs, groups and sessions by number.
 *
 * Key type `PidTable`. Neighbours: `fork.ts`, `exit.ts`, `session.ts`, `procinfo.ts` (iteration in pid order).
 * Invariant: a number is free exactly when nothing (process, LWP, group, session) bears it.
 * Source: POSIX 3.297 (a process id is not reused while a group of that id exists), pid_max of proc(5).
 */
import { kassert, type i32 } from "@anax/portable";
import type { Lwp } from "./lwp";
import type { Proc } from "./proc";
import type { ProcGroup, Session } from "./session";

/** Ids are below this, as on Linux by default. */
export const PID_MAX: i32 = 32768;
/** After the first round, allocation starts here. */
const PID_RESERVED: i32 = 300;
const BUCKETS: i32 = 512;

/** Who bears a number. */
const USED_PROC: i32 = 1;
const USED_LWP: i32 = 2;
const USED_GROUP: i32 = 4;
const USED_SESSION: i32 = 8;

export class PidTable {
  private readonly used: Uint8Array = new Uint8Array(PID_MAX);
  private readonly procs: Array<Proc | null> = [];
  private readonly lwps: Array<Lwp | null> = [];
  private readonly groups: Array<ProcGroup | null> = [];
  private last: i32 = 0;
  /** Processes, zombies included. */
  procCount: i32 = 0;
  /** LWPs that have not exited. */
  lwpCount: i32 = 0;

  constructor() {
    for (let i = 0; i < BUCKETS; i++) {
      this.procs.push(null);
      this.lwps.push(null);
      this.groups.push(null);
    }
  }

  /** The next free number after the one given last; 0 when all are taken. It is not taken by this call. */
  allocate(): i32 {
    let pid = this.last;
    for (let n = 0; n < PID_MAX; n++) {
      pid = (pid + 1) | 0;
      if (pid >= PID_MAX) pid = PID_RESERVED;
      if (this.used[pid] === 0) {
        this.last = pid;
        return pid;
      }
    }
    return 0;
  }

  /** The number given last, for /proc/loadavg. */
  get lastPid(): i32 {
    return this.last;
  }

  /** Numbers borne by something; for leak checks. */
  get usedCount(): i32 {
    let n: i32 = 0;
    for (let i = 0; i < PID_MAX; i++) if (this.used[i] !== 0) n++;
    return n;
  }

  proc(pid: i32): Proc | null {
    let p = this.procs[pid & (BUCKETS - 1)];
    while (p !== null && p.pid !== pid) p = p.hashNext;
    return p;
  }

  lwp(tid: i32): Lwp | null {
    let l = this.lwps[tid & (BUCKETS - 1)];
    while (l !== null && l.tid !== tid) l = l.hashNext;
    return l;
  }

  group(pgid: i32): ProcGroup | null {
    let g = this.groups[pgid & (BUCKETS - 1)];
    while (g !== null && g.pgid !== pgid) g = g.hashNext;
    return g;
  }

  /** The process with the lowest pid at or above `from`, or null. */
  nextProc(from: i32): Proc | null {
    for (let pid: i32 = from < 1 ? 1 : from; pid < PID_MAX; pid++) {
      if ((this.used[pid] & USED_PROC) !== 0) return this.proc(pid);
    }
    return null;
  }

  addProc(p: Proc): void {
    kassert((this.used[p.pid] & USED_PROC) === 0, "pid table: pid in use");
    const at = p.pid & (BUCKETS - 1);
    p.hashNext = this.procs[at];
    this.procs[at] = p;
    this.used[p.pid] = this.used[p.pid] | USED_PROC;
    this.procCount++;
  }

  removeProc(p: Proc): void {
    const at = p.pid & (BUCKETS - 1);
    let q = this.procs[at];
    if (q === p) this.procs[at] = p.hashNext;
    else {
      while (q !== null && q.hashNext !== p) q = q.hashNext;
      kassert(q !== null, "pid table: no such process");
      q!.hashNext = p.hashNext;
    }
    p.hashNext = null;
    this.used[p.pid] = this.used[p.pid] & ~USED_PROC;
    this.procCount--;
  }

  addLwp(l: Lwp): void {
    kassert((this.used[l.tid] & USED_LWP) === 0, "pid table: tid in use");
    const at = l.tid & (BUCKETS - 1);
    l.hashNext = this.lwps[at];
    this.lwps[at] = l;
    this.used[l.tid] = this.used[l.tid] | USED_LWP;
    this.lwpCount++;
  }

  removeLwp(l: Lwp): void {
    const at = l.tid & (BUCKETS - 1);
    let q = this.lwps[at];
    if (q === l) this.lwps[at] = l.hashNext;
    else {
      while (q !== null && q.hashNext !== l) q = q.hashNext;
      kassert(q !== null, "pid table: no such lwp");
      q!.hashNext = l.hashNext;
    }
    l.hashNext = null;
    this.used[l.tid] = this.used[l.tid] & ~USED_LWP;
    this.lwpCount--;
  }

  addGroup(g: ProcGroup): void {
    kassert((this.used[g.pgid] & USED_GROUP) === 0, "pid table: pgid in use");
    const at = g.pgid & (BUCKETS - 1);
    g.hashNext = this.groups[at];
    this.groups[at] = g;
    this.used[g.pgid] = this.used[g.pgid] | USED_GROUP;
  }

  removeGroup(g: ProcGroup): void {
    const at = g.pgid & (BUCKETS - 1);
    let q = this.groups[at];
    if (q === g) this.groups[at] = g.hashNext;
    else {
      while (q !== null && q.hashNext !== g) q = q.hashNext;
      kassert(q !== null, "pid table: no such group");
      q!.hashNext = g.hashNext;
    }
    g.hashNext = null;
    this.used[g.pgid] = this.used[g.pgid] & ~USED_GROUP;
  }

  addSession(s: Session): void {
    this.used[s.sid] = this.used[s.sid] | USED_SESSION;
  }

  removeSession(s: Session): void {
    this.used[s.sid] = this.used[s.sid] & ~USED_SESSION;
  }
}
