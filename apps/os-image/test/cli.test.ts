import { describe, expect, it } from "vitest";
import { parseStatus } from "../src/cli/protocol.js";
import { parseMemory, qemuArguments } from "../src/cli/qemu.js";
import { anax } from "./helpers/anax.js";

describe("anax without a guest", () => {
  it.each([
    [["--help"], 0, /boot.*run.*build.*bench.*debug/s],
    [["--help"], 0, /124 +time-out/],
    [["run", "--help"], 0, /--timeout/],
    [["boot", "--help"], 0, /--add <host:guest>/],
    [["build", "--help"], 0, /--gzip/],
    [["bench", "--help"], 0, /--only/],
    [["debug", "--help"], 0, /--ex/],
    [["--version"], 0, /^\d+\.\d+\.\d+/],
  ])("%j explains itself", async (args, status, pattern) => {
    const result = await anax(args);
    expect(result.status).toBe(status);
    expect(result.stdout.toString()).toMatch(pattern);
  });

  it.each([
    [["frobnicate"], 64, /unknown command/],
    [["run"], 64, /no command/],
    [["run", "--"], 64, /no command/],
    [["run", "--mem", "lots", "--", "true"], 64, /256M or 2G/],
    [["run", "--mem", "1K", "--", "true"], 64, /whole megabytes/],
    [["run", "--mem", "-5", "--", "true"], 64, /256M or 2G/],
    [["run", "--cpus", "0", "--", "true"], 64, /from 1 to 64/],
    [["run", "--timeout", "soon", "--", "true"], 64, /number of seconds/],
    [["run", "--add", "nocolon", "--", "true"], 64, /HOST:GUEST/],
    [["run", "--add", "x:relative", "--", "true"], 64, /must be absolute/],
    [["run", "--frob", "--", "true"], 64, /unknown option/],
    [["run", "--kernel", "/no/such/kernel", "--", "true"], 66, /no such file/],
    [["run", "--kernel", "/", "--", "true"], 66, /not a file/],
    [["run", "--stdin", "/no/such/file", "--", "true"], 66, /cannot be read/],
    [["bench", "--runs", "none"], 64, /whole number/],
    [["bench", "--only", "nothing-of-the-kind"], 64, /no measurement/],
    [["boot", "extra"], 64, /too many arguments/],
  ])("%j is refused", async (args, status, pattern) => {
    const result = await anax(args);
    expect(result.stderr.toString()).toMatch(pattern);
    expect(result.status).toBe(status);
    expect(result.stdout.length).toBe(0);
  });
});

describe("the pieces", () => {
  it("reads memory sizes", () => {
    expect(["256", "256M", "24m", "1G", "65536K"].map(parseMemory)).toEqual([256, 256, 24, 1024, 64]);
  });

  it("reads the status line", () => {
    expect(parseStatus("exit 3\r\n")).toBe(3);
    expect(parseStatus("exit 255\n")).toBe(255);
    expect(parseStatus("exit 3")).toBeNull();
    expect(parseStatus("")).toBeNull();
  });

  it("starts every kernel on the same machine", () => {
    const args = qemuArguments({ kernel: "k", initrd: "i", memory: 24, cpus: 1, append: "x=1" }, [
      "null",
      "null",
      "socket,fd=5",
      "null",
    ]);
    const value = (flag: string): string | undefined => args[args.indexOf(flag) + 1];
    expect(value("-m")).toBe("24M");
    expect(value("-append")).toBe("console=ttyS0 panic=-1 quiet x=1");
    expect(value("-device")).toBe("isa-debug-exit,iobase=0x501,iosize=2");
    expect(args.filter((a) => a === "-serial").length).toBe(4);
    expect(args).toContain("socket,id=tty2,fd=5");
  });
});
