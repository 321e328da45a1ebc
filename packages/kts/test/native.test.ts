import path from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { compile } from "../src/asc.mjs";
import { coreFiles, probes } from "../src/check.mjs";
import { runNative } from "../src/scenarios/native.mjs";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const FILE = path.join(ROOT, "packages/portable/src/probe-subject.ts");

async function rejects(source: string): Promise<string[]> {
  const overlay = new Map([[FILE, `${source}\n${probes(source, "__probe_")}\n`]]);
  const result = await compile({ entry: FILE, root: ROOT, overlay, optimize: false });
  const errors = result.diagnostics.filter((d: { category: string }) => d.category === "error");
  return [...new Set(errors.map((d: { line: number }) => `line ${d.line}`))] as string[];
}

describe("the asc check reaches what nobody calls", () => {
  test("a method of a class that nobody constructs", async () => {
    const source = (body: string): string => `class Lonely {\n  n: i32 = 0;\n  m(a: i32): i32 {\n    ${body}\n  }\n}`;
    expect(await rejects(source("return a;"))).toEqual([]);
    expect(await rejects(source("const f = (): i32 => a; return f();"))).toEqual(["line 4"]);
  });

  test("constructors, static methods, getters", async () => {
    const source = (body: string): string =>
      `export class C {\n  constructor(a: i32) { ${body} }\n  static s(a: i32): i32 { ${body} return 0; }\n  get g(): i32 { let a: i32 = 1; a++; ${body} return a; }\n}`;
    expect(await rejects(source(""))).toEqual([]);
    expect(await rejects(source("const f = (): i32 => a; f();"))).toEqual(["line 2", "line 3", "line 4"]);
  });

  test("probes parse and do not touch what is private, abstract or generic", () => {
    const text = probes(
      "export abstract class A<T> { m(): void {} }\nexport abstract class B { private p(): void {} abstract q(x: i32): i32; }\nclass D { protected r(): void {} }",
      "p",
    );
    expect(text.split("\n")).toEqual([
      "export function p0(self: B, p0: i32): i32 { return self.q(p0); }",
      "export function p1(): D { return new D(); }",
    ]);
    expect(ts.transpileModule(text, { reportDiagnostics: true }).diagnostics).toEqual([]);
  });

  test("a core has neither host code nor JavaScript glue", () => {
    const files = coreFiles(path.join(ROOT, "packages/machine")).map((f: string) =>
      path.relative(path.join(ROOT, "packages/machine/src"), f),
    );
    expect(files).toContain("glue/native/machine.ts");
    expect(files.filter((f: string) => f.startsWith("host/") || f.startsWith("glue/js/"))).toEqual([]);
  });
});

describe("the scenario runner on the asc build", () => {
  const noMachine = (): never => {
    throw new Error("no machine is needed");
  };

  test("shows where asc differs from V8", async () => {
    const log = await runNative(path.join(import.meta.dirname, "fixtures/differs.ts"), noMachine);
    expect(Buffer.from(log).toString()).toBe("sum=44\n");
  });

  test("a trap is an error that names the place", async () => {
    await expect(runNative(path.join(import.meta.dirname, "fixtures/panics.ts"), noMachine)).rejects.toThrow(
      /Index out of range/,
    );
  });

  test("what asc rejects is an error with the diagnostics", async () => {
    const file = path.join(import.meta.dirname, "fixtures/rejected.ts");
    await expect(runNative(file, noMachine)).rejects.toThrow(
      /asc rejects [^]*rejected\.ts:7:24: error AS100: .*Closures/,
    );
  });
});
