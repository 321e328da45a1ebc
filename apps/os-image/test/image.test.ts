import { chmod, link, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildImage, sessionArchive, shellQuote } from "../src/image/build.js";
import { CpioWriter, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, readCpio } from "../src/image/cpio.js";
import { GuestTree, addHostFiles, parseAdd } from "../src/image/host-files.js";
import { loadManifest } from "../src/image/manifest.js";
import { execaSync } from "execa";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anax-test-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

const base = (): Buffer => {
  const writer = new CpioWriter();
  writer.add({ name: "bin", mode: S_IFDIR | 0o755 });
  writer.add({ name: "bin/sh", mode: S_IFLNK | 0o777, data: Buffer.from("busybox") });
  return writer.finish();
};

describe("the base image", () => {
  it("holds what the manifest says, and builds to the same bytes", async () => {
    const output = join(folder, "image.cpio");
    const first = await buildImage({ output });
    const entries = new Map(readCpio(await readFile(output)).map((e) => [e.name, e]));
    expect(entries.size).toBe(first.entries);
    expect(entries.get("init")?.mode).toBe(S_IFREG | 0o755);
    expect(entries.get("tmp")?.mode).toBe(S_IFDIR | 0o1777);
    expect(Buffer.from(entries.get("bin/busybox")!.data.subarray(0, 4)).toString("latin1")).toBe("\x7fELF");
    const manifest = await loadManifest();
    for (const entry of manifest.entries)
      if ("path" in entry) expect(entries.has(entry.path.slice(1) || ".")).toBe(true);
    expect((await buildImage({ output })).sha256).toBe(first.sha256);
  });

  it("has a link for each applet of its busybox", async () => {
    const output = join(folder, "image2.cpio");
    await buildImage({ output });
    const entries = new Map(readCpio(await readFile(output)).map((e) => [e.name, e]));
    const program = join(folder, "busybox");
    await writeFile(program, entries.get("bin/busybox")!.data, { mode: 0o755 });
    const applets = execaSync(program, ["--list-full"]).stdout.split("\n");
    expect(applets.length).toBeGreaterThan(200);
    for (const path of applets) {
      if (path === "bin/busybox" || path === "linuxrc") continue;
      const entry = entries.get(path);
      expect(entry && (entry.mode & S_IFMT) === S_IFLNK, path).toBe(true);
    }
  });

  it("can be compressed", async () => {
    const plain = await buildImage({ output: join(folder, "a") });
    const small = await buildImage({ output: join(folder, "b"), gzip: true });
    expect(small.bytes).toBeLessThan(plain.bytes);
    expect(small.bytes % 4).toBe(0);
    expect(gunzipSync(await readFile(small.path)).equals(await readFile(plain.path))).toBe(true);
  });
});

describe("--add", () => {
  it("splits at the last colon", () => {
    expect(parseAdd("a:/b")).toEqual({ host: "a", guest: "/b" });
    expect(parseAdd("a:b:/c")).toEqual({ host: "a:b", guest: "/c" });
    for (const bad of ["a", "a:", ":/b", "a:b"]) expect(() => parseAdd(bad)).toThrow();
  });

  it("keeps modes, links and contents, and makes parents", async () => {
    const tree = join(folder, "tree");
    await mkdir(join(tree, "sub"), { recursive: true });
    await writeFile(join(tree, "a"), "A");
    await chmod(join(tree, "a"), 0o4711);
    await link(join(tree, "a"), join(tree, "sub/same"));
    await symlink("a", join(tree, "l"));
    await chmod(join(tree, "sub"), 0o700);
    const writer = new CpioWriter();
    await addHostFiles(writer, [{ host: tree, guest: "/opt/x" }], new GuestTree(readCpio(base())));
    const entries = readCpio(writer.finish());
    const by = new Map(entries.map((e) => [e.name, e]));
    expect([...by.keys()]).toEqual(["opt", "opt/x", "opt/x/a", "opt/x/l", "opt/x/sub", "opt/x/sub/same"]);
    expect(by.get("opt/x/a")!.mode).toBe(S_IFREG | 0o4711);
    expect(by.get("opt/x/sub")!.mode).toBe(S_IFDIR | 0o700);
    expect(Buffer.from(by.get("opt/x/l")!.data).toString()).toBe("a");
    expect(by.get("opt/x/sub/same")!.ino).toBe(by.get("opt/x/a")!.ino);
    expect(by.get("opt/x/sub/same")!.data.length).toBe(0);
    expect(by.get("opt/x/a")!.nlink).toBe(2);
  });

  it("puts a file into an existing folder under its own name, as cp does", async () => {
    await writeFile(join(folder, "prog"), "x", { mode: 0o755 });
    const names = async (guest: string): Promise<string[]> => {
      const writer = new CpioWriter();
      await addHostFiles(writer, [{ host: join(folder, "prog"), guest }], new GuestTree(readCpio(base())));
      return readCpio(writer.finish()).map((e) => e.name);
    };
    expect(await names("/bin")).toEqual(["bin/prog"]);
    expect(await names("/new/")).toEqual(["new", "new/prog"]);
    expect(await names("/bin/other")).toEqual(["bin/other"]);
    expect(await names("/../bin/./sh")).toEqual(["bin/sh"]);
  });

  it("names a missing file", async () => {
    const add = addHostFiles(new CpioWriter(), [{ host: join(folder, "none"), guest: "/x" }], new GuestTree([]));
    await expect(add).rejects.toThrow("none: no such file or folder");
  });
});

describe("a session", () => {
  it("quotes the command so that sh gives it back", async () => {
    const words = ["a b", "it's", '$HOME `x` \\ "q"', "", "-n", "täst\n\t*?"];
    const line = words.map(shellQuote).join(" ");
    const { stdout } = execaSync("sh", ["-c", `for w in ${line}; do printf '%s\\0' "$w"; done`]);
    expect(stdout.split("\0").slice(0, -1)).toEqual(words);
  });

  it("brings the command and its input", async () => {
    const entries = readCpio(
      await sessionArchive(base(), [], { command: ["sh", "-c", "exit 3"], stdin: Buffer.from("in") }),
    );
    const text = (name: string): string => Buffer.from(entries.find((e) => e.name === name)!.data).toString();
    expect(text(".anax/run")).toBe("exec sh -c 'exit 3'\n");
    expect(text(".anax/stdin")).toBe("in");
  });
});
