/**
 * Which packages may be installed by their signatures: VERIFIED_INSTALLATION of pkg_install.conf(5).
 *
 * Key functions: `checkSignature`, `admitPackage`. Source: pkg_install add/perform.c, check_signature.
 * Invariant: without a valid signature a package is admitted only by the policy `never`, or by a person who was asked.
 */
import { PackageError } from "../errors";
import type { PackageSignature } from "../archive/package";
import { SignatureKind } from "../archive/package";
import { verifyGpg } from "./gpg";
import type { Keyring } from "./gpg";
import { verifyPkcs7 } from "./x509";
import type { X509Trust } from "./x509";

export enum VerifyPolicy {
  /** Signatures do not matter. */
  Never = 0,
  /** A valid signature is a must. */
  Always = 1,
  /** Without a valid signature somebody is asked. */
  Trusted = 2,
  /** Somebody is asked each time. */
  Interactive = 3,
}

/** The policy of a name, as VERIFIED_INSTALLATION has it (any case). Throws EBADDATA for other names. */
export function parseVerifyPolicy(name: string): VerifyPolicy {
  const policy = ["never", "always", "trusted", "interactive"].indexOf(name.toLowerCase());
  if (policy < 0)
    throw new PackageError("EBADDATA", `"${name}" is no policy for signatures: never, always, trusted or interactive`);
  return policy;
}

/** Whom to trust with packages. */
export interface PackageTrust {
  /** For +PKG_SIGNATURE. */
  x509?: X509Trust;
  /** For +PKG_GPG_SIGNATURE (GPG_KEYRING_VERIFY). */
  keyring?: Keyring;
}

export enum SignatureState {
  /** The package has no signature. */
  Unsigned = 0,
  /** By somebody who is trusted. */
  Valid = 1,
  /** Wrong, or by nobody who is trusted. */
  Invalid = 2,
}

export interface SignatureReport {
  state: SignatureState;
  /** Names of valid signers. */
  signers: readonly string[];
  /** Why it is not valid; a part of a sentence. Empty when it is. */
  reason: string;
}

/** Checks who signed a package. The package's own bytes are checked against the signed hashes as they are read. */
export async function checkSignature(
  signature: PackageSignature | null,
  trust: PackageTrust,
  time: number = Date.now(),
): Promise<SignatureReport> {
  const invalid = (reason: string): SignatureReport => ({ state: SignatureState.Invalid, signers: [], reason });
  if (signature === null) return { state: SignatureState.Unsigned, signers: [], reason: "it is not signed" };
  try {
    if (signature.kind === SignatureKind.X509) {
      if (trust.x509 === undefined) return invalid("it is signed with a certificate, and no certificate is trusted");
      return {
        state: SignatureState.Valid,
        signers: await verifyPkcs7(signature.signed, signature.signature, trust.x509, undefined, time),
        reason: "",
      };
    }
    if (trust.keyring === undefined) return invalid("it is signed with OpenPGP, and there is no keyring");
    return {
      state: SignatureState.Valid,
      signers: await verifyGpg(signature.signed, signature.signature, trust.keyring, time),
      reason: "",
    };
  } catch (error) {
    if (error instanceof PackageError) return invalid(error.message);
    throw error;
  }
}

/** Asks a person; true is yes. Without one, the answer is no. */
export type Ask = (question: string) => Promise<boolean>;

/**
 * Returns when a package may be installed. Throws ESIGNATURE when not.
 */
export async function admitPackage(
  policy: VerifyPolicy,
  name: string,
  report: SignatureReport,
  ask: Ask | null = null,
): Promise<void> {
  const valid = report.state === SignatureState.Valid;
  if (policy === VerifyPolicy.Never || (valid && policy !== VerifyPolicy.Interactive)) return;
  const finding = valid
    ? `${name} is signed by ${report.signers.join(", ")}`
    : `${name} has no valid signature: ${report.reason}`;
  if (policy === VerifyPolicy.Always) throw new PackageError("ESIGNATURE", finding, { path: name });
  if (ask !== null && (await ask(`${finding}. Install it?`))) return;
  throw new PackageError("ESIGNATURE", `${finding}; ${ask === null ? "nobody could be asked" : "it was declined"}`, {
    path: name,
  });
}
