import { defineConfig, mergeConfig } from "vitest/config";
import { tests } from "../../packages/kts/src/presets/vitest.js";

export default mergeConfig(tests(), defineConfig({ test: { exclude: ["test/qemu/**"] } }));
