/**
 * The one tsup configuration of all libraries: ESM, CJS and declarations for `src/index.ts`, and for those of
 * `src/host/{index,cli,worker,browser}.ts` that a package has. Dependencies stay imports.
 */
import { existsSync } from "node:fs";
import { defineConfig } from "tsup";

export function library(): ReturnType<typeof defineConfig> {
  const entry: Record<string, string> = { index: "src/index.ts" };
  for (const name of ["index", "cli", "worker", "browser"]) {
    if (existsSync(`src/host/${name}.ts`)) entry[`host/${name}`] = `src/host/${name}.ts`;
  }
  return defineConfig({
    entry,
    format: ["esm", "cjs"],
    dts: true,
    sourcemap: true,
    clean: true,
    target: "node20",
    treeshake: true,
    // CommonJS, too, has every class once, whichever entry points are used together.
    splitting: true,
    silent: true,
  });
}
