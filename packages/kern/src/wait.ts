/**
 * Waiting for children.
 *
 * Key type `WaitResult` (filled in place). Neighbours: `exit.ts` (makes zombies), `signal.ts` (stops and continues).
 * Invariant: a child's end is told once, and then the child is gone.
 * Source: wait4(2), waitid(2).
 */
import { EASYNC, Errno, type i32, type u32 } from "@anax/portable";
import { exitCode, exitValue, reap } from "./exit";
import type { Lwp } from "./lwp";
import { isThere, pidFileOf } from "./pidfd";
import type { Proc } from "./proc";
import { CLD_CONTINUED, CLD_STOPPED, SIGCHLD, SIGCONT } from "./sigdefs";
import { Usage } from "./usage";

export const WNOHANG: i32 = 1;
export const WUNTRACED: i32 = 2;
export const WSTOPPED: i32 = 2;
export const WEXITED: i32 = 4;
export const WCONTINUED: i32 = 8;
export const WNOWAIT: i32 = 0x1000000;
export const WNOTHREAD: i32 = 0x20000000;
export const WALL: i32 = 0x40000000;
export const WCLONE: i32 = -0x80000000;

export const P_ALL: i32 = 0;
export const P_PID: i32 = 1;
export const P_PGID: i32 = 2;
export const P_PIDFD: i32 = 3;

/** What wait found. Valid until the next call. */
export class WaitResult {
  pid: i32 = 0;
  uid: u32 = 0;
  /** Status word as wait4 stores it. */
  status: i32 = 0;
  /** CLD_* and its value, as waitid stores them. */
  code: i32 = 0;
  value: i32 = 0;
  readonly usage: Usage = new Usage();

  clear(): void {
    this.pid = 0;
    this.uid = 0;
    this.status = 0;
    this.code = 0;
    this.value = 0;
    this.usage.clear();
  }
}

/**
 * wait4(2): `pid` > 0 that child, -1 any, 0 the caller's group, < -1 the group -pid. The pid, 0 (WNOHANG and nothing yet),
 * -CHILD, -INVAL, -INTR, EASYNC. What was found is in `lwp.kernel.waitResult`.
 */
export function kernWait4(l: Lwp, pid: i32, options: i32): i32 {
  if ((options & ~(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WALL | WCLONE)) !== 0) return -Errno.INVAL;
  if (pid === -0x80000000) return -Errno.SRCH;
  let type = P_PID;
  let id = pid;
  if (pid === -1) type = P_ALL;
  else if (pid <= 0) {
    type = P_PGID;
    id = pid === 0 ? l.proc.group!.pgid : -pid | 0;
  }
  const r = waitFor(l, type, id, options | WEXITED);
  return r < 0 ? r : l.kernel.waitResult.pid;
}

/**
 * waitid(2): 0 with `lwp.kernel.waitResult` filled (pid 0: WNOHANG and nothing yet), -CHILD, -INVAL, -BADF, -AGAIN, -INTR,
 * EASYNC.
 */
export function kernWaitid(l: Lwp, idtype: i32, id: i32, options: i32): i32 {
  if ((options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WNOTHREAD | WALL | WCLONE)) !== 0)
    return -Errno.INVAL;
  if ((options & (WEXITED | WSTOPPED | WCONTINUED)) === 0) return -Errno.INVAL;
  if (idtype === P_PIDFD) return waitPidfd(l, id, options);
  if (idtype < P_ALL || idtype > P_PGID) return -Errno.INVAL;
  if (idtype === P_PID && id <= 0) return -Errno.INVAL;
  if (idtype === P_PGID && id < 0) return -Errno.INVAL;
  const own = l.proc.group;
  return waitFor(l, idtype, idtype === P_PGID && id === 0 && own !== null ? own.pgid : id, options);
}

/** -BADF for a descriptor that is none of a process, -AGAIN when it is not to block. */
function waitPidfd(l: Lwp, fd: i32, options: i32): i32 {
  if (fd < 0) return -Errno.INVAL;
  const file = pidFileOf(l, fd);
  if (file === null) return -Errno.BADF;
  if (!isThere(file.proc)) return -Errno.CHILD;
  const r = waitFor(l, P_PID, file.proc.pid, file.isNonblocking ? options | WNOHANG : options);
  const nothing = r === 0 && l.kernel.waitResult.pid === 0;
  return nothing && (options & WNOHANG) === 0 ? -Errno.AGAIN : r;
}

/** Whether the options cover the child: clone children only with WCLONE or WALL. */
function covers(c: Proc, options: i32): boolean {
  if ((options & WALL) !== 0) return true;
  return (c.exitSignal !== SIGCHLD) === ((options & WCLONE) !== 0);
}

/** Looks at one child; true when it has something to tell, which is in `out`. */
function report(c: Proc, options: i32, out: WaitResult): boolean {
  if (c.zombie) {
    if ((options & WEXITED) === 0) return false;
    out.status = c.exitStatus;
    out.code = exitCode(c);
    out.value = exitValue(c);
    out.usage.add(c.usage);
    out.usage.add(c.childUsage);
  } else if ((options & WUNTRACED) !== 0 && c.stopped && !c.stopReported) {
    out.status = (c.stopSignal << 8) | 0x7f;
    out.code = CLD_STOPPED;
    out.value = c.stopSignal;
    if ((options & WNOWAIT) === 0) c.stopReported = true;
    liveUsage(c, out.usage);
  } else if ((options & WCONTINUED) !== 0 && !c.contReported) {
    out.status = 0xffff;
    out.code = CLD_CONTINUED;
    out.value = SIGCONT;
    if ((options & WNOWAIT) === 0) c.contReported = true;
    liveUsage(c, out.usage);
  } else return false;
  out.pid = c.pid;
  out.uid = c.cred.uid;
  return true;
}

function liveUsage(c: Proc, u: Usage): void {
  u.add(c.usage);
  u.utime = c.utime;
  u.stime = c.stime;
}

function waitFor(l: Lwp, type: i32, id: i32, options: i32): i32 {
  const p = l.proc;
  const out = l.kernel.waitResult;
  out.clear();
  let eligible = false;
  let c: Proc | null = null;
  if (type === P_PID) {
    c = l.kernel.pids.proc(id);
    if (c !== null && c.parent === p && covers(c, options)) {
      eligible = true;
      if (!report(c, options, out)) c = null;
    } else c = null;
  } else {
    c = p.children;
    while (c !== null) {
      const g = c.group;
      if (covers(c, options) && (type === P_ALL || (g !== null && g.pgid === id))) {
        eligible = true;
        if (report(c, options, out)) break;
      }
      c = c.siblingNext;
    }
  }
  if (c !== null) {
    if (c.zombie && (options & WNOWAIT) === 0) {
      p.childUsage.add(c.usage);
      p.childUsage.add(c.childUsage);
      reap(c);
    }
    return 0;
  }
  if (!eligible) return -Errno.CHILD;
  if ((options & WNOHANG) !== 0) return 0;
  if (l.interrupted) return -Errno.INTR;
  p.waitQueue.add(l);
  return EASYNC;
}
