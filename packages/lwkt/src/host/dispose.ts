/**
 * `Symbol.dispose` and `Symbol.asyncDispose` for hosts that do not have them yet (Safari; TypeScript's `using` needs no more).
 * Must be the first import of the entry: classes name their methods by these symbols.
 */
const symbols = Symbol as unknown as Record<"dispose" | "asyncDispose", symbol | undefined>;

for (const name of ["dispose", "asyncDispose"] as const) {
  if (symbols[name] === undefined) Object.defineProperty(Symbol, name, { value: Symbol.for(`Symbol.${name}`) });
}
