/**
 * Which type asc gives an expression.
 *
 * To tsc every integer is `number`, so its checker cannot tell an i32 from a long. This module reads the declared
 * names instead: it follows an expression to the declaration that types it and resolves that declaration's type node,
 * through classes, type arguments, arrays and calls.
 *
 * Key types: `KType`, `KtsTypes`. Neighbours: `ranges.ts` (what values an expression can take), the rules.
 * Invariant: an expression whose type cannot be told is `null`, and no rule reports on `null`.
 */
import ts from "typescript";

/** Integer types by width; `long` is i64 under asc and a number on V8. */
export type NumName =
  "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "long" | "f32" | "f64" | "number" | "bool" | "literal";

export interface KNum {
  readonly kind: "num";
  readonly name: NumName;
  /** The value of a compile-time constant. */
  readonly value?: number;
}

/** A class, interface or built-in with its type arguments. */
export interface KRef {
  readonly kind: "ref";
  readonly symbol: ts.Symbol;
  readonly args: readonly (KType | null)[];
}

export type KType =
  | KNum
  | KRef
  | { readonly kind: "string" }
  | { readonly kind: "function"; readonly node: ts.SignatureDeclaration; readonly env: Env };

type Env = ReadonlyMap<ts.Symbol, KType | null>;

const NO_ENV: Env = new Map();

/** Names under which integer types are declared, to the type asc sees (wasm32). */
const NUMERIC: ReadonlyMap<string, NumName> = new Map<string, NumName>([
  ["i8", "i8"],
  ["u8", "u8"],
  ["i16", "i16"],
  ["u16", "u16"],
  ["i32", "i32"],
  ["u32", "u32"],
  ["isize", "i32"],
  ["usize", "u32"],
  ["i64", "i64"],
  ["u64", "u64"],
  ["long", "long"],
  ["f32", "f32"],
  ["f64", "f64"],
  ["bool", "bool"],
]);

const ELEMENTS: ReadonlyMap<string, NumName> = new Map<string, NumName>([
  ["Int8Array", "i8"],
  ["Uint8Array", "u8"],
  ["Uint8ClampedArray", "u8"],
  ["Int16Array", "i16"],
  ["Uint16Array", "u16"],
  ["Int32Array", "i32"],
  ["Uint32Array", "u32"],
  ["BigInt64Array", "i64"],
  ["BigUint64Array", "u64"],
  ["Float32Array", "f32"],
  ["Float64Array", "f64"],
]);

const DATA_VIEW: ReadonlyMap<string, NumName> = new Map<string, NumName>([
  ["getInt8", "i8"],
  ["getUint8", "u8"],
  ["getInt16", "i16"],
  ["getUint16", "u16"],
  ["getInt32", "i32"],
  ["getUint32", "u32"],
  ["getFloat32", "f32"],
  ["getFloat64", "f64"],
]);

const BITS: ReadonlyMap<NumName, number> = new Map<NumName, number>([
  ["bool", 1],
  ["i8", 8],
  ["u8", 8],
  ["i16", 16],
  ["u16", 16],
  ["i32", 32],
  ["u32", 32],
  ["i64", 64],
  ["u64", 64],
  ["long", 64],
  ["f32", 65],
  ["f64", 66],
  ["number", 66],
]);

export function num(name: NumName, value?: number): KNum {
  return value === undefined ? { kind: "num", name } : { kind: "num", name, value };
}

/** The element type of a typed array class, or null. */
export function elementName(symbol: ts.Symbol): NumName | null {
  return ELEMENTS.get(symbol.name) ?? null;
}

export function isSmall(name: NumName): boolean {
  return name === "i8" || name === "u8" || name === "i16" || name === "u16";
}

/** Types that asc computes with at most 32 bits. */
export function isInt32(name: NumName): boolean {
  return name === "i32" || name === "u32" || isSmall(name);
}

export function isLong(name: NumName): boolean {
  return name === "long" || name === "i64" || name === "u64";
}

export function isFloat(name: NumName): boolean {
  return name === "f32" || name === "f64";
}

/**
 * The type of `left op right` for arithmetic and bitwise operators, by asc's rules. A literal on the right takes the
 * type of the left operand where it fits; named constants and enum members are i32 of their own.
 */
export function commonName(left: KNum, right: KNum): NumName {
  if (left.name === "literal") return isSmall(right.name) ? "i32" : right.name;
  if (right.name === "literal") {
    const bits = BITS.get(left.name) ?? 32;
    return isSmall(left.name) && Math.abs(right.value ?? 0) >= 2 ** bits ? "i32" : left.name;
  }
  if (left.name === "long" || right.name === "long") return "long";
  const l = BITS.get(left.name) ?? 32;
  const r = BITS.get(right.name) ?? 32;
  return r > l ? right.name : left.name;
}

/** The type a literal has where nothing else decides it. */
function settled(t: KNum): NumName {
  if (t.name !== "literal") return t.name;
  return t.value !== undefined && (t.value > 0x7fffffff || t.value < -0x80000000) ? "i64" : "i32";
}

export class KtsTypes {
  private readonly memo = new WeakMap<ts.Node, { type: KType | null }>();

  constructor(readonly checker: ts.TypeChecker) {}

  /** The type of an expression, or null when it cannot be told. */
  of(e: ts.Expression): KType | null {
    const seen = this.memo.get(e);
    if (seen !== undefined) return seen.type;
    const cell: { type: KType | null } = { type: null };
    this.memo.set(e, cell);
    cell.type = this.compute(e);
    return cell.type;
  }

  /** The numeric type of an expression, or null. */
  numOf(e: ts.Expression): KNum | null {
    const t = this.of(e);
    return t !== null && t.kind === "num" ? t : null;
  }

  /** The type that a type node declares. */
  fromTypeNode(node: ts.TypeNode, env: Env = NO_ENV): KType | null {
    if (ts.isParenthesizedTypeNode(node)) return this.fromTypeNode(node.type, env);
    if (ts.isUnionTypeNode(node)) {
      const rest = node.types.filter((t) => !isNullish(t));
      return rest.length === 1 ? this.fromTypeNode(rest[0]!, env) : null;
    }
    if (ts.isTypeOperatorNode(node)) return this.fromTypeNode(node.type, env);
    if (ts.isArrayTypeNode(node)) {
      const array = this.globalSymbol("Array");
      return array === null ? null : { kind: "ref", symbol: array, args: [this.fromTypeNode(node.elementType, env)] };
    }
    if (ts.isFunctionTypeNode(node)) return { kind: "function", node, env };
    if (node.kind === ts.SyntaxKind.StringKeyword) return { kind: "string" };
    if (node.kind === ts.SyntaxKind.BooleanKeyword) return num("bool");
    if (node.kind === ts.SyntaxKind.NumberKeyword) return num(isLibrary(node) ? "i32" : "number");
    if (node.kind === ts.SyntaxKind.ThisType) return this.thisType(node);
    if (ts.isTypeReferenceNode(node)) return this.fromReference(node, env);
    return null;
  }

  private fromReference(node: ts.TypeReferenceNode, env: Env): KType | null {
    const name = ts.isIdentifier(node.typeName) ? node.typeName : node.typeName.right;
    const numeric = NUMERIC.get(name.text);
    if (numeric !== undefined) return num(numeric);
    const symbol = this.symbolOf(name);
    if (symbol === null) return null;
    if (symbol.flags & ts.SymbolFlags.TypeParameter) return env.get(symbol) ?? null;
    const args = (node.typeArguments ?? []).map((a) => this.fromTypeNode(a, env));
    if (symbol.flags & ts.SymbolFlags.TypeAlias) {
      const alias = symbol.declarations?.find(ts.isTypeAliasDeclaration);
      if (alias === undefined) return null;
      return this.fromTypeNode(alias.type, this.bind(alias.typeParameters, args));
    }
    if (symbol.flags & ts.SymbolFlags.Enum) return num("i32");
    return { kind: "ref", symbol, args };
  }

  private compute(e: ts.Expression): KType | null {
    if (ts.isParenthesizedExpression(e) || ts.isNonNullExpression(e) || ts.isSatisfiesExpression(e))
      return this.of(e.expression);
    if (ts.isAsExpression(e) || ts.isTypeAssertionExpression(e)) return this.fromTypeNode(e.type);
    if (ts.isNumericLiteral(e)) return literal(e);
    if (ts.isStringLiteralLike(e) || ts.isTemplateExpression(e)) return { kind: "string" };
    if (e.kind === ts.SyntaxKind.TrueKeyword || e.kind === ts.SyntaxKind.FalseKeyword) return num("bool");
    if (e.kind === ts.SyntaxKind.ThisKeyword) return this.thisType(e);
    if (ts.isPrefixUnaryExpression(e)) return this.ofPrefix(e);
    if (ts.isPostfixUnaryExpression(e)) return this.variable(this.of(e.operand));
    if (ts.isIdentifier(e)) {
      const symbol = this.symbolOf(e);
      return symbol === null ? null : this.ofSymbol(symbol, NO_ENV);
    }
    if (ts.isPropertyAccessExpression(e)) return this.ofProperty(e);
    if (ts.isElementAccessExpression(e)) return this.ofElement(e);
    if (ts.isCallExpression(e)) return this.ofCall(e);
    if (ts.isNewExpression(e)) return this.ofNew(e);
    if (ts.isConditionalExpression(e)) return this.ofConditional(e);
    if (ts.isBinaryExpression(e)) return this.ofBinary(e);
    return null;
  }

  private ofPrefix(e: ts.PrefixUnaryExpression): KType | null {
    if (e.operator === ts.SyntaxKind.ExclamationToken) return num("bool");
    const t = this.of(e.operand);
    if (t === null || t.kind !== "num") return t;
    if (t.value === undefined) return t;
    if (e.operator === ts.SyntaxKind.MinusToken) return num(t.name, -t.value);
    if (e.operator === ts.SyntaxKind.TildeToken) return num(t.name, ~t.value);
    return num(t.name, t.value);
  }

  private ofConditional(e: ts.ConditionalExpression): KType | null {
    const a = this.of(e.whenTrue);
    const b = this.of(e.whenFalse);
    if (a === null) return b;
    if (b === null) return a;
    if (a.kind === "num" && b.kind === "num") {
      return num(commonName(num(settled(a)), num(settled(b))));
    }
    return a;
  }

  private ofBinary(e: ts.BinaryExpression): KType | null {
    const op = e.operatorToken.kind;
    if (COMPARISONS.has(op)) return num("bool");
    if (op === ts.SyntaxKind.CommaToken) return this.of(e.right);
    if (op >= ts.SyntaxKind.FirstAssignment && op <= ts.SyntaxKind.LastAssignment)
      return this.variable(this.of(e.left));
    const a = this.of(e.left);
    const b = this.of(e.right);
    if (op === ts.SyntaxKind.AmpersandAmpersandToken || op === ts.SyntaxKind.BarBarToken) return a;
    if (op === ts.SyntaxKind.PlusToken && (a?.kind === "string" || b?.kind === "string")) return { kind: "string" };
    if (a === null || b === null || a.kind !== "num" || b.kind !== "num") return null;
    const shift =
      op === ts.SyntaxKind.LessThanLessThanToken ||
      op === ts.SyntaxKind.GreaterThanGreaterThanToken ||
      op === ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken;
    const name = shift ? (a.name === "literal" && b.value === undefined ? "i32" : a.name) : commonName(a, b);
    if (a.value === undefined || b.value === undefined) return num(name);
    const value = fold(op, a.value, b.value);
    return value === null ? num(name) : num(name, value);
  }

  private ofProperty(e: ts.PropertyAccessExpression): KType | null {
    const constant = this.checker.getConstantValue(e);
    if (typeof constant === "number") return num("i32", constant);
    const symbol = this.symbolOf(e.name);
    if (symbol === null) return null;
    return this.ofSymbol(symbol, this.envOf(this.of(e.expression), symbol));
  }

  private ofElement(e: ts.ElementAccessExpression): KType | null {
    const t = this.of(e.expression);
    if (t === null) return null;
    if (t.kind === "string") return t;
    if (t.kind !== "ref") return null;
    const element = elementName(t.symbol);
    if (element !== null) return num(element);
    return t.symbol.name === "Array" || t.symbol.name === "ReadonlyArray" || t.symbol.name === "StaticArray"
      ? (t.args[0] ?? null)
      : null;
  }

  /** The numeric type of parameter `i` of the function that a call runs, or null. */
  parameterType(e: ts.CallExpression | ts.NewExpression, i: number): KNum | null {
    const callee = ts.isCallExpression(e) ? this.of(e.expression) : null;
    const resolved =
      callee !== null && callee.kind === "function" ? callee.node : this.checker.getResolvedSignature(e)?.declaration;
    if (resolved === undefined || ts.isJSDocSignature(resolved) || isLibrary(resolved)) return null;
    const type = resolved.parameters[i]?.type;
    if (type === undefined) return null;
    let env = callee !== null && callee.kind === "function" ? callee.env : NO_ENV;
    if (ts.isCallExpression(e) && ts.isPropertyAccessExpression(e.expression)) {
      const symbol = this.symbolOf(e.expression.name);
      if (symbol !== null) env = new Map([...env, ...this.envOf(this.of(e.expression.expression), symbol)]);
    }
    const t = this.fromTypeNode(type, env);
    return t !== null && t.kind === "num" ? t : null;
  }

  private ofCall(e: ts.CallExpression): KType | null {
    if (ts.isIdentifier(e.expression)) {
      const numeric = NUMERIC.get(e.expression.text);
      if (numeric !== undefined) {
        const value = e.arguments[0] === undefined ? undefined : this.numOf(e.arguments[0])?.value;
        // Of constants, only those that the conversion leaves as they are.
        return value !== undefined && value >= 0 && value <= 0x7f ? num(numeric, value) : num(numeric);
      }
    }
    const callee = this.of(e.expression);
    let env: Env = NO_ENV;
    let signature: ts.SignatureDeclaration | undefined;
    if (callee !== null && callee.kind === "function") {
      signature = callee.node;
      env = callee.env;
    } else {
      const resolved = this.checker.getResolvedSignature(e)?.declaration;
      if (resolved !== undefined && !ts.isJSDocSignature(resolved)) signature = resolved;
    }
    if (signature === undefined || signature.type === undefined) return null;
    if (isLibrary(signature) && ts.isPropertyAccessExpression(e.expression)) {
      const view = DATA_VIEW.get(e.expression.name.text);
      if (view !== undefined) return num(view);
    }
    const symbol = ts.isPropertyAccessExpression(e.expression) ? this.symbolOf(e.expression.name) : null;
    if (symbol !== null && ts.isPropertyAccessExpression(e.expression)) {
      env = new Map([...env, ...this.envOf(this.of(e.expression.expression), symbol)]);
    }
    return this.fromTypeNode(signature.type, new Map([...env, ...this.inferred(signature, e)]));
  }

  /** Type parameters of a generic function, from explicit type arguments or from the arguments that are just `T`. */
  private inferred(signature: ts.SignatureDeclaration, call: ts.CallExpression): Map<ts.Symbol, KType | null> {
    const out = new Map<ts.Symbol, KType | null>();
    const params = signature.typeParameters;
    if (params === undefined) return out;
    params.forEach((p, i) => {
      const symbol = this.symbolOf(p.name);
      if (symbol === null) return;
      const explicit = call.typeArguments?.[i];
      if (explicit !== undefined) {
        out.set(symbol, this.fromTypeNode(explicit));
        return;
      }
      const at = signature.parameters.findIndex(
        (q) =>
          q.type !== undefined &&
          ts.isTypeReferenceNode(q.type) &&
          ts.isIdentifier(q.type.typeName) &&
          q.type.typeName.text === p.name.text,
      );
      const arg = at < 0 ? undefined : call.arguments[at];
      out.set(symbol, arg === undefined ? null : this.of(arg));
    });
    return out;
  }

  private ofNew(e: ts.NewExpression): KType | null {
    const name = ts.isPropertyAccessExpression(e.expression) ? e.expression.name : e.expression;
    const found = ts.isIdentifier(name) ? this.symbolOf(name) : null;
    if (found === null) return null;
    const symbol =
      found.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface) ? found : this.globalSymbol(found.name);
    if (symbol === null) return null;
    return { kind: "ref", symbol, args: (e.typeArguments ?? []).map((a) => this.fromTypeNode(a)) };
  }

  private ofSymbol(symbol: ts.Symbol, env: Env): KType | null {
    const d = symbol.valueDeclaration ?? symbol.declarations?.[0];
    if (d === undefined) return null;
    if (ts.isEnumMember(d)) {
      const value = this.checker.getConstantValue(d);
      return typeof value === "number" ? num("i32", value) : num("i32");
    }
    if (ts.isVariableDeclaration(d)) return this.ofVariable(d);
    if (ts.isParameter(d)) {
      if (d.type !== undefined) return this.fromTypeNode(d.type, env);
      return d.initializer === undefined ? null : this.variable(this.of(d.initializer));
    }
    if (ts.isPropertyDeclaration(d) || ts.isPropertySignature(d)) {
      if (d.type === undefined) return null;
      const declared = this.fromTypeNode(d.type, env);
      return this.withConstant(d, declared);
    }
    if (ts.isGetAccessorDeclaration(d)) return d.type === undefined ? null : this.fromTypeNode(d.type, env);
    if (ts.isSetAccessorDeclaration(d)) {
      const getter = symbol.declarations?.find(ts.isGetAccessorDeclaration);
      const type = getter?.type ?? d.parameters[0]?.type;
      return type === undefined ? null : this.fromTypeNode(type, env);
    }
    return null;
  }

  private ofVariable(d: ts.VariableDeclaration): KType | null {
    const constant = (ts.getCombinedNodeFlags(d) & ts.NodeFlags.Const) !== 0;
    if (d.type !== undefined) {
      const declared = this.fromTypeNode(d.type);
      return constant ? this.withConstant(d, declared) : declared;
    }
    if (d.initializer === undefined) return null;
    const t = this.of(d.initializer);
    if (constant && t !== null && t.kind === "num") return num(settled(t), t.value);
    return this.variable(t);
  }

  /** Adds the value of a constant initializer to a declared numeric type: `const A: i32 = 4`, `static readonly B: u32 = 5`. */
  private withConstant(
    d: ts.VariableDeclaration | ts.PropertyDeclaration | ts.PropertySignature,
    declared: KType | null,
  ): KType | null {
    if (declared === null || declared.kind !== "num" || ts.isPropertySignature(d) || d.initializer === undefined)
      return declared;
    if (ts.isPropertyDeclaration(d)) {
      const flags = ts.getCombinedModifierFlags(d);
      if (!(flags & ts.ModifierFlags.Static) || !(flags & ts.ModifierFlags.Readonly)) return declared;
    }
    const value = this.numOf(d.initializer)?.value;
    return value === undefined ? declared : num(declared.name, value);
  }

  /** The type of a variable that was initialised with `t`: no longer a constant. */
  private variable(t: KType | null): KType | null {
    if (t === null || t.kind !== "num") return t;
    return num(settled(t));
  }

  private thisType(node: ts.Node): KType | null {
    for (let n: ts.Node | undefined = node.parent; n !== undefined; n = n.parent) {
      if (ts.isClassDeclaration(n) && n.name !== undefined) {
        const symbol = this.symbolOf(n.name);
        return symbol === null ? null : { kind: "ref", symbol, args: [] };
      }
    }
    return null;
  }

  /** What the type parameters of the class that declares `member` stand for in an object of type `object`. */
  private envOf(object: KType | null, member: ts.Symbol): Env {
    if (object === null || object.kind !== "ref") return NO_ENV;
    const declaration = member.valueDeclaration ?? member.declarations?.[0];
    // A parameter property stands in the constructor.
    const owner =
      declaration !== undefined && ts.isParameter(declaration) ? declaration.parent.parent : declaration?.parent;
    if (
      owner === undefined ||
      !(ts.isClassDeclaration(owner) || ts.isInterfaceDeclaration(owner)) ||
      owner.name === undefined
    )
      return NO_ENV;
    const target = this.symbolOf(owner.name);
    if (target === null || owner.typeParameters === undefined) return NO_ENV;
    const args = this.argsAt(object, target, 0);
    return args === null ? NO_ENV : this.bind(owner.typeParameters, args);
  }

  private argsAt(object: KRef, target: ts.Symbol, depth: number): readonly (KType | null)[] | null {
    if (object.symbol === target) return object.args;
    if (depth > 8) return null;
    for (const d of object.symbol.declarations ?? []) {
      if (!ts.isClassDeclaration(d) && !ts.isInterfaceDeclaration(d)) continue;
      const env = this.bind(d.typeParameters, object.args);
      for (const clause of d.heritageClauses ?? []) {
        for (const h of clause.types) {
          const symbol = ts.isIdentifier(h.expression) ? this.symbolOf(h.expression) : null;
          if (symbol === null) continue;
          const base: KRef = {
            kind: "ref",
            symbol,
            args: (h.typeArguments ?? []).map((a) => this.fromTypeNode(a, env)),
          };
          const found = this.argsAt(base, target, depth + 1);
          if (found !== null) return found;
        }
      }
    }
    return null;
  }

  private bind(params: readonly ts.TypeParameterDeclaration[] | undefined, args: readonly (KType | null)[]): Env {
    const out = new Map<ts.Symbol, KType | null>();
    (params ?? []).forEach((p, i) => {
      const symbol = this.symbolOf(p.name);
      if (symbol !== null) out.set(symbol, args[i] ?? null);
    });
    return out;
  }

  symbolOf(node: ts.Node): ts.Symbol | null {
    const symbol = this.checker.getSymbolAtLocation(node);
    if (symbol === undefined) return null;
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
  }

  private globalSymbol(name: string): ts.Symbol | null {
    return this.checker.resolveName(name, undefined, ts.SymbolFlags.Type, false) ?? null;
  }
}

const COMPARISONS: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.LessThanToken,
  ts.SyntaxKind.LessThanEqualsToken,
  ts.SyntaxKind.GreaterThanToken,
  ts.SyntaxKind.GreaterThanEqualsToken,
  ts.SyntaxKind.InstanceOfKeyword,
  ts.SyntaxKind.InKeyword,
]);

function literal(e: ts.NumericLiteral): KNum {
  const source = e.getText();
  if (!/^0[xXbBoO]/.test(source) && /[.eE]/.test(source)) return num("f64");
  return num("literal", Number(e.text));
}

function isNullish(t: ts.TypeNode): boolean {
  if (t.kind === ts.SyntaxKind.UndefinedKeyword) return true;
  return ts.isLiteralTypeNode(t) && t.literal.kind === ts.SyntaxKind.NullKeyword;
}

/** True inside TypeScript's own library files, whose `number` is i32 in asc's library. */
function isLibrary(node: ts.Node): boolean {
  return /[\\/]typescript[\\/]lib[\\/]lib\./.test(node.getSourceFile().fileName);
}

/** The value of `a op b` of two constants, or null where the two targets disagree or it is no integer. */
function fold(op: ts.SyntaxKind, a: number, b: number): number | null {
  switch (op) {
    case ts.SyntaxKind.PlusToken:
      return a + b;
    case ts.SyntaxKind.MinusToken:
      return a - b;
    case ts.SyntaxKind.AsteriskToken:
      return a * b;
    case ts.SyntaxKind.SlashToken:
      return b !== 0 && a % b === 0 ? a / b : null;
    case ts.SyntaxKind.PercentToken:
      return b !== 0 ? a % b : null;
    case ts.SyntaxKind.AmpersandToken:
      return a & b;
    case ts.SyntaxKind.BarToken:
      return a | b;
    case ts.SyntaxKind.CaretToken:
      return a ^ b;
    case ts.SyntaxKind.LessThanLessThanToken:
      return a << b;
    case ts.SyntaxKind.GreaterThanGreaterThanToken:
      return a >> b;
    case ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken:
      return a >>> b;
    default:
      return null;
  }
}
