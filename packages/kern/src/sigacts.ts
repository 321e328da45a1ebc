/**
 * What a process does with each signal.
 *
 * Key types `SigAction` (one action, filled in place), `SigActs` (the table), `SigHand` (what processes cloned with
 * CLONE_SIGHAND share). Neighbours: `signal.ts`, `fork.ts`, `exec.ts`.
 * Invariant: a SigActs with `refs` above 1 is not written; its writer takes a copy first, so fork costs nothing.
 * Source: sigaction(2).
 */
import { LongArray, type i32, type long, u32 } from "@anax/portable";
import { NSIG, SIG_DFL, SIG_IGN } from "./sigdefs";

/** One action. */
export class SigAction {
  /** User address, SIG_DFL or SIG_IGN. */
  handler: long = 0;
  /** SA_*. */
  flags: u32 = 0;
  restorer: long = 0;
  /** Signals blocked while the handler runs. */
  maskLo: u32 = 0;
  maskHi: u32 = 0;
}

/** The actions of all signals, by number. */
export class SigActs {
  /** SigHands that refer to it. */
  refs: i32 = 1;
  readonly handler: LongArray = new LongArray(NSIG + 1);
  readonly restorer: LongArray = new LongArray(NSIG + 1);
  readonly flags: Uint32Array = new Uint32Array(NSIG + 1);
  readonly maskLo: Uint32Array = new Uint32Array(NSIG + 1);
  readonly maskHi: Uint32Array = new Uint32Array(NSIG + 1);
  /** Signals whose handler is SIG_IGN. */
  ignoredLo: u32 = 0;
  ignoredHi: u32 = 0;
  /** Signals that have a handler in the program. */
  caughtLo: u32 = 0;
  caughtHi: u32 = 0;

  get(sig: i32, into: SigAction): void {
    into.handler = this.handler.get(sig);
    into.flags = this.flags[sig];
    into.restorer = this.restorer.get(sig);
    into.maskLo = this.maskLo[sig];
    into.maskHi = this.maskHi[sig];
  }

  set(sig: i32, handler: long, flags: u32, restorer: long, maskLo: u32, maskHi: u32): void {
    this.handler.set(sig, handler);
    this.flags[sig] = flags;
    this.restorer.set(sig, restorer);
    this.maskLo[sig] = maskLo;
    this.maskHi[sig] = maskHi;
    const bit: u32 = (1 << ((sig - 1) & 31)) >>> 0;
    if (sig <= 32) {
      this.ignoredLo = handler === SIG_IGN ? u32(this.ignoredLo | bit) : u32(this.ignoredLo & ~bit);
      this.caughtLo = handler !== SIG_IGN && handler !== SIG_DFL ? u32(this.caughtLo | bit) : u32(this.caughtLo & ~bit);
    } else {
      this.ignoredHi = handler === SIG_IGN ? u32(this.ignoredHi | bit) : u32(this.ignoredHi & ~bit);
      this.caughtHi = handler !== SIG_IGN && handler !== SIG_DFL ? u32(this.caughtHi | bit) : u32(this.caughtHi & ~bit);
    }
  }

  /** SA_RESETHAND: the default action; what sigaction(2) tells of the flags and the mask stays. */
  reset(sig: i32): void {
    this.set(sig, SIG_DFL, this.flags[sig], this.restorer.get(sig), this.maskLo[sig], this.maskHi[sig]);
  }

  copy(): SigActs {
    const c = new SigActs();
    for (let sig = 1; sig <= NSIG; sig++) {
      c.handler.set(sig, this.handler.get(sig));
      c.restorer.set(sig, this.restorer.get(sig));
    }
    c.flags.set(this.flags);
    c.maskLo.set(this.maskLo);
    c.maskHi.set(this.maskHi);
    c.ignoredLo = this.ignoredLo;
    c.ignoredHi = this.ignoredHi;
    c.caughtLo = this.caughtLo;
    c.caughtHi = this.caughtHi;
    return c;
  }
}

/** A reference to a table, shared by CLONE_SIGHAND. */
export class SigHand {
  /** Processes that share it. */
  refs: i32 = 1;

  constructor(public acts: SigActs) {}

  /** The table for writing. */
  own(): SigActs {
    const acts = this.acts;
    if (acts.refs === 1) return acts;
    acts.refs--;
    const mine = acts.copy();
    this.acts = mine;
    return mine;
  }

  /** A SigHand for a forked child: the same actions until either side changes one. */
  fork(): SigHand {
    this.acts.refs++;
    return new SigHand(this.acts);
  }

  /** For a new program: caught signals have their default action again, ignored ones stay so. Gives this reference back. */
  forExec(): SigHand {
    if (this.refs > 1) {
      const mine = this.fork();
      this.release();
      return mine.forExec();
    }
    if ((this.acts.caughtLo | this.acts.caughtHi) === 0) return this;
    const own = this.own();
    for (let sig = 1; sig <= NSIG; sig++) {
      const h = own.handler.get(sig);
      if (h !== SIG_DFL && h !== SIG_IGN) own.set(sig, SIG_DFL, 0, 0, 0, 0);
    }
    return this;
  }

  /** A process lets go. */
  release(): void {
    this.refs--;
    if (this.refs === 0) this.acts.refs--;
  }
}
