/**
 * Checks what a package would publish: publint (fields and files), attw (types as every module system resolves them), that
 * Node loads every entry as ESM and as CJS, and that the license comes along. Runs behind the build. attw reads the packed tarball, so the check sees what npm would send.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { workspaceRoot } from "./asc.mjs";

/** Loads each entry of the package by its own name, the two ways; prints what fails. */
function loads(dir, manifest) {
  const entries = Object.keys(manifest.exports).filter((e) => !e.endsWith(".json"));
  const names = JSON.stringify(entries.map((e) => manifest.name + e.slice(1)));
  const script = `import { createRequire } from "node:module";
    for (const name of ${names}) {
      const esm = Object.keys(await import(name)).filter((k) => k !== "default").sort();
      const cjs = Object.keys(createRequire(process.cwd() + "/x.js")(name)).sort();
      if (esm.length === 0 || esm.join() !== cjs.join()) throw new Error(name + ": ESM and CJS export different names");
    }`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: dir,
    encoding: "utf8",
  });
  if (status !== 0) console.error(stderr);
  return status === 0;
}

/** The license must be given to whoever gets the code, and npm takes it from the package's own folder only. */
function licensed(dir) {
  const own = path.join(dir, "LICENSE");
  const same =
    existsSync(own) && readFileSync(own, "utf8") === readFileSync(path.join(workspaceRoot(dir), "LICENSE"), "utf8");
  if (!same) console.error("LICENSE: not the workspace's; copy it");
  return same;
}

/** Resolves to true when all four are content. */
export async function checkPackage(dir) {
  const manifest = JSON.parse(readFileSync(path.join(dir, "package.json"), "utf8"));
  const { messages } = await publint({ pkgDir: dir, level: "warning", strict: true, pack: false });
  for (const m of messages) console.error(`publint: ${formatMessage(m, manifest)}`);

  const loadable = loads(dir, manifest);
  const license = licensed(dir);
  const out = mkdtempSync(path.join(tmpdir(), "kts-pack-"));
  try {
    const pack = spawnSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", out], {
      cwd: dir,
      encoding: "utf8",
    });
    if (pack.status !== 0) {
      console.error(pack.stderr);
      return false;
    }
    const tarball = path.join(out, readdirSync(out)[0]);
    const attw = path.join(workspaceRoot(dir), "node_modules/@arethetypeswrong/cli/dist/index.js");
    // A subpath import needs moduleResolution node16 or bundler; node10 does not read "exports".
    const types = spawnSync(
      process.execPath,
      [attw, tarball, "--profile", "node16", "--format", "ascii", "--no-color", "--no-emoji"],
      {
        encoding: "utf8",
      },
    );
    if (types.status !== 0) console.error(types.stdout + types.stderr);
    return messages.length === 0 && types.status === 0 && loadable && license;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
