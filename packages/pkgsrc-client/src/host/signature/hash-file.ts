/**
 * +PKG_HASH: the file that is signed in place of a package. It names the package and holds a SHA-512 of each block of it.
 *
 * Source: pkg_install lib/pkg_signature.c: `parse_hash_file` (what is accepted), `verify_signature_read_cb` (how blocks are checked),
 * `pkg_sign_x509` (what is written).
 *
 *     pkgsrc signature
 *
 *     version: 1
 *     pkgname: NAME
 *     algorithm: SHA512
 *     block size: 65536
 *     file size: BYTES
 *
 *     HEX (one line for each block)
 *     end pkgsrc signature
 *
 * The last block. pkg_install takes its length as `file size % block size`, which is 0 when the file ends on a block boundary: its
 * reader then wants the hash of no bytes there and sees the package without its last block, and its writer does not come to an end.
 * So a file of n whole blocks cannot be signed for pkg_install. Here:
 * - `hashPackage` writes the true hash of the last block (what every other size gets), and `isPortableSize` says whether pkg_install
 *   can read the result, so that a caller can pad the package by bytes that do not count (`padding`);
 * - `verifyBlocks` accepts the true hash, and the hash of no bytes (what pkg_install accepts), when the rest of the block is zero: those
 *   bytes are the padding of a tar, and nobody vouches for them otherwise.
 */
import { createHash } from "node:crypto";
import { PackageError } from "../errors";

/** Bytes of a block in what is written. */
export const BLOCK_SIZE = 65536;

/** Smallest block size that is read ("sane minimum", pkg_signature.c). */
export const MIN_BLOCK_SIZE = 1024;

/** Largest block that is held in memory. */
const MAX_BLOCK_SIZE = 64 << 20;

/** A +PKG_HASH file, read. */
export interface PackageHash {
  packageName: string;
  blockSize: number;
  fileSize: number;
  /** Lower-case hex of the SHA-512 of each block. */
  blocks: string[];
}

/** Whether pkg_install can verify a file of this size: it ends within a block (see the file's header). */
export function isPortableSize(fileSize: number): boolean {
  return fileSize > 0 && fileSize % BLOCK_SIZE !== 0;
}

/**
 * Reads a +PKG_HASH file.
 * Accepts what parse_hash_file accepts: any block size from 1,024 bytes, sizes with leading zeros, a name of printing characters that may
 * be empty. Throws ESIGNATURE for the rest, a file size of 0 included.
 */
export function parsePackageHash(data: Uint8Array, where: string): PackageHash {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
  let at = 0;
  const bad = (reason: string): PackageError =>
    new PackageError("ESIGNATURE", `${where}: +PKG_HASH is not a signature file of version 1: ${reason}`, {
      path: where,
      entry: "+PKG_HASH",
    });
  const expect = (words: string): void => {
    if (!text.startsWith(words, at)) throw bad(`"${words.trim().split("\n").pop()}" expected at offset ${at}`);
    at += words.length;
  };
  const decimal = (field: string): number => {
    const match = /[0-9]*/y;
    match.lastIndex = at;
    const digits = match.exec(text)![0];
    const value = Number(digits);
    if (digits === "" || !Number.isSafeInteger(value)) throw bad(`${field} is not a number that fits`);
    at += digits.length;
    return value;
  };
  expect("pkgsrc signature\n\nversion: 1\npkgname: ");
  const end = text.indexOf("\n", at);
  if (end < 0) throw bad("it is cut short");
  const packageName = text.slice(at, end);
  if (!/^[!-~]*$/.test(packageName)) throw bad("the package's name has characters that cannot be printed");
  at = end + 1;
  expect("algorithm: SHA512\nblock size: ");
  const blockSize = decimal("the block size");
  if (blockSize < MIN_BLOCK_SIZE || blockSize > MAX_BLOCK_SIZE) throw bad(`blocks of ${blockSize} bytes`);
  expect("\nfile size: ");
  const fileSize = decimal("the file size");
  if (fileSize < 1) throw bad("a file of no bytes");
  expect("\n\n");
  const count = Math.ceil(fileSize / blockSize);
  if (text.length - at < count * 129) throw bad("there are fewer hashes than blocks");
  const blocks: string[] = [];
  for (let i = 0; i < count; i++) {
    const hash = text.slice(at, at + 128);
    if (!/^[0-9a-f]{128}$/.test(hash) || text[at + 128] !== "\n")
      throw bad(`the hash of block ${i} is not 128 hexadecimal digits`);
    blocks.push(hash);
    at += 129;
  }
  expect("end pkgsrc signature\n");
  if (at !== text.length) throw bad("there is something behind its end");
  return { packageName, blockSize, fileSize, blocks };
}

/** The bytes of a +PKG_HASH file. */
export function formatPackageHash(hash: PackageHash): Buffer {
  return Buffer.from(
    "pkgsrc signature\n\nversion: 1\n" +
      `pkgname: ${hash.packageName}\nalgorithm: SHA512\nblock size: ${hash.blockSize}\nfile size: ${hash.fileSize}\n\n` +
      hash.blocks.map((block) => `${block}\n`).join("") +
      "end pkgsrc signature\n",
    "latin1",
  );
}

function sha512(block: Uint8Array): string {
  return createHash("sha512").update(block).digest("hex");
}

/** SHA-512 of no bytes. */
const EMPTY_HASH = sha512(new Uint8Array(0));

/** Blocks of `size` bytes; the last one may be shorter. */
async function* blocksOf(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (let chunk of source) {
    while (held + chunk.length >= size) {
      const take = size - held;
      parts.push(chunk.subarray(0, take));
      yield parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      chunk = chunk.subarray(take);
      parts = [];
      held = 0;
    }
    if (chunk.length === 0) continue;
    parts.push(chunk);
    held += chunk.length;
  }
  if (held > 0) yield Buffer.concat(parts);
}

/** Hashes a package for signing. Throws ESIGNATURE for one of no bytes, which no reader would take. */
export async function hashPackage(source: AsyncIterable<Uint8Array>, packageName: string): Promise<PackageHash> {
  const hash: PackageHash = { packageName, blockSize: BLOCK_SIZE, fileSize: 0, blocks: [] };
  for await (const block of blocksOf(source, BLOCK_SIZE)) {
    hash.fileSize += block.length;
    hash.blocks.push(sha512(block));
  }
  if (hash.fileSize === 0)
    throw new PackageError("ESIGNATURE", `${packageName}: a package of no bytes cannot be signed`);
  return hash;
}

/**
 * Passes a signed package's bytes on, each block after its hash was found right.
 * Throws ESIGNATURE at the first block that differs, and when the stream is shorter or longer than the file size.
 */
export async function* verifyBlocks(
  source: AsyncIterable<Uint8Array>,
  hash: PackageHash,
  where: string,
): AsyncGenerator<Uint8Array> {
  let index = 0;
  for await (const block of blocksOf(source, hash.blockSize)) {
    const expected = hash.blocks[index];
    const last = index === hash.blocks.length - 1;
    const length = last ? hash.fileSize - index * hash.blockSize : hash.blockSize;
    if (expected === undefined || block.length !== length) {
      throw new PackageError(
        "ESIGNATURE",
        `${where}: the package is not of the signed size of ${hash.fileSize} bytes`,
        { path: where },
      );
    }
    const asPkgInstall =
      last && length === hash.blockSize && expected === EMPTY_HASH && block.every((byte) => byte === 0);
    if (!asPkgInstall && sha512(block) !== expected) {
      throw new PackageError("ESIGNATURE", `${where}: block ${index} of the package does not have its signed hash`, {
        path: where,
      });
    }
    index += 1;
    yield block;
  }
  if (index !== hash.blocks.length) {
    throw new PackageError(
      "ESIGNATURE",
      `${where}: the package is cut short after ${index} of ${hash.blocks.length} signed blocks`,
      { path: where },
    );
  }
}
