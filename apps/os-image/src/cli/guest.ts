/**
 * One guest: QEMU with the image, its four serial ports as streams, and how it ended.
 *
 * The serial ports reach this process over socket pairs (file descriptors 3 to 6 of QEMU), so the bytes of stdout and
 * stderr are neither mixed nor changed, and nothing is left behind in the file system.
 */
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { execa } from "execa";
import { writeInitrd, type Session } from "../image/build.js";
import type { HostFile } from "../image/host-files.js";
import { INITRAMFS } from "../paths.js";
import { DEBUG_EXIT, debugExitStatus, parseStatus } from "./protocol.js";
import { QEMU, qemuArguments, withParentDeath, type MachineOptions, type SerialBackends } from "./qemu.js";

export interface GuestOptions extends Omit<MachineOptions, "initrd"> {
  add: readonly HostFile[];
  session: Session;
  /** Base image; the built one by default. */
  image?: string;
  /** Boot the base image as it is, without the archive that carries the session. */
  bare?: boolean;
}

export type GuestEnd =
  /** The command ended with `status`. */
  | { kind: "exit"; status: number }
  /** The guest powered off without a status, as an interactive session does. */
  | { kind: "off" }
  | { kind: "panic" }
  | { kind: "broken-image" }
  | { kind: "timeout" }
  /** Killed from outside, or by a signal to the launcher. */
  | { kind: "killed"; signal: string }
  /** QEMU itself failed; `message` is its stderr. */
  | { kind: "qemu"; message: string };

/** How much of the console is kept for the message about a panic. */
const LOG_LIMIT = 256 * 1024;
/** After the status line the guest has this long to power off, in ms. */
const POWER_OFF_GRACE = 10_000;

const SOCKETS: SerialBackends = ["socket,fd=3", "socket,fd=4", "socket,fd=5", "socket,fd=6"];

function startQemu(args: string[]) {
  const [command, ...prefix] = withParentDeath(QEMU);
  return execa(command, [...prefix, ...args], {
    stdio: ["ignore", "ignore", "pipe", "pipe", "pipe", "pipe", "pipe"],
    buffer: { stderr: true, fd3: false, fd4: false, fd5: false, fd6: false },
    reject: false,
  });
}

export class Guest {
  readonly console: Duplex;
  readonly stdout: Duplex;
  readonly stderr: Duplex;
  /** Resolves when QEMU has ended and every byte of the serial ports was delivered. */
  readonly ended: Promise<GuestEnd>;
  /** When QEMU was started, by performance.now(). */
  readonly startedAt: number;

  private readonly process: ReturnType<typeof startQemu>;
  private readonly folder: string;
  private statusText = "";
  private logChunks: Buffer[] = [];
  private logLength = 0;
  private stopped: GuestEnd | null = null;

  /** Builds the initrd and starts QEMU. */
  static async start(options: GuestOptions): Promise<Guest> {
    const folder = await mkdtemp(join(tmpdir(), "anax-"));
    try {
      const initrd = join(folder, "initrd");
      if (options.bare === true) await copyFile(options.image ?? INITRAMFS, initrd);
      else await writeInitrd(initrd, options.add, options.session, options.image);
      return new Guest(folder, qemuArguments({ ...options, initrd }, SOCKETS));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(folder: string, args: string[]) {
    this.folder = folder;
    this.startedAt = performance.now();
    this.process = startQemu(args);
    const port = (fd: number): Duplex => this.process.stdio[fd] as unknown as Duplex;
    this.console = port(3);
    this.stdout = port(4);
    this.stderr = port(5);
    const status = port(6);
    for (const stream of [this.console, this.stdout, this.stderr, status]) {
      // QEMU's end of a socket pair vanishes with QEMU.
      stream.on("error", () => stream.destroy());
    }
    this.console.on("data", (chunk: Buffer) => this.keepLog(chunk));
    let grace: NodeJS.Timeout | undefined;
    status.on("data", (chunk: Buffer) => {
      this.statusText += chunk.toString("latin1");
      if (grace === undefined && parseStatus(this.statusText) !== null) {
        grace = setTimeout(() => this.kill({ kind: "exit", status: 0 }), POWER_OFF_GRACE);
      }
    });
    this.ended = this.wait([this.console, this.stdout, this.stderr, status]).finally(() => clearTimeout(grace));
  }

  /** The last part of the console's output. */
  get log(): string {
    return Buffer.concat(this.logChunks).toString("utf8");
  }

  /** Ends QEMU at once; `reason` becomes the result unless the command's status is already known. */
  kill(reason: GuestEnd): void {
    this.stopped ??= reason;
    this.process.kill("SIGKILL");
  }

  private keepLog(chunk: Buffer): void {
    this.logChunks.push(chunk);
    this.logLength += chunk.length;
    while (this.logLength - this.logChunks[0]!.length > LOG_LIMIT) this.logLength -= this.logChunks.shift()!.length;
  }

  private async wait(streams: Duplex[]): Promise<GuestEnd> {
    const closed = streams.map(
      (stream) => new Promise<void>((done) => (stream.closed ? done() : stream.once("close", () => done()))),
    );
    const result = await this.process;
    for (const stream of streams) stream.end();
    await Promise.all(closed);
    await rm(this.folder, { recursive: true, force: true });

    const status = parseStatus(this.statusText);
    if (status !== null && this.stopped?.kind !== "timeout") return { kind: "exit", status };
    if (this.stopped !== null) return this.stopped;
    if (result.exitCode === debugExitStatus(DEBUG_EXIT.panic)) return { kind: "panic" };
    if (result.exitCode === debugExitStatus(DEBUG_EXIT.brokenImage)) return { kind: "broken-image" };
    if (/Kernel panic - not syncing/.test(this.log)) return { kind: "panic" };
    if (result.exitCode === 0) return { kind: "off" };
    if (result.signal !== undefined) return { kind: "killed", signal: result.signal };
    return { kind: "qemu", message: String(result.stderr).trim() || (result.shortMessage ?? "QEMU failed") };
  }
}
