/**
 * The simulated machine behind the `machine` imports of a module that asc compiled.
 *
 * The declarations of `packages/machine/src/glue/native/machine.ts` are read, and each import becomes a call of the method of
 * the same name: i64 is a number on V8, `buf: usize` is the module's memory and an offset, `regs: usize` is a register file.
 * Invariant: what crosses is converted by the declared types alone, so a new import needs nothing here.
 */

const DECLARATION = /@external\("machine", "(\w+)"\) declare function \w+\(([^)]*)\): (\w+);/g;

/** The imports that native glue source declares: name, parameters as { name, type }, result type. */
export function declarations(glue) {
  return [...glue.matchAll(DECLARATION)].map(([, name, list, result]) => ({
    name,
    result,
    params: list
      .split(",")
      .map((p) => p.trim())
      .filter((p) => p !== "")
      .map((p) => {
        const [param, type] = p.split(":").map((s) => s.trim());
        return { name: param, type };
      }),
  }));
}

/**
 * The import object's `machine` part. `machine` is a `Machine` of the JavaScript side, `registers` makes a `LongArray` for
 * a register file, `slots` is its length, `memory` returns the module's memory.
 */
export function machineImports(glue, machine, { registers, slots, memory }) {
  const imports = {};
  for (const d of declarations(glue)) {
    imports[d.name] = (...raw) => {
      const args = [];
      let finish = null;
      d.params.forEach((p, i) => {
        if (p.type === "i64") args.push(Number(raw[i]));
        else if (p.type !== "usize") args.push(p.type === "u32" ? raw[i] >>> 0 : raw[i]);
        else if (p.name === "regs") {
          const words = new BigInt64Array(memory().buffer, raw[i] >>> 0, slots);
          const file = registers(slots);
          for (let k = 0; k < slots; k++) file.set(k, Number(words[k]));
          args.push(file);
          finish = () => {
            const after = new BigInt64Array(memory().buffer, raw[i] >>> 0, slots);
            for (let k = 0; k < slots; k++) after[k] = BigInt(file.get(k));
          };
        } else args.push(new Uint8Array(memory().buffer), raw[i] >>> 0);
      });
      const result = machine[d.name](...args);
      finish?.();
      return d.result === "i64" ? BigInt(result) : result;
    };
  }
  return imports;
}
