import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Field, INSTALLED, Issue, type SummaryReader, Universe } from "@anax/pkgsrc-client";
import { bestMatch, matchesPattern } from "@anax/pkgsrc-client/host";
import { record, type RecordFields } from "./summary.js";

const bytes = (s: string): Uint8Array => new TextEncoder().encode(s);
const text = (u: Universe, at: number, n: number): string =>
  new TextDecoder().decode(u.arena.bytes.subarray(at, at + n));
const nameOf = (u: Universe, p: number): string => text(u, u.nameAt(p), u.nameLength(p));

function load(u: Universe, summary: string | Uint8Array, priority = 0, chunk = 1 << 20): SummaryReader {
  const b = typeof summary === "string" ? bytes(summary) : summary;
  expect(u.beginSummary(u.addRepository(priority))).toBe(0);
  for (let i = 0; i < b.length; i += chunk) expect(u.addSummary(b, i, Math.min(chunk, b.length - i))).toBe(0);
  return u.endSummary()!;
}

function install(u: Universe, f: RecordFields, automatic = false): number {
  const b = bytes(record(f));
  return u.addInstalled(b, 0, b.length, automatic);
}

function matching(u: Universe, pattern: string): string[] {
  const b = bytes(pattern);
  const id = u.pattern(b, 0, b.length);
  return Array.from({ length: u.candidates(id) }, (_, i) => nameOf(u, u.candidate(id, i)));
}

function field(u: Universe, p: number, variable: string): string[] {
  const values: string[] = [];
  while (u.findField(p, bytes(variable), values.length)) {
    values.push(new TextDecoder().decode(u.value.subarray(u.valueAt, u.valueAt + u.valueLength)));
  }
  return values;
}

const world = [
  record({
    name: "foo-1.0",
    depends: ["bar>=1", "baz-[0-9]*"],
    requires: ["/lib/libz.so.1"],
    size: 5_000_000_000,
    more: "FILE_SIZE=1234\nX_NEW=a=b\nX_NEW=",
  }),
  record({ name: "foo-1.10nb2", conflicts: ["oldfoo-[0-9]*"], supersedes: ["oldfoo<2"] }),
  record({ name: "foo-2bar-0.5" }),
  record({ name: "bar-2", provides: ["/lib/libz.so.1", "/lib/libbar.so"] }),
  record({ name: "baz-1.0", depends: ["bar>=1"] }),
  record({ name: "foobar-3" }),
].join("");

describe("a universe", () => {
  it("has the facts of its packages", () => {
    const u = new Universe();
    const reader = load(u, world);
    expect([u.count, reader.records, reader.issues.length]).toEqual([6, 6, 0]);
    expect(Array.from({ length: 6 }, (_, p) => nameOf(u, p))).toEqual([
      "foo-1.0",
      "foo-1.10nb2",
      "foo-2bar-0.5",
      "bar-2",
      "baz-1.0",
      "foobar-3",
    ]);
    expect(text(u, u.versionAt(1), u.versionLength(1))).toBe("1.10nb2");
    expect(u.baseOf(0)).toBe(u.baseOf(1));
    expect(u.baseOf(0)).toBe(u.findBase(bytes("foo"), 0, 3));
    expect(u.findBase(bytes("nothing"), 0, 7)).toBe(-1);
    expect([u.sizeOf(0), u.fileSizeOf(0), u.fileSizeOf(1)]).toEqual([5_000_000_000, 1234, -1]);
    expect([u.dependCount(0), u.conflictCount(1), u.supersedeCount(1), u.requireCount(0), u.provideCount(3)]).toEqual([
      2, 1, 1, 1, 2,
    ]);
    expect(u.dependAt(0, 0)).toBe(u.dependAt(4, 0));
    expect(u.requireAt(0, 0)).toBe(u.provideAt(3, 0));
    expect(u.listAt(3, Field.PROVIDES, 1)).toBe(u.findLibrary(bytes("/lib/libbar.so"), 0, 14));
    expect([u.providers(u.requireAt(0, 0)), u.provider(u.requireAt(0, 0), 0)]).toEqual([1, 3]);
    expect(text(u, u.commentAt(4), u.commentLength(4))).toBe("about baz-1.0");
    expect(u.compareVersions(0, 1)).toBe(-1);
  });

  it("keeps what it does not know, in order", () => {
    const u = new Universe();
    load(u, world);
    expect(field(u, 0, "X_NEW")).toEqual(["a=b", ""]);
    expect(field(u, 0, "DEPENDS")).toEqual(["bar>=1", "baz-[0-9]*"]);
    expect(field(u, 1, "X_NEW")).toEqual([]);
    expect(u.record(0)).toBe(true);
    expect(new TextDecoder().decode(u.value.subarray(u.valueAt, u.valueAt + u.valueLength))).toBe(
      world.slice(0, world.indexOf("\n\n") + 1),
    );
  });

  it("lists what matches, best first", () => {
    const u = new Universe();
    load(u, world);
    expect(matching(u, "foo-[0-9]*")).toEqual(["foo-1.10nb2", "foo-1.0", "foo-2bar-0.5"]);
    expect(matching(u, "foo>=1.1")).toEqual(["foo-1.10nb2"]);
    expect(matching(u, "{foo,bar}-[0-9]*")).toEqual(["bar-2", "foo-1.10nb2", "foo-1.0", "foo-2bar-0.5"]);
    expect(matching(u, "{foo,foo-1*}")).toEqual(["foo-1.10nb2", "foo-1.0", "foo-2bar-0.5"]);
    expect(matching(u, "foo")).toEqual(["foo-1.10nb2", "foo-1.0", "foo-2bar-0.5"]);
    expect(matching(u, "foo-1.0")).toEqual(["foo-1.0"]);
    expect(matching(u, "*ba*")).toEqual(["foobar-3", "bar-2", "baz-1.0", "foo-2bar-0.5"]);
    expect(matching(u, "{foo")).toEqual([]);
    expect(matching(u, "nothing>1")).toEqual([]);
    const foo = u.findBase(bytes("foo"), 0, 3);
    expect(Array.from({ length: u.packagesOf(foo) }, (_, i) => nameOf(u, u.packageOf(foo, i)))).toEqual([
      "foo-1.10nb2",
      "foo-1.0",
    ]);
  });

  it("prefers the greater priority, then the version, then the first repository", () => {
    const u = new Universe();
    load(u, record({ name: "a-2" }) + record({ name: "b-1" }), 0);
    load(u, record({ name: "a-1" }) + record({ name: "b-1" }), 5);
    load(u, record({ name: "a-3" }) + record({ name: "b-1" }), 0);
    expect(matching(u, "a-[0-9]*")).toEqual(["a-1", "a-3", "a-2"]);
    const b = u.pattern(bytes("b-[0-9]*"), 0, 8);
    expect([0, 1, 2].map((i) => u.repoOf(u.candidate(b, i)))).toEqual([1, 0, 2]);
  });

  it("takes installed packages, and new candidates after them", () => {
    const u = new Universe();
    load(u, world);
    expect(matching(u, "baz-[0-9]*")).toEqual(["baz-1.0"]);
    const p = install(u, { name: "baz-1.0", date: "2025-01-01" }, true);
    const q = install(u, { name: "bazaar-1" });
    expect([u.isInstalled(p), u.isAutomatic(p), u.isAutomatic(q), u.repoOf(p)]).toEqual([true, true, false, INSTALLED]);
    expect([u.sameName(p, 4), u.sameBuild(p, 4), u.sameBuild(0, 1), u.sameName(p, q)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(u.installedOf(u.baseOf(p))).toBe(p);
    expect(u.installedOf(u.baseOf(0))).toBe(-1);
    const id = u.pattern(bytes("baz-[0-9]*"), 0, 10);
    expect([u.candidate(id, 0), u.candidate(id, 1), u.candidates(id)]).toEqual([p, 4, 2]);
    const bad = bytes("COMMENT=no name\n");
    expect(u.addInstalled(bad, 0, bad.length, false)).toBe(-22);
    const minimal = bytes("PKGNAME=tiny-1\n");
    expect(nameOf(u, u.addInstalled(minimal, 0, minimal.length, false))).toBe("tiny-1");
  });

  it("knows bases that no package has", () => {
    const u = new Universe();
    install(u, { name: "foo-2bar-1" });
    expect(matching(u, "foo-[0-9]*")).toEqual(["foo-2bar-1"]);
    const foo = u.findBase(bytes("foo"), 0, 3);
    expect([foo, u.installedOf(foo), u.packagesOf(foo)]).toEqual([1, -1, 0]);
  });

  it("refuses a second summary before the first one ends", () => {
    const u = new Universe();
    expect(u.beginSummary(0)).toBe(-22);
    expect(u.addSummary(bytes("x"), 0, 1)).toBe(-22);
    const r = u.addRepository(0);
    expect([u.beginSummary(r), u.beginSummary(r)]).toEqual([0, -16]);
    expect(u.addInstalled(bytes("PKGNAME=a-1\n"), 0, 12, false)).toBe(-16);
    expect(u.endSummary()!.records).toBe(0);
    expect(u.endSummary()).toBeNull();
  });
});

describe("broken records", () => {
  const good = record({ name: "good-1" });
  const without = (variable: string): string =>
    record({ name: "bad-1" }).replace(new RegExp(`^${variable}=.*\n`, "m"), "");
  const cases: [string, string, Issue, Field, number][] = [
    [
      "a line without =",
      record({ name: "bad-1" }).replace("COMMENT=", "COMMENT:"),
      Issue.NO_VARIABLE,
      Field.UNKNOWN,
      2,
    ],
    [
      "a line without a variable",
      record({ name: "bad-1" }).replace("COMMENT=", "="),
      Issue.NO_VARIABLE,
      Field.UNKNOWN,
      2,
    ],
    ["no name", without("PKGNAME"), Issue.MISSING, Field.PKGNAME, 11],
    ["no size", without("SIZE_PKG"), Issue.MISSING, Field.SIZE_PKG, 11],
    ["no description", without("DESCRIPTION"), Issue.MISSING, Field.DESCRIPTION, 11],
    ["a name without version", record({ name: "bad" }), Issue.BAD_NAME, Field.PKGNAME, 12],
    ["a name with a path", record({ name: "../bad-1" }), Issue.BAD_NAME, Field.PKGNAME, 12],
    ["a name with a blank", record({ name: "b ad-1" }), Issue.BAD_NAME, Field.PKGNAME, 12],
    [
      "a size that is no number",
      record({ name: "bad-1" }).replace("SIZE_PKG=1000", "SIZE_PKG=1e3"),
      Issue.BAD_NUMBER,
      Field.SIZE_PKG,
      12,
    ],
    [
      "a huge file size",
      record({ name: "bad-1", more: "FILE_SIZE=9007199254740992" }),
      Issue.BAD_NUMBER,
      Field.FILE_SIZE,
      13,
    ],
    ["two names", record({ name: "bad-1", more: "PKGNAME=bad-2" }), Issue.REPEATED, Field.PKGNAME, 11],
  ];
  for (const [what, bad, issue, variable, line] of cases) {
    it(`${what}: skipped and noted`, () => {
      const u = new Universe();
      const reader = load(u, `\n\n${good}${bad}\n${good}`);
      expect(Array.from({ length: u.count }, (_, p) => nameOf(u, p))).toEqual(["good-1", "good-1"]);
      expect(reader.records).toBe(3);
      expect(Array.from(reader.issues.data.slice(0, reader.issues.length))).toEqual([2, line + 14, issue, variable]);
    });
  }

  it("a text that ends within a line", () => {
    const u = new Universe();
    const reader = load(u, good + record({ name: "cut-1" }).slice(0, 60));
    expect([u.count, reader.records, reader.issues.get(2)]).toEqual([1, 2, Issue.TRUNCATED]);
  });

  it("a last record without a blank line is whole", () => {
    const u = new Universe();
    load(u, good.slice(0, -1));
    expect(u.count).toBe(1);
  });
});

describe("properties", () => {
  const name = fc
    .tuple(
      fc.constantFrom("a", "b", "a-2b", "a-2b-3", "ab", "a-b"),
      fc.constantFrom("1", "1.0", "1.0nb1", "2rc1", "2", "10"),
    )
    .map(([b, v]) => `${b}-${v}`);
  const pattern = fc
    .tuple(
      fc.constantFrom("a", "b", "a-2", "{a,b}", "{a,a-2b}", "a*", "a-b", "?", "a-2b", "\\a"),
      fc.constantFrom("", "-[0-9]*", ">=1<2", "<2", "-1*", "-1.0", "-[1-2]*", "-[!1]*", "-*"),
    )
    .map(([a, b]) => a + b);

  it("the candidates are the names that match, the best one first", () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 12 }), fc.array(pattern, { maxLength: 4 }), (names, patterns) => {
        const u = new Universe();
        load(u, names.map((n) => record({ name: n })).join(""));
        for (const p of patterns) {
          const found = matching(u, p);
          expect([...found].sort(), p).toEqual(names.filter((n) => matchesPattern(p, n)).sort());
          expect(found[0] ?? null).toBe(bestMatch(p, names));
        }
      }),
    );
  });

  it("chunks make no difference", () => {
    const whole = new Universe();
    const junk = "\nNONSENSE\n\nPKGNAME=x\n\n";
    const b = bytes(world + junk + world);
    const expected = load(whole, b);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 97 }), (chunk) => {
        const u = new Universe();
        const reader = load(u, b, 0, chunk);
        expect(u.rows.data.slice(0, u.rows.length)).toEqual(whole.rows.data.slice(0, whole.rows.length));
        expect(u.ids.data.slice(0, u.ids.length)).toEqual(whole.ids.data.slice(0, whole.ids.length));
        expect(reader.issues.data.slice(0, reader.issues.length)).toEqual(
          expected.issues.data.slice(0, expected.issues.length),
        );
      }),
      { numRuns: 30 },
    );
  });

  it("a summary that is taken whole makes no difference", () => {
    const whole = new Universe();
    load(whole, world);
    const u = new Universe();
    expect(u.takeSummary(u.addRepository(0), bytes(world))).toBe(0);
    expect(u.endSummary()!.records).toBe(6);
    expect(u.rows.data.slice(0, u.rows.length)).toEqual(whole.rows.data.slice(0, whole.rows.length));
    expect(u.takeSummary(u.addRepository(0), bytes(world))).toBe(0);
    expect(u.endSummary()!.records).toBe(6);
    expect([u.count, nameOf(u, 11), field(u, 6, "X_NEW")]).toEqual([12, "foobar-3", ["a=b", ""]]);
    expect(u.takeSummary(9, bytes(world))).toBe(-22);
  });

  it("no bytes trap the reader", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "\n",
        "\n\n",
        "=",
        "PKGNAME=",
        "PKGNAME=a-1\n",
        "DEPENDS=",
        "DEPENDS={\n",
        "SIZE_PKG=",
        "\0",
        "-",
        record({ name: "a-1" }),
      ),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.integer({ min: 1, max: 40 }), (pieces, chunk) => {
        const u = new Universe();
        const reader = load(u, pieces.join(""), 0, chunk);
        expect(u.count + reader.issues.length / 4).toBe(reader.records);
        for (let p = 0; p < u.count; p++) for (let i = 0; i < u.dependCount(p); i++) u.candidates(u.dependAt(p, i));
      }),
      { numRuns: 300 },
    );
  });
});
