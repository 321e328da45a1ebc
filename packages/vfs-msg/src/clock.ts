/**
 * The clock that time stamps come from. kern implements it; `FixedClock` is for tests and for use without a kernel.
 *
 * Neighbours: file systems call `update` where a stamp is due. Invariant: `nsec` is 0 to 999,999,999.
 */
import type { i32, long } from "@anax/portable";

/** Real time in two parts (ns since 1970 do not fit 53 bits). Owned by the kernel instance. */
export abstract class VfsClock {
  /** Seconds since 1970 and ns, as of the last `update`. */
  sec: long = 0;
  nsec: i32 = 0;

  /** Sets `sec` and `nsec` to now. */
  abstract update(): void;
}

/** A clock that stands still until it is moved. */
export class FixedClock extends VfsClock {
  update(): void {}

  set(sec: long, nsec: i32): void {
    this.sec = sec;
    this.nsec = nsec;
  }

  advance(ns: i32): void {
    this.nsec = (this.nsec + ns) | 0;
    while (this.nsec >= 1000000000) {
      this.nsec = (this.nsec - 1000000000) | 0;
      this.sec = this.sec + 1;
    }
  }
}
