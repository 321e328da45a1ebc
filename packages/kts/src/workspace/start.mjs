#!/usr/bin/env node
/**
 * `npm start`: sets up, builds the kernel and the image, boots them on this terminal. Arguments go to `anax boot`
 * (`npm start -- --mem 512M`).
 */
import { spawn } from "node:child_process";
import path from "node:path";
import { ROOT, afterSetup } from "./setup.mjs";

function anax(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(ROOT, "apps/os-image/bin/anax.mjs"), ...args], {
      stdio: "inherit",
    });
    // The launcher owns the terminal and its signals; we wait for it.
    process.on("SIGINT", () => {});
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
}

await afterSetup(
  async () => {
    const built = await anax(["build"]);
    return built === 0 ? anax(["boot", ...process.argv.slice(2)]) : built;
  },
  { tests: false },
);
