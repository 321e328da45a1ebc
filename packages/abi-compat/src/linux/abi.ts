/**
 * The Linux x86-64 ABI: what kern calls for processes that run Linux programs.
 *
 * Key type `LinuxAbi`, a port: a system call is a message to it, dispatched through a table of functions by its number.
 * Neighbours: `dispatch.ts` (fills the table), `context.ts`, `sigframe.ts`, `../elf/stack.ts`; kern's `abi.ts` is the contract.
 * Invariant: the message keeps the number of the call until the next one starts, so a call that is run again is the same call.
 * Source: AMD64 psABI A.2.1; signal(7) (which calls are restarted).
 */
import { EASYNC, Errno, i32, toLong, unchecked, type long } from "@anax/portable";
import type { Msg } from "@anax/lwkt";
import {
  REG_FSBASE,
  REG_FULL,
  REG_GSBASE,
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
} from "@anax/machine";
import { Abi, type ExecImage, type Kernel, type Lwp, type SigAction, type SigInfo, type SysMsg } from "@anax/kern";
import { FirstStack } from "../elf/stack";
import { LinuxContext, type SyscallHandler } from "./context";
import { SyscallCounters } from "./counters";
import { fillHandlers, isRestartableCall } from "./dispatch";
import { SigFrames } from "./sigframe";
import { SYSCALL_LIMIT, SyscallTable } from "./table";

/** RFLAGS of a program that starts: interrupts on, and the bit that is always one. */
const FLAGS_START: long = 0x202;

export class LinuxAbi extends Abi {
  readonly table: SyscallTable;
  readonly counters: SyscallCounters;
  readonly context: LinuxContext;
  /** SYSCALL_LIMIT handlers; the last one is for every number outside the table. */
  readonly handlers: Array<SyscallHandler> = [];
  /** Bytes of the machine's system call instruction: how far back a restarted call starts. */
  callLength: i32 = 2;
  /** The call that was interrupted last had a time limit: starting again would give it the whole of it again. */
  private interruptedLimited: boolean = false;
  private readonly frames: SigFrames;
  private readonly firstStack: FirstStack;

  constructor(kernel: Kernel) {
    super("linux");
    const table = new SyscallTable();
    const counters = new SyscallCounters(table);
    const frames = new SigFrames(kernel);
    const firstStack = new FirstStack();
    firstStack.minSigStack = frames.size;
    this.table = table;
    this.counters = counters;
    this.frames = frames;
    this.firstStack = firstStack;
    this.context = new LinuxContext(kernel, frames, counters);
    fillHandlers(this.handlers);
  }

  /** Runs the system call of the message's LWP: 0 when it is finished, or EASYNC. */
  putPort(msg: Msg): i32 {
    const lwp = (msg as SysMsg).lwp;
    // A call that is run again may have had a result in rax already (ENOMEM before room was made).
    if (!lwp.inCall) msg.cmd = i32(lwp.regs.get(REG_RAX));
    const nr = msg.cmd;
    const at: i32 = nr < 0 || nr >= SYSCALL_LIMIT ? SYSCALL_LIMIT : nr;
    const result: long = unchecked(this.handlers[at])(this.context, lwp);
    if (result > EASYNC) {
      if (result === toLong(-Errno.INTR)) this.interruptedLimited = lwp.opDeadline >= 0;
      lwp.regs.set(REG_RAX, result);
      msg.result = result;
      return 0;
    }
    if (result === toLong(EASYNC)) return EASYNC;
    msg.result = 0;
    return 0;
  }

  isRestartable(lwp: Lwp): boolean {
    return !this.interruptedLimited && isRestartableCall(lwp.sysmsg.cmd);
  }

  restartCall(lwp: Lwp): void {
    const regs = lwp.regs;
    regs.set(REG_RAX, toLong(lwp.sysmsg.cmd));
    regs.set(REG_RIP, regs.get(REG_RIP) - this.callLength);
  }

  sendSignal(lwp: Lwp, sig: i32, info: SigInfo, action: SigAction): i32 {
    return this.frames.send(lwp, sig, info, action);
  }

  setupStack(_lwp: Lwp, image: ExecImage): i32 {
    const random = this.firstStack.random;
    this.context.kernel.random.fill(random, 0, random.length);
    return this.firstStack.build(image);
  }

  setRegisters(lwp: Lwp, image: ExecImage): void {
    const regs = lwp.regs;
    regs.set(REG_RAX, 0);
    regs.set(REG_RBX, 0);
    regs.set(REG_RCX, 0);
    regs.set(REG_RDX, 0);
    regs.set(REG_RSI, 0);
    regs.set(REG_RDI, 0);
    regs.set(REG_RBP, 0);
    regs.set(REG_R8, 0);
    regs.set(REG_R9, 0);
    regs.set(REG_R10, 0);
    regs.set(REG_R11, 0);
    regs.set(REG_R12, 0);
    regs.set(REG_R13, 0);
    regs.set(REG_R14, 0);
    regs.set(REG_R15, 0);
    regs.set(REG_RSP, image.sp);
    regs.set(REG_RIP, image.pc);
    regs.set(REG_RFLAGS, FLAGS_START);
    regs.set(REG_FSBASE, 0);
    regs.set(REG_GSBASE, 0);
    regs.set(REG_FULL, 1);
  }

  setChildReturn(child: Lwp, sp: long, tls: long): void {
    child.regs.set(REG_RAX, 0);
    if (sp !== toLong(0)) child.regs.set(REG_RSP, sp);
    if (tls !== toLong(-1)) child.regs.set(REG_FSBASE, tls);
  }
}
