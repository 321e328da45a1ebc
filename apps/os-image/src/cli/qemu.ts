/** The QEMU machine, the same for every kernel, and its command line. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { CliError, Exit } from "./errors.js";
import { DEBUG_EXIT, KERNEL_COMMAND_LINE } from "./protocol.js";

export const QEMU = "qemu-system-x86_64";

export interface MachineOptions {
  kernel: string;
  initrd: string;
  /** Megabytes. */
  memory: number;
  cpus: number;
  /** Added to the kernel's command line. */
  append?: string;
  /** Wait for gdb on TCP port 1234 before the first instruction. */
  gdb?: boolean;
}

/** A chardev for each serial port, as the value of -chardev without its id. */
export type SerialBackends = readonly [string, string, string, string];

export function qemuArguments(machine: MachineOptions, serial: SerialBackends): string[] {
  const append = [KERNEL_COMMAND_LINE, machine.append ?? ""].filter((part) => part !== "").join(" ");
  const args = ["-M", "q35", "-cpu", "max", "-accel", "tcg", "-m", `${machine.memory}M`, "-smp", String(machine.cpus)];
  args.push("-nodefaults", "-no-reboot", "-display", "none");
  args.push("-device", `isa-debug-exit,iobase=0x${DEBUG_EXIT.iobase.toString(16)},iosize=${DEBUG_EXIT.iosize}`);
  serial.forEach((backend, port) => {
    const [kind, ...rest] = backend.split(",");
    args.push("-chardev", [kind, `id=tty${port}`, ...rest].join(","), "-serial", `chardev:tty${port}`);
  });
  if (machine.gdb === true) args.push("-gdb", "tcp:127.0.0.1:1234", "-S");
  args.push("-kernel", machine.kernel, "-initrd", machine.initrd, "-append", append);
  return args;
}

/** Parses a memory size: a number with an optional K, M or G (M without a letter). Gives megabytes. */
export function parseMemory(text: string): number {
  const match = /^(\d+)([kmg]?)$/i.exec(text);
  if (match === null) throw new CliError("expected a size such as 256M or 2G", Exit.usage);
  const unit = { k: 1 / 1024, "": 1, m: 1, g: 1024 }[match[2]!.toLowerCase()]!;
  const megabytes = Number(match[1]) * unit;
  if (!Number.isInteger(megabytes) || megabytes < 8 || megabytes > 64 * 1024) {
    throw new CliError("must be whole megabytes from 8M to 64G", Exit.usage);
  }
  return megabytes;
}

/** Absolute path of a program in PATH, or null. */
export function which(name: string): string | null {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/**
 * The command line that starts `program` so that it dies with this process, where setpriv(1) exists. QEMU on a terminal
 * wants TERM, to leave the terminal as it was.
 */
export function withParentDeath(program: string, signal: "KILL" | "TERM" = "KILL"): [string, ...string[]] {
  return which("setpriv") === null ? [program] : ["setpriv", "--pdeathsig", signal, "--", program];
}

export function requireTool(name: string, debianPackage: string): void {
  if (which(name) !== null) return;
  throw new CliError(
    `${name} is not installed; on Debian and Ubuntu: apt-get install ${debianPackage}`,
    Exit.unavailable,
  );
}
