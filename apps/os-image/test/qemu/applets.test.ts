/**
 * The applets of busybox on the host and in the guest: the same binary, the same cases (test/applets), output and exit
 * status compared byte for byte.
 */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCpio } from "../../src/image/cpio.js";
import { APP, INITRAMFS } from "../../src/paths.js";
import { guestRun } from "../helpers/anax.js";

const CASES = join(APP, "test/applets");
/** Where both sides work: messages that show a path must agree. */
const WORK = "/tmp/anax-applets";

let folder: string;
let host: Map<string, string>;
let guest: Map<string, string>;

/** Splits the output of run.sh into case and result. */
function results(output: Buffer): Map<string, string> {
  const map = new Map<string, string>();
  for (const part of output.toString("latin1").split(/^=== /m).slice(1)) {
    const newline = part.indexOf("\n");
    map.set(part.slice(0, newline), part.slice(newline + 1));
  }
  return map;
}

async function runOnHost(): Promise<Buffer> {
  // The binary of the image itself, with its applets as links for those that look in PATH.
  const bin = join(folder, "bin");
  await mkdir(bin);
  const image = readCpio(await readFile(INITRAMFS));
  const busybox = image.find((entry) => entry.name === "bin/busybox")!;
  await writeFile(join(bin, "busybox"), busybox.data, { mode: 0o755 });
  const { stdout } = await execa(join(bin, "busybox"), ["--list"]);
  for (const applet of stdout.split("\n")) if (applet !== "busybox") await symlink("busybox", join(bin, applet));
  const result = await execa(join(bin, "busybox"), ["sh", join(CASES, "run.sh"), CASES, WORK], {
    env: { PATH: bin },
    extendEnv: false,
    encoding: "buffer",
    stripFinalNewline: false,
    stdin: "ignore",
  });
  return Buffer.from(result.stdout);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anax-test-"));
  host = results(await runOnHost());
  const result = await guestRun(
    ["sh", "/cases/run.sh", "/cases", WORK],
    ["--add", `${CASES}:/cases`, "--timeout", "280"],
  );
  expect(result.stderr.toString()).toBe("");
  expect(result.status).toBe(0);
  guest = results(result.stdout);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
  await rm(WORK, { recursive: true, force: true });
});

describe("busybox applets", () => {
  it("are a few hundred cases, and both sides ran all of them", async () => {
    const lines = (await readFile(join(CASES, "lines.txt"), "utf8"))
      .split("\n")
      .filter((l) => l !== "" && !l.startsWith("#"));
    expect(lines.length).toBeGreaterThan(400);
    expect(new Set(lines).size).toBe(lines.length);
    expect([...host.keys()].length).toBeGreaterThan(lines.length);
    expect([...guest.keys()]).toEqual([...host.keys()]);
  });

  it("answer the same", () => {
    const different = [...host].filter(([name, output]) => guest.get(name) !== output);
    const report = different.map(([name, output]) => `=== ${name}\n--- host\n${output}--- guest\n${guest.get(name)}`);
    expect(report.join("\n")).toBe("");
  });
});
