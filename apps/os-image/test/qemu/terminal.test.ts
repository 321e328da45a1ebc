/** `anax boot` on a terminal (a pseudo terminal of script(1)) and on pipes. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { which } from "../../src/cli/qemu.js";
import { anax, LAUNCHER, TEST_KERNEL } from "../helpers/anax.js";

const KERNEL = TEST_KERNEL === undefined ? [] : ["--kernel", TEST_KERNEL];
const PROMPT = /~ # (\x1b\[6n)?$/;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anax-test-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/**
 * Boots on a terminal of 40 lines and 100 columns, sends the keys at the first prompt, and gives the exit status and the
 * settings of the terminal before and after. `act` gets the process id of the launcher.
 */
async function onTerminal(keys: string, act: (pid: number) => void = () => undefined) {
  const file = (name: string): string => join(folder, name);
  const command = [process.execPath, LAUNCHER, "boot", ...KERNEL].join(" ");
  const script =
    `stty rows 40 cols 100; stty -a >${file("before")}; sh -c 'echo $$ >${file("pid")}; exec ${command}'; ` +
    `echo $? >${file("status")}; stty -a >${file("after")}`;
  const terminal = execa("script", ["-qfc", script, "/dev/null"], {
    reject: false,
    env: { TERM: "xterm", SHELL: "/bin/sh" },
    timeout: 60_000,
  });
  let output = "";
  let sent = false;
  terminal.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString("latin1");
    if (sent || !PROMPT.test(output)) return;
    sent = true;
    terminal.stdin.write(keys);
    void readFile(file("pid"), "utf8").then((pid) => act(Number(pid)));
  });
  await terminal;
  const text = (name: string): Promise<string> => readFile(file(name), "utf8");
  return { output, status: Number(await text("status")), before: await text("before"), after: await text("after") };
}

describe.skipIf(which("script") === null)("on a terminal", () => {
  it("has its size and type, and powers off when the shell ends", async () => {
    const result = await onTerminal('stty size; echo "$TERM"; exit\r');
    expect(result.output).toMatch(/\n40 100\r+\n/);
    expect(result.output).toMatch(/\nxterm\r+\n/);
    expect(result.status).toBe(0);
    expect(result.after).toBe(result.before);
  });

  it("is left by ^A x", async () => {
    const result = await onTerminal("\x01x");
    expect(result.status).toBe(0);
    expect(result.after).toBe(result.before);
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGKILL", 137],
  ] as const)("restores the terminal after %s", async (signal, status) => {
    const result = await onTerminal("", (pid) => process.kill(pid, signal));
    expect(result.status).toBe(status);
    expect(result.after).toBe(result.before);
  });
});

describe("on pipes", () => {
  it("feeds a script to the shell and ends with it", async () => {
    const result = await anax(["boot", ...KERNEL], { input: "echo $((6 * 7))\ncat\nread by cat\n" });
    const output = result.stdout.toString().replaceAll("\r\n", "\n");
    expect(output).toMatch(/\n42\n/);
    expect(output).toMatch(/\nread by cat\n/);
    expect(result.status).toBe(0);
  });
});
