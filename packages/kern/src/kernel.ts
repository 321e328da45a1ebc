/**
 * A kernel instance: everything that is global elsewhere hangs off it.
 *
 * Key types `Kernel`, `IrqHandler`, `Collector`. Neighbours: `loop.ts` (the event loop), every other file of kern.
 * Typical sequence: the composition makes machine, Vm, KernelClock, Vfs, scheduler, wheel and Cpu, then the Kernel; adds ABIs,
 * loaders and drivers; makes process 1 (`createInit`), loads its program (`execInit`), and calls `loop`.
 * Invariant: entered by one CPU at a time, never preempted; there is no mutable state outside it.
 */
import type { Callout, CalloutWheel, Cpu } from "@anax/lwkt";
import { PAGE_SIZE, type Machine } from "@anax/machine";
import { longDiv, bytesOf, kassert, type i32, type long, type u32 } from "@anax/portable";
import type { UserScheduler } from "@anax/scheduler";
import type { Vm, VmPages } from "@anax/vm";
import { ChaChaRng, KernelLog, type Vfs } from "@anax/vfs-msg";
import type { Abi, ImageLoader } from "./abi";
import type { KernelClock } from "./clock";
import { ExecImage } from "./exec";
import { FileContext } from "./file-context";
import { FutexTable } from "./futex";
import { LoadAverage } from "./loadavg";
import { kernelLoop } from "./loop";
import { LS_RUN, LS_SLEEP, type Lwp } from "./lwp";
import { PidTable } from "./pid";
import type { Proc } from "./proc";
import { SigAction } from "./sigacts";
import { SigInfo, SigInfoPool } from "./sigqueue";
import { UTS_LEN } from "./system";
import { IpcBudget, IpcTable } from "./sysv-ipc";
import { MSGMNI } from "./sysv-msg";
import { SEMMNI } from "./sysv-sem";
import { SHMMNI } from "./sysv-shm";
import { UserTable } from "./user";
import { WaitResult } from "./wait";

/** A driver's interrupt routine: quick; may wake LWPs, arm callouts and send messages. */
export interface IrqHandler {
  interrupt(irq: i32): void;
}

/** The garbage collector as the composition has it. Called only at the top of the loop. */
export abstract class Collector {
  /** So much was allocated that a collection is due at once. */
  abstract isDue(): boolean;
  /** Enough was allocated for a collection while nothing else is to do. */
  abstract isWorthwhile(): boolean;
  abstract collect(): void;
}

/** Interrupt numbers are below this. */
export const IRQ_COUNT: i32 = 256;

/** `Kernel#attention`: why the current LWP may not go straight back to user mode. */
export const ATT_RESCHED: i32 = 1;
/** A callout was armed that is due before the machine's timer. */
export const ATT_TIMER: i32 = 2;
/** A signal or another AST came for the current LWP. */
export const ATT_AST: i32 = 4;
/** The kernel is to stop. */
export const ATT_HALT: i32 = 8;
/** Garbage is to be collected. */
export const ATT_COLLECT: i32 = 16;

/** Level of the kernel's own messages in /dev/kmsg. */
const LOG_WARNING: i32 = 4;

/**
 * | group | fields | touched by |
 * |---|---|---|
 * | parts | machine, vm, pages, vfs, scheduler, wheel, cpu, clock, fc | set once |
 * | tables | pids, users, futexes, shm, sem, msg, abis, loaders, irqHandlers | their files |
 * | running | current, fpuOwner, attention, timerDeadline, loopTime, chargedAt | loop.ts |
 * | scratch | image, action, info, waitResult | one handler at a time |
 * | identity | hostname, domainname | system.ts |
 * | statistics | switches, ... | loop.ts |
 */
export class Kernel {
  readonly pids: PidTable = new PidTable();
  readonly users: UserTable = new UserTable();
  readonly futexes: FutexTable = new FutexTable();
  /** System V IPC. */
  readonly shm: IpcTable = new IpcTable(SHMMNI);
  readonly sem: IpcTable = new IpcTable(SEMMNI);
  readonly msg: IpcTable = new IpcTable(MSGMNI);
  readonly ipcBudget: IpcBudget;
  readonly siginfos: SigInfoPool = new SigInfoPool();
  readonly pages: VmPages;
  /** Scratch objects of file calls. */
  readonly fc: FileContext;
  readonly abis: Array<Abi> = [];
  readonly loaders: Array<ImageLoader> = [];
  readonly irqHandlers: Array<IrqHandler | null> = [];
  collector: Collector | null = null;
  /** Garbage is to be collected when the loop comes by. */
  collectNow: boolean = false;

  /** Process 1. */
  init: Proc | null = null;
  /** The LWP whose handler or program runs. */
  current: Lwp | null = null;
  /** The LWP whose FPU state is in the registers. */
  fpuOwner: Lwp | null = null;
  /** ATT_*. */
  attention: i32 = 0;
  /** Deadline the machine's timer is set to, ns; -1 for none. */
  timerDeadline: long = -1;
  /** The time when the loop last looked, ns: good enough for statistics. */
  loopTime: long = 0;
  /** Up to when CPU time was charged. */
  chargedAt: long = 0;
  /** Estimated part of the time since `chargedAt` that system calls took. */
  systemShare: long = 0;
  /** Set by `halt`: the loop ends with it. -1 while it runs. */
  haltCode: i32 = -1;
  /** wait status of process 1 after its end. */
  initStatus: i32 = 0;
  initExited: boolean = false;

  readonly image: ExecImage = new ExecImage();
  readonly action: SigAction = new SigAction();
  readonly info: SigInfo = new SigInfo();
  /** For SIGCHLD, which may be sent while `info` is in use. */
  readonly childInfo: SigInfo = new SigInfo();
  readonly waitResult: WaitResult = new WaitResult();

  /** NUL-padded to 65 bytes. */
  readonly hostname: Uint8Array = new Uint8Array(UTS_LEN);
  readonly domainname: Uint8Array = new Uint8Array(UTS_LEN);

  /** Switches from one LWP to another, and traps by kind. */
  switches: i32 = 0;
  syscalls: i32 = 0;
  faults: i32 = 0;
  interrupts: i32 = 0;
  forks: i32 = 0;
  collections: i32 = 0;
  oomKills: i32 = 0;
  /** The second in which processes were killed last, and how many. */
  oomSecond: long = -1;
  oomInSecond: i32 = 0;
  /** CPU time, ns. */
  userTime: long = 0;
  niceTime: long = 0;
  systemTime: long = 0;
  idleTime: long = 0;
  readonly load!: LoadAverage;
  /** Bytes of an FPU state. */
  readonly fpuSize: i32;
  /** Random numbers; the composition seeds it and gives it to devfs too. */
  /** What /dev/kmsg and syslog(2) show. */
  readonly messages: KernelLog = new KernelLog();
  readonly random: ChaChaRng = new ChaChaRng();

  constructor(
    readonly machine: Machine,
    readonly vm: Vm,
    readonly vfs: Vfs,
    readonly scheduler: UserScheduler,
    readonly wheel: CalloutWheel,
    readonly cpu: Cpu,
    readonly clock: KernelClock,
  ) {
    kassert(clock.machine === machine, "kernel: clock of another machine");
    this.pages = vm.pages;
    this.fc = new FileContext(machine, vm.pages, vfs);
    const memory: long = vm.pages.totalCount;
    this.ipcBudget = new IpcBudget(longDiv(memory * PAGE_SIZE, 16));
    for (let i = 0; i < IRQ_COUNT; i++) this.irqHandlers.push(null);
    this.load = new LoadAverage(this);
    this.hostname.set(bytesOf("anax"));
    this.domainname.set(bytesOf("(none)"));
    this.fpuSize = machine.fpuSize();
    this.loopTime = machine.nanotime();
    this.chargedAt = this.loopTime;
  }

  /** The event loop. Returns when the kernel was halted: HALT_* or another code that `halt` was given. */
  loop(): i32 {
    return kernelLoop(this);
  }

  /** Ends the loop after the handler that runs now. The composition then calls `machine.halt`. */
  halt(code: i32): void {
    this.haltCode = code;
    this.attention |= ATT_HALT;
  }

  /** Something large has become garbage, or memory for the kernel's objects is short. */
  requestCollection(): void {
    this.collectNow = true;
    this.attention |= ATT_COLLECT;
  }

  /** ns since boot. */
  now(): long {
    return this.machine.nanotime();
  }

  /** Arms a callout; the machine's timer is set when the loop sees it. */
  arm(c: Callout, deadline: long): void {
    this.wheel.arm(c, deadline);
    if (this.timerDeadline < 0 || deadline < this.timerDeadline) this.attention |= ATT_TIMER;
  }

  disarm(c: Callout): void {
    this.wheel.cancel(c);
  }

  /** See `Lwp#wake`. */
  wakeLwp(l: Lwp): void {
    if (l.state === LS_SLEEP) {
      l.state = LS_RUN;
      if (l.proc.stopped) return;
      this.scheduler.setRunnable(l.sched, this.loopTime);
      this.attention |= ATT_RESCHED;
    } else if (l.state === LS_RUN) l.wakePending = true;
  }

  /** Has the LWP look at its signals and flags before it goes on; ends its sleep for that. */
  setAst(l: Lwp): void {
    l.ast = true;
    if (l === this.current) this.attention |= ATT_AST;
    else if (l.state === LS_SLEEP) {
      l.leaveAll();
      this.wakeLwp(l);
    }
  }

  /** Registers a driver for an interrupt line. */
  setIrqHandler(irq: i32, handler: IrqHandler | null): void {
    this.irqHandlers[irq] = handler;
  }

  /** Writes a line to the console: for what the administrator must see. */
  log(message: string): void {
    this.messages.line(LOG_WARNING, this.now(), message);
    for (let i = 0; i < message.length; i++) this.machine.putc(message.charCodeAt(i));
    this.machine.putc(10);
  }

  // ---- FPU state, switched only between LWPs

  /** Writes the LWP's FPU state to its page, which then is the truth until `fpuLoad`. */
  fpuSync(l: Lwp): void {
    if (this.fpuOwner === l) this.machine.fpuSave(this.pages.pa(l.fpuPage));
  }

  /** The LWP's FPU page was changed (sigreturn, exec): the registers are loaded from it before it runs again. */
  fpuForget(l: Lwp): void {
    if (this.fpuOwner === l) this.fpuOwner = null;
  }

  /** Physical address of the LWP's FPU state. */
  fpuAddress(l: Lwp): long {
    return this.pages.pa(l.fpuPage);
  }

  /** Gives pages their number of KiB. */
  kib(pages: u32): long {
    const n: long = pages;
    return n * 4;
  }

  /** Seconds since boot. */
  uptimeSeconds(): long {
    return longDiv(this.now(), 1000000000);
  }
}
