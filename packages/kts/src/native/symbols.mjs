/**
 * The names and lines that a panic prints, as assembly: a table of functions by address, the lines of their calls, and the text.
 *
 * The lines of a function are a string of bytes, one entry for each call: the return address as a difference from the one
 * before (the first from the function's start), times two, plus one when the file changes; then the new file's text offset
 * if it does; then the line as a signed difference. Numbers are LEB128; 0 ends it. `panic.c` reads it.
 * Neighbours: `elf.mjs`, `dwarf.mjs`, `c-source.mjs` (names).
 */
import { displayName } from "./c-source.mjs";
import { readLines, rowAt } from "./dwarf.mjs";
import { readSymbols, sectionAddress, sectionBytes } from "./elf.mjs";

const CALL = 0xe8;
const CALL_SIZE = 5;

function uleb(out, v) {
  for (; v >= 0x80; v = Math.floor(v / 128)) out.push((v % 128) | 0x80);
  out.push(v);
}

function sleb(out, v) {
  for (; v < -64 || v > 63; v >>= 7) out.push((v & 0x7f) | 0x80);
  out.push(v & 0x7f);
}

/** Return addresses of direct calls, found by their opcode and a target that is a function's start. */
function returnAddresses(text, start, functions) {
  const targets = new Set(functions.map((f) => f.address));
  const out = [];
  for (let i = text.indexOf(CALL); i >= 0 && i + CALL_SIZE <= text.length; i = text.indexOf(CALL, i + 1)) {
    const after = start + i + CALL_SIZE;
    if (targets.has(after + text.readInt32LE(i + 1))) out.push(after);
  }
  return out;
}

/** The source of the table for `elf`; empty for null (the first link, which tells the addresses). `names`: C name to asc name. */
export function symbolTableSource(elf, names, base) {
  const offsets = new Map();
  const text = ["\\0"];
  let length = 1;
  const intern = (s) => {
    if (s === null) return 0;
    if (!offsets.has(s)) {
      offsets.set(s, length);
      length += Buffer.byteLength(s) + 1;
      text.push(`${s.replace(/[\\"]/g, "\\$&")}\\0`);
    }
    return offsets.get(s);
  };
  const rows = [];
  const lines = [0];
  if (elf !== null) {
    const functions = readSymbols(elf)
      .filter((s) => s.isFunction && s.value >= base)
      .map((s) => ({ name: s.name, address: Number(s.value - base) }))
      .sort((a, b) => a.address - b.address);
    const end = Number(readSymbols(elf).find((s) => s.name === "text_end").value - base);
    const table = readLines(elf, base);
    const calls = returnAddresses(sectionBytes(elf, ".text"), Number(sectionAddress(elf, ".text") - base), functions);
    let next = 0;
    functions.forEach((f, i) => {
      const name = names.get(f.name.replace(/\..*$/, ""));
      const { label, file } = name === undefined ? { label: f.name, file: null } : displayName(name);
      const limit = functions[i + 1]?.address ?? end;
      let at = f.address;
      let current = file;
      let line = 0;
      let first = 0;
      for (; next < calls.length && calls[next] <= limit; next++) {
        const row = name === undefined ? null : rowAt(table, calls[next] - 1);
        if (row === null) continue;
        if (first === 0) first = lines.length;
        uleb(lines, (calls[next] - at) * 2 + (row.file === current ? 0 : 1));
        if (row.file !== current) uleb(lines, intern(row.file));
        sleb(lines, row.line - line);
        at = calls[next];
        current = row.file;
        line = row.line;
      }
      if (first !== 0) lines.push(0);
      rows.push(`.long ${f.address}, ${intern(label)}, ${intern(file)}, ${first}`);
    });
  }
  const bytes = [];
  for (let i = 0; i < lines.length; i += 32) bytes.push(`.byte ${lines.slice(i, i + 32).join(",")}`);
  return [
    '.section .ksyms, "a"',
    ".balign 8",
    ".globl kts_symbol_count, kts_symbols, kts_symbol_lines, kts_symbol_text",
    `kts_symbol_count: .long ${rows.length}`,
    "kts_symbols:",
    ...rows,
    "kts_symbol_lines:",
    ...bytes,
    "kts_symbol_text:",
    ...text.map((t) => `.ascii "${t}"`),
    "",
  ].join("\n");
}
