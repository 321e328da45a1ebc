/**
 * The one vitest configuration of all packages. Workspace packages resolve to their sources by the `source`
 * export condition, so no test waits for a build; their element accesses are checked.
 */
import { fileURLToPath } from "node:url";
import type { ViteUserConfig } from "vitest/config";
import { checkedElements } from "./bounds.js";
import { testSeed } from "./seed.js";

const conditions = ["source", "module", "node", "import", "default"];

export function tests(): ViteUserConfig {
  // nx sets it; what tests and their child processes print is compared, and nobody looks at it.
  delete process.env["FORCE_COLOR"];
  return {
    plugins: [checkedElements()],
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: conditions }, noExternal: [/^@anax\//] },
    test: {
      include: ["test/**/*.test.ts"],
      env: { ANAX_TEST_SEED: String(testSeed()) },
      setupFiles: [fileURLToPath(new URL("property-tests.ts", import.meta.url))],
      testTimeout: 60_000,
      hookTimeout: 60_000,
      maxWorkers: 2,
      reporters: ["default", "json"],
      outputFile: { json: ".reports/vitest.json" },
      coverage: {
        provider: "v8",
        include: ["src/**/*.ts"],
        exclude: ["src/glue/native/**"],
        reporter: ["text-summary", "json-summary"],
      },
    },
  };
}
