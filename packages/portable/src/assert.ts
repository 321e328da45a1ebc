/** Assertions. A failed one is a panic: the kernel prints its back trace and stops; in JavaScript an Error is thrown. */

/** Panics with `message` unless `condition` holds. For internal faults only, never for what a user or a device sent. */
export function kassert(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** Stops the kernel. */
export function panic(message: string): void {
  throw new Error(message);
}
