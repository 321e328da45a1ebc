/**
 * Doorbells: how a CPU sleeps and is woken. One word of shared memory for each CPU.
 *
 * Key types `Bell` (the owner's side), `ringBell` (everybody else's). Neighbours: `cpu.ts` (the loop that sleeps), `link.ts` (who rings).
 * The owner says AWAKE while it looks at its queues by itself, so that nobody pays for a wake-up that is not needed. Going to sleep is: say ASLEEP,
 * look once more, wait. Whoever puts something into a queue first writes, then looks at the bell.
 * Invariant: with sequentially consistent atomics one of the two sees the other, so no wake-up is lost.
 */

const AWAKE = 0;
/** The owner is in Atomics.wait or waitAsync. */
const ASLEEP = 1;
/** The owner's host has no Atomics.waitAsync: it is woken by a message event. */
const ASLEEP_POKE = 2;

export const BELL_BYTES = 64;

interface AsyncWait {
  readonly async: boolean;
  readonly value: string | Promise<string>;
}

type WaitAsync = (array: Int32Array, index: number, value: number) => AsyncWait;

/** Atomics.waitAsync where the host has it: Node, Chromium, Safari; Firefox since 145. */
const waitAsync = (Atomics as unknown as { waitAsync?: WaitAsync }).waitAsync;

/**
 * Wakes the bell's owner if it sleeps. Returns true when it has to be poked by a message event, which is the caller's to send.
 */
export function ringBell(bell: Int32Array): boolean {
  const state = Atomics.load(bell, 0);
  if (state === AWAKE || Atomics.compareExchange(bell, 0, state, AWAKE) !== state) return false;
  if (state === ASLEEP_POKE) return true;
  Atomics.notify(bell, 0);
  return false;
}

/** The owner's side. */
export class Bell {
  readonly word: Int32Array;
  /** A promise of waitAsync is out; it is used again for the next sleep. */
  private waiting = false;
  /** The word says AWAKE and only the owner may say otherwise. What others watch is not written needlessly: each write costs them a line of their cache. */
  private isAwake = false;

  /** `onWake` is called, from the event loop, after `sleepAsync` when somebody rang. */
  constructor(
    readonly buffer: SharedArrayBuffer,
    private readonly onWake: () => void,
    private readonly canWaitAsync: boolean = waitAsync !== undefined,
  ) {
    this.word = new Int32Array(buffer, 0, 1);
  }

  /** Looks at its queues by itself from here on. */
  awake(): void {
    if (this.isAwake) return;
    this.isAwake = true;
    Atomics.store(this.word, 0, AWAKE);
  }

  /** Is about to sleep. The queues must be looked at once more before `sleep` or `sleepAsync`. */
  drowse(): void {
    this.isAwake = false;
    Atomics.store(this.word, 0, this.canWaitAsync ? ASLEEP : ASLEEP_POKE);
  }

  /** As `drowse`, before `sleep`. */
  drowseBlocking(): void {
    this.isAwake = false;
    Atomics.store(this.word, 0, ASLEEP);
  }

  /** Blocks the thread until somebody rings, at most `milliseconds`. False when the time ran out. */
  sleep(milliseconds: number): boolean {
    return Atomics.wait(this.word, 0, ASLEEP, milliseconds) !== "timed-out";
  }

  /** Lets the event loop go on and calls `onWake` when somebody rings. */
  sleepAsync(): void {
    if (!this.canWaitAsync || this.waiting || waitAsync === undefined) return;
    const wait = waitAsync(this.word, 0, ASLEEP);
    if (!wait.async) {
      queueMicrotask(this.onWake);
      return;
    }
    this.waiting = true;
    void (wait.value as Promise<string>).then(() => {
      this.waiting = false;
      this.onWake();
    });
  }
}
