/** The C programs of test/programs, compiled for the guest. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { compileStatic } from "../../src/image/programs.js";
import { APP } from "../../src/paths.js";

const PROGRAMS = join(APP, "test/programs");
/** The programs hand wrong pointers and lengths to the kernel on purpose. */
const FLAGS = ["-Wno-stringop-overflow", "-Wno-stringop-overread", "-Wno-nonnull"];

export async function usertests(): Promise<string> {
  const folder = join(PROGRAMS, "usertests");
  const files = (await readdir(folder)).filter((name) => name !== "ut.c").sort();
  return compileStatic(
    ["ut.c", ...files].map((name) => join(folder, name)),
    FLAGS,
  );
}

export function program(name: string): Promise<string> {
  return compileStatic([join(PROGRAMS, `${name}.c`)], FLAGS);
}
