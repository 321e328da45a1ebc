/**
 * Light-weight processes: the threads of a process, each with a user context and one system call in progress.
 *
 * Key types `Lwp`, `LwpSched` (what the userland scheduler sees of it), `LwpTimer` (its time limit). Neighbours: `proc.ts`, `loop.ts` (runs it), `signal.ts`.
 * Typical sequence of a blocking call: the handler finds nothing, does `queue.add(lwp)` (and `lwp.limit(deadline)`), answers
 * EASYNC; a wake-up runs it again with `inCall` set and its `op` fields kept; its end clears them.
 * Invariant: an LWP is on the run queue exactly when it is RUN, not current, and its process is not stopped; no LWP but
 * the current one is ever inside a handler, so every other may be ended on the spot.
 * Source: DragonFly sys/sys/proc.h (struct lwp).
 */
import { Callout, Waiter } from "@anax/lwkt";
import { CTX_SLOTS } from "@anax/machine";
import { LongArray, type i32, type long, type u32 } from "@anax/portable";
import { SchedEntity } from "@anax/scheduler";
import { SysMsg } from "./abi";
import { SigQueue } from "./sigqueue";
import { SS_DISABLE } from "./sigdefs";
import type { FutexWait } from "./futex";
import type { Kernel } from "./kernel";
import type { OpState } from "./op";
import type { Proc } from "./proc";
import { pipeSignal } from "./signal";

/** On the run queue, or current. */
export const LS_RUN: i32 = 1;
/** Its call answered EASYNC. */
export const LS_SLEEP: i32 = 2;
/** It has exited. */
export const LS_DEAD: i32 = 3;

/** `opState` of a fork that found no memory: see `makeRoom`. */
export const OP_FORK: i32 = -1;

/** The scheduler's view of an LWP. */
export class LwpSched extends SchedEntity {
  constructor(readonly lwp: Lwp) {
    super();
  }
}

/** The time limit of a call. */
export class LwpTimer extends Callout {
  constructor(readonly lwp: Lwp) {
    super();
  }

  fire(): void {
    this.lwp.leaveAll();
    this.lwp.wake();
  }
}

export const TIMERSLACK_DEFAULT: long = 50000;

/**
 * A thread.
 *
 * | group | fields | touched by |
 * |---|---|---|
 * | identity | tid, proc, name | fork, exec, prctl |
 * | context | regs, fpuPage | machine in runUser, the ABI, fork, exec, signal frames |
 * | call | sysmsg, inCall, interrupted, op* | its own handler; cleared by the loop |
 * | state | state, wakePending, ast, timer | the loop, `wake` |
 * | signals | mask*, pending, alt* | signal.ts |
 * | usage | utime, stime, ... | the loop |
 */
export class Lwp extends Waiter {
  readonly sched!: LwpSched;
  readonly regs: LongArray = new LongArray(CTX_SLOTS);
  readonly sysmsg!: SysMsg;
  readonly timer!: LwpTimer;
  readonly pending!: SigQueue;
  /** Page with the FPU state while it is not in the registers; 0 before the LWP has one. */
  fpuPage: u32 = 0;

  state: i32 = LS_RUN;
  /** A system call is in progress: it answered EASYNC and will be run again. */
  inCall: boolean = false;
  /** A signal that has a handler waits: the call must finish. */
  interrupted: boolean = false;
  /** Woken while its handler still ran. */
  wakePending: boolean = false;
  /** Something (signals, exit, stop, a new mask) is to be looked at before it returns to user mode. */
  ast: boolean = false;
  /** It waits for what no signal may cut short (vfork's child); SIGKILL still ends it. */
  uninterruptible: boolean = false;

  /** Bytes, entries or objects done by earlier runs of the call. */
  opDone: long = 0;
  /** Absolute time limit in ns since boot; -1 when the call has not set one. */
  opDeadline: long = -1;
  /** The call's own progress; 0 at its start. */
  opState: i32 = 0;
  opArg: long = 0;
  opObj: OpState | null = null;

  maskLo: u32 = 0;
  maskHi: u32 = 0;
  /** The mask to go back to after sigsuspend, ppoll, pselect, while `maskSaved`. */
  savedMaskLo: u32 = 0;
  savedMaskHi: u32 = 0;
  maskSaved: boolean = false;
  /** The mask that the frame under construction saves. */
  frameMaskLo: u32 = 0;
  frameMaskHi: u32 = 0;
  /** Signals that sigtimedwait waits for. */
  waitLo: u32 = 0;
  waitHi: u32 = 0;
  /** The signal that a fault raised and that even process 1 takes. */
  forced: i32 = 0;
  altSp: long = 0;
  altSize: long = 0;
  altFlags: i32 = SS_DISABLE;

  /** clear_child_tid: zeroed and woken when the LWP goes. */
  clearTid: long = 0;
  /** CLONE_CHILD_SETTID: where the LWP stores its id when it first runs. */
  setTid: long = 0;
  /** The child whose exec or exit a vfork waits for. */
  vforkChild: Proc | null = null;
  /** What the LWP waits for in a futex call, made at its first use. */
  futex: FutexWait | null = null;
  /** Head of the robust futex list, 0 for none. */
  robustHead: long = 0;
  /** I/O priority: class << 13 | level, 0 for none. */
  ioprio: i32 = 0;
  /** Thread name, NUL padded. */
  name!: Uint8Array;

  /** SCHED_BATCH, which is scheduled as SCHED_OTHER is. */
  batch: boolean = false;
  /** SCHED_RESET_ON_FORK: children start as SCHED_OTHER, with nice 0 or more. */
  resetOnFork: boolean = false;
  /** prctl PR_SET_TIMERSLACK and what it goes back to, ns. Timers fire at their time, whatever it is. */
  timerSlack: long = TIMERSLACK_DEFAULT;
  timerSlackDefault: long = TIMERSLACK_DEFAULT;

  /** CPU time in user mode and in the kernel, ns. */
  utime: long = 0;
  stime: long = 0;
  voluntarySwitches: i32 = 0;
  involuntarySwitches: i32 = 0;
  startTime: long = 0;

  /** Links of `Proc#lwps`. */
  next: Lwp | null = null;
  prev: Lwp | null = null;
  /** Chain of the pid table. */
  hashNext: Lwp | null = null;

  constructor(
    readonly kernel: Kernel,
    public tid: i32,
    readonly proc: Proc,
  ) {
    super();
    this.sched = new LwpSched(this);
    this.sysmsg = new SysMsg(this);
    this.timer = new LwpTimer(this);
    this.pending = new SigQueue(kernel.siginfos);
    this.name = proc.comm;
  }

  /** From a wait queue, the timer or a signal: the call is run again. Does nothing unless it sleeps or is about to. */
  override wake(): void {
    this.kernel.wakeLwp(this);
  }

  /**
   * Sets the time limit of the call: it is run again at `deadline` (ns since boot) at the latest. Negative: none. The timer
   * is disarmed when the call ends.
   */
  limit(deadline: long): void {
    if (deadline < 0) return;
    this.opDeadline = deadline;
    if (!this.timer.armed || this.timer.deadline !== deadline) this.kernel.arm(this.timer, deadline);
  }

  /** SIGPIPE for a write that nobody can read. */
  raiseSigpipe(): void {
    pipeSignal(this);
  }

  /** Whether the time limit of the call is over. */
  get isLate(): boolean {
    return this.opDeadline >= 0 && this.kernel.now() >= this.opDeadline;
  }

  /** Clears the progress of a call. */
  clearOp(): void {
    this.opDone = 0;
    this.opDeadline = -1;
    this.opState = 0;
    this.opArg = 0;
    const o = this.opObj;
    if (o !== null) {
      this.opObj = null;
      o.drop(this);
    }
  }
}
