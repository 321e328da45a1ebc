/**
 * Checks what a package would publish: publint (fields and files), attw (types as every module system resolves them).
 * Runs behind the build. attw reads the packed tarball, so the check sees what npm would send.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { readFileSync } from "node:fs";
import { workspaceRoot } from "./asc.mjs";

/** Resolves to true when both tools are content. */
export async function checkPackage(dir) {
  const manifest = JSON.parse(readFileSync(path.join(dir, "package.json"), "utf8"));
  const { messages } = await publint({ pkgDir: dir, level: "warning", strict: true, pack: false });
  for (const m of messages) console.error(`publint: ${formatMessage(m, manifest)}`);

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
    return messages.length === 0 && types.status === 0;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
