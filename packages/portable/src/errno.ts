/**
 * Error numbers. Kernel functions return them negated (`-Errno.NOENT`); success is 0 or a positive result.
 * Values: Linux asm-generic/errno-base.h and errno.h, the numbering of the only foreign ABI.
 * Invariant: never renumbered; `EASYNC` lies outside the errno range (1 to 4095).
 */
import type { i32 } from "./glue/js/types";

export enum Errno {
  PERM = 1,
  NOENT = 2,
  SRCH = 3,
  INTR = 4,
  IO = 5,
  NXIO = 6,
  TOOBIG = 7,
  NOEXEC = 8,
  BADF = 9,
  CHILD = 10,
  AGAIN = 11,
  NOMEM = 12,
  ACCES = 13,
  FAULT = 14,
  NOTBLK = 15,
  BUSY = 16,
  EXIST = 17,
  XDEV = 18,
  NODEV = 19,
  NOTDIR = 20,
  ISDIR = 21,
  INVAL = 22,
  NFILE = 23,
  MFILE = 24,
  NOTTY = 25,
  TXTBSY = 26,
  FBIG = 27,
  NOSPC = 28,
  SPIPE = 29,
  ROFS = 30,
  MLINK = 31,
  PIPE = 32,
  DOM = 33,
  RANGE = 34,
  DEADLK = 35,
  NAMETOOLONG = 36,
  NOLCK = 37,
  NOSYS = 38,
  NOTEMPTY = 39,
  LOOP = 40,
  NOMSG = 42,
  IDRM = 43,
  OVERFLOW = 75,
  ILSEQ = 84,
  NOTSOCK = 88,
  DESTADDRREQ = 89,
  MSGSIZE = 90,
  PROTONOSUPPORT = 93,
  OPNOTSUPP = 95,
  AFNOSUPPORT = 97,
  TIMEDOUT = 110,
  INPROGRESS = 115,
}

/** "Will complete later": what a port or a handler returns when the reply comes by message or wake-up. */
export const EASYNC: i32 = -8192;
