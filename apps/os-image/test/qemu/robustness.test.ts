/** Broken images, little memory, memory that runs out. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kernelPath } from "../../src/cli/options.js";
import { Guest, type GuestEnd } from "../../src/cli/guest.js";
import { CpioWriter, S_IFDIR, S_IFREG, readCpio } from "../../src/image/cpio.js";
import { INITRAMFS } from "../../src/paths.js";
import { guestScript, ON_LINUX, TEST_KERNEL } from "../helpers/anax.js";
import { GuestConsole } from "../helpers/console.js";
import { program } from "../helpers/programs.js";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anax-test-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Boots an image made of these bytes alone and gives how it ended and what the console said. */
async function bootImage(
  bytes: Uint8Array,
  command?: string[],
): Promise<{ end: GuestEnd; log: string; stdout: string }> {
  const image = join(folder, "image");
  await writeFile(image, bytes);
  const guest = await Guest.start({
    kernel: await kernelPath(TEST_KERNEL),
    memory: 256,
    cpus: 1,
    add: [],
    session: { command },
    image,
    // Only what is under test: without the launcher's own archive the end of a truncated image stays its end.
    bare: command === undefined,
  });
  let stdout = "";
  guest.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  guest.stderr.resume();
  const timer = setTimeout(() => guest.kill({ kind: "timeout" }), 60_000);
  const end = await guest.ended;
  clearTimeout(timer);
  return { end, log: guest.log, stdout };
}

const small = (init: Uint8Array | string, mode = 0o755): Buffer => {
  const writer = new CpioWriter();
  writer.add({ name: "dev", mode: S_IFDIR | 0o755 });
  writer.add({ name: "init", mode: S_IFREG | mode, data: Buffer.from(init) });
  return writer.finish();
};

// Linux panics for all of these; the kinds and messages are Anax's.
describe.skipIf(ON_LINUX)("a broken image is named and ends the machine with its own status", () => {
  it("truncated in the middle of a file", async () => {
    const bytes = await readFile(INITRAMFS);
    const { end, log } = await bootImage(bytes.subarray(0, 1_000_000));
    expect(end.kind).toBe("broken-image");
    expect(log).toMatch(/truncated|cut off/);
    expect(log).toMatch(/busybox/);
  });

  it("not an archive", async () => {
    const { end, log } = await bootImage(Buffer.from("this is no archive at all, but it has some length"));
    expect(end.kind).toBe("broken-image");
    expect(log).toMatch(/cpio|archive|magic/i);
  });

  it("damaged gzip", async () => {
    const bytes = gzipSync(small("#!/bin/sh\n"));
    bytes[bytes.length - 20]! ^= 0x55;
    expect((await bootImage(bytes)).end.kind).toBe("broken-image");
  });

  it("without /init", async () => {
    const writer = new CpioWriter();
    writer.add({ name: "bin", mode: S_IFDIR | 0o755 });
    const { end, log } = await bootImage(writer.finish());
    expect(end.kind).toBe("broken-image");
    expect(log).toMatch(/\/init/);
  });

  it.each([
    ["not an ELF file", "neither ELF nor a script"],
    ["an ELF header and nothing else", Buffer.from("7f454c46020101000000000000000000", "hex")],
    ["a missing interpreter", "#!/no/such/shell\n"],
  ])("/init is %s", async (_, init) => {
    const { end, log } = await bootImage(small(init));
    expect(end.kind).toBe("broken-image");
    expect(log).toMatch(/\/init/);
  });

  it("/init is not executable", async () => {
    const { end, log } = await bootImage(small("#!/bin/sh\n", 0o644));
    expect(end.kind).toBe("broken-image");
    expect(log).toMatch(/\/init/);
  });

  it("32-bit ELF", async () => {
    const header = Buffer.alloc(120);
    Buffer.from("7f454c4601010100", "hex").copy(header);
    expect((await bootImage(small(header))).end.kind).toBe("broken-image");
  });
});

describe("archives of all kinds boot", () => {
  it("compressed, and a plain one after it", async () => {
    const bytes = gzipSync(await readFile(INITRAMFS));
    const { end, stdout } = await bootImage(bytes, ["echo", "booted"]);
    expect(end).toEqual({ kind: "exit", status: 0 });
    expect(stdout).toBe("booted\n");
  });

  it("in many pieces", async () => {
    const entries = readCpio(await readFile(INITRAMFS));
    const pieces = [];
    for (let at = 0; at < entries.length; at += 40) {
      const writer = new CpioWriter();
      for (const entry of entries.slice(at, at + 40)) writer.add(entry);
      const piece = at % 80 === 0 ? writer.finish() : gzipSync(writer.finish());
      // An archive starts at a multiple of 4 bytes; any number of zeros may stand before it.
      pieces.push(piece, Buffer.alloc((-piece.length & 3) + (at % 3) * 4));
    }
    const { end, stdout } = await bootImage(Buffer.concat(pieces), ["sh", "-c", "ls /bin | wc -l"]);
    expect(end).toEqual({ kind: "exit", status: 0 });
    expect(Number(stdout)).toBeGreaterThan(50);
  });
});

describe("memory", () => {
  // Linux needs more than this.
  it.skipIf(ON_LINUX)("24 MiB are enough for a shell", async () => {
    const shell = await GuestConsole.open({ memory: 24 });
    try {
      expect(await shell.command("ls / | sort | head -n 1")).toBe("bin\n");
      expect(await shell.command("bash -c 'echo $((6 * 7))'")).toBe("42\n");
      expect(await shell.command("find / -xdev | wc -l")).toMatch(/^\d+\n$/);
      expect((await shell.close()).kind).toBe("off");
    } finally {
      await shell.kill();
    }
  });

  it("that runs out costs the greedy process, not the shell", async () => {
    const hog = "awk 'BEGIN { while (1) a[n++] = sprintf(\"%01000d\", n) }'";
    const result = await guestScript(`${hog}; echo status $?; echo alive | rev`, ["--mem", "192M"]);
    expect(result.stdout.toString()).toMatch(/^status [1-9]\d*\nevila\n$/);
  });

  it("that a file system fills comes back", async () => {
    const fill = "dd if=/dev/zero of=/tmp/big bs=64k 2>/dev/null; rm /tmp/big";
    const result = await guestScript(`${fill}; ${fill}; echo alive | rev; seq 1 5 | tail -n 1`, ["--mem", "192M"]);
    expect(result.stdout.toString()).toBe("evila\n5\n");
    expect(result.status).toBe(0);
  });

  it("of the kernel is refused to programs that take all of something", { timeout: 960_000 }, async () => {
    // Minutes on a busy host: every table there is fills up.
    const add = ["--timeout", "900", "--mem", "256M", "--add", `${await program("exhaust")}:/bin/exhaust`];
    const result = await guestScript("exhaust; echo status $?; echo alive | rev", add);
    expect(result.stderr.toString()).toBe("");
    expect(result.stdout.toString()).not.toMatch(/WRONG/);
    expect(result.stdout.toString()).toMatch(/\nstatus 0\nevila\n$/);
  });

  it("that many processes want is denied, and the shell goes on", async () => {
    const bomb = "f() { sleep 3 & f; }; f";
    const result = await guestScript(
      `(ulimit -u 200 2>/dev/null; ${bomb}) 2>/dev/null & sleep 6; kill $! 2>/dev/null; echo alive | rev`,
      ["--mem", "192M"],
    );
    expect(result.stdout.toString()).toBe("evila\n");
  });
});
