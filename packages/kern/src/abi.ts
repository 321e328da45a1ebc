/**
 * What the kernel asks of an ABI: its system calls, signal frames and the first stack of a program.
 *
 * Key types `Abi` (a port: system calls are messages to it), `SysMsg` (one embedded in each LWP), `ImageLoader` (an
 * executable format) and `ExecImage` (`exec.ts`). Implemented by abi-compat. Neighbours: `loop.ts`, `signal.ts`, `exec.ts`.
 * Invariant: kern knows no register convention, no structure layout and no file format.
 */
import { Msg, PutOnlyPort } from "@anax/lwkt";
import type { i32, long } from "@anax/portable";
import type { ExecImage } from "./exec";
import type { Lwp } from "./lwp";
import type { SigAction } from "./sigacts";
import type { SigInfo } from "./sigqueue";

/**
 * A system call in progress. Owned by its LWP; the ABI finds number and arguments in `lwp.regs` and in `cmd` and `result`
 * what it put there.
 */
export class SysMsg extends Msg {
  constructor(readonly lwp: Lwp) {
    super();
  }
}

/** One binary interface. Every process has one; exec chooses it. */
export abstract class Abi extends PutOnlyPort {
  constructor(readonly name: string) {
    super();
  }

  // `putPort(msg: SysMsg): i32` runs the system call of `msg.lwp`. Finished: the result (a value or a negative errno) is
  // both in `msg.result` and in the registers, and 0 is returned. Not finished: EASYNC, after the LWP was put on wait queues or its
  // timer was armed; it is called again with `lwp.inCall` set and the `op` fields as it left them. When `lwp.interrupted`
  // is set it must finish, with -EINTR or a partial result; only uninterruptible waits answer EASYNC still.
  // -EINTR from an interrupted call may be followed by another run of the same call (see `signal.ts`).

  /**
   * Whether the call that ended with -EINTR is started again after a handler with SA_RESTART.
   * False for nanosleep, poll, select, sigsuspend, sigtimedwait, pause and the like (signal(7)).
   */
  abstract isRestartable(lwp: Lwp): boolean;

  /** Sets the registers so that the interrupted system call runs again from its start on return to user mode. */
  abstract restartCall(lwp: Lwp): void;

  /**
   * Puts the frame of a handler on the stack of the program and points the registers to the handler. The mask that
   * the frame saves is `lwp.frameMaskLo/Hi`; whether the alternate stack is to be used tells `signalStackTop`.
   * 0, or a negative errno: the program then gets a SIGSEGV that it cannot catch in this state.
   */
  abstract sendSignal(lwp: Lwp, sig: i32, info: SigInfo, action: SigAction): i32;

  /**
   * Writes arguments, environment and auxiliary data to the stack of `image.space`, which is the active one,
   * and sets `image.sp` and `image.pc`. 0, -TOOBIG, -FAULT, -NOMEM.
   */
  abstract setupStack(lwp: Lwp, image: ExecImage): i32;

  /** Gives `regs` the state of a program that starts at `image.pc` with the stack `image.sp`. Cannot fail. */
  abstract setRegisters(lwp: Lwp, image: ExecImage): void;

  /** A new LWP made by fork or clone returns 0 from the call that made it. `sp` 0: as the parent; `tls` -1: as the parent. */
  abstract setChildReturn(child: Lwp, sp: long, tls: long): void;
}

/** An executable format. */
export abstract class ImageLoader {
  constructor(readonly name: string) {}

  /** Whether the first bytes of the file are of this format. */
  abstract recognizes(header: Uint8Array, n: i32): boolean;

  /**
   * Maps the program into `image.space`, which is fresh, empty and the active one, and fills `image.entry` and the fields that the ABI's `setupStack`
   * reads. 0, -NOEXEC (damaged or for another machine), -NOMEM, -IO, EASYNC (the LWP waits for a page of the file).
   */
  abstract load(lwp: Lwp, image: ExecImage): i32;
}
