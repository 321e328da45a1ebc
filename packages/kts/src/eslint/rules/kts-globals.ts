/**
 * kts-globals: which globals and built-in methods the core may use. Others are missing under asc, pull in floating
 * point, or do something else there.
 */
import type { TSESTree } from "@typescript-eslint/utils";
import ts from "typescript";
import { analysis, createRule } from "../rule.js";

const ALLOWED = new Set([
  "Map",
  "Set",
  "Array",
  "ReadonlyArray",
  "StaticArray",
  "ArrayBuffer",
  "DataView",
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "String",
  "Error",
]);

const INSTEAD: Readonly<Record<string, string>> = {
  Math: "the prelude has integer min, max, abs, imul, clz",
  parseInt: "the prelude parses integers",
  parseFloat: "there is no floating point",
  Number: "the prelude parses and converts integers",
  isNaN: "there is no floating point",
  NaN: "there is no floating point",
  Infinity: "there is no floating point",
  Date: "ask the machine's clock",
  JSON: "write and read fields",
  RegExp: "compare characters or bytes",
  Symbol: "an enum",
  BigInt: "long, or two u32 halves",
  Promise: "return EASYNC",
  console: "machine.putchar, or the event log of a test",
  Object: "a class",
  Reflect: "a class",
  Proxy: "a class",
  globalThis: "an object that the constructor is given",
  process: "only src/host knows Node",
  Buffer: "Uint8Array",
  TextEncoder: "the prelude's text functions",
  TextDecoder: "the prelude's text functions",
  setTimeout: "a Callout",
  setInterval: "a Callout",
  queueMicrotask: "a message to oneself",
};

/** Methods that asc lacks or that differ there, by the class they belong to. */
const METHODS: Readonly<Record<string, string>> = {
  "Map.keys": "an array under asc, an iterator on V8: own containers where order or iteration matters",
  "Map.values": "an array under asc, an iterator on V8: own containers where order or iteration matters",
  "Map.entries": "missing under asc: own containers where iteration matters",
  "Map.forEach": "missing under asc: own containers where iteration matters",
  "Set.keys": "missing under asc: own containers where iteration matters",
  "Set.values": "an array under asc, an iterator on V8: own containers where order or iteration matters",
  "Set.entries": "missing under asc: own containers where iteration matters",
  "Set.forEach": "missing under asc: own containers where iteration matters",
  "Array.find": "missing under asc: a loop",
  "Array.from": "missing under asc: a loop",
  "Array.flatMap": "missing under asc: a loop",
  "Array.entries": "missing under asc: a loop",
  "Array.keys": "missing under asc: a loop",
  "Array.values": "missing under asc: a loop",
};

export const ktsGlobals = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "Only globals and built-in methods with one meaning." },
    messages: {
      global: "{{name}} is not in Kernel TypeScript: {{instead}}.",
      method: "{{name}}: {{instead}}.",
      sort: "sort() without a comparator orders numbers under asc and strings on V8: pass a comparator.",
      holes: "new Array<T>(n) has holes on V8: push the elements, chain fill(), or use a typed array.",
      view: "A typed array over a buffer or an array is missing under asc: subarray(), or set element by element.",
    },
  },
  defaultOptions: [],
  create(context) {
    const a = analysis(context as never);
    const className = (node: unknown): string | null => {
      const t = a.types.of(a.tsNode<ts.Expression>(node));
      if (t === null || t.kind !== "ref") return null;
      return /[\\/]lib\.[^\\/]*\.d\.ts$/.test(t.symbol.declarations?.[0]?.getSourceFile().fileName ?? "")
        ? t.symbol.name
        : null;
    };
    return {
      "Program:exit"() {
        const scope = context.sourceCode.scopeManager?.globalScope;
        for (const ref of scope?.through ?? [])
          check(ref.identifier as TSESTree.Identifier, ref.isTypeReference === true);
        for (const variable of scope?.variables ?? []) {
          if (variable.defs.length > 0) continue;
          for (const ref of variable.references)
            check(ref.identifier as TSESTree.Identifier, ref.isTypeReference === true);
        }
        function check(id: TSESTree.Identifier, isType: boolean): void {
          if (isType || ALLOWED.has(id.name) || id.name === "undefined") return;
          context.report({
            node: id,
            messageId: "global",
            data: {
              name: id.name,
              instead: INSTEAD[id.name] ?? "import what the core uses, from the prelude or a lower layer",
            },
          });
        }
      },
      CallExpression(node) {
        if (node.callee.type !== "MemberExpression" || node.callee.property.type !== "Identifier") return;
        const method = node.callee.property.name;
        const object = node.callee.object;
        if (
          object.type === "Identifier" &&
          /^(Array|.*Array)$/.test(object.name) &&
          (method === "from" || method === "of")
        ) {
          if (ALLOWED.has(object.name))
            context.report({
              node,
              messageId: "method",
              data: { name: `${object.name}.${method}`, instead: METHODS["Array.from"]! },
            });
          return;
        }
        const cls = className(object);
        if (cls === null) return;
        const instead = METHODS[`${cls}.${method}`];
        if (instead !== undefined)
          context.report({ node, messageId: "method", data: { name: `${cls}.${method}`, instead } });
        if (cls === "Array" && method === "sort" && node.arguments.length === 0)
          context.report({ node, messageId: "sort" });
      },
      NewExpression(node) {
        if (node.callee.type !== "Identifier") return;
        const name = node.callee.name;
        if (name === "Array" && node.arguments.length > 0) {
          const zero =
            node.arguments.length === 1 && node.arguments[0]!.type === "Literal" && node.arguments[0]!.value === 0;
          const p = node.parent;
          const filled =
            p.type === "MemberExpression" && p.property.type === "Identifier" && p.property.name === "fill";
          if (!zero && !filled) context.report({ node, messageId: "holes" });
        }
        if (/^(Int|Uint)(8|16|32)(Clamped)?Array$/.test(name) && node.arguments.length > 0) {
          const first = node.arguments[0]!;
          const type = a.types.checker.getTypeAtLocation(a.tsNode<ts.Expression>(first));
          if (node.arguments.length > 1 || (type.flags & ts.TypeFlags.NumberLike) === 0)
            context.report({ node, messageId: "view" });
        }
      },
    };
  },
});
