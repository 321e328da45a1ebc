/** `anax run`: one command in a guest without a screen; its stdout, stderr and exit status become the launcher's. */
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import type { Readable, Writable } from "node:stream";
import { CliError, Exit } from "./errors.js";
import { Guest, type GuestEnd } from "./guest.js";
import { kernelPath, type MachineFlags } from "./options.js";
import { prepare } from "./prepare.js";
import { QEMU, requireTool } from "./qemu.js";
import { onSignals } from "./signals.js";

export interface RunFlags extends MachineFlags {
  timeout?: number;
  stdin?: string;
  log?: string;
}

export async function run(command: string[], flags: RunFlags): Promise<number> {
  if (command.length === 0) throw new CliError("no command; usage: anax run [options] -- CMD [ARG...]", Exit.usage);
  requireTool(QEMU, "qemu-system-x86");
  const stdin = flags.stdin === undefined ? undefined : await readInput(flags.stdin);
  await prepare(flags.kernel);
  const guest = await Guest.start({
    kernel: await kernelPath(flags.kernel),
    memory: flags.mem,
    cpus: flags.cpus,
    append: flags.append.join(" "),
    gdb: flags.gdb,
    add: flags.add,
    session: { command, stdin },
  });
  if (flags.gdb === true) process.stderr.write("anax: waiting for gdb on 127.0.0.1:1234\n");
  const ignoreSignals = onSignals((signal) => guest.kill({ kind: "killed", signal }));
  const timer =
    flags.timeout === undefined
      ? undefined
      : setTimeout(() => guest.kill({ kind: "timeout" }), Math.round(flags.timeout * 1000));
  const hideProgress = showProgress(guest, command);
  forward(guest.stdout, process.stdout, hideProgress);
  forward(guest.stderr, process.stderr, hideProgress);
  if (flags.log !== undefined) guest.console.pipe(createWriteStream(flags.log));
  try {
    const end = await guest.ended;
    hideProgress();
    return report(end, guest, flags.timeout);
  } finally {
    clearTimeout(timer);
    ignoreSignals();
  }
}

async function readInput(path: string): Promise<Uint8Array> {
  if (path === "-") return buffer(process.stdin);
  try {
    return await readFile(path);
  } catch {
    throw new CliError(`--stdin ${path}: cannot be read`, Exit.noInput);
  }
}

/** Copies a stream of the guest; a host that stops reading (EPIPE) does not stop the guest. */
function forward(from: Readable, to: Writable, beforeFirst: () => void): void {
  from.once("data", beforeFirst);
  to.on("error", () => {
    from.unpipe(to);
    from.resume();
  });
  from.pipe(to, { end: false });
}

function showProgress(guest: Guest, command: string[]): () => void {
  if (!process.stderr.isTTY) return () => undefined;
  let shown = false;
  const timer = setInterval(() => {
    shown = true;
    const seconds = Math.round((performance.now() - guest.startedAt) / 1000);
    process.stderr.write(`\r\x1b[Kanax: running ${command[0]} in the guest, ${seconds} s`);
  }, 1000);
  return () => {
    clearInterval(timer);
    if (shown) process.stderr.write("\r\x1b[K");
    shown = false;
  };
}

/** Says what went wrong, if anything, and gives the launcher's exit status. */
export function report(end: GuestEnd, guest: Pick<Guest, "log">, timeout?: number): number {
  const log = guest.log.replaceAll("\r\n", "\n").trimEnd();
  switch (end.kind) {
    case "exit":
      return end.status;
    case "off":
      process.stderr.write(`${log}\nanax: the guest ended without reporting a status\n`);
      return Exit.lost;
    case "panic":
      process.stderr.write(`${log}\nanax: the kernel panicked\n`);
      return Exit.panic;
    case "broken-image":
      process.stderr.write(`${log}\nanax: the kernel refused the image\n`);
      return Exit.brokenImage;
    case "timeout":
      process.stderr.write(`anax: time-out after ${timeout} s\n`);
      return Exit.timeout;
    case "killed":
      process.stderr.write(`anax: ended by ${end.signal}\n`);
      return Exit.lost;
    case "qemu":
      process.stderr.write(`anax: QEMU failed: ${end.message}\n`);
      return Exit.unavailable;
  }
}
