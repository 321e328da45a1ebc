/**
 * System calls on memory: brk, mmap, munmap, mprotect, mremap, madvise, mincore, msync, mlock and their kin.
 *
 * Neighbours: vm's `VmSpace` does the work; `file.ts`. Invariant: flags that would change the meaning of a mapping and are not
 * known are refused (MAP_SHARED_VALIDATE) or have no effect (as mmap(2) says of the old flags).
 * Source: mmap(2), mremap(2), madvise(2), mlock(2), msync(2), mincore(2).
 */
import { Errno, i32, longAnd, longDiv, longMin, toLong, type long } from "@anax/portable";
import { PAGE_SIZE, USER_END } from "@anax/machine";
import { nameMapping, type File, type Lwp } from "@anax/kern";
import {
  MAP_32BIT,
  MAP_ANONYMOUS,
  MAP_DENYWRITE,
  MAP_EXECUTABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MAP_TYPE,
  MCL_CURRENT,
  MCL_FUTURE,
  MCL_ONFAULT,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  PROT_ALL,
  type VmObject,
} from "@anax/vm";
import { arg0, arg1, arg2, arg4, arg5, int0, int2, int3, int4 } from "./args";
import type { LinuxContext } from "./context";

export function sysBrk(_c: LinuxContext, lwp: Lwp): long {
  return lwp.proc.vm.setBrk(arg0(lwp));
}

const LEGACY_FLAGS: i32 =
  MAP_TYPE |
  MAP_FIXED |
  MAP_ANONYMOUS |
  MAP_32BIT |
  MAP_GROWSDOWN |
  MAP_DENYWRITE |
  MAP_EXECUTABLE |
  MAP_LOCKED |
  MAP_NORESERVE |
  MAP_POPULATE |
  MAP_NONBLOCK |
  MAP_STACK |
  MAP_HUGETLB |
  MAP_FIXED_NOREPLACE;

export function sysMmap(_c: LinuxContext, lwp: Lwp): long {
  const len: long = arg1(lwp);
  const prot = int2(lwp) & PROT_ALL;
  const flags = int3(lwp);
  const offset: long = arg5(lwp);
  if (longAnd(offset, PAGE_SIZE - 1) !== toLong(0)) return -Errno.INVAL;
  // The descriptor is looked at first, whatever else is wrong.
  let file: File | null = null;
  if ((flags & MAP_ANONYMOUS) === 0) {
    file = lwp.proc.files!.get(int4(lwp));
    if (file === null) return -Errno.BADF;
  }
  const type = flags & MAP_TYPE;
  if (type !== MAP_SHARED && type !== MAP_PRIVATE && type !== MAP_SHARED_VALIDATE) return -Errno.INVAL;
  if (type === MAP_SHARED_VALIDATE && (flags & ~LEGACY_FLAGS) !== 0) return -Errno.OPNOTSUPP;
  if (len === toLong(0)) return -Errno.INVAL;
  if (len < 0 || len > USER_END) return -Errno.NOMEM;
  // There are no huge pages to be had: what a Linux without a reserve of them answers.
  if ((flags & MAP_HUGETLB) !== 0) return -Errno.NOMEM;
  const space = lwp.proc.vm;
  if (file === null) return space.map(arg0(lwp), len, prot, flags, null, 0);
  if (offset < 0 || offset + len > 0x7ffffffffffff000) return -Errno.OVERFLOW;
  const shared = type !== MAP_PRIVATE;
  const error = file.mmapCheck(prot, shared);
  if (error < 0) return error;
  const maxProt = file.mmapMaxProt(shared);
  const object: VmObject | null = file.mmapObject(lwp);
  const at: long = space.map(arg0(lwp), len, prot, flags, object, offset, maxProt);
  const vp = file.vnode;
  if (at >= 0 && object !== null && vp !== null) nameMapping(lwp, object, vp, file.handle);
  return at;
}

export function sysMunmap(_c: LinuxContext, lwp: Lwp): long {
  return lwp.proc.vm.unmap(arg0(lwp), arg1(lwp));
}

export function sysMprotect(_c: LinuxContext, lwp: Lwp): long {
  return lwp.proc.vm.protect(arg0(lwp), arg1(lwp), int2(lwp));
}

/** pkey_mprotect(2) where the CPU has no keys: only key -1, "none". */
export function sysPkeyMprotect(_c: LinuxContext, lwp: Lwp): long {
  if (int3(lwp) !== -1) return -Errno.INVAL;
  return lwp.proc.vm.protect(arg0(lwp), arg1(lwp), int2(lwp));
}

export function sysPkeyAlloc(_c: LinuxContext, _lwp: Lwp): long {
  return -Errno.NOSPC;
}

export function sysPkeyFree(_c: LinuxContext, _lwp: Lwp): long {
  return -Errno.INVAL;
}

export function sysMremap(_c: LinuxContext, lwp: Lwp): long {
  return lwp.proc.vm.remap(arg0(lwp), arg1(lwp), arg2(lwp), int3(lwp), arg4(lwp));
}

export function sysMsync(_c: LinuxContext, lwp: Lwp): long {
  const flags = int2(lwp);
  if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) !== 0) return -Errno.INVAL;
  if ((flags & MS_ASYNC) !== 0 && (flags & MS_SYNC) !== 0) return -Errno.INVAL;
  if (longAnd(arg0(lwp), PAGE_SIZE - 1) !== toLong(0)) return -Errno.INVAL;
  return lwp.proc.vm.sync(arg0(lwp), arg1(lwp), flags);
}

export function sysMadvise(_c: LinuxContext, lwp: Lwp): long {
  return lwp.proc.vm.advise(arg0(lwp), arg1(lwp), int2(lwp));
}

export function sysMincore(c: LinuxContext, lwp: Lwp): long {
  const start: long = arg0(lwp);
  const len: long = arg1(lwp);
  if (longAnd(start, PAGE_SIZE - 1) !== toLong(0)) return -Errno.INVAL;
  if (start < 0 || len < 0 || start > USER_END || len > USER_END - start) return -Errno.NOMEM;
  const space = lwp.proc.vm;
  let left: long = longDiv(len + (PAGE_SIZE - 1), PAGE_SIZE);
  let at: long = start;
  let uvec: long = arg2(lwp);
  while (left > 0) {
    const n = i32(longMin(left, c.buf.length));
    let error = space.incore(at, n, c.buf, 0);
    if (error !== 0) return error;
    error = space.copyout(c.buf, 0, uvec, n);
    if (error !== 0) return error;
    at = at + toLong(n) * PAGE_SIZE;
    uvec = uvec + n;
    left = left - n;
  }
  return 0;
}

/** A limit of nothing means that locking is not allowed at all, which is another error than "too much". */
function mayLock(lwp: Lwp): boolean {
  return lwp.proc.vm.limitLock > 0;
}

export function sysMlock(_c: LinuxContext, lwp: Lwp): long {
  if (!mayLock(lwp)) return -Errno.PERM;
  return lwp.proc.vm.lock(arg0(lwp), arg1(lwp), false);
}

const MLOCK_ONFAULT: i32 = 1;

export function sysMlock2(_c: LinuxContext, lwp: Lwp): long {
  if ((int2(lwp) & ~MLOCK_ONFAULT) !== 0) return -Errno.INVAL;
  if (!mayLock(lwp)) return -Errno.PERM;
  return lwp.proc.vm.lock(arg0(lwp), arg1(lwp), int2(lwp) === MLOCK_ONFAULT);
}

export function sysMunlock(_c: LinuxContext, lwp: Lwp): long {
  return lwp.proc.vm.unlock(arg0(lwp), arg1(lwp));
}

export function sysMlockall(_c: LinuxContext, lwp: Lwp): long {
  const flags = int0(lwp);
  if (flags === 0 || flags === MCL_ONFAULT || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) !== 0)
    return -Errno.INVAL;
  if (!mayLock(lwp)) return -Errno.PERM;
  return lwp.proc.vm.lockAll(flags);
}

export function sysMunlockall(_c: LinuxContext, lwp: Lwp): long {
  return lwp.proc.vm.lockAll(0);
}
