/**
 * kts-classes: what classes, interfaces and functions may not declare.
 */
import { createRule, refusals } from "../rule.js";

const REFUSED: Readonly<Record<string, string>> = {
  PrivateIdentifier: "#private: the private keyword.",
  StaticBlock: "Static blocks: initialise the field, or a static method.",
  "PropertyDefinition[declare=true]": "declare fields: initialise the field.",
  "PropertyDefinition[optional=true], TSPropertySignature[optional=true], TSMethodSignature[optional=true]":
    "Optional members: T | null.",
  "MethodDefinition[optional=true]": "Optional members: an empty method.",
  "PropertyDefinition:not([typeAnnotation])": "A field needs a declared type.",
  ":function > Identifier.params[optional=true]": "Optional parameters: b: T | null = null.",
  "TSEmptyBodyFunctionExpression, TSDeclareFunction":
    "Overloads and declarations without a body: one function with all parameters.",
  "PropertyDefinition[computed=true], MethodDefinition[computed=true], AccessorProperty": "Computed members: a name.",
  "TSModuleDeclaration[declare=true], VariableDeclaration[declare=true]":
    "declare: only machine's glue declares what is outside.",
  "TSCallSignatureDeclaration, TSConstructSignatureDeclaration": "Call signatures: a method.",
  "TSEnumMember[initializer.type='Literal'][initializer.raw=/^['\"]/]": "String enums: numbers.",
};

const { messages, listeners } = refusals(REFUSED);

export const ktsClasses = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "Only declarations that both compilers have." },
    messages,
  },
  defaultOptions: [],
  create: (context) =>
    listeners((node, messageId) => {
      // An abstract method has no body either.
      if (node.type === "TSEmptyBodyFunctionExpression" && node.parent.type === "TSAbstractMethodDefinition") return;
      context.report({ node, messageId });
    }),
});
