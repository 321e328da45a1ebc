/**
 * The machine, native side: every method is one import that the platform implements in C or assembly.
 * Contracts: `glue/js/machine.ts`. Invariant: addresses of kernel buffers passed to the platform are linear-memory offsets.
 */
import { LongArray } from "@anax/portable";

@external("machine", "memRegionCount") declare function memRegionCount(): i32;
@external("machine", "memRegionBase") declare function memRegionBase(i: i32): i64;
@external("machine", "memRegionSize") declare function memRegionSize(i: i32): i64;
@external("machine", "bootParam") declare function bootParam(i: i32): i64;
@external("machine", "load8") declare function load8(pa: i64): u32;
@external("machine", "load16") declare function load16(pa: i64): u32;
@external("machine", "load32") declare function load32(pa: i64): u32;
@external("machine", "load64") declare function load64(pa: i64): i64;
@external("machine", "store8") declare function store8(pa: i64, v: u32): void;
@external("machine", "store16") declare function store16(pa: i64, v: u32): void;
@external("machine", "store32") declare function store32(pa: i64, v: u32): void;
@external("machine", "store64") declare function store64(pa: i64, v: i64): void;
@external("machine", "mmioLoad8") declare function mmioLoad8(pa: i64): u32;
@external("machine", "mmioLoad16") declare function mmioLoad16(pa: i64): u32;
@external("machine", "mmioLoad32") declare function mmioLoad32(pa: i64): u32;
@external("machine", "mmioStore8") declare function mmioStore8(pa: i64, v: u32): void;
@external("machine", "mmioStore16") declare function mmioStore16(pa: i64, v: u32): void;
@external("machine", "mmioStore32") declare function mmioStore32(pa: i64, v: u32): void;
@external("machine", "zeroPhys") declare function zeroPhys(pa: i64, n: i32): void;
@external("machine", "copyPhys") declare function copyPhys(dst: i64, src: i64, n: i32): void;
@external("machine", "readPhys") declare function readPhys(pa: i64, buf: usize, n: i32): void;
@external("machine", "writePhys") declare function writePhys(buf: usize, pa: i64, n: i32): void;
@external("machine", "runUser") declare function runUser(regs: usize): i32;
@external("machine", "setRoot") declare function setRoot(root: i64): void;
@external("machine", "initRoot") declare function initRoot(root: i64): void;
@external("machine", "flushPage") declare function flushPage(va: i64): void;
@external("machine", "flushAll") declare function flushAll(): void;
@external("machine", "fpuSize") declare function fpuSize(): i32;
@external("machine", "fpuInit") declare function fpuInit(pa: i64): void;
@external("machine", "fpuSave") declare function fpuSave(pa: i64): void;
@external("machine", "fpuRestore") declare function fpuRestore(pa: i64): void;
@external("machine", "copyin") declare function copyin(uaddr: i64, buf: usize, n: i32): i32;
@external("machine", "copyout") declare function copyout(buf: usize, uaddr: i64, n: i32): i32;
@external("machine", "copyinPhys") declare function copyinPhys(uaddr: i64, pa: i64, n: i32): i32;
@external("machine", "copyoutPhys") declare function copyoutPhys(pa: i64, uaddr: i64, n: i32): i32;
@external("machine", "copyinstr") declare function copyinstr(uaddr: i64, buf: usize, max: i32): i32;
@external("machine", "zeroUser") declare function zeroUser(uaddr: i64, n: i32): i32;
@external("machine", "fetchUser32") declare function fetchUser32(uaddr: i64): i64;
@external("machine", "casUser32") declare function casUser32(uaddr: i64, expected: u32, value: u32): i64;
@external("machine", "in8") declare function in8(port: i32): u32;
@external("machine", "in16") declare function in16(port: i32): u32;
@external("machine", "in32") declare function in32(port: i32): u32;
@external("machine", "out8") declare function out8(port: i32, v: u32): void;
@external("machine", "out16") declare function out16(port: i32, v: u32): void;
@external("machine", "out32") declare function out32(port: i32, v: u32): void;
@external("machine", "nanotime") declare function nanotime(): i64;
@external("machine", "setTimer") declare function setTimer(deadline: i64): void;
@external("machine", "idle") declare function idle(): void;
@external("machine", "takeIrq") declare function takeIrq(): i32;
@external("machine", "entropy") declare function entropy(buf: usize, n: i32): i32;
@external("machine", "putc") declare function putc(c: i32): void;
@external("machine", "halt") declare function halt(code: i32): void;
@external("machine", "heapReserve") declare function heapReserve(): i32;
@external("machine", "heapDonate") declare function heapDonate(pa: i64): void;

@inline
function at(buf: Uint8Array, off: i32, n: i32): usize {
  if ((off | n) < 0 || <u32>off + <u32>n > <u32>buf.length) throw new RangeError("buffer access out of bounds");
  return buf.dataStart + <usize>off;
}

@final
export class Machine {
  @inline memRegionCount(): i32 { return memRegionCount(); }
  @inline memRegionBase(i: i32): i64 { return memRegionBase(i); }
  @inline memRegionSize(i: i32): i64 { return memRegionSize(i); }
  @inline bootParam(i: i32): i64 { return bootParam(i); }
  @inline load8(pa: i64): u32 { return load8(pa); }
  @inline load16(pa: i64): u32 { return load16(pa); }
  @inline load32(pa: i64): u32 { return load32(pa); }
  @inline load64(pa: i64): i64 { return load64(pa); }
  @inline store8(pa: i64, v: u32): void { store8(pa, v); }
  @inline store16(pa: i64, v: u32): void { store16(pa, v); }
  @inline store32(pa: i64, v: u32): void { store32(pa, v); }
  @inline store64(pa: i64, v: i64): void { store64(pa, v); }
  @inline mmioLoad8(pa: i64): u32 { return mmioLoad8(pa); }
  @inline mmioLoad16(pa: i64): u32 { return mmioLoad16(pa); }
  @inline mmioLoad32(pa: i64): u32 { return mmioLoad32(pa); }
  @inline mmioStore8(pa: i64, v: u32): void { mmioStore8(pa, v); }
  @inline mmioStore16(pa: i64, v: u32): void { mmioStore16(pa, v); }
  @inline mmioStore32(pa: i64, v: u32): void { mmioStore32(pa, v); }
  @inline zeroPhys(pa: i64, n: i32): void { zeroPhys(pa, n); }
  @inline copyPhys(dst: i64, src: i64, n: i32): void { copyPhys(dst, src, n); }
  @inline readPhys(pa: i64, buf: Uint8Array, off: i32, n: i32): void { readPhys(pa, at(buf, off, n), n); }
  @inline writePhys(buf: Uint8Array, off: i32, pa: i64, n: i32): void { writePhys(at(buf, off, n), pa, n); }
  @inline runUser(regs: LongArray): i32 { return runUser(regs.address); }
  @inline setRoot(root: i64): void { setRoot(root); }
  @inline initRoot(root: i64): void { initRoot(root); }
  @inline flushPage(va: i64): void { flushPage(va); }
  @inline flushAll(): void { flushAll(); }
  @inline fpuSize(): i32 { return fpuSize(); }
  @inline fpuInit(pa: i64): void { fpuInit(pa); }
  @inline fpuSave(pa: i64): void { fpuSave(pa); }
  @inline fpuRestore(pa: i64): void { fpuRestore(pa); }
  @inline copyin(uaddr: i64, buf: Uint8Array, off: i32, n: i32): i32 { return copyin(uaddr, at(buf, off, n), n); }
  @inline copyout(buf: Uint8Array, off: i32, uaddr: i64, n: i32): i32 { return copyout(at(buf, off, n), uaddr, n); }
  @inline copyinPhys(uaddr: i64, pa: i64, n: i32): i32 { return copyinPhys(uaddr, pa, n); }
  @inline copyoutPhys(pa: i64, uaddr: i64, n: i32): i32 { return copyoutPhys(pa, uaddr, n); }
  @inline copyinstr(uaddr: i64, buf: Uint8Array, off: i32, max: i32): i32 { return copyinstr(uaddr, at(buf, off, max), max); }
  @inline zeroUser(uaddr: i64, n: i32): i32 { return zeroUser(uaddr, n); }
  @inline fetchUser32(uaddr: i64): i64 { return fetchUser32(uaddr); }
  @inline casUser32(uaddr: i64, expected: u32, value: u32): i64 { return casUser32(uaddr, expected, value); }
  @inline in8(port: i32): u32 { return in8(port); }
  @inline in16(port: i32): u32 { return in16(port); }
  @inline in32(port: i32): u32 { return in32(port); }
  @inline out8(port: i32, v: u32): void { out8(port, v); }
  @inline out16(port: i32, v: u32): void { out16(port, v); }
  @inline out32(port: i32, v: u32): void { out32(port, v); }
  @inline nanotime(): i64 { return nanotime(); }
  @inline setTimer(deadline: i64): void { setTimer(deadline); }
  @inline idle(): void { idle(); }
  @inline takeIrq(): i32 { return takeIrq(); }
  @inline entropy(buf: Uint8Array, off: i32, n: i32): i32 { return entropy(at(buf, off, n), n); }
  @inline putc(c: i32): void { putc(c); }
  @inline halt(code: i32): void { halt(code); }
  @inline heapReserve(): i32 { return heapReserve(); }
  @inline heapDonate(pa: i64): void { heapDonate(pa); }
}
