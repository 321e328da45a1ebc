import { bad, body, module, ruleTest } from "./harness.js";

ruleTest("wrap-arithmetic", {
  valid: [
    body("const x: i32 = (a + b) | 0;"),
    body("const x: u32 = u32(p + q);"),
    body("const x: u32 = (p - q) >>> 0;"),
    body("const x = bytes[a + b];"),
    body("for (let i = 0; i < 10; i++) bytes[i + 1] = 0;"),
    body("const x: long = l + m * 2 - a;"),
    body("const x: i32 = bytes.length - 1;"),
    body("const x: i32 = (a & 0xff) + (b & 0xff);"),
    body("const n = bytes.length; const x: i32 = n + n;"),
    body("for (let i = 0; i < a; i++) { const next: i32 = i + 1; words[0] = next; }"),
    body("for (let i = a & 7; i >= 0; i--) { const before: i32 = i - 1; words[0] = before; }"),
    body("words[0] = a + b;"),
    body("const x: i32 = imul(a, b + 1);"),
    body("const x: i32 = (a * 4096) | 0;"),
    body("const x = s + a.toString();"),
    body("const x: i32 = ((a + b) & 63) + 1;"),
    module("const K: i32 = 4096;\nexport const L: i32 = K * 2 + 1;"),
    module("enum E { A = 1, B = 2 }\nexport function f(): i32 { return E.A + E.B; }"),
    module("class C { n: i32 = 0; bump(): void { this.n++; } }"),
  ],
  invalid: [
    bad("const x: i32 = a + b;", "unwrapped", "const x: i32 = ((a + b) | 0);"),
    bad("const x: u32 = p + q;", "unwrapped", "const x: u32 = ((p + q) >>> 0);"),
    bad("if (a + 1 < b) return;", "unwrapped", "if (((a + 1) | 0) < b) return;"),
    bad("const x: long = a * 2;", "unwrapped", "const x: long = ((a * 2) | 0);"),
    bad("const x: long = l + a * 2;", "unwrapped", "const x: long = l + ((a * 2) | 0);"),
    bad("const x: i32 = (a * b) | 0;", "inexact"),
    bad("const x = list[0] - list[1];", "unwrapped", "const x = ((list[0] - list[1]) | 0);"),
    bad("words[0] = imul(a, b) + b > 0 ? 1 : 0;", "unwrapped", "words[0] = ((imul(a, b) + b) | 0) > 0 ? 1 : 0;"),
    bad("const x: u32 = u32(1) + -p;", ["unwrapped"], "const x: u32 = ((u32(1) + -p) >>> 0);"),
    bad("const x: u32 = -p;", "unwrapped", "const x: u32 = ((-p) >>> 0);"),
    bad(
      "for (let i = 0; i < a; i++) { i = b; const next: i32 = i + 1; words[0] = next; }",
      "unwrapped",
      "for (let i = 0; i < a; i++) { i = b; const next: i32 = ((i + 1) | 0); words[0] = next; }",
    ),
    {
      code: module("class C { n: i32 = 0; get next(): i32 { return this.n + 1; } }"),
      errors: ["unwrapped"],
      output: module("class C { n: i32 = 0; get next(): i32 { return ((this.n + 1) | 0); } }"),
    },
    {
      code: module(
        "class Box<T> { constructor(readonly value: T) {} }\nexport function f(b: Box<i32>): i32 { return b.value + 1; }",
      ),
      errors: ["unwrapped"],
      output: module(
        "class Box<T> { constructor(readonly value: T) {} }\nexport function f(b: Box<i32>): i32 { return ((b.value + 1) | 0); }",
      ),
    },
    {
      code: module(
        "class Base<T> { constructor(readonly value: T) {} }\nclass Sub extends Base<u32> {}\nexport function f(b: Sub): u32 { return b.value + 1; }",
      ),
      errors: ["unwrapped"],
      output: module(
        "class Base<T> { constructor(readonly value: T) {} }\nclass Sub extends Base<u32> {}\nexport function f(b: Sub): u32 { return ((b.value + 1) >>> 0); }",
      ),
    },
    {
      code: module("type PageNumber = u32;\nexport function f(pg: PageNumber): u32 { return pg + 1; }"),
      errors: ["unwrapped"],
      output: module("type PageNumber = u32;\nexport function f(pg: PageNumber): u32 { return ((pg + 1) >>> 0); }"),
    },
  ],
});

ruleTest("wrap-division", {
  valid: [
    body("const x: i32 = (a / b) | 0;"),
    body("const x: u32 = u32(p / q);"),
    body("const x: i32 = i32(a / 2);"),
    body("words[0] = a / b;"),
    body("const x: i32 = a % b;"),
    module("export const K: i32 = 4096 / 2;"),
  ],
  invalid: [
    bad("const x: i32 = a / b;", "division", "const x: i32 = ((a / b) | 0);"),
    bad("const x: u32 = p / q;", "division", "const x: u32 = ((p / q) >>> 0);"),
    bad("const x = list[a / 2];", "division", "const x = list[((a / 2) | 0)];"),
    bad("if (a / 2 === 1) return;", "division", "if (((a / 2) | 0) === 1) return;"),
    {
      code: module("export const K: i32 = 10 / 4;"),
      errors: ["division"],
      output: module("export const K: i32 = ((10 / 4) | 0);"),
    },
  ],
});

ruleTest("no-compound-assignment", {
  valid: [
    body("l += a;"),
    body("words[0] += a;"),
    body("uwords[0] |= p;"),
    body("s += 'x';"),
    body("a |= 4;"),
    body("a &= ~b;"),
    body("a %= b;"),
    body("p >>>= 1;"),
    body("p &= 0xff;"),
    body("for (let i = 0; i < bytes.length; i += 4) bytes[i] = 0;"),
  ],
  invalid: [
    bad("a += b;", "compound", "a = (a + b) | 0;"),
    bad("p -= q;", "compound", "p = (p - q) >>> 0;"),
    bad("a *= b;", "compound"),
    bad("a /= 2;", "compound", "a = (a / 2) | 0;"),
    bad("p |= q;", "compound", "p = (p | q) >>> 0;"),
    bad("p <<= 1;", "compound", "p = (p << 1) >>> 0;"),
    bad("a += b - 1;", "compound", "a = (a + (b - 1)) | 0;"),
    bad("for (let i = 0; i < a; i += b) bytes[i] = 0;", "compound"),
    bad("list[a] += 1;", "compound"),
  ],
});

ruleTest("wrap-bits", {
  valid: [
    body("const x: u32 = (p & q) >>> 0;"),
    body("const x: u32 = u32(p | q);"),
    body("const x: u32 = p & 0xff;"),
    body("if ((p & q) !== 0) return;"),
    body("const x: i32 = p & q;"),
    body("uwords[0] = p ^ q;"),
    body("const x: i32 = a & b;"),
    body("const x: u32 = ((p | q) & 0x7f) >>> 1;"),
    body("const x: u32 = p >>> 3;"),
    body("uwords[0] &= ~p;"),
  ],
  invalid: [
    bad("const x: u32 = p & q;", "signed", "const x: u32 = ((p & q) >>> 0);"),
    bad("const x: u32 = ~p;", "signed", "const x: u32 = ((~p) >>> 0);"),
    bad("if ((p & q) === q) return;", "signed", "if ((((p & q) >>> 0)) === q) return;"),
    bad("const x: u32 = p << 1;", "signed", "const x: u32 = ((p << 1) >>> 0);"),
    bad("const x: u32 = p >> 3;", "shift", "const x: u32 = p >>> 3;"),
    bad("const x: long = l + (p | 1);", "signed", "const x: long = l + (((p | 1) >>> 0));"),
  ],
});

ruleTest("unsigned-shift", {
  valid: [
    body("const x: u32 = a >>> 0;"),
    body("if (u32(a >>> 0) > 5) return;"),
    body("const x: i32 = a >>> 1;"),
    body("if (a >>> 4 > 5) return;"),
    body("const x: i32 = (a >>> b) & 1;"),
    body("const x: u32 = p >>> 0;"),
  ],
  invalid: [
    bad("if (a >>> 0 > 5) return;", "unsigned"),
    bad("const x: i32 = a >>> b;", "unsigned"),
    bad("const x = (a >>> 0).toString();", "unsigned"),
  ],
});

ruleTest("sign-conversion", {
  valid: [
    body("const x: u32 = u32(a);"),
    body("const x: i32 = i32(p);"),
    body("const x: u32 = a & 0xff;"),
    body("const x: u32 = 5;"),
    body("const x: long = a;"),
    body("const x: long = p;"),
    body("uwords[0] = a;"),
    body("const x: u32 = bytes.length;"),
    module("export function g(x: u32): void {}\nexport function f(a: i32): void { g(u32(a)); }"),
  ],
  invalid: [
    bad("const x: u32 = a;", "sign"),
    bad("const x: i32 = p;", "sign"),
    bad("const x: u32 = -1;", "sign"),
    bad("p = a;", "sign"),
    { code: module("export function f(a: i32): u32 { return a; }"), errors: ["sign"] },
    { code: module("export function g(x: u32): void {}\nexport function f(a: i32): void { g(a); }"), errors: ["sign"] },
    { code: module("class C { m: u32 = 0; set(a: i32): void { this.m = a; } }"), errors: ["sign"] },
  ],
});

ruleTest("widen-small", {
  valid: [
    body("const x: i32 = i32(bytes[0]) << 8;"),
    body("const x: i32 = (i32(bytes[0]) + 1) | 0;"),
    body("const v: i32 = bytes[0]; const x: i32 = (v + 1) | 0;"),
    body("bytes[0] = bytes[1] + 1;"),
    body("const x: u8 = u8(c + c);"),
    body("if ((bytes[0] & 0x80) !== 0) return;"),
    body("const x: i32 = (bytes[0] * 256) | 0;"),
    body("const x: i32 = (1 + bytes[0]) | 0;"),
    body("const x = (bytes[0] - 48) & 0xff;"),
    body("const x = bytes[0] >> 4;"),
    body("const x = bytes[a] >> (a & 7);"),
    body("const K: i32 = 48; const x: i32 = (bytes[0] - K) | 0;"),
  ],
  invalid: [
    bad("const x: i32 = bytes[0] << 8;", "widen", "const x: i32 = i32(bytes[0]) << 8;"),
    bad("const x: i32 = (bytes[0] - 48) | 0;", "widen", "const x: i32 = (i32(bytes[0]) - 48) | 0;"),
    bad("const x: i32 = bytes[0] + bytes[1];", "widen", "const x: i32 = i32(bytes[0]) + bytes[1];"),
    bad("if (c + 1 > 255) return;", "widen"),
    bad("const x: i32 = w << 16;", "widen"),
    bad("const x: i32 = -c;", "unary"),
    bad("const x: i32 = ~bytes[0];", "unary"),
    bad("const x = bytes[0] >> b;", "shift"),
  ],
});

ruleTest("long-operators", {
  valid: [
    body("const x: long = l + m * 2 - a;"),
    body("if (l < m && l >= 0) return;"),
    body("const x: long = 1 << 12;"),
    body("const x: i32 = a & b;"),
    body("const x: i32 = i32(l);"),
    module("export const K: long = 1024 * 1024;"),
  ],
  invalid: [
    bad("const x: long = l / 2;", "operator"),
    bad("const x: long = l % m;", "operator"),
    bad("const x: long = l << 3;", "operator"),
    bad("const x: long = l >> 3;", "operator"),
    bad("const x: long = l & 4095;", "operator"),
    bad("const x: i32 = l | 0;", "operator"),
    bad("l |= 1;", "operator"),
    bad("l /= 2;", "operator"),
    bad("const x: long = ~l;", "operator"),
    bad("const x: long = 1 << a;", "shift"),
    { code: module("class C { size: long = 0; pages(): long { return this.size >> 12; } }"), errors: ["operator"] },
    { code: module("export function f(a: LongArray): long { return a.get(0) & 1; }"), errors: ["operator"] },
  ],
});
