/** Node 20 cannot load TypeScript in a worker: its program is bundled first, with the sources of the workspace. */
import { rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const HERE = path.dirname(fileURLToPath(import.meta.url));

/** Bundles `worker.ts`; the URL of the result, which goes with the process. */
export async function bundleWorker(): Promise<URL> {
  const outfile = path.join(HERE, `../../.cache/worker-pool-${process.pid}.mjs`);
  process.once("exit", () => rmSync(outfile, { force: true }));
  await build({
    entryPoints: [path.join(HERE, "worker.ts")],
    outfile,
    platform: "node",
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["source"],
    logLevel: "error",
  });
  return pathToFileURL(outfile);
}
