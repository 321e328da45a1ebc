/**
 * What two CPUs share for a link: four rings, and the bell of each.
 *
 * Key type `LinkMemory`. Neighbours: `ring.ts`, `spawn.ts` (which makes it), `link.ts` (whose ends lie in it).
 * Invariant: ring 0 and 1 carry requests and replies of end 0, 2 and 3 those of end 1.
 */
import { closeRing, ringBytes, type RingMemory } from "./ring";

export interface LinkMemory {
  readonly rings: SharedArrayBuffer;
  /** Bytes of each ring. */
  readonly capacity: number;
  /** Bell of end 0 and of end 1. */
  readonly bells: readonly [SharedArrayBuffer, SharedArrayBuffer];
}

/** Bytes of a ring when nobody says otherwise: a message with 64 KiB goes through it. */
export const DEFAULT_RING = 512 * 1024;

export function createLinkMemory(
  bells: readonly [SharedArrayBuffer, SharedArrayBuffer],
  capacity: number = DEFAULT_RING,
): LinkMemory {
  return { rings: new SharedArrayBuffer(4 * ringBytes(capacity)), capacity, bells };
}

/** Ring `index` of a link. */
export function ringOf(memory: LinkMemory, index: number): RingMemory {
  return { buffer: memory.rings, offset: index * ringBytes(memory.capacity), capacity: memory.capacity };
}

/** Says to both ends that one of them is gone. Who sleeps has to be woken by the caller. */
export function closeLinkMemory(memory: LinkMemory): void {
  for (let i = 0; i < 4; i++) closeRing(ringOf(memory, i));
}
