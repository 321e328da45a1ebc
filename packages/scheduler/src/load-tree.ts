/**
 * Sums over the CPUs of every node of a topology, kept as they change.
 *
 * Key type `LoadTree`. Neighbours: `topology.ts`; the policies, each of which says what load is to it.
 * A change of one CPU walks to the root; a search looks at the children of one node on each level. Both cost log(CPUs).
 * Invariant: a node's sums are the sums of its children.
 */
import { imul, kassert, type i32 } from "@anax/portable";
import type { AllowedCpus } from "./cpu-mask";
import type { Topology } from "./topology";

/** Of a node that is partly allowed so many CPUs are looked at one by one; of a larger part the share is estimated. */
const EXACT_MAX: i32 = 32;

/** CPUs that `nextWaiting` gives for one that finds nothing in the nearest: masks forbid what waits there. */
const MORE_WAITING: i32 = 16;

/** Load, waiting and idleness of every node. */
export class LoadTree {
  /** By node: load, entities that wait and may be taken, CPUs with nothing to run. */
  readonly load: Int32Array;
  readonly queued: Int32Array;
  readonly idle: Int32Array;
  private readonly parent: Int32Array;
  private readonly firstChild: Int32Array;
  private readonly childCount: Int32Array;
  private readonly firstCpu: Int32Array;
  private readonly cpuCount: Int32Array;
  private readonly leaf: Int32Array;
  /** Where `nextWaiting` goes on, and how many it may still give. */
  private scan: i32 = 0;
  private left: i32 = 0;

  constructor(t: Topology) {
    this.load = new Int32Array(t.nodes);
    this.queued = new Int32Array(t.nodes);
    this.idle = new Int32Array(t.nodes);
    this.parent = t.parent;
    this.firstChild = t.firstChild;
    this.childCount = t.childCount;
    this.firstCpu = t.firstCpu;
    this.cpuCount = t.cpuCount;
    this.leaf = t.leaf;
    this.idle.set(t.cpuCount);
  }

  /** The values of one CPU. */
  set(cpu: i32, load: i32, queued: i32, idle: boolean): void {
    let n = this.leaf[cpu];
    const dLoad: i32 = (load - this.load[n]) | 0;
    const dQueued: i32 = (queued - this.queued[n]) | 0;
    const dIdle: i32 = ((idle ? 1 : 0) - this.idle[n]) | 0;
    if ((dLoad | dQueued | dIdle) === 0) return;
    for (; n >= 0; n = this.parent[n]) {
      this.load[n] = (this.load[n] + dLoad) | 0;
      this.queued[n] = (this.queued[n] + dQueued) | 0;
      this.idle[n] = (this.idle[n] + dIdle) | 0;
    }
  }

  /** The load of the allowed CPUs of a node, `members` of them. */
  loadOf(node: i32, allowed: AllowedCpus, members: i32): i32 {
    const all = this.cpuCount[node];
    const load = this.load[node];
    if (members === all) return load;
    if (members > EXACT_MAX) return imul((load / all) | 0, members);
    let sum: i32 = 0;
    const end: i32 = (this.firstCpu[node] + all) | 0;
    let cpu = allowed.mask.next(this.firstCpu[node]);
    while (cpu >= 0 && cpu < end) {
      sum = (sum + this.load[this.leaf[cpu]]) | 0;
      cpu = allowed.mask.next((cpu + 1) | 0);
    }
    return sum;
  }

  /** The allowed CPU that has least to do: on each level a part with idle CPUs if there is one, the least loaded by CPU, and in doubt the one with `near`. */
  lightest(allowed: AllowedCpus | null, near: i32): i32 {
    let node: i32 = 0;
    while (this.childCount[node] !== 0) {
      const first = this.firstChild[node];
      const end: i32 = (first + this.childCount[node]) | 0;
      let best: i32 = -1;
      let bestIdle = false;
      let bestLoad: i32 = 0;
      let bestSum: i32 = 0;
      let bestMembers: i32 = 0;
      for (let c = first; c < end; c++) {
        const idle = this.idle[c] > 0;
        if (bestIdle && !idle) continue;
        let members = this.cpuCount[c];
        let sum = this.load[c];
        if (allowed !== null) {
          members = allowed.counts[c];
          if (members === 0) continue;
          sum = this.loadOf(c, allowed, members);
        }
        const from = this.firstCpu[c];
        const isNear = near >= from && near < ((from + this.cpuCount[c]) | 0);
        // Most end here, without a division: no less to do than the best of the same size.
        if (!isNear && idle === bestIdle && members === bestMembers && sum >= bestSum) continue;
        const load: i32 = (imul(sum, 16) / members) | 0;
        let better = best < 0 || (idle && !bestIdle);
        if (!better && idle === bestIdle) better = load < bestLoad || (load === bestLoad && isNear);
        if (better) {
          best = c;
          bestIdle = idle;
          bestLoad = load;
          bestSum = sum;
          bestMembers = members;
        }
      }
      kassert(best >= 0, "load tree: nothing allowed");
      node = best;
    }
    return this.firstCpu[node];
  }

  /** The nearest idle allowed CPU to `near` that is no further away than `within` (a node around it); -1 for none. */
  idleNear(allowed: AllowedCpus | null, near: i32, within: i32): i32 {
    let from: i32 = -1;
    let n = this.leaf[near];
    for (;;) {
      if (this.idle[n] > 0) {
        const found = this.idleBelow(n, from, allowed);
        if (found >= 0) return found;
      }
      if (n === within || this.parent[n] < 0) return -1;
      from = n;
      n = this.parent[n];
    }
  }

  /** An idle allowed CPU below a node but not below `except`; -1 for none. Looks further only where a mask forbids what is idle. */
  private idleBelow(node: i32, except: i32, allowed: AllowedCpus | null): i32 {
    if (allowed !== null && allowed.counts[node] === 0) return -1;
    if (this.childCount[node] === 0) return this.firstCpu[node];
    const first = this.firstChild[node];
    const end: i32 = (first + this.childCount[node]) | 0;
    for (let c = first; c < end; c++) {
      if (c === except || this.idle[c] === 0) continue;
      const found = this.idleBelow(c, except, allowed);
      if (found >= 0) return found;
    }
    return -1;
  }

  /** The first idle allowed CPU from `cpu` on, and from 0 when there is none; -1 for none at all. */
  idleFrom(allowed: AllowedCpus | null, cpu: i32): i32 {
    if (this.idle[0] === 0) return -1;
    const found = this.idleAtLeast(0, allowed, cpu);
    return found >= 0 || cpu === 0 ? found : this.idleAtLeast(0, allowed, 0);
  }

  private idleAtLeast(node: i32, allowed: AllowedCpus | null, cpu: i32): i32 {
    if (this.childCount[node] === 0) return this.firstCpu[node];
    const first = this.firstChild[node];
    const end: i32 = (first + this.childCount[node]) | 0;
    for (let c = first; c < end; c++) {
      if (this.idle[c] === 0 || ((this.firstCpu[c] + this.cpuCount[c]) | 0) <= cpu) continue;
      if (allowed !== null && allowed.counts[c] === 0) continue;
      const found = this.idleAtLeast(c, allowed, cpu);
      if (found >= 0) return found;
    }
    return -1;
  }

  /** The CPU with most waiting in the nearest part of the machine where anything waits, `cpu` itself excepted; -1 for none. */
  busiestNear(cpu: i32): i32 {
    this.left = MORE_WAITING;
    let from = this.leaf[cpu];
    let n = this.parent[from];
    while (n >= 0 && this.queued[n] === this.queued[from]) {
      from = n;
      n = this.parent[n];
    }
    if (n < 0) return -1;
    while (this.childCount[n] !== 0) {
      const first = this.firstChild[n];
      const end: i32 = (first + this.childCount[n]) | 0;
      let best: i32 = -1;
      let most: i32 = 0;
      for (let c = first; c < end; c++) {
        if (c === from || this.queued[c] === 0) continue;
        const q: i32 = (imul(this.queued[c], 16) / this.cpuCount[c]) | 0;
        if (best < 0 || q > most) {
          best = c;
          most = q;
        }
      }
      n = best;
    }
    return this.firstCpu[n];
  }

  /** Another one after `busiestNear`, whose entities may not come: some CPUs where anything waits, each time from where the last search ended; -1 for no more. */
  nextWaiting(): i32 {
    if (this.left === 0) return -1;
    this.left--;
    let found = this.waitingAtLeast(0, this.scan);
    if (found < 0) found = this.waitingAtLeast(0, 0);
    this.scan = (found + 1) | 0;
    return found;
  }

  private waitingAtLeast(node: i32, cpu: i32): i32 {
    if (this.childCount[node] === 0) return this.firstCpu[node];
    const first = this.firstChild[node];
    const end: i32 = (first + this.childCount[node]) | 0;
    for (let c = first; c < end; c++) {
      if (this.queued[c] === 0 || ((this.firstCpu[c] + this.cpuCount[c]) | 0) <= cpu) continue;
      const found = this.waitingAtLeast(c, cpu);
      if (found >= 0) return found;
    }
    return -1;
  }
}
