/**
 * `anax boot`: an interactive shell of the guest on this terminal.
 *
 * On a terminal QEMU has it to itself: raw, ^A x leaves, ^A c is QEMU's monitor. Without one, standard input is held back
 * until the guest's shell prompts and its end becomes ^D, so that a script can be piped into a guest.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { writeInitrd } from "../image/build.js";
import { CliError, Exit } from "./errors.js";
import { Guest, type GuestOptions } from "./guest.js";
import { kernelPath, type MachineFlags } from "./options.js";
import { prepare } from "./prepare.js";
import { DEBUG_EXIT, debugExitStatus } from "./protocol.js";
import { QEMU, qemuArguments, requireTool, withParentDeath, type SerialBackends } from "./qemu.js";
import { onSignals } from "./signals.js";
import { saveTerminal } from "./terminal.js";

export async function boot(flags: MachineFlags): Promise<number> {
  requireTool(QEMU, "qemu-system-x86");
  await prepare(flags.kernel);
  const { columns = 80, rows = 24, isTTY } = process.stdout;
  const options: GuestOptions = {
    kernel: await kernelPath(flags.kernel),
    memory: flags.mem,
    cpus: flags.cpus,
    append: flags.append.join(" "),
    gdb: flags.gdb,
    add: flags.add,
    session: { terminal: { type: (isTTY && process.env.TERM) || "vt100", rows, columns } },
  };
  if (flags.gdb === true) process.stderr.write("anax: waiting for gdb on 127.0.0.1:1234\n");
  return process.stdin.isTTY ? bootOnTerminal(options) : bootOnPipes(options);
}

const ON_TERMINAL: SerialBackends = ["stdio,mux=on,signal=off", "null", "null", "null"];

async function bootOnTerminal(options: GuestOptions): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "anax-"));
  const restore = saveTerminal();
  try {
    const initrd = join(folder, "initrd");
    await writeInitrd(initrd, options.add, options.session, options.image);
    process.stderr.write("anax: starting; ^A x leaves\n");
    const [command, ...prefix] = withParentDeath(QEMU, "TERM");
    const args = [...prefix, ...qemuArguments({ ...options, initrd }, ON_TERMINAL), "-mon", "chardev=tty0"];
    const child = execa(command, args, { stdio: "inherit", reject: false });
    const ignoreSignals = onSignals(() => child.kill("SIGTERM", undefined));
    const result = await child;
    ignoreSignals();
    return exitOf(result.exitCode);
  } finally {
    restore();
    await rm(folder, { recursive: true, force: true });
  }
}

function exitOf(status: number | undefined): number {
  if (status === 0) return Exit.ok;
  if (status === debugExitStatus(DEBUG_EXIT.panic)) return Exit.panic;
  if (status === debugExitStatus(DEBUG_EXIT.brokenImage)) return Exit.brokenImage;
  if (status === undefined) return Exit.lost;
  throw new CliError(`QEMU ended with status ${status}`, Exit.unavailable);
}

/** The shell's prompt at the end of the output, with busybox's question for the cursor: from then on it reads its input. */
const PROMPT = /[#$] (\x1b\[6n)?$/;

async function bootOnPipes(options: GuestOptions): Promise<number> {
  const guest = await Guest.start(options);
  const ignoreSignals = onSignals((signal) => guest.kill({ kind: "killed", signal }));
  guest.stdout.resume();
  guest.stderr.resume();
  guest.console.pipe(process.stdout, { end: false });
  let tail = "";
  let endOfFile: NodeJS.Timeout | undefined;
  const onData = (chunk: Buffer): void => {
    tail = (tail + chunk.toString("latin1")).slice(-16);
    if (!PROMPT.test(tail)) return;
    guest.console.off("data", onData);
    process.stdin.pipe(guest.console, { end: false });
    process.stdin.once("end", () => {
      // A program in the foreground takes a ^D for itself, so the shell needs another one after it.
      endOfFile = setInterval(() => guest.console.write("\x04"), 500);
    });
  };
  guest.console.on("data", onData);
  const end = await guest.ended;
  clearInterval(endOfFile);
  ignoreSignals();
  process.stdin.unpipe();
  process.stdin.destroy();
  switch (end.kind) {
    case "off":
    case "exit":
      return Exit.ok;
    case "panic":
      return Exit.panic;
    case "broken-image":
      return Exit.brokenImage;
    case "qemu":
      throw new CliError(`QEMU failed: ${end.message}`, Exit.unavailable);
    default:
      return Exit.lost;
  }
}
