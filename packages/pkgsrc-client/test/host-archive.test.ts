import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Compression, collect, compress } from "../src/host/archive/compression";
import { createPackage, packageContents, writePackage } from "../src/host/archive/create";
import type { PackageInput } from "../src/host/archive/create";
import { extractPackage, makeDirectoryBelow } from "../src/host/archive/extract";
import { openPackage, readPackageMetadata, verifyPackage } from "../src/host/archive/package";
import { EntryType, readTar, writeTar } from "../src/host/archive/tar";
import type { TarOutput } from "../src/host/archive/tar";

let dir: string;
beforeEach(async () => {
  dir = await fs.mkdtemp(join(tmpdir(), "pkgc-archive-"));
});
afterEach(async () => {
  await fs.rm(dir, { recursive: true, force: true });
});

const KINDS = [Compression.None, Compression.Gzip, Compression.Bzip2, Compression.Xz, Compression.Zstd];

const INPUT: PackageInput = {
  name: "foo-1.0nb2",
  comment: "A package for tests",
  description: "Two lines\nof text",
  depends: ["bar>=1.2", "{baz,qux}-[0-9]*"],
  conflicts: ["foo-devel-[0-9]*"],
  buildInfo: {
    OPSYS: "NetBSD",
    OS_VERSION: "10.0",
    MACHINE_ARCH: "x86_64",
    PKGTOOLS_VERSION: "20091115",
    REQUIRES: ["/lib/a.so", "/lib/b.so"],
  },
  metadata: { "+INSTALL": "#!/bin/sh\nexit 0\n", "+DISPLAY": "hello\n" },
  directories: ["share/foo"],
  files: [
    { path: "bin/foo", content: "#!/bin/sh\necho foo\n", mode: 0o755 },
    { path: "bin/foo2", hardlink: "bin/foo" },
    { path: "lib/libfoo.so", symlink: "libfoo.so.1" },
    { path: "lib/libfoo.so.1", content: randomBytes(100_000), mode: 0o755 },
    { path: `share/foo/${"long/".repeat(40)}name`, content: "long" },
    { path: "share/foo/empty", content: "" },
    { path: "share/foo/Übergröße", content: "utf-8" },
  ],
};

async function* once(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}

describe("a package that is made here", () => {
  it.each(KINDS.map((kind) => [Compression[kind], kind] as const))("is read back from %s", async (_name, kind) => {
    const path = await writePackage(dir, INPUT, kind);
    const { metadata, contents, signature } = await readPackageMetadata(path);
    expect(signature).toBeNull();
    expect([...metadata.keys()]).toEqual([
      "+CONTENTS",
      "+COMMENT",
      "+DESC",
      "+INSTALL",
      "+DISPLAY",
      "+BUILD_INFO",
      "+SIZE_PKG",
      "+SIZE_ALL",
    ]);
    expect(contents.name).toBe("foo-1.0nb2");
    expect(contents.prefix).toBe("/usr/pkg");
    expect(contents.depends).toEqual(INPUT.depends);
    expect(contents.conflicts).toEqual(INPUT.conflicts);
    expect(contents.files.map((file) => file.path)).toEqual(INPUT.files!.map((file) => file.path));
    const result = await verifyPackage(path);
    expect(result.files).toBe(7);

    const out = join(dir, "out");
    const files = await extractPackage(await openPackage(path), out, { sync: false });
    expect(files.map((file) => file.path)).toEqual(INPUT.files!.map((file) => file.path));
    expect((await fs.readFile(join(out, "lib/libfoo.so"))).equals(INPUT.files![3]!.content as Buffer)).toBe(true);
    expect(await fs.readlink(join(out, "lib/libfoo.so"))).toBe("libfoo.so.1");
    const a = await fs.stat(join(out, "bin/foo"));
    const b = await fs.stat(join(out, "bin/foo2"));
    expect(a.ino).toBe(b.ino);
    expect(a.mode & 0o7777).toBe(0o755);
    expect(a.mtimeMs).toBe(0);
    expect(await fs.readFile(join(out, INPUT.files![4]!.path), "utf8")).toBe("long");
  });

  it("is the same every time", async () => {
    const a = await collect(createPackage(INPUT));
    const b = await collect(createPackage(INPUT));
    expect(a.equals(b)).toBe(true);
  });

  it("has the packing list that pkg_create writes", () => {
    const md5 = createHash("md5").update("x").digest("hex");
    expect(
      packageContents({
        name: "a-1",
        prefix: "/p",
        depends: ["b>=1"],
        files: [{ path: "bin/a", content: "x" }],
        metadata: { "+DISPLAY": "d" },
      }),
    ).toBe(
      `@name a-1\n@cwd /p\n@pkgdep b>=1\nbin/a\n@comment MD5:${md5}\n@cwd .\n` +
        "@ignore\n+COMMENT\n@ignore\n+DESC\n@ignore\n+DISPLAY\n@display +DISPLAY\n@ignore\n+SIZE_PKG\n@ignore\n+SIZE_ALL\n",
    );
  });

  it.each(KINDS)("is not made at all when something is wrong (compression %i)", async (kind) => {
    await expect(
      writePackage(dir, { ...INPUT, files: [...INPUT.files!, { path: "a//b", content: "" }] }, kind),
    ).rejects.toMatchObject({ code: "EUNSAFE" });
    expect(await fs.readdir(dir)).toEqual([]);
  });

  it("refuses names that a package cannot have", () => {
    for (const path of ["../x", "/x", "a//b", "a/./b", "@x", "a\nb", "", "a/../b"]) {
      expect(() => packageContents({ name: "a-1", files: [{ path, content: "" }] })).toThrowError(/a-1/);
    }
  });
});

it("reads metadata without the rest of the file", async () => {
  const packed = await collect(
    createPackage({ ...INPUT, files: [{ path: "big", content: randomBytes(20 << 20) }] }, Compression.Gzip, {
      level: 1,
    }),
  );
  let given = 0;
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (let i = 0; i < packed.length; i += 4096) {
        given += 4096;
        yield packed.subarray(i, i + 4096);
      }
    } finally {
      closed = true;
    }
  }
  const reader = await openPackage(source());
  await reader.close();
  expect(reader.contents.name).toBe("foo-1.0nb2");
  await vi.waitFor(() => expect(closed).toBe(true), { timeout: 20_000 });
  expect(given).toBeLessThan(2 << 20);
});

// ---- hostile archives ----

const BASE = { mode: 0o644, mtime: 0, uname: "root", gname: "wheel", uid: 0, gid: 0 };

function file(name: string, text: string): TarOutput {
  const data = Buffer.from(text);
  return { ...BASE, name, type: EntryType.File, size: data.length, data };
}
function link(
  name: string,
  linkname: string,
  type: EntryType.Symlink | EntryType.HardLink = EntryType.Symlink,
): TarOutput {
  return { ...BASE, name, type, size: 0, linkname };
}
function meta(list: string[]): TarOutput[] {
  return [
    file("+CONTENTS", `@name evil-1\n@cwd /usr/pkg\n${list.map((line) => `${line}\n`).join("")}`),
    file("+COMMENT", "c\n"),
    file("+DESC", "d\n"),
  ];
}
const MD5_X = createHash("md5").update("x").digest("hex");

/** Unpacks an archive that must be refused, and checks that nothing is left. */
async function refused(
  entries: TarOutput[],
  code: string,
  message: RegExp,
  transform: (tar: Buffer) => Buffer = (tar) => tar,
): Promise<void> {
  const tar = transform(await collect(writeTar(entries)));
  const path = join(dir, "evil-1.tgz");
  await fs.writeFile(path, await collect(compress(once(tar), Compression.Gzip)));
  const before = await fs.readdir(dir);
  const attempt = async (): Promise<void> => {
    await extractPackage(await openPackage(path), join(dir, "out"), { sync: false });
  };
  await expect(attempt()).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string, path });
  expect(await fs.readdir(dir)).toEqual(before);
  await expect(verifyPackage(path)).rejects.toMatchObject({ code });
}

/** Changes the type flag of the entry of a name, and mends the header's checksum. */
function patchType(name: string, flag: string): (tar: Buffer) => Buffer {
  return (tar) => {
    const at = tar.indexOf(Buffer.from(`${name}\0`));
    tar[at + 156] = flag.charCodeAt(0);
    return mend(tar, at);
  };
}
function mend(tar: Buffer, at: number): Buffer {
  tar.fill(" ", at + 148, at + 156);
  let sum = 0;
  for (let i = 0; i < 512; i++) sum += tar[at + i]!;
  tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
  return tar;
}

describe("an archive is refused, with nothing written, when it", () => {
  it.each(["../evil", "a/../../evil", "a/..", ".."])("goes up: %s", (name) =>
    refused([...meta([name]), file(name, "x")], "EUNSAFE", /leads out/),
  );
  it("is absolute", () => refused([...meta(["/etc/passwd"]), file("/etc/passwd", "x")], "EUNSAFE", /absolute/));
  it.each(["./a", "a//b", "a/./b"])("has an odd name: %s", (name) =>
    refused([...meta([name]), file(name, "x")], "EUNSAFE", /empty part/),
  );
  it("goes through a symbolic link", () =>
    refused(
      [...meta(["d", "d/evil"]), link("d", "/tmp"), file("d/evil", "x")],
      "EUNSAFE",
      /through the symbolic link d/,
    ));
  it("goes through a symbolic link further up", () =>
    refused(
      [...meta(["d", "d/e/evil"]), link("d", ".."), file("d/e/evil", "x")],
      "EUNSAFE",
      /through the symbolic link d/,
    ));
  it("puts a link where it has files", () =>
    refused([...meta(["d/a", "d"]), file("d/a", "x"), link("d", "/tmp")], "EUNSAFE", /as a directory/));
  it("uses a file as a directory", () =>
    refused([...meta(["d", "d/a"]), file("d", "x"), file("d/a", "x")], "EUNSAFE", /d is a file/));
  it("has an entry twice", () =>
    refused([...meta(["a", "b"]), file("a", "x"), file("a", "y")], "EUNSAFE", /there twice/));
  it("lists a file twice", () => refused([...meta(["a", "a"]), file("a", "x")], "EUNSAFE", /lists it twice/));
  it("has what is not listed", () =>
    refused([...meta(["a"]), file("a", "x"), file("b", "x")], "EUNSAFE", /does not list it/));
  it("has another order", () =>
    refused([...meta(["a", "b"]), file("b", "x"), file("a", "x")], "EBADARCHIVE", /lists a before it/));
  it("lacks a file", () => refused([...meta(["a", "b", "c"]), file("a", "x")], "EBADARCHIVE", /b: .*2 missing/));
  it("has a wrong checksum", () =>
    refused([...meta(["a", `@comment MD5:${MD5_X}`]), file("a", "y")], "ECHECKSUM", /a: its checksum is md5:/));
  it("has another link", () =>
    refused([...meta(["a", "@comment Symlink:b"]), link("a", "c")], "ECHECKSUM", /leads to c/));
  it("has a file for a link", () =>
    refused([...meta(["a", "@comment Symlink:b"]), file("a", "c")], "ECHECKSUM", /symbolic link to b/));
  it("has a link for a file", () =>
    refused([...meta(["a", `@comment MD5:${MD5_X}`]), link("a", "c")], "ECHECKSUM", /must be a file/));
  it.each(["/etc/passwd", "../x", "b", "a"])("links hard to %s", (target) =>
    refused([...meta(["a"]), link("a", target, EntryType.HardLink)], "EUNSAFE", /hard link/),
  );
  it("links hard to a symbolic link", () =>
    refused(
      [...meta(["s", "a"]), link("s", "/etc/passwd"), link("a", "s", EntryType.HardLink)],
      "EUNSAFE",
      /hard link/,
    ));
  it("links hard to other content than recorded", () =>
    refused(
      [...meta(["a", "b", `@comment MD5:${MD5_X}`]), file("a", "y"), link("b", "a", EntryType.HardLink)],
      "ECHECKSUM",
      /b: its checksum is md5:/,
    ));
  it.each([
    ["character device", "3"],
    ["block device", "4"],
    ["FIFO", "6"],
  ])("has a %s", (_name, flag) =>
    refused([...meta(["dev"]), file("dev", "")], "EUNSAFE", /device/, patchType("dev", flag)),
  );
  it("has no +CONTENTS first", () =>
    refused([file("+COMMENT", "c"), ...meta([])], "EBADARCHIVE", /first file is \+COMMENT/));
  it("is just a tar", () => refused([file("README", "c")], "EBADARCHIVE", /not a binary package.*README/));
  it("has no +DESC", () => refused(meta([]).slice(0, 2), "EBADARCHIVE", /no \+DESC/));
  it("has metadata twice", () => refused([...meta([]), file("+DESC", "c")], "EBADARCHIVE", /\+DESC is there twice/));
  it("has metadata out of order", () =>
    refused([...meta([]), file("+SIZE_PKG", "1"), file("+DISPLAY", "c")], "EBADARCHIVE", /not in its place/));
  it("has metadata behind files", () =>
    refused([...meta(["a"]), file("a", "x"), file("+DISPLAY", "c")], "EUNSAFE", /does not list it/));
  it("has a link as metadata", () =>
    refused([meta([])[0]!, link("+COMMENT", "/etc/passwd"), file("+DESC", "")], "EUNSAFE", /not a regular file/));
  it("has no @name", () =>
    refused([file("+CONTENTS", "@cwd /\n"), file("+COMMENT", "c"), file("+DESC", "d")], "EBADARCHIVE", /no @name/));
  it("lies about a size", () =>
    refused(
      [...meta(["a", "b"]), file("a", "x".repeat(600)), file("b", "x")],
      "EBADARCHIVE",
      /damaged|missing/,
      (tar) => {
        const at = tar.indexOf(Buffer.from("a\0".padEnd(100, "\0")));
        tar.write("00000777777\0", at + 124, "latin1");
        return mend(tar, at);
      },
    ));
  it("has a wrong header checksum", () =>
    refused([...meta(["a"]), file("a", "x")], "EBADARCHIVE", /checksum|corrupt/i, (tar) => {
      tar[tar.indexOf(Buffer.from("a\0".padEnd(100, "\0"))) + 110]! ^= 1;
      return tar;
    }));
  it("is cut short in a file", () =>
    refused([...meta(["a"]), file("a", "x".repeat(5000))], "EBADARCHIVE", /cut short/, (tar) =>
      tar.subarray(0, tar.length - 1024 - 2000),
    ));
});

it("accepts a tar without its end mark, as libarchive does", async () => {
  const tar = await collect(writeTar([...meta(["a"]), file("a", "x")]));
  const reader = await openPackage(once(tar.subarray(0, tar.length - 1024)));
  const names: string[] = [];
  for await (const entry of reader.entries()) names.push(entry.path);
  expect(names).toEqual(["a"]);
});

it("says what is wrong with files that are no packages", async () => {
  for (const text of ["", "x", "not a package at all\n".repeat(100), "!<arch>\n", "\x1f\x8b garbage"]) {
    const path = join(dir, "x");
    await fs.writeFile(path, text, "latin1");
    await expect(openPackage(path)).rejects.toMatchObject({
      name: "PackageError",
      path,
      message: expect.stringContaining(path) as string,
    });
  }
  await expect(openPackage(join(dir, "nothing"))).rejects.toMatchObject({ code: "ENOENT" });
  await expect(openPackage(dir)).rejects.toMatchObject({ code: "EISDIR" });
});

it("leaves nothing when the disk fails", async () => {
  const path = await writePackage(dir, INPUT);
  const out = join(dir, "f/out");
  await fs.writeFile(join(dir, "f"), "");
  await expect(extractPackage(await openPackage(path), out)).rejects.toMatchObject({
    name: "PackageError",
    path: expect.stringContaining("/f") as string,
  });
});

it("makes no directory through something that is none", async () => {
  const known = new Set<string>();
  await makeDirectoryBelow(dir, "a/b/c", known);
  await fs.symlink("/tmp", join(dir, "link"));
  await fs.writeFile(join(dir, "file"), "");
  await makeDirectoryBelow(dir, "a/b/d", known);
  for (const path of ["link/x", "link", "file/x", "a/b/../../link/x"]) {
    await expect(makeDirectoryBelow(dir, path, new Set()), path).rejects.toMatchObject({ code: "EUNSAFE" });
  }
  expect((await fs.readdir(join(dir, "a/b"))).sort()).toEqual(["c", "d"]);
});

it("stops when it is told to", async () => {
  const path = await writePackage(dir, INPUT);
  const controller = new AbortController();
  const options = { sync: false, signal: controller.signal, onEntry: () => controller.abort() };
  await expect(extractPackage(await openPackage(path), join(dir, "out"), options)).rejects.toMatchObject({
    code: "EABORT",
  });
  expect(await fs.readdir(dir)).toEqual(["foo-1.0nb2.tgz"]);
});

describe("any bytes", () => {
  it("are read or refused with a PackageError", async () => {
    const good = await collect(
      createPackage(
        {
          name: "a-1",
          files: [
            { path: "bin/a", content: "x".repeat(700) },
            { path: "l", symlink: "bin/a" },
          ],
        },
        Compression.None,
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(good.length),
        async (edits, cut) => {
          const data = Buffer.from(good);
          for (const [at, value] of edits) data[at] = value;
          try {
            const reader = await openPackage(once(cut % 3 === 0 ? data.subarray(0, cut) : data), { name: "fuzz.tar" });
            for await (const entry of reader.entries())
              expect(entry.path.startsWith("/") || entry.path.split("/").includes("..")).toBe(false);
          } catch (error) {
            expect(error).toMatchObject({
              name: "PackageError",
              message: expect.stringContaining("fuzz.tar") as string,
            });
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it("are no endless tar", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (data) => {
        try {
          for await (const entry of readTar(once(data), "t")) void entry;
        } catch (error) {
          expect(error).toMatchObject({ code: "EBADARCHIVE" });
        }
      }),
      { numRuns: 200 },
    );
  });
});
