/** The options that the commands share, and what they become. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { InputError } from "../errors";
import { readCosts, type CostsInput } from "../sim/costs";
import { policyNames, type SimulateOptions } from "../simulate";
import { readTopology } from "../topology";
import type { Topology } from "../../topology";
import { parseDuration } from "../units";
import { CliError, Exit } from "./errors";
import { readJson, readWorkload } from "./files";

export interface RunFlags {
  topology: string;
  workload: string;
  seed: number;
  duration?: number;
  cost: CostsInput;
  json?: boolean;
  quiet?: boolean;
}

export interface PictureFlags {
  svg?: string;
  trace?: string;
  events?: string;
  width: number;
  from?: number;
  to?: number;
}

/** Lets commander report what is wrong as a wrong argument of the option concerned. */
function parsed<T>(parse: (text: string, previous: T) => T) {
  return (text: string, previous: T): T => {
    try {
      return parse(text, previous);
    } catch (error) {
      if (error instanceof InputError) throw new InvalidArgumentError(error.message.replace(/^: /, ""));
      throw error;
    }
  };
}

const option = <T>(flags: string, description: string, parse: (text: string, previous: T) => T): Option =>
  new Option(flags, description).argParser(parsed(parse));

function count(text: string, low: number, high: number): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || n < low || n > high) {
    throw new InvalidArgumentError(`expected a whole number from ${low} to ${high}`);
  }
  return n;
}

const moment = (text: string): number => parseDuration(text, "");

function duration(text: string): number {
  const ns = parseDuration(text, "");
  if (ns === 0) throw new InvalidArgumentError("expected a time above 0");
  return ns;
}

function cost(text: string, previous: CostsInput): CostsInput {
  const match = /^([A-Za-z.]+)=(.+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError("expected name=duration, such as contextSwitch=2us");
  const [, name, value] = match as unknown as [string, string, string];
  const [key, distance] = name.split(".") as [string, string | undefined];
  const before = (previous as Record<string, unknown>)[key];
  // One value for all distances stays in force for those that are not named.
  const others =
    typeof before === "string" ? { thread: before, core: before, package: before, node: before } : (before ?? {});
  const next = distance === undefined ? value : { ...others, [distance]: value };
  const made = { ...previous, [key]: next } as CostsInput;
  readCosts(made, "cost");
  return made;
}

/** Adds the options of {@link RunFlags}. */
export function runOptions(command: Command): Command {
  return command
    .requiredOption(
      "-w, --workload <file>",
      "a preset, or a file: workload (JSON), trace (NDJSON), perf or ftrace text",
    )
    .option(
      "-t, --topology <shape>",
      "8, 8x2, 2x8x2 or 4x2x8x2 (NUMA nodes, packages, cores, threads), or a JSON file",
      "4",
    )
    .addOption(
      option("-d, --duration <time>", "simulated time, such as 5s (default: 10s; traces to their end)", duration),
    )
    .addOption(
      option("-s, --seed <n>", "of all random numbers", (text) => count(text, 0, Number.MAX_SAFE_INTEGER)).default(1),
    )
    .addOption(
      option<CostsInput>(
        "--cost <name=time>",
        "contextSwitch, wakeup, idleExit, migration or migration.thread, .core, .package, .node; may be repeated",
        cost,
      ).default({}, "1.5us, 1us, 2us; 0.5us to 30us"),
    )
    .option("--json", "print the statistics as JSON")
    .option("-q, --quiet", "no progress");
}

/** Adds the options of {@link PictureFlags}. */
export function pictureOptions(command: Command): Command {
  return command
    .option("--svg <file>", "write a timeline (SVG)")
    .option("--trace <file>", "write a trace for ui.perfetto.dev and chrome://tracing (JSON)")
    .option("--events <file>", "write the events (NDJSON), which --workload can replay")
    .addOption(option("--width <px>", "of the timeline", (text) => count(text, 400, 20_000)).default(1200))
    .addOption(option("--from <time>", "begin of the part that --svg and --trace show", moment))
    .addOption(option("--to <time>", "end of that part", duration));
}

/** A shape, or the name of a JSON file, which has a dot or a slash in it. */
export function topologyOf(text: string): Topology {
  if (!/[./]/.test(text)) {
    try {
      return readTopology(text, "--topology");
    } catch (error) {
      if (error instanceof InputError) throw new CliError(error.message, Exit.usage);
      throw error;
    }
  }
  const value = readJson(text, "--topology");
  try {
    return readTopology(value);
  } catch (error) {
    if (error instanceof InputError) throw error.at("", { file: text });
    throw error;
  }
}

/** Checks the names before anything is read or simulated. */
export function policiesOf(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  for (const [i, name] of names.entries()) {
    if (!policyNames().includes(name)) {
      throw new CliError(
        `--policy: no policy ${JSON.stringify(name)}; there are ${policyNames().join(", ")}`,
        Exit.usage,
      );
    }
    if (names.indexOf(name) < i) throw new CliError(`--policy: ${JSON.stringify(name)} twice`, Exit.usage);
  }
  return names;
}

/** What `simulate` and `compare` take, of the flags. */
export function simulateOptions(flags: RunFlags): Omit<SimulateOptions, "policy"> {
  const topology = topologyOf(flags.topology);
  return {
    topology,
    workload: readWorkload(flags.workload, topology.cpus, "--workload"),
    seed: flags.seed,
    costs: flags.cost,
    ...(flags.duration === undefined ? {} : { duration: flags.duration }),
  };
}
