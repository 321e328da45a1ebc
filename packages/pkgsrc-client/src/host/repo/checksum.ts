/**
 * Checksums as repositories give them: FILE_CKSUM of pkg_summary(5), an algorithm's name and a value in hexadecimal.
 */
import { createHash } from "node:crypto";
import { PackageError } from "../errors";
import { readChunks } from "../fs";

/** An expected checksum. */
export interface Checksum {
  /** Name in node:crypto: md5, sha1, ripemd160, sha256, sha512, ... */
  algorithm: string;
  /** Lower-case hexadecimal. */
  value: string;
}

/** Names in pkgsrc to names in node:crypto, and the number of hexadecimal digits. */
const ALGORITHMS: ReadonlyMap<string, readonly [string, number]> = new Map([
  ["MD5", ["md5", 32]],
  ["SHA1", ["sha1", 40]],
  ["RMD160", ["ripemd160", 40]],
  ["SHA256", ["sha256", 64]],
  ["SHA512", ["sha512", 128]],
  ["BLAKE2S", ["blake2s256", 64]],
  ["BLAKE2B", ["blake2b512", 128]],
]);

/** Reads `SHA512 HEX`, also with a colon, an equals sign or more blanks between. Throws EBADDATA for what cannot be checked. */
export function parseChecksum(text: string): Checksum {
  const match = /^\s*([A-Za-z0-9-]+)(?:\s*[:=]\s*|\s+)([0-9a-fA-F]+)\s*$/.exec(text);
  const known = match === null ? undefined : ALGORITHMS.get(match[1]!.toUpperCase().replace("-", ""));
  if (match === null || known === undefined || match[2]!.length !== known[1]) {
    throw new PackageError("EBADDATA", `"${text}" is no checksum of a known algorithm`);
  }
  return { algorithm: known[0], value: match[2]!.toLowerCase() };
}

/** Hexadecimal checksum of a file. */
export async function hashFile(path: string, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of readChunks(path, 1 << 20)) hash.update(chunk);
  return hash.digest("hex");
}
