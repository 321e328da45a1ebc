/**
 * System calls on descriptors: open, read, write and their kin, dup, fcntl, locks, sizes.
 *
 * Each handler decodes its arguments from the registers, checks the flags that kern does not and calls kern.
 * Neighbours: kern's `fileops.ts` and `fdops.ts`; `stat.ts`, `name.ts`. Invariant: a handler has no effect of its own, so it can be run again.
 * Source: the section 2 manual page of each call.
 */
import { Errno, i32, toLong, type long } from "@anax/portable";
import {
  AT_FDCWD,
  O_CREAT,
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
  kernSync,
  kernTruncate,
  kernWrite,
  kernWritev,
  type Lwp,
} from "@anax/kern";
import { arg0, arg1, arg2, arg3, arg4, int0, int1, int2, int3, int5, uint0, uint1 } from "./args";
import type { LinuxContext } from "./context";

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

export function sysFcntl(_c: LinuxContext, lwp: Lwp): long {
  return kernFcntl(lwp, int0(lwp), int1(lwp), arg2(lwp));
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

export function sysMemfdCreate(_c: LinuxContext, lwp: Lwp): long {
  return kernMemfdCreate(lwp, arg0(lwp), int1(lwp));
}
