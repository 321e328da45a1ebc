/**
 * PKCS#7 signatures (RFC 2315, RFC 5652) with the rules of pkg_install: what `x509.ts` loads when it is needed.
 *
 * Key functions: `verify`, `sign`. Source: pkg_install lib/pkcs7.c (easy_pkcs7_verify, easy_pkcs7_sign, check_ca); OpenSSL's
 * PKCS7_verify(3) with the purpose S/MIME signing.
 * Invariant: a signature is valid only when its bytes are right, its signer's certificate leads by valid certificates of authorities to a
 * self-signed one that is trusted, and it is a certificate for what was signed: code signing and e-mail protection for packages, no
 * extended usage for vulnerabilities.
 */
import { createPrivateKey, webcrypto, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import * as asn1js from "asn1js";
import * as pkijs from "pkijs";
import { PackageError } from "../errors";
import { CertificatePurpose } from "./x509";
import type { X509Signer, X509Trust } from "./x509";

const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
const EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4";

const ID_BASIC_CONSTRAINTS = "2.5.29.19";
const ID_KEY_USAGE = "2.5.29.15";
const ID_EXTENDED_KEY_USAGE = "2.5.29.37";

/** Bits of keyUsage, from the left of its first byte (RFC 5280 4.2.1.3). */
const DIGITAL_SIGNATURE = 0x80;
const NON_REPUDIATION = 0x40;
const KEY_CERT_SIGN = 0x04;

/** Longest chain. */
const MAX_CHAIN = 16;

const engine = new pkijs.CryptoEngine({
  name: "node",
  crypto: webcrypto as never,
  subtle: webcrypto.subtle as never,
});

function bad(reason: string, cause?: unknown): PackageError {
  return new PackageError("ESIGNATURE", reason, { cause });
}

/** The blocks of a PEM text with one of some labels, as DER. */
function pemBlocks(text: string, labels: readonly string[]): Buffer[] {
  const blocks: Buffer[] = [];
  for (const match of text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g)) {
    if (labels.includes(match[1]!)) blocks.push(Buffer.from(match[2]!, "base64"));
  }
  return blocks;
}

function toPem(der: Uint8Array, label: string): string {
  const base64 = Buffer.from(der).toString("base64");
  return `-----BEGIN ${label}-----\n${(base64.match(/.{1,64}/g) ?? []).join("\n")}\n-----END ${label}-----\n`;
}

function bytes(buffer: ArrayBuffer): Uint8Array {
  return new Uint8Array(buffer);
}

/** A certificate in both forms that are needed, and what its extensions say. */
class Certificate {
  readonly node: X509Certificate;
  readonly parsed: pkijs.Certificate;
  /** First byte of keyUsage, or null when there is no such extension. */
  readonly keyUsage: number | null;
  readonly extendedUsages: readonly string[] | null;
  /** From basicConstraints; null when there is no such extension. */
  readonly isAuthority: boolean | null;
  readonly pathLength: number;

  constructor(readonly der: Buffer) {
    try {
      this.node = new X509Certificate(der);
      this.parsed = pkijs.Certificate.fromBER(der);
    } catch (error) {
      throw bad("a certificate cannot be read", error);
    }
    const extension = (id: string): unknown => this.parsed.extensions?.find((one) => one.extnID === id)?.parsedValue;
    const usage = extension(ID_KEY_USAGE) as asn1js.BitString | undefined;
    this.keyUsage = usage === undefined ? null : (usage.valueBlock.valueHexView[0] ?? 0);
    const extended = extension(ID_EXTENDED_KEY_USAGE) as pkijs.ExtKeyUsage | undefined;
    this.extendedUsages = extended === undefined ? null : extended.keyPurposes;
    const basic = extension(ID_BASIC_CONSTRAINTS) as pkijs.BasicConstraints | undefined;
    this.isAuthority = basic === undefined ? null : basic.cA;
    this.pathLength = typeof basic?.pathLenConstraint === "number" ? basic.pathLenConstraint : Infinity;
  }

  get name(): string {
    return this.node.subject.replace(/\n/g, ", ");
  }

  get selfSigned(): boolean {
    return this.node.checkIssued(this.node) && this.node.verify(this.node.publicKey);
  }

  same(other: Certificate): boolean {
    return this.der.equals(other.der);
  }

  /** Whether it may sign certificates (lib/pkcs7.c, check_ca). */
  get signsCertificates(): boolean {
    if (this.keyUsage !== null && (this.keyUsage & KEY_CERT_SIGN) === 0) return false;
    if (this.isAuthority !== null) return this.isAuthority;
    return (this.parsed.version === 0 && this.selfSigned) || this.keyUsage !== null;
  }

  validAt(time: number): boolean {
    return Date.parse(this.node.validFrom) <= time && time <= Date.parse(this.node.validTo);
  }
}

function certificatesOf(pem: string, what: string): Certificate[] {
  const found = pemBlocks(pem, ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"]).map(
    (der) => new Certificate(der),
  );
  if (found.length === 0) throw bad(`there is no certificate in ${what}`);
  return found;
}

/** Why a signer's certificate leads to nobody who is trusted, or an empty string. */
function chainProblem(
  signer: Certificate,
  others: readonly Certificate[],
  anchors: readonly Certificate[],
  time: number,
): string {
  let problem = `the certificate of ${signer.name} leads to nobody who is trusted`;
  const walk = (subject: Certificate, depth: number, path: readonly Certificate[]): boolean => {
    if (!subject.validAt(time)) {
      problem = `the certificate of ${subject.name} is not valid now (${subject.node.validFrom} to ${subject.node.validTo})`;
      return false;
    }
    if (subject.selfSigned) return anchors.some((anchor) => anchor.same(subject));
    if (depth >= MAX_CHAIN) return false;
    for (const issuer of [...anchors, ...others]) {
      if (
        path.includes(issuer) ||
        !subject.node.checkIssued(issuer.node) ||
        !subject.node.verify(issuer.node.publicKey)
      )
        continue;
      // RFC 5280 4.2.1.9: authorities between this one and the signer.
      if (!issuer.signsCertificates || issuer.pathLength < depth) {
        problem = `${issuer.name} may not sign the certificate of ${subject.name}`;
        continue;
      }
      if (walk(issuer, depth + 1, [...path, issuer])) return true;
    }
    return false;
  };
  return walk(signer, 0, [signer]) ? "" : problem;
}

/** Why a certificate may not sign what was signed, or an empty string (lib/pkcs7.c; OpenSSL's purpose smime_sign). */
function purposeProblem(certificate: Certificate, purpose: CertificatePurpose): string {
  if (certificate.signsCertificates) return "a certificate of an authority is not valid for signatures";
  if (certificate.keyUsage !== null && (certificate.keyUsage & (DIGITAL_SIGNATURE | NON_REPUDIATION)) === 0) {
    return "the certificate is not for signatures";
  }
  const usages = new Set(certificate.extendedUsages ?? []);
  if (purpose === CertificatePurpose.Package) {
    const right = usages.size === 2 && usages.has(CODE_SIGNING) && usages.has(EMAIL_PROTECTION);
    return right ? "" : "the certificate must be for code signing and e-mail protection";
  }
  return usages.size === 0 ? "" : "the certificate must not be for a special use";
}

/** Finds the certificate that a signer names. */
function signerCertificate(info: pkijs.SignerInfo, certificates: readonly Certificate[]): Certificate {
  const sid: unknown = info.sid;
  for (const certificate of certificates) {
    if (sid instanceof pkijs.IssuerAndSerialNumber) {
      if (certificate.parsed.issuer.isEqual(sid.issuer) && certificate.parsed.serialNumber.isEqual(sid.serialNumber))
        return certificate;
    }
  }
  throw bad("the signature does not contain its signer's certificate");
}

/**
 * Verifies a detached PKCS#7 signature in PEM. Returns the signers' names.
 * Throws ESIGNATURE with the reason: not a signature, wrong bytes, nobody who is trusted, the wrong kind of certificate.
 */
export async function verify(
  content: Uint8Array,
  signature: Uint8Array | string,
  trust: X509Trust,
  purpose: CertificatePurpose,
  time: number,
): Promise<string[]> {
  const text = typeof signature === "string" ? signature : Buffer.from(signature).toString("latin1");
  const [der] = pemBlocks(text, ["PKCS7", "CMS", "PKCS #7 SIGNED DATA"]);
  if (der === undefined) throw bad("it is no PKCS#7 signature in PEM");
  let signed: pkijs.SignedData;
  let embedded: Certificate[];
  try {
    const outer = pkijs.ContentInfo.fromBER(der);
    if (outer.contentType !== pkijs.ContentInfo.SIGNED_DATA) throw new Error("it is no signed data");
    signed = new pkijs.SignedData({ schema: outer.content as asn1js.Sequence });
    embedded = (signed.certificates ?? []).flatMap((one) =>
      one instanceof pkijs.Certificate ? [new Certificate(Buffer.from(one.toSchema().toBER(false)))] : [],
    );
  } catch (error) {
    throw bad("the PKCS#7 signature cannot be read", error);
  }
  if (signed.encapContentInfo.eContent !== undefined) throw bad("the PKCS#7 signature brings content of its own");
  if (signed.signerInfos.length === 0) throw bad("the PKCS#7 signature has no signer");
  const anchors = certificatesOf(trust.anchors, "the trusted certificates");
  const others = [
    ...embedded,
    ...(trust.chain === undefined ? [] : certificatesOf(trust.chain, "the certificate chain")),
  ];
  const data = new Uint8Array(content).buffer as ArrayBuffer;
  const names: string[] = [];
  for (const [index, info] of signed.signerInfos.entries()) {
    const certificate = signerCertificate(info, [...others, ...anchors]);
    signed.certificates = [...new Set([...(signed.certificates ?? []), certificate.parsed])];
    let right: boolean;
    try {
      right = await signed.verify({ signer: index, data, checkChain: false }, engine);
    } catch (error) {
      throw bad("the PKCS#7 signature is wrong", error);
    }
    if (!right) throw bad("the PKCS#7 signature is wrong");
    const problem = chainProblem(certificate, others, anchors, time) || purposeProblem(certificate, purpose);
    if (problem !== "") throw bad(problem);
    names.push(certificate.name);
  }
  return names;
}

async function importKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const der = key.export({ format: "der", type: "pkcs8" });
  const curves: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" };
  const curve = curves[key.asymmetricKeyDetails?.namedCurve ?? ""];
  const algorithm =
    key.asymmetricKeyType === "rsa"
      ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }
      : { name: "ECDSA", namedCurve: curve ?? "" };
  if (key.asymmetricKeyType !== "rsa" && curve === undefined)
    throw bad(`a key of type ${key.asymmetricKeyType ?? "unknown"} cannot sign packages`);
  return webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
}

/**
 * Signs content as easy_pkcs7_sign does: detached, without attributes, PEM.
 * Throws ESIGNATURE for a certificate that no reader would accept for packages, and for a key that is not the certificate's.
 */
export async function sign(content: Uint8Array, signer: X509Signer): Promise<string> {
  const certificates = certificatesOf(signer.certificate, "the certificate file");
  if (certificates.length !== 1) throw bad("there is more than one certificate in the certificate file");
  const certificate = certificates[0]!;
  const problem = purposeProblem(certificate, CertificatePurpose.Package);
  if (problem !== "") throw bad(problem);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: signer.key, passphrase: signer.passphrase });
  } catch (error) {
    throw bad("the private key cannot be read", error);
  }
  if (!certificate.node.checkPrivateKey(key)) throw bad("the private key does not belong to the certificate");
  const chain = signer.chain === undefined ? [] : certificatesOf(signer.chain, "the certificate chain");
  const signed = new pkijs.SignedData({
    version: 1,
    encapContentInfo: new pkijs.EncapsulatedContentInfo({ eContentType: pkijs.ContentInfo.DATA }),
    signerInfos: [
      new pkijs.SignerInfo({
        version: 1,
        sid: new pkijs.IssuerAndSerialNumber({
          issuer: certificate.parsed.issuer,
          serialNumber: certificate.parsed.serialNumber,
        }),
      }),
    ],
    certificates: [certificate.parsed, ...chain.map((one) => one.parsed)],
  });
  await signed.sign(
    (await importKey(key)) as never,
    0,
    "SHA-256",
    new Uint8Array(content).buffer as ArrayBuffer,
    engine,
  );
  const outer = new pkijs.ContentInfo({ contentType: pkijs.ContentInfo.SIGNED_DATA, content: signed.toSchema(true) });
  return toPem(bytes(outer.toSchema().toBER(false)), "PKCS7");
}
