/**
 * Makes the terminal pictures of the README from what `pkgc` really writes: `node docs/pictures.mjs` after a build.
 *
 * A small repository is made and served on loopback, the commands of each picture run in a temporary prefix, and their coloured output becomes SVG.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { createPackage, collect, hostPlatform } from "../dist/host/index.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const CLI = path.join(HERE, "../dist/host/cli.js");
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pkgc-pictures-"));
const repo = path.join(dir, "repo");
const { opsys, arch } = hostPlatform();

/** Packages that are not built again. */
const SAME = ["pcre2", "bar"];

/** What the packages of the pictures are. `later` is the repository a quarter later. */
function inputs(later) {
  const text = (n) => "All human beings are born free and equal in dignity and rights.\n".repeat(n);
  const one = (name, comment, depends, kib, more = {}) => ({ name, comment, depends, kib, ...more });
  return [
    one(later ? "zlib-1.3.1nb1" : "zlib-1.3.1", "General purpose data compression library", [], 120),
    one(
      later ? "openssl-3.5.2" : "openssl-3.5.1",
      "Secure Socket Layer and cryptographic library",
      ["zlib>=1.2"],
      6200,
    ),
    one(later ? "curl-8.16.0" : "curl-8.15.0", "Client that groks URLs", ["openssl>=3.5.1", "zlib>=1.2"], 1900, {
      etc: later ? "retry = 5\n" : "retry = 3\n",
    }),
    one("pcre2-10.45", "Perl Compatible Regular Expressions library", [], 1300),
    one(
      later ? "git-2.51.0" : "git-2.50.1",
      "Version control suite",
      ["curl>=8.0", "pcre2>=10.32", "zlib>=1.2"],
      14800,
    ),
    ...(later ? [one("libfoo-2.0", "A library that went on", [], 90)] : [one("libfoo-1.0", "A library", [], 80)]),
    one("bar-1.0", "A program that stayed behind", ["libfoo<2"], 40),
  ].map(({ kib, etc, ...input }) => {
    const base = input.name.slice(0, input.name.lastIndexOf("-"));
    return {
      ...input,
      files: [
        { path: `bin/${base}`, content: `#!/bin/sh\necho ${input.name}\n`, mode: 0o755 },
        { path: `share/doc/${base}/README`, content: text(kib * 16) },
        ...(etc === undefined ? [] : [{ path: `etc/${base}rc`, content: etc }]),
      ],
      buildInfo: {
        BUILD_DATE: later && !SAME.includes(base) ? "2026-07-01 00:00:00 +0000" : "2026-04-01 00:00:00 +0000",
        CATEGORIES: "www",
        MACHINE_ARCH: arch,
        OPSYS: opsys,
        OS_VERSION: "1",
        PKGPATH: `www/${base}`,
        PKGTOOLS_VERSION: "20091115",
      },
    };
  });
}

async function write(later) {
  fs.rmSync(repo, { recursive: true, force: true });
  fs.mkdirSync(repo, { recursive: true });
  let summary = "";
  for (const input of inputs(later)) {
    const data = await collect(createPackage(input));
    fs.writeFileSync(path.join(repo, `${input.name}.tgz`), data);
    const lines = {
      PKGNAME: [input.name],
      DEPENDS: input.depends,
      COMMENT: [input.comment],
      SIZE_PKG: [String(input.files.reduce((sum, file) => sum + Buffer.byteLength(file.content), 0))],
      ...Object.fromEntries(Object.entries(input.buildInfo).map(([name, value]) => [name, [value]])),
      FILE_NAME: [`${input.name}.tgz`],
      FILE_SIZE: [String(data.length)],
      FILE_CKSUM: [`SHA512 ${createHash("sha512").update(data).digest("hex")}`],
      DESCRIPTION: [input.comment],
    };
    for (const [name, values] of Object.entries(lines)) for (const value of values) summary += `${name}=${value}\n`;
    summary += "\n";
  }
  fs.writeFileSync(path.join(repo, "pkg_summary.gz"), gzipSync(summary));
}

const PREFIX = path.join(dir, "pkg");
const FLAGS = ["--prefix", PREFIX];
/** What stands in the pictures for paths that differ from machine to machine. */
const shown = (text) => text.replaceAll(PREFIX, "~/pkg").replaceAll(` --prefix ~/pkg`, "").replaceAll(repo, "repo");

function run(args, env = {}) {
  // One stream, so that the lines stand in the order in which they were written.
  const result = spawnSync("/bin/sh", ["-c", 'exec "$@" 2>&1', "sh", process.execPath, CLI, ...FLAGS, ...args], {
    encoding: "utf8",
    env: { ...process.env, FORCE_COLOR: "1", ...env },
  });
  return shown(result.stdout.trimEnd());
}

const COLORS = { 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 36: "#79c0ff" };
/** Viewers do not agree on xml:space; a non-breaking blank is a blank everywhere. */
const escape = (text) =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replaceAll(" ", "\u00a0");

/** Coloured lines as SVG; no script, no font to load. */
function svg(title, lines) {
  const width = Math.max(80, ...lines.map((line) => line.replace(/\x1b\[[0-9;]*m/g, "").length)) * 8.43 + 32;
  const height = lines.length * 19 + 56;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width.toFixed(0)} ${height}" width="${width.toFixed(0)}" height="${height}" role="img" aria-label="${title}">`,
    `<rect width="100%" height="100%" rx="8" fill="#161b22"/>`,
    `<g fill="#30363d"><circle cx="18" cy="18" r="5"/><circle cx="36" cy="18" r="5"/><circle cx="54" cy="18" r="5"/></g>`,
    `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" fill="#e6edf3">`,
  ];
  lines.forEach((line, i) => {
    let style = "";
    const spans = [];
    for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
      const code = /^\x1b\[([0-9;]*)m$/.exec(part)?.[1];
      if (code === undefined) {
        if (part !== "") spans.push(style === "" ? escape(part) : `<tspan ${style}>${escape(part)}</tspan>`);
      } else if (COLORS[code] !== undefined) style = `fill="${COLORS[code]}"`;
      else if (code === "1") style = `font-weight="bold"`;
      else if (code === "2") style = `fill="#8b949e"`;
      else style = "";
    }
    out.push(`<text x="16" y="${50 + i * 19}">${spans.join("")}</text>`);
  });
  out.push("</g></svg>", "");
  return out.join("\n");
}

/** A picture of commands: each is what is typed, and what it runs as. */
function picture(name, title, steps) {
  const lines = [];
  for (const [typed, args, env] of steps) {
    lines.push(`\x1b[32m$\x1b[0m \x1b[1m${typed}\x1b[0m`);
    const text = typeof args === "string" ? args : run(args, env);
    if (text !== "") lines.push(...text.split("\n"));
    lines.push("");
  }
  lines.pop();
  fs.writeFileSync(path.join(HERE, name), svg(title, lines));
  process.stdout.write(`${name}: ${lines.length} lines\n`);
}

try {
  await write(false);
  run(["repo", "add", repo]);
  picture("install.svg", "pkgc installs git and what it needs", [
    ["pkgc search url", ["search", "url"]],
    ["pkgc -y install git bar", ["-y", "install", "git", "bar"]],
    ["pkgc why zlib", ["why", "zlib"]],
  ]);
  fs.writeFileSync(path.join(PREFIX, "etc/curlrc"), "retry = 3\nproxy = mine\n");
  await write(true);
  picture("upgrade.svg", "pkgc upgrades, keeps a changed file, says what is held back, and goes back", [
    ["echo 'proxy = mine' >> ~/pkg/etc/curlrc", ""],
    ["pkgc -y full-upgrade", ["-y", "full-upgrade"]],
    ["pkgc -y rollback", ["-y", "rollback"]],
  ]);
  picture("crash.svg", "pkgc is killed half-way and takes everything back at the next start", [
    ["pkgc -y full-upgrade   # killed half-way", ["-y", "full-upgrade"], { PKGC_CRASH_AT: "60" }],
    ["pkgc recover", ["recover"]],
    ["pkgc verify", ["verify"]],
  ]);
} finally {
  fs.rmSync(dir, { recursive: true, force: true });
}
