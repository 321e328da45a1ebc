import { describe, expect, it } from "vitest";
import { EASYNC, Errno } from "@anax/portable";
import { USER_END } from "@anax/machine";
import { Waiter } from "@anax/lwkt";
import { Cred } from "@anax/vfs-msg";
import {
  CLONE_PIDFD,
  CLONE_THREAD,
  KernelProcSource,
  O_NONBLOCK,
  POLLIN,
  P_PIDFD,
  SIGCHLD,
  SIGKILL,
  SIGUSR1,
  SI_QUEUE,
  SI_USER,
  SigInfo,
  WEXITED,
  WNOHANG,
  exitProc,
  kernClone,
  kernClose,
  kernEventfd,
  kernPidfdGetfd,
  kernPidfdOpen,
  kernPidfdSendSignal,
  kernWaitid,
  type Lwp,
} from "@anax/kern";
import { FdInfo } from "@anax/vfs-msg";
import { World } from "./support/world";

const DATA = USER_END - 8192;

class Seen extends Waiter {
  count = 0;
  override wake(): void {
    this.count++;
  }
}

function exit(w: World, p: Lwp, status: number): void {
  exitProc(w.use(p).proc, status);
}

describe("descriptors of processes", () => {
  it("become readable when the process ends, and can be waited for", () => {
    const w = new World();
    const l = w.bare();
    const c = w.child(l);
    w.use(l);
    const fd = kernPidfdOpen(l, c.tid, 0);
    const file = l.proc.files!.get(fd)!;
    const seen = new Seen();
    expect(file.poll(POLLIN, seen)).toBe(0);
    expect(kernWaitid(l, P_PIDFD, fd, WEXITED | WNOHANG)).toBe(0);
    expect(w.kernel.waitResult.pid).toBe(0);
    expect(kernWaitid(l, P_PIDFD, fd, WEXITED)).toBe(EASYNC);
    l.leaveAll();
    exit(w, c, 3 << 8);
    w.use(l);
    expect(seen.count).toBe(1);
    expect(file.poll(POLLIN, null)).toBe(POLLIN);
    expect(kernWaitid(l, P_PIDFD, fd, WEXITED)).toBe(0);
    expect([w.kernel.waitResult.pid, w.kernel.waitResult.value]).toEqual([c.tid, 3]);
    expect(kernWaitid(l, P_PIDFD, fd, WEXITED)).toBe(-Errno.CHILD);
    expect(kernPidfdSendSignal(l, fd, 0, null)).toBe(-Errno.SRCH);
    expect(file.poll(POLLIN, null)).toBe(POLLIN);
  });

  it("do not block with PIDFD_NONBLOCK", () => {
    const w = new World();
    const l = w.bare();
    const c = w.child(l);
    w.use(l);
    const fd = kernPidfdOpen(l, c.tid, O_NONBLOCK);
    expect(kernWaitid(l, P_PIDFD, fd, WEXITED)).toBe(-Errno.AGAIN);
    expect(kernWaitid(l, P_PIDFD, 40, WEXITED)).toBe(-Errno.BADF);
    expect(kernWaitid(l, P_PIDFD, -1, WEXITED)).toBe(-Errno.INVAL);
  });

  it("name processes alone, not threads or what does not exist", () => {
    const w = new World();
    const l = w.bare();
    const tid = kernClone(l, 0x10f00, 0, 0, 0, 0);
    expect(kernPidfdOpen(l, tid, 0)).toBe(-Errno.INVAL);
    expect(kernPidfdOpen(l, 4000, 0)).toBe(-Errno.SRCH);
    expect(kernPidfdOpen(l, 0, 0)).toBe(-Errno.INVAL);
    expect(kernPidfdOpen(l, l.tid, 1)).toBe(-Errno.INVAL);
  });

  it("send signals with the rights of kill", () => {
    const w = new World();
    const l = w.bare();
    const c = w.child(l);
    const other = w.child(l);
    other.proc.cred = Cred.of(7, 7);
    const fd = kernPidfdOpen(other, c.tid, 0);
    expect(kernPidfdSendSignal(other, fd, SIGUSR1, null)).toBe(-Errno.PERM);
    w.use(l);
    const mine = kernPidfdOpen(l, c.tid, 0);
    const info = new SigInfo();
    expect(kernPidfdSendSignal(l, mine, SIGUSR1, info.reset(SIGUSR1, SI_USER))).toBe(-Errno.PERM);
    expect(kernPidfdSendSignal(l, mine, SIGUSR1, info.reset(SIGUSR1, SI_QUEUE))).toBe(0);
    expect(c.proc.pending.has(SIGUSR1)).toBe(true);
    expect(kernPidfdSendSignal(l, mine, SIGKILL, null)).toBe(0);
    expect(c.proc.pending.has(SIGKILL)).toBe(true);
    expect(kernPidfdSendSignal(l, kernEventfd(l, 0, 0), 0, null)).toBe(-Errno.BADF);
  });

  it("are made by clone, which stores them before the child exists", () => {
    const w = new World();
    const l = w.bare();
    const flags = (CLONE_PIDFD | SIGCHLD) >>> 0;
    const pid = kernClone(l, flags, 0, 0, 0, 0, false, DATA);
    const fd = l.proc.vm.get32(DATA);
    expect(pid).toBeGreaterThan(1);
    expect(kernPidfdSendSignal(l, fd, 0, null)).toBe(0);
    expect(w.kernel.pids.proc(pid)!.files!.get(fd)).toBe(null);
    const before = w.kernel.forks;
    expect(kernClone(l, flags, 0, 0, 0, 0, false, 0x1000)).toBe(-Errno.FAULT);
    expect(kernClone(l, (CLONE_PIDFD | CLONE_THREAD | 0xf00) >>> 0, 0, 0, 0, 0, false, DATA)).toBe(-Errno.INVAL);
    expect(w.kernel.forks).toBe(before);
  });

  it("give the descriptors of the process to those who may look into it", () => {
    const w = new World();
    const l = w.bare();
    const c = w.child(l);
    const theirs = kernEventfd(c, 5, 0);
    const file = c.proc.files!.get(theirs)!;
    w.use(l);
    const fd = kernPidfdOpen(l, c.tid, 0);
    const got = kernPidfdGetfd(l, fd, theirs);
    expect(l.proc.files!.get(got)).toBe(file);
    expect(file.refs).toBe(2);
    expect(kernPidfdGetfd(l, fd, 77)).toBe(-Errno.BADF);
    expect(kernPidfdGetfd(l, got, theirs)).toBe(-Errno.BADF);
    expect(kernClose(l, got)).toBe(0);
    l.proc.cred = Cred.of(7, 7);
    expect(kernPidfdGetfd(l, fd, theirs)).toBe(-Errno.PERM);
    exit(w, c, 0);
    w.use(l);
    expect(kernPidfdGetfd(l, fd, theirs)).toBe(-Errno.SRCH);
  });

  it("show their process in /proc", () => {
    const w = new World();
    const l = w.bare();
    const c = w.child(l);
    const info = new FdInfo();
    const source = new KernelProcSource(w.kernel, new Uint8Array(0));
    w.use(l);
    const fd = kernPidfdOpen(l, c.tid, 0);
    source.fd(l.tid, fd, info);
    expect([info.pid, info.text.toString()]).toEqual([c.tid, "anon_inode:[pidfd]"]);
    exit(w, c, 0);
    w.use(l);
    kernWaitid(l, P_PIDFD, fd, WEXITED);
    source.fd(l.tid, fd, info);
    expect(info.pid).toBe(-1);
  });
});
