/** The command line of `anax`. */
import { Command, CommanderError } from "commander";
import { bench, type BenchFlags } from "./bench.js";
import { boot } from "./boot.js";
import { build, type BuildFlags } from "./build.js";
import { debug, type DebugFlags } from "./debug.js";
import { CliError, EXIT_STATUS_HELP, Exit } from "./errors.js";
import { machineOptions, option, parseCount, parseSeconds, type MachineFlags } from "./options.js";
import { parseMemory } from "./qemu.js";
import { run, type RunFlags } from "./run.js";
import { dieByCaughtSignal } from "./signals.js";

export function program(setStatus: (status: number) => void): Command {
  const anax = new Command("anax")
    .description("Builds, boots and measures Anax in QEMU.")
    .version("0.1.0")
    .showHelpAfterError("(--help explains)")
    .enablePositionalOptions()
    .addHelpText("after", EXIT_STATUS_HELP);

  machineOptions(anax.command("boot"))
    .description("an interactive shell on this terminal; ^A x leaves")
    .action(async (flags: MachineFlags) => setStatus(await boot(flags)));

  machineOptions(anax.command("run"))
    .description("run a command in a guest: its stdout, stderr and exit status become ours")
    .passThroughOptions()
    .argument("[command...]", "the command and its arguments, after --")
    .addOption(option("--timeout <seconds>", "give up after this time, with status 124", parseSeconds))
    .option("--stdin <file>", "standard input of the command; - is this one's (default: empty)")
    .option("--log <file>", "write the guest's console to a file")
    .addHelpText("after", EXIT_STATUS_HELP)
    .action(async (command: string[], flags: RunFlags) => setStatus(await run(command, flags)));

  anax
    .command("build")
    .description("build the kernel and the image")
    .option("--no-kernel", "only the image")
    .option("--no-image", "only the kernel")
    .option("--gzip", "compress the image")
    .option("--json", "print paths and sizes as JSON")
    .action(async (flags: BuildFlags) => setStatus(await build(flags)));

  anax
    .command("bench")
    .description("measure Anax and Debian's Linux in the same QEMU, in turn")
    .addOption(option("--runs <n>", "how often", (text) => parseCount(text, 1, 100)).default(3))
    .addOption(
      option<string[]>("--only <name>", "only this measurement (boot, getpid, ...); may be repeated", (text, list) => [
        ...list,
        text,
      ]).default([], "all"),
    )
    .addOption(option("--mem <size>", "memory of both guests", parseMemory).default(256, "256M"))
    .addOption(option("--timeout <seconds>", "limit for one guest", parseSeconds).default(300))
    .option("--kernel <file>", "measure another kernel in place of Anax")
    .option("--json", "print rows of name, unit, ours, peer, peerName, ratio as JSON")
    .action(async (flags: BenchFlags) => setStatus(await bench(flags)));

  machineOptions(anax.command("debug"), ["gdb"])
    .description("start a guest under gdb with the kernel's symbols")
    .passThroughOptions()
    .argument("[command...]", "run this in place of an interactive shell, after --")
    .addOption(
      option<string[]>("--ex <command>", "a gdb command to start with; may be repeated", (text, list) => [
        ...list,
        text,
      ]).default([], "none"),
    )
    .option("--batch", "leave gdb after the commands of --ex")
    .addHelpText("after", `\nExample:\n  anax debug --ex "break 'Pipe#read'" --ex continue\n`)
    .action(async (command: string[], flags: DebugFlags) => setStatus(await debug(command, flags)));

  return anax;
}

export async function main(args: string[]): Promise<void> {
  let status: number = Exit.ok;
  const anax = program((s) => (status = s));
  const everyCommand = [anax, ...anax.commands];
  for (const command of everyCommand) command.exitOverride();
  try {
    await anax.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed the help or what was wrong.
      status = error.exitCode === 0 ? Exit.ok : Exit.usage;
    } else if (error instanceof CliError) {
      process.stderr.write(`anax: ${error.message}\n`);
      status = error.exitCode;
    } else {
      throw error;
    }
  }
  dieByCaughtSignal();
  process.exitCode = status;
}
