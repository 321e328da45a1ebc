/**
 * A vite plugin that checks every element access of the cores under test.
 *
 * Reading out of bounds is `undefined` on V8 and a trap under asc. In tests `a[i]` of a core or a scenario becomes
 * `a[readable(a, i)]`, so both targets stop at the same place. Published builds are not touched.
 * Neighbours: `bounds-runtime.mjs`, `vitest.ts`. Invariant: lines stay where they are.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const RUNTIME = fileURLToPath(new URL("bounds-runtime.mjs", import.meta.url));

/** Cores and scenarios of the workspace; the tool chain and host code stay as they are. */
export function isCore(file: string): boolean {
  const id = file.replaceAll(path.sep, "/");
  if (!/\.ts$/.test(id) || /\/node_modules\//.test(id)) return false;
  const match = /\/packages\/([^/]+)\/(src|scenarios)\/(.*)$/.exec(id);
  if (match === null) return /\/apps\/os-image\/src\/kernel\//.test(id) && !/\/glue\//.test(id);
  return match[1] !== "kts" && !/^(host|glue)\//.test(match[3]!);
}

/** An expression that may be evaluated twice. */
function isPure(e: ts.Expression): boolean {
  if (ts.isIdentifier(e) || e.kind === ts.SyntaxKind.ThisKeyword) return true;
  if (ts.isPropertyAccessExpression(e) || ts.isNonNullExpression(e) || ts.isParenthesizedExpression(e))
    return isPure(e.expression);
  return false;
}

type Use = "read" | "write" | "both";

function useOf(e: ts.ElementAccessExpression): Use {
  const p = e.parent;
  if (ts.isBinaryExpression(p) && p.left === e) {
    if (p.operatorToken.kind === ts.SyntaxKind.EqualsToken) return "write";
    if (
      p.operatorToken.kind >= ts.SyntaxKind.FirstCompoundAssignment &&
      p.operatorToken.kind <= ts.SyntaxKind.LastCompoundAssignment
    )
      return "both";
  }
  if (ts.isPrefixUnaryExpression(p) || ts.isPostfixUnaryExpression(p)) {
    if (p.operator === ts.SyntaxKind.PlusPlusToken || p.operator === ts.SyntaxKind.MinusMinusToken) return "both";
  }
  return "read";
}

/** The source with its element accesses checked, or null when it has none. */
export function instrument(file: string, text: string): string | null {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const inserts: [number, string][] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    if (ts.isElementAccessExpression(node) && !ts.isStringLiteralLike(node.argumentExpression)) {
      const use = useOf(node);
      const array = node.expression;
      const index = node.argumentExpression;
      if (isPure(array)) {
        inserts.push(
          [index.getStart(source), `${use === "write" ? "__writable" : "__readable"}(${array.getText(source)}, `],
          [index.end, ")"],
        );
      } else if (use === "read") {
        inserts.push([array.getStart(source), "__element("], [array.end, ", "]);
        // The brackets go: what is left reads __element(array, index).
        inserts.push([node.end, ")"]);
        brackets.push(text.indexOf("[", array.end), node.end - 1);
      }
    }
    ts.forEachChild(node, visit);
  };
  const brackets: number[] = [];
  visit(source);
  if (inserts.length === 0) return null;
  const removed = new Set(brackets);
  const order = inserts.map(([at, s], i) => ({ at, s, i })).sort((a, b) => a.at - b.at || a.i - b.i);
  let out = `import { readable as __readable, writable as __writable, element as __element } from ${JSON.stringify(RUNTIME)}; `;
  let next = 0;
  for (let i = 0; i <= text.length; i++) {
    while (next < order.length && order[next]!.at === i) out += order[next++]!.s;
    if (i < text.length && !removed.has(i)) out += text[i];
  }
  return out;
}

export function checkedElements(): {
  name: string;
  enforce: "pre";
  transform(code: string, id: string): { code: string; map: null } | null;
} {
  return {
    name: "kts-checked-elements",
    enforce: "pre",
    transform(code, id) {
      const file = id.split("?")[0]!;
      if (!isCore(file)) return null;
      const instrumented = instrument(file, code);
      return instrumented === null ? null : { code: instrumented, map: null };
    },
  };
}
