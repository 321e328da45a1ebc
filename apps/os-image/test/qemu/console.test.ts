/** The interactive shell: editing, job control, signals from keys, full-screen programs, power-off. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GuestConsole, PROMPT } from "../helpers/console.js";

let shell: GuestConsole;

beforeAll(async () => {
  shell = await GuestConsole.open();
});

afterAll(async () => {
  await shell.kill();
});

const CTRL = (letter: string): string => String.fromCharCode(letter.charCodeAt(0) & 31);

describe("the shell on the console", () => {
  it("runs commands", async () => {
    expect(await shell.command("echo hello")).toBe("hello\n");
    expect(await shell.command("ls -d /bin /etc")).toMatch(/\/bin.*\/etc/s);
    expect(await shell.command("pwd")).toBe("/root\n");
    expect(await shell.command("(exit 7); echo $?")).toBe("7\n");
  });

  it("has a terminal with a size", async () => {
    expect(await shell.command("stty size")).toBe("24 80\n");
    expect(await shell.command("[ -t 0 ] && echo yes")).toBe("yes\n");
    expect(await shell.command("echo through >/dev/tty")).toBe("through\n");
  });

  it("edits the line", async () => {
    shell.send("echo wrnog\x7f\x7f\x7f\x7frong\r");
    expect(await shell.expect(/\nwrong\r\n/)).toBeTruthy();
    await shell.expect(PROMPT);
    // The previous command again, by the up arrow.
    shell.send("\x1b[A\r");
    await shell.expect(/\nwrong\r\n/);
    await shell.expect(PROMPT);
  });

  it("pipes five commands", async () => {
    expect(await shell.command("seq 1 100 | grep 1 | sort -r | head -n 4 | tr '\\n' ' '; echo")).toBe("91 81 71 61 \n");
  });

  it("reads here-documents", async () => {
    shell.send("cat <<END\r");
    await shell.expect("> ");
    shell.send("line $((1+1))\r");
    await shell.expect("> ");
    shell.send("END\r");
    await shell.expect(/\nline 2\r\n/);
    await shell.expect(PROMPT);
  });

  it("interrupts by ^C", async () => {
    await shell.start("sleep 100");
    shell.send(CTRL("C"));
    await shell.expect(PROMPT, 5000);
    expect(await shell.command("echo $?")).toBe("130\n");
  });

  it("quits by ^\\", async () => {
    await shell.start("cat");
    shell.send("\x1c");
    await shell.expect(PROMPT, 5000);
    expect(await shell.command("echo $?")).toBe("131\n");
  });

  it("ends input by ^D", async () => {
    await shell.start("wc -c");
    shell.send("12345\r");
    await shell.expect("12345\r\n");
    shell.send(CTRL("D"));
    await shell.expect(/^6\r\n/);
    await shell.expect(PROMPT);
  });

  it("stops by ^Z and goes on in the background and the foreground", async () => {
    await shell.start("sleep 4");
    shell.send(CTRL("Z"));
    await shell.expect(/Stopped/);
    await shell.expect(PROMPT);
    expect(await shell.command("jobs")).toMatch(/Stopped.*sleep 4/);
    expect(await shell.command("bg")).toMatch(/sleep 4/);
    expect(await shell.command("jobs")).toMatch(/Running.*sleep 4/);
    shell.send("fg\r");
    await shell.expect("sleep 4");
    await shell.expect(PROMPT, 15_000);
    expect(await shell.command("jobs")).toBe("");
  });

  it("runs jobs in the background", async () => {
    expect(await shell.command("sleep 60 &")).toBe("");
    expect(await shell.command("jobs")).toMatch(/\[1\].*Running.*sleep 60/);
    expect(await shell.command("kill %1; wait %1; echo $?")).toMatch(/143/);
  });

  it("stops a background job that reads", async () => {
    await shell.command("cat &");
    await shell.pause(500);
    expect(await shell.command("jobs")).toMatch(/Stopped \(tty input\).*cat/);
    await shell.command("kill -9 %1; wait");
  });

  it("shows processes and memory", async () => {
    expect(await shell.command("ps")).toMatch(/PID .*\n *1 .*init/s);
    expect(await shell.command("cat /proc/meminfo")).toMatch(/^MemTotal: +\d+ kB\n/);
    expect(await shell.command("free")).toMatch(/Mem: +\d+/);
    expect(await shell.command("mount")).toMatch(/proc on \/proc type proc/);
    expect(await shell.command("uptime")).toMatch(/up .*load average/);
  });

  it("edits a file with vi", async () => {
    shell.send("vi /tmp/note\r");
    await shell.expect("/tmp/note");
    shell.send("ihello from vi\x1b");
    await shell.pause(1000);
    shell.send(":wq\r");
    await shell.expect(PROMPT);
    expect(await shell.command("cat /tmp/note")).toBe("hello from vi\n");
  });

  it("shows top", async () => {
    shell.send("top\r");
    await shell.expect(/Mem: .*used/);
    await shell.expect(/CPU: /);
    await shell.expect(/\/init/);
    shell.send("q");
    await shell.expect(PROMPT);
  });

  it("runs bash with job control", async () => {
    shell.send("bash --norc\r");
    await shell.expect(/bash-5\.\d# $/);
    shell.send("for ((i=0;i<3;i++)); do echo -n $i; done; echo; set -o | grep monitor\r");
    await shell.expect(/\n012\r\n/);
    await shell.expect(/monitor.*on/);
    shell.send("exit\r");
    await shell.expect(PROMPT);
  });

  it("powers off when the shell ends", async () => {
    expect((await shell.close()).kind).toBe("off");
  });
});
