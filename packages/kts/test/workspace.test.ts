import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rules } from "../src/eslint/index.js";
import { reportFiles, summarize } from "../src/workspace/reports.mjs";
import { compareVersions, dependenciesMatch } from "../src/workspace/setup.mjs";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), "kts-workspace-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function put(file: string, value: unknown): void {
  const at = path.join(dir, file);
  mkdirSync(path.dirname(at), { recursive: true });
  writeFileSync(at, JSON.stringify(value));
}

describe("set-up", () => {
  test.each([
    ["20.19.0", "20.19.0", 0],
    ["20.9.0", "20.19.0", -1],
    ["22.1.0", "20.19.0", 1],
  ])("version %s against %s", (a, b, order) => expect(compareVersions(a, b)).toBe(order));

  test("dependencies match when every locked version is there", () => {
    const locked = {
      packages: {
        "": {},
        "node_modules/a": { version: "1.0.0" },
        "node_modules/b": { version: "2.0.0", optional: true },
      },
    };
    put("package-lock.json", locked);
    expect(dependenciesMatch(dir)).toBe(false);
    put("node_modules/.package-lock.json", { packages: { "node_modules/a": { version: "1.0.0" } } });
    expect(dependenciesMatch(dir)).toBe(false);
    put("node_modules/a/package.json", {});
    expect(dependenciesMatch(dir)).toBe(true);
    put("node_modules/.package-lock.json", { packages: { "node_modules/a": { version: "0.9.0" } } });
    expect(dependenciesMatch(dir)).toBe(false);
  });
});

describe("test reports", () => {
  test("are found in every project and summed up; a file that does not load counts as a failure", () => {
    const report = (passed: number, failed: string[], broken: boolean) => ({
      numPassedTests: passed,
      numFailedTests: failed.length,
      numPendingTests: 1,
      numTodoTests: 0,
      testResults: [
        {
          name: path.join(dir, "x.test.ts"),
          status: failed.length > 0 || broken ? "failed" : "passed",
          message: "cannot load\nmore",
          assertionResults: failed.map((fullName) => ({ status: "failed", fullName })),
        },
      ],
    });
    put("packages/a/.reports/test.json", report(3, [], false));
    put("packages/b/.reports/test.json", report(1, ["breaks"], false));
    put("apps/c/.reports/qemu.json", report(0, [], true));
    const files = reportFiles(dir);
    expect(files.length).toBe(3);
    expect(summarize(files, dir)).toEqual({
      passed: 4,
      failed: 2,
      skipped: 3,
      names: ["x.test.ts: breaks", "x.test.ts: cannot load"],
    });
  });
});

test("CONTRIBUTING.md indexes every rule and no other", () => {
  const text = readFileSync(path.resolve(import.meta.dirname, "../../../CONTRIBUTING.md"), "utf8");
  const listed = [...text.matchAll(/^\| `kts\/([a-z-]+)`/gm)].map((m) => m[1]);
  expect(listed.sort()).toEqual(Object.keys(rules).sort());
});
