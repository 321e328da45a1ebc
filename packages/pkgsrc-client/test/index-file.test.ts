import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { Crc32, Field, Universe } from "@anax/pkgsrc-client";
import {
  candidates,
  findInstalled,
  generateWorld,
  indexStamp,
  loadUniverse,
  openIndex,
  packageBase,
  packageComment,
  packageField,
  packageFields,
  packageList,
  packageName,
  packageVersion,
  saveIndex,
  searchPackages,
  summaryBytes,
  type SummarySource,
} from "@anax/pkgsrc-client/host";
import { record } from "./summary.js";

const dir = mkdtempSync(path.join(tmpdir(), "pkgsrc-"));
afterAll(() => rmSync(dir, { recursive: true }));
let files = 0;
const fresh = (): string => path.join(dir, `index-${++files}`);

function source(stamp: string, bytes: Uint8Array, priority = 0): SummarySource {
  return {
    stamp,
    priority,
    read: async function* () {
      for (let i = 0; i < bytes.length; i += 1000) yield bytes.subarray(i, i + 1000);
    },
  };
}

const one = summaryBytes(generateWorld({ packages: 120, seed: 5 }));
const two = summaryBytes(generateWorld({ packages: 60, seed: 6 }));
const sources = [source("one", one), source("two", two, 3)];
const names = (u: Universe, list: number[]): string[] => list.map((p) => packageName(u, p));

/** Everything that a universe says. */
function everything(u: Universe): unknown {
  return Array.from({ length: u.count }, (_, p) => [
    packageName(u, p),
    packageFields(u, p),
    [Field.DEPENDS, Field.CONFLICTS, Field.SUPERSEDES, Field.REQUIRES, Field.PROVIDES].map((f) => packageList(u, p, f)),
    [
      u.sizeOf(p),
      u.fileSizeOf(p),
      u.repoOf(p),
      u.priorityOf(p),
      packageBase(u, p),
      packageVersion(u, p),
      packageComment(u, p),
    ],
    packageList(u, p, Field.DEPENDS).map((d) => candidates(u, d)),
  ]);
}

describe("an index file", () => {
  it("gives the universe that was written", async () => {
    const file = fresh();
    const first = await loadUniverse(sources, file);
    expect([first.fromIndex, first.indexProblem, first.broken]).toEqual([false, "", [[], []]]);
    const second = await loadUniverse(sources, file);
    expect([second.fromIndex, second.indexProblem]).toEqual([true, ""]);
    expect(everything(second.universe)).toEqual(everything(first.universe));
    second.close();
    second.close();
    expect(() => packageFields(second.universe, 0)).toThrow(expect.objectContaining({ code: "EBADDATA" }));
    expect(packageName(second.universe, 0)).toBe(packageName(first.universe, 0));
  });

  it("takes installed packages and more repositories", async () => {
    const file = fresh();
    await loadUniverse(sources, file);
    const { universe: u, close } = await loadUniverse(sources, file);
    const installed = Buffer.from(record({ name: "mine-1.0", depends: ["other>=1"], more: "X=1" }));
    const p = u.addInstalled(installed, 0, installed.length, true);
    expect([packageName(u, p), u.isAutomatic(p), packageField(u, p, "X"), packageList(u, p, Field.DEPENDS)]).toEqual([
      "mine-1.0",
      true,
      ["1"],
      ["other>=1"],
    ]);
    expect([
      findInstalled(u, "mine"),
      findInstalled(u, "mine-1.0"),
      findInstalled(u, "mine-2"),
      findInstalled(u, "no"),
    ]).toEqual([p, p, -1, -1]);
    const more = Buffer.from(record({ name: "mine-2.0" }));
    u.beginSummary(u.addRepository(0));
    u.addSummary(more, 0, more.length);
    u.endSummary();
    expect(names(u, candidates(u, "mine>=1"))).toEqual(["mine-2.0", "mine-1.0"]);
    expect(packageFields(u, 0)[0]).toEqual(["PKGNAME", packageName(u, 0)]);
    await expect(saveIndex(file, u, new Uint8Array(0))).rejects.toThrow(expect.objectContaining({ code: "EINVAL" }));
    close();
  });

  it("is made anew when a summary, an order or a priority changed", async () => {
    const file = fresh();
    await loadUniverse(sources, file);
    for (const changed of [
      [source("one", one), source("three", two, 3)],
      [sources[1]!, sources[0]!],
      [source("one", one), source("two", two, 4)],
      [sources[0]!],
    ]) {
      const loaded = await loadUniverse(changed, file);
      expect([loaded.fromIndex, loaded.indexProblem]).toEqual([false, "it was made from other summaries"]);
      expect((await loadUniverse(changed, file)).fromIndex).toBe(true);
    }
  });

  it("is made anew when it is broken, wherever that is in its head", async () => {
    const file = fresh();
    const good = await loadUniverse(sources, file);
    const bytes = readFileSync(file);
    const head = bytes.readUInt32LE(12);
    const stamp = indexStamp(sources);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: head - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const broken = Buffer.from(bytes);
        broken[at]! ^= flip;
        writeFileSync(file, broken);
        expect(typeof openIndex(file, stamp)).toBe("string");
      }),
      { numRuns: 40 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        writeFileSync(file, bytes.subarray(0, length));
        expect(typeof openIndex(file, stamp)).toBe("string");
      }),
      { numRuns: 40 },
    );
    writeFileSync(file, bytes.subarray(0, -1));
    const loaded = await loadUniverse(sources, file);
    expect([loaded.fromIndex, loaded.indexProblem]).toEqual([false, "its length is wrong"]);
    expect(everything(loaded.universe)).toEqual(everything(good.universe));
    expect(readFileSync(file)).toEqual(bytes);
  });

  it("finds a record that was damaged later", async () => {
    const file = fresh();
    await loadUniverse(sources, file);
    const bytes = readFileSync(file);
    bytes[bytes.length - 40]! ^= 1;
    writeFileSync(file, bytes);
    const { universe: u, fromIndex, close } = await loadUniverse(sources, file);
    expect(fromIndex).toBe(true);
    expect(packageFields(u, 0).length).toBeGreaterThan(10);
    expect(() => packageFields(u, u.count - 1)).toThrow(expect.objectContaining({ code: "EBADDATA" }));
    close();
  });

  it("is a cache: loading works without one, or where none can be", async () => {
    expect((await loadUniverse(sources)).universe.count).toBe(180);
    const { universe, indexProblem } = await loadUniverse(sources, path.join(dir, "no", "such", "directory"));
    expect([universe.count, indexProblem]).toEqual([180, expect.stringContaining("no such file")]);
    expect((await loadUniverse(sources, dir)).indexProblem).toContain(dir);
  });

  it("tells of broken records when the summaries are read", async () => {
    const text = Buffer.from(`${record({ name: "a-1" })}PKGNAME=b\n\n${record({ name: "c-1" })}junk`);
    const { broken, universe } = await loadUniverse([source("x", one), source("broken", text)]);
    expect(universe.count).toBe(122);
    expect(broken).toEqual([
      [],
      [
        { record: 2, line: 14, reason: "PKGNAME is no name with a version, or has bytes that no name can have" },
        { record: 4, line: 27, reason: "the text ends within a line" },
      ],
    ]);
  });

  it("reads as few bytes as it needs", async () => {
    const file = fresh();
    await loadUniverse(sources, file);
    const head = readFileSync(file).readUInt32LE(12);
    expect(statSync(file).size - head).toBe(one.length + two.length);
    expect(head).toBeLessThan(one.length + two.length);
  });
});

describe("CRC-32", () => {
  it("is zlib's", () => {
    const own = new Crc32();
    expect(own.crc32(Buffer.from("123456789"), 0, 9)).toBe(0xcbf43926);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), fc.nat(8), (bytes, off) => {
        const n = Math.max(0, bytes.length - off);
        expect(own.crc32(bytes, Math.min(off, bytes.length), n)).toBe(crc32(bytes.subarray(bytes.length - n)));
      }),
    );
  });
});

describe("search", () => {
  const u = new Universe();
  const text = Buffer.from(
    [
      record({ name: "vim-9.1", comment: "Vi improved" }),
      record({ name: "neovim-0.10", comment: "Text editor" }),
      record({ name: "Emacs-30", comment: "The EDITOR" }),
      record({ name: "vim-9.0", comment: "An older one" }),
    ].join(""),
  );
  u.beginSummary(u.addRepository(0));
  u.addSummary(text, 0, text.length);
  u.endSummary();
  const mine = Buffer.from(record({ name: "vim-8", comment: "installed" }));
  u.addInstalled(mine, 0, mine.length, false);
  const search = (q: string, o = {}): string[] => names(u, searchPackages(u, q, o));

  it("finds text in names and comments, in any case", () => {
    expect(search("VIM")).toEqual(["neovim-0.10", "vim-9.1", "vim-9.0"]);
    expect(search("editor")).toEqual(["Emacs-30", "neovim-0.10"]);
    expect(search("editor", { comments: false })).toEqual([]);
    expect(search("vim", { installed: true })).toEqual(["neovim-0.10", "vim-9.1", "vim-9.0", "vim-8"]);
    expect(search("nothing at all")).toEqual([]);
    expect(search("").length).toBe(4);
  });

  it("finds by shell pattern and by regular expression", () => {
    expect(search("*vim", { mode: "glob" })).toEqual(["neovim-0.10", "vim-9.1", "vim-9.0"]);
    expect(search("vim-9.[1-9]*", { mode: "glob" })).toEqual(["vim-9.1"]);
    expect(search("^vim-|the e", { mode: "regex" })).toEqual(["Emacs-30", "vim-9.1", "vim-9.0"]);
    expect(() => search("(", { mode: "regex" })).toThrow(expect.objectContaining({ code: "EINVAL" }));
  });

  it("finds what indexOf finds", () => {
    const piece = fc.string({ unit: fc.constantFrom("a", "B", "b", "-", "A"), maxLength: 12 });
    fc.assert(
      fc.property(piece, fc.string({ unit: fc.constantFrom("a", "b", "B", "-"), maxLength: 4 }), (comment, needle) => {
        const one = new Universe();
        const b = Buffer.from(record({ name: "x-1", comment }));
        one.beginSummary(one.addRepository(0));
        one.addSummary(b, 0, b.length);
        one.endSummary();
        const expected = ["x-1", comment].some((s) => s.toLowerCase().includes(needle.toLowerCase()));
        expect(searchPackages(one, needle).length).toBe(expected ? 1 : 0);
      }),
    );
  });
});
