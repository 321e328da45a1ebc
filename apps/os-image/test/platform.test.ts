/**
 * Platform pc64, from the outside: the bring-up kernel (src/kernel/hello.ts) in QEMU, its checks, its ways to die, and the
 * names in its symbol table.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "..");
const build = path.resolve(root, "../../packages/kts/src/native/build-kernel.mjs");

let folder: string;
let kernel: string;
let program: string;

interface Run {
  output: string;
  status: number | null;
}

function qemu(args: string[], seconds = 60): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn("qemu-system-x86_64", [
      ...["-M", "q35", "-cpu", "max", "-display", "none", "-no-reboot", "-nodefaults", "-serial", "stdio"],
      ...["-device", "isa-debug-exit,iobase=0x501,iosize=2", "-kernel", kernel, ...args],
    ]);
    const timer = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
    let output = "";
    child.stdout.on("data", (data: Buffer) => (output += data.toString("latin1")));
    child.stderr.on("data", (data: Buffer) => (output += data.toString("latin1")));
    child.on("error", reject);
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ output: output.replaceAll("\r", ""), status });
    });
  });
}

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "anax-platform-"));
  kernel = path.join(folder, "hello.elf");
  program = path.join(folder, "user.bin");
  execFileSync("node", [build, "--entry", "src/kernel/hello.ts", "--out", kernel, "--quiet"], { cwd: root });
  const linked = path.join(folder, "user.elf");
  execFileSync("gcc", [
    "-nostdlib",
    "-static",
    "-Wl,-Ttext=0x400000",
    "-Wl,--build-id=none",
    "-o",
    linked,
    path.join(root, "test/platform/user.S"),
  ]);
  execFileSync("objcopy", ["-O", "binary", "-j", ".text", linked, program]);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("platform pc64", () => {
  it.each(["24M", "256M", "6G"])(
    "passes its checks with %s of memory",
    async (memory) => {
      const args = ["-m", memory, "-initrd", program];
      if (memory.endsWith("G"))
        args.push("-machine", "memory-backend=ram", "-object", `memory-backend-ram,id=ram,size=${memory},reserve=off`);
      const { output, status } = await qemu(args);
      expect(output.split("\n").filter((line) => line.startsWith("FAILED"))).toEqual([]);
      expect(output).toContain("hello: all passed");
      expect(output.match(/^ok /gm)!.length).toBeGreaterThan(55);
      expect(status).toBe(0);
      const regions = [...output.matchAll(/^region (\d+) (\d+)$/gm)].map((m) => Number(m[2]));
      const total = regions.reduce((a, b) => a + b, 0);
      const size = Number.parseInt(memory) * (memory.endsWith("G") ? 2 ** 30 : 2 ** 20);
      expect(total).toBeGreaterThan(size - 6 * 2 ** 20 - size / 100);
      expect(total).toBeLessThan(size);
    },
    120_000,
  );

  // AVX is off because QEMU 7.2 itself aborts on some malformed AVX instructions.
  it.each(["fuzz=1", "fuzz"])("survives random programs (%s)", async (line) => {
    const { output, status } = await qemu(["-m", "64M", "-initrd", program, "-append", line, "-cpu", "max,avx=off"]);
    expect(output).toContain("ok random instructions trap");
    expect(output).toContain("hello: all passed");
    expect(status).toBe(0);
  });

  it("traces a throw back through TypeScript names", async () => {
    const { output, status } = await qemu(["-m", "64M", "-append", "panic=throw"]);
    expect(output).toMatch(/^panic: thrown on purpose \(apps\/os-image\/src\/kernel\/hello\.ts:\d+:\d+\)$/m);
    const line =
      readFileSync(path.join(root, "src/kernel/hello.ts"), "utf8")
        .split("\n")
        .findIndex((l) => l.includes("thrown on purpose")) + 1;
    expect(output).toContain(`\n  at Hello#run (apps/os-image/src/kernel/hello.ts:${line}) `);
    expect(output).toMatch(/^ {2}at boot \(apps\/os-image\/src\/kernel\/hello\.ts:\d+\) /m);
    expect(status).toBe(71);
  });

  it.each([
    ["bounds", /^panic: Index out of range \(~lib\/typedarray\.ts:\d+:\d+\)\n {2}at Uint8Array#__set /m],
    ["divide", /^panic: division by zero$/m],
    [
      "stack",
      /^panic: kernel stack overflow \(vector 8[\s\S]*^ {2}at Node#depth \(apps\/os-image\/src\/kernel\/hello\.ts/m,
    ],
    ["memory", /^panic: the kernel heap is exhausted\n {2}at __new [\s\S]*at Hello#run /m],
    ["text", /^panic: page fault \(vector 14, error 0{15}3, address ffff800000100000\)$/m],
  ])("panics for %s with status 71", async (kind, expected) => {
    const { output, status } = await qemu(["-m", "64M", "-append", `panic=${kind}`]);
    expect(output).toMatch(expected);
    expect(status).toBe(71);
  });

  it("ends with the status of a broken image, and by a reset", async () => {
    expect((await qemu(["-m", "64M", "-append", "panic=broken"])).status).toBe(65);
    expect((await qemu(["-m", "64M", "-append", "panic=reboot"])).status).toBe(0);
  });

  it("says when there is too little memory", async () => {
    const { output, status } = await qemu(["-m", "2M"]);
    expect(output).toContain("panic: not enough memory behind the kernel image");
    expect(status).toBe(71);
  });

  it("refuses a CPU without NX pages", async () => {
    const { output, status } = await qemu(["-m", "64M", "-cpu", "max,nx=off"]);
    expect(output).toContain("anax: this CPU has no NX pages");
    expect(status).toBe(71);
  });

  it("has TypeScript names in its symbol table", () => {
    const symbols = execFileSync("nm", [kernel], { encoding: "utf8" });
    expect(symbols).toMatch(/ T apps\/os-image\/src\/kernel\/hello\/Hello#run$/m);
    expect(symbols).toMatch(/ T Hello#run$/m);
  });
});
