/**
 * Runs a scenario on the asc build: compiled to WebAssembly, instantiated under Node, its event log read back.
 *
 * Neighbours: `asc.mjs`, `index.ts` (the vitest side).
 * Invariant: the module shares nothing with the V8 build but the simulated machine's code.
 */
import path from "node:path";
import { compile, formatDiagnostics, workspaceRoot } from "../asc.mjs";

/** Appended to the scenario: runs it and hands out the log byte by byte. */
const ENTRY = (scenario) => `import { EventLog } from "@anax/portable";
import { run } from "./${scenario}";
const log = new EventLog();
export function runScenario(): void { run(log); }
export function logLength(): i32 { return log.text.length; }
export function logByte(i: i32): i32 { return log.text.bytes[i]; }
`;

/** A string of the AssemblyScript heap: UTF-16, its byte length in the header before it. */
function readString(memory, pointer) {
  if (pointer === 0) return "";
  const length = new Uint32Array(memory.buffer)[(pointer - 4) >>> 2];
  return String.fromCharCode(...new Uint16Array(memory.buffer, pointer, length >>> 1));
}

/**
 * Compiles and runs the scenario in `file`. `machineImports(memory)` resolves to the imports of a simulated machine over the
 * memory that `memory()` returns; it is called only if the scenario reaches the machine. Resolves to the event log's bytes.
 */
export async function runNative(file, machineImports) {
  const root = workspaceRoot(path.dirname(file));
  const name = path.basename(file, ".ts");
  const entry = path.join(path.dirname(file), `${name}.entry.ts`);
  const result = await compile({
    entry,
    root,
    overlay: new Map([[entry, ENTRY(name)]]),
    optimize: false,
    exportRuntime: false,
  });
  if (!result.ok)
    throw new Error(`asc rejects ${path.relative(root, file)}:\n${formatDiagnostics(result.diagnostics)}`);

  const module = await WebAssembly.compile(result.wasm);
  let memory = null;
  const imports = {
    env: {
      abort(message, source, line, column) {
        throw new Error(`${readString(memory, message)} (${readString(memory, source)}:${line}:${column})`);
      },
    },
  };
  if (WebAssembly.Module.imports(module).some((i) => i.module === "machine")) {
    imports.machine = await machineImports(() => memory);
  }
  const instance = await WebAssembly.instantiate(module, imports);
  const { runScenario, logLength, logByte } = instance.exports;
  memory = instance.exports.memory;
  runScenario();
  const bytes = new Uint8Array(logLength());
  for (let i = 0; i < bytes.length; i++) bytes[i] = logByte(i);
  return bytes;
}
