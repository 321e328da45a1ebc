/**
 * wrap-division: an integer division is wrapped on the spot, because V8 keeps the fraction.
 *
 * Accepted: a bitwise operator or an integer conversion around it, storing into a typed array, a constant that divides
 * without remainder.
 */
import ts from "typescript";
import { isInt32 } from "../kts-types.js";
import { analysis, createRule, isCutToInt32, wrapped } from "../rule.js";

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
        if (isCutToInt32(a.types, e)) return;
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
