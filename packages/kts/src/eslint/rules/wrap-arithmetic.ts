/**
 * wrap-arithmetic: `+ - *` on i32 and u32 that can leave its type must be wrapped.
 *
 * asc computes modulo 2^32, V8 does not. Accepted wraps: bitwise operators (`| 0`, `>>> 0`, `& mask`), the conversions
 * `i32()` and `u32()`, storing into a typed array, `imul`. An index expression needs none. Under a wrap the
 * unwrapped value must still be exact on V8, that is within 2^53: products of two full words need `imul`.
 */
import ts from "typescript";
import { isInt32, isSmall } from "../kts-types.js";
import { rangeOfType, within, type Range } from "../ranges.js";
import { analysis, createRule, isCutToInt32, outer, wrapped, type Analysis } from "../rule.js";

const EXACT: Range = { lo: -(2 ** 53), hi: 2 ** 53 };

/** Arithmetic that asc computes in one width with its parent: the parent's check covers it. */
function isPartOfLarger(a: Analysis, e: ts.BinaryExpression): boolean {
  const p = outer(e).parent;
  if (!ts.isBinaryExpression(p) || !isArithmetic(p.operatorToken.kind)) return false;
  const t = a.types.numOf(p);
  return t !== null && isInt32(t.name) && !isSmall(t.name);
}

function isArithmetic(op: ts.SyntaxKind): boolean {
  return op === ts.SyntaxKind.PlusToken || op === ts.SyntaxKind.MinusToken || op === ts.SyntaxKind.AsteriskToken;
}

/** Where the value goes: wrapped to 32 bits on V8 too, an index, or nowhere safe. */
function wrapOf(a: Analysis, e: ts.Expression): "wrapped" | "index" | "none" {
  const at = outer(e);
  const p = at.parent;
  if (ts.isElementAccessExpression(p) && p.argumentExpression === at) return "index";
  if (isCutToInt32(a.types, e)) return "wrapped";
  if (ts.isCallExpression(p) && ts.isIdentifier(p.expression) && p.expression.text === "imul") return "wrapped";
  if (ts.isConditionalExpression(p) && p.condition !== at) return wrapOf(a, p);
  return "none";
}

export const wrapArithmetic = createRule({
  meta: {
    type: "problem",
    fixable: "code",
    schema: [],
    docs: { description: "Arithmetic on i32 and u32 that can overflow is wrapped." },
    messages: {
      unwrapped: "{{type}} arithmetic can leave 32 bits, where asc wraps and V8 does not: write {{fix}}.",
      inexact: "This product can exceed 2^53, where V8 loses its low bits before the wrap: use imul().",
    },
  },
  defaultOptions: [],
  create(context) {
    const a = analysis(context as never);
    return {
      UnaryExpression(node) {
        if (node.operator !== "-") return;
        const e = a.tsNode<ts.Expression>(node);
        const t = a.types.numOf(e);
        if (t === null || t.name !== "u32" || t.value !== undefined || wrapOf(a, e) !== "none") return;
        const p = outer(e).parent;
        if (ts.isBinaryExpression(p) && isArithmetic(p.operatorToken.kind)) return;
        context.report({
          node,
          messageId: "unwrapped",
          data: { type: t.name, fix: "u32(-x)" },
          fix: (fixer) => fixer.replaceText(node, wrapped(context.sourceCode.getText(node), t.name)),
        });
      },
      BinaryExpression(node) {
        const e = a.tsNode<ts.Node>(node);
        if (!ts.isBinaryExpression(e) || !isArithmetic(e.operatorToken.kind) || isPartOfLarger(a, e)) return;
        const t = a.types.numOf(e);
        if (t === null || t.value !== undefined || !isInt32(t.name) || isSmall(t.name)) return;
        const r = a.ranges.of(e);
        if (r === null || within(r, rangeOfType(t.name)!)) return;
        const wrap = wrapOf(a, e);
        if (wrap === "index") return;
        if (wrap === "wrapped") {
          if (!within(r, EXACT)) context.report({ node, messageId: "inexact" });
          return;
        }
        if (!within(r, EXACT)) {
          context.report({ node, messageId: "inexact" });
          return;
        }
        context.report({
          node,
          messageId: "unwrapped",
          data: { type: t.name, fix: t.name === "u32" ? "u32(a + b)" : "(a + b) | 0" },
          fix: (fixer) => fixer.replaceText(node, wrapped(context.sourceCode.getText(node), t.name)),
        });
      },
    };
  },
});
