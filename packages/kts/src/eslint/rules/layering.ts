/**
 * layering: imports point down. A core imports its own files, the prelude and the layers below it; never a higher layer, its
 * own host code, Node or another npm package.
 */
import path from "node:path";
import type { TSESTree } from "@typescript-eslint/utils";
import { LAYERS } from "../layers.js";
import { createRule } from "../rule.js";

export const layering = createRule({
  meta: {
    type: "problem",
    schema: [],
    docs: { description: "Imports point to lower layers only." },
    messages: {
      upwards:
        "{{from}} may not import @anax/{{to}}: a package reaches a higher one by a message to a port it was handed.",
      host: "The core may not import src/host: host code uses the core.",
      subpath: "The core may not import {{name}}: import the package's core.",
      outside: "A relative import may not leave the package: import it by name.",
      foreign: "The core may not import {{name}}: only workspace packages.",
    },
  },
  defaultOptions: [],
  create(context) {
    const file = context.filename.replaceAll(path.sep, "/");
    const match = /\/(?:packages|apps)\/([^/]+)\/src\/(.*)$/.exec(file);
    if (match === null) return {};
    const from = match[1]!;
    const inside = match[2]!;
    function check(source: TSESTree.Literal | TSESTree.StringLiteral | null | undefined): void {
      if (source === null || source === undefined || typeof source.value !== "string") return;
      const name = source.value;
      const report = (
        messageId: "upwards" | "host" | "subpath" | "outside" | "foreign",
        data: Record<string, string> = {},
      ): void => context.report({ node: source!, messageId, data: { from, name, ...data } });
      if (name.startsWith(".")) {
        const target = path.posix.join(path.posix.dirname(inside), name);
        if (target.startsWith("..")) report("outside");
        else if (target === "host" || target.startsWith("host/")) report("host");
        return;
      }
      const workspace = /^@anax\/([^/]+)(\/.*)?$/.exec(name);
      if (workspace === null) {
        report("foreign");
        return;
      }
      const to = workspace[1]!;
      const below = LAYERS.get(from);
      if (below !== undefined && !below.includes(to)) report("upwards", { to });
      else if (workspace[2] !== undefined) report("subpath");
    }
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
    };
  },
});
