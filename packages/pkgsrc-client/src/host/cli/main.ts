/**
 * Runs a command line: parses, calls the command, turns errors into messages and exit statuses.
 *
 * Neighbours: `program.ts`, `exit.ts`. Invariant: every error becomes one message on standard error and, with `--json`, the member `error` of the document.
 */
import { Command, CommanderError } from "commander";
import { codeOf } from "../errors";
import type { CrashHook } from "../transaction/journal";
import { Context } from "./context";
import { Exit, exitStatusOf } from "./exit";
import type { GlobalFlags } from "./program";
import { makeProgram, type Run } from "./program";

/** Details that errors of the host side carry: conflicting files, a chain of requirements. */
function detailsOf(error: unknown): readonly string[] {
  const details = (error as { details?: unknown }).details;
  return Array.isArray(details) ? details.map(String) : [];
}

/** Ends this process at a point of the journal: PKGC_CRASH_AT=N kills it at the Nth point that it reaches. */
function crashHook(): CrashHook | undefined {
  const text = process.env["PKGC_CRASH_AT"];
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  let left = Number(text);
  return {
    reach: () => {
      if (left-- === 0) process.kill(process.pid, "SIGKILL");
      return Promise.resolve();
    },
  };
}

/** Runs `args` (without node and script). Returns the exit status. */
export async function main(args: readonly string[], version: string): Promise<number> {
  let status: number = Exit.ok;
  // As pkg_add does: files that scripts make are readable for everybody.
  process.umask(0o022);
  const run: Run =
    (action) =>
    async (...all) => {
      const command = all.at(-1) as Command;
      const context = new Context(command.optsWithGlobals<GlobalFlags>(), args, crashHook());
      const unwatch = context.watchSignals();
      let failure: { code: string; message: string; details: readonly string[] } | null = null;
      try {
        context.noticeInterrupted();
        await action(context, ...(all.slice(0, -1) as never));
        status = context.status;
      } catch (error) {
        status = exitStatusOf(error);
        if (status === Exit.internal) throw error;
        context.progress.stop();
        failure = { code: codeOf(error), message: (error as Error).message, details: detailsOf(error) };
        context.out.error(failure.message, failure.details);
      } finally {
        unwatch();
        context.progress.stop();
        await context.client.close();
      }
      context.out.finish(failure);
    };
  const program = makeProgram(version, run);
  const every = (command: Command): void => {
    command.exitOverride();
    for (const sub of command.commands) every(sub);
  };
  every(program);
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    // Commander has printed the help or what was wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.ok : Exit.usage;
    if (exitStatusOf(error) === Exit.internal) throw error;
    process.stderr.write(`pkgc: ${(error as Error).message}\n`);
    return exitStatusOf(error);
  }
  return status;
}
