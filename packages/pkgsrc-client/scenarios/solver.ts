/** Problems of a seed are solved, and explained when they cannot be: what is chosen, at which costs, and which rules stand against it. */
import { EventLog, i32, imul, u32 } from "@anax/portable";
import {
  AIMS,
  Explainer,
  PKG_BANNED,
  PKG_INSTALLED,
  PKG_KEPT,
  PKG_LOCKED,
  PKG_OLDER,
  Problem,
  REQ_INSTALL,
  REQ_REMOVE,
  REQ_UPGRADE,
  Sat,
  IntVec,
  Solver,
} from "@anax/pkgsrc-client";

class Random {
  private state: u32;

  constructor(seed: i32) {
    this.state = u32(seed);
  }

  below(n: i32): i32 {
    this.state = u32(imul(i32(this.state), 1664525) + 1013904223);
    const high = i32(this.state >>> 8);
    return high % n;
  }
}

function makeProblem(random: Random, bases: i32, versions: i32): Problem {
  const p = new Problem();
  for (let b = 0; b < bases; b++) {
    const installed: i32 = random.below(3) === 0 ? -1 : random.below(versions);
    for (let v = 0; v < versions; v++) {
      let flags: i32 = 0;
      if (v === installed) flags = random.below(2) === 0 ? PKG_INSTALLED : PKG_INSTALLED | PKG_KEPT;
      if (v === installed && random.below(20) === 0) flags = flags | PKG_LOCKED;
      if (v > installed && installed >= 0) flags = flags | PKG_OLDER;
      if (v !== installed && random.below(15) === 0) flags = flags | PKG_BANNED;
      p.addPackage(b, v, flags);
    }
  }
  const n = p.packages;
  for (let i = 0; i < n; i++) {
    const depends = random.below(4);
    for (let d = 0; d < depends; d++) {
      p.addDepend(i);
      const candidates = random.below(5);
      const from = random.below(n);
      for (let c = 0; c < candidates; c++) p.addCandidate(((from + c) | 0) % n);
    }
    if (random.below(8) === 0) p.addConflict(i, random.below(n));
  }
  const requests: i32 = (1 + random.below(5)) | 0;
  for (let r = 0; r < requests; r++) {
    const kind = random.below(4);
    p.addRequest(kind === 0 ? REQ_REMOVE : kind === 1 ? REQ_UPGRADE : REQ_INSTALL);
    const base = random.below(bases);
    for (let v = 0; v < versions; v++) p.addCandidate((imul(base, versions) + v) | 0);
  }
  p.repair = random.below(2) === 0;
  return p;
}

function solveOne(log: EventLog, p: Problem): void {
  log.value("check", p.check());
  const solver = new Solver(p);
  const result = solver.solve();
  log.value("result", result);
  log.value("conflicts", solver.conflicts);
  if (result === 0) {
    for (let a = 0; a < AIMS; a++) log.value("cost", solver.costs[a]);
    for (let i = 0; i < p.packages; i++) if (solver.chosen[i] === 1) log.value("chosen", i);
  }
  const explainer = new Explainer(p);
  if (result !== 0) {
    log.line(explainer.contradiction() ? "contradiction" : "none");
    for (let i = 0; i < explainer.core.length; i++) {
      log.value("rule", explainer.core.kind.get(i));
      log.value("of", explainer.core.index.get(i));
    }
    return;
  }
  for (let r = 0; r < p.requests; r++) {
    if (p.requestKind.get(r) === REQ_REMOVE) continue;
    if (solver.chosen[p.candidates.get(p.requestStart.get(r))] === 1) continue;
    log.line(explainer.held(r, solver.chosen) ? "held" : "none");
    log.value("rules", explainer.core.length);
  }
}

/** Pigeons in too few holes: many conflicts, restarts, and clauses that are forgotten. */
function pigeons(log: EventLog, holes: i32): void {
  const sat = new Sat();
  const n: i32 = (holes + 1) | 0;
  for (let i = 0; i < imul(n, holes); i++) sat.addVariable(0);
  for (let p = 0; p < n; p++) {
    const clause = new IntVec();
    for (let h = 0; h < holes; h++) clause.push((2 * (imul(p, holes) + h)) | 0);
    sat.addClause(clause);
    for (let q = 0; q < p; q++) {
      for (let h = 0; h < holes; h++) {
        sat.addPair((2 * (imul(p, holes) + h) + 1) | 0, (2 * (imul(q, holes) + h) + 1) | 0);
      }
    }
  }
  log.value("pigeons", sat.solve(new IntVec()));
  log.value("conflicts", sat.conflicts);
}

export function run(log: EventLog): void {
  const random = new Random(2026);
  for (let i = 0; i < 60; i++)
    solveOne(log, makeProblem(random, (3 + random.below(12)) | 0, (1 + random.below(4)) | 0));
  pigeons(log, 6);
}
