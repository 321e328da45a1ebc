/**
 * The one tsup configuration of all libraries: ESM, CJS and declarations for `src/index.ts`, and for
 * `src/host/index.ts` where a package has one. Dependencies stay imports.
 */
import { existsSync } from "node:fs";
import { defineConfig } from "tsup";

export function library(): ReturnType<typeof defineConfig> {
  const entry: Record<string, string> = { index: "src/index.ts" };
  if (existsSync("src/host/index.ts")) entry["host/index"] = "src/host/index.ts";
  return defineConfig({
    entry,
    format: ["esm", "cjs"],
    dts: true,
    sourcemap: true,
    clean: true,
    target: "node20",
    treeshake: true,
    silent: true,
  });
}
