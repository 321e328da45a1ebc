import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  isAlive,
  isTemporaryName,
  readChunks,
  readIfExists,
  removeTree,
  renameDurable,
  sweepTemporaries,
  temporaryName,
  temporaryOwner,
  writeFileAtomic,
} from "../src/host/fs";

let dir: string;
beforeEach(async () => {
  dir = await fs.mkdtemp(join(tmpdir(), "pkgc-fs-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fs.rm(dir, { recursive: true, force: true });
});

/** Makes the disk fail at a call of an open file. */
function failing(call: "write" | "sync" | "close", code: string): void {
  const open = fs.open;
  vi.spyOn(fs, "open").mockImplementation(async (...args: Parameters<typeof open>) => {
    const handle = await open(...args);
    if (args[1] !== "wx") return handle;
    const real = (handle[call] as (...rest: unknown[]) => Promise<unknown>).bind(handle);
    handle[call] = (async (...rest: unknown[]) => {
      if (call === "close") await real(...rest);
      throw Object.assign(new Error(`${code}: simulated`), { code, syscall: call, errno: -5 });
    }) as never;
    return handle;
  });
}

describe("a file that is replaced as a whole", () => {
  it("has its bytes and permissions, whatever the umask", async () => {
    const path = join(dir, "f");
    const old = process.umask(0o077);
    try {
      await writeFileAtomic(path, "text", { mode: 0o755 });
      await writeFileAtomic(path, Buffer.from("more"), { mode: 0o644 });
    } finally {
      process.umask(old);
    }
    expect(await fs.readFile(path, "utf8")).toBe("more");
    expect((await fs.stat(path)).mode & 0o7777).toBe(0o644);
  });

  it("may come as a stream", async () => {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      yield Buffer.from("b".repeat(100_000));
    }
    await writeFileAtomic(join(dir, "f"), chunks());
    expect((await fs.stat(join(dir, "f"))).size).toBe(100_001);
  });

  it.each([
    ["write", "ENOSPC", "no space left on the device"],
    ["sync", "EIO", "the device reports an input/output error"],
    ["close", "EIO", "the device reports an input/output error"],
    ["write", "EDQUOT", "the disk quota is used up"],
  ] as const)("stays as it was when %s fails with %s", async (call, code, words) => {
    const path = join(dir, "f");
    await fs.writeFile(path, "old");
    failing(call, code);
    await expect(writeFileAtomic(path, "new")).rejects.toMatchObject({
      name: "PackageError",
      code,
      path,
      message: `cannot write ${path}: ${words}`,
    });
    vi.restoreAllMocks();
    expect(await fs.readFile(path, "utf8")).toBe("old");
    expect(await fs.readdir(dir)).toEqual(["f"]);
  });

  it("stays as it was when its content cannot be had", async () => {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      throw new RangeError("no more");
    }
    await expect(writeFileAtomic(join(dir, "f"), chunks())).rejects.toThrow(RangeError);
    expect(await fs.readdir(dir)).toEqual([]);
  });

  it("names the path when there is no directory for it", async () => {
    await expect(writeFileAtomic(join(dir, "no/f"), "x")).rejects.toMatchObject({
      code: "ENOENT",
      path: join(dir, "no/f"),
    });
  });
});

it("cleans up temporary files of processes that are gone", async () => {
  const mine = temporaryName(join(dir, "f"));
  const dead = mine.replace(`.${process.pid}.`, ".999999999.");
  for (const path of [mine, dead, join(dir, "f"), join(dir, ".f.tmp")]) await fs.writeFile(path, "");
  expect(isTemporaryName(mine.split("/").pop()!)).toBe(true);
  expect(temporaryOwner(mine)).toBe(process.pid);
  expect(await sweepTemporaries(dir)).toEqual([dead.split("/").pop()]);
  expect((await fs.readdir(dir)).length).toBe(3);
  expect(await sweepTemporaries(join(dir, "none"))).toEqual([]);
  expect([isAlive(process.pid), isAlive(999999999)]).toEqual([true, false]);
});

it("reads in chunks from an offset", async () => {
  await fs.writeFile(join(dir, "f"), "0123456789");
  const parts: string[] = [];
  for await (const chunk of readChunks(join(dir, "f"), 4, 1)) parts.push(Buffer.from(chunk).toString());
  expect(parts).toEqual(["1234", "5678", "9"]);
  await expect(readChunks(join(dir, "none")).next()).rejects.toMatchObject({
    code: "ENOENT",
    message: `cannot open ${join(dir, "none")}: no such file or directory`,
  });
});

it("takes what is not there for nothing", async () => {
  expect(await readIfExists(join(dir, "none"))).toBeNull();
  expect(await readIfExists(join(dir, "none/deeper"))).toBeNull();
  await removeTree(join(dir, "none"));
  await expect(renameDurable(join(dir, "none"), join(dir, "x"))).rejects.toMatchObject({
    code: "ENOENT",
    path: join(dir, "x"),
  });
  await expect(readIfExists(dir)).rejects.toMatchObject({ code: "EISDIR", path: dir });
});
