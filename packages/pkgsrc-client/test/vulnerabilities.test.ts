import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Vulnerabilities, VulnerabilitiesFault } from "@anax/pkgsrc-client";
import { auditPackages, matchesPattern, PatternError, readVulnerabilities } from "@anax/pkgsrc-client/host";

const BODY = `# a comment
openssl<3.0.8	multiple-vulnerabilities	https://a.example/1
{mysql,mariadb}-server<10.5 sql-injection https://a.example/2
php{56,7[0-9]}-[0-9]* eol https://a.example/eol
foo-[0-9]* denial-of-service   https://a.example/3  trailing words
#old-entry buffer-overflow https://a.example/4
*-client<1 weak-cryptography https://a.example/5
`;

/** A file with its checksum, in clear or signed. */
function file(body: string, algorithm: "sha512" | "sha1" = "sha512", signed = false, value?: string): string {
  const hashed = `#FORMAT 1.1.0\n${body}`;
  const digest = value ?? createHash(algorithm).update(hashed.replace(/^\n/gm, "")).digest("hex");
  const text = `# $NetBSD: pkg-vulnerabilities,v 1.9 $\n#FORMAT 1.1.0\n#CHECKSUM ${algorithm.toUpperCase()} ${digest}\n${body}`;
  if (!signed) return text;
  const signature = "-----BEGIN PGP SIGNATURE-----\n\niQIzBAEBCgAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n";
  return `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${text}${signature}`;
}

const read = (text: string): ReturnType<typeof readVulnerabilities> =>
  readVulnerabilities(Buffer.from(text), "pkg-vulnerabilities");

describe("pkg-vulnerabilities", () => {
  it("is read, with its checksum, in clear or signed", () => {
    for (const [algorithm, signed] of [
      ["sha512", false],
      ["sha1", false],
      ["sha512", true],
    ] as const) {
      const list = read(file(BODY, algorithm, signed));
      expect([list.entries.count, list.verified, list.warnings]).toEqual([5, [algorithm.toUpperCase()], []]);
    }
  });

  it("takes the signature of an old GnuPG", () => {
    const text = file(BODY, "sha512", true).replace("SIGNATURE-----\n", "SIGNATURE-----\nVersion: GnuPG v1\n");
    expect(read(text).verified).toEqual(["SHA512"]);
    expect(read(file(BODY).concat("Version: GnuPG v1\njunk\n")).verified).toEqual(["SHA512"]);
  });

  it("leaves blank lines out of the checksum", () => {
    expect(read(file(`\n${BODY.replace("openssl", "\nopenssl")}\n`)).entries.count).toBe(5);
  });

  it("refuses a wrong checksum, and says when there is none or an unknown one", () => {
    expect(() => read(file(BODY, "sha512", false, "00"))).toThrow(expect.objectContaining({ code: "ECHECKSUM" }));
    expect(() => read(file(BODY).replace("3.0.8", "3.0.9"))).toThrow(expect.objectContaining({ code: "ECHECKSUM" }));
    expect(read(`#FORMAT 1.1.0\n${BODY}`).warnings).toEqual(["pkg-vulnerabilities: there is no checksum"]);
    expect(read(file(BODY).replace("SHA512", "BLAKE3")).warnings).toEqual([
      "pkg-vulnerabilities: the checksum BLAKE3 is not known",
    ]);
  });

  const bad: [string, string, VulnerabilitiesFault, number][] = [
    ["a byte 0", "#FORMAT 1.1.0\n\na\0 b c\n", VulnerabilitiesFault.NUL, 3],
    ["no newline at the end", "#FORMAT 1.1.0\na b c", VulnerabilitiesFault.NO_NEWLINE, 2],
    ["nothing", "", VulnerabilitiesFault.HEADER, 1],
    ["no format", "# $NetBSD$\n\n", VulnerabilitiesFault.HEADER, 3],
    ["an entry before the format", "a b c\n#FORMAT 1.1.0\n", VulnerabilitiesFault.HEADER, 1],
    ["words before the format", "# words\n#FORMAT 1.1.0\n", VulnerabilitiesFault.HEADER, 1],
    ["another format", "#\n#FORMAT 1.2.0\n", VulnerabilitiesFault.FORMAT, 2],
    ["a format with words", "#FORMAT 1.1.0 x\n", VulnerabilitiesFault.FORMAT, 1],
    ["a checksum without value", "#FORMAT 1.1.0\n#CHECKSUM SHA1\n", VulnerabilitiesFault.CHECKSUM, 2],
    ["a checksum with words", "#FORMAT 1.1.0\n#CHECKSUM SHA1 a b\n", VulnerabilitiesFault.CHECKSUM, 2],
    ["no class", "#FORMAT 1.1.0\na<1\n", VulnerabilitiesFault.NO_CLASS, 2],
    ["no URL", "#FORMAT 1.1.0\n\na<1 b \n", VulnerabilitiesFault.NO_URL, 3],
  ];
  for (const [what, text, fault, line] of bad) {
    it(`refuses ${what}`, () => {
      const list = new Vulnerabilities(Buffer.from(text));
      expect([list.fault, list.faultLine, list.count]).toEqual([fault, line, 0]);
      expect(() => read(text)).toThrow(
        expect.objectContaining({ code: "EBADDATA", message: expect.stringContaining(`line ${line}`) }),
      );
    });
  }

  it("finds what matches, with and without the end of life, by class, but for what is ignored", () => {
    const list = read(file(BODY));
    const urls = (names: string[], o = {}): string[] =>
      auditPackages(list, names, o).map((f) => `${f.name} ${f.type} ${f.url.slice(-3)}`);
    expect(
      urls(["openssl-3.0.7nb1", "openssl-3.0.8", "mariadb-server-10.4", "foo-2bar-1", "php56-5.6", "x-client-0.5"]),
    ).toEqual([
      "openssl-3.0.7nb1 multiple-vulnerabilities e/1",
      "mariadb-server-10.4 sql-injection e/2",
      "foo-2bar-1 denial-of-service e/3",
    ]);
    expect(urls(["php56-5.6", "php74-7.4", "php80-8"], { eol: true })).toEqual([
      "php56-5.6 eol eol",
      "php74-7.4 eol eol",
    ]);
    expect(urls(["openssl-1", "foo-1"], { type: "denial-of-service" })).toEqual(["foo-1 denial-of-service e/3"]);
    expect(urls(["openssl-1", "foo-1"], { ignore: ["https://a.example/3"] })).toEqual([
      "openssl-1 multiple-vulnerabilities e/1",
    ]);
    expect(auditPackages(list, ["openssl-1"])[0]!.pattern).toBe("openssl<3.0.8");
  });

  it("says which patterns are none", () => {
    expect(read(file("a<1<2 b c\n{d b c\nok-[0-9]* b c\n")).warnings).toEqual([
      "pkg-vulnerabilities: a<1<2 is no pattern",
      "pkg-vulnerabilities: {d is no pattern",
    ]);
  });

  it("finds exactly the entries whose patterns match", () => {
    const pattern = fc.tuple(
      fc.constantFrom("a", "b", "a-2b", "{a,b}", "a*", "*", "a{,-2b}", "?"),
      fc.constantFrom("-[0-9]*", "<2", ">=1<2", "-1*", "-1.0", "", "-[!1]*", "{-1,-2*}", "<1<2"),
    );
    const name = fc.tuple(fc.constantFrom("a", "b", "a-2b", "a-2b-3", "ab"), fc.constantFrom("1", "1.0", "2nb1", "10"));
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 8 }), fc.array(name, { maxLength: 5 }), (patterns, names) => {
        const texts = patterns.map((p) => p.join(""));
        const list = read(file(texts.map((p, i) => `${p} type url${i}\n`).join("")));
        const matches = (p: string, n: string): boolean => {
          try {
            return matchesPattern(p, n);
          } catch (e) {
            expect(e).toBeInstanceOf(PatternError);
            return false;
          }
        };
        for (const n of names.map((x) => x.join("-"))) {
          const expected = texts.flatMap((p, i) => (matches(p, n) ? [`url${i}`] : []));
          expect(auditPackages(list, [n]).map((f) => f.url)).toEqual(expected);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("no bytes trap the reader", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "#FORMAT 1.1.0\n",
        "#CHECKSUM ",
        "SHA1",
        "\n",
        " ",
        "-----BEGIN PGP SIGNATURE",
        "Version:",
        "# $NetBSD",
        "a<1 b c\n",
        "{",
        "#",
      ),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const list = new Vulnerabilities(Buffer.from(pieces.join("")));
        let last = 0;
        for (let i = 0; i < list.hashed.length; i += 2) {
          expect(list.hashed.get(i)).toBeGreaterThanOrEqual(last);
          last = list.hashed.get(i) + list.hashed.get(i + 1);
        }
        expect(last).toBeLessThanOrEqual(list.text.length);
      }),
    );
  });
});
