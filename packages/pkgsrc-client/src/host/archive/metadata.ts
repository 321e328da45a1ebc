/**
 * The `+` files of a package: their names, order and permissions.
 * Source: pkg_install add/perform.c, `pkg_meta_descriptors`, and lib/lib.h.
 */

/** A metadata file of a binary package or of an installed one. */
export interface MetadataFile {
  name: string;
  required: boolean;
  /** Permission bits in the installed database, before the umask. */
  mode: number;
}

/** In the order in which they stand in an archive; another order makes the package unusable. */
export const METADATA_FILES: readonly MetadataFile[] = [
  { name: "+CONTENTS", required: true, mode: 0o644 },
  { name: "+COMMENT", required: true, mode: 0o444 },
  { name: "+DESC", required: true, mode: 0o444 },
  { name: "+INSTALL", required: false, mode: 0o555 },
  { name: "+DEINSTALL", required: false, mode: 0o555 },
  { name: "+DISPLAY", required: false, mode: 0o444 },
  { name: "+MTREE_DIRS", required: false, mode: 0o444 },
  { name: "+BUILD_VERSION", required: false, mode: 0o444 },
  { name: "+BUILD_INFO", required: false, mode: 0o444 },
  { name: "+SIZE_PKG", required: false, mode: 0o444 },
  { name: "+SIZE_ALL", required: false, mode: 0o444 },
  { name: "+PRESERVE", required: false, mode: 0o444 },
  { name: "+VIEWS", required: false, mode: 0o444 },
  { name: "+REQUIRED_BY", required: false, mode: 0o644 },
  { name: "+INSTALLED_INFO", required: false, mode: 0o644 },
];

/** Position in `METADATA_FILES`, -1 for other names. */
export function metadataIndex(name: string): number {
  return METADATA_FILES.findIndex((file) => file.name === name);
}

/** Metadata by name (`+CONTENTS`, ...), each as it stands in the archive. */
export type Metadata = Map<string, Buffer>;

/** A `VAR=value` file (+BUILD_INFO, +INSTALLED_INFO): every value of each variable, in order. */
export function readVariables(data: Uint8Array): Map<string, string[]> {
  const variables = new Map<string, string[]>();
  for (const line of Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8").split("\n")) {
    const equals = line.indexOf("=");
    if (equals <= 0) continue;
    const name = line.slice(0, equals);
    // lib/var.c, var_cmp: one space after the equals sign is not part of the value.
    const value = line.startsWith(" ", equals + 1) ? line.slice(equals + 2) : line.slice(equals + 1);
    const known = variables.get(name);
    if (known === undefined) variables.set(name, [value]);
    else known.push(value);
  }
  return variables;
}
