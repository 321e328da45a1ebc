/**
 * no-compound-assignment: `x += y` on an i32 or u32 has no place for the wrap.
 *
 * Accepted: elements of typed arrays (the store wraps), constants added where the loop's bound keeps the counter in
 * range, and every operator whose result cannot leave its type.
 */
import ts from "typescript";
import { isInt32, type NumName } from "../kts-types.js";
import { rangeOfType, within, type Range } from "../ranges.js";
import { analysis, createRule, typedElement, type Analysis } from "../rule.js";

const OPERATORS: ReadonlyMap<string, string> = new Map([
  ["+=", "+"],
  ["-=", "-"],
  ["*=", "*"],
  ["/=", "/"],
  ["<<=", "<<"],
  ["|=", "|"],
  ["&=", "&"],
  ["^=", "^"],
  [">>=", ">>"],
  [">>>=", ">>>"],
]);

/** The value on V8 of `left op right`, before it is stored. */
function resultOf(op: string, l: Range, r: Range): Range | null {
  const int: Range = rangeOfType("i32")!;
  switch (op) {
    case "+":
      return { lo: l.lo + r.lo, hi: l.hi + r.hi };
    case "-":
      return { lo: l.lo - r.hi, hi: l.hi - r.lo };
    case "&":
      return r.lo >= 0 && r.hi <= int.hi ? { lo: 0, hi: r.hi } : int;
    case ">>>":
      return l.lo >= 0
        ? l
        : r.lo === r.hi && r.lo > 0
          ? { lo: 0, hi: 2 ** (32 - r.lo) - 1 }
          : { lo: 0, hi: 0xffffffff };
    case ">>":
      return l.hi <= int.hi ? l : int;
    case "|":
    case "^":
      return l.lo >= 0 && r.lo >= 0 && l.hi <= int.hi && r.hi <= int.hi ? { lo: 0, hi: int.hi } : int;
    case "<<":
      return int;
    default:
      return null;
  }
}

/** A `for` counter that the loop's own analysis keeps below its type's end: `for (let i = 0; i < n; i += 4)`. */
function staysInLoop(a: Analysis, e: ts.BinaryExpression, name: NumName): boolean {
  if (!ts.isIdentifier(e.left) || !ts.isForStatement(e.parent) || e.parent.incrementor !== e) return false;
  const step = a.types.numOf(e.right)?.value;
  const at = a.ranges.of(e.left);
  const limit = rangeOfType(name);
  if (step === undefined || at === null || limit === null) return false;
  return e.operatorToken.kind === ts.SyntaxKind.PlusEqualsToken ? at.hi + step <= limit.hi : at.lo - step >= limit.lo;
}

export const noCompoundAssignment = createRule({
  meta: {
    type: "problem",
    fixable: "code",
    schema: [],
    docs: { description: "No compound assignment whose result can leave its integer type." },
    messages: { compound: "{{op}} on a {{type}} leaves its range on V8, and asc wraps: write {{fix}}." },
  },
  defaultOptions: [],
  create(context) {
    const a = analysis(context as never);
    return {
      AssignmentExpression(node) {
        const op = OPERATORS.get(node.operator);
        if (op === undefined) return;
        const e = a.tsNode<ts.BinaryExpression>(node);
        const t = a.types.numOf(e.left);
        if (t === null || !isInt32(t.name)) return;
        const right = a.types.numOf(e.right);
        const statement = ts.isExpressionStatement(e.parent);
        if (typedElement(a.types, e.left) !== null && statement && op !== "*" && op !== ">>") return;
        if (op === "/") {
          // Always a fraction, whatever the range.
        } else {
          const declared = rangeOfType(t.name)!;
          const l = a.ranges.of(e.left) ?? declared;
          const r = a.ranges.of(e.right) ?? (right === null ? null : rangeOfType(right.name)) ?? declared;
          const result = resultOf(op, l, r);
          if (result !== null && within(result, declared)) return;
          if (staysInLoop(a, e, t.name)) return;
        }
        const left = context.sourceCode.getText(node.left);
        const value = context.sourceCode.getText(node.right);
        const unsigned = t.name === "u32";
        const shown = unsigned ? `x = u32(x ${op} y)` : op === "*" ? "x = imul(x, y)" : `x = (x ${op} y) | 0`;
        const simple = /^[\w.]+$/.test(left) && statement && op !== "*" && (t.name === "u32" || t.name === "i32");
        const y =
          node.right.type === "BinaryExpression" || node.right.type === "ConditionalExpression" ? `(${value})` : value;
        const operator = unsigned && op === ">>" ? ">>>" : op;
        const text = `${left} = (${left} ${operator} ${y}) ${unsigned ? ">>> 0" : "| 0"}`;
        context.report({
          node,
          messageId: "compound",
          data: { op: node.operator, type: t.name, fix: shown },
          fix: (fixer) => (simple ? fixer.replaceText(node, text) : null),
        });
      },
    };
  },
});
