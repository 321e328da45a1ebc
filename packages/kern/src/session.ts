/**
 * Sessions, process groups and job control.
 *
 * Key types `Session`, `ProcGroup`, `ControllingTerminal` (what a tty shows of itself here). Neighbours: `tty.ts`, `exit.ts`,
 * `signal.ts`.
 * Invariant: a group is in the pid table while it has a member; a session lives while one of its groups does.
 * Source: POSIX 11.1 (general terminal interface), setpgid(2), setsid(2), credentials(7).
 */
import { Errno, type i32 } from "@anax/portable";
import type { Proc } from "./proc";
import type { Kernel } from "./kernel";

/** What a terminal must do for the session that it controls. Implemented by the tty. */
export interface ControllingTerminal {
  /** Device number, as in stat.rdev. */
  deviceNumber(): i32;
  /** The foreground process group, 0 when there is none. */
  foregroundPgid(): i32;
  /** The session leader is gone, or gave the terminal up: forget the session. `hangup` = send SIGHUP and SIGCONT to the foreground group. */
  releaseSession(session: Session, hangup: boolean): void;
  /** A group ceased to exist: it cannot be the foreground group any more. */
  groupGone(group: ProcGroup): void;
  /** The line is lost, for everybody who has it open. */
  hangup(): void;
}

/** A session: its groups and its terminal. */
export class Session {
  /** Groups in it. */
  groups: i32 = 0;
  leader: Proc | null;
  tty: ControllingTerminal | null = null;

  constructor(
    readonly sid: i32,
    leader: Proc | null,
  ) {
    this.leader = leader;
  }
}

/** A process group: its members are linked through `Proc#groupNext`. */
export class ProcGroup {
  members: Proc | null = null;
  count: i32 = 0;
  /** Chain of the pid table. */
  hashNext: ProcGroup | null = null;

  constructor(
    readonly pgid: i32,
    readonly session: Session,
  ) {
    session.groups++;
  }
}

/** Puts a process that is in no group into `group`. */
export function enterGroup(p: Proc, group: ProcGroup): void {
  p.group = group;
  const head = group.members;
  p.groupPrev = null;
  p.groupNext = head;
  if (head !== null) head.groupPrev = p;
  group.members = p;
  group.count++;
}

/** Takes a process out of its group; an empty group goes, and the last one of a session takes the session with it. */
export function leaveGroup(kernel: Kernel, p: Proc): void {
  const group = p.group;
  if (group === null) return;
  const next = p.groupNext;
  const prev = p.groupPrev;
  if (prev === null) group.members = next;
  else prev.groupNext = next;
  if (next !== null) next.groupPrev = prev;
  p.groupNext = null;
  p.groupPrev = null;
  p.group = null;
  group.count--;
  if (group.count > 0) return;
  const session = group.session;
  const tty = session.tty;
  if (tty !== null) tty.groupGone(group);
  kernel.pids.removeGroup(group);
  session.groups--;
  if (session.groups === 0) {
    if (tty !== null) {
      session.tty = null;
      tty.releaseSession(session, false);
    }
    kernel.pids.removeSession(session);
  }
}

/** setsid(2): the new session's id, or -PERM for a group leader. */
export function setsid(p: Proc): i32 {
  const kernel = p.kernel;
  if (kernel.pids.group(p.pid) !== null) return -Errno.PERM;
  const session = new Session(p.pid, p);
  kernel.pids.addSession(session);
  const group = new ProcGroup(p.pid, session);
  kernel.pids.addGroup(group);
  leaveGroup(kernel, p);
  enterGroup(p, group);
  return p.pid;
}

/**
 * setpgid(2). `pid` 0 is the caller, `pgid` 0 the pid. -INVAL (negative pgid), -SRCH (neither the caller nor its child),
 * -ACCES (the child has run exec), -PERM (a session leader; another session; no such group in this session).
 */
export function setpgid(p: Proc, pid: i32, pgid: i32): i32 {
  const kernel = p.kernel;
  if (pgid < 0) return -Errno.INVAL;
  let target: Proc | null = p;
  if (pid !== 0 && pid !== p.pid) {
    target = kernel.pids.proc(pid);
    if (target === null || target.zombie || target.parent !== p) return -Errno.SRCH;
    if (target.group!.session !== p.group!.session) return -Errno.PERM;
    if (target.execed) return -Errno.ACCES;
  }
  const session = target.group!.session;
  if (session.leader === target) return -Errno.PERM;
  const id = pgid === 0 ? target.pid : pgid;
  let group = kernel.pids.group(id);
  if (group === null) {
    if (id !== target.pid) return -Errno.PERM;
    group = new ProcGroup(id, session);
    kernel.pids.addGroup(group);
  } else if (group.session !== session) return -Errno.PERM;
  if (group === target.group) return 0;
  leaveGroup(kernel, target);
  enterGroup(target, group);
  return 0;
}

/** getpgid(2): 0 is the caller. -SRCH. */
export function getpgid(p: Proc, pid: i32): i32 {
  const target = pid === 0 ? p : p.kernel.pids.proc(pid);
  if (target === null) return -Errno.SRCH;
  const group = target.group;
  return group === null ? -Errno.SRCH : group.pgid;
}

/** getsid(2): 0 is the caller. -SRCH. */
export function getsid(p: Proc, pid: i32): i32 {
  const target = pid === 0 ? p : p.kernel.pids.proc(pid);
  if (target === null) return -Errno.SRCH;
  const group = target.group;
  return group === null ? -Errno.SRCH : group.session.sid;
}

/**
 * Whether no member has a parent in another group of the same session: nobody could continue it, so a terminal stop is
 * ignored. `leaving` is a process that is about to exit and does not count, neither as a member nor as a parent.
 */
export function isOrphaned(group: ProcGroup, leaving: Proc | null): boolean {
  let p = group.members;
  while (p !== null) {
    const parent = p.parent;
    if (p !== leaving && !p.zombie && parent !== null && parent !== leaving && !parent.zombie) {
      const pg = parent.group;
      if (pg !== null && pg !== group && pg.session === group.session && parent.pid !== 1) return false;
    }
    p = p.groupNext;
  }
  return true;
}

/** Whether a member is stopped. */
export function hasStopped(group: ProcGroup): boolean {
  let p = group.members;
  while (p !== null) {
    if (p.stopped && !p.zombie) return true;
    p = p.groupNext;
  }
  return false;
}

/** vhangup(2): hangs up the controlling terminal, if there is one. 0, -PERM. */
export function kernVhangup(p: Proc): i32 {
  if (p.cred.euid !== 0) return -Errno.PERM;
  const tty = p.group!.session.tty;
  if (tty !== null) tty.hangup();
  return 0;
}
