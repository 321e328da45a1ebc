/**
 * The packages of a world as files: binary packages with contents of their own, and the summary that tells of them.
 *
 * Key functions: `generateRepository`, `writeRepository`, `packageInput`. Neighbours: `../archive/create.ts` makes the archives. Invariant: the same world gives the same bytes.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { type FileInput, type PackageInput, writePackage } from "../archive/create";
import { Compression, PACKAGE_SUFFIX } from "../archive/compression";
import { evolve } from "./evolve";
import { sentence } from "./names";
import { Random } from "./random";
import { type FileFacts, summaryText } from "./summary";
import { type GeneratedPackage, generateWorld, type World, type WorldOptions } from "./world";

export interface PackageFiles {
  /** Regular files of a package, on average; default 4. */
  files?: number;
  /** Bytes of a file, on average; default 400. */
  bytes?: number;
  /** Packages of 1000 with INSTALL and DEINSTALL scripts; default 100. */
  scripts?: number;
}

/** What `writePackage` needs for a package of the world. */
export function packageInput(p: GeneratedPackage, world: World, options: PackageFiles = {}): PackageInput {
  const o = { files: 4, bytes: 400, scripts: 100, ...options };
  const random = new Random(world.options.seed, `files ${p.name}`);
  const files: FileInput[] = [{ path: `bin/${p.base}`, content: `#!/bin/sh\necho ${p.name}\n`, mode: 0o755 }];
  const count = random.between(0, o.files * 2);
  for (let i = 0; i < count; i++) {
    const lines: string[] = [];
    for (let n = random.between(0, o.bytes * 2); n > 0; n -= 60) lines.push(sentence(random, 10));
    files.push({ path: `share/${p.base}/file${i}.txt`, content: lines.join("\n") });
  }
  for (const library of p.provides) {
    const name = path.posix.relative(world.options.prefix, library);
    files.push(
      { path: name, content: `library ${p.name}\n`, mode: 0o755 },
      { path: name.replace(/\.so\..*$/, ".so"), symlink: path.posix.basename(name) },
    );
  }
  const script = (what: string): string => `#!/bin/sh\n# ${what} of ${p.name}\nexit 0\n`;
  return {
    name: p.name,
    prefix: world.options.prefix,
    comment: p.comment,
    description: p.description.join("\n"),
    depends: p.dependencies.map((d) => d.pattern),
    buildDepends: p.dependencies.map((d) => world.packages[d.on]!.name),
    conflicts: p.conflicts,
    files,
    directories: count > 0 ? [`share/${p.base}`] : [],
    metadata: random.chance(o.scripts) ? { "+INSTALL": script("INSTALL"), "+DEINSTALL": script("DEINSTALL") } : {},
    buildInfo: {
      BUILD_DATE: p.date,
      CATEGORIES: p.category,
      HOMEPAGE: p.homepage,
      LICENSE: p.license,
      MACHINE_ARCH: world.options.arch,
      OPSYS: world.options.opsys,
      OS_VERSION: world.options.osVersion,
      PKGPATH: p.path,
      PKGTOOLS_VERSION: "20091115",
      ...(p.options === "" ? {} : { PKG_OPTIONS: p.options }),
      SUPERSEDES: p.supersedes,
      PROVIDES: p.provides,
      REQUIRES: p.requires,
    },
  };
}

/** What `generateRepository` makes. */
export interface GenerateOptions extends RepositoryOptions {
  world?: WorldOptions;
  /** Quarters that the world goes on after its beginning; default 0. Those before are the machines to upgrade. */
  quarters?: number;
  /** Write packages; else the summary alone. Default true. */
  archives?: boolean;
}

/**
 * Makes a world and writes it as a repository into `directory`. The same options give the same bytes. Returns the world. Throws what node:fs throws.
 */
export async function generateRepository(directory: string, options: GenerateOptions = {}): Promise<World> {
  let world = generateWorld(options.world);
  for (let quarter = 1; quarter <= (options.quarters ?? 0); quarter++) world = evolve(world, { seed: quarter + 1 });
  await writeRepository(directory, world, options.archives === false ? { ...options, only: () => false } : options);
  return world;
}

export interface RepositoryOptions extends PackageFiles {
  /** Default gzip. */
  compression?: Compression;
  /** Packages to write; default all. The summary tells of all. */
  only?: (p: GeneratedPackage) => boolean;
  /** Called after each package that was written. */
  onPackage?: (name: string) => void;
}

/**
 * Writes `NAME.tgz` for each package and `pkg_summary.gz` into `directory`, which is made. FILE_SIZE and FILE_CKSUM in the summary are those of the files. Throws
 * what node:fs throws.
 */
export async function writeRepository(directory: string, world: World, options: RepositoryOptions = {}): Promise<void> {
  const compression = options.compression ?? Compression.Gzip;
  await mkdir(directory, { recursive: true });
  const facts = new Map<string, FileFacts>();
  for (const p of world.packages) {
    if (options.only !== undefined && !options.only(p)) continue;
    const file = await writePackage(directory, packageInput(p, world, options), compression);
    const data = await readFile(file);
    facts.set(p.name, {
      fileSize: data.length,
      fileName: `${p.name}${PACKAGE_SUFFIX[compression]!}`,
      fileChecksum: `SHA512 ${createHash("sha512").update(data).digest("hex")}`,
    });
    options.onPackage?.(p.name);
  }
  const summary = [...summaryText(world, facts)].join("");
  await writeFile(path.join(directory, "pkg_summary.gz"), gzipSync(summary, { level: 6 }));
}
