/**
 * no-floats: the kernel has no floating point; the native build refuses f64 at its very end, this rule at the line.
 */
import { createRule } from "../rule.js";

const TYPES = new Set(["f32", "f64", "Float32Array", "Float64Array"]);

export const noFloats = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "No floating point in the kernel." },
    messages: {
      literal: "A floating-point literal: use integers (ns, bytes, fixed point by a power of two).",
      type: "{{name}} is floating point: use integers, LongArray for 64 bits.",
      power: "** is floating point under asc: use << or longShl.",
    },
  },
  defaultOptions: [],
  create(context) {
    return {
      Literal(node) {
        if (typeof node.value !== "number" || /^0[xXbBoO]/.test(node.raw)) return;
        if (/[.eE]/.test(node.raw)) context.report({ node, messageId: "literal" });
      },
      Identifier(node) {
        if (TYPES.has(node.name)) context.report({ node, messageId: "type", data: { name: node.name } });
      },
      "BinaryExpression[operator='**'], AssignmentExpression[operator='**=']"(node) {
        context.report({ node: node as never, messageId: "power" });
      },
    };
  },
});
