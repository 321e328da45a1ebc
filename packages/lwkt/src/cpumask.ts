/**
 * Sets of CPUs. Key type `CpuMask`; neighbours `group.ts`, `cpusync.ts`. Invariant: `count` is the number of members.
 * Source: DragonFly cpumask_t.
 */
import type { i32 } from "@anax/portable";

/** A set of CPUs by id. */
export class CpuMask {
  private readonly words: Uint32Array;
  count: i32 = 0;

  constructor(cpus: i32) {
    this.words = new Uint32Array((cpus + 31) >> 5);
  }

  has(id: i32): boolean {
    return ((this.words[id >> 5] >>> (id & 31)) & 1) !== 0;
  }

  add(id: i32): void {
    if (this.has(id)) return;
    this.words[id >> 5] |= 1 << (id & 31);
    this.count++;
  }

  delete(id: i32): void {
    if (!this.has(id)) return;
    this.words[id >> 5] &= ~(1 << (id & 31));
    this.count--;
  }

  clear(): void {
    this.words.fill(0);
    this.count = 0;
  }
}
