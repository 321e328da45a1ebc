/** The C programs of test/programs, compiled for the guest. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { compile, compileStatic } from "../../src/image/programs.js";
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

/** abi-compat's tests of the Linux interface from inside, as one program. */
export async function abitests(): Promise<string> {
  const folder = join(APP, "../../packages/abi-compat/test/programs");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".c")).sort();
  return compileStatic(
    files.map((name) => join(folder, name)),
    ["-std=gnu17", "-w", "-fno-stack-protector", "-pthread"],
  );
}

/** Compiles a program that needs shared libraries; gives it and them as values of --add. */
export async function dynamicProgram(name: string): Promise<string[]> {
  const path = await compile([join(PROGRAMS, `${name}.c`)], ["-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-lm"]);
  const { stdout } = await execa("ldd", [path]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1]!);
  return [`${path}:/bin/${name}`, ...libraries.map((file) => `${file}:${file}`)];
}

export function program(name: string): Promise<string> {
  return compileStatic([join(PROGRAMS, `${name}.c`)], FLAGS);
}
