/** The solver's definition, by trying every set of packages: for small problems. */
import {
  AIMS,
  PKG_BANNED,
  PKG_INSTALLED,
  PKG_KEPT,
  PKG_LOCKED,
  PKG_OLDER,
  PKG_PRESERVED,
  Problem,
} from "@anax/pkgsrc-client";
import { REQ_INSTALL, REQ_REMOVE, REQ_UPGRADE } from "@anax/pkgsrc-client";
import fc from "fast-check";

/** A problem as plain data, so that fast-check can shrink it. */
export interface World {
  /** By package: base, rank, flags. */
  packages: { base: number; rank: number; flags: number }[];
  depends: { pkg: number; on: number[] }[];
  conflicts: [number, number][];
  supersedes: [number, number][];
  requests: { kind: number; of: number[] }[];
  repair: boolean;
}

export interface Shape {
  packages: number;
  bases: number;
  depends: number;
  conflicts: number;
  requests: number;
}

export function worlds(shape: Shape): fc.Arbitrary<World> {
  const pkg = fc.nat(shape.packages - 1);
  const list = fc.array(pkg, { maxLength: 3 });
  return fc
    .record({
      packages: fc.array(
        fc.record({
          base: fc.nat(shape.bases - 1),
          rank: fc.nat(3),
          installed: fc.boolean(),
          kept: fc.boolean(),
          rare: fc.nat(29),
        }),
        { minLength: 1, maxLength: shape.packages },
      ),
      depends: fc.array(fc.record({ pkg, on: list }), { maxLength: shape.depends }),
      conflicts: fc.array(fc.tuple(pkg, pkg), { maxLength: shape.conflicts }),
      supersedes: fc.array(fc.tuple(pkg, pkg), { maxLength: 2 }),
      requests: fc.array(
        fc.record({ kind: fc.constantFrom(REQ_INSTALL, REQ_INSTALL, REQ_REMOVE, REQ_UPGRADE, REQ_UPGRADE), of: list }),
        { maxLength: shape.requests },
      ),
      repair: fc.boolean(),
    })
    .map((w) => {
      const n = w.packages.length;
      const within = (l: number[]) => l.map((x) => x % n);
      const taken = new Set<number>();
      const installedRank = new Map<number, number>();
      const packages = w.packages.map((p) => {
        let flags = 0;
        if (p.installed && !taken.has(p.base)) {
          taken.add(p.base);
          installedRank.set(p.base, p.rank);
          flags |= PKG_INSTALLED;
          if (p.kept) flags |= PKG_KEPT;
          if (p.rare === 0) flags |= PKG_PRESERVED;
          if (p.rare === 1) flags |= PKG_LOCKED;
        } else if (p.rare < 3) flags |= PKG_BANNED;
        return { base: p.base, rank: p.rank, flags };
      });
      for (const p of packages) {
        const r = installedRank.get(p.base);
        if (r !== undefined && p.rank > r && !(p.flags & PKG_INSTALLED)) p.flags |= PKG_OLDER;
      }
      return {
        packages,
        depends: w.depends.map((d) => ({ pkg: d.pkg % n, on: within(d.on) })),
        conflicts: w.conflicts.map(([a, b]) => [a % n, b % n] as [number, number]),
        supersedes: w.supersedes.map(([a, b]) => [a % n, b % n] as [number, number]),
        requests: w.requests
          .map((r) => ({ kind: r.kind, of: within(r.of) }))
          .filter((r) => r.kind !== REQ_INSTALL || r.of.length > 0),
        repair: w.repair,
      };
    });
}

export function problemOf(w: World): Problem {
  const p = new Problem();
  p.repair = w.repair;
  for (const x of w.packages) p.addPackage(x.base, x.rank, x.flags);
  for (const d of w.depends) {
    p.addDepend(d.pkg);
    for (const c of d.on) p.addCandidate(c);
  }
  for (const [a, b] of w.conflicts) p.addConflict(a, b);
  for (const [a, b] of w.supersedes) p.supersede(a, b);
  for (const r of w.requests) {
    p.addRequest(r.kind);
    for (const c of r.of) p.addCandidate(c);
  }
  return p;
}

/** Whether `set` (a bit for each package) obeys every rule. */
export function allowed(w: World, set: number): boolean {
  const has = (p: number) => ((set >> p) & 1) === 1;
  const installed = (p: number) => (w.packages[p]!.flags & PKG_INSTALLED) !== 0;
  const base = (p: number) => w.packages[p]!.base;
  const bases = new Set<number>();
  for (let p = 0; p < w.packages.length; p++) {
    const f = w.packages[p]!.flags;
    if (f & PKG_LOCKED && !has(p)) return false;
    if (f & PKG_PRESERVED && !w.packages.some((x, q) => x.base === base(p) && has(q))) return false;
    if (!has(p)) continue;
    if (f & PKG_BANNED || bases.has(base(p))) return false;
    bases.add(base(p));
  }
  for (const d of w.depends) {
    if (!has(d.pkg) || d.on.includes(d.pkg) || d.on.some(has)) continue;
    if (!installed(d.pkg) || d.on.some(installed)) return false;
  }
  for (const [a, b] of [...w.conflicts, ...w.supersedes]) {
    if (has(a) && has(b) && base(a) !== base(b) && !(installed(a) && installed(b))) return false;
  }
  for (const r of w.requests) {
    if (r.kind === REQ_INSTALL && !r.of.some(has)) return false;
    if (r.kind === REQ_REMOVE && r.of.some(has)) return false;
  }
  return true;
}

/** The costs of `set` by Aim. */
export function costsOf(w: World, set: number): number[] {
  const has = (p: number) => ((set >> p) & 1) === 1;
  const c = new Array<number>(AIMS).fill(0);
  const all = w.packages.map((_, p) => p);
  const is = (p: number, f: number) => (w.packages[p]!.flags & f) !== 0;
  const base = (p: number) => w.packages[p]!.base;
  for (const p of all) {
    if (is(p, PKG_INSTALLED)) {
      const lives = all.some((q) => base(q) === base(p) && has(q)) || w.supersedes.some(([s, o]) => o === p && has(s));
      if (!lives) c[is(p, PKG_KEPT) ? 0 : 4]!++;
      if (!has(p)) c[6]!++;
    }
    if (!has(p)) continue;
    if (is(p, PKG_OLDER)) c[5]!++;
    const better = all.filter(
      (q) => base(q) === base(p) && !is(q, PKG_BANNED) && w.packages[q]!.rank < w.packages[p]!.rank,
    );
    c[7] = c[7]! + new Set(better.map((q) => w.packages[q]!.rank)).size;
    if (!all.some((q) => base(q) === base(p) && is(q, PKG_INSTALLED))) c[8]!++;
  }
  for (const r of w.requests) {
    if (r.kind === REQ_REMOVE || r.of.length === 0) continue;
    if (!has(r.of[0]!)) c[1]!++;
    const at = r.of.findIndex(has);
    c[2] = c[2]! + (at < 0 ? r.of.length : at) - (at === 0 ? 0 : 1);
  }
  for (const d of w.depends) {
    if (!has(d.pkg) || new Set(d.on.map(base)).size < 2) continue;
    const at = d.on.findIndex(has);
    c[9] = c[9]! + (at < 0 ? d.on.length - 1 : at);
  }
  if (w.repair) {
    for (const d of w.depends) {
      if (!has(d.pkg) || !is(d.pkg, PKG_INSTALLED) || d.on.includes(d.pkg) || d.on.some(has)) continue;
      if (!d.on.some((q) => is(q, PKG_INSTALLED))) c[3]!++;
    }
  }
  return c;
}

/** The least costs of all allowed sets, or null when none is. */
export function best(w: World): number[] | null {
  let least: number[] | null = null;
  for (let set = 0; set < 1 << w.packages.length; set++) {
    if (!allowed(w, set)) continue;
    const c = costsOf(w, set);
    if (least === null || before(c, least)) least = c;
  }
  return least;
}

function before(a: number[], b: number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return false;
}
