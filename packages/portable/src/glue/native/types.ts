/**
 * Integer types of Kernel TypeScript, AssemblyScript side: i8 to u32, bool and `unchecked` are built in, so the build
 * drops their names from imports; `long` is an i64.
 */
export type long = i64;
