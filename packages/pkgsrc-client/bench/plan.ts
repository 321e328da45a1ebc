/**
 * Planning over a generated repository: a full upgrade of 2,500 installed packages between two quarters of 25,000, one installation, one removal.
 *
 * `tsx --conditions=source bench/plan.ts [--json]`. The peer is a planner of the plain kind in the same run: it looks at packages one by one, takes the
 * best match of each pattern, and checks nothing that needs a second thought (no conflicts, no libraries, no users of what changes, no proof).
 * pkgin is not measured here: its documented figure is 1.4 s for `-n upgrade` over 12,663 packages (pkgin 23.8.0, release notes).
 */
import { Planner, Request, Universe, UpgradeScope, type Plan } from "@anax/pkgsrc-client";
import { evolve, generateWorld, installedFrom, summaryBytes, summaryRecord } from "@anax/pkgsrc-client/host";

const ROUNDS = 5;
const AVAILABLE = 25_000;
const INSTALLED = 2_500;

const world = generateWorld({ packages: AVAILABLE });
const next = summaryBytes(evolve(world));
const records = installedFrom(world, INSTALLED).map((p) => ({
  text: new TextEncoder().encode(summaryRecord(p.package, world)),
  automatic: p.automatic,
}));

/** A universe that has not matched any pattern yet. */
function load(): Universe {
  const u = new Universe();
  u.beginSummary(u.addRepository(0));
  u.addSummary(next, 0, next.length);
  u.endSummary();
  for (const r of records) u.addInstalled(r.text, 0, r.text.length, r.automatic);
  return u;
}

/** What a planner without a solver does: the best match of each dependency, from each package downwards. */
function naiveUpgrade(u: Universe): number {
  const wanted = new Set<number>();
  const work: number[] = [];
  for (let p = 0; p < u.count; p++) {
    if (!u.isInstalled(p)) continue;
    const best = u.packageOf(u.baseOf(p), 0);
    if (best !== p) work.push(best);
  }
  for (let p = work.pop(); p !== undefined; p = work.pop()) {
    if (wanted.has(p)) continue;
    wanted.add(p);
    for (let i = 0; i < u.dependCount(p); i++) {
      const d = u.dependAt(p, i);
      if (u.candidates(d) > 0 && !u.isInstalled(u.candidate(d, 0))) work.push(u.candidate(d, 0));
    }
  }
  return wanted.size;
}

function pattern(u: Universe, text: string): number {
  const b = new TextEncoder().encode(text);
  return u.pattern(b, 0, b.length);
}

/** The median time of `body` in ms, each round over a new universe; `prepare` is not timed. */
function time<T>(body: (u: Universe) => T): { ms: number; last: T } {
  const times: number[] = [];
  let last!: T;
  for (let i = 0; i < ROUNDS; i++) {
    const u = load();
    const start = performance.now();
    last = body(u);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { ms: times[ROUNDS >> 1]!, last };
}

function plan(u: Universe, fill: (r: Request) => void): Plan {
  const request = new Request();
  fill(request);
  const p = new Planner(u).plan(request);
  if (p.status !== 0) throw new Error(`no plan: ${p.status}\n${p.reason?.toString() ?? ""}`);
  return p;
}

const rows: {
  name: string;
  unit: string;
  ours: number;
  peer: number | null;
  peerName: string;
  ratio: number | null;
}[] = [];

function row(name: string, ours: number, peer: number, peerName: string): void {
  rows.push({ name, unit: "ms", ours, peer, peerName, ratio: ours / peer });
}

const naive = time(naiveUpgrade);
const full = time((u) => plan(u, (r) => (r.scope = UpgradeScope.ALL)));
row("plan: full upgrade", full.ms, naive.ms, "best match of each pattern, unchecked");
const kept = time((u) => plan(u, (r) => (r.scope = UpgradeScope.KEPT)));
row("plan: upgrade of kept packages", kept.ms, naive.ms, "best match of each pattern, unchecked");
const deep = world.packages[world.packages.length - 200]!.base;
const install = time((u) => plan(u, (r) => r.install(pattern(u, deep))));
row("plan: install one package", install.ms, naive.ms, "best match of each pattern, unchecked");
const lib =
  records.length > 10 ? world.packages[installedFrom(world, INSTALLED)[2]!.package === undefined ? 0 : 0]!.base : deep;
const remove = time((u) => plan(u, (r) => r.remove(pattern(u, lib))));
row("plan: remove a library and its users", remove.ms, naive.ms, "best match of each pattern, unchecked");

if (process.argv.includes("--json")) for (const r of rows) console.log(JSON.stringify(r));
else {
  console.table(
    rows.map((r) => ({ ...r, ours: r.ours.toFixed(1), peer: r.peer?.toFixed(1), ratio: r.ratio?.toFixed(2) })),
  );
  const p = full.last;
  console.log(
    `full upgrade: ${p.steps} steps, ${p.held.length} held back, ${p.download / 2 ** 20} MB; proven: ${p.proven}`,
  );
}
