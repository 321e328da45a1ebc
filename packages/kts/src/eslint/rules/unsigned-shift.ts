/**
 * unsigned-shift: `x >>> n` on an i32 stays an i32 under asc and becomes unsigned on V8.
 *
 * Where bit 31 can survive the shift the result must go into a u32 at once: a declared variable, field, parameter or
 * result, `u32()`, or a bitwise operator. Then it may be compared and calculated with.
 */
import type ts from "typescript";
import { rangeOfType, within } from "../ranges.js";
import { analysis, createRule, isCutToInt32, onlyZeroMatters, targetOf } from "../rule.js";

export const unsignedShift = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "The result of >>> on an i32 is stored in a u32 before use." },
    messages: { unsigned: "x >>> n of an i32 is signed under asc and unsigned on V8: store it in a u32 first." },
  },
  defaultOptions: [],
  create(context) {
    const a = analysis(context as never);
    return {
      BinaryExpression(node) {
        if (node.operator !== ">>>") return;
        const e = a.tsNode<ts.BinaryExpression>(node);
        const l = a.types.numOf(e.left);
        if (l === null || l.name !== "i32" || l.value !== undefined) return;
        const r = a.ranges.of(e);
        if (r === null || within(r, rangeOfType("i32")!)) return;
        const operand = a.ranges.of(e.left);
        if (operand !== null && operand.lo >= 0 && operand.hi <= 0x7fffffff) return;
        if (onlyZeroMatters(e) || isCutToInt32(a.types, e)) return;
        if (targetOf(a.types, e)?.name === "u32") return;
        context.report({ node, messageId: "unsigned" });
      },
    };
  },
});
