/**
 * Turns wasm2c's output into pieces of C for the kernel: one for each TypeScript file, so that a change recompiles few.
 *
 * wasm2c writes for many instances of a module behind a signal handler; the kernel has one instance and a platform header
 * (`wasm.h`) of its own. So the instance argument goes, globals become C variables, loads and stores lose their memory
 * argument, imports become plain calls `module_name(...)`, and only function bodies are kept. This file alone knows the
 * shape of the output of wabt 1.0.32.
 */

import { addLines } from "./source-lines.mjs";

const PREAMBLE = '#include "wasm.h"\n';
/** Functions of up to so many C statements (about one for each instruction) may be inlined across files by cc. */
const INLINE_STATEMENTS = 40;

const INSTANCE = "[A-Za-z_0-9]+_instance_t\\*?";

/** The count of allocated bytes that asc's minimal runtime keeps (~lib/rt/tcms/total). */
const ALLOCATED = "g__lib_rt_tcms_total";

/** C type of a WebAssembly value type. */
const C_TYPE = { i32: "u32", i64: "u64" };

/** A constant for a signature that does not depend on what else is in the module (FNV-1a, never 0). */
export function signatureHash(type) {
  let h = 0x811c9dc5;
  for (const c of `${type.params}->${type.results}`) h = Math.imul(h ^ c.charCodeAt(0), 0x01000193);
  return (h >>> 0) | 1;
}

function cType(type) {
  const c = C_TYPE[type];
  if (c === undefined) throw new Error(`${type} in the kernel: it has no floating point`);
  return c;
}

const result = (type) => (type.results.length === 0 ? "void" : cType(type.results[0]));
const prototype = (name, type) => `${result(type)} ${name}(${type.params.map(cType).join(", ") || "void"});`;

/** TypeScript file (without extension) of a function by its asc name: `packages/kern/src/pipe/Pipe#read`. */
export function moduleOf(name) {
  const plain = name.replace(/^start:/, "").replace(/[<#~|].*$/, (rest, at) => (at === 0 ? rest : ""));
  if (name.startsWith("~lib/")) return name.replace(/[<#|].*$/, "").replace(/\/[^/]*$/, "");
  if (name.startsWith("start:")) return plain;
  const slash = plain.lastIndexOf("/");
  return slash < 0 ? "start" : plain.slice(0, slash);
}

/** `{ label, file }`: what a back trace prints, `Pipe#read` and `packages/kern/src/pipe.ts`. */
export function displayName(name) {
  const module = moduleOf(name);
  if (name.startsWith("start:")) return { label: "start", file: `${module}.ts` };
  return {
    label: name.startsWith(`${module}/`) ? name.slice(module.length + 1) : name,
    file: module === "start" ? null : `${module}.ts`,
  };
}

/** Function bodies and C names of wasm2c's output, in index order of the defined functions. */
function parse(c) {
  const start = c.indexOf("static bool s_module_initialized");
  if (start < 0) throw new Error("not the output of wasm2c 1.0.32");
  const body = c.slice(start);
  const names = [];
  for (const m of body.matchAll(/^static [a-z0-9]+ (w2c_\w+)\(\w+\*(?:, [^)]*)?\);$/gm)) names.push(m[1]);
  const functions = new Map();
  for (const m of body.matchAll(/^static ([a-z0-9]+ (w2c_\w+)\(\w+_instance_t\* instance[^)]*\) \{\n[\s\S]*?^\}\n)/gm))
    functions.set(m[2], m[1]);
  return { names, functions };
}

function rewrite(text, typeHash) {
  return text
    .replace(new RegExp(`\\(${INSTANCE} instance(?:, )?`), "(")
    .replace(/^(\w+ \w+)\(\) \{/m, "$1(void) {")
    .replace(
      /CALL_INDIRECT\(instance->w2c_\w+, (\w+) \(\*\)\(void\*(?:, )?([^)]*)\), (\d+), (\w+), instance->w2c_\w+\.data\[\w+\]\.module_instance/g,
      (_, res, params, type, index) => {
        return `CALL_INDIRECT(${res} (*)(${params || "void"}), ${typeHash(Number(type))}u, ${index}`;
      },
    )
    .replace(/\(\*Z_(\w+?)Z_(\w+)\)\(instance->\w+(?:, )?/g, "$1_$2(")
    .replace(/\(&instance->w2c_memory, &instance->w2c_memory, /g, "(")
    .replace(/wasm_rt_grow_memory\(&instance->w2c_memory, /g, "wasm_memory_grow(")
    .replace(/instance->w2c_memory\.pages/g, "wasm_memory_size()")
    .replace(/&instance->w2c_memory, /g, "")
    .replace(/(\bw2c_\w+)\(instance(?:, )?/g, "$1(")
    .replace(/instance->w2c_(\w+)/g, "g_$1");
}

/**
 * Splits `c` (with its header `h`) by TypeScript file. `module` is the binary `bytes` as read; with `mappings` (its source
 * map) the pieces carry `#line` directives.
 *
 * Returns `{ pieces: Map<file, text>, tables, symbols: Map<C name, asc name>, unmapped }`; `tables` is the piece that
 * defines globals, the function table and the entry points; `unmapped` counts functions that have no lines.
 */
export function splitSource(c, h, module, bytes, mappings) {
  const defined = module.functions.filter((f) => f.import === null);
  const { names, functions } = parse(c);
  if (names.length !== defined.length || functions.size !== defined.length) {
    throw new Error(
      `wasm2c wrote ${names.length} prototypes and ${functions.size} bodies for ${defined.length} functions`,
    );
  }
  const struct = /typedef struct \w+_instance_t \{([\s\S]*?)\n\}/.exec(h)[1];
  const globals = [...struct.matchAll(/^ {2}u(?:32|64) w2c_(\w+);/gm)].map((m) => `g_${m[1]}`);
  if (globals.length !== module.globals.length)
    throw new Error(`wasm2c wrote ${globals.length} of ${module.globals.length} globals`);

  const types = [
    ...c.matchAll(/func_types\[\d+\] = wasm_rt_register_func_type\((\d+), \d+((?:, WASM_RT_\w+)*)\)/g),
  ].map((m) => {
    const list = [...m[2].matchAll(/WASM_RT_(\w+)/g)].map((t) => t[1].toLowerCase());
    return { params: list.slice(0, Number(m[1])), results: list.slice(Number(m[1])) };
  });
  const typeHash = (i) => signatureHash(types[i]);
  const byName = new Map(names.map((name, i) => [name, defined[i]]));
  const globalType = new Map(globals.map((name, i) => [name, cType(module.globals[i].type)]));

  let unmapped = 0;
  const all = new Map();
  for (const [name, f] of byName) {
    const file = moduleOf(f.name);
    const { text, mapped } = addLines(functions.get(name), bytes, f.body, mappings, `${file}.ts`);
    if (!mapped) unmapped++;
    const c = rewrite(text, typeHash);
    if (/\binstance\b/.test(c))
      throw new Error(`${file}: wasm2c wrote something unknown: ${/^.*\binstance\b.*$/m.exec(c)[0]}`);
    const used = new Set(c.match(/\b(?:w2c|g)_\w+/g));
    used.delete(name);
    all.set(name, { file, text: c, used, small: isSmall(c) });
  }
  const pieces = new Map();
  const files = [...new Set([...all.values()].map((f) => f.file))].sort();
  for (const file of files) pieces.set(file, piece(file, all, byName, globalType));

  return {
    pieces,
    tables: tables(module, byName, globals, globalType),
    symbols: new Map([...byName].map(([name, f]) => [name, f.name])),
    unmapped,
  };
}

/** Worth a copy in each piece that calls it: short, without a loop. */
function isSmall(text) {
  return !/\bgoto w2c_L/.test(text) && text.split(";").length <= INLINE_STATEMENTS;
}

/** The text of one piece: its functions, copies of the small ones they call elsewhere, declarations of the rest. */
function piece(file, all, byName, globalType) {
  const own = [...all].filter(([, f]) => f.file === file);
  const copies = new Map();
  const used = new Set();
  const visit = (f) => {
    for (const name of f.used) {
      used.add(name);
      const callee = all.get(name);
      if (callee === undefined || !callee.small || callee.file === file || copies.has(name)) continue;
      copies.set(name, callee);
      visit(callee);
    }
  };
  for (const [name, f] of own) {
    used.add(name);
    visit(f);
  }
  const declarations = [];
  for (const [name, f] of byName)
    if (used.has(name)) declarations.push(`${copies.has(name) ? "static inline " : ""}${prototype(name, f.type)}`);
  for (const [name, type] of globalType) if (used.has(name)) declarations.push(`extern ${type} ${name};`);
  const inlined = [...copies]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, f]) => f.text.replace(/^(?:void|u32|u64) w2c_/m, "static inline $&"));
  return `${PREAMBLE}${declarations.sort().join("\n")}\n\n${[...inlined, ...own.map(([, f]) => f.text)].join("\n")}`;
}

function tables(module, byName, globals, globalType) {
  const cName = new Map([...byName].map(([name, f]) => [f.index, name]));
  const lines = [PREAMBLE];
  globals.forEach((name, i) => {
    const { type, value } = module.globals[i];
    lines.push(`${globalType.get(name)} ${name} = ${BigInt.asUintN(type === "i32" ? 32 : 64, value)}ull;`);
  });
  const slots = new Array(module.tableSize).fill("{0, 0}");
  const prototypes = new Set();
  for (const e of module.elements) {
    e.functions.forEach((index, i) => {
      const f = module.functions[index];
      if (f.import) throw new Error(`import ${f.name} used as a value`);
      prototypes.add(prototype(cName.get(index), f.type));
      slots[e.offset + i] = `{(void (*)(void))${cName.get(index)}, ${signatureHash(f.type)}u}`;
    });
  }
  const entry = module.exports.find((x) => x.kind === 0 && x.name === "boot");
  if (!entry) throw new Error("the entry module does not export boot()");
  for (const index of [entry.index, module.start])
    if (index !== null) prototypes.add(prototype(cName.get(index), module.functions[index].type));
  lines.push(...prototypes);
  lines.push(`const struct wasm_funcref kts_table[] = {\n  ${slots.join(",\n  ") || "{0, 0}"}\n};`);
  lines.push(`const u32 kts_table_size = ${slots.length};`);
  lines.push(`const u32 kts_memory_pages = ${module.memoryPages};`);
  const used = globals.includes(ALLOCATED) ? ALLOCATED : "0"; // absent when the kernel allocates nothing
  lines.push(`u32 kts_heap_used(void) { return ${used}; }`);
  lines.push(`void kts_start(void) { ${module.start === null ? "" : `${cName.get(module.start)}();`} }`);
  lines.push(`void kts_boot(void) { ${cName.get(entry.index)}(); }`);
  return `${lines.join("\n")}\n`;
}
