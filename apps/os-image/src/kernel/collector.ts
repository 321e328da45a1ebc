/**
 * When the kernel collects garbage: after every `step` bytes of allocation, sooner when nothing else is to do.
 *
 * Key type `HeapCollector`. Neighbours: `glue/js/heap.ts`; kern's loop asks. The step follows the live heap (half of it), so the work of
 * marking stays in proportion to what was allocated. Invariant: `collect` runs at the top of the loop only.
 */
import { Collector } from "@anax/kern";
import { u32 } from "@anax/portable";
import { collectHeap, heapUsed } from "./glue/js/heap";

const STEP_MIN: u32 = 0x80000;
const IDLE_MIN: u32 = 0x20000;

export class HeapCollector extends Collector {
  private live: u32 = heapUsed();
  private step: u32 = STEP_MIN;

  isDue(): boolean {
    return u32(heapUsed() - this.live) > this.step;
  }

  isWorthwhile(): boolean {
    return u32(heapUsed() - this.live) > IDLE_MIN;
  }

  collect(): void {
    collectHeap();
    this.live = heapUsed();
    const half: u32 = this.live >>> 1;
    this.step = half > STEP_MIN ? half : STEP_MIN;
  }
}
