/**
 * Loading a repository of 30,000 packages and searching in it, each time in a process of its own, so that every figure is a cold start.
 *
 * `node --conditions=source --import tsx bench/load.ts [--json]`. Figures are medians; the clock starts when the bytes are in memory (for gz: the compressed ones; for the
 * index: when the file is opened). The peers, in the same run: the summary taken apart into a `Map` of strings for each package, which is what one writes first in
 * JavaScript; JSON.parse of the facts that an index has; and `includes` over lower-case strings.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { printRows, type Row } from "@anax/kts/bench";
import { Universe } from "@anax/pkgsrc-client";
import {
  generateWorld,
  loadUniverse,
  openIndex,
  saveIndex,
  searchPackages,
  type SummarySource,
  summaryBytes,
} from "@anax/pkgsrc-client/host";

const PACKAGES = 30_000;
const ROUNDS = 3;
const STAMP = new TextEncoder().encode("bench");
const NEEDLE = "parser";

type Facts = Map<string, string[]>;

/** The plain way: strings and maps. */
function takeApart(text: string): Facts[] {
  return text
    .split("\n\n")
    .filter((r) => r !== "")
    .map((r) => {
      const facts: Facts = new Map();
      for (const line of r.split("\n")) {
        const eq = line.indexOf("=");
        const name = line.slice(0, eq);
        const values = facts.get(name);
        if (values === undefined) facts.set(name, [line.slice(eq + 1)]);
        else values.push(line.slice(eq + 1));
      }
      return facts;
    });
}

function load(bytes: Uint8Array): Universe {
  const u = new Universe();
  u.takeSummary(u.addRepository(0), bytes);
  u.endSummary();
  return u;
}

function textOf(facts: readonly Facts[]): { name: string; comment: string }[] {
  return facts.map((f) => ({
    name: f.get("PKGNAME")![0]!.toLowerCase(),
    comment: f.get("COMMENT")![0]!.toLowerCase(),
  }));
}

interface Result {
  ms: number;
  /** Resident memory after it, in MB. */
  rss: number;
  packages: number;
}

/** What a child process does; the parent gives the file. */
function child(mode: string, file: string): Result {
  const bytes = mode === "index" ? new Uint8Array(0) : readFileSync(file);
  let result: Universe | Facts[] | unknown[] | null = null;
  let start = performance.now();
  if (mode === "ours") result = load(bytes);
  else if (mode === "ours-gz") result = load(gunzipSync(bytes));
  else if (mode === "peer") result = takeApart(bytes.toString());
  else if (mode === "peer-gz") result = takeApart(gunzipSync(bytes).toString());
  else if (mode === "json") result = JSON.parse(bytes.toString()) as unknown[];
  else if (mode === "index") {
    const opened = openIndex(file, STAMP);
    if (typeof opened === "string") throw new Error(`no index: ${opened}`);
    result = opened.universe;
  } else if (mode === "search" || mode === "regex") {
    const u = load(bytes);
    start = performance.now();
    result = searchPackages(u, NEEDLE, { mode: mode === "search" ? "text" : "regex" });
  } else if (mode === "peer-search") {
    const facts = textOf(takeApart(bytes.toString()));
    start = performance.now();
    result = facts.filter((f) => f.name.includes(NEEDLE) || f.comment.includes(NEEDLE));
  }
  const ms = performance.now() - start;
  const packages = result instanceof Universe ? result.count : (result?.length ?? 0);
  return { ms, rss: process.memoryUsage().rss / 2 ** 20, packages };
}

if (process.argv[2] === "--child") {
  console.log(JSON.stringify(child(process.argv[3]!, process.argv[4]!)));
} else {
  const dir = mkdtempSync(path.join(tmpdir(), "pkgsrc-bench-"));
  try {
    await measure(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function measure(dir: string): Promise<void> {
  const bytes = summaryBytes(generateWorld({ packages: PACKAGES }));
  const file = (name: string, content: Uint8Array | string): string => {
    writeFileSync(path.join(dir, name), content);
    return path.join(dir, name);
  };
  const plain = file("pkg_summary", bytes);
  const gz = file("pkg_summary.gz", gzipSync(bytes));
  const index = path.join(dir, "index");
  const source: SummarySource = {
    stamp: "bench",
    read: async function* () {
      yield bytes;
    },
  };
  const { universe } = await loadUniverse([source]);
  await saveIndex(index, universe, STAMP);
  const kept = new Set([
    "PKGNAME",
    "COMMENT",
    "BUILD_DATE",
    "PKGPATH",
    "SIZE_PKG",
    "FILE_SIZE",
    "DEPENDS",
    "CONFLICTS",
    "SUPERSEDES",
    "REQUIRES",
    "PROVIDES",
  ]);
  const facts = takeApart(new TextDecoder().decode(bytes)).map((f) =>
    Object.fromEntries([...f].filter(([name]) => kept.has(name))),
  );
  const json = file("facts.json", JSON.stringify(facts));

  const results = new Map<string, Result>();
  const modes: [string, string][] = [
    ["ours", plain],
    ["peer", plain],
    ["ours-gz", gz],
    ["peer-gz", gz],
    ["index", index],
    ["json", json],
    ["search", plain],
    ["regex", plain],
    ["peer-search", plain],
  ];
  // As it is published: one file of JavaScript, without a loader that translates at the start.
  const self = path.join(dir, "load.mjs");
  await build({
    entryPoints: [fileURLToPath(import.meta.url)],
    outfile: self,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["source"],
    external: ["node-liblzma"],
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "error",
  });
  const all = new Map<string, Result[]>(modes.map(([mode]) => [mode, []]));
  // Contestants take turns, so that a busy moment of the machine hits them all.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [mode, input] of modes) {
      const out = execFileSync(process.execPath, [self, "--child", mode, input], {
        encoding: "utf8",
      });
      all.get(mode)!.push(JSON.parse(out) as Result);
    }
  }
  for (const [mode, list] of all) results.set(mode, list.sort((a, b) => a.ms - b.ms)[ROUNDS >> 1]!);
  const row = (name: string, unit: string, ours: number, peer: number, peerName: string): Row => ({
    name,
    unit,
    ours,
    peer,
    peerName,
    ratio: ours / peer,
  });
  const of = (mode: string): Result => results.get(mode)!;
  const rows = [
    row(
      `load ${PACKAGES} packages (${(bytes.length / 1e6).toFixed(0)} MB)`,
      "ms",
      of("ours").ms,
      of("peer").ms,
      "a Map of strings for each package",
    ),
    row("load, gz", "ms", of("ours-gz").ms, of("peer-gz").ms, "a Map of strings for each package"),
    row("load from index", "ms", of("index").ms, of("json").ms, "JSON.parse of the same facts"),
    row(
      `search "${NEEDLE}", first time`,
      "ms",
      of("search").ms,
      of("peer-search").ms,
      "includes() over lower-case strings",
    ),
    row(
      `search /${NEEDLE}/i, first time`,
      "ms",
      of("regex").ms,
      of("peer-search").ms,
      "includes() over lower-case strings",
    ),
    row("memory after loading", "MB", of("ours").rss, of("peer").rss, "a Map of strings for each package"),
    row("memory after loading from index", "MB", of("index").rss, of("json").rss, "JSON.parse of the same facts"),
  ];
  printRows(rows, process.argv.includes("--json"));
  for (const mode of ["ours", "index", "peer"])
    if (of(mode).packages !== PACKAGES) throw new Error(`${mode} has ${of(mode).packages} packages`);
  if (of("search").packages !== of("peer-search").packages || of("regex").packages !== of("search").packages)
    throw new Error("searches differ");
}
