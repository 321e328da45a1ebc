/** Bundles an example's main program and worker from the sources and runs it: `node examples/run.mjs pool`. */
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

if (process.argv[1] === fileURLToPath(import.meta.url))
  await import((await bundleExample(process.argv[2] ?? "maths")).href);
