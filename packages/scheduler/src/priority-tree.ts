/**
 * The priority of what each CPU runs, with the worst of every node of a topology.
 *
 * Key type `PriorityTree`. Neighbours: `topology.ts`, `bsd4.ts`. A change looks at the siblings on the way to the root as far as the
 * worst changes, a search at the children of one node on each level: both cost log(CPUs).
 * Invariant: a node's value is the highest of its children.
 */
import { type i32 } from "@anax/portable";
import type { AllowedCpus } from "./cpu-mask";
import { PPQ, PRIBASE_NULL } from "./entity";
import type { Topology } from "./topology";

/** Of a mask of so many CPUs each is looked at. */
const EXACT_MAX: i32 = 32;
const QUEUES: i32 = (PRIBASE_NULL / PPQ) | 0;

/** Who runs what is worst, in every part of the machine. */
export class PriorityTree {
  private readonly value: Int32Array;
  /** CPUs that run something, by its queue. */
  private readonly running: Int32Array = new Int32Array(QUEUES);

  constructor(private readonly topology: Topology) {
    this.value = new Int32Array(topology.nodes);
    this.value.fill(PRIBASE_NULL);
  }

  /** The priority on a CPU; PRIBASE_NULL when it is idle. */
  get(cpu: i32): i32 {
    return this.value[this.topology.leaf[cpu]];
  }

  /** What a CPU runs now; PRIBASE_NULL when it is idle. */
  set(cpu: i32, priority: i32): void {
    const t = this.topology;
    let n = t.leaf[cpu];
    const old = this.value[n];
    if (old === priority) return;
    if (old < PRIBASE_NULL) this.running[old >> 2]--;
    if (priority < PRIBASE_NULL) this.running[priority >> 2]++;
    this.value[n] = priority;
    n = t.parent[n];
    while (n >= 0) {
      const first = t.firstChild[n];
      const end: i32 = (first + t.childCount[n]) | 0;
      let worst: i32 = 0;
      for (let c = first; c < end; c++) if (this.value[c] > worst) worst = this.value[c];
      if (this.value[n] === worst) return;
      this.value[n] = worst;
      n = t.parent[n];
    }
  }

  /** The worst queue that anything runs from, -1 when all CPUs are idle. */
  worstRunning(): i32 {
    let q: i32 = (QUEUES - 1) | 0;
    while (q >= 0 && this.running[q] === 0) q--;
    return q;
  }

  /** An allowed CPU that runs the worst, as far as the mask lets that be told without a look at each CPU. */
  worst(allowed: AllowedCpus | null): i32 {
    const t = this.topology;
    if (allowed !== null && allowed.count <= EXACT_MAX) {
      let cpu = allowed.mask.next(0);
      let found = cpu;
      while (cpu >= 0) {
        if (this.get(cpu) > this.get(found)) found = cpu;
        cpu = allowed.mask.next((cpu + 1) | 0);
      }
      return found;
    }
    let node: i32 = 0;
    while (t.childCount[node] !== 0) {
      const first = t.firstChild[node];
      const end: i32 = (first + t.childCount[node]) | 0;
      let best: i32 = -1;
      for (let c = first; c < end; c++) {
        if (allowed !== null && allowed.counts[c] === 0) continue;
        if (best < 0 || this.value[c] > this.value[best]) best = c;
      }
      node = best;
    }
    return t.firstCpu[node];
  }
}
