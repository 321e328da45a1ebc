/** Bundles the benchmark and its worker, so that both run as the published code would, and runs it with the arguments given. */
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const [program = "main", ...args] = process.argv.slice(2);
const outdir = path.join(here, "../.cache/bench");
await build({
  entryPoints: [path.join(here, `${program}.ts`), path.join(here, "worker.ts"), path.join(here, "soak-worker.ts")],
  outdir,
  outExtension: { ".js": ".mjs" },
  platform: "node",
  bundle: true,
  format: "esm",
  target: "node20",
  conditions: ["source"],
  resolveExtensions: [".ts", ".mjs", ".js", ".json"],
  banner: {
    js: 'import { createRequire as benchRequire } from "node:module"; const require = benchRequire(import.meta.url);',
  },
  logLevel: "error",
});
process.argv = [process.argv[0], path.join(outdir, `${program}.mjs`), ...args];
await import(pathToFileURL(path.join(outdir, `${program}.mjs`)).href);
