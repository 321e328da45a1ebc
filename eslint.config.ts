/** ESLint for the whole workspace; the `kts` rules apply to the kernel's cores. */
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";
import { ktsRules, plugin } from "./packages/kts/src/eslint/index.js";

const CORES = ["packages/*/src/**/*.ts", "packages/*/scenarios/**/*.ts", "apps/os-image/src/kernel/**/*.ts"];
const NOT_CORES = [
  "packages/kts/**",
  "packages/*/src/host/**",
  "packages/*/src/glue/**",
  "apps/os-image/src/kernel/glue/**",
];

export default defineConfig(
  {
    ignores: [
      "**/dist/",
      "**/build/",
      "**/coverage/",
      "**/.nx/",
      "**/.cache/",
      "**/.reports/",
      "docs/api/",
      "**/glue/native/",
      "**/*.d.ts",
    ],
  },
  ...tseslint.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", caughtErrorsIgnorePattern: "^_" }],
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  {
    files: ["**/*.{js,mjs,cjs}"],
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", caughtErrorsIgnorePattern: "^_" }],
    },
  },
  {
    files: CORES,
    ignores: NOT_CORES,
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { kts: plugin as never },
    rules: {
      ...ktsRules,
      // Errno and flags have aliases: EAGAIN is EWOULDBLOCK.
      "@typescript-eslint/no-duplicate-enum-values": "off",
    },
  },
);
