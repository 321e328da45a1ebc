/** `MemoryFs` against node:fs on a folder of the host: the same calls give the same results and the same error codes. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { MemoryFs, FsError } from "@anax/vfs-msg/host";
import { afterAll, beforeEach, describe, expect, test } from "vitest";

const base = fs.mkdtempSync(path.join(os.tmpdir(), "memory-fs-"));
let dir = base;
let mem: MemoryFs;
let seq = 0;

beforeEach(() => {
  mem = new MemoryFs({ memory: 8 << 20 });
  dir = path.join(base, String(seq++));
  fs.mkdirSync(dir);
});

afterAll(() => fs.rmSync(base, { recursive: true }));

type Api = Pick<
  MemoryFs,
  | "mkdirSync"
  | "rmdirSync"
  | "unlinkSync"
  | "rmSync"
  | "renameSync"
  | "linkSync"
  | "symlinkSync"
  | "readlinkSync"
  | "readdirSync"
  | "statSync"
  | "lstatSync"
  | "existsSync"
  | "readFileSync"
  | "writeFileSync"
  | "appendFileSync"
  | "truncateSync"
  | "chmodSync"
  | "utimesSync"
  | "openSync"
  | "closeSync"
  | "readSync"
  | "writeSync"
  | "copyFileSync"
>;

/** The result of `f`, or the error's code. */
function outcome(f: () => unknown): unknown {
  try {
    return f();
  } catch (e) {
    return (e as { code: string }).code;
  }
}

/** Runs the same steps on both and compares what each gives. */
function both(steps: (api: Api, root: string) => unknown[]): void {
  const host = steps(fs as unknown as Api, dir);
  const ours = steps(mem, "");
  expect(JSON.parse(JSON.stringify(ours))).toEqual(JSON.parse(JSON.stringify(host)));
}

describe("the same as node:fs", () => {
  test("files", () => {
    both((api, r) => [
      outcome(() => api.writeFileSync(`${r}/f`, "héllo")),
      outcome(() => api.readFileSync(`${r}/f`, "utf8")),
      outcome(() => api.appendFileSync(`${r}/f`, " wörld")),
      outcome(() => api.readFileSync(`${r}/f`, { encoding: "latin1" })),
      outcome(() => [...api.readFileSync(`${r}/f`)]),
      outcome(() => api.statSync(`${r}/f`).size),
      outcome(() => api.truncateSync(`${r}/f`, 3)),
      outcome(() => api.readFileSync(`${r}/f`, "hex")),
      outcome(() => api.writeFileSync(`${r}/f`, "x", { flag: "wx" })),
      outcome(() => api.readFileSync(`${r}/none`)),
      outcome(() => api.readFileSync(r + "/")),
      outcome(() => api.copyFileSync(`${r}/f`, `${r}/g`)),
      outcome(() => api.readFileSync(`${r}/g`, "base64")),
      outcome(() => api.existsSync(`${r}/g`)),
      outcome(() => api.existsSync(`${r}/h`)),
    ]);
  });

  test("directories and links", () => {
    both((api, r) => [
      outcome(() => api.mkdirSync(`${r}/a`)),
      outcome(() => api.mkdirSync(`${r}/a`)),
      outcome(() => api.mkdirSync(`${r}/a/b/c`)),
      outcome(() => api.mkdirSync(`${r}/a/b/c`, { recursive: true })!.slice(r.length)),
      outcome(() => api.mkdirSync(`${r}/a/b/c`, { recursive: true })),
      outcome(() => api.writeFileSync(`${r}/a/b/f`, "1")),
      outcome(() => api.mkdirSync(`${r}/a/b/f/x`, { recursive: true })),
      outcome(() => api.symlinkSync("b/f", `${r}/a/l`)),
      outcome(() => api.readlinkSync(`${r}/a/l`)),
      outcome(() => api.readlinkSync(`${r}/a/b`)),
      outcome(() => api.readFileSync(`${r}/a/l`, "utf8")),
      outcome(() => [api.lstatSync(`${r}/a/l`).isSymbolicLink(), api.statSync(`${r}/a/l`).isFile()]),
      outcome(() => api.linkSync(`${r}/a/b/f`, `${r}/hard`)),
      outcome(() => api.statSync(`${r}/hard`).nlink),
      outcome(() => api.linkSync(`${r}/a`, `${r}/hard2`)),
      outcome(() => api.readdirSync(`${r}/a`).sort()),
      outcome(() =>
        api
          .readdirSync(`${r}/a`, { withFileTypes: true })
          .map((d) => [d.name, d.isDirectory(), d.isSymbolicLink()])
          .sort(),
      ),
      outcome(() => api.readdirSync(`${r}/hard`)),
      outcome(() => api.rmdirSync(`${r}/a`)),
      outcome(() => api.unlinkSync(`${r}/nothing`)),
      outcome(() => api.renameSync(`${r}/a`, `${r}/a/b/z`)),
      outcome(() => api.renameSync(`${r}/a`, `${r}/hard`)),
      outcome(() => api.renameSync(`${r}/a`, `${r}/z`)),
      outcome(() => api.readdirSync(r + "/").sort()),
      outcome(() => api.rmSync(`${r}/z`)!),
      outcome(() => api.rmSync(`${r}/z`, { recursive: true })),
      outcome(() => api.rmSync(`${r}/z`, { force: true })),
      outcome(() => api.readdirSync(r + "/")),
    ]);
  });

  test("open files and positions", () => {
    both((api, r) => {
      const fd = api.openSync(`${r}/f`, "w+");
      const buf = new Uint8Array(8);
      const out = [
        api.writeSync(fd, Buffer.from("abcdefgh")),
        api.writeSync(fd, Buffer.from("XY"), 0, 2, 2),
        api.readSync(fd, buf, 0, 8, 0),
        [...buf],
        api.readSync(fd, buf, 0, 8, null),
        api.readSync(fd, buf, 0, 3, 6),
        api.writeSync(fd, Buffer.from("!")),
        outcome(() => api.unlinkSync(`${r}/f`)),
        api.readSync(fd, buf, 0, 8, 0),
        Buffer.from(buf).toString(),
      ];
      api.closeSync(fd);
      const ro = (): number => api.openSync(`${r}/f2`, "r");
      out.push(outcome(ro) as string);
      return out;
    });
  });

  test("modes and times", () => {
    both((api, r) => [
      outcome(() => api.writeFileSync(`${r}/f`, "", { mode: 0o600 })),
      outcome(() => api.statSync(`${r}/f`).mode),
      outcome(() => api.chmodSync(`${r}/f`, 0o640)),
      outcome(() => api.statSync(`${r}/f`).mode),
      outcome(() => api.utimesSync(`${r}/f`, 1000.5, new Date(2_000_250))),
      outcome(() => [api.statSync(`${r}/f`).atimeMs, api.statSync(`${r}/f`).mtimeMs]),
    ]);
  });
});

describe("beyond one user", () => {
  test("views of other users see the permissions", async () => {
    mem.mkdirSync("/home/u", { recursive: true });
    mem.chownSync("/home/u", 1000, 1000);
    const user = mem.as(1000, 1000);
    user.writeFileSync("/home/u/secret", "s", { mode: 0o600 });
    expect(() => mem.as(1001, 1001).readFileSync("/home/u/secret")).toThrowError(
      "EACCES: permission denied, open '/home/u/secret'",
    );
    await expect(mem.as(1001, 1001).promises.readdir("/home/u")).resolves.toEqual(["secret"]);
    expect(await user.promises.readFile("/home/u/secret", "utf8")).toBe("s");
    await expect(user.promises.mkdir("/x")).rejects.toMatchObject({
      code: "EACCES",
      errno: -13,
      syscall: "mkdir",
      path: "/x",
    });
    expect(() => user.renameSync("/home/u/none", "/x")).toThrow(FsError);
    user.chdir("/home/u");
    expect(user.realpathSync("../u/secret")).toBe("/home/u/secret");
  });

  test("memory is bounded: ENOSPC, and free again after unlink", () => {
    const big = new Uint8Array(5 << 20);
    mem.writeFileSync("/a", big);
    expect(outcome(() => mem.writeFileSync("/b", big))).toBe("ENOSPC");
    mem.unlinkSync("/a");
    mem.unlinkSync("/b");
    mem.writeFileSync("/b", big);
    expect(mem.statSync("/b").size).toBe(big.length);
  });
});
