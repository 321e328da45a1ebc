/**
 * Which line of TypeScript each instruction of a WebAssembly function came from, as far as wasm2c's C can be told about
 * it: the instructions that call, touch memory or can trap, in order.
 *
 * Both the binary and wasm2c's C list them in the same order, one C line each, so the n-th of one is the n-th of the other;
 * `KINDS` says how each looks in C. Code behind an unconditional branch is skipped, as wasm2c does.
 * Sources: WebAssembly core specification 2.0, chapter 5.4; source map revision 3.
 */

/** Letter of a kind to its look in a line of wasm2c's C. */
const KINDS = [
  ["call", /\bw2c_\w+\(instance\b|\(\*Z_\w+\)\(instance->/],
  ["indirect", /\bCALL_INDIRECT\(/],
  ["memory", /\bi(?:32|64)_(?:load|store)\w*\(&instance->/],
  ["bulk", /\b(?:memory_copy|memory_fill|wasm_rt_grow_memory)\(/],
  ["divide", /\b(?:DIV_U|REM_U|I32_DIV_S|I64_DIV_S|I32_REM_S|I64_REM_S)\(/],
  ["unreachable", /^\s*UNREACHABLE;/],
];

/** The kind of the instruction a line of C stands for, or null. */
export function kindOfLine(line) {
  for (const [kind, look] of KINDS) if (look.test(line)) return kind;
  return null;
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Mappings of a source map as sorted `{ at, file, line }`, `at` being the byte offset in the binary, `line` from 1. */
export function readMappings(sourceMap) {
  const mappings = [];
  const state = [0, 0, 0, 0];
  for (const segment of sourceMap.mappings.split(/[,;]/)) {
    let field = 0;
    for (let i = 0; i < segment.length; field++) {
      let v = 0;
      for (let shift = 0, more = true; more; shift += 5) {
        const digit = BASE64.indexOf(segment[i++]);
        v += (digit & 31) * 2 ** shift;
        more = digit >= 32;
      }
      if (field < 4) state[field] += v % 2 ? -((v - 1) / 2) : v / 2;
    }
    if (field >= 4) mappings.push({ at: state[0], file: sourceMap.sources[state[1]], line: state[2] + 1 });
  }
  return mappings.sort((a, b) => a.at - b.at);
}

/** Instructions of interest in the function body `bytes[at, end)`: `{ kind, at }` in order. */
export function instructions(bytes, at, end) {
  const out = [];
  let p = at;
  const skip = () => {
    while (bytes[p++] >= 0x80);
  };
  const u32 = () => {
    let v = 0;
    for (let shift = 0; ; shift += 7) {
      const b = bytes[p++];
      v += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) return v;
    }
  };
  for (let groups = u32(); groups > 0; groups--) {
    skip();
    p++;
  }
  /** Blocks opened since the code became dead; 0 while it is live. */
  let dead = 0;
  const add = (kind, where) => {
    if (dead === 0) out.push({ kind, at: where });
  };
  const stop = () => {
    if (dead === 0) dead = 1;
  };
  while (p < end) {
    const where = p;
    const op = bytes[p++];
    if (op === 0x00) {
      add("unreachable", where);
      stop();
    } else if (op >= 0x02 && op <= 0x04) {
      skip();
      if (dead > 0) dead++;
    } else if (op === 0x05) {
      if (dead === 1) dead = 0;
    } else if (op === 0x0b) {
      if (dead > 0) dead--;
    } else if (op === 0x0c) {
      skip();
      stop();
    } else if (op === 0x0d) skip();
    else if (op === 0x0e) {
      for (let n = u32() + 1; n > 0; n--) skip();
      stop();
    } else if (op === 0x0f) stop();
    else if (op === 0x10) {
      skip();
      add("call", where);
    } else if (op === 0x11) {
      skip();
      skip();
      add("indirect", where);
    } else if (op === 0x1c) for (let n = u32(); n > 0; n--) p++;
    else if (op >= 0x20 && op <= 0x26) skip();
    else if (op >= 0x28 && op <= 0x3e) {
      skip();
      skip();
      add("memory", where);
    } else if (op === 0x3f) p++;
    else if (op === 0x40) {
      p++;
      add("bulk", where);
    } else if (op === 0x41 || op === 0x42) skip();
    else if (op === 0x43) p += 4;
    else if (op === 0x44) p += 8;
    else if ((op >= 0x6d && op <= 0x70) || (op >= 0x7f && op <= 0x82)) add("divide", where);
    else if (op === 0xfc) {
      const sub = u32();
      if (sub === 10) p += 2;
      else if (sub === 11) p += 1;
      else if (sub > 7) throw new Error(`bulk instruction ${sub}`);
      if (sub >= 10) add("bulk", where);
    } else if (op > 0xc4) throw new Error(`opcode ${op}`);
  }
  return out;
}

/** `{ file, line }` of a byte offset, or null. */
export function locate(mappings, at) {
  let low = 0;
  let high = mappings.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (mappings[middle].at <= at) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : mappings[low - 1];
}

/**
 * The C body `text` (one statement a line) with `#line` directives. Statements of one TypeScript line go on one line of C,
 * since a compiler counts the lines behind a directive. Left as it is when the two orders do not agree. `file` is the
 * function's own, as others may have been inlined in front.
 */
export function addLines(text, bytes, body, mappings, file) {
  const found = instructions(bytes, body.start, body.end);
  const lines = text.trimEnd().split("\n");
  const kinds = lines.map(kindOfLine);
  const expected = found.map((i) => i.kind).join();
  if (kinds.filter((k) => k !== null).join() !== expected) return { text, mapped: false };
  let next = 0;
  let current = null;
  let out = "";
  const go = (place) => {
    if (place === null || (current !== null && place.file === current.file && place.line === current.line)) return;
    current = place;
    out += `\n#line ${place.line} "${place.file}"\n`;
  };
  const places = found.map((i) => locate(mappings, i.at));
  go(places.find((p) => p?.file === file) ?? places[0] ?? locate(mappings, body.start));
  lines.forEach((line, i) => {
    if (kinds[i] !== null) go(places[next++]);
    out += `${line.trim()} `;
  });
  return { text: `${out}\n`, mapped: true };
}
