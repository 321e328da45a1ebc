/** Static guest programs compiled from C on the host; cached by the contents of their sources. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { execa } from "execa";
import { CliError, Exit } from "../cli/errors.js";
import { requireTool } from "../cli/qemu.js";
import { CACHE } from "../paths.js";

const STATIC_FLAGS = ["-O2", "-static", "-Wall", "-Wextra", "-Werror", "-pthread"];

/** Compiles `sources` into one static x86-64 Linux program and gives its path. */
export function compileStatic(sources: readonly string[], extraFlags: readonly string[] = []): Promise<string> {
  return compile(sources, [...STATIC_FLAGS, ...extraFlags]);
}

/** Compiles `sources` with these flags and gives the program's path. */
export async function compile(sources: readonly string[], flags: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(flags));
  for (const source of sources) hash.update(await readFile(source));
  const folder = join(CACHE, "programs");
  const name = basename(sources[0]!).replace(/\.[^.]*$/, "");
  const output = join(folder, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(output)) return output;
  requireTool("gcc", "gcc libc6-dev");
  await mkdir(folder, { recursive: true });
  const temporary = `${output}.${process.pid}.tmp`;
  const inputs = sources.filter((file) => !file.endsWith(".h"));
  const { failed, stderr } = await execa("gcc", ["-o", temporary, ...inputs, ...flags], {
    reject: false,
  });
  if (failed) throw new CliError(`gcc ${inputs.join(" ")}:\n${stderr}`, Exit.unavailable);
  await rename(temporary, output);
  return output;
}
