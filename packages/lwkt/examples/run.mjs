/** Bundles an example's main program and worker from the sources and runs it: `node examples/run.mjs pool`. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));

/** Bundles into a folder of the cache; returns the URL of the main program. */
export async function bundleExample(name, folder = name) {
  const outdir = path.join(here, "../.cache/examples", folder);
  await build({
    entryPoints: ["main", "worker"].map((file) => path.join(here, name, `${file}.ts`)),
    outdir,
    platform: "node",
    bundle: true,
    format: "esm",
    target: "node20",
    conditions: ["source"],
    logLevel: "error",
  });
  return pathToFileURL(path.join(outdir, "main.js"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folders = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const names = folders.map((entry) => entry.name);
  const name = process.argv[2] ?? "maths";
  if (names.includes(name)) await import((await bundleExample(name)).href);
  else {
    console.error(`no example "${name}"; there are ${names.join(", ")}`);
    process.exitCode = 64;
  }
}
