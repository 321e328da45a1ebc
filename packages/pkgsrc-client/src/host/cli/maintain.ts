/** Commands of upkeep: update, verify, audit, clean, history, repo. */
import fs from "node:fs";
import { Option, type Command } from "commander";
import { hostPlatform } from "../client/config";
import { Exit, UsageError } from "./exit";
import { columns, humanSize } from "./output";
import type { Run } from "./program";

function wholeNumber(text: string, what: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`${what} must be a whole number`);
  return Number(text);
}

/** `1000`, `10M`, `1.5GiB`. */
function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text);
  if (match === null) throw new UsageError(`"${text}" is no size`);
  return Math.floor(Number(match[1]) * 1024 ** " KMGT".indexOf(match[2]!.toUpperCase() || " "));
}

export function maintainCommands(program: Command, run: Run): void {
  program
    .command("update")
    .alias("up")
    .description("fetch the summaries that changed")
    .option("-f, --force", "all of them")
    .action(
      run(async (context, flags: { force?: boolean }) => {
        await context.client.update({ force: flags.force === true, signal: context.signal });
        const catalog = await context.client.catalog();
        const packages = catalog.available().length;
        const repositories = catalog.repositories.map((one) => one.url);
        context.out.answer({ packages, repositories }, () =>
          context.out.line(`${packages} packages in ${repositories.length} repositories`),
        );
      }),
    );

  program
    .command("verify")
    .description("compare installed files with their packing lists, and the database with itself")
    .argument("[pattern...]", "default: all packages")
    .action(
      run((context, patterns: string[]) => {
        const result = context.client.verify(patterns);
        if (result.findings.length > 0) context.status = Exit.no;
        context.out.answer(result, () => {
          for (const finding of result.findings)
            context.out.line(`${finding.package}: ${finding.kind} ${finding.what}`);
          context.out.line(`${result.packages} packages, ${result.files} files, ${result.findings.length} findings`);
        });
      }),
    );

  program
    .command("audit")
    .description("installed packages with known vulnerabilities")
    .argument("[pattern...]", "default: all packages")
    .option("--fetch", "fetch the list of vulnerabilities first")
    .option("-e, --eol", "and packages that are no longer maintained")
    .option("-t, --type <type>", "only this type of vulnerability")
    .option("--file <file>", "take this list")
    .action(
      run(
        async (
          context,
          patterns: string[],
          flags: { fetch?: boolean; eol?: boolean; type?: string; file?: string },
        ) => {
          const result = await context.client.audit(patterns, {
            fetch: flags.fetch === true,
            eol: flags.eol === true,
            ...(flags.type === undefined ? {} : { type: flags.type }),
            ...(flags.file === undefined ? {} : { file: flags.file }),
          });
          if (result.vulnerabilities.length > 0) context.status = Exit.no;
          context.out.answer(result, () => {
            for (const one of result.vulnerabilities) context.out.line(`${one.package}: ${one.type}, see ${one.url}`);
            context.out.line(`${result.packages} packages, ${result.vulnerabilities.length} vulnerabilities`);
          });
        },
      ),
    );

  program
    .command("clean")
    .alias("cl")
    .description("remove downloaded files, and old files of the history")
    .option("--history", "the history as far as its policy says, not the downloads")
    .option("--keep <n>", "with --history: keep the old files of the last n transactions")
    .option("--size <bytes>", "with --history: keep no more than this, for example 500M")
    .action(
      run(async (context, flags: { history?: boolean; keep?: string; size?: string }) => {
        const history = {
          ...(flags.keep === undefined ? {} : { transactions: wholeNumber(flags.keep, "--keep") }),
          ...(flags.size === undefined ? {} : { bytes: parseBytes(flags.size) }),
        };
        const wantsHistory = flags.history === true || flags.keep !== undefined || flags.size !== undefined;
        const result = await context.client.clean(wantsHistory ? { history } : { cache: true });
        context.out.answer(result, () => {
          if (wantsHistory)
            context.out.line(`${humanSize(result.historyBytes)} of ${result.transactions.length} transactions removed`);
          else context.out.line(`${humanSize(result.cacheBytes)} of downloads removed`);
        });
      }),
    );

  program
    .command("history")
    .description("past transactions, newest last")
    .argument("[transaction]", "show one of them")
    .action(
      run((context, text: string | undefined) => {
        const all = context.client.history();
        const transactions =
          text === undefined ? all : all.filter((one) => one.id === wholeNumber(text, "the transaction"));
        if (text !== undefined && transactions.length === 0) context.status = Exit.no;
        context.out.answer({ transactions }, () => {
          if (text === undefined) {
            const rows = transactions.map((one) => [
              String(one.id),
              new Date(one.time).toISOString().slice(0, 19).replace("T", " "),
              one.user,
              one.undoneBy !== 0 ? `undone by ${one.undoneBy}` : one.kept ? humanSize(one.bytes) : "cleaned",
              one.command,
            ]);
            for (const line of columns(rows)) context.out.line(line);
            if (rows.length === 0) context.out.line("the history is empty");
            return;
          }
          for (const one of transactions) {
            context.out.line(`transaction ${one.id}: ${one.command}`);
            context.out.line(`by ${one.user}, ${new Date(one.time).toISOString()}`);
            for (const change of one.changes) {
              context.out.line(
                `  ${change.action.padEnd(9)} ${change.from ?? ""}${change.from !== null && change.to !== null && change.from !== change.to ? " -> " : ""}${change.to === change.from ? "" : (change.to ?? "")}`,
              );
            }
          }
          if (transactions.length === 0) context.out.line(`there is no transaction ${text}`);
        });
      }),
    );

  program
    .command("generate")
    .description("write a repository of packages that do not exist, for trying things out")
    .argument("<directory>")
    .addOption(new Option("--packages <n>", "how many").default("200"))
    .addOption(new Option("--seed <n>", "the same seed gives the same packages").default("1"))
    .addOption(
      new Option("--later <quarters>", "as it is after so many quarters: what upgrades are tried with").default("0"),
    )
    .action(
      run(async (context, directory: string, flags: { packages: string; seed: string; later: string }) => {
        const { evolve, generateWorld, writeRepository } = await import("../generator");
        const { opsys, arch } = hostPlatform();
        let world = generateWorld({
          packages: wholeNumber(flags.packages, "--packages"),
          seed: wholeNumber(flags.seed, "--seed"),
          opsys,
          arch,
          osVersion: "1",
        });
        for (let n = wholeNumber(flags.later, "--later"); n > 0; n--) world = evolve(world);
        // The generator's C library is NetBSD's.
        const present = (library: string): boolean => !library.startsWith("/usr/lib/") || fs.existsSync(library);
        const packages = world.packages.map((p) => ({ ...p, requires: p.requires.filter(present) }));
        await writeRepository(directory, { ...world, packages });
        context.out.answer({ directory, packages: packages.length }, () =>
          context.out.line(`${directory}: ${packages.length} packages`),
        );
      }),
    );

  const repo = program.command("repo").description("the repositories that are remembered");
  repo
    .command("add")
    .description("remember a repository")
    .argument("<url>", "http, https or file URL, or a path, of the directory that has pkg_summary")
    .option("--priority <n>", "packages of a greater one are preferred, whatever their versions")
    .action(
      run(async (context, url: string, flags: { priority?: string }) => {
        if (flags.priority !== undefined && !/^-?\d+$/.test(flags.priority))
          throw new UsageError("--priority must be a whole number");
        const repository = await context.client.addRepository(url, Number(flags.priority ?? 0));
        context.out.answer({ repository }, () => context.out.line(`${repository.url} is remembered`));
      }),
    );
  repo
    .command("list")
    .alias("ls")
    .description("the repositories that hold, best first")
    .action(
      run((context) => {
        const repositories = context.client.repositories();
        context.out.answer({ repositories }, () => {
          for (const line of columns(
            repositories.map((one) => [one.url, one.priority === 0 ? "" : `priority ${one.priority}`]),
          ))
            context.out.line(line);
          if (repositories.length === 0) context.out.line(`none: "pkgc repo add URL", --repo URL or PKG_REPOS`);
        });
      }),
    );
  repo
    .command("remove")
    .alias("rm")
    .description("forget a repository")
    .argument("<url>")
    .action(
      run(async (context, url: string) => {
        await context.client.removeRepository(url);
        context.out.answer({ removed: url }, () => context.out.line(`${url} is forgotten`));
      }),
    );
}
