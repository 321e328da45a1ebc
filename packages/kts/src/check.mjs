/**
 * The `native` check of a library: asc compiles all of its core.
 *
 * asc compiles what an entry reaches, and a class that nobody constructs is not reached. So every core file is an entry, with
 * functions appended that construct each class and call each of its public methods. Generic classes are checked where
 * somebody uses them with a type.
 * Neighbours: `asc.mjs`. Invariant: appended text stands behind the file's last line, so diagnostics keep their lines.
 */
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { compile, formatDiagnostics, workspaceRoot } from "./asc.mjs";
/** The core files of a package: `src` without `host` and without the JavaScript glue. */
export function coreFiles(dir) {
  const out = [];
  const walk = (at) => {
    for (const entry of readdirSync(at, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const file = path.join(at, entry.name);
      const inside = path.relative(path.join(dir, "src"), file).replaceAll(path.sep, "/");
      if (entry.isDirectory()) {
        if (inside !== "host" && inside !== "glue/js") walk(file);
      } else if (file.endsWith(".ts") && !file.endsWith(".d.ts")) out.push(file);
    }
  };
  walk(path.join(dir, "src"));
  return out;
}
/** Functions, in the file's own scope, that reach every class of it. */
export function probes(text, prefix) {
  const source = ts.createSourceFile("f.ts", text, ts.ScriptTarget.ES2022, true);
  const out = [];
  const add = (params, result, body) => {
    const list = params.map((p) => `${p.name}: ${p.type}`).join(", ");
    out.push(`export function ${prefix}${out.length}(${list}): ${result} { ${body} }`);
  };
  const paramsOf = (node) => {
    const list = [];
    for (const p of node.parameters) {
      if (p.type === undefined) break;
      list.push({ name: `p${list.length}`, type: p.type.getText(source) });
    }
    return list.some((p) => /\bthis\b/.test(p.type)) ? null : list;
  };
  for (const c of source.statements) {
    if (!ts.isClassDeclaration(c) || c.name === undefined || c.typeParameters !== undefined) continue;
    const name = c.name.text;
    const has = (node, flag) => (ts.getCombinedModifierFlags(node) & flag) !== 0;
    const self = { name: "self", type: name };
    const names = (params) => params.map((p) => p.name).join(", ");
    if (!has(c, ts.ModifierFlags.Abstract)) {
      const constructor = c.members.find(ts.isConstructorDeclaration);
      const inherits = c.heritageClauses?.some((h) => h.token === ts.SyntaxKind.ExtendsKeyword) ?? false;
      const params = constructor === undefined ? [] : paramsOf(constructor);
      if (params !== null && (constructor !== undefined || !inherits))
        add(params, name, `return new ${name}(${names(params)});`);
    }
    for (const m of c.members) {
      if (has(m, ts.ModifierFlags.Private) || has(m, ts.ModifierFlags.Protected)) continue;
      const owner = has(m, ts.ModifierFlags.Static) ? name : "self";
      const first = owner === "self" ? [self] : [];
      if (
        ts.isMethodDeclaration(m) &&
        m.typeParameters === undefined &&
        m.type !== undefined &&
        m.type.kind !== ts.SyntaxKind.ThisType
      ) {
        const params = paramsOf(m);
        const type = m.type.getText(source);
        if (params === null) continue;
        add(
          [...first, ...params],
          type,
          `${type === "void" ? "" : "return "}${owner}.${m.name.getText(source)}(${names(params)});`,
        );
      } else if (ts.isGetAccessorDeclaration(m) && m.type !== undefined) {
        add(first, m.type.getText(source), `return ${owner}.${m.name.getText(source)};`);
      }
    }
  }
  return out.join("\n");
}
/** Compiles the core of the package in `dir`; prints what asc rejects. Resolves to true when it takes everything. */
export async function checkNative(dir) {
  const files = coreFiles(dir);
  if (files.length === 0) return true;
  const root = workspaceRoot(dir);
  const overlay = new Map();
  files.forEach((file, i) => {
    const text = readFileSync(file, "utf8");
    const appended = file.includes(`${path.sep}glue${path.sep}`) ? "" : probes(text, `__probe${i}_`);
    overlay.set(file, `${text}\n${appended}\n`);
  });
  const entries = files.map((f) => path.relative(root, f).replaceAll(path.sep, "/"));
  const result = await compile({ entry: files[0], root, overlay, optimize: false, args: entries.slice(1) });
  const text = formatDiagnostics(result.diagnostics);
  if (text !== "") console.error(text);
  console.log(`asc: ${files.length} files, ${result.ok ? "accepted" : "rejected"}, ${result.milliseconds} ms`);
  return result.ok;
}
