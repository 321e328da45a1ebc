import { mergeConfig } from "vitest/config";
import { tests } from "../kts/src/presets/vitest.js";

// With the checks of debug builds: misuse is tested too.
export default mergeConfig(tests(), { test: { env: { ANAX_DEBUG: "1" } } });
