/**
 * widen-small: asc computes 8 and 16 bit operands in 8 and 16 bits, V8 does not.
 *
 * `bytes[i] << 8` is 0 under asc, `bytes[i] + 1` wraps at 256. Operands are widened first (`i32(bytes[i]) << 8`, or a
 * local declared i32), unless the result cannot leave the small type or is cut to it on the spot.
 */
import ts from "typescript";
import { isSmall } from "../kts-types.js";
import { rangeOfType, within } from "../ranges.js";
import { analysis, conversionOf, createRule, outer, typedElement } from "../rule.js";

const OPERATORS: ReadonlySet<string> = new Set(["+", "-", "*", "<<", "|", "&", "^"]);

const WIDTH: Readonly<Record<string, number>> = { i8: 8, u8: 8, i16: 16, u16: 16, i32: 32, u32: 32 };

export const widenSmall = createRule({
  meta: {
    type: "problem",
    fixable: "code",
    schema: [],
    docs: { description: "8 and 16 bit operands are widened before arithmetic." },
    messages: {
      widen: "asc computes this in {{type}}, V8 does not: widen an operand first, i32(x) {{op}} y.",
      unary: "asc computes {{op}}x in {{type}}, V8 does not: {{op}}i32(x).",
      shift: "asc cuts the shift of a {{type}} to its width: widen it first, i32(x) {{op}} n.",
    },
  },
  defaultOptions: [],
  create(context) {
    const a = analysis(context as never);
    return {
      UnaryExpression(node) {
        if (node.operator !== "-" && node.operator !== "~") return;
        const e = a.tsNode<ts.Expression>(node);
        const t = a.types.numOf(e);
        if (t === null || !isSmall(t.name) || t.value !== undefined) return;
        const r = a.ranges.of(e);
        if (r === null || within(r, rangeOfType(t.name)!)) return;
        const p = outer(e).parent;
        if (ts.isBinaryExpression(p) && p.operatorToken.kind === ts.SyntaxKind.AmpersandToken) return;
        if (ts.isBinaryExpression(p) && p.operatorToken.kind === ts.SyntaxKind.AmpersandEqualsToken) return;
        const conversion = conversionOf(e);
        if (conversion !== null && WIDTH[conversion]! <= WIDTH[t.name]!) return;
        context.report({ node, messageId: "unary", data: { type: t.name, op: node.operator } });
      },
      BinaryExpression(node) {
        if (node.operator === ">>" || node.operator === ">>>") {
          const shift = a.tsNode<ts.BinaryExpression>(node);
          const l = a.types.numOf(shift.left);
          const n = a.ranges.of(shift.right);
          if (l === null || !isSmall(l.name) || (n !== null && n.lo >= 0 && n.hi < WIDTH[l.name]!)) return;
          context.report({ node, messageId: "shift", data: { type: l.name, op: node.operator } });
          return;
        }
        if (!OPERATORS.has(node.operator)) return;
        const e = a.tsNode<ts.BinaryExpression>(node);
        const t = a.types.numOf(e);
        if (t === null || !isSmall(t.name) || t.value !== undefined) return;
        const r = a.ranges.of(e);
        const limit = rangeOfType(t.name)!;
        if (r === null || within(r, limit)) return;
        const at = outer(e);
        const p = at.parent;
        const conversion = conversionOf(at);
        if (conversion !== null && WIDTH[conversion]! <= WIDTH[t.name]!) return;
        if (ts.isBinaryExpression(p)) {
          if (p.operatorToken.kind === ts.SyntaxKind.EqualsToken && p.right === at) {
            const element = typedElement(a.types, p.left);
            if (element !== null && WIDTH[element.name]! <= WIDTH[t.name]!) return;
          }
          if (p.operatorToken.kind === ts.SyntaxKind.AmpersandToken) {
            const mask = a.ranges.of(p.left === at ? p.right : p.left);
            if (mask !== null && mask.lo >= 0 && mask.hi <= limit.hi && limit.lo === 0) return;
          }
          const outerType = a.types.numOf(p);
          if (OPERATORS.has(p.operatorToken.getText()) && outerType !== null && outerType.name === t.name) return;
        }
        let left = node.left;
        while (left.type === "BinaryExpression") left = left.left;
        const hasI32 =
          context.sourceCode.scopeManager?.scopes.some((s) => s.type === "module" && s.set.has("i32")) ?? false;
        context.report({
          node,
          messageId: "widen",
          data: { type: t.name, op: node.operator },
          fix: (fixer) => {
            const fixable = hasI32 && left.type === "MemberExpression";
            return fixable ? fixer.replaceText(left, `i32(${context.sourceCode.getText(left)})`) : null;
          },
        });
      },
    };
  },
});
