/**
 * System calls on sockets.
 *
 * Neighbours: kern's `socketcalls.ts`, which knows addresses, messages and options. Invariant: this file only decodes.
 * Source: socket(2), accept(2), send(2), recv(2), sendmmsg(2), recvmmsg(2).
 */
import { EASYNC, i32, toLong, u32, type long } from "@anax/portable";
import {
  kernAccept,
  kernBind,
  kernConnect,
  kernGetpeername,
  kernGetsockname,
  kernGetsockopt,
  kernListen,
  kernRecvfrom,
  kernRecvmsg,
  kernSendmsg,
  kernSendto,
  kernSetsockopt,
  kernShutdown,
  kernSocket,
  kernSocketpair,
  type Lwp,
} from "@anax/kern";
import { arg1, arg2, arg3, arg4, arg5, int0, int1, int2, int3, int4, int5 } from "./args";
import type { LinuxContext } from "./context";
import { copyinTimespec } from "./timespec";

export function sysSocket(_c: LinuxContext, lwp: Lwp): long {
  return kernSocket(lwp, int0(lwp), int1(lwp), int2(lwp));
}

export function sysSocketpair(_c: LinuxContext, lwp: Lwp): long {
  return kernSocketpair(lwp, int0(lwp), int1(lwp), int2(lwp), arg3(lwp));
}

export function sysBind(_c: LinuxContext, lwp: Lwp): long {
  return kernBind(lwp, int0(lwp), arg1(lwp), int2(lwp));
}

export function sysListen(_c: LinuxContext, lwp: Lwp): long {
  return kernListen(lwp, int0(lwp), int1(lwp));
}

export function sysConnect(_c: LinuxContext, lwp: Lwp): long {
  return kernConnect(lwp, int0(lwp), arg1(lwp), int2(lwp));
}

export function sysAccept(_c: LinuxContext, lwp: Lwp): long {
  return kernAccept(lwp, int0(lwp), arg1(lwp), arg2(lwp), 0);
}

export function sysAccept4(_c: LinuxContext, lwp: Lwp): long {
  return kernAccept(lwp, int0(lwp), arg1(lwp), arg2(lwp), int3(lwp));
}

export function sysGetsockname(_c: LinuxContext, lwp: Lwp): long {
  return kernGetsockname(lwp, int0(lwp), arg1(lwp), arg2(lwp));
}

export function sysGetpeername(_c: LinuxContext, lwp: Lwp): long {
  return kernGetpeername(lwp, int0(lwp), arg1(lwp), arg2(lwp));
}

export function sysShutdown(_c: LinuxContext, lwp: Lwp): long {
  return kernShutdown(lwp, int0(lwp), int1(lwp));
}

export function sysSendto(_c: LinuxContext, lwp: Lwp): long {
  return kernSendto(lwp, int0(lwp), arg1(lwp), arg2(lwp), int3(lwp), arg4(lwp), int5(lwp));
}

export function sysRecvfrom(_c: LinuxContext, lwp: Lwp): long {
  return kernRecvfrom(lwp, int0(lwp), arg1(lwp), arg2(lwp), int3(lwp), arg4(lwp), arg5(lwp));
}

export function sysSendmsg(_c: LinuxContext, lwp: Lwp): long {
  return kernSendmsg(lwp, int0(lwp), arg1(lwp), int2(lwp));
}

export function sysRecvmsg(_c: LinuxContext, lwp: Lwp): long {
  return kernRecvmsg(lwp, int0(lwp), arg1(lwp), int2(lwp));
}

export function sysSetsockopt(_c: LinuxContext, lwp: Lwp): long {
  return kernSetsockopt(lwp, int0(lwp), int1(lwp), int2(lwp), arg3(lwp), int4(lwp));
}

export function sysGetsockopt(_c: LinuxContext, lwp: Lwp): long {
  return kernGetsockopt(lwp, int0(lwp), int1(lwp), int2(lwp), arg3(lwp), arg4(lwp));
}

/** struct mmsghdr: a struct msghdr, then the bytes of its message. */
const MMSGHDR_SIZE: i32 = 64;
const MMSGHDR_LEN: i32 = 56;
/** Messages of one call, as on Linux. */
const VLEN_MAX: u32 = 1024;

/**
 * sendmmsg(2) and recvmmsg(2): the first message may wait, those behind it are taken as far as they can be at once. How many;
 * an error of a later message ends the call with what was done.
 */
function manyMessages(lwp: Lwp, send: boolean): i32 {
  const asked = u32(arg2(lwp));
  const most: u32 = asked > VLEN_MAX ? VLEN_MAX : asked;
  const umsgs: long = arg1(lwp);
  let n: u32 = 0;
  while (n < most) {
    const umsg: long = umsgs + toLong(n) * MMSGHDR_SIZE;
    if (n > 0) lwp.opDone = 0;
    let r = send ? kernSendmsg(lwp, int0(lwp), umsg, int3(lwp)) : kernRecvmsg(lwp, int0(lwp), umsg, int3(lwp));
    if (r >= 0) r = lwp.proc.vm.put32(umsg + MMSGHDR_LEN, u32(r));
    if (r < 0) {
      if (n === 0) return r;
      if (r === EASYNC) lwp.leaveAll();
      break;
    }
    n = u32(n + 1);
  }
  return i32(n);
}

export function sysSendmmsg(_c: LinuxContext, lwp: Lwp): long {
  return manyMessages(lwp, true);
}

/** The time limit is checked only in its form: the first message waits as recvmsg does. */
export function sysRecvmmsg(c: LinuxContext, lwp: Lwp): long {
  if (arg4(lwp) !== toLong(0)) {
    const error = copyinTimespec(c, lwp, arg4(lwp));
    if (error !== 0) return error;
  }
  return manyMessages(lwp, false);
}
