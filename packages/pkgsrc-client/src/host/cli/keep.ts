/** Commands of the keep list: keep, unkeep, show-keep, show-no-keep, export, import. */
import fs from "node:fs";
import type { Command } from "commander";
import { columns } from "./output";
import { UsageError } from "./exit";
import type { Run } from "./program";

export function keepCommands(program: Command, run: Run): void {
  const mark = (name: string, alias: string, kept: boolean, text: string): void => {
    program
      .command(name)
      .alias(alias)
      .description(text)
      .argument("<pattern...>", "installed packages")
      .action(
        run(async (context, patterns: string[]) => {
          const { client, out, flags } = context;
          const changed = flags.dryRun === true ? client.marking(patterns, kept) : await client.keep(patterns, kept);
          out.answer({ changed, dryRun: flags.dryRun === true }, () => {
            for (const one of changed)
              out.line(`${one} is ${kept ? "kept" : "automatic"}${flags.dryRun === true ? " then" : " now"}`);
            if (changed.length === 0) out.line("nothing to do");
          });
        }),
      );
  };
  mark("keep", "ke", true, "mark installed packages as kept: autoremove leaves them");
  mark("unkeep", "uk", false, "mark installed packages as automatic: autoremove may take them");

  const show = (name: string, aliases: readonly string[], automatic: boolean, text: string): void => {
    const command = program.command(name).description(text);
    for (const alias of aliases) command.alias(alias);
    command.action(
      run((context) => {
        const packages = context.client.list().filter((p) => p.automatic === automatic);
        context.out.answer({ packages }, () => {
          for (const line of columns(packages.map((p) => [p.name, p.comment]))) context.out.line(line);
        });
      }),
    );
  };
  show("show-keep", ["sk", "pk"], false, "kept packages");
  show("show-no-keep", ["snk"], true, "automatic packages");

  program
    .command("export")
    .alias("ex")
    .description("the keep list: where kept packages were built in pkgsrc, for import")
    .argument("[file]", "default: standard output")
    .action(
      run((context, file: string | undefined) => {
        const packages = context.client.exportKept();
        if (file !== undefined) fs.writeFileSync(file, packages.map((one) => `${one}\n`).join(""));
        context.out.answer({ packages }, () => {
          if (file === undefined) for (const one of packages) context.out.line(one);
        });
      }),
    );

  program
    .command("import")
    .alias("im")
    .description("install and keep the packages of a list")
    .argument("<file>", "as export writes it; - is standard input")
    .action(
      run(async (context, file: string) => {
        const text = fs.readFileSync(file === "-" ? 0 : file, "utf8");
        const words = text
          .split("\n")
          .map((line) => line.replace(/#.*/, "").trim())
          .filter((line) => line !== "");
        if (words.length === 0) throw new UsageError(`${file}: the list is empty`);
        await context.client.update({ tolerant: true, signal: context.signal });
        await context.change(
          { install: words },
          { kind: "install", nothing: "nothing to do: all of them are installed" },
        );
      }),
    );
}
