import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { Universe } from "@anax/pkgsrc-client";
import {
  compareVersions,
  evolve,
  generateRepository,
  generateWorld,
  installedFrom,
  matchesPattern,
  summaryBytes,
  type World,
  writeRepository,
} from "@anax/pkgsrc-client/host";

function load(world: World): Universe {
  const u = new Universe();
  const bytes = summaryBytes(world);
  u.beginSummary(u.addRepository(0));
  expect(u.addSummary(bytes, 0, bytes.length)).toBe(0);
  expect(u.endSummary()!.issues.length).toBe(0);
  return u;
}

/** Packages of the universe that have a dependency nothing satisfies. */
function unsatisfied(u: Universe): number[] {
  const bad: number[] = [];
  for (let p = 0; p < u.count; p++) {
    for (let i = 0; i < u.dependCount(p); i++) if (u.candidates(u.dependAt(p, i)) === 0) bad.push(p);
  }
  return bad;
}

describe("a generated world", () => {
  const world = generateWorld({ packages: 1500, seed: 7 });

  it("is the same for the same seed and another for another", () => {
    const again = generateWorld({ packages: 1500, seed: 7 });
    expect(again).toEqual(world);
    expect(generateWorld({ packages: 1500, seed: 8 }).packages[900]).not.toEqual(world.packages[900]);
  });

  it("has the number of packages asked for, with names of their own", () => {
    for (const packages of [1, 2, 9, 40, 333]) expect(generateWorld({ packages }).packages.length).toBe(packages);
    expect(new Set(world.packages.map((p) => p.name)).size).toBe(1500);
  });

  it("depends on packages before it that match", () => {
    world.packages.forEach((p, i) => {
      for (const d of p.dependencies) {
        expect(d.on).toBeLessThan(i);
        expect(
          matchesPattern(d.pattern, world.packages[d.on]!.name),
          `${d.pattern} ${world.packages[d.on]!.name}`,
        ).toBe(true);
      }
    });
  });

  it("is a summary that loads and is satisfied", () => {
    const u = load(world);
    expect(u.count).toBe(1500);
    expect(unsatisfied(u)).toEqual([]);
    let conflicts = 0;
    let supersedes = 0;
    let provided = 0;
    for (let p = 0; p < u.count; p++) {
      conflicts += u.conflictCount(p);
      supersedes += u.supersedeCount(p);
      for (let i = 0; i < u.requireCount(p); i++) provided += u.providers(u.requireAt(p, i));
    }
    expect(Math.min(conflicts, supersedes, provided)).toBeGreaterThan(10);
  });

  it("gives machines that are closed under dependencies and free of conflicts", () => {
    const installed = installedFrom(world, 300);
    expect(installed.length).toBeGreaterThanOrEqual(300);
    expect(installed.length).toBeLessThan(330);
    expect(installedFrom(generateWorld({ packages: 20 }), 999).length).toBeGreaterThan(10);
    const names = installed.map((i) => i.package.name);
    const bases = new Set(installed.map((i) => i.package.base));
    expect(bases.size).toBe(names.length);
    installed.forEach(({ package: p }, at) => {
      for (const d of p.dependencies) expect(names.slice(0, at)).toContain(world.packages[d.on]!.name);
      for (const c of p.conflicts) expect(names.filter((n) => matchesPattern(c, n))).toEqual([]);
    });
    expect(installed.some((i) => i.automatic) && installed.some((i) => !i.automatic)).toBe(true);
  });

  it("evolves", () => {
    const next = evolve(world, { renamed: 20, lowered: 20, removed: 30 });
    expect(evolve(world, { renamed: 20, lowered: 20, removed: 30 })).toEqual(next);
    expect(unsatisfied(load(next))).toEqual([]);
    const before = new Map(world.packages.map((p) => [p.base, p]));
    let [newer, older, same, fresh, again] = [0, 0, 0, 0, 0];
    for (const p of next.packages) {
      const old = before.get(p.base);
      if (old === undefined) fresh++;
      else {
        const c = compareVersions(p.name.slice(p.base.length + 1), old.name.slice(p.base.length + 1));
        if (c > 0) newer++;
        else if (c < 0) older++;
        else if (p.date !== old.date) again++;
        else same++;
      }
    }
    expect(Math.min(newer, older, same, fresh, again)).toBeGreaterThan(5);
    expect(newer).toBeGreaterThan(300);
  });
});

describe("a generated repository", () => {
  const made: string[] = [];
  afterAll(async () => {
    for (const d of made) await rm(d, { recursive: true });
  });

  it("has packages that are what the summary says, the same ones each time", async () => {
    const world = generateWorld({ packages: 12, seed: 3 });
    const dirs = [await mkdtemp(path.join(tmpdir(), "pkgsrc-")), await mkdtemp(path.join(tmpdir(), "pkgsrc-"))];
    made.push(...dirs);
    for (const d of dirs) await writeRepository(d, world);
    const names = (await readdir(dirs[0]!)).sort();
    expect(names).toEqual([...world.packages.map((p) => `${p.name}.tgz`), "pkg_summary.gz"].sort());
    for (const name of names)
      expect(await readFile(path.join(dirs[0]!, name))).toEqual(await readFile(path.join(dirs[1]!, name)));
    const both = [await mkdtemp(path.join(tmpdir(), "pkgsrc-")), await mkdtemp(path.join(tmpdir(), "pkgsrc-"))];
    made.push(...both);
    const later = await generateRepository(both[0]!, {
      world: { packages: 12, seed: 3 },
      quarters: 2,
      archives: false,
    });
    await generateRepository(both[1]!, { world: { packages: 12, seed: 3 }, quarters: 2 });
    expect(later).toEqual(evolve(evolve(world), { seed: 3 }));
    expect(await readdir(both[0]!)).toEqual(["pkg_summary.gz"]);
    expect((await readdir(both[1]!)).length).toBe(later.packages.length + 1);
    const summary = gunzipSync(await readFile(path.join(dirs[0]!, "pkg_summary.gz"))).toString();
    for (const p of world.packages) {
      const size = (await readFile(path.join(dirs[0]!, `${p.name}.tgz`))).length;
      expect(summary).toContain(`FILE_NAME=${p.name}.tgz\nFILE_SIZE=${size}\nFILE_CKSUM=SHA512 `);
    }
  });
});
