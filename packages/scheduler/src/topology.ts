/**
 * The CPUs of a machine as a tree: NUMA nodes, packages, cores, hardware threads.
 *
 * Key types `Topology` (immutable, typed arrays indexed by node), `TopologySpec` (numbers of each level), `TopologyNode` (an explicit
 * tree), `TopologyBuilder` (checks either and says which field is wrong). Neighbours: `load-tree.ts` and `cpu-mask.ts` (values in
 * every node), the policies (which descend it).
 * CPUs are numbered depth first, so a node's CPUs are one range. Nodes are numbered breadth first, so a node's children are one range
 * and node 0 is the root. A node with one child is merged with it. Where a level has more than FANOUT children, groups of
 * neighbours stand between: so a descent that looks at the children of one node on each level costs log(CPUs).
 * Invariant: a leaf is one CPU; the CPUs of a node are the CPUs of its children, in order.
 * Source: DragonFly sys/sys/cpu_topology.h (levels), sys/kern/subr_cpu_topology.c.
 */
import { Errno, imul, kassert, type i32 } from "@anax/portable";

/** CPUs of the largest topology. */
export const CPUS_MAX: i32 = 4096;
/** Children that a node can have. */
export const FANOUT: i32 = 16;

/** What a node is; smaller is nearer to the root. */
export const LEVEL_MACHINE: i32 = 0;
/** CPUs with memory of their own. */
export const LEVEL_NUMA: i32 = 1;
/** A chip. */
export const LEVEL_PACKAGE: i32 = 2;
/** Neighbours below a wide level; not part of a specification. */
export const LEVEL_GROUP: i32 = 3;
/** Threads that share an execution core. */
export const LEVEL_CORE: i32 = 4;
/** One CPU. */
export const LEVEL_THREAD: i32 = 5;

/** A level's name as it stands in messages: "machine", "numa", "package", "group", "core" or "thread". */
export function levelName(level: i32): string {
  if (level === LEVEL_MACHINE) return "machine";
  if (level === LEVEL_NUMA) return "numa";
  if (level === LEVEL_PACKAGE) return "package";
  if (level === LEVEL_GROUP) return "group";
  return level === LEVEL_CORE ? "core" : "thread";
}

/** A regular machine: how many of each level there are in one of the level above. */
export class TopologySpec {
  constructor(
    public numa: i32 = 1,
    public packages: i32 = 1,
    public cores: i32 = 1,
    public threads: i32 = 1,
  ) {}
}

/** A node of an explicit tree. A leaf is a CPU: a thread, or a core or package of one thread. */
export class TopologyNode {
  readonly children: TopologyNode[] = [];
  /** Memory attached, MiB; 0 when not known. Counts for NUMA nodes. */
  memory: i32 = 0;

  constructor(readonly level: i32) {}

  /** Adds a child and returns it. */
  add(child: TopologyNode): TopologyNode {
    this.children.push(child);
    return child;
  }
}

/** Makes topologies of what others specified. After a failure `error` and `field` say what is wrong. */
export class TopologyBuilder {
  /** 0 or a negative errno: -INVAL, or -TOOBIG for more than CPUS_MAX CPUs. */
  error: i32 = 0;
  /** The field that is wrong, such as "cores" or "children[1].children[0].level"; empty for none. */
  field: string = "";
  private cpus: i32 = 0;

  private fail(error: i32, field: string): Topology | null {
    this.error = error;
    this.field = field;
    return null;
  }

  /** A regular machine. Null: -INVAL for a number below 1, -TOOBIG for more than CPUS_MAX CPUs; `field` is the level's. */
  fromSpec(spec: TopologySpec): Topology | null {
    this.error = 0;
    this.field = "";
    let total: i32 = 1;
    for (let i = 0; i < 4; i++) {
      const n = i === 0 ? spec.numa : i === 1 ? spec.packages : i === 2 ? spec.cores : spec.threads;
      const name = i === 0 ? "numa" : i === 1 ? "packages" : i === 2 ? "cores" : "threads";
      if (n < 1) return this.fail(-Errno.INVAL, name);
      if (n > CPUS_MAX) return this.fail(-Errno.TOOBIG, name);
      total = imul(total, n);
      if (total > CPUS_MAX) return this.fail(-Errno.TOOBIG, name);
    }
    const root = new TopologyNode(LEVEL_MACHINE);
    for (let a = 0; a < spec.numa; a++) {
      const node = root.add(new TopologyNode(LEVEL_NUMA));
      for (let b = 0; b < spec.packages; b++) {
        const pkg = node.add(new TopologyNode(LEVEL_PACKAGE));
        for (let c = 0; c < spec.cores; c++) {
          const core = pkg.add(new TopologyNode(LEVEL_CORE));
          for (let d = 0; d < spec.threads; d++) core.add(new TopologyNode(LEVEL_THREAD));
        }
      }
    }
    return this.fromTree(root);
  }

  /**
   * An explicit tree; cores, packages and nodes may differ in size. Null: -INVAL for a level that is none or not below its parent's,
   * a thread with children or negative memory, -TOOBIG for more than CPUS_MAX CPUs.
   */
  fromTree(root: TopologyNode): Topology | null {
    this.error = 0;
    this.field = "";
    this.cpus = 0;
    if (!this.check(root, "", -1)) return null;
    return new Topology(this.shape(root), this.cpus);
  }

  private check(n: TopologyNode, path: string, above: i32): boolean {
    const at = path.length === 0 ? "" : path + ".";
    if (n.level < LEVEL_MACHINE || n.level > LEVEL_THREAD || n.level === LEVEL_GROUP || n.level <= above) {
      this.fail(-Errno.INVAL, at + "level");
      return false;
    }
    if (n.memory < 0) {
      this.fail(-Errno.INVAL, at + "memory");
      return false;
    }
    const count: i32 = n.children.length;
    if (count === 0) {
      this.cpus = (this.cpus + 1) | 0;
      if (this.cpus > CPUS_MAX) {
        this.fail(-Errno.TOOBIG, "cpus");
        return false;
      }
      return true;
    }
    for (let i = 0; i < count; i++) {
      if (!this.check(n.children[i], at + "children[" + i.toString() + "]", n.level)) return false;
    }
    return true;
  }

  /** A copy without nodes of one child and with groups below wide ones. The check has passed. */
  private shape(n: TopologyNode): TopologyNode {
    let memory = n.memory;
    let at = n;
    while (at.children.length === 1) {
      at = at.children[0];
      if (at.memory > memory) memory = at.memory;
    }
    const made = new TopologyNode(at.children.length === 0 ? LEVEL_THREAD : at.level);
    made.memory = memory;
    let below: TopologyNode[] = [];
    for (let i = 0; i < at.children.length; i++) below.push(this.shape(at.children[i]));
    while (below.length > FANOUT) {
      const groups: TopologyNode[] = [];
      const count: i32 = (((below.length + FANOUT - 1) | 0) / FANOUT) | 0;
      let next: i32 = 0;
      for (let g = 0; g < count; g++) {
        const group = new TopologyNode(LEVEL_GROUP);
        const end: i32 = (imul(g + 1, below.length) / count) | 0;
        while (next < end) {
          group.add(below[next]);
          next++;
        }
        groups.push(group);
      }
      below = groups;
    }
    for (let i = 0; i < below.length; i++) made.add(below[i]);
    return made;
  }
}

/**
 * The tree. Made by `TopologyBuilder`.
 *
 * | array, by node | meaning |
 * |---|---|
 * | parent | -1 for the root |
 * | firstChild, childCount | the children; a leaf has 0 |
 * | level | LEVEL_* |
 * | firstCpu, cpuCount | the CPUs |
 * | memory | MiB attached, children included; 0 when not known |
 */
export class Topology {
  readonly nodes: i32;
  readonly parent: Int32Array;
  readonly firstChild: Int32Array;
  readonly childCount: Int32Array;
  readonly level: Int32Array;
  readonly firstCpu: Int32Array;
  readonly cpuCount: Int32Array;
  readonly memory: Int32Array;
  /** The leaf of each CPU. */
  readonly leaf: Int32Array;
  /** The most memory that a NUMA node has, MiB; 0 when not known. */
  readonly largestMemory: i32;
  /** Levels below the root on the longest path. */
  readonly depth: i32;

  constructor(
    root: TopologyNode,
    readonly cpus: i32,
  ) {
    const order: TopologyNode[] = [];
    order.push(root);
    for (let i = 0; i < order.length; i++) {
      const n = order[i];
      for (let c = 0; c < n.children.length; c++) order.push(n.children[c]);
    }
    const count: i32 = order.length;
    this.nodes = count;
    this.parent = new Int32Array(count);
    this.firstChild = new Int32Array(count);
    this.childCount = new Int32Array(count);
    this.level = new Int32Array(count);
    this.firstCpu = new Int32Array(count);
    this.cpuCount = new Int32Array(count);
    this.memory = new Int32Array(count);
    this.leaf = new Int32Array(cpus);
    const down = new Int32Array(count);
    let next: i32 = 1;
    let largest: i32 = 0;
    let deepest: i32 = 0;
    this.parent[0] = -1;
    for (let i = 0; i < count; i++) {
      const n = order[i];
      this.level[i] = n.level;
      this.memory[i] = n.memory;
      if (n.memory > largest) largest = n.memory;
      this.firstChild[i] = next;
      this.childCount[i] = n.children.length;
      for (let c = 0; c < n.children.length; c++) {
        this.parent[next] = i;
        down[next] = (down[i] + 1) | 0;
        next++;
      }
      if (down[i] > deepest) deepest = down[i];
    }
    this.largestMemory = largest;
    this.depth = deepest;
    for (let i: i32 = (count - 1) | 0; i >= 0; i--) {
      if (this.childCount[i] === 0) this.cpuCount[i] = 1;
      if (i > 0) {
        const p = this.parent[i];
        this.cpuCount[p] = (this.cpuCount[p] + this.cpuCount[i]) | 0;
      }
    }
    for (let i = 0; i < count; i++) {
      let cpu = this.firstCpu[i];
      const first = this.firstChild[i];
      const end: i32 = (first + this.childCount[i]) | 0;
      for (let c = first; c < end; c++) {
        this.firstCpu[c] = cpu;
        cpu = (cpu + this.cpuCount[c]) | 0;
      }
      if (first === end) this.leaf[cpu] = i;
    }
    kassert(this.cpuCount[0] === cpus, "topology: CPUs lost");
  }

  /** Whether `cpu` is below `node`. */
  contains(node: i32, cpu: i32): boolean {
    const first = this.firstCpu[node];
    return cpu >= first && cpu < ((first + this.cpuCount[node]) | 0);
  }

  /** The smallest node that holds both CPUs. */
  common(a: i32, b: i32): i32 {
    let n = this.leaf[a];
    while (!this.contains(n, b)) n = this.parent[n];
    return n;
  }

  /** What two CPUs share: LEVEL_THREAD (they are one), LEVEL_CORE, LEVEL_PACKAGE, LEVEL_NUMA or LEVEL_MACHINE; groups count as what they are part of. */
  shared(a: i32, b: i32): i32 {
    let n = this.common(a, b);
    while (this.level[n] === LEVEL_GROUP) n = this.parent[n];
    return this.level[n];
  }

  /** The largest node around a CPU that is no wider than `level`: with LEVEL_PACKAGE its package, with LEVEL_CORE its core. */
  around(cpu: i32, level: i32): i32 {
    let found = this.leaf[cpu];
    let n = this.parent[found];
    while (n >= 0) {
      const l = this.level[n];
      if (l !== LEVEL_GROUP) {
        if (l < level) break;
        found = n;
      }
      n = this.parent[n];
    }
    return found;
  }
}
