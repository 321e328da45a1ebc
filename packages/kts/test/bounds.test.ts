import { describe, expect, test } from "vitest";
import ts from "typescript";
import { element, readable, writable } from "../src/presets/bounds-runtime.mjs";
import { instrument, isCore } from "../src/presets/bounds.js";

/** Runs a function body with its element accesses checked. */
function run(body: string): unknown {
  const text = instrument("/repo/packages/x/src/a.ts", `export function f(): unknown {\n${body}\n}`);
  if (text === null) throw new Error("nothing was instrumented");
  const { outputText } = ts.transpileModule(text.replace(/^import [^;]*; /, ""), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS },
  });
  const exports: { f?: () => unknown } = {};
  new Function("exports", "__readable", "__writable", "__element", outputText)(exports, readable, writable, element);
  return exports.f!();
}

describe("checked element access", () => {
  test.each([
    ["const a = [1, 2]; return a[1];", 2],
    ["const a = [[1], [2, 3]]; return a[1][1];", 3],
    ["const a = new Uint8Array(2); a[1] = 7; a[1]++; a[1] += 2; return a[1];", 10],
    ["const a = [1]; a[1] = 5; return a.length;", 2],
    ["const g = () => [4, 5]; return g()[1];", 5],
    ["const o = { list: [1, 2, 3] }; let i = 0; return o.list[i++] + o.list[i++] + i;", 5],
    ["const a = [0, 1, 2]; return a[a[a[2]]];", 2],
    ["enum E { A = 1 } return E[1];", "A"],
  ])("%s", (body, value) => expect(run(body)).toBe(value));

  test.each([
    "const a = [1, 2]; return a[2];",
    "const a = [1, 2]; return a[-1];",
    "const a = new Uint8Array(2); a[2] = 1; return 0;",
    "const a = new Uint8Array(2); a[2] |= 1; return 0;",
    "const a = new Int32Array(2); a[2]++; return 0;",
    "const g = () => [4, 5]; return g()[2];",
    "const a = [[1]]; return a[0][1];",
    "const a = [1]; a[-1] = 5; return 0;",
    "const a = [1]; return a[0 / 0];",
  ])("refuses %s", (body) => expect(() => run(body)).toThrow(RangeError));

  test("keeps lines, and leaves types and other files alone", () => {
    const text = "type T = X['a'];\nexport const f = (a: number[], b: T) =>\n  a[0];";
    expect(instrument("a.ts", text)!.split("\n").length).toBe(3);
    expect(instrument("a.ts", "export const x: Y[0] = z;")).toBeNull();
    expect(
      ["packages/vm/src/a.ts", "packages/vm/scenarios/a.ts", "apps/os-image/src/kernel/main.ts"].map((f) =>
        isCore(`/r/${f}`),
      ),
    ).toEqual([true, true, true]);
    expect(
      [
        "packages/vm/src/host/a.ts",
        "packages/portable/src/glue/js/long.ts",
        "packages/kts/src/a.ts",
        "packages/vm/test/a.ts",
      ].map((f) => isCore(`/r/${f}`)),
    ).toEqual([false, false, false, false]);
  });
});
