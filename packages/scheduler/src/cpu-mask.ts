/**
 * Sets of CPUs, and what a topology says of one.
 *
 * Key types `CpuMask` (a plain bit set of fixed size), `AllowedCpus` (a mask with its member count in every node of a topology,
 * shared by all entities of equal mask). Neighbours: `topology.ts` (the tree), `policy.ts` (which makes and shares them).
 * Invariant: bits at and above `size` are 0; an `AllowedCpus` never changes and is never empty.
 */
import { ctz, imul, kassert, popcnt, type i32, type u32 } from "@anax/portable";
import type { Topology } from "./topology";

/** A set of CPUs 0 to `size` - 1. */
export class CpuMask {
  private readonly words: Uint32Array;

  constructor(readonly size: i32) {
    this.words = new Uint32Array((size + 31) >> 5);
  }

  /** Whether the CPU is a member. */
  has(cpu: i32): boolean {
    if (cpu < 0 || cpu >= this.size) return false;
    return ((this.words[cpu >> 5] >>> (cpu & 31)) & 1) !== 0;
  }

  /** Adds a CPU. Returns the mask. A CPU outside is a panic. */
  add(cpu: i32): CpuMask {
    kassert(cpu >= 0 && cpu < this.size, "cpu mask: no such CPU");
    this.words[cpu >> 5] |= 1 << (cpu & 31);
    return this;
  }

  /** Removes a CPU. Returns the mask. A CPU outside is a panic. */
  delete(cpu: i32): CpuMask {
    kassert(cpu >= 0 && cpu < this.size, "cpu mask: no such CPU");
    this.words[cpu >> 5] &= ~(1 << (cpu & 31));
    return this;
  }

  /** Adds `count` CPUs from `first` on. */
  addRange(first: i32, count: i32): CpuMask {
    const end: i32 = (first + count) | 0;
    for (let c = first; c < end; c++) this.add(c);
    return this;
  }

  /** Members. */
  get count(): i32 {
    let n: i32 = 0;
    for (let w = 0; w < this.words.length; w++) n = (n + popcnt(this.words[w])) | 0;
    return n;
  }

  /** The lowest member at or above `from`, or -1. */
  next(from: i32): i32 {
    if (from < 0) from = 0;
    if (from >= this.size) return -1;
    let w: i32 = from >> 5;
    let bits: u32 = (this.words[w] & (0xffffffff << (from & 31))) >>> 0;
    for (;;) {
      if (bits !== 0) return ((w << 5) + ctz(bits)) | 0;
      w = (w + 1) | 0;
      if (w >= this.words.length) return -1;
      bits = this.words[w];
    }
  }

  /** Whether both have the same members. */
  equals(o: CpuMask): boolean {
    if (o.size !== this.size) return false;
    for (let w = 0; w < this.words.length; w++) if (this.words[w] !== o.words[w]) return false;
    return true;
  }

  /** A mask of its own with the same members. */
  copy(): CpuMask {
    const m = new CpuMask(this.size);
    m.words.set(this.words);
    return m;
  }

  /** FNV-1a of the words. */
  hash(): i32 {
    let h: i32 = -2128831035;
    for (let w = 0; w < this.words.length; w++) {
      const bits: u32 = this.words[w];
      h = imul(h ^ (bits | 0), 16777619);
    }
    return h;
  }
}

/** A mask as the policies use it. Owned by the `SchedPolicy` that made it; lives while an entity refers to it. */
export class AllowedCpus {
  /** Members of the mask in each node of the topology. */
  readonly counts: Uint16Array;
  readonly count: i32;
  /** The only member, or -1. */
  readonly only: i32;
  refs: i32 = 0;
  /** The next of equal hash. */
  next: AllowedCpus | null = null;

  constructor(
    readonly mask: CpuMask,
    readonly hash: i32,
    t: Topology,
  ) {
    this.counts = new Uint16Array(t.nodes);
    for (let n: i32 = (t.nodes - 1) | 0; n >= 0; n--) {
      let members: i32 = 0;
      if (t.childCount[n] === 0) {
        if (mask.has(t.firstCpu[n])) members = 1;
      } else {
        const first = t.firstChild[n];
        const end: i32 = (first + t.childCount[n]) | 0;
        for (let c = first; c < end; c++) {
          const m: i32 = this.counts[c];
          members = (members + m) | 0;
        }
      }
      this.counts[n] = members;
    }
    const all: i32 = this.counts[0];
    this.count = all;
    this.only = all === 1 ? mask.next(0) : -1;
  }
}
