/**
 * The random generator of the kernel: ChaCha20 with fast key erasure, seeded from entropy sources.
 *
 * Key types `ChaChaRng` (one a kernel; getrandom, /dev/urandom, AT_RANDOM, pids), `EntropySource` (virtio-rng, the CPU).
 * Source: RFC 8439; D. J. Bernstein, "Fast-key-erasure random-number generators" (2017).
 */
import type { i32 } from "@anax/portable";

/** Where seeds come from. */
export abstract class EntropySource {
  /** Puts up to `n` random bytes into `buf`; how many. */
  abstract read(buf: Uint8Array, off: i32, n: i32): i32;
}

export class ChaChaRng {
  /** Enough entropy has come in: /dev/random and getrandom no longer wait. */
  seeded: boolean = false;

  /** Mixes `n` bytes into the key; `bits` of entropy are credited (256 in all make it seeded). */
  mix(_buf: Uint8Array, _off: i32, _n: i32, _bits: i32): void {}

  /** Random bytes; before it is seeded they are predictable. */
  fill(_buf: Uint8Array, _off: i32, _n: i32): void {}
}
