/**
 * A kernel instance: everything that is global elsewhere hangs off it.
 *
 * Key types `Kernel`, `IrqHandler`, `Collector`. Neighbours: `loop.ts` (the event loop), every other file of kern.
 * Invariant: entered by one CPU at a time, never preempted; there is no mutable state outside it.
 * Source: DragonFly sys/kern/init_main.c for the order of things.
 */
import type { Callout, CalloutWheel, Cpu } from "@anax/lwkt";
import type { Machine } from "@anax/machine";
import type { i32, long } from "@anax/portable";
import type { UserScheduler } from "@anax/scheduler";
import type { VmPages } from "@anax/vm";
import type { Vfs } from "@anax/vfs-msg";
import type { Abi, ImageLoader } from "./abi";
import { FileContext } from "./file-context";
import { LS_RUN, LS_SLEEP, type Lwp } from "./lwp";
import { PidTable } from "./pid";
import type { Proc } from "./proc";
import { SigInfoPool } from "./sigqueue";
import { WaitResult } from "./wait";

/** A driver's interrupt routine: quick, may wake LWPs and send messages. */
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

/** Interrupt numbers below this. */
export const IRQ_COUNT: i32 = 256;

/** Something is to be done before the current LWP returns to user mode: the loop's slow path. */
export const ATT_RESCHED: i32 = 1;
export const ATT_TIMER: i32 = 2;
export const ATT_AST: i32 = 4;
export const ATT_HALT: i32 = 8;

export class Kernel {
  readonly pids: PidTable = new PidTable();
  readonly siginfos: SigInfoPool = new SigInfoPool();
  /** Scratch objects of file calls. */
  readonly fc: FileContext;
  readonly waitResult: WaitResult = new WaitResult();
  readonly abis: Array<Abi> = [];
  readonly loaders: Array<ImageLoader> = [];
  readonly irqHandlers: Array<IrqHandler | null> = [];
  collector: Collector | null = null;

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

  constructor(
    readonly machine: Machine,
    readonly pages: VmPages,
    readonly vfs: Vfs,
    readonly scheduler: UserScheduler,
    readonly wheel: CalloutWheel,
    readonly cpu: Cpu,
  ) {
    this.fc = new FileContext(machine, pages, vfs);
    for (let i = 0; i < IRQ_COUNT; i++) this.irqHandlers.push(null);
  }

  /** ns since boot. */
  now(): long {
    return this.machine.nanotime();
  }

  /** Arms a callout, and the machine's timer with it when it is the earliest. */
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
      this.scheduler.setRunnable(l.sched, this.now());
      this.attention |= ATT_RESCHED;
    } else if (l.state === LS_RUN) l.wakePending = true;
  }

  /** Registers a driver for an interrupt line. */
  setIrqHandler(irq: i32, handler: IrqHandler): void {
    this.irqHandlers[irq] = handler;
  }

  /** Writes a line to the console: for what the administrator must see. */
  log(message: string): void {
    for (let i = 0; i < message.length; i++) this.machine.putc(message.charCodeAt(i));
    this.machine.putc(10);
  }
}
