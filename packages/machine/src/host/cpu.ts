/**
 * The simulated processor in user mode: programs are JavaScript objects, their state is in registers and simulated memory.
 *
 * A program is a list of steps. In memory a step is an "instruction" of 8 bytes (magic, program number, step number), which the
 * processor fetches through the page tables; so a program runs from where an ELF loader put it, only where it is mapped executable,
 * survives fork and exec, and running data raises #UD. A step is atomic: when an access faults, the registers and the stores made so
 * far are undone, `runUser` returns TRAP_PAGEFAULT, and the step runs again when the kernel has resolved it.
 *
 * Typical use: `const id = sim.programs.add(steps)`, `sim.programs.code(id)` into the image, RIP at its first byte.
 * Neighbours: `mmu.ts`, `glue/js/machine.ts`. Invariant: nothing of a program lives in JavaScript between two steps.
 */
import type { LongArray } from "@anax/portable";
import {
  CTX_SLOTS,
  PF_INSTR,
  PF_WRITE,
  REG_ERRCODE,
  REG_FAULTADDR,
  REG_FULL,
  REG_R10,
  REG_R11,
  REG_R8,
  REG_R9,
  REG_RAX,
  REG_RCX,
  REG_RDI,
  REG_RDX,
  REG_RFLAGS,
  REG_RIP,
  REG_RSI,
  REG_RSP,
  REG_TRAPNO,
  TRAP_EXCEPTION,
  TRAP_INTERRUPT,
  TRAP_PAGEFAULT,
  TRAP_SYSCALL,
} from "../registers";
import type { Interrupts, SimClock } from "./bus";
import type { PhysMemory } from "./memory";
import type { Mmu } from "./mmu";

/** Bytes of one step in memory. */
export const STEP_SIZE = 8;
const STEP_MAGIC = 0x50455453;
const VECTOR_UD = 6;
const VECTOR_PF = 14;
const ARGUMENTS = [REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9];

/** One step: loads, stores, register changes, at most one system call, as the last thing it does. */
export type SimStep = (cpu: SimCpu) => void;

/** A user program. */
export interface SimProgram {
  /** Number of steps. */
  readonly length: number;
  step(index: number, cpu: SimCpu): void;
}

/** The programs a machine knows. */
export class ProgramTable {
  private readonly programs: SimProgram[] = [];

  /** Registers a program, or a list of steps; returns its number. */
  add(program: SimProgram | readonly SimStep[]): number {
    const p: SimProgram =
      "step" in program ? program : { length: program.length, step: (index, cpu) => program[index]!(cpu) };
    return this.programs.push(p) - 1;
  }

  get(id: number): SimProgram | undefined {
    return this.programs[id];
  }

  /** The program as it lies in memory. */
  code(id: number): Uint8Array {
    const n = this.programs[id]!.length;
    const view = new DataView(new ArrayBuffer(n * STEP_SIZE));
    for (let i = 0; i < n; i++) {
      view.setUint32(i * STEP_SIZE, STEP_MAGIC, true);
      view.setUint16(i * STEP_SIZE + 4, id, true);
      view.setUint16(i * STEP_SIZE + 6, i, true);
    }
    return new Uint8Array(view.buffer);
  }
}

/** Ends a step early; never leaves `SimCpu#run`. */
class StepTrap {
  constructor(
    readonly trap: number,
    readonly vector: number,
    readonly address: number,
    readonly errorCode: number,
  ) {}
}

interface Undo {
  pa: number;
  old: Uint8Array;
}

/** What a step sees. */
export class SimCpu {
  private regs: LongArray | null = null;
  private readonly saved = new Float64Array(CTX_SLOTS);
  private undo: Undo[] = [];
  private nextRip = 0;
  private rip = 0;
  private index = 0;
  private called = false;
  /** FPU and vector state, as `fpuSave` stores it. */
  readonly fpu = new Uint8Array(512);
  /** Steps run so far. */
  steps = 0;

  constructor(
    private readonly memory: PhysMemory,
    private readonly mmu: Mmu,
    private readonly clock: SimClock,
    private readonly interrupts: Interrupts,
    private readonly programs: ProgramTable,
    private readonly stepNs: number,
  ) {}

  // ---- for programs

  reg(slot: number): number {
    return this.regs!.get(slot);
  }

  setReg(slot: number, v: number): void {
    this.regs!.set(slot, v);
  }

  /** The result of the last system call. */
  get result(): number {
    return this.reg(REG_RAX);
  }

  /** Number of the running step. */
  get at(): number {
    return this.index;
  }

  load8(va: number): number {
    return this.loadBytes(va, 1)[0]!;
  }

  load32(va: number): number {
    const b = this.loadBytes(va, 4);
    return new DataView(b.buffer).getUint32(0, true);
  }

  load64(va: number): number {
    const view = new DataView(this.loadBytes(va, 8).buffer);
    return view.getInt32(4, true) * 4294967296 + view.getUint32(0, true);
  }

  store8(va: number, v: number): void {
    this.storeBytes(va, Uint8Array.of(v));
  }

  store32(va: number, v: number): void {
    const b = new Uint8Array(4);
    new DataView(b.buffer).setUint32(0, v, true);
    this.storeBytes(va, b);
  }

  store64(va: number, v: number): void {
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, v >>> 0, true);
    view.setUint32(4, Math.floor(v / 4294967296) >>> 0, true);
    this.storeBytes(va, new Uint8Array(view.buffer));
  }

  loadBytes(va: number, n: number): Uint8Array {
    const out = new Uint8Array(n);
    for (let done = 0; done < n;) {
      const part = Math.min(n - done, 4096 - ((va + done) % 4096));
      out.set(this.memory.bytes(this.translate(va + done, 0), part), done);
      done += part;
    }
    return out;
  }

  storeBytes(va: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const part = Math.min(bytes.length - done, 4096 - ((va + done) % 4096));
      const pa = this.translate(va + done, PF_WRITE);
      const target = this.memory.bytes(pa, part);
      this.undo.push({ pa, old: target.slice() });
      target.set(bytes.subarray(done, done + part));
      done += part;
    }
  }

  storeText(va: number, text: string): void {
    this.storeBytes(
      va,
      Uint8Array.from(text + "\0", (c) => c.charCodeAt(0)),
    );
  }

  push(v: number): void {
    const sp = this.reg(REG_RSP) - 8;
    this.store64(sp, v);
    this.setReg(REG_RSP, sp);
  }

  pop(): number {
    const sp = this.reg(REG_RSP);
    const v = this.load64(sp);
    this.setReg(REG_RSP, sp + 8);
    return v;
  }

  /** Goes on at step `index` of this program. */
  goto(index: number): void {
    this.nextRip = this.addressOf(index);
  }

  /** Goes on at an address. */
  jump(va: number): void {
    this.nextRip = va;
  }

  /** Where step `index` of the running program lies. */
  addressOf(index: number): number {
    return this.rip + (index - this.index) * STEP_SIZE;
  }

  /** A system call; the last thing the step does. The next step finds the `result`. */
  syscall(nr: number, ...args: number[]): void {
    if (this.called) throw new Error("two system calls in one step");
    this.setReg(REG_RAX, nr);
    args.forEach((v, i) => this.setReg(ARGUMENTS[i]!, v));
    this.called = true;
  }

  /** Raises an exception (0 divide error, 3 breakpoint, 13 general protection, ...). */
  exception(vector: number, errorCode = 0): never {
    throw new StepTrap(TRAP_EXCEPTION, vector, 0, errorCode);
  }

  // ---- for the machine

  /** Runs steps until a trap; what `Machine#runUser` does. */
  run(regs: LongArray): number {
    this.regs = regs;
    // sysret loads rcx and r11 from rip and the flags.
    if (regs.get(REG_FULL) === 0) {
      regs.set(REG_RCX, regs.get(REG_RIP));
      regs.set(REG_R11, regs.get(REG_RFLAGS));
    }
    for (;;) {
      if (this.interrupts.isPending) {
        regs.set(REG_FULL, 1);
        return TRAP_INTERRUPT;
      }
      const trap = this.runStep(regs);
      this.clock.advance(this.stepNs);
      if (trap >= 0) return trap;
    }
  }

  private runStep(regs: LongArray): number {
    for (let i = 0; i < CTX_SLOTS; i++) this.saved[i] = regs.get(i);
    this.undo = [];
    this.called = false;
    this.rip = regs.get(REG_RIP);
    this.steps++;
    try {
      const program = this.fetch();
      this.nextRip = this.rip + STEP_SIZE;
      program.step(this.index, this);
    } catch (e) {
      if (!(e instanceof StepTrap)) throw e;
      for (const u of this.undo.reverse()) this.memory.bytes(u.pa, u.old.length).set(u.old);
      for (let i = 0; i < CTX_SLOTS; i++) regs.set(i, this.saved[i]!);
      regs.set(REG_FULL, 1);
      regs.set(REG_TRAPNO, e.vector);
      regs.set(REG_ERRCODE, e.errorCode);
      if (e.trap === TRAP_PAGEFAULT) regs.set(REG_FAULTADDR, e.address);
      return e.trap;
    }
    regs.set(REG_RIP, this.nextRip);
    if (!this.called) return -1;
    regs.set(REG_RCX, this.nextRip);
    regs.set(REG_R11, regs.get(REG_RFLAGS));
    regs.set(REG_FULL, 0);
    return TRAP_SYSCALL;
  }

  private fetch(): SimProgram {
    const code = new Uint8Array(STEP_SIZE);
    for (let i = 0; i < STEP_SIZE; i++) code[i] = this.memory.load8(this.translate(this.rip + i, PF_INSTR));
    const view = new DataView(code.buffer);
    const program = this.programs.get(view.getUint16(4, true));
    this.index = view.getUint16(6, true);
    if (view.getUint32(0, true) !== STEP_MAGIC || program === undefined)
      throw new StepTrap(TRAP_EXCEPTION, VECTOR_UD, 0, 0);
    return program;
  }

  private translate(va: number, access: number): number {
    const pa = this.mmu.translate(va, access);
    if (pa < 0) throw new StepTrap(TRAP_PAGEFAULT, VECTOR_PF, va, this.mmu.errorCode);
    return pa;
  }
}
