/**
 * Files of the command line: inputs by what is in them, outputs all or none.
 *
 * Neighbours: `../trace/*` and `../workload/*` (readers). Invariant: an output appears under its name only when it is complete and every other
 * output of the run is. What is no file (a pipe, a device, our own standard output) is written as it comes and never replaced.
 */
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
  type Stats,
} from "node:fs";
import path from "node:path";
import { InputError } from "../errors";
import { looksLikeLinux, readLinux } from "../trace/linux";
import { readNdjson } from "../trace/ndjson";
import type { Trace } from "../trace/trace";
import { preset, presetNames } from "../workload/presets";
import { checkWorkload, type Workload } from "../workload/schema";
import { CliError, Exit } from "./errors";

export function readText(file: string, option: string): string {
  try {
    if (file === "-") return readFileSync(0, "utf8");
    if (!statSync(file).isFile()) throw new CliError(`${option} ${file}: not a file`, Exit.noInput);
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${option} ${file}: ${reason(error)}`, Exit.noInput);
  }
}

/** JSON of a file. */
export function readJson(file: string, option: string): unknown {
  const text = readText(file, option);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`not JSON: ${(error as Error).message}`, { field: "", file });
  }
}

/** A preset of this name, or a file: a workload (JSON), a trace (NDJSON), or the text of a Linux tracer. */
export function readWorkload(input: string, cpus: number, option: string): Workload | Trace {
  if (presetNames().some(({ name }) => name === input)) return preset(input, cpus);
  const known = presetNames().map(({ name }) => name);
  if (input !== "-" && statSync(input, { throwIfNoEntry: false }) === undefined) {
    throw new CliError(
      `${option} ${input}: no such file, and no preset; presets are ${known.join(", ")}`,
      Exit.noInput,
    );
  }
  const text = readText(input, option);
  if (text.trim() === "") throw new InputError("an empty file", { field: "", file: input });
  if (looksLikeLinux(text)) return readLinux(text, input);
  if (/^\s*\{[^\n]*"format"\s*:/.test(text)) return readNdjson(text, input);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`not JSON: ${(error as Error).message}`, { field: "", file: input });
  }
  try {
    return checkWorkload(value);
  } catch (error) {
    if (error instanceof InputError) throw error.at("", { file: input });
    throw error;
  }
}

/** A trace of a file; workloads are none. */
export function readTrace(file: string, option: string): Trace {
  const text = readText(file, option);
  return looksLikeLinux(text) ? readLinux(text, file) : readNdjson(text, file);
}

/**
 * Outputs by the name of their option. Two of them may not be one file.
 *
 * @throws CliError
 */
export function checkOutputs(outputs: Record<string, string | undefined>): void {
  const seen = new Map<string, string>();
  for (const [option, file] of Object.entries(outputs)) {
    if (file === undefined) continue;
    const other = seen.get(path.resolve(file));
    if (other !== undefined) throw new CliError(`${other} and ${option}: both would be ${file}`, Exit.usage);
    seen.set(path.resolve(file), option);
  }
}

/** Files that appear together when `commit` is called. */
export class Outputs {
  private readonly written: { temporary: string; file: string }[] = [];

  /** Writes beside the file; nothing has its name yet. A symbolic link stays one. */
  write(file: string, pieces: Iterable<string>): void {
    if (file === "-") throw new CliError("- is no name of an output; standard output is /dev/stdout", Exit.usage);
    const there = statSync(file, { throwIfNoEntry: false });
    if (there?.isDirectory() === true) throw new CliError(`${file}: is a directory`, Exit.cannotCreate);
    try {
      if (there !== undefined && isStandardOutput(there)) {
        for (const text of blocks(pieces)) process.stdout.write(text);
        return;
      }
      if (there?.isFile() === false) return into(openSync(file, "w"), pieces);
      const target = there === undefined ? file : realpathSync(file);
      const temporary = `${target}.${process.pid}.tmp`;
      const descriptor = openSync(temporary, "wx");
      this.written.push({ temporary, file: target });
      into(descriptor, pieces);
    } catch (error) {
      throw new CliError(`${file}: ${reason(error)}`, Exit.cannotCreate);
    }
  }

  commit(): void {
    for (const { temporary, file } of this.written) {
      try {
        renameSync(temporary, file);
      } catch (error) {
        throw new CliError(`${file}: ${reason(error)}`, Exit.cannotCreate);
      }
    }
    this.written.length = 0;
  }

  /** Removes what was not committed. */
  discard(): void {
    for (const { temporary } of this.written) rmSync(temporary, { force: true });
  }
}

/** What the system says, without the call and the name of a temporary file. */
export const reason = (error: unknown): string => (error as Error).message.replace(/, \w+(?: '.*)?$/, "");

function isStandardOutput({ dev, ino }: Stats): boolean {
  try {
    const ours = fstatSync(1);
    return ours.dev === dev && ours.ino === ino;
  } catch {
    return false;
  }
}

/** The same text in pieces that are worth a call of the system. */
function* blocks(pieces: Iterable<string>): Generator<string> {
  let buffered = "";
  for (const piece of pieces) {
    buffered += piece;
    if (buffered.length < 1 << 16) continue;
    yield buffered;
    buffered = "";
  }
  yield buffered;
}

/** Writes everything and closes the descriptor. */
function into(descriptor: number, pieces: Iterable<string>): void {
  try {
    for (const text of blocks(pieces)) {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    }
  } finally {
    closeSync(descriptor);
  }
}
