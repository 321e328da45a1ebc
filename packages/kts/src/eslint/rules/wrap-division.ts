/**
 * wrap-division: an integer division is wrapped on the spot, because V8 keeps the fraction.
 *
 * Accepted: a bitwise operator or an integer conversion around it, storing into a typed array, a constant that divides
 * without remainder.
 */
import ts from "typescript";
import { isInt32 } from "../kts-types.js";
import { analysis, conversionOf, createRule, outer, typedElement } from "../rule.js";
import { wrapped } from "./wrap-arithmetic.js";

const BITWISE: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.BarToken,
  ts.SyntaxKind.AmpersandToken,
  ts.SyntaxKind.CaretToken,
  ts.SyntaxKind.LessThanLessThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
]);

export const wrapDivision = createRule({
  meta: {
    type: "problem",
    fixable: "code",
    schema: [],
    docs: { description: "Integer divisions are wrapped." },
    messages: { division: "V8 keeps the fraction of an integer division: write {{fix}}." },
  },
  defaultOptions: [],
  create(context) {
    const a = analysis(context as never);
    return {
      BinaryExpression(node) {
        if (node.operator !== "/") return;
        const e = a.tsNode<ts.BinaryExpression>(node);
        const t = a.types.numOf(e);
        if (t === null || t.value !== undefined) return;
        if (!isInt32(t.name) && t.name !== "literal") return;
        const at = outer(e);
        const p = at.parent;
        if (conversionOf(at) !== null) return;
        if (ts.isBinaryExpression(p)) {
          if (BITWISE.has(p.operatorToken.kind)) return;
          if (
            p.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
            p.right === at &&
            typedElement(a.types, p.left) !== null
          )
            return;
        }
        const name = t.name === "u32" ? "u32" : "i32";
        context.report({
          node,
          messageId: "division",
          data: { fix: name === "u32" ? "u32(a / b)" : "(a / b) | 0" },
          fix: (fixer) => fixer.replaceText(node, wrapped(context.sourceCode.getText(node), name)),
        });
      },
    };
  },
});
