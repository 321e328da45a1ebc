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

/** What an example may refer to beside packages. */
export interface Surroundings {
  /** Relative names to modules. */
  modules?: Readonly<Record<string, unknown>>;
  /** What `import.meta.url` is. */
  url?: URL;
}

type AsyncFunction = (...args: unknown[]) => Promise<void>;
const asyncFunction = (async () => {}).constructor as new (...args: string[]) => AsyncFunction;

/** Runs an example and returns the lines it prints. */
export async function runExample(example: string, around: Surroundings = {}): Promise<string[]> {
  const modules = new Map<string, unknown>(Object.entries(around.modules ?? {}));
  for (const [, name] of example.matchAll(/^(?:import|export)\b[^]*?from "([^"]+)";$/gm)) {
    if (!modules.has(name!)) modules.set(name!, await import(/* @vite-ignore */ name!));
  }
  const source = example.replaceAll("import.meta.url", JSON.stringify(around.url?.href ?? import.meta.url));
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS },
  });
  const lines: string[] = [];
  const console = { log: (...args: unknown[]): void => void lines.push(format(...args)) };
  await new asyncFunction("require", "exports", "console", outputText)(
    (name: string) => modules.get(name),
    {},
    console,
  );
  return lines;
}

/** Declares one test for each example of the package that the test file belongs to. */
export function readmeExamples(testUrl: string, around: Surroundings = {}): void {
  const file = path.resolve(path.dirname(fileURLToPath(testUrl)), "../README.md");
  const examples = examplesOf(readFileSync(file, "utf8"));
  describe("README", () => {
    test("has examples that run", () => expect(examples.length).toBeGreaterThan(0));
    examples.forEach((example, i) => {
      test(`example ${i + 1}`, async () => expect(await runExample(example, around)).toEqual(promisesOf(example)));
    });
  });
}
