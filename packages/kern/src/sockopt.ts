/**
 * Options of sockets.
 *
 * Neighbours: `unix-socket.ts`, `socketcalls.ts`. Invariant: what has no meaning for local sockets is accepted and has no effect.
 * Source: socket(7), unix(7).
 */
import { Errno, getI32, getLong, i32, longDiv, longMod, putI32, putLong, u32, type long } from "@anax/portable";
import type { Lwp } from "./lwp";
import {
  AF_UNIX,
  E_NOPROTOOPT,
  SOL_SOCKET,
  SO_ACCEPTCONN,
  SO_BROADCAST,
  SO_DEBUG,
  SO_DOMAIN,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_PASSCRED,
  SO_PEERCRED,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_RCVTIMEO,
  SO_REUSEADDR,
  SO_SNDBUF,
  SO_SNDTIMEO,
  SO_TYPE,
} from "./socket-defs";
import { notSocket, socketOf } from "./socketcalls";

const NSEC_PER_SEC: long = 1000000000;

/** getsockopt(2): -NOPROTOOPT for what there is not. */
export function kernGetsockopt(lwp: Lwp, fd: i32, level: i32, name: i32, uvalue: long, ulength: long): i32 {
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  if (level !== SOL_SOCKET) return -Errno.OPNOTSUPP;
  const space = lwp.proc.space!;
  const v = space.get32(ulength);
  if (v < 0) return i32(v);
  const room = i32(v);
  if (room < 0) return -Errno.INVAL;
  const buf = lwp.kernel.fc.scratch;
  let size: i32 = 4;
  let value: i32 = 0;
  switch (name) {
    case SO_TYPE:
      value = s.type;
      break;
    case SO_ERROR:
      value = s.error;
      s.error = 0;
      break;
    case SO_DOMAIN:
      value = AF_UNIX;
      break;
    case SO_ACCEPTCONN:
      value = s.listening ? 1 : 0;
      break;
    case SO_PASSCRED:
      value = s.passCred ? 1 : 0;
      break;
    case SO_RCVBUF:
    case SO_SNDBUF:
      value = s.capacity;
      break;
    case SO_PROTOCOL:
    case SO_DEBUG:
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_BROADCAST:
      break;
    case SO_LINGER:
      size = 8;
      break;
    case SO_PEERCRED:
      size = 12;
      value = s.peerPid;
      break;
    case SO_RCVTIMEO:
    case SO_SNDTIMEO:
      size = 16;
      break;
    default:
      return -E_NOPROTOOPT;
  }
  putI32(buf, 0, value);
  if (name === SO_PEERCRED) {
    putI32(buf, 4, s.peerUid);
    putI32(buf, 8, s.peerGid);
  } else if (name === SO_LINGER) putI32(buf, 4, 0);
  else if (size === 16) {
    const t = name === SO_RCVTIMEO ? s.recvTimeout : s.sendTimeout;
    putLong(buf, 0, longDiv(t, NSEC_PER_SEC));
    putLong(buf, 8, longDiv(longMod(t, NSEC_PER_SEC), 1000));
  }
  if (room < size) size = room;
  const r = space.copyout(buf, 0, uvalue, size);
  return r < 0 ? r : space.put32(ulength, u32(size));
}

/** setsockopt(2). */
export function kernSetsockopt(lwp: Lwp, fd: i32, level: i32, name: i32, uvalue: long, length: i32): i32 {
  const s = socketOf(lwp, fd);
  if (s === null) return notSocket(lwp, fd);
  if (level !== SOL_SOCKET) return -E_NOPROTOOPT;
  const size: i32 = name === SO_RCVTIMEO || name === SO_SNDTIMEO ? 16 : 4;
  if (length < size) return -Errno.INVAL;
  const buf = lwp.kernel.fc.scratch;
  const r = lwp.proc.space!.copyin(uvalue, buf, 0, size);
  if (r < 0) return r;
  switch (name) {
    case SO_PASSCRED:
      s.passCred = getI32(buf, 0) !== 0;
      return 0;
    case SO_RCVTIMEO:
    case SO_SNDTIMEO: {
      const sec = getLong(buf, 0);
      const usec = getLong(buf, 8);
      if (usec < 0 || usec >= 1000000) return -Errno.DOM;
      const t: long = sec < 0 || sec > 2000000000 ? 0 : sec * NSEC_PER_SEC + usec * 1000;
      if (name === SO_RCVTIMEO) s.recvTimeout = t;
      else s.sendTimeout = t;
      return 0;
    }
    case SO_DEBUG:
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_BROADCAST:
    case SO_LINGER:
    case SO_RCVBUF:
    case SO_SNDBUF:
      // They have no effect on local sockets, whose buffers grow and shrink by themselves.
      return 0;
    default:
      return -E_NOPROTOOPT;
  }
}
