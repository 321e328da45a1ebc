/** A guest with an interactive shell, driven as by a person: type, and wait for what appears. */
import { kernelPath } from "../../src/cli/options.js";
import { Guest, type GuestEnd } from "../../src/cli/guest.js";
import type { HostFile } from "../../src/image/host-files.js";
import { TEST_KERNEL } from "./anax.js";

export interface ConsoleOptions {
  memory?: number;
  append?: string;
  add?: HostFile[];
}

const DEFAULT_TIMEOUT = 30_000;
export const PROMPT = /[#$] $/;

export class GuestConsole {
  /** Everything since the last match. */
  pending = "";
  /** Everything since the start. */
  transcript = "";

  private constructor(readonly guest: Guest) {
    guest.stdout.resume();
    guest.stderr.resume();
    guest.console.on("data", (chunk: Buffer) => {
      // The shell asks for the cursor's position before it reads; terminals of some kinds never answer, nor do we.
      this.pending = (this.pending + chunk.toString("latin1")).replaceAll("\x1b[6n", "");
      this.transcript += chunk.toString("latin1");
    });
  }

  /** Boots and waits for the first prompt. */
  static async open(options: ConsoleOptions = {}): Promise<GuestConsole> {
    const guest = await Guest.start({
      kernel: await kernelPath(TEST_KERNEL),
      memory: options.memory ?? 256,
      cpus: 1,
      append: options.append ?? "",
      add: options.add ?? [],
      session: { terminal: { type: "vt100", rows: 24, columns: 80 } },
    });
    const console = new GuestConsole(guest);
    await console.expect(PROMPT, 60_000);
    return console;
  }

  send(keys: string): void {
    this.guest.console.write(Buffer.from(keys, "latin1"));
  }

  /** Waits until the output since the last match matches; gives what came before and the match. */
  async expect(pattern: RegExp | string, timeout = DEFAULT_TIMEOUT): Promise<string> {
    const end = Date.now() + timeout;
    for (;;) {
      const at = typeof pattern === "string" ? this.pending.indexOf(pattern) : this.pending.search(pattern);
      if (at >= 0) {
        const length = typeof pattern === "string" ? pattern.length : pattern.exec(this.pending)![0].length;
        const seen = this.pending.slice(0, at + length);
        this.pending = this.pending.slice(at + length);
        return seen;
      }
      if (Date.now() > end) {
        throw new Error(
          `no ${String(pattern)} within ${timeout} ms; the console shows:\n${this.transcript.slice(-2000)}`,
        );
      }
      await new Promise((wake) => setTimeout(wake, 20));
    }
  }

  /** Types a line at the prompt that starts a program, and gives the program time to have the terminal. */
  async start(line: string): Promise<void> {
    this.send(`${line}\r`);
    await this.expect(`${line}\r\n`);
    await this.pause(700);
  }

  pause(ms: number): Promise<void> {
    return new Promise((wake) => setTimeout(wake, ms));
  }

  /** Types a line at the prompt and gives what the command printed, with "\n" at the ends of lines. */
  async command(line: string, timeout = DEFAULT_TIMEOUT): Promise<string> {
    this.send(`${line}\r`);
    const seen = await this.expect(PROMPT, timeout);
    const output = seen.replaceAll("\r\n", "\n");
    // The echo of what was typed up to its newline, and the next prompt after the last one.
    return output.slice(output.indexOf("\n") + 1, output.lastIndexOf("\n") + 1);
  }

  /** Ends the shell and waits for the machine to power off. */
  async close(): Promise<GuestEnd> {
    this.send("exit\r");
    const timer = setTimeout(() => this.guest.kill({ kind: "timeout" }), DEFAULT_TIMEOUT);
    const end = await this.guest.ended;
    clearTimeout(timer);
    return end;
  }

  /** Ends QEMU at once; for the clean-up after a failed test. */
  async kill(): Promise<void> {
    this.guest.kill({ kind: "killed", signal: "SIGKILL" });
    await this.guest.ended;
  }
}
