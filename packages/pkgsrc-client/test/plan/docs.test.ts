import { readFileSync } from "node:fs";
import { examplesOf, promisesOf, runExample } from "@anax/kts/readme";
import { expect, it } from "vitest";

const examples = examplesOf(readFileSync(new URL("../../docs/solver.md", import.meta.url), "utf8"));

it("docs/solver.md has examples", () => expect(examples.length).toBe(1));

it.each(examples)("docs/solver.md prints what it says", async (example) => {
  expect(await runExample(example)).toEqual(promisesOf(example));
});
