/**
 * The asc front: compiles Kernel TypeScript of this workspace with the AssemblyScript compiler's programmatic API.
 *
 * asc sees every file after `transform`, which says the same in asc's dialect on the same lines: type-only imports
 * become imports, names that are built in there leave the import lists, hints in comments become decorators, `for (;;)` becomes
 * `while(1)`, and module specifiers point to the files of the native side. Files keep their paths from the workspace root, so
 * function names read `packages/kern/src/pipe/Pipe#read`.
 * Neighbours: `native/build-kernel.mjs` (kernel), `cli.ts` (the `native` target, scenarios).
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import asc from "assemblyscript/asc";
import ts from "typescript";

/** Types and functions of the prelude that AssemblyScript has built in. */
export const BUILT_IN = new Set(["i8", "u8", "i16", "u16", "i32", "u32", "bool", "unchecked", "StaticArray"]);

/** "Only variables, functions and enums become WebAssembly module exports": true of every library. */
const CLASS_EXPORT = 235;

/** asc sees that nothing follows an endless `while`, but not that nothing follows `for (;;)`. */
const ENDLESS = "while(1)";

const HINT = /^\/\*(\s*@(inline|unmanaged|final|unsafe|lazy)\b)+\s*\*\/$/;

/** The nearest folder above `from` whose package.json has `workspaces`. */
export function workspaceRoot(from) {
  for (let dir = path.resolve(from); ; dir = path.dirname(dir)) {
    const file = path.join(dir, "package.json");
    if (existsSync(file) && JSON.parse(readFileSync(file, "utf8")).workspaces) return dir;
    if (path.dirname(dir) === dir) throw new Error(`no workspace root above ${from}`);
  }
}

/** Package name to { dir, exports } for each folder under packages/ and apps/. */
export function workspacePackages(root) {
  const packages = new Map();
  for (const group of ["packages", "apps"]) {
    const dir = path.join(root, group);
    if (!existsSync(dir)) continue;
    for (const name of readdirSync(dir)) {
      const file = path.join(dir, name, "package.json");
      if (!existsSync(file)) continue;
      const json = JSON.parse(readFileSync(file, "utf8"));
      packages.set(json.name, { dir: path.join(dir, name), exports: json.exports ?? {} });
    }
  }
  return packages;
}

function packageModule(packages, specifier) {
  const match = /^(@[^/]+\/[^/]+|[^@./][^/]*)(?:\/(.+))?$/.exec(specifier);
  const pkg = match && packages.get(match[1]);
  if (!pkg) return null;
  const target = pkg.exports[match[2] ? `./${match[2]}` : "."];
  const source = typeof target === "string" ? target : target?.source;
  if (source && /\.ts$/.test(source)) return path.join(pkg.dir, source.replace(/\.ts$/, ""));
  return path.join(pkg.dir, "src", match[2] ?? "index");
}

/** The specifier asc gets for `specifier` in `file`: relative, on the native side. */
function resolveSpecifier(packages, file, specifier) {
  const target = specifier.startsWith(".")
    ? path.resolve(path.dirname(file), specifier.replace(/\.(js|ts)$/, ""))
    : packageModule(packages, specifier);
  if (target === null) return specifier;
  const native = target.replaceAll(path.sep, "/").replace(/\/glue\/js(\/|$)/, "/glue/native$1");
  const relative = path.relative(path.dirname(file), native).replaceAll(path.sep, "/");
  return relative.startsWith(".") ? relative : `./${relative}`;
}

/**
 * Source of `file` (absolute path) as asc reads it. Lines stay where they are; columns too, except behind a module
 * specifier.
 */
export function transform(file, text, packages) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, false, ts.ScriptKind.TS);
  const edits = [];
  const blank = (start, end) => edits.push([start, end, text.slice(start, end).replace(/[^\n\r]/g, " ")]);

  /** Removes the specifiers that `drop` names; true when none is left. */
  const filterNames = (list) => {
    const elements = list.elements;
    const kept = elements.filter((e) => !BUILT_IN.has((e.propertyName ?? e.name).text));
    if (kept.length === 0 && elements.length > 0) return true;
    elements.forEach((e, i) => {
      const start = e.getStart(source);
      if (!kept.includes(e)) {
        const next = elements[i + 1];
        blank(start, next ? next.getStart(source) : list.end - 1);
      } else if (e.isTypeOnly) blank(start, (e.propertyName ?? e.name).getStart(source));
    });
    return false;
  };

  for (const node of source.statements) {
    const start = node.getStart(source);
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause;
      const names = clause?.namedBindings;
      if (names && ts.isNamedImports(names) && filterNames(names)) {
        blank(start, node.end);
        continue;
      }
      if (clause?.isTypeOnly) blank(clause.getStart(source), (clause.name ?? names).getStart(source));
    } else if (ts.isExportDeclaration(node)) {
      const names = node.exportClause;
      if (names && ts.isNamedExports(names) && filterNames(names)) {
        blank(start, node.end);
        continue;
      }
      if (node.isTypeOnly) {
        const word = text.indexOf("type", start + "export".length);
        blank(word, word + "type".length);
      }
    } else continue;
    const specifier = node.moduleSpecifier;
    if (!specifier) continue;
    const resolved = resolveSpecifier(packages, file, specifier.text);
    edits.push([specifier.getStart(source), specifier.end, JSON.stringify(resolved)]);
  }

  const hints = (node) => {
    for (const range of ts.getLeadingCommentRanges(text, node.pos) ?? []) {
      const comment = text.slice(range.pos, range.end);
      if (HINT.test(comment)) edits.push([range.pos, range.end, `  ${comment.slice(2, -2)}  `]);
    }
  };
  const visit = (node) => {
    if (ts.isFunctionDeclaration(node) || ts.isVariableStatement(node)) hints(node);
    else if (ts.isClassDeclaration(node)) {
      hints(node);
      node.members.forEach(hints);
    } else if (ts.isModuleDeclaration(node) && node.body && ts.isModuleBlock(node.body))
      node.body.statements.forEach(visit);
  };
  source.statements.forEach(visit);

  const loops = (node) => {
    if (ts.isForStatement(node) && !node.initializer && !node.condition && !node.incrementor) {
      const start = node.getStart(source);
      const open = text.indexOf("(", start);
      const close = text.indexOf(")", open) + 1;
      if (/^for\s*\(\s*;\s*;\s*\)$/.test(text.slice(start, close)))
        edits.push([start, close, ENDLESS.padEnd(close - start)]);
    }
    ts.forEachChild(node, loops);
  };
  loops(source);

  edits.sort((a, b) => a[0] - b[0]);
  let out = "";
  let at = 0;
  for (const [start, end, replacement] of edits) {
    out += text.slice(at, start) + replacement;
    at = end;
  }
  return out + text.slice(at);
}

function position(text, offset) {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
}

/**
 * Compiles `entry` (a path; its exported functions become the module's exports).
 *
 * Options: `outFile`, `textFile` (paths, written when given); `optimize` (default true: -O3); `debugNames` (default
 * true: keep the name section); `sourceMap` (default false); `runtime` ("minimal", "incremental", "stub"); `memoryBase`; `exportRuntime`; `noAssert`;
 * `root` (the workspace, found above `entry` when absent); `overlay` (Map of absolute path to the text that stands for that
 * file, on disk or not); `args` (more asc options, as on its command line).
 *
 * Resolves to `{ ok, wasm, text, sourceMap, diagnostics, sources, milliseconds }`. Each diagnostic has `file` (from the root),
 * `line`, `column` (from 1), `category` ("error", "warning", "info"), `code`, `message`; `sources` lists the files read.
 */
export async function compile(options) {
  const entry = path.resolve(options.entry);
  const root = options.root ? path.resolve(options.root) : workspaceRoot(path.dirname(entry));
  const packages = workspacePackages(root);
  const texts = new Map();
  const outputs = new Map();
  const raw = [];

  const argv = [
    path.relative(root, entry).replaceAll(path.sep, "/"),
    "--baseDir",
    root,
    "--config",
    "none",
    "--noColors",
    "--runtime",
    options.runtime ?? "minimal",
    "--memoryBase",
    String(options.memoryBase ?? 0),
    "--disable",
    "simd,threads,relaxed-simd",
    "--outFile",
    "out.wasm",
  ];
  if (options.textFile) argv.push("--textFile", "out.wat");
  if (options.sourceMap) argv.push("--sourceMap");
  if (options.optimize ?? true) argv.push("--optimizeLevel", "3", "--shrinkLevel", "0");
  if (options.debugNames ?? true) argv.push("--debug");
  if (options.exportRuntime) argv.push("--exportRuntime");
  if (options.noAssert) argv.push("--noAssert");
  argv.push(...(options.args ?? []));

  const readFile = (name) => {
    const file = path.resolve(root, name).replace(/([\\/])glue([\\/])js([\\/])/, "$1glue$2native$3");
    const overlaid = options.overlay?.get(file);
    if (overlaid === undefined && !statSync(file, { throwIfNoEntry: false })?.isFile()) return null;
    const text = overlaid ?? readFileSync(file, "utf8");
    if (!file.endsWith(".ts")) return text;
    const transformed = transform(file, text, packages);
    texts.set(path.relative(root, file).replaceAll(path.sep, "/"), transformed);
    return transformed;
  };

  const started = Date.now();
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(argv, {
    stdout: asc.createMemoryStream(),
    stderr,
    readFile,
    writeFile: (name, contents) => void outputs.set(name, contents),
    listFiles: () => null,
    reportDiagnostic: (d) => d.code !== CLASS_EXPORT && raw.push(d),
  });

  const diagnostics = raw.map((d) => {
    const file = d.range?.source.normalizedPath ?? null;
    const text = texts.get(file);
    const at = text === undefined ? { line: 0, column: 0 } : position(text, d.range.start);
    const category = ["pedantic", "info", "warning", "error"][d.category] ?? "error";
    return { file, ...at, category, code: d.code, message: d.message };
  });
  const ok = error === null && !diagnostics.some((d) => d.category === "error");
  if (!ok && !diagnostics.some((d) => d.category === "error")) {
    diagnostics.push({
      file: null,
      line: 0,
      column: 0,
      category: "error",
      code: 0,
      message: `${error?.message ?? "asc failed"}\n${stderr.toString()}`.trim(),
    });
  }
  const wasm = ok ? outputs.get("out.wasm") : null;
  const text = ok ? (outputs.get("out.wat") ?? null) : null;
  const map = ok ? outputs.get("out.wasm.map") : undefined;
  const sourceMap = map === undefined ? null : JSON.parse(map);
  const write = (file, data) => {
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    writeFileSync(file, data);
  };
  if (ok && options.outFile) write(options.outFile, wasm);
  if (ok && options.textFile) write(options.textFile, text);
  return {
    ok,
    wasm,
    text,
    sourceMap,
    diagnostics,
    sources: [...texts.keys()].sort(),
    milliseconds: Date.now() - started,
  };
}

/** One line per diagnostic, `file:line:column: error AS123: message`. */
export function formatDiagnostics(diagnostics) {
  return diagnostics
    .map(
      (d) =>
        `${d.file ? `${d.file}:${d.line}:${d.column}: ` : ""}${d.category}${d.code ? ` AS${d.code}` : ""}: ${d.message}`,
    )
    .join("\n");
}
