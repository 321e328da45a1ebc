/** The command line of `anax`. */
import { Command, CommanderError } from "commander";
import { boot } from "./boot.js";
import { CliError, EXIT_STATUS_HELP, Exit } from "./errors.js";
import { machineOptions, option, parseSeconds, type MachineFlags } from "./options.js";
import { run, type RunFlags } from "./run.js";
import { dieByCaughtSignal } from "./signals.js";

export function program(setStatus: (status: number) => void): Command {
  const anax = new Command("anax")
    .description("Builds, boots and measures Anax in QEMU.")
    .version("0.1.0")
    .showHelpAfterError("(--help explains)")
    .addHelpText("after", EXIT_STATUS_HELP);

  machineOptions(anax.command("boot"))
    .description("an interactive shell on this terminal; ^A x leaves")
    .action(async (flags: MachineFlags) => setStatus(await boot(flags)));

  machineOptions(anax.command("run"))
    .description("run a command in a guest: its stdout, stderr and exit status become ours")
    .argument("[command...]", "the command and its arguments, after --")
    .addOption(option("--timeout <seconds>", "give up after this time, with status 124", parseSeconds))
    .option("--stdin <file>", "standard input of the command; - is this one's (default: empty)")
    .option("--log <file>", "write the guest's console to a file")
    .addHelpText("after", EXIT_STATUS_HELP)
    .action(async (command: string[], flags: RunFlags) => setStatus(await run(command, flags)));

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
