/**
 * Reads the line table (.debug_line, version 4) of an ELF64 executable.
 *
 * Source: DWARF 4, chapter 6.2. The build asks the compiler for that version; others are refused.
 */
import { sectionBytes } from "./elf.mjs";

class Cursor {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  u8() {
    return this.bytes[this.at++];
  }

  u16() {
    this.at += 2;
    return this.bytes.readUInt16LE(this.at - 2);
  }

  u32() {
    this.at += 4;
    return this.bytes.readUInt32LE(this.at - 4);
  }

  uleb() {
    let v = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.u8();
      v += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) return v;
    }
  }

  sleb() {
    let v = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.u8();
      v += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) return b & 0x40 ? v - 2 ** (shift + 7) : v;
    }
  }

  text() {
    const start = this.at;
    this.at = this.bytes.indexOf(0, start) + 1;
    return this.bytes.toString("utf8", start, this.at - 1);
  }
}

/** Rows `{ address (offset from `base`), file, line }` sorted by address; a row without a file ends a sequence. */
export function readLines(elf, base) {
  const section = sectionBytes(elf, ".debug_line");
  const rows = [];
  if (section === null) return rows;
  const c = new Cursor(section);
  while (c.at < section.length) {
    const end = c.u32() + c.at;
    const version = c.u16();
    if (version !== 4) throw new Error(`line table of DWARF version ${version}`);
    const program = c.u32() + c.at;
    const minimum = c.u8();
    c.u8();
    c.u8();
    const lineBase = (c.u8() << 24) >> 24;
    const lineRange = c.u8();
    const opcodeBase = c.u8();
    const lengths = Array.from({ length: opcodeBase - 1 }, () => c.u8());
    const folders = [""];
    for (let name = c.text(); name !== ""; name = c.text()) folders.push(name);
    const files = [null];
    for (let name = c.text(); name !== ""; name = c.text()) {
      const folder = folders[c.uleb()];
      c.uleb();
      c.uleb();
      files.push(folder === "" || name.startsWith("/") ? name : `${folder}/${name}`);
    }
    c.at = program;
    let address = 0;
    let file = 1;
    let line = 1;
    const row = (ends = false) => rows.push({ address, file: ends ? null : files[file], line });
    const reset = () => {
      address = 0;
      file = 1;
      line = 1;
    };
    while (c.at < end) {
      const op = c.u8();
      if (op >= opcodeBase) {
        address += minimum * Math.floor((op - opcodeBase) / lineRange);
        line += lineBase + ((op - opcodeBase) % lineRange);
        row();
      } else if (op === 0) {
        const next = c.uleb() + c.at;
        const sub = c.u8();
        if (sub === 1) {
          row(true);
          reset();
        } else if (sub === 2) address = Number(c.bytes.readBigUInt64LE(c.at) - base);
        c.at = next;
      } else if (op === 1) row();
      else if (op === 2) address += minimum * c.uleb();
      else if (op === 3) line += c.sleb();
      else if (op === 4) file = c.uleb();
      else if (op === 8) address += minimum * Math.floor((255 - opcodeBase) / lineRange);
      else if (op === 9) address += c.u16();
      else for (let n = lengths[op - 1]; n > 0; n--) c.uleb();
    }
    c.at = end;
  }
  return rows.map((r, i) => ({ ...r, order: i })).sort((a, b) => a.address - b.address || a.order - b.order);
}

/** The row that covers `address`, or null. */
export function rowAt(rows, address) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].address <= address) low = middle + 1;
    else high = middle;
  }
  return low === 0 || rows[low - 1].file === null ? null : rows[low - 1];
}
