import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Pattern, VersionComparer } from "@anax/pkgsrc-client";
import { bestMatch, compareVersions, matchesPattern, PatternError } from "@anax/pkgsrc-client/host";

/** pkg_match as its manual page tells it, by expansion and regular expressions. Null when the pattern is malformed. */
function naive(pattern: string, name: string): boolean | null {
  const open = pattern.indexOf("{");
  if (open >= 0) {
    let depth = 0;
    let close = -1;
    const cuts: number[] = [open];
    for (let i = open; i < pattern.length && close < 0; i++) {
      if (pattern[i] === "{") depth++;
      if (pattern[i] === "}" && --depth === 0) close = i;
      if (pattern[i] === "," && depth === 1) cuts.push(i);
    }
    if (close < 0) return null;
    cuts.push(close);
    const results = cuts
      .slice(1)
      .map((cut, i) =>
        naive(pattern.slice(0, open) + pattern.slice(cuts[i]! + 1, cut) + pattern.slice(close + 1), name),
      );
    return results.includes(null) ? null : results.includes(true);
  }
  const range = /^([^<>]*)(?:(>=|>)([^<>]*))?(?:(<=|<)([^<>]*))?$/.exec(pattern);
  if (/[<>]/.test(pattern)) {
    if (range === null) return null;
    const dash = name.lastIndexOf("-");
    if (dash < 0 || name.slice(0, dash) !== range[1]) return false;
    const version = name.slice(dash + 1);
    const holds = (op: string | undefined, bound: string | undefined): boolean => {
      if (op === undefined) return true;
      const c = compareVersions(version, bound!);
      return op === "<" ? c < 0 : op === "<=" ? c <= 0 : op === ">" ? c > 0 : c >= 0;
    };
    return holds(range[2], range[3]) && holds(range[4], range[5]);
  }
  const glob = (p: string): boolean => {
    const source = globSource(p);
    if (source === null) return false;
    if (/^[*?]/.test(p) && name.startsWith(".")) return false;
    return new RegExp(`^${source}$`, "s").test(name);
  };
  return (/[*?[\]]/.test(pattern) && glob(pattern)) || pattern === name || glob(`${pattern}-[0-9]*`);
}

const quote = (c: string): string => c.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** A shell pattern as the source of a regular expression; null when a bracket is not closed. */
function globSource(p: string): string | null {
  let out = "";
  for (let i = 0; i < p.length; i++) {
    const c = p[i]!;
    if (c === "*") out += ".*";
    else if (c === "?") out += ".";
    else if (c === "\\" && i + 1 < p.length) out += quote(p[++i]!);
    else if (c === "[") {
      const not = /^[!^]/.test(p.slice(i + 1));
      let j = i + (not ? 2 : 1);
      const alternatives: string[] = [];
      for (;;) {
        if (j >= p.length) return null;
        if (p[j] === "]") break;
        const at = (): string | null => (p[j] === "\\" ? (p[++j] ?? null) : p[j]!);
        const low = at();
        if (low === null) return null;
        j++;
        if (p[j] === "-" && j + 1 < p.length && p[j + 1] !== "]") {
          j++;
          const high = at();
          if (high === null) return null;
          j++;
          if (low <= high) alternatives.push(`${quote(low)}-${quote(high)}`);
        } else alternatives.push(quote(low));
      }
      out += alternatives.length === 0 ? (not ? "." : "(?!)") : `[${not ? "^" : ""}${alternatives.join("")}]`;
      i = j;
    } else out += quote(c);
  }
  return out;
}

const text = (alphabet: string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...alphabet), { maxLength: 10 }).map((t) => t.join(""));
const wild = text([
  "a",
  "b",
  "-",
  "1",
  "2",
  ".",
  "*",
  "?",
  "[",
  "]",
  "!",
  "^",
  "\\",
  "{",
  "}",
  ",",
  "<",
  ">",
  "=",
  "-[0-9]*",
  "[0-9]",
  "{a,b}",
  ">=1<",
]);
const sane = fc
  .tuple(
    fc.constantFrom("a", "b", "ab", "a-1", "{a,b}", "a{,b}"),
    fc.constantFrom("", "-[0-9]*", ">=1<2", ">1", "<=2", "-1*", "-1.[0-2]"),
  )
  .map(([a, b]) => a + b);
const name = fc.oneof(
  text(["a", "b", "-", "1", "2", ".", "nb1", "rc1", "[", "*"]),
  fc
    .tuple(fc.constantFrom("a", "b", "ab", "a-1"), fc.constantFrom("1", "1.0", "1.2nb1", "2", "2rc1"))
    .map(([a, b]) => `${a}-${b}`),
);

describe("patterns", () => {
  const cases: [string, string, boolean][] = [
    ["mutt-[0-9]*", "mutt-2.2.13", true],
    ["mutt-[0-9]*", "mutt-vid-1.1", false],
    ["foo-[0-9]*", "foo-2bar-1.0", true],
    ["librsvg>=2.12<2.41", "librsvg-2.11", false],
    ["librsvg>=2.12<2.41", "librsvg-2.12alpha", false],
    ["librsvg>=2.12<2.41", "librsvg-2.40.21nb3", true],
    ["librsvg>=2.12<2.41", "librsvg-2.41", false],
    ["librsvg>=2.12<2.41", "librsvg2-2.13", false],
    ["pkg>=1.0<2", "pkg-2.0rc1", true],
    ["pkg>=1.0nb3", "pkg-1.0nb2", false],
    ["{mysql,mariadb,percona}-client-[0-9]*", "mariadb-client-11.4.3", true],
    ["{mysql,mariadb,percona}-client-[0-9]*", "postgresql-client-16.4", false],
    ["subversion-1.14.3{,nb[0-9]*}", "subversion-1.14.3", true],
    ["subversion-1.14.3{,nb[0-9]*}", "subversion-1.14.3nb7", true],
    ["{ucspi-tcp6>=1.10.7nb1,ucspi-tcp-[0-9]*}", "ucspi-tcp6-1.10.7", false],
    ["{ucspi-tcp6>=1.10.7nb1,ucspi-tcp-[0-9]*}", "ucspi-tcp-0.88", true],
    ["{a{b,c},d}{1,2}-3", "ac2-3", true],
    ["foobar-1.0", "foobar-1.0", true],
    ["foobar-1.0", "foobar-1.1", false],
    ["foobar", "foobar-1.1", true],
    ["foobar", "foobar-baz-1.1", false],
    ["foo-1.[!3-5]*", "foo-1.4", false],
    ["foo-1.[^3-5]*", "foo-1.6", true],
    ["foo\\*-1", "foo*-1", true],
    ["foo-[0-9", "foo-[0-9", true],
    ["foo-[0-9", "foo-a", false],
    // With -[0-9]* behind it the bracket is closed.
    ["foo-[0-9", "foo-1", true],
    ["*-1", ".foo-1", false],
    ["[.]foo-1", ".foo-1", true],
    ["?foo-1", ".foo-1", false],
    ["", "", true],
    ["", "-1", true],
    ["Foo-[0-9]*", "foo-1", false],
    ["foo}-1", "foo}-1", true],
  ];
  for (const [pattern, pkg, expected] of cases) {
    it(`${pattern} ${expected ? "matches" : "does not match"} ${pkg}`, () =>
      expect(matchesPattern(pattern, pkg)).toBe(expected));
  }

  for (const bad of ["{foo,bar", "foo>1<2<3", "foo<1>0", "foo>1>=2", "foo<1<2", "a{b}{c", "{a,{b>1>2}}"]) {
    it(`refuses ${bad}`, () => {
      expect(() => matchesPattern(bad, "foo-1.5")).toThrow(PatternError);
      const bytes = new TextEncoder().encode(bad);
      const pattern = new Pattern(bytes, 0, bytes.length, new VersionComparer());
      expect(pattern.error).toBe(-22);
      expect(pattern.matches(bytes, 0, bytes.length)).toBe(false);
    });
  }

  it("bounds the alternatives of one pattern", () => {
    expect(() => matchesPattern("{a,b}".repeat(30), "x")).toThrow(expect.objectContaining({ code: "E2BIG" }));
    expect(matchesPattern("{a,b}".repeat(9), "abababaab")).toBe(true);
    for (const deep of [
      "{".repeat(5000) + "}".repeat(5000),
      "{a}".repeat(5000),
      `{${"a,".repeat(999)}}${"b".repeat(2000)}`,
    ]) {
      expect(() => matchesPattern(deep, "x")).toThrow(expect.objectContaining({ code: "E2BIG" }));
    }
    expect(matchesPattern("{".repeat(50) + "a" + "}".repeat(50), "a")).toBe(true);
  });

  it("takes time by pattern length times name length, not exponential", () => {
    expect(matchesPattern(`${"*a".repeat(500)}b`, "a".repeat(5000))).toBe(false);
  });

  it("agrees with the rules written down naively", () => {
    const check = (pattern: string, pkg: string): void => {
      const expected = naive(pattern, pkg);
      if (expected === null) expect(() => matchesPattern(pattern, pkg)).toThrow(PatternError);
      else expect(matchesPattern(pattern, pkg), `${pattern} ${pkg}`).toBe(expected);
    };
    fc.assert(fc.property(wild, name, check), { numRuns: 2000 });
    fc.assert(fc.property(sane, name, check), { numRuns: 1000 });
  });
});

describe("the best match", () => {
  it("is the greatest version that matches", () => {
    expect(bestMatch("pkg-[0-9]*", ["pkg-1.0", "other-9.9", "pkg-2.0", "pkg-1.5"])).toBe("pkg-2.0");
    expect(bestMatch("pkg<2", ["pkg-1.0", "pkg-2.0", "pkg-1.5nb1", "pkg-1.5"])).toBe("pkg-1.5nb1");
    expect(bestMatch("pkg>3", ["pkg-1.0"])).toBeNull();
  });

  it("is the smaller name among equal versions, in any order", () => {
    expect(bestMatch("{mysql,mariadb}-[0-9]*", ["mysql-1.0", "mariadb-1.0"])).toBe("mariadb-1.0");
    expect(bestMatch("{mysql,mariadb}-[0-9]*", ["mariadb-1.0", "mysql-1.0"])).toBe("mariadb-1.0");
    expect(bestMatch("pkg-[0-9]*", ["pkg-1.0", "pkg-1"])).toBe("pkg-1");
  });
});
