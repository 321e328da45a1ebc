/**
 * Interval timers of a process: ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF, and alarm.
 *
 * Key type `ITimers`, made for a process at its first use. Neighbours: `accounting.ts` (CPU time), `signal.ts`.
 * Invariant: `real` is armed exactly while ITIMER_REAL runs; the CPU timers hold the CPU time that is left.
 * Source: setitimer(2), alarm(2).
 */
import { Callout } from "@anax/lwkt";
import { Errno, type i32, type long } from "@anax/portable";
import { chargeCurrent } from "./accounting";
import { ATT_TIMER } from "./kernel";
import type { Lwp } from "./lwp";
import type { Proc } from "./proc";
import { SIGALRM, SIGPROF, SIGVTALRM, SI_KERNEL } from "./sigdefs";
import { procSignal } from "./signal";
import type { TimerSpec } from "./timespec";

export const ITIMER_REAL: i32 = 0;
export const ITIMER_VIRTUAL: i32 = 1;
export const ITIMER_PROF: i32 = 2;

class RealTimer extends Callout {
  interval: long = 0;

  constructor(readonly proc: Proc) {
    super();
  }

  override fire(): void {
    const k = this.proc.kernel;
    if (this.interval > 0) {
      let next: long = this.deadline + this.interval;
      const now = k.now();
      if (next <= now) next = now + this.interval;
      k.arm(this, next);
    }
    procSignal(this.proc, SIGALRM, SI_KERNEL);
  }
}

export class ITimers {
  readonly real: RealTimer;
  /** CPU time left and interval, ns; 0 left: not running. */
  virtualLeft: long = 0;
  virtualInterval: long = 0;
  profLeft: long = 0;
  profInterval: long = 0;

  constructor(readonly proc: Proc) {
    this.real = new RealTimer(proc);
  }

  /** The process used CPU time. */
  charge(user: long, system: long): void {
    if (this.virtualLeft > 0 && user > 0) {
      this.virtualLeft = this.virtualLeft - user;
      if (this.virtualLeft <= 0) {
        this.virtualLeft = rearm(this.virtualLeft, this.virtualInterval);
        procSignal(this.proc, SIGVTALRM, SI_KERNEL);
      }
    }
    if (this.profLeft > 0) {
      this.profLeft = this.profLeft - user - system;
      if (this.profLeft <= 0) {
        this.profLeft = rearm(this.profLeft, this.profInterval);
        procSignal(this.proc, SIGPROF, SI_KERNEL);
      }
    }
  }

  /** CPU time after which `charge` must be called at the latest; -1 for none. */
  get nextCpu(): long {
    let n: long = -1;
    if (this.virtualLeft > 0) n = this.virtualLeft;
    if (this.profLeft > 0 && (n < 0 || this.profLeft < n)) n = this.profLeft;
    return n;
  }
}

function rearm(left: long, interval: long): long {
  if (interval <= 0) return 0;
  const next: long = left + interval;
  return next > 0 ? next : interval;
}

/** getitimer(2): -INVAL. */
export function kernGetitimer(l: Lwp, which: i32, out: TimerSpec): i32 {
  out.value = 0;
  out.interval = 0;
  if (which < ITIMER_REAL || which > ITIMER_PROF) return -Errno.INVAL;
  const t = l.proc.itimers;
  if (t === null) return 0;
  if (which === ITIMER_REAL) {
    out.interval = t.real.interval;
    if (t.real.armed) {
      const left: long = t.real.deadline - l.kernel.now();
      // A timer that runs shows at least something.
      out.value = left > 1000 ? left : 1000;
    }
    return 0;
  }
  chargeCurrent(l.kernel);
  out.value = which === ITIMER_VIRTUAL ? t.virtualLeft : t.profLeft;
  out.interval = which === ITIMER_VIRTUAL ? t.virtualInterval : t.profInterval;
  return 0;
}

/** setitimer(2): ns. -INVAL, -NOMEM. The old setting is read before. */
export function kernSetitimer(l: Lwp, which: i32, value: long, interval: long): i32 {
  if (which < ITIMER_REAL || which > ITIMER_PROF || value < 0 || interval < 0) return -Errno.INVAL;
  const k = l.kernel;
  let t = l.proc.itimers;
  if (t === null) {
    if (value === 0) return 0;
    if (!k.vm.heapOk()) return -Errno.NOMEM;
    t = new ITimers(l.proc);
    l.proc.itimers = t;
  }
  if (which === ITIMER_REAL) {
    if (t.real.armed) k.disarm(t.real);
    t.real.interval = value > 0 ? interval : 0;
    if (value > 0) k.arm(t.real, k.now() + value);
    return 0;
  }
  chargeCurrent(k);
  if (which === ITIMER_VIRTUAL) {
    t.virtualLeft = value;
    t.virtualInterval = interval;
  } else {
    t.profLeft = value;
    t.profInterval = interval;
  }
  // The machine's timer has to know.
  k.attention |= ATT_TIMER;
  return 0;
}
