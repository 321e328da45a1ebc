import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { packageContents } from "../src/host/archive/create";
import type { PackageInput } from "../src/host/archive/create";
import {
  changedFileIndex,
  FILE_INDEX_NAME,
  FileIndex,
  indexedPackage,
  installedNames,
  rebuiltFileIndex,
} from "../src/host/pkgdb/file-index";
import type { IndexedPackage } from "../src/host/pkgdb/file-index";
import { isAutomatic, loadInstalled, readAllInstalled } from "../src/host/pkgdb/installed";
import { readContents } from "../src/host/archive/contents";
import { Universe } from "../src/universe";

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), "pkgc-pkgdb-"));
});
afterEach(() => {
  fs.rmSync(dir, { recursive: true, force: true });
});

function install(input: PackageInput, extra: Record<string, string> = {}): void {
  const entry = join(dir, input.name);
  fs.mkdirSync(entry);
  const files = {
    "+CONTENTS": packageContents(input),
    "+COMMENT": `${input.comment ?? "c"}\n`,
    "+DESC": "one\n\ntwo\n",
    "+SIZE_PKG": "42\n",
    ...extra,
  };
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(join(entry, name), text);
}

function dump(): Record<string, string> {
  const index = FileIndex.open(dir)!;
  try {
    return Object.fromEntries(
      [...index.entries()].map((entry) => [entry.path, (entry.isDirectory ? "dir " : "") + entry.packages.join(" ")]),
    );
  } finally {
    index.close();
  }
}
function put(data: Buffer): void {
  fs.writeFileSync(join(dir, FILE_INDEX_NAME), data);
}

describe("installed packages", () => {
  it("become records like those of pkg_info -X", () => {
    install(
      {
        name: "foo-1.0",
        comment: "A foo",
        depends: ["bar>=1", "{a,b}-[0-9]*"],
        conflicts: ["fox-[0-9]*"],
        files: [{ path: "bin/foo", content: "" }],
      },
      {
        "+BUILD_INFO": "OPSYS=NetBSD\nFOO=hidden\nREQUIRES=/lib/x.so\nREQUIRES=/lib/y.so\nLICENSE=modified-bsd\n",
        "+INSTALLED_INFO": "automatic=yes\n",
      },
    );
    const { packages, broken } = readAllInstalled(dir);
    expect(broken).toEqual([]);
    expect(packages).toEqual([
      {
        name: "foo-1.0",
        automatic: true,
        preserve: false,
        record:
          "PKGNAME=foo-1.0\nDEPENDS=bar>=1\nDEPENDS={a,b}-[0-9]*\nCONFLICTS=fox-[0-9]*\nCOMMENT=A foo\nSIZE_PKG=42\n" +
          "OPSYS=NetBSD\nREQUIRES=/lib/x.so\nREQUIRES=/lib/y.so\nLICENSE=modified-bsd\nDESCRIPTION=one\nDESCRIPTION=\nDESCRIPTION=two\n\n",
      },
    ]);
  });

  it("are added to a universe, and broken ones named", () => {
    for (let i = 0; i < 30; i++)
      install(
        { name: `p${i}-1.${i}`, depends: i > 0 ? [`p${i - 1}>=1`] : [] },
        i % 2 === 0 ? { "+INSTALLED_INFO": "automatic=YES\n", "+PRESERVE": "" } : {},
      );
    fs.mkdirSync(join(dir, "half-1"));
    fs.mkdirSync(join(dir, "noversion"));
    fs.writeFileSync(join(dir, "noversion/+CONTENTS"), "@name noversion\n@cwd /\n");
    fs.mkdirSync(join(dir, ".hidden"));
    fs.writeFileSync(join(dir, "pkg-vulnerabilities"), "");
    const universe = new Universe();
    const { handles, broken, entries } = loadInstalled(dir, universe);
    expect(handles.size).toBe(30);
    expect(entries.filter((entry) => entry.preserve).length).toBe(15);
    expect(universe.isAutomatic(handles.get("p2-1.2")!)).toBe(true);
    expect(universe.isAutomatic(handles.get("p3-1.3")!)).toBe(false);
    expect(universe.dependCount(handles.get("p3-1.3")!)).toBe(1);
    expect(broken.map((one) => one.name).sort()).toEqual(["half-1", "noversion"]);
    for (const one of broken)
      expect(one.error).toMatchObject({
        code: "EBADDATA",
        message: expect.stringContaining(join(dir, one.name)) as string,
      });
  });

  it("are read again only when their directory changed", () => {
    for (const i of [1, 2, 3]) install({ name: `p${i}-1.0` });
    const long = new Date(Date.now() - 60_000);
    const cache = join(dir, ".cache/installed.json");
    const names = (): string[] =>
      loadInstalled(dir, new Universe(), cache).entries.map(
        (entry) => `${entry.name}:${entry.automatic}:${/COMMENT=(.*)/.exec(entry.record)![1]}`,
      );
    const first = names();
    // What changed just now is not remembered: its time may stay the same when it changes again.
    expect(JSON.parse(fs.readFileSync(cache, "utf8"))).toMatchObject({ packages: [] });
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 10_000);
    expect(names()).toEqual(first);
    expect((JSON.parse(fs.readFileSync(cache, "utf8")) as { packages: unknown[] }).packages.length).toBe(3);
    const read = vi.spyOn(fs, "readFileSync");
    expect(names()).toEqual(first);
    expect(read.mock.calls.map((call) => call[0])).toEqual([cache]);
    read.mockRestore();
    fs.utimesSync(join(dir, "p3-1.0"), long, long);
    fs.writeFileSync(join(dir, "p2-1.0/+INSTALLED_INFO"), "automatic=yes\n");
    fs.rmSync(join(dir, "p1-1.0"), { recursive: true });
    install({ name: "p4-1.0", comment: "new" });
    expect(names()).toEqual(["p2-1.0:true:c", "p3-1.0:false:c", "p4-1.0:false:new"]);
    fs.writeFileSync(cache, "{ broken");
    expect(names()).toEqual(["p2-1.0:true:c", "p3-1.0:false:c", "p4-1.0:false:new"]);
    fs.rmSync(join(dir, ".cache"), { recursive: true });
    fs.writeFileSync(join(dir, ".cache"), "in the way");
    expect(names().length).toBe(3);
    vi.restoreAllMocks();
  });

  it("are none where there is no database", () => {
    expect(installedNames(join(dir, "nothing"))).toEqual([]);
    fs.writeFileSync(join(dir, "file"), "");
    expect(() => installedNames(join(dir, "file"))).toThrow(/cannot read directory/);
  });

  it.each([
    ["automatic=yes\n", true],
    ["automatic= yes\n", true],
    ["automatic=no\n", false],
    ["other=yes\n", false],
    ["", false],
  ])("are automatic by %j: %s", (text, expected) => expect(isAutomatic(Buffer.from(text))).toBe(expected));
});

describe("pkgdb.byfile.db", () => {
  it("follows what goes and comes", () => {
    const a: IndexedPackage = { name: "a-1", files: ["/p/bin/a", "/p/share/x"], directories: ["/p/share"] };
    const a2: IndexedPackage = { name: "a-2", files: ["/p/bin/a", "/p/bin/a2"], directories: ["/p/share"] };
    const b: IndexedPackage = { name: "b-1", files: ["/p/bin/b"], directories: ["/p/share", "/p/etc"] };
    put(changedFileIndex(dir, [], [a, b]));
    expect(dump()).toEqual({
      "/p/bin/a": "a-1",
      "/p/bin/b": "b-1",
      "/p/etc": "dir b-1",
      "/p/share": "dir a-1 b-1",
      "/p/share/x": "a-1",
    });
    put(changedFileIndex(dir, [a], [a2]));
    expect(dump()).toEqual({
      "/p/bin/a": "a-2",
      "/p/bin/a2": "a-2",
      "/p/bin/b": "b-1",
      "/p/etc": "dir b-1",
      "/p/share": "dir b-1 a-2",
    });
    put(changedFileIndex(dir, [b, a2], []));
    expect(dump()).toEqual({});
    const index = FileIndex.open(dir)!;
    expect(index.ownersOf("/p/bin/a")).toBeNull();
    index.close();
  });

  it("keeps a file with the package that had it first", () => {
    const a: IndexedPackage = { name: "a-1", files: ["/x"], directories: [] };
    const b: IndexedPackage = { name: "b-1", files: ["/x"], directories: [] };
    put(changedFileIndex(dir, [], [a]));
    put(changedFileIndex(dir, [], [b]));
    expect(dump()).toEqual({ "/x": "a-1" });
    put(changedFileIndex(dir, [b], []));
    expect(dump()).toEqual({ "/x": "a-1" });
  });

  it("is made anew from what is installed when it is missing or damaged", () => {
    install({ name: "old-1", prefix: "/p", files: [{ path: "bin/old", content: "" }], directories: ["share/d"] });
    const fresh: IndexedPackage = { name: "new-1", files: ["/p/bin/new"], directories: [] };
    const expected = { "/p/bin/new": "new-1", "/p/bin/old": "old-1", "/p/share/d": "dir old-1" };
    put(changedFileIndex(dir, [], [fresh]));
    expect(dump()).toEqual(expected);
    put(Buffer.from("this is no database"));
    put(changedFileIndex(dir, [], [fresh]));
    expect(dump()).toEqual(expected);
  });

  it("is rebuilt from the files that are there", () => {
    install({
      name: "a-1",
      prefix: "/p",
      files: ["here", "gone", "link", "broken"].map((name) => ({ path: `bin/${name}`, content: "" })),
    });
    fs.mkdirSync(join(dir, ".root/p/bin"), { recursive: true });
    fs.writeFileSync(join(dir, ".root/p/bin/here"), "");
    fs.symlinkSync("here", join(dir, ".root/p/bin/link"));
    fs.symlinkSync("nowhere", join(dir, ".root/p/bin/broken"));
    const missing: string[] = [];
    put(rebuiltFileIndex(dir, { destdir: join(dir, ".root"), missing: (_name, path) => void missing.push(path) }));
    expect(dump()).toEqual({ "/p/bin/here": "a-1", "/p/bin/link": "a-1" });
    expect(missing).toEqual(["/p/bin/gone", "/p/bin/broken"]);
  });

  it("takes over the pages where nothing changes", () => {
    const many = (name: string, count: number, step: number): IndexedPackage => ({
      name,
      files: Array.from({ length: count }, (_, i) => `/p/share/d${(i * step) % 97}/${name}/file-${i}`),
      directories: [`/p/share/d${count % 97}`],
    });
    const packages = Array.from({ length: 20 }, (_, i) => many(`p${i}-1`, 100 + i * 37, 1 + i));
    const expected = new Map<string, string>();
    const model = (old: IndexedPackage | null, fresh: IndexedPackage | null): void => {
      for (const file of old?.files ?? []) if (expected.get(file) === old!.name) expected.delete(file);
      for (const file of fresh?.files ?? []) if (!expected.has(file)) expected.set(file, fresh!.name);
    };
    put(changedFileIndex(dir, [], packages));
    for (const one of packages) model(null, one);
    for (let round = 0; round < 12; round++) {
      const old = round % 3 === 1 ? null : packages[round]!;
      const fresh = round % 3 === 2 ? null : many(`q${round}-${round}`, 1 + round * 60, 7);
      put(changedFileIndex(dir, old === null ? [] : [old], fresh === null ? [] : [fresh]));
      model(old, fresh);
      const found = Object.fromEntries(Object.entries(dump()).filter(([, owner]) => !owner.startsWith("dir ")));
      expect(found).toEqual(Object.fromEntries([...expected].sort(([a], [b]) => (a < b ? -1 : 1))));
      const index = FileIndex.open(dir)!;
      for (const [path, owner] of [...expected].slice(0, 200)) expect(index.ownersOf(path)?.packages).toEqual([owner]);
      index.close();
    }
  });

  it("agrees with a model", () => {
    const names = ["a-1", "b-1", "c-1"];
    const path = fc.constantFrom("/p/1", "/p/2", "/p/3", "/p/dir/4");
    const one = fc.record({
      name: fc.constantFrom(...names),
      files: fc.uniqueArray(path),
      directories: fc.uniqueArray(fc.constantFrom("/d1", "/d2")),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 12 }), (steps) => {
        fs.rmSync(join(dir, FILE_INDEX_NAME), { force: true });
        const installed = new Map<string, IndexedPackage>();
        const files = new Map<string, string>();
        for (const step of steps) {
          const old = installed.get(step.name);
          put(changedFileIndex(dir, old === undefined ? [] : [old], old === undefined ? [step] : []));
          if (old !== undefined) {
            for (const file of old.files) if (files.get(file) === step.name) files.delete(file);
            installed.delete(step.name);
          } else {
            for (const file of step.files) if (!files.has(file)) files.set(file, step.name);
            installed.set(step.name, step);
          }
        }
        const expected: Record<string, string> = Object.fromEntries(files);
        for (const directory of ["/d1", "/d2"]) {
          const owners = [...installed.values()]
            .filter((two) => two.directories.includes(directory))
            .map((two) => two.name);
          if (owners.length > 0) expected[directory] = `dir ${owners.join(" ")}`;
        }
        expect(steps.length === 0 ? {} : dump()).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("lists a package's own +CONTENTS with the paths of its prefix", () => {
    const contents = readContents(
      Buffer.from("@name a-1\n@cwd /usr/pkg\nbin/a\n@pkgdir share/a\n@dirrm share/b\n@cwd .\n@ignore\n+COMMENT\n"),
      "a",
    );
    expect(indexedPackage(contents)).toEqual({
      name: "a-1",
      files: ["/usr/pkg/bin/a"],
      directories: ["/usr/pkg/share/a"],
    });
  });
});
