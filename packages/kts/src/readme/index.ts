/**
 * Tests of the examples in a package's README: every `ts` block with a `// =>` comment runs, and each such comment is what its line
 * prints with `console.log`.
 *
 * A package's `test/readme.test.ts` says `readmeExamples(import.meta.url)`.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { format } from "node:util";
import ts from "typescript";
import { describe, expect, test } from "vitest";

/** The blocks of a Markdown text that say what they print. */
export function examplesOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts\n([^]*?)^```/gm)].map((m) => m[1]!).filter((code) => code.includes("// =>"));
}

/** What an example says it prints, line by line. */
export function promisesOf(example: string): string[] {
  return [...example.matchAll(/\/\/ => (.*)$/gm)].map((m) => m[1]!.trim());
}

/** Runs an example and returns the lines it prints. */
export async function runExample(example: string): Promise<string[]> {
  const modules = new Map<string, unknown>();
  for (const [, name] of example.matchAll(/^(?:import|export)\b[^]*?from "([^"]+)";$/gm)) {
    modules.set(name!, await import(/* @vite-ignore */ name!));
  }
  const { outputText } = ts.transpileModule(example, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS },
  });
  const lines: string[] = [];
  const console = { log: (...args: unknown[]): void => void lines.push(format(...args)) };
  new Function("require", "exports", "console", outputText)((name: string) => modules.get(name), {}, console);
  return lines;
}

/** Declares one test for each example of the package that the test file belongs to. */
export function readmeExamples(testUrl: string): void {
  const file = path.resolve(path.dirname(fileURLToPath(testUrl)), "../README.md");
  const examples = examplesOf(readFileSync(file, "utf8"));
  describe("README", () => {
    test("has examples that run", () => expect(examples.length).toBeGreaterThan(0));
    examples.forEach((example, i) => {
      test(`example ${i + 1}`, async () => expect(await runExample(example)).toEqual(promisesOf(example)));
    });
  });
}
