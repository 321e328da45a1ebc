/** Signatures of packages and of pkg-vulnerabilities. */
export { isAr, readAr, writeAr } from "./ar";
export type { ArHeader, ArMember } from "./ar";
export { isClearsigned, signGpg, verifyClearsigned, verifyGpg } from "./gpg";
export type { GpgSigner, Keyring } from "./gpg";
export {
  BLOCK_SIZE,
  formatPackageHash,
  hashPackage,
  isPortableSize,
  parsePackageHash,
  verifyBlocks,
} from "./hash-file";
export type { PackageHash } from "./hash-file";
export { admitPackage, checkSignature, parseVerifyPolicy, SignatureState, VerifyPolicy } from "./policy";
export type { Ask, PackageTrust, SignatureReport } from "./policy";
export { signPackage } from "./signed-package";
export type { SigningOptions } from "./signed-package";
export { CertificatePurpose, signPkcs7, verifyPkcs7 } from "./x509";
export type { X509Signer, X509Trust } from "./x509";
