/**
 * What a system call in progress holds beyond numbers.
 *
 * Neighbours: `lwp.ts` (`opObj`). Invariant: `drop` runs exactly once for each object put there, when the call ends, whichever way.
 */
import type { Lwp } from "./lwp";

export abstract class OpState {
  abstract drop(lwp: Lwp): void;
}
