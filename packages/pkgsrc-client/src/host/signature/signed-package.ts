/**
 * Making signed packages: `pkg_admin x509-sign-package` and `gpg-sign-package`.
 *
 * Key function: `signPackage`. Source: pkg_install lib/pkg_signature.c, pkg_sign_x509 and pkg_sign_gpg: an ar archive (BSD variant) of
 * +PKG_HASH, the signature, and the package.
 * Invariant: what is written can be read by pkg_install: a package that ends on a block boundary gets an empty member of its compression
 * behind it (see `hash-file.ts`).
 */
import fsp from "node:fs/promises";
import { basename } from "node:path";
import { collect, compress, Compression, DETECT_BYTES, detectCompression } from "../archive/compression";
import { openPackage } from "../archive/package";
import { ioError, PackageError } from "../errors";
import { readChunks, writeFileAtomic } from "../fs";
import { writeAr } from "./ar";
import type { ArMember } from "./ar";
import { formatPackageHash, hashPackage, isPortableSize } from "./hash-file";
import { signGpg } from "./gpg";
import type { GpgSigner } from "./gpg";
import { signPkcs7 } from "./x509";
import type { X509Signer } from "./x509";

export interface SigningOptions {
  /** Seconds since 1970 of the members; default: the package's. */
  mtime?: number;
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // Compressed, this is an empty member.
}

/** Bytes that mean nothing behind a package of a compression. */
async function filler(compression: Compression): Promise<Uint8Array> {
  // Stream Padding of the .xz format comes in fours; a tar ends with blocks of zeros; the others take an empty member.
  if (compression === Compression.Xz) return new Uint8Array(4);
  if (compression === Compression.None) return new Uint8Array(512);
  return collect(compress(nothing(), compression));
}

/**
 * Signs the package `input` and writes the signed one to `output`.
 * Throws EBADARCHIVE when `input` is no package, ESIGNATURE when it is signed already or cannot be signed with this key.
 */
export async function signPackage(
  input: string,
  output: string,
  signer: X509Signer | GpgSigner,
  options: SigningOptions = {},
): Promise<void> {
  const reader = await openPackage(input);
  await reader.close();
  if (reader.signature !== null) throw new PackageError("ESIGNATURE", `${input} is signed already`, { path: input });
  let stat: Awaited<ReturnType<typeof fsp.stat>>;
  try {
    stat = await fsp.stat(input);
  } catch (error) {
    throw ioError("read", input, error);
  }
  let padding: Uint8Array = new Uint8Array(0);
  if (!isPortableSize(stat.size)) {
    let head: Uint8Array = new Uint8Array(0);
    for await (const chunk of readChunks(input, DETECT_BYTES)) {
      head = chunk;
      break;
    }
    padding = await filler(detectCompression(head));
  }
  async function* payload(): AsyncGenerator<Uint8Array> {
    yield* readChunks(input);
    if (padding.length > 0) yield padding;
  }
  const hash = await hashPackage(payload(), reader.contents.name);
  const signed = formatPackageHash(hash);
  const x509 = "certificate" in signer;
  const signature = Buffer.from(x509 ? await signPkcs7(signed, signer) : await signGpg(signed, signer), "latin1");
  const common = { mtime: options.mtime ?? Math.floor(stat.mtimeMs / 1000), uid: 0, gid: 0, mode: 0o100644 };
  async function* once(data: Uint8Array): AsyncGenerator<Uint8Array> {
    yield data;
  }
  const members: ArMember[] = [
    { header: { ...common, name: "+PKG_HASH", size: signed.length }, data: once(signed) },
    {
      header: { ...common, name: x509 ? "+PKG_SIGNATURE" : "+PKG_GPG_SIGNATURE", size: signature.length },
      data: once(signature),
    },
    { header: { ...common, name: basename(input), size: hash.fileSize }, data: payload() },
  ];
  await writeFileAtomic(output, writeAr(members));
}
