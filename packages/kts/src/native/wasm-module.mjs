/**
 * Reads the parts of a WebAssembly binary that the kernel build needs besides the code: types, imports, globals, the
 * function table, data, and the names of functions.
 *
 * Source: WebAssembly core specification 2.0, chapter 5, and its appendix on the name section. Constant expressions other
 * than i32.const and i64.const do not come from asc and are refused.
 */

const VALUE_TYPES = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x7b: "v128",
  0x70: "funcref",
  0x6f: "externref",
};

class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++];
  }

  u32() {
    let v = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.byte();
      v += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) return v;
    }
  }

  signed() {
    let v = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const b = this.byte();
      v |= BigInt(b & 0x7f) << shift;
      if (b < 0x80) return b & 0x40 ? v - (1n << (shift + 7n)) : v;
    }
  }

  take(n) {
    this.at += n;
    return this.bytes.subarray(this.at - n, this.at);
  }

  name() {
    return Buffer.from(this.take(this.u32())).toString("utf8");
  }

  list(read) {
    return Array.from({ length: this.u32() }, () => read());
  }

  constant() {
    const op = this.byte();
    if (op !== 0x41 && op !== 0x42) throw new Error(`constant expression with opcode ${op}`);
    const value = this.signed();
    if (this.byte() !== 0x0b) throw new Error("constant expression with more than one instruction");
    return value;
  }

  limits() {
    const flags = this.byte();
    return { initial: this.u32(), maximum: flags & 1 ? this.u32() : null };
  }
}

/**
 * `{ types, functions, globals, memoryPages, exports, start, elements, data }`. `functions` are in index order, imported
 * ones first: `{ index, name, type, import: { module, name } | null, body: { start, end } }`; `globals`: `{ type, value }`; `elements` and `data`:
 * `{ offset, functions }`, `{ offset, bytes }`.
 */
export function readModule(bytes) {
  const module = {
    types: [],
    functions: [],
    globals: [],
    memoryPages: 0,
    exports: [],
    start: null,
    tableSize: 0,
    elements: [],
    data: [],
  };
  const r = new Reader(bytes, 8);
  if (Buffer.from(bytes.subarray(0, 4)).toString("latin1") !== "\0asm") throw new Error("not a WebAssembly module");
  const valueType = () => VALUE_TYPES[r.byte()];
  while (r.at < bytes.length) {
    const id = r.byte();
    const size = r.u32();
    const end = r.at + size;
    if (id === 0 && r.name() === "name") readNames(r, end, module);
    else if (id === 1)
      module.types = r.list(() => (r.byte(), { params: r.list(valueType), results: r.list(valueType) }));
    else if (id === 2) {
      for (let n = r.u32(); n > 0; n--) {
        const from = { module: r.name(), name: r.name() };
        if (r.byte() !== 0) throw new Error(`import ${from.module}.${from.name} is not a function`);
        module.functions.push({
          index: module.functions.length,
          name: `${from.module}.${from.name}`,
          type: module.types[r.u32()],
          import: from,
        });
      }
    } else if (id === 3) {
      for (let n = r.u32(); n > 0; n--) {
        const index = module.functions.length;
        module.functions.push({ index, name: `function-${index}`, type: module.types[r.u32()], import: null });
      }
    } else if (id === 4) {
      if (r.u32() > 0) {
        r.byte();
        module.tableSize = r.limits().initial;
      }
    } else if (id === 5) {
      if (r.u32() > 0) module.memoryPages = r.limits().initial;
    } else if (id === 6)
      module.globals = r.list(() => ({ type: valueType(), mutable: r.byte() === 1, value: r.constant() }));
    else if (id === 7) module.exports = r.list(() => ({ name: r.name(), kind: r.byte(), index: r.u32() }));
    else if (id === 8) module.start = r.u32();
    else if (id === 9) {
      module.elements = r.list(() => {
        if (r.u32() !== 0) throw new Error("only active function elements of table 0 are known");
        return { offset: Number(r.constant()), functions: r.list(() => r.u32()) };
      });
    } else if (id === 10) {
      const defined = module.functions.filter((f) => f.import === null);
      for (let i = 0, n = r.u32(); i < n; i++) {
        const length = r.u32();
        defined[i].body = { start: r.at, end: r.at + length };
        r.at += length;
      }
    } else if (id === 11) {
      module.data = r.list(() => {
        if (r.u32() !== 0) throw new Error("only active data segments of memory 0 are known");
        const offset = Number(r.constant());
        return { offset, bytes: r.take(r.u32()) };
      });
    }
    r.at = end;
  }
  return module;
}

function readNames(r, end, module) {
  while (r.at < end) {
    const id = r.byte();
    const size = r.u32();
    const next = r.at + size;
    if (id === 1) {
      for (let n = r.u32(); n > 0; n--) {
        const index = r.u32();
        module.functions[index].name = r.name();
      }
    }
    r.at = next;
  }
}

/** The bytes of linear memory from `base` to the end of the last data segment. */
export function memoryImage(module, base) {
  const end = module.data.reduce((most, d) => Math.max(most, d.offset + d.bytes.length), base);
  const image = new Uint8Array(end - base);
  for (const d of module.data) {
    if (d.offset < base) throw new Error(`data at ${d.offset} below the memory base ${base}`);
    image.set(d.bytes, d.offset - base);
  }
  return image;
}
