#!/usr/bin/env node
/**
 * Builds the kernel: TypeScript -> asc -> wasm2c -> C in pieces -> cc, with the platform -> anax.elf.
 *
 *     node build-kernel.mjs [--entry src/kernel/main.ts] [--out dist/anax.elf] [--platform platform/pc64] [--jobs N] [--quiet]
 *
 * Paths are relative to the current folder (apps/os-image). Objects are cached in `.cache/kernel` by the hash of what they
 * were made from, so a change in one package compiles the pieces it changed. The symbols of the result carry TypeScript
 * names (`packages/kern/src/pipe/Pipe#read`, and `Pipe#read` where that is unique), and the same names are in the
 * image for the back trace of a panic.
 * Neighbours: `../asc.mjs`, `c-source.mjs`, `wasm-module.mjs`, `elf.mjs`, the platform's `wasm.h` and `link.ld`.
 */
import { spawn, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compile, formatDiagnostics, workspaceRoot } from "../asc.mjs";
import { displayName, splitSource } from "./c-source.mjs";
import { readSymbols, renameInDebug, renameSymbols } from "./elf.mjs";
import { readMappings } from "./source-lines.mjs";
import { symbolTableSource } from "./symbols.mjs";
import { wasm2cCommand } from "./wasm2c.mjs";
import { memoryImage, readModule } from "./wasm-module.mjs";

const MEMORY_BASE = 65536;
const KERNEL_BASE = 0xffffffff80000000n;
const CACHE_DAYS = 14;
const CC = process.env.CC ?? "gcc";
const CFLAGS = [
  "-std=gnu17",
  "-gdwarf-4",
  "-O2",
  "-ffreestanding",
  "-mgeneral-regs-only",
  "-mno-red-zone",
  "-mcmodel=kernel",
  "-ffixed-r15",
  "-fno-pic",
  "-fno-stack-protector",
  "-fno-omit-frame-pointer",
  "-fno-optimize-sibling-calls",
  "-fno-strict-aliasing",
  "-fno-asynchronous-unwind-tables",
  "-fno-tree-loop-distribute-patterns",
  "-fno-delete-null-pointer-checks",
  "-fcf-protection=none",
];
const PLATFORM_FLAGS = ["-g", "-Wall", "-Wextra"];
const PIECE_FLAGS = ["-g1", "-Wall", "-Wno-unused", "-Wno-maybe-uninitialized"];

class BuildError extends Error {}

function run(command, args, cwd = process.cwd()) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    const text = [];
    child.stdout.on("data", (d) => text.push(d));
    child.stderr.on("data", (d) => text.push(d));
    child.on("error", (e) => reject(new BuildError(`${command}: ${e.message}`)));
    child.on("close", (code) => {
      const output = Buffer.concat(text).toString();
      if (code === 0) resolve(output);
      else reject(new BuildError(`${command} ${args.at(-1)} ended with ${code}\n${output}`));
    });
  });
}

const hash = (...parts) =>
  parts
    .reduce((h, p) => h.update(p).update("\0"), createHash("sha256"))
    .digest("hex")
    .slice(0, 32);

/** Compiles `units` ({ name, text, flags, extension }) with `jobs` at a time; returns the object files. */
async function compileUnits(units, { root, work, cache, platform, headers, jobs, log }) {
  const version = execFileSync(CC, ["--version"], { encoding: "utf8" }).split("\n")[0];
  const jobsLeft = [];
  const objects = units.map((unit) => {
    const key = hash(version, CFLAGS.join(" "), unit.flags.join(" "), unit.inputs ?? "", headers, unit.name, unit.text);
    const object = path.join(cache, `${key}.o`);
    if (existsSync(object)) utimesSync(object, new Date(), new Date());
    else jobsLeft.push({ ...unit, key, object });
    return object;
  });
  const total = jobsLeft.length;
  let done = 0;
  jobsLeft.sort((a, b) => b.text.length - a.text.length);
  const worker = async () => {
    for (let unit = jobsLeft.shift(); unit; unit = jobsLeft.shift()) {
      const source = unit.file ?? path.join(work, `${unit.key}${unit.extension}`);
      const temporary = path.join(work, `${unit.key}.o`);
      if (!unit.file) writeFileSync(source, unit.text);
      const output = await run(
        CC,
        [
          ...CFLAGS,
          ...unit.flags,
          `-I${platform}`,
          `-ffile-prefix-map=${root}/=`,
          `-ffile-prefix-map=${source}=${unit.name}`,
          "-c",
          "-o",
          temporary,
          path.relative(root, source),
        ],
        root,
      );
      if (output) process.stderr.write(output.replaceAll(source, unit.name));
      renameSync(temporary, unit.object);
      log(`cc ${++done}/${total} ${unit.name}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return { objects, compiled: total };
}

function pruneCache(cache) {
  const oldest = Date.now() - CACHE_DAYS * 86400_000;
  for (const name of readdirSync(cache)) {
    const file = path.join(cache, name);
    if (statSync(file, { throwIfNoEntry: false })?.mtimeMs < oldest) rmSync(file, { recursive: true, force: true });
  }
}

/** Builds one kernel; resolves to `{ out, seconds, compiled, codeSize }` or throws a BuildError with what went wrong. */
export async function buildKernel({ entry, out, platform, jobs = os.cpus().length, log = () => {} }) {
  const cache = path.resolve(".cache/kernel");
  mkdirSync(path.dirname(out), { recursive: true });
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(path.join(cache, "build-"));
  try {
    return await buildIn(work, cache, { entry, out, platform, jobs, log });
  } finally {
    rmSync(work, { recursive: true, force: true });
    pruneCache(cache);
  }
}

async function buildIn(work, cache, { entry, out, platform, jobs, log }) {
  const started = Date.now();
  const root = workspaceRoot(path.dirname(entry));
  const seconds = (since) => ((Date.now() - since) / 1000).toFixed(1);

  let step = Date.now();
  log(`asc ${path.relative(process.cwd(), entry)}`);
  const wasmFile = path.join(work, "kernel.wasm");
  const wasm = await compile({ entry, outFile: wasmFile, memoryBase: MEMORY_BASE, sourceMap: true });
  const said = wasm.diagnostics.filter((d) => d.category !== "info");
  if (said.length) process.stderr.write(`${formatDiagnostics(said)}\n`);
  if (!wasm.ok) throw new BuildError("asc failed");
  log(`asc: ${wasm.sources.length} files, ${(wasm.wasm.length / 1024).toFixed(0)} KiB of wasm, ${seconds(step)} s`);

  step = Date.now();
  const cFile = path.join(work, "kernel.c");
  const [wasm2c, ...prefix] = wasm2cCommand();
  await run(wasm2c, [...prefix, "-n", "kernel", "-o", cFile, wasmFile]);
  const module = readModule(wasm.wasm);
  const { pieces, tables, symbols, unmapped } = splitSource(
    readFileSync(cFile, "utf8"),
    readFileSync(path.join(work, "kernel.h"), "utf8"),
    module,
    wasm.wasm,
    readMappings(wasm.sourceMap),
  );
  log(
    `wasm2c: ${symbols.size} functions in ${pieces.size} files` +
      `${unmapped > 0 ? `, ${unmapped} without lines` : ""}, ${seconds(step)} s`,
  );

  step = Date.now();
  const image = memoryImage(module, MEMORY_BASE);
  const imageFile = path.join(work, "linear");
  writeFileSync(imageFile, image);
  const platformFiles = readdirSync(platform).sort();
  const headers = platformFiles
    .filter((f) => f.endsWith(".h"))
    .map((f) => readFileSync(path.join(platform, f), "utf8"));
  const wasmHeaders = hash(...["wasm.h", "machine.h"].map((f) => readFileSync(path.join(platform, f), "utf8")));
  const units = [...pieces].map(([name, text]) => ({ name: `${name}.c`, text, flags: PIECE_FLAGS, extension: ".c" }));
  units.push({ name: "tables.c", text: tables, flags: PIECE_FLAGS, extension: ".c" });
  units.push({
    name: "linear.S",
    text: `.section .linear, "aw"\n.incbin "${imageFile}"\n`,
    inputs: image,
    flags: [],
    extension: ".S",
  });
  for (const f of platformFiles.filter((f) => /\.[cS]$/.test(f))) {
    units.push({
      name: path.relative(root, path.join(platform, f)),
      file: path.join(platform, f),
      text: readFileSync(path.join(platform, f), "utf8"),
      flags: PLATFORM_FLAGS,
      inputs: hash(...headers),
      extension: path.extname(f),
    });
  }
  const { objects, compiled } = await compileUnits(units, {
    root,
    work,
    cache,
    platform,
    headers: wasmHeaders,
    jobs,
    log,
  });
  log(`cc: ${compiled} of ${units.length} pieces, ${seconds(step)} s`);

  step = Date.now();
  const script = path.join(platform, "link.ld");
  const symbolSource = path.join(work, "ksyms.S");
  const symbolObject = path.join(work, "ksyms.o");
  const linked = path.join(work, "linked");
  const list = path.join(work, "objects");
  writeFileSync(list, [...objects, symbolObject].join("\n"));
  const link = async (table) => {
    writeFileSync(symbolSource, table);
    await run(CC, ["-c", "-o", symbolObject, symbolSource]);
    await run("ld", [
      "-nostdlib",
      "-static",
      "-z",
      "max-page-size=4096",
      "--no-warn-rwx-segments",
      "-T",
      script,
      "-o",
      linked,
      `@${list}`,
    ]);
    return readFileSync(linked);
  };
  const first = await link(symbolTableSource(null, symbols, KERNEL_BASE));
  const elf = await link(symbolTableSource(first, symbols, KERNEL_BASE));
  const unique = new Map();
  for (const name of symbols.values())
    unique.set(displayName(name).label, (unique.get(displayName(name).label) ?? 0) + 1);
  const renamed = renameSymbols(elf, (name) => {
    const [, c, suffix] = /^([^.]*)(.*)$/.exec(name);
    const ts = symbols.get(c);
    if (ts === undefined) return name;
    const { label } = displayName(ts);
    return suffix === "" && label !== ts && unique.get(label) === 1 ? [ts, label] : `${ts}${suffix}`;
  });
  renameInDebug(renamed, (name) => (symbols.has(name) ? displayName(symbols.get(name)).label : null));
  writeFileSync(linked, renamed);
  renameSync(linked, out);
  const textSize = readSymbols(elf).reduce((n, s) => (s.isFunction ? n + s.size : n), 0);
  log(
    `link: ${(renamed.length / 1024).toFixed(0)} KiB, ${(textSize / 1024).toFixed(0)} KiB of code, ${seconds(step)} s`,
  );
  log(`${path.relative(process.cwd(), out)} in ${seconds(started)} s`);
  return { out, seconds: (Date.now() - started) / 1000, compiled, codeSize: textSize };
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      entry: { type: "string", default: "src/kernel/main.ts" },
      out: { type: "string", default: "dist/anax.elf" },
      platform: { type: "string", default: "platform/pc64" },
      jobs: { type: "string", default: String(os.cpus().length) },
      quiet: { type: "boolean", default: false },
    },
  });
  try {
    await buildKernel({
      entry: path.resolve(values.entry),
      out: path.resolve(values.out),
      platform: path.resolve(values.platform),
      jobs: Number(values.jobs),
      log: values.quiet ? undefined : (line) => console.log(line),
    });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
