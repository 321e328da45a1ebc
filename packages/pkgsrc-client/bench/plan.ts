/**
 * Planning over a generated repository: a full upgrade of 2,500 installed packages between two quarters of 25,000, one installation, one removal.
 *
 * `tsx --conditions=source bench/plan.ts [--json]`. Times are of one plan over a universe that is loaded and has matched no pattern yet: the first
 * one in a process (as a command pays it), and the median of later ones.
 * The peer is a planner of the plain kind in the same run: it takes the best match of each pattern, package by package, and checks nothing that needs a
 * second thought (no conflicts, no libraries, no users of what changes, no order, no proof).
 * pkgin cannot run here. Its published figure (release notes of 23.8.0: `pkgin -n upgrade` over 12,663 packages, 1.4 s, machine unknown) is the peer of
 * one row, for orientation only.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median, printRows, type Row } from "@anax/kts/bench";
import { Planner, Request, Universe, UpgradeScope, type Plan } from "@anax/pkgsrc-client";
import { evolve, generateWorld, installedFrom, summaryBytes, summaryRecord } from "@anax/pkgsrc-client/host";

/** Rounds before those that count, and those. */
const WARM_UP = 3;
const ROUNDS = 7;
const PKGIN_MS = 1400;
const PKGIN_PACKAGES = 12_663;

interface System {
  readonly summary: Uint8Array;
  readonly records: readonly { readonly text: Uint8Array; readonly automatic: boolean }[];
  /** A library that many installed packages need, and a package that is not installed. */
  readonly library: string;
  readonly fresh: string;
}

/** A repository of `available` packages a quarter after the one that `installed` packages came from. */
function makeSystem(available: number, installed: number): System {
  const world = generateWorld({ packages: available });
  // What a package needs comes before it, so the first ones are a system; what none of them needs is kept.
  const packages = installedFrom(world, installed)
    .slice(0, installed)
    .map((p) => p.package);
  const needed = new Map<string, number>();
  for (const p of packages) {
    for (const d of p.dependencies) {
      const name = world.packages[d.on]!.name;
      needed.set(name, (needed.get(name) ?? 0) + 1);
    }
  }
  const names = new Set(packages.map((p) => p.name));
  const library = [...needed].sort((a, b) => b[1] - a[1])[20]![0];
  return {
    summary: summaryBytes(evolve(world)),
    records: packages.map((p) => ({
      text: new TextEncoder().encode(summaryRecord(p, world)),
      automatic: needed.has(p.name),
    })),
    library: packages.find((p) => p.name === library)!.base,
    fresh: [...world.packages].reverse().find((p) => !names.has(p.name) && p.dependencies.length > 5)!.base,
  };
}

/** A universe that has not matched any pattern yet. */
function load(system: System): Universe {
  const u = new Universe();
  u.beginSummary(u.addRepository(0));
  u.addSummary(system.summary, 0, system.summary.length);
  u.endSummary();
  for (const r of system.records) u.addInstalled(r.text, 0, r.text.length, r.automatic);
  return u;
}

function pattern(u: Universe, text: string): number {
  const b = new TextEncoder().encode(text);
  return u.pattern(b, 0, b.length);
}

/** The median time of `body` in ms, each round over a new universe, which is not timed. */
function time<T>(system: System, body: (u: Universe) => T): { median: number; last: T } {
  const times: number[] = [];
  let last!: T;
  for (let i = 0; i < WARM_UP + ROUNDS; i++) {
    const u = load(system);
    const start = performance.now();
    last = body(u);
    if (i >= WARM_UP) times.push(performance.now() - start);
  }
  return { median: median(times), last };
}

function plan(u: Universe, fill: (r: Request) => void): Plan {
  const request = new Request();
  fill(request);
  const p = new Planner(u).plan(request);
  if (p.status !== 0) throw new Error(`no plan: ${p.status}\n${p.reason?.toString() ?? ""}`);
  return p;
}

/** What a planner without a solver does: from each package that changes down to the best match of all that it needs. */
function plainUpgrade(u: Universe): number {
  const wanted = new Set<number>();
  const work: number[] = [];
  for (let p = 0; p < u.count; p++) {
    if (!u.isInstalled(p)) continue;
    const best = u.packageOf(u.baseOf(p), 0);
    work.push(best === p && u.packagesOf(u.baseOf(p)) > 1 ? u.packageOf(u.baseOf(p), 1) : best);
  }
  for (let p = work.pop(); p !== undefined; p = work.pop()) {
    if (wanted.has(p)) continue;
    wanted.add(p);
    for (let i = 0; i < u.dependCount(p); i++) {
      const d = u.dependAt(p, i);
      if (u.candidates(d) > 0) work.push(u.candidate(d, 0));
    }
  }
  return wanted.size;
}

const rows: Row[] = [];

function row(name: string, ours: number, peer: number, peerName: string): void {
  rows.push({ name, unit: "ms", ours, peer, peerName, ratio: ours / peer });
}

const PLAIN = "best match of each pattern, unchecked";
const system = makeSystem(25_000, 2_500);
const fullUpgrade = (u: Universe) => plan(u, (r) => (r.scope = UpgradeScope.ALL));

if (process.argv.includes("--first")) {
  const u = load(system);
  const start = performance.now();
  if (process.argv.includes("plain")) plainUpgrade(u);
  else fullUpgrade(u);
  console.log(performance.now() - start);
  process.exit(0);
}

/** The time of the first plan of a process. */
function first(what: string): number {
  const options = { encoding: "utf8" } as const;
  return Number(
    execFileSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), "--first", what], options),
  );
}

const full = time(system, fullUpgrade);
const plain = time(system, plainUpgrade);
const kept = time(system, (u) => plan(u, (r) => (r.scope = UpgradeScope.KEPT)));
const install = time(system, (u) => plan(u, (r) => r.install(pattern(u, system.fresh))));
const remove = time(system, (u) => plan(u, (r) => r.remove(pattern(u, system.library))));
row("full upgrade, 2,500 of 25,000, first in a process", first("ours"), first("plain"), PLAIN);
row("full upgrade, 2,500 of 25,000", full.median, plain.median, PLAIN);
row("upgrade of kept packages", kept.median, plain.median, PLAIN);
row("install one package", install.median, plain.median, PLAIN);
row("remove a library and its users", remove.median, plain.median, PLAIN);
const smaller = time(makeSystem(PKGIN_PACKAGES, 1_200), fullUpgrade);
row("full upgrade, 1,200 of 12,663", smaller.median, PKGIN_MS, "pkgin 23.8.0 as published, another machine");

const json = process.argv.includes("--json");
printRows(rows, json);
if (!json) {
  const describe = (what: string, p: Plan) =>
    console.log(`${what}: ${p.steps} steps, ${p.held.length} held back, proven: ${p.proven}`);
  describe("full upgrade", full.last);
  describe("upgrade of kept packages", kept.last);
  describe("install", install.last);
  describe("remove", remove.last);
}
