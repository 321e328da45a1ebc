/**
 * The command line: `anax-scheduler simulate`, `compare`, `draw`, `list`.
 *
 * Neighbours: `cli/*`. Invariant: output files appear only when everything went well; what is wrong with an input is one line on stderr
 * that names the option, or the file with line and field, and the exit status says which.
 */
import { Command, CommanderError } from "commander";
import { CliError, EXIT_STATUS_HELP, Exit } from "./cli/errors";
import { checkOutputs, Outputs, readTrace, reason } from "./cli/files";
import {
  pictureOptions,
  policiesOf,
  runOptions,
  simulateOptions,
  type PictureFlags,
  type RunFlags,
} from "./cli/options";
import { Progress } from "./cli/progress";
import { InputError } from "./errors";
import { writePerfetto } from "./output/perfetto";
import { timelineSvg } from "./output/svg";
import { comparisonText, statisticsText } from "./output/tables";
import { policyNames, simulate } from "./simulate";
import { writeNdjson } from "./trace/ndjson";
import { Trace } from "./trace/trace";
import { formatDuration } from "./units";
import { preset, presetNames } from "./workload/presets";

type Flags = RunFlags & PictureFlags & { policy: string };

function print(text: string): void {
  try {
    process.stdout.write(text);
  } catch (error) {
    throw unwritable(error);
  }
}

/** A full disk, for example. Of a file it is thrown, of a pipe it is an event. */
const unwritable = (error: unknown): CliError => new CliError(`standard output: ${reason(error)}`, Exit.cannotCreate);

const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function draw(outputs: Outputs, trace: Trace, flags: PictureFlags, name: (file: string) => string): void {
  const { svg, trace: perfetto, events, width, from, to } = flags;
  const range = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  if (from !== undefined && to !== undefined && to <= from) throw new CliError("--to is not after --from", Exit.usage);
  if (from !== undefined && from >= trace.end) {
    const [begin, end] = [formatDuration(from), formatDuration(trace.end)];
    throw new CliError(`--from ${begin} is not before the end of what was recorded, ${end}`, Exit.usage);
  }
  if (svg !== undefined) outputs.write(name(svg), [timelineSvg(trace, { ...range, width })]);
  if (perfetto !== undefined) outputs.write(name(perfetto), writePerfetto(trace, range));
  if (events !== undefined) outputs.write(name(events), writeNdjson(trace));
}

const wantsPictures = (flags: PictureFlags): boolean =>
  flags.svg !== undefined || flags.trace !== undefined || flags.events !== undefined;

/** All outputs or none, standard output included: `work` returns what goes there. */
function writing(flags: PictureFlags, work: (outputs: Outputs) => string): void {
  if (flags.svg === undefined && flags.trace === undefined && (flags.from ?? flags.to) !== undefined) {
    throw new CliError("--from and --to are of --svg and --trace", Exit.usage);
  }
  checkOutputs({ "--svg": flags.svg, "--trace": flags.trace, "--events": flags.events });
  const outputs = new Outputs();
  try {
    const text = work(outputs);
    outputs.commit();
    print(text);
  } finally {
    outputs.discard();
  }
}

function simulateOne(flags: Flags): void {
  const [policy, ...more] = policiesOf(flags.policy);
  if (more.length > 0) throw new CliError("--policy: simulate takes one policy; compare takes several", Exit.usage);
  writing(flags, (outputs) => {
    const { statistics, recording } = run(simulateOptions(flags), policy!, flags);
    if (recording !== null) draw(outputs, recording, flags, (file) => file);
    return flags.json === true ? jsonText(statistics) : statisticsText(statistics);
  });
}

function run(options: ReturnType<typeof simulateOptions>, policy: string, flags: Flags): ReturnType<typeof simulate> {
  const progress = new Progress(policy, flags.quiet);
  // A replay has no end that is known before; the trace's own is near it.
  const until = options.workload instanceof Trace ? options.workload.end * 1.01 : Infinity;
  try {
    return simulate({
      ...options,
      policy,
      record: wantsPictures(flags),
      onProgress: (now, end) => progress.update(now, Math.min(end, until)),
    });
  } catch (error) {
    if (error instanceof InputError && error.file === undefined) throw error.at("", { file: flags.workload });
    throw error;
  } finally {
    progress.stop();
  }
}

function compareAll(flags: Flags): void {
  const policies = policiesOf(flags.policy);
  writing(flags, (outputs) => {
    const options = simulateOptions(flags);
    const all = policies.map((policy) => {
      const { statistics, recording } = run(options, policy, flags);
      // out.svg becomes out.dfly.svg.
      const named = (file: string): string => file.replace(/(\.[^./\\]*)?$/, (extension) => `.${policy}${extension}`);
      if (recording !== null) draw(outputs, recording, flags, named);
      return statistics;
    });
    return flags.json === true ? jsonText(all) : comparisonText(all);
  });
}

function drawFile(file: string, flags: PictureFlags): void {
  if (!wantsPictures(flags)) throw new CliError("draw: give --svg, --trace or --events", Exit.usage);
  writing(flags, (outputs) => {
    draw(outputs, readTrace(file, "draw"), flags, (name) => name);
    return "";
  });
}

function list(flags: { json?: boolean }): void {
  const policies = policyNames();
  const presets = presetNames();
  if (flags.json === true) return print(jsonText({ policies, presets }));
  const width = Math.max(...presets.map(({ name }) => name.length));
  print(`policies: ${policies.join(", ")}\n\nworkloads:\n`);
  for (const { name, about } of presets) print(`  ${name.padEnd(width)}  ${about}\n`);
}

function program(version: string): Command {
  const all = new Command("anax-scheduler")
    .description(
      "Simulates schedulers: a workload or a recorded trace, any topology up to 4,096 CPUs, several policies.",
    )
    .version(version, "-v, --version")
    .showHelpAfterError("(--help explains)")
    .addHelpText("after", EXIT_STATUS_HELP);

  pictureOptions(runOptions(all.command("simulate")))
    .description("run a workload under one policy")
    .option("-p, --policy <name>", policyNames().join(", "), "dfly")
    .addHelpText(
      "after",
      "\nExample:\n  anax-scheduler simulate -w desktop -t 2x4x2 -d 3s --svg desktop.svg --trace desktop.json\n",
    )
    .action(simulateOne);

  pictureOptions(runOptions(all.command("compare")))
    .description("run the same workload under several policies, in one table")
    .option("-p, --policy <names>", "separated by commas", policyNames().join(","))
    .addHelpText("after", "\nExample:\n  anax-scheduler compare -w server -t 4x2 -p dfly,eevdf\n")
    .action(compareAll);

  pictureOptions(all.command("draw"))
    .description("draw a recorded trace without simulating")
    .argument("<file>", "a trace (NDJSON), or perf or ftrace text; - is standard input")
    .action(drawFile);

  all
    .command("list")
    .description("names of policies and workloads")
    .option("--json", "print them as JSON")
    .action(list);

  all
    .command("preset")
    .description("print a preset as JSON, to start a workload file from")
    .argument("<name>")
    .argument("[cpus]", "CPUs that it is for", (text) => Number(text), 4)
    .action((name: string, cpus: number) => {
      if (!Number.isInteger(cpus) || cpus < 1 || cpus > 4096)
        throw new CliError("cpus: expected 1 to 4096", Exit.usage);
      try {
        print(jsonText(preset(name, cpus)));
      } catch (error) {
        if (error instanceof InputError) throw new CliError(error.message, Exit.usage);
        throw error;
      }
    });

  return all;
}

/**
 * Runs the command line; sets the exit status of the process.
 *
 * `args` are those behind the program's name, `version` is what `--version` prints. Wrong input is reported on standard error; only internal faults
 * are thrown.
 */
export async function main(args: readonly string[], version: string): Promise<void> {
  const all = program(version);
  for (const command of [all, ...all.commands]) command.exitOverride();
  // Whoever reads our output may have seen enough.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? Exit.ok : report(unwritable(error)));
  });
  try {
    await all.parseAsync([...args], { from: "user" });
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  // Commander has printed the help or what was wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.ok : Exit.usage;
  if (error instanceof CliError) {
    process.stderr.write(`anax-scheduler: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof InputError) {
    process.stderr.write(`anax-scheduler: ${error.message}\n`);
    return Exit.data;
  }
  throw error;
}
