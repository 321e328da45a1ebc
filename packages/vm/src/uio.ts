/**
 * Uio: where the bytes of a read or write come from or go to, user memory described by iovecs or one kernel buffer.
 *
 * Owned by the LWP that does the I/O and reused from call to call. Neighbours: `space.ts` (user copies).
 * Invariant: `resid` counts what is left; after a fault the progress made stays in it. Source: uio(9).
 */
import { panic, type i32, type long } from "@anax/portable";
import type { VmSpace } from "./space";

/** Linux UIO_MAXIOV. */
export const IOV_MAX: i32 = 1024;

export class Uio {
  /** Bytes left. */
  resid: long = 0;
  /** File offset of the next byte, advanced by moves. */
  offset: long = 0;
  /** True for read(2): bytes go to the user. */
  isRead: boolean = false;

  /** One range of user memory. */
  initUser(space: VmSpace, addr: long, len: long, isRead: boolean, offset: long): void { panic("vm"); }
  /** `count` struct iovecs at `iov`: 0, -EFAULT, -EINVAL (count, a length, or their sum), -ENOMEM, EASYNC. */
  initIovecs(space: VmSpace, iov: long, count: i32, isRead: boolean, offset: long): i32 { panic("vm"); return 0; }
  /** A kernel buffer. */
  initKernel(buf: Uint8Array, off: i32, len: i32, isRead: boolean, offset: long): void { panic("vm"); }
  /** Moves `n` <= resid bytes between `buf` and the destination. 0, -EFAULT, -ENOMEM or EASYNC; progress is in `resid`. */
  move(buf: Uint8Array, off: i32, n: i32): i32 { panic("vm"); return 0; }
  /** As `move`, with physical memory at `pa`; the range stays inside one page. */
  movePhys(pa: long, n: i32): i32 { panic("vm"); return 0; }
  /** `n` zero bytes to the destination of a read. */
  moveZero(n: i32): i32 { panic("vm"); return 0; }
  /** Passes over `n` bytes. */
  skip(n: long): void { panic("vm"); }
}
