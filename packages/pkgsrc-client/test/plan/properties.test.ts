import { IntVec, Needs, StepKind, UpgradeScope, type Plan } from "@anax/pkgsrc-client";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { World, type Entry } from "./world.js";

const BASES = ["a", "b", "c", "d", "e", "f"];

interface Source {
  base: number;
  version: number;
  depends: { on: number; shape: number; version: number }[];
  conflict: number;
  supersede: number;
  automatic: boolean;
  preserved: boolean;
}

const source = fc.record({
  base: fc.nat(5),
  version: fc.integer({ min: 1, max: 4 }),
  depends: fc.array(fc.record({ on: fc.nat(5), shape: fc.nat(3), version: fc.integer({ min: 1, max: 4 }) }), {
    maxLength: 2,
  }),
  conflict: fc.nat(30),
  supersede: fc.nat(60),
  automatic: fc.boolean(),
  preserved: fc.nat(9).map((n) => n === 0),
});

function pattern(d: { on: number; shape: number; version: number }): string {
  const base = BASES[d.on]!;
  if (d.shape === 0) return `${base}-[0-9]*`;
  if (d.shape === 1) return `${base}>=${d.version}`;
  return d.shape === 2 ? `${base}<${d.version}` : `{${base}>=${d.version},${BASES[(d.on + 1) % 6]!}-[0-9]*}`;
}

function entry(s: Source, plain: boolean): Exclude<Entry, string> {
  return {
    name: `${BASES[s.base]!}-${s.version}`,
    depends: s.depends.filter((d) => !plain || d.on < s.base).map((d) => pattern(plain ? { ...d, shape: 0 } : d)),
    conflicts: s.conflict < 6 && !plain ? [`${BASES[s.conflict]!}-[0-9]*`] : [],
    // Without chains: what supersedes is not superseded.
    supersedes: s.supersede < 6 && s.supersede % 2 > s.base % 2 ? [`${BASES[s.supersede]!}-[0-9]*`] : [],
    automatic: s.automatic,
    preserved: s.preserved,
  };
}

interface Case {
  installed: Source[];
  available: Source[];
  install: number[];
  remove: number[];
  scope: UpgradeScope;
  autoremove: boolean;
  downgrade: boolean;
}

const cases: fc.Arbitrary<Case> = fc.record({
  installed: fc.uniqueArray(source, { maxLength: 5, selector: (s) => s.base }),
  available: fc.uniqueArray(source, { maxLength: 10, selector: (s) => `${s.base} ${s.version}` }),
  install: fc.array(fc.nat(5), { maxLength: 2 }),
  remove: fc.array(fc.nat(5), { maxLength: 1 }),
  scope: fc.constantFrom(UpgradeScope.NAMED, UpgradeScope.KEPT, UpgradeScope.ALL),
  autoremove: fc.boolean(),
  downgrade: fc.boolean(),
});

function worldOf(c: Case, plain: boolean): World {
  const w = new World(
    c.installed.map((s) => entry(s, plain)),
    c.available.map((s) => entry(s, plain)),
  );
  for (const b of c.install) w.request.install(w.pattern(BASES[b]!));
  for (const b of c.remove) w.request.remove(w.pattern(BASES[b]!));
  w.request.scope = c.scope;
  w.request.autoremove = c.autoremove;
  w.request.downgrade = c.downgrade;
  return w;
}

const ints = (v: IntVec) => Array.from({ length: v.length }, (_, i) => v.get(i));

function installedNow(w: World): Set<number> {
  return new Set(Array.from({ length: w.universe.count }, (_, p) => p).filter((p) => w.universe.isInstalled(p)));
}

/** Dependencies of the packages that none of them meets. */
function missing(w: World, set: Set<number>): string[] {
  const members = new Int32Array(w.universe.count);
  const packages = new IntVec();
  for (const p of set) {
    members[p] = 1;
    packages.push(p);
  }
  const out = new IntVec();
  new Needs(w.universe, true, members).broken(packages, out);
  const list = ints(out);
  return list.filter((_, i) => i % 2 === 0).map((p, i) => `${p} ${list[2 * i + 1]}`);
}

function conflicts(w: World, set: Set<number>): string[] {
  const u = w.universe;
  const out: string[] = [];
  for (const p of set) {
    for (let i = 0; i < u.conflictCount(p); i++) {
      for (const q of set) if (u.baseOf(p) !== u.baseOf(q) && u.matches(u.conflictAt(p, i), q)) out.push(`${p} ${q}`);
    }
  }
  return out;
}

/** The sets of packages after each step. */
function states(w: World, plan: Plan): Set<number>[] {
  const now = installedNow(w);
  return Array.from({ length: plan.steps }, (_, i) => {
    if (plan.kinds.get(i) < StepKind.MARK_KEPT) {
      if (plan.olds.get(i) >= 0) expect(now.delete(plan.olds.get(i))).toBe(true);
      if (plan.news.get(i) >= 0) {
        expect(now.has(plan.news.get(i))).toBe(false);
        now.add(plan.news.get(i));
      }
    }
    return new Set(now);
  });
}

describe("plans of random systems", () => {
  it("lead to a system that is no more broken than before, and that the request describes", () => {
    let planned = 0;
    let ordered = 0;
    fc.assert(
      fc.property(cases, (c) => {
        const w = worldOf(c, false);
        const u = w.universe;
        const plan = w.plan();
        if (plan.status !== 0) return;
        planned++;
        const before = installedNow(w);
        const end = states(w, plan).at(-1) ?? before;
        expect([...end].sort((a, b) => a - b)).toEqual(ints(plan.final).sort((a, b) => a - b));
        const old = new Set(missing(w, before));
        for (const m of missing(w, end)) expect(old.has(m)).toBe(true);
        if (plan.violations === 0) {
          ordered++;
          for (const s of states(w, plan)) for (const m of missing(w, s)) expect(old.has(m)).toBe(true);
        }
        expect(missing(w, end)).toHaveLength(plan.broken.length / 2);
        const clashes = new Set(conflicts(w, before));
        for (const k of conflicts(w, end)) expect(clashes.has(k)).toBe(true);
        const bases = [...end].map((p) => u.baseOf(p));
        expect(new Set(bases).size).toBe(bases.length);
        for (const b of c.install) expect([...end].some((p) => u.matches(w.pattern(BASES[b]!), p))).toBe(true);
        for (const b of c.remove) expect([...end].some((p) => u.matches(w.pattern(BASES[b]!), p))).toBe(false);
        for (const p of ints(w.request.preserved)) expect(bases).toContain(u.baseOf(p));
        if (!c.downgrade) for (const k of ints(plan.kinds)) expect(k).not.toBe(StepKind.DOWNGRADE);
        if (c.autoremove) expect(plan.orphans.length).toBe(0);
        expect(ints(plan.news)).toEqual(ints(w.plan().news));
      }),
      { numRuns: 700, seed: 31 },
    );
    expect(planned).toBeGreaterThan(250);
    expect(ordered).toBeGreaterThan(planned / 2);
  });

  it("never miss a dependency on the way when there are no cycles and no bounds", () => {
    fc.assert(
      fc.property(cases, (c) => {
        const w = worldOf({ ...c, installed: [], downgrade: true }, true);
        const first = w.plan();
        if (first.status !== 0) return;
        const all = states(w, first);
        for (const s of all) expect(missing(w, s)).toEqual([]);
        // From there on with other wishes; old names are not superseded here, which would break their users.
        const have = c.available.filter((s) => (all.at(-1) ?? new Set()).has(handle(w, s)));
        const next = worldOf(
          { ...c, installed: have, available: c.available.map((s) => ({ ...s, supersede: 60 })), remove: c.install },
          true,
        );
        const plan = next.plan();
        if (plan.status !== 0) return;
        for (const s of states(next, plan)) expect(missing(next, s)).toEqual([]);
      }),
      { numRuns: 500, seed: 32 },
    );
  });

  it("lead upgrade by upgrade to a system with nothing to do", () => {
    const next = (c: Case): Case | null => {
      const w = worldOf(c, false);
      const plan = w.plan();
      expect(plan.status).toBe(0);
      if (!plan.changesPackages) return null;
      const automatic = new Map(
        ints(plan.news).map((p, i) => [p < 0 ? "" : w.name(p), plan.automatics.get(i) === 1] as const),
      );
      const installed = ints(plan.final).map((p) => {
        const list = w.universe.isInstalled(p) ? c.installed : c.available;
        const s = list.find((x) => `${BASES[x.base]!}-${x.version}` === w.name(p))!;
        const preserved = c.installed.some((x) => x.base === s.base && x.preserved);
        return { ...s, automatic: automatic.get(w.name(p)) ?? s.automatic, preserved };
      });
      return { ...c, installed };
    };
    fc.assert(
      fc.property(cases, (c) => {
        // What came as a repair or went as an orphan is itself subject to the next upgrade; after that nothing is left.
        let now: Case | null = { ...c, install: [], remove: [], scope: UpgradeScope.ALL };
        let rounds = 0;
        for (; now !== null && rounds < 5; rounds++) now = next(now);
        expect(rounds).toBeLessThan(5);
      }),
      { numRuns: 400, seed: 33 },
    );
  });
});

function handle(w: World, s: Source): number {
  for (let p = 0; p < w.universe.count; p++) if (w.name(p) === `${BASES[s.base]!}-${s.version}`) return p;
  return -1;
}
