/**
 * System calls that look into other processes: process_vm_readv, process_vm_writev, kcmp.
 *
 * Neighbours: vm's `VmSpace`, kern's `PidTable`. Invariant: the caller's own address space is the active one whenever a handler returns.
 * Source: process_vm_readv(2), kcmp(2), ptrace(2) (who may look).
 */
import { Errno, getLong, i32, longAnd, longMin, toLong, type long } from "@anax/portable";
import { PAGE_SIZE } from "@anax/machine";
import type { Lwp, Proc } from "@anax/kern";
import { IOV_MAX, type VmSpace } from "@anax/vm";
import { arg1, arg2, arg3, arg4, arg5, int0, int1, int2, int3, int4 } from "./args";
import type { LinuxContext } from "./context";
import { IovecL } from "./layout";

/** Whether `lwp` may look into `target`: the same user in every respect, or root. */
function mayInspect(lwp: Lwp, target: Proc): boolean {
  if (lwp.proc === target) return true;
  const mine = lwp.proc.cred;
  if (mine.euid === 0) return true;
  const its = target.cred;
  if (target.dumpable !== 1) return false;
  return (
    mine.uid === its.uid &&
    mine.uid === its.euid &&
    mine.uid === its.suid &&
    mine.gid === its.gid &&
    mine.gid === its.egid &&
    mine.gid === its.sgid
  );
}

/** A position in an array of struct iovec of the caller. Two of them belong to the context. */
export class IovCursor {
  private at: long = 0;
  private left: i32 = 0;
  addr: long = 0;
  len: long = 0;

  begin(uiov: long, count: i32): void {
    this.at = uiov;
    this.left = count;
    this.addr = 0;
    this.len = 0;
  }

  /** Goes to the next entry that has bytes left. 1, 0 at the end, -FAULT, -INVAL, EASYNC. */
  fill(space: VmSpace, buf: Uint8Array): i32 {
    while (this.len === toLong(0)) {
      if (this.left === 0) return 0;
      const error = space.copyin(this.at, buf, 0, i32(IovecL.SIZE));
      if (error !== 0) return error;
      this.addr = getLong(buf, IovecL.base);
      this.len = getLong(buf, IovecL.len);
      if (this.len < 0) return -Errno.INVAL;
      this.at = this.at + i32(IovecL.SIZE);
      this.left--;
    }
    return 1;
  }

  advance(n: i32): void {
    this.addr = this.addr + n;
    this.len = this.len - n;
  }
}

/** Moves bytes between the caller and another process, page by page through a buffer. Bytes moved, or the first error. */
function moveBetween(c: LinuxContext, lwp: Lwp, write: boolean): long {
  const localCount: long = arg2(lwp);
  const remoteCount: long = arg4(lwp);
  if (arg5(lwp) !== toLong(0) || localCount < 0 || localCount > IOV_MAX || remoteCount < 0 || remoteCount > IOV_MAX)
    return -Errno.INVAL;
  const other = c.kernel.pids.proc(int0(lwp));
  if (other === null || other.space === null) return -Errno.SRCH;
  if (!mayInspect(lwp, other)) return -Errno.PERM;
  const mine = lwp.proc.vm;
  const its = other.vm;
  c.local.begin(arg1(lwp), i32(localCount));
  c.remote.begin(arg3(lwp), i32(remoteCount));
  let done: long = 0;
  for (;;) {
    let r = c.local.fill(mine, c.buf);
    if (r === 1) r = c.remote.fill(mine, c.buf);
    if (r === 1) {
      const room: long = toLong(PAGE_SIZE) - longAnd(c.remote.addr, PAGE_SIZE - 1);
      const n = i32(longMin(room, longMin(c.local.len, c.remote.len)));
      r = write ? moveOut(c, mine, its, n) : moveIn(c, mine, its, n);
      if (r === 0) {
        c.local.advance(n);
        c.remote.advance(n);
        done = done + n;
        continue;
      }
    }
    if (r === 0) return done;
    // What was moved counts; a page that is not there yet is waited for only at the start.
    return done > 0 ? done : toLong(r);
  }
}

function moveIn(c: LinuxContext, mine: VmSpace, its: VmSpace, n: i32): i32 {
  its.activate();
  const error = its.copyin(c.remote.addr, c.buf, 0, n);
  mine.activate();
  return error !== 0 ? error : mine.copyout(c.buf, 0, c.local.addr, n);
}

function moveOut(c: LinuxContext, mine: VmSpace, its: VmSpace, n: i32): i32 {
  let error = mine.copyin(c.local.addr, c.buf, 0, n);
  if (error !== 0) return error;
  its.activate();
  error = its.copyout(c.buf, 0, c.remote.addr, n);
  mine.activate();
  return error;
}

export function sysProcessVmReadv(c: LinuxContext, lwp: Lwp): long {
  return moveBetween(c, lwp, false);
}

export function sysProcessVmWritev(c: LinuxContext, lwp: Lwp): long {
  return moveBetween(c, lwp, true);
}

const KCMP_FILE: i32 = 0;
const KCMP_VM: i32 = 1;
const KCMP_FILES: i32 = 2;
const KCMP_FS: i32 = 3;
const KCMP_SIGHAND: i32 = 4;
const KCMP_IO: i32 = 5;
const KCMP_SYSVSEM: i32 = 6;
/** Equal; and different without an order between them. */
const KCMP_EQUAL: i32 = 0;
const KCMP_DIFFERENT: i32 = 3;

/** kcmp(2): objects have no order here, so different ones answer 3. */
export function sysKcmp(c: LinuxContext, lwp: Lwp): long {
  const a = c.kernel.pids.lwp(int0(lwp));
  const b = c.kernel.pids.lwp(int1(lwp));
  if (a === null || b === null) return -Errno.SRCH;
  if (!mayInspect(lwp, a.proc) || !mayInspect(lwp, b.proc)) return -Errno.PERM;
  const p = a.proc;
  const q = b.proc;
  let same = false;
  switch (int2(lwp)) {
    case KCMP_FILE: {
      const f = p.files!.get(int3(lwp));
      const g = q.files!.get(int4(lwp));
      if (f === null || g === null) return -Errno.BADF;
      same = f === g;
      break;
    }
    case KCMP_VM:
      same = p.space === q.space;
      break;
    case KCMP_FILES:
      same = p.files === q.files;
      break;
    case KCMP_FS:
      same = p.fs === q.fs;
      break;
    case KCMP_SIGHAND:
      same = p.sighand === q.sighand;
      break;
    case KCMP_IO:
    case KCMP_SYSVSEM:
      same = p === q;
      break;
    default:
      return -Errno.INVAL;
  }
  return same ? KCMP_EQUAL : KCMP_DIFFERENT;
}
