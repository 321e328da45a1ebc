#!/usr/bin/env node
/**
 * `npm test`: sets up, then everything: formatting, lint, types, the asc check, builds, packages, unit tests, scenarios on both
 * builds, the kernel, QEMU tests. Ends with `N passed, N failed`, and with status 1 when anything failed.
 *
 * The counts are vitest's, read from its JSON reports; a step that fails without a failing test counts as one. Each step has a
 * time limit, and no step has an input. Neighbours: `nx.json` (what the targets do, what is cached).
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { reportFiles, summarize } from "./reports.mjs";
import { ROOT, afterSetup } from "./setup.mjs";

const MINUTE = 60_000;

/** QEMU tests come last and alone: guests share the CPUs with nobody. */
const STEPS = [
  { title: "formatting", targets: ["format-check"], minutes: 3 },
  { title: "types", targets: ["typecheck"], minutes: 8 },
  { title: "asc", targets: ["native"], minutes: 8 },
  { title: "lint", targets: ["lint"], minutes: 8 },
  { title: "builds and packages", targets: ["build", "check-package"], minutes: 10, projects: "packages/*" },
  { title: "API site", targets: ["docs"], minutes: 6 },
  { title: "unit tests and scenarios", targets: ["test", "scenarios"], minutes: 15, reports: true },
  { title: "QEMU", targets: ["qemu"], minutes: 25, reports: true },
];

/** A process and all it has started, from /proc; the process first. */
function processTree(pid) {
  const children = new Map();
  for (const name of existsSync("/proc") ? readdirSync("/proc") : []) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // It has ended in the meantime.
    }
  }
  const tree = [pid];
  for (let i = 0; i < tree.length; i++) tree.push(...(children.get(tree[i]) ?? []));
  return tree;
}

/** Runs nx; a time-out ends it with everything it started. */
function nx(args, milliseconds) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(ROOT, "node_modules/nx/dist/bin/nx.js"), ...args], {
      cwd: ROOT,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, NX_DAEMON: "false", NX_TUI: "false", CI: "true" },
    });
    const end = () => {
      for (const pid of processTree(child.pid)) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It has ended by itself.
        }
      }
    };
    const timer = setTimeout(() => {
      console.error(`\nnot finished after ${milliseconds / MINUTE} minutes: ended`);
      end();
    }, milliseconds);
    const handlers = [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ].map(([signal, status]) => [
      signal,
      () => {
        end();
        process.exit(status);
      },
    ]);
    for (const [signal, handler] of handlers) process.once(signal, handler);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      for (const [signal, handler] of handlers) process.off(signal, handler);
      resolve(code === 0);
    });
  });
}

async function everything() {
  for (const file of reportFiles(ROOT)) rmSync(file);
  const failures = [];
  const testFailures = [];
  const started = Date.now();
  for (const step of STEPS) {
    console.log(`\n== ${step.title}`);
    const at = Date.now();
    const projects = step.projects === undefined ? [] : ["-p", step.projects];
    const ok = await nx(
      ["run-many", "-t", ...step.targets, "--parallel=2", "--nxBail=false", ...projects],
      step.minutes * MINUTE,
    );
    console.log(`== ${step.title}: ${ok ? "passed" : "FAILED"}, ${Math.round((Date.now() - at) / 1000)} s`);
    if (!ok) (step.reports ? testFailures : failures).push(step.title);
  }
  const total = summarize(reportFiles(ROOT), ROOT);
  // A test step that failed though every reported test passed: a crash, a time-out, a missing report.
  const silent = total.failed === 0 ? testFailures : [];
  const failed = total.failed + failures.length + silent.length;
  for (const name of [...failures, ...silent]) console.log(`failed: ${name}`);
  for (const name of total.names) console.log(`failed: ${name}`);
  console.log(`\nall steps took ${Math.round((Date.now() - started) / 1000)} s`);
  console.log(`${total.passed} passed, ${failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
  return failed === 0 ? 0 : 1;
}

await afterSetup(everything, { tests: true });
