/** Commands that change the system: install, remove, autoremove, upgrade, full-upgrade, fetch, rollback, recover. */
import type { Command } from "commander";
import type { ApplyOptions } from "../client";
import type { ChangePlan } from "../client/plan";
import { TransactionError } from "../transaction/errors";
import { UsageError } from "./exit";
import type { Run } from "./program";

interface ChangeFlags {
  downloadOnly?: boolean;
  overwrite?: boolean;
  libraries?: boolean;
  downgrade?: boolean;
  refresh?: boolean;
  autoremove?: boolean;
  exclude?: string[];
  lock?: string[];
  automatic?: boolean;
  update?: boolean;
}

const collect = (value: string, list: string[] | undefined): string[] => [...(list ?? []), value];

/** Options of commands that bring packages. */
function comingOptions(command: Command): Command {
  return command
    .option("-d, --download-only", "fetch and verify, change nothing")
    .option("--overwrite", "replace files in the way that belong to no package; rollback brings them back")
    .option("--no-libraries", "do not look for missing shared libraries")
    .option("--downgrade", "take older versions where repositories have them")
    .option("--no-refresh", "leave packages that were built again under the same version")
    .option("--exclude <pattern>", "packages that must not come; may be repeated", collect)
    .option("--lock <pattern>", "installed packages that stay as they are; may be repeated", collect)
    .option("--no-update", "do not look for new summaries first");
}

function applyOptions(flags: ChangeFlags): ApplyOptions {
  return {
    overwrite: flags.overwrite === true,
    downloadOnly: flags.downloadOnly === true,
    ignoreLibraries: flags.libraries === false,
  };
}

const requestOptions = (flags: ChangeFlags) => ({
  ...(flags.exclude === undefined ? {} : { exclude: flags.exclude }),
  ...(flags.lock === undefined ? {} : { lock: flags.lock }),
  downgrade: flags.downgrade === true,
  refresh: flags.refresh !== false,
  libraries: flags.libraries !== false,
});

export function changeCommands(program: Command, run: Run): void {
  comingOptions(program.command("install").alias("in"))
    .description("install packages, or upgrade those that are installed")
    .argument("<pattern...>", "names, patterns as in DEPENDS, paths in pkgsrc, or package files")
    .option("--automatic", "mark them as installed for another's sake")
    .action(
      run(async (context, patterns: string[], flags: ChangeFlags) => {
        if (flags.update !== false) await context.client.update({ tolerant: true, signal: context.signal });
        await context.change(
          { install: patterns, asAutomatic: flags.automatic === true, ...requestOptions(flags) },
          { ...applyOptions(flags), kind: "install", nothing: "nothing to do: installed already" },
        );
      }),
    );

  program
    .command("remove")
    .alias("rm")
    .description("remove packages and those that need them")
    .argument("<pattern...>")
    .option("--autoremove", "and automatic packages that nothing needs any more")
    .action(
      run(async (context, patterns: string[], flags: ChangeFlags) => {
        const { client } = context;
        const names = client.installedMatching(patterns);
        await context.change(
          { remove: names, autoremove: flags.autoremove === true },
          { kind: "remove", nothing: "nothing to do" },
        );
      }),
    );

  program
    .command("autoremove")
    .alias("ar")
    .description("remove automatic packages that no kept package needs")
    .action(
      run(async (context) => {
        await context.change(
          { autoremove: true },
          { kind: "autoremove", nothing: "nothing to do: every automatic package is needed" },
        );
      }),
    );

  const upgrade = (name: string, alias: string, scope: "kept" | "all", text: string): void => {
    comingOptions(program.command(name).alias(alias))
      .description(text)
      .argument("[pattern...]", "only these installed packages")
      .option("--autoremove", "then remove automatic packages that nothing needs any more")
      .action(
        run(async (context, patterns: string[], flags: ChangeFlags) => {
          const { client } = context;
          if (flags.update !== false) await client.update({ tolerant: true, signal: context.signal });
          const request = {
            upgrade: patterns.length > 0 ? client.installedMatching(patterns) : scope,
            ...requestOptions(flags),
          };
          const options = {
            ...applyOptions(flags),
            kind: "upgrade" as const,
            nothing: "nothing to do: everything is up to date",
          };
          // The package tools first: what they can do decides what is possible then.
          const first = await client.plan(request);
          if (first.toolSteps > 0 && first.toolSteps < first.steps.length) {
            context.out.line(context.out.colors.bold("the package tools first:"));
            const result = await context.carryOut(toolsOnly(first), options);
            if (result === null || flags.downloadOnly === true) return;
            context.out.line();
          }
          await context.change({ ...request, autoremove: flags.autoremove === true }, options);
        }),
      );
  };
  upgrade("upgrade", "ug", "kept", "upgrade kept packages and what they need");
  upgrade("full-upgrade", "fug", "all", "upgrade all packages");

  program
    .command("fetch")
    .description("fetch and verify packages and what they need, install nothing")
    .argument("<pattern...>")
    .option("--no-update", "do not look for new summaries first")
    .action(
      run(async (context, patterns: string[], flags: ChangeFlags) => {
        if (flags.update !== false) await context.client.update({ tolerant: true, signal: context.signal });
        await context.change(
          { install: patterns },
          { downloadOnly: true, nothing: "nothing to fetch: installed already" },
        );
      }),
    );

  program
    .command("rollback")
    .description("go back to the state before a transaction")
    .argument("[transaction]", "its number; default: the last one")
    .option("--force", "although other tools changed the installed packages since")
    .action(
      run(async (context, text: string | undefined, flags: { force?: boolean }) => {
        const { client, out } = context;
        const last = client
          .history()
          .filter((entry) => entry.undoneBy === 0)
          .at(-1);
        if (text === undefined && last === undefined) throw new TransactionError("ENOHISTORY", "the history is empty");
        if (text !== undefined && !/^\d+$/.test(text))
          throw new UsageError(`"${text}" is not the number of a transaction`);
        const to = text === undefined ? last!.id : Number(text);
        const plan = client.planRollback(to, flags.force === true);
        out.line(`undoes ${plan.undoes.map((record) => `${record.id} (${record.command})`).join(", ")}:`);
        for (const { from, to } of plan.changes) {
          if (to === null) out.line(`  remove ${from}`);
          else if (from === null) out.line(`  bring back ${to}`);
          else out.line(from === to ? `  the earlier build of ${to}` : `  ${from} -> ${to}`);
        }
        const view = { undoes: plan.undoes.map((record) => record.id), changes: plan.changes };
        if (context.flags.dryRun === true) {
          out.answer({ ...view, dryRun: true, transaction: 0 }, () =>
            out.line(out.colors.dim("dry run: nothing was changed")),
          );
          return;
        }
        if (!(await context.confirm("\nproceed?")))
          throw new TransactionError("ECANCELLED", "cancelled; nothing was changed");
        const transaction = await client.rollback(to, {
          command: context.command,
          force: flags.force === true,
          noScripts: context.flags.scripts === false,
        });
        out.answer({ ...view, transaction }, () => out.line(out.colors.green(`done: transaction ${transaction}`)));
      }),
    );

  program
    .command("recover")
    .description("end what an interrupted client left: take it back, or complete it")
    .action(
      run(async (context) => {
        const ended = await context.client.recover();
        context.out.answer({ recovered: ended.map(({ id, outcome }) => ({ transaction: id, outcome })) }, () => {
          if (ended.length === 0) context.out.line("nothing to do: no transaction was interrupted");
        });
      }),
    );
}

/** The steps that change the package tools, as a plan of its own. */
function toolsOnly(plan: ChangePlan): ChangePlan {
  const steps = plan.steps
    .slice(0, plan.toolSteps)
    .map((step) => ({ ...step, needs: step.needs.filter((n) => n < plan.toolSteps) }));
  const sum = (of: (step: (typeof steps)[number]) => number): number =>
    steps.reduce((total, step) => total + of(step), 0);
  return {
    ...plan,
    steps,
    held: [],
    orphans: [],
    download: sum((step) => Math.max(0, step.download)),
    unknownSizes: steps.filter((step) => step.download < 0).length,
    growth: sum((step) => step.growth),
  };
}
