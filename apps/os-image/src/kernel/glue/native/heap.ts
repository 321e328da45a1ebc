/** The kernel heap, native side: AssemblyScript's two-colour collector, run by hand. */

@external("machine", "heapUsed") declare function heapUsedBytes(): u32;

/** Bytes in objects, garbage included. */
export function heapUsed(): u32 {
  return heapUsedBytes();
}

/** Frees every object that no global reaches. Only where no live object hangs off a local. */
export function collectHeap(): void {
  __collect();
}
