/** Topologies of many shapes, what their nodes say, and what is wrong with impossible ones. */
import { EventLog, imul, type i32 } from "@anax/portable";
import {
  AllowedCpus,
  CpuMask,
  LEVEL_CORE,
  LEVEL_GROUP,
  LEVEL_MACHINE,
  LEVEL_NUMA,
  LEVEL_PACKAGE,
  LEVEL_THREAD,
  LoadTree,
  PriorityTree,
  TopologyBuilder,
  TopologyNode,
  TopologySpec,
  levelName,
  policyByName,
  type Topology,
} from "@anax/scheduler";

function describe(log: EventLog, t: Topology): void {
  log.value("cpus", t.cpus);
  log.value("nodes", t.nodes);
  log.value("depth", t.depth);
  const step: i32 = t.nodes > 200 ? 37 : 1;
  for (let n = 0; n < t.nodes; n = (n + step) | 0) {
    log.line(levelName(t.level[n]));
    log.value("parent", t.parent[n]);
    log.value("children", t.childCount[n]);
    log.value("first", t.firstCpu[n]);
    log.value("count", t.cpuCount[n]);
    log.value("memory", t.memory[n]);
  }
  const last: i32 = (t.cpus - 1) | 0;
  log.line(levelName(t.shared(0, last)));
  log.value("package", t.around(last, LEVEL_PACKAGE));
  log.value("core", t.around(last, LEVEL_CORE));
}

function search(log: EventLog, t: Topology): void {
  const tree = new LoadTree(t);
  const upri = new PriorityTree(t);
  const mask = new CpuMask(t.cpus);
  for (let c = 0; c < t.cpus; c++) {
    const v = imul(c + 1, 7919) & 1023;
    tree.set(c, v, v & 3, (v & 3) === 0 && (v & 4) === 0);
    upri.set(c, v & 511);
    if ((v & 24) === 8) mask.add(c);
  }
  const all: i32 = (t.cpus - 1) | 0;
  log.value("lightest", tree.lightest(null, all));
  log.value("idle", tree.idleFrom(null, all >> 1));
  log.value("near", tree.idleNear(null, all, 0));
  log.value("busiest", tree.busiestNear(all));
  log.value("worst", upri.worst(null));
  log.value("queue", upri.worstRunning());
  if (mask.count === 0) return;
  const view = new AllowedCpus(mask, mask.hash(), t);
  log.value("hash", view.hash);
  log.value("lightest", tree.lightest(view, 0));
  log.value("idle", tree.idleFrom(view, all >> 1));
  log.value("near", tree.idleNear(view, 0, 0));
  log.value("worst", upri.worst(view));
}

function spec(log: EventLog, b: TopologyBuilder, numa: i32, packages: i32, cores: i32, threads: i32): void {
  const t = b.fromSpec(new TopologySpec(numa, packages, cores, threads));
  log.value("error", b.error);
  log.line(b.field);
  if (t === null) return;
  describe(log, t);
  search(log, t);
}

export function run(log: EventLog): void {
  const b = new TopologyBuilder();
  spec(log, b, 1, 1, 1, 1);
  spec(log, b, 1, 1, 4, 2);
  spec(log, b, 2, 2, 3, 2);
  spec(log, b, 20, 1, 5, 1);
  spec(log, b, 1, 1, 4096, 1);
  spec(log, b, 8, 4, 64, 2);
  spec(log, b, 0, 1, 1, 1);
  spec(log, b, 1, 1, 1, -4);
  spec(log, b, 1, 5000, 1, 1);
  spec(log, b, 64, 64, 2, 1);

  const root = new TopologyNode(LEVEL_MACHINE);
  const big = root.add(new TopologyNode(LEVEL_NUMA));
  big.memory = 8192;
  for (let i = 0; i < 3; i++) {
    const core = big.add(new TopologyNode(LEVEL_CORE));
    if (i > 0) {
      core.add(new TopologyNode(LEVEL_THREAD));
      core.add(new TopologyNode(LEVEL_THREAD));
    }
  }
  root.add(new TopologyNode(LEVEL_PACKAGE)).add(new TopologyNode(LEVEL_THREAD));
  const odd = b.fromTree(root);
  if (odd !== null) describe(log, odd);
  root.children[0].add(new TopologyNode(LEVEL_GROUP));
  if (b.fromTree(root) === null) log.line(b.field);
  log.value("policy", policyByName("bsd4"));
  log.value("policy", policyByName("o1"));
}
