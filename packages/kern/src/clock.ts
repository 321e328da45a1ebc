/**
 * Clocks: time since boot is the machine's; real time is that plus the time of boot.
 *
 * Key type `KernelClock` (also the clock of the file systems). Neighbours: `time.ts` (the calls), `kernel.ts`.
 * Invariant: `bootSec`/`bootNsec` is the real time at 0 ns since boot; setting the clock changes only that.
 * Source: clock_gettime(2), time(7).
 */
import type { Machine } from "@anax/machine";
import { i32, longDiv, longMod, type long } from "@anax/portable";
import { VfsClock } from "@anax/vfs-msg";

export const NSEC_PER_SEC: long = 1000000000;

export class KernelClock extends VfsClock {
  bootSec: long = 0;
  bootNsec: i32 = 0;

  constructor(readonly machine: Machine) {
    super();
  }

  override update(): void {
    this.setFrom(this.machine.nanotime());
  }

  /** Sets `sec` and `nsec` to the real time at `now`, ns since boot. */
  setFrom(now: long): void {
    const frac = longMod(now, NSEC_PER_SEC);
    let nsec: i32 = (this.bootNsec + i32(frac)) | 0;
    let sec: long = this.bootSec + longDiv(now - frac, NSEC_PER_SEC);
    if (nsec >= 1000000000) {
      nsec = (nsec - 1000000000) | 0;
      sec = sec + 1;
    }
    this.sec = sec;
    this.nsec = nsec;
  }

  /** Real time is `sec`, `nsec` now. */
  setRealtime(sec: long, nsec: i32): void {
    const now = this.machine.nanotime();
    const frac = longMod(now, NSEC_PER_SEC);
    let bn: i32 = (nsec - i32(frac)) | 0;
    let bs: long = sec - longDiv(now - frac, NSEC_PER_SEC);
    if (bn < 0) {
      bn = (bn + 1000000000) | 0;
      bs = bs - 1;
    }
    this.bootSec = bs;
    this.bootNsec = bn;
  }

  /** ns since boot of a real time; 0 for what lies before boot. Times beyond some ninety years are cut. */
  toUptime(sec: long, nsec: i32): long {
    let s: long = sec - this.bootSec;
    if (s > 2000000000) s = 2000000000;
    const t: long = s * NSEC_PER_SEC + nsec - this.bootNsec;
    return t < 0 ? 0 : t;
  }
}
