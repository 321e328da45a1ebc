/**
 * fork, vfork, clone: new processes and threads.
 *
 * Neighbours: `proc.ts`, `lwp.ts`, `exit.ts`. Invariant: all that can fail (ids, limits, memory) comes before the new
 * process or LWP is visible, so an error leaves nothing behind.
 * Source: clone(2), fork(2), vfork(2), unshare(2).
 */
import { PAGE_SIZE, REG_RSP } from "@anax/machine";
import { EASYNC, Errno, longDiv, type i32, type long, u32 } from "@anax/portable";
import { CLASS_NORMAL, CLASS_REALTIME } from "@anax/scheduler";
import type { VmSpace } from "@anax/vm";
import type { Cred, NcHandle } from "@anax/vfs-msg";
import { FileTable } from "./descriptors";
import { fdLimit } from "./file-util";
import { ATT_RESCHED, type Kernel } from "./kernel";
import { RLIMIT_NPROC } from "./limits";
import { Lwp, OP_FORK } from "./lwp";
import { putPidFile } from "./pidfd";
import { FsContext, Proc } from "./proc";
import { ProcGroup, Session, enterGroup } from "./session";
import { SIGCHLD } from "./sigdefs";
import { SigActs, SigHand } from "./sigacts";

export const CSIGNAL: u32 = 0xff;
export const CLONE_VM: u32 = 0x100;
export const CLONE_FS: u32 = 0x200;
export const CLONE_FILES: u32 = 0x400;
export const CLONE_SIGHAND: u32 = 0x800;
export const CLONE_PIDFD: u32 = 0x1000;
export const CLONE_PTRACE: u32 = 0x2000;
export const CLONE_VFORK: u32 = 0x4000;
export const CLONE_PARENT: u32 = 0x8000;
export const CLONE_THREAD: u32 = 0x10000;
export const CLONE_NEWNS: u32 = 0x20000;
export const CLONE_SYSVSEM: u32 = 0x40000;
export const CLONE_SETTLS: u32 = 0x80000;
export const CLONE_PARENT_SETTID: u32 = 0x100000;
export const CLONE_CHILD_CLEARTID: u32 = 0x200000;
export const CLONE_DETACHED: u32 = 0x400000;
export const CLONE_UNTRACED: u32 = 0x800000;
export const CLONE_CHILD_SETTID: u32 = 0x1000000;
/** New name spaces and what else there is none of. */
const CLONE_UNKNOWN: u32 = 0xfe020000;

/**
 * clone(2): `flags` are CLONE_* with the exit signal in the low byte; `sp` 0 keeps the parent's; `clearHandlers` is
 * CLONE_CLEAR_SIGHAND. The new id,
 * -INVAL (flags that do not go together or are not known), -AGAIN (RLIMIT_NPROC, no ids), -NOMEM; EASYNC while
 * CLONE_VFORK's child runs.
 */
export function kernClone(
  l: Lwp,
  flags: u32,
  sp: long,
  uparentTid: long,
  uchildTid: long,
  tls: long,
  clearHandlers: boolean = false,
  upidfd: long = 0,
): i32 {
  if (l.vforkChild !== null) return waitVfork(l);
  if ((flags & CLONE_UNKNOWN) !== 0) return -Errno.INVAL;
  if ((flags & CLONE_SIGHAND) !== 0 && (flags & CLONE_VM) === 0) return -Errno.INVAL;
  if ((flags & CLONE_THREAD) !== 0 && (flags & CLONE_SIGHAND) === 0) return -Errno.INVAL;
  const p = l.proc;
  const k = l.kernel;
  if ((flags & CLONE_PARENT) !== 0 && p === k.init) return -Errno.INVAL;
  if (p.cred.uid !== 0 && k.users.count(p.cred.uid) >= p.limits.get32(RLIMIT_NPROC)) return -Errno.AGAIN;
  if (!k.vm.heapRoom((p.files!.length * 16 + 8192) | 0)) return -Errno.NOMEM;
  let pidfd: i32 = -1;
  if ((flags & CLONE_PIDFD) !== 0) {
    if ((flags & (CLONE_THREAD | CLONE_DETACHED)) !== 0) return -Errno.INVAL;
    pidfd = p.files!.lowestFree(0, fdLimit(l));
    if (pidfd < 0) return pidfd;
    const error = p.vm.put32(upidfd, u32(pidfd));
    if (error !== 0) return error;
  }
  const tid = k.pids.allocate();
  if (tid === 0) return -Errno.AGAIN;
  const fpuPage = k.pages.alloc();
  if (fpuPage === 0) return noMemory(l);
  const thread = (flags & CLONE_THREAD) !== 0;
  let space: VmSpace | null = p.space;
  if (!thread) {
    if ((flags & CLONE_VM) !== 0) p.vm.ref();
    else space = p.vm.fork(l.regs.get(REG_RSP));
    if (space === null) {
      k.pages.unref(fpuPage);
      return noMemory(l);
    }
  }

  // Nothing fails from here on.
  const child = thread ? p : newProc(l, tid, flags, space!);
  if (clearHandlers && !thread && (flags & CLONE_SIGHAND) === 0) child.sighand = child.sighand!.forExec();
  if (pidfd >= 0) putPidFile(l, pidfd, child, 0);
  const c = newLwp(l, child, tid, fpuPage);
  p.abi!.setChildReturn(c, sp, (flags & CLONE_SETTLS) !== 0 ? tls : -1);
  if ((flags & CLONE_PARENT_SETTID) !== 0) p.vm.put32(uparentTid, u32(tid));
  if ((flags & CLONE_CHILD_CLEARTID) !== 0) c.clearTid = uchildTid;
  if ((flags & CLONE_CHILD_SETTID) !== 0) {
    c.setTid = uchildTid;
    c.ast = true;
  }
  if (sp === 0 || !thread) {
    c.altSp = l.altSp;
    c.altSize = l.altSize;
    c.altFlags = l.altFlags;
  }
  k.forks = (k.forks + 1) | 0;
  k.scheduler.setRunnable(c.sched, k.loopTime);
  k.attention |= ATT_RESCHED;
  if ((flags & CLONE_VFORK) === 0) return tid;
  child.vforked = true;
  l.vforkChild = child;
  return waitVfork(l);
}

/** Room may be made for the new process, but not at the cost of its siblings. */
function noMemory(l: Lwp): i32 {
  l.opState = OP_FORK;
  return -Errno.NOMEM;
}

/** A parent in vfork: until the child has other memory. Only SIGKILL ends the wait early. */
function waitVfork(l: Lwp): i32 {
  const child = l.vforkChild!;
  if (!child.vforked) {
    l.vforkChild = null;
    l.uninterruptible = false;
    return child.pid;
  }
  l.uninterruptible = true;
  child.vforkQueue.add(l);
  return EASYNC;
}

/** fork(2). */
export function kernFork(l: Lwp): i32 {
  return kernClone(l, u32Of(SIGCHLD), 0, 0, 0, 0);
}

/** vfork(2). */
export function kernVfork(l: Lwp): i32 {
  return kernClone(l, u32(CLONE_VM | CLONE_VFORK | u32Of(SIGCHLD)), 0, 0, 0, 0);
}

function u32Of(x: i32): u32 {
  return x >>> 0;
}

/** The process of a child: everything but its LWP. */
function newProc(l: Lwp, pid: i32, flags: u32, space: VmSpace): Proc {
  const p = l.proc;
  const k = l.kernel;
  const c = new Proc(k, pid, p.cred);
  c.comm.set(p.comm);
  c.space = space;
  const files = p.files!;
  if ((flags & CLONE_FILES) !== 0) {
    files.refs++;
    c.files = files;
  } else c.files = files.copy();
  const fs = p.fs!;
  if ((flags & CLONE_FS) !== 0) {
    fs.refs++;
    c.fs = fs;
  } else c.fs = fs.copy();
  const hand = p.sighand!;
  if ((flags & CLONE_SIGHAND) !== 0) {
    hand.refs++;
    c.sighand = hand;
  } else c.sighand = hand.fork();
  c.limits.copyFrom(p.limits);
  c.abi = p.abi;
  c.copyExe(p);
  c.argStart = p.argStart;
  c.argEnd = p.argEnd;
  c.envStart = p.envStart;
  c.envEnd = p.envEnd;
  c.auxStart = p.auxStart;
  c.auxEnd = p.auxEnd;
  c.startStack = p.startStack;
  c.startCode = p.startCode;
  c.exitSignal = (flags & CSIGNAL) | 0;
  c.noNewPrivs = p.noNewPrivs;
  c.dumpable = p.dumpable;
  c.oomAdj = p.oomAdj;
  c.personality = p.personality;
  c.membarriers = p.membarriers;
  c.startTime = k.now();
  let parent: Proc = p;
  const grand = p.parent;
  if ((flags & CLONE_PARENT) !== 0 && grand !== null) {
    parent = grand;
    c.exitSignal = p.exitSignal;
  }
  k.pids.addProc(c);
  parent.addChild(c);
  enterGroup(c, p.group!);
  return c;
}

/** An LWP of `proc` with the context of `l`. */
function newLwp(l: Lwp, proc: Proc, tid: i32, fpuPage: u32): Lwp {
  const k = l.kernel;
  const c = new Lwp(k, tid, proc);
  if (proc === l.proc) {
    c.name = new Uint8Array(16);
    c.name.set(l.name);
  } else proc.comm.set(l.name);
  for (let i = 0; i < l.regs.length; i++) c.regs.set(i, l.regs.get(i));
  c.fpuPage = fpuPage;
  if (k.fpuOwner === l) k.machine.fpuSave(k.pages.pa(fpuPage));
  else k.machine.copyPhys(k.pages.pa(fpuPage), k.pages.pa(l.fpuPage), k.fpuSize);
  c.ioprio = l.ioprio;
  c.maskLo = l.maskLo;
  c.maskHi = l.maskHi;
  c.batch = l.batch;
  c.timerSlack = l.timerSlack;
  c.timerSlackDefault = l.timerSlack;
  c.startTime = k.now();
  attachLwp(k, c, l);
  if (l.resetOnFork) resetScheduling(c);
  return c;
}

/** SCHED_RESET_ON_FORK: nothing privileged goes to a child. */
function resetScheduling(c: Lwp): void {
  const s = c.kernel.scheduler;
  if (c.sched.klass === CLASS_REALTIME) s.setClass(c.sched, CLASS_NORMAL, 0, false);
  if (c.sched.nice < 0) s.setNice(c.sched, 0);
}

function attachLwp(k: Kernel, c: Lwp, parent: Lwp | null): void {
  c.proc.addLwp(c);
  k.pids.addLwp(c);
  k.users.change(c.proc.cred.uid, 1);
  k.scheduler.add(c.sched, parent === null ? null : parent.sched, k.loopTime);
}

/**
 * Process 1, before its program is loaded: root of the process tree, its own session and group, root and working directory
 * at `root`. It is not runnable yet; see `execInit`. Null when memory is out.
 */
export function createInit(k: Kernel, cred: Cred, root: NcHandle): Lwp | null {
  const fpuPage = k.pages.alloc();
  if (fpuPage === 0) return null;
  const pid = k.pids.allocate();
  const p = new Proc(k, pid, cred);
  const fs = new FsContext();
  fs.root.copyFrom(root);
  fs.cwd.copyFrom(root);
  p.fs = fs;
  p.files = new FileTable();
  p.sighand = new SigHand(new SigActs());
  // As on Linux: half of the processes whose kernel objects would fill an eighth of memory.
  const total: long = k.pages.totalCount;
  p.limits.setDefaults(longDiv(total * PAGE_SIZE, 131072 * 2));
  p.startTime = k.now();
  k.pids.addProc(p);
  const session = new Session(pid, p);
  k.pids.addSession(session);
  const group = new ProcGroup(pid, session);
  k.pids.addGroup(group);
  enterGroup(p, group);
  const l = new Lwp(k, pid, p);
  l.fpuPage = fpuPage;
  k.machine.fpuInit(k.pages.pa(fpuPage));
  l.startTime = p.startTime;
  attachLwp(k, l, null);
  k.init = p;
  return l;
}

/** unshare(2) of CLONE_FILES, CLONE_FS and CLONE_SYSVSEM; -INVAL for others. */
export function kernUnshare(l: Lwp, flags: u32): i32 {
  if ((flags & ~(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM)) !== 0) return -Errno.INVAL;
  const p = l.proc;
  const files = p.files!;
  if ((flags & CLONE_FILES) !== 0 && files.refs > 1) {
    p.files = files.copy();
    files.release();
  }
  const fs = p.fs!;
  if ((flags & CLONE_FS) !== 0 && fs.refs > 1) {
    p.fs = fs.copy();
    fs.release();
  }
  return 0;
}
