/**
 * What every rule of the plugin starts from: the rule constructor, the KTS types and ranges of the file's program, and
 * where an expression's value goes.
 */
import { ESLintUtils, type TSESLint, type TSESTree } from "@typescript-eslint/utils";
import ts from "typescript";
import { KtsTypes, type KNum, type NumName } from "./kts-types.js";
import { Ranges } from "./ranges.js";

export const createRule = ESLintUtils.RuleCreator.withoutDocs;

export type Context = Readonly<TSESLint.RuleContext<string, readonly unknown[]>>;

export interface Analysis {
  readonly types: KtsTypes;
  readonly ranges: Ranges;
  tsNode<T extends ts.Node>(node: unknown): T;
}

const programs = new WeakMap<ts.Program, { types: KtsTypes; ranges: Ranges }>();

/** Types and ranges are shared by all rules and files of one program. */
export function analysis(context: Context): Analysis {
  const services = ESLintUtils.getParserServices(context as never);
  let shared = programs.get(services.program);
  if (shared === undefined) {
    const types = new KtsTypes(services.program.getTypeChecker());
    shared = { types, ranges: new Ranges(types) };
    programs.set(services.program, shared);
  }
  return { ...shared, tsNode: (node) => services.esTreeNodeToTSNodeMap.get(node as never) as never };
}

/** The outermost parenthesized form of `e`. */
export function outer(e: ts.Expression): ts.Expression {
  let at = e;
  while (ts.isParenthesizedExpression(at.parent) || ts.isNonNullExpression(at.parent)) at = at.parent;
  return at;
}

export function isAssignment(op: ts.SyntaxKind): boolean {
  return op >= ts.SyntaxKind.FirstAssignment && op <= ts.SyntaxKind.LastAssignment;
}

const CONVERSIONS = new Set(["i8", "u8", "i16", "u16", "i32", "u32"]);

/** The name of the integer conversion that `e` is the argument of, or null. */
export function conversionOf(e: ts.Expression): string | null {
  const at = outer(e);
  const call = at.parent;
  if (!ts.isCallExpression(call) || call.arguments[0] !== at || !ts.isIdentifier(call.expression)) return null;
  return CONVERSIONS.has(call.expression.text) ? call.expression.text : null;
}

/** The typed array whose element `e` names, as its element type; null for anything else. */
export function typedElement(types: KtsTypes, e: ts.Expression): KNum | null {
  if (!ts.isElementAccessExpression(e)) return null;
  const object = types.of(e.expression);
  if (object === null || object.kind !== "ref" || !/^(Int|Uint)(8|16|32)(Clamped)?Array$/.test(object.symbol.name))
    return null;
  return types.numOf(e);
}

/**
 * The declared numeric type of the place that receives the value of `e`: a variable, a field, a parameter, a result, an
 * integer conversion, an element of an array. Null where there is none (an operand, a variable without a type).
 */
export function targetOf(types: KtsTypes, e: ts.Expression): KNum | null {
  const at = outer(e);
  const p = at.parent;
  if (ts.isConditionalExpression(p) && p.condition !== at) return targetOf(types, p);
  if ((ts.isVariableDeclaration(p) || ts.isPropertyDeclaration(p) || ts.isParameter(p)) && p.initializer === at) {
    return p.type === undefined ? null : asNum(types.fromTypeNode(p.type));
  }
  if (ts.isBinaryExpression(p) && p.operatorToken.kind === ts.SyntaxKind.EqualsToken && p.right === at)
    return types.numOf(p.left);
  if (ts.isReturnStatement(p)) {
    const type = enclosingFunction(p)?.type;
    return type === undefined ? null : asNum(types.fromTypeNode(type));
  }
  if (ts.isArrowFunction(p) && p.body === at) return p.type === undefined ? null : asNum(types.fromTypeNode(p.type));
  if (ts.isCallExpression(p) || ts.isNewExpression(p)) {
    const i = p.arguments?.indexOf(at) ?? -1;
    if (i < 0) return null;
    const conversion = conversionOf(at);
    if (conversion !== null) return { kind: "num", name: conversion as KNum["name"] };
    return types.parameterType(p, i);
  }
  return null;
}

function asNum(t: ReturnType<KtsTypes["of"]>): KNum | null {
  return t !== null && t.kind === "num" ? t : null;
}

function enclosingFunction(node: ts.Node): ts.SignatureDeclaration | null {
  for (let n = node.parent; n !== undefined; n = n.parent) if (ts.isFunctionLike(n)) return n;
  return null;
}

/** True where only zero or not zero matters: conditions, `!`, comparisons with 0. */
export function onlyZeroMatters(e: ts.Expression): boolean {
  const at = outer(e);
  const p = at.parent;
  if (ts.isIfStatement(p) || ts.isWhileStatement(p) || ts.isDoStatement(p)) return p.expression === at;
  if (ts.isForStatement(p) || ts.isConditionalExpression(p)) return p.condition === at;
  if (ts.isPrefixUnaryExpression(p)) return p.operator === ts.SyntaxKind.ExclamationToken;
  if (!ts.isBinaryExpression(p)) return false;
  const op = p.operatorToken.kind;
  if (op === ts.SyntaxKind.AmpersandAmpersandToken || op === ts.SyntaxKind.BarBarToken) return onlyZeroMatters(p);
  const equality =
    op === ts.SyntaxKind.EqualsEqualsEqualsToken ||
    op === ts.SyntaxKind.ExclamationEqualsEqualsToken ||
    op === ts.SyntaxKind.EqualsEqualsToken ||
    op === ts.SyntaxKind.ExclamationEqualsToken;
  const other = p.left === at ? p.right : p.left;
  return equality && ts.isNumericLiteral(other) && Number(other.text) === 0;
}

/** Operators that convert their operands to 32 bits on V8 too. */
export const BITWISE: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.BarToken,
  ts.SyntaxKind.AmpersandToken,
  ts.SyntaxKind.CaretToken,
  ts.SyntaxKind.LessThanLessThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
]);

/** True where V8 cuts the value of `e` to 32 bits on the spot: a conversion, a bitwise operator, a store into a typed array. */
export function isCutToInt32(types: KtsTypes, e: ts.Expression): boolean {
  if (conversionOf(e) !== null) return true;
  const at = outer(e);
  const p = at.parent;
  if (ts.isPrefixUnaryExpression(p)) return p.operator === ts.SyntaxKind.TildeToken;
  if (!ts.isBinaryExpression(p)) return false;
  if (BITWISE.has(p.operatorToken.kind)) return true;
  return p.operatorToken.kind === ts.SyntaxKind.EqualsToken && p.right === at && typedElement(types, p.left) !== null;
}

/** The wrapped form of an expression of type i32 or u32, for fixes. */
export function wrapped(text: string, type: NumName): string {
  return type === "u32" ? `((${text}) >>> 0)` : `((${text}) | 0)`;
}

/** Messages and listeners of a rule that refuses syntax: AST selector to what to write instead. */
export function refusals(table: Readonly<Record<string, string>>): {
  messages: Record<string, string>;
  listeners(report: (node: TSESTree.Node, messageId: string) => void): Record<string, (node: TSESTree.Node) => void>;
} {
  const rows = Object.entries(table).map(([selector, text], i) => ({ selector, text, messageId: `m${i}` }));
  return {
    messages: Object.fromEntries(rows.map((r) => [r.messageId, r.text])),
    listeners: (report) =>
      Object.fromEntries(rows.map((r) => [r.selector, (node: TSESTree.Node) => report(node, r.messageId)])),
  };
}
