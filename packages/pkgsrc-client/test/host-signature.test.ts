import { execFile, execFileSync } from "node:child_process";
import { createHash, generateKeyPairSync, randomBytes, webcrypto } from "node:crypto";
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as asn1js from "asn1js";
import fc from "fast-check";
import * as openpgp from "openpgp";
import * as pkijs from "pkijs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { collect, Compression } from "../src/host/archive/compression";
import { createPackage, writePackage } from "../src/host/archive/create";
import { extractPackage } from "../src/host/archive/extract";
import { openPackage, SignatureKind, verifyPackage } from "../src/host/archive/package";
import { readAr, writeAr } from "../src/host/signature/ar";
import type { ArMember } from "../src/host/signature/ar";
import { isClearsigned, signGpg, verifyClearsigned, verifyGpg } from "../src/host/signature/gpg";
import {
  BLOCK_SIZE,
  formatPackageHash,
  hashPackage,
  isPortableSize,
  parsePackageHash,
  verifyBlocks,
} from "../src/host/signature/hash-file";
import {
  admitPackage,
  checkSignature,
  parseVerifyPolicy,
  SignatureState,
  VerifyPolicy,
} from "../src/host/signature/policy";
import { signPackage } from "../src/host/signature/signed-package";
import { CertificatePurpose, signPkcs7, verifyPkcs7 } from "../src/host/signature/x509";

async function* chunks(data: Uint8Array, size = 1 << 20): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < data.length; i += size) yield data.subarray(i, i + size);
}

let dir: string;
beforeEach(async () => {
  dir = await fs.mkdtemp(join(tmpdir(), "pkgc-sign-"));
});
afterEach(async () => {
  await fs.rm(dir, { recursive: true, force: true });
});

describe("ar archives", () => {
  const member = (name: string, text: string): ArMember => ({
    header: { name, size: Buffer.byteLength(text), mtime: 12, uid: 0, gid: 0, mode: 0o100644 },
    data: chunks(Buffer.from(text)),
  });

  it("come back as they were written", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.stringMatching(/^[a-z +_-]{0,28}[a-z]$/), fc.string()), { maxLength: 6 }),
        fc.integer({ min: 1, max: 100 }),
        async (list, step) => {
          const data = await collect(writeAr(list.map(([name, text]) => member(name, text))));
          const back: [string, string][] = [];
          for await (const one of readAr(chunks(data, step), "x"))
            back.push([one.header.name, (await collect(one.data)).toString("utf8")]);
          expect(back).toEqual(list);
          expect(data.length % 2).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("may leave data unread", async () => {
    const data = await collect(writeAr([member("a", "one"), member("b".repeat(20), "two")]));
    const names: string[] = [];
    for await (const one of readAr(chunks(data, 7), "x")) names.push(one.header.name);
    expect(names).toEqual(["a", "b".repeat(20)]);
  });

  it("read the names of GNU ar", async () => {
    const header = (name: string, size: number): string =>
      `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(size).padEnd(10)}\`\n`;
    const text = `!<arch>\n${header("//", 30)}a-very-long-member-name.tgz/\n\n${header("/0", 2)}hi${header("short/", 3)}abc\n`;
    const found: string[] = [];
    for await (const one of readAr(chunks(Buffer.from(text)), "x"))
      found.push(`${one.header.name}=${(await collect(one.data)).toString()}`);
    expect(found).toEqual(["a-very-long-member-name.tgz=hi", "short=abc"]);
  });

  it("refuse a member of another size than its header says", async () => {
    await expect(
      collect(writeAr([{ ...member("a", "one"), data: chunks(Buffer.from("four")) }])),
    ).rejects.toMatchObject({ code: "EBADARCHIVE" });
  });

  it("are refused or read when they are damaged", async () => {
    const good = await collect(
      writeAr([
        member("+PKG_HASH", "hash"),
        member("+PKG_GPG_SIGNATURE", "signature"),
        member("foo.tgz", "x".repeat(100)),
      ]),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(good.length),
        async (edits, cut) => {
          const data = Buffer.from(good);
          for (const [at, value] of edits) data[at] = value;
          try {
            for await (const one of readAr(chunks(data.subarray(0, cut), 13), "f.ar")) await collect(one.data);
          } catch (error) {
            expect(error).toMatchObject({ code: "EBADARCHIVE", path: "f.ar" });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("+PKG_HASH", () => {
  it.each([1, 5, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 2 * BLOCK_SIZE, 3 * BLOCK_SIZE + 7])(
    "of %i bytes",
    async (size) => {
      const data = randomBytes(size);
      const hash = await hashPackage(chunks(data, 10_000), "foo-1.0");
      expect(hash.blocks.length).toBe(Math.ceil(size / BLOCK_SIZE));
      expect(parsePackageHash(formatPackageHash(hash), "x")).toEqual(hash);
      expect(isPortableSize(size)).toBe(size % BLOCK_SIZE !== 0);
      expect((await collect(verifyBlocks(chunks(data, 333), hash, "x"))).equals(data)).toBe(true);
      for (const wrong of [data.subarray(0, size - 1), Buffer.concat([data, Buffer.from("x")])]) {
        await expect(collect(verifyBlocks(chunks(wrong), hash, "x"))).rejects.toMatchObject({ code: "ESIGNATURE" });
      }
      const flipped = Buffer.from(data);
      flipped[size - 1]! ^= 1;
      await expect(collect(verifyBlocks(chunks(flipped), hash, "x"))).rejects.toThrow(/does not have its signed hash/);
    },
  );

  it("is the text that pkg_install writes", async () => {
    const hash = await hashPackage(chunks(Buffer.from("abc")), "foo-1.0");
    expect(formatPackageHash(hash).toString()).toBe(
      "pkgsrc signature\n\nversion: 1\npkgname: foo-1.0\nalgorithm: SHA512\nblock size: 65536\nfile size: 3\n\n" +
        `${createHash("sha512").update("abc").digest("hex")}\nend pkgsrc signature\n`,
    );
  });

  it("may have the last block's hash of pkg_install when the file ends on a block boundary and the block is padding", async () => {
    const empty = createHash("sha512").digest("hex");
    const data = Buffer.concat([randomBytes(BLOCK_SIZE), Buffer.alloc(BLOCK_SIZE)]);
    const hash = await hashPackage(chunks(data), "foo-1.0");
    const asC = { ...hash, blocks: [hash.blocks[0]!, empty] };
    expect((await collect(verifyBlocks(chunks(data), asC, "x"))).length).toBe(data.length);
    const other = Buffer.concat([data.subarray(0, 2 * BLOCK_SIZE - 1), Buffer.from("x")]);
    await expect(collect(verifyBlocks(chunks(other), asC, "x"))).rejects.toMatchObject({ code: "ESIGNATURE" });
    await expect(
      collect(verifyBlocks(chunks(data), { ...hash, blocks: [empty, hash.blocks[1]!] }, "x")),
    ).rejects.toMatchObject({ code: "ESIGNATURE" });
  });

  it("cannot be of no bytes", async () => {
    await expect(hashPackage(chunks(Buffer.alloc(0)), "foo-1.0")).rejects.toMatchObject({ code: "ESIGNATURE" });
  });

  const GOOD = `pkgsrc signature\n\nversion: 1\npkgname: a-1\nalgorithm: SHA512\nblock size: 1024\nfile size: 1025\n\n${"0a".repeat(64)}\n${"1b".repeat(64)}\nend pkgsrc signature\n`;
  it("is read as pkg_install reads it", () => {
    expect(parsePackageHash(Buffer.from(GOOD), "x")).toMatchObject({
      blockSize: 1024,
      fileSize: 1025,
      packageName: "a-1",
    });
    expect(parsePackageHash(Buffer.from(GOOD.replace("1024", "0001024").replace("a-1", "")), "x").packageName).toBe("");
    const wrong: [string | RegExp, string][] = [
      ["version: 1", "version: 2"],
      ["a-1", "a 1"],
      ["a-1", "a\x01"],
      ["SHA512", "SHA256"],
      ["1024", "1023"],
      ["1024", "-1024"],
      ["1024", " 1024"],
      ["1024", "99999999999999999999"],
      ["1025", "0"],
      ["1025", "1024"],
      ["1025", "2049"],
      ["1025\n\n", "1025\n"],
      ["0a0a", "0A0A"],
      ["0a0a", "0a0"],
      ["end pkgsrc", "end"],
      [/$/, "\n"],
      [/\nend[\s\S]*/, ""],
      [/^/, "\n"],
      ["1025", "9007199254740000"],
    ];
    for (const [from, to] of wrong)
      expect(() => parsePackageHash(Buffer.from(GOOD.replace(from, to)), "x.tgz"), `${from} -> ${to}`).toThrow(
        /x\.tgz: \+PKG_HASH/,
      );
  });

  it("is refused or read when it is damaged", () => {
    const good = Buffer.from(GOOD);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(good.length),
        (edits, cut) => {
          const data = Buffer.from(good);
          for (const [at, value] of edits) data[at] = value;
          try {
            const hash = parsePackageHash(cut % 2 === 0 ? data : data.subarray(0, cut), "x");
            expect(hash.blocks.length).toBe(Math.ceil(hash.fileSize / hash.blockSize));
          } catch (error) {
            expect(error).toMatchObject({ code: "ESIGNATURE" });
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

// ---- keys ----

interface Identity {
  certificate: string;
  key: string;
}
const DAY = 86_400_000;
const engine = new pkijs.CryptoEngine({ name: "test", crypto: webcrypto as never, subtle: webcrypto.subtle as never });
let serial = 1;

function name(text: string): pkijs.RelativeDistinguishedNames {
  return new pkijs.RelativeDistinguishedNames({
    typesAndValues: [
      new pkijs.AttributeTypeAndValue({ type: "2.5.4.3", value: new asn1js.Utf8String({ value: text }) }),
    ],
  });
}

/** A certificate by an issuer (or itself). */
async function certify(
  subject: string,
  issuer: { name: string; key: string } | null,
  options: {
    ca?: boolean;
    usages?: string[];
    keyUsage?: number;
    from?: number;
    to?: number;
    pathLength?: number;
    curve?: string;
  } = {},
): Promise<Identity> {
  const pair =
    options.curve === undefined
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: options.curve });
  const subtle = webcrypto.subtle;
  const certificate = new pkijs.Certificate();
  certificate.version = 2;
  certificate.serialNumber = new asn1js.Integer({ value: serial++ });
  certificate.subject = name(subject);
  certificate.issuer = name(issuer?.name ?? subject);
  certificate.notBefore.value = new Date(Date.now() + (options.from ?? -1) * DAY);
  certificate.notAfter.value = new Date(Date.now() + (options.to ?? 10) * DAY);
  certificate.subjectPublicKeyInfo = pkijs.PublicKeyInfo.fromBER(
    pair.publicKey.export({ format: "der", type: "spki" }),
  );
  certificate.extensions = [];
  const add = (extnID: string, critical: boolean, value: asn1js.BaseBlock): void =>
    void certificate.extensions!.push(new pkijs.Extension({ extnID, critical, extnValue: value.toBER(false) }));
  const constraints: { cA: boolean; pathLenConstraint?: number } = { cA: options.ca ?? false };
  if (options.pathLength !== undefined) constraints.pathLenConstraint = options.pathLength;
  add("2.5.29.19", true, new pkijs.BasicConstraints(constraints).toSchema());
  const usage = options.keyUsage ?? (options.ca === true ? 0x06 : 0xc0);
  add("2.5.29.15", true, new asn1js.BitString({ valueHex: Uint8Array.of(usage).buffer, unusedBits: 1 }));
  if (options.usages !== undefined)
    add("2.5.29.37", false, new pkijs.ExtKeyUsage({ keyPurposes: options.usages }).toSchema());
  const key = pair.privateKey.export({ format: "pem", type: "pkcs8" }) as string;
  const signing = await subtle.importKey(
    "pkcs8",
    Buffer.from((issuer?.key ?? key).replace(/-----[A-Z ]+-----|\s/g, ""), "base64"),
    { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    false,
    ["sign"],
  );
  await certificate.sign(signing as never, "SHA-256", engine);
  const der = Buffer.from(certificate.toSchema(true).toBER(false)).toString("base64");
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${der.match(/.{1,64}/g)!.join("\n")}\n-----END CERTIFICATE-----\n`,
    key,
  };
}

const FOR_PACKAGES = ["1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.4"];
let root: Identity;
let middle: Identity;
let signer: Identity;
let direct: Identity;
let gpg: { publicKey: string; privateKey: string };
let stranger: { publicKey: string; privateKey: string };

beforeAll(async () => {
  root = await certify("Test root", null, { ca: true });
  middle = await certify("Test middle", { name: "Test root", key: root.key }, { ca: true, pathLength: 0 });
  signer = await certify("Test builder", { name: "Test middle", key: middle.key }, { usages: FOR_PACKAGES });
  direct = await certify("Test direct", { name: "Test root", key: root.key }, { usages: FOR_PACKAGES });
  const make = async (user: string): Promise<{ publicKey: string; privateKey: string }> =>
    openpgp.generateKey({
      userIDs: [{ name: user, email: "t@example.org" }],
      format: "armored",
      type: "rsa",
      rsaBits: 2048,
    });
  gpg = await make("Tester");
  stranger = await make("Stranger");
}, 120_000);

const CONTENT = Buffer.from("signed content\n");

describe("PKCS#7", () => {
  it("is verified by a chain to a trusted root", async () => {
    const signature = await signPkcs7(CONTENT, { ...signer, chain: middle.certificate });
    expect(await verifyPkcs7(CONTENT, signature, { anchors: root.certificate })).toEqual(["CN=Test builder"]);
    const without = await signPkcs7(CONTENT, signer);
    expect(await verifyPkcs7(CONTENT, without, { anchors: root.certificate, chain: middle.certificate })).toEqual([
      "CN=Test builder",
    ]);
    await expect(verifyPkcs7(CONTENT, without, { anchors: root.certificate })).rejects.toThrow(
      /leads to nobody who is trusted/,
    );
    // Without a self-signed end there is no trust (X509_V_FLAG_PARTIAL_CHAIN is not set).
    await expect(verifyPkcs7(CONTENT, signature, { anchors: middle.certificate })).rejects.toThrow(
      /nobody who is trusted/,
    );
  });

  it("is refused for other bytes, times, people and uses", async () => {
    const signature = await signPkcs7(CONTENT, direct);
    const anchors = root.certificate;
    const refused = (promise: Promise<unknown>, words: RegExp): Promise<void> =>
      expect(promise).rejects.toMatchObject({ code: "ESIGNATURE", message: expect.stringMatching(words) as string });
    await refused(verifyPkcs7(Buffer.from("other content\n"), signature, { anchors }), /is wrong/);
    await refused(verifyPkcs7(CONTENT, "nonsense", { anchors }), /no PKCS#7/);
    await refused(
      verifyPkcs7(CONTENT, signature.replace(/[A-Za-z]{10}/, "AAAAAAAAAA"), { anchors }),
      /cannot be read|is wrong|not contain/,
    );
    await refused(verifyPkcs7(CONTENT, signature, { anchors: "" }), /no certificate in the trusted/);
    await refused(
      verifyPkcs7(CONTENT, signature, { anchors }, CertificatePurpose.Package, Date.now() + 100 * DAY),
      /not valid now/,
    );
    await refused(verifyPkcs7(CONTENT, signature, { anchors }, CertificatePurpose.Vulnerabilities), /special use/);
    const other = await certify("Test root", null, { ca: true });
    await refused(verifyPkcs7(CONTENT, signature, { anchors: other.certificate }), /nobody who is trusted/);
  });

  it("is not made with certificates that nobody would accept", async () => {
    const issuer = { name: "Test root", key: root.key };
    const cases: [Identity, RegExp][] = [
      [await certify("x", issuer, {}), /code signing and e-mail/],
      [await certify("x", issuer, { usages: FOR_PACKAGES.slice(0, 1) }), /code signing and e-mail/],
      [await certify("x", issuer, { usages: FOR_PACKAGES, ca: true }), /authority/],
      [await certify("x", issuer, { usages: FOR_PACKAGES, keyUsage: 0x20 }), /not for signatures/],
    ];
    for (const [identity, words] of cases) await expect(signPkcs7(CONTENT, identity)).rejects.toThrow(words);
    await expect(signPkcs7(CONTENT, { ...direct, key: signer.key })).rejects.toThrow(/does not belong/);
    await expect(signPkcs7(CONTENT, { ...direct, certificate: direct.certificate + root.certificate })).rejects.toThrow(
      /more than one/,
    );
    await expect(signPkcs7(CONTENT, { ...direct, key: "x" })).rejects.toThrow(/cannot be read/);
  });

  it("does not trust what an authority may not do", async () => {
    // The middle certificate allows no authority below it.
    const fake = await certify("Fake", { name: "Test middle", key: middle.key }, { ca: true });
    const victim = await certify("Victim", { name: "Fake", key: fake.key }, { usages: FOR_PACKAGES });
    const signature = await signPkcs7(CONTENT, { ...victim, chain: fake.certificate + middle.certificate });
    await expect(verifyPkcs7(CONTENT, signature, { anchors: root.certificate })).rejects.toThrow(
      /may not sign the certificate/,
    );
    const byLeaf = await certify("Victim", { name: "Test direct", key: direct.key }, { usages: FOR_PACKAGES });
    const second = await signPkcs7(CONTENT, { ...byLeaf, chain: direct.certificate });
    await expect(verifyPkcs7(CONTENT, second, { anchors: root.certificate })).rejects.toThrow(
      /may not sign|leads to nobody/,
    );
  });

  it("takes elliptic curves and encrypted keys", async () => {
    const ec = await certify("EC", { name: "Test root", key: root.key }, { usages: FOR_PACKAGES, curve: "prime256v1" });
    expect(await verifyPkcs7(CONTENT, await signPkcs7(CONTENT, ec), { anchors: root.certificate })).toEqual(["CN=EC"]);
  });
});

describe("OpenPGP", () => {
  it("verifies by the keys of a keyring", async () => {
    const signature = await signGpg(CONTENT, { key: gpg.privateKey });
    const [first] = await verifyGpg(CONTENT, signature, stranger.publicKey + gpg.publicKey);
    expect(first).toMatch(/^Tester <t@example.org> \([0-9A-F]{16}\)$/);
    const binary = (await openpgp.readKey({ armoredKey: gpg.publicKey })).write();
    expect((await verifyGpg(CONTENT, signature, binary)).length).toBe(1);
    await expect(verifyGpg(CONTENT, signature, stranger.publicKey)).rejects.toThrow(/not in the keyring/);
    await expect(verifyGpg(Buffer.from("other"), signature, gpg.publicKey)).rejects.toThrow(/is wrong/);
    await expect(verifyGpg(CONTENT, "x", gpg.publicKey)).rejects.toThrow(/no OpenPGP signature/);
    await expect(verifyGpg(CONTENT, signature, "x")).rejects.toThrow(/keyring cannot be read/);
    await expect(verifyGpg(CONTENT, signature, Buffer.from("        KBXf"))).rejects.toThrow(/keybox/);
    await expect(signGpg(CONTENT, { key: gpg.publicKey })).rejects.toMatchObject({ code: "ESIGNATURE" });
  });

  it("verifies clear-signed text", async () => {
    const message = await openpgp.createCleartextMessage({ text: "#FORMAT 1.1.0\n- dashes  \n" });
    const text = await openpgp.sign({
      message,
      signingKeys: await openpgp.readPrivateKey({ armoredKey: gpg.privateKey }),
    });
    expect(isClearsigned(text)).toBe(true);
    expect((await verifyClearsigned(text, gpg.publicKey)).length).toBe(1);
    await expect(verifyClearsigned(text.replace("1.1.0", "1.1.1"), gpg.publicKey)).rejects.toMatchObject({
      code: "ESIGNATURE",
    });
    await expect(verifyClearsigned("plain", gpg.publicKey)).rejects.toMatchObject({ code: "ESIGNATURE" });
  });
});

/** A package file whose size is a multiple of the block, or off by some bytes. */
async function sized(offset: number, kind: Compression): Promise<string> {
  // Zeros behind a tar and behind a gzip member mean nothing.
  const data = await collect(createPackage({ name: "foo-1.0", files: [{ path: "a", content: "x" }] }, kind));
  const path = join(dir, "foo-1.0.tgz");
  await fs.writeFile(path, Buffer.concat([data, Buffer.alloc(2 * BLOCK_SIZE + offset - data.length)]));
  return path;
}

describe("signed packages", () => {
  const trust = async (): Promise<Parameters<typeof checkSignature>[1]> => ({
    x509: { anchors: root.certificate },
    keyring: gpg.publicKey,
  });

  it.each([
    ["X.509", SignatureKind.X509],
    ["OpenPGP", SignatureKind.Gpg],
  ])("are made and read with %s", async (_name, kind) => {
    const plain = await writePackage(dir, {
      name: "foo-1.0",
      files: [{ path: "bin/foo", content: randomBytes(300_000) }],
    });
    const signed = join(dir, "signed.tgz");
    await signPackage(plain, signed, kind === SignatureKind.X509 ? direct : { key: gpg.privateKey });
    const reader = await openPackage(signed);
    expect(reader.signature?.kind).toBe(kind);
    expect(await checkSignature(reader.signature, await trust())).toMatchObject({
      state: SignatureState.Valid,
      reason: "",
    });
    expect(await checkSignature(reader.signature, {})).toMatchObject({ state: SignatureState.Invalid });
    expect((await extractPackage(reader, join(dir, "out"), { sync: false })).length).toBe(1);
    await expect(signPackage(signed, join(dir, "twice"), direct)).rejects.toThrow(/signed already/);
  });

  it.each([
    [-512, Compression.None],
    [0, Compression.None],
    [512, Compression.None],
    [-1, Compression.Gzip],
    [0, Compression.Gzip],
    [1, Compression.Gzip],
  ])("of a size %i from a block boundary (compression %i)", async (offset, kind) => {
    const plain = await sized(offset, kind);
    expect(((await fs.stat(plain)).size - offset) % BLOCK_SIZE).toBe(0);
    const signed = join(dir, "signed");
    await signPackage(plain, signed, direct);
    const { signature, files } = await verifyPackage(signed);
    expect(files).toBe(1);
    expect(isPortableSize(signature!.hash.fileSize)).toBe(true);
    expect(await checkSignature(signature, await trust())).toMatchObject({ state: SignatureState.Valid });
  });

  it("are refused when anything in them was changed", async () => {
    const plain = await writePackage(dir, {
      name: "foo-1.0",
      files: [{ path: "bin/foo", content: randomBytes(100_000) }],
    });
    const signed = join(dir, "signed.tgz");
    await signPackage(plain, signed, direct);
    const good = await fs.readFile(signed);
    const hashAt = good.indexOf("pkgname:");
    const edits: [number, string, RegExp][] = [
      [good.length - 50_000, "block", /does not have its signed hash|signed/],
      [hashAt + 10, "name", /the signature is for|version 1/],
      [8, "first member", /not a signed package|first member/],
      [good.indexOf("+PKG_SIGNATURE"), "second member", /stands where/],
    ];
    for (const [at, what, words] of edits) {
      const data = Buffer.from(good);
      data[at]! ^= 1;
      const path = join(dir, `${what}.tgz`);
      await fs.writeFile(path, data);
      await expect(verifyPackage(path), what).rejects.toMatchObject({
        code: expect.stringMatching(/^E(SIGNATURE|BADARCHIVE)$/) as string,
        message: expect.stringMatching(words) as string,
        path,
      });
      await expect(fs.access(join(dir, "out"))).rejects.toThrow();
    }
    for (const cut of [4, 100, 2000, good.length - 100, good.length - 1]) {
      await fs.writeFile(join(dir, "cut"), good.subarray(0, cut));
      if (cut === good.length - 1 && good.at(-1) === 10 && good.length % 2 === 0) continue;
      await expect(verifyPackage(join(dir, "cut")), String(cut)).rejects.toMatchObject({ name: "PackageError" });
    }
    // A hash file that is right in itself, but not what was signed.
    const reader = await openPackage(signed);
    await reader.close();
    const forged = {
      ...reader.signature!,
      signed: Buffer.from(reader.signature!.signed.toString().replace("foo-1.0", "foo-2.0")),
    };
    expect(await checkSignature(forged, await trust())).toMatchObject({
      state: SignatureState.Invalid,
      reason: "the PKCS#7 signature is wrong",
    });
  });

  it("are let in by the policy", async () => {
    const valid = { state: SignatureState.Valid, signers: ["CN=x"], reason: "" };
    const none = await checkSignature(null, {});
    const yes = async (): Promise<boolean> => true;
    const no = async (): Promise<boolean> => false;
    const asked: string[] = [];
    await admitPackage(VerifyPolicy.Never, "a-1", none);
    await admitPackage(VerifyPolicy.Always, "a-1", valid);
    await expect(admitPackage(VerifyPolicy.Always, "a-1", none, yes)).rejects.toThrow(
      "a-1 has no valid signature: it is not signed",
    );
    await admitPackage(VerifyPolicy.Trusted, "a-1", valid, no);
    await admitPackage(VerifyPolicy.Trusted, "a-1", none, async (question) => asked.push(question) > 0);
    await expect(admitPackage(VerifyPolicy.Trusted, "a-1", none)).rejects.toThrow(/nobody could be asked/);
    await admitPackage(VerifyPolicy.Interactive, "a-1", valid, yes);
    await expect(admitPackage(VerifyPolicy.Interactive, "a-1", valid, no)).rejects.toThrow(
      /a-1 is signed by CN=x; it was declined/,
    );
    expect(asked).toEqual(["a-1 has no valid signature: it is not signed. Install it?"]);
    expect(["never", "ALWAYS", "Trusted", "interactive"].map(parseVerifyPolicy)).toEqual([0, 1, 2, 3]);
    expect(() => parseVerifyPolicy("maybe")).toThrow(/no policy/);
  });
});

// ---- other implementations, where they are installed ----

function has(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
const run = promisify(execFile);

describe.skipIf(!has("openssl", "version"))("openssl", () => {
  it("verifies what we sign, and we what it signs", async () => {
    await Promise.all([
      fs.writeFile(join(dir, "root.pem"), root.certificate),
      fs.writeFile(join(dir, "cert.pem"), direct.certificate),
      fs.writeFile(join(dir, "key.pem"), direct.key),
      fs.writeFile(join(dir, "content"), CONTENT),
    ]);
    await fs.writeFile(join(dir, "ours.pem"), await signPkcs7(CONTENT, direct));
    const { stderr } = await run("openssl", [
      "smime",
      "-verify",
      "-binary",
      "-inform",
      "PEM",
      "-in",
      join(dir, "ours.pem"),
      "-content",
      join(dir, "content"),
      "-CAfile",
      join(dir, "root.pem"),
    ]);
    expect(stderr).toMatch(/successful/i);
    for (const extra of [["-noattr"], []]) {
      await run("openssl", [
        "smime",
        "-sign",
        "-binary",
        ...extra,
        "-outform",
        "PEM",
        "-in",
        join(dir, "content"),
        "-signer",
        join(dir, "cert.pem"),
        "-inkey",
        join(dir, "key.pem"),
        "-out",
        join(dir, "theirs.pem"),
      ]);
      expect(
        await verifyPkcs7(CONTENT, await fs.readFile(join(dir, "theirs.pem")), { anchors: root.certificate }),
      ).toEqual(["CN=Test direct"]);
    }
  });
});

describe.skipIf(!has("gpg", "--version"))("gpg", () => {
  let home: string;
  beforeAll(async () => {
    home = await fs.mkdtemp(join(tmpdir(), "g"));
    await fs.chmod(home, 0o700);
  });
  afterAll(async () => {
    if (has("gpgconf", "--version")) execFileSync("gpgconf", ["--homedir", home, "--kill", "all"], { stdio: "ignore" });
    await fs.rm(home, { recursive: true, force: true });
  });

  it("verifies what we sign, and we what it signs", async () => {
    const call = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
      run("gpg", ["--homedir", home, "--batch", "--yes", "--trust-model", "always", ...args]);
    await fs.writeFile(join(dir, "key.asc"), gpg.privateKey);
    await call("--import", join(dir, "key.asc"));
    await fs.writeFile(join(dir, "content"), CONTENT);
    await fs.writeFile(join(dir, "ours.asc"), await signGpg(CONTENT, { key: gpg.privateKey }));
    expect((await call("--verify", join(dir, "ours.asc"), join(dir, "content"))).stderr).toMatch(/Good signature/);
    await call("--detach-sign", "--armor", "--output", join(dir, "theirs.asc"), join(dir, "content"));
    expect((await verifyGpg(CONTENT, await fs.readFile(join(dir, "theirs.asc")), gpg.publicKey)).length).toBe(1);
    await call("--clearsign", "--output", join(dir, "clear.asc"), join(dir, "content"));
    expect((await verifyClearsigned(await fs.readFile(join(dir, "clear.asc"), "utf8"), gpg.publicKey)).length).toBe(1);
  }, 60_000);
});
