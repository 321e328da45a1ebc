/**
 * The seed of property tests: the commit's tree decides it. Each change tries cases that no change has tried before, and two
 * runs of one commit try the same. ANAX_TEST_SEED overrides: a number, or `random`.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";

const INT32 = /^-?\d{1,10}$/;

function treeOfHead(): string {
  try {
    return execFileSync("git", ["rev-parse", "HEAD^{tree}"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return "no repository"; // a source archive
  }
}

export function testSeed(wish = process.env["ANAX_TEST_SEED"] ?? ""): number {
  if (INT32.test(wish)) return Number(wish) | 0;
  if (wish === "random") return Math.trunc(Math.random() * 0x7fffffff);
  if (wish !== "") throw new Error(`ANAX_TEST_SEED: a number or "random", not "${wish}"`);
  return createHash("sha256").update(treeOfHead()).digest().readInt32LE(0);
}
