/** The kernel heap, JavaScript side: the engine collects by itself. */
import type { u32 } from "@anax/portable";

export function heapUsed(): u32 {
  return 0;
}

export function collectHeap(): void {}
