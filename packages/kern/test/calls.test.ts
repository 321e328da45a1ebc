/** System calls on processes, called directly: ids, limits, priorities, sessions, timers, settings. */
import { describe, expect, it } from "vitest";
import { Errno, i32 } from "@anax/portable";
import { Cred } from "@anax/vfs-msg";
import {
  IOPRIO_CLASS_SHIFT,
  CLOCK_BOOTTIME,
  CLOCK_MONOTONIC,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  ID_KEEP,
  P_ALL,
  P_PGID,
  P_PID,
  PID_MAX,
  PRIO_PGRP,
  PRIO_PROCESS,
  PRIO_USER,
  PR_GET_NAME,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_NAME,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
  PidTable,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIM_INFINITY,
  SCHED_BATCH,
  SCHED_FIFO,
  SCHED_IDLE,
  SCHED_OTHER,
  SCHED_RR,
  SIGCHLD,
  SIGKILL,
  SIGTERM,
  SIGUSR1,
  SIGUSR2,
  SI_QUEUE,
  SI_TIMER,
  SigInfo,
  TimerSpec,
  Usage,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  exitProc,
  getpgid,
  getsid,
  isOrphaned,
  kernClockGettime,
  kernClockSettime,
  kernClone,
  kernGetpriority,
  kernIoprioGet,
  kernIoprioSet,
  kernGetrusage,
  kernKill,
  kernPrctl,
  kernReboot,
  kernSchedGetparam,
  kernSchedGetscheduler,
  kernSchedSetscheduler,
  kernSetfsuid,
  kernSetgid,
  kernSetgroups,
  kernSetpriority,
  kernSetregid,
  kernSetresuid,
  kernSetreuid,
  kernSetuid,
  kernSigqueue,
  kernTimerCreate,
  kernTimerDelete,
  kernTimerGetoverrun,
  kernTimerGettime,
  kernTimerSettime,
  kernWait4,
  kernWaitid,
  setpgid,
  setrlimit,
  setsid,
  type Lwp,
} from "@anax/kern";
import { EASYNC } from "@anax/portable";
import { USER_END } from "@anax/machine";
import { World } from "./support/world";

const ids = (l: Lwp) => [l.proc.cred.uid, l.proc.cred.euid, l.proc.cred.suid, l.proc.cred.fsuid];

function user(w: World, uid: number): Lwp {
  const l = w.child(w.bare());
  l.proc.cred = Cred.of(uid, uid);
  return l;
}

describe("credentials", () => {
  it("gives root up for good with setuid, and only the effective id with seteuid", () => {
    const w = new World();
    const l = w.bare();
    expect(kernSetresuid(l.proc, ID_KEEP, 1000, ID_KEEP)).toBe(0);
    expect(ids(l)).toEqual([0, 1000, 0, 1000]);
    expect(kernSetresuid(l.proc, 1001, ID_KEEP, ID_KEEP)).toBe(-Errno.PERM);
    expect(kernSetuid(l.proc, 0)).toBe(0);
    expect(ids(l)).toEqual([0, 0, 0, 0]);
    expect(kernSetuid(l.proc, 1000)).toBe(0);
    expect(ids(l)).toEqual([1000, 1000, 1000, 1000]);
    expect(kernSetuid(l.proc, 0)).toBe(-Errno.PERM);
    expect(kernSetuid(l.proc, ID_KEEP)).toBe(-Errno.INVAL);
    expect(w.kernel.users.count(1000)).toBe(1);
    expect(w.kernel.users.count(0)).toBe(0);
  });

  it("swaps ids with setreuid and sets the saved one", () => {
    const w = new World();
    const l = user(w, 10);
    const c = l.proc.cred.copy();
    c.euid = 20;
    c.suid = 20;
    l.proc.cred = c;
    expect(kernSetreuid(l.proc, 20, 10)).toBe(0);
    expect(ids(l)).toEqual([20, 10, 10, 10]);
    expect(kernSetreuid(l.proc, ID_KEEP, 30)).toBe(-Errno.PERM);
    expect(kernSetregid(l.proc, 11, ID_KEEP)).toBe(-Errno.PERM);
    expect(kernSetgid(l.proc, 10)).toBe(0);
    expect(kernSetfsuid(l.proc, 20)).toBe(10);
    expect(l.proc.cred.fsuid).toBe(20);
    expect(kernSetfsuid(l.proc, 5)).toBe(20);
    expect(l.proc.cred.fsuid).toBe(20);
    expect(kernSetgroups(l.proc, Uint32Array.of(1, 2))).toBe(-Errno.PERM);
  });

  it("never changes a Cred that somebody else holds", () => {
    const w = new World();
    const l = w.bare();
    const before = l.proc.cred;
    kernSetuid(l.proc, 7);
    kernSetgroups(l.proc, Uint32Array.of(1));
    expect([before.uid, before.groups.length]).toEqual([0, 0]);
  });
});

describe("limits", () => {
  it("lower freely, rise only with privilege, and hold", () => {
    const w = new World();
    const l = user(w, 5);
    const p = l.proc;
    expect(setrlimit(p, RLIMIT_NOFILE, 10, 20, false)).toBe(0);
    expect(setrlimit(p, RLIMIT_NOFILE, 20, 21, false)).toBe(-Errno.PERM);
    expect(setrlimit(p, RLIMIT_NOFILE, 21, 20, true)).toBe(-Errno.INVAL);
    expect(setrlimit(p, RLIMIT_NOFILE, 5, 1_048_577, true)).toBe(-Errno.PERM);
    expect(setrlimit(p, 16, 1, 1, true)).toBe(-Errno.INVAL);
    expect(setrlimit(p, RLIMIT_NOFILE, RLIM_INFINITY, 20, false)).toBe(-Errno.INVAL);
    expect(p.limits.get32(RLIMIT_NOFILE)).toBe(10);
  });

  it("end forking at RLIMIT_NPROC for users, not for root, and leave nothing behind", () => {
    const w = new World();
    const l = w.bare();
    setrlimit(l.proc, RLIMIT_NPROC, 3, 3, true);
    const a = w.child(l);
    kernSetuid(a.proc, 9);
    const b = w.child(a);
    w.child(b);
    w.use(a);
    const pids = w.kernel.pids.usedCount;
    const free = w.kernel.pages.freeCount;
    expect(kernClone(a, SIGCHLD, 0, 0, 0, 0)).toBe(-Errno.AGAIN);
    expect(w.kernel.pids.usedCount).toBe(pids);
    expect(w.kernel.pages.freeCount).toBe(free);
    expect(w.child(l).proc.cred.uid).toBe(0);
  });
});

describe("process ids", () => {
  it("go round, and pass over what is in use", () => {
    const t = new PidTable();
    const seen: number[] = [];
    for (let i = 0; i < PID_MAX + 5; i++) seen.push(t.allocate());
    expect(seen.slice(0, 3)).toEqual([1, 2, 3]);
    expect(seen[PID_MAX - 2]).toBe(PID_MAX - 1);
    expect(seen[PID_MAX - 1]).toBe(300);
    const w = new World();
    const l = w.bare();
    const a = w.child(l);
    w.use(a);
    setsid(a.proc);
    // The group outlives its leader as long as it has a member, and keeps the number.
    const b = w.child(a);
    exitProc(w.use(a).proc, 0);
    w.use(l);
    expect(kernWait4(l, a.tid, 0)).toBe(a.tid);
    expect(w.kernel.pids.proc(a.tid)).toBeNull();
    expect(w.kernel.pids.group(a.tid)).not.toBeNull();
    expect(getsid(l.proc, b.tid)).toBe(a.tid);
    exitProc(w.use(b).proc, 0);
    w.use(l);
    kernWait4(l, -1, 0);
    expect(w.kernel.pids.group(a.tid)).toBeNull();
    expect(w.kernel.pids.usedCount).toBe(1);
  });
});

describe("sessions and groups", () => {
  it("follow the rules of setpgid and setsid", () => {
    const w = new World();
    const shell = w.child(w.bare());
    expect(setsid(shell.proc)).toBe(shell.tid);
    expect(setsid(shell.proc)).toBe(-Errno.PERM);
    expect(setpgid(shell.proc, 0, 0)).toBe(-Errno.PERM);
    const a = w.child(shell);
    const b = w.child(shell);
    expect(setpgid(shell.proc, a.tid, a.tid)).toBe(0);
    expect(setpgid(shell.proc, b.tid, a.tid)).toBe(0);
    expect(getpgid(shell.proc, b.tid)).toBe(a.tid);
    expect(setpgid(shell.proc, b.tid, -1)).toBe(-Errno.INVAL);
    expect(setpgid(shell.proc, b.tid, 999)).toBe(-Errno.PERM);
    expect(setpgid(b.proc, a.tid, 0)).toBe(-Errno.SRCH);
    a.proc.execed = true;
    expect(setpgid(shell.proc, a.tid, shell.tid)).toBe(-Errno.ACCES);
    expect(isOrphaned(a.proc.group!, null)).toBe(false);
    expect(isOrphaned(shell.proc.group!, null)).toBe(true);
    expect(setsid(b.proc)).toBe(b.tid);
    expect(setpgid(shell.proc, b.tid, b.tid)).toBe(-Errno.PERM);
    expect(getsid(shell.proc, 12345)).toBe(-Errno.SRCH);
  });
});

describe("waitid", () => {
  it("tells without taking with WNOWAIT, and by group", () => {
    const w = new World();
    const l = w.bare();
    const a = w.child(l);
    setpgid(a.proc, 0, 0);
    w.use(l);
    expect(kernWaitid(l, P_ALL, 0, WEXITED | WNOHANG)).toBe(0);
    expect(w.kernel.waitResult.pid).toBe(0);
    expect(kernWaitid(l, P_PGID, a.tid, WEXITED)).toBe(EASYNC);
    l.leaveAll();
    exitProc(w.use(a).proc, 3 << 8);
    w.use(l);
    for (let i = 0; i < 2; i++) {
      expect(kernWaitid(l, P_PID, a.tid, WEXITED | WNOWAIT)).toBe(0);
      expect([w.kernel.waitResult.pid, w.kernel.waitResult.code, w.kernel.waitResult.value]).toEqual([a.tid, 1, 3]);
    }
    expect(kernWaitid(l, P_PGID, a.tid, WEXITED)).toBe(0);
    expect(kernWaitid(l, P_ALL, 0, WEXITED)).toBe(-Errno.CHILD);
    expect(kernWaitid(l, P_ALL, 0, 0)).toBe(-Errno.INVAL);
    expect(kernWaitid(l, 7, 0, WEXITED)).toBe(-Errno.INVAL);
  });
});

describe("priorities", () => {
  it("of input and output are kept, checked and inherited", () => {
    const w = new World();
    const l = user(w, 5);
    const best = (2 << IOPRIO_CLASS_SHIFT) | 3;
    expect(kernIoprioGet(l, 1, 0)).toBe(0);
    expect(kernIoprioSet(l, 1, 0, best)).toBe(0);
    expect([kernIoprioGet(l, 1, 0), kernIoprioGet(l, 3, 5)]).toEqual([best, best]);
    expect(kernIoprioSet(l, 1, 0, (2 << IOPRIO_CLASS_SHIFT) | 8)).toBe(-Errno.INVAL);
    expect(kernIoprioSet(l, 1, 0, 4)).toBe(-Errno.INVAL);
    expect(kernIoprioSet(l, 1, 0, 1 << IOPRIO_CLASS_SHIFT)).toBe(-Errno.PERM);
    expect(kernIoprioSet(l, 1, 1, best)).toBe(-Errno.PERM);
    expect(kernIoprioSet(l, 4, 0, best)).toBe(-Errno.INVAL);
    expect(kernIoprioGet(l, 1, 999)).toBe(-Errno.SRCH);
  });

  it("are nice's and the classes'", () => {
    const w = new World();
    const l = user(w, 5);
    expect(kernGetpriority(l, PRIO_PROCESS, 0)).toBe(20);
    expect(kernSetpriority(l, PRIO_PROCESS, 0, 10)).toBe(0);
    expect(kernSetpriority(l, PRIO_PROCESS, 0, 5)).toBe(-Errno.ACCES);
    expect(kernSetpriority(l, PRIO_PROCESS, 1, 15)).toBe(-Errno.PERM);
    expect(kernSetpriority(l, PRIO_PROCESS, 999, 15)).toBe(-Errno.SRCH);
    expect(kernSetpriority(l, 9, 0, 15)).toBe(-Errno.INVAL);
    expect(kernGetpriority(l, PRIO_PGRP, 0)).toBe(20);
    expect(kernGetpriority(l, PRIO_USER, 5)).toBe(10);
    expect(kernGetpriority(l, PRIO_USER, 77)).toBe(-Errno.SRCH);
    expect(kernSchedSetscheduler(l, 0, SCHED_FIFO, 10)).toBe(-Errno.PERM);
    expect(kernSchedSetscheduler(l, 0, SCHED_OTHER, 1)).toBe(-Errno.INVAL);
    expect(kernSchedSetscheduler(l, 0, SCHED_IDLE, 0)).toBe(0);
    expect(kernSchedGetscheduler(l, 0)).toBe(SCHED_IDLE);
    const root = w.use(w.kernel.init!.lwps!);
    expect(kernSchedSetscheduler(root, l.tid, SCHED_RR, 42)).toBe(0);
    expect([kernSchedGetscheduler(root, l.tid), kernSchedGetparam(root, l.tid)]).toEqual([SCHED_RR, 42]);
    expect(kernSchedSetscheduler(root, l.tid, SCHED_RR, 100)).toBe(-Errno.INVAL);
    expect(kernSchedSetscheduler(root, l.tid, SCHED_BATCH, 0)).toBe(0);
    expect(kernSchedGetscheduler(root, l.tid)).toBe(SCHED_BATCH);
  });
});

describe("sending signals", () => {
  it("needs the same user, or root", () => {
    const w = new World();
    const init = w.bare();
    const a = w.child(init);
    a.proc.cred = Cred.of(1, 1);
    const b = w.child(init);
    b.proc.cred = Cred.of(2, 2);
    expect(kernKill(a, b.tid, SIGTERM)).toBe(-Errno.PERM);
    expect(kernKill(a, b.tid, 18)).toBe(0);
    expect(kernKill(init, b.tid, SIGTERM)).toBe(0);
    expect(b.proc.pending.has(SIGTERM)).toBe(true);
    expect(kernKill(a, -1, SIGTERM)).toBe(-Errno.PERM);
  });

  it("queues values, refuses to pose as the kernel, and is bounded", () => {
    const w = new World();
    const init = w.bare();
    const a = w.child(init);
    const info = new SigInfo().reset(40, SI_QUEUE);
    info.value = 1234;
    expect(kernSigqueue(init, a.tid, 0, info)).toBe(0);
    expect(a.proc.pending.take(40)!.value).toBe(1234);
    info.code = 0;
    expect(kernSigqueue(init, a.tid, 0, info)).toBe(-Errno.PERM);
    info.code = SI_QUEUE;
    a.proc.limits.soft.set(11, 3);
    const sent = [1, 2, 3, 4, 5].map(() => kernSigqueue(init, a.tid, 0, info));
    expect(sent).toEqual([0, 0, 0, -Errno.AGAIN, -Errno.AGAIN]);
  });
});

describe("clocks and timers", () => {
  it("real time is set by root and runs with the others", () => {
    const w = new World();
    const l = w.bare();
    const c = w.kernel.clock;
    expect(kernClockSettime(l, CLOCK_REALTIME, 1_800_000_000, 999_999_999)).toBe(0);
    kernClockGettime(l, CLOCK_REALTIME);
    expect(c.sec).toBeGreaterThanOrEqual(1_800_000_000);
    expect(c.sec).toBeLessThan(1_800_000_002);
    expect(c.nsec).toBeLessThan(1_000_000_000);
    kernClockGettime(l, CLOCK_MONOTONIC);
    expect(c.sec).toBe(0);
    expect(kernClockGettime(l, 10)).toBe(-Errno.INVAL);
    expect(kernClockSettime(l, CLOCK_MONOTONIC, 1, 0)).toBe(-Errno.INVAL);
    expect(c.toUptime(0, 0)).toBe(0);
    l.proc.cred = Cred.of(1, 1);
    expect(kernClockSettime(l, CLOCK_REALTIME, 1, 0)).toBe(-Errno.PERM);
    expect(kernClockGettime(l, CLOCK_PROCESS_CPUTIME_ID)).toBe(0);
  });

  it("POSIX timers fire, count what was missed, and end with the process", () => {
    const w = new World();
    const k = w.kernel;
    const init = w.bare();
    const l = w.child(init);
    const spec = new TimerSpec();
    expect(kernTimerCreate(l, 99, 0, SIGUSR1, 0, 0)).toBe(-Errno.INVAL);
    expect(kernTimerCreate(l, CLOCK_MONOTONIC, 0, 65, 0, 0)).toBe(-Errno.INVAL);
    const id = kernTimerCreate(l, CLOCK_MONOTONIC, 0, SIGUSR2, 77, 0);
    const other = kernTimerCreate(l, CLOCK_BOOTTIME, 1, 0, 0, 0);
    expect([id, other]).toEqual([0, 1]);
    expect(kernTimerSettime(l, id, false, 0, 1_000_000, 2_000_000)).toBe(0);
    expect(kernTimerGettime(l, id, spec)).toBe(0);
    expect(spec.interval).toBe(2_000_000);
    expect(spec.value).toBeGreaterThan(900_000);
    const start = k.now();
    k.wheel.run(start + 900_000);
    expect(l.proc.pending.has(SIGUSR2)).toBe(false);
    w.machine.sim.clock.advanceTo(start + 9_500_000);
    k.wheel.run(k.now());
    const si = l.proc.pending.take(SIGUSR2)!;
    expect([si.code, si.value, si.overrun]).toEqual([SI_TIMER, 77, 4]);
    expect(kernTimerGetoverrun(l, id)).toBe(4);
    expect(kernTimerSettime(l, id, false, 0, 0, 0)).toBe(0);
    kernTimerGettime(l, id, spec);
    expect(spec.value).toBe(0);
    expect(kernTimerDelete(l, other)).toBe(0);
    expect(kernTimerDelete(l, other)).toBe(-Errno.INVAL);
    kernTimerSettime(l, id, false, 100, 0, 0);
    exitProc(l.proc, 0);
    expect(k.wheel.armedCount).toBe(0);
  });
});

describe("prctl and reboot", () => {
  it("keep names, death signals and reapers", () => {
    const w = new World();
    const init = w.bare();
    const l = w.child(init);
    const at = USER_END - 4096;
    const name = Uint8Array.from("a rather long name\0", (c) => c.charCodeAt(0));
    l.proc.vm.copyout(name, 0, at, name.length);
    expect(kernPrctl(l, PR_SET_NAME, at, 0, 0, 0)).toBe(0);
    expect(kernPrctl(l, PR_GET_NAME, at, 0, 0, 0)).toBe(0);
    const back = new Uint8Array(16);
    l.proc.vm.copyin(at, back, 0, 16);
    expect(String.fromCharCode(...back)).toBe("a rather long n\0");
    expect(kernPrctl(l, PR_SET_NAME, 64, 0, 0, 0)).toBe(-Errno.FAULT);
    expect(kernPrctl(l, PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0)).toBe(-Errno.INVAL);
    expect(kernPrctl(l, 9999, 0, 0, 0, 0)).toBe(-Errno.INVAL);
    expect(kernPrctl(l, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)).toBe(0);
    const middle = w.child(l);
    const leaf = w.child(middle);
    expect(kernPrctl(leaf, PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0)).toBe(0);
    expect(kernPrctl(leaf, PR_SET_PDEATHSIG, 65, 0, 0, 0)).toBe(-Errno.INVAL);
    exitProc(w.use(middle).proc, SIGKILL);
    expect(leaf.proc.parent).toBe(l.proc);
    expect(leaf.proc.pending.has(SIGUSR1)).toBe(true);
    expect(l.proc.pending.has(SIGCHLD)).toBe(false);
  });

  it("asks for the right numbers before it reboots", () => {
    const w = new World();
    const l = w.bare();
    expect(kernReboot(l, 1, 672274793, 0x4321fedc)).toBe(-Errno.INVAL);
    expect(kernReboot(l, 0xfee1dead, 672274793, 5)).toBe(-Errno.INVAL);
    expect(w.kernel.haltCode).toBe(-1);
    expect(kernReboot(l, 0xfee1dead, 672274793, 0x01234567)).toBe(0);
    expect(w.kernel.haltCode).toBe(1);
    l.proc.cred = Cred.of(1, 1);
    expect(kernReboot(l, 0xfee1dead, 672274793, 0x01234567)).toBe(-Errno.PERM);
  });

  it("shows what was used", () => {
    const w = new World();
    const l = w.bare();
    const u = new Usage();
    expect(kernGetrusage(l, 0, u)).toBe(0);
    expect(u.utime + u.stime).toBeGreaterThan(0);
    expect(kernGetrusage(l, -1, u)).toBe(0);
    expect(u.utime).toBe(0);
    expect(kernGetrusage(l, i32(5), u)).toBe(-Errno.INVAL);
  });
});
