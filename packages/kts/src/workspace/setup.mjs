#!/usr/bin/env node
/**
 * Makes a fresh clone ready: Node's version, npm dependencies, system packages. Plain Node, because nothing is installed yet.
 *
 * Says what it is about to install. As root on Debian or Ubuntu it installs; as another user it prints the command; elsewhere it
 * names what is missing. Neighbours: `start.mjs`, `test.mjs`. Invariant: when `setup` returns, everything is there; a
 * second run changes nothing.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../..");

/** What the work stops with when something cannot be had (sysexits' EX_UNAVAILABLE). */
const UNAVAILABLE = 69;

/** Debian package, what it is for, and how to see that it is there. */
const SYSTEM_PACKAGES = [
  { name: "gcc", why: "C compiler", present: () => onPath("gcc") },
  {
    name: "libc6-dev",
    why: "C library for the static test programs",
    present: () => existsSync("/usr/include/stdio.h"),
  },
  { name: "binutils", why: "linker", present: () => onPath("ld") && onPath("objcopy") },
  { name: "wabt", why: "wasm2c", present: () => onPath("wasm2c") },
  { name: "qemu-system-x86", why: "the emulated machine", present: () => onPath("qemu-system-x86_64") },
  {
    name: "busybox-static",
    why: "the programs of the image",
    present: () => existsSync("/bin/busybox") && installed("busybox-static"),
  },
  { name: "bash-static", why: "the image's second shell", present: () => existsSync("/bin/bash-static") },
];

/** What the tests need besides: nobody waits for a browser to boot a kernel. */
const TEST_PACKAGES = [
  { name: "chromium", why: "a browser that tests run in", present: () => onPath("chromium") },
  { name: "firefox-esr", why: "another one", present: () => onPath("firefox-esr") },
  { name: "libdb1-compat", why: "reads the package database that we write", present: () => onPath("db_dump185") },
  { name: "gnupg", why: "checks the signatures that we make", present: () => onPath("gpg") },
  { name: "openssl", why: "checks the signatures that we make", present: () => onPath("openssl") },
  { name: "bzip2", why: "writes what we unpack", present: () => onPath("bzip2") },
];

export class SetupError extends Error {}

const say = (line) => process.stderr.write(`${line}\n`);

function onPath(command) {
  return (process.env.PATH ?? "").split(path.delimiter).some((dir) => {
    try {
      // A folder of PATH may be one that this user cannot look into.
      accessSync(path.join(dir, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function installed(name) {
  const { stdout, status } = spawnSync("dpkg-query", ["-W", "-f", "${Status}", name], { encoding: "utf8" });
  return status === 0 && stdout === "install ok installed";
}

/** Runs a command with its output on our stderr and no input. Returns whether it succeeded. */
function run(command, args, options = {}) {
  return spawnSync(command, args, { stdio: ["ignore", 2, 2], cwd: ROOT, ...options }).status === 0;
}

/** -1, 0 or 1 as version `a` is older than, the same as or newer than `b`. */
export function compareVersions(a, b) {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let i = 0; i < 3; i++) if ((left[i] ?? 0) !== (right[i] ?? 0)) return (left[i] ?? 0) < (right[i] ?? 0) ? -1 : 1;
  return 0;
}

function checkNode() {
  const wanted = /[\d.]+/.exec(JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")).engines.node)[0];
  if (compareVersions(process.versions.node, wanted) < 0) {
    throw new SetupError(`Node ${wanted} or newer is needed; this is ${process.versions.node}.`);
  }
}

/** True when node_modules holds the versions that package-lock.json names. */
export function dependenciesMatch(root) {
  const lockFile = path.join(root, "node_modules/.package-lock.json");
  if (!existsSync(lockFile)) return false;
  const wanted = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")).packages;
  const have = JSON.parse(readFileSync(lockFile, "utf8")).packages;
  return Object.entries(wanted).every(([name, entry]) => {
    if (!name.includes("node_modules/") || entry.optional || entry.devOptional || entry.peer) return true;
    if (entry.link) return existsSync(path.join(root, name));
    return have[name]?.version === entry.version && existsSync(path.join(root, name));
  });
}

/**
 * `npm install` with the versions of package-lock.json, which it leaves alone (--no-save). Not `npm ci`: that refuses a lock
 * file without the binaries of every other operating system. Scripts of packages do not run: nothing needs what they make, and one compiles
 * a native addon beside the WebAssembly that we use, which costs a C++ compiler, Node's headers, and the package where they are missing.
 */
function installDependencies() {
  if (dependenciesMatch(ROOT)) return;
  say("npm dependencies: npm install, as locked");
  if (!run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"])) {
    throw new SetupError("npm install failed.");
  }
}

/** Words of the system's name for people, and whether apt installs its packages. */
function system() {
  const file = "/etc/os-release";
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const field = (name) => new RegExp(`^${name}="?([^"\n]*)`, "m").exec(text)?.[1] ?? "";
  const family = `${field("ID")} ${field("ID_LIKE")}`.split(" ");
  return {
    name: field("PRETTY_NAME") || process.platform,
    hasApt: (family.includes("debian") || family.includes("ubuntu")) && onPath("apt-get"),
  };
}

function hasPackageLists() {
  const dir = "/var/lib/apt/lists";
  return existsSync(dir) && readdirSync(dir).some((f) => /_Packages(\.\w+)?$/.test(f));
}

function installSystemPackages(packages) {
  const missing = packages.filter((p) => !p.present());
  if (missing.length === 0) return;
  const names = missing.map((p) => p.name);
  const { name, hasApt } = system();
  if (!hasApt) {
    const list = missing.map((p) => `  ${p.name.padEnd(18)} ${p.why}`).join("\n");
    throw new SetupError(`On ${name} these have to be installed by hand (named as in Debian):\n${list}`);
  }
  const install = ["install", "-y", "--no-install-recommends", ...names];
  if (process.getuid() !== 0) {
    throw new SetupError(
      `System packages are missing: ${names.join(", ")}. Run\n\n  sudo apt-get update && sudo apt-get ${install.join(" ")}\n`,
    );
  }
  say(`system packages: installing ${missing.map((p) => `${p.name} (${p.why})`).join(", ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  if (!hasPackageLists() && !run("apt-get", ["update", "-q"], { env })) throw new SetupError("apt-get update failed.");
  const ok =
    run("apt-get", install, { env }) || (run("apt-get", ["update", "-q"], { env }) && run("apt-get", install, { env }));
  if (!ok) throw new SetupError(`apt-get ${install.join(" ")} failed.`);
}

/** Brings everything up, for `tests` too or to boot; throws SetupError with what a person can do about it. */
export function setup(tests) {
  checkNode();
  installSystemPackages(tests ? [...SYSTEM_PACKAGES, ...TEST_PACKAGES] : SYSTEM_PACKAGES);
  installDependencies();
}

/** Runs `work` behind the set-up; a SetupError becomes a message and exit status 69. */
export async function afterSetup(work, { tests }) {
  try {
    setup(tests);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = UNAVAILABLE;
    return;
  }
  process.exitCode = await work();
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  await afterSetup(() => 0, { tests: true });
