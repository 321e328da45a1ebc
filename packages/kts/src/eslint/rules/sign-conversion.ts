/**
 * sign-conversion: an i32 that lands in a u32 (or the reverse) is reinterpreted by asc and left alone by V8.
 *
 * Reported where the value can be outside the receiving type: variables, fields, parameters, results, assignments.
 */
import ts from "typescript";
import { isInt32 } from "../kts-types.js";
import { rangeOfType, within } from "../ranges.js";
import { analysis, createRule, outer, targetOf, conversionOf, typedElement } from "../rule.js";

export const signConversion = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "Values move between i32 and u32 by conversion only." },
    messages: {
      sign: "A {{from}} value is reinterpreted as {{to}} by asc and kept as it is by V8: write {{to}}(x).",
    },
  },
  defaultOptions: [],
  create(context) {
    const a = analysis(context as never);
    function check(node: unknown): void {
      const e = a.tsNode<ts.Expression>(node);
      const at = outer(e);
      if (at !== e && e.parent !== at && !ts.isParenthesizedExpression(e.parent)) return;
      const from = a.types.numOf(e);
      if (from === null || (!isInt32(from.name) && from.name !== "literal")) return;
      if (ts.isConditionalExpression(e) || conversionOf(e) !== null) return;
      const to = targetOf(a.types, e);
      if (to === null || to.name === from.name || (to.name !== "i32" && to.name !== "u32")) return;
      const p = at.parent;
      if (ts.isBinaryExpression(p) && typedElement(a.types, p.left) !== null) return;
      const r = a.ranges.of(e);
      if (r === null || within(r, rangeOfType(to.name)!)) return;
      // A sum that leaves its type is the business of wrap-arithmetic.
      if (ts.isBinaryExpression(e) && /^[-+*/]$/.test(e.operatorToken.getText())) return;
      context.report({ node: node as never, messageId: "sign", data: { from: from.name, to: to.name } });
    }
    return {
      VariableDeclarator: (node) => void (node.init && check(node.init)),
      PropertyDefinition: (node) => void (node.value && check(node.value)),
      AssignmentExpression: (node) => void (node.operator === "=" && check(node.right)),
      AssignmentPattern: (node) => check(node.right),
      ReturnStatement: (node) => void (node.argument && check(node.argument)),
      "CallExpression > .arguments": check,
      "NewExpression > .arguments": check,
      "ConditionalExpression > .consequent": check,
      "ConditionalExpression > .alternate": check,
    };
  },
});
