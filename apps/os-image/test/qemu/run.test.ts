/** `anax run`: status, streams, files, limits. */
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { anax, guestRun, guestScript, LAUNCHER, ON_LINUX, TEST_KERNEL } from "../helpers/anax.js";
import { execa } from "execa";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anax-test-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe("exit status", () => {
  it("is the command's", async () => {
    const result = await guestScript("exit 3");
    expect(result.stderr.toString()).toBe("");
    expect(result.stdout.length).toBe(0);
    expect(result.status).toBe(3);
  });

  it("is 128 and the signal for a killed command", async () => {
    const result = await guestScript("kill -9 $$");
    expect(result.stderr.toString()).toBe("");
    expect(result.status).toBe(137);
  });

  it("is 127 for a missing command", async () => {
    const result = await guestRun(["no-such-command"]);
    expect(result.stderr.toString()).toMatch(/not found/);
    expect(result.status).toBe(127);
  });

  it("is 124 on time-out, with the output so far", async () => {
    const result = await guestScript("echo before; sleep 1000", ["--timeout", "12"]);
    expect(result.stdout.toString()).toBe("before\n");
    expect(result.stderr.toString()).toMatch(/time-out after 12 s/);
    expect(result.status).toBe(124);
  });

  it("is 70 for a panic and 65 for a broken image", async () => {
    const missing = await guestRun(["true"], ["--append", "rdinit=/no/such/init"]);
    // Linux calls a missing /init a panic.
    expect(missing.status).toBe(ON_LINUX ? 70 : 65);
    expect(missing.stderr.toString()).toMatch(/init/);
  });
});

describe("streams", () => {
  it("are apart and byte-clean", async () => {
    const bytes = join(folder, "bytes");
    const all = Buffer.from(Array.from({ length: 256 * 16 }, (_, i) => (i * 7 + (i >> 8)) & 255));
    await writeFile(bytes, all);
    const result = await guestScript("cat /bytes; cat /bytes >&2; cat /bytes /bytes", ["--add", `${bytes}:/bytes`]);
    expect(result.status).toBe(0);
    expect(result.stdout.equals(Buffer.concat([all, all, all]))).toBe(true);
    expect(result.stderr.equals(all)).toBe(true);
  });

  it("carry a megabyte", async () => {
    const result = await guestScript("seq 1 150000");
    expect(result.stdout.toString()).toBe(Array.from({ length: 150000 }, (_, i) => `${i + 1}\n`).join(""));
    expect(result.status).toBe(0);
  });

  it("bring the input of --stdin", async () => {
    const kernel = TEST_KERNEL === undefined ? [] : ["--kernel", TEST_KERNEL];
    const result = await anax(["run", ...kernel, "--timeout", "60", "--stdin", "-", "--", "tr", "a-z", "A-Z"], {
      input: "from the host\n",
    });
    expect(result.stdout.toString()).toBe("FROM THE HOST\n");
  });

  it("have no input by default and are no terminals", async () => {
    const result = await guestScript("cat; for fd in 0 1 2; do [ -t $fd ] && echo tty $fd; done; echo x >/dev/tty");
    expect(result.stdout.toString()).toMatch(/^tty 1\ntty 2\n$|^$/);
    expect(result.status).toBe(1);
  });

  it("arrive while the command runs", async () => {
    const kernel = TEST_KERNEL === undefined ? [] : ["--kernel", TEST_KERNEL];
    const args = ["run", ...kernel, "--timeout", "60", "--", "sh", "-c", "echo first; sleep 3; echo second"];
    const child = execa(process.execPath, [LAUNCHER, ...args], { reject: false, stdin: "ignore" });
    const times: number[] = [];
    child.stdout.on("data", () => times.push(Date.now()));
    await child;
    expect(times.length).toBeGreaterThanOrEqual(2);
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(2000);
  });
});

describe("--add", () => {
  it("keeps modes, links and folders", async () => {
    const tree = join(folder, "tree");
    await mkdir(join(tree, "sub"), { recursive: true });
    await writeFile(join(tree, "plain"), "p");
    await chmod(join(tree, "plain"), 0o640);
    await writeFile(join(tree, "tool"), "#!/bin/sh\necho tool $#\n");
    await chmod(join(tree, "tool"), 0o4755);
    await chmod(join(tree, "sub"), 0o1777);
    await symlink("../plain", join(tree, "sub/link"));
    const result = await guestScript(
      "cd /opt/t; stat -c '%a %F %n' plain tool sub sub/link; cat sub/link; ./tool a b; readlink sub/link",
      ["--add", `${tree}:/opt/t`],
    );
    expect(result.stdout.toString()).toBe(
      "640 regular file plain\n4755 regular file tool\n1777 directory sub\n777 symbolic link sub/link\n" +
        "ptool 2\n../plain\n",
    );
  });

  it("replaces what is in the image", async () => {
    const file = join(folder, "hostname");
    await writeFile(file, "other\n");
    const result = await guestRun(["cat", "/etc/hostname"], ["--add", `${file}:/etc/hostname`]);
    expect(result.stdout.toString()).toBe("other\n");
  });

  it("passes arguments unchanged", async () => {
    const words = ["a b", "it's", "$HOME", "", "*", 'q"q', "back\\slash", "ünï"];
    const result = await guestRun(["sh", "-c", 'for a; do printf "<%s>" "$a"; done', "sh", ...words]);
    expect(result.stdout.toString()).toBe(words.map((w) => `<${w}>`).join(""));
  });
});
