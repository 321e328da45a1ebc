import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "tsup";
import { afterAll, beforeAll, expect, test } from "vitest";
import config from "../tsup.config";

const home = fileURLToPath(new URL("..", import.meta.url));
let folder = "";
// Beside the sources, where its dependencies are found.
beforeAll(() => {
  folder = mkdtempSync(path.join(home, ".commonjs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test(
  "in CommonJS a policy and a topology of one entry point are those of the other",
  { timeout: 120_000 },
  async () => {
    await build({
      ...config,
      config: false,
      format: ["cjs"],
      dts: false,
      sourcemap: false,
      clean: false,
      outDir: folder,
    });
    const script = path.join(folder, "program.cjs");
    writeFileSync(
      script,
      `const { Dfly, currentTuning, TopologyBuilder, TopologySpec } = require("./index.cjs");
    const { batch, simulate } = require("./host/index.cjs");
    const topology = new TopologyBuilder().fromSpec(new TopologySpec(1, 1, 2, 1));
    const policy = (t) => new Dfly(t, currentTuning(), "mine");
    const { statistics } = simulate({ topology, policy, workload: { tasks: [batch("a")] }, duration: "1ms" });
    console.log(statistics.policy, statistics.cpus);`,
    );
    // The preset leaves dependencies to Node, and those of the workspace to their builds: here to their sources.
    const flags = ["--conditions=source", "--import", import.meta.resolve("tsx")];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, script]);
    expect(stdout).toBe("mine 2\n");
  },
);
