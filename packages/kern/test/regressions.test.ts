/** What test suites and programs of others found; each of these failed once. */
import { describe, expect, it } from "vitest";
import { Errno } from "@anax/portable";
import { CLASS_NORMAL, CLASS_REALTIME } from "@anax/scheduler";
import { Cred, ProcInfo } from "@anax/vfs-msg";
import {
  FUTEX_BITSET_ALL,
  KernelProcSource,
  LS_SLEEP,
  PRIO_PROCESS,
  PR_GET_TIMERSLACK,
  PR_SET_TIMERSLACK,
  RLIMIT_MEMLOCK,
  SA_RESETHAND,
  SA_SIGINFO,
  SCHED_FIFO,
  SCHED_OTHER,
  SCHED_RESET_ON_FORK,
  SIGRTMIN,
  SIGUSR1,
  SIG_DFL,
  SI_QUEUE,
  SI_USER,
  SigAction,
  SigActs,
  SigInfo,
  SigInfoPool,
  SigQueue,
  kernClone,
  kernFutexRequeue,
  kernFutexWake,
  kernPrctl,
  kernSchedGetscheduler,
  kernSchedPriorityLimit,
  kernSchedSetscheduler,
  kernSetpriority,
  kernSetresuid,
  kernSigqueue,
  kernVhangup,
  setrlimit,
  type ControllingTerminal,
  type Lwp,
} from "@anax/kern";
import { USER_END } from "@anax/machine";
import { World } from "./support/world";

const THREAD = 0x10f00;
/** Two pages of the stack. */
const DATA = USER_END - 8192;

describe("futexes", () => {
  it("fault when a shared one cannot be read; a private one is but an address", () => {
    const w = new World();
    const l = w.bare();
    expect(kernFutexWake(l, 0x7000, 1, FUTEX_BITSET_ALL, false)).toBe(-Errno.FAULT);
    expect(kernFutexWake(l, 0x7000, 1, FUTEX_BITSET_ALL, true)).toBe(0);
    expect(kernFutexRequeue(l, DATA, 1, 1, 0x7000, false, 0, false)).toBe(-Errno.FAULT);
    expect(kernFutexRequeue(l, 0x7000, 1, 1, DATA, false, 0, false)).toBe(-Errno.FAULT);
    expect(kernFutexRequeue(l, DATA, 1, 1, DATA + 4, false, 0, false)).toBe(0);
  });
});

describe("signals", () => {
  it("of a handler used once keep the flags that sigaction tells", () => {
    const acts = new SigActs();
    acts.set(SIGUSR1, 0x1234, SA_RESETHAND | SA_SIGINFO, 0x99, 4, 0);
    acts.reset(SIGUSR1);
    const a = new SigAction();
    acts.get(SIGUSR1, a);
    expect([a.handler, a.flags, a.maskLo]).toEqual([SIG_DFL, (SA_RESETHAND | SA_SIGINFO) >>> 0, 4]);
    expect(acts.caughtLo).toBe(0);
  });

  it("queued by a program beyond the limit are refused, those of kill come once", () => {
    const q = new SigQueue(new SigInfoPool());
    const info = new SigInfo();
    expect(q.post(info.reset(SIGRTMIN, SI_QUEUE), 0)).toBe(false);
    expect(q.post(info.reset(SIGRTMIN, SI_USER), 0)).toBe(true);
    expect(q.post(info.reset(SIGRTMIN, SI_USER), 0)).toBe(false);
    expect(q.post(info.reset(SIGUSR1, SI_QUEUE), 0)).toBe(true);
  });

  it("can be queued for a process by the id of any of its threads", () => {
    const w = new World();
    const l = w.child(w.bare());
    const tid = kernClone(l, THREAD, 0, 0, 0, 0);
    const info = new SigInfo().reset(SIGUSR1, SI_QUEUE);
    expect(kernSigqueue(l, tid, 0, info)).toBe(0);
    expect(l.proc.pending.has(SIGUSR1)).toBe(true);
    expect(kernSigqueue(l, tid, tid, info)).toBe(-Errno.SRCH);
  });
});

describe("scheduling", () => {
  it("of a child is reset when its parent asked for it", () => {
    const w = new World();
    const l = w.bare();
    expect(kernSchedSetscheduler(l, 0, SCHED_FIFO | SCHED_RESET_ON_FORK, 10)).toBe(0);
    expect(kernSchedGetscheduler(l, 0)).toBe(SCHED_FIFO | SCHED_RESET_ON_FORK);
    expect(l.sched.klass).toBe(CLASS_REALTIME);
    const c = w.child(l);
    expect([c.sched.klass, c.resetOnFork]).toEqual([CLASS_NORMAL, false]);
    expect(kernSchedSetscheduler(l, 0, SCHED_OTHER, 0)).toBe(0);
    expect(kernSetpriority(l, PRIO_PROCESS, 0, -5)).toBe(0);
    expect(w.child(l).sched.nice).toBe(-5);
    expect(kernSchedSetscheduler(l, 0, SCHED_OTHER | SCHED_RESET_ON_FORK, 0)).toBe(0);
    expect(w.child(l).sched.nice).toBe(0);
    l.proc.cred = Cred.of(5, 5);
    expect(kernSchedSetscheduler(l, 0, SCHED_OTHER, 0)).toBe(-Errno.PERM);
    expect([kernSchedPriorityLimit(6, true), kernSchedPriorityLimit(6, false)]).toEqual([0, 0]);
  });

  it("has a timer slack of its own that children begin with", () => {
    const w = new World();
    const l = w.bare();
    const get = (of: Lwp) => kernPrctl(of, PR_GET_TIMERSLACK, 0, 0, 0, 0);
    expect(get(l)).toBe(50000);
    expect(kernPrctl(l, PR_SET_TIMERSLACK, 70000, 0, 0, 0)).toBe(0);
    const c = w.child(l);
    expect([get(l), get(c)]).toEqual([70000, 70000]);
    kernPrctl(c, PR_SET_TIMERSLACK, 1, 0, 0, 0);
    kernPrctl(c, PR_SET_TIMERSLACK, 0, 0, 0, 0);
    expect(get(c)).toBe(70000);
    kernPrctl(l, PR_SET_TIMERSLACK, 0, 0, 0, 0);
    expect(get(l)).toBe(50000);
  });
});

describe("memory", () => {
  it("is locked without limit by root alone", () => {
    const w = new World();
    const l = w.bare();
    expect(setrlimit(l.proc, RLIMIT_MEMLOCK, 4096, 4096, true)).toBe(0);
    expect(l.proc.vm.lock(DATA, 8192, true)).toBe(0);
    l.proc.vm.unlock(DATA, 8192);
    kernSetresuid(l.proc, 7, 7, 7);
    expect(l.proc.vm.lock(DATA, 8192, true)).toBe(-Errno.NOMEM);
  });
});

describe("the state of a process in /proc", () => {
  it("is that of its first thread", () => {
    const w = new World();
    const l = w.bare();
    const tid = kernClone(l, THREAD, 0, 0, 0, 0);
    const source = new KernelProcSource(w.kernel, new Uint8Array(0));
    const info = new ProcInfo();
    l.state = LS_SLEEP;
    source.fill(l.proc.pid, 0, info);
    expect(String.fromCharCode(info.state)).toBe("S");
    source.fill(l.proc.pid, tid, info);
    expect(String.fromCharCode(info.state)).toBe("R");
  });
});

describe("vhangup", () => {
  it("is root's, and does nothing without a terminal", () => {
    const w = new World();
    const l = w.bare();
    expect(kernVhangup(l.proc)).toBe(0);
    let hung = 0;
    const tty = { hangup: () => hung++, releaseSession: () => {}, groupGone: () => {} };
    l.proc.group!.session.tty = tty as unknown as ControllingTerminal;
    expect(kernVhangup(l.proc)).toBe(0);
    expect(hung).toBe(1);
    l.proc.cred = Cred.of(5, 5);
    expect(kernVhangup(l.proc)).toBe(-Errno.PERM);
  });
});
