/**
 * Reading binary packages: metadata without the rest, lists, verification.
 *
 * Key class: `PackageReader`, from `openPackage`. It goes over the file once: signature wrapper (ar, when there is one), compression, tar;
 * first the metadata, then the files.
 * Neighbours: `checks.ts` has the rules for entries, `extract.ts` writes them, `../signature/` decides whom to trust.
 * Invariant: no byte of an entry is given out whose name, type and place were not found harmless; an entry's data ends with an error when
 * its checksum is wrong.
 *
 *     const reader = await openPackage("foo-1.0.tgz");
 *     try {
 *       reader.contents.name; reader.metadata.get("+DESC");
 *       for await (const entry of reader.entries()) ...
 *     } finally {
 *       await reader.close();
 *     }
 */
import { PackageError } from "../errors";
import { readChunks } from "../fs";
import { isAr, readAr } from "../signature/ar";
import type { ArMember } from "../signature/ar";
import { parsePackageHash, verifyBlocks } from "../signature/hash-file";
import type { PackageHash } from "../signature/hash-file";
import { EntryChecker } from "./checks";
import type { CheckedEntry } from "./checks";
import { collect, decompress } from "./compression";
import { readContents } from "./contents";
import type { Contents } from "./contents";
import { METADATA_FILES, metadataIndex } from "./metadata";
import type { Metadata } from "./metadata";
import { EntryType, readTar } from "./tar";
import type { TarEntry } from "./tar";

/** Most bytes of one metadata file. */
const MAX_METADATA = 256 << 20;

/** Most bytes of +PKG_HASH and of a signature. */
const MAX_SIGNATURE = 64 << 20;

/** How a signed package was signed. */
export enum SignatureKind {
  /** +PKG_SIGNATURE: PKCS#7, PEM. */
  X509 = 0,
  /** +PKG_GPG_SIGNATURE: OpenPGP, armoured. */
  Gpg = 1,
}

/** A package's signature, not yet checked against anybody's key. */
export interface PackageSignature {
  kind: SignatureKind;
  /** The signed bytes: +PKG_HASH. */
  signed: Buffer;
  signature: Buffer;
  hash: PackageHash;
}

export interface OpenOptions {
  /** What the package is called in messages. Default: its path. */
  name?: string;
}

async function memberData(member: ArMember, where: string): Promise<Buffer> {
  if (member.header.size > MAX_SIGNATURE) {
    throw new PackageError("ESIGNATURE", `${where}: ${member.header.name} is too large`, {
      path: where,
      entry: member.header.name,
    });
  }
  return collect(member.data);
}

/** Puts back what was read to look at the beginning. */
async function* prepend(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield head;
    for (;;) {
      const next = await rest.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

/** A binary package that is being read, from front to back. */
export class PackageReader {
  private consumed = false;

  /** Made by `openPackage`. */
  constructor(
    /** What the package is called in messages. */
    readonly path: string,
    readonly metadata: Metadata,
    readonly contents: Contents,
    /** The signature, or null for a package that is not signed. */
    readonly signature: PackageSignature | null,
    private readonly next: TarEntry | null,
    private readonly rest: AsyncGenerator<TarEntry>,
    private readonly outer: AsyncIterator<unknown>,
  ) {}

  /**
   * The package's files in order, checked (see `EntryChecker`). An entry's data must be read before the next entry is asked for; what is
   * left is read and checked. Can be gone over once.
   * Throws EUNSAFE, EBADARCHIVE, ECHECKSUM, ESIGNATURE; each names archive, entry and reason.
   */
  async *entries(): AsyncGenerator<CheckedEntry> {
    if (this.consumed)
      throw new PackageError("EBADARCHIVE", `${this.path}: its entries were read already`, { path: this.path });
    this.consumed = true;
    const checker = new EntryChecker(this.path, this.contents.files);
    try {
      if (this.next !== null) yield* this.one(checker, this.next);
      for await (const entry of this.rest) yield* this.one(checker, entry);
      checker.finish();
    } finally {
      await this.close();
    }
  }

  private async *one(checker: EntryChecker, entry: TarEntry): AsyncGenerator<CheckedEntry> {
    const checked = checker.check(entry);
    yield checked;
    for await (const chunk of checked.data) void chunk;
  }

  /** Releases the file; may be called at any time and more than once. */
  async close(): Promise<void> {
    await this.rest.return(undefined);
    await this.outer.return?.();
  }
}

async function readMetadataFile(entry: TarEntry, where: string): Promise<Buffer> {
  const name = entry.header.name;
  if (entry.header.type !== EntryType.File) {
    throw new PackageError("EUNSAFE", `${where}: ${name} is not a regular file`, { path: where, entry: name });
  }
  if (entry.header.size > MAX_METADATA) {
    throw new PackageError("EBADARCHIVE", `${where}: ${name} is too large`, { path: where, entry: name });
  }
  return collect(entry.data);
}

/** Metadata from the front of a tar (add/perform.c, read_meta_data), and the first entry behind it. */
async function readMetadataFiles(
  tar: AsyncGenerator<TarEntry>,
  where: string,
): Promise<{ metadata: Metadata; next: TarEntry | null }> {
  const metadata: Metadata = new Map();
  let last = -1;
  let next: TarEntry | null = null;
  for (;;) {
    const step = await tar.next();
    if (step.done === true) break;
    const { name } = step.value.header;
    const index = metadataIndex(name);
    if (index < 0) {
      next = step.value;
      break;
    }
    if (metadata.has(name))
      throw new PackageError("EBADARCHIVE", `${where}: ${name} is there twice`, { path: where, entry: name });
    if (last < 0 && index !== 0) {
      throw new PackageError("EBADARCHIVE", `${where}: the first file is ${name} and not +CONTENTS`, {
        path: where,
        entry: name,
      });
    }
    if (index < last)
      throw new PackageError("EBADARCHIVE", `${where}: ${name} is not in its place`, { path: where, entry: name });
    last = index;
    metadata.set(name, await readMetadataFile(step.value, where));
  }
  for (const file of METADATA_FILES) {
    if (file.required && !metadata.has(file.name)) {
      const first = metadata.size === 0 && next !== null ? `; its first file is ${next.header.name}` : "";
      throw new PackageError("EBADARCHIVE", `${where} is not a binary package: it has no ${file.name}${first}`, {
        path: where,
        entry: file.name,
      });
    }
  }
  return { metadata, next };
}

/** The signature of a signed package, and the package inside. */
async function unwrap(
  members: AsyncGenerator<ArMember>,
  where: string,
): Promise<{ signature: PackageSignature; payload: AsyncIterable<Uint8Array> }> {
  const need = async (what: string): Promise<ArMember> => {
    const step = await members.next();
    if (step.done === true)
      throw new PackageError("ESIGNATURE", `${where}: the signed package ends before its ${what}`, { path: where });
    return step.value;
  };
  const hashMember = await need("+PKG_HASH");
  if (hashMember.header.name !== "+PKG_HASH") {
    throw new PackageError(
      "ESIGNATURE",
      `${where} is not a signed package: its first member is ${hashMember.header.name} and not +PKG_HASH`,
      {
        path: where,
        entry: hashMember.header.name,
      },
    );
  }
  const signed = await memberData(hashMember, where);
  const hash = parsePackageHash(signed, where);
  const signatureMember = await need("signature");
  const kind = ["+PKG_SIGNATURE", "+PKG_GPG_SIGNATURE"].indexOf(signatureMember.header.name);
  if (kind < 0) {
    const entry = signatureMember.header.name;
    throw new PackageError("ESIGNATURE", `${where}: ${entry} stands where +PKG_SIGNATURE or +PKG_GPG_SIGNATURE must`, {
      path: where,
      entry,
    });
  }
  const signature = await memberData(signatureMember, where);
  const inner = await need("package");
  if (inner.header.size !== hash.fileSize) {
    throw new PackageError(
      "ESIGNATURE",
      `${where}: the package inside has ${inner.header.size} bytes and not the signed ${hash.fileSize}`,
      {
        path: where,
        entry: inner.header.name,
      },
    );
  }
  return { signature: { kind, signed, signature, hash }, payload: verifyBlocks(inner.data, hash, where) };
}

/**
 * Opens a binary package, signed or not, and reads its metadata.
 * The hashes of a signed package's blocks are checked as they are read; who signed it is for `verifySignature`.
 * Throws EBADARCHIVE, ESIGNATURE, EUNSAFE, or the operating system's code for a path that cannot be read.
 */
export async function openPackage(
  source: string | AsyncIterable<Uint8Array>,
  options: OpenOptions = {},
): Promise<PackageReader> {
  const where = options.name ?? (typeof source === "string" ? source : "the package");
  const chunks = (typeof source === "string" ? readChunks(source) : source)[Symbol.asyncIterator]();
  let outer: AsyncIterator<unknown> = chunks;
  try {
    let head: Uint8Array = new Uint8Array(0);
    while (head.length < 8) {
      const step = await chunks.next();
      if (step.done === true) break;
      head = head.length === 0 ? step.value : Buffer.concat([head, step.value]);
    }
    if (head.length === 0) throw new PackageError("EBADARCHIVE", `${where} is empty`, { path: where });
    let payload: AsyncIterable<Uint8Array> = prepend(head, chunks);
    let signature: PackageSignature | null = null;
    if (isAr(head)) {
      const members = readAr(payload, where);
      outer = members;
      ({ signature, payload } = await unwrap(members, where));
    }
    const tar = readTar(decompress(payload, { name: where }), where);
    const { metadata, next } = await readMetadataFiles(tar, where);
    const contents = readContents(metadata.get("+CONTENTS")!, where);
    if (signature !== null && signature.hash.packageName !== contents.name) {
      throw new PackageError(
        "ESIGNATURE",
        `${where}: the signature is for ${signature.hash.packageName}, the package is ${contents.name}`,
        { path: where },
      );
    }
    return new PackageReader(where, metadata, contents, signature, next, tar, outer);
  } catch (error) {
    await outer.return?.();
    await chunks.return?.();
    throw error;
  }
}

/** A package's metadata; the rest of the file is not read. */
export async function readPackageMetadata(
  path: string,
): Promise<{ metadata: Metadata; contents: Contents; signature: PackageSignature | null }> {
  const reader = await openPackage(path);
  await reader.close();
  return { metadata: reader.metadata, contents: reader.contents, signature: reader.signature };
}

/**
 * Reads a whole package and checks everything that can be checked without keys: see `PackageReader.entries`.
 * Returns the sum of its files' sizes and their number.
 */
export async function verifyPackage(
  path: string,
): Promise<{ files: number; bytes: number; contents: Contents; signature: PackageSignature | null }> {
  const reader = await openPackage(path);
  let files = 0;
  let bytes = 0;
  for await (const entry of reader.entries()) {
    files += 1;
    bytes += entry.header.size;
  }
  return { files, bytes, contents: reader.contents, signature: reader.signature };
}
