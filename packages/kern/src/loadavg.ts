/**
 * The load average: LWPs that run or could, averaged over 1, 5 and 15 minutes.
 *
 * Neighbours: `procinfo.ts`, sysinfo. Invariant: fixed point with 11 fraction bits; one sample in five seconds.
 * Source: getloadavg(3), proc(5); exponential decay by exp(-5/60), exp(-5/300), exp(-5/900).
 */
import { Callout } from "@anax/lwkt";
import { longDiv, type i32, type long } from "@anax/portable";
import type { Kernel } from "./kernel";

export const LOAD_SHIFT: i32 = 11;
const FIXED_1: long = 2048;
const SAMPLE_NS: long = 5000000000;

export class LoadAverage extends Callout {
  one: long = 0;
  five: long = 0;
  fifteen: long = 0;

  constructor(private readonly kernel: Kernel) {
    super();
  }

  start(): void {
    this.kernel.arm(this, this.kernel.now() + SAMPLE_NS);
  }

  override fire(): void {
    let n: long = this.kernel.scheduler.runnable;
    if (this.kernel.current !== null) n = n + 1;
    this.one = decay(this.one, 1884, n);
    this.five = decay(this.five, 2014, n);
    this.fifteen = decay(this.fifteen, 2037, n);
    this.start();
  }
}

function decay(load: long, factor: long, n: long): long {
  return longDiv(load * factor + n * FIXED_1 * (FIXED_1 - factor), FIXED_1);
}
