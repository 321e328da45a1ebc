/** Binary packages: compression, reading, checking, unpacking, making. */
export { pathProblem } from "./checks";
export type { CheckedEntry } from "./checks";
export {
  collect,
  compress,
  Compression,
  decompress,
  decompressBuffer,
  detectCompression,
  PACKAGE_SUFFIX,
} from "./compression";
export type { CompressOptions, DecompressOptions } from "./compression";
export { readContents } from "./contents";
export type { Contents, ListedDirectory, ListedFile } from "./contents";
export { createPackage, packageContents, writePackage } from "./create";
export type { FileInput, PackageInput } from "./create";
export { extractPackage } from "./extract";
export type { ExtractedFile, ExtractOptions } from "./extract";
export { METADATA_FILES, metadataIndex, readVariables } from "./metadata";
export type { Metadata, MetadataFile } from "./metadata";
export { Owners } from "./owners";
export { openPackage, PackageReader, readPackageMetadata, SignatureKind, verifyPackage } from "./package";
export type { OpenOptions, PackageSignature } from "./package";
export { EntryType } from "./tar";
export type { EntryHeader } from "./tar";
