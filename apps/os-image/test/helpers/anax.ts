/** The launcher as a user starts it, with its output and exit status. */
import { join } from "node:path";
import { execa } from "execa";
import { APP } from "../../src/paths.js";

/** The kernel under test as the value of --kernel; none stands for Anax. */
export const TEST_KERNEL: string | undefined = process.env.ANAX_TEST_KERNEL;

/** True if the tests run on Linux, to check the tests. */
export const ON_LINUX = TEST_KERNEL === "debian";

export const LAUNCHER = join(APP, "bin/anax.mjs");

export interface Result {
  status: number | undefined;
  stdout: Buffer;
  stderr: Buffer;
}

export interface Options {
  input?: Uint8Array | string;
  cwd?: string;
  env?: Record<string, string>;
}

/** Runs `anax` with these arguments. */
export async function anax(args: readonly string[], options: Options = {}): Promise<Result> {
  const result = await execa(process.execPath, [LAUNCHER, ...args], {
    ...options,
    encoding: "buffer",
    reject: false,
    stripFinalNewline: false,
    maxBuffer: 1 << 28,
  });
  return {
    status: result.exitCode,
    stdout: Buffer.from(result.stdout),
    stderr: Buffer.from(result.stderr),
  };
}

/** Runs a command in a guest with the kernel under test. `flags` are options of `anax run`. */
export function guestRun(command: readonly string[], flags: readonly string[] = []): Promise<Result> {
  const kernel = TEST_KERNEL === undefined ? [] : ["--kernel", TEST_KERNEL];
  const timeout = flags.includes("--timeout") ? [] : ["--timeout", "240"];
  return anax(["run", ...kernel, ...timeout, ...flags, "--", ...command]);
}

/** The same for a script of sh(1). */
export function guestScript(script: string, flags: readonly string[] = []): Promise<Result> {
  return guestRun(["sh", "-c", script], flags);
}
