/**
 * Where things are and what is allowed: options of the caller, then the environment, then the configuration file, then what pkg_install and pkgin of this
 * system use.
 *
 * Key types: {@link ClientOptions} (what may be given), {@link Config} (what holds). Neighbours: `../client.ts`, `../cli/`.
 * Environment: PKG_REPOS (as pkgin: URLs with blanks between them), PKG_DBDIR, PKG_REFCOUNT_DBDIR, PKGC_PREFIX, PKGC_CONFIG.
 * Files: PKGC_CONFIG or PREFIX/etc/pkgc.json (JSON, the names of {@link ClientOptions}); pkg_install.conf(5); pkgin's repositories.conf.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { PackageError } from "../errors";
import { DEFAULT_HISTORY_POLICY, type HistoryPolicy } from "../transaction/history";

/** How much signatures count: VERIFIED_INSTALLATION of pkg_install.conf(5). */
export type SignaturePolicy =
  /** They are not looked at. */
  | "never"
  /** A package without a good one is asked about. */
  | "trusted"
  /** Every package must have a good one. */
  | "always"
  /** Every package is asked about. */
  | "interactive";

export interface RepositoryConfig {
  /** http:, https: or file: URL of the directory that has pkg_summary; a path is one, too. */
  readonly url: string;
  /** Packages of a greater one are preferred, whatever their versions. */
  readonly priority: number;
}

export interface ClientOptions {
  /** Where packages go. Given, it takes the place of the prefix that packages were built for, as `pkg_add -p` does. */
  readonly prefix?: string;
  /** PKG_DBDIR. Default: that of pkg_install.conf; PREFIX/pkgdb with a prefix of one's own; else the system's. */
  readonly dbdir?: string;
  /** In front of every path that packages have, as `pkg_add -P`. */
  readonly destdir?: string;
  /** What the client itself keeps. Default: DBDIR.pkgc. */
  readonly statedir?: string;
  /** Where configuration files are. Default: PREFIX/etc. */
  readonly sysconfdir?: string;
  readonly repos?: readonly (string | RepositoryConfig)[];
  /** Default: that of pkg_install.conf; `trusted` when there are keys, else `never`. */
  readonly verify?: SignaturePolicy;
  /** Files with trusted OpenPGP keys or X.509 certificates. */
  readonly keys?: readonly string[];
  /** The pkg-vulnerabilities file: URL or path. */
  readonly vulnerabilities?: string;
  /** Downloads at the same time; default 4. */
  readonly parallel?: number;
  /** Wait for the disk (fsync) where a power cut would otherwise do harm; default true. */
  readonly sync?: boolean;
  /** Milliseconds that a script may run; default 10 minutes. */
  readonly scriptTimeout?: number;
  readonly history?: Partial<HistoryPolicy>;
  /** Take packages that were built for another operating system or machine. */
  readonly anyPlatform?: boolean;
}

export interface Config {
  /** "" when packages keep their own prefix. */
  readonly relocate: string;
  readonly prefix: string;
  readonly dbdir: string;
  readonly destdir: string;
  readonly statedir: string;
  readonly sysconfdir: string;
  readonly refcountDir: string;
  /** Those that were given; what `repo add` knows comes from the state directory. */
  readonly repos: readonly RepositoryConfig[];
  /** Where `repos` comes from. */
  readonly repoSource: "options" | "environment" | "configuration" | "pkgin" | "none";
  readonly verify: SignaturePolicy;
  readonly keys: readonly string[];
  readonly vulnerabilities: string;
  readonly parallel: number;
  readonly sync: boolean;
  readonly scriptTimeout: number;
  readonly history: HistoryPolicy;
  readonly anyPlatform: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const SYSTEM_PREFIX: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: "/opt/pkg", sunos: "/opt/local" };

/** `NAME=value` lines of pkg_install.conf(5); none when there is no such file. */
function readVariables(file: string): Map<string, string> {
  const out = new Map<string, string>();
  if (!fs.existsSync(file)) return out;
  for (const line of fs.readFileSync(file, "utf8").split("\n")) {
    const match = /^\s*([A-Z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (match !== null) out.set(match[1]!, match[2]!);
  }
  return out;
}

function wrong(where: string, reason: string): PackageError {
  return new PackageError("EBADDATA", `${where}: ${reason}`, { path: where });
}

/** Reads the configuration file. @throws PackageError EBADDATA */
function readConfigFile(file: string): ClientOptions {
  if (!fs.existsSync(file)) return {};
  let value: unknown;
  try {
    value = JSON.parse(fs.readFileSync(file, "utf8"));
  } catch (error) {
    throw wrong(file, `is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(file, "is not a JSON object");
  const types: Record<keyof ClientOptions, string> = {
    prefix: "string",
    dbdir: "string",
    destdir: "string",
    statedir: "string",
    sysconfdir: "string",
    repos: "object",
    verify: "string",
    keys: "object",
    vulnerabilities: "string",
    parallel: "number",
    sync: "boolean",
    scriptTimeout: "number",
    history: "object",
    anyPlatform: "boolean",
  };
  for (const [name, member] of Object.entries(value)) {
    const type = types[name as keyof ClientOptions];
    if (type === undefined) throw wrong(file, `has no setting "${name}"`);
    if (typeof member !== type || member === null) throw wrong(file, `"${name}" must be of type ${type}`);
  }
  return value as ClientOptions;
}

/** A repository from text: a URL or a path, with `$arch` and `$osrelease` of pkgin filled in. */
export function repositoryOf(value: string | RepositoryConfig): RepositoryConfig {
  const { url, priority } = typeof value === "string" ? { url: value, priority: 0 } : value;
  const filled = url
    .replaceAll("$arch", os.machine?.() ?? os.arch())
    .replaceAll("$osrelease", /^[0-9.]*/.exec(os.release())![0])
    .replace(/\/+$/, "");
  const isUrl = /^(https?|file):\/\//.test(filled);
  if (/^[a-z][a-z0-9+.-]*:\/\//.test(filled) && !isUrl) throw wrong(url, "is neither an http, an https nor a file URL");
  if (isUrl && !URL.canParse(filled)) throw wrong(url, "is no URL");
  const whole = isUrl ? filled : `file://${path.resolve(filled)}`;
  if (!Number.isSafeInteger(priority)) throw wrong(url, "its priority is not a whole number");
  return { url: whole, priority };
}

function existing(...files: string[]): string | null {
  return files.find((file) => fs.existsSync(file)) ?? null;
}

/** pkgin's list: one URL on a line, `#` begins a comment. */
function pkginRepositories(prefix: string): string[] {
  const file = existing(path.join(prefix, "etc/pkgin/repositories.conf"), "/etc/pkgin/repositories.conf");
  if (file === null) return [];
  return fs
    .readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}

/** What holds. @throws PackageError EBADDATA for settings that make no sense */
export function resolveConfig(options: ClientOptions = {}, env: Environment = process.env): Config {
  const systemPrefix = SYSTEM_PREFIX[process.platform] ?? "/usr/pkg";
  const firstPrefix = options.prefix ?? env["PKGC_PREFIX"] ?? systemPrefix;
  const file = readConfigFile(env["PKGC_CONFIG"] ?? path.join(firstPrefix, "etc/pkgc.json"));
  const given = options.prefix ?? env["PKGC_PREFIX"] ?? file.prefix;
  const relocate = given === undefined ? "" : path.resolve(given);
  const prefix = relocate === "" ? systemPrefix : relocate;
  const destdir = options.destdir ?? file.destdir ?? "";
  const top = destdir === "" ? "" : path.resolve(destdir);
  const toolConf = existing(path.join(prefix, "etc/pkg_install.conf"), "/etc/pkg_install.conf");
  const tools = toolConf === null ? new Map<string, string>() : readVariables(toolConf);
  const own = relocate !== "" && relocate !== systemPrefix;
  const systemDb = fs.existsSync(path.join(prefix, "pkgdb")) ? path.join(prefix, "pkgdb") : "/var/db/pkg";
  const dbdir = path.resolve(
    options.dbdir ??
      env["PKG_DBDIR"] ??
      file.dbdir ??
      tools.get("PKG_DBDIR") ??
      (own ? path.join(prefix, "pkgdb") : systemDb),
  );
  const placedDb = top === "" ? dbdir : path.join(top, dbdir);
  const repoList = ((): [readonly (string | RepositoryConfig)[], Config["repoSource"]] => {
    if (options.repos !== undefined && options.repos.length > 0) return [options.repos, "options"];
    const fromEnv = (env["PKG_REPOS"] ?? "").split(/\s+/).filter((url) => url !== "");
    if (fromEnv.length > 0) return [fromEnv, "environment"];
    if (file.repos !== undefined) return [file.repos, "configuration"];
    const fromPkgin = pkginRepositories(prefix);
    return fromPkgin.length > 0 ? [fromPkgin, "pkgin"] : [[], "none"];
  })();
  const parallel = options.parallel ?? file.parallel ?? 4;
  if (!Number.isInteger(parallel) || parallel < 1 || parallel > 64)
    throw wrong("parallel", "must be a whole number from 1 to 64");
  const keyFiles = [...(options.keys ?? file.keys ?? [])];
  for (const name of ["GPG_KEYRING_VERIFY", "CERTIFICATE_ANCHOR_PKGS"]) {
    const ring = tools.get(name);
    if (options.keys === undefined && file.keys === undefined && ring !== undefined) keyFiles.push(ring);
  }
  const verify =
    options.verify ?? file.verify ?? tools.get("VERIFIED_INSTALLATION") ?? (keyFiles.length > 0 ? "trusted" : "never");
  if (!["never", "trusted", "always", "interactive"].includes(verify.toLowerCase())) {
    throw wrong("verify", `"${verify}" is none of never, trusted, always, interactive`);
  }
  return {
    relocate,
    prefix,
    dbdir: placedDb,
    destdir: top,
    statedir: path.resolve(options.statedir ?? file.statedir ?? `${placedDb}.pkgc`),
    sysconfdir: options.sysconfdir ?? file.sysconfdir ?? path.posix.join("/", top, prefix, "etc"),
    refcountDir: env["PKG_REFCOUNT_DBDIR"] ?? tools.get("PKG_REFCOUNT_DBDIR") ?? `${dbdir}.refcount`,
    repos: repoList[0].map(repositoryOf),
    repoSource: repoList[1],
    verify: verify.toLowerCase() as SignaturePolicy,
    keys: keyFiles,
    vulnerabilities:
      options.vulnerabilities ??
      file.vulnerabilities ??
      tools.get("PKGVULNURL") ??
      "https://cdn.NetBSD.org/pub/NetBSD/packages/vulns/pkg-vulnerabilities.gz",
    parallel,
    sync: options.sync ?? file.sync ?? true,
    scriptTimeout: options.scriptTimeout ?? file.scriptTimeout ?? 600_000,
    history: { ...DEFAULT_HISTORY_POLICY, ...file.history, ...options.history },
    anyPlatform: options.anyPlatform ?? file.anyPlatform ?? false,
  };
}

/** Names of the operating system and the machine as pkgsrc has them (OPSYS, MACHINE_ARCH). */
export function hostPlatform(): { opsys: string; arch: string } {
  const opsys: Partial<Record<NodeJS.Platform, string>> = {
    linux: "Linux",
    darwin: "Darwin",
    sunos: "SunOS",
    freebsd: "FreeBSD",
    openbsd: "OpenBSD",
    netbsd: "NetBSD",
  };
  const arch: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64", ia32: "i386", ppc64: "powerpc64" };
  return { opsys: opsys[process.platform] ?? os.type(), arch: arch[process.arch] ?? process.arch };
}

/** "" when a package with these values of +BUILD_INFO fits this system, else why it does not (pkg_install add/perform.c check_platform). */
export function platformProblem(config: Config, opsys: string, arch: string): string {
  if (config.anyPlatform) return "";
  const host = hostPlatform();
  if (opsys === "" && arch === "") return "";
  // MACHINE_ARCH of one machine has several names.
  const same = new Map([
    ["aarch64", "aarch64"],
    ["arm64", "aarch64"],
    ["amd64", "x86_64"],
    ["x86_64", "x86_64"],
    ["i86pc", "i386"],
    ["i386", "i386"],
  ]);
  const archOf = (name: string): string => same.get(name) ?? name;
  const fits = opsys === host.opsys && (archOf(arch) === archOf(host.arch) || arch === "noarch");
  return fits ? "" : `was built for ${opsys}/${arch}, this is ${host.opsys}/${host.arch}`;
}
