/**
 * no-closures: a function inside a function may not use the outer one's variables or `this`; asc has no environments.
 */
import type { TSESLint, TSESTree } from "@typescript-eslint/utils";
import { createRule } from "../rule.js";

type Fn = TSESTree.ArrowFunctionExpression | TSESTree.FunctionExpression | TSESTree.FunctionDeclaration;

export const noClosures = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "No function captures variables of another." },
    messages: {
      captured: "This function captures {{name}}: an object that implements an interface.",
      captureThis: "This function captures this: an object that implements an interface.",
    },
  },
  defaultOptions: [],
  create(context) {
    /** True when a variable lives in a function, not in the module. */
    function isLocal(variable: TSESLint.Scope.Variable): boolean {
      for (let s: TSESLint.Scope.Scope | null = variable.scope; s !== null; s = s.upper) {
        if (s.type === "function") return true;
      }
      return false;
    }
    function check(node: Fn): void {
      if (
        node.type === "FunctionExpression" &&
        (node.parent.type === "MethodDefinition" || node.parent.type === "Property")
      )
        return;
      const scope = context.sourceCode.scopeManager?.acquire(node);
      if (scope === null || scope === undefined) return;
      for (const ref of scope.through) {
        if (ref.resolved === null || ref.isTypeReference === true || !isLocal(ref.resolved)) continue;
        if (ref.resolved.defs.some((d) => d.type === "Type")) continue;
        context.report({ node: ref.identifier, messageId: "captured", data: { name: ref.resolved.name } });
      }
    }
    return {
      ArrowFunctionExpression: check,
      FunctionExpression: check,
      FunctionDeclaration: check,
      "ArrowFunctionExpression ThisExpression"(node: TSESTree.ThisExpression) {
        for (let n: TSESTree.Node | undefined = node.parent; n !== undefined; n = n.parent) {
          if (n.type === "ArrowFunctionExpression") {
            context.report({ node, messageId: "captureThis" });
            return;
          }
          if (n.type === "FunctionExpression" || n.type === "FunctionDeclaration") return;
        }
      },
    };
  },
});
