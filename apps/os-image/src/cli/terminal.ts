/** The user's terminal: saved before QEMU makes it raw, put back in every case. */
import { spawnSync } from "node:child_process";
import { writeSync } from "node:fs";

/** Cursor shown, attributes off, bracketed paste off: what a full-screen program of the guest may leave behind. */
const RESET = "\x1b[0m\x1b[?25h\x1b[?2004l";

/** Saves the settings of the terminal on standard input; the result puts them back and may be called twice. */
export function saveTerminal(): () => void {
  const stty = (...args: string[]) =>
    spawnSync("stty", args, { stdio: ["inherit", "pipe", "ignore"], encoding: "utf8" });
  const saved = stty("-g").stdout?.trim() ?? "";
  let done = false;
  const restore = (): void => {
    if (done) return;
    done = true;
    process.off("exit", restore);
    if (saved !== "") stty(saved);
    if (process.stdout.isTTY) writeSync(1, RESET);
  };
  process.on("exit", restore);
  return restore;
}
