/**
 * The end of LWPs and processes.
 *
 * A process is ended by one of its own LWPs, on its way back to user mode or in its call; the others leave their queues and are
 * gone at once, since none of them is inside a handler. Resources are given back, and a zombie remains for `wait.ts`.
 * Neighbours: `wait.ts` (reaps), `signal.ts`, `session.ts`, `futex.ts` (what a dead thread's memory says).
 * Invariant: after `exitProc` the process has no LWP and no resource; every pid it held but its own is free.
 * Source: exit(2), exit_group(2), wait(2) (reparenting), prctl(2) (subreaper, parent-death signal), POSIX exit (orphaned groups).
 */
import { HALT_PANIC } from "@anax/machine";
import { EASYNC, type i32 } from "@anax/portable";
import { chargeCurrent } from "./accounting";
import { futexExit } from "./futex";
import type { Kernel } from "./kernel";
import { LS_DEAD, type Lwp } from "./lwp";
import { endTimers } from "./posix-timer";
import type { Proc } from "./proc";
import { hasStopped, isOrphaned, leaveGroup, type ProcGroup } from "./session";
import { CLD_DUMPED, CLD_EXITED, CLD_KILLED, SA_NOCLDWAIT, SIGCHLD, SIGCONT, SIGHUP, SIG_IGN } from "./sigdefs";
import { semExit } from "./sysv-sem";
import { groupSignal, procSignal, procSignalInfo } from "./signal";

/** exit(2): this thread ends; the last one ends the process with `code`. EASYNC: there is nothing to return to. */
export function kernExit(l: Lwp, code: i32): i32 {
  const p = l.proc;
  const status = (code & 0xff) << 8;
  if (p.lwpCount === 1) exitProc(p, p.leaderStatus >= 0 && l.tid !== p.pid ? p.leaderStatus : status);
  else {
    if (l.tid === p.pid) p.leaderStatus = status;
    endLwp(l);
  }
  return EASYNC;
}

/** exit_group(2): the process ends with `code`. EASYNC: there is nothing to return to. */
export function kernExitGroup(l: Lwp, code: i32): i32 {
  exitProc(l.proc, (code & 0xff) << 8);
  return EASYNC;
}

/**
 * Ends one LWP: it leaves every queue, its memory says so where the program asked for it, and its numbers are free. The
 * address space of its process must be the active one.
 */
export function endLwp(l: Lwp): void {
  const p = l.proc;
  const k = l.kernel;
  // What it used since the loop last looked is its own, not the idle time's.
  if (l === k.current) chargeCurrent(k);
  const space = p.space;
  if (space !== null && (space.refs > 1 || p.lwpCount > 1)) futexExit(l);
  l.leaveAll();
  if (l.timer.armed) k.disarm(l.timer);
  l.clearOp();
  l.vforkChild = null;
  l.state = LS_DEAD;
  k.scheduler.remove(l.sched);
  l.pending.clear();
  k.pids.removeLwp(l);
  p.removeLwp(l);
  k.users.change(p.cred.uid, -1);
  const u = p.usage;
  u.utime = u.utime + l.utime;
  u.stime = u.stime + l.stime;
  u.voluntarySwitches = (u.voluntarySwitches + l.voluntarySwitches) | 0;
  u.involuntarySwitches = (u.involuntarySwitches + l.involuntarySwitches) | 0;
  k.fpuForget(l);
  if (l.fpuPage !== 0) {
    k.pages.unref(l.fpuPage);
    l.fpuPage = 0;
  }
}

/** Ends all LWPs of a process but `keep`. */
export function endOtherLwps(p: Proc, keep: Lwp): void {
  let l = p.lwps;
  while (l !== null) {
    const next = l.next;
    if (l !== keep) endLwp(l);
    l = next;
  }
}

/** Ends a process with a wait status word. Called by its own LWP, with its address space active. */
export function exitProc(p: Proc, status: i32): void {
  const k = p.kernel;
  if (p.exiting) return;
  p.exiting = true;
  p.stopped = false;
  p.exitStatus = status;
  const space = p.space;
  if (space !== null && space.peakResident > p.usage.maxRss) p.usage.maxRss = space.peakResident;
  endTimers(p);
  let l = p.lwps;
  while (l !== null) {
    const next = l.next;
    endLwp(l);
    l = next;
  }
  p.pending.clear();
  semExit(p);
  releaseResources(p);
  leaveSession(p);
  orphanGroups(p);
  if (p === k.init) {
    k.initExited = true;
    k.initStatus = status;
    k.log("init has exited, status " + status.toString());
    k.halt(HALT_PANIC);
  } else reparentChildren(p);
  p.zombie = true;
  p.exitQueue.wakeup();
  tellParent(p);
}

/** Gives back what only a running process needs. Also the way vfork's parent hears that the child needs its memory no more. */
function releaseResources(p: Proc): void {
  const files = p.files;
  p.files = null;
  if (files !== null) files.release();
  const fs = p.fs;
  p.fs = null;
  if (fs !== null) fs.release();
  p.clearExe();
  const hand = p.sighand;
  p.sighand = null;
  if (hand !== null) hand.release();
  const space = p.space;
  p.space = null;
  if (space !== null) space.release();
  endVfork(p);
}

/** The child does not use its parent's memory any more: a parent in vfork goes on. */
export function endVfork(p: Proc): void {
  if (!p.vforked) return;
  p.vforked = false;
  p.vforkQueue.wakeup();
}

/** A session leader takes the terminal away from its session, whose foreground group hears SIGHUP. */
function leaveSession(p: Proc): void {
  const group = p.group;
  if (group === null) return;
  const session = group.session;
  if (session.leader !== p) return;
  session.leader = null;
  const tty = session.tty;
  if (tty === null) return;
  session.tty = null;
  tty.releaseSession(session, true);
}

function hangUp(k: Kernel, group: ProcGroup): void {
  groupSignal(k, group, SIGHUP);
  groupSignal(k, group, SIGCONT);
}

/** Stopped groups that nobody can continue any more hear SIGHUP and SIGCONT. */
function orphanGroups(p: Proc): void {
  const k = p.kernel;
  const own = p.group;
  if (own === null) return;
  const parent = p.parent;
  let pg: ProcGroup | null = null;
  if (parent !== null) pg = parent.group;
  if (pg !== null && pg !== own && pg.session === own.session) {
    if (hasStopped(own) && isOrphaned(own, p)) hangUp(k, own);
  }
  let c = p.children;
  while (c !== null) {
    const g = c.group;
    if (g !== null && g !== own && g.session === own.session && hasStopped(g) && isOrphaned(g, p)) hangUp(k, g);
    c = c.siblingNext;
  }
}

/** Who gets the children of `p`: the nearest ancestor that asked for them, else process 1. */
function findReaper(p: Proc): Proc | null {
  let a = p.parent;
  while (a !== null) {
    if (a.subreaper && !a.exiting) return a;
    a = a.parent;
  }
  return p.kernel.init;
}

function reparentChildren(p: Proc): void {
  let c: Proc | null = p.children;
  if (c === null) return;
  const reaper = findReaper(p);
  if (reaper === null) return;
  while (c !== null) {
    const next: Proc | null = c.siblingNext;
    p.removeChild(c);
    reaper.addChild(c);
    if (c.parentDeathSignal !== 0 && !c.zombie) procSignal(c, c.parentDeathSignal);
    c.exitSignal = SIGCHLD;
    if (c.zombie) tellParent(c);
    c = next;
  }
}

/** The parent hears of the end, or does not want to: then the zombie goes at once. */
function tellParent(p: Proc): void {
  const parent = p.parent;
  if (parent === null) return;
  const hand = parent.sighand;
  let ignored = false;
  let reapNow = false;
  if (hand !== null && p.exitSignal === SIGCHLD) {
    ignored = hand.acts.handler.get(SIGCHLD) === SIG_IGN;
    reapNow = ignored || (hand.acts.flags[SIGCHLD] & SA_NOCLDWAIT) !== 0;
  }
  if (p.exitSignal !== 0 && !ignored) {
    const info = p.kernel.childInfo.reset(p.exitSignal, exitCode(p));
    info.pid = p.pid;
    info.uid = p.cred.uid | 0;
    info.status = exitValue(p);
    info.utime = p.usage.utime;
    info.stime = p.usage.stime;
    procSignalInfo(parent, info);
  }
  if (reapNow) reap(p);
  parent.waitQueue.wakeup();
}

/** CLD_* of a zombie. */
export function exitCode(p: Proc): i32 {
  if ((p.exitStatus & 0x7f) === 0) return CLD_EXITED;
  return (p.exitStatus & 0x80) !== 0 ? CLD_DUMPED : CLD_KILLED;
}

/** Exit code or signal number of a zombie. */
export function exitValue(p: Proc): i32 {
  return (p.exitStatus & 0x7f) === 0 ? (p.exitStatus >> 8) & 0xff : p.exitStatus & 0x7f;
}

/** The zombie is gone. */
export function reap(p: Proc): void {
  const k = p.kernel;
  leaveGroup(k, p);
  const parent = p.parent;
  if (parent !== null) parent.removeChild(p);
  k.pids.removeProc(p);
}
