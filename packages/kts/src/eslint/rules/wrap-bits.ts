/**
 * wrap-bits: bitwise results of a u32 are unsigned under asc and signed on V8.
 *
 * `a & b`, `a | b`, `a ^ b`, `a << n`, `~a` on u32 need `>>> 0` or `u32()` unless bit 31 cannot be set, only zero or not
 * zero matters, or the value goes where V8 makes it unsigned again. `>>` on a u32 is `>>>`.
 */
import ts from "typescript";
import { rangeOfType, within } from "../ranges.js";
import { analysis, createRule, isCutToInt32, onlyZeroMatters, outer, targetOf } from "../rule.js";

const OPERATORS: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.AmpersandToken,
  ts.SyntaxKind.BarToken,
  ts.SyntaxKind.CaretToken,
  ts.SyntaxKind.LessThanLessThanToken,
]);

export const wrapBits = createRule({
  meta: {
    type: "problem",
    fixable: "code",
    schema: [],
    docs: { description: "Bitwise results of u32 values are made unsigned." },
    messages: {
      signed: "A bitwise result is signed on V8 and unsigned under asc: write (a {{op}} b) >>> 0.",
      shift: "asc shifts a u32 logically, V8's >> arithmetically: write >>>.",
    },
  },
  defaultOptions: [],
  create(context) {
    const a = analysis(context as never);
    function check(node: { type: string; operator: string }, e: ts.Expression): void {
      const t = a.types.numOf(e);
      if (t === null || t.name !== "u32" || t.value !== undefined) return;
      const r = a.ranges.of(e);
      if (r === null || within(r, rangeOfType("u32")!)) return;
      if (onlyZeroMatters(e) || isCutToInt32(a.types, e)) return;
      const at = outer(e);
      const p = at.parent;
      if (ts.isBinaryExpression(p) && p.right === at && /^[|&^]=$/.test(p.operatorToken.getText())) return;
      if (targetOf(a.types, e)?.name === "i32") return;
      context.report({
        node: node as never,
        messageId: "signed",
        data: { op: node.operator },
        fix: (fixer) => fixer.replaceText(node as never, `((${context.sourceCode.getText(node as never)}) >>> 0)`),
      });
    }
    return {
      BinaryExpression(node) {
        const e = a.tsNode<ts.BinaryExpression>(node);
        if (!ts.isBinaryExpression(e)) return;
        if (OPERATORS.has(e.operatorToken.kind)) check(node, e);
        else if (node.operator === ">>") {
          const l = a.types.numOf(e.left);
          const r = a.ranges.of(e.left);
          if (l === null || l.name !== "u32" || (r !== null && within(r, rangeOfType("i32")!))) return;
          context.report({
            node,
            messageId: "shift",
            fix: (fixer) =>
              fixer.replaceText(
                context.sourceCode.getTokenAfter(node.left, (k) => k.value === ">>")!,
                ">>>",
              ),
          });
        }
      },
      UnaryExpression(node) {
        if (node.operator === "~") check(node, a.tsNode<ts.Expression>(node));
      },
    };
  },
});
