/**
 * no-module-state: nothing mutable at module level, so that many kernels can live in one heap.
 */
import { createRule } from "../rule.js";

const CONTAINERS = new Set(["Map", "Set"]);

export const noModuleState = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "No mutable state at module level or in static fields." },
    messages: {
      variable: "Mutable state at module level: a field of an object that a constructor is given.",
      container:
        "A container at module level is state of the process: a field of an object that a constructor is given.",
      field: "A static field that is not readonly is state at module level: a field of an object.",
    },
  },
  defaultOptions: [],
  create(context) {
    return {
      ":matches(Program, ExportNamedDeclaration, TSModuleBlock) > VariableDeclaration"(node: never) {
        const declaration = node as import("@typescript-eslint/utils").TSESTree.VariableDeclaration;
        if (declaration.kind !== "const") {
          context.report({ node: declaration, messageId: "variable" });
          return;
        }
        for (const d of declaration.declarations) {
          const init = d.init;
          if (init?.type === "NewExpression" && init.callee.type === "Identifier" && CONTAINERS.has(init.callee.name)) {
            context.report({ node: d, messageId: "container" });
          }
        }
      },
      "PropertyDefinition[static=true][readonly!=true]"(node: never) {
        context.report({ node, messageId: "field" });
      },
    };
  },
});
