/**
 * Rule tests: ESLint's RuleTester over KTS snippets, typed against the real prelude.
 *
 * A snippet stands behind an import of the integer types; `body` puts it into a function with operands of every type.
 */
import path from "node:path";
import { RuleTester } from "eslint";
import tseslint from "typescript-eslint";
import { afterAll, describe, it } from "vitest";
import { rules } from "../../src/eslint/index.js";

Object.assign(RuleTester, { describe, it, itOnly: it.only, afterAll });

const FIXTURES = path.join(import.meta.dirname, "fixtures");

const tester = new RuleTester({
  languageOptions: {
    parser: tseslint.parser as never,
    parserOptions: {
      projectService: true,
      tsconfigRootDir: FIXTURES,
    },
  },
});

const HEADER = `import { i8, u8, i16, u16, i32, u32, imul, toLong, LongArray, type bool, type long } from "@anax/portable";\n`;

const OPERANDS =
  "a: i32, b: i32, p: u32, q: u32, l: long, m: long, w: u16, c: u8, bytes: Uint8Array, words: Int32Array, uwords: Uint32Array, list: Array<i32>, s: string";

/** Statements inside a function that has operands of every type. */
export function body(statements: string): string {
  return `${HEADER}export function f(${OPERANDS}): void {\n  ${statements}\n}\n`;
}

/** Declarations of a module that imports the integer types. */
export function module(declarations: string): string {
  return `${HEADER}${declarations}\n`;
}

export interface Invalid {
  readonly code: string;
  /** Message ids, one for each report, or how many reports. */
  readonly errors: readonly string[] | number;
  /** The code behind --fix; absent where the rule has no fix. */
  readonly output?: string;
}

/** A snippet without what stands around it. */
function title(code: string): string {
  return code
    .slice(HEADER.length)
    .replace(/^export function f\(a: i32, b: i32, p.*\n/, "")
    .replace(/\n}\n$/, "")
    .trim();
}

/** Declares the tests of one rule. */
export function ruleTest(
  name: string,
  cases: { valid: readonly string[]; invalid: readonly Invalid[]; filename?: string },
): void {
  const filename = path.join(FIXTURES, cases.filename ?? "snippet.ts");
  tester.run(name, rules[name] as never, {
    valid: cases.valid.map((code) => ({ name: title(code), code, filename })),
    invalid: cases.invalid.map(({ code, errors, output }) => ({
      name: title(code),
      code,
      filename,
      errors: typeof errors === "number" ? errors : errors.map((messageId) => ({ messageId })),
      ...(output === undefined ? {} : { output }),
    })),
  });
}

/** An invalid function body, its messages, and the body behind --fix. */
export function bad(statements: string, errors: string | readonly string[], fixed?: string): Invalid {
  const list = typeof errors === "string" ? [errors] : errors;
  return fixed === undefined
    ? { code: body(statements), errors: list }
    : { code: body(statements), errors: list, output: body(fixed) };
}
