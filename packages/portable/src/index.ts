/**
 * @anax/portable: the prelude of Kernel TypeScript. Integer types, `long`, bits, bytes, text, containers, assertions.
 * The only package whose meaning is written twice: `glue/js` for JavaScript, `glue/native` for AssemblyScript.
 */
export { i8, u8, i16, u16, i32, u32, unchecked } from "./glue/js/types";
export type { bool, long } from "./glue/js/types";
export * from "./glue/js/long";
export * from "./glue/js/bits";
export * from "./glue/js/bytes";
export * from "./errno";
export * from "./text";
export * from "./assert";
export * from "./event-log";
export * from "./containers";
