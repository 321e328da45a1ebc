import { readFileSync } from "node:fs";
import path from "node:path";
import { Linter } from "eslint";
import tseslint from "typescript-eslint";
import { describe, expect, test } from "vitest";
import { LAYERS } from "../../src/eslint/layers.js";
import { plugin } from "../../src/eslint/index.js";

const ROOT = path.resolve(import.meta.dirname, "../../../..");

function reports(file: string, code: string): (string | undefined)[] {
  const config = {
    files: ["**/*.ts"],
    languageOptions: { parser: tseslint.parser as never },
    plugins: { kts: plugin as never },
    rules: { "kts/layering": "error" as const },
  };
  return new Linter({ cwd: "/repo" })
    .verify(code, [config], { filename: path.join("/repo", file) })
    .map((m) => m.messageId);
}

describe("layering", () => {
  test.each([
    ["packages/vm/src/fault.ts", 'import { Errno } from "@anax/portable";'],
    ["packages/vm/src/fault.ts", 'import { Entry } from "./entry";'],
    ["packages/vm/src/deep/a.ts", 'import { Entry } from "../entry";'],
    ["packages/kern/src/fork.ts", 'import { Vfs } from "@anax/vfs-msg";'],
    ["apps/os-image/src/kernel/main.ts", 'import { Kernel } from "@anax/kern";'],
  ])("%s may: %s", (file, code) => expect(reports(file, code)).toEqual([]));

  test.each([
    ["packages/vm/src/fault.ts", 'import { Vfs } from "@anax/vfs-msg";', "upwards"],
    ["packages/lwkt/src/port.ts", 'export * from "@anax/kern";', "upwards"],
    ["packages/scheduler/src/a.ts", 'import { Vm } from "@anax/vm";', "upwards"],
    ["packages/vm/src/fault.ts", 'import { helper } from "./host/helper";', "host"],
    ["packages/vm/src/fault.ts", 'import { x } from "@anax/machine/host";', "subpath"],
    ["packages/vm/src/fault.ts", 'import { x } from "../../machine/src/registers";', "outside"],
    ["packages/vm/src/fault.ts", 'import fs from "node:fs";', "foreign"],
  ])("%s may not: %s", (file, code, messageId) => expect(reports(file, code)).toEqual([messageId]));

  test.each([...LAYERS])("the dependencies of %s point down", (name, below) => {
    const dir = name === "os-image" ? "apps/os-image" : `packages/${name}`;
    const manifest = JSON.parse(readFileSync(path.join(ROOT, dir, "package.json"), "utf8")) as {
      dependencies?: Record<string, string>;
    };
    const inside = Object.keys(manifest.dependencies ?? {}).filter((d) => d.startsWith("@anax/"));
    expect(below).toEqual(expect.arrayContaining(inside.map((d) => d.slice("@anax/".length))));
  });
});
