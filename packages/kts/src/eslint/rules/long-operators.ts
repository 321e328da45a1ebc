/**
 * long-operators: a `long` knows `+ - *` and comparisons; everything else is a function of the prelude.
 *
 * On V8 a long is a number, where `/` keeps the fraction and bitwise operators cut to 32 bits.
 */
import ts from "typescript";
import { isLong } from "../kts-types.js";
import { analysis, createRule, targetOf } from "../rule.js";

const INSTEAD: Readonly<Record<string, string>> = {
  "/": "longDiv(a, b)",
  "%": "longMod(a, b)",
  "<<": "longShl(a, n)",
  ">>": "longShr(a, n)",
  ">>>": "longShr(a, n), or longLo and longHi",
  "&": "longAnd(a, b)",
  "|": "longOr(a, b), or i32(x) and longLo(x) to narrow",
  "^": "longLo and longHi",
  "~": "longLo and longHi",
  "**": "longShl(1, n)",
};

export const longOperators = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "Division, remainder, shifts and bit operations on long use the prelude." },
    messages: {
      operator: "{{op}} on a long gives another result on V8: use {{instead}}.",
      shift: "asc shifts this literal in 64 bits because a long receives it, V8 in 32: use longShl(1, n).",
    },
  },
  defaultOptions: [],
  create(context) {
    const a = analysis(context as never);
    const isLongNode = (node: unknown): boolean => {
      const t = a.types.numOf(a.tsNode<ts.Expression>(node));
      return t !== null && t.value === undefined && isLong(t.name);
    };
    return {
      BinaryExpression(node) {
        const instead = INSTEAD[node.operator];
        if (instead === undefined) return;
        if (isLongNode(node.left) || isLongNode(node.right)) {
          context.report({ node, messageId: "operator", data: { op: node.operator, instead } });
          return;
        }
        if (node.operator !== "<<" || node.left.type !== "Literal") return;
        const e = a.tsNode<ts.BinaryExpression>(node);
        if (a.types.numOf(e)?.value !== undefined) return;
        const to = targetOf(a.types, e);
        if (to !== null && isLong(to.name)) context.report({ node, messageId: "shift" });
      },
      AssignmentExpression(node) {
        const op = node.operator.slice(0, -1);
        const instead = INSTEAD[op];
        if (instead === undefined || node.operator === "=") return;
        if (isLongNode(node.left) || isLongNode(node.right)) {
          context.report({ node, messageId: "operator", data: { op: node.operator, instead } });
        }
      },
      UnaryExpression(node) {
        if (node.operator !== "~" || !isLongNode(node.argument)) return;
        context.report({ node, messageId: "operator", data: { op: "~", instead: INSTEAD["~"]! } });
      },
    };
  },
});
