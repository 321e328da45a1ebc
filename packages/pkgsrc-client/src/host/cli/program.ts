/**
 * The command line of `pkgc`: options that hold for every command, and the commands by group.
 *
 * Neighbours: `change.ts`, `query.ts`, `keep.ts`, `maintain.ts` (the groups), `main.ts` (runs it). Invariant: a command writes its answer once, through `Output.answer`.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { changeCommands } from "./change";
import { Context, type GlobalFlags } from "./context";
import { EXIT_STATUS_HELP } from "./exit";
import { keepCommands } from "./keep";
import { maintainCommands } from "./maintain";
import { queryCommands } from "./query";

/** Makes commander's action of a function with a context. */
export type Run = <A extends unknown[]>(
  action: (context: Context, ...args: A) => void | Promise<void>,
) => (...args: unknown[]) => Promise<void>;

const number =
  (low: number, high: number) =>
  (text: string): number => {
    const n = Number(text);
    if (!/^\d+$/.test(text) || n < low || n > high)
      throw new InvalidArgumentError(`Expected a whole number from ${low} to ${high}.`);
    return n;
  };

const collect = (value: string, list: string[] | undefined): string[] => [...(list ?? []), value];

export function makeProgram(version: string, run: Run): Command {
  const program = new Command("pkgc")
    .description("Packages of pkgsrc: installs, upgrades and rolls back without leaving a broken system.")
    .version(version, "-v, --version")
    .showHelpAfterError("(--help explains)")
    .option("-n, --dry-run", "show the plan, change nothing")
    .option("-y, --yes", "do not ask")
    .option("--json", "one JSON document in place of text")
    .option("-V, --verbose", "more words: output of scripts, what was verified")
    .option("-p, --prefix <dir>", "where packages go, in place of the prefix that they were built for")
    .option("-K, --dbdir <dir>", "the package database (PKG_DBDIR)")
    .option("-P, --destdir <dir>", "in front of every path, as for an image")
    .option("--statedir <dir>", "journal, history and downloads; default: DBDIR.pkgc")
    .addOption(
      new Option(
        "-R, --repo <url>",
        "this repository in place of the remembered ones, PRIORITY@URL for a priority; may be repeated",
      ).argParser(collect),
    )
    .addOption(
      new Option("--verify <policy>", "how much signatures count").choices([
        "never",
        "trusted",
        "always",
        "interactive",
      ]),
    )
    .addOption(
      new Option("--key <file>", "trusted OpenPGP keys or X.509 certificates; may be repeated").argParser(collect),
    )
    .addOption(new Option("--parallel <n>", "downloads at the same time").argParser(number(1, 64)))
    .option("--no-scripts", "do not run INSTALL and DEINSTALL scripts, @exec and @unexec")
    .addOption(new Option("--script-timeout <seconds>", "limit for one script").argParser(number(1, 86_400)))
    .option("--no-sync", "do not wait for the disk: faster, and safe against crashes but not against power cuts")
    .option("--any-platform", "take packages for another operating system or machine")
    .addHelpText("after", EXIT_STATUS_HELP);
  changeCommands(program, run);
  queryCommands(program, run);
  keepCommands(program, run);
  maintainCommands(program, run);
  return program;
}

export type { GlobalFlags };
