/**
 * The ESLint plugin of Kernel TypeScript. What asc rejects fails here with the alternative named, and what both compilers
 * take but mean differently fails here alone.
 *
 * Neighbours: `eslint.config.ts` at the root, which applies `ktsRules` to every core. Each rule is a file of its short name.
 */
import type { TSESLint } from "@typescript-eslint/utils";
import { ktsClasses } from "./rules/kts-classes.js";
import { ktsGlobals } from "./rules/kts-globals.js";
import { ktsSyntax } from "./rules/kts-syntax.js";
import { ktsTypes } from "./rules/kts-types.js";
import { layering } from "./rules/layering.js";
import { longOperators } from "./rules/long-operators.js";
import { noClosures } from "./rules/no-closures.js";
import { noCompoundAssignment } from "./rules/no-compound-assignment.js";
import { noFloats } from "./rules/no-floats.js";
import { noIntCasts } from "./rules/no-int-casts.js";
import { noModuleState } from "./rules/no-module-state.js";
import { noRawMemory } from "./rules/no-raw-memory.js";
import { signConversion } from "./rules/sign-conversion.js";
import { unsignedShift } from "./rules/unsigned-shift.js";
import { widenSmall } from "./rules/widen-small.js";
import { wrapArithmetic } from "./rules/wrap-arithmetic.js";
import { wrapBits } from "./rules/wrap-bits.js";
import { wrapDivision } from "./rules/wrap-division.js";

export const rules: Readonly<Record<string, TSESLint.RuleModule<string, readonly unknown[]>>> = {
  "kts-syntax": ktsSyntax,
  "kts-types": ktsTypes,
  "kts-classes": ktsClasses,
  "kts-globals": ktsGlobals,
  "no-closures": noClosures,
  "no-module-state": noModuleState,
  "no-floats": noFloats,
  "no-raw-memory": noRawMemory,
  "no-int-casts": noIntCasts,
  "wrap-arithmetic": wrapArithmetic,
  "wrap-division": wrapDivision,
  "wrap-bits": wrapBits,
  "no-compound-assignment": noCompoundAssignment,
  "long-operators": longOperators,
  "unsigned-shift": unsignedShift,
  "sign-conversion": signConversion,
  "widen-small": widenSmall,
  layering,
};

export const plugin = { meta: { name: "kts" }, rules };

/** Every rule as an error. */
export const ktsRules: Readonly<Record<string, "error">> = Object.fromEntries(
  Object.keys(rules).map((name) => [`kts/${name}`, "error"]),
);
