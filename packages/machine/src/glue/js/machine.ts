/**
 * The machine: the one interface of the kernel to hardware. JavaScript side, where the machine is simulated.
 *
 * The doc comment of each method is the contract of both sides. Physical addresses, user addresses and times are `long`.
 * Conventions: the copies to and from user memory act on the address space last given to `setRoot` and return the bytes NOT
 * done: 0, or `left` when the byte at `uaddr + n - left` cannot be accessed that way and nothing behind it was touched. A range
 * that is not wholly in [0, USER_END) returns `n` and touches nothing.
 * Neighbours: `glue/native/machine.ts` (the same methods as imports of the platform), `host/sim.ts` (the simulation's parts).
 * Invariant: nothing here keeps state of its own; the kernel cannot tell the two sides apart.
 */
import { Errno, type i32, type long, type LongArray, type u32 } from "@anax/portable";
import { MachineHalted, Simulation } from "../../host/sim";
import type { SimOptions } from "../../host/options";
import { PF_WRITE, USER_END } from "../../registers";

/** Bytes `fpuSave` needs, at most a page. */
const FPU_SIZE = 512;
/** What a page-table root's kernel half holds here: entries 256 to 511, never present. */
const KERNEL_HALF_MARK = 0x4b45524e;

export class Machine {
  readonly sim: Simulation;
  private entropyState = 0x2545f491;

  constructor(options: SimOptions = {}) {
    this.sim = new Simulation(options);
  }

  // ---- memory layout

  /** Number of ranges of free memory. They do not overlap and are in address order. */
  memRegionCount(): i32 {
    return this.sim.freeRegions.length;
  }

  memRegionBase(i: i32): long {
    return this.sim.freeRegions[i]!.base;
  }

  /** Bytes of range `i`. */
  memRegionSize(i: i32): long {
    return this.sim.freeRegions[i]!.size;
  }

  /** A value from the boot loader, see BOOT_*; 0 when absent. */
  bootParam(i: i32): long {
    return this.sim.bootParams[i] ?? 0;
  }

  // ---- physical memory; the address is aligned to the access

  load8(pa: long): u32 {
    return this.sim.memory.load8(pa);
  }

  load16(pa: long): u32 {
    aligned(pa, 2);
    return this.sim.memory.load16(pa);
  }

  load32(pa: long): u32 {
    aligned(pa, 4);
    return this.sim.memory.load32(pa);
  }

  /** 64 bits as a signed long; in JavaScript they must lie within +-2^53. */
  load64(pa: long): long {
    aligned(pa, 8);
    return this.sim.memory.load64(pa);
  }

  /** Stores the low 8 bits. */
  store8(pa: long, v: u32): void {
    this.sim.memory.store8(pa, v);
  }

  store16(pa: long, v: u32): void {
    aligned(pa, 2);
    this.sim.memory.store16(pa, v);
  }

  store32(pa: long, v: u32): void {
    aligned(pa, 4);
    this.sim.memory.store32(pa, v);
  }

  store64(pa: long, v: long): void {
    aligned(pa, 8);
    this.sim.memory.store64(pa, v);
  }

  // ---- device registers in memory space: uncached, exactly one access of that width

  mmioLoad8(pa: long): u32 {
    return this.sim.bus.read("mmio", pa, 1);
  }

  mmioLoad16(pa: long): u32 {
    return this.sim.bus.read("mmio", pa, 2);
  }

  mmioLoad32(pa: long): u32 {
    return this.sim.bus.read("mmio", pa, 4);
  }

  mmioStore8(pa: long, v: u32): void {
    this.sim.bus.write("mmio", pa, 1, v & 0xff);
  }

  mmioStore16(pa: long, v: u32): void {
    this.sim.bus.write("mmio", pa, 2, v & 0xffff);
  }

  mmioStore32(pa: long, v: u32): void {
    this.sim.bus.write("mmio", pa, 4, v >>> 0);
  }

  // ---- bulk physical memory

  /** Zeroes `n` bytes. Fast for whole pages. */
  zeroPhys(pa: long, n: i32): void {
    this.sim.memory.bytes(pa, n).fill(0);
  }

  /** Copies `n` bytes; the ranges do not overlap. Fast for whole pages. */
  copyPhys(dst: long, src: long, n: i32): void {
    this.sim.memory.bytes(dst, n).set(this.sim.memory.bytes(src, n));
  }

  /** Physical memory to a kernel buffer. */
  readPhys(pa: long, buf: Uint8Array, off: i32, n: i32): void {
    span(buf, off, n).set(this.sim.memory.bytes(pa, n));
  }

  /** A kernel buffer to physical memory. */
  writePhys(buf: Uint8Array, off: i32, pa: long, n: i32): void {
    this.sim.memory.bytes(pa, n).set(span(buf, off, n));
  }

  // ---- user mode

  /**
   * Runs user code with the registers `regs` (CTX_SLOTS longs, see `registers.ts`) in the loaded address space until the
   * next trap, whose TRAP_* it returns; the registers are stored back. Interrupts are accepted only in here and in `idle`.
   */
  runUser(regs: LongArray): i32 {
    return this.sim.cpu.run(regs);
  }

  /** Loads a page-table root (physical address) that `initRoot` prepared, and forgets all cached user translations. The loaded root again: nothing happens. */
  setRoot(root: long): void {
    if (this.sim.memory.load32(root + 4088) !== KERNEL_HALF_MARK)
      throw new Error("setRoot: the root has no kernel half");
    if (root !== this.sim.mmu.root) this.sim.mmu.setRoot(root);
  }

  /** Fills entries 256 to 511 of a page-table root, which belong to the kernel. The user half is left as it is. */
  initRoot(root: long): void {
    this.sim.memory.bytes(root + 2048, 2048).fill(0);
    this.sim.memory.store32(root + 4088, KERNEL_HALF_MARK);
  }

  /** Forgets the cached translation of the page at `va`, and cached upper table entries. */
  flushPage(va: long): void {
    this.sim.mmu.flushPage(va);
  }

  /** Forgets all cached user translations. */
  flushAll(): void {
    this.sim.mmu.flushAll();
  }

  // ---- floating-point and vector state

  /** Bytes of a saved state, at most 4096. */
  fpuSize(): i32 {
    return FPU_SIZE;
  }

  /** Writes the initial state to `pa` (64-byte aligned). */
  fpuInit(pa: long): void {
    this.sim.memory.bytes(pa, FPU_SIZE).fill(0);
  }

  /** Saves the processor's state to `pa`. */
  fpuSave(pa: long): void {
    this.sim.memory.bytes(pa, FPU_SIZE).set(this.sim.cpu.fpu);
  }

  /** Loads the processor's state from `pa`. What a program forged in there must not fault: the platform repairs or resets it. */
  fpuRestore(pa: long): void {
    this.sim.cpu.fpu.set(this.sim.memory.bytes(pa, FPU_SIZE));
  }

  // ---- user memory (see the conventions above)

  /** User memory to a kernel buffer. Returns the bytes not done. */
  copyin(uaddr: long, buf: Uint8Array, off: i32, n: i32): i32 {
    span(buf, off, n);
    return this.user(uaddr, n, 0, (mem, done) => buf.set(mem, off + done));
  }

  /** A kernel buffer to user memory. Returns the bytes not done. */
  copyout(buf: Uint8Array, off: i32, uaddr: long, n: i32): i32 {
    span(buf, off, n);
    return this.user(uaddr, n, PF_WRITE, (mem, done) => mem.set(buf.subarray(off + done, off + done + mem.length)));
  }

  /** User memory to physical memory. Returns the bytes not done. */
  copyinPhys(uaddr: long, pa: long, n: i32): i32 {
    const target = this.sim.memory.bytes(pa, n);
    return this.user(uaddr, n, 0, (mem, done) => target.set(mem, done));
  }

  /** Physical memory to user memory. Returns the bytes not done. */
  copyoutPhys(pa: long, uaddr: long, n: i32): i32 {
    const source = this.sim.memory.bytes(pa, n);
    return this.user(uaddr, n, PF_WRITE, (mem, done) => mem.set(source.subarray(done, done + mem.length)));
  }

  /**
   * Copies a string up to and with its NUL, at most `max` bytes. Returns the bytes copied, the NUL among them; -ENAMETOOLONG when
   * there is no NUL in `max` bytes, -EFAULT when a byte before the NUL cannot be read (which one is not told).
   */
  copyinstr(uaddr: long, buf: Uint8Array, off: i32, max: i32): i32 {
    span(buf, off, max);
    if (uaddr < 0) return -Errno.FAULT;
    for (let done = 0; done < max; done++) {
      const pa = this.sim.mmu.translate(uaddr + done, 0);
      if (pa < 0) return -Errno.FAULT;
      const c = this.sim.memory.load8(pa);
      buf[off + done] = c;
      if (c === 0) return done + 1;
    }
    return -Errno.NAMETOOLONG;
  }

  /** Zeroes user memory. Returns the bytes not done. */
  zeroUser(uaddr: long, n: i32): i32 {
    return this.user(uaddr, n, PF_WRITE, (mem) => mem.fill(0));
  }

  /** The 32 bits at `uaddr` (a multiple of 4) as 0 to 2^32-1, or -1 when it cannot be read. */
  fetchUser32(uaddr: long): long {
    aligned(uaddr, 4);
    const pa = this.sim.mmu.translate(uaddr, 0);
    return pa < 0 ? -1 : this.sim.memory.load32(pa);
  }

  /** Compare and swap of 32 bits at `uaddr` (a multiple of 4): what was there, or -1 when it cannot be written. */
  casUser32(uaddr: long, expected: u32, value: u32): long {
    aligned(uaddr, 4);
    const pa = this.sim.mmu.translate(uaddr, PF_WRITE);
    if (pa < 0) return -1;
    const old = this.sim.memory.load32(pa);
    if (old === expected >>> 0) this.sim.memory.store32(pa, value);
    return old;
  }

  private user(uaddr: long, n: i32, access: i32, move: (mem: Uint8Array, done: number) => void): i32 {
    if (uaddr < 0 || uaddr + n > USER_END) return n;
    let done = 0;
    while (done < n) {
      const part = Math.min(n - done, 4096 - ((uaddr + done) % 4096));
      const pa = this.sim.mmu.translate(uaddr + done, access);
      if (pa < 0) break;
      move(this.sim.memory.bytes(pa, part), done);
      done += part;
    }
    return n - done;
  }

  // ---- ports

  in8(port: i32): u32 {
    return this.sim.bus.read("ports", port, 1);
  }

  in16(port: i32): u32 {
    return this.sim.bus.read("ports", port, 2);
  }

  in32(port: i32): u32 {
    return this.sim.bus.read("ports", port, 4);
  }

  out8(port: i32, v: u32): void {
    this.sim.bus.write("ports", port, 1, v & 0xff);
  }

  out16(port: i32, v: u32): void {
    this.sim.bus.write("ports", port, 2, v & 0xffff);
  }

  out32(port: i32, v: u32): void {
    this.sim.bus.write("ports", port, 4, v >>> 0);
  }

  // ---- time and interrupts

  /** ns since boot; never goes back. */
  nanotime(): long {
    this.sim.clock.advance(this.sim.clockReadNs);
    return this.sim.clock.now;
  }

  /** The one-shot timer: raises IRQ_TIMER at `deadline` (ns since boot, at once when it has passed). 0 switches it off. */
  setTimer(deadline: long): void {
    this.sim.clock.setTimer(deadline);
  }

  /** Waits until an interrupt is pending. Returns at once when one is. */
  idle(): void {
    this.sim.idle();
  }

  /** The lowest pending interrupt number, taken; -1 when there is none. Device interrupts are edge-like: one pending mark each. */
  takeIrq(): i32 {
    return this.sim.interrupts.take();
  }

  /**
   * Fills `n` bytes of `buf` from the CPU's random generator. Returns how many it gave: `n`, fewer when the generator ran dry, 0 when
   * there is none. Here: the same bytes in every run, so that runs can be repeated.
   */
  entropy(buf: Uint8Array, off: i32, n: i32): i32 {
    for (let i = 0; i < n; i++) {
      this.entropyState = (Math.imul(this.entropyState, 1664525) + 1013904223) | 0;
      buf[off + i] = this.entropyState >>> 24;
    }
    return n;
  }

  // ---- console and end

  /** One byte to the early console (what a panic prints on). Waits until it is out. */
  putc(c: i32): void {
    this.sim.console.push(c & 0xff);
  }

  /** Stops the machine with a HALT_* code. Does not return (here: throws MachineHalted). */
  halt(code: i32): void {
    this.sim.halted = code;
    throw new MachineHalted(code);
  }

  // ---- the kernel's own heap

  /** Pages the kernel heap can still grow by. */
  heapReserve(): i32 {
    return this.sim.heapPages;
  }

  /** Gives the page at `pa` to the kernel heap for good. */
  heapDonate(pa: long): void {
    aligned(pa, 4096);
    this.sim.memory.bytes(pa, 4096);
    if (this.sim.donated.includes(pa)) throw new Error("heapDonate: page donated twice");
    this.sim.donated.push(pa);
    this.sim.heapPages++;
  }
}

function aligned(pa: number, n: number): void {
  if (pa % n !== 0) throw new RangeError(`address 0x${pa.toString(16)} is not aligned to ${n}`);
}

function span(buf: Uint8Array, off: number, n: number): Uint8Array {
  if (off < 0 || n < 0 || off + n > buf.length) throw new RangeError("buffer access out of bounds");
  return buf.subarray(off, off + n);
}
