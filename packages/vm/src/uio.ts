/**
 * Uio: where the bytes of a read or write go to or come from, user memory described by iovecs or one kernel buffer.
 *
 * Owned by the LWP that does the I/O and reused from call to call. Typical use: an `init*`, then the file moves bytes until
 * `resid` is 0. Neighbours: `space.ts` (user copies).
 * Invariant: `resid` counts what is left; after a fault the progress made stays in it. Source: uio(9).
 */
import { Errno, getLong, kassert, i32, LongArray, toLong, copyBytes, fillBytes, type long } from "@anax/portable";
import { USER_END, type Machine } from "@anax/machine";
import type { VmSpace } from "./space";

/** Linux UIO_MAXIOV. */
export const IOV_MAX: i32 = 1024;
/** What one call moves at most (Linux MAX_RW_COUNT). */
export const RW_MAX: long = 0x7ffff000;
const IOV_SIZE: i32 = 16;
/** iovecs that need no further kernel memory. */
const IOV_SMALL: i32 = 16;

/**
 * The memory side of an I/O. Reused by its owner.
 *
 * | field | meaning |
 * |---|---|
 * | resid | bytes left |
 * | offset | file offset of the next byte; moves advance it |
 * | isRead | read(2): bytes go to the memory described here; otherwise they come from it |
 * | addr, room | where the next byte is and how many follow there; what lies behind is in the iovecs from `next` on |
 */
export class Uio {
  resid: long = 0;
  offset: long = 0;
  isRead: boolean = false;

  private space: VmSpace | null = null;
  private addr: long = 0;
  private room: long = 0;
  private kernel: Uint8Array | null = null;
  private kernelOff: i32 = 0;
  private bases: LongArray = new LongArray(IOV_SMALL);
  private lengths: LongArray = new LongArray(IOV_SMALL);
  private next: i32 = 0;
  private count: i32 = 0;
  private readonly raw: Uint8Array = new Uint8Array(IOV_SMALL * IOV_SIZE);

  constructor(private readonly machine: Machine) {}

  /** One range of user memory. `len` >= 0; above RW_MAX it is cut. A range outside user memory gives -EFAULT when it is moved. */
  initUser(space: VmSpace, addr: long, len: long, isRead: boolean, offset: long): void {
    const n = len > RW_MAX ? RW_MAX : len;
    this.space = space;
    this.addr = addr;
    this.room = n;
    this.resid = n;
    this.isRead = isRead;
    this.offset = offset;
    this.next = 0;
    this.count = 0;
    kassert(len >= 0, "uio: negative length");
  }

  /**
   * `count` struct iovecs at `iov` in user memory. 0, -EINVAL (count, a negative length or their sum), -EFAULT (one of them is not
   * user memory), -ENOMEM, EASYNC. What passes RW_MAX is cut.
   */
  initIovecs(space: VmSpace, iov: long, count: i32, isRead: boolean, offset: long): i32 {
    this.initUser(space, 0, 0, isRead, offset);
    if (count < 0 || count > IOV_MAX) return -Errno.INVAL;
    if (count > this.bases.length) {
      if (!space.vm.heapRoom(IOV_MAX * IOV_SIZE)) return -Errno.NOMEM;
      this.bases = new LongArray(IOV_MAX);
      this.lengths = new LongArray(IOV_MAX);
    }
    let sum: long = 0;
    let at: i32 = 0;
    while (at < count) {
      const n: i32 = ((count - at) | 0) < IOV_SMALL ? (count - at) | 0 : IOV_SMALL;
      const error = space.copyin(iov + ((at * IOV_SIZE) | 0), this.raw, 0, (n * IOV_SIZE) | 0);
      if (error !== 0) return error;
      for (let i = 0; i < n; i++) {
        const base = getLong(this.raw, (i * IOV_SIZE) | 0);
        let len = getLong(this.raw, (i * IOV_SIZE + 8) | 0);
        if (len < 0) return -Errno.INVAL;
        if (len > 0 && (base < 0 || len > USER_END - base)) return -Errno.FAULT;
        if (len > RW_MAX - sum) len = RW_MAX - sum;
        this.bases.set((at + i) | 0, base);
        this.lengths.set((at + i) | 0, len);
        sum = sum + len;
      }
      at = (at + n) | 0;
    }
    this.count = count;
    this.resid = sum;
    return 0;
  }

  /** A kernel buffer. */
  initKernel(buf: Uint8Array, off: i32, len: i32, isRead: boolean, offset: long): void {
    kassert(off >= 0 && len >= 0 && ((off + len) | 0) <= buf.length, "uio: outside the buffer");
    this.space = null;
    this.kernel = buf;
    this.kernelOff = off;
    this.resid = len;
    this.isRead = isRead;
    this.offset = offset;
  }

  /** Moves `n` <= resid bytes between buf[off] and the memory. 0, -EFAULT, -ENOMEM or EASYNC; progress is in `resid`. */
  move(buf: Uint8Array, off: i32, n: i32): i32 {
    kassert(n >= 0 && toLong(n) <= this.resid, "uio: more than is left");
    const space = this.space;
    if (space === null) return this.moveKernel(buf, off, n);
    if (n > 0 && toLong(n) <= this.room) return this.moveUser(space, buf, off, n);
    let at = off;
    let left = n;
    while (left > 0) {
      const part = this.part(left);
      const error = this.moveUser(space, buf, at, part);
      if (error !== 0) return error;
      at = (at + part) | 0;
      left = (left - part) | 0;
    }
    return 0;
  }

  private moveUser(space: VmSpace, buf: Uint8Array, off: i32, n: i32): i32 {
    const error = this.isRead ? space.copyout(buf, off, this.addr, n) : space.copyin(this.addr, buf, off, n);
    this.advance(error === 0 ? n : (n - space.left) | 0);
    return error;
  }

  private moveKernel(buf: Uint8Array, off: i32, n: i32): i32 {
    if (this.isRead) copyBytes(this.kernel!, this.kernelOff, buf, off, n);
    else copyBytes(buf, off, this.kernel!, this.kernelOff, n);
    this.advanceKernel(n);
    return 0;
  }

  /** As `move`, with physical memory at `pa`. */
  movePhys(pa: long, n: i32): i32 {
    kassert(n >= 0 && toLong(n) <= this.resid, "uio: more than is left");
    const space = this.space;
    if (space === null) {
      if (this.isRead) this.machine.readPhys(pa, this.kernel!, this.kernelOff, n);
      else this.machine.writePhys(this.kernel!, this.kernelOff, pa, n);
      this.advanceKernel(n);
      return 0;
    }
    if (n > 0 && toLong(n) <= this.room) return this.moveUserPhys(space, pa, n);
    let at = pa;
    let left = n;
    while (left > 0) {
      const part = this.part(left);
      const error = this.moveUserPhys(space, at, part);
      if (error !== 0) return error;
      at = at + part;
      left = (left - part) | 0;
    }
    return 0;
  }

  private moveUserPhys(space: VmSpace, pa: long, n: i32): i32 {
    const error = this.isRead ? space.copyoutPhys(pa, this.addr, n) : space.copyinPhys(this.addr, pa, n);
    this.advance(error === 0 ? n : (n - space.left) | 0);
    return error;
  }

  /** `n` <= resid zero bytes to the memory of a read. */
  moveZero(n: i32): i32 {
    kassert(this.isRead && n >= 0 && toLong(n) <= this.resid, "uio: not a read, or more than is left");
    const space = this.space;
    if (space === null) {
      fillBytes(this.kernel!, this.kernelOff, n, 0);
      this.advanceKernel(n);
      return 0;
    }
    let left = n;
    while (left > 0) {
      const part = toLong(left) <= this.room ? left : this.part(left);
      const error = space.zeroUser(this.addr, part);
      this.advance(error === 0 ? part : (part - space.left) | 0);
      if (error !== 0) return error;
      left = (left - part) | 0;
    }
    return 0;
  }

  /** Passes over `n` <= resid bytes without touching memory. */
  skip(n: long): void {
    kassert(n >= 0 && n <= this.resid, "uio: more than is left");
    let left = n;
    while (left > 0) {
      const step: i32 = left > 0x40000000 ? 0x40000000 : i32(left);
      if (this.space === null) {
        this.advanceKernel(step);
        left = left - step;
      } else {
        const part = this.part(step);
        this.advance(part);
        left = left - part;
      }
    }
  }

  /** Passes over all that is left; nothing can be moved after it. */
  skipAll(): void {
    this.offset = this.offset + this.resid;
    this.resid = 0;
    this.room = 0;
  }

  /** How much of `n` > 0 bytes lies together; goes to the next iovec when the one in use is done. */
  private part(n: i32): i32 {
    while (this.room <= 0) {
      kassert(this.next < this.count, "uio: no memory is left");
      this.addr = this.bases.get(this.next);
      this.room = this.lengths.get(this.next);
      this.next++;
    }
    return this.room < n ? i32(this.room) : n;
  }

  private advance(n: i32): void {
    this.addr = this.addr + n;
    this.room = this.room - n;
    this.resid = this.resid - n;
    this.offset = this.offset + n;
  }

  private advanceKernel(n: i32): void {
    this.kernelOff = (this.kernelOff + n) | 0;
    this.resid = this.resid - n;
    this.offset = this.offset + n;
  }
}
