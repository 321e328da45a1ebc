/** `anax debug`: a guest that waits at its first instruction, and gdb with the kernel's symbols on this terminal. */
import { createServer, type AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { writeInitrd } from "../image/build.js";
import { CliError, Exit } from "./errors.js";
import { kernelPath, type MachineFlags } from "./options.js";
import { prepare } from "./prepare.js";
import { QEMU, qemuArguments, requireTool, withParentDeath } from "./qemu.js";
import { saveTerminal } from "./terminal.js";

export interface DebugFlags extends MachineFlags {
  ex: string[];
  batch?: boolean;
}

export async function debug(command: string[], flags: DebugFlags): Promise<number> {
  requireTool(QEMU, "qemu-system-x86");
  requireTool("gdb", "gdb");
  await prepare(flags.kernel);
  const kernel = await kernelPath(flags.kernel);
  const folder = await mkdtemp(join(tmpdir(), "anax-"));
  const restore = saveTerminal();
  try {
    const initrd = join(folder, "initrd");
    const session = command.length > 0 ? { command } : { terminal: { type: "vt100", rows: 24, columns: 80 } };
    await writeInitrd(initrd, flags.add, session);
    const port = await freePort();
    const args = qemuArguments(
      { kernel, initrd, memory: flags.mem, cpus: flags.cpus, append: flags.append.join(" ") },
      ["pty", "null", "null", "null"],
    );
    const [qemu, ...prefix] = withParentDeath(QEMU);
    const guest = execa(qemu, [...prefix, ...args, "-S", "-gdb", `tcp:127.0.0.1:${port}`], {
      stdin: "ignore",
      reject: false,
    });
    const console = await Promise.race([consoleOf(guest.stdout), guest.then((r) => r.stderr || r.shortMessage)]);
    if (!console?.startsWith("/dev/")) throw new CliError(`QEMU failed: ${console}`, Exit.unavailable);
    process.stderr.write(`anax: the guest's console is ${console} (screen ${console})\n`);
    const commands = ["set confirm off", "set pagination off", `target remote 127.0.0.1:${port}`, ...flags.ex];
    const gdb = execa(
      "gdb",
      ["-q", "-nx", ...(flags.batch === true ? ["-batch"] : []), ...commands.flatMap((c) => ["-ex", c]), kernel],
      { stdio: "inherit", reject: false },
    );
    // ^C stops the guest in gdb; it is not for the launcher.
    const ignore = (): void => undefined;
    process.on("SIGINT", ignore);
    const { exitCode } = await gdb;
    process.off("SIGINT", ignore);
    guest.kill("SIGKILL");
    await guest;
    return exitCode ?? Exit.lost;
  } finally {
    restore();
    await rm(folder, { recursive: true, force: true });
  }
}

/** QEMU names the pseudo terminal of a "pty" chardev on its standard output. */
function consoleOf(stdout: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const match = /redirected to (\/dev\/\S+)/.exec(text);
      if (match !== null) resolve(match[1]!);
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
