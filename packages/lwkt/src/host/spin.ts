/**
 * Adaptive spinning: whether it pays to watch the rings before sleeping.
 *
 * Key type `Spinner`; neighbour `cpu.ts`. A sleep and its wake-up cost tens of microseconds, and an answer often comes in one or two. But where the other
 * side does not run at the same time (it is slow, or the machine has more to do than cores) spinning only takes its time. So after a spin in vain and a short sleep
 * the next waits go to sleep at once, twice as many each time; a spin that was worth it ends that. A long sleep says nothing: there was nothing to do.
 * Two threads that only ever wake each other and sleep are put on one core by the operating system, where no spin can succeed, and stay there. So once in a while a spin goes on until both have been
 * seen running at a tick and one is moved to an idle core: that is the difference between 20 microseconds for a call and one.
 * Invariant: where no other thread can run, nothing spins.
 */

/** Milliseconds. */
const SPIN = 0.05;
/** Looks between two that count, and of those between two readings of the clock. */
const LOOKS = 64;
const ROUNDS = 8;
/** Waits without a spin at most. */
const SKIP_MAX = 128;
/** Milliseconds from which a sleep is long: a spin before it has cost little. */
const LONG = 1;
/** A spin that outlasts a tick of the operating system's clock, and the least time from one to the next, in milliseconds. */
const PATIENT = 12;
const PATIENT_EVERY = 120;

/** What is watched. */
export interface Watched {
  readonly hasInput: boolean;
  /** As `hasInput`, but cheap, and a no may be old. */
  readonly mayHaveInput: boolean;
}

export class Spinner {
  /** Waits that are still to go by without a spin, and how many there will be after the next in vain. */
  private skip = 0;
  private penalty = 1;
  private inVain = false;
  /** When the next patient spin may be. */
  private patientAt = 0;

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
      for (let round = 0; round < ROUNDS; round++) {
        for (let i = 0; i < LOOKS; i++) if (what.mayHaveInput) return this.seen();
        if (what.hasInput) return this.seen();
      }
      // Most answers come before the clock is read for the first time.
      if (end === 0) end = this.endOfSpin(performance.now());
    } while (performance.now() < end);
    this.inVain = true;
    return false;
  }

  private seen(): boolean {
    this.penalty = 1;
    return true;
  }

  private endOfSpin(now: number): number {
    if (this.penalty < SKIP_MAX || now < this.patientAt) return now + SPIN;
    this.patientAt = now + PATIENT_EVERY;
    return now + PATIENT;
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
