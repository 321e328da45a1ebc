/**
 * What every command has: the options that hold everywhere, the client, the output, the question before a change.
 *
 * Key type: {@link Context}. Neighbours: `program.ts` makes one for each run. Invariant: nothing is changed before `confirm` returned.
 */
import { createInterface } from "node:readline/promises";
import { PkgsrcClient, type ApplyOptions, type ApplyResult } from "../client";
import type { ClientOptions, SignaturePolicy } from "../client/config";
import type { ChangePlan } from "../client/plan";
import type { ChangeRequest } from "../client/request";
import type { CrashHook } from "../transaction/journal";
import { TransactionError } from "../transaction/errors";
import { UsageError } from "./exit";
import { Output } from "./output";
import { planLines } from "./plan-view";
import { Progress } from "./progress";

/** Options of every command. */
export interface GlobalFlags {
  json?: boolean;
  yes?: boolean;
  dryRun?: boolean;
  verbose?: boolean;
  prefix?: string;
  dbdir?: string;
  destdir?: string;
  statedir?: string;
  repo?: string[];
  verify?: SignaturePolicy;
  key?: string[];
  parallel?: number;
  scripts?: boolean;
  scriptTimeout?: number;
  sync?: boolean;
  anyPlatform?: boolean;
}

/** `URL` or `PRIORITY@URL`. */
export function parseRepository(text: string): { url: string; priority: number } {
  const match = /^(-?\d+)@(.*)$/.exec(text);
  return match === null ? { url: text, priority: 0 } : { url: match[2]!, priority: Number(match[1]) };
}

export class Context {
  readonly flags: GlobalFlags;
  readonly out: Output;
  status = 0;
  /** What was typed, for the lock and the history. */
  readonly command: string;
  readonly progress: Progress;
  readonly client: PkgsrcClient;
  private readonly stop = new AbortController();

  constructor(flags: GlobalFlags, args: readonly string[], hook?: CrashHook) {
    this.flags = flags;
    this.command = `pkgc ${args.join(" ")}`;
    this.out = new Output(flags.json === true, flags.verbose === true);
    const options: ClientOptions = {
      ...(flags.prefix === undefined ? {} : { prefix: flags.prefix }),
      ...(flags.dbdir === undefined ? {} : { dbdir: flags.dbdir }),
      ...(flags.destdir === undefined ? {} : { destdir: flags.destdir }),
      ...(flags.statedir === undefined ? {} : { statedir: flags.statedir }),
      ...(flags.repo === undefined || flags.repo.length === 0 ? {} : { repos: flags.repo.map(parseRepository) }),
      ...(flags.verify === undefined ? {} : { verify: flags.verify }),
      ...(flags.key === undefined || flags.key.length === 0 ? {} : { keys: flags.key }),
      ...(flags.parallel === undefined ? {} : { parallel: flags.parallel }),
      ...(flags.scriptTimeout === undefined ? {} : { scriptTimeout: flags.scriptTimeout * 1000 }),
      ...(flags.sync === false ? { sync: false } : {}),
      ...(flags.anyPlatform === true ? { anyPlatform: true } : {}),
    };
    this.client = new PkgsrcClient(options, hook);
    this.progress = new Progress(this.client, this.out);
  }

  get signal(): AbortSignal {
    return this.stop.signal;
  }

  /** First ^C: stop at the next safe point and take everything back. Second: die; the journal has what the next start needs. */
  watchSignals(): () => void {
    const listener = (signal: NodeJS.Signals): void => {
      if (this.stop.signal.aborted) process.exit(signal === "SIGINT" ? 130 : 143);
      this.stop.abort();
      process.stderr.write("\nstopping; once more to die at once\n");
    };
    process.on("SIGINT", listener);
    process.on("SIGTERM", listener);
    return () => {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
    };
  }

  /** Tells of transactions that a crash left; the next change ends them. */
  noticeInterrupted(): void {
    for (const id of this.client.interrupted) {
      this.out.notice(`transaction ${id} was interrupted; "pkgc recover" ends it, as the next change does`);
    }
  }

  /** Asks. True for yes. With --yes nobody is asked. @throws UsageError when nobody can be asked */
  async confirm(question: string): Promise<boolean> {
    if (this.flags.yes === true) return true;
    if (this.out.json) throw new UsageError("--json asks nothing: give --yes or --dry-run");
    const lines = createInterface({ input: process.stdin, output: process.stdout, terminal: false });
    try {
      process.stdout.write(`${question} [y/N] `);
      // An end of input is a no.
      for await (const line of lines) return /^\s*y(es)?\s*$/i.test(line);
      process.stdout.write("\n");
      return false;
    } finally {
      lines.close();
    }
  }

  /** Shows the plan, asks, carries it out, and says what happened. */
  async carryOut(plan: ChangePlan, options: ApplyOptions & { nothing: string }): Promise<ApplyResult | null> {
    const { out, flags } = this;
    const view = { plan };
    if (plan.steps.length === 0) {
      out.answer({ ...view, transaction: 0 }, () => {
        for (const line of planLines(plan, out.colors)) out.line(line);
        out.line(options.nothing);
      });
      return null;
    }
    if (!out.json) for (const line of planLines(plan, out.colors)) out.line(line);
    if (flags.dryRun === true) {
      out.answer({ ...view, dryRun: true, transaction: 0 }, () =>
        out.line(out.colors.dim("dry run: nothing was changed")),
      );
      return null;
    }
    // Fetching changes nothing.
    if (options.downloadOnly !== true && !(await this.confirm("\nproceed?"))) {
      throw new TransactionError("ECANCELLED", "cancelled; nothing was changed");
    }
    const result = await this.client.apply(plan, {
      ...options,
      command: options.command ?? this.command,
      noScripts: flags.scripts === false,
      signal: this.signal,
      // --yes is an answer to the plan, not to packages without a good signature.
      ...(flags.yes === true || out.json ? {} : { ask: (question: string) => this.confirm(question) }),
    });
    this.progress.stop();
    out.answer({ ...view, transaction: result.transaction, changedFiles: result.changedFiles }, () => {
      if (options.downloadOnly === true) out.line("fetched and verified");
      else
        out.line(
          out.colors.green(`done: transaction ${result.transaction}`) +
            out.colors.dim(` (pkgc rollback ${result.transaction} takes it back)`),
        );
    });
    return result;
  }

  /** Plans and carries out. */
  async change(request: ChangeRequest, options: ApplyOptions & { nothing: string }): Promise<ApplyResult | null> {
    return this.carryOut(await this.client.plan(request), options);
  }
}
