/**
 * Runs INSTALL and DEINSTALL scripts, and the commands of `@exec` and `@unexec`, as pkg_add(1) and pkg_delete(1) do.
 *
 * A script gets two arguments, the package's name and the phase, and stands in the package's metadata directory. Its environment
 * has PKG_PREFIX, PKG_METADATA_DIR, PKG_REFCOUNT_DBDIR and, with a destination directory, PKG_DESTDIR
 * (pkg_install files/add/perform.c run_install_script, files/delete/pkg_delete.c run_deinstall_script).
 * Neighbours: `transaction.ts` logs each run. Invariant: when `runScript` returns, nothing that it started in its process group runs.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";

/** The phases that pkg_add and pkg_delete know. */
export type ScriptPhase = "PRE-INSTALL" | "POST-INSTALL" | "DEINSTALL" | "POST-DEINSTALL";

export interface ScriptEnvironment {
  readonly prefix: string;
  readonly refcountDir: string;
  /** "" when packages go to their own place. */
  readonly destdir: string;
}

export interface ScriptResult {
  /** Exit status; 128 + N when signal N ended it; 124 after a time-out; 127 when it could not be started. */
  readonly status: number;
  /** What it wrote to stdout and stderr, at most 64 KiB, the end of it. */
  readonly output: string;
}

const MOST_OUTPUT = 64 << 10;
const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGTERM: 15,
};

function run(
  file: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<ScriptResult> {
  return new Promise((resolve) => {
    let output = "";
    let timedOut = false;
    // A group of its own: ^C does not reach it half-way, and a time-out ends its children too.
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const killGroup = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // The group is empty.
      }
    };
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup();
    }, timeoutMs);
    const take = (chunk: Buffer): void => {
      output = (output + chunk.toString("utf8")).slice(-MOST_OUTPUT);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", (error) => {
      clearTimeout(timer);
      resolve({ status: 127, output: `${output}${error.message}\n` });
    });
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      killGroup();
      // Output that is still in the pipe; a daemon that kept it open does not hold us.
      const done = (): void => {
        child.stdout.destroy();
        child.stderr.destroy();
        const status = timedOut ? 124 : signal !== null ? 128 + (SIGNALS[signal] ?? 0) : (code ?? 1);
        resolve({ status, output });
      };
      const grace = setTimeout(done, 200);
      child.on("close", () => {
        clearTimeout(grace);
        done();
      });
    });
  });
}

/** Runs `script` for `phase`. Does not throw: a script that cannot be started has status 127. */
export function runScript(
  script: string,
  packageName: string,
  phase: ScriptPhase,
  metadataDir: string,
  environment: ScriptEnvironment,
  timeoutMs: number,
): Promise<ScriptResult> {
  const mode = fs.statSync(script).mode;
  // pkg_delete does the same: archives of old tools hold scripts that are not executable.
  if ((mode & 0o555) !== 0o555) fs.chmodSync(script, 0o555);
  return run(script, [packageName, phase], metadataDir, variables(environment, metadataDir), timeoutMs);
}

/** Runs a command of `@exec` or `@unexec` with sh(1), in the package's prefix. */
export function runCommand(
  command: string,
  metadataDir: string,
  environment: ScriptEnvironment,
  timeoutMs: number,
): Promise<ScriptResult> {
  const cwd = fs.existsSync(environment.prefix) ? environment.prefix : "/";
  return run("/bin/sh", ["-c", command], cwd, variables(environment, metadataDir), timeoutMs);
}

function variables(environment: ScriptEnvironment, metadataDir: string): Record<string, string> {
  const env: Record<string, string> = {
    PKG_PREFIX: environment.prefix,
    PKG_METADATA_DIR: metadataDir,
    PKG_REFCOUNT_DBDIR: environment.refcountDir,
  };
  if (environment.destdir !== "") env["PKG_DESTDIR"] = environment.destdir;
  return env;
}
