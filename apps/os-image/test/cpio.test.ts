import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CpioError, CpioWriter, S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG, readCpio } from "../src/image/cpio.js";

const sample = (): Buffer => {
  const writer = new CpioWriter();
  writer.add({ name: "dir", mode: S_IFDIR | 0o1777, mtime: 1 });
  writer.add({
    name: "dir/file",
    mode: S_IFREG | 0o4751,
    uid: 5,
    gid: 6,
    mtime: 1735689600,
    data: Buffer.from("hello"),
  });
  writer.add({ name: "dir/link", mode: S_IFLNK | 0o777, data: Buffer.from("file") });
  writer.add({ name: "console", mode: S_IFCHR | 0o600, rdevMajor: 5, rdevMinor: 1 });
  return writer.finish();
};

describe("newc archives", () => {
  it("come back as they were written", () => {
    const entries = readCpio(sample());
    expect(entries.map((e) => [e.name, e.mode, e.data.length])).toEqual([
      ["dir", S_IFDIR | 0o1777, 0],
      ["dir/file", S_IFREG | 0o4751, 5],
      ["dir/link", S_IFLNK | 0o777, 4],
      ["console", S_IFCHR | 0o600, 0],
    ]);
    expect(entries[1]).toMatchObject({ uid: 5, gid: 6, mtime: 1735689600, nlink: 1 });
    expect(entries[3]).toMatchObject({ rdevMajor: 5, rdevMinor: 1 });
  });

  it("are what busybox cpio understands", async () => {
    const folder = await mkdtemp(join(tmpdir(), "anax-test-"));
    try {
      await writeFile(join(folder, "a.cpio"), sample());
      const { stdout } = await execa("busybox", ["cpio", "-itv", "-F", "a.cpio"], { cwd: folder, env: { TZ: "UTC" } });
      const lines = stdout.split("\n").map((line) => line.split(/\s+/));
      expect(lines[0]?.[0]).toBe("drwxrwxrwt");
      expect(lines[1]?.[0]).toBe("-rwsr-x--x");
      expect(lines[1]?.at(-1)).toBe("dir/file");
      expect(lines[2]?.slice(-3)).toEqual(["dir/link", "->", "file"]);
      expect(lines[3]?.[0]).toBe("crw-------");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("can be concatenated", () => {
    const second = new CpioWriter();
    second.add({ name: "more", mode: S_IFREG | 0o644, data: Buffer.from("x") });
    const names = readCpio(Buffer.concat([sample(), second.finish()])).map((e) => e.name);
    expect(names).toEqual(["dir", "dir/file", "dir/link", "console", "more"]);
  });

  it("are padded to whole blocks and aligned data", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9/]{0,30}[a-z]$/), fc.uint8Array({ maxLength: 600 })), {
          maxLength: 8,
        }),
        (files) => {
          const writer = new CpioWriter();
          for (const [name, data] of files) writer.add({ name, mode: S_IFREG | 0o644, data });
          const archive = writer.finish();
          expect(archive.length % 512).toBe(0);
          const entries = readCpio(archive);
          expect(entries.map((e) => [e.name, Buffer.from(e.data)])).toEqual(
            files.map(([name, data]) => [name, Buffer.from(data)]),
          );
        },
      ),
    );
  });

  it("refuse bad names and numbers", () => {
    const writer = new CpioWriter();
    expect(() => writer.add({ name: "/abs", mode: S_IFREG })).toThrow(RangeError);
    expect(() => writer.add({ name: "", mode: S_IFREG })).toThrow(RangeError);
    expect(() => writer.add({ name: "x", mode: S_IFREG, mtime: -1 })).toThrow(RangeError);
    expect(() => writer.add({ name: "x", mode: S_IFREG, mtime: 2 ** 32 })).toThrow(RangeError);
  });

  it("report where they are truncated or damaged", () => {
    const archive = sample();
    for (let n = 1; n < 600; n += 7) expect(() => readCpio(archive.subarray(0, n))).toThrow(CpioError);
    const damaged = Buffer.from(archive);
    damaged[0] = 0x41;
    expect(() => readCpio(damaged)).toThrow("no newc magic (at byte 0)");
  });
});
