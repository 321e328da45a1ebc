/**
 * Adaptive spinning: whether it pays to watch the rings before sleeping.
 *
 * Key type `Spinner`; neighbour `cpu.ts`. A sleep and its wake-up cost tens of microseconds, and an answer often comes in one or two. But where the other
 * side does not run at the same time (it is slow, or the machine has more to do than cores) spinning only takes its time. So after a spin in vain and a short sleep
 * the next waits go to sleep at once, twice as many each time; a spin that was worth it ends that. A long sleep says nothing: there was nothing to do.
 * Invariant: where no other thread can run, nothing spins.
 */

/** Milliseconds. */
const SPIN = 0.05;
/** Looks between two readings of the clock. */
const LOOKS = 64;
/** Waits without a spin at most. */
const SKIP_MAX = 128;
/** Milliseconds from which a sleep is long: a spin before it has cost little. */
const LONG = 1;

/** What is watched. */
export interface Watched {
  readonly hasInput: boolean;
}

export class Spinner {
  /** Waits that are still to go by without a spin, and how many there will be after the next in vain. */
  private skip = 0;
  private penalty = 1;
  private inVain = false;

  constructor(private readonly parallel: boolean) {}

  /** Watches until there is input (true) or no more sense in it. */
  watch(what: Watched): boolean {
    if (what.hasInput) return true;
    if (!this.parallel) return false;
    if (this.skip > 0) {
      this.skip--;
      return false;
    }
    let end = 0;
    do {
      for (let i = 0; i < LOOKS; i++) {
        if (!what.hasInput) continue;
        this.penalty = 1;
        return true;
      }
      // Most answers come before the clock is read for the first time.
      if (end === 0) end = performance.now() + SPIN;
    } while (performance.now() < end);
    this.inVain = true;
    return false;
  }

  /** A sleep of so many milliseconds has ended. */
  slept(milliseconds: number): void {
    if (milliseconds >= LONG) {
      this.skip = 0;
      this.penalty = 1;
    } else if (this.inVain) {
      this.skip = this.penalty;
      this.penalty = Math.min(SKIP_MAX, this.penalty * 2);
    }
    this.inVain = false;
  }
}
