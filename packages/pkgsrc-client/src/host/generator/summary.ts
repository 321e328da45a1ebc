/**
 * The pkg_summary of a world, and the records of packages that are installed from it.
 *
 * Key functions: `summaryText`, `summaryBytes`, `installedFrom`. Neighbours: `world.ts`. Source: pkg_summary(5).
 */
import { Random } from "./random";
import type { GeneratedPackage, World } from "./world";

/** Variables of a package that its repository alone knows. */
export interface FileFacts {
  /** Bytes of the archive; what the generator made up when absent. */
  fileSize?: number;
  /** Default `NAME.tgz`. */
  fileName?: string;
  /** Algorithm and digest, as `SHA512 0f…`. */
  fileChecksum?: string;
}

/** One record, without the blank line behind it. */
export function summaryRecord(p: GeneratedPackage, world: World, file: FileFacts = {}): string {
  const o = world.options;
  const lines = [`PKGNAME=${p.name}`];
  const many = (variable: string, values: readonly string[]): void => {
    for (const v of values) lines.push(`${variable}=${v}`);
  };
  many(
    "DEPENDS",
    p.dependencies.map((d) => d.pattern),
  );
  lines.push(`COMMENT=${p.comment}`, `SIZE_PKG=${p.size}`, `BUILD_DATE=${p.date}`, `CATEGORIES=${p.category}`);
  lines.push(`HOMEPAGE=${p.homepage}`, `LICENSE=${p.license}`, `MACHINE_ARCH=${o.arch}`, `OPSYS=${o.opsys}`);
  lines.push(
    `OS_VERSION=${o.osVersion}`,
    ...(p.options === "" ? [] : [`PKG_OPTIONS=${p.options}`]),
    `PKGPATH=${p.path}`,
  );
  lines.push("PKGTOOLS_VERSION=20091115");
  many("CONFLICTS", p.conflicts);
  many("SUPERSEDES", p.supersedes);
  many("PROVIDES", p.provides);
  many("REQUIRES", p.requires);
  lines.push(`FILE_NAME=${file.fileName ?? `${p.name}.tgz`}`, `FILE_SIZE=${file.fileSize ?? p.fileSize}`);
  if (file.fileChecksum !== undefined) lines.push(`FILE_CKSUM=${file.fileChecksum}`);
  many("DESCRIPTION", p.description);
  return `${lines.join("\n")}\n`;
}

/** The summary in pieces of some hundred packages. */
export function* summaryText(world: World, files: ReadonlyMap<string, FileFacts> = new Map()): Generator<string> {
  for (let i = 0; i < world.packages.length; i += 256) {
    yield world.packages
      .slice(i, i + 256)
      .map((p) => `${summaryRecord(p, world, files.get(p.name))}\n`)
      .join("");
  }
}

/** The whole summary. */
export function summaryBytes(world: World): Uint8Array {
  const encoder = new TextEncoder();
  const parts = [...summaryText(world)].map((s) => encoder.encode(s));
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A package on a generated machine. */
export interface InstalledPackage {
  readonly package: GeneratedPackage;
  /** Came as a dependency. */
  readonly automatic: boolean;
}

/**
 * A machine with `count` packages of the world, a few more when their dependencies come in larger pieces, fewer when the world has no more: some by name, and what
 * they need. Dependencies come before what needs them; no two are in conflict.
 */
export function installedFrom(world: World, count: number, seed = 1): InstalledPackage[] {
  const random = new Random(seed, "installed");
  const bases = new Set<string>();
  const chosen = new Map<number, boolean>();
  /** What `root` needs and is not there yet, dependencies first, itself last; stops above `most`. */
  const missing = (root: number, most: number): number[] => {
    const found = new Set<number>();
    const visit = (i: number): void => {
      if (found.size > most || chosen.has(i) || found.has(i)) return;
      for (const d of world.packages[i]!.dependencies) visit(d.on);
      found.add(i);
    };
    visit(root);
    return [...found];
  };
  const order = world.packages.map((_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  // First those that fit, then, if that is not enough, any.
  for (const fits of [true, false]) {
    for (const i of order) {
      const left = count - chosen.size;
      if (left <= 0) break;
      const p = world.packages[i]!;
      // Packages with a conflict inside the world, and second versions, stay away.
      if (p.conflicts.length > 1) continue;
      if (chosen.has(i)) {
        if (fits) chosen.set(i, false);
        continue;
      }
      if (bases.has(p.base)) continue;
      const more = missing(i, fits ? left : Infinity);
      if (fits && more.length > left) continue;
      for (const m of more) {
        chosen.set(m, m !== i);
        bases.add(world.packages[m]!.base);
      }
    }
  }
  return [...chosen].map(([i, automatic]) => ({ package: world.packages[i]!, automatic }));
}
