/**
 * Tests that boot guests. ANAX_TEST_KERNEL names the kernel: a file, or "debian" to check the tests themselves on Linux;
 * Anax by default.
 */
import { defineConfig } from "vitest/config";
import { tests } from "../../packages/kts/src/presets/vitest.js";

const base = tests() as { test?: object };

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["test/qemu/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    globalSetup: ["test/helpers/setup.ts"],
    // Guests compete for the CPUs, and some tests look at times.
    fileParallelism: false,
  },
});
