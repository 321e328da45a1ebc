/**
 * Whether misuse is looked for where looking costs something, JavaScript side: set `ANAX_DEBUG=1` in the environment, or
 * `globalThis.ANAX_DEBUG = true` before the package is loaded.
 *
 * Neighbours: `glue/native/debug.ts`. Invariant: constant, so a check behind it is compiled away.
 */
interface Debuggable {
  readonly ANAX_DEBUG?: boolean;
  readonly process?: { readonly env?: { readonly ANAX_DEBUG?: string } };
}

function wanted(): boolean {
  const scope = globalThis as Debuggable;
  return scope.ANAX_DEBUG === true || scope.process?.env?.ANAX_DEBUG === "1";
}

export const DEBUG: boolean = wanted();
