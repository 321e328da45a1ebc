/**
 * Signal frames: what a handler finds on its stack, and the way back by rt_sigreturn.
 *
 *     stack top of the interrupted program (or of the alternate stack)
 *       128 bytes that the program may use below its stack pointer (red zone)
 *       XSAVE image, 64-byte aligned, with a description in bytes 464 to 511 and a magic number behind it
 *       siginfo, ucontext, return address: struct rt_sigframe    <- stack pointer, 8 below a multiple of 16
 *
 * Key type `SigFrames`. Neighbours: `siginfo.ts`, kern's `signal.ts` (who decides) and `sigcalls.ts` (alternate stack).
 * Invariant: what comes back from the program is trusted in nothing: flags are masked, and an FPU image that XRSTOR would not
 * take is refused (SIGSEGV).
 * Source: Linux arch/x86/kernel/signal.c and fpu/signal.c, asm/sigcontext.h; AMD64 psABI 3.2.2; Intel SDM 1, 13.4.2.
 */
import {
  Errno,
  getI32,
  getLong,
  getU32,
  i32,
  longAnd,
  putI32,
  putLong,
  putU16,
  putU32,
  toLong,
  u32,
  type long,
} from "@anax/portable";
import {
  REG_ERRCODE,
  REG_FAULTADDR,
  REG_FULL,
  REG_R10,
  REG_R11,
  REG_R12,
  REG_R13,
  REG_R14,
  REG_R15,
  REG_R8,
  REG_R9,
  REG_RAX,
  REG_RBP,
  REG_RBX,
  REG_RCX,
  REG_RDI,
  REG_RDX,
  REG_RFLAGS,
  REG_RIP,
  REG_RSI,
  REG_RSP,
  REG_TRAPNO,
} from "@anax/machine";
import {
  SA_RESTORER,
  SS_AUTODISARM,
  SS_DISABLE,
  isOnAltStack,
  kernSigaltstack,
  setSigMask,
  signalStackTop,
  type Kernel,
  type Lwp,
  type SigAction,
  type SigInfo,
} from "@anax/kern";
import { FpxSwL, SigcontextL, SigframeL, StackL, UcontextL } from "./layout";
import { encodeSiginfo } from "./siginfo";

const FP_XSTATE_MAGIC1: u32 = 0x46505853;
const FP_XSTATE_MAGIC2: u32 = 0x46505845;
/** The legacy FXSAVE region, where in it the description goes, and the header behind it. */
const FXSAVE_SIZE: i32 = 512;
const FXSAVE_SW: i32 = 464;
const FXSAVE_MXCSR: i32 = 24;
const FXSAVE_MXCSR_MASK: i32 = 28;
const XSAVE_HEADER: i32 = 64;
const XFEATURE_FPSSE: u32 = 3;
/** The MXCSR bits of a CPU that tells none. */
const MXCSR_MASK_DEFAULT: u32 = 0xffbf;

const UC_FP_XSTATE: i32 = 1;
const UC_SIGCONTEXT_SS: i32 = 2;
const UC_STRICT_RESTORE_SS: i32 = 4;

const USER_CS: u32 = 0x33;
const USER_SS: u32 = 0x2b;
const RED_ZONE: i32 = 128;
/** CF PF AF ZF SF TF DF OF RF AC: the flags that a program may set. */
const FLAGS_USER: i32 = 0x50dd5;
/** Interrupts on, and the bit that is always one. */
const FLAGS_FIXED: i32 = 0x202;
/** TF, DF, RF: off when a handler starts. */
const FLAGS_CLEARED: i32 = 0x10500;

/** Builds and takes down signal frames. Owned by the ABI; its buffers are reused by every LWP. */
export class SigFrames {
  /** The frame under construction: what `encode` does not write stays zero. */
  private readonly frame: Uint8Array = new Uint8Array(440);
  /** A frame that came back. */
  private readonly incoming: Uint8Array = new Uint8Array(312);
  /** Bytes of the FPU image, the features that it can hold (XCR0), and the bits of MXCSR that exist. */
  readonly fpuSize: i32;
  private readonly features: u32;
  private readonly mxcsrMask: u32;

  constructor(private readonly kernel: Kernel) {
    const size = kernel.machine.fpuSize();
    this.fpuSize = size;
    this.features = featuresOf(size);
    this.mxcsrMask = probeMxcsr(kernel);
  }

  /** Bytes of stack that a frame takes at most: AT_MINSIGSTKSZ. */
  get size(): i32 {
    return (i32(SigframeL.SIZE) + 16 + this.fpuSize + 4 + 64) | 0;
  }

  private get hasXsave(): boolean {
    return this.fpuSize > FXSAVE_SIZE;
  }

  /** See `Abi#sendSignal`: 0, -FAULT, -NOMEM. */
  send(lwp: Lwp, sig: i32, info: SigInfo, action: SigAction): i32 {
    if ((action.flags & SA_RESTORER) === 0) return -Errno.FAULT;
    const regs = lwp.regs;
    const usp: long = regs.get(REG_RSP);
    const nested = isOnAltStack(lwp, usp);
    const top: long = signalStackTop(lwp, action, usp);
    let sp: long = top === usp ? usp - RED_ZONE : top;
    sp = sp - ((this.fpuSize + (this.hasXsave ? 4 : 0)) | 0);
    const ufpu: long = sp - longAnd(sp, 63);
    sp = ufpu - i32(SigframeL.SIZE);
    sp = sp - longAnd(sp, 15) - 8;
    // A handler on the alternate stack must not grow out of it unseen.
    if (nested && top === usp && !isOnAltStack(lwp, sp)) return -Errno.FAULT;

    const hasFpu = lwp.fpuPage !== 0;
    if (hasFpu) {
      const error = this.putFpu(lwp, ufpu);
      if (error !== 0) return error;
    }
    this.encode(lwp, info, action, hasFpu ? ufpu : toLong(0));
    const error = lwp.proc.vm.copyout(this.frame, 0, sp, i32(SigframeL.SIZE));
    if (error !== 0) return error;

    if ((u32(lwp.altFlags) & SS_AUTODISARM) !== 0) {
      lwp.altSp = 0;
      lwp.altSize = 0;
      lwp.altFlags = SS_DISABLE;
    }
    regs.set(REG_RDI, toLong(sig));
    regs.set(REG_RSI, sp + i32(SigframeL.siginfo));
    regs.set(REG_RDX, sp + i32(SigframeL.ucontext));
    regs.set(REG_RAX, 0);
    regs.set(REG_RSP, sp);
    regs.set(REG_RIP, action.handler);
    regs.set(REG_RFLAGS, toLong((i32(regs.get(REG_RFLAGS)) & FLAGS_USER & ~FLAGS_CLEARED) | FLAGS_FIXED));
    return 0;
  }

  private encode(lwp: Lwp, info: SigInfo, action: SigAction, ufpu: long): void {
    const b = this.frame;
    const regs = lwp.regs;
    putLong(b, SigframeL.pretcode, action.restorer);
    const uc = i32(SigframeL.ucontext);
    putI32(b, (uc + UcontextL.flags) | 0, UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (this.hasXsave ? UC_FP_XSTATE : 0));
    const st = (uc + UcontextL.stack) | 0;
    putLong(b, (st + StackL.sp) | 0, lwp.altSp);
    putI32(b, (st + StackL.flags) | 0, lwp.altFlags);
    putLong(b, (st + StackL.size) | 0, lwp.altSize);
    const mc = (uc + UcontextL.mcontext) | 0;
    putLong(b, (mc + SigcontextL.r8) | 0, regs.get(REG_R8));
    putLong(b, (mc + SigcontextL.r9) | 0, regs.get(REG_R9));
    putLong(b, (mc + SigcontextL.r10) | 0, regs.get(REG_R10));
    putLong(b, (mc + SigcontextL.r11) | 0, regs.get(REG_R11));
    putLong(b, (mc + SigcontextL.r12) | 0, regs.get(REG_R12));
    putLong(b, (mc + SigcontextL.r13) | 0, regs.get(REG_R13));
    putLong(b, (mc + SigcontextL.r14) | 0, regs.get(REG_R14));
    putLong(b, (mc + SigcontextL.r15) | 0, regs.get(REG_R15));
    putLong(b, (mc + SigcontextL.rdi) | 0, regs.get(REG_RDI));
    putLong(b, (mc + SigcontextL.rsi) | 0, regs.get(REG_RSI));
    putLong(b, (mc + SigcontextL.rbp) | 0, regs.get(REG_RBP));
    putLong(b, (mc + SigcontextL.rbx) | 0, regs.get(REG_RBX));
    putLong(b, (mc + SigcontextL.rdx) | 0, regs.get(REG_RDX));
    putLong(b, (mc + SigcontextL.rax) | 0, regs.get(REG_RAX));
    putLong(b, (mc + SigcontextL.rcx) | 0, regs.get(REG_RCX));
    putLong(b, (mc + SigcontextL.rsp) | 0, regs.get(REG_RSP));
    putLong(b, (mc + SigcontextL.rip) | 0, regs.get(REG_RIP));
    putLong(b, (mc + SigcontextL.eflags) | 0, regs.get(REG_RFLAGS));
    putU16(b, (mc + SigcontextL.cs) | 0, USER_CS);
    putU16(b, (mc + SigcontextL.ss) | 0, USER_SS);
    putLong(b, (mc + SigcontextL.err) | 0, regs.get(REG_ERRCODE));
    putLong(b, (mc + SigcontextL.trapno) | 0, regs.get(REG_TRAPNO));
    putLong(b, (mc + SigcontextL.cr2) | 0, regs.get(REG_FAULTADDR));
    putU32(b, (mc + SigcontextL.oldmask) | 0, lwp.frameMaskLo);
    putU32(b, (mc + SigcontextL.oldmask + 4) | 0, lwp.frameMaskHi);
    putLong(b, (mc + SigcontextL.fpstate) | 0, ufpu);
    putU32(b, (uc + UcontextL.sigmask) | 0, lwp.frameMaskLo);
    putU32(b, (uc + UcontextL.sigmask + 4) | 0, lwp.frameMaskHi);
    encodeSiginfo(info, b, i32(SigframeL.siginfo));
  }

  /** The image with its description and magic number, which live in bytes of the page that the CPU leaves alone. */
  private putFpu(lwp: Lwp, ufpu: long): i32 {
    const m = this.kernel.machine;
    const size = this.fpuSize;
    this.kernel.fpuSync(lwp);
    const pa: long = this.kernel.fpuAddress(lwp);
    if (!this.hasXsave) {
      m.zeroPhys(pa + FXSAVE_SW, i32(FpxSwL.SIZE));
      return lwp.proc.vm.copyoutPhys(pa, ufpu, size);
    }
    const sw: long = pa + FXSAVE_SW;
    m.store32(sw + i32(FpxSwL.magic1), FP_XSTATE_MAGIC1);
    m.store32(sw + i32(FpxSwL.extended_size), u32(size + 4));
    m.store32(sw + i32(FpxSwL.xfeatures), this.features);
    m.store32(sw + i32(FpxSwL.xfeatures) + 4, 0);
    m.store32(sw + i32(FpxSwL.xstate_size), u32(size));
    m.store32(pa + size, FP_XSTATE_MAGIC2);
    return lwp.proc.vm.copyoutPhys(pa, ufpu, (size + 4) | 0);
  }

  /**
   * rt_sigreturn(2): registers, mask, alternate stack and FPU state are those of the frame that the stack pointer shows.
   * 0, or an error after which the program gets SIGSEGV.
   */
  restore(lwp: Lwp): i32 {
    const regs = lwp.regs;
    const b = this.incoming;
    // The handler's return took the return address off the frame.
    const sp: long = regs.get(REG_RSP) - 8;
    let error = lwp.proc.vm.copyin(sp, b, 0, i32(SigframeL.siginfo));
    if (error !== 0) return error;
    const uc = i32(SigframeL.ucontext);
    const mc = (uc + UcontextL.mcontext) | 0;
    const ufpu: long = getLong(b, (mc + SigcontextL.fpstate) | 0);
    error = ufpu === toLong(0) ? 0 : this.getFpu(lwp, ufpu);
    if (error !== 0) return error;

    regs.set(REG_R8, getLong(b, (mc + SigcontextL.r8) | 0));
    regs.set(REG_R9, getLong(b, (mc + SigcontextL.r9) | 0));
    regs.set(REG_R10, getLong(b, (mc + SigcontextL.r10) | 0));
    regs.set(REG_R11, getLong(b, (mc + SigcontextL.r11) | 0));
    regs.set(REG_R12, getLong(b, (mc + SigcontextL.r12) | 0));
    regs.set(REG_R13, getLong(b, (mc + SigcontextL.r13) | 0));
    regs.set(REG_R14, getLong(b, (mc + SigcontextL.r14) | 0));
    regs.set(REG_R15, getLong(b, (mc + SigcontextL.r15) | 0));
    regs.set(REG_RDI, getLong(b, (mc + SigcontextL.rdi) | 0));
    regs.set(REG_RSI, getLong(b, (mc + SigcontextL.rsi) | 0));
    regs.set(REG_RBP, getLong(b, (mc + SigcontextL.rbp) | 0));
    regs.set(REG_RBX, getLong(b, (mc + SigcontextL.rbx) | 0));
    regs.set(REG_RDX, getLong(b, (mc + SigcontextL.rdx) | 0));
    regs.set(REG_RAX, getLong(b, (mc + SigcontextL.rax) | 0));
    regs.set(REG_RCX, getLong(b, (mc + SigcontextL.rcx) | 0));
    regs.set(REG_RSP, getLong(b, (mc + SigcontextL.rsp) | 0));
    regs.set(REG_RIP, getLong(b, (mc + SigcontextL.rip) | 0));
    const flags = getI32(b, (mc + SigcontextL.eflags) | 0);
    regs.set(REG_RFLAGS, toLong((flags & FLAGS_USER) | FLAGS_FIXED));
    regs.set(REG_FULL, 1);

    setSigMask(lwp, getU32(b, (uc + UcontextL.sigmask) | 0), getU32(b, (uc + UcontextL.sigmask + 4) | 0));
    const st = (uc + UcontextL.stack) | 0;
    const base: long = getLong(b, (st + StackL.sp) | 0);
    const size: long = getLong(b, (st + StackL.size) | 0);
    // A setting that is refused stays as it is, without an error, as on Linux.
    kernSigaltstack(lwp, base, size, getI32(b, (st + StackL.flags) | 0), regs.get(REG_RSP));
    return 0;
  }

  /**
   * Takes the FPU state at `ufpu`: all features when the description is whole, else x87 and SSE alone. After an error the LWP
   * has the initial state.
   */
  private getFpu(lwp: Lwp, ufpu: long): i32 {
    if (lwp.fpuPage === 0) return 0;
    // What is in the registers is not worth saving any more.
    this.kernel.fpuForget(lwp);
    const pa: long = this.kernel.fpuAddress(lwp);
    const error = this.readFpu(lwp, ufpu, pa);
    if (error !== 0) this.kernel.machine.fpuInit(pa);
    return error;
  }

  private readFpu(lwp: Lwp, ufpu: long, pa: long): i32 {
    const m = this.kernel.machine;
    const space = lwp.proc.vm;
    let error = space.copyinPhys(ufpu, pa, FXSAVE_SIZE);
    if (error !== 0) return error;
    let features: u32 = XFEATURE_FPSSE;
    let have = FXSAVE_SIZE;
    const sw: long = pa + FXSAVE_SW;
    const size = i32(m.load32(sw + i32(FpxSwL.xstate_size)));
    if (
      this.hasXsave &&
      m.load32(sw + i32(FpxSwL.magic1)) === FP_XSTATE_MAGIC1 &&
      size >= FXSAVE_SIZE + XSAVE_HEADER &&
      size <= this.fpuSize &&
      i32(m.load32(sw + i32(FpxSwL.extended_size))) === ((size + 4) | 0)
    ) {
      const magic: long = space.get32(ufpu + size);
      if (magic < 0) return i32(magic);
      if (u32(magic) === FP_XSTATE_MAGIC2) {
        error = space.copyinPhys(ufpu + FXSAVE_SIZE, pa + FXSAVE_SIZE, (size - FXSAVE_SIZE) | 0);
        if (error !== 0) return error;
        if (!this.isHeaderSound(pa + FXSAVE_SIZE)) return -Errno.INVAL;
        features = (m.load32(sw + i32(FpxSwL.xfeatures)) & m.load32(pa + FXSAVE_SIZE)) >>> 0;
        have = size;
      }
    }
    if ((m.load32(pa + FXSAVE_MXCSR) & ~this.mxcsrMask) !== 0) return -Errno.INVAL;
    if (have < this.fpuSize) m.zeroPhys(pa + have, (this.fpuSize - have) | 0);
    if (this.hasXsave) m.store32(pa + FXSAVE_SIZE, features);
    return 0;
  }

  /** XSTATE_BV has only features of this CPU; XCOMP_BV and the reserved rest of the header are zero, or XRSTOR would fault. */
  private isHeaderSound(pa: long): boolean {
    const m = this.kernel.machine;
    if ((m.load32(pa) & ~this.features) !== 0 || m.load32(pa + 4) !== 0) return false;
    for (let at: i32 = 8; at < XSAVE_HEADER; at += 8) if (m.load64(pa + at) !== toLong(0)) return false;
    return true;
  }
}

/** The bits of MXCSR that this CPU has, as it tells in a saved image; what every x86-64 CPU has when there is no page for one. */
function probeMxcsr(kernel: Kernel): u32 {
  const pg = kernel.pages.alloc();
  if (pg === 0) return MXCSR_MASK_DEFAULT;
  const m = kernel.machine;
  const pa: long = kernel.pages.pa(pg);
  m.fpuInit(pa);
  m.fpuSave(pa);
  const mask: u32 = m.load32(pa + FXSAVE_MXCSR_MASK);
  kernel.pages.unref(pg);
  return mask === 0 ? MXCSR_MASK_DEFAULT : mask;
}

/** The features of XCR0 by the size of the XSAVE image in its standard form: x87 and SSE; AVX; AVX-512. */
function featuresOf(size: i32): u32 {
  if (size <= FXSAVE_SIZE) return 0;
  if (size >= 2688) return 0xe7;
  if (size >= 832) return 7;
  return XFEATURE_FPSSE;
}
