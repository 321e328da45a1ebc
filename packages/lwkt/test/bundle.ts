/**
 * Worker programs of the tests: Node and browsers cannot load TypeScript, so each is bundled, with the sources of the
 * workspace, into the package's cache folder.
 */
import { rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const built = new Map<string, Promise<URL>>();

/** Bundles `file` (relative to `test`) for Node or a browser; the URL of the result. */
export function bundle(file: string, platform: "node" | "browser" = "node"): Promise<URL> {
  const key = `${platform}-${file.replaceAll(/[^\w]/g, "-")}`;
  let url = built.get(key);
  if (url === undefined) {
    const outfile = path.join(HERE, "../.cache/workers", `${key}-${process.pid}.mjs`);
    url = build({
      entryPoints: [path.join(HERE, file)],
      outfile,
      platform,
      bundle: true,
      format: "esm",
      target: "es2022",
      conditions: ["source"],
      logLevel: "error",
    }).then(() => pathToFileURL(outfile));
    built.set(key, url);
    process.once("exit", () => rmSync(outfile, { force: true }));
  }
  return url;
}
