/**
 * Which values an integer expression can take before it is wrapped: an interval, from constants, declared types,
 * masks, lengths and loop counters. Lets the arithmetic rules speak only where a result can leave its type.
 *
 * Key types: `Range`, `Ranges`. Neighbours: `kts-types.ts`, `rules/wrap-arithmetic.ts`.
 * Invariant: the interval contains every value the expression has on V8, taking declared types at their word.
 */
import ts from "typescript";
import { type KtsTypes, type NumName } from "./kts-types.js";

export interface Range {
  readonly lo: number;
  readonly hi: number;
}

/** No array, string or map of a 32-bit linear memory has more elements. */
const MAX_LENGTH = 2 ** 30 - 16;

const TYPE_RANGE: ReadonlyMap<NumName, Range> = new Map<NumName, Range>([
  ["bool", { lo: 0, hi: 1 }],
  ["i8", { lo: -0x80, hi: 0x7f }],
  ["u8", { lo: 0, hi: 0xff }],
  ["i16", { lo: -0x8000, hi: 0x7fff }],
  ["u16", { lo: 0, hi: 0xffff }],
  ["i32", { lo: -0x80000000, hi: 0x7fffffff }],
  ["u32", { lo: 0, hi: 0xffffffff }],
  ["long", { lo: -(2 ** 53), hi: 2 ** 53 }],
]);

export function rangeOfType(name: NumName): Range | null {
  return TYPE_RANGE.get(name) ?? null;
}

export function within(inner: Range, outer: Range): boolean {
  return inner.lo >= outer.lo && inner.hi <= outer.hi;
}

const LENGTHS = new Set(["length", "size", "byteLength", "byteOffset"]);

export class Ranges {
  private readonly counters = new Map<ts.VariableDeclaration, Range | null>();
  private depth = 0;

  constructor(private readonly types: KtsTypes) {}

  /** The interval of `e`, or null when nothing is known. */
  of(e: ts.Expression): Range | null {
    if (this.depth > 40) return null;
    this.depth++;
    const r = this.compute(e);
    this.depth--;
    return r;
  }

  private compute(e: ts.Expression): Range | null {
    if (ts.isParenthesizedExpression(e) || ts.isNonNullExpression(e)) return this.of(e.expression);
    const type = this.types.numOf(e);
    if (type?.value !== undefined) return { lo: type.value, hi: type.value };
    const declared = type === null ? null : rangeOfType(type.name);
    if (ts.isBinaryExpression(e)) return this.ofBinary(e, declared);
    if (ts.isPrefixUnaryExpression(e)) return this.ofPrefix(e, declared);
    if (ts.isConditionalExpression(e)) return hull(this.of(e.whenTrue), this.of(e.whenFalse)) ?? declared;
    if (ts.isPropertyAccessExpression(e) && LENGTHS.has(e.name.text) && this.isLibraryMember(e))
      return { lo: 0, hi: MAX_LENGTH };
    if (ts.isIdentifier(e)) return meet(this.ofVariable(e), declared);
    if (
      ts.isCallExpression(e) &&
      ts.isPropertyAccessExpression(e.expression) &&
      e.expression.name.text === "charCodeAt"
    ) {
      return { lo: 0, hi: 0xffff };
    }
    return declared;
  }

  private ofPrefix(e: ts.PrefixUnaryExpression, declared: Range | null): Range | null {
    const r = this.of(e.operand);
    if (r === null) return declared;
    if (e.operator === ts.SyntaxKind.MinusToken) return { lo: -r.hi, hi: -r.lo };
    if (e.operator === ts.SyntaxKind.TildeToken)
      return within(r, rangeOfType("i32")!) ? { lo: ~r.hi, hi: ~r.lo } : rangeOfType("i32");
    return declared;
  }

  private ofBinary(e: ts.BinaryExpression, declared: Range | null): Range | null {
    const op = e.operatorToken.kind;
    const a = this.of(e.left);
    const b = this.of(e.right);
    const i32 = rangeOfType("i32")!;
    switch (op) {
      case ts.SyntaxKind.PlusToken:
        return a === null || b === null ? declared : { lo: a.lo + b.lo, hi: a.hi + b.hi };
      case ts.SyntaxKind.MinusToken:
        return a === null || b === null ? declared : { lo: a.lo - b.hi, hi: a.hi - b.lo };
      case ts.SyntaxKind.AsteriskToken:
        return a === null || b === null ? declared : product(a, b);
      case ts.SyntaxKind.SlashToken:
        return a === null ? declared : { lo: Math.min(a.lo, -a.hi), hi: Math.max(a.hi, -a.lo) };
      case ts.SyntaxKind.PercentToken: {
        if (b === null || a === null) return declared;
        const m = Math.max(Math.abs(b.lo), Math.abs(b.hi)) - 1;
        return { lo: a.lo < 0 ? Math.max(-m, a.lo) : 0, hi: Math.min(m, Math.max(a.hi, 0)) };
      }
      case ts.SyntaxKind.AmpersandToken: {
        const mask =
          b !== null && b.lo >= 0 && b.hi <= i32.hi ? b : a !== null && a.lo >= 0 && a.hi <= i32.hi ? a : null;
        return mask === null ? i32 : { lo: 0, hi: mask.hi };
      }
      case ts.SyntaxKind.BarToken:
      case ts.SyntaxKind.CaretToken: {
        if (a !== null && b !== null && a.lo >= 0 && b.lo >= 0 && a.hi <= i32.hi && b.hi <= i32.hi) {
          return { lo: 0, hi: allOnes(Math.max(a.hi, b.hi)) };
        }
        if (op === ts.SyntaxKind.BarToken && b?.lo === 0 && b.hi === 0 && a !== null && within(a, i32)) return a;
        return i32;
      }
      case ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken: {
        const n = b !== null && b.lo === b.hi ? b.lo & 31 : 0;
        if (a !== null && a.lo >= 0 && a.hi <= 0xffffffff) return { lo: 0, hi: Math.floor(a.hi / 2 ** n) };
        return { lo: 0, hi: 2 ** (32 - n) - 1 };
      }
      case ts.SyntaxKind.GreaterThanGreaterThanToken: {
        if (a === null || !within(a, i32)) return i32;
        const n = b !== null && b.lo === b.hi ? b.lo & 31 : 0;
        return { lo: Math.min(a.lo >> n, a.lo < 0 ? a.lo : 0), hi: a.hi >> n };
      }
      case ts.SyntaxKind.LessThanLessThanToken: {
        if (a === null || b === null || b.lo < 0 || b.hi > 31) return i32;
        const r = product(a, { lo: 2 ** b.lo, hi: 2 ** b.hi });
        return within(r, i32) ? r : i32;
      }
      case ts.SyntaxKind.CommaToken:
        return b;
      default:
        return declared;
    }
  }

  private ofVariable(e: ts.Identifier): Range | null {
    const symbol = this.types.symbolOf(e);
    const d = symbol?.valueDeclaration;
    if (d === undefined || !ts.isVariableDeclaration(d) || d.initializer === undefined) return null;
    if (ts.getCombinedNodeFlags(d) & ts.NodeFlags.Const) {
      const r = this.of(d.initializer);
      const declared = d.type === undefined ? null : this.types.fromTypeNode(d.type);
      const limit = declared !== null && declared.kind === "num" ? rangeOfType(declared.name) : null;
      return meet(r, limit);
    }
    return this.ofCounter(d);
  }

  /**
   * A loop counter: `for (let i = a; i < b; i++)` where the loop moves `i` by constants in one direction only. Inside
   * the loop it lies between the start and the bound.
   */
  private ofCounter(d: ts.VariableDeclaration): Range | null {
    const seen = this.counters.get(d);
    if (seen !== undefined) return seen;
    this.counters.set(d, null);
    const r = this.computeCounter(d);
    this.counters.set(d, r);
    return r;
  }

  private computeCounter(d: ts.VariableDeclaration): Range | null {
    const loop = d.parent.parent;
    if (
      !ts.isForStatement(loop) ||
      loop.initializer !== d.parent ||
      d.initializer === undefined ||
      !ts.isIdentifier(d.name)
    )
      return null;
    const start = this.of(d.initializer);
    if (start === null) return null;
    const steps = new Set(changes(loop, d.name.text, this.types, d));
    if (steps.size !== 1) return null;
    const type = this.types.numOf(d.name as ts.Expression);
    const limit = rangeOfType(type === null || type.name === "literal" ? "i32" : type.name) ?? rangeOfType("i32")!;
    const test = loop.condition;
    if (test === undefined || !ts.isBinaryExpression(test)) return null;
    const conjunct = leftmost(test);
    if (!ts.isIdentifier(conjunct.left) || conjunct.left.text !== d.name.text) return null;
    const op = conjunct.operatorToken.kind;
    const bound = this.of(conjunct.right) ?? limit;
    if (steps.has("++")) {
      if (op === ts.SyntaxKind.LessThanToken)
        return { lo: start.lo, hi: Math.max(start.lo, Math.min(bound.hi, limit.hi) - 1) };
      if (op === ts.SyntaxKind.LessThanEqualsToken)
        return { lo: start.lo, hi: Math.max(start.lo, Math.min(bound.hi, limit.hi)) };
    }
    if (steps.has("--")) {
      if (op === ts.SyntaxKind.GreaterThanToken) return { lo: Math.min(start.hi, bound.lo + 1), hi: start.hi };
      if (op === ts.SyntaxKind.GreaterThanEqualsToken) return { lo: Math.min(start.hi, bound.lo), hi: start.hi };
    }
    return null;
  }

  private isLibraryMember(e: ts.PropertyAccessExpression): boolean {
    const d = this.types.symbolOf(e.name)?.declarations?.[0];
    return d !== undefined && /[\\/]lib\.[^\\/]*\.d\.ts$/.test(d.getSourceFile().fileName);
  }
}

/** The first comparison of a chain of `&&`. */
function leftmost(e: ts.BinaryExpression): ts.BinaryExpression {
  let at = e;
  while (at.operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken && ts.isBinaryExpression(at.left))
    at = at.left;
  return at;
}

/** How `loop` changes the variable: "++" (by a constant upwards), "--" (downwards) or "=" for anything else. */
function changes(loop: ts.ForStatement, name: string, types: KtsTypes, d: ts.VariableDeclaration): string[] {
  const out: string[] = [];
  const isIt = (n: ts.Node): boolean =>
    ts.isIdentifier(n) && n.text === name && types.symbolOf(n)?.valueDeclaration === d;
  const visit = (n: ts.Node): void => {
    if ((ts.isPrefixUnaryExpression(n) || ts.isPostfixUnaryExpression(n)) && isIt(n.operand)) {
      if (n.operator === ts.SyntaxKind.PlusPlusToken) out.push("++");
      else if (n.operator === ts.SyntaxKind.MinusMinusToken) out.push("--");
    } else if (ts.isBinaryExpression(n) && isIt(n.left)) {
      const op = n.operatorToken.kind;
      const step = types.numOf(n.right)?.value ?? 0;
      if (op === ts.SyntaxKind.PlusEqualsToken && step > 0) out.push("++");
      else if (op === ts.SyntaxKind.MinusEqualsToken && step > 0) out.push("--");
      else if (op >= ts.SyntaxKind.FirstAssignment && op <= ts.SyntaxKind.LastAssignment) out.push("=");
    }
    ts.forEachChild(n, visit);
  };
  if (loop.incrementor !== undefined) visit(loop.incrementor);
  visit(loop.statement);
  return out;
}

function product(a: Range, b: Range): Range {
  const p = [a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi];
  return { lo: Math.min(...p), hi: Math.max(...p) };
}

function hull(a: Range | null, b: Range | null): Range | null {
  return a === null || b === null ? null : { lo: Math.min(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
}

/** What both say; a value that left its type by then was wrapped into it, so an empty meet is the type's own range. */
function meet(a: Range | null, b: Range | null): Range | null {
  if (a === null) return b;
  if (b === null) return a;
  return within(a, b) ? a : b;
}

function allOnes(n: number): number {
  return n <= 0 ? 0 : 2 ** (32 - Math.clz32(n)) - 1;
}
