/** The examples print what they say they print, each as a program of its own. */
import { execFile } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { promisesOf } from "@anax/kts/readme";
import { expect, test } from "vitest";

const FOLDER = fileURLToPath(new URL("../examples", import.meta.url));
const names = readdirSync(FOLDER, { withFileTypes: true }).filter((e) => e.isDirectory());

test.each(names.map((e) => e.name))(
  "%s",
  async (name) => {
    const said = promisesOf(readFileSync(path.join(FOLDER, name, "main.ts"), "utf8"));
    const { stdout } = await promisify(execFile)(process.execPath, [path.join(FOLDER, "run.mjs"), name], {
      timeout: 110_000,
    });
    expect(said.length).toBeGreaterThan(0);
    expect(stdout.trimEnd().split("\n")).toEqual(said);
  },
  120_000,
);
