/**
 * Numbers of the socket calls, as on Linux x86-64, and the errnos that only they give.
 *
 * Neighbours: `unix-socket.ts`, `socketcalls.ts`. Invariant: never renumbered.
 * Source: Linux uapi linux/socket.h, asm-generic/socket.h, asm-generic/errno.h.
 */
import type { i32 } from "@anax/portable";

export const AF_UNSPEC: i32 = 0;
export const AF_UNIX: i32 = 1;

export const SOCK_STREAM: i32 = 1;
export const SOCK_DGRAM: i32 = 2;
export const SOCK_RAW: i32 = 3;
export const SOCK_SEQPACKET: i32 = 5;
export const SOCK_TYPE_MASK: i32 = 15;
export const SOCK_NONBLOCK: i32 = 0o4000;
export const SOCK_CLOEXEC: i32 = 0o2000000;

export const SHUT_RD: i32 = 0;
export const SHUT_WR: i32 = 1;
export const SHUT_RDWR: i32 = 2;

export const MSG_OOB: i32 = 0x1;
export const MSG_PEEK: i32 = 0x2;
export const MSG_CTRUNC: i32 = 0x8;
export const MSG_TRUNC: i32 = 0x20;
export const MSG_DONTWAIT: i32 = 0x40;
export const MSG_EOR: i32 = 0x80;
export const MSG_WAITALL: i32 = 0x100;
export const MSG_NOSIGNAL: i32 = 0x4000;
export const MSG_CMSG_CLOEXEC: i32 = 0x40000000;

export const SOL_SOCKET: i32 = 1;
export const SO_DEBUG: i32 = 1;
export const SO_REUSEADDR: i32 = 2;
export const SO_TYPE: i32 = 3;
export const SO_ERROR: i32 = 4;
export const SO_BROADCAST: i32 = 6;
export const SO_SNDBUF: i32 = 7;
export const SO_RCVBUF: i32 = 8;
export const SO_KEEPALIVE: i32 = 9;
export const SO_LINGER: i32 = 13;
export const SO_PASSCRED: i32 = 16;
export const SO_PEERCRED: i32 = 17;
export const SO_RCVTIMEO: i32 = 20;
export const SO_SNDTIMEO: i32 = 21;
export const SO_ACCEPTCONN: i32 = 30;
export const SO_PROTOCOL: i32 = 38;
export const SO_DOMAIN: i32 = 39;

export const SCM_RIGHTS: i32 = 1;
export const SCM_CREDENTIALS: i32 = 2;
/** Most descriptors of one message. */
export const SCM_MAX_FD: i32 = 253;

/** Bytes of struct sockaddr_un, and of its path. */
export const SOCKADDR_UN_SIZE: i32 = 110;
export const SUN_PATH_SIZE: i32 = 108;
export const SOMAXCONN: i32 = 4096;

export const E_PROTOTYPE: i32 = 91;
export const E_NOPROTOOPT: i32 = 92;
export const E_SOCKTNOSUPPORT: i32 = 94;
export const E_ADDRINUSE: i32 = 98;
export const E_CONNRESET: i32 = 104;
export const E_ISCONN: i32 = 106;
export const E_NOTCONN: i32 = 107;
export const E_TOOMANYREFS: i32 = 109;
export const E_CONNREFUSED: i32 = 111;
