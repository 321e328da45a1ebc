/**
 * Adaptive spinning: how long it pays to watch the rings before sleeping.
 *
 * Key type `Spinner`; neighbour `cpu.ts`. A sleep and its wake-up cost tens of microseconds, an answer often comes in one. The limit grows when something comes
 * while spinning or shortly after, and halves when nothing does. Invariant: the limit is 0 where no other thread can run, else SPIN_MIN to SPIN_MAX.
 */

/** Milliseconds. */
const SPIN_MIN = 0.002;
const SPIN_MAX = 0.05;
/** Looks between two readings of the clock. */
const LOOKS = 64;

/** What is watched. */
export interface Watched {
  readonly hasInput: boolean;
}

export class Spinner {
  private limit: number;

  constructor(private readonly parallel: boolean) {
    this.limit = parallel ? SPIN_MAX / 2 : 0;
  }

  /** Watches until there is input (true) or the limit has passed. */
  watch(what: Watched): boolean {
    if (!this.parallel) return what.hasInput;
    const start = performance.now();
    for (;;) {
      for (let i = 0; i < LOOKS; i++) {
        if (!what.hasInput) continue;
        this.grow((performance.now() - start) * 2);
        return true;
      }
      if (performance.now() - start >= this.limit) break;
    }
    this.limit = Math.max(SPIN_MIN, this.limit / 2);
    return false;
  }

  /** After a spin in vain a sleep of so many milliseconds was ended by input. */
  slept(milliseconds: number): void {
    if (this.parallel && milliseconds < SPIN_MAX) this.grow(this.limit * 4);
  }

  private grow(limit: number): void {
    this.limit = Math.min(SPIN_MAX, Math.max(this.limit, limit));
  }
}
