/**
 * Whom this client trusts, from files, and what that means for a package.
 *
 * Key type: {@link Trust}. Neighbours: `../signature/` has the rules. Invariant: keys are read once, when the first signature is met.
 */
import fs from "node:fs";
import type { PackageSignature } from "../archive/package";
import { ioError, PackageError } from "../errors";
import type { Keyring } from "../signature/gpg";
import type { Ask, PackageTrust } from "../signature/policy";

export class Trust {
  private loaded: PackageTrust | null = null;

  constructor(
    private readonly policy: string,
    private readonly files: readonly string[],
  ) {}

  /** Certificates in PEM, and OpenPGP keys, armoured or not (then in one file). @throws PackageError ESIGNATURE, ENOENT, ... */
  private load(): PackageTrust {
    if (this.loaded !== null) return this.loaded;
    let anchors = "";
    let armoured = "";
    let binary: Keyring | null = null;
    for (const file of this.files) {
      let data: Buffer;
      try {
        data = fs.readFileSync(file);
      } catch (error) {
        throw ioError("read the keys in", file, error);
      }
      const text = data.toString("latin1");
      if (text.includes("-----BEGIN PGP")) armoured += `${text}\n`;
      else if (text.includes("-----BEGIN CERTIFICATE")) anchors += `${text}\n`;
      else if (binary === null) binary = data;
      else
        throw new PackageError("ESIGNATURE", `${file}: only one file may have keys that are not armoured`, {
          path: file,
        });
    }
    if (binary !== null && armoured !== "") {
      throw new PackageError("ESIGNATURE", "keys are either all armoured or all in one file that is not");
    }
    const keyring = binary ?? (armoured === "" ? undefined : armoured);
    this.loaded = {
      ...(anchors === "" ? {} : { x509: { anchors } }),
      ...(keyring === undefined ? {} : { keyring }),
    };
    return this.loaded;
  }

  /** Returns the signers when the package may be installed. @throws PackageError ESIGNATURE */
  async admit(name: string, signature: PackageSignature | null, ask: Ask | null): Promise<readonly string[]> {
    if (this.policy === "never") return [];
    // Loaded when needed: the libraries behind it take longer than most commands.
    const { admitPackage, checkSignature, parseVerifyPolicy, SignatureState } = await import("../signature/policy");
    const policy = parseVerifyPolicy(this.policy);
    const report = await checkSignature(signature, this.load());
    await admitPackage(policy, name, report, ask);
    return report.state === SignatureState.Valid ? report.signers : [];
  }

  /** Who signed a text in clear; none when it is not signed or when no OpenPGP key is trusted. @throws PackageError ESIGNATURE for a wrong signature */
  async clearSigners(data: Uint8Array): Promise<readonly string[]> {
    const { keyring } = this.load();
    if (keyring === undefined) return [];
    const text = Buffer.from(data).toString("utf8");
    const { isClearsigned, verifyClearsigned } = await import("../signature/gpg");
    return isClearsigned(text) ? verifyClearsigned(text, keyring) : [];
  }
}
