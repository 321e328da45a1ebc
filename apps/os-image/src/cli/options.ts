/** The options that every command that starts a guest shares, and what they become. */
import { stat } from "node:fs/promises";
import { InvalidArgumentError, Option, type Command } from "commander";
import { parseAdd, type HostFile } from "../image/host-files.js";
import { debianKernel } from "../image/debian.js";
import { KERNEL } from "../paths.js";
import { CliError, Exit } from "./errors.js";
import { parseMemory } from "./qemu.js";

export interface MachineFlags {
  mem: number;
  cpus: number;
  add: HostFile[];
  append: string[];
  gdb?: boolean;
  kernel?: string;
}

/** Lets commander report a CliError as a wrong argument of the option concerned. */
const parsed =
  <T>(parse: (text: string, previous: T) => T) =>
  (text: string, previous: T): T => {
    try {
      return parse(text, previous);
    } catch (error) {
      if (error instanceof CliError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };

export function parseCount(text: string, low: number, high: number): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || n < low || n > high) {
    throw new CliError(`expected a whole number from ${low} to ${high}`, Exit.usage);
  }
  return n;
}

export function parseSeconds(text: string): number {
  const n = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || n <= 0 || n > 1e6) {
    throw new CliError("expected a number of seconds above 0", Exit.usage);
  }
  return n;
}

export const option = <T>(flags: string, description: string, parse: (text: string, previous: T) => T): Option =>
  new Option(flags, description).argParser(parsed(parse));

/** Adds the options of {@link MachineFlags}. */
export function machineOptions(command: Command, except: readonly "gdb"[] = []): Command {
  command
    .addOption(option("--mem <size>", "memory of the guest", parseMemory).default(256, "256M"))
    .addOption(option("--cpus <n>", "number of CPUs", (text) => parseCount(text, 1, 64)).default(1))
    .addOption(
      option<HostFile[]>(
        "--add <host:guest>",
        "put a file or folder of the host into the image, modes kept",
        (text, list) => [...list, parseAdd(text)],
      ).default([], "none"),
    )
    .addOption(
      option<string[]>("--append <text>", "add to the kernel's command line", (text, list) => [...list, text]).default(
        [],
        "none",
      ),
    )
    .option("--kernel <file>", 'boot another kernel; "debian" fetches Debian\'s Linux');
  if (!except.includes("gdb")) {
    command.option("--gdb", "wait for gdb on 127.0.0.1:1234 before the first instruction");
  }
  return command;
}

/** Path of the kernel to boot; the default kernel must have been built before. */
export async function kernelPath(flag: string | undefined): Promise<string> {
  if (flag === "debian") return debianKernel();
  const path = flag ?? KERNEL;
  try {
    if (!(await stat(path)).isFile()) throw new CliError(`--kernel ${path}: not a file`, Exit.noInput);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${flag === undefined ? "kernel" : "--kernel"} ${path}: no such file`, Exit.noInput);
  }
  return path;
}
