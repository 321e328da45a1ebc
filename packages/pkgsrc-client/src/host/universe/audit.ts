/**
 * Auditing packages against pkg-vulnerabilities.
 *
 * Key functions: `readVulnerabilities`, `auditPackages`. Neighbours: the core's `vulnerabilities.ts`. Decompression and the check of the PGP signature come before.
 * Source: pkg_admin(1), `audit`; pkg_install lib/vulnerabilities-file.c, verify_hash.
 */
import { createHash } from "node:crypto";
import { Auditor, IntVec, Vulnerabilities, VulnerabilitiesFault } from "../../index";
import { PackageError } from "../errors";
import { textAt } from "./view";

const FAULTS: Readonly<Record<VulnerabilitiesFault, string>> = {
  [VulnerabilitiesFault.NONE]: "",
  [VulnerabilitiesFault.NUL]: "it has a byte 0",
  [VulnerabilitiesFault.NO_NEWLINE]: "its last line does not end",
  [VulnerabilitiesFault.HEADER]: "its header has no #FORMAT",
  [VulnerabilitiesFault.FORMAT]: "its format is not 1.1.0",
  [VulnerabilitiesFault.CHECKSUM]: "#CHECKSUM is not an algorithm and a value",
  [VulnerabilitiesFault.NO_CLASS]: "an entry has no class",
  [VulnerabilitiesFault.NO_URL]: "an entry has no URL",
};

export interface VulnerabilityList {
  readonly entries: Vulnerabilities;
  readonly auditor: Auditor;
  /** Checksums that were right, as `SHA512`. */
  readonly verified: readonly string[];
  /** Things to tell the user: no checksum, an algorithm that is not known, patterns that are none. */
  readonly warnings: readonly string[];
}

/**
 * Reads an uncompressed file and checks its checksums. `where` names it in messages.
 * Throws EBADDATA for a file that breaks the format and ECHECKSUM for a wrong checksum.
 */
export function readVulnerabilities(data: Uint8Array, where: string): VulnerabilityList {
  const entries = new Vulnerabilities(data);
  if (entries.fault !== VulnerabilitiesFault.NONE) {
    throw new PackageError("EBADDATA", `${where}: line ${entries.faultLine}: ${FAULTS[entries.fault]}`, {
      path: where,
    });
  }
  const verified: string[] = [];
  const warnings: string[] = [];
  const c = entries.checksums;
  for (let i = 0; i < c.length; i += 4) {
    const algorithm = textAt(data, c.get(i), c.get(i + 1));
    const value = textAt(data, c.get(i + 2), c.get(i + 3));
    if (algorithm !== "SHA512" && algorithm !== "SHA1") {
      warnings.push(`${where}: the checksum ${algorithm} is not known`);
      continue;
    }
    const hash = createHash(algorithm.toLowerCase());
    for (let k = 0; k < entries.hashed.length; k += 2) {
      hash.update(data.subarray(entries.hashed.get(k), entries.hashed.get(k) + entries.hashed.get(k + 1)));
    }
    const found = hash.digest("hex");
    if (found !== value) {
      throw new PackageError("ECHECKSUM", `${where}: its ${algorithm} checksum is ${found}, it says ${value}`, {
        path: where,
      });
    }
    verified.push(algorithm);
  }
  if (c.length === 0) warnings.push(`${where}: there is no checksum`);
  const auditor = new Auditor(entries);
  for (let i = 0; i < auditor.malformed.length; i++) {
    const e = auditor.malformed.get(i);
    warnings.push(`${where}: ${textAt(data, entries.patternAt(e), entries.patternLength(e))} is no pattern`);
  }
  return { entries, auditor, verified, warnings };
}

export interface AuditOptions {
  /** Tell of packages that have reached their end of life too (`pkg_admin audit -e`); default false. */
  eol?: boolean;
  /** Only vulnerabilities of this class (`-t`). */
  type?: string;
  /** URLs of advisories to leave out (`-i`, IGNORE_URLS of pkg_install.conf). */
  ignore?: readonly string[];
}

/** A vulnerability of a package. */
export interface Finding {
  /** PKGNAME. */
  readonly name: string;
  /** `buffer-overflow`, ...; `eol` for the end of life. */
  readonly type: string;
  readonly url: string;
  /** The pattern that matched. */
  readonly pattern: string;
}

/** The vulnerabilities of packages by their names, package by package in the order of the file. Only findings that are not `eol` make an audit fail. */
export function auditPackages(list: VulnerabilityList, names: Iterable<string>, options: AuditOptions = {}): Finding[] {
  const { entries, auditor } = list;
  const ignored = new Set(options.ignore ?? []);
  const findings: Finding[] = [];
  const matching = new IntVec();
  for (const name of names) {
    const bytes = new TextEncoder().encode(name);
    auditor.find(bytes, 0, bytes.length, matching);
    for (let i = 0; i < matching.length; i++) {
      const e = matching.get(i);
      const type = textAt(entries.text, entries.classAt(e), entries.classLength(e));
      const url = textAt(entries.text, entries.urlAt(e), entries.urlLength(e));
      if (ignored.has(url) || (options.type !== undefined && options.type !== type)) continue;
      if (entries.isEndOfLife(e) && options.eol !== true) continue;
      findings.push({ name, type, url, pattern: textAt(entries.text, entries.patternAt(e), entries.patternLength(e)) });
    }
  }
  return findings;
}
