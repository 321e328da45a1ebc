/**
 * System calls on descriptors: open, read, write and their kin, dup, fcntl, locks, sizes.
 *
 * Each handler decodes its arguments from the registers, checks the flags that kern does not and calls kern.
 * Neighbours: kern's `fileops.ts` and `fdops.ts`; `stat.ts`, `name.ts`. Invariant: a handler has no effect of its own, so it can be run again.
 * Source: the section 2 manual page of each call.
 */
import { Errno, getI32, getLong, i32, toLong, type long } from "@anax/portable";
import { REG_RAX } from "@anax/machine";
import {
  AT_FDCWD,
  F_GETOWN,
  O_CREAT,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  kernClose,
  kernCloseRange,
  kernCopyFileRange,
  kernDup,
  kernDup2,
  kernDup3,
  kernFallocate,
  kernFcntl,
  kernFlock,
  kernFsync,
  kernFtruncate,
  kernIoctl,
  kernLseek,
  kernMemfdCreate,
  kernOpen,
  kernPipe2,
  kernPread,
  kernPreadv,
  kernPwrite,
  kernPwritev,
  kernRead,
  kernReadv,
  kernSendfile,
  kernSplice,
  kernSync,
  kernTee,
  kernTruncate,
  kernVmsplice,
  kernWrite,
  kernWritev,
  type Lwp,
} from "@anax/kern";
import { arg0, arg1, arg2, arg3, arg4, int0, int1, int2, int3, int5, uint0, uint1 } from "./args";
import { RESULT_IN_REGISTERS, type LinuxContext } from "./context";
import { OpenHowL } from "./layout";

export function sysRead(_c: LinuxContext, lwp: Lwp): long {
  return kernRead(lwp, int0(lwp), arg1(lwp), arg2(lwp));
}

export function sysWrite(_c: LinuxContext, lwp: Lwp): long {
  return kernWrite(lwp, int0(lwp), arg1(lwp), arg2(lwp));
}

export function sysPread64(_c: LinuxContext, lwp: Lwp): long {
  return kernPread(lwp, int0(lwp), arg1(lwp), arg2(lwp), arg3(lwp));
}

export function sysPwrite64(_c: LinuxContext, lwp: Lwp): long {
  return kernPwrite(lwp, int0(lwp), arg1(lwp), arg2(lwp), arg3(lwp));
}

/** An array's length as the int that kern takes; what does not fit is too long anyway. */
export function iovCount(v: long): i32 {
  return v < 0 || v > 0x7fffffff ? -1 : i32(v);
}

export function sysReadv(_c: LinuxContext, lwp: Lwp): long {
  return kernReadv(lwp, int0(lwp), arg1(lwp), iovCount(arg2(lwp)));
}

export function sysWritev(_c: LinuxContext, lwp: Lwp): long {
  return kernWritev(lwp, int0(lwp), arg1(lwp), iovCount(arg2(lwp)));
}

export function sysPreadv(_c: LinuxContext, lwp: Lwp): long {
  if (arg3(lwp) < 0) return -Errno.INVAL;
  return kernPreadv(lwp, int0(lwp), arg1(lwp), iovCount(arg2(lwp)), arg3(lwp));
}

export function sysPwritev(_c: LinuxContext, lwp: Lwp): long {
  if (arg3(lwp) < 0) return -Errno.INVAL;
  return kernPwritev(lwp, int0(lwp), arg1(lwp), iovCount(arg2(lwp)), arg3(lwp));
}

/** RWF_HIPRI, RWF_DSYNC, RWF_SYNC: hints for storage that has a queue; RWF_NOWAIT and RWF_APPEND change meaning. */
const RWF_HINTS: i32 = 0x7;

export function sysPreadv2(_c: LinuxContext, lwp: Lwp): long {
  const offset: long = arg3(lwp);
  if ((int5(lwp) & ~RWF_HINTS) !== 0) return -Errno.OPNOTSUPP;
  if (offset === toLong(-1)) return kernReadv(lwp, int0(lwp), arg1(lwp), iovCount(arg2(lwp)));
  if (offset < 0) return -Errno.INVAL;
  return kernPreadv(lwp, int0(lwp), arg1(lwp), iovCount(arg2(lwp)), offset);
}

export function sysPwritev2(_c: LinuxContext, lwp: Lwp): long {
  const offset: long = arg3(lwp);
  if ((int5(lwp) & ~RWF_HINTS) !== 0) return -Errno.OPNOTSUPP;
  if (offset === toLong(-1)) return kernWritev(lwp, int0(lwp), arg1(lwp), iovCount(arg2(lwp)));
  if (offset < 0) return -Errno.INVAL;
  return kernPwritev(lwp, int0(lwp), arg1(lwp), iovCount(arg2(lwp)), offset);
}

export function sysOpen(_c: LinuxContext, lwp: Lwp): long {
  return kernOpen(lwp, AT_FDCWD, arg0(lwp), int1(lwp), int2(lwp));
}

export function sysCreat(_c: LinuxContext, lwp: Lwp): long {
  return kernOpen(lwp, AT_FDCWD, arg0(lwp), O_CREAT | O_WRONLY | O_TRUNC, int1(lwp));
}

export function sysOpenat(_c: LinuxContext, lwp: Lwp): long {
  return kernOpen(lwp, int0(lwp), arg1(lwp), int2(lwp), int3(lwp));
}

/** Flags that openat2 knows: what open ignores, it refuses. */
const OPENAT2_FLAGS: i32 = 0o37777703;

/** openat2(2) with what open can do: a look-up under restrictions is ENOSYS, so that programs check themselves. */
export function sysOpenat2(c: LinuxContext, lwp: Lwp): long {
  const size: long = arg3(lwp);
  if (size < i32(OpenHowL.SIZE)) return -Errno.INVAL;
  if (size > c.buf.length) return -Errno.TOOBIG;
  const b = c.buf;
  const error = lwp.proc.vm.copyin(arg2(lwp), b, 0, i32(size));
  if (error !== 0) return error;
  for (let i = i32(OpenHowL.SIZE); i < i32(size); i++) if (b[i] !== 0) return -Errno.TOOBIG;
  const flags = getI32(b, OpenHowL.flags);
  const mode: long = getLong(b, OpenHowL.mode);
  if (getI32(b, OpenHowL.flags + 4) !== 0 || (flags & ~OPENAT2_FLAGS) !== 0 || mode < 0 || mode > 0o7777)
    return -Errno.INVAL;
  const creates = (flags & O_CREAT) !== 0 || (flags & O_TMPFILE) === O_TMPFILE;
  if (!creates && mode !== toLong(0)) return -Errno.INVAL;
  const resolve: long = getLong(b, OpenHowL.resolve);
  if (resolve < 0 || resolve > RESOLVE_ALL) return -Errno.INVAL;
  if (resolve !== toLong(0)) return -Errno.NOSYS;
  return kernOpen(lwp, int0(lwp), arg1(lwp), flags, i32(mode));
}

/** NO_XDEV, NO_MAGICLINKS, NO_SYMLINKS, BENEATH, IN_ROOT, CACHED. */
const RESOLVE_ALL: long = 0x3f;

export function sysClose(_c: LinuxContext, lwp: Lwp): long {
  return kernClose(lwp, int0(lwp));
}

export function sysCloseRange(_c: LinuxContext, lwp: Lwp): long {
  return kernCloseRange(lwp, uint0(lwp), uint1(lwp), int2(lwp));
}

export function sysLseek(_c: LinuxContext, lwp: Lwp): long {
  return kernLseek(lwp, int0(lwp), arg1(lwp), int2(lwp));
}

export function sysDup(_c: LinuxContext, lwp: Lwp): long {
  return kernDup(lwp, int0(lwp));
}

export function sysDup2(_c: LinuxContext, lwp: Lwp): long {
  return kernDup2(lwp, int0(lwp), int1(lwp));
}

export function sysDup3(_c: LinuxContext, lwp: Lwp): long {
  return kernDup3(lwp, int0(lwp), int1(lwp), int2(lwp));
}

export function sysPipe(_c: LinuxContext, lwp: Lwp): long {
  return kernPipe2(lwp, arg0(lwp), 0);
}

export function sysPipe2(_c: LinuxContext, lwp: Lwp): long {
  return kernPipe2(lwp, arg0(lwp), int1(lwp));
}

/** The owner of a group is a negative number, which may look like EASYNC: it goes into rax without further look. */
export function sysFcntl(_c: LinuxContext, lwp: Lwp): long {
  const r = kernFcntl(lwp, int0(lwp), int1(lwp), arg2(lwp));
  if (int1(lwp) !== F_GETOWN) return r;
  lwp.regs.set(REG_RAX, toLong(r));
  return RESULT_IN_REGISTERS;
}

export function sysIoctl(_c: LinuxContext, lwp: Lwp): long {
  return kernIoctl(lwp, int0(lwp), uint1(lwp), arg2(lwp));
}

export function sysFlock(_c: LinuxContext, lwp: Lwp): long {
  return kernFlock(lwp, int0(lwp), int1(lwp));
}

export function sysFsync(_c: LinuxContext, lwp: Lwp): long {
  return kernFsync(lwp, int0(lwp));
}

export function sysSync(_c: LinuxContext, lwp: Lwp): long {
  return kernSync(lwp);
}

/** syncfs(2): one file system or all of them makes no difference to what is promised. */
export function sysSyncfs(_c: LinuxContext, lwp: Lwp): long {
  if (lwp.proc.files!.get(int0(lwp)) === null) return -Errno.BADF;
  return kernSync(lwp);
}

export function sysTruncate(_c: LinuxContext, lwp: Lwp): long {
  if (arg1(lwp) < 0) return -Errno.INVAL;
  return kernTruncate(lwp, arg0(lwp), arg1(lwp));
}

export function sysFtruncate(_c: LinuxContext, lwp: Lwp): long {
  if (arg1(lwp) < 0) return -Errno.INVAL;
  return kernFtruncate(lwp, int0(lwp), arg1(lwp));
}

export function sysFallocate(_c: LinuxContext, lwp: Lwp): long {
  return kernFallocate(lwp, int0(lwp), int1(lwp), arg2(lwp), arg3(lwp));
}

export function sysSendfile(_c: LinuxContext, lwp: Lwp): long {
  return kernSendfile(lwp, int0(lwp), int1(lwp), arg2(lwp), arg3(lwp));
}

export function sysCopyFileRange(_c: LinuxContext, lwp: Lwp): long {
  if (int5(lwp) !== 0) return -Errno.INVAL;
  return kernCopyFileRange(lwp, int0(lwp), arg1(lwp), int2(lwp), arg3(lwp), arg4(lwp));
}

export function sysSplice(_c: LinuxContext, lwp: Lwp): long {
  return kernSplice(lwp, int0(lwp), arg1(lwp), int2(lwp), arg3(lwp), arg4(lwp), int5(lwp));
}

export function sysTee(_c: LinuxContext, lwp: Lwp): long {
  return kernTee(lwp, int0(lwp), int1(lwp), arg2(lwp), int3(lwp));
}

export function sysVmsplice(_c: LinuxContext, lwp: Lwp): long {
  return kernVmsplice(lwp, int0(lwp), arg1(lwp), iovCount(arg2(lwp)), int3(lwp));
}

export function sysMemfdCreate(_c: LinuxContext, lwp: Lwp): long {
  return kernMemfdCreate(lwp, arg0(lwp), int1(lwp));
}
