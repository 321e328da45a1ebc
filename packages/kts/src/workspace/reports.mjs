/** vitest's JSON reports (`.reports/*.json` of each project), summed up. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";

/** The JSON reports of all projects. */
export function reportFiles(root) {
  return ["packages", "apps"].flatMap((group) =>
    readdirSync(path.join(root, group)).flatMap((name) => {
      const dir = path.join(root, group, name, ".reports");
      return existsSync(dir) ? readdirSync(dir).map((file) => path.join(dir, file)) : [];
    }),
  );
}

/** Sums vitest's reports; names the tests that failed. */
export function summarize(files, root) {
  const total = { passed: 0, failed: 0, skipped: 0, names: [] };
  for (const file of files) {
    const report = JSON.parse(readFileSync(file, "utf8"));
    total.passed += report.numPassedTests;
    total.failed += report.numFailedTests;
    total.skipped += report.numPendingTests + report.numTodoTests;
    for (const suite of report.testResults) {
      const where = path.relative(root, suite.name);
      const failed = suite.assertionResults.filter((t) => t.status === "failed");
      for (const t of failed) total.names.push(`${where}: ${t.fullName}`);
      // A file that does not load has no tests to fail.
      if (suite.status === "failed" && failed.length === 0) {
        total.failed++;
        total.names.push(`${where}: ${suite.message.split("\n")[0]}`);
      }
    }
  }
  return total;
}
