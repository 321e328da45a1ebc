import { bad, body, module, ruleTest, type Invalid } from "./harness.js";

const one = (code: string, messageId: string): Invalid => ({ code, errors: [messageId] });

ruleTest("no-int-casts", {
  valid: [
    body("const x: i32 = i32(p);"),
    body("const x: i32 = a as i32;"),
    module("class A {}\nclass B extends A {}\nexport function f(a: A): B { return a as B; }"),
  ],
  invalid: [
    bad("const x = p as i32;", "cast"),
    bad("const x = <u8>a;", "cast"),
    bad("const x = l as i32;", "cast"),
    bad("const x = a as long;", "cast"),
  ],
});

ruleTest("no-floats", {
  valid: [body("const x: i32 = 10;"), body("const x: i32 = 0x1e3;"), body("const x = 1_000_000;")],
  invalid: [
    bad("const x = 0.5;", "literal"),
    bad("const x = 1e3;", "literal"),
    bad("const x = a ** 2;", "power"),
    bad("const x = new Float64Array(4);", "type"),
    one(module("export function f(x: f64): void {}"), "type"),
  ],
});

ruleTest("no-closures", {
  valid: [
    body("list.sort((x, y) => x - y);"),
    module("const K: i32 = 4;\nexport const f: (x: i32) => i32 = (x) => (x + K) | 0;"),
    module("class C { m(): void {} }"),
    module("export function f(): i32 { function g(x: i32): i32 { return x; } return g(1); }"),
  ],
  invalid: [
    bad("list.sort((x, y) => (x - y + a) | 0);", "captured"),
    bad("const g = (): i32 => a; g();", "captured"),
    bad("function g(): i32 { return a; } g();", "captured"),
    one(module("class C { n: i32 = 0; m(l: Array<i32>): void { l.sort((x, y) => this.n); } }"), "captureThis"),
  ],
});

ruleTest("no-module-state", {
  valid: [
    module("const K: i32 = 4;\nexport const M: i32 = K;"),
    module("class C { static readonly K: i32 = 1; n: i32 = 0; }"),
    body("let x = 1; x = 2;"),
  ],
  invalid: [
    one(module("let count: i32 = 0;"), "variable"),
    one(module("export let count: i32 = 0;"), "variable"),
    one(module("const cache: Map<i32, i32> = new Map<i32, i32>();"), "container"),
    one(module("class C { static count: i32 = 0; }"), "field"),
  ],
});

ruleTest("no-raw-memory", {
  valid: [
    module("function load(x: i32): i32 { return x; }\nexport function f(): i32 { return load(1); }"),
    module("class M { load(x: i32): i32 { return x; } }"),
  ],
  invalid: [
    bad("const x = load<u32>(a);", "raw"),
    bad("memory.copy(a, b, 4);", "raw"),
    bad("const x = changetype<usize>(bytes);", "raw"),
  ],
});

ruleTest("kts-syntax", {
  valid: [
    body("for (let i = 0; i < list.length; i++) list[i] = 0;"),
    body("switch (s) { case 'a': return; }"),
    body("throw new Error(`bad ${s}`);"),
    module(
      "class A { next: A | null = null; }\nexport function f(a: A): void { for (let t: A | null = a; t !== null; t = t.next) continue; }",
    ),
  ],
  invalid: [
    ["for (const x of list) words[0] = x;", 1],
    ["for (const k in list) words[0] = 1;", 1],
    ["const x = list?.length;", 1],
    ["const x = s ?? 'a';", 1],
    ["const [x] = list;", 1],
    ["const { length } = s;", 1],
    ["const x = [...list];", 1],
    ["const x = { a };", 1],
    ["try { words[0] = 1; } catch { words[0] = 2; }", 1],
    ["outer: for (;;) break outer;", 1],
    ["const x = /a/;", 1],
    ["const x = 1n;", 1],
    ["const x = undefined;", 1],
    ["var x = 1;", 1],
    ["const x = typeof s;", 1],
    ["list.push(1, 2);", 1],
    ["const x = [1, 2] as const;", 1],
    ["const x = class {};", 1],
    ["let x = s; x ||= 'a';", 1],
  ].map(([code, n]) => ({ code: body(code as string), errors: n as number })),
});

ruleTest("kts-types", {
  valid: [
    module("export function f(x: string | null): boolean { return x === null; }"),
    module("export function f(x: readonly string[], g: (a: i32) => i32): void {}"),
    module("export interface I { m(): void }"),
  ],
  invalid: [
    one(module("export function f(x: string | i32): void {}"), "union"),
    one(module("export function f(x: 'a'): void {}"), "literal"),
    one(module("export function f(x: Readonly<string>): void {}"), "utility"),
    ...["any", "unknown", "number", "bigint", "[i32, i32]", "{ a: i32 }", "keyof Map<i32, i32>"].map((type) => ({
      code: module(`export function f(x: ${type}): void {}`),
      errors: 1,
    })),
  ],
});

ruleTest("kts-classes", {
  valid: [
    module(
      "abstract class A { private readonly x: i32 = 0; abstract m(a: i32): void; get v(): i32 { return this.x; } }",
    ),
    module("export function f(a: string | null = null): void {}"),
  ],
  invalid: [
    "class A { #x: i32 = 0; }",
    "class A { x = 0; }",
    "class A { x?: i32; }",
    "class A { static { } }",
    "class A { declare x: i32; }",
    "interface I { x?: i32 }",
    "export function f(a?: i32): void {}",
    "export function f(a: i32): void;\nexport function f(a: i32, b: i32 = 0): void {}",
    "declare function g(): void;",
    "enum E { A = 'a' }",
  ].map((code) => ({ code: module(code), errors: 1 })),
});

ruleTest("kts-globals", {
  valid: [
    body("const x = new Map<i32, i32>(); if (x.has(1)) words[0] = 1;"),
    body("const x = new Uint8Array(16);"),
    body("const x = new Array<i32>(4).fill(0);"),
    body("list.sort((x, y) => x - y);"),
    body("const x = String.fromCharCode(65);"),
    module("class Registry { values(): void {} }\nexport function f(r: Registry): void { r.values(); }"),
  ],
  invalid: [
    bad("const x = Math.max(a, b);", "global"),
    bad("const x = parseInt(s);", "global"),
    bad("const x = Date.now();", "global"),
    bad("const x = JSON.stringify(s);", "global"),
    bad("console.log(s);", "global"),
    bad("const x = new Map<i32, i32>(); x.keys();", "method"),
    bad("list.find((x) => x === 1);", "method"),
    bad("const x = Array.from(list);", "method"),
    bad("list.sort();", "sort"),
    bad("const x = new Array<i32>(4);", "holes"),
    bad("const x = new Uint8Array(bytes.buffer);", "view"),
    bad("const x = new Uint8Array([1, 2]);", "view"),
  ],
});
