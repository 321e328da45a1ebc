/**
 * Finds the wasm2c whose output `c-source.mjs` knows: wabt 1.0.32, Debian 12's. Where the system has another version, the one of
 * the npm package `wabt` (the same program compiled to WebAssembly, some seconds slower) stands in.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const VERSION = "1.0.32";

/** The command, with its first arguments, as a list. */
export function wasm2cCommand() {
  for (const dir of (process.env.PATH ?? "").split(path.delimiter)) {
    const file = path.join(dir, "wasm2c");
    if (dir.includes("node_modules") || !existsSync(file)) continue;
    try {
      if (execFileSync(file, ["--version"], { encoding: "utf8" }).trim().startsWith(VERSION)) return [file];
    } catch {
      continue;
    }
  }
  const manifest = createRequire(import.meta.url).resolve("wabt/package.json");
  return [process.execPath, path.join(path.dirname(manifest), "bin/wasm2c")];
}
