/**
 * no-raw-memory: memory by address, casts of references and imports from outside belong to the glue folders alone.
 */
import { createRule } from "../rule.js";

const FUNCTIONS = new Set([
  "load",
  "store",
  "changetype",
  "unmanaged",
  "offsetof",
  "alignof",
  "sizeof",
  "call_indirect",
  "__new",
  "__pin",
  "__unpin",
  "__collect",
  "__alloc",
]);
const NAMESPACES = new Set(["memory", "heap", "atomic", "v128", "table"]);

export const noRawMemory = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "Raw memory only in src/glue." },
    messages: { raw: "{{name}} is raw memory: machine, or bytes in a typed array." },
  },
  defaultOptions: [],
  create(context) {
    return {
      CallExpression(node) {
        const callee = node.callee;
        if (callee.type === "Identifier" && FUNCTIONS.has(callee.name)) {
          const declared = context.sourceCode
            .getScope(node)
            .references.some((r) => r.identifier === callee && r.resolved !== null && r.resolved.defs.length > 0);
          if (!declared || node.typeArguments !== undefined)
            context.report({ node, messageId: "raw", data: { name: callee.name } });
        }
        if (
          callee.type === "MemberExpression" &&
          callee.object.type === "Identifier" &&
          NAMESPACES.has(callee.object.name)
        ) {
          const id = callee.object;
          const ref = context.sourceCode.getScope(node).references.find((r) => r.identifier === id);
          if (ref === undefined || ref.resolved === null || ref.resolved.defs.length === 0) {
            context.report({ node, messageId: "raw", data: { name: id.name } });
          }
        }
      },
    };
  },
});
