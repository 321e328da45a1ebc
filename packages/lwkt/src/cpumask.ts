/**
 * Sets of CPUs. Key type `CpuMask`; neighbours `group.ts`, `cpusync.ts`. Invariant: `count` is the number of members.
 * Source: DragonFly cpumask_t.
 */
import { kassert, type i32 } from "@anax/portable";

/** A set of CPUs by id. */
export class CpuMask {
  private readonly words: Uint32Array;
  /** Members. */
  count: i32 = 0;

  /** An empty set of CPUs with ids below `cpus`. */
  constructor(private readonly cpus: i32) {
    this.words = new Uint32Array((cpus + 31) >> 5);
  }

  /** Whether the CPU is a member. No CPU beyond the last is. */
  has(id: i32): boolean {
    return id < this.cpus && ((this.words[id >> 5] >>> (id & 31)) & 1) !== 0;
  }

  /** Adds a CPU. Panics for one that cannot be. */
  add(id: i32): void {
    kassert(id >= 0 && id < this.cpus, "cpu mask: no such CPU");
    if (this.has(id)) return;
    this.words[id >> 5] |= 1 << (id & 31);
    this.count++;
  }

  /** Removes a CPU, if it is a member. */
  delete(id: i32): void {
    if (!this.has(id)) return;
    this.words[id >> 5] &= ~(1 << (id & 31));
    this.count--;
  }

  /** Removes all. */
  clear(): void {
    this.words.fill(0);
    this.count = 0;
  }
}
