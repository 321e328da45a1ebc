/**
 * Where the bytes of an archive come from: physical memory (the boot module) or a buffer.
 *
 * Key type `ByteSource`. Neighbours: `unpack.ts`, `inflate.ts`. Invariant: readers stay within `size`.
 */
import { copyBytes, i32, kassert, type long } from "@anax/portable";
import type { Machine } from "@anax/machine";

export abstract class ByteSource {
  constructor(readonly size: long) {}

  /** Copies `n` bytes from `offset` on into `buf`. */
  abstract read(offset: long, buf: Uint8Array, off: i32, n: i32): void;

  /** Copies `n` bytes to physical memory without a detour. False when the source cannot. */
  toPhys(_offset: long, _pa: long, _n: i32): boolean {
    return false;
  }
}

/** A range of physical memory. */
export class PhysSource extends ByteSource {
  constructor(
    private readonly machine: Machine,
    private readonly pa: long,
    size: long,
  ) {
    super(size);
  }

  read(offset: long, buf: Uint8Array, off: i32, n: i32): void {
    kassert(offset >= 0 && offset + n <= this.size, "archive read out of range");
    this.machine.readPhys(this.pa + offset, buf, off, n);
  }

  override toPhys(offset: long, pa: long, n: i32): boolean {
    kassert(offset >= 0 && offset + n <= this.size, "archive read out of range");
    this.machine.copyPhys(pa, this.pa + offset, n);
    return true;
  }
}

/** A buffer. */
export class BytesSource extends ByteSource {
  constructor(private readonly bytes: Uint8Array) {
    super(bytes.length);
  }

  read(offset: long, buf: Uint8Array, off: i32, n: i32): void {
    copyBytes(buf, off, this.bytes, i32(offset), n);
  }
}
