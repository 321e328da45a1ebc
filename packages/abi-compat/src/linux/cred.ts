/**
 * System calls on credentials: who a process is.
 *
 * Neighbours: kern's `credcalls.ts`, vfs-msg's `Cred`. Invariant: ids are 32 bits; -1 means "leave as it is" where the manual says so.
 * Source: credentials(7) and the section 2 manual page of each call.
 */
import { Errno, getU32, putU32, toLong, type i32, type long, type u32 } from "@anax/portable";
import {
  NGROUPS_MAX,
  kernSetfsgid,
  kernSetfsuid,
  kernSetgid,
  kernSetgroups,
  kernSetregid,
  kernSetresgid,
  kernSetresuid,
  kernSetreuid,
  kernSetuid,
  type Lwp,
} from "@anax/kern";
import { arg0, arg1, arg2, int0, uint0, uint1, uint2 } from "./args";
import type { LinuxContext } from "./context";

export function sysGetuid(_c: LinuxContext, lwp: Lwp): long {
  return toLong(lwp.proc.cred.uid);
}

export function sysGeteuid(_c: LinuxContext, lwp: Lwp): long {
  return toLong(lwp.proc.cred.euid);
}

export function sysGetgid(_c: LinuxContext, lwp: Lwp): long {
  return toLong(lwp.proc.cred.gid);
}

export function sysGetegid(_c: LinuxContext, lwp: Lwp): long {
  return toLong(lwp.proc.cred.egid);
}

export function sysSetuid(_c: LinuxContext, lwp: Lwp): long {
  return kernSetuid(lwp.proc, uint0(lwp));
}

export function sysSetgid(_c: LinuxContext, lwp: Lwp): long {
  return kernSetgid(lwp.proc, uint0(lwp));
}

export function sysSetreuid(_c: LinuxContext, lwp: Lwp): long {
  return kernSetreuid(lwp.proc, uint0(lwp), uint1(lwp));
}

export function sysSetregid(_c: LinuxContext, lwp: Lwp): long {
  return kernSetregid(lwp.proc, uint0(lwp), uint1(lwp));
}

export function sysSetresuid(_c: LinuxContext, lwp: Lwp): long {
  return kernSetresuid(lwp.proc, uint0(lwp), uint1(lwp), uint2(lwp));
}

export function sysSetresgid(_c: LinuxContext, lwp: Lwp): long {
  return kernSetresgid(lwp.proc, uint0(lwp), uint1(lwp), uint2(lwp));
}

function putThree(lwp: Lwp, a: u32, b: u32, c: u32): i32 {
  const space = lwp.proc.vm;
  let error = space.put32(arg0(lwp), a);
  if (error === 0) error = space.put32(arg1(lwp), b);
  return error !== 0 ? error : space.put32(arg2(lwp), c);
}

export function sysGetresuid(_c: LinuxContext, lwp: Lwp): long {
  const cred = lwp.proc.cred;
  return putThree(lwp, cred.uid, cred.euid, cred.suid);
}

export function sysGetresgid(_c: LinuxContext, lwp: Lwp): long {
  const cred = lwp.proc.cred;
  return putThree(lwp, cred.gid, cred.egid, cred.sgid);
}

export function sysSetfsuid(_c: LinuxContext, lwp: Lwp): long {
  return toLong(kernSetfsuid(lwp.proc, uint0(lwp)));
}

export function sysSetfsgid(_c: LinuxContext, lwp: Lwp): long {
  return toLong(kernSetfsgid(lwp.proc, uint0(lwp)));
}

/** getgroups(2): how many there are; a size of 0 only asks. */
export function sysGetgroups(c: LinuxContext, lwp: Lwp): long {
  const size = int0(lwp);
  const groups = lwp.proc.cred.groups;
  const n = groups.length;
  if (size === 0) return n;
  if (size < n) return -Errno.INVAL;
  const b = c.buf;
  const room = b.length >> 2;
  let uaddr: long = arg1(lwp);
  for (let from: i32 = 0; from < n; from = (from + room) | 0) {
    const count: i32 = ((n - from) | 0) < room ? (n - from) | 0 : room;
    for (let i: i32 = 0; i < count; i++) putU32(b, (i * 4) | 0, groups[from + i]);
    const error = lwp.proc.vm.copyout(b, 0, uaddr, (count * 4) | 0);
    if (error !== 0) return error;
    uaddr = uaddr + ((count * 4) | 0);
  }
  return n;
}

export function sysSetgroups(c: LinuxContext, lwp: Lwp): long {
  const n = int0(lwp);
  if (lwp.proc.cred.euid !== 0) return -Errno.PERM;
  if (n < 0 || n > NGROUPS_MAX) return -Errno.INVAL;
  if (!c.kernel.vm.heapRoom((n * 4 + 4096) | 0)) return -Errno.NOMEM;
  const groups = new Uint32Array(n);
  const b = c.buf;
  const room = b.length >> 2;
  let uaddr: long = arg1(lwp);
  for (let from: i32 = 0; from < n; from = (from + room) | 0) {
    const count: i32 = ((n - from) | 0) < room ? (n - from) | 0 : room;
    const error = lwp.proc.vm.copyin(uaddr, b, 0, (count * 4) | 0);
    if (error !== 0) return error;
    for (let i: i32 = 0; i < count; i++) groups[from + i] = getU32(b, (i * 4) | 0);
    uaddr = uaddr + ((count * 4) | 0);
  }
  return kernSetgroups(lwp.proc, groups);
}
