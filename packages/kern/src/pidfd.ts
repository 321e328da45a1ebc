/**
 * Descriptors of processes: pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), and what CLONE_PIDFD makes.
 *
 * Key type `PidFile`. It becomes readable when its process ends, and goes on to name that process, whoever gets the number next.
 * Neighbours: `exit.ts` (wakes `Proc#exitQueue`), `wait.ts` (P_PIDFD), `fork.ts`, `file.ts`. Invariant: a PidFile refers to one process
 * for ever; a process that was reaped only ever answers -SRCH.
 * Source: pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), clone(2).
 */
import { Errno, type i32 } from "@anax/portable";
import type { Waiter } from "@anax/lwkt";
import { PK_PID, ProcNode, type Cred, type Stat } from "@anax/vfs-msg";
import { O_NONBLOCK, O_RDWR, POLLIN, POLLRDNORM } from "./fcntl";
import { FK_PID, File } from "./file";
import { anonymousStat, fdLimit, heapOk } from "./file-util";
import type { Lwp } from "./lwp";
import type { Proc } from "./proc";
import { kernKill, kernSigqueue } from "./sigcalls";
import type { SigInfo } from "./sigqueue";

/** A process as an open file. */
export class PidFile extends File {
  constructor(
    readonly proc: Proc,
    flags: i32,
    cred: Cred,
    private readonly ino: i32,
  ) {
    super(FK_PID, flags, cred);
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    if (waiter !== null) this.proc.exitQueue.add(waiter);
    return this.proc.zombie ? events & (POLLIN | POLLRDNORM) : 0;
  }

  stat(st: Stat, _lwp: Lwp): i32 {
    return anonymousStat(st, this.ino, 0o600, this.cred);
  }

  close(): void {}
}

/** Whether the process can still be found: it runs, or is a zombie that nobody waited for. */
export function isThere(p: Proc): boolean {
  return p.kernel.pids.proc(p.pid) === p;
}

/** The PidFile at a descriptor, or null. */
export function pidFileOf(l: Lwp, fd: i32): PidFile | null {
  const file = l.proc.files!.get(fd);
  return file === null || file.kind !== FK_PID ? null : (file as PidFile);
}

/** The process of a descriptor; null when it is none of a process. A folder /proc/PID will do, too. */
function procOf(l: Lwp, fd: i32): Proc | null {
  const file = l.proc.files!.get(fd);
  if (file === null) return null;
  if (file.kind === FK_PID) return (file as PidFile).proc;
  const vp = file.vnode;
  if (vp === null || !(vp instanceof ProcNode)) return null;
  const node = vp as ProcNode;
  return node.entry.kind !== PK_PID ? null : l.kernel.pids.proc(node.pid);
}

/** A PidFile of `p` at `fd`, which is free. Closed on exec. */
export function putPidFile(l: Lwp, fd: i32, p: Proc, flags: i32): void {
  l.proc.files!.put(fd, new PidFile(p, O_RDWR | flags, l.proc.cred, l.kernel.fc.newIno()), true);
}

/** pidfd_open(2): -INVAL (flags; the id of a thread), -SRCH, -MFILE, -NOMEM. */
export function kernPidfdOpen(l: Lwp, pid: i32, flags: i32): i32 {
  if ((flags & ~O_NONBLOCK) !== 0 || pid <= 0) return -Errno.INVAL;
  const k = l.kernel;
  const p = k.pids.proc(pid);
  if (p === null) return k.pids.lwp(pid) === null ? -Errno.SRCH : -Errno.INVAL;
  if (!heapOk(l)) return -Errno.NOMEM;
  const fd = l.proc.files!.lowestFree(0, fdLimit(l));
  if (fd >= 0) putPidFile(l, fd, p, flags);
  return fd;
}

/** pidfd_send_signal(2): as kill(2), with `info` as rt_sigqueueinfo(2). -BADF, -INVAL, -SRCH, -PERM, -AGAIN. */
export function kernPidfdSendSignal(l: Lwp, fd: i32, sig: i32, info: SigInfo | null): i32 {
  const p = procOf(l, fd);
  if (p === null) return -Errno.BADF;
  if (!isThere(p)) return -Errno.SRCH;
  return info === null ? kernKill(l, p.pid, sig) : kernSigqueue(l, p.pid, 0, info);
}

/** Whether `p` may take what `target` has: the same user in every respect, or root. */
function mayTake(p: Proc, target: Proc): boolean {
  const mine = p.cred;
  const its = target.cred;
  if (p === target || mine.euid === 0) return true;
  if (target.dumpable !== 1 || mine.uid !== its.uid || mine.uid !== its.euid || mine.uid !== its.suid) return false;
  return mine.gid === its.gid && mine.gid === its.egid && mine.gid === its.sgid;
}

/** pidfd_getfd(2): a descriptor, closed on exec, of what `targetFd` is in the process. -BADF, -SRCH, -PERM, -MFILE, -NOMEM. */
export function kernPidfdGetfd(l: Lwp, pidfd: i32, targetFd: i32): i32 {
  const source = pidFileOf(l, pidfd);
  if (source === null) return -Errno.BADF;
  const p = source.proc;
  const files = p.files;
  if (files === null || !isThere(p)) return -Errno.SRCH;
  if (!mayTake(l.proc, p)) return -Errno.PERM;
  const file = files.get(targetFd);
  if (file === null) return -Errno.BADF;
  if (!heapOk(l)) return -Errno.NOMEM;
  const fd = l.proc.files!.lowestFree(0, fdLimit(l));
  if (fd < 0) return fd;
  file.ref();
  l.proc.files!.put(fd, file, true);
  return fd;
}
