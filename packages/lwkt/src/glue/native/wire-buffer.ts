/** Memory that encoded messages lie in, AssemblyScript side: one load or store after one bounds check. See `glue/js`. */
import type { long } from "@anax/portable";

export class WireBuffer {
  readonly length: i32;
  private readonly base: usize;

  constructor(readonly bytes: Uint8Array) {
    this.length = bytes.length & ~7;
    this.base = bytes.dataStart;
  }

  // @ts-ignore: decorator
  @inline
  private at(off: i32, n: i32): usize {
    if ((off | n) < 0 || <u32>off + <u32>n > <u32>this.length) throw new RangeError("wire buffer: out of bounds");
    return this.base + <usize>off;
  }

  get8(off: i32): u32 {
    return load<u8>(this.at(off, 1));
  }

  get16(off: i32): u32 {
    return load<u16>(this.at(off, 2));
  }

  get32(off: i32): i32 {
    return load<i32>(this.at(off, 4));
  }

  getLong(off: i32): i64 {
    return load<i64>(this.at(off, 8));
  }

  put8(off: i32, v: i32): void {
    store<u8>(this.at(off, 1), v as u8);
  }

  put16(off: i32, v: i32): void {
    store<u16>(this.at(off, 2), v as u16);
  }

  put32(off: i32, v: i32): void {
    store<i32>(this.at(off, 4), v);
  }

  putLong(off: i32, v: i64): void {
    store<i64>(this.at(off, 8), v);
  }

  copyIn(off: i32, src: Uint8Array, srcOff: i32, n: i32): void {
    if ((srcOff | n) < 0 || <u32>srcOff + <u32>n > <u32>src.length) throw new RangeError("wire buffer: out of bounds");
    memory.copy(this.at(off, n), src.dataStart + <usize>srcOff, n);
  }
}
