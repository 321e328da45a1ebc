/** Commands that ask: search, avail, info, list, files, owner, dependencies, why, graph, libraries, categories, statistics. */
import fs from "node:fs";
import type { Command } from "commander";
import type { DependencyNode } from "../client";
import type { PackageInfo, PackageSummary } from "../client/catalog";
import { PackageError } from "../errors";
import { Exit, UsageError } from "./exit";
import { columns, humanSize } from "./output";
import type { Context } from "./context";
import type { Run } from "./program";

/** The best package that matches. @throws PackageError ENOTFOUND */
async function need(context: Context, pattern: string, installed = false): Promise<PackageInfo> {
  const info = await context.client.info(pattern, installed);
  if (info === null) throw new PackageError("ENOTFOUND", `no package matches ${pattern}`);
  return info;
}

function showTree(context: Context, node: DependencyNode, lead = "", branch = ""): void {
  const { out } = context;
  const mark = node.pattern === "" || node.pattern === node.name ? "" : out.colors.dim(` (${node.pattern})`);
  const name =
    node.name === ""
      ? out.colors.red(`nothing meets ${node.pattern}`)
      : node.installed
        ? out.colors.bold(node.name)
        : node.name;
  out.line(`${lead}${branch}${name}${node.name === "" ? "" : mark}${node.repeated ? out.colors.dim(" (above)") : ""}`);
  const next = lead + (branch === "" ? "" : branch.startsWith("`") ? "   " : "|  ");
  node.children.forEach((child, i) => showTree(context, child, next, i === node.children.length - 1 ? "`- " : "|- "));
}

function showInfo(context: Context, info: PackageInfo): void {
  const { out } = context;
  const rows: [string, string][] = [
    ["name", info.name],
    ["comment", info.comment],
    ["from", info.repository ?? `installed${info.automatic ? ", automatic" : ""}`],
    ["path", info.pkgpath],
    ["categories", info.categories.join(" ")],
    ["homepage", info.homepage],
    ["license", info.license],
    ["size", `${humanSize(info.size)}${info.fileSize >= 0 ? `, ${humanSize(info.fileSize)} to fetch` : ""}`],
    ["built", `${info.buildDate} for ${info.opsys} ${info.osVersion} ${info.machineArch}`],
    ["options", info.options],
    ["depends", info.depends.join(" ")],
    ["conflicts", info.conflicts.join(" ")],
    ["supersedes", info.supersedes.join(" ")],
    ["provides", info.provides.join(" ")],
    ["requires", info.requires.join(" ")],
  ];
  for (const [name, value] of rows) if (value.trim() !== "") out.line(`${out.colors.bold(name.padEnd(12))}${value}`);
  if (info.description.trim() !== "") out.line(`\n${info.description.trimEnd()}`);
}

function showPackages(context: Context, packages: readonly PackageSummary[]): void {
  const { out } = context;
  for (const line of columns(packages.map((p) => [p.name, p.comment]))) out.line(line);
}

export function queryCommands(program: Command, run: Run): void {
  program
    .command("search")
    .alias("se")
    .description("packages whose name or comment has a text")
    .argument("<text>", "case does not matter")
    .option("-e, --regex", "it is a regular expression (ECMAScript)")
    .option("-g, --glob", "it is a shell pattern for the name")
    .option("--names", "look at names only")
    .action(
      run(async (context, text: string, flags: { regex?: boolean; glob?: boolean; names?: boolean }) => {
        const mode = flags.regex === true ? "regex" : flags.glob === true ? "glob" : "text";
        const found = await context.client.search(text, { mode, comments: flags.names !== true });
        if (found.length === 0) context.status = Exit.no;
        context.out.answer({ packages: found }, () => {
          const { colors } = context.out;
          for (const line of columns(
            found.map((p) => [`${p.name} ${p.state === "" ? "" : colors.green(p.state)}`, p.comment]),
          ))
            context.out.line(line);
          if (found.length === 0) context.out.line(`no package has ${text}`);
          else if (found.some((p) => p.state !== "")) {
            context.out.line();
            context.out.line(
              colors.dim("=: installed   <: installed, this one is newer   >: installed, this one is older"),
            );
          }
        });
      }),
    );

  program
    .command("avail")
    .alias("av")
    .description("the best package of each name that the repositories have")
    .action(
      run(async (context) => {
        const catalog = await context.client.catalog();
        const packages = catalog.bestAvailable().map((p) => catalog.summary(p));
        packages.sort((a, b) => (a.name < b.name ? -1 : 1));
        context.out.answer({ packages }, () => showPackages(context, packages));
      }),
    );

  program
    .command("info")
    .alias("pd")
    .alias("pkg-descr")
    .description("everything that is known of a package")
    .argument("<pattern>")
    .option("--installed", "of the installed package, not of the repository's")
    .action(
      run(async (context, pattern: string, flags: { installed?: boolean }) => {
        const info = await need(context, pattern, flags.installed === true);
        context.out.answer(info, () => showInfo(context, info));
      }),
    );

  program
    .command("pkg-build-defs")
    .alias("pbd")
    .description("how a package was built")
    .argument("<pattern>")
    .action(
      run(async (context, pattern: string) => {
        const info = await need(context, pattern);
        const variables = await context.client.record(info.name, info.repository);
        context.out.answer({ name: info.name, variables: Object.fromEntries(variables) }, () => {
          for (const [name, values] of variables) {
            if (name !== "DESCRIPTION") for (const value of values) context.out.line(`${name}=${value}`);
          }
        });
      }),
    );

  program
    .command("list")
    .alias("ls")
    .description("installed packages")
    .option("--keep", "only kept ones")
    .option("--automatic", "only automatic ones")
    .action(
      run((context, flags: { keep?: boolean; automatic?: boolean }) => {
        const packages = context.client
          .list()
          .filter(
            (p) => (flags.keep === true ? !p.automatic : true) && (flags.automatic === true ? p.automatic : true),
          );
        context.out.answer({ packages }, () => showPackages(context, packages));
      }),
    );

  program
    .command("files")
    .description("files of installed packages")
    .argument("<pattern>")
    .action(
      run((context, pattern: string) => {
        const packages = context.client.files(pattern);
        context.out.answer({ packages }, () => {
          for (const { files } of packages) for (const file of files) context.out.line(file);
        });
      }),
    );

  program
    .command("pkg-content")
    .alias("pc")
    .description("files of a package of the repositories; it is fetched for that")
    .argument("<pattern>")
    .action(
      run(async (context, pattern: string) => {
        const { name, files } = await context.client.packageContent(pattern);
        context.out.answer({ name, files }, () => {
          for (const file of files) context.out.line(file);
        });
      }),
    );

  program
    .command("owner")
    .description("the installed package that a file belongs to")
    .argument("<file...>")
    .action(
      run((context, files: string[]) => {
        const owners = files.map((file) => ({ file, packages: context.client.owner(file) }));
        if (owners.some((one) => one.packages.length === 0)) context.status = Exit.no;
        context.out.answer({ files: owners }, () => {
          for (const { file, packages } of owners)
            context.out.line(`${file}: ${packages.join(" ") || "belongs to no package"}`);
        });
      }),
    );

  const dependencies = (
    name: string,
    alias: string,
    text: string,
    options: { full: boolean; reverse: boolean },
  ): void => {
    program
      .command(name)
      .alias(alias)
      .description(text)
      .argument("<pattern>")
      .action(
        run(async (context, pattern: string) => {
          const tree = await context.client.dependencies(pattern, { ...options });
          context.out.answer({ tree }, () => showTree(context, tree));
        }),
      );
  };
  dependencies("show-deps", "sd", "what a package needs", { full: false, reverse: false });
  dependencies("show-full-deps", "sfd", "what a package needs, and what that needs", { full: true, reverse: false });
  dependencies("show-rev-deps", "srd", "installed packages that need a package, directly or not", {
    full: true,
    reverse: true,
  });

  program
    .command("why")
    .description("why a package is installed: the chain from a package that is kept")
    .argument("<pattern>")
    .action(
      run((context, pattern: string) => {
        const chains = context.client.why(pattern);
        context.out.answer({ packages: chains }, () => {
          for (const { name, chain, kept } of chains) {
            if (kept) context.out.line(`${name} is kept`);
            else if (chain.length === 0)
              context.out.line(`${name} is automatic and nothing kept needs it: autoremove takes it`);
            else context.out.line(chain.join(" -> "));
          }
        });
      }),
    );

  program
    .command("graph")
    .description("a picture (SVG) of what packages need")
    .argument("[pattern...]", "default: all kept packages")
    .option("-o, --output <file>", "write it there; default: standard output")
    .option("--reverse", "what needs them")
    .option("--depth <n>", "no further than this", Number)
    .action(
      run(async (context, patterns: string[], flags: { output?: string; reverse?: boolean; depth?: number }) => {
        if (flags.depth !== undefined && !Number.isInteger(flags.depth))
          throw new UsageError("--depth must be a whole number");
        const { svg, graph } = await context.client.graph(patterns, {
          reverse: flags.reverse === true,
          ...(flags.depth === undefined ? {} : { depth: flags.depth }),
        });
        if (flags.output !== undefined) fs.writeFileSync(flags.output, svg);
        context.out.answer({ ...graph, ...(flags.output === undefined ? { svg } : { file: flags.output }) }, () => {
          if (flags.output === undefined) process.stdout.write(svg);
          else context.out.line(`${flags.output}: ${graph.nodes.length} packages, ${graph.edges.length} dependencies`);
        });
      }),
    );

  const libraries = (name: "provides" | "requires", alias: string, text: string): void => {
    program
      .command(name)
      .alias(alias)
      .description(text)
      .argument("<pattern>")
      .action(
        run(async (context, pattern: string) => {
          const info = await need(context, pattern);
          context.out.answer({ name: info.name, libraries: info[name] }, () => {
            for (const library of info[name]) context.out.line(library);
          });
        }),
      );
  };
  libraries("provides", "prov", "shared libraries that a package provides");
  libraries("requires", "req", "shared libraries that a package requires");

  program
    .command("show-category")
    .alias("sc")
    .description("packages of a category")
    .argument("<category>")
    .action(
      run(async (context, category: string) => {
        const packages = await context.client.ofCategory(category);
        if (packages.length === 0) context.status = Exit.no;
        context.out.answer({ packages }, () => showPackages(context, packages));
      }),
    );

  program
    .command("show-pkg-category")
    .alias("spc")
    .description("categories of a package")
    .argument("<pattern>")
    .action(
      run(async (context, pattern: string) => {
        const info = await need(context, pattern);
        context.out.answer({ name: info.name, categories: info.categories }, () =>
          context.out.line(info.categories.join(" ")),
        );
      }),
    );

  program
    .command("show-all-categories")
    .alias("sac")
    .description("all categories")
    .action(
      run(async (context) => {
        const categories = await context.client.categories();
        context.out.answer({ categories }, () => {
          for (const category of categories) context.out.line(category);
        });
      }),
    );

  program
    .command("stats")
    .alias("st")
    .description("numbers and sizes of installed and available packages")
    .action(
      run(async (context) => {
        const catalog = await context.client.catalog();
        const sum = (list: readonly number[]): number =>
          list.reduce((total, p) => total + catalog.universe.sizeOf(p), 0);
        const installed = catalog.installed();
        const available = catalog.available();
        const automatic = installed.filter((p) => catalog.universe.isAutomatic(p)).length;
        const value = {
          installed: { packages: installed.length, automatic, bytes: sum(installed) },
          available: { packages: available.length, repositories: catalog.repositories.length, bytes: sum(available) },
        };
        context.out.answer(value, () => {
          context.out.line(
            `installed: ${installed.length} packages (${automatic} automatic), ${humanSize(value.installed.bytes)}`,
          );
          context.out.line(
            `available: ${available.length} packages in ${catalog.repositories.length} repositories, ${humanSize(value.available.bytes)}`,
          );
        });
      }),
    );
}
