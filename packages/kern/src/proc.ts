/**
 * Processes.
 *
 * Key types `Proc`, `FsContext` (where its paths start). Neighbours: `lwp.ts`, `fork.ts`, `exec.ts`, `exit.ts`, `wait.ts`, `signal.ts`.
 * Invariant: a process is in the pid table from fork until it is waited for; it has LWPs until it is a zombie; `space`, `files`, `fs`
 * and `sighand` are null exactly in a zombie.
 * Source: DragonFly sys/sys/proc.h (struct proc).
 */
import { WaitQueue } from "@anax/lwkt";
import type { i32, long, u32 } from "@anax/portable";
import type { VmSpace } from "@anax/vm";
import { NcHandle, type Cred, type Vnode } from "@anax/vfs-msg";
import type { Abi } from "./abi";
import type { FileTable } from "./descriptors";
import type { ITimers } from "./itimer";
import type { Kernel } from "./kernel";
import { Limits } from "./limits";
import type { Lwp } from "./lwp";
import type { PosixTimers } from "./posix-timer";
import type { ProcGroup } from "./session";
import type { SigHand } from "./sigacts";
import { SigQueue } from "./sigqueue";
import type { SemUndo } from "./sysv-sem";
import { Usage } from "./usage";

/** Root, working directory and umask; shared by CLONE_FS. The handles are references. */
export class FsContext {
  /** Processes that share it. */
  refs: i32 = 1;
  umask: i32 = 0o022;

  readonly root: NcHandle = new NcHandle();
  readonly cwd: NcHandle = new NcHandle();

  /** The same places, with references of its own. */
  copy(): FsContext {
    const c = new FsContext();
    c.umask = this.umask;
    c.root.copyFrom(this.root);
    c.cwd.copyFrom(this.cwd);
    return c;
  }

  /** A process lets go. */
  release(): void {
    this.refs--;
    if (this.refs > 0) return;
    this.root.clear();
    this.cwd.clear();
  }
}

/**
 * A process.
 *
 * | group | fields | touched by |
 * |---|---|---|
 * | identity | pid, parent, group, comm, cred | fork, exec, exit, session.ts, cred.ts |
 * | resources | space, files, fs, sighand, limits, abi, exe | fork, exec, exit |
 * | threads | lwps, lwpCount | fork, exit |
 * | family | children, sibling* | fork, exit, wait |
 * | state | zombie, stopped, exiting, exit*, stop*, cont* | exit.ts, signal.ts, wait.ts |
 * | signals | pending | signal.ts |
 * | usage | usage (of LWPs that are gone), childUsage | exit, wait |
 */
export class Proc {
  cred: Cred;
  parent: Proc | null = null;
  group: ProcGroup | null = null;
  /** Command name, NUL padded to 16 bytes. Shared with the main LWP. */
  comm: Uint8Array = new Uint8Array(16);

  space: VmSpace | null = null;
  files: FileTable | null = null;
  fs: FsContext | null = null;
  sighand: SigHand | null = null;
  readonly limits: Limits = new Limits();
  abi: Abi | null = null;
  /** What semaphores get back at its end. */
  semUndo: SemUndo | null = null;
  /** The program it runs, which is kept from being written; empty before the first exec. */
  readonly exe: NcHandle = new NcHandle();
  exeVnode: Vnode | null = null;
  /** User addresses of the argument and environment strings, for procfs. */
  argStart: long = 0;
  argEnd: long = 0;
  envStart: long = 0;
  envEnd: long = 0;
  auxStart: long = 0;
  auxEnd: long = 0;
  startStack: long = 0;
  startCode: long = 0;

  /** LWPs, the main one first unless it has exited. */
  lwps: Lwp | null = null;
  lwpCount: i32 = 0;

  /** Oldest first. */
  children: Proc | null = null;
  childrenTail: Proc | null = null;
  childCount: i32 = 0;
  siblingNext: Proc | null = null;
  siblingPrev: Proc | null = null;
  groupNext: Proc | null = null;
  groupPrev: Proc | null = null;
  /** Chain of the pid table. */
  hashNext: Proc | null = null;
  /** Its LWPs that are in wait4 or waitid; vfork parents wait on `vforkQueue`. */
  readonly waitQueue: WaitQueue = new WaitQueue();
  readonly vforkQueue: WaitQueue = new WaitQueue();
  /** Who polls a pidfd of it. */
  readonly exitQueue: WaitQueue = new WaitQueue();

  /** All threads have exited; it waits for its parent. */
  zombie: boolean = false;
  /** An exit is under way: further signals do not matter. */
  exiting: boolean = false;
  stopped: boolean = false;
  /** wait status word (WEXITSTATUS << 8 | signal | 0x80 core), valid in a zombie. */
  exitStatus: i32 = 0;
  /** Status of the main LWP, when it ended before the others; -1 otherwise. */
  leaderStatus: i32 = -1;
  /** Its memory was taken away because there was none left. */
  oomKilled: boolean = false;
  /** The signal that stopped it, and whether its parent has been told by wait. */
  stopSignal: i32 = 0;
  stopReported: boolean = true;
  contReported: boolean = true;
  /** Sent to the parent at exit: SIGCHLD, or what clone was given; 0 for none. */
  exitSignal: i32 = 17;
  /** The program was replaced since fork. */
  execed: boolean = false;
  /** The parent waits until this child runs another program or exits. */
  vforked: boolean = false;
  subreaper: boolean = false;
  /** Some ancestor is a subreaper. */
  hasSubreaper: boolean = false;
  noNewPrivs: boolean = false;
  dumpable: i32 = 1;
  /** prctl(PR_SET_PDEATHSIG). */
  parentDeathSignal: i32 = 0;
  /** Out-of-memory preference, -1000 to 1000. */
  oomAdj: i32 = 0;
  personality: u32 = 0;
  /** Commands of membarrier(2) that the program registered for. */
  membarriers: i32 = 0;

  readonly pending: SigQueue;
  /** signalfd readers, woken by every signal that is queued. */
  readonly signalQueue: WaitQueue = new WaitQueue();
  itimers: ITimers | null = null;
  posixTimers: PosixTimers | null = null;
  /** CPU time at which RLIMIT_CPU is looked at next, ns; -1 to compute it. */
  cpuLimitNext: long = -1;

  readonly usage: Usage = new Usage();
  readonly childUsage: Usage = new Usage();
  startTime: long = 0;

  constructor(
    readonly kernel: Kernel,
    readonly pid: i32,
    cred: Cred,
  ) {
    this.cred = cred;
    this.pending = new SigQueue(kernel.siginfos);
  }

  get ppid(): i32 {
    const p = this.parent;
    return p === null ? 0 : p.pid;
  }

  /** The address space of a live process. */
  /* @inline */
  get vm(): VmSpace {
    return this.space!;
  }

  /** CPU time in user mode of all LWPs, ended ones included, ns. */
  get utime(): long {
    let t = this.usage.utime;
    let l = this.lwps;
    while (l !== null) {
      t = t + l.utime;
      l = l.next;
    }
    return t;
  }

  get stime(): long {
    let t = this.usage.stime;
    let l = this.lwps;
    while (l !== null) {
      t = t + l.stime;
      l = l.next;
    }
    return t;
  }

  addLwp(l: Lwp): void {
    l.prev = null;
    l.next = null;
    const head = this.lwps;
    if (head === null) this.lwps = l;
    else {
      // Behind the main LWP, so that it stays first.
      const after = head.next;
      l.prev = head;
      l.next = after;
      head.next = l;
      if (after !== null) after.prev = l;
    }
    this.lwpCount++;
  }

  removeLwp(l: Lwp): void {
    const next = l.next;
    const prev = l.prev;
    if (prev === null) this.lwps = next;
    else prev.next = next;
    if (next !== null) next.prev = prev;
    l.next = null;
    l.prev = null;
    this.lwpCount--;
  }

  /** Adds a child behind its elder siblings. */
  addChild(c: Proc): void {
    c.parent = this;
    const last = this.childrenTail;
    c.siblingNext = null;
    c.siblingPrev = last;
    if (last === null) this.children = c;
    else last.siblingNext = c;
    this.childrenTail = c;
    this.childCount++;
  }

  removeChild(c: Proc): void {
    const next = c.siblingNext;
    const prev = c.siblingPrev;
    if (prev === null) this.children = next;
    else prev.siblingNext = next;
    if (next === null) this.childrenTail = prev;
    else next.siblingPrev = prev;
    c.siblingNext = null;
    c.siblingPrev = null;
    c.parent = null;
    this.childCount--;
  }

  /** The program is `vp`, found as `name`: takes over the text reference that its exec got, and drops the old one's. */
  setExe(name: NcHandle, vp: Vnode): void {
    this.clearExe();
    this.exe.copyFrom(name);
    vp.ref();
    this.exeVnode = vp;
  }

  /** A forked child runs the same program. */
  copyExe(from: Proc): void {
    const vp = from.exeVnode;
    if (vp === null) return;
    this.kernel.vfs.textRef(vp);
    this.setExe(from.exe, vp);
  }

  clearExe(): void {
    const vp = this.exeVnode;
    this.exeVnode = null;
    if (vp === null) return;
    this.exe.clear();
    this.kernel.vfs.textUnref(vp);
    vp.unref();
  }

  /** Sets the command name from the last component of a path. */
  setComm(buf: Uint8Array, off: i32, n: i32): void {
    let start = off;
    const end: i32 = (off + n) | 0;
    for (let i = off; i < end; i++) if (buf[i] === 47) start = (i + 1) | 0;
    for (let i: i32 = 0; i < 16; i++) this.comm[i] = i < 15 && ((start + i) | 0) < end ? buf[start + i] : 0;
  }
}
