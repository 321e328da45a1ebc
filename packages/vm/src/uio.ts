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
 */
export class Uio {
  resid: long = 0;
  offset: long = 0;
  isRead: boolean = false;

  private space: VmSpace | null = null;
  private kernel: Uint8Array | null = null;
  private kernelOff: i32 = 0;
  private bases: LongArray = new LongArray(IOV_SMALL);
  private lengths: LongArray = new LongArray(IOV_SMALL);
  private count: i32 = 0;
  /** The iovec in use and the bytes of it that are done. */
  private current: i32 = 0;
  private done: long = 0;
  private readonly raw: Uint8Array = new Uint8Array(IOV_SMALL * IOV_SIZE);

  constructor(private readonly machine: Machine) {}

  /** One range of user memory. `len` >= 0; above RW_MAX it is cut. A range outside user memory gives -EFAULT when it is moved. */
  initUser(space: VmSpace, addr: long, len: long, isRead: boolean, offset: long): void {
    kassert(len >= 0, "uio: negative length");
    this.start(space, isRead, offset);
    this.count = 1;
    this.bases.set(0, addr);
    const n = len > RW_MAX ? RW_MAX : len;
    this.lengths.set(0, n);
    this.resid = n;
  }

  /**
   * `count` struct iovecs at `iov` in user memory. 0, -EINVAL (count, a negative length or their sum), -EFAULT, -ENOMEM, EASYNC. What passes
   * RW_MAX is cut.
   */
  initIovecs(space: VmSpace, iov: long, count: i32, isRead: boolean, offset: long): i32 {
    if (count < 0 || count > IOV_MAX) return -Errno.INVAL;
    if (count > this.bases.length) {
      if (!space.vm.heapRoom(IOV_MAX * IOV_SIZE)) return -Errno.NOMEM;
      this.bases = new LongArray(IOV_MAX);
      this.lengths = new LongArray(IOV_MAX);
    }
    this.start(space, isRead, offset);
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
    this.start(null, isRead, offset);
    this.kernel = buf;
    this.kernelOff = off;
    this.resid = len;
  }

  private start(space: VmSpace | null, isRead: boolean, offset: long): void {
    this.space = space;
    this.kernel = null;
    this.isRead = isRead;
    this.offset = offset;
    this.count = 0;
    this.current = 0;
    this.done = 0;
    this.resid = 0;
  }

  /** Moves `n` <= resid bytes between buf[off] and the memory. 0, -EFAULT, -ENOMEM or EASYNC; progress is in `resid`. */
  move(buf: Uint8Array, off: i32, n: i32): i32 {
    kassert(n >= 0 && toLong(n) <= this.resid, "uio: more than is left");
    const kernel = this.kernel;
    if (kernel !== null) {
      if (this.isRead) copyBytes(kernel, this.kernelOff, buf, off, n);
      else copyBytes(buf, off, kernel, this.kernelOff, n);
      this.advance(n);
      return 0;
    }
    const space = this.space!;
    let at = off;
    let left = n;
    while (left > 0) {
      const part = this.part(left);
      const base: long = this.bases.get(this.current) + this.done;
      const error = this.isRead ? space.copyout(buf, at, base, part) : space.copyin(base, buf, at, part);
      if (error !== 0) {
        this.advance((part - space.left) | 0);
        return error;
      }
      this.advance(part);
      at = (at + part) | 0;
      left = (left - part) | 0;
    }
    return 0;
  }

  /** As `move`, with physical memory at `pa`. */
  movePhys(pa: long, n: i32): i32 {
    kassert(n >= 0 && toLong(n) <= this.resid, "uio: more than is left");
    const kernel = this.kernel;
    if (kernel !== null) {
      if (this.isRead) this.machine.readPhys(pa, kernel, this.kernelOff, n);
      else this.machine.writePhys(kernel, this.kernelOff, pa, n);
      this.advance(n);
      return 0;
    }
    const space = this.space!;
    let at = pa;
    let left = n;
    while (left > 0) {
      const part = this.part(left);
      const base: long = this.bases.get(this.current) + this.done;
      const error = this.isRead ? space.copyoutPhys(at, base, part) : space.copyinPhys(base, at, part);
      if (error !== 0) {
        this.advance((part - space.left) | 0);
        return error;
      }
      this.advance(part);
      at = at + part;
      left = (left - part) | 0;
    }
    return 0;
  }

  /** `n` <= resid zero bytes to the memory of a read. */
  moveZero(n: i32): i32 {
    kassert(this.isRead && n >= 0 && toLong(n) <= this.resid, "uio: not a read, or more than is left");
    const kernel = this.kernel;
    if (kernel !== null) {
      fillBytes(kernel, this.kernelOff, n, 0);
      this.advance(n);
      return 0;
    }
    const space = this.space!;
    let left = n;
    while (left > 0) {
      const part = this.part(left);
      const error = space.zeroUser(this.bases.get(this.current) + this.done, part);
      if (error !== 0) {
        this.advance((part - space.left) | 0);
        return error;
      }
      this.advance(part);
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
      const part = this.kernel !== null ? step : this.part(step);
      this.advance(part);
      left = left - part;
    }
  }

  /** How much of `n` > 0 bytes the current iovec takes; goes to the next one that is not used up. */
  private part(n: i32): i32 {
    let room: long = this.lengths.get(this.current) - this.done;
    while (room <= 0) {
      this.current++;
      this.done = 0;
      room = this.lengths.get(this.current);
    }
    return room < n ? i32(room) : n;
  }

  private advance(n: i32): void {
    this.resid = this.resid - n;
    this.offset = this.offset + n;
    if (this.kernel !== null) this.kernelOff = (this.kernelOff + n) | 0;
    else this.done = this.done + n;
  }
}
