/**
 * Worker programs of the tests: Node and browsers cannot load TypeScript, so each is bundled, with the sources of the
 * workspace, into the package's cache folder. A file is named after its content, so that test files which run at the same time may share it.
 */
import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const FOLDER = path.join(HERE, "../.cache/workers");

/** Bundles `file` (relative to `test`) for Node or a browser; the URL of the result. */
export async function bundle(file: string, platform: "node" | "browser" = "node"): Promise<URL> {
  const { outputFiles } = await build({
    entryPoints: [path.join(HERE, file)],
    platform,
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["source"],
    logLevel: "error",
    write: false,
  });
  const code = outputFiles[0]!.contents;
  const hash = createHash("sha1").update(code).digest("hex").slice(0, 12);
  const out = path.join(FOLDER, `${path.basename(file, ".ts")}-${platform}-${hash}.mjs`);
  mkdirSync(FOLDER, { recursive: true });
  // Whoever reads it sees all of it or nothing.
  writeFileSync(`${out}.${process.pid}`, code);
  renameSync(`${out}.${process.pid}`, out);
  return pathToFileURL(out);
}
