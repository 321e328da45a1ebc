/**
 * kts-types: types that asc does not have, each with what to write instead.
 */
import type { TSESTree } from "@typescript-eslint/utils";
import { createRule, refusals } from "../rule.js";

const REFUSED: Readonly<Record<string, string>> = {
  TSAnyKeyword: "any: the type, or an interface.",
  TSUnknownKeyword: "unknown: the type, or an interface.",
  TSNeverKeyword: "never: void; panic() does not return.",
  TSNumberKeyword: "number is f64 under asc: i32, u32, u8 or long.",
  TSBigIntKeyword: "bigint: long, or two u32 halves.",
  TSSymbolKeyword: "symbol: an enum.",
  TSObjectKeyword: "object: a class or an interface.",
  TSUndefinedKeyword: "undefined: null.",
  TSTupleType: "Tuples: a class.",
  TSTypeLiteral: "Object types: a class or an interface.",
  TSConditionalType: "Conditional types: the type.",
  TSMappedType: "Mapped types: a class.",
  TSIndexedAccessType: "Indexed access types: the type.",
  TSIntersectionType: "Intersection types: an interface that extends both.",
  TSTypeQuery: "typeof types: name the type.",
  "TSTypeOperator[operator='keyof']": "keyof: an enum.",
  "TSTypeOperator[operator='unique']": "unique symbol: an enum.",
  TSTemplateLiteralType: "Template literal types: string.",
  TSImportType: "Import types: import the name.",
  TSTypePredicate: "Type predicates: return boolean, then `as` behind instanceof.",
  TSIndexSignature: "Index signatures: a Map.",
};

/** Utility types of TypeScript's library that asc does not know. */
const UTILITIES = new Set([
  "Readonly",
  "Partial",
  "Required",
  "Record",
  "Pick",
  "Omit",
  "Exclude",
  "Extract",
  "NonNullable",
  "Parameters",
  "ReturnType",
  "InstanceType",
  "Promise",
  "Awaited",
  "Iterable",
  "Iterator",
  "Generator",
  "WeakMap",
  "WeakSet",
  "WeakRef",
]);

const refused = refusals(REFUSED);
const messages: Record<string, string> = {
  ...refused.messages,
  union: "Only T | null: a common base class, an interface, or a kind field.",
  literal: "Literal types: an enum or the wide type.",
  utility: "{{name}}: asc does not know it; write the type.",
};

export const ktsTypes = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "Only types that both compilers have." },
    messages,
  },
  defaultOptions: [],
  create(context) {
    const isNull = (t: TSESTree.TypeNode): boolean => t.type === "TSNullKeyword";
    return {
      ...refused.listeners((node, messageId) => context.report({ node, messageId })),
      TSUnionType(node: TSESTree.TSUnionType) {
        if (node.types.length === 2 && node.types.some(isNull)) return;
        if (node.types.some((t) => t.type === "TSUndefinedKeyword")) return;
        context.report({ node, messageId: "union" });
      },
      TSLiteralType(node: TSESTree.TSLiteralType) {
        context.report({ node, messageId: "literal" });
      },
      TSTypeReference(node: TSESTree.TSTypeReference) {
        if (node.typeName.type !== "Identifier" || !UTILITIES.has(node.typeName.name)) return;
        context.report({ node, messageId: "utility", data: { name: node.typeName.name } });
      },
    };
  },
});
