/**
 * kts-syntax: statements and expressions that asc does not have, each with what to write instead.
 */
import { createRule, refusals } from "../rule.js";

/** AST selector to message. */
const REFUSED: Readonly<Record<string, string>> = {
  ForOfStatement: "for..of: loop over an index, or follow `next` links.",
  ForInStatement: "for..in: loop over an index.",
  ":function[generator=true]": "Generators: keep the position in an object with a next() method.",
  YieldExpression: "yield: keep the position in an object with a next() method.",
  ":function[async=true]": "async: return EASYNC and let a wake-up run the handler again.",
  AwaitExpression: "await: return EASYNC and let a wake-up run the handler again.",
  ChainExpression: "?. : copy to a local and compare it with null.",
  "LogicalExpression[operator='??']": "?? : copy to a local and compare it with null.",
  "AssignmentExpression[operator=/^(\\?\\?|&&|\\|\\|)=$/]": "Logical assignment: write the `if`.",
  ObjectPattern: "Destructuring: read the fields one by one.",
  ArrayPattern: "Destructuring: read the elements one by one.",
  SpreadElement: "Spread: copy element by element, or set() of a typed array.",
  RestElement: "Rest parameters: pass an array.",
  ObjectExpression: "Object literals: a class with a constructor.",
  TryStatement: "try: return a negative errno; throw is a panic.",
  LabeledStatement: "Labels: a function that returns, or a flag.",
  "Literal[regex]": "RegExp: compare characters or bytes.",
  "Literal[bigint]": "BigInt: long, or two u32 halves.",
  TaggedTemplateExpression: "Tagged templates: call the function.",
  "UnaryExpression[operator='delete']": "delete: a field that is null, or Map.delete.",
  "UnaryExpression[operator='typeof']": "typeof: instanceof, or a kind field.",
  "UnaryExpression[operator='void']": "void: call it as a statement.",
  "BinaryExpression[operator='in']": "in: Map.has.",
  "Identifier[name='undefined']": "undefined: null.",
  "Identifier[name='arguments']": "arguments: named parameters.",
  ClassExpression: "Class expressions: a class declaration.",
  ImportExpression: "Dynamic import: import at the top.",
  MetaProperty: "Meta properties exist in JavaScript only.",
  "VariableDeclaration[kind='var']": "var: let or const.",
  "ExportNamespaceSpecifier, ExportAllDeclaration[exported]": "export * as: export the names.",
  "ArrayExpression > :matches(null)": "Holes in an array: null.",
  SequenceExpression: "The comma operator: statements of their own.",
  "CallExpression[callee.property.name='push'][arguments.length>1]": "push of several values: push them one by one.",
  DebuggerStatement: "debugger: a breakpoint in the debugger.",
  WithStatement: "with: name the object.",
  TSSatisfiesExpression: "satisfies: declare the type.",
  "TSAsExpression > TSTypeReference.typeAnnotation[typeName.name='const']":
    "as const: declare the type; readonly T[] works.",
  Decorator: "Decorators: asc's hints are comments, /* @inline */.",
};

const { messages, listeners } = refusals(REFUSED);

export const ktsSyntax = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "Only statements and expressions that both compilers have." },
    messages,
  },
  defaultOptions: [],
  create: (context) => listeners((node, messageId) => context.report({ node, messageId })),
});
