/**
 * PKCS#7 signatures of +PKG_HASH and of pkg-vulnerabilities.
 *
 * Key functions: `verifyPkcs7`, `signPkcs7`. Neighbour: `pkcs7.ts` does it; it and its libraries are loaded at the first signature, so that
 * a command that meets none does not wait for them.
 */

/** What a certificate must be for. */
export enum CertificatePurpose {
  /** Code signing and e-mail protection, nothing else. */
  Package = 0,
  /** No extended key usage. */
  Vulnerabilities = 1,
}

/** Whom to trust, in PEM. */
export interface X509Trust {
  /** Trusted certificates (CERTIFICATE_ANCHOR_PKGS, CERTIFICATE_ANCHOR_PKGVULN). */
  anchors: string;
  /** Other certificates to build chains with (CERTIFICATE_CHAIN). */
  chain?: string;
}

/** Who signs with a certificate, in PEM. */
export interface X509Signer {
  /** The one certificate that belongs to the key. */
  certificate: string;
  key: string;
  /** Of an encrypted key. */
  passphrase?: string;
  /** Certificates to put into the signature too. */
  chain?: string;
}

/**
 * Verifies a detached PKCS#7 signature in PEM. Returns the signers' names.
 * Throws ESIGNATURE with the reason: not a signature, wrong bytes, nobody who is trusted, the wrong kind of certificate.
 */
export async function verifyPkcs7(
  content: Uint8Array,
  signature: Uint8Array | string,
  trust: X509Trust,
  purpose: CertificatePurpose = CertificatePurpose.Package,
  time: number = Date.now(),
): Promise<string[]> {
  const { verify } = await import("./pkcs7");
  return verify(content, signature, trust, purpose, time);
}

/**
 * Signs content as easy_pkcs7_sign does: detached, without attributes, PEM.
 * Throws ESIGNATURE for a certificate that no reader would accept for packages, and for a key that is not the certificate's.
 */
export async function signPkcs7(content: Uint8Array, signer: X509Signer): Promise<string> {
  const { sign } = await import("./pkcs7");
  return sign(content, signer);
}
