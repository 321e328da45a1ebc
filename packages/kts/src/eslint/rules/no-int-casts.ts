/**
 * no-int-casts: `x as i32` converts under asc and does nothing on V8; `i32(x)` does the same on both.
 */
import ts from "typescript";
import { isInt32, isLong, isFloat } from "../kts-types.js";
import { analysis, createRule } from "../rule.js";

export const noIntCasts = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "Integer types are converted by functions, not by casts." },
    messages: { cast: "A cast to {{type}} converts under asc and does nothing on V8: write {{instead}}." },
  },
  defaultOptions: [],
  create(context) {
    const a = analysis(context as never);
    function check(node: unknown): void {
      const e = a.tsNode<ts.AsExpression | ts.TypeAssertion>(node);
      const to = a.types.fromTypeNode(e.type);
      if (to === null || to.kind !== "num") return;
      if (!isInt32(to.name) && !isLong(to.name) && !isFloat(to.name) && to.name !== "number") return;
      const from = a.types.numOf(e.expression);
      if (from !== null && from.name === to.name) return;
      const instead = isLong(to.name) ? "toLong(x)" : isInt32(to.name) ? `${to.name}(x)` : "integer code";
      context.report({ node: node as never, messageId: "cast", data: { type: e.type.getText(), instead } });
    }
    return { TSAsExpression: check, TSTypeAssertion: check };
  },
});
