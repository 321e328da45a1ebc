/**
 * What the handlers of system calls need while they run, made once for an ABI so that no call allocates.
 *
 * Key type `LinuxContext`, handed to every handler. The kernel runs one call at a time to its end, and a call that is run
 * again starts from nothing, so one set serves every LWP.
 * Neighbours: every decoding file; `abi.ts` owns it. Invariant: nothing in the buffers is meaningful between two calls.
 */
import type { long } from "@anax/portable";
import { SigAction, SigInfo, SigSet, TimerSpec, Usage, type Kernel, type Lwp } from "@anax/kern";
import { Stat, StatFs } from "@anax/vfs-msg";
import type { SyscallCounters } from "./counters";
import { DirentSink } from "./dir";
import { IovCursor } from "./inspect";
import type { SigFrames } from "./sigframe";
import type { SysvScratch } from "./sysv";
import { ClockDiscipline } from "./timex";

/** A system call: arguments are in `lwp.regs`. A value, a negative errno, EASYNC, or RESULT_IN_REGISTERS. */
export type SyscallHandler = (c: LinuxContext, lwp: Lwp) => long;

/** The handler has set the registers itself: nothing is to be stored in rax. Below EASYNC, which is below every errno. */
export const RESULT_IN_REGISTERS: long = -8193;

export class LinuxContext {
  readonly st: Stat = new Stat();
  readonly stfs: StatFs = new StatFs();
  /** Small structures on their way to or from user memory. */
  readonly buf: Uint8Array = new Uint8Array(4096);
  readonly dirents: DirentSink = new DirentSink();
  readonly action: SigAction = new SigAction();
  readonly oldAction: SigAction = new SigAction();
  readonly info: SigInfo = new SigInfo();
  readonly sigset: SigSet = new SigSet();
  readonly usage: Usage = new Usage();
  readonly timer: TimerSpec = new TimerSpec();
  readonly discipline: ClockDiscipline = new ClockDiscipline();
  readonly local: IovCursor = new IovCursor();
  readonly remote: IovCursor = new IovCursor();
  sysv: SysvScratch | null = null;
  /** What `copyinTimespec` read. */
  sec: long = 0;
  nsec: long = 0;

  constructor(
    readonly kernel: Kernel,
    readonly frames: SigFrames,
    readonly counters: SyscallCounters,
  ) {}
}
