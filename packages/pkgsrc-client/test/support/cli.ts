/** `pkgc` as a process: built once for a test file, then started as often as needed. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "tsup";
import { main } from "../../src/host/cli/main";

const PACKAGE = fileURLToPath(new URL("../../", import.meta.url));

export interface CliResult {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Builds the command line into `.cache/` of the package (its dependencies are found from there). Returns the script. */
export async function buildCli(name: string): Promise<string> {
  const outDir = path.join(PACKAGE, ".cache", `cli-${name}-${process.pid}`);
  await build({
    config: false,
    entry: { cli: path.join(PACKAGE, "src/host/cli.ts") },
    outDir,
    format: ["esm"],
    target: "node20",
    silent: true,
    clean: true,
    dts: false,
    splitting: true,
    noExternal: [/^@anax\//],
    esbuildOptions: (options) => {
      options.conditions = ["source"];
    },
  });
  return path.join(outDir, fs.existsSync(path.join(outDir, "cli.js")) ? "cli.js" : "cli.mjs");
}

/** The same without a process: for many commands in a row. Nothing can be typed, and the environment is ours. */
export async function callCli(args: readonly string[]): Promise<CliResult> {
  const written = { stdout: "", stderr: "" };
  const real = { stdout: process.stdout.write, stderr: process.stderr.write };
  const take =
    (name: "stdout" | "stderr") =>
    (chunk: string | Uint8Array): boolean => {
      written[name] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
      return true;
    };
  process.stdout.write = take("stdout") as typeof process.stdout.write;
  process.stderr.write = take("stderr") as typeof process.stderr.write;
  try {
    const status = await main(args, "0.0.0");
    return { status, signal: null, ...written };
  } finally {
    process.stdout.write = real.stdout;
    process.stderr.write = real.stderr;
  }
}

export function runCli(
  script: string,
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string; cwd?: string; onStart?: (pid: number) => void } = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const env: Record<string, string | undefined> = { ...process.env, ...options.env };
    for (const name of ["PKG_REPOS", "PKG_DBDIR", "PKGC_PREFIX", "PKGC_CONFIG", "FORCE_COLOR", "PKG_REFCOUNT_DBDIR"]) {
      if (options.env?.[name] === undefined) delete env[name];
    }
    const child = spawn(process.execPath, [script, ...args], { env, cwd: options.cwd ?? PACKAGE, stdio: "pipe" });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr }));
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    if (child.pid !== undefined) options.onStart?.(child.pid);
  });
}
