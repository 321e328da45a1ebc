/**
 * Reads sections, and reads and rewrites the symbol table of an ELF64 little-endian executable, for names that no assembler accepts.
 *
 * Source: System V ABI, chapter 4 (object files), symbol table and string table.
 */

const SHT_SYMTAB = 2;
const SYMBOL_SIZE = 24;
const STT_FUNC = 2;

function sections(elf) {
  const at = Number(elf.readBigUInt64LE(40));
  const size = elf.readUInt16LE(58);
  return Array.from({ length: elf.readUInt16LE(60) }, (_, i) => {
    const header = at + i * size;
    return {
      header,
      nameAt: elf.readUInt32LE(header),
      address: elf.readBigUInt64LE(header + 16),
      type: elf.readUInt32LE(header + 4),
      offset: Number(elf.readBigUInt64LE(header + 24)),
      size: Number(elf.readBigUInt64LE(header + 32)),
      link: elf.readUInt32LE(header + 40),
      info: elf.readUInt32LE(header + 44),
    };
  });
}

function sectionNamed(elf, name) {
  const all = sections(elf);
  const names = all[elf.readUInt16LE(62)];
  return all.find((s) => {
    const start = names.offset + s.nameAt;
    return elf.toString("latin1", start, elf.indexOf(0, start)) === name;
  });
}

/** The bytes of the section, or null. */
export function sectionBytes(elf, name) {
  const s = sectionNamed(elf, name);
  return s === undefined ? null : elf.subarray(s.offset, s.offset + s.size);
}

export function sectionAddress(elf, name) {
  return sectionNamed(elf, name).address;
}

function symbolTable(elf) {
  const all = sections(elf);
  const symtab = all.find((s) => s.type === SHT_SYMTAB);
  return { symtab, strtab: all[symtab.link] };
}

/** Symbols in table order: `{ name, isFunction, value (bigint), size, entry (the 24 raw bytes) }`. */
export function readSymbols(elf) {
  const { symtab, strtab } = symbolTable(elf);
  const symbols = [];
  for (let at = symtab.offset; at < symtab.offset + symtab.size; at += SYMBOL_SIZE) {
    const start = strtab.offset + elf.readUInt32LE(at);
    symbols.push({
      name: elf.toString("latin1", start, elf.indexOf(0, start)),
      isFunction: (elf[at + 4] & 15) === STT_FUNC,
      value: elf.readBigUInt64LE(at + 8),
      size: Number(elf.readBigUInt64LE(at + 16)),
      entry: elf.subarray(at, at + SYMBOL_SIZE),
    });
  }
  return symbols;
}

/** The executable with each symbol renamed by `rename(name)`, which returns one name or several (aliases). */
export function renameSymbols(elf, rename) {
  const { symtab, strtab } = symbolTable(elf);
  const text = [Buffer.from([0])];
  let length = 1;
  const intern = (name) => {
    if (name === "") return 0;
    const bytes = Buffer.from(`${name}\0`, "utf8");
    text.push(bytes);
    length += bytes.length;
    return length - bytes.length;
  };
  const entries = [];
  let locals = 0;
  readSymbols(elf).forEach((symbol, i) => {
    const names = [rename(symbol.name)].flat();
    for (const name of names) {
      const entry = Buffer.from(symbol.entry);
      entry.writeUInt32LE(intern(name), 0);
      entries.push(entry);
    }
    if (i < symtab.info) locals += names.length;
  });
  const out = Buffer.from(elf);
  const parts = [out];
  const append = (section, bytes, info) => {
    out.writeBigUInt64LE(BigInt(parts.reduce((n, p) => n + p.length, 0)), section.header + 24);
    out.writeBigUInt64LE(BigInt(bytes.length), section.header + 32);
    if (info !== undefined) out.writeUInt32LE(info, section.header + 44);
    parts.push(bytes, Buffer.alloc(-bytes.length & 7));
  };
  parts.push(Buffer.alloc(-out.length & 7));
  append(symtab, Buffer.concat(entries), locals);
  append(strtab, Buffer.concat(text));
  return Buffer.concat(parts);
}

/** Renames in place what debug information calls functions. `rename` returns null or a name that is not longer. */
export function renameInDebug(elf, rename) {
  const strings = sectionBytes(elf, ".debug_str");
  if (strings === null) return;
  for (let at = 0; at < strings.length;) {
    const end = strings.indexOf(0, at);
    const old = strings.toString("utf8", at, end);
    const name = rename(old);
    if (name !== null && Buffer.byteLength(name) <= end - at) {
      strings.fill(0, at, end);
      strings.write(name, at, "utf8");
    }
    at = end + 1;
  }
}
