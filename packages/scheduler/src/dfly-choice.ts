/**
 * Where dfly puts an entity and where it takes one from: descents of the topology by weighed load.
 *
 * Key type `DflyChoice`. Neighbours: `dfly.ts` (which keeps the loads), `dfly-tuning.ts` (the weights), `load-tree.ts` (the sums).
 * Invariant: a descent looks at the children of one node on each level and ends at a CPU that the entity may use.
 * Source: DragonFly sys/kern/usched_dfly.c (dfly_choose_best_queue, dfly_choose_worst_queue).
 */
import { imul, kassert, type i32 } from "@anax/portable";
import { DFLY_FLIP, type DflyTuning } from "./dfly-tuning";
import type { SchedEntity } from "./entity";
import type { LoadTree } from "./load-tree";
import type { Topology } from "./topology";

/** The two descents of the topology. */
export class DflyChoice {
  constructor(
    private readonly topology: Topology,
    private readonly tuning: DflyTuning,
    private readonly tree: LoadTree,
  ) {}

  /**
   * The CPU for an entity: from the root down, always the child with the lowest load by CPU, as if the entity were not there, less
   * the advantages of nearness. In doubt where it is already.
   */
  best(e: SchedEntity): i32 {
    const t = this.topology;
    const w = this.tuning;
    const tree = this.tree;
    const childCount = t.childCount;
    const firstCpu = t.firstCpu;
    const cpuCount = t.cpuCount;
    const load = tree.load;
    const allowed = e.allowed;
    const own = e.cpu;
    const waker = e.wakeCpu;
    const already: i32 = e.loaded ? (e.uload + w.weight3) | 0 : 0;
    const largest = w.weight5 === 0 ? 0 : t.largestMemory;
    const here: i32 = (w.features & DFLY_FLIP) !== 0 ? w.weight2 : -w.weight2;
    let node: i32 = 0;
    let below = childCount[node];
    while (below !== 0) {
      let best: i32 = -1;
      let lowest: i32 = 0;
      const first = t.firstChild[node];
      const end: i32 = (first + below) | 0;
      for (let c = first; c < end; c++) {
        let members = cpuCount[c];
        const from = firstCpu[c];
        const until: i32 = (from + members) | 0;
        let sum = load[c];
        if (allowed !== null) {
          members = allowed.counts[c];
          if (members === 0) continue;
          sum = tree.loadOf(c, allowed, members);
        }
        const isOwn = own >= from && own < until;
        if (isOwn) sum = (sum - already) | 0;
        let l: i32 = (sum / members) | 0;
        if (isOwn) l = (l - w.weight1) | 0;
        if (largest > 0) l = (l - ((imul(t.memory[c], w.weight5) / largest) | 0)) | 0;
        if (waker >= from && waker < until) l = (childCount[c] !== 0 ? l - w.weight2 : l + here) | 0;
        if (best < 0 || l < lowest || (l === lowest && isOwn)) {
          best = c;
          lowest = l;
        }
      }
      kassert(best >= 0, "dfly: nothing allowed");
      node = best;
      below = childCount[node];
    }
    return firstCpu[node];
  }

  /**
   * The CPU to take from: from the root down, always the child with the highest load by CPU among those where somebody waits, with
   * an advantage for what is near (not when `force`d). -1 for none, or when it would be `cpu` itself.
   */
  worst(cpu: i32, force: boolean): i32 {
    const t = this.topology;
    const w = this.tuning;
    const near: i32 = force && w.pace ? 0 : w.pace ? (w.weight1 / 2) | 0 : w.weight1;
    const largest = w.weight5 === 0 ? 0 : t.largestMemory;
    let node: i32 = 0;
    while (t.childCount[node] !== 0) {
      let best: i32 = -1;
      let highest: i32 = 0;
      const first = t.firstChild[node];
      const end: i32 = (first + t.childCount[node]) | 0;
      for (let c = first; c < end; c++) {
        if (this.tree.queued[c] === 0) continue;
        let l: i32 = (this.tree.load[c] / t.cpuCount[c]) | 0;
        const isOwn = t.contains(c, cpu);
        if (isOwn) l = (l + near) | 0;
        if (largest > 0) l = (l - ((imul(t.memory[c], w.weight5) / largest) | 0)) | 0;
        if (best < 0 || l > highest || (l === highest && isOwn)) {
          best = c;
          highest = l;
        }
      }
      if (best < 0) return -1;
      node = best;
    }
    const found = t.firstCpu[node];
    return found === cpu ? -1 : found;
  }
}
